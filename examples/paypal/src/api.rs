//! `/v1/…`: what PayPal answers.

use std::collections::HashMap;

use axum::extract::{Path, Query, Request, State as Extracted};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::money::parse;
use crate::state::{Batch, Fault, Item, State};
use crate::told::{header, item_json, self_link};
use crate::{CLIENT_ID, CLIENT_SECRET, Standin};

/// Items of one call.
const ITEMS_MAX: usize = 15_000;
/// Items of one page.
const PAGE_MAX: usize = 1000;
const BODY_BYTES_MAX: usize = 64 << 20;

pub(crate) fn routes(standin: &Standin) -> Router<Standin> {
    let silence = axum::middleware::from_fn_with_state(standin.clone(), answered_if_at_all);
    Router::new()
        .route("/v1/payments/payouts", post(create))
        .route("/v1/payments/payouts/{id}", get(batch))
        .route_layer(silence)
        .route("/v1/oauth2/token", post(token))
        .route("/v1/payments/payouts-item/{id}", get(item))
        .route("/v1/payments/payouts-item/{id}/cancel", post(cancel))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// What was worked off is answered, unless the stand-in is to be silent: then nobody ever hears of it.
async fn answered_if_at_all(
    Extracted(standin): Extracted<Standin>,
    request: Request,
    next: Next,
) -> Response {
    let answer = next.run(request).await;
    let is_silent = standin.state().is_silent;
    if is_silent { std::future::pending().await } else { answer }
}

/// PayPal's way of refusing.
fn refused(status: u16, name: &str, message: &str, details: Value) -> Response {
    let body = json!({
        "name": name,
        "message": message,
        "debug_id": "f05063556a338",
        "information_link": "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors",
        "details": details,
        "links": [],
    });
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), Json(body)).into_response()
}

fn invalid(field: &str, issue: &str) -> Response {
    let details = json!([{ "field": field, "location": "body", "issue": issue }]);
    refused(400, "VALIDATION_ERROR", "Invalid request - see details.", details)
}

fn not_found() -> Response {
    let details = json!([{ "issue": "Requested resource ID was not found." }]);
    refused(404, "INVALID_RESOURCE_ID", "Requested resource ID was not found.", details)
}

async fn token(Extracted(standin): Extracted<Standin>, headers: HeaderMap, body: String) -> Response {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    if given != Some(expected.as_str()) {
        let body = json!({ "error": "invalid_client", "error_description": "Client Authentication failed" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    if !body.contains("grant_type=client_credentials") {
        let body = json!({ "error": "unsupported_grant_type", "error_description": "Grant Type is NULL" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let mut state = standin.state();
    let token = format!("A21AA{}{}", state.id(), state.id());
    state.tokens.push(token.clone());
    Json(json!({
        "scope": "https://uri.paypal.com/payments/payouts",
        "access_token": token,
        "token_type": "Bearer",
        "app_id": "APP-80W284485P519543T",
        "expires_in": 32_400,
        "nonce": "2026-11-21T10:00:00Z",
    }))
    .into_response()
}

fn unauthorized(state: &State, headers: &HeaderMap) -> Option<Response> {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if given.is_some_and(|given| state.tokens.iter().any(|token| token == given)) {
        return None;
    }
    let body =
        json!({ "error": "invalid_token", "error_description": "Token signature verification failed" });
    Some((StatusCode::UNAUTHORIZED, Json(body)).into_response())
}

async fn create(
    Extracted(standin): Extracted<Standin>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut state = standin.state();
    state.calls += 1;
    if let Some(refused) = unauthorized(&state, &headers) {
        return refused;
    }
    let head = &body["sender_batch_header"];
    let sender_batch_id = head["sender_batch_id"].as_str().unwrap_or_default().to_owned();
    if let Some(known) = state.batches.iter().find(|batch| batch.sender_batch_id == sender_batch_id) {
        let href = format!("{}/v1/payments/payouts/{}", state.url, known.id);
        let details = json!([{
            "field": "SENDER_BATCH_ID",
            "location": "body",
            "issue": "Batch with given sender_batch_id already exists",
            "link": [{ "href": href, "rel": "self", "method": "GET" }],
        }]);
        return refused(400, "USER_BUSINESS_ERROR", "User business error.", details);
    }
    let fault = state.faults.pop_front();
    if let Some(Fault::Refuses { status, name }) = &fault {
        return refused(*status, name, "The request was refused.", json!([]));
    }
    let default_type = head["recipient_type"].as_str().unwrap_or("EMAIL").to_owned();
    let read = match read_items(&mut state, &body["items"], &default_type) {
        Ok(items) => items,
        Err(refused) => return *refused,
    };
    let batch = Batch {
        id: state.id(),
        sender_batch_id,
        email_subject: head["email_subject"].as_str().unwrap_or_default().to_owned(),
        status: "PENDING".to_owned(),
        is_denied: matches!(fault, Some(Fault::Denies)),
        items: read,
    };
    let answer = json!({ "batch_header": header(&batch, false), "links": [self_link(&state, &batch)] });
    state.batches.push(batch);
    if matches!(fault, Some(Fault::LosesAnswer)) {
        // As a gateway answers that lost its server.
        return (StatusCode::GATEWAY_TIMEOUT, "").into_response();
    }
    (StatusCode::CREATED, Json(answer)).into_response()
}

fn read_items(state: &mut State, items: &Value, default_type: &str) -> Result<Vec<Item>, Box<Response>> {
    let Some(items) = items.as_array().filter(|items| !items.is_empty()) else {
        return Err(Box::new(invalid("items", "Required field missing")));
    };
    if items.len() > ITEMS_MAX {
        return Err(Box::new(invalid("items", "Number of items exceeds the maximum of 15000")));
    }
    let mut read: Vec<Item> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let word = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let currency = item["amount"]["currency"].as_str().unwrap_or_default().to_owned();
        let value = item["amount"]["value"].as_str().unwrap_or_default();
        let Some(minor) = parse(value, &currency).filter(|_| currency.len() == 3) else {
            return Err(Box::new(invalid(&format!("items[{at}].amount"), "Invalid amount")));
        };
        let recipient_type = item["recipient_type"].as_str().unwrap_or(default_type).to_owned();
        let receiver = word("receiver");
        if receiver.is_empty() || (recipient_type == "EMAIL" && !receiver.contains('@')) {
            return Err(Box::new(invalid(
                &format!("items[{at}].receiver"),
                "Receiver is invalid or does not match with type",
            )));
        }
        let is_twin =
            |known: &Item| !known.sender_item_id.is_empty() && known.sender_item_id == word("sender_item_id");
        if read.iter().any(is_twin) {
            return Err(Box::new(invalid(&format!("items[{at}].sender_item_id"), "DUPLICATE_ITEM")));
        }
        read.push(Item {
            id: state.id(),
            receiver,
            sender_item_id: word("sender_item_id"),
            currency,
            minor,
            note: word("note"),
            recipient_type,
            status: "PENDING".to_owned(),
            error: String::new(),
            fee_minor: 0,
            transaction_id: String::new(),
        });
    }
    if read.iter().any(|item| item.currency != read[0].currency) {
        return Err(Box::new(invalid("items", "Multiple currencies in one batch")));
    }
    Ok(read)
}

async fn batch(
    Extracted(standin): Extracted<Standin>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let mut state = standin.state();
    state.calls += 1;
    if let Some(refused) = unauthorized(&state, &headers) {
        return refused;
    }
    if state.processes_at_once {
        state.process();
    }
    let Some(batch) = state.batches.iter().find(|batch| batch.id == id) else { return not_found() };
    let number =
        |name: &str, usual: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (page, size) = (number("page", 1).max(1), number("page_size", PAGE_MAX));
    if !(1..=PAGE_MAX).contains(&size) {
        return invalid("page_size", "Must be between 1 and 1000");
    }
    let shown = batch.items.iter().skip((page - 1) * size).take(size);
    let mut answer = json!({
        "batch_header": header(batch, true),
        "items": shown.map(|item| item_json(&state, batch, item)).collect::<Vec<_>>(),
        "links": [self_link(&state, batch)],
    });
    if query.get("total_required").is_some_and(|wanted| wanted == "true") {
        answer["total_items"] = json!(batch.items.len());
        answer["total_pages"] = json!(batch.items.len().div_ceil(size));
    }
    Json(answer).into_response()
}

async fn item(
    Extracted(standin): Extracted<Standin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    let state = standin.state();
    if let Some(refused) = unauthorized(&state, &headers) {
        return refused;
    }
    let mut all = state.batches.iter().flat_map(|batch| batch.items.iter().map(move |item| (batch, item)));
    match all.find(|(_, item)| item.id == id) {
        Some((batch, item)) => Json(item_json(&state, batch, item)).into_response(),
        None => not_found(),
    }
}

async fn cancel(
    Extracted(standin): Extracted<Standin>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    {
        let mut state = standin.state();
        if let Some(refused) = unauthorized(&state, &headers) {
            return refused;
        }
        let mut items = state.batches.iter_mut().flat_map(|batch| &mut batch.items);
        let Some(item) = items.find(|item| item.id == id) else { return not_found() };
        match item.status.as_str() {
            "UNCLAIMED" => item.end("RETURNED"),
            "RETURNED" => {
                return refused(400, "ITEM_ALREADY_CANCELLED", "Item has already been cancelled.", json!([]));
            }
            _ => {
                let message = "Item with this status cannot be cancelled.";
                return refused(400, "ITEM_INCORRECT_STATUS", message, json!([]));
            }
        }
    }
    item(Extracted(standin), headers, Path(id)).await
}
