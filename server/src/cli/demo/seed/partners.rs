//! What happens to the demo's partners now: people follow their links as browsers do, one buys and gets a part back, and
//! the merchant pays what is due. Before it the history has brought them customers by `?via=`.

use anyhow::Context;
use reqwest::header;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mix::{PARTNERS, USER_AGENTS};
use super::{Target, answer};

/// Clicks on each partner's link, fewer for each next one.
const CLICKS: [usize; 3] = [18, 11, 5];

/// Follows every link some times; who followed the first one last buys, and is given a part back.
pub async fn click(target: &Target) -> anyhow::Result<()> {
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let mut visitor = None;
    for (partner, clicks) in PARTNERS.iter().zip(CLICKS) {
        for number in 0..clicks {
            let request = browser
                .get(format!("{}/r/{}", target.server, partner.code))
                .header(header::USER_AGENT, USER_AGENTS[number % USER_AGENTS.len()])
                .header(header::ACCEPT_LANGUAGE, "en")
                .header(header::REFERER, partner.page)
                .header("sec-fetch-site", "cross-site");
            let followed = request.send().await.context("the server does not answer at /r/")?;
            let cookie = followed.headers().get(header::SET_COOKIE).and_then(|value| value.to_str().ok());
            let signed = cookie.and_then(|cookie| cookie.split(['=', ';']).nth(1)).map(str::to_owned);
            visitor = visitor.or(signed.filter(|_| number + 1 == clicks));
        }
    }
    let visitor = visitor.context("following a link set no visitor cookie")?;
    let bought = json!({
        "product": "yearly", "email": "reader@customers.example", "name": "Rea Der", "country": "DE",
        "metadata": { "tributary_visitor_id": visitor },
    });
    let bought =
        answer(target.http.post(format!("{}/standin/purchases", target.polar)).json(&bought)).await?;
    let order = bought["order_ids"][0].as_str().context("the purchase made no order")?;
    let refund = format!("{}/standin/orders/{order}/refund", target.polar);
    answer(target.http.post(refund).json(&json!({ "amount": 3_000 }))).await?;
    answer(target.http.post(format!("{}/standin/wait-idle", target.polar)).json(&json!({}))).await?;
    Ok(())
}

/// Pays what is due as a merchant does: looked at, approved, sent, said so.
pub async fn pay(target: &Target) -> anyhow::Result<()> {
    let preview = target.get("/v1/payouts/preview?currency=USD").await?;
    let Some(token) = preview["token"].as_str() else { return Ok(()) };
    target.post("/v1/payouts", json!({ "currency": "USD", "token": token })).await?;
    let sent = target.post(&format!("/v1/payouts/{token}/paid"), json!({ "reference": "demo" })).await?;
    let partners = sent["items"].as_array().map_or(0, Vec::len);
    let cents = sent["total"].as_i64().unwrap_or(0);
    println!(
        "{partners} partners paid {}.{:02} USD; what is held or has nowhere to go waits",
        cents / 100,
        cents % 100
    );
    Ok(())
}

impl Target {
    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}{path}", self.server)).bearer_auth(self.key.expose_secret());
        answer(request.json(&body)).await
    }
}
