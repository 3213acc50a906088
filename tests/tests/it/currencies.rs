//! Money of different currencies stands side by side and is never added.

use serde_json::json;
use support::{Shop, days, eur, usd};

use crate::NEWSLETTER;

#[tokio::test]
async fn euros_and_dollars_have_totals_of_their_own() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.visit(NEWSLETTER).await;
    shop.after(days(1));
    ada.buys(usd(49_00)).await;
    let order = bob.subscribes(eur(30_00)).await;
    order.refunds(eur(5_00)).await;
    shop.after(days(30));
    order.renews().await;
    let report = shop.report("channel", "last_non_direct").await;
    let lines = |rows: &serde_json::Value| -> Vec<serde_json::Value> {
        let rows = rows.as_array().expect("rows");
        rows.iter().map(|row| json!([row["channel"], row["currency"], row["revenue"]["net"]])).collect()
    };
    assert_eq!(lines(&report["rows"]), [json!(["Email", "EUR", 55_00]), json!(["Email", "USD", 49_00])]);
    assert_eq!(lines(&report["totals"]), [json!([null, "EUR", 55_00]), json!([null, "USD", 49_00])]);
    let proofs = report["reconciliation"].as_array().expect("proofs");
    let proofs: Vec<_> = proofs.iter().map(|line| json!([line["currency"], line["provider_net"]])).collect();
    assert_eq!(proofs, [json!(["EUR", 55_00]), json!(["USD", 49_00])]);
    shop.reconciles().await;
}
