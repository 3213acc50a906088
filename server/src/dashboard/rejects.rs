//! What was not counted in the days asked about, and why: a page of its own, which the first page takes its block
//! from once it is shown. Hits whose workspace is unknown are nobody's and not here.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use domain::report::{Cell, Query, Table, ratio_ppm};

use super::page::{Question, Viewer, failed, question, shown};
use super::show;
use crate::app::App;
use crate::http::problem::Problem;
use crate::ingest::outcome::ACCEPTED;
use crate::report::{ReportError, Reports};

/// Units of the bars' drawing.
const BAR_WIDTH: u64 = 1000;

/// Hits refused for one reason.
struct Reason {
    code: String,
    /// What it means and what to do.
    why: String,
    hits: u64,
    /// Hits by kind.
    kinds: BTreeMap<String, u64>,
}

/// The same as it is shown.
struct Line {
    code: String,
    why: String,
    kinds: String,
    hits: String,
    share: String,
    bar: u64,
}

#[derive(Template)]
#[template(path = "rejects.html")]
struct Rejects {
    workspace: String,
    days: String,
    back: String,
    csv: String,
    json: String,
    refused: String,
    all: String,
    share: String,
    lines: Vec<Line>,
    bar_width: u64,
}

/// `GET /not-counted`
pub(super) async fn rejects(
    State(app): State<App>,
    Viewer(reader): Viewer,
    RawQuery(raw): RawQuery,
) -> Response {
    let Question { reports, pairs, query } = question(&app, &reader, raw.as_deref());
    let query = match query {
        Ok(query) => query,
        Err(error) => return failed(&error.into()),
    };
    match page(&reports, &query, &pairs).await {
        Ok(page) => shown(&page),
        Err(error) => failed(&Problem::from(error)),
    }
}

async fn page(reports: &Reports, query: &Query, pairs: &[(String, String)]) -> Result<Rejects, ReportError> {
    let (refused, outcomes) = tokio::try_join!(reports.rejects(query), reports.outcomes(query))?;
    let reasons = reasons(&refused.rows);
    let hits: u64 = reasons.iter().map(|reason| reason.hits).sum();
    let accepted: u64 = outcomes.rows.iter().filter(|row| row.outcome == ACCEPTED).map(|row| row.hits).sum();
    let most = reasons.first().map_or(1, |reason| reason.hits.max(1));
    let address = |path: &str, change: &[(&str, &str)]| {
        format!("{path}{}", show::address(pairs, change).trim_start_matches('/'))
    };
    let line = |reason: &Reason| Line {
        code: reason.code.clone(),
        why: reason.why.clone(),
        kinds: kinds(&reason.kinds),
        hits: show::count(Some(reason.hits)),
        share: show::ratio(share(reason.hits, hits)),
        bar: reason.hits * BAR_WIDTH / most,
    };
    Ok(Rejects {
        workspace: reports.workspace().name.clone(),
        days: show::days(query),
        back: address("/", &[]),
        csv: address("/v1/reports/rejects", &[("format", "csv")]),
        json: address("/v1/reports/rejects", &[("format", "json")]),
        refused: show::count(Some(hits)),
        all: show::count(Some(hits + accepted)),
        share: show::ratio(share(hits, hits + accepted)),
        lines: reasons.iter().map(line).collect(),
        bar_width: BAR_WIDTH,
    })
}

fn share(part: u64, all: u64) -> Option<i64> {
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    ratio_ppm(signed(part), signed(all))
}

/// The report's rows, which are per day and kind, as reasons; the most frequent first.
fn reasons(table: &Table) -> Vec<Reason> {
    let mut all: Vec<Reason> = Vec::new();
    for row in &table.rows {
        let [_, Cell::Text(code), Cell::Text(kind), Cell::Count(hits), _, Cell::Text(why)] = row.as_slice()
        else {
            continue;
        };
        let at = all.iter().position(|reason| reason.code == *code).unwrap_or_else(|| {
            let (code, why) = (code.clone(), why.clone());
            all.push(Reason { code, why, hits: 0, kinds: BTreeMap::new() });
            all.len() - 1
        });
        all[at].hits += hits;
        *all[at].kinds.entry(kind.clone()).or_default() += hits;
    }
    all.sort_by(|one, other| other.hits.cmp(&one.hits).then_with(|| one.code.cmp(&other.code)));
    all
}

/// `page 12 · event 3`. A body that does not read has no kind.
fn kinds(kinds: &BTreeMap<String, u64>) -> String {
    let named = kinds.iter().filter(|(kind, _)| !kind.is_empty());
    let each: Vec<String> =
        named.map(|(kind, hits)| format!("{} {}", show::word(kind), show::count(Some(*hits)))).collect();
    each.join(" · ")
}
