//! A small history with amounts that can be checked by hand, written to the tables directly: the one place
//! where tests do so. Credits come from the code that posts them in production.
//!
//! May 2026 in Berlin: Ann (visitor 1) reads the newsletter on the 1st, searches on the 3rd and buys for 10.01,
//! 1.01 of which goes back on the 10th; Bob (2) comes directly and buys for 5.00 on the 2nd; somebody unknown
//! buys for 7.00 on the 4th. Half an hour after midnight of 1 June in Berlin, still May in UTC, Cem (3) searches
//! and pays 3.00 euros. On 3 June Ann's subscription renews.

use std::sync::{Arc, OnceLock};

use domain::attribution::{Booked, Credit, Earner, Entry, MODELS, Refund, Scratch, Touch, credits};
use engine::Engine;

use crate::app::App;
use crate::config::Config;
use crate::control::keys::Scope;
use crate::control::workspaces::{Settings, Workspace};
use crate::effects::Clock;
use crate::report::Reports;
use crate::store::Store;

pub const WORKSPACE: &str = "ws_t";
pub const NOW: &str = "2026-06-30T12:00:00Z";
/// A campaign that a spreadsheet would run.
pub const FORMULA: &str = "=HYPERLINK(\"http://x\",\"a\")";

/// Facets: direct, newsletter, search, unattributed.
const FACETS: [(u64, &str, &str, &str, &str); 4] = [
    (1, "Direct", "(direct)", "", ""),
    (2, "Email", "newsletter", "email", FORMULA),
    (3, "Organic Search", "Google", "organic", ""),
    (4, "Unattributed", "(unattributed)", "", ""),
];

/// (touch, visitor, facet, time)
const TOUCHES: [(u128, u128, u64, &str); 5] = [
    (1, 1, 2, "2026-05-01T10:00:00Z"),
    (2, 1, 3, "2026-05-03T10:00:00Z"),
    (3, 2, 1, "2026-05-02T10:00:00Z"),
    (4, 3, 3, "2026-05-31T22:30:00Z"),
    // After Ann's checkout: never earns.
    (5, 1, 1, "2026-05-03T11:30:00Z"),
];

struct Order {
    id: u128,
    visitor: u128,
    kind: &'static str,
    paid: &'static str,
    currency: &'static str,
    net: i64,
    refund: Option<(&'static str, i64)>,
    root: u128,
    product: &'static str,
    method: &'static str,
}

const ORDERS: [Order; 5] = [
    Order {
        id: 11,
        visitor: 1,
        kind: "new",
        paid: "2026-05-03T11:00:00Z",
        currency: "USD",
        net: 1001,
        refund: Some(("2026-05-10T09:00:00Z", 101)),
        root: 11,
        product: "pro",
        method: "metadata",
    },
    Order {
        id: 12,
        visitor: 2,
        kind: "one_time",
        paid: "2026-05-02T12:00:00Z",
        currency: "USD",
        net: 500,
        refund: None,
        root: 12,
        product: "book",
        method: "checkout",
    },
    Order {
        id: 13,
        visitor: 0,
        kind: "one_time",
        paid: "2026-05-04T12:00:00Z",
        currency: "USD",
        net: 700,
        refund: None,
        root: 13,
        product: "book",
        method: "none",
    },
    Order {
        id: 14,
        visitor: 1,
        kind: "renewal",
        paid: "2026-06-03T11:00:00Z",
        currency: "USD",
        net: 1001,
        refund: None,
        root: 11,
        product: "pro",
        method: "subscription",
    },
    Order {
        id: 15,
        visitor: 3,
        kind: "one_time",
        paid: "2026-05-31T22:45:00Z",
        currency: "EUR",
        net: 300,
        refund: None,
        root: 15,
        product: "book",
        method: "email",
    },
];

fn ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn at(text: &str) -> String {
    format!("fromUnixTimestamp64Milli({}, 'UTC')", ms(text))
}

fn id(id: u128) -> String {
    format!("'{}'", uuid::Uuid::from_u128(id))
}

/// The one engine of this process; a database per test.
fn engine() -> Engine {
    static ENGINE: OnceLock<(Engine, tempfile::TempDir)> = OnceLock::new();
    let opened = ENGINE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(&engine::Options::new(dir.path().join("engine"))).unwrap();
        (engine, dir)
    });
    opened.0.clone()
}

/// An app over an empty database of its own. Keep the directory for as long as the app.
pub async fn app(database: &str) -> (App, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::for_data_dir(dir.path());
    let store = Store::embedded(engine(), database).unwrap();
    let app = App::with_store(config, Clock::manual(ms(NOW)), store).await.unwrap();
    let workspace = Workspace {
        id: WORKSPACE.to_owned(),
        name: "Test".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        currency: "USD".to_owned(),
        settings: Settings::default(),
    };
    app.control.create_workspace(&workspace, ms(NOW)).await.unwrap();
    app.reload_directory().await.unwrap();
    (app, dir)
}

/// An app with the history.
pub async fn with_history(database: &str) -> (App, tempfile::TempDir) {
    let (app, dir) = app(database).await;
    for (table, rows) in
        [("facets", facets()), ("touches", touches()), ("orders", orders()), ("credits", all_credits())]
    {
        let sql = format!("INSERT INTO {table} {rows}");
        app.store.client().query_raw(&sql).execute().await.unwrap();
    }
    (app, dir)
}

/// The reports of the test workspace.
pub fn reports(app: &App) -> Reports {
    let workspace: Arc<Workspace> = app.directory().workspaces[WORKSPACE].clone();
    Reports::of(app, &workspace)
}

/// A key of the test workspace, in clear.
pub async fn key(app: &App, scopes: &[Scope]) -> String {
    app.control.create_key(WORKSPACE, "t", scopes, true, ms(NOW)).await.unwrap().1
}

fn facets() -> String {
    let rows = FACETS.map(|(facet, channel, source, medium, campaign)| {
        format!("('{WORKSPACE}', {facet}, '{channel}', '{source}', '{medium}', '{campaign}')")
    });
    format!("(workspace_id, facet_id, channel, source, medium, campaign) VALUES {}", rows.join(", "))
}

fn touches() -> String {
    let rows = TOUCHES.map(|(touch, visitor, facet, time)| {
        let (touch, visitor, time) = (id(touch), id(visitor), at(time));
        format!("('{WORKSPACE}', {visitor}, {time}, {touch}, {touch}, {facet}, {}, 'rule', 1)", facet == 1)
    });
    let columns =
        "workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, rules_version";
    format!("({columns}) VALUES {}", rows.join(", "))
}

fn orders() -> String {
    let rows = ORDERS.map(|order| {
        let refund = order.refund.map_or(String::new(), |(time, net)| {
            format!("tuple({}, {}, {net}, 0, 'requested')", id(order.id + 100), at(time))
        });
        let journey = ORDERS.iter().find(|root| root.id == order.root).unwrap();
        let visitors = match order.visitor {
            0 => String::new(),
            visitor => format!("tuple({}, {}, {})", id(visitor), at("2020-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z")),
        };
        format!(
            "('{WORKSPACE}', {}, 1, 'polar', 'con_1', 'p{}', 'paid', '{}', true, {paid}, {paid}, {anchor}, '{}', {net}, \
             {net}, [{refund}], '{product}', 'The {product}', {root}, {visitor}, '{}', 'order.metadata', '{}', [{visitors}])",
            id(order.id),
            order.id,
            order.kind,
            order.currency,
            order.method,
            if order.visitor == 0 { "none" } else { "signed" },
            paid = at(order.paid),
            anchor = at(journey.paid),
            net = order.net,
            product = order.product,
            root = id(order.root),
            visitor = id(order.visitor),
        )
    });
    let columns = "workspace_id, order_id, version, provider, connection_id, provider_order_id, status, kind, booked, \
                   created_at, paid_at, anchor_at, currency, net, total, refunds, product_id, product_name, \
                   root_order_id, visitor_id, match_method, match_field, match_evidence, visitors";
    format!("({columns}) VALUES {}", rows.join(", "))
}

fn all_credits() -> String {
    let mut rows = Vec::new();
    for order in &ORDERS {
        let journey = ORDERS.iter().find(|root| root.id == order.root).unwrap();
        let anchor_ms = ms(journey.paid);
        let eligible: Vec<Touch> = TOUCHES
            .iter()
            .filter(|(_, visitor, _, time)| *visitor == order.visitor && ms(time) <= anchor_ms)
            .map(|(touch, _, facet, time)| Touch {
                at_ms: ms(time),
                id: *touch,
                facet: *facet,
                direct: *facet == 1,
            })
            .collect();
        let refunds = order.refund.iter().map(|(time, net)| Refund {
            id: order.id + 100,
            at_ms: ms(time),
            amount_minor: *net,
            reversed_at_ms: None,
        });
        let booked = Booked { amount_minor: order.net, refunds: refunds.collect() };
        let mut posted = Vec::new();
        credits(&eligible, anchor_ms, order.visitor != 0, &booked, &mut Scratch::default(), &mut posted);
        rows.extend(posted.iter().map(|credit| row(order, credit, &eligible)));
    }
    // A row that was posted and taken back again, as after a late touch.
    let mut taken_back = rows[0].replace(", 1, 1, ", ", 1, 9, ");
    rows.push(taken_back.clone());
    taken_back = taken_back.replace(", 1, 9, ", ", -1, 9, ");
    rows.push(taken_back);
    let names: Vec<String> =
        MODELS.iter().flat_map(|m| [format!("amount_{}", m.name()), format!("parts_{}", m.name())]).collect();
    format!(
        "(workspace_id, booked_at, order_id, entry, entry_id, touch_id, earner, facet_id, touch_at, order_at, kind, \
         currency, provider, connection_id, product_id, sign, version, {}) VALUES {}",
        names.join(", "),
        rows.join(", ")
    )
}

fn row(order: &Order, credit: &Credit, eligible: &[Touch]) -> String {
    let (touch, facet, touch_at, earner) = match credit.earner {
        Earner::Touch(slot) => {
            let touch = eligible[slot as usize];
            (touch.id, touch.facet, touch.at_ms, "touch")
        }
        Earner::Direct => (0, 1, ms(order.paid), "direct"),
        Earner::Unattributed => (0, 4, ms(order.paid), "unattributed"),
    };
    let (entry, entry_id, booked_at) = match credit.entry {
        Entry::Order => ("order", 0, order.paid),
        Entry::Refund(refund) | Entry::Reversal(refund) => ("refund", refund, order.refund.unwrap().0),
    };
    let numbers =
        credit.amounts.iter().zip(&credit.parts).map(|(amount, parts)| format!("{amount}, {parts}"));
    format!(
        "('{WORKSPACE}', {}, {}, '{entry}', {}, {}, '{earner}', {facet}, fromUnixTimestamp64Milli({touch_at}, 'UTC'), {}, \
         '{}', '{}', 'polar', 'con_1', '{}', 1, 1, {})",
        at(booked_at),
        id(order.id),
        id(entry_id),
        id(touch),
        at(order.paid),
        order.kind,
        order.currency,
        order.product,
        numbers.collect::<Vec<_>>().join(", ")
    )
}
