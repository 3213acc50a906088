//! `/v1/reports/…` and `/v1/outcomes`: questions in the query string, answers as JSON or CSV.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::report::{Format, Report};
use url::form_urlencoded;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Reader;
use super::openapi::{ReportAnswer, ReportParams};
use super::problem::Problem;
use crate::app::App;
use crate::report::{Kind, Outcomes, ReportError, Reports};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(channels))
        .routes(routes!(timeseries))
        .routes(routes!(models))
        .routes(routes!(paths))
        .routes(routes!(timing))
        .routes(routes!(match_quality))
        .routes(routes!(overlap))
        .routes(routes!(rejects))
        .routes(routes!(outcomes))
}

/// What each channel brought and earned.
///
/// One row per value of the dimensions grouped by and currency: visitors, visits, orders, revenue (new, renewal,
/// refunded, net), share, conversion; with `compare` also the period before; by product, its name beside the id.
/// Visitors are exact up to 500,000 visits in the period, beyond within half a percent (`meta.visitors_exact`). The reconciliation line proves that
/// the credits are what the provider was paid.
#[utoipa::path(get, path = "/v1/reports/channels", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn channels(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Channels).await
}

/// Money and visitors over time, every bucket present.
#[utoipa::path(get, path = "/v1/reports/timeseries", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn timeseries(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Timeseries).await
}

/// The same money under every model side by side, with the difference to the chosen one.
#[utoipa::path(get, path = "/v1/reports/models", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn models(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Models).await
}

/// The sequences of channels or sources that led to purchases.
#[utoipa::path(get, path = "/v1/reports/paths", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn paths(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Paths).await
}

/// Days and touches from the first touch to the first purchase.
#[utoipa::path(get, path = "/v1/reports/timing", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn timing(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Timing).await
}

/// How orders were joined to visitors, by method and evidence; with `interval` also over time, with
/// `group_by=connection` for each connection by itself. Shares are parts of the bucket, connection and currency.
#[utoipa::path(get, path = "/v1/reports/match-quality", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn match_quality(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::MatchQuality).await
}

/// Which sales of partners had touches of other channels.
///
/// One row per partner and currency: of the orders paid in the period by which the partner earns, how many had an
/// earlier touch of another channel or partner in the window, or a later one, and what is left of them; how often the
/// partner's click was the first, the only, the last. With `group_by=channel` a row per partner and other channel. A sale
/// that partners share stands with each of them, and once in the totals. Says what was touched, not what would have
/// been bought otherwise.
#[utoipa::path(get, path = "/v1/reports/overlap", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn overlap(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Overlap).await
}

/// What was not counted, and why.
///
/// One row per day (or `interval`), reason and kind of hit, the most frequent first. Hits for a workspace that does
/// not exist belong to nobody and are only in the metrics.
#[utoipa::path(get, path = "/v1/reports/rejects", tag = "Reports", params(ReportParams),
    responses((status = 200, body = ReportAnswer), (status = "4XX", body = Problem)))]
async fn rejects(asked: Asked) -> Result<Response, Problem> {
    asked.answer(Kind::Rejects).await
}

/// What became of every hit: counted, or not and why.
#[utoipa::path(get, path = "/v1/outcomes", tag = "Reports", params(ReportParams),
    responses((status = 200, body = Outcomes), (status = "4XX", body = Problem)))]
async fn outcomes(asked: Asked) -> Result<Json<Outcomes>, Problem> {
    let query = asked.reports.parse(asked.pairs())?;
    Ok(Json(asked.reports.outcomes(&query).await?))
}

/// A question of somebody who may read: the caller's reports, and what the query string says.
pub(super) struct Asked {
    pub reports: Reports,
    pairs: Vec<(String, String)>,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Asked, Problem> {
        let caller = Reader::from_request_parts(parts, app).await?;
        Ok(Asked { reports: Reports::of(app, &caller.workspace), pairs: pairs(parts.uri.query()) })
    }
}

impl Asked {
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    async fn answer(self, kind: Kind) -> Result<Response, Problem> {
        let query = self.reports.parse_for(kind, self.pairs())?;
        let report = self.reports.report(kind, &query).await?;
        Ok(written(&report, query.format))
    }
}

/// The pairs of a query string, decoded.
pub(crate) fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

fn written(report: &Report, format: Format) -> Response {
    match format {
        Format::Json => ([(header::CONTENT_TYPE, "application/json")], report.to_json()).into_response(),
        Format::Text => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], report.to_text()).into_response()
        }
        Format::Csv => {
            let name =
                format!("tributary-{}-{}-{}.csv", report.meta.report, report.meta.from, report.meta.to);
            let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
            let mut response =
                ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], report.to_csv()).into_response();
            let disposition = disposition.expect("names of reports and days are plain ASCII");
            response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
            response
        }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Problem {
        match error {
            ReportError::Question(error) => Problem::invalid(&error.field, error.to_string()),
            ReportError::Store(error) => error.into(),
            ReportError::Control(error) => error.into(),
            damaged @ ReportError::Damaged(_) => Problem::internal(damaged),
        }
    }
}
