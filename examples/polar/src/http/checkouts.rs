//! Writing: checkouts, checkout links and refunds made with a token.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{App, Error};
use crate::model::{CheckoutLink, Metadata};
use crate::render;
use crate::scenes::checkout::NewCheckout;
use crate::scenes::refund::{NewRefund, REASONS};
use crate::scenes::{Scene, checkout, refund};
use crate::state::State;
use crate::webhook::sender::kick;

type Answer = Result<(StatusCode, Json<Value>), Error>;

/// Reads a JSON body; unknown fields are ignored, as Polar does.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|error| Error::Invalid(vec![(vec![json!("body")], error.to_string(), "json_invalid")]))
}

/// Polar's limits: 50 pairs, keys of 1 to 40 characters, text of 1 to 500, else a number or a boolean.
pub(crate) fn check_metadata(field: &str, metadata: &Metadata) -> Result<(), Error> {
    if metadata.len() > 50 {
        return Err(Error::body(field, "Dictionary should have at most 50 items"));
    }
    for (key, value) in metadata {
        let is_key_fine = (1..=40).contains(&key.chars().count());
        let is_value_fine = match value {
            Value::String(text) => (1..=500).contains(&text.chars().count()),
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !is_key_fine || !is_value_fine {
            let loc = vec![json!("body"), json!(field), json!(key)];
            let message =
                "Keys have 1 to 40 characters; values are text of 1 to 500 characters, numbers or booleans";
            return Err(Error::Invalid(vec![(loc, message.into(), "value_error")]));
        }
    }
    Ok(())
}

/// The products of a request, checked.
fn known_products(state: &State, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Err(Error::body("products", "List should have at least 1 item after validation"));
    }
    match ids.iter().find(|id| state.products.get(**id).is_none()) {
        Some(_) => Err(Error::body("products", "Product does not exist.")),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
struct CheckoutBody {
    #[serde(default)]
    products: Vec<Uuid>,
    product_id: Option<Uuid>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    customer_metadata: Metadata,
    #[serde(alias = "customer_external_id")]
    external_customer_id: Option<String>,
    customer_id: Option<Uuid>,
    customer_email: Option<String>,
    customer_name: Option<String>,
    success_url: Option<String>,
    return_url: Option<String>,
    embed_origin: Option<String>,
    discount_id: Option<Uuid>,
    seats: Option<u32>,
}

pub(super) async fn create(app: App, body: Bytes) -> Answer {
    let body: CheckoutBody = read(&body)?;
    check_metadata("metadata", &body.metadata)?;
    check_metadata("customer_metadata", &body.customer_metadata)?;
    if body.customer_email.as_deref().is_some_and(|email| !email.contains('@')) {
        return Err(Error::body("customer_email", "value is not a valid email address"));
    }
    let answer = {
        let mut state = app.state();
        let product_ids =
            if body.products.is_empty() { body.product_id.into_iter().collect() } else { body.products };
        known_products(&state, &product_ids)?;
        if body.customer_id.is_some_and(|id| state.customers.get(id).is_none()) {
            return Err(Error::body("customer_id", "Customer does not exist."));
        }
        if body.discount_id.is_some_and(|id| state.discounts.get(id).is_none()) {
            return Err(Error::body("discount_id", "Discount does not exist."));
        }
        let preset = body.external_customer_id.as_deref().and_then(|id| state.customer_by_external_id(id));
        let customer_id = body.customer_id.or(preset.map(|customer| customer.id));
        let id = checkout::open(
            &mut Scene::now(&mut state),
            NewCheckout {
                product_ids,
                amount: None,
                metadata: body.metadata,
                customer_metadata: body.customer_metadata,
                external_customer_id: body.external_customer_id,
                customer_id,
                customer_email: body.customer_email,
                customer_name: body.customer_name,
                success_url: body.success_url,
                return_url: body.return_url,
                embed_origin: body.embed_origin,
                discount_id: body.discount_id,
                seats: body.seats,
            },
        );
        state.checkouts.get(id).map(|made| render::checkout(&state, made)).ok_or(Error::ResourceNotFound)?
    };
    kick(&app);
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
struct LinkBody {
    #[serde(default)]
    products: Vec<Uuid>,
    product_id: Option<Uuid>,
    product_price_id: Option<Uuid>,
    #[serde(default)]
    metadata: Metadata,
    label: Option<String>,
    success_url: Option<String>,
}

pub(super) async fn create_link(app: App, body: Bytes) -> Answer {
    let body: LinkBody = read(&body)?;
    check_metadata("metadata", &body.metadata)?;
    let mut state = app.state();
    let by_price = state.products.iter().find(|product| Some(product.price_id) == body.product_price_id);
    let single = body.product_id.or(by_price.map(|product| product.id));
    let product_ids = if body.products.is_empty() { single.into_iter().collect() } else { body.products };
    known_products(&state, &product_ids)?;
    let link = CheckoutLink {
        id: state.ids.uuid(),
        created_at: state.now(),
        client_secret: state.ids.secret("polar_cl_"),
        metadata: body.metadata,
        label: body.label,
        success_url: body.success_url,
        product_ids,
    };
    let answer = render::checkout_link(&state, &link);
    state.links.push(link);
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
struct RefundBody {
    order_id: Uuid,
    reason: String,
    amount: i64,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    revoke_benefits: bool,
}

pub(super) async fn create_refund(app: App, body: Bytes) -> Answer {
    let body: RefundBody = read(&body)?;
    check_metadata("metadata", &body.metadata)?;
    if !REASONS.contains(&body.reason.as_str()) {
        return Err(Error::body("reason", "Input is not one of Polar's refund reasons"));
    }
    let answer = {
        let mut state = app.state();
        if state.orders.get(body.order_id).is_none() {
            return Err(Error::body("order_id", "Order not found."));
        }
        let id = refund::refund(
            &mut Scene::now(&mut state),
            NewRefund {
                order_id: body.order_id,
                amount: Some(body.amount),
                reason: body.reason,
                metadata: body.metadata,
                revoke_benefits: body.revoke_benefits,
                is_instant: true,
                dispute_id: None,
            },
        )?;
        state.refunds.get(id).map(|made| render::refund(&state, made)).ok_or(Error::ResourceNotFound)?
    };
    kick(&app);
    Ok((StatusCode::CREATED, Json(answer)))
}
