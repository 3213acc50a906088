//! `/standin/…`: makes things happen that at PayPal happen by themselves or by other people.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Standin;
use crate::state::{Ending, Fault};

pub(crate) fn routes() -> Router<Standin> {
    Router::new()
        .route("/standin/receivers", post(receivers))
        .route("/standin/faults", post(faults))
        .route("/standin/silence", post(silence))
        .route("/standin/process", post(process))
        .route("/standin/unclaimed", post(unclaimed))
}

#[derive(Deserialize)]
struct Receiver {
    receiver: String,
    #[serde(flatten)]
    ending: Ending,
}

async fn receivers(State(standin): State<Standin>, Json(asked): Json<Receiver>) -> Json<Value> {
    standin.state().endings.insert(asked.receiver, asked.ending);
    Json(json!({}))
}

async fn faults(State(standin): State<Standin>, Json(fault): Json<Fault>) -> Json<Value> {
    standin.state().faults.push_back(fault);
    Json(json!({}))
}

#[derive(Deserialize)]
struct Silence {
    is_silent: bool,
}

async fn silence(State(standin): State<Standin>, Json(asked): Json<Silence>) -> Json<Value> {
    standin.state().is_silent = asked.is_silent;
    Json(json!({}))
}

async fn process(State(standin): State<Standin>) -> Json<Value> {
    standin.state().process();
    Json(json!({}))
}

#[derive(Deserialize)]
struct Unclaimed {
    /// `RETURNED` or `SUCCESS`.
    status: String,
}

async fn unclaimed(State(standin): State<Standin>, Json(asked): Json<Unclaimed>) -> Json<Value> {
    standin.state().end_unclaimed(&asked.status);
    Json(json!({}))
}
