//! Looking before and behind: the simulator and the overlap with other channels, as the API tells them.

use serde_json::{Value, json};
use support::{Shop, days, usd};

use super::{asks, encoded, page};
use crate::SEARCH;
use crate::affiliates::{partner, program, text};
use crate::portal::thirty;

const STANDING: &str =
    "recurring=lifetime&count=&hold_days=30&window_days=60&wins=last&tiers=&per=month&go=simulate";

#[tokio::test]
async fn other_terms_are_compared_partner_by_partner_as_the_api_compares_them() {
    let shop = Shop::open().await;
    assert!(page(&shop, "/affiliates/simulator").await.contains("First a programme"));
    let program = program(&shop, thirty()).await;
    for (name, minor) in [("jane", 10_000), ("carl", 50_00)] {
        partner(&shop, &program, name).await;
        let buyer = shop.visitor();
        buyer.visit(&format!("/?via={name}")).await;
        buyer.buys(usd(minor)).await;
    }
    shop.settle().await;
    let form = page(&shop, "/affiliates/simulator").await;
    assert!(form.contains("value=\"30 %\"") && !form.contains("Partner by partner"), "{form}");
    let asked = |reward: &str, more: &str| {
        format!(
            "/affiliates/simulator?program={program}&from=2020-01-01&reward={}&{STANDING}{more}",
            encoded(reward)
        )
    };
    let less = page(&shop, &asked("20 %", "")).await;
    for shown in [
        "20.00 <abbr>USD",
        "30.00 <abbr>USD",
        "\u{2212}10.00 <abbr>USD",
        "\u{2212}15.00 <abbr>USD",
        "1 of 1 order",
    ] {
        assert!(less.contains(shown), "{shown}: {less}");
    }
    let body = json!({ "from": "2020-01-01", "terms": { "reward": { "basis_points": 2000 } } });
    let told = asks(&shop, "POST", &format!("/v1/programs/{program}/simulate"), body).await.json();
    assert_eq!(told["totals"][0]["difference"], -15_00, "{told}");
    let flat = page(&shop, &asked("40.00 USD", "")).await;
    assert!(flat.contains("+10.00 <abbr>USD") && flat.contains("+25.00 <abbr>USD"), "{flat}");
    let same = page(&shop, &asked("30 %", "")).await;
    assert!(same.contains("0 of 2 orders") && !same.contains("\u{2212}"), "{same}");
    let nothing = page(&shop, &asked("20 %", "&to=2020-02-01")).await;
    assert!(nothing.contains("Nothing to compare"), "{nothing}");
    for (path, why) in [
        (asked("much", ""), "write 30 %"),
        (asked("0", ""), "are hundredths"),
        (asked("20 %", "").replace("hold_days=30", "hold_days=x"), "a number of days"),
        (asked("20 %", "").replace("tiers=", "tiers=ten"), "does not read"),
        (asked("20 %", "").replace("from=2020-01-01", "from=July"), "write a day"),
    ] {
        let wrong = page(&shop, &path).await;
        assert!(wrong.contains("role=\"alert\"") && wrong.contains(why), "{why}: {wrong}");
        assert!(wrong.contains("aria-invalid=\"true\""), "{why}: {wrong}");
    }
    // Nothing was published by looking.
    assert_eq!(shop.ask(&format!("/v1/programs/{program}")).await["terms"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn sales_that_another_channel_touched_before_are_told_as_the_report_tells_them() {
    let shop = Shop::open().await;
    assert!(page(&shop, "/affiliates/overlap").await.contains("No sales of partners in these days"));
    let program = program(&shop, thirty()).await;
    partner(&shop, &program, "jane").await;
    let alone = shop.visitor();
    alone.visit("/?via=jane").await;
    alone.buys(usd(10_00)).await;
    let searched = shop.visitor();
    searched.arrives_from(SEARCH, "/").await;
    shop.after(days(1));
    searched.visit("/?via=jane").await;
    searched.buys(usd(20_00)).await;
    shop.settle().await;
    let told = shop.ask("/v1/reports/overlap").await;
    assert_eq!(told["rows"][0]["revenue"]["with_earlier"], 20_00, "{told}");
    let shown = page(&shop, "/affiliates/overlap").await;
    for words in ["2 sales · 30.00 USD", "Organic Search", "20.00 USD", "Another channel before it", ">jane<"]
    {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let wrong = page(&shop, "/affiliates/overlap?from=July").await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("2 sales"), "{wrong}");
    let filtered = page(&shop, "/affiliates/overlap?filter[source]=google").await;
    assert!(filtered.contains("cannot be filtered by source") && filtered.contains("2 sales"), "{filtered}");
    assert_eq!(text(&told["rows"][0]["name"]), "jane");
    assert_eq!(told["rows"][0]["currency"], Value::from("USD"));
}
