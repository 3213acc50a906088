//! Payouts by PayPal on the page: how to connect, the button, what PayPal says of each part, and calling one back.

use paypal_standin::{CLIENT_ID, CLIENT_SECRET, Ending};
use serde_json::{Value, json};
use support::{days, minutes};
use tributary::jobs::paypal;

use super::{asks, page, sends};
use crate::affiliates::text;
use crate::payouts::{approve, preview, with_partners};

#[tokio::test]
async fn a_payout_goes_by_paypal_from_the_page_and_what_nobody_claims_is_called_back() {
    let (shop, ann, bob) = with_partners().await;
    let standin = paypal_standin::start(([127, 0, 0, 1], 0).into(), false).await.expect("a free port");
    standin.pays("ann@pay.example", Ending::new("UNCLAIMED", "RECEIVER_UNREGISTERED"));
    shop.after(days(31));
    let id = text(&approve(&shop, &preview(&shop).await).await.json()["id"]);
    let without = page(&shop, "/affiliates/payouts").await;
    assert!(without.contains("PayPal can send 30.00 USD to 1 partner itself"), "{without}");
    assert!(!without.contains("value=\"send\""), "{without}");
    let early = sends(&shop, "/affiliates/payouts", &format!("payout={id}&end=send")).await;
    assert!(early.contains("role=\"alert\"") && early.contains("no PayPal account"), "{early}");

    let account =
        json!({ "environment": standin.url(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET });
    assert_eq!(asks(&shop, "PUT", "/v1/paypal", account).await.status, 200);
    let ready = page(&shop, "/affiliates/payouts").await;
    assert!(ready.contains("Send 30.00 USD to 1 partner by PayPal"), "{ready}");
    for _ in 0..2 {
        let sent = sends(&shop, "/affiliates/payouts", &format!("payout={id}&end=send")).await;
        assert!(sent.contains("Given to PayPal for 1 partner") && sent.contains(">planned<"), "{sent}");
        assert!(!sent.contains("value=\"send\""), "nothing is left to send: {sent}");
    }
    while paypal::step(shop.app()).await.expect("PayPal is called") {}
    assert_eq!(standin.batches(), [(id.clone(), 1)], "once, however often it is asked for");
    standin.processes();
    shop.after(minutes(1));
    while paypal::step(shop.app()).await.expect("PayPal is called") {}
    let unclaimed = page(&shop, "/affiliates/payouts").await;
    for shown in [">unclaimed<", "Call back what ann has not claimed", "fee ", "The rest was sent"] {
        assert!(unclaimed.contains(shown), "{shown}: {unclaimed}");
    }
    let wrong = sends(&shop, "/affiliates/payouts", &format!("payout={id}&unclaimed={bob}")).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("not unclaimed"), "{wrong}");
    let back = sends(&shop, "/affiliates/payouts", &format!("payout={id}&unclaimed={ann}")).await;
    assert!(back.contains("Called back from PayPal"), "{back}");
    let payout = asks(&shop, "GET", &format!("/v1/payouts/{id}"), Value::Null).await.json();
    let item = payout["items"].as_array().unwrap().iter().find(|item| item["partner"] == *ann).unwrap();
    assert_eq!((&item["state"], &item["sender_batch_id"]), (&json!("canceled"), &json!(id)), "{payout}");
    assert_eq!(shop.failing_checks().await, [""; 0]);
}
