//! The first page: which channel earned what, the proof of it, all models side by side, and the latest orders.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::attribution::{MODELS, model_index};
use domain::money::Currency;
use domain::report::{
    ChannelReport, ChannelRow, Dimension, ModelReport, Query, Reconciliation, SeriesReport, Sums, order_count,
};

use super::chart::{self, Chart};
use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::reports::pairs;
use crate::report::{OrderRow, OrdersQuery, ReportError, Reports};

/// Rows shown; the CSV has all.
const ROWS_MAX: usize = 50;
const MODEL_ROWS_MAX: usize = 12;
const SOURCES_MAX: usize = 12;
const ORDERS_SHOWN: usize = 10;
/// Units of the bars' drawing.
const BAR_WIDTH: i64 = 1000;

const PERIODS: [(&str, &str); 10] = [
    ("today", "today"),
    ("yesterday", "yesterday"),
    ("7d", "the last 7 days"),
    ("30d", "the last 30 days"),
    ("90d", "the last 90 days"),
    ("365d", "the last 365 days"),
    ("month", "this month"),
    ("last_month", "last month"),
    ("year", "this year"),
    ("custom", "the days"),
];
const COMPARES: [(&str, &str); 3] =
    [("", "nothing"), ("previous_period", "the period before"), ("previous_year", "the year before")];
const GROUPS: [Dimension; 10] = [
    Dimension::Channel,
    Dimension::Source,
    Dimension::Medium,
    Dimension::Campaign,
    Dimension::LandingPage,
    Dimension::Referrer,
    Dimension::Country,
    Dimension::Device,
    Dimension::Partner,
    Dimension::Product,
];

/// One entry of a select.
struct Choice {
    value: &'static str,
    title: String,
    chosen: bool,
}

/// One number of the strip.
struct Figure {
    title: &'static str,
    value: String,
    unit: String,
    note: String,
    change: Option<String>,
    /// Whether the change is for the better, when there is one.
    better: bool,
}

/// One row of the channels table, or of its sources.
struct Line {
    name: String,
    address: String,
    visitors: String,
    orders: String,
    net: String,
    change: Option<String>,
    better: bool,
    share: String,
    conversion: String,
    per_visitor: String,
    bar: Bar,
    sources: Vec<Line>,
}

/// New, renewal and refunded parts of a row, on the scale of the largest row.
struct Bar {
    new: i64,
    renewal_x: i64,
    renewal: i64,
    refunded_x: i64,
    refunded: i64,
    told: String,
}

struct ModelLine {
    name: String,
    cells: Vec<ModelCell>,
}

struct ModelCell {
    net: String,
    difference: String,
    chosen: bool,
}

struct ProofLine {
    provider: String,
    attributed: String,
    direct: String,
    unattributed: String,
    outside: Option<String>,
    exact: bool,
    difference: String,
    currency: String,
}

struct OrderLine {
    address: String,
    when: String,
    iso: String,
    product: String,
    kind: String,
    net: String,
    refunded: Option<String>,
    currency: String,
    matched: String,
    evidence: String,
}

struct Chip {
    text: String,
    without: String,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    workspace: String,
    workspace_id: String,
    script_src: String,
    error: Option<String>,
    days: String,
    models: Vec<Choice>,
    periods: Vec<Choice>,
    groups: Vec<Choice>,
    compares: Vec<Choice>,
    currencies: Vec<String>,
    from: String,
    to: String,
    custom: bool,
    chips: Vec<Chip>,
    /// Filters, kept by the form.
    hidden: Vec<(String, String)>,
    currency: String,
    zone: String,
    csv: String,
    json: String,
    proof: Vec<ProofLine>,
    figures: Vec<Figure>,
    chart: Option<Chart>,
    chart_width: i64,
    chart_height: i64,
    interval: &'static str,
    dimension: &'static str,
    dimensions: String,
    direct: String,
    unattributed: String,
    lines: Vec<Line>,
    total: Option<Line>,
    more: usize,
    bar_width: i64,
    model_titles: Vec<(&'static str, bool, String)>,
    model_lines: Vec<ModelLine>,
    model_total: Vec<String>,
    orders: Vec<OrderLine>,
    empty: bool,
}

/// What the page is made of.
struct Fetched {
    channels: ChannelReport,
    sources: ChannelReport,
    models: ModelReport,
    series: SeriesReport,
    orders: Vec<OrderRow>,
}

/// `GET /`
pub(super) async fn home(
    State(app): State<App>,
    Viewer(reader): Viewer,
    RawQuery(raw): RawQuery,
) -> Response {
    let reports = Reports::of(&app, &reader.workspace);
    let pairs = asked(pairs(raw.as_deref()));
    let (query, error) = match reports.parse(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))
    {
        Ok(query) => (query, None),
        Err(error) => match reports.parse([]) {
            Ok(query) => (query, Some(error.to_string())),
            Err(error) => return failed(&error.into()),
        },
    };
    match fetch(&reports, &query).await {
        Ok(fetched) => shown(&page(&app, &reports, query, &pairs, fetched, error)),
        Err(error) => failed(&Problem::from(error)),
    }
}

/// The form says `period=custom` beside days, and other periods beside days that are then not meant.
fn asked(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let period = pairs.iter().find(|(key, _)| key == "period").map(|(_, value)| value.clone());
    match period.as_deref() {
        Some("custom") => pairs.retain(|(key, _)| key != "period"),
        Some(named) if !named.is_empty() => pairs.retain(|(key, _)| key != "from" && key != "to"),
        _ => {}
    }
    pairs.retain(|(key, value)| key.starts_with("filter[") || !value.is_empty());
    pairs
}

async fn fetch(reports: &Reports, query: &Query) -> Result<Fetched, ReportError> {
    let every = Query { currency: None, ..query.clone() };
    let by_source = Query { group_by: vec![Dimension::Channel, Dimension::Source], ..every.clone() };
    let orders = OrdersQuery { query: query.clone(), after: None, limit: ORDERS_SHOWN };
    let (channels, sources, models, series, orders) = tokio::try_join!(
        reports.channels(&every),
        reports.channels(&by_source),
        reports.models(&every),
        reports.timeseries(&every),
        reports.orders(&orders)
    )?;
    Ok(Fetched { channels, sources, models, series, orders: orders.rows })
}

fn page(
    app: &App,
    reports: &Reports,
    query: Query,
    pairs: &[(String, String)],
    fetched: Fetched,
    error: Option<String>,
) -> Home {
    let Fetched { channels, sources, models, series, orders } = fetched;
    // The page shows one currency: the one asked for, else the one with most orders.
    let main = channels.totals.iter().max_by_key(|total| total.sums.orders_parts).map(|total| total.currency);
    let workspace_currency = reports.workspace().currency.parse().ok();
    let currency = query.currency.or(main).or(workspace_currency);
    let currency: Currency = currency.unwrap_or_else(|| "USD".parse().expect("three letters"));
    let total = channels.totals.iter().find(|total| total.currency == currency);
    let empty = total.is_none_or(|total| total.sums == Sums::default() && total.visits.unwrap_or(0) == 0)
        && orders.is_empty();
    let of_currency: Vec<&ChannelRow> = channels.rows.iter().filter(|row| row.currency == currency).collect();
    let most_minor = of_currency.iter().map(|row| size(&row.sums)).max().unwrap_or(0);
    let grouped_by_channel = query.group_by == [Dimension::Channel];
    let lines = of_currency.iter().take(ROWS_MAX).map(|row| {
        let mut line = line(row, most_minor, pairs, &query);
        if grouped_by_channel && row.values[0] != "Direct" && row.values[0] != "Unattributed" {
            let own = sources
                .rows
                .iter()
                .filter(|source| source.currency == currency && source.values[0] == row.values[0]);
            line.sources =
                own.take(SOURCES_MAX).map(|source| source_line(source, most_minor, pairs, &query)).collect();
        }
        line
    });
    let lines: Vec<Line> = lines.collect();
    let interval = series.interval.name();
    let points: Vec<_> = series.points.iter().filter(|point| point.currency == currency).collect();
    let given = |key: &str| pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let custom = given("from").is_some() || given("to").is_some();
    let chosen_period = if custom { "custom" } else { given("period").unwrap_or("30d") };
    let currencies = match channels.totals.len() {
        0 | 1 => Vec::new(),
        _ => channels.totals.iter().map(|total| total.currency.to_string()).collect(),
    };
    let api = |report: &str, format: &str| {
        let dated = [("format", format), ("currency", currency.code())];
        let query = show::address(pairs, &dated);
        format!("/v1/reports/{report}{}", query.trim_start_matches('/'))
    };
    // The currency shown first.
    let mut proof: Vec<&Reconciliation> = channels.reconciliation.iter().collect();
    proof.sort_by_key(|line| line.currency != currency);
    Home {
        workspace: reports.workspace().name.clone(),
        workspace_id: reports.workspace().id.clone(),
        script_src: format!("{}/p.js", app.config.http.public_url.trim_end_matches('/')),
        error,
        days: show::days(&query),
        models: MODELS
            .iter()
            .enumerate()
            .map(|(at, model)| Choice {
                value: model.name(),
                title: model.title().to_lowercase(),
                chosen: at == query.model,
            })
            .collect(),
        periods: PERIODS
            .iter()
            .map(|(value, title)| Choice {
                value,
                title: (*title).to_owned(),
                chosen: *value == chosen_period,
            })
            .collect(),
        groups: GROUPS
            .iter()
            .map(|dimension| Choice {
                value: dimension.name(),
                title: dimension.title().to_lowercase(),
                chosen: query.group_by == [*dimension],
            })
            .collect(),
        compares: COMPARES
            .iter()
            .map(|(value, title)| Choice {
                value,
                title: (*title).to_owned(),
                chosen: *value == given("compare").unwrap_or(""),
            })
            .collect(),
        currencies,
        from: query.period.from.to_string(),
        to: query.period.to.to_string(),
        custom,
        chips: chips(&query, pairs),
        hidden: pairs
            .iter()
            .filter(|(key, _)| key.starts_with("filter[") || key == "date")
            .cloned()
            .collect(),
        currency: currency.to_string(),
        zone: query.period.zone_name(),
        csv: api("channels", "csv"),
        json: api("channels", "json"),
        proof: proof.into_iter().map(proof_line).collect(),
        figures: total.map(figures).unwrap_or_default(),
        chart: Chart::draw(&points),
        chart_width: chart::WIDTH,
        chart_height: chart::HEIGHT,
        interval,
        dimension: query.group_by[0].title(),
        dimensions: match query.group_by[0] {
            Dimension::Country => "Countries".to_owned(),
            other => format!("{}s", other.title()),
        },
        direct: show::address(pairs, &[("filter[channel]", "Direct")]),
        unattributed: show::address(pairs, &[("filter[channel]", "Unattributed")]),
        total: total.map(|total| line_of(total, "Total".to_owned(), String::new(), most_minor.max(1))),
        more: of_currency.len().saturating_sub(ROWS_MAX),
        lines,
        bar_width: BAR_WIDTH,
        model_titles: MODELS
            .iter()
            .enumerate()
            .map(|(at, model)| {
                (
                    short_title(model.name()),
                    at == query.model,
                    show::address(pairs, &[("model", model.name())]),
                )
            })
            .collect(),
        model_lines: model_lines(&models, currency, &query),
        model_total: models
            .totals
            .iter()
            .filter(|row| row.currency == currency)
            .flat_map(|row| row.net_minor.map(|minor| show::digits(minor, currency)))
            .collect(),
        orders: orders.iter().map(|order| order_line(order, reports)).collect(),
        empty,
    }
}

/// Model titles that fit a column.
fn short_title(name: &str) -> &'static str {
    match model_index(name).map(|_| name) {
        Some("last_touch") => "Last",
        Some("last_non_direct") => "Last non-direct",
        Some("first_touch") => "First",
        Some("linear") => "Linear",
        Some("position_based") => "Position",
        Some("time_decay") => "Decay",
        _ => "Model",
    }
}

/// What a row's bar shows: everything that came in and what went back.
fn size(sums: &Sums) -> i64 {
    sums.new_minor.max(0) + sums.renewal_minor.max(0)
}

fn line(row: &ChannelRow, most_minor: i64, pairs: &[(String, String)], query: &Query) -> Line {
    let name: Vec<String> = row.values.iter().map(|value| show::value(value)).collect();
    let dimension = query.group_by[0];
    let key = format!("filter[{}]", dimension.name());
    let next = match dimension {
        Dimension::Channel => "source",
        Dimension::Source => "campaign",
        _ => "channel",
    };
    let address = show::address(pairs, &[(&key, &row.values[0]), ("group_by", next)]);
    line_of(row, name.join(" · "), address, most_minor)
}

fn source_line(row: &ChannelRow, most_minor: i64, pairs: &[(String, String)], _: &Query) -> Line {
    let changes = [
        ("filter[channel]", row.values[0].as_str()),
        ("filter[source]", row.values[1].as_str()),
        ("group_by", "campaign"),
    ];
    line_of(row, show::value(&row.values[1]), show::address(pairs, &changes), most_minor)
}

fn line_of(row: &ChannelRow, name: String, address: String, most_minor: i64) -> Line {
    let shown = |minor| show::digits(minor, row.currency);
    let most = most_minor.max(1);
    let scale = |minor: i64| (i128::from(minor.max(0)) * i128::from(BAR_WIDTH) / i128::from(most)) as i64;
    let (new, renewal) = (scale(row.sums.new_minor), scale(row.sums.renewal_minor));
    let refunded = scale(-row.sums.refunded_minor).min(new + renewal);
    let told = format!(
        "new {}, renewal {}, refunded {} {}",
        shown(row.sums.new_minor),
        shown(row.sums.renewal_minor),
        shown(row.sums.refunded_minor),
        row.currency
    );
    Line {
        name,
        address,
        visitors: show::count(row.visitors),
        orders: order_count(row.sums.orders_parts),
        net: shown(row.sums.net_minor()),
        change: row
            .previous
            .is_some()
            .then(|| show::change(row.change_ppm()).unwrap_or_else(|| "new".to_owned())),
        better: row.previous.is_some_and(|before| row.sums.net_minor() >= before.sums.net_minor()),
        share: show::ratio(row.share_ppm),
        conversion: show::ratio(row.conversion_ppm()),
        per_visitor: row.per_visitor_minor().map_or_else(|| "\u{2013}".to_owned(), shown),
        bar: Bar { new, renewal_x: new, renewal, refunded_x: new + renewal - refunded, refunded, told },
        sources: Vec::new(),
    }
}

fn figures(total: &ChannelRow) -> Vec<Figure> {
    let currency = total.currency;
    let amount = |minor| show::digits(minor, currency);
    let before = total.previous;
    let change = |now: i64, before: Option<i64>| -> Option<String> {
        let before = before?;
        show::change(domain::report::ratio_ppm(now - before, before.abs()))
    };
    let signed = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    let figure = |title, value: String, unit: &str, note: String| Figure {
        title,
        value,
        unit: unit.to_owned(),
        note,
        change: None,
        better: true,
    };
    let renewals = total.sums.orders_parts - total.sums.new_orders_parts;
    let mut net =
        figure("Net revenue", amount(total.sums.net_minor()), currency.code(), "after refunds".to_owned());
    net.change = change(total.sums.net_minor(), before.map(|before| before.sums.net_minor()));
    net.better = before.is_none_or(|before| total.sums.net_minor() >= before.sums.net_minor());
    let note =
        format!("{} new · {} renewals", order_count(total.sums.new_orders_parts), order_count(renewals));
    let mut orders = figure("Orders", order_count(total.sums.orders_parts), "", note);
    orders.change = change(total.sums.orders_parts, before.map(|before| before.sums.orders_parts));
    orders.better = before.is_none_or(|before| total.sums.orders_parts >= before.sums.orders_parts);
    let mut visitors =
        figure("Visitors", show::count(total.visitors), "", format!("{} visits", show::count(total.visits)));
    visitors.change =
        change(signed(total.visitors).unwrap_or(0), before.and_then(|before| signed(before.visitors)));
    visitors.better = before.is_none_or(|before| total.visitors >= before.visitors);
    vec![
        net,
        orders,
        figure("New revenue", amount(total.sums.new_minor), "", "first and one-time orders".to_owned()),
        figure("Renewals", amount(total.sums.renewal_minor), "", "running subscriptions".to_owned()),
        figure("Refunds", amount(total.sums.refunded_minor), "", "given back".to_owned()),
        visitors,
        figure("Conversion", show::ratio(total.conversion_ppm()), "", "new orders per visitor".to_owned()),
        figure(
            "Per visitor",
            total.per_visitor_minor().map_or_else(|| "\u{2013}".to_owned(), amount),
            "",
            "net revenue".to_owned(),
        ),
    ]
}

fn proof_line(proof: &Reconciliation) -> ProofLine {
    let shown = |minor| show::digits(minor, proof.currency);
    ProofLine {
        provider: shown(proof.provider_net),
        attributed: shown(proof.attributed),
        direct: shown(proof.direct),
        unattributed: shown(proof.unattributed),
        outside: (proof.outside_period != 0).then(|| shown(proof.outside_period)),
        exact: proof.is_exact(),
        difference: shown(proof.difference),
        currency: proof.currency.to_string(),
    }
}

fn model_lines(models: &ModelReport, currency: Currency, query: &Query) -> Vec<ModelLine> {
    let rows = models.rows.iter().filter(|row| row.currency == currency).take(MODEL_ROWS_MAX);
    rows.map(|row| ModelLine {
        name: row.values.iter().map(|value| show::value(value)).collect::<Vec<_>>().join(" · "),
        cells: row
            .net_minor
            .iter()
            .enumerate()
            .map(|(at, &minor)| ModelCell {
                net: show::digits(minor, currency),
                difference: show::signed(minor - row.net_minor[query.model], currency),
                chosen: at == query.model,
            })
            .collect(),
    })
    .collect()
}

fn order_line(order: &OrderRow, reports: &Reports) -> OrderLine {
    let currency: Option<Currency> = order.currency.parse().ok();
    let shown =
        |minor: i64| currency.map_or_else(|| minor.to_string(), |currency| show::digits(minor, currency));
    OrderLine {
        address: format!("/orders/{}", order.id),
        when: show::moment(order.at_ms, &reports.zone()),
        iso: show::iso(order.at_ms),
        product: match order.product_name.is_empty() {
            true => order.provider_order_id.clone(),
            false => order.product_name.clone(),
        },
        kind: if order.booked { show::word(&order.kind) } else { show::word(&order.status) },
        net: shown(order.net),
        refunded: (order.refunded != 0).then(|| shown(-order.refunded)),
        currency: order.currency.clone(),
        matched: matched(&order.match_method),
        evidence: order.match_evidence.clone(),
    }
}

/// The match badge's word.
pub(super) fn matched(method: &str) -> String {
    match method {
        "" | "none" => "not matched".to_owned(),
        method => show::word(method),
    }
}

fn chips(query: &Query, pairs: &[(String, String)]) -> Vec<Chip> {
    let chips = query.filters.iter().map(|filter| {
        let verb = if filter.negated { "is not" } else { "is" };
        let values: Vec<String> = filter.values.iter().map(|value| show::value(value)).collect();
        let key = format!("filter[{}]{}", filter.dimension.name(), if filter.negated { "[not]" } else { "" });
        Chip {
            text: format!("{} {verb} {}", filter.dimension.title(), values.join(" or ")),
            without: show::address(pairs, &[(&key, ""), (filter.dimension.name(), "")]),
        }
    });
    chips.collect()
}
