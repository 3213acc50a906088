//! Which events each situation sends, in which order (Polar's order, reference 1.8).

use reqwest::Method;
use serde_json::json;

use crate::support::{World, id};

/// What clicking Pay sends before the payment is known.
const OPENED_AND_CONFIRMED: [&str; 6] = [
    "checkout.created",
    "checkout.updated",
    "customer.created",
    "member.created",
    "customer.state_changed",
    "checkout.updated",
];

const SUBSCRIBED: [&str; 9] = [
    "subscription.created",
    "subscription.active",
    "subscription.updated",
    "order.created",
    "order.updated",
    "order.paid",
    "checkout.updated",
    "order.updated",
    "customer.state_changed",
];

fn joined(before: &[&str], after: &[&str]) -> Vec<String> {
    before.iter().chain(after).map(|&kind| kind.to_owned()).collect()
}

#[tokio::test]
async fn one_time_purchase_sends_the_order_already_paid() {
    let world = World::new().await;
    world.buys("lifetime", "a@example.com").await;
    let received = world.deliveries().await;
    let created = received.iter().find(|one| one.body()["type"] == "order.created").expect("order.created");
    let order = &created.body()["data"];
    assert_eq!((&order["status"], &order["platform_fee_amount"]), (&json!("paid"), &json!(0)));
    assert_eq!(order["net_amount"], 14900);
    assert_eq!(order["tax_amount"], 2831);
    let paid = ["order.created", "order.updated", "order.paid", "checkout.updated", "order.updated"];
    let paid = [&paid[..], &["customer.state_changed"]].concat();
    assert_eq!(world.types().await, joined(&OPENED_AND_CONFIRMED, &paid));
}

#[tokio::test]
async fn new_subscription_sends_subscription_then_order() {
    let world = World::new().await;
    world.buys("monthly", "a@example.com").await;
    assert_eq!(world.types().await, joined(&OPENED_AND_CONFIRMED, &SUBSCRIBED));
}

#[tokio::test]
async fn trial_is_active_and_paid_with_nothing_then_converts_as_a_renewal() {
    let world = World::new().await;
    let bought = world.buys("trial", "a@example.com").await;
    let received = world.deliveries().await;
    let find = |kind: &str| received.iter().find(|one| one.body()["type"] == kind).expect("sent").body();
    assert_eq!(find("subscription.active")["data"]["status"], "trialing");
    let order = &find("order.paid")["data"];
    assert_eq!(
        (&order["total_amount"], &order["billing_reason"]),
        (&json!(0), &json!("subscription_create"))
    );
    let mut without_fee = SUBSCRIBED.to_vec();
    without_fee.remove(7);
    assert_eq!(world.types().await, joined(&OPENED_AND_CONFIRMED, &without_fee));

    let path = format!("/standin/subscriptions/{}/convert-trial", id(&bought, "subscription_id"));
    world.post(&path, json!({})).await;
    let received = world.deliveries().await;
    let paid = received.iter().find(|one| one.body()["type"] == "order.paid").expect("order.paid").body();
    assert_eq!(paid["data"]["billing_reason"], "subscription_cycle");
    assert_eq!(paid["data"]["net_amount"], 1900);
    assert_eq!(paid["data"]["subscription"]["status"], "active");
}

#[tokio::test]
async fn a_declined_card_leaves_a_customer_and_an_open_checkout() {
    let world = World::new().await;
    let body = json!({ "product": "monthly", "email": "a@example.com", "declined": true });
    let answer = world.post("/standin/purchases", body).await;
    assert_eq!(answer["order_ids"], json!([]));
    assert_eq!(world.types().await, joined(&OPENED_AND_CONFIRMED, &["checkout.updated"]));
    let checkout = world.get(&format!("/v1/checkouts/{}", id(&answer, "checkout_id"))).await;
    assert_eq!(checkout["status"], "open");
}

#[tokio::test]
async fn a_known_address_is_the_same_customer_whatever_its_case() {
    let world = World::new().await;
    let first = world.buys("templates", "Ada@example.com").await;
    world.types().await;
    let second = world.buys("templates", "ada@EXAMPLE.com").await;
    assert_eq!(id(&first, "customer_id"), id(&second, "customer_id"));
    let types = world.types().await;
    assert!(types.iter().any(|kind| kind == "customer.updated"), "{types:?}");
    assert!(!types.iter().any(|kind| kind == "customer.created" || kind == "member.created"), "{types:?}");
}

/// After a monthly purchase, what the actions on the subscription send.
async fn check(steps: &[(&str, &[&str])]) {
    let world = World::new().await;
    let bought = world.buys("monthly", "a@example.com").await;
    world.types().await;
    for (action, want) in steps {
        world
            .post(&format!("/standin/subscriptions/{}/{action}", id(&bought, "subscription_id")), json!({}))
            .await;
        assert_eq!(&world.types().await, want, "{action}");
    }
}

const ENDED: [&str; 3] = ["subscription.updated", "subscription.canceled", "subscription.revoked"];

#[tokio::test]
async fn renewal_is_pending_first_then_paid() {
    let renewed =
        ["subscription.cycled", "subscription.updated", "order.created", "order.updated", "order.paid"];
    check(&[("renew", &[&renewed[..], &["order.updated"]].concat())]).await;
}

#[tokio::test]
async fn failed_renewal_recovers_or_ends_void() {
    let failed = [
        "subscription.cycled",
        "subscription.updated",
        "order.created",
        "subscription.updated",
        "subscription.past_due",
        "order.updated",
    ];
    let recovered =
        ["order.updated", "order.paid", "subscription.updated", "subscription.active", "order.updated"];
    check(&[("fail-renewal", &failed), ("recover", &recovered)]).await;
    check(&[("fail-renewal", &failed), ("exhaust", &[&ENDED[..], &["order.updated"]].concat())]).await;
}

#[tokio::test]
async fn cancelling_keeps_it_running_and_the_end_says_cancelled_again() {
    let ended = [&ENDED[..], &["customer.state_changed"]].concat();
    check(&[
        ("cancel", &["subscription.updated", "subscription.canceled"]),
        ("uncancel", &["subscription.updated", "subscription.uncanceled"]),
        ("cancel", &["subscription.updated", "subscription.canceled"]),
        ("revoke", &ended),
    ])
    .await;
}

#[tokio::test]
async fn refunds_at_once_slow_and_failing() {
    let world = World::new().await;
    let bought = world.buys("lifetime", "a@example.com").await;
    let order = id(&bought, "order");
    world.types().await;

    world.post(&format!("/standin/orders/{order}/refund"), json!({ "amount": 4900 })).await;
    assert_eq!(world.types().await, ["refund.created", "order.updated", "order.refunded"]);
    let state = world.get(&format!("/v1/orders/{order}")).await;
    assert_eq!((&state["status"], &state["refunded_amount"]), (&json!("partially_refunded"), &json!(4900)));
    assert_eq!(state["refunded_tax_amount"], 931);

    let slow = world.post(&format!("/standin/orders/{order}/refund"), json!({ "pending": true })).await;
    assert_eq!(world.types().await, ["refund.created"]);
    world.post(&format!("/standin/refunds/{}/succeed", id(&slow, "refund_id")), json!({})).await;
    assert_eq!(world.types().await, ["refund.updated", "order.updated", "order.refunded"]);
    let state = world.get(&format!("/v1/orders/{order}")).await;
    assert_eq!((&state["status"], &state["refunded_amount"]), (&json!("refunded"), &json!(14900)));
    assert_eq!(state["refunded_tax_amount"], state["tax_amount"]);

    world.post(&format!("/standin/refunds/{}/fail", id(&slow, "refund_id")), json!({})).await;
    assert_eq!(world.types().await, ["refund.updated", "order.updated"]);
    let state = world.get(&format!("/v1/orders/{order}")).await;
    assert_eq!((&state["status"], &state["refunded_amount"]), (&json!("partially_refunded"), &json!(4900)));

    let body = json!({ "order_id": order, "reason": "customer_request", "amount": 99_999 });
    assert_eq!(world.call(Method::POST, "/v1/refunds/", body).await.0, 403);
}

#[tokio::test]
async fn renewals_carry_the_metadata_of_the_checkout_but_not_its_id() {
    let world = World::new().await;
    let body = json!({ "product": "monthly", "email": "a@example.com",
        "link_query": { "reference_id": "vis_1", "utm_source": "newsletter", "gclid": "x" } });
    let bought = world.post("/standin/purchases", body).await;
    world.types().await;
    world.post(&format!("/standin/subscriptions/{}/renew", id(&bought, "subscription_id")), json!({})).await;
    let received = world.deliveries().await;
    let paid = received.iter().find(|one| one.body()["type"] == "order.paid").expect("order.paid").body();
    assert_eq!(paid["data"]["metadata"], json!({ "reference_id": "vis_1", "utm_source": "newsletter" }));
    assert_eq!(paid["data"]["checkout_id"], json!(null));
}

#[tokio::test]
async fn moving_the_clock_renews_converts_ends_and_expires() {
    let world = World::new().await;
    let bought = world.buys("monthly", "a@example.com").await;
    world.buys("trial", "b@example.com").await;
    let product = world.get("/v1/products/?query=template").await["items"][0]["id"].clone();
    world.post("/v1/checkouts/", json!({ "products": [product] })).await;
    world.post(&format!("/standin/subscriptions/{}/cancel", id(&bought, "subscription_id")), json!({})).await;
    world.types().await;
    world.post("/standin/clock/advance", json!({ "days": 40, "run_due": true })).await;
    let types = world.types().await;
    let count = |kind: &str| types.iter().filter(|sent| *sent == kind).count();
    assert_eq!(
        (count("checkout.expired"), count("subscription.revoked"), count("subscription.cycled")),
        (1, 1, 1)
    );
}
