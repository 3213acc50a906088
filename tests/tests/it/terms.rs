//! What a programme's terms can say beyond a percentage: shared commissions, rules, tiers, coupons and groups.

use serde_json::{Value, json};
use support::{Order, Shop, Visitor, days, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{asks, done, partner, program, text};

async fn sent_by(shop: &Shop, codes: &[&str]) -> Visitor {
    let visitor = shop.visitor();
    if codes.is_empty() {
        visitor.visit("/").await;
    }
    for code in codes {
        visitor.visit(&format!("/?via={code}")).await;
        shop.after(days(1));
    }
    visitor
}

/// Code and what is left of every commission of an order, by code.
async fn parts(shop: &Shop, order: &Order) -> Vec<(String, i64)> {
    let id = text(&order.shown().await["id"]);
    let page = shop.ask(&format!("/v1/commissions?order={id}")).await;
    let part = |row: &Value| {
        let code = row["click"]["code"].as_str().or(row["coupon"].as_str()).expect("a click or a coupon");
        (code.to_owned(), row["balance"]["earned"].as_i64().unwrap())
    };
    let mut parts: Vec<_> = page["rows"].as_array().unwrap().iter().map(part).collect();
    parts.sort();
    parts
}

fn are<const N: usize>(parts: [(&str, i64); N]) -> Vec<(String, i64)> {
    parts.map(|(code, minor)| (code.to_owned(), minor)).to_vec()
}

async fn runs_again(shop: &Shop) {
    let run = done(shop, "POST", "/v1/commissions/run", Value::Null).await;
    assert_eq!(run["entries"], 0, "a second run adds nothing: {run}");
    assert_eq!(shop.failing_checks().await, [""; 0]);
}

#[tokio::test]
async fn partners_share_one_commission_to_the_cent() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 }, "wins": "split" })).await;
    for name in ["ann", "bob", "cem"] {
        partner(&shop, &program, name).await;
    }
    // Ann was clicked on twice and has one part.
    let visitor = sent_by(&shop, &["ann", "bob", "ann", "cem"]).await;
    let order = visitor.subscribes(usd(49_04)).await;
    // 14.71 in three parts; the last click has the cent that cannot be divided.
    assert_eq!(parts(&shop, &order).await, are([("ann", 4_90), ("bob", 4_90), ("cem", 4_91)]));
    order.refunds(usd(16_34)).await;
    // 9.81 is left of it.
    assert_eq!(parts(&shop, &order).await, are([("ann", 3_27), ("bob", 3_27), ("cem", 3_27)]));
    runs_again(&shop).await;
    shop.after(days(30));
    let renewal = order.renews().await;
    assert_eq!(parts(&shop, &renewal).await, are([("ann", 4_90), ("bob", 4_90), ("cem", 4_91)]));
    runs_again(&shop).await;
    order.refunds_the_rest().await;
    assert_eq!(parts(&shop, &order).await, are([("ann", 0), ("bob", 0), ("cem", 0)]));
    runs_again(&shop).await;
}

#[tokio::test]
async fn rules_by_product_plan_and_first_order_come_before_the_programmes_reward() {
    let shop = Shop::open().await;
    let terms = json!({ "reward": { "basis_points": 1000 }, "rules": [
        { "products": ["book"], "reward": "nothing" },
        { "intervals": ["year"], "reward": { "basis_points": 2000 } },
        { "first_order": true, "reward": { "flat": { "USD": 500 } } },
    ] });
    let program = program(&shop, terms).await;
    partner(&shop, &program, "jane").await;
    let visitor = sent_by(&shop, &["jane"]).await;
    let book = visitor.checkout(usd(30_00)).by_link().product("book", None).pays().await;
    assert_eq!(parts(&shop, &book).await, are([]), "books earn nothing");
    let plan = visitor.checkout(usd(30_00)).by_link().pays().await;
    assert_eq!(parts(&shop, &plan).await, are([("jane", 3_00)]), "the book was the first order");
    let yearly = sent_by(&shop, &["jane"]).await;
    let yearly = yearly.checkout(usd(10_000)).by_link().product("pro", Some("year")).pays().await;
    assert_eq!(parts(&shop, &yearly).await, are([("jane", 20_00)]));
    let third = sent_by(&shop, &["jane"]).await;
    // The first order is told after the second: the second is not the first any more.
    shop.settle().await;
    shop.holds_webhooks();
    let first = third.buys(usd(30_00)).await;
    let late = shop.held();
    shop.after(days(1));
    let second = third.buys(usd(40_00)).await;
    assert_eq!(parts(&shop, &second).await, are([("jane", 5_00)]));
    shop.deliver(&late).await;
    assert_eq!(parts(&shop, &first).await, are([("jane", 5_00)]));
    assert_eq!(parts(&shop, &second).await, are([("jane", 4_00)]));
    runs_again(&shop).await;
    let wrong = json!({ "name": "x", "terms": { "reward": "nothing", "rules": [{ "reward": "nothing" }] } });
    let refused = asks(&shop, "POST", "/v1/programs", wrong).await;
    assert_eq!((refused.status, text(&refused.json()["field"])), (400, "terms".to_owned()));
}

#[tokio::test]
async fn tiers_follow_what_was_sold_before_in_the_month_and_late_sales_move_later_ones() {
    let shop = Shop::open().await;
    let terms = json!({ "reward": { "basis_points": 1000 }, "tiers": { "per": "lifetime", "steps": [
        { "from": { "sales": 1 }, "reward": { "basis_points": 2000 } },
        { "from": { "sales": 2 }, "reward": { "basis_points": 3000 } },
    ] } });
    let program = program(&shop, terms).await;
    partner(&shop, &program, "jane").await;
    partner(&shop, &program, "bob").await;
    let one = sent_by(&shop, &["jane"]).await;
    let two = sent_by(&shop, &["jane"]).await;
    let three = sent_by(&shop, &["jane"]).await;
    let other = sent_by(&shop, &["bob"]).await;
    shop.settle().await;
    shop.holds_webhooks();
    let first = one.buys(usd(10_00)).await;
    let late = shop.held();
    shop.after(days(1));
    let second = two.buys(usd(10_00)).await;
    assert_eq!(parts(&shop, &second).await, are([("jane", 1_00)]), "as far as is known it is the first");
    shop.deliver(&late).await;
    assert_eq!(parts(&shop, &first).await, are([("jane", 1_00)]));
    assert_eq!(parts(&shop, &second).await, are([("jane", 2_00)]), "the late sale was before it");
    runs_again(&shop).await;
    // Given back before the third: it does not count for that, and still does for the second.
    shop.after(days(1));
    first.refunds_the_rest().await;
    shop.after(days(1));
    let third = three.buys(usd(10_00)).await;
    assert_eq!(parts(&shop, &third).await, are([("jane", 2_00)]));
    assert_eq!(parts(&shop, &second).await, are([("jane", 2_00)]));
    let others = other.buys(usd(10_00)).await;
    assert_eq!(parts(&shop, &others).await, are([("bob", 1_00)]), "each partner has sales of their own");
    runs_again(&shop).await;
}

#[tokio::test]
async fn coupons_earn_where_nobody_clicked_or_before_clicks_where_the_terms_say_so() {
    let shop = Shop::open().await;
    let link_first = program(&shop, json!({ "reward": { "basis_points": 1000 } })).await;
    let terms = json!({ "reward": { "basis_points": 2000 }, "precedence": "coupon_first" });
    let coupon_first = program(&shop, terms).await;
    let (ann, bob) = (partner(&shop, &link_first, "ann").await, partner(&shop, &coupon_first, "bob").await);
    let early = sent_by(&shop, &[]).await.checkout(usd(10_00)).by_link().coupon("ANN20").pays().await;
    assert_eq!(parts(&shop, &early).await, are([]));
    done(&shop, "POST", "/v1/coupons", json!({ "partner": ann, "code": "ann20" })).await;
    done(&shop, "POST", "/v1/coupons", json!({ "partner": bob, "code": "Bob20" })).await;
    assert_eq!(parts(&shop, &early).await, are([("ANN20", 1_00)]), "it earns for what is known as well");
    let taken = asks(&shop, "POST", "/v1/coupons", json!({ "partner": bob, "code": "ANN20" })).await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    let buys = async |codes: &[&str], coupon: &str| {
        let visitor = sent_by(&shop, codes).await;
        let order = visitor.checkout(usd(10_00)).by_link().coupon(coupon).pays().await;
        parts(&shop, &order).await
    };
    assert_eq!(buys(&[], "Ann20").await, are([("ANN20", 1_00)]));
    assert_eq!(buys(&["bob"], "Ann20").await, are([("bob", 2_00)]));
    assert_eq!(buys(&["ann"], "BOB20").await, are([("BOB20", 2_00)]));
    assert_eq!(buys(&["ann"], "WINTER").await, are([("ann", 1_00)]), "nobody's coupon");
    // What the merchant wrote on the discount or the order names a partner by a link's code.
    let visitor = sent_by(&shop, &[]).await;
    let told = visitor.checkout(usd(10_00)).by_link().discount_of("affiliate", "ann").pays().await;
    assert_eq!(parts(&shop, &told).await, are([("ann", 1_00)]));
    let told = sent_by(&shop, &[])
        .await
        .checkout(usd(10_00))
        .by_link()
        .metadata("tributary_partner", "ann")
        .pays()
        .await;
    assert_eq!(parts(&shop, &told).await, are([("ann", 1_00)]));
    runs_again(&shop).await;
    let ended = asks(&shop, "DELETE", "/v1/coupons/ann20", Value::Null).await;
    assert_eq!(ended.status, 204, "{}", ended.text());
    assert_eq!(buys(&[], "ANN20").await, are([]));
    runs_again(&shop).await;
}

#[tokio::test]
async fn a_group_has_terms_of_its_own_for_payments_while_a_partner_is_in_it() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 1000 } })).await;
    let jane = partner(&shop, &program, "jane").await;
    let groups = format!("/v1/programs/{program}/groups");
    let gold = text(&done(&shop, "POST", &groups, json!({ "name": "Gold" })).await["id"]);
    let terms = json!({ "group": gold, "terms": { "reward": { "basis_points": 5000 } } });
    done(&shop, "POST", &format!("/v1/programs/{program}/terms"), terms).await;
    let order = sent_by(&shop, &["jane"]).await.subscribes(usd(10_00)).await;
    assert_eq!(parts(&shop, &order).await, are([("jane", 1_00)]));
    let joined = done(&shop, "PATCH", &format!("/v1/partners/{jane}"), json!({ "group": gold })).await;
    assert_eq!(joined["group"], gold.as_str());
    assert_eq!(shop.ask(&groups).await["rows"][0]["partners"], json!([jane]));
    shop.after(days(30));
    let renewal = order.renews().await;
    assert_eq!(parts(&shop, &renewal).await, are([("jane", 5_00)]));
    assert_eq!(parts(&shop, &order).await, are([("jane", 1_00)]), "it keeps its terms");
    done(&shop, "PATCH", &format!("/v1/partners/{jane}"), json!({ "group": "" })).await;
    shop.after(days(30));
    let renewal = order.renews().await;
    assert_eq!(parts(&shop, &renewal).await, are([("jane", 1_00)]));
    runs_again(&shop).await;
    let unknown = json!({ "group": "grp_nobody" });
    let refused = asks(&shop, "PATCH", &format!("/v1/partners/{jane}"), unknown).await;
    assert_eq!(refused.status, 404, "{}", refused.text());
}

#[tokio::test]
async fn an_orders_story_says_why_it_earned_whom_what() {
    let shop = Shop::open().await;
    let terms = json!({ "reward": { "basis_points": 3000 }, "wins": "split", "window_days": 10, "rules": [
        { "first_order": true, "reward": { "basis_points": 2000 } },
    ] });
    let program = program(&shop, terms).await;
    for name in ["ann", "bob", "cem", "dee", "eva"] {
        partner(&shop, &program, name).await;
    }
    let visitor = shop.visitor();
    for (code, after) in [("ann", 9), ("bob", 1), ("eva", 1), ("cem", 1), ("cem", 1), ("dee", 1)] {
        visitor.visit(&format!("/?via={code}")).await;
        shop.after(days(after));
    }
    let eva = &shop.ask("/v1/links").await["rows"][4]["partner"];
    let suspended = json!({ "status": "suspended" });
    done(&shop, "PATCH", &format!("/v1/partners/{}", text(eva)), suspended).await;
    let order = visitor.checkout(usd(49_01)).by_link().coupon("WINTER").pays().await;
    shop.settle().await;
    order.refunds(usd(9_01)).await;
    shop.settle().await;
    let told = &shop.explain(&order).await.0["commission"];
    let verdicts: Vec<(String, String)> = told["clicks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|click| (text(&click["code"]), text(&click["verdict"])))
        .collect();
    let wanted = [
        ("ann", "outside_window"),
        ("bob", "earns"),
        ("eva", "not_approved"),
        ("cem", "same_partner"),
        ("cem", "earns"),
        ("dee", "earns"),
    ];
    assert_eq!(verdicts, wanted.map(|(code, verdict)| (code.to_owned(), verdict.to_owned())));
    assert_eq!(told["coupon"]["verdict"], "unknown");
    let part = &told["parts"][0];
    assert_eq!((&part["name"], &part["share"]), (&json!("dee"), &json!({ "place": 0, "of": 3 })));
    let earning = &part["earning"];
    assert_eq!((&earning["applied"], &earning["first_order"]), (&json!({ "rule": 1 }), &json!(true)));
    assert_eq!(
        (&earning["base"], &earning["whole"], &earning["earned"]),
        (&json!(4901), &json!(980), &json!(267))
    );
    // What is told is what is booked.
    for (part, booked) in told["parts"].as_array().unwrap().iter().zip([2_67, 2_67, 2_66]) {
        let own = told["ledger"].as_array().unwrap().iter().find(|row| row["partner"] == part["partner"]);
        assert_eq!(
            (&own.unwrap()["balance"]["earned"], &part["earning"]["earned"]),
            (&json!(booked), &json!(booked))
        );
    }
    let path = format!("{}/explain?format=text", order.path());
    let story = shop.ask_as(&shop.key_for(Scope::Read).await, &path).await.text();
    for line in [
        "dee, cem, bob brought this customer together, in equal parts.",
        "too old: before the window of the terms",
        "By rule 1 of version 1 of the terms: 20.00 % of 49.01 USD is 9.80 USD, shared by 3: 3.27 USD",
        "pending to expense, refund ref_",
    ] {
        assert!(story.contains(line), "{line}\n{story}");
    }
}
