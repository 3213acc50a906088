//! The sales of the plan, made to order by the Polar stand-in: it sends the webhooks Polar would have
//! sent, in the order of their making, signed.

use domain::ids::VisitorId;
use serde_json::{Value, json};

use super::super::mix::Plan as Product;
use super::super::plan::{HandOver, Plan, Purchase};
use super::{Target, answer, bar};

/// Purchases in one call.
const BATCH: usize = 100;
/// What a merchant's endpoint subscribes to, without the many checkout.updated.
const EVENTS: [&str; 19] = [
    "checkout.created",
    "customer.created",
    "customer.updated",
    "order.created",
    "order.paid",
    "order.refunded",
    "order.updated",
    "refund.created",
    "refund.updated",
    "subscription.active",
    "subscription.canceled",
    "subscription.created",
    "subscription.cycled",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "subscription.revoked",
    "subscription.uncanceled",
    "subscription.updated",
];

pub async fn send(target: &Target, plan: &Plan) -> anyhow::Result<()> {
    let bar = bar("sales", plan.purchases.len() as u64);
    for batch in plan.purchases.chunks(BATCH) {
        let purchases: Vec<Value> = batch.iter().map(purchase).collect();
        let body = json!({ "purchases": purchases, "only": EVENTS });
        answer(target.http.post(format!("{}/standin/history", target.polar)).json(&body)).await?;
        answer(target.http.post(format!("{}/standin/wait-idle", target.polar)).json(&json!({}))).await?;
        bar.inc(batch.len() as u64);
    }
    bar.finish();
    Ok(())
}

fn purchase(purchase: &Purchase) -> Value {
    let (product, price_minor) = product(purchase.product);
    let mut body = json!({
        "at": instant(purchase.at_ms),
        "product": product,
        "email": purchase.email,
        "name": purchase.name,
        "country": purchase.country,
    });
    if purchase.hand_over == HandOver::Metadata {
        body["metadata"] = json!({ "tributary_visitor_id": VisitorId(purchase.visitor).to_string() });
    }
    if let Some(at_ms) = purchase.cancels_at_ms {
        body["cancel_at"] = json!(instant(at_ms));
    }
    if let Some((at_ms, hundredths)) = purchase.refund {
        let refund = match hundredths {
            100 => json!({ "at": instant(at_ms) }),
            part => json!({ "at": instant(at_ms), "amount": price_minor * i64::from(part) / 100 }),
        };
        body["refunds"] = json!([refund]);
    }
    body
}

/// The stand-in's name of a product and its price in minor units.
fn product(product: Product) -> (&'static str, i64) {
    match product {
        Product::Monthly => ("monthly", 1_900),
        Product::Yearly => ("yearly", 19_000),
        Product::Lifetime => ("lifetime", 14_900),
        Product::Templates => ("templates", 2_900),
    }
}

fn instant(at_ms: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(at_ms).expect("within the history");
    instant.to_string()
}
