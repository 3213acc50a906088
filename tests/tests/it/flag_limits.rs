//! Velocity by real clicks and sales, and limits that a workspace chooses.

use serde_json::{Value, json};
use support::{Answer, Shop, minutes, usd};
use tributary::control::keys::Scope;

use crate::affiliates::{done, follows, partner, program, text};

const LIMITS: &str = "/v1/flags/limits";

async fn chooses(shop: &Shop, limits: Value) -> Answer {
    let key = shop.key_for(Scope::Admin).await;
    let request = shop.app().request("PUT", LIMITS).header("authorization", format!("Bearer {key}"));
    shop.app().send(request.body(limits.to_string())).await
}

/// Kind, count, most and minutes of every flag, oldest first.
async fn flags(shop: &Shop) -> Vec<(String, Value, Value, Value)> {
    shop.settle().await;
    let page = shop.ask("/v1/flags").await;
    let told = |flag: &Value| {
        let seen = &flag["evidence"];
        (text(&flag["kind"]), seen["count"].clone(), seen["most"].clone(), seen["minutes"].clone())
    };
    page["rows"].as_array().expect("rows").iter().rev().map(told).collect()
}

/// Somebody follows jane's link in a browser of their own; answers the cookie.
async fn clicks(shop: &Shop) -> String {
    let followed = follows(shop, "/r/jane", &[]).await;
    assert_eq!(followed.status, 302, "{}", followed.text());
    followed.header("set-cookie").split(';').next().expect("a cookie").to_owned()
}

async fn with_jane() -> Shop {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &program, "jane").await;
    shop
}

/// Clicks, and buys with that cookie a minute later.
async fn comes_and_buys(shop: &Shop) {
    let visitor = shop.visitor().with_cookie(&clicks(shop).await);
    visitor.visit("/start?via=jane").await;
    shop.after(minutes(1));
    visitor.buys(usd(10_00)).await;
}

#[tokio::test]
async fn more_clicks_than_a_workspace_believes_hold_the_money() {
    let shop = with_jane().await;
    let chosen = chooses(&shop, json!({ "velocity_clicks_max": 5, "velocity_minutes": 10 })).await;
    assert_eq!(chosen.status, 200, "{}", chosen.text());
    let (most, usual) = (&chosen.json()["velocity_clicks_max"], &chosen.json()["velocity_sales_max"]);
    assert_eq!((most, usual), (&json!(5), &json!(20)), "what is left out is as usual");
    // Five within ten minutes are believed, and so are five more much later.
    for _ in 0..4 {
        clicks(&shop).await;
    }
    comes_and_buys(&shop).await;
    shop.after(minutes(20));
    for _ in 0..4 {
        clicks(&shop).await;
    }
    comes_and_buys(&shop).await;
    assert_eq!(flags(&shop).await, []);
    // Six are not.
    shop.after(minutes(20));
    for _ in 0..5 {
        clicks(&shop).await;
    }
    comes_and_buys(&shop).await;
    let velocity = "velocity".to_owned();
    assert_eq!(flags(&shop).await, [(velocity, json!(6), json!(5), json!(10))]);
    let flag = shop.ask("/v1/flags").await["rows"][0].clone();
    assert_eq!((&flag["evidence"]["of"], &flag["holds"]), (&json!("clicks"), &json!(true)), "{flag}");
    assert!(text(&flag["sentence"]).contains("6 clicks of this partner within 10 minutes"), "{flag}");
    // Other limits raise nothing new, and take back nothing.
    assert_eq!(chooses(&shop, json!({})).await.json()["velocity_clicks_max"], 2_000);
    done(&shop, "POST", "/v1/commissions/run", Value::Null).await;
    assert_eq!(flags(&shop).await.len(), 1);
}

#[tokio::test]
async fn more_new_customers_than_a_workspace_believes_hold_the_money() {
    let shop = with_jane().await;
    let four = async || {
        for _ in 0..4 {
            comes_and_buys(&shop).await;
            shop.settle().await;
        }
    };
    four().await;
    assert_eq!(flags(&shop).await, [], "twenty within an hour are believed by whoever chose nothing");
    shop.after(minutes(120));
    assert_eq!(chooses(&shop, json!({ "velocity_sales_max": 3 })).await.status, 200);
    four().await;
    let told = flags(&shop).await;
    let wanted = ("velocity".to_owned(), json!(4), json!(3), json!(60));
    assert!(!told.is_empty() && told.iter().all(|flag| *flag == wanted), "{told:?}");
    // Looked at once more, every sale of both rushes is part of one: by now three are the most that is believed.
    done(&shop, "POST", "/v1/commissions/run", Value::Null).await;
    let told = flags(&shop).await;
    assert!(told.len() == 8 && told.iter().all(|flag| *flag == wanted), "{told:?}");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_with_those_that_do() {
    let shop = with_jane().await;
    for (limits, field, says) in [
        (json!({ "velocity_sales_max": 0 }), "velocity_sales_max", "use 1 to 1000000, and not 0"),
        (json!({ "velocity_minutes": 1441 }), "velocity_minutes", "use 5 to 1440, and not 1441"),
        (json!({ "paying_minutes": 721 }), "paying_minutes", "use 1 to 720"),
    ] {
        let refused = chooses(&shop, limits).await;
        assert_eq!((refused.status, &refused.json()["field"]), (400, &json!(field)), "{}", refused.text());
        assert!(refused.text().to_lowercase().contains(says), "{}", refused.text());
    }
    for unread in [json!({ "clicks": 5 }), json!({ "velocity_minutes": -1 })] {
        assert_eq!(chooses(&shop, unread).await.code(), "invalid_body");
    }
    assert_eq!(shop.ask(LIMITS).await["velocity_minutes"], 60, "and nothing was changed");
}
