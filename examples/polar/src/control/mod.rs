//! `/standin/…`: what makes things happen. No part of Polar; answers callers on this machine only.
//!
//! See the README of `examples/` for every route with its JSON.

mod history;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Standin;
use crate::clock::Time;
use crate::http::{ApiFaults, App, Error, Query, proration, read};
use crate::ids::Dice;
use crate::model::{DisputeStatus, Metadata};
use crate::scenes::refund::NewRefund;
use crate::scenes::{Scene, checkout, customer, dispute, plan, refund, subscription};
use crate::state::{State, Token};
use crate::webhook::{Faults, sender};

type Answer = Result<Json<Value>, Error>;

pub(crate) fn routes() -> Router<Arc<Standin>> {
    Router::new()
        .route("/standin/purchases", post(history::purchase))
        .route("/standin/history", post(history::run))
        .route("/standin/subscriptions/{id}/{action}", post(change_subscription))
        .route("/standin/orders/{id}/refund", post(refund_order))
        .route("/standin/refunds/{id}/{action}", post(settle_refund))
        .route("/standin/orders/{id}/dispute", post(open_dispute))
        .route("/standin/disputes/{id}/{status}", post(settle_dispute))
        .route("/standin/customers/{id}/delete", post(delete_customer))
        .route("/standin/customers/{id}/merge", post(merge_customer))
        .route("/standin/api-faults", post(set_api_faults))
        .route("/standin/clock", get(clock))
        .route("/standin/clock/advance", post(advance))
        .route("/standin/faults", post(set_faults))
        .route("/standin/events", get(events))
        .route("/standin/wait-idle", post(wait_idle))
        .route("/standin/tokens", post(add_token))
        .route("/standin/save", post(save))
        .route_layer(from_fn(loopback_only))
}

async fn loopback_only(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    if peer.ip().is_loopback() {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, Json(json!({ "detail": "the control surface answers this machine only" })))
        .into_response()
}

/// What a change of a subscription needs beside its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Details {
    /// Of a change of plan: slug or id.
    product: Option<String>,
    proration: Option<String>,
    seats: Option<u32>,
    metadata: Metadata,
}

async fn change_subscription(app: App, Path((id, action)): Path<(Uuid, String)>, body: Bytes) -> Answer {
    let details = if body.is_empty() { Details::default() } else { read(&body)? };
    let order_id = {
        let mut state = app.state();
        change_by_name(&mut Scene::now(&mut state), id, &action, &details)?
    };
    sender::kick(&app);
    Ok(Json(json!({ "subscription_id": id, "order_id": order_id })))
}

/// `renew`, `convert-trial`, `fail-renewal`, `recover`, `exhaust`, `cancel`, `uncancel`, `revoke`, `pause`,
/// `resume`, `change-plan`, `seats`, `metadata`. Answers the order it led to.
pub(super) fn change_by_name(
    scene: &mut Scene<'_>,
    id: Uuid,
    action: &str,
    details: &Details,
) -> Result<Option<Uuid>, Error> {
    Ok(match action {
        "renew" | "convert-trial" => Some(subscription::renew(scene, id, true)?),
        "fail-renewal" => Some(subscription::renew(scene, id, false)?),
        "recover" => Some(subscription::recover(scene, id)?),
        "exhaust" => Some(subscription::exhaust(scene, id)?),
        "cancel" => subscription::cancel(scene, id).map(|()| None)?,
        "uncancel" => subscription::uncancel(scene, id).map(|()| None)?,
        "revoke" => subscription::revoke(scene, id).map(|()| None)?,
        "pause" => plan::pause(scene, id).map(|()| None)?,
        "resume" => Some(plan::resume(scene, id)?),
        "change-plan" => {
            let wanted = details.product.as_deref().unwrap_or_default();
            let product = scene.state.find_product(wanted).map(|product| product.id);
            let product = product.ok_or(Error::body("product", "no product has this slug or id"))?;
            plan::change_product(scene, id, product, proration(details.proration.as_deref())?)?
        }
        "seats" => plan::change_seats(scene, id, details.seats.unwrap_or(1))?,
        "metadata" => plan::set_metadata(scene, id, details.metadata.clone()).map(|()| None)?,
        _ => return Err(Error::NotFound),
    })
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DisputeBody {
    /// Without tax; all of the order when absent.
    amount: Option<i64>,
}

async fn open_dispute(app: App, Path(order_id): Path<Uuid>, body: Bytes) -> Answer {
    let body: DisputeBody = if body.is_empty() { DisputeBody::default() } else { read(&body)? };
    let id = dispute::open(&mut Scene::now(&mut app.state()), order_id, body.amount)?;
    Ok(Json(json!({ "dispute_id": id, "order_id": order_id })))
}

/// `under-review`, `lost`, `won`, `prevented`.
async fn settle_dispute(app: App, Path((id, status)): Path<(Uuid, String)>) -> Answer {
    let status = match status.as_str() {
        "under-review" => DisputeStatus::UnderReview,
        "lost" => DisputeStatus::Lost,
        "won" => DisputeStatus::Won,
        "prevented" => DisputeStatus::Prevented,
        _ => return Err(Error::NotFound),
    };
    dispute::settle(&mut Scene::now(&mut app.state()), id, status)?;
    sender::kick(&app);
    Ok(Json(json!({ "dispute_id": id })))
}

/// customer.deleted: the list no longer shows it, its orders still do.
async fn delete_customer(app: App, Path(id): Path<Uuid>) -> Answer {
    customer::delete(&mut Scene::now(&mut app.state()), id)?;
    sender::kick(&app);
    Ok(Json(json!({ "customer_id": id })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MergeBody {
    /// Whose everything is from now on.
    into: Uuid,
}

/// Everything of one customer becomes another's, and the first is deleted.
async fn merge_customer(app: App, Path(id): Path<Uuid>, body: Bytes) -> Answer {
    let MergeBody { into } = read(&body)?;
    customer::merge(&mut Scene::now(&mut app.state()), id, into)?;
    sender::kick(&app);
    Ok(Json(json!({ "customer_id": into })))
}

async fn set_api_faults(app: App, body: Bytes) -> Answer {
    let faults: ApiFaults = read(&body)?;
    let trouble = &mut app.state().trouble;
    trouble.dice = Dice::new(faults.seed);
    trouble.faults = faults.clone();
    Ok(Json(json!(faults)))
}

fn customer_request() -> String {
    "customer_request".into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    /// Without tax; everything when absent.
    amount: Option<i64>,
    #[serde(default = "customer_request")]
    reason: String,
    /// Stays pending until `/standin/refunds/{id}/succeed` or `/fail`.
    #[serde(default)]
    pending: bool,
}

async fn refund_order(app: App, Path(order_id): Path<Uuid>, body: Bytes) -> Answer {
    let body: RefundBody = read(&body)?;
    let id = {
        let mut state = app.state();
        refund::refund(
            &mut Scene::now(&mut state),
            NewRefund {
                order_id,
                amount: body.amount,
                reason: body.reason,
                metadata: Metadata::new(),
                revoke_benefits: false,
                is_instant: !body.pending,
                dispute_id: None,
            },
        )?
    };
    sender::kick(&app);
    Ok(Json(json!({ "refund_id": id, "order_id": order_id })))
}

async fn settle_refund(app: App, Path((id, action)): Path<(Uuid, String)>) -> Answer {
    {
        let mut state = app.state();
        let scene = &mut Scene::now(&mut state);
        match action.as_str() {
            "succeed" => refund::succeed(scene, id)?,
            "fail" => refund::fail(scene, id)?,
            _ => return Err(Error::NotFound),
        }
    }
    sender::kick(&app);
    Ok(Json(json!({ "refund_id": id })))
}

async fn clock(app: App) -> Json<Value> {
    let state = app.state();
    Json(json!({ "now": state.now(), "ahead_seconds": state.ahead_us / 1_000_000 }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    days: u32,
    #[serde(default)]
    seconds: u32,
    /// Renew, convert and end what falls due on the way, each at its own time.
    #[serde(default)]
    run_due: bool,
}

async fn advance(app: App, body: Bytes) -> Answer {
    let body: Advance = read(&body)?;
    let now = {
        let mut state = app.state();
        state.ahead_us += (i64::from(body.days) * 86_400 + i64::from(body.seconds)) * 1_000_000;
        let now = state.now();
        checkout::expire(&mut Scene::now(&mut state), now);
        if body.run_due {
            run_due(&mut state, now)?;
        }
        now
    };
    sender::kick(&app);
    Ok(Json(json!({ "now": now })))
}

/// Renews, or ends, every subscription whose period has passed, each at its own time.
fn run_due(state: &mut State, now: Time) -> Result<(), Error> {
    while let Some((id, due_at, is_ending)) =
        state.due_subscription(now).map(|it| (it.id, it.period_end, it.cancel_at_period_end))
    {
        let scene = &mut Scene::past(state, due_at, 0, None);
        if is_ending {
            subscription::revoke(scene, id)?;
        } else {
            subscription::renew(scene, id, true)?;
        }
    }
    Ok(())
}

async fn set_faults(app: App, body: Bytes) -> Answer {
    let faults: Faults = read(&body)?;
    {
        let outbox = &mut app.state().outbox;
        outbox.dice = Dice::new(faults.seed);
        outbox.faults = faults.clone();
    }
    sender::kick(&app);
    Ok(Json(json!(faults)))
}

/// What was sent or waits: `?type=order.paid`, `?endpoint_id=…`, `?outcome=failed`.
async fn events(app: App, query: Query) -> Json<Value> {
    let state = app.state();
    let rows: Vec<Value> = state
        .events
        .iter()
        .filter(|event| {
            query.allows("type", Some(&event.kind))
                && query.allows_id("endpoint_id", Some(event.endpoint_id))
                && query.allows("outcome", json!(event.outcome).as_str())
        })
        .map(|event| {
            json!({
                "id": event.id, "type": event.kind, "created_at": event.created_at,
                "endpoint_id": event.endpoint_id, "outcome": event.outcome, "attempts": event.attempts,
                "body": event.body,
            })
        })
        .collect();
    Json(json!({ "events": rows, "open": state.outbox.open }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitIdle {
    #[serde(default = "one_minute")]
    timeout_ms: u64,
}

fn one_minute() -> u64 {
    60_000
}

/// 200 when every delivery has finished, 504 when that takes longer than asked.
async fn wait_idle(app: App, body: Bytes) -> Result<Response, Error> {
    let body = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
    let body: WaitIdle = read(&body)?;
    let waited = tokio::time::timeout(Duration::from_millis(body.timeout_ms), sender::idle(&app)).await;
    let state = app.state();
    let answer =
        Json(json!({ "idle": waited.is_ok(), "open": state.outbox.open, "events": state.events.len() }));
    let status = if waited.is_ok() { StatusCode::OK } else { StatusCode::GATEWAY_TIMEOUT };
    Ok((status, answer).into_response())
}

async fn add_token(app: App, body: Bytes) -> Answer {
    let token: Token = read(&body)?;
    app.state().tokens.push(token.clone());
    Ok(Json(json!(token)))
}

async fn save(app: App) -> Response {
    match crate::save(&app) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let body = Json(json!({ "detail": format!("cannot write the state file: {error}") }));
            (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
        }
    }
}
