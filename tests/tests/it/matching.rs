//! How a sale finds its visitor, from the surest sign to the faintest.

use serde_json::json;
use support::{Shop, days, models, rows, usd};
use tributary::control::keys::Scope;

use crate::NEWSLETTER;

#[tokio::test]
async fn an_api_checkout_carries_the_visitor_in_its_metadata() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.checkout(usd(49_00)).by_api().pays().await;
    let found = json!(["order_metadata", "order.metadata.tributary_visitor_id", "signed"]);
    assert_eq!(order.matched().await, found);
    assert_eq!(shop.channels("last_non_direct").await, rows([("Email", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_checkout_link_carries_the_visitor_as_reference_id() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.checkout(usd(49_00)).by_link().pays().await;
    assert_eq!(order.matched().await, json!(["order_metadata", "order.metadata.reference_id", "signed"]));
    assert_eq!(shop.channels("last_non_direct").await, rows([("Email", 49_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn metadata_of_the_subscription_counts_for_its_orders() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.checkout(usd(29_00)).by_subscription_metadata().monthly().pays().await;
    let found = json!(["subscription_metadata", "subscription.metadata.tributary_visitor_id", "signed"]);
    assert_eq!(order.matched().await, found);
    assert_eq!(shop.channels("last_non_direct").await, rows([("Email", 29_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn metadata_of_the_customer_counts_when_the_sale_has_none() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.checkout(usd(29_00)).by_customer_metadata().pays().await;
    let found = json!(["customer_metadata", "customer.metadata.tributary_visitor_id", "signed"]);
    assert_eq!(order.matched().await, found);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_key_of_the_workspaces_own_is_read_too() {
    let app = support::TestApp::start().await;
    let own = |settings: &mut tributary::control::workspaces::Settings| {
        settings.metadata_keys = vec!["who".to_owned()]
    };
    let shop = Shop::open_as(app.into(), "ws_own", own).await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let order = ada.checkout(usd(29_00)).metadata("who", &ada.id()).pays().await;
    assert_eq!(order.matched().await, json!(["order_metadata", "order.metadata.who", "signed"]));
    shop.reconciles().await;
}

#[tokio::test]
async fn the_shops_own_customer_id_leads_to_whoever_logged_in_by_it() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.logs_in_as("user-7").await;
    shop.after(days(1));
    let order = shop.sale(usd(29_00)).external_id("user-7").pays().await;
    assert_eq!(order.matched().await, json!(["external_id", "customer.external_id", "none"]));
    assert_eq!(shop.channels("last_non_direct").await, rows([("Email", 29_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn an_address_told_on_another_device_leads_to_the_visitor() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.identifies(" Ada@Example.com ").await;
    shop.after(days(1));
    let order = shop.sale(usd(29_00)).email("ada@example.com").pays().await;
    assert_eq!(order.matched().await, json!(["email", "customer.email", "none"]));
    assert_eq!(shop.channels("last_non_direct").await, rows([("Email", 29_00)]));
    shop.reconciles().await;
}

#[tokio::test]
async fn what_stands_on_the_sale_beats_the_buyers_address() {
    let shop = Shop::open().await;
    let (ada, bob) = (shop.visitor(), shop.visitor());
    ada.visit(NEWSLETTER).await;
    bob.visit("/?utm_source=google&utm_medium=cpc").await;
    bob.identifies("team@company.example").await;
    shop.after(days(1));
    let order = ada.checkout(usd(29_00)).by_api().email("team@company.example").pays().await;
    assert_eq!(order.matched().await[0], "order_metadata");
    assert_eq!(order.shown().await["visitor_id"], ada.id()[..30]);
    // The sale says that both are one person, so Bob's visit belongs to the journey too.
    assert_eq!(shop.explain(&order).await.standings().len(), 2);
    shop.reconciles().await;
}

#[tokio::test]
async fn a_sale_without_a_visitor_is_unattributed() {
    let shop = Shop::open().await;
    shop.visitor().visit(NEWSLETTER).await;
    let order = shop.sale(usd(12_34)).pays().await;
    assert_eq!(order.matched().await, json!(["none", "", "none"]));
    for model in models() {
        assert_eq!(shop.channels(model).await, rows([("Unattributed", 12_34)]), "{model}");
    }
    shop.reconciles().await;
}

#[tokio::test]
async fn a_known_visitor_without_touches_is_direct() {
    let shop = Shop::open().await;
    let order =
        shop.sale(usd(12_34)).metadata("tributary_visitor_id", "vis_01k6f0000000000000000000aa").pays().await;
    let found = json!(["order_metadata", "order.metadata.tributary_visitor_id", "unsigned"]);
    assert_eq!(order.matched().await, found);
    for model in models() {
        assert_eq!(shop.channels(model).await, rows([("Direct", 12_34)]), "{model}");
    }
    shop.reconciles().await;
}

#[tokio::test]
async fn a_person_known_by_address_whose_visits_are_too_old_is_direct_and_told_so() {
    let shop = Shop::open().await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    ada.identifies(ada.email()).await;
    // Far outside the window, and outside what is shown by itself.
    shop.after(days(300));
    let order = shop.sale(usd(12_34)).email(ada.email()).pays().await;
    assert_eq!(shop.channels("linear").await, rows([("Direct", 12_34)]));
    let story = shop.explain(&order).await.0;
    assert_eq!((&story["without_touches"], &story["stored_agrees"]), (&json!("direct"), &json!(true)));
    shop.reconciles().await;
}

#[tokio::test]
async fn a_filter_that_a_report_cannot_apply_is_refused_not_left_out() {
    let shop = Shop::open().await;
    for (report, filter) in
        [("timing", "channel"), ("match-quality", "campaign"), ("rejects", "product"), ("rejects", "country")]
    {
        let path = format!("/v1/reports/{report}?from=2026-01-01&to=2027-12-31&filter[{filter}]=Email");
        let answer = shop.ask_as(&shop.key_for(Scope::Read).await, &path).await;
        assert_eq!(
            (answer.status, &answer.json()["field"]),
            (400, &json!(format!("filter[{filter}]"))),
            "{path}"
        );
    }
}
