//! The partners' pages for those who should not see them: other partners, other sites, strangers who guess, and values
//! that want to run.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use support::{Shop, TestApp, days, usd};
use tributary::control::keys::Scope;
use tributary::http::auth::session_cookie;

use super::pages::{is_clean, payloads, tags_of};
use crate::affiliates::{done, partner, program, text};
use crate::portal::{Browser, shop_with_mail, thirty};

/// Every page, with something in the place of ids.
const PAGES: [&str; 6] = [
    "/partners",
    "/partners/links",
    "/partners/commissions",
    "/partners/customers",
    "/partners/payouts",
    "/partners/assets",
];

/// Every form.
const FORMS: [&str; 8] = [
    "/partners/sign-in",
    "/partners/enter",
    "/partners/sign-out",
    "/partners/apply/prg_x",
    "/partners/invitation",
    "/partners/links",
    "/partners/links/jane/end",
    "/partners/payouts/details",
];

/// A sale of somebody who came by a partner's link.
async fn sale(shop: &Shop, code: &str, minor: i64) -> String {
    let visitor = shop.visitor();
    visitor.visit(&format!("/?via={code}")).await;
    let order = visitor.buys(usd(minor)).await;
    shop.settle().await;
    let id = text(&order.shown().await["id"]);
    text(&shop.ask(&format!("/v1/commissions?order={id}")).await["rows"][0]["id"])
}

#[tokio::test]
async fn a_partner_sees_what_is_theirs_and_gets_404_for_the_rest() {
    let app = Arc::new(TestApp::start().await);
    let shop = Shop::open_on(app.clone(), "ws_shop").await;
    let other = Shop::open_on(app.clone(), "ws_other").await;
    let own = program(&shop, thirty()).await;
    let jane = partner(&shop, &own, "jane").await;
    let kai = partner(&shop, &own, "kai").await;
    let theirs = program(&other, thirty()).await;
    let mia = partner(&other, &theirs, "mia").await;
    done(
        &shop,
        "PATCH",
        &format!("/v1/partners/{kai}"),
        json!({ "payout": { "method": "wise", "recipient": "kai@bank.example" } }),
    )
    .await;
    let (of_jane, of_kai) = (sale(&shop, "jane", 20_00).await, sale(&shop, "kai", 77_77).await);
    let of_mia = sale(&other, "mia", 55_55).await;
    let browser = Browser::signed_in(&shop, &jane).await;
    assert_eq!(browser.gets(&format!("/partners/commissions/{of_jane}")).await.status, 200);
    for path in [
        format!("/partners/commissions/{of_kai}"),
        format!("/partners/commissions/{of_mia}"),
        "/partners/commissions/com_nothing".to_owned(),
        format!("/partners/commissions?after={of_kai}"),
        "/partners/links/kai/qr.svg".to_owned(),
        "/partners/links/mia/qr.svg".to_owned(),
        "/partners/links/nobody/qr.svg".to_owned(),
    ] {
        assert_eq!(browser.gets(&path).await.status, 404, "{path}");
    }
    for code in ["kai", "mia", "nobody"] {
        assert_eq!(browser.sends(&format!("/partners/links/{code}/end"), &[]).await.status, 404, "{code}");
    }
    let links = shop.ask("/v1/links").await;
    assert!(links["rows"].as_array().unwrap().iter().all(|link| link["active"] == true), "{links}");
    for path in PAGES {
        let page = browser.reads(path).await;
        for secret in [
            "kai",
            "mia",
            "77.77",
            "23.33",
            "55.55",
            &of_kai,
            &of_mia,
            &kai,
            &mia,
            "bank.example",
            "buyer-",
            "@example.com",
        ] {
            assert!(!page.contains(secret), "{path} shows {secret}: {page}");
        }
    }
    assert!(browser.reads("/partners/commissions").await.contains("6.00 USD"));
}

#[tokio::test]
async fn neither_a_guess_nor_anothers_session_opens_a_page() {
    let (shop, _mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    let browser = Browser::signed_in(&shop, &jane).await;
    let app = shop.app();
    let (id, secret) = browser.cookie.trim_start_matches("_trb_partner=").split_once('.').unwrap();
    let (key, _) =
        app.control.create_key(shop.workspace(), "me", &Scope::ALL, true, shop.now_ms()).await.unwrap();
    let merchant = session_cookie(app, &key).split(';').next().unwrap().to_owned();
    let (_, merchants) = merchant.split_once('=').unwrap();
    let mut wrong = secret.to_owned();
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    for cookie in [
        String::new(),
        "_trb_partner=".to_owned(),
        format!("_trb_partner={id}"),
        format!("_trb_partner={id}."),
        format!("_trb_partner={id}.{wrong}"),
        format!("_trb_partner=ses_00000000000000000000.{secret}"),
        format!("_trb_partner={merchants}"),
        merchant,
    ] {
        let stranger = Browser { shop: &shop, cookie: cookie.clone() };
        for path in &PAGES[1..] {
            let answer = stranger.gets(path).await;
            assert_eq!((answer.status, answer.header("location")), (303, "/partners"), "{path} {cookie}");
        }
        assert!(stranger.reads("/partners").await.contains("Send me a link"), "{cookie}");
    }
    // A partner's session is none of the merchant's.
    for path in ["/v1/partners", "/v1/orders"] {
        assert_eq!(browser.gets(path).await.status, 401, "{path}");
    }
    assert_eq!(browser.gets("/attribution").await.header("location"), "/login?next=%2Fattribution");
    for token in ["", ".", "lnk_x.y", "lnk_x", "a.b.c", "\u{fffd}.\0"] {
        let answer = browser.sends("/partners/enter", &[("token", token)]).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (410, ""), "{token:?}");
    }
    shop.after(days(14));
    assert!(browser.reads("/partners").await.contains("Send me a link"), "a session ends");
}

#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    let jane = partner(&shop, &program, "jane").await;
    done(&shop, "PUT", &format!("/v1/programs/{program}/applications"), json!({ "open": true })).await;
    let browser = Browser::signed_in(&shop, &jane).await;
    let form = [
        ("email", "jane@partners.example"),
        ("method", "wise"),
        ("recipient", "thief@evil.example"),
        ("code", "planted"),
        ("name", "x"),
        ("agree", "1"),
        ("answer", "no"),
    ];
    for path in FORMS.iter().map(|path| path.replace("prg_x", &program)) {
        for from in [
            ("x-nothing", ""),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
        ] {
            let answer = browser.sends_from(&path, &form, from).await;
            assert_eq!(answer.status, 403, "{path} {from:?}: {}", answer.text());
            assert_eq!(answer.header("set-cookie"), "", "{path}");
        }
    }
    let stored = done(&shop, "GET", &format!("/v1/partners/{jane}"), Value::Null).await;
    assert_eq!((&stored["payout"], &stored["status"]), (&Value::Null, &json!("approved")));
    let links = shop.ask("/v1/links").await["rows"].as_array().unwrap().len();
    assert_eq!((links, mailbox.is_empty().await), (1, true));
    assert!(browser.reads("/partners").await.contains("Sign out"), "still signed in");
}

#[tokio::test]
async fn whether_an_address_is_known_is_not_told_and_mails_are_few() {
    let (shop, mailbox) = shop_with_mail().await;
    let program = program(&shop, thirty()).await;
    partner(&shop, &program, "jane").await;
    let browser = Browser::of(&shop);
    let asks = async |email: &str| browser.sends("/partners/sign-in", &[("email", email)]).await;
    let unknown = asks("nobody@partners.example").await;
    let known = asks("jane@partners.example").await;
    assert_eq!((known.status, known.text()), (unknown.status, unknown.text()));
    assert_eq!(mailbox.next().await.to, "jane@partners.example");
    for _ in 0..2 {
        asks("jane@partners.example").await;
        mailbox.next().await;
    }
    // Three links within the time one works; then the same answer and no mail.
    let mut answered = asks("jane@partners.example").await;
    assert_eq!(answered.text(), unknown.text());
    let mut asked = 5;
    while answered.status == 200 {
        answered = asks("nobody@partners.example").await;
        asked += 1;
        assert!(asked <= 21, "one network asks as often as it likes");
    }
    assert_eq!((answered.status, asked), (429, 21));
    assert!(!answered.header("retry-after").is_empty());
    shop.after(support::minutes(15));
    assert_eq!(asks("jane@partners.example").await.status, 200);
    mailbox.next().await;
    assert!(mailbox.is_empty().await);
}

#[tokio::test]
async fn the_way_in_leads_nowhere_else_and_pages_stay_out_of_frames_unless_they_are_named() {
    let app = Arc::new(TestApp::start().await);
    let frames = vec!["https://shop.example".to_owned()];
    let shop = Shop::open_as(app.clone(), "ws_framed", |settings| settings.portal_frames = frames).await;
    let closed = Shop::open_on(app.clone(), "ws_closed").await;
    for (shop, ancestors) in
        [(&shop, "frame-ancestors https://shop.example;"), (&closed, "frame-ancestors 'none';")]
    {
        let program = program(shop, thirty()).await;
        let partner = partner(shop, &program, &format!("p-{}", shop.workspace().replace("ws_", ""))).await;
        done(shop, "PUT", &format!("/v1/programs/{program}/applications"), json!({ "open": true })).await;
        let made = done(shop, "POST", &format!("/v1/partners/{partner}/login-link"), Value::Null).await;
        let mut browser = Browser::of(shop);
        let url = format!("{}&next=https://evil.example&to=//evil.example", text(&made["url"]));
        let (_, query) = url.split_once("token=").unwrap();
        let token = query.split('&').next().unwrap();
        let form = [("token", token), ("next", "https://evil.example"), ("to", "//evil.example")];
        let entered = browser.sends("/partners/enter?next=//evil.example", &form).await;
        assert_eq!((entered.status, entered.header("location")), (303, "/partners"));
        browser.cookie = entered.header("set-cookie").split(';').next().unwrap().to_owned();
        let sign_in = format!("/partners?program={program}");
        let apply = format!("/partners/apply/{program}");
        let nobody = Browser::of(shop);
        let mut answers = Vec::new();
        for path in PAGES {
            answers.push((path.to_owned(), browser.gets(path).await));
        }
        for path in [sign_in, apply] {
            answers.push((path.clone(), nobody.gets(&path).await));
        }
        for (path, answer) in answers {
            let policy = answer.header("content-security-policy");
            assert!(policy.contains(ancestors), "{path}: {policy}");
            assert!(
                policy.starts_with("default-src 'self';") && !policy.contains("unsafe"),
                "{path}: {policy}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("cache-control"), "private, no-store", "{path}");
        }
        let plain = nobody.gets("/partners?program=prg_nothing").await;
        assert!(plain.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
}

#[tokio::test]
async fn values_that_want_to_run_stay_text_on_every_page() {
    let app = Arc::new(TestApp::start().await);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/templates/portal");
    let tags = tags_of(&folder);
    for (number, payload) in payloads().iter().enumerate().step_by(9) {
        let shop = Shop::open_on(app.clone(), &format!("ws_{number}")).await;
        let short: String = payload.chars().take(90).collect();
        let new = json!({ "name": short, "terms": { "reward": { "basis_points": 3000 } } });
        let program = text(&done(&shop, "POST", "/v1/programs", new).await["id"]);
        let about = json!({ "open": true, "about": payload });
        done(&shop, "PUT", &format!("/v1/programs/{program}/applications"), about).await;
        let new =
            json!({ "program": program, "name": short, "email": "x@partners.example", "status": "approved" });
        let partner = text(&done(&shop, "POST", "/v1/partners", new).await["id"]);
        let code = format!("x{number}");
        let destination = format!("https://shop.example/{payload}?q={payload}");
        let destination: String = destination.split_whitespace().collect();
        done(
            &shop,
            "POST",
            "/v1/links",
            json!({ "partner": partner, "code": code, "destination": destination }),
        )
        .await;
        let assets = format!("/v1/programs/{program}/assets");
        done(&shop, "POST", &assets, json!({ "kind": "text", "title": short, "content": payload })).await;
        let visitor = shop.visitor();
        visitor.visit(&format!("/?via={code}")).await;
        visitor.checkout(usd(10_00)).metadata("note", payload).by_api().pays().await;
        shop.settle().await;
        let browser = Browser::signed_in(&shop, &partner).await;
        let mut pages: Vec<(String, String)> = Vec::new();
        for path in PAGES {
            pages.push((path.to_owned(), browser.reads(path).await));
        }
        let commission = text(&shop.ask("/v1/commissions").await["rows"][0]["id"]);
        let one = format!("/partners/commissions/{commission}");
        pages.push((one.clone(), browser.reads(&one).await));
        let encoded: String = url::form_urlencoded::byte_serialize(payload.as_bytes()).collect();
        for path in [
            format!("/partners/apply/{program}"),
            format!("/partners/apply/{encoded}"),
            format!("/partners/enter?token={encoded}"),
            format!("/partners?program={encoded}"),
            format!("/partners/commissions?after={encoded}"),
            format!("/partners/commissions/{encoded}"),
        ] {
            pages.push((path.clone(), browser.gets(&path).await.text()));
        }
        for (path, form) in [
            ("/partners/links".to_owned(), [("destination", payload.as_str()), ("code", payload)]),
            ("/partners/payouts/details".to_owned(), [("method", payload), ("recipient", payload)]),
            ("/partners/payouts/details".to_owned(), [("method", "paypal"), ("recipient", payload)]),
            (format!("/partners/apply/{program}"), [("name", payload), ("email", payload)]),
        ] {
            pages.push((path.clone(), browser.sends(&path, &form).await.text()));
        }
        let mut shown = 0;
        for (path, page) in &pages {
            is_clean(page, path, &tags);
            shown += usize::from(page.contains("alert(1)") || page.contains("evil.example"));
        }
        assert!(shown >= 8, "{shown} pages show {payload} as text");
    }
}
