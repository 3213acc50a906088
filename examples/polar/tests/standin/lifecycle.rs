//! What happens to a sale later: changes of plan, pauses, discounts, disputes, and the lists that tell of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, id};

/// The sum of an order's lines and Polar's arithmetic between its amounts.
fn adds_up(order: &Value) {
    let amount = |name: &str| order[name].as_i64().unwrap_or_else(|| panic!("{name} in {order}"));
    assert_eq!(amount("net_amount"), amount("subtotal_amount") - amount("discount_amount"));
    assert_eq!(amount("total_amount"), amount("net_amount") + amount("tax_amount"));
    assert_eq!(amount("due_amount"), (amount("total_amount") + amount("applied_balance_amount")).max(0));
    let lines = order["items"].as_array().expect("an order has lines");
    let lines: i64 = lines.iter().filter_map(|line| line["amount"].as_i64()).sum();
    assert_eq!(lines.max(0), amount("subtotal_amount"), "{order}");
}

#[tokio::test]
async fn an_upgrade_is_invoiced_before_the_subscription_says_so_and_a_downgrade_is_credit() {
    let world = World::new().await;
    let bought = world.buys("monthly", "ada@example.com").await;
    let subscription = id(&bought, "subscription_id");
    world.types().await;
    let change = format!("/standin/subscriptions/{subscription}/change-plan");
    let upgraded = world.post(&change, json!({ "product": "yearly" })).await;
    let types = world.types().await;
    assert_eq!(
        types,
        ["order.created", "order.updated", "order.paid", "subscription.updated", "order.updated"]
    );
    let order = world.get(&format!("/v1/orders/{}", id(&upgraded, "order_id"))).await;
    adds_up(&order);
    assert_eq!(order["billing_reason"], "subscription_update");
    assert_eq!(
        (order["items"].as_array().map(Vec::len), &order["items"][0]["proration"]),
        (Some(2), &json!(true))
    );
    assert!(order["items"][0]["amount"].as_i64() < Some(0), "the rest of the old plan is given back");

    let downgraded = world.post(&change, json!({ "product": "monthly" })).await;
    let order = world.get(&format!("/v1/orders/{}", id(&downgraded, "order_id"))).await;
    adds_up(&order);
    assert_eq!((&order["total_amount"], &order["status"]), (&json!(0), &json!("paid")));
    let renewed = world.post(&format!("/standin/subscriptions/{subscription}/renew"), json!({})).await;
    let order = world.get(&format!("/v1/orders/{}", id(&renewed, "order_id"))).await;
    adds_up(&order);
    assert_eq!(order["due_amount"], 0, "credit pays first");
    assert_eq!((&order["paid"], &order["refundable_amount"]), (&json!(true), &json!(0)));

    let later = json!({ "product": "yearly", "proration": "next_period" });
    assert_eq!(world.post(&change, later).await["order_id"], Value::Null);
    let waiting = world.get(&format!("/v1/subscriptions/{subscription}")).await;
    assert!(waiting["pending_update"]["applies_at"].is_string());
    world.post(&format!("/standin/subscriptions/{subscription}/renew"), json!({})).await;
    let changed = world.get(&format!("/v1/subscriptions/{subscription}")).await;
    assert_eq!((&changed["recurring_interval"], &changed["pending_update"]), (&json!("year"), &Value::Null));
}

#[tokio::test]
async fn discounts_pauses_and_seats_are_on_the_objects_and_in_the_lists() {
    let world = World::new().await;
    let purchase =
        json!({ "product": "monthly", "email": "b@example.com", "discount": "welcome5", "seats": 3 });
    let bought = world.post("/standin/purchases", purchase).await;
    let subscription = id(&bought, "subscription_id");
    let order = world.get(&format!("/v1/orders/{}", id(&bought, "order"))).await;
    adds_up(&order);
    assert_eq!((&order["discount_amount"], &order["discount"]["code"]), (&json!(500), &json!("WELCOME5")));
    assert_eq!((&order["seats"], &order["subtotal_amount"]), (&json!(3), &json!(5700)));
    let found =
        world.get(&format!("/v1/orders/?discount_id={}", order["discount_id"].as_str().unwrap())).await;
    assert_eq!(found["pagination"]["total_count"], 1);
    let renewed = world.post(&format!("/standin/subscriptions/{subscription}/renew"), json!({})).await;
    let order = world.get(&format!("/v1/orders/{}", id(&renewed, "order_id"))).await;
    assert_eq!(
        (&order["discount_amount"], &order["discount"]),
        (&json!(0), &Value::Null),
        "it was for the first"
    );

    world.types().await;
    let path = format!("/v1/subscriptions/{subscription}");
    let (status, paused) = world.call(Method::PATCH, &path, json!({ "pause_at_period_end": true })).await;
    assert_eq!((status, &paused["status"]), (200, &json!("paused")));
    assert_eq!(world.types().await, ["subscription.updated", "subscription.paused"]);
    let (_, resumed) = world.call(Method::PATCH, &path, json!({ "resume": true })).await;
    assert_eq!(resumed["status"], "active");
    let types = world.types().await;
    assert_eq!(types[..2], ["subscription.updated", "subscription.resumed"]);
    assert!(types.contains(&"order.paid".to_owned()));
    let metadata = json!({ "metadata": { "plan": "x" } });
    let (_, changed) = world.call(Method::PATCH, &path, metadata.clone()).await;
    assert_eq!(changed["metadata"], metadata["metadata"]);
    let (_, changed) = world.call(Method::PATCH, &path, json!({ "seats": 5 })).await;
    assert_eq!((&changed["seats"], &changed["amount"]), (&json!(5), &json!(9500)));
    assert_eq!(world.get("/v1/discounts/").await["pagination"]["total_count"], 3);
}

#[tokio::test]
async fn a_lost_dispute_ends_the_subscription_and_no_order_event_tells_of_it() {
    let world = World::new().await;
    let bought = world.buys("monthly", "c@example.com").await;
    let order = id(&bought, "order");
    world.types().await;
    let disputed = world.post(&format!("/standin/orders/{order}/dispute"), json!({})).await;
    let dispute = id(&disputed, "dispute_id");
    world.post(&format!("/standin/disputes/{dispute}/lost"), json!({})).await;
    let types = world.types().await;
    assert_eq!(types[..3], ["subscription.updated", "subscription.canceled", "subscription.revoked"]);
    assert!(!types.iter().any(|kind| kind.starts_with("order.") || kind.starts_with("refund.")));
    assert_eq!(world.get(&format!("/v1/orders/{order}")).await["refunded_amount"], 0);
    let listed = world.get("/v1/disputes/?status=lost").await;
    assert_eq!(listed["items"][0]["order_id"], json!(order));
    assert_eq!(listed["items"][0]["closed"], true);
    let events = world.get("/v1/events/?name=balance.dispute&source=system").await;
    assert_eq!(events["items"][0]["metadata"]["dispute_id"], json!(dispute));
    let payments = world.get(&format!("/v1/payments/?order_id={order}")).await;
    assert_eq!(payments["items"][0]["id"], listed["items"][0]["payment_id"]);

    let bought = world.buys("monthly", "d@example.com").await;
    let order = id(&bought, "order");
    let disputed = world.post(&format!("/standin/orders/{order}/dispute"), json!({})).await;
    world.types().await;
    world.post(&format!("/standin/disputes/{}/prevented", id(&disputed, "dispute_id")), json!({})).await;
    assert_eq!(world.types().await, ["refund.created", "order.updated", "order.refunded"]);
    let refund = &world.get(&format!("/v1/refunds/?order_id={order}")).await["items"][0];
    assert_eq!((&refund["reason"], &refund["subscription_id"]), (&json!("dispute_prevention"), &Value::Null));
    assert_eq!(refund["dispute"]["status"], "prevented");
}

#[tokio::test]
async fn trouble_with_the_api_is_made_to_order() {
    let world = World::new().await;
    let faults = async |faults: Value| world.post("/standin/api-faults", faults).await;
    let status = async |path: &str| world.call(Method::GET, path, Value::Null).await.0;
    for (name, code) in [
        ("unauthorized_percent", 401),
        ("forbidden_percent", 403),
        ("not_found_percent", 404),
        ("too_many_percent", 429),
        ("away_percent", 503),
    ] {
        faults(json!({ name: 100, "path": "/v1/orders/" })).await;
        assert_eq!(status("/v1/orders/").await, code);
        assert_eq!(status("/v1/refunds/").await, 200, "only where it was asked for");
    }
    faults(json!({ "half_percent": 100 })).await;
    let client = reqwest::Client::builder().build().expect("a client");
    let call = client.get(format!("{}/v1/products/", world.polar.url()));
    let whole = async { call.bearer_auth(polar_standin::DEFAULT_TOKEN).send().await?.text().await };
    assert!(whole.await.is_err(), "it ends early");
    faults(json!({ "shift_percent": 100 })).await;
    let (first, second) =
        (world.get("/v1/products/?limit=2").await, world.get("/v1/products/?limit=2&page=2").await);
    assert_eq!(first["items"][1]["id"], second["items"][0]["id"], "everything moved back by one");
}

#[tokio::test]
async fn customers_made_one_are_told_by_what_they_bought_and_the_first_is_deleted() {
    let world = World::new().await;
    let work = world.buys("monthly", "ada@work.example").await;
    let home = world.buys("monthly", "ada@example.com").await;
    world.types().await;
    let (from, into) = (id(&work, "customer_id"), id(&home, "customer_id"));
    world.post(&format!("/standin/customers/{from}/merge"), json!({ "into": into })).await;
    let types = world.types().await;
    assert_eq!(
        types,
        [
            "subscription.updated",
            "order.updated",
            "customer.updated",
            "customer.state_changed",
            "customer.deleted",
            "customer.state_changed"
        ]
    );
    let subscription = world.get(&format!("/v1/subscriptions/{}", id(&work, "subscription_id"))).await;
    assert_eq!(
        (&subscription["customer_id"], &subscription["customer"]["email"]),
        (&json!(into), &json!("ada@example.com"))
    );
    let orders = world.get(&format!("/v1/orders/?customer_id={into}")).await;
    assert_eq!(orders["items"].as_array().map(Vec::len), Some(2));
    let listed = world.get("/v1/customers/").await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "the lists show no deleted one");
    // Whoever comes back under the address is somebody new; what is gone cannot be made one again.
    let again = world.buys("monthly", "ada@work.example").await;
    assert_ne!(id(&again, "customer_id"), from);
    let path = format!("/standin/customers/{from}/merge");
    assert!(world.call(Method::POST, &path, json!({ "into": into })).await.0 >= 400);
}
