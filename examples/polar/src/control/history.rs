//! Sales made to order, now or in the past. The bodies carry the past; signatures are always of now.
//!
//! A history call may hold thousands of purchases. Everything in it happens in order of time, and the events
//! leave through several lanes: in order for each customer, side by side for different ones.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use axum::Json;
use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Details, change_by_name};
use crate::Standin;
use crate::clock::Time;
use crate::http::{App, Error, check_metadata, read};
use crate::model::{DisputeStatus, Metadata, SubscriptionStatus};
use crate::scenes::checkout::{Form, NewCheckout, capture};
use crate::scenes::refund::NewRefund;
use crate::scenes::{Refusal, Scene, checkout, dispute, refund, subscription};
use crate::webhook::{EVENT_TYPES, sender};

/// One purchase and what becomes of it. A subscription renews at every period end until now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Purchase {
    /// When it was paid; now when absent.
    at: Option<Time>,
    /// When the checkout was opened; a minute before `at` when absent.
    opened_at: Option<Time>,
    /// Slug or id.
    product: String,
    email: String,
    name: Option<String>,
    country: Option<String>,
    /// Minor units; the product's price when absent.
    amount: Option<i64>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    customer_metadata: Metadata,
    external_customer_id: Option<String>,
    /// As if bought through a checkout link visited with this query.
    #[serde(default)]
    link_query: BTreeMap<String, String>,
    /// Cancelled then, ending with its period.
    cancel_at: Option<Time>,
    /// Ended then, at once.
    revoke_at: Option<Time>,
    /// The charge of this renewal (1 is the first) fails, and every retry after it.
    failed_renewal: Option<u32>,
    #[serde(default)]
    refunds: Vec<PastRefund>,
    /// The card is declined: a customer and a checkout, no order.
    #[serde(default)]
    declined: bool,
    /// A discount's code.
    discount: Option<String>,
    seats: Option<u32>,
    /// Whatever else happens. What cannot happen by then does not.
    #[serde(default)]
    then: Vec<Then>,
}

/// One more happening of a purchase.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    at: Time,
    /// An action of a subscription (`pause`, `change-plan`, …), `fail-next-renewal`, `refund`, `refund-succeeds`,
    /// `refund-fails`, `dispute`, `dispute-lost`, `dispute-won`, `dispute-prevented`.
    what: String,
    /// Of a refund or dispute: without tax; all when absent.
    amount: Option<i64>,
    /// Which order of the purchase.
    #[serde(default)]
    order: usize,
    /// Of an action of a subscription.
    #[serde(default)]
    with: Details,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PastRefund {
    at: Option<Time>,
    /// Without tax; all that is left when absent.
    amount: Option<i64>,
    reason: Option<String>,
    /// Which order of the purchase: 0 the first, 1 the first renewal, …
    #[serde(default)]
    order: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    purchases: Vec<Purchase>,
    /// Only events of these types are written; all when absent.
    only: Option<Vec<String>>,
    /// How many customers' events leave side by side.
    #[serde(default = "default_lanes")]
    lanes: u64,
}

fn default_lanes() -> u64 {
    16
}

/// After how long a failed charge is given up: Polar's last retry.
const DUNNING_DAYS: i64 = 21;

/// How many happenings between two looks at the outbox.
const KICK_EVERY: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Buy,
    Refund(usize),
    Cancel,
    Revoke,
    Renew,
    Exhaust,
    Then(usize),
}

/// What a purchase has led to so far.
#[derive(Default)]
struct Made {
    checkout: Option<Uuid>,
    orders: Vec<Uuid>,
    subscription: Option<Uuid>,
    refunds: Vec<Uuid>,
    renewals: u32,
    disputes: Vec<Uuid>,
    fails_next: bool,
}

/// One purchase, now: `POST /standin/purchases`.
pub(super) async fn purchase(app: App, body: Bytes) -> Answer {
    let purchase: Purchase = read(&body)?;
    let history = History { purchases: vec![purchase], only: None, lanes: 0 };
    let mut rows = play(&app, &history).await?;
    Ok(Json(rows.pop().unwrap_or_default()))
}

/// Many, in the past: `POST /standin/history`.
pub(super) async fn run(app: App, body: Bytes) -> Answer {
    let history: History = read(&body)?;
    if let Some(only) = &history.only
        && only.iter().any(|kind| !EVENT_TYPES.contains(&kind.as_str()))
    {
        return Err(Error::body("only", "Input is not one of Polar's event types"));
    }
    let rows = play(&app, &history).await?;
    Ok(Json(json!({ "purchases": rows, "events": app.state().events.len() })))
}

/// Lane 0 is the live one; history takes the others.
fn lane(email: &str, lanes: u64) -> u64 {
    let hash = email.to_lowercase().bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
    if lanes == 0 { 0 } else { 1 + hash % lanes }
}

async fn play(app: &App, history: &History) -> Result<Vec<Value>, Error> {
    let now = app.state().now();
    let mut made: Vec<Made> = Vec::new();
    let mut steps = BinaryHeap::new();
    for (n, purchase) in history.purchases.iter().enumerate() {
        check(app, purchase)?;
        made.push(Made::default());
        let at = purchase.at.unwrap_or(now);
        steps.push(Reverse((at, n, Step::Buy)));
        let mut later = |step, at: Option<Time>| steps.extend(at.map(|at| Reverse((at, n, step))));
        later(Step::Cancel, purchase.cancel_at);
        later(Step::Revoke, purchase.revoke_at);
        for (of, then) in purchase.then.iter().enumerate() {
            later(Step::Then(of), Some(then.at));
        }
        for (of, refund) in purchase.refunds.iter().enumerate() {
            later(Step::Refund(of), Some(refund.at.unwrap_or(now)));
        }
    }
    let mut done = 0;
    while let Some(Reverse((at, n, step))) = steps.pop() {
        if at > now {
            break;
        }
        let next =
            one(app, history, n, step, at, &mut made[n]).map_err(|refusal| refused(n, at, &refusal))?;
        steps.extend(next.map(|(at, step)| Reverse((at, n, step))));
        done += 1;
        if done % KICK_EVERY == 0 {
            sender::kick(app);
            tokio::task::yield_now().await;
        }
    }
    sender::kick(app);
    let state = app.state();
    Ok(made
        .iter()
        .map(|made| {
            let bought = made.checkout.and_then(|id| state.checkouts.get(id));
            json!({
                "checkout_id": made.checkout, "customer_id": bought.and_then(|it| it.customer_id),
                "order_ids": made.orders, "subscription_id": made.subscription, "refund_ids": made.refunds,
                "dispute_ids": made.disputes,
            })
        })
        .collect())
}

fn check(standin: &Standin, purchase: &Purchase) -> Result<(), Error> {
    check_metadata("metadata", &purchase.metadata)?;
    check_metadata("customer_metadata", &purchase.customer_metadata)?;
    if standin.state().find_product(&purchase.product).is_none() {
        return Err(Error::body("product", "no product has this slug or id"));
    }
    if !purchase.email.contains('@') {
        return Err(Error::body("email", "value is not a valid email address"));
    }
    Ok(())
}

fn refused(n: usize, at: Time, refusal: &Refusal) -> Error {
    let why = match refusal {
        Refusal::NotFound => "what it needs does not exist",
        Refusal::NotNow(why) => why,
    };
    Error::body("purchases", &format!("purchase {n} at {at}: {why}"))
}

/// One step of one purchase; the answer is the step that follows from it.
fn one(
    standin: &Standin,
    history: &History,
    n: usize,
    step: Step,
    at: Time,
    made: &mut Made,
) -> Result<Option<(Time, Step)>, Refusal> {
    let purchase = &history.purchases[n];
    let mut state = standin.state();
    let mut scene =
        Scene::past(&mut state, at, lane(&purchase.email, history.lanes), history.only.as_deref());
    match (step, made.subscription) {
        (Step::Buy, _) => {
            buy(&mut scene, purchase, at, made)?;
        }
        (Step::Refund(of), _) => {
            let wanted = &purchase.refunds[of];
            let order_id =
                *made.orders.get(wanted.order).ok_or(Refusal::NotNow("that order was never made"))?;
            let new = NewRefund {
                order_id,
                amount: wanted.amount,
                reason: wanted.reason.clone().unwrap_or_else(|| "customer_request".into()),
                metadata: Metadata::new(),
                revoke_benefits: false,
                is_instant: true,
                dispute_id: None,
            };
            made.refunds.push(refund::refund(&mut scene, new)?);
            return Ok(None);
        }
        (Step::Then(of), _) => {
            // A refusal is no failure: a seeded history asks for what may not be possible by then.
            drop(then(&mut scene, &purchase.then[of], made));
            return Ok(None);
        }
        (_, None) => return Err(Refusal::NotNow("only a subscription can be cancelled, revoked or renewed")),
        (Step::Cancel, Some(id)) => return subscription::cancel(&mut scene, id).map(|()| None),
        (Step::Revoke, Some(id)) => return subscription::revoke(&mut scene, id).map(|()| None),
        // Recovered or ended meanwhile: nothing is left to give up.
        (Step::Exhaust, Some(id)) => {
            let status = scene.state.subscriptions.get(id).map(|it| it.status);
            if status != Some(SubscriptionStatus::PastDue) {
                let it = scene.state.subscriptions.get(id).filter(|it| it.ended_at.is_none());
                return Ok(it.map(|it| (it.period_end.max(at), Step::Renew)));
            }
            return subscription::exhaust(&mut scene, id).map(|_| None);
        }
        (Step::Renew, Some(id)) => {
            let it = scene.state.subscriptions.get(id).ok_or(Refusal::NotFound)?;
            if it.ended_at.is_some() {
                return Ok(None);
            }
            if it.period_end > at
                || !matches!(it.status, SubscriptionStatus::Active | SubscriptionStatus::Trialing)
            {
                // Renewed by a resume, paused, or waiting for money: looked at again when that may be over.
                return Ok(Some((it.period_end.max(at.plus_days(1)), Step::Renew)));
            }
            if it.cancel_at_period_end {
                return subscription::revoke(&mut scene, id).map(|()| None);
            }
            made.renewals += 1;
            let is_paid =
                purchase.failed_renewal != Some(made.renewals) && !std::mem::take(&mut made.fails_next);
            made.orders.push(subscription::renew(&mut scene, id, is_paid)?);
            if scene.state.subscriptions.get(id).is_some_and(|it| it.status == SubscriptionStatus::PastDue) {
                return Ok(Some((at.plus_days(DUNNING_DAYS), Step::Exhaust)));
            }
        }
    }
    let period_end =
        made.subscription.and_then(|id| scene.state.subscriptions.get(id)).map(|it| it.period_end);
    Ok(period_end.map(|end| (end, Step::Renew)))
}

/// A happening by name.
fn then(scene: &mut Scene<'_>, then: &Then, made: &mut Made) -> Result<(), Error> {
    let order = made.orders.get(then.order).copied().ok_or(Error::NotFound);
    let refund = made.refunds.last().copied().ok_or(Error::NotFound);
    let dispute = made.disputes.last().copied().ok_or(Error::NotFound);
    match then.what.as_str() {
        "refund" => {
            let new = NewRefund {
                order_id: order?,
                amount: then.amount,
                reason: "customer_request".into(),
                metadata: Metadata::new(),
                revoke_benefits: false,
                is_instant: false,
                dispute_id: None,
            };
            made.refunds.push(refund::refund(scene, new)?);
        }
        "refund-succeeds" => refund::succeed(scene, refund?)?,
        "refund-fails" => refund::fail(scene, refund?)?,
        "dispute" => made.disputes.push(dispute::open(scene, order?, then.amount)?),
        "dispute-lost" => dispute::settle(scene, dispute?, DisputeStatus::Lost)?,
        "dispute-won" => dispute::settle(scene, dispute?, DisputeStatus::Won)?,
        "dispute-prevented" => dispute::settle(scene, dispute?, DisputeStatus::Prevented)?,
        "fail-next-renewal" => made.fails_next = true,
        action => {
            let id = made.subscription.ok_or(Error::NotFound)?;
            made.orders.extend(change_by_name(scene, id, action, &then.with)?);
        }
    }
    Ok(())
}

fn buy(scene: &mut Scene<'_>, purchase: &Purchase, at: Time, made: &mut Made) -> Result<(), Refusal> {
    let product_id = scene.state.find_product(&purchase.product).ok_or(Refusal::NotFound)?.id;
    let query: Vec<(String, String)> = purchase.link_query.clone().into_iter().collect();
    let discount =
        purchase.discount.as_deref().map(|code| scene.state.discount_by_code(code).map(|it| it.id));
    let discount_id = discount.map(|found| found.ok_or(Refusal::NotFound)).transpose()?;
    scene.set_time(purchase.opened_at.unwrap_or(Time(at.0 - 60_000_000)).min(at));
    let checkout_id = checkout::open(
        scene,
        NewCheckout {
            product_ids: vec![product_id],
            amount: purchase.amount,
            metadata: capture(&purchase.metadata, &query),
            customer_metadata: purchase.customer_metadata.clone(),
            external_customer_id: purchase.external_customer_id.clone(),
            discount_id,
            seats: purchase.seats,
            ..NewCheckout::default()
        },
    );
    made.checkout = Some(checkout_id);
    if scene.time() < at {
        scene.set_time(at);
    }
    let form = Form {
        email: Some(purchase.email.clone()),
        name: purchase.name.clone(),
        country: purchase.country.clone(),
    };
    checkout::fill(scene, checkout_id, form)?;
    let order_id = checkout::pay(scene, checkout_id, !purchase.declined)?;
    made.subscription = order_id.and_then(|id| scene.state.orders.get(id)).and_then(|it| it.subscription_id);
    made.orders.extend(order_id);
    Ok(())
}
