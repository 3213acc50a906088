//! Affiliates: from a partner's link to the reports, over the public surfaces.

use serde_json::{Value, json};
use support::{Answer, Shop, days, minutes, rows, usd};
use tributary::control::keys::Scope;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/141.0.0.0 Safari/537.36";

/// A request to the API with a key that may write.
pub async fn asks(shop: &Shop, method: &str, path: &str, body: Value) -> Answer {
    let key = shop.key_for(Scope::Write).await;
    let request = shop.app().request(method, path).header("authorization", format!("Bearer {key}"));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    shop.app().send(request.body(body)).await
}

/// A request that is done.
pub async fn done(shop: &Shop, method: &str, path: &str, body: Value) -> Value {
    let answer = asks(shop, method, path, body).await;
    assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
    answer.json()
}

/// A programme of these terms.
pub async fn program(shop: &Shop, terms: Value) -> String {
    let made = done(shop, "POST", "/v1/programs", json!({ "name": "Friends", "terms": terms })).await;
    text(&made["id"])
}

/// An approved partner with a link of their name.
pub async fn partner(shop: &Shop, program: &str, name: &str) -> String {
    let new = json!({ "program": program, "name": name, "email": format!("{name}@partners.example"),
        "status": "approved" });
    let id = text(&done(shop, "POST", "/v1/partners", new).await["id"]);
    let link = json!({ "partner": id, "code": name, "destination": "https://shop.example/start" });
    done(shop, "POST", "/v1/links", link).await;
    id
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub async fn follows(shop: &Shop, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = shop.app().request("GET", path).header("user-agent", CHROME);
    request = request.header("sec-fetch-site", "cross-site");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    shop.app().send(request).await
}

#[tokio::test]
async fn a_click_on_a_link_is_one_visit_of_the_partner_and_leads_to_the_shop() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &program, "jane").await;
    let followed = follows(&shop, "/r/Jane?utm_campaign=may", &[("referer", "https://blog.example/")]).await;
    assert_eq!(followed.status, 302, "{}", followed.text());
    let location = followed.header("location").to_owned();
    assert!(location.starts_with("https://shop.example/start?utm_campaign=may&via=jane"), "{location}");
    let cookie = followed.header("set-cookie");
    assert!(cookie.starts_with("_trb=vis_") && cookie.contains("SameSite=Lax"), "{cookie}");

    // The page it leads to tells of the same click: one visit, and what is bought is the partner's.
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let ada = shop.visitor().with_cookie(&cookie);
    ada.arrives_from("https://blog.example/", location.trim_start_matches("https://shop.example")).await;
    ada.buys(usd(49_00)).await;
    let report = shop.report("partner", "linear").await;
    let jane =
        report["rows"].as_array().unwrap().iter().find(|row| row["partner"] == "jane").unwrap().clone();
    assert_eq!((&jane["visits"], &jane["revenue"]["net"]), (&json!(1), &json!(49_00)), "{report}");
    assert_eq!(shop.channels("last_touch").await, rows([("Affiliates", 49_00)]));
    // A week later the same link on a page is a visit again.
    shop.after(days(7));
    ada.visit("/pricing?via=jane").await;
    let report = shop.report("partner", "linear").await;
    assert_eq!(report["rows"][0]["visits"], 2, "{report}");
    shop.reconciles().await;
}

#[tokio::test]
async fn who_comes_by_one_partner_then_another_and_the_first_again_came_by_the_first_last() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    for name in ["jane", "carl"] {
        partner(&shop, &program, name).await;
    }
    let first = follows(&shop, "/r/jane", &[]).await;
    let cookie = first.header("set-cookie").split(';').next().unwrap().to_owned();
    // Gone before the page was there.
    let ada = shop.visitor().with_cookie(&cookie);
    shop.after(minutes(2));
    follows(&shop, "/r/carl", &[("cookie", &cookie)]).await;
    ada.visit("/start?via=carl").await;
    shop.after(minutes(2));
    // By a link of hers to the shop itself, within the minutes in which the page behind her first click was expected.
    ada.visit("/start?via=jane").await;
    shop.after(minutes(2));
    ada.buys(usd(49_00)).await;
    assert_eq!(shop.earned("partner", "last_touch", "revenue.net").await, rows([("jane", 49_00)]));
}

#[tokio::test]
async fn a_code_on_any_page_is_the_partners_once_the_partner_is_approved() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let new = json!({ "program": program, "name": "Ann Lee", "email": "ann@partners.example" });
    let ann = done(&shop, "POST", "/v1/partners", new).await;
    assert_eq!(ann["status"], "invited");
    let id = text(&ann["id"]);
    let link = done(&shop, "POST", "/v1/links", json!({ "partner": id })).await;
    assert_eq!((&link["code"], &link["active"]), (&json!("ann-lee"), &json!(false)), "{link}");
    assert_eq!(link["destination"], "https://shop.example/");
    let early = shop.visitor();
    early.visit("/?via=ann-lee").await;
    done(&shop, "PATCH", &format!("/v1/partners/{id}"), json!({ "status": "approved" })).await;
    let ada = shop.visitor();
    ada.visit("/docs?ref=Ann-Lee").await;
    ada.buys(usd(10_00)).await;
    let earned = shop.earned("partner", "last_touch", "revenue.net").await;
    assert_eq!(earned, rows([("ann-lee", 10_00)]));
    done(&shop, "DELETE", "/v1/links/ann-lee", Value::Null).await;
    let bob = shop.visitor();
    bob.visit("/docs?via=ann-lee").await;
    bob.buys(usd(20_00)).await;
    let earned = shop.earned("partner", "last_touch", "revenue.net").await;
    assert!(earned.contains(&("ann-lee".to_owned(), 10_00)), "{earned:?}");
    // Who follows an ended link still gets to the shop, and nobody earns.
    let followed = follows(&shop, "/r/ann-lee", &[]).await;
    assert_eq!((followed.status, followed.header("location")), (302, "https://shop.example/"));
    assert_eq!(followed.header("set-cookie"), "");
}

#[tokio::test]
async fn links_lead_nowhere_but_to_the_shop() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let jane = partner(&shop, &program, "jane").await;
    let deeper = follows(&shop, "/r/jane?to=/pricing%3Fplan%3Dpro", &[]).await;
    assert!(
        deeper.header("location").starts_with("https://shop.example/pricing?plan=pro&via=jane"),
        "{:?}",
        deeper.headers
    );
    let docs = follows(&shop, "/r/jane?to=https://docs.shop.example/a", &[]).await;
    assert_eq!(docs.status, 302);
    for foreign in ["https://evil.example/", "//evil.example", "/%5Cevil.example", "javascript:alert(1)", ""]
    {
        let answer = follows(&shop, &format!("/r/jane?to={foreign}"), &[]).await;
        assert_eq!((answer.status, &*answer.code()), (400, "foreign_destination"), "{foreign}");
        assert_eq!(answer.header("location"), "", "{foreign}");
    }
    let unknown = follows(&shop, "/r/nobody", &[]).await;
    assert_eq!((unknown.status, &*unknown.code()), (404, "unknown_link"));
    let foreign = json!({ "partner": jane, "destination": "https://evil.example/" });
    assert_eq!(asks(&shop, "POST", "/v1/links", foreign).await.code(), "foreign_destination");
    let taken = json!({ "partner": jane, "code": "JANE" });
    let answer = asks(&shop, "POST", "/v1/links", taken).await;
    assert_eq!((answer.status, &*answer.code()), (409, "code_taken"));
}

#[tokio::test]
async fn who_asks_not_to_be_followed_gets_to_the_page_without_a_cookie_and_robots_do_not_count() {
    let shop = Shop::open().await;
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    partner(&shop, &program, "jane").await;
    let refused = follows(&shop, "/r/jane", &[("sec-gpc", "1")]).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (302, ""));
    let robot = shop.app().request("GET", "/r/jane").header("user-agent", "Googlebot/2.1");
    let robot = shop.app().send(robot).await;
    assert_eq!((robot.status, robot.header("set-cookie")), (302, ""));
    shop.after(minutes(1));
    let report = shop.report("partner", "linear").await;
    assert_eq!(report["rows"], json!([]), "{report}");
}

#[tokio::test]
async fn programmes_and_partners_take_only_what_makes_sense() {
    let shop = Shop::open().await;
    let wrong = json!({ "name": "x", "terms": { "reward": { "flat": { "XAU": 5 } } } });
    let answer = asks(&shop, "POST", "/v1/programs", wrong).await;
    assert_eq!((answer.status, &answer.json()["field"]), (400, &json!("terms")));
    let program = program(&shop, json!({ "reward": { "basis_points": 3000 } })).await;
    let path = format!("/v1/programs/{program}/terms");
    let changed = done(&shop, "POST", &path, json!({ "terms": { "reward": { "basis_points": 1 } } })).await;
    assert_eq!((&changed["terms"][0]["version"], &changed["terms"][1]["version"]), (&json!(1), &json!(2)));
    let before = json!({ "terms": { "reward": { "basis_points": 1 } }, "from_ms": 5 });
    assert_eq!(asks(&shop, "POST", &path, before).await.json()["field"], "from_ms");
    let id = partner(&shop, &program, "jane").await;
    let path = format!("/v1/partners/{id}");
    let back = asks(&shop, "PATCH", &path, json!({ "status": "invited" })).await;
    assert_eq!((back.status, &*back.code()), (409, "wrong_status"));
    let twin = json!({ "program": program, "name": "J", "email": "JANE@partners.example" });
    assert_eq!(asks(&shop, "POST", "/v1/partners", twin).await.status, 409);
    let nobody = json!({ "program": program, "name": "J", "email": "jane" });
    assert_eq!(asks(&shop, "POST", "/v1/partners", nobody).await.json()["field"], "email");
    let paid = json!({ "payout": { "method": "paypal", "recipient": "not an address" } });
    assert_eq!(asks(&shop, "PATCH", &path, paid).await.json()["field"], "payout");
    // Addresses lie in the store sealed.
    let paid = json!({ "payout": { "method": "wise", "recipient": "jane-paid@partners.example" } });
    assert_eq!(done(&shop, "PATCH", &path, paid).await["payout"]["method"], "wise");
    let file = std::fs::read(shop.app().config.data_dir.join("control.sqlite")).unwrap();
    let wal = std::fs::read(shop.app().config.data_dir.join("control.sqlite-wal")).unwrap_or_default();
    let all = String::from_utf8_lossy(&[file, wal].concat()).into_owned();
    assert!(!all.contains("partners.example"), "an address lies in clear");
}
