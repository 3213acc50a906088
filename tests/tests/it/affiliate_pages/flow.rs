//! From nothing to a paid commission, by the pages alone.

use serde_json::json;
use support::{Shop, days, usd};

use super::{page, sends};
use crate::affiliates::{done, partner, text};

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
