//! A checkout that loses its metadata is noticed, told once, and over when sales carry their visitor again.

use std::sync::Arc;

use support::{Bank, Shop, TestApp, days, usd};
use tributary::control::workspaces::AlertWebhook;
use tributary::jobs::match_watch;

use crate::NEWSLETTER;

#[tokio::test]
async fn a_checkout_that_lost_its_metadata_is_told_once_and_until_it_is_mended() {
    let receiver = Bank::open().await;
    let allow = |config: &mut tributary::config::Config| {
        config.outbound.allowed_networks = vec!["127.0.0.0/8".to_owned()];
    };
    let app = Arc::new(TestApp::start_with(allow).await);
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let sealed_secret = app.secrets.seal(&match_watch::secret_place("ws_shop"), secret.as_bytes());
    let url = format!("{}alerts", receiver.url());
    let shop = Shop::open_as(app, "ws_shop", |settings| {
        settings.alert_webhook = Some(AlertWebhook { url, sealed_secret });
    })
    .await;
    let ada = shop.visitor();
    ada.visit(NEWSLETTER).await;
    let looks = async || {
        shop.settle().await;
        match_watch::step(shop.app()).await.expect("it looks");
        shop.app().jobs.alerts.of("ws_shop").len()
    };
    for _ in 0..20 {
        ada.buys(usd(10_00)).await;
    }
    shop.after(days(3));
    assert_eq!(looks().await, 0, "nothing was sold lately");
    for cents in 0..5 {
        shop.sale(usd(10_00 + cents)).pays().await;
    }
    assert_eq!(looks().await, 1);
    assert_eq!(receiver.asked(), ["alerts"], "refused: nobody is there yet");
    receiver.publishes("alerts", "");
    assert_eq!(looks().await, 1);
    assert_eq!(looks().await, 1);
    assert_eq!(receiver.asked(), ["alerts"], "taken, and not told again");
    for _ in 0..30 {
        ada.buys(usd(10_00)).await;
    }
    assert_eq!(looks().await, 0);
}
