//! What `POST /c` and `GET /c.gif` accept, refuse, answer and store.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use tributary::app::App;
use tributary::store::Store;

use crate::support::{NOW_MS, Testing, VISITOR, engine, hit, request};

fn body(hit: Value) -> String {
    hit.to_string()
}

/// The value of the visitor cookie an answer sets.
fn cookie_of(set_cookie: &str) -> &str {
    set_cookie.strip_prefix("_trb=").and_then(|rest| rest.split(';').next()).unwrap_or("")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_becomes_a_hit_a_touch_a_facet_and_a_count() {
    let testing = Testing::new().await;
    let answer = testing.post(body(hit(1, json!({"cookie_domain": ".shop.example"})))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let visitor = answer.json()["visitor"].as_str().unwrap().to_owned();
    assert_eq!(answer.json(), json!({"accepted": 1, "rejected": [], "visitor": visitor}));
    assert!(visitor.starts_with(&format!("{VISITOR}_")), "{visitor}");
    assert_eq!(
        answer.header("set-cookie"),
        format!("_trb={visitor}; Max-Age=34560000; Path=/; Secure; SameSite=Lax; Domain=shop.example")
    );

    let report = testing.flush().await;
    assert_eq!((report.units, report.hits, report.touches), (1, 1, 1));
    let hits = testing
        .rows("workspace_id, kind, toString(toUnixTimestamp64Milli(at)), evidence, host, path, query, device, browser, os", "FROM hits")
        .await;
    let query = "utm_source=newsletter&utm_medium=email&utm_campaign=march";
    let at = NOW_MS - 1000;
    assert_eq!(
        hits,
        [format!("ws_shop|page|{at}|unsigned|shop.example|/pricing|{query}|desktop|Chrome|Linux")]
    );
    let touches = testing
        .rows(
            "channel, source, campaign, landing_page, toString(direct), toString(touch_id = hit_id), toString(touches.visitor_id = hits.visitor_id)",
            "FROM touches JOIN facets USING (workspace_id, facet_id) JOIN hits ON hit_id = touch_id",
        )
        .await;
    assert_eq!(touches, ["Email|newsletter|march|/pricing|false|1|1"]);
    let outcomes =
        testing.rows("workspace_id, outcome, toString(hits), toString(hour)", "FROM outcomes").await;
    assert_eq!(outcomes, ["ws_shop|accepted|1|2026-03-01 12:00:00"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_judged_hit_by_hit() {
    let testing = Testing::new().await;
    let list = json!([
        hit(1, json!({})),
        hit(2, json!({"url": null})),
        hit(3, json!({"ws": "ws_nobody"})),
        hit(4, json!({"touch": null})),
        "not a hit",
    ]);
    let answer = testing.post(list.to_string()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["accepted"], 2);
    assert_eq!(
        answer.json()["rejected"],
        json!([
            {"index": 1, "code": "url.missing"},
            {"index": 2, "code": "unknown_workspace"},
            {"index": 4, "code": "hit.wrong_type"},
        ])
    );
    testing.flush().await;
    let outcomes = testing
        .rows(
            "workspace_id, outcome, toString(sum(hits))",
            "FROM outcomes GROUP BY workspace_id, outcome ORDER BY 1",
        )
        .await;
    assert_eq!(outcomes, ["ws_shop|accepted|2", "|malformed|2", "|unknown_workspace|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_cookie_beats_an_unsigned_id_and_a_signed_id_stands() {
    let testing = Testing::new().await;
    let first = testing.post(body(hit(1, json!({})))).await;
    let signed = cookie_of(first.header("set-cookie")).to_owned();
    let other = "vis_01jd3m8q5x0000000000000xyz";

    let cookie = format!("a=b; _trb={signed}");
    let kept = testing.post_with(&[("cookie", &cookie)], body(hit(2, json!({"visitor": other})))).await;
    assert_eq!(cookie_of(kept.header("set-cookie")), signed, "the cookie's visitor stays");
    testing.post(body(hit(3, json!({"visitor": signed})))).await;
    testing.flush().await;
    let evidence =
        testing.rows("evidence, toString(uniqExact(visitor_id) OVER ())", "FROM hits ORDER BY hit_id").await;
    assert_eq!(evidence, ["unsigned|1", "signed|1", "signed|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_id_is_no_visitor_and_is_replaced() {
    let testing = Testing::new().await;
    let forged = format!("{VISITOR}_k1AAAAAAAAAAAAAAAAAAAAAA");
    let answer = testing.post(body(hit(1, json!({"visitor": forged})))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let fresh = answer.json()["visitor"].as_str().unwrap().to_owned();
    assert!(!fresh.starts_with(VISITOR), "a fresh id: {fresh}");
    // What one workspace signed is forged in another.
    let foreign = testing.post(body(hit(2, json!({"ws": "ws_open", "visitor": fresh})))).await;
    assert_ne!(foreign.json()["visitor"], fresh);
    testing.flush().await;
    assert_eq!(testing.rows("evidence", "FROM hits").await, ["forged", "forged"]);
    let known = testing
        .rows("toString(count())", &format!("FROM hits WHERE visitor_id = toUUID('{}')", uuid_of(VISITOR)))
        .await;
    assert_eq!(known, ["0"], "the forged visitor got nothing");
}

fn uuid_of(visitor: &str) -> String {
    let id: domain::ids::VisitorId = visitor.parse().unwrap();
    uuid::Uuid::from_u128(id.0).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_a_hit_counts_but_nobody_is_followed() {
    let testing = Testing::new().await;
    let answer = testing.post(body(hit(1, json!({"visitor": null})))).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::ACCEPTED, ""));
    assert_eq!(answer.json(), json!({"accepted": 1, "rejected": []}));
    let session = testing.post(body(hit(2, json!({"consent": "session"})))).await;
    assert_eq!(session.header("set-cookie"), "", "session consent is no consent to a cookie");
    assert!(session.json()["visitor"].is_string());
    testing.flush().await;
    assert_eq!(
        testing
            .rows(
                "evidence, toString(visitor_id = toUUID('00000000-0000-0000-0000-000000000000'))",
                "FROM hits ORDER BY hit_id"
            )
            .await,
        ["none|1", "unsigned|0"]
    );
    assert_eq!(testing.count("touches").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn origins_are_echoed_only_to_the_workspaces_own() {
    let testing = Testing::new().await;
    let own = testing.post(body(hit(1, json!({})))).await;
    assert_eq!(own.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(own.header("access-control-allow-credentials"), "true");
    assert_eq!(own.header("vary"), "Origin");

    let foreign = testing.post_with(&[("origin", "https://evil.example")], body(hit(2, json!({})))).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (StatusCode::FORBIDDEN, "foreign_origin"));
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    let null = testing.post_with(&[("origin", "null")], body(hit(2, json!({})))).await;
    assert_eq!(null.code(), "foreign_origin");
    let by_referrer = [("origin", ""), ("referer", "https://www.evil.example/x")];
    assert_eq!(testing.post_with(&by_referrer, body(hit(2, json!({})))).await.code(), "foreign_origin");
    let program =
        testing.post_with(&[("origin", "")], body(hit(3, json!({"url": "https://evil.example/"})))).await;
    assert_eq!(program.code(), "foreign_origin", "a program is measured by the page it claims");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_granted_to_known_sites_only() {
    let testing = Testing::with(|_| {}).await;
    let mut workspace = (**testing.app.directory().workspaces.get("ws_open").unwrap()).clone();
    workspace.settings.domains = vec!["other.example".into()];
    testing.app.control.update_workspace(&workspace, NOW_MS).await.unwrap();
    testing.app.reload_directory().await.unwrap();
    let ask = async |origin: &str| {
        testing.send(request("OPTIONS", "/c", &[("origin", origin)], Body::empty())).await
    };
    let own = ask("https://shop.example").await;
    assert_eq!(own.status, StatusCode::NO_CONTENT);
    assert_eq!(own.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(own.header("access-control-allow-headers"), "content-type");
    assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn bots_prefetches_and_unknown_workspaces_are_refused_and_counted() {
    let testing = Testing::new().await;
    let crawler =
        [("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")];
    let bot = testing.post_with(&crawler, body(hit(1, json!({})))).await;
    assert_eq!((bot.status, bot.code().as_str()), (StatusCode::FORBIDDEN, "bot"));
    let prefetch = testing.post_with(&[("sec-purpose", "prefetch;prerender")], body(hit(2, json!({})))).await;
    assert_eq!((prefetch.status, prefetch.code().as_str()), (StatusCode::FORBIDDEN, "prefetch"));
    let unknown = testing.post(body(hit(3, json!({"ws": "ws_nobody"})))).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::NOT_FOUND, "unknown_workspace"));
    testing.flush().await;
    let outcomes =
        testing.rows("workspace_id, outcome, toString(hits)", "FROM outcomes ORDER BY outcome").await;
    assert_eq!(outcomes, ["ws_shop|bot|1", "ws_shop|prefetch|1", "|unknown_workspace|1"]);
    assert_eq!(testing.count("hits").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_sent_twice_counts_once() {
    let testing = Testing::new().await;
    assert_eq!(testing.post(body(hit(1, json!({})))).await.status, StatusCode::ACCEPTED);
    let again = testing.post(body(hit(1, json!({})))).await;
    assert_eq!((again.status, again.json()["accepted"].clone()), (StatusCode::ACCEPTED, json!(1)));
    testing.post(json!([hit(2, json!({})), hit(2, json!({}))]).to_string()).await;
    testing.flush().await;
    assert_eq!((testing.count("hits").await, testing.count("touches").await), (2, 2));
    assert_eq!(testing.rows("toString(sum(hits))", "FROM outcomes").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_sent_again_after_a_restart_counts_once() {
    let testing = Testing::new().await;
    testing.post(json!([hit(1, json!({})), hit(2, json!({"ws": "ws_open"}))]).to_string()).await;
    testing.flush().await;
    let event = json!({"kind": "event", "name": "signup", "props": {"plan": "pro"}, "engaged": 9});
    testing.post(body(hit(3, event))).await;
    let config = testing.app.config.clone();
    testing.app.inbox.close().await;
    let store = Store::embedded(engine(), &config.store.database).unwrap();
    let app = App::with_store(config, testing.clock.clone(), store).await.unwrap();
    app.inbox.claim().await.unwrap();
    let testing = Testing { app, ..testing };
    let again = json!([hit(1, json!({})), hit(2, json!({"ws": "ws_open"})), hit(3, json!({}))]);
    assert_eq!(testing.post(again.to_string()).await.json()["accepted"], 3);
    // The same id in another workspace is another hit.
    testing.post(body(hit(1, json!({"ws": "ws_open"})))).await;
    testing.flush().await;
    assert_eq!((testing.count("hits").await, testing.count("touches").await), (4, 4));
    assert_eq!(testing.rows("toString(sum(hits))", "FROM outcomes").await, ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_a_person_is_not_stored() {
    let testing = Testing::new().await;
    let url =
        "https://user:secretpass@shop.example/?mc_eid=personid99&mail=ada%40lovelace.example&q=x#frag77";
    let referrer = "https://mail.example/?to=grace%40turing.example";
    testing.post(body(hit(1, json!({"url": url, "ref": referrer})))).await;
    let identify = json!({"kind": "identify", "email": "Ada@Lovelace.example", "user": "customer-4711", "traits": {"name": "Ada L"}});
    testing.post(body(hit(2, identify))).await;
    testing.flush().await;
    assert_eq!(
        testing.rows("query, referrer", "FROM hits ORDER BY hit_id").await[0],
        "mc_eid=-&mail=&q=x|https://mail.example/?to="
    );
    testing.app.inbox.close().await;
    for secret in
        ["secretpass", "personid99", "lovelace", "Lovelace", "turing", "frag77", "customer-4711", "Ada L"]
    {
        assert!(!testing.files_hold(secret), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_binds_the_visitor_to_keys_and_marks_the_person() {
    let testing = Testing::new().await;
    let identify =
        json!({"kind": "identify", "touch": null, "email": "billing@lovelace.example", "user": "42"});
    testing.post(body(hit(1, identify.clone()))).await;
    testing
        .post(body(hit(2, json!({"kind": "identify", "touch": null, "visitor": null, "user": "42"}))))
        .await;
    let report = testing.flush().await;
    assert_eq!((report.bindings, report.marked), (3, 3), "nobody is bound without consent");
    let bindings = testing
        .rows(
            "key_kind, source, toString(role_address), toString(uniqExact(binding_id) OVER ())",
            "FROM bindings ORDER BY key_kind",
        )
        .await;
    assert_eq!(bindings, ["email|identify|true|1", "weak_email|identify|true|1", "user|identify|false|1"]);
    let dirty = testing.app.control.dirty(10).await.unwrap();
    assert_eq!(dirty.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_years_off_are_replaced_and_small_errors_kept_but_for_the_future() {
    let testing = Testing::new().await;
    for (number, at) in [
        (1, 0),
        (2, NOW_MS + 10 * 365 * 86_400_000),
        (3, NOW_MS - 299_000),
        (4, NOW_MS + 301_000),
        (5, NOW_MS + 299_000),
    ] {
        assert_eq!(testing.post(body(hit(number, json!({"at": at})))).await.status, StatusCode::ACCEPTED);
    }
    testing.flush().await;
    let off = testing
        .rows(
            "toString(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(received_at))",
            "FROM hits ORDER BY hit_id",
        )
        .await;
    assert_eq!(off, ["0", "0", "-299000", "0", "0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_kept_while_offline_are_placed_by_how_long_ago_they_were() {
    const HOUR: i64 = 3_600_000;
    const YEAR: i64 = 365 * 24 * HOUR;
    let testing = Testing::new().await;
    // What the browser's clock shows when it sends, and how much earlier it says the hit was.
    let cases = [
        (NOW_MS, HOUR),
        (NOW_MS - 200_000, HOUR),
        (NOW_MS - 10 * YEAR, HOUR),
        (NOW_MS + 10 * YEAR, HOUR),
        (NOW_MS, 8 * 24 * HOUR),
        (NOW_MS, -HOUR),
        (8_640_000_000_000_000, 8_640_000_000_000_000),
    ];
    for (number, (sent, age)) in (1..).zip(cases) {
        let answer = testing.post(body(hit(number, json!({"at": sent - age, "sent": sent})))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    testing.flush().await;
    let placed = testing
        .rows("toString(toUnixTimestamp64Milli(at)), toString(clock_offset_ms)", "FROM hits ORDER BY hit_id")
        .await;
    let want = |at: i64, offset: i64| format!("{at}|{offset}");
    assert_eq!(
        placed,
        [
            want(NOW_MS - HOUR, 0),
            want(NOW_MS - 200_000 - HOUR, 0),
            want(NOW_MS - HOUR, 10 * YEAR),
            want(NOW_MS - HOUR, -10 * YEAR),
            want(NOW_MS, 8 * 24 * HOUR),
            want(NOW_MS, -HOUR),
            want(NOW_MS, NOW_MS),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_keeps_its_name_and_flat_properties() {
    let testing = Testing::new().await;
    let event = json!({"kind": "event", "name": "signup", "touch": null, "props": {"plan": "pro \"x\"", "seats": 3, "trial": true}});
    testing.post(body(hit(1, event))).await;
    testing.flush().await;
    let stored = testing.rows("kind, name, JSONExtractString(props, 'plan'), JSONExtractRaw(props, 'seats'), JSONExtractRaw(props, 'trial')", "FROM hits").await;
    assert_eq!(stored, ["event|signup|pro \"x\"|3|true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_newer_pixel_are_ignored() {
    let testing = Testing::new().await;
    let answer = testing.post(body(hit(1, json!({"battery": {"level": [1, 2]}, "v": 9})))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_counts_a_visit_and_follows_only_who_has_the_cookie() {
    let testing = Testing::new().await;
    let ask = async |cookie: &str| {
        let headers = [
            ("origin", ""),
            ("referer", "https://shop.example/?utm_source=print&utm_medium=qr"),
            ("cookie", cookie),
        ];
        testing.send(request("GET", "/c.gif?ws=ws_shop", &headers, Body::empty())).await
    };
    let first = ask("").await;
    assert_eq!(
        (first.status, first.header("content-type"), first.header("cache-control")),
        (StatusCode::OK, "image/gif", "no-store")
    );
    assert_eq!((first.body.len(), first.header("set-cookie")), (43, ""), "nobody was asked");
    let by_script = testing.post(body(hit(1, json!({"touch": null})))).await;
    let cookie = format!("_trb={}", cookie_of(by_script.header("set-cookie")));
    let landed = ask(&cookie).await;
    assert_eq!(format!("_trb={}", cookie_of(landed.header("set-cookie"))), cookie, "renewed");
    let plain = [("origin", ""), ("referer", "https://shop.example/next"), ("cookie", cookie.as_str())];
    testing.send(request("GET", "/c.gif?ws=ws_shop", &plain, Body::empty())).await;
    let unknown = testing.send(request("GET", "/c.gif?ws=ws_no", &plain, Body::empty())).await;
    assert_eq!((unknown.status, unknown.body.len()), (StatusCode::NOT_FOUND, 43));
    testing.flush().await;
    assert_eq!(
        testing.rows("kind, path, evidence", "FROM hits WHERE kind = 'image' ORDER BY path, evidence").await,
        ["image|/|none", "image|/|signed", "image|/next|signed"]
    );
    assert_eq!(testing.count("touches").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_outcomes() {
    let testing = Testing::new().await;
    testing.post(body(hit(1, json!({})))).await;
    let metrics = testing.send(request("GET", "/metrics", &[], Body::empty())).await;
    let text = String::from_utf8(metrics.body).unwrap();
    for name in [
        "tributary_hits_total{outcome=\"accepted\"}",
        "tributary_inbox_commit_seconds_bucket",
        "tributary_inbox_waiting_bytes",
    ] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
}
