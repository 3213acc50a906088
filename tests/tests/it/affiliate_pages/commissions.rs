//! The list of commissions: the newest payment first, on the page and by the API, page by page without a gap.

use serde_json::{Value, json};
use support::{Shop, days, usd};
use tributary::control::keys::Scope;

use super::page;
use crate::affiliates::{partner, program, text};
use crate::portal::thirty;

/// Ids of commissions, one page of one row after another.
async fn one_by_one(shop: &Shop, query: &str) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let list = shop.ask(&format!("/v1/commissions?limit=1{query}{after}")).await;
        ids.extend(list["rows"].as_array().expect("rows").iter().map(|row| text(&row["id"])));
        match &list["after"] {
            Value::String(last) => after = format!("&after={last}"),
            _ => return ids,
        }
    }
}

#[tokio::test]
async fn commissions_booked_in_one_moment_are_listed_by_the_day_of_payment_newest_first() {
    let shop = Shop::open().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let mut buyers = Vec::new();
    for _ in 0..8 {
        let buyer = shop.visitor();
        buyer.visit("/?via=jane").await;
        buyers.push(buyer);
    }
    // Two a day, at one moment; nothing is booked until all were paid.
    for (at, buyer) in buyers.iter().enumerate() {
        if at % 2 == 0 {
            shop.after(days(1));
        }
        buyer.buys(usd(1000 + 100 * at as i64)).await;
    }
    shop.settle().await;
    let list = shop.ask("/v1/commissions").await;
    let rows = list["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 8);
    let booked: Vec<_> = rows.iter().map(|row| &row["created_at_ms"]).collect();
    assert!(booked.iter().all(|at| *at == booked[0]), "one moment: {list}");
    let places: Vec<_> = rows.iter().map(|row| (row["paid_at_ms"].as_i64(), text(&row["id"]))).collect();
    assert!(places.is_sorted_by(|one, next| one > next), "{places:?}");
    let ids: Vec<String> = places.into_iter().map(|(_, id)| id).collect();
    for query in ["", "&state=pending", &format!("&partner={jane}")] {
        assert_eq!(one_by_one(&shop, query).await, ids, "{query}");
    }
    let shown = page(&shop, "/affiliates/commissions").await;
    let places: Vec<_> = ids.iter().map(|id| shown.find(&format!("/affiliates/commissions/{id}"))).collect();
    assert!(places[0].is_some() && places.is_sorted(), "{places:?}");
    // What stood on the page before may stand otherwise by now: the next page is found all the same.
    let rest = shop.ask(&format!("/v1/commissions?state=due&after={}", ids[3])).await;
    assert_eq!(rest["rows"], json!([]));
    let key = shop.key_for(Scope::Read).await;
    let wrong = shop.ask_as(&key, "/v1/commissions?after=x").await;
    assert_eq!((wrong.status, &wrong.json()["field"]), (400, &json!("after")));
}
