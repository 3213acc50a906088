//! A seeded year of business at the stand-in, whose webhooks are lost, delayed, repeated and reordered: after the
//! polls every order is what the provider's lists say, to the cent.

use serde_json::{Value, json};
use support::{Account, Dice};

const DAY_MS: i64 = 86_400_000;

/// An instant `days` before now, with a time of day by chance.
fn ago(account: &Account, dice: &mut Dice, days: i64) -> String {
    let at_ms = account.shop.now_ms() - days * DAY_MS - dice.below(80_000_000) as i64;
    jiff::Timestamp::from_millisecond(at_ms).expect("this era").to_string()
}

/// What one buyer does over the year.
fn purchase(account: &Account, dice: &mut Dice, n: u64) -> Value {
    let product = ["monthly", "yearly", "lifetime", "templates", "trial"][dice.below(5) as usize];
    let began = 20 + dice.below(340) as i64;
    let country = ["US", "DE", "FR", "GB"][dice.below(4) as usize];
    let mut purchase = json!({
        "product": product, "email": format!("buyer-{}@example.com", n - n % 3), "country": country,
        "at": ago(account, dice, began), "amount": 500 + dice.below(20_000) as i64,
    });
    let later = |dice: &mut Dice| began - 2 - dice.below((began - 3).max(1) as u64) as i64;
    if dice.below(4) == 0 {
        let days = later(dice);
        purchase["refunds"] = match dice.below(2) {
            0 => json!([{ "at": ago(account, dice, days.min(began - 2)), "amount": 300 }]),
            _ => json!([{ "at": ago(account, dice, (began - 2).max(1)), "amount": 199, "reason": "other" },
                        { "at": ago(account, dice, 0) }]),
        };
        if product == "trial" {
            purchase["refunds"] = json!([]);
        }
    }
    if matches!(product, "monthly" | "trial") && began > 60 {
        match dice.below(5) {
            0 => purchase["cancel_at"] = json!(ago(account, dice, began - 40)),
            1 => purchase["revoke_at"] = json!(ago(account, dice, began - 45)),
            2 => purchase["failed_renewal"] = json!(1 + dice.below(2)),
            _ => {}
        }
    }
    if purchase["refunds"].is_null() && dice.below(3) == 0 {
        purchase["discount"] = json!(*dice.pick(&["PARTNER20", "WELCOME5", "FREE100"]));
    }
    if dice.below(2) == 0 {
        // What is asked for outright must be possible; with all this it may not be.
        for name in ["refunds", "cancel_at", "revoke_at"] {
            purchase.as_object_mut().map(|fields| fields.remove(name));
        }
        purchase["then"] = later_on(account, dice, began);
    }
    purchase
}

/// Whatever else happens, in the order of time; some of it cannot, and then does not.
fn later_on(account: &Account, dice: &mut Dice, began: i64) -> Value {
    const WHAT: [&str; 18] = [
        "pause",
        "resume",
        "fail-next-renewal",
        "recover",
        "cancel",
        "uncancel",
        "change-plan",
        "change-plan",
        "seats",
        "metadata",
        "refund",
        "refund-succeeds",
        "refund-fails",
        "dispute",
        "dispute-lost",
        "dispute-won",
        "dispute-prevented",
        "refund",
    ];
    let mut days: Vec<i64> = (0..8).map(|_| dice.below(began as u64) as i64).collect();
    days.sort_unstable_by_key(|days| -days);
    let one = |days| {
        let what = *dice.pick(&WHAT);
        let mut then = json!({ "what": what, "order": dice.below(3) });
        match what {
            "change-plan" => {
                let proration = *dice.pick(&["invoice", "prorate", "next_period"]);
                let product = *dice.pick(&["monthly", "yearly"]);
                then["with"] = json!({ "product": product, "proration": proration });
            }
            "seats" => then["with"] = json!({ "seats": 1 + dice.below(5) }),
            "metadata" => then["with"] = json!({ "metadata": { "note": dice.below(9) } }),
            "refund" | "dispute" if dice.below(2) == 0 => then["amount"] = json!(1 + dice.below(400)),
            _ => {}
        }
        then["at"] = json!(ago(account, dice, days));
        then
    };
    Value::Array(days.into_iter().map(one).collect())
}

#[tokio::test]
async fn after_the_polls_a_year_of_lost_and_late_webhooks_equals_the_providers_lists() {
    let account = Account::open(|_| {}).await;
    let trouble = json!({ "seed": 11, "lose_percent": 25, "drop_percent": 20, "repeat_percent": 20,
                          "reorder_window": 12, "delay_ms_max": 3 });
    account.control("faults", trouble).await;
    let mut dice = Dice::of(2026);
    let purchases: Vec<Value> = (0..60).map(|n| purchase(&account, &mut dice, n)).collect();
    account.control("history", json!({ "purchases": purchases, "lanes": 4 })).await;
    account.webhooks_end().await;
    for list in ["/v1/disputes/", "/v1/refunds/"] {
        assert!(account.list(list).await.len() >= 3, "{list} has some");
    }
    let (ours, theirs) = (account.our_money().await, account.providers_money().await);
    assert!(theirs.len() > 120, "{} orders make a year", theirs.len());
    assert_ne!(ours, theirs, "the webhooks alone do not tell everything");

    account.polls().await;
    account.agrees().await;
    let status = account.status().await;
    let found = status["poll"]["found_by_poll"].as_u64().expect("a count");
    assert!(found > 25, "what only the poll found is counted: {status}");
    assert_eq!((&status["poll"]["problem"], &status["poll"]["missing_scopes"]), (&Value::Null, &json!([])));

    // A second look finds nothing more, and nothing counts twice.
    let before = account.shop.orders_table().await;
    account.asks_for_sync(true).await;
    account.polls().await;
    assert_eq!(account.status().await["poll"]["found_by_poll"], found);
    assert_eq!(account.shop.orders_table().await, before);
    account.agrees().await;
    account.polar.stop().await.expect("no state is kept");
}
