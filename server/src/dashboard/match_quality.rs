//! The page of how sales were joined to visitors: for each connection the share of revenue by method and evidence, and day by
//! day. A fall is the first sign of a checkout that lost its metadata.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::money::Currency;
use domain::report::{Dimension, Interval, Query, ratio_ppm};

use super::home::matched;
use super::page::{Answerable, Viewer, failed, question, shown};
use super::show;
use crate::app::App;
use crate::http::problem::Problem;
use crate::jobs::match_watch::{self, Alert};
use crate::report::{Matched, ReportError, Reports};

/// Units of the bars' drawing.
const BAR_WIDTH: i64 = 1000;

/// One way in which sales were matched.
struct Way {
    method: String,
    evidence: String,
    /// Look of the badge.
    look: &'static str,
    orders: String,
    net: String,
    share: String,
    bar: i64,
}

/// Orders and net revenue with a signed visitor, matched otherwise, and not matched.
#[derive(Default, Clone, Copy)]
struct Classes {
    orders: u64,
    net_minor: [i64; 3],
}

struct Day {
    day: String,
    orders: String,
    net: String,
    shares: [String; 3],
    /// Where each part of the bar begins, and how wide it is.
    parts: [(i64, i64); 3],
    told: String,
}

struct Part {
    name: String,
    currency: String,
    net: String,
    ways: Vec<Way>,
    days: Vec<Day>,
}

#[derive(Template)]
#[template(path = "match_quality.html")]
struct MatchPage {
    workspace: String,
    from: String,
    to: String,
    days: String,
    error: Option<String>,
    alerts: Vec<String>,
    json: String,
    csv: String,
    parts: Vec<Part>,
    bar_width: i64,
}

/// `GET /match-quality`
pub(super) async fn show(
    State(app): State<App>,
    Viewer(reader): Viewer,
    RawQuery(raw): RawQuery,
) -> Response {
    let question = question(&app, &reader, raw.as_deref());
    let Answerable { reports, pairs, query, error } = match question.or_default() {
        Ok(question) => question,
        Err(error) => return failed(&Problem::from(error)),
    };
    let names = match app.control.connections(&app.secrets).await {
        Ok(known) => known.into_iter().map(|known| (known.id, known.name)).collect(),
        Err(error) => return failed(&error.into()),
    };
    let by_connection = Query { group_by: vec![Dimension::Connection], interval: None, ..query };
    let alerts = match match_watch::standing(&app, &reader.workspace.id).await {
        Ok(alerts) => alerts,
        Err(error) => return failed(&error.into()),
    };
    let parts = match parts(&reports, &by_connection, &names).await {
        Ok(parts) => parts,
        Err(error) => return failed(&Problem::from(error)),
    };
    let api = |format: &str| {
        let asked = [("format", format), ("group_by", "connection"), ("interval", "day")];
        format!("/v1/reports/match-quality{}", show::address(&pairs, &asked).trim_start_matches('/'))
    };
    shown(&MatchPage {
        workspace: reports.workspace().name.clone(),
        from: by_connection.period.from.to_string(),
        to: by_connection.period.to.to_string(),
        days: show::days(&by_connection),
        error,
        alerts: alerts.iter().map(Alert::sentence).collect(),
        json: api("json"),
        csv: api("csv"),
        parts,
        bar_width: BAR_WIDTH,
    })
}

async fn parts(
    reports: &Reports,
    query: &Query,
    names: &BTreeMap<String, String>,
) -> Result<Vec<Part>, ReportError> {
    let daily = Query { interval: Some(Interval::Day), ..query.clone() };
    let (whole, daily) = tokio::try_join!(reports.matched(query), reports.matched(&daily))?;
    let mut parts: BTreeMap<(String, Currency), Vec<Matched>> = BTreeMap::new();
    for row in whole {
        parts.entry((row.connection.clone(), row.currency)).or_default().push(row);
    }
    let told = parts.into_iter().map(|((connection, currency), mut ways)| {
        let own = daily.iter().filter(|row| row.connection == connection && row.currency == currency);
        let net_minor: i64 = ways.iter().map(|way| way.net_minor).sum();
        ways.sort_by_key(|way| std::cmp::Reverse(way.net_minor));
        Part {
            name: names.get(&connection).cloned().unwrap_or_else(|| connection.clone()),
            currency: currency.to_string(),
            net: show::digits(net_minor, currency),
            ways: ways.iter().map(way).collect(),
            days: days(own, currency),
        }
    });
    Ok(told.collect())
}

fn way(row: &Matched) -> Way {
    Way {
        method: matched(&row.method),
        evidence: match row.evidence.as_str() {
            "signed" => "signed visitor id".to_owned(),
            "unsigned" => "visitor id without signature".to_owned(),
            "forged" => "forged visitor id, not believed".to_owned(),
            _ => "no visitor id".to_owned(),
        },
        look: match (row.method.as_str(), row.evidence.as_str()) {
            (_, "signed") => "signed",
            (_, "forged") => "forged",
            ("none", _) => "none",
            _ => "",
        },
        orders: show::counted(row.orders, "order"),
        net: show::digits(row.net_minor, row.currency),
        share: show::ratio(row.net_ppm),
        bar: row.net_ppm.unwrap_or(0).clamp(0, 1_000_000) * BAR_WIDTH / 1_000_000,
    }
}

/// The newest day first; days without a sale are left out.
fn days<'a>(rows: impl Iterator<Item = &'a Matched>, currency: Currency) -> Vec<Day> {
    let mut by_day: BTreeMap<&str, Classes> = BTreeMap::new();
    for row in rows {
        let class = match (row.evidence.as_str(), row.method.as_str()) {
            ("signed", _) => 0,
            (_, "none") => 2,
            _ => 1,
        };
        let classes = by_day.entry(&row.bucket).or_default();
        classes.orders += row.orders;
        classes.net_minor[class] += row.net_minor;
    }
    by_day.into_iter().rev().map(|(day, classes)| one_day(day, &classes, currency)).collect()
}

fn one_day(day: &str, classes: &Classes, currency: Currency) -> Day {
    let all: i64 = classes.net_minor.iter().sum();
    let ppm = classes.net_minor.map(|minor| ratio_ppm(minor, all));
    let widths = ppm.map(|ppm| ppm.unwrap_or(0).clamp(0, 1_000_000) * BAR_WIDTH / 1_000_000);
    let shares = ppm.map(show::ratio);
    Day {
        day: day.to_owned(),
        orders: show::count(Some(classes.orders)),
        net: show::digits(all, currency),
        told: format!("signed {}, matched otherwise {}, not matched {}", shares[0], shares[1], shares[2]),
        parts: [(0, widths[0]), (widths[0], widths[1]), (widths[0] + widths[1], widths[2])],
        shares,
    }
}
