//! What some pages say: only the versions that are not known yet become facts. What does not parse is kept with the
//! failed webhooks, sealed, visible and to be replayed.

use std::collections::{BTreeMap, HashMap};

use clickhouse::Row;
use domain::order::Fact;
use serde::Deserialize;
use serde_json::{Value, json};

use super::state::Run;
use crate::app::App;
use crate::billing::{Context, ObjectKind, Provider};
use crate::control::connections::Connection;
use crate::ingest::inbox::NewWebhook;
use crate::jobs::JobError;
use crate::jobs::apply::sealing_place;
use crate::jobs::facts::{self, Facts};
use crate::secrets::sha256_hex;
use crate::sql;

/// A change younger than this may have its webhook on the way: it is taken, and not counted as found.
const GRACE_MS: i64 = 10 * 60_000;

#[derive(Row, Deserialize)]
struct Known {
    kind: String,
    object_id: String,
    version_ms: i64,
}

/// What was read and not kept yet.
#[derive(Default)]
pub(super) struct Gathered {
    /// Newest version of each object seen, by kind and id; whether a list named it, or another object held it.
    facts: BTreeMap<(&'static str, String), (Fact, bool)>,
    rejects: Vec<NewWebhook>,
}

impl Gathered {
    pub fn add(
        &mut self,
        app: &App,
        provider: &'static dyn Provider,
        connection: &Connection,
        kind: ObjectKind,
        items: Vec<Value>,
    ) {
        let emails = app.secrets.email_hasher(&connection.workspace_id);
        let context = Context {
            connection_id: &connection.id,
            delivery_id: "",
            observed_ms: app.clock.now_ms(),
            emails: &emails,
        };
        for item in items {
            match provider.normalise_object(kind, &item, &context) {
                Ok(facts) => {
                    for (at, fact) in facts.into_iter().enumerate() {
                        self.see(fact, at == 0);
                    }
                }
                Err(error) => {
                    tracing::warn!(connection = connection.id, "poll of {}: {error}", connection.id);
                    self.rejects.push(reject(app, provider, connection, kind, item));
                }
            }
        }
    }

    fn see(&mut self, fact: Fact, listed: bool) {
        let key = (fact.kind(), fact.head().object_id.clone());
        let entry = self.facts.entry(key).or_insert_with(|| (fact.clone(), listed));
        entry.1 |= listed;
        if fact.head().version_ms > entry.0.head().version_ms {
            entry.0 = fact;
        }
    }

    /// Makes durable what is new and counts it in `run`. After a step that was cut, what is known already is marked as
    /// well: the cut may have come between its facts and their marks.
    pub async fn keep(
        self,
        app: &App,
        provider: &'static dyn Provider,
        connection: &Connection,
        run: &mut Run,
        was_cut: bool,
    ) -> Result<(), JobError> {
        for reject in self.rejects {
            run.rejected += 1;
            app.inbox.keep_webhook(reject).await?;
        }
        if self.facts.is_empty() {
            return Ok(());
        }
        let known = known(app, connection, self.facts.keys().map(|(_, id)| id.clone()).collect()).await?;
        let now_ms = app.clock.now_ms();
        let mut new = Facts::default();
        let mut known_subjects = Vec::new();
        let (mut imported, mut found) = (0_u64, BTreeMap::<&'static str, u64>::new());
        for ((kind, id), (fact, listed)) in &self.facts {
            let version_ms = fact.head().version_ms;
            if known.get(&((*kind).to_owned(), id.clone())).is_some_and(|&known_ms| known_ms >= version_ms) {
                known_subjects.push(facts::subject(&connection.workspace_id, fact));
                continue;
            }
            new.push(&connection.workspace_id, &connection.id, now_ms, fact);
            if !listed {
                continue;
            }
            if version_ms < connection.created_at_ms {
                imported += 1;
            } else if webhooks_tell(kind) && version_ms < now_ms - GRACE_MS {
                *found.entry(kind).or_default() += 1;
            }
        }
        new.keep(app, &format!("poll {}", connection.id)).await?;
        if was_cut {
            app.control.mark_dirty(&known_subjects, now_ms).await?;
        }
        run.imported += imported;
        for (kind, count) in found {
            run.found += count;
            metrics::counter!("tributary_poll_found_total", "provider" => provider.name(), "kind" => kind)
                .increment(count);
        }
        Ok(())
    }
}

/// Whether a webhook could have told of facts of this kind.
fn webhooks_tell(kind: &str) -> bool {
    ObjectKind::ALL.into_iter().any(|known| known.name() == kind && known.has_webhooks())
}

async fn known(
    app: &App,
    connection: &Connection,
    objects: Vec<String>,
) -> Result<HashMap<(String, String), i64>, JobError> {
    let rows: Vec<Known> = app
        .store
        .client()
        .query_raw(sql!("facts/versions.sql"))
        .param("workspace", &connection.workspace_id)
        .param("connection", &connection.id)
        .param("objects", objects)
        .fetch_all()
        .await?;
    Ok(rows.into_iter().map(|row| ((row.kind, row.object_id), row.version_ms)).collect())
}

/// An object that does not parse, as an event of its own: the same object is kept once.
fn reject(
    app: &App,
    provider: &dyn Provider,
    connection: &Connection,
    kind: ObjectKind,
    item: Value,
) -> NewWebhook {
    let event_type = format!("poll.{}", kind.name());
    let body = json!({ "type": event_type, "data": item }).to_string();
    let event_id = format!("poll-{}", &sha256_hex(body.as_bytes())[..32]);
    NewWebhook {
        provider: provider.name().to_owned(),
        workspace_id: connection.workspace_id.clone(),
        connection_id: connection.id.clone(),
        event_type: Some(event_type),
        received_at_ms: app.clock.now_ms(),
        sealed_body: app.secrets.seal_bytes(&sealing_place(&connection.id, &event_id), body.as_bytes()),
        event_id,
    }
}
