//! The page of endpoints: who is told of what happens, and what came of every delivery. Beside the page of what providers
//! tell us, since both are webhooks. A secret is shown once, on the page that answers its making, and never again.

pub(super) mod delivery;
mod rows;

use askama::Template;
use axum::extract::{Query, RawForm, State};
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::page::{Viewer, failed, shown};
use crate::app::App;
use crate::control::keys::Scope;
use crate::endpoints::{EndpointChange, EndpointError, Endpoints, NewEndpoint, WantedDeliveries};
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use rows::{Card, Choice, Row, choices};

const PAGE: usize = 50;

/// Which deliveries somebody wants to see.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    endpoint: Option<String>,
    state: Option<String>,
    after: Option<String>,
}

/// What a form says.
#[derive(Debug, Default)]
struct Doing {
    /// `add`, `types`, `on`, `off`, `test`, `remove`, `again`.
    what: String,
    endpoint: String,
    delivery: String,
    url: String,
    events: Vec<String>,
}

/// What was done, or went wrong with which field of the form.
#[derive(Default)]
struct Said {
    sentence: String,
    is_bad: bool,
    field: String,
    /// Of an endpoint that was just made.
    secret: Option<String>,
}

#[derive(Template)]
#[template(path = "endpoints.html")]
struct EndpointsPage {
    workspace: String,
    said: Option<Said>,
    /// Whether the session may see endpoints at all, as with the API.
    may_see: bool,
    cards: Vec<Card>,
    /// What was typed and refused.
    url: String,
    types: Vec<Choice>,
    /// Value, title, whether it is chosen.
    endpoints: Vec<(String, String, bool)>,
    states: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<Row>,
    is_filtered: bool,
    next: Option<String>,
}

/// `GET /endpoints`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Query(picked): Query<Picked>,
) -> Response {
    page(&app, &reader, &picked, Doing::default(), None).await
}

/// `POST /endpoints`
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    RawForm(form): RawForm,
) -> Response {
    let mut doing = Doing::of(&form);
    if !reader.key.allows(Scope::Admin) {
        return page(&app, &reader, &Picked::default(), Doing::default(), None).await;
    }
    let said = act(&Endpoints::of(&app, &reader.workspace.id), &doing).await;
    // What was refused stays in the form for a new one.
    if !said.is_bad || doing.what != "add" {
        doing = Doing::default();
    }
    page(&app, &reader, &Picked::default(), doing, Some(said)).await
}

impl Doing {
    fn of(form: &[u8]) -> Doing {
        let mut doing = Doing::default();
        for (name, value) in url::form_urlencoded::parse(form).into_owned() {
            match name.as_str() {
                "do" => doing.what = value,
                "endpoint" => doing.endpoint = value,
                "delivery" => doing.delivery = value,
                "url" => doing.url = value,
                "event" => doing.events.push(value),
                _ => {}
            }
        }
        doing
    }
}

async fn act(endpoints: &Endpoints<'_>, doing: &Doing) -> Said {
    let (id, events) = (doing.endpoint.as_str(), doing.events.clone());
    let changed = async |change: EndpointChange| endpoints.change(id, change).await;
    let done = match doing.what.as_str() {
        "add" => {
            let made = endpoints.create(NewEndpoint { url: doing.url.clone(), events }).await;
            return match made {
                Ok(made) => Said {
                    sentence: format!("{} is told of events from now on.", made.url),
                    secret: made.secret,
                    ..Said::default()
                },
                Err(error) => went_wrong(error),
            };
        }
        "types" => changed(EndpointChange { events: Some(events), ..EndpointChange::default() })
            .await
            .map(|changed| format!("{} is told of what is chosen now.", changed.url)),
        "on" => changed(EndpointChange { enabled: Some(true), ..EndpointChange::default() })
            .await
            .map(|changed| format!("{} is told of events again; what waited is tried now.", changed.url)),
        "off" => changed(EndpointChange { enabled: Some(false), ..EndpointChange::default() })
            .await
            .map(|changed| format!("{} is told of nothing until it is switched on again.", changed.url)),
        "test" => endpoints.test(id).await.map(|sent| {
            format!("{} is on its way: load this page again in a moment to see what came of it.", sent.kind)
        }),
        "remove" => {
            endpoints.remove(id).await.map(|()| "The endpoint is removed, with its deliveries.".to_owned())
        }
        "again" => endpoints.replay(&doing.delivery).await.map(|sent| sent_again(&sent.kind)),
        _ => Ok("Nothing was asked for.".to_owned()),
    };
    match done {
        Ok(sentence) => Said { sentence, ..Said::default() },
        Err(error) => went_wrong(error),
    }
}

fn sent_again(kind: &str) -> String {
    format!("{kind} is sent again, under the same id: load this page again in a moment.")
}

fn went_wrong(error: EndpointError) -> Said {
    let problem = Problem::from(error);
    Said { sentence: problem.detail, is_bad: true, field: problem.field.unwrap_or_default(), secret: None }
}

async fn page(app: &App, reader: &Reader, picked: &Picked, doing: Doing, said: Option<Said>) -> Response {
    match build(app, reader, picked, doing, said).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&error.into()),
    }
}

async fn build(
    app: &App,
    reader: &Reader,
    picked: &Picked,
    doing: Doing,
    said: Option<Said>,
) -> Result<EndpointsPage, EndpointError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut page = EndpointsPage {
        workspace: reader.workspace.name.clone(),
        said,
        may_see: reader.key.allows(Scope::Admin),
        cards: Vec::new(),
        url: doing.url,
        types: choices(&doing.events),
        endpoints: Vec::new(),
        states: Vec::new(),
        rows: Vec::new(),
        is_filtered: false,
        next: None,
    };
    if !page.may_see {
        return Ok(page);
    }
    let endpoints = Endpoints::of(app, &reader.workspace.id);
    let wanted = WantedDeliveries {
        endpoint: given(&picked.endpoint),
        state: given(&picked.state),
        after: given(&picked.after),
        limit: Some(PAGE),
    };
    let found = endpoints.deliveries(&wanted).await?;
    let all = endpoints.list().await?.rows;
    let zone = zone(reader);
    page.endpoints = std::iter::once((String::new(), "every endpoint".to_owned(), wanted.endpoint.is_none()))
        .chain(all.iter().map(|one| {
            let is_chosen = wanted.endpoint.as_ref() == Some(&one.id);
            (one.id.clone(), one.url.clone(), is_chosen)
        }))
        .collect();
    let state = wanted.state.as_deref().unwrap_or_default();
    page.states =
        [("", "every state"), ("waiting", "waiting"), ("delivered", "delivered"), ("failed", "failed")]
            .map(|(value, title)| (value, title, value == state))
            .into();
    page.is_filtered = wanted.endpoint.is_some() || !state.is_empty();
    page.rows = found.rows.iter().map(|row| Row::of(row, &all, &zone)).collect();
    page.next = found.after.map(|after| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", &after).append_pair("state", state);
        query.append_pair("endpoint", wanted.endpoint.as_deref().unwrap_or_default());
        format!("/endpoints?{}#deliveries", query.finish())
    });
    page.cards = all.into_iter().map(|endpoint| Card::of(endpoint, &zone)).collect();
    Ok(page)
}

fn zone(reader: &Reader) -> TimeZone {
    TimeZone::get(&reader.workspace.timezone).unwrap_or(TimeZone::UTC)
}
