//! What may join a sale to visits is the workspace's to say: another choice is shown first, made exactly as shown, and
//! taken back without a trace.

use serde_json::{Value, json};
use support::{Order, Shop, Visitor, days, hours, rows, usd};
use tributary::control::keys::Scope;

use crate::NEWSLETTER;
use crate::preview::{looks, posts};

const ALL: [&str; 5] = ["email", "folded_email", "user", "customer", "handover"];

fn but(kinds: &[&str]) -> Vec<&'static str> {
    ALL.into_iter().filter(|kind| !kinds.contains(kind)).collect()
}

/// Shows that a change of the bindings leaves no difference, and makes it; how many orders it moved.
async fn counts_only(shop: &Shop, bindings: &[&str]) -> u64 {
    let asked = json!({ "bindings": bindings, "model": "linear" });
    let before = (shop.written().await, shop.ask("/v1/attribution/rules").await);
    let preview = looks(shop, asked.clone()).await;
    for balance in preview["differences"].as_array().expect("differences") {
        assert_eq!(balance["difference"], 0, "{preview}");
    }
    assert_eq!(
        (shop.written().await, shop.ask("/v1/attribution/rules").await),
        before,
        "looking changed nothing"
    );
    let token = json!({ "token": preview["token"] });
    let (status, applied) = posts(shop, "/v1/attribution/apply", token).await;
    assert_eq!((status, &applied["orders"]), (200, &preview["orders"]), "{applied}");
    // Exactly as shown: nothing is left to move, and whoever credits everything anew finds the same.
    assert_eq!(looks(shop, asked).await["orders"], 0);
    assert_eq!(looks(shop, json!({})).await["orders"], 0);
    let posted = shop.posted_credits().await;
    shop.app().credits_everything_anew().await;
    assert_eq!(shop.posted_credits().await, posted);
    preview["orders"].as_u64().expect("a count")
}

/// A buyer by the address, one by a tagged one, one by the shop's own id, one by the visitor's id on the sale.
struct World {
    shop: Shop,
    by_email: Order,
    renewal: Order,
    ada: Visitor,
}

impl World {
    async fn open() -> World {
        let shop = Shop::open().await;
        let (ada, bob, cem, dora) = (shop.visitor(), shop.visitor(), shop.visitor(), shop.visitor());
        for visitor in [&ada, &bob, &cem, &dora] {
            visitor.visit(NEWSLETTER).await;
        }
        ada.identifies(ada.email()).await;
        bob.identifies("bob@example.com").await;
        cem.logs_in_as("user-7").await;
        shop.after(hours(1));
        let by_email = shop.sale(usd(49_01)).email(ada.email()).monthly().pays().await;
        shop.sale(usd(10_00)).email("bob+shop@example.com").pays().await;
        shop.sale(usd(20_00)).email("cem@example.com").external_id("user-7").pays().await;
        let hers = dora.buys(usd(5_00)).await;
        shop.after(days(30));
        let renewal = by_email.renews().await;
        by_email.refunds(usd(3_33)).await;
        // By what her first sale says of the address and the customer.
        dora.checkout(usd(7_00)).pays().await;
        assert_eq!(hers.matched().await[0], "order_metadata");
        World { shop, by_email, renewal, ada }
    }
}

#[tokio::test]
async fn without_addresses_exactly_their_orders_lose_their_visits_and_get_them_back() {
    let World { shop, by_email, renewal, ada } = World::open().await;
    let whole = rows([("Email", 49_01 + 49_01 - 3_33 + 10_00 + 20_00 + 5_00 + 7_00)]);
    assert_eq!(shop.channels("linear").await, whole);
    let (before, posted) = (shop.written().await, shop.posted_credits().await);

    assert_eq!(counts_only(&shop, &but(&["email", "folded_email"])).await, 3);
    let lost = 49_01 + 49_01 - 3_33 + 10_00;
    let left = rows([("Unattributed", lost), ("Email", whole[0].1 - lost)]);
    assert_eq!(shop.channels("linear").await, left);
    let rules = shop.ask("/v1/attribution/rules").await;
    assert_eq!(rules["bindings"], json!(["user", "customer", "handover"]));
    assert_eq!((&rules["changes"][0]["number"], &rules["changes"][0]["orders"]), (&json!(1), &json!(3)));
    for order in [&by_email, &renewal] {
        assert_eq!(order.matched().await, json!(["none", "", "none"]));
        let story = shop.ask(&format!("{}/explain", order.path())).await;
        assert_eq!(
            story["not_used"],
            "E-mail and e-mail without tags and Gmail's dots are not used in this workspace.",
            "{story}"
        );
    }
    // What comes from now on is joined so at once.
    let later = shop.sale(usd(1_00)).email(ada.email()).pays().await;
    assert_eq!(later.matched().await[0], "none");

    assert_eq!(counts_only(&shop, &ALL).await, 4);
    assert_eq!(later.matched().await, json!(["email", "customer.email", "none"]));
    let with_later = rows([("Email", whole[0].1 + 1_00)]);
    assert_eq!(shop.channels("linear").await, with_later);
    let after = shop.posted_credits().await;
    assert!(posted.iter().all(|row| after.contains(row)), "back without a trace");
    let moved = shop.written().await;
    let same: Vec<_> = before.iter().filter(|(id, rows)| moved.get(*id) == Some(rows)).collect();
    // Three moved, and one was found by its customer meanwhile; no row was written for any other.
    assert_eq!((same.len(), before.len()), (2, 6));
    shop.reconciles().await;
}

#[tokio::test]
async fn whichever_bindings_count_the_money_stays_the_same() {
    let World { shop, .. } = World::open().await;
    let total = |channels: Vec<(String, i64)>| channels.iter().map(|(_, minor)| minor).sum::<i64>();
    let whole = total(shop.channels("linear").await);
    let dropped: [&[&str]; 5] =
        [&["folded_email"], &["user"], &["customer"], &["handover", "customer"], &ALL];
    for kinds in dropped {
        counts_only(&shop, &but(kinds)).await;
        assert_eq!(total(shop.channels("linear").await), whole, "without {kinds:?}");
        assert_eq!(shop.ask("/v1/verify").await["passed"], true);
    }
    // Only the sale that carries its visitor is left.
    assert_eq!(shop.channels("linear").await.last(), Some(&("Email".to_owned(), 5_00)));
    shop.reconciles().await;
}

#[tokio::test]
async fn an_address_of_a_role_names_somebody_as_long_as_the_workspace_says() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    for visitor in [&ada, &bob] {
        visitor.visit(NEWSLETTER).await;
        visitor.identifies("billing@example.com").await;
        shop.after(hours(1));
    }
    let sale = shop.sale(usd(10_00)).email("billing@example.com").pays().await;
    assert_eq!(sale.matched().await[0], "email");
    let preview = looks(&shop, json!({ "role_visitors_max": 1 })).await;
    assert_eq!((&preview["role_visitors_max_from"], &preview["orders"]), (&json!(3), &json!(1)), "{preview}");
    let (status, _) = posts(&shop, "/v1/attribution/apply", json!({ "token": preview["token"] })).await;
    assert_eq!((status, &sale.matched().await[0]), (200, &json!("none")));
    shop.reconciles().await;
}

#[tokio::test]
async fn wrong_choices_are_refused_and_the_page_shows_the_boxes() {
    let shop = Shop::open().await;
    for (body, field) in [
        (json!({ "bindings": ["phone"] }), "bindings"),
        (json!({ "bindings": ["folded_email"] }), "bindings"),
        (json!({ "role_visitors_max": 1001 }), "role_visitors_max"),
    ] {
        let (status, problem) = posts(&shop, "/v1/attribution/preview", body).await;
        assert_eq!((status, &problem["field"]), (400, &Value::from(field)), "{problem}");
    }
    counts_only(&shop, &but(&["handover"])).await;
    let reader = shop.key_for(Scope::Read).await;
    let page = shop.ask_as(&reader, "/attribution").await.text();
    for kind in ALL {
        let ticked = page.contains(&format!("name=\"{kind}\" checked"));
        assert_eq!(ticked, kind != "handover", "{kind}");
    }
    assert!(page.contains("bindings: email, folded_email, user, customer; roles up to 3"));
}
