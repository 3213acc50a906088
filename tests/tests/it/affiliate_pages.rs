//! The merchant's pages of affiliates, over HTTP: they show what stands and take what a person decides.

use serde_json::json;
use support::{Shop, days, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, partner, text};

/// A key that may do everything, as of somebody signed in.
async fn key(shop: &Shop) -> String {
    let control = &shop.app().control;
    control
        .create_key(shop.workspace(), "pages", &Scope::ALL, false, shop.now_ms())
        .await
        .expect("a key is made")
        .1
}

/// A page as text.
async fn page(shop: &Shop, path: &str) -> String {
    let key = key(shop).await;
    let request = shop.app().request("GET", path).header("authorization", format!("Bearer {key}"));
    let answer = shop.app().send(request.body(String::new())).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

/// A form sent from a page, and the page that answers.
async fn sends(shop: &Shop, path: &str, form: &str) -> String {
    let key = key(shop).await;
    let request = shop.app().request("POST", path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = shop.app().send(request.body(form.to_owned())).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

#[tokio::test]
async fn a_programme_and_a_partner_are_made_and_a_doubtful_commission_is_decided_and_paid_on_the_pages() {
    let shop = Shop::open().await;
    assert!(page(&shop, "/affiliates").await.contains("First a programme"));
    assert!(page(&shop, "/affiliates/commissions").await.contains("No commissions yet"));
    assert!(page(&shop, "/affiliates/payouts").await.contains("Nothing is due"));
    assert!(page(&shop, "/affiliates/flags").await.contains("No doubts"));
    let wrong = sends(&shop, "/affiliates/programs", "name=Friends&percent=much").await;
    assert!(wrong.contains("role=\"alert\""), "{wrong}");
    let made = sends(&shop, "/affiliates/programs", "name=Friends&percent=30").await;
    assert!(made.contains("Friends is made") && made.contains("30 % of the amount"), "{made}");

    let program = text(&shop.ask("/v1/programs").await["rows"][0]["id"]);
    let jane = partner(&shop, &program, "jane").await;
    let details = json!({ "payout": { "method": "paypal", "recipient": "jane@pay.example" } });
    done(&shop, "PATCH", &format!("/v1/partners/{jane}"), details).await;
    let buyer = shop.visitor();
    buyer.visit("/?via=jane").await;
    buyer.checkout(usd(10_000)).by_api().email("jane@partners.example").pays().await;
    shop.settle().await;
    shop.after(days(31));
    shop.settle().await;
    assert!(page(&shop, "/affiliates").await.contains("30.00 USD"));
    let held = page(&shop, "/affiliates/payouts").await;
    assert!(held.contains("held by flags") && !held.contains("Approve exactly this"), "{held}");
    let flag = shop.ask("/v1/flags").await["rows"][0].clone();
    let flags = page(&shop, "/affiliates/flags").await;
    assert!(flags.contains("Self referral") && flags.contains("e-mail address"), "{flags}");
    let form = format!("flag={}&decision=cleared&note=ours", text(&flag["id"]));
    assert!(sends(&shop, "/affiliates/flags", &form).await.contains("Cleared: 30.00 USD"));
    let ready = page(&shop, "/affiliates/payouts").await;
    assert!(ready.contains("Approve exactly this"), "{ready}");
    let token = text(&shop.ask("/v1/payouts/preview?currency=usd").await["token"]);
    let approved = sends(&shop, "/affiliates/payouts", &format!("currency=USD&token={token}")).await;
    assert!(approved.contains("Approved: 30.00 USD"), "{approved}");
    let closed =
        sends(&shop, "/affiliates/payouts", &format!("payout={token}&end=paid&reference=PP-1")).await;
    assert!(closed.contains("30.00 USD was paid"), "{closed}");
    let one = page(&shop, &format!("/affiliates/commissions/{}", text(&flag["commission"]))).await;
    assert!(one.contains("the payout was sent") && one.contains("the order was paid"), "{one}");
    let suspended = sends(&shop, "/affiliates", &format!("partner={jane}&status=suspended")).await;
    assert!(suspended.contains("jane is suspended now"), "{suspended}");
}
