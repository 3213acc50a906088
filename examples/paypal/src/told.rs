//! Batches and items as PayPal tells them. Never decides anything.

use serde_json::{Value, json};

use crate::money::text;
use crate::state::{Batch, Item, State};

/// The head of a batch: short when it was just made.
pub(crate) fn header(batch: &Batch, is_whole: bool) -> Value {
    let mut header = json!({
        "payout_batch_id": batch.id,
        "batch_status": batch.status,
        "sender_batch_header": {
            "sender_batch_id": batch.sender_batch_id,
            "email_subject": batch.email_subject,
        },
    });
    let currency = batch.items.first().map_or("USD", |item| item.currency.as_str());
    let sum = |pick: fn(&Item) -> i64| -> Value {
        json!({ "currency": currency, "value": text(batch.items.iter().map(pick).sum(), currency) })
    };
    if is_whole {
        header["time_created"] = json!("2026-11-21T10:00:00Z");
        header["funding_source"] = json!("BALANCE");
        header["amount"] = sum(|item| item.minor);
        header["fees"] = sum(|item| item.fee_minor);
        if !batch.is_waiting() {
            header["time_completed"] = json!("2026-11-21T10:01:00Z");
        }
    }
    header
}

/// An item.
pub(crate) fn item_json(state: &State, batch: &Batch, item: &Item) -> Value {
    let amount = |minor: i64| json!({ "currency": item.currency, "value": text(minor, &item.currency) });
    let mut shown = json!({
        "payout_item_id": item.id,
        "transaction_status": item.status,
        "payout_item_fee": amount(item.fee_minor),
        "payout_batch_id": batch.id,
        "sender_batch_id": batch.sender_batch_id,
        "payout_item": {
            "recipient_type": item.recipient_type,
            "amount": amount(item.minor),
            "note": item.note,
            "receiver": item.receiver,
            "sender_item_id": item.sender_item_id,
            "recipient_wallet": "PAYPAL",
        },
        "links": [
            { "href": format!("{}/v1/payments/payouts-item/{}", state.url, item.id), "rel": "item",
              "method": "GET", "encType": "application/json" },
            self_link(state, batch),
        ],
    });
    if !item.transaction_id.is_empty() {
        shown["transaction_id"] = json!(item.transaction_id);
        shown["time_processed"] = json!("2026-11-21T10:01:00Z");
    }
    if !item.error.is_empty() {
        shown["errors"] = json!({ "name": item.error, "message": item.error.replace('_', " ").to_lowercase(),
            "information_link": "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors" });
    }
    shown
}

/// Where a batch is asked for.
pub(crate) fn self_link(state: &State, batch: &Batch) -> Value {
    let href = format!("{}/v1/payments/payouts/{}", state.url, batch.id);
    json!({ "href": href, "rel": "self", "method": "GET", "encType": "application/json" })
}
