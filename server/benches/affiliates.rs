//! How fast the ledger of commissions is kept at size: 10,000 orders that 100 partners brought. Prints rows
//! `name | value | reach`. The data are made anew by the engine itself, the same every time, in
//! `target/bench-affiliates`. Arguments: `--small` for a tenth of the size.

mod shared;

use std::path::Path;
use std::time::Instant;

use domain::affiliate::payout::Method;
use domain::affiliate::{PartnerStatus, Terms};
use tributary::affiliate::Affiliates;
use tributary::affiliate::links::NewLink;
use tributary::affiliate::partners::{NewPartner, PayoutTo};
use tributary::affiliate::programs::NewProgram;
use tributary::affiliate::simulator::{Supposed, simulation};
use tributary::app::App;
use tributary::config::Config;
use tributary::control::workspaces::{Settings, Workspace};
use tributary::effects::Clock;
use tributary::jobs::commission::{accrue_all, all_missing};
use tributary::report::{Kind, Reports};

use shared::{execute, median, shown};

const WORKSPACE: &str = "ws_bench";
/// 2026-01-01: the first of 300 days.
const FIRST_MS: i64 = 1_767_225_600_000;
const DAY_MS: i64 = 86_400_000;
const DAYS: i64 = 300;

struct Size {
    partners: u64,
    orders: u64,
}

fn main() {
    let small = std::env::args().any(|argument| argument == "--small");
    let size = match small {
        true => Size { partners: 10, orders: 1_000 },
        false => Size { partners: 100, orders: 10_000 },
    };
    let runtime = tokio::runtime::Runtime::new().expect("the operating system gives threads");
    runtime.block_on(bench(&size));
}

async fn bench(size: &Size) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-affiliates");
    // The ledger is never emptied, so every run begins with none. Nothing there is the usual case.
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the folder of the build can be written");
    let clock = Clock::manual(FIRST_MS);
    let app = App::open(Config::for_data_dir(&dir), clock.clone()).await.expect("the stores open");
    let program = make_partners(&app, size).await;
    make_sales(&app, size).await;
    clock.set(FIRST_MS + (DAYS + 1) * DAY_MS);
    let Size { partners, orders } = size;

    let started = Instant::now();
    let accrued = accrue_all(&app, WORKSPACE).await.expect("commissions are booked");
    let first = started.elapsed();
    assert!(accrued.entries >= *orders, "every order earns: {accrued:?}");
    println!(
        "commissions of {orders} orders of {partners} partners booked, {} entries | {} | -",
        accrued.entries,
        shown(first)
    );
    let rate = *orders as f64 / first.as_secs_f64();
    println!("the same, orders a second | {rate:.0} | -");

    let started = Instant::now();
    let (missing, _) = all_missing(&app, WORKSPACE).await.expect("the ledger is read");
    assert!(missing.is_empty(), "a second look finds nothing");
    println!("verify: every commission found anew from its order | {} | -", shown(started.elapsed()));

    let workspace = app.directory().workspaces[WORKSPACE].clone();
    let affiliates = Affiliates::of(&app, &workspace);
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let preview = affiliates.preview_payout("USD").await.expect("a payout is looked at");
        times.push(started.elapsed());
        assert_eq!(preview.items.len() as u64, *partners, "every partner is paid");
    }
    println!("payout preview of {partners} partners, {orders} commissions | {} | -", shown(median(times)));

    let reports = Reports::of(&app, &workspace);
    let asked = [("from", "2026-01-01"), ("to", "2026-12-31")];
    let query = reports.parse_for(Kind::Overlap, asked).expect("a question");
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let report = reports.report(Kind::Overlap, &query).await.expect("a report");
        times.push(started.elapsed());
        assert_eq!(report.rows.rows.len() as u64, *partners);
    }
    println!("channel overlap of {orders} partner sales | {} | -", shown(median(times)));

    let supposed = Supposed {
        terms: Some(terms(2000)),
        from: Some("2026-01-01".to_owned()),
        to: Some("2026-12-31".to_owned()),
        ..Supposed::default()
    };
    let started = Instant::now();
    let told = simulation(&app, &workspace, &program, supposed).await.expect("terms can be supposed");
    assert_eq!((told.totals[0].changed, told.unbooked), (*orders, 0));
    println!("simulator: other terms for {orders} orders | {} | -", shown(started.elapsed()));
    app.close().await;
}

fn terms(basis_points: u32) -> Terms {
    let text = format!(r#"{{"reward": {{"basis_points": {basis_points}}}, "hold_days": 0}}"#);
    serde_json::from_str(&text).expect("these are terms")
}

/// The workspace, its programme, and partners with a link and payout details each.
async fn make_partners(app: &App, size: &Size) -> String {
    let workspace = Workspace {
        id: WORKSPACE.to_owned(),
        name: "Bench".to_owned(),
        timezone: "UTC".to_owned(),
        currency: "USD".to_owned(),
        settings: Settings { domains: vec!["shop.example".to_owned()], ..Settings::default() },
    };
    app.control.create_workspace(&workspace, FIRST_MS).await.expect("the workspace is new");
    app.reload_directory().await.expect("the control store answers");
    let affiliates = Affiliates::of(app, &workspace);
    let new = NewProgram { name: "Friends".to_owned(), terms: terms(3000), from_ms: Some(FIRST_MS) };
    let program = affiliates.create_program(new).await.expect("a programme").id;
    eprintln!("making {} partners and {} orders", size.partners, size.orders);
    for number in 0..size.partners {
        let email = format!("partner{number}@partners.example");
        let new = NewPartner {
            program: program.clone(),
            name: format!("Partner {number}"),
            email: email.clone(),
            status: Some(PartnerStatus::Approved),
            since_ms: Some(FIRST_MS),
            payout: Some(PayoutTo { method: Method::Paypal, recipient: email }),
        };
        let partner = affiliates.create_partner(new).await.expect("a partner").id;
        let link = NewLink { partner, code: Some(format!("p{number}")), destination: None };
        affiliates.create_link(link).await.expect("a link");
    }
    program
}

/// Each order of a visitor of its own, who came by a partner's link; of every five two came by a search before, and one
/// by a newsletter later.
async fn make_sales(app: &App, size: &Size) {
    let Size { partners, orders } = size;
    execute(app, &format!(
        "INSERT INTO facets SELECT '{WORKSPACE}', number + 1, 'Affiliates', 'partner', 'affiliate', '', '', '', '/', '', 'US', 'desktop', \
         concat('p', toString(number)) FROM numbers({partners})"
    )).await;
    execute(app, &format!(
        "INSERT INTO facets SELECT '{WORKSPACE}', {partners} + 1 + number, ['Organic Search', 'Email'][number + 1], 'other', '', '', '', '', \
         '/', '', 'US', 'desktop', '' FROM numbers(2)"
    )).await;
    let paid = format!(
        "fromUnixTimestamp64Milli(toInt64({FIRST_MS} + {DAY_MS} * 10 + sipHash64('paid', number) % ({} * {DAY_MS})), 'UTC')",
        DAYS - 10
    );
    let visitor = "reinterpretAsUUID(sipHash128('visitor', number))";
    for (name, facet, back, which) in [
        ("click", format!("number % {partners} + 1"), "2", "1"),
        ("search", format!("{partners} + 1"), "5", "number % 5 < 2"),
        ("mail", format!("{partners} + 2"), "1", "number % 5 = 4"),
    ] {
        execute(app, &format!(
            "INSERT INTO touches (workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, rules_version, landing, \
             referrer, click_param, click_value, received_at, classified_at) SELECT '{WORKSPACE}', {visitor}, {paid} - toIntervalDay({back}), \
             reinterpretAsUUID(sipHash128('{name}', number)), reinterpretAsUUID(sipHash128('{name} session', number)), {facet}, false, '', 1, \
             '', '', '', '', {paid}, {paid} FROM numbers({orders}) WHERE {which}"
        )).await;
    }
    execute(app, &format!(
        "INSERT INTO orders (workspace_id, order_id, version, provider, connection_id, provider_order_id, status, kind, booked, \
         created_at, paid_at, anchor_at, currency, net, total, refunds, product_id, root_order_id, visitor_id, match_method, visitors) \
         WITH reinterpretAsUUID(sipHash128('order', number)) AS id, {visitor} AS visitor, {paid} AS paid, \
         toInt64(500 + sipHash64('net', number) % 20000) AS money \
         SELECT '{WORKSPACE}', id, 1, 'polar', 'con_bench', toString(number), 'paid', 'one_time', 1, paid, paid, paid, 'USD', money, money, \
         if(number % 20 = 0, [(reinterpretAsUUID(sipHash128('refund', number)), paid + toIntervalDay(3), intDiv(money, 3), toInt64(0), 'customer_request')], []), \
         concat('product', toString(number % 5)), id, visitor, 'order_metadata', \
         [(visitor, fromUnixTimestamp64Milli(toInt64(0), 'UTC'), paid + toIntervalMillisecond(1))] FROM numbers({orders})"
    )).await;
}
