//! The first page: which channel earned what, the proof of it, all models side by side, and the latest orders.

mod controls;
mod figures;
mod orders;
mod rows;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::attribution::MODELS;
use domain::money::{Currency, MoneyView};
use domain::order::Basis;
use domain::report::{
    ChannelReport, ChannelRow, Conversions, Dimension, ModelReport, Query, Reconciliation, SeriesReport, Sums,
};

use super::chart::{self, Chart};
use super::page::{Answerable, Viewer, failed, question, shown};
use super::show;
use crate::app::App;
use crate::http::problem::Problem;
use crate::jobs::match_watch::{self, Alert};
use crate::report::{OrderRow, OrdersQuery, Reports};

use controls::{Chip, Choice};
use figures::{Figure, ProofLine};
use orders::OrderLine;
use rows::{BAR_WIDTH, Line, ModelLine};

pub(super) use controls::asked;
pub(super) use orders::matched;

/// Rows shown; the CSV has all.
const ROWS_MAX: usize = 50;
const SOURCES_MAX: usize = 12;
const ORDERS_SHOWN: usize = 10;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    workspace: String,
    workspace_id: String,
    script_src: String,
    error: Option<String>,
    days: String,
    /// Net or gross, as a column's head.
    money: &'static str,
    bases: Vec<Choice>,
    dates: Vec<Choice>,
    days_told: &'static str,
    models: Vec<Choice>,
    periods: Vec<Choice>,
    groups: Vec<Choice>,
    compares: Vec<Choice>,
    currencies: Vec<String>,
    /// Whether amounts are shown in the report currency.
    converted: bool,
    report_currency: String,
    from: String,
    to: String,
    custom: bool,
    chips: Vec<Chip>,
    /// Filters, kept by the sentence.
    hidden: Vec<(String, String)>,
    /// The whole question, kept by the form that adds a filter.
    kept: Vec<(String, String)>,
    filterable: Vec<Choice>,
    /// Values of the rows shown, offered to filter by.
    known_values: Vec<String>,
    /// Whether a filter leaves the proof as it is.
    proof_of_all: bool,
    visitors_near: bool,
    currency: String,
    zone: String,
    csv: String,
    json: String,
    proof: Vec<ProofLine>,
    /// How amounts came into the report currency, a sentence each.
    conversion: Vec<String>,
    /// What somebody should look at.
    alerts: Vec<String>,
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
    /// Where the block of what was not counted comes from.
    rejects: String,
    empty: bool,
}

/// What the page is made of.
struct Fetched {
    channels: ChannelReport,
    sources: ChannelReport,
    models: ModelReport,
    series: SeriesReport,
    orders: Vec<OrderRow>,
    /// In the report currency: how amounts came into it.
    conversion: Option<Conversions>,
    /// Names of products, where the page shows any.
    products: BTreeMap<String, String>,
    /// What somebody should look at.
    alerts: Vec<Alert>,
}

/// `GET /`
pub(super) async fn home(
    State(app): State<App>,
    Viewer(reader): Viewer,
    RawQuery(raw): RawQuery,
) -> Response {
    let question = question(&app, &reader, raw.as_deref());
    let Answerable { reports, pairs, query, error } = match question.or_default() {
        Ok(question) => question,
        Err(error) => return failed(&Problem::from(error)),
    };
    match fetch(&app, &reports, &query).await {
        Ok(fetched) => shown(&page(&app, &reports, query, &pairs, fetched, error)),
        Err(problem) => failed(&problem),
    }
}

async fn fetch(app: &App, reports: &Reports, query: &Query) -> Result<Fetched, Problem> {
    let every = Query { currency: None, ..query.clone() };
    let by_source = Query { group_by: vec![Dimension::Channel, Dimension::Source], ..every.clone() };
    let orders = OrdersQuery { query: query.clone(), after: None, limit: ORDERS_SHOWN };
    let shows_products = query.group_by.contains(&Dimension::Product)
        || query.filters.iter().any(|filter| filter.dimension == Dimension::Product);
    let (channels, sources, models, series, orders, conversion, products) = tokio::try_join!(
        reports.channels(&every),
        reports.channels(&by_source),
        reports.models(&every),
        reports.timeseries(&every),
        reports.orders(&orders),
        reports.conversions(query),
        async {
            match shows_products {
                true => reports.product_names().await,
                false => Ok(BTreeMap::new()),
            }
        }
    )?;
    let alerts = match_watch::standing(app, &reports.workspace().id).await?;
    Ok(Fetched { channels, sources, models, series, orders: orders.rows, conversion, products, alerts })
}

fn page(
    app: &App,
    reports: &Reports,
    query: Query,
    pairs: &[(String, String)],
    fetched: Fetched,
    error: Option<String>,
) -> Home {
    let Fetched { channels, sources, models, series, orders, conversion, products, alerts } = fetched;
    // The page shows one currency: the one asked for, else the one with most orders.
    let main = channels.totals.iter().max_by_key(|total| total.sums.orders_parts).map(|total| total.currency);
    let workspace_currency = reports.workspace().currency.parse().ok();
    let converted = query.money == MoneyView::Report;
    let main = if converted { workspace_currency.or(main) } else { main };
    let currency = query.currency.or(main).or(workspace_currency);
    let currency: Currency = currency.unwrap_or_else(|| "USD".parse().expect("three letters"));
    let total = channels.totals.iter().find(|total| total.currency == currency);
    let empty = total.is_none_or(|total| total.sums == Sums::default() && total.visits.unwrap_or(0) == 0)
        && orders.is_empty();
    let of_currency: Vec<&ChannelRow> = channels.rows.iter().filter(|row| row.currency == currency).collect();
    let most_minor = of_currency.iter().map(|row| rows::size(&row.sums)).max().unwrap_or(0);
    let grouped_by_channel = query.group_by == [Dimension::Channel];
    let lines = of_currency.iter().take(ROWS_MAX).map(|row| {
        let mut line = rows::line(row, most_minor, pairs, &query, &products);
        if grouped_by_channel && row.values[0] != "Direct" && row.values[0] != "Unattributed" {
            let own = sources
                .rows
                .iter()
                .filter(|source| source.currency == currency && source.values[0] == row.values[0]);
            line.sources =
                own.take(SOURCES_MAX).map(|source| rows::source_line(source, most_minor, pairs)).collect();
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
        let dated = [("format", format), ("currency", if converted { "report" } else { currency.code() })];
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
        money: match query.basis {
            Basis::Net => "Net",
            Basis::Gross => "Gross",
        },
        bases: controls::chosen(&controls::BASES, query.basis.name()),
        dates: controls::chosen(&controls::DATES, query.date.name()),
        days_told: controls::days_told(query.date),
        models: controls::models(query.model),
        periods: controls::chosen(&controls::PERIODS, chosen_period),
        groups: controls::dimensions(&query.group_by),
        compares: controls::chosen(&controls::COMPARES, given("compare").unwrap_or("")),
        currencies,
        converted,
        report_currency: reports.workspace().currency.clone(),
        from: query.period.from.to_string(),
        to: query.period.to.to_string(),
        custom,
        chips: controls::chips(&query, pairs, &products),
        kept: pairs.to_vec(),
        filterable: controls::dimensions(&[]),
        known_values: controls::known_values(&lines),
        proof_of_all: query.filters.iter().any(|filter| !filter.dimension.is_of_order()),
        visitors_near: channels.visitors_exact == Some(false),
        hidden: pairs.iter().filter(|(key, _)| key.starts_with("filter[")).cloned().collect(),
        currency: currency.to_string(),
        zone: query.period.zone_name(),
        csv: api("channels", "csv"),
        json: api("channels", "json"),
        alerts: alerts.iter().map(Alert::sentence).collect(),
        proof: proof.into_iter().map(figures::proof_line).collect(),
        conversion: conversion.map(|told| told.sentences()).unwrap_or_default(),
        figures: total.map(|total| figures::figures(total, query.basis)).unwrap_or_default(),
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
        total: total.map(|total| rows::line_of(total, "Total".to_owned(), String::new(), most_minor.max(1))),
        more: of_currency.len().saturating_sub(ROWS_MAX),
        lines,
        bar_width: BAR_WIDTH,
        model_titles: MODELS
            .iter()
            .enumerate()
            .map(|(at, model)| {
                (
                    rows::short_title(model.name()),
                    at == query.model,
                    show::address(pairs, &[("model", model.name())]),
                )
            })
            .collect(),
        model_lines: rows::model_lines(&models, currency, &query, &products),
        model_total: models
            .totals
            .iter()
            .filter(|row| row.currency == currency)
            .flat_map(|row| row.net_minor.map(|minor| show::digits(minor, currency)))
            .collect(),
        orders: orders.iter().map(|order| orders::order_line(order, reports)).collect(),
        rejects: format!("/not-counted{}", show::address(pairs, &[]).trim_start_matches('/')),
        empty,
    }
}
