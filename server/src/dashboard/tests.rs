//! The pages over the hand-made history: who gets in, what is shown, and what never is.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use tower::ServiceExt;

use crate::app::App;
use crate::control::connections::Connection;
use crate::control::keys::Scope;
use crate::http::router::router;
use crate::report::history::{WORKSPACE, app, key, with_history};

async fn send(app: &App, request: Request<Body>) -> Response {
    router(app.clone()).oneshot(request).await.unwrap()
}

async fn get(app: &App, path: &str, cookie: &str) -> Response {
    send(app, Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap()).await
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 10_000_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Signs in with a key, as the form does; the session's cookie.
async fn sign_in(app: &App, key: &str) -> Response {
    let form = Request::post("/login")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("key={key}&next=%2F%3Fmodel%3Dlinear")));
    send(app, form.unwrap()).await
}

fn cookie(response: &Response) -> String {
    response.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn pages_want_a_session_and_a_key_opens_one() {
    let (app, _dir) = app("pages_session").await;
    for path in ["/", "/orders/x"] {
        let refused = get(&app, path, "").await;
        assert_eq!(refused.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(refused.headers()[header::LOCATION].to_str().unwrap().starts_with("/login"));
    }
    assert_eq!(sign_in(&app, "trb_live_wrong").await.status(), StatusCode::UNAUTHORIZED);
    let writer = key(&app, &[Scope::Write]).await;
    assert_eq!(sign_in(&app, &writer).await.status(), StatusCode::UNAUTHORIZED);
    let opened = sign_in(&app, &key(&app, &[Scope::Read]).await).await;
    assert_eq!(
        (opened.status(), &opened.headers()[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/?model=linear".parse().unwrap())
    );
    let session = cookie(&opened);
    assert_eq!(get(&app, "/", &session).await.status(), StatusCode::OK);
    let forged = session.replace("key_", "key_x");
    assert_eq!(get(&app, "/", &forged).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_printed_link_opens_a_session_until_it_is_too_old_and_is_no_session_itself() {
    let (app, _dir) = app("pages_link").await;
    let clear = key(&app, &[Scope::Read]).await;
    let key = app.control.key_by_clear(&clear).await.unwrap().unwrap();
    let link = super::login_link(&app.config.http.public_url, &app.secrets, &key, app.clock.now_ms());
    let path = link.strip_prefix("http://localhost:4600").unwrap();
    let opened = get(&app, path, "").await;
    assert_eq!(&opened.headers()[header::LOCATION], "/");
    assert_eq!(get(&app, "/", &cookie(&opened)).await.status(), StatusCode::OK);
    let token = path.split_once("token=").unwrap().1;
    assert_eq!(get(&app, "/", &format!("_trb_session={token}")).await.status(), StatusCode::SEE_OTHER);
    app.clock.advance(11 * 60 * 1000);
    assert!(text(get(&app, path, "").await).await.contains("too old"));
}

#[tokio::test]
async fn the_first_page_shows_the_money_and_its_proof_and_allows_nothing_inline() {
    let (app, _dir) = with_history("pages_home").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let page = get(
        &app,
        "/?from=2026-05-01&to=2026-05-31&period=custom&group_by=campaign&model=first_touch",
        &session,
    )
    .await;
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let html = text(page).await;
    for shown in ["21.00", "✓ exact", "9.00", "Models side by side", "Latest orders"] {
        assert!(html.contains(shown), "{shown}");
    }
    // A campaign's name is text wherever it stands.
    assert!(html.contains("=HYPERLINK(&#34;http://x&#34;,&#34;a&#34;)"));
    assert!(!html.contains("style=") && !html.contains("<style") && !html.contains("onclick"));
    assert!(html.matches("<script").count() == 1, "only our own file");
}

#[tokio::test]
async fn a_bad_question_and_no_data_are_said_in_words() {
    let (app, _dir) = app("pages_empty").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let empty = text(get(&app, "/", &session).await).await;
    assert!(empty.contains("No sales yet") && empty.contains("data-workspace=\"ws_t\""));
    let wrong = text(get(&app, "/?model=best", &session).await).await;
    assert!(wrong.contains("there is no model") && wrong.contains("last_non_direct"));
    assert_eq!(get(&app, "/orders/none", &session).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_orders_page_tells_its_journey() {
    let (app, _dir) = with_history("pages_order").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let html = text(get(&app, "/orders/p11", &session).await).await;
    for shown in [
        "10.01",
        "9.00 left after refunds",
        "too late: after the checkout began",
        "2 days before",
        "30 minutes after",
        "as stored",
        "Refunds",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn products_are_shown_by_name_and_a_filter_is_added_by_the_form() {
    let (app, _dir) = with_history("pages_product").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let days = "from=2026-05-01&to=2026-05-31&period=custom";
    let html = text(get(&app, &format!("/?{days}&group_by=product"), &session).await).await;
    assert!(html.contains(">The book</a><small class=\"id\">book</small>"), "{html}");
    let form = format!("/?{days}&filter_by=channel&filter_how=not&filter_value=Direct");
    let filtered = text(get(&app, &form, &session).await).await;
    assert!(filtered.contains("Channel is not Direct") && filtered.contains("16.00"), "{filtered}");
    assert!(filtered.contains("filters on where visits came from do not apply"));
    assert!(!filtered.contains("filter_value=Direct"), "links carry the filter, not the form's parts");
    let unknown = text(get(&app, "/?filter_by=colour&filter_how=is&filter_value=red", &session).await).await;
    assert!(unknown.contains("This question cannot be answered"));
}

#[tokio::test]
async fn what_is_shown_is_said_and_what_has_no_value_can_be_filtered_for() {
    let (app, _dir) = with_history("pages_sentence").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let days = "from=2026-05-01&to=2026-05-31&period=custom";
    let page = async |more: &str| text(get(&app, &format!("/?{days}{more}"), &session).await).await;
    let net = page("").await;
    assert!(net.contains("<option value=\"net\" selected>Net revenue</option>") && net.contains(">Net USD<"));
    assert!(net.contains("orders on the day they were paid, refunds"), "{net}");
    let gross = page("&basis=gross&date=touch").await;
    assert!(gross.contains("<option value=\"gross\" selected>") && gross.contains(">Gross USD<"), "{gross}");
    assert!(!gross.contains(">Net USD<") && !gross.contains("<small>Net revenue</small>"), "{gross}");
    assert!(gross.contains("everything on the day of the visit that earned it"));

    // The row of no campaign leads to a page that asks for it, and so does typing what the row is called.
    let by_campaign = page("&group_by=campaign").await;
    assert!(by_campaign.contains("filter%5Bcampaign%5D=&#38;group_by=channel\">(none)</a>"), "{by_campaign}");
    for asked in ["&filter%5Bcampaign%5D=", "&filter_by=campaign&filter_how=is&filter_value=(none)"] {
        let filtered = page(asked).await;
        assert!(filtered.contains("Campaign is (none)"), "{asked}: {filtered}");
    }
}

/// Sends a form of one of our own pages.
async fn post(app: &App, path: &str, session: &str, form: &str) -> String {
    let request = Request::post(path)
        .header(header::COOKIE, session)
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    text(send(app, request.body(Body::from(form.to_owned())).unwrap()).await).await
}

#[tokio::test]
async fn a_change_of_rules_is_shown_with_its_balance_and_applied_from_the_page() {
    let (app, _dir) = with_history("pages_rules").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let form = "window_days=1&basis=net&rules=&exclusions=device%3Dtv&model=first_touch";
    let html = post(&app, "/attribution", &session, form).await;
    // Ann's newsletter was two days before; her subscription's renewal goes with it.
    for shown in ["\u{2212}19.01", "+19.01", "✓ adds up", "device=tv", "Your session may only look"] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    let token = html.split_once("name=\"token\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let refused = post(&app, "/attribution", &session, &format!("token={token}")).await;
    assert!(refused.contains("This session may not change the rules"));
    let admin = cookie(&sign_in(&app, &key(&app, &[Scope::Read, Scope::Admin]).await).await);
    let applied = post(&app, "/attribution", &admin, &format!("token={token}")).await;
    assert!(applied.contains("Applied as shown") && applied.contains("change 1"), "{applied}");
    assert!(applied.contains("value=\"1\"") && applied.contains("earns nothing: device=tv"), "{applied}");
    let wrong = post(&app, "/attribution", &admin, "window_days=90&rules=source%3Dx&exclusions=").await;
    assert!(wrong.contains("names no channel") && wrong.contains(">source=x</textarea>"), "{wrong}");
}

#[tokio::test]
async fn match_quality_is_told_by_connection_and_day() {
    let (app, _dir) = with_history("pages_matching").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read]).await).await);
    let html = text(get(&app, "/match-quality?from=2026-05-01&to=2026-05-31", &session).await).await;
    for shown in ["con_1", "signed visitor id", "not matched", "2026-05-02", "group_by=connection"] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    let empty = text(get(&app, "/match-quality?from=2026-01-01&to=2026-01-31", &session).await).await;
    assert!(empty.contains("No sales in these days"));
}

#[tokio::test]
async fn statements_are_listed_with_their_chain_and_made_from_the_page() {
    let (app, _dir) = with_history("pages_statements").await;
    let session = cookie(&sign_in(&app, &key(&app, &[Scope::Read, Scope::Write]).await).await);
    assert!(text(get(&app, "/statements", &session).await).await.contains("Nothing to state yet"));
    let connection = Connection {
        id: "con_1".to_owned(),
        workspace_id: WORKSPACE.to_owned(),
        provider: "polar".to_owned(),
        name: "Polar".to_owned(),
        environment: "production".to_owned(),
        token: None,
        webhook_secrets: Vec::new(),
        created_at_ms: app.clock.now_ms(),
    };
    app.control.save_connection(&connection, &app.secrets, app.clock.now_ms()).await.unwrap();
    let none = text(get(&app, "/statements", &session).await).await;
    assert!(none.contains("No month of this connection") && none.contains("Make the statement of 2026-05"));
    let made = post(&app, "/statements", &session, "connection=con_1&month=2026-05").await;
    for shown in ["✓ chain whole", "month=2026-05&#38;format=csv", "stays as it is"] {
        assert!(made.contains(shown), "{shown}: {made}");
    }
    assert!(!made.contains("Make the statement"), "nothing is left to state");
    let early = post(&app, "/statements", &session, "connection=con_1&month=2026-06").await;
    assert!(early.contains("is not over yet"), "{early}");
}

#[tokio::test]
async fn the_documentation_lists_every_documented_route() {
    let (app, _dir) = app("pages_docs").await;
    let document: serde_json::Value =
        serde_json::from_str(&text(get(&app, "/v1/openapi.json", "").await).await).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let html = text(get(&app, "/docs", "").await).await;
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
    }
    let codes =
        document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
    for code in codes {
        assert!(html.contains(&format!("<code>{}</code>", code.as_str().unwrap())), "{code}");
    }
    assert!(codes.iter().any(|code| code == "unknown_order") && html.contains("href=\"#shape-OrderPage\""));
}

/// Every change of the API shows as a change of a file. `TRIBUTARY_BLESS=1 cargo test -p tributary` writes it anew.
#[tokio::test]
async fn the_openapi_document_is_the_one_in_the_repository() {
    let (app, _dir) = app("pages_openapi").await;
    let served: serde_json::Value =
        serde_json::from_str(&text(get(&app, "/v1/openapi.json", "").await).await).unwrap();
    let shown = serde_json::to_string_pretty(&served).unwrap() + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == shown,
        "the API changed: look at the difference after TRIBUTARY_BLESS=1 cargo test -p tributary"
    );
}
