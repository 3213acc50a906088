//! What a buyer sees: visiting a checkout link, the hosted checkout page, and the end of it. Also the two calls
//! Polar's own page makes with the client secret.

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::checkouts::read;
use super::query::Query;
use super::{App, Error};
use crate::Standin;
use crate::catalogue::ORGANIZATION_NAME;
use crate::model::{Checkout, CheckoutStatus};
use crate::render;
use crate::scenes::checkout::{Form, NewCheckout, capture};
use crate::scenes::{Scene, checkout};
use crate::state::State;
use crate::webhook::sender::kick;

/// Countries offered on the page: those with a tax rate in the catalogue, and some without.
const COUNTRIES: [(&str, &str); 20] = [
    ("US", "United States"),
    ("GB", "United Kingdom"),
    ("DE", "Germany"),
    ("FR", "France"),
    ("ES", "Spain"),
    ("IT", "Italy"),
    ("NL", "Netherlands"),
    ("BE", "Belgium"),
    ("AT", "Austria"),
    ("PL", "Poland"),
    ("SE", "Sweden"),
    ("DK", "Denmark"),
    ("NO", "Norway"),
    ("CY", "Cyprus"),
    ("CA", "Canada"),
    ("AU", "Australia"),
    ("BR", "Brazil"),
    ("IN", "India"),
    ("JP", "Japan"),
    ("CH", "Switzerland"),
];

#[derive(Template)]
#[template(path = "checkout.html")]
struct Page<'a> {
    seller: &'a str,
    action: String,
    product: String,
    description: String,
    price: String,
    period: &'a str,
    trial: Option<String>,
    email: String,
    is_email_locked: bool,
    name: String,
    country: String,
    countries: &'a [(&'a str, &'a str)],
    problem: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "confirmation.html")]
struct Confirmation<'a> {
    seller: &'a str,
    product: String,
    title: &'a str,
    text: &'a str,
}

/// "$19.00", "€29.00": minor units as people read them.
fn money(amount: i64, currency: &str) -> String {
    let sign = match currency {
        "usd" => "$".to_owned(),
        "eur" => "€".to_owned(),
        other => format!("{} ", other.to_uppercase()),
    };
    format!("{sign}{}.{:02}", amount / 100, amount % 100)
}

fn html(page: &impl Template) -> Response {
    page.render().map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

fn found<'a>(state: &'a State, client_secret: &str) -> Result<&'a Checkout, Error> {
    state.checkout_by_secret(client_secret).ok_or(Error::ResourceNotFound)
}

/// `buy.polar.sh/polar_cl_…`: every visit opens a checkout. Other parameters go on to the page, which forgets
/// them; prefilled fields are kept.
pub(super) async fn visit_link(
    app: App,
    Path(client_secret): Path<String>,
    query: Query,
) -> Result<Response, Error> {
    let target = {
        let mut state = app.state();
        let link = state.links.iter().find(|link| link.client_secret == client_secret).cloned();
        let Some(link) = link else {
            return Err(if client_secret.starts_with("polar_cl_") {
                Error::ResourceNotFound
            } else {
                Error::NotFound
            });
        };
        let wanted = query.one("product_id").and_then(|id| id.parse::<Uuid>().ok());
        let mut product_ids = link.product_ids.clone();
        product_ids.sort_by_key(|id| Some(*id) != wanted);
        let given = |name: &str| query.one(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let id = checkout::open(
            &mut Scene::now(&mut state),
            NewCheckout {
                product_ids,
                metadata: capture(&link.metadata, &query.0),
                customer_email: given("customer_email"),
                customer_name: given("customer_name"),
                success_url: link.success_url,
                ..NewCheckout::default()
            },
        );
        let made = state.checkouts.get(id).ok_or(Error::ResourceNotFound)?;
        let rest: String =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&query.0).finish();
        let mark = if rest.is_empty() { "" } else { "?" };
        format!("{}/checkout/{}{mark}{rest}", state.public_url, made.client_secret)
    };
    kick(&app);
    Ok(Redirect::to(&target).into_response())
}

fn page_of(state: &State, checkout: &Checkout, problem: Option<&str>) -> Response {
    let product = state.product(checkout.product_id);
    html(&Page {
        seller: ORGANIZATION_NAME,
        action: format!("/checkout/{}/confirm", checkout.client_secret),
        product: product.name.clone(),
        description: product.description.clone(),
        price: money(checkout.amount, &product.currency),
        period: product.interval.map_or("", |interval| interval.word()),
        trial: product.trial_days.map(|days| format!("Free for {days} days")),
        email: checkout.customer_email.clone().unwrap_or_default(),
        is_email_locked: checkout.customer_id.is_some(),
        name: checkout.customer_name.clone().unwrap_or_default(),
        country: checkout.customer_country.clone().unwrap_or_else(|| "US".into()),
        countries: &COUNTRIES,
        problem,
    })
}

fn end_of(state: &State, checkout: &Checkout) -> Response {
    let (title, text) = match checkout.status {
        CheckoutStatus::Succeeded => ("Thank you", "Your order is complete."),
        CheckoutStatus::Expired => ("This checkout has expired", "Go back to the shop and start again."),
        CheckoutStatus::Open | CheckoutStatus::Confirmed => {
            ("Not paid yet", "Go back and finish the checkout.")
        }
    };
    let product = state.product(checkout.product_id).name.clone();
    html(&Confirmation { seller: ORGANIZATION_NAME, product, title, text })
}

pub(super) async fn page(app: App, Path(client_secret): Path<String>) -> Result<Response, Error> {
    let state = app.state();
    let checkout = found(&state, &client_secret)?;
    Ok(match checkout.status {
        CheckoutStatus::Open => page_of(&state, checkout, None),
        _ => end_of(&state, checkout),
    })
}

pub(super) async fn confirmation(app: App, Path(client_secret): Path<String>) -> Result<Response, Error> {
    let state = app.state();
    Ok(end_of(&state, found(&state, &client_secret)?))
}

/// What both ways of confirming send. `payment` is the stand-in's own field: `decline` fails the card.
#[derive(Default, Deserialize)]
struct Fields {
    customer_email: Option<String>,
    customer_name: Option<String>,
    country: Option<String>,
    payment: Option<String>,
}

/// Fills the form and clicks Pay. `true` when it was paid.
fn fill_and_pay(standin: &Standin, client_secret: &str, fields: Fields) -> Result<bool, Error> {
    let mut state = standin.state();
    let id = found(&state, client_secret)?.id;
    let mut scene = Scene::now(&mut state);
    let form = Form { email: fields.customer_email, name: fields.customer_name, country: fields.country };
    checkout::fill(&mut scene, id, form)?;
    let order = checkout::pay(&mut scene, id, fields.payment.as_deref() != Some("decline"))?;
    Ok(order.is_some())
}

/// The page's form.
pub(super) async fn confirm(
    app: App,
    Path(client_secret): Path<String>,
    body: Bytes,
) -> Result<Response, Error> {
    let mut fields = Fields::default();
    for (name, value) in url::form_urlencoded::parse(&body).into_owned() {
        match name.as_str() {
            "customer_email" => fields.customer_email = Some(value),
            "customer_name" => fields.customer_name = Some(value),
            "country" => fields.country = Some(value),
            "payment" => fields.payment = Some(value),
            _ => {}
        }
    }
    let paid = fill_and_pay(&app, &client_secret, fields);
    kick(&app);
    let state = app.state();
    let checkout = found(&state, &client_secret)?;
    Ok(match paid {
        Ok(true) => Redirect::to(&checkout.success_url).into_response(),
        Ok(false) => page_of(&state, checkout, Some("Your card was declined. Try another one.")),
        Err(Error::NotPermitted(why)) if checkout.status == CheckoutStatus::Open => {
            page_of(&state, checkout, Some(why))
        }
        Err(Error::NotPermitted(_)) => end_of(&state, checkout),
        Err(error) => return Err(error),
    })
}

pub(super) async fn client_get(app: App, Path(client_secret): Path<String>) -> Result<Json<Value>, Error> {
    let state = app.state();
    Ok(Json(render::checkout(&state, found(&state, &client_secret)?)))
}

#[derive(Deserialize)]
struct ConfirmBody {
    customer_email: Option<String>,
    customer_name: Option<String>,
    customer_billing_address: Option<AddressBody>,
}

#[derive(Deserialize)]
struct AddressBody {
    country: Option<String>,
}

pub(super) async fn client_confirm(
    app: App,
    Path(client_secret): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Error> {
    let body: ConfirmBody = read(&body)?;
    let fields = Fields {
        customer_email: body.customer_email,
        customer_name: body.customer_name,
        country: body.customer_billing_address.and_then(|address| address.country),
        payment: None,
    };
    fill_and_pay(&app, &client_secret, fields)?;
    kick(&app);
    let state = app.state();
    Ok(Json(render::checkout(&state, found(&state, &client_secret)?)))
}
