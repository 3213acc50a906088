//! How fast credits are made at size: 20,000,000 touches of 2,000,000 visitors, 500,000 orders, 90 days of window.
//! Prints rows `name | value | target`. The data are made by the engine itself, the same every time, and stay in
//! `target/bench-data`: a server started on that folder (workspace `ws_bench`) can be asked for reports.
//! Arguments: `--small` for a hundredth of the size.

mod shared;

use std::path::{Path, PathBuf};
use std::time::Instant;

use domain::ids::OrderId;
use tributary::app::App;
use tributary::config::Config;
use tributary::control::workspaces::{Settings, Workspace};
use tributary::effects::Clock;
use tributary::jobs::attribute;
use tributary::jobs::attribute::journeys::journeys_query;
use tributary::jobs::attribute::preview::{self, Change};

use shared::{execute, median, shown};

const WORKSPACE: &str = "ws_bench";
/// 2026-01-01: the first of 300 days.
const FIRST_MS: i64 = 1_767_225_600_000;
const FACETS: u64 = 3000;

struct Size {
    touches: u64,
    visitors: u64,
    orders: u64,
}

fn main() {
    let small = std::env::args().any(|argument| argument == "--small");
    let size = match small {
        true => Size { touches: 200_000, visitors: 20_000, orders: 5_000 },
        false => Size { touches: 20_000_000, visitors: 2_000_000, orders: 500_000 },
    };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(if small {
        "../target/bench-data-small"
    } else {
        "../target/bench-data"
    });
    let runtime = tokio::runtime::Runtime::new().expect("the operating system gives threads");
    runtime.block_on(bench(dir, size));
}

async fn bench(dir: PathBuf, size: Size) {
    let tables = concat!(
        include_str!("../../sql/clickhouse/migrations/0001_visits.sql"),
        include_str!("../../sql/clickhouse/migrations/0002_sales.sql")
    );
    // Written when the data are whole.
    let stamp = dir.join("bench-tables.sql");
    let are_there = std::fs::read_to_string(&stamp).is_ok_and(|known| known == tables);
    if !are_there {
        // Data of other tables than today's, or cut short. Nothing there is the usual case.
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("the folder of the build can be written");
    }
    let mut config = Config::for_data_dir(&dir);
    // Merging the touches into one part says nothing for more than a minute.
    config.store.answer_timeout_ms = 600_000;
    let app = App::open(config, Clock::system()).await.expect("the bench data open");
    if !are_there {
        make(&app, &size).await;
        std::fs::write(stamp, tables).expect("the folder of the build can be written");
    }
    let window_ms = attribute::window_ms(&app, WORKSPACE);

    let (mut bytes, mut credits) = (0, 0);
    let (mut bare, mut full) = (Vec::new(), Vec::new());
    // By turns, so that whatever else the machine does meets both.
    for _ in 0..5 {
        let started = Instant::now();
        let query = journeys_query(&app.store, WORKSPACE, window_ms, None);
        let mut cursor = query.fetch_bytes("RowBinary").expect("the query starts");
        bytes = 0;
        while let Some(chunk) = cursor.next().await.expect("the query runs") {
            bytes += chunk.len();
        }
        bare.push(started.elapsed());
        let started = Instant::now();
        credits = attribute::attribute_all(&app).await.expect("attribution runs").credits;
        full.push(started.elapsed());
    }
    let (bare, full) = (median(bare), median(full));
    println!(
        "journeys query alone, {} touches x {} orders, {} MB | {} | -",
        size.touches,
        size.orders,
        bytes / 1_000_000,
        shown(bare)
    );
    println!("attribution, six models, {credits} credits written | {} | <= 4 s", shown(full));
    let ratio = full.as_secs_f64() / bare.as_secs_f64();
    println!("the same, over the journeys query alone | {ratio:.2} x | <= 3 x");

    let ids: Vec<OrderId> = changed_ids(&app).await;
    let mut times = Vec::new();
    for _ in 0..9 {
        change(&app).await;
        let started = Instant::now();
        let turn = attribute::Turn::take(&app).await.expect("a turn");
        let posted =
            attribute::attribute_orders(&app, WORKSPACE, &ids, &turn).await.expect("attribution runs");
        times.push(started.elapsed());
        assert!(posted.written >= 200, "every changed order is posted again: {posted:?}");
    }
    println!("attribution of {} changed orders | {} | <= 100 ms", ids.len(), shown(median(times)));
    preview_of_history(&app).await;
    app.close().await;
}

/// What another window would move of the whole history: it is credited in memory twice, once to find the orders that
/// move and once to sum them. Memory above what is in use before, the engine's included.
async fn preview_of_history(app: &App) {
    let change = Change { window_days: Some(30), ..Change::default() };
    let before = memory("VmRSS:");
    // The largest so far is forgotten; a kernel that does not allow it tells more than there was.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let started = Instant::now();
    let found = preview::preview(app, WORKSPACE, change, None).await.expect("a preview");
    let time = started.elapsed();
    let peak = memory("VmHWM:").saturating_sub(before);
    assert!(found.differences.iter().all(|balance| balance.difference == 0), "{:?}", found.differences);
    println!("preview of a window of 30 days, {} orders would move | {} | -", found.orders, shown(time));
    println!("the same, memory above what was in use | {peak} MB | -");
}

/// A line of what the kernel tells of this process, in megabytes.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1000
}

/// Makes the data.
async fn make(app: &App, size: &Size) {
    let workspace = Workspace {
        id: WORKSPACE.to_owned(),
        name: "Bench".to_owned(),
        timezone: "UTC".to_owned(),
        currency: "USD".to_owned(),
        settings: Settings::default(),
    };
    app.control.create_workspace(&workspace, FIRST_MS).await.expect("the workspace is new");
    app.reload_directory().await.expect("the control store answers");
    eprintln!("making {} touches and {} orders", size.touches, size.orders);
    let Size { touches, visitors, orders } = size;
    let days_ms = 300_u64 * 86_400_000;
    let channels = "['Organic Search', 'Paid Search', 'Email', 'Paid Social', 'Organic Social', 'Referral', 'AI Assistants', 'Affiliates', 'Display', 'Direct']";
    execute(app, &format!(
        "INSERT INTO facets SELECT '{WORKSPACE}', number + 1, {channels}[number % 10 + 1], concat('source', toString(number % 40)), \
         '', concat('campaign', toString(number)), '', '', concat('/page', toString(number % 100)), '', ['US', 'DE', 'FR'][number % 3 + 1], \
         'desktop', '' FROM numbers({FACETS})"
    )).await;
    execute(app, &format!(
        "INSERT INTO touches (workspace_id, visitor_id, at, touch_id, session_id, facet_id, direct, reason, rules_version, landing, \
         referrer, click_param, click_value, received_at, classified_at) SELECT '{WORKSPACE}', reinterpretAsUUID(sipHash128('visitor', number % {visitors})), \
         fromUnixTimestamp64Milli(toInt64({FIRST_MS} + sipHash64('at', number) % {days_ms})), \
         reinterpretAsUUID(sipHash128('touch', number)), reinterpretAsUUID(sipHash128('session', number)), \
         sipHash64('facet', number) % {FACETS} + 1, (sipHash64('facet', number) % {FACETS}) % 10 = 9, '', 1, '', '', '', '', \
         fromUnixTimestamp64Milli(toInt64({FIRST_MS})), fromUnixTimestamp64Milli(toInt64({FIRST_MS})) FROM numbers({touches}) \
         SETTINGS max_insert_threads = 2"
    )).await;
    execute(app, &format!(
        "INSERT INTO orders (workspace_id, order_id, version, provider, connection_id, provider_order_id, status, kind, booked, \
         created_at, paid_at, anchor_at, currency, net, total, refunds, product_id, root_order_id, visitor_id, match_method, visitors) \
         WITH reinterpretAsUUID(sipHash128('order', number)) AS id, \
         reinterpretAsUUID(sipHash128('visitor', sipHash64('buyer', number) % {visitors})) AS visitor, \
         fromUnixTimestamp64Milli(toInt64({FIRST_MS} + sipHash64('paid', number) % {days_ms}), 'UTC') AS paid, \
         toInt64(500 + sipHash64('net', number) % 20000) AS money \
         SELECT '{WORKSPACE}', id, 1, 'polar', 'con_bench', toString(number), 'paid', 'one_time', 1, paid, paid, paid, 'USD', money, money, \
         if(number % 20 = 0, [(reinterpretAsUUID(sipHash128('refund', number)), paid + toIntervalDay(3), intDiv(money, 3), toInt64(0), 'customer_request')], []), \
         concat('product', toString(number % 5)), id, visitor, 'order_metadata', \
         [(visitor, fromUnixTimestamp64Milli(toInt64(0), 'UTC'), paid + toIntervalMillisecond(1))] FROM numbers({orders})"
    )).await;
    for table in ["touches", "orders"] {
        execute(app, &format!("OPTIMIZE TABLE {table} FINAL")).await;
    }
}

/// A hundred orders, spread over all.
const CHANGED: &str =
    "toUInt64(provider_order_id) % (SELECT intDiv(uniqExact(order_id), 100) FROM orders) = 7";

async fn changed_ids(app: &App) -> Vec<OrderId> {
    let sql = format!("SELECT toString(order_id) FROM orders FINAL WHERE {CHANGED} ORDER BY 1 LIMIT 100");
    let ids: Vec<String> = app.store.client().query_raw(&sql).fetch_all().await.expect("orders can be read");
    let bits = ids.iter().map(|id| OrderId(uuid::Uuid::try_parse(id).expect("it is a UUID").as_u128()));
    bits.collect()
}

/// One cent more for each of the hundred.
async fn change(app: &App) {
    execute(app, &format!(
        "INSERT INTO orders SELECT * REPLACE (version + 1 AS version, net + 1 AS net, report_net + 1 AS report_net, report_gross + 1 AS report_gross) FROM orders FINAL WHERE {CHANGED}"
    )).await;
}
