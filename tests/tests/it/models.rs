//! Which touch earns, under each model.

use support::{Price, Shop, days, minutes, models, rows, seconds, usd};

use crate::{NEWSLETTER, SEARCH};

#[tokio::test]
async fn newsletter_then_search_then_purchase_divides_as_each_model_says() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(days(3));
    ada.arrives_from(SEARCH, "/pricing").await;
    shop.after(minutes(5));
    ada.buys(usd(49_01)).await;
    for model in ["last_non_direct", "last_touch"] {
        assert_eq!(shop.channels(model).await, rows([("Organic Search", 49_01)]), "{model}");
    }
    assert_eq!(shop.channels("first_touch").await, rows([("Email", 49_01)]));
    // The odd cent goes to the later touch, in the halves of position based too.
    for model in ["linear", "position_based"] {
        assert_eq!(
            shop.channels(model).await,
            rows([("Organic Search", 24_51), ("Email", 24_50)]),
            "{model}"
        );
    }
    shop.reconciles().await;
}

#[tokio::test]
async fn a_direct_return_takes_the_last_touch_and_nothing_else() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    shop.after(days(2));
    ada.visit("/").await;
    ada.buys(usd(10_00)).await;
    for model in models() {
        let channel = if model == "last_touch" { "Direct" } else { "Email" };
        assert_eq!(shop.channels(model).await, rows([(channel, 10_00)]), "{model}");
    }
    shop.reconciles().await;
}

#[tokio::test]
async fn pages_of_one_visit_are_one_touch() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.arrives_from(SEARCH, "/").await;
    for path in ["/pricing", "/docs", "/pricing"] {
        shop.after(minutes(4));
        ada.arrives_from("https://shop.example/", path).await;
    }
    ada.reloads().await;
    ada.buys(usd(20_00)).await;
    assert_eq!(shop.earned("channel", "linear", "visits").await, rows([("Organic Search", 1)]));
    shop.reconciles().await;
}

/// One visit a source, each so long before the purchase; what every source earns.
async fn divides(ages_seconds: &[i64], price: Price, model: &str) -> Vec<i64> {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    for (at, age) in ages_seconds.iter().enumerate() {
        ada.visit(&format!("/?utm_source=s{at}&utm_medium=email")).await;
        let next = ages_seconds.get(at + 1).copied().unwrap_or(0);
        shop.after(seconds(age - next));
    }
    let order = ada.buys(price).await;
    let story = shop.explain(&order).await;
    shop.reconciles().await;
    story.credits(model).into_iter().map(|(_, minor)| minor).collect()
}

#[tokio::test]
async fn position_based_gives_two_fifths_to_each_end() {
    let day = 86_400;
    assert_eq!(
        divides(&[8 * day, 6 * day, 4 * day, 2 * day], usd(10_01), "position_based").await,
        [400, 100, 100, 401]
    );
}

/// Amounts of the published vectors.
#[tokio::test]
async fn time_decay_halves_every_week_by_the_golden_numbers() {
    assert_eq!(divides(&[14 * 86_400, 7 * 86_400, 0], usd(7_00), "time_decay").await, [100, 200, 400]);
    assert_eq!(divides(&[777_600, 172_800, 10], usd(10_00), "time_decay").await, [184, 368, 448]);
}
