//! Reading: the lists and the single objects.

use axum::Json;
use axum::extract::Path;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::query::{Query, SortKey};
use super::{App, Error};
use crate::model::SubscriptionStatus;
use crate::render;

pub(super) type Answer = Result<Json<Value>, Error>;

/// Polar's word for a status.
pub(super) fn word(status: impl Serialize) -> String {
    serde_json::to_value(status).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// An id in a path; what is no UUID is a validation error, as at Polar.
pub(super) fn id(text: &str) -> Result<Uuid, Error> {
    let loc = vec![json!("path"), json!("id")];
    text.parse()
        .map_err(|_| Error::Invalid(vec![(loc, "Input should be a valid UUID".into(), "uuid_parsing")]))
}

pub(super) async fn orders(app: App, query: Query) -> Answer {
    let state = app.state();
    let (after, before) = (query.time("created_after")?, query.time("created_before")?);
    let rows = state.orders.iter().filter(|order| {
        let billing_type = || match state.product(order.product_id).interval {
            Some(_) => "recurring",
            None => "one_time",
        };
        let external_id = || state.customer(order.customer_id).external_id.as_deref();
        after.is_none_or(|after| order.created_at > after)
            && before.is_none_or(|before| order.created_at < before)
            && query.allows_id("product_id", Some(order.product_id))
            && (!query.has("product_billing_type")
                || query.allows("product_billing_type", Some(billing_type())))
            && query.allows_id("discount_id", order.discount_id)
            && query.allows_id("customer_id", Some(order.customer_id))
            && (!query.has("external_customer_id") || query.allows("external_customer_id", external_id()))
            && query.allows_id("checkout_id", order.checkout_id)
            && query.allows_id("subscription_id", order.subscription_id)
            && (!query.has("status") || query.allows("status", Some(&word(order.status))))
            && query.allows_metadata(&order.metadata)
    });
    query.page(
        rows.collect(),
        |order, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(order.created_at)),
                "status" => SortKey::Text(word(order.status)),
                "invoice_number" => SortKey::Number(order.number as i64),
                "amount" => SortKey::Number(order.net + order.tax),
                "net_amount" => SortKey::Number(order.net),
                "customer" => SortKey::Text(state.customer(order.customer_id).email.clone()),
                "product" => SortKey::Text(state.product(order.product_id).name.clone()),
                _ => return None,
            })
        },
        |order| render::order(&state, order),
    )
}

pub(super) async fn order(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let order = state.orders.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::order(&state, order)))
}

pub(super) async fn subscriptions(app: App, query: Query) -> Answer {
    let state = app.state();
    let (after, before) = (query.time("started_after")?, query.time("started_before")?);
    let (canceled_after, canceled_before) =
        (query.time("canceled_at_after")?, query.time("canceled_at_before")?);
    let rows = state.subscriptions.iter().filter(|it| {
        let is_active = matches!(it.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing);
        query.allows_id("product_id", Some(it.product_id))
            && query.allows_id("customer_id", Some(it.customer_id))
            && (!query.has("external_customer_id")
                || query
                    .allows("external_customer_id", state.customer(it.customer_id).external_id.as_deref()))
            && query.allows_id("discount_id", it.discount_id)
            && (!query.has("status") || query.allows("status", Some(&word(it.status))))
            && query.flag("active").is_none_or(|wanted| wanted == is_active)
            && query.flag("cancel_at_period_end").is_none_or(|wanted| wanted == it.cancel_at_period_end)
            && query.allows_metadata(&it.metadata)
            && after.is_none_or(|after| it.started_at > after)
            && before.is_none_or(|before| it.started_at < before)
            && canceled_after.is_none_or(|after| it.canceled_at.is_some_and(|at| at > after))
            && canceled_before.is_none_or(|before| it.canceled_at.is_some_and(|at| at < before))
    });
    query.page(
        rows.collect(),
        |it, name| {
            Some(match name {
                // Polar has no created_at here; its default is the newest start first.
                "created_at" | "started_at" => SortKey::At(Some(it.started_at)),
                "current_period_end" => SortKey::At(Some(it.period_end)),
                "ended_at" => SortKey::At(it.ended_at),
                "ends_at" => SortKey::At(it.ends_at),
                "status" => SortKey::Text(word(it.status)),
                "amount" => SortKey::Number(it.amount),
                "customer" => SortKey::Text(state.customer(it.customer_id).email.clone()),
                "product" => SortKey::Text(state.product(it.product_id).name.clone()),
                _ => return None,
            })
        },
        |it| render::subscription(&state, it),
    )
}

pub(super) async fn subscription(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let subscription = state.subscriptions.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::subscription(&state, subscription)))
}

pub(super) async fn customers(app: App, query: Query) -> Answer {
    let state = app.state();
    let wanted = query.one("query").map(str::to_lowercase);
    let email = query.one("email").map(str::to_lowercase);
    let rows = state.customers.iter().filter(|customer| {
        let held = || customer.email.to_lowercase();
        let name = || customer.name.as_deref().unwrap_or_default().to_lowercase();
        customer.deleted_at.is_none()
            && email.as_ref().is_none_or(|email| *email == held())
            && wanted.as_ref().is_none_or(|wanted| held().contains(wanted) || name().contains(wanted))
            && query.allows_metadata(&customer.metadata)
    });
    query.page(
        rows.collect(),
        |customer, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(customer.created_at)),
                "email" => SortKey::Text(customer.email.clone()),
                "name" => SortKey::Text(customer.name.clone().unwrap_or_default()),
                _ => return None,
            })
        },
        render::customer,
    )
}

pub(super) async fn customer(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let customer = state.customers.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::customer(customer)))
}

pub(super) async fn customer_state(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let customer = state.customers.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::customer_state(&state, customer)))
}

pub(super) async fn customer_by_external_id(app: App, Path(external_id): Path<String>) -> Answer {
    let state = app.state();
    let customer = state.customer_by_external_id(&external_id).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::customer(customer)))
}

pub(super) async fn products(app: App, query: Query) -> Answer {
    let state = app.state();
    let wanted = query.one("query").map(str::to_lowercase);
    let rows = state.products.iter().filter(|product| {
        query.allows_id("id", Some(product.id))
            && query.flag("is_archived").is_none_or(|wanted| !wanted)
            && query.flag("is_recurring").is_none_or(|wanted| wanted == product.interval.is_some())
            && query.allows("visibility", Some("public"))
            && wanted.as_ref().is_none_or(|wanted| product.name.to_lowercase().contains(wanted))
    });
    query.page(
        rows.collect(),
        |product, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(product.created_at)),
                "name" => SortKey::Text(product.name.clone()),
                "price_amount" => SortKey::Number(product.price),
                "price_amount_type" => SortKey::Text("fixed".into()),
                _ => return None,
            })
        },
        render::product,
    )
}

pub(super) async fn product(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let product = state.products.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::product(product)))
}

pub(super) async fn refunds(app: App, query: Query) -> Answer {
    let state = app.state();
    let rows = state.refunds.iter().filter(|refund| {
        let is_succeeded = word(refund.status) == "succeeded";
        query.allows_id("id", Some(refund.id))
            && query.allows_id("order_id", Some(refund.order_id))
            && query.allows_id("subscription_id", refund.subscription_id)
            && query.allows_id("customer_id", Some(refund.customer_id))
            && query.allows("external_customer_id", state.customer(refund.customer_id).external_id.as_deref())
            && query.flag("succeeded").is_none_or(|wanted| wanted == is_succeeded)
    });
    query.page(
        rows.collect(),
        |refund, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(refund.created_at)),
                "amount" => SortKey::Number(refund.amount),
                _ => return None,
            })
        },
        |refund| render::refund(&state, refund),
    )
}

pub(super) async fn checkouts(app: App, query: Query) -> Answer {
    let state = app.state();
    let rows = state.checkouts.iter().filter(|checkout| {
        query.allows_id("product_id", Some(checkout.product_id))
            && query.allows_id("customer_id", checkout.customer_id)
            && query.allows("external_customer_id", checkout.external_customer_id.as_deref())
            && query.allows("status", Some(&word(checkout.status)))
            && query.one("query").is_none_or(|wanted| {
                let held = checkout.customer_email.as_deref().unwrap_or_default();
                held.to_lowercase().contains(&wanted.to_lowercase())
            })
    });
    query.page(
        rows.collect(),
        |checkout, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(checkout.created_at)),
                "expires_at" => SortKey::At(Some(checkout.expires_at)),
                "status" => SortKey::Text(word(checkout.status)),
                _ => return None,
            })
        },
        |checkout| render::checkout(&state, checkout),
    )
}

pub(super) async fn checkout(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let checkout = state.checkouts.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::checkout(&state, checkout)))
}

pub(super) async fn checkout_links(app: App, query: Query) -> Answer {
    let state = app.state();
    let wanted: Vec<&str> =
        query.0.iter().filter(|(key, _)| key == "product_id").map(|(_, v)| &**v).collect();
    let rows = state.links.iter().filter(|link| {
        wanted.is_empty() || link.product_ids.iter().any(|id| wanted.contains(&id.to_string().as_str()))
    });
    query.page(
        rows.collect(),
        |link, name| {
            Some(match name {
                "created_at" => SortKey::At(Some(link.created_at)),
                "label" => SortKey::Text(link.label.clone().unwrap_or_default()),
                _ => return None,
            })
        },
        |link| render::checkout_link(&state, link),
    )
}

pub(super) async fn checkout_link(app: App, Path(text): Path<String>) -> Answer {
    let state = app.state();
    let link = state.links.get(id(&text)?).ok_or(Error::ResourceNotFound)?;
    Ok(Json(render::checkout_link(&state, link)))
}
