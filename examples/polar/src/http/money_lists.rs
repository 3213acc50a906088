//! Reading what belongs to sales: disputes, payments, discounts, and the system's events.

use axum::Json;
use axum::extract::Path;
use serde_json::json;

use super::lists::{Answer, id, word};
use super::query::{Query, SortKey};
use super::{App, Error};
use crate::render::money;

pub(super) async fn disputes(app: App, query: Query) -> Answer {
    let state = app.state();
    let rows = state.disputes.iter().filter(|dispute| {
        query.allows_id("order_id", Some(dispute.order_id))
            && query.allows("status", Some(&word(dispute.status)))
    });
    query.page(
        rows.collect(),
        |dispute, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(dispute.created_at)),
                "amount" => SortKey::Number(dispute.amount),
                _ => return None,
            })
        },
        |dispute| money::dispute(&state, dispute),
    )
}

pub(super) async fn dispute(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let dispute = state.disputes.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(money::dispute(&state, dispute)))
}

pub(super) async fn payments(app: App, query: Query) -> Answer {
    let state = app.state();
    let email = query.one("customer_email").map(str::to_lowercase);
    let rows = state.payments.iter().filter(|payment| {
        query.allows_id("order_id", Some(payment.order_id))
            && query.allows_id("checkout_id", payment.checkout_id)
            && query.allows_id("customer_id", Some(payment.customer_id))
            && query.allows("status", Some(if payment.succeeded { "succeeded" } else { "failed" }))
            && query.allows("method", Some("card"))
            && email
                .as_ref()
                .is_none_or(|email| state.customer(payment.customer_id).email.to_lowercase() == *email)
    });
    query.page(
        rows.collect(),
        |payment, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(payment.created_at)),
                "amount" => SortKey::Number(payment.amount),
                "status" => SortKey::Text(if payment.succeeded { "succeeded" } else { "failed" }.into()),
                "method" => SortKey::Text("card".into()),
                _ => return None,
            })
        },
        money::payment,
    )
}

pub(super) async fn payment(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let payment = state.payments.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(money::payment(payment)))
}

pub(super) async fn discounts(app: App, query: Query) -> Answer {
    let state = app.state();
    let wanted = query.one("query").map(str::to_lowercase);
    let rows = state.discounts.iter().filter(|discount| {
        wanted.as_ref().is_none_or(|wanted| discount.name.to_lowercase().contains(wanted))
    });
    query.page(
        rows.collect(),
        |discount, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(discount.created_at)),
                "name" => SortKey::Text(discount.name.clone()),
                "code" => SortKey::Text(discount.code.clone()),
                "redemptions_count" => SortKey::Number(discount.redemptions as i64),
                _ => return None,
            })
        },
        money::listed_discount,
    )
}

pub(super) async fn discount(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let discount = state.discounts.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(money::listed_discount(discount)))
}

/// What the system did. Merchants' own events do not exist here.
pub(super) async fn events(app: App, query: Query) -> Answer {
    let state = app.state();
    let (from, to) = (query.time("start_timestamp")?, query.time("end_timestamp")?);
    let rows = state.system_events.iter().filter(|event| {
        from.is_none_or(|from| event.at >= from)
            && to.is_none_or(|to| event.at <= to)
            && query.allows("name", Some(&event.name))
            && query.allows("source", Some("system"))
            && query.allows_id("customer_id", Some(event.customer_id))
            && query.allows_metadata(&event.metadata)
    });
    // The one list that is sorted by `timestamp`.
    let sorting = query.one("sorting").unwrap_or("-timestamp").replace("timestamp", "created_at");
    let mut pairs: Vec<(String, String)> =
        query.0.iter().filter(|(name, _)| name != "sorting").cloned().collect();
    pairs.push(("sorting".to_owned(), sorting));
    Query(pairs).page(
        rows.collect(),
        |event, name| (name == "created_at").then_some(SortKey::At(Some(event.at))),
        |event| money::system_event(&state, event),
    )
}

/// Names of the events there are, with how often.
pub(super) async fn event_names(app: App) -> Answer {
    let state = app.state();
    let mut names: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for event in state.system_events.iter() {
        *names.entry(&event.name).or_default() += 1;
    }
    let items: Vec<_> = names
        .iter()
        .map(|(name, count)| json!({ "name": name, "source": "system", "occurrences": count }))
        .collect();
    Ok(Json(json!({ "pagination": { "total_count": items.len(), "max_page": 1 }, "items": items })))
}
