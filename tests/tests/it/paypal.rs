//! Payouts by PayPal: every item ends with its partner or due again, and no answer that is lost pays anybody twice.

use paypal_standin::{CLIENT_ID, CLIENT_SECRET, Ending, Fault, Handle};
use serde_json::{Value, json};
use support::{Shop, days, hours, minutes};
use tributary::jobs::paypal;

use crate::affiliates::{partner, text};
use crate::payouts::{approve, asks, done_as_admin, is_paid_by, preview, sells, stands};

/// Three partners to whom money is due by PayPal: 30.00 to ann, 6.00 to bob, 15.00 to cem.
async fn due_by_paypal() -> (Shop, Handle, [String; 3]) {
    let paypal = paypal_standin::start(([127, 0, 0, 1], 0).into(), false).await.expect("a free port");
    let shop = Shop::open().await;
    let program = crate::affiliates::program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let mut partners = Vec::new();
    for (name, minor) in [("ann", 10_000), ("bob", 20_00), ("cem", 50_00)] {
        let id = partner(&shop, &program, name).await;
        sells(&shop, name, minor).await;
        is_paid_by(&shop, &id, "paypal", &format!("{name}@pay.example")).await;
        partners.push(id);
    }
    shop.settle().await;
    shop.after(days(31));
    let account =
        json!({ "environment": paypal.url(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET });
    let set = asks(&shop, "PUT", "/v1/paypal", account).await;
    assert_eq!(set.status, 200, "{}", set.text());
    assert!(!set.text().contains(CLIENT_SECRET), "the secret is never shown");
    (shop, paypal, partners.try_into().expect("three"))
}

async fn approved(shop: &Shop) -> String {
    let payout = approve(shop, &preview(shop).await).await;
    assert_eq!(payout.status, 201, "{}", payout.text());
    text(&payout.json()["id"])
}

async fn sends(shop: &Shop, id: &str) -> Value {
    let sent = asks(shop, "POST", &format!("/v1/payouts/{id}/send"), Value::Null).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    sent.json()
}

async fn works(shop: &Shop) {
    while paypal::step(shop.app()).await.expect("PayPal is called") {}
}

async fn shown(shop: &Shop, id: &str) -> Value {
    shop.ask(&format!("/v1/payouts/{id}")).await
}

fn items(payout: &Value) -> Vec<(String, String, String)> {
    let items = payout["items"].as_array().expect("items").iter();
    let mut told: Vec<_> =
        items.map(|item| (text(&item["name"]), text(&item["state"]), text(&item["rail_status"]))).collect();
    told.sort();
    told
}

fn owned<const N: usize>(rows: [(&str, &str, &str); N]) -> Vec<(String, String, String)> {
    rows.map(|(name, state, status)| (name.to_owned(), state.to_owned(), status.to_owned())).to_vec()
}

#[tokio::test]
async fn every_item_ends_with_its_partner_or_due_again() {
    let (shop, paypal, [_, bob, cem]) = due_by_paypal().await;
    paypal.pays("bob@pay.example", Ending::new("UNCLAIMED", "RECEIVER_UNREGISTERED"));
    paypal.pays("cem@pay.example", Ending::new("BLOCKED", "RECEIVING_LIMIT_EXCEEDED"));
    let id = approved(&shop).await;
    let planned = sends(&shop, &id).await;
    assert_eq!(
        (&planned["paypal"][0]["state"], &planned["paypal"][0]["sender_batch_id"]),
        (&json!("planned"), &json!(id))
    );
    works(&shop).await;
    assert_eq!(paypal.batches(), [(id.clone(), 3)]);
    assert_eq!(stands(&shop).await, [0, 51_00, 0], "PayPal works on it");
    for path in ["cancel", "paid", &format!("items/{bob}/paid")] {
        let refused = asks(&shop, "POST", &format!("/v1/payouts/{id}/{path}"), Value::Null).await;
        assert_eq!((refused.status, &*refused.code()), (409, "with_paypal"), "{path}");
    }
    paypal.processes();
    shop.after(minutes(1));
    works(&shop).await;
    let payout = shown(&shop, &id).await;
    let wanted =
        [("ann", "paid", "SUCCESS"), ("bob", "processing", "UNCLAIMED"), ("cem", "canceled", "BLOCKED")];
    assert_eq!(items(&payout), owned(wanted), "{payout}");
    assert_eq!((&payout["state"], &payout["fees"]), (&json!("processing"), &json!(60 + 12)));
    assert_eq!(stands(&shop).await, [15_00, 6_00, 30_00], "what was blocked is due again");
    assert_eq!(shop.failing_checks().await, [""; 0]);

    // Nobody claims it: PayPal sends it back.
    paypal.returns_unclaimed();
    shop.after(hours(6));
    works(&shop).await;
    let payout = shown(&shop, &id).await;
    assert_eq!(
        (&payout["state"], &payout["total"], &payout["fees"]),
        (&json!("paid"), &json!(30_00), &json!(60))
    );
    assert_eq!(stands(&shop).await, [21_00, 0, 30_00]);
    // The next payout pays what came back, under a key of its own.
    let next = approved(&shop).await;
    sends(&shop, &next).await;
    works(&shop).await;
    assert_eq!(paypal.batches(), [(id, 3), (next.clone(), 2)]);
    let gone = asks(&shop, "POST", &format!("/v1/payouts/{next}/items/{cem}/cancel"), Value::Null).await;
    assert_eq!((gone.status, &*gone.code()), (409, "not_unclaimed"));
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn what_nobody_claimed_is_called_back_and_due_again() {
    let (shop, paypal, [_, bob, _]) = due_by_paypal().await;
    paypal.pays("bob@pay.example", Ending::new("UNCLAIMED", "RECEIVER_UNREGISTERED"));
    let id = approved(&shop).await;
    sends(&shop, &id).await;
    works(&shop).await;
    paypal.processes();
    shop.after(minutes(1));
    works(&shop).await;
    let canceled = asks(&shop, "POST", &format!("/v1/payouts/{id}/items/{bob}/cancel"), Value::Null).await;
    assert_eq!((canceled.status, &canceled.json()["state"]), (200, &json!("paid")), "{}", canceled.text());
    assert_eq!(stands(&shop).await, [6_00, 0, 45_00]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn an_answer_that_was_lost_pays_nobody_twice() {
    let (shop, paypal, _) = due_by_paypal().await;
    paypal.fails_next(Fault::LosesAnswer);
    let id = approved(&shop).await;
    sends(&shop, &id).await;
    works(&shop).await;
    let lost = shown(&shop, &id).await;
    assert!(text(&lost["paypal"][0]["problem"]).contains("504"), "{lost}");
    let cancel = asks(&shop, "POST", &format!("/v1/payouts/{id}/cancel"), Value::Null).await;
    assert_eq!(cancel.code(), "with_paypal", "PayPal may have it");
    // Another account does not know the key: nothing is sent from it.
    let account = |client: &str| json!({ "environment": paypal.url(), "client_id": client, "client_secret": CLIENT_SECRET });
    asks(&shop, "PUT", "/v1/paypal", account("another")).await;
    shop.after(minutes(1));
    works(&shop).await;
    let other = shown(&shop, &id).await;
    assert!(text(&other["paypal"][0]["problem"]).contains("another PayPal account"), "{other}");
    asks(&shop, "PUT", "/v1/paypal", account(CLIENT_ID)).await;
    paypal.processes();
    sends(&shop, &id).await;
    shop.after(minutes(10));
    works(&shop).await;
    assert_eq!(paypal.batches(), [(id.clone(), 3)], "the same key is the same batch");
    let payout = shown(&shop, &id).await;
    assert_eq!((&payout["state"], &payout["total"]), (&json!("paid"), &json!(51_00)), "{payout}");
    let calls = paypal.calls();
    sends_nothing_more(&shop, &id).await;
    assert_eq!((stands(&shop).await, paypal.calls()), ([0, 0, 51_00], calls));
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

async fn sends_nothing_more(shop: &Shop, id: &str) {
    let again = asks(shop, "POST", &format!("/v1/payouts/{id}/send"), Value::Null).await;
    assert_eq!((again.status, &*again.code()), (409, "nothing_for_paypal"));
    done_as_admin(shop, &format!("/v1/payouts/{id}/paid")).await;
    shop.after(days(1));
    works(shop).await;
}

#[tokio::test]
async fn a_batch_that_is_refused_or_denied_leaves_everything_due() {
    let (shop, paypal, _) = due_by_paypal().await;
    paypal.fails_next(Fault::Refuses { status: 400, name: "VALIDATION_ERROR".to_owned() });
    let id = approved(&shop).await;
    sends(&shop, &id).await;
    works(&shop).await;
    let refused = shown(&shop, &id).await;
    assert_eq!((&refused["state"], &refused["paypal"][0]["state"]), (&json!("canceled"), &json!("refused")));
    assert!(text(&refused["items"][0]["problem"]).contains("VALIDATION_ERROR"), "{refused}");
    assert_eq!(stands(&shop).await, [51_00, 0, 0]);
    paypal.fails_next(Fault::Denies);
    let id = approved(&shop).await;
    sends(&shop, &id).await;
    works(&shop).await;
    paypal.processes();
    shop.after(minutes(1));
    works(&shop).await;
    assert_eq!(shown(&shop, &id).await["state"], "canceled");
    assert_eq!(stands(&shop).await, [51_00, 0, 0]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn what_paypal_does_not_take_now_waits_or_is_called_off() {
    let (shop, paypal, [ann, _, _]) = due_by_paypal().await;
    paypal.fails_next(Fault::Refuses { status: 422, name: "INSUFFICIENT_FUNDS".to_owned() });
    let id = approved(&shop).await;
    asks(&shop, "POST", &format!("/v1/payouts/{id}/items/{ann}/paid"), json!({ "reference": "in_1" })).await;
    sends(&shop, &id).await;
    works(&shop).await;
    let waiting = shown(&shop, &id).await;
    assert!(text(&waiting["paypal"][0]["problem"]).contains("INSUFFICIENT_FUNDS"), "{waiting}");
    let off = done_as_admin(&shop, &format!("/v1/payouts/{id}/cancel")).await;
    assert_eq!(
        (&off["state"], &off["total"]),
        (&json!("paid"), &json!(30_00)),
        "what was paid by hand stays paid"
    );
    shop.after(days(1));
    works(&shop).await;
    assert!(paypal.batches().is_empty(), "what was called off is not sent");
    assert_eq!(stands(&shop).await, [21_00, 0, 30_00]);
    let next = approved(&shop).await;
    sends(&shop, &next).await;
    works(&shop).await;
    assert_eq!(paypal.batches(), [(next, 2)]);
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn without_an_account_or_with_a_foreign_address_nothing_is_sent() {
    let (shop, _paypal, _) = due_by_paypal().await;
    let id = approved(&shop).await;
    for environment in ["live", "http://169.254.169.254/", "https://10.0.0.1/"] {
        let account = json!({ "environment": environment, "client_id": "a", "client_secret": "b" });
        let refused = asks(&shop, "PUT", "/v1/paypal", account).await;
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!("environment")), "{environment}");
    }
    assert_eq!(asks(&shop, "DELETE", "/v1/paypal", Value::Null).await.status, 204);
    let refused = asks(&shop, "POST", &format!("/v1/payouts/{id}/send"), Value::Null).await;
    assert_eq!((refused.status, &*refused.code()), (404, "no_paypal_account"));
}
