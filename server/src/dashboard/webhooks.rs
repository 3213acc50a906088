//! The page of what a provider told and does not apply: why, how often, what to do, and a button that tries again.

use std::collections::BTreeSet;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::control::keys::Scope;
use crate::http::auth::Reader;
use crate::http::dead_letters::{FailedCount, Which, again, list};
use crate::http::problem::Problem;

struct Row {
    when: String,
    event: String,
    event_type: String,
    error: String,
    next: String,
    attempts: u32,
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    workspace: String,
    connection: String,
    event_type: String,
    /// Id, name, whether it is chosen.
    connections: Vec<(String, String, bool)>,
    types: Vec<(String, bool)>,
    /// What was done, and whether it went wrong.
    said: Option<(String, bool)>,
    total: String,
    counts: Vec<FailedCount>,
    rows: Vec<Row>,
    more: bool,
}

/// What is shown, or tried again.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    connection: Option<String>,
    event_type: Option<String>,
    event: Option<String>,
}

impl Picked {
    fn which(&self) -> Which {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Which {
            connection: given(&self.connection),
            event_type: given(&self.event_type),
            event: given(&self.event),
            limit: Some(100),
            after: None,
        }
    }
}

/// `GET /webhooks`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(picked): Query<Picked>,
) -> Response {
    page(&app, &reader, &picked, None).await
}

/// `POST /webhooks`: tries again, with a key that may change things.
pub(super) async fn replay(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(picked): Form<Picked>,
) -> Response {
    if !reader.key.allows(Scope::Write) {
        let said = "This session may only read. Sign in with a key that has the scope write, or run tributary replay.";
        return page(&app, &reader, &Picked::default(), Some((said.to_owned(), true))).await;
    }
    let said = match again(&app, &reader.workspace.id, &picked.which()).await {
        Ok(1) => ("1 is applied again; it comes back here when it fails again.".to_owned(), false),
        Ok(count) => (format!("{count} are applied again; those that fail again come back here."), false),
        Err(problem) => (problem.detail, true),
    };
    page(&app, &reader, &Picked { event: None, ..picked }, Some(said)).await
}

async fn page(app: &App, reader: &Reader, picked: &Picked, said: Option<(String, bool)>) -> Response {
    let workspace = &reader.workspace;
    let all = list(app, &workspace.id, &Which::default()).await;
    let (all, found, connections) = match (
        all,
        list(app, &workspace.id, &picked.which()).await,
        app.control.connections_of(&workspace.id, &app.secrets).await.map_err(Problem::from),
    ) {
        (Ok(all), Ok(found), Ok(connections)) => (all, found, connections),
        (Err(problem), _, _) | (_, Err(problem), _) | (_, _, Err(problem)) => return failed(&problem),
    };
    let zone = jiff::tz::TimeZone::get(&workspace.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let is = |chosen: &Option<String>, value: &str| chosen.as_deref() == Some(value);
    let types: BTreeSet<String> = all.counts.iter().map(|count| count.event_type.clone()).collect();
    shown(&WebhooksPage {
        workspace: workspace.name.clone(),
        connection: picked.connection.clone().unwrap_or_default(),
        event_type: picked.event_type.clone().unwrap_or_default(),
        connections: connections
            .into_iter()
            .map(|known| (known.id.clone(), known.name, is(&picked.connection, &known.id)))
            .collect(),
        types: types
            .into_iter()
            .map(|name| {
                let chosen = is(&picked.event_type, &name);
                (name, chosen)
            })
            .collect(),
        said,
        total: show::count(Some(found.total)),
        counts: found.counts,
        more: found.after.is_some(),
        rows: found
            .rows
            .into_iter()
            .map(|row| Row {
                when: show::moment(row.received_at_ms, &zone),
                event_type: row.event_type,
                event: row.event,
                error: row.error,
                next: row.next,
                attempts: row.attempts,
            })
            .collect(),
    })
}
