//! The page of channel overlap: of which partner sales another channel was touched before the partner's first click, or after
//! the last, and which channel that was. Facts about visits; what would have been bought anyway, nobody knows.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::money::Currency;
use domain::report::{OverlapReport, OverlapSums, Query, ratio_ppm};

use super::super::page::{Answerable, Viewer, failed, question, shown};
use super::super::show;
use super::Frame;
use crate::affiliate::Affiliates;
use crate::app::App;
use crate::http::auth::Reader;
use crate::http::problem::Problem;

/// One currency's sales, each once.
struct Total {
    currency: String,
    orders: String,
    net: String,
    /// Name, orders and money of each part.
    parts: [(&'static str, String, String); 4],
}

struct Row {
    partner: String,
    name: String,
    currency: String,
    orders: String,
    only: String,
    earlier: String,
    later: String,
    net: String,
    share: String,
}

struct Other {
    name: String,
    channel: String,
    currency: String,
    earlier: String,
    later: String,
    net: String,
}

#[derive(Template)]
#[template(path = "affiliates/overlap.html")]
struct OverlapPage {
    frame: Frame,
    workspace: String,
    from: String,
    to: String,
    days: String,
    /// What was wrong with the question.
    error: Option<String>,
    json: String,
    csv: String,
    totals: Vec<Total>,
    rows: Vec<Row>,
    others: Vec<Other>,
}

/// `GET /affiliates/overlap`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    RawQuery(raw): RawQuery,
) -> Response {
    match page(&app, &reader, raw.as_deref()).await {
        Ok(page) => shown(&page),
        Err(problem) => failed(&problem),
    }
}

async fn page(app: &App, reader: &Reader, raw: Option<&str>) -> Result<OverlapPage, Problem> {
    let Answerable { reports, query, error, .. } = question(app, reader, raw).or_default()?;
    // A filter that means nothing here is told, and the days are shown without it.
    let (query, found, error) = match reports.overlapping(&query).await {
        Ok(found) => (query, found, error),
        Err(refused) => {
            let refused = Problem::from(refused);
            if refused.status >= 500 {
                return Err(refused);
            }
            let plain = Query { filters: Vec::new(), ..query };
            let found = reports.overlapping(&plain).await?;
            (plain, found, Some(refused.detail))
        }
    };
    let (overlap, names) = found;
    let period = &query.period;
    let api =
        |format: &str| format!("/v1/reports/overlap?from={}&to={}&format={format}", period.from, period.to);
    let affiliates = Affiliates::of(app, &reader.workspace);
    Ok(OverlapPage {
        frame: Frame::of(&affiliates, "Overlap", None).await?,
        workspace: reader.workspace.name.clone(),
        from: period.from.to_string(),
        to: period.to.to_string(),
        days: show::days(&query),
        error,
        json: api("json"),
        csv: api("csv"),
        totals: overlap.totals.iter().map(|(currency, sums)| total(*currency, sums)).collect(),
        rows: rows(&overlap, &names),
        others: others(&overlap, &names),
    })
}

fn total(currency: Currency, sums: &OverlapSums) -> Total {
    let part = |name, orders: u64, minor: i64| {
        (name, show::counted(orders, "sale"), format!("{} {currency}", show::digits(minor, currency)))
    };
    let OverlapSums { orders, net_minor, earlier, earlier_minor, later, later_minor, only, only_minor } =
        *sums;
    Total {
        currency: currency.to_string(),
        orders: show::counted(orders, "sale"),
        net: show::digits(net_minor, currency),
        parts: [
            ("The partner’s click alone", only, only_minor),
            ("The partner’s click first", orders - earlier, net_minor - earlier_minor),
            ("Another channel before it", earlier, earlier_minor),
            ("Another channel after it", later, later_minor),
        ]
        .map(|(name, orders, minor)| part(name, orders, minor)),
    }
}

fn rows(overlap: &OverlapReport, names: &BTreeMap<String, String>) -> Vec<Row> {
    let mut all: Vec<_> = overlap.partners.iter().collect();
    all.sort_by(|((_, one), a), ((_, other), b)| one.cmp(other).then(b.net_minor.cmp(&a.net_minor)));
    let row = |((partner, currency), sums): (&(String, Currency), &OverlapSums)| Row {
        partner: partner.clone(),
        name: names.get(partner).cloned().unwrap_or_default(),
        currency: currency.to_string(),
        orders: show::count(Some(sums.orders)),
        only: show::count(Some(sums.only)),
        earlier: show::count(Some(sums.earlier)),
        later: show::count(Some(sums.later)),
        net: show::digits(sums.net_minor, *currency),
        share: show::ratio(ratio_ppm(sums.earlier_minor, sums.net_minor)),
    };
    all.into_iter().map(row).collect()
}

fn others(overlap: &OverlapReport, names: &BTreeMap<String, String>) -> Vec<Other> {
    let mut all: Vec<_> = overlap.channels.iter().collect();
    all.sort_by(|((_, _, one), a), ((_, _, other), b)| one.cmp(other).then(b.net_minor.cmp(&a.net_minor)));
    let row = |((partner, channel, currency), sums): (&(String, String, Currency), &OverlapSums)| Other {
        name: names.get(partner).cloned().unwrap_or_default(),
        channel: show::value(channel),
        currency: currency.to_string(),
        earlier: show::count(Some(sums.earlier)),
        later: show::count(Some(sums.later)),
        net: show::digits(sums.net_minor, *currency),
    };
    all.into_iter().map(row).collect()
}
