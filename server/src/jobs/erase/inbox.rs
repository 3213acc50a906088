//! A node's own inbox after an erasure: bodies of webhooks that name somebody erased are deleted, and delivered
//! rows are no longer kept for replay. Whom a body names is found by hashing what it says, so that every node
//! can do it from the list of keyed hashes alone.

use std::collections::HashMap;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::app::App;
use crate::ingest::inbox::Webhook;
use crate::jobs::apply::sealing_place;
use crate::jobs::{Job, JobError, Place};
use crate::person_keys::PersonKeys;

/// Webhooks looked through at once.
const BATCH: usize = 200;
/// Ids are within these; longer texts are looked at word by word.
const ID_BYTES_MIN: usize = 6;
const ID_BYTES_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 256;

/// The job of nodes other than the one that erases.
pub struct EraseInbox;

impl Job for EraseInbox {
    fn name(&self) -> &'static str {
        "erase inbox"
    }

    fn place(&self) -> Place {
        Place::EveryNode
    }

    fn step<'a>(&'a self, app: &'a App) -> BoxFuture<'a, Result<bool, JobError>> {
        Box::pin(async {
            let newest_ms = app.control.newest_erasure_ms().await?;
            if newest_ms > 0 {
                let name = format!("erase/{}", app.inbox.id());
                let known = app.control.checkpoint(&name).await?;
                if newest_ms > known.and_then(|text| text.parse().ok()).unwrap_or(0) {
                    clean(app).await?;
                    app.control.set_checkpoint(&name, &newest_ms.to_string(), app.clock.now_ms()).await?;
                }
            }
            Ok(false)
        })
    }
}

/// Looks through everything this node kept. Answers how many bodies were deleted.
pub(super) async fn clean(app: &App) -> Result<u64, JobError> {
    app.inbox.forget_delivered().await?;
    let (mut after, mut deleted) = (0, 0);
    loop {
        let webhooks = app.inbox.webhooks_with_body(after, BATCH).await?;
        let Some(last) = webhooks.last() else { return Ok(deleted) };
        after = last.id;
        let mut by_workspace: HashMap<&str, Vec<(i64, Vec<String>)>> = HashMap::new();
        for webhook in &webhooks {
            let named = names(app, webhook);
            by_workspace.entry(&webhook.workspace_id).or_default().push((webhook.id, named));
        }
        let mut gone = Vec::new();
        for (workspace_id, named) in by_workspace {
            let keys: Vec<String> = named.iter().flat_map(|(_, keys)| keys).cloned().collect();
            let erased = app.control.erased(workspace_id, &keys).await?;
            let is_erased = |keys: &[String]| keys.iter().any(|key| erased.contains_key(key));
            gone.extend(named.iter().filter(|(_, keys)| is_erased(keys)).map(|(id, _)| *id));
        }
        if !gone.is_empty() {
            deleted += app.inbox.forget_bodies(gone).await? as u64;
        }
    }
}

/// The keys of everybody a body may name. One that does not open names nobody that we could know.
fn names(app: &App, webhook: &Webhook) -> Vec<String> {
    let place = sealing_place(&webhook.connection_id, &webhook.event_id);
    let Ok(body) = app.secrets.open_bytes(&place, &webhook.sealed_body) else { return Vec::new() };
    let keys = PersonKeys::new(&app.secrets, &webhook.workspace_id);
    let mut named = Vec::new();
    match serde_json::from_slice::<Value>(&body) {
        Ok(value) => each_text(&value, &mut |text| of_text(&keys, &webhook.connection_id, text, &mut named)),
        Err(_) => of_text(&keys, &webhook.connection_id, &String::from_utf8_lossy(&body), &mut named),
    }
    named.sort_unstable();
    named.dedup();
    named
}

fn each_text(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, see)),
        Value::Object(map) => map.values().for_each(|value| each_text(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn of_text(keys: &PersonKeys, connection: &str, text: &str, named: &mut Vec<String>) {
    let ends_word = |c: char| c.is_whitespace() || c.is_control() || "\"'<>,;:()[]{}=&?/\\|#".contains(c);
    let whole = Some(text).filter(|text| text.len() <= TEXT_BYTES_MAX);
    for word in whole.into_iter().chain(text.split(ends_word)) {
        if let Some(email) = keys.email(word) {
            named.push(format!("email/{}", email.strong));
        } else if let Some(visitor) = wire::VisitorId::parse(word) {
            named.push(keys.erased("visitor", &[&format!("{:032x}", visitor.ulid.to_u128())]));
        } else if (ID_BYTES_MIN..=ID_BYTES_MAX).contains(&word.len()) {
            named.push(keys.erased("customer", &[connection, word]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    #[test]
    fn addresses_visitors_and_customers_are_seen_wherever_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::load(&"".into(), dir.path()).unwrap();
        let keys = PersonKeys::new(&secrets, "ws_a");
        let ada = format!("email/{}", keys.email("ada@example.com").unwrap().strong);
        let visitor = keys.erased("visitor", &[&format!("{:032x}", 7)]);
        let customer = keys.erased("customer", &["con", "cus_0001"]);
        for (text, key) in [
            ("ADA@example.com", &ada),
            ("Ada <ada@example.com>, by mail", &ada),
            ("https://a.example/?to=ada@example.com&x=1", &ada),
            ("{\"email\":\"ada@example.com\",\"cut of", &ada),
            ("vis_00000000000000000000000007", &visitor),
            ("{\"id\":\"vis_00000000000000000000000007_k1abc\"", &visitor),
            ("cus_0001", &customer),
        ] {
            let mut named = Vec::new();
            of_text(&keys, "con", text, &mut named);
            assert!(named.contains(key), "{text}");
        }
    }
}
