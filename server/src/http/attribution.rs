//! `/v1/attribution/preview` and `…/apply`: the difference a change of the rules would make, before it is made; and
//! `…/rules`: the rules as they are, and since when.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use domain::attribution::model_index;
use domain::identity::BindingRulesError;
use domain::order::Basis;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Admin, Reader};
use super::problem::Problem;
use crate::app::App;
use crate::control::rule_versions::{RuleTerms, RuleVersion};
use crate::jobs::attribute::preview::{self, Applied, Change, Given, Preview, PreviewError};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(look)).routes(routes!(apply)).routes(routes!(rules))
}

/// What is to be changed. Everything left out stays; nothing at all asks what became known since: late visits,
/// late bindings.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Days before a purchase in which a visit can earn, 1 to 3650.
    window_days: Option<u32>,
    /// What counts as revenue in reports that do not say: `net` or `gross`.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    basis: Option<Basis>,
    /// The workspace's own rules of channels, all of them, in their order: the first that fits a visit decides. Each
    /// is a test and a channel, `source=partnerblog -> Affiliates`, with `as …` to rename the source; `=` compares the
    /// whole text, `^=` its start, `*=` some part; `source`, `medium`, `campaign` and `referrer` can be tested. In the
    /// query one a line.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<Vec<String>>)]
    rules: Option<Lines>,
    /// Visits that may not earn, all of them: tests of a dimension, `channel=Direct`, `referrer*=intranet`. In the query
    /// one a line.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<Vec<String>>)]
    exclusions: Option<Lines>,
    /// By what a sale may be joined to visits, all that count: `email`, `folded_email`, `user`, `customer`, `handover`. A
    /// visitor's id on the sale itself always counts. In the query one a line. Given, every sale is joined anew.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<Vec<String>>)]
    bindings: Option<Lines>,
    /// Visitors that an address of a role (`billing@`) may be bound to before it names nobody, 0 to 1000; 0: it never
    /// names anybody.
    role_visitors_max: Option<u32>,
    /// Under which model the difference is told; every model is changed.
    model: Option<String>,
}

/// Texts as a list, or one a line.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Lines {
    List(Vec<String>),
    Text(String),
}

impl Lines {
    fn texts(&self) -> Vec<String> {
        match self {
            Lines::List(texts) => texts.clone(),
            Lines::Text(text) => lines(text),
        }
    }
}

/// Lines that say something.
pub(crate) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The rules of a workspace, and every change of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RulesDocument {
    /// As they are.
    #[serde(flatten)]
    pub now: RuleTerms,
    /// What they were after each change that was applied, the newest first.
    pub changes: Vec<RuleVersion>,
}

/// A preview to be made true.
#[derive(Debug, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Token {
    /// As the preview answered it.
    token: String,
}

/// Show which orders a change would move and by how much; nothing is changed.
///
/// In the body as JSON, or in the query. The difference of all channels together is zero, but for another basis. With
/// other rules every visit of the past is classified again, from the address and referrer it came with.
#[utoipa::path(post, path = "/v1/attribution/preview", tag = "Operation", params(Asked), request_body = Option<Asked>,
    responses((status = 200, body = Preview), (status = "4XX", body = Problem)))]
async fn look(
    State(app): State<App>,
    caller: Reader,
    query: Result<Query<Asked>, QueryRejection>,
    body: Bytes,
) -> Result<Json<Preview>, Problem> {
    let asked = read(query, &body)?;
    let model = match asked.model.as_deref() {
        None => None,
        Some(name) => Some(
            model_index(name)
                .ok_or_else(|| Problem::invalid("model", format!("model: there is no model {name:?}")))?,
        ),
    };
    let change = Change::read(&Given {
        window_days: asked.window_days,
        basis: asked.basis,
        rules: asked.rules.as_ref().map(Lines::texts),
        exclusions: asked.exclusions.as_ref().map(Lines::texts),
        bindings: asked.bindings.as_ref().map(Lines::texts),
        role_visitors_max: asked.role_visitors_max,
    })?;
    Ok(Json(preview::preview(&app, &caller.workspace.id, change, model).await?))
}

/// Make exactly the change that a preview showed; 409 when it would be another one by now.
#[utoipa::path(post, path = "/v1/attribution/apply", tag = "Operation", params(Token), request_body = Option<Token>,
    responses((status = 200, body = Applied), (status = "4XX", body = Problem)))]
async fn apply(
    State(app): State<App>,
    caller: Admin,
    query: Result<Query<Token>, QueryRejection>,
    body: Bytes,
) -> Result<Json<Applied>, Problem> {
    let Token { token } = read(query, &body)?;
    let workspace_id = caller.workspace.id.clone();
    // A task of its own: a caller that hangs up does not stop it half-way.
    let run = tokio::spawn(async move { preview::apply(&app, &workspace_id, &token).await });
    Ok(Json(run.await.map_err(Problem::internal)??))
}

/// The rules that decide which visit earns what, and since when.
#[utoipa::path(get, path = "/v1/attribution/rules", tag = "Operation",
    responses((status = 200, body = RulesDocument), (status = "4XX", body = Problem)))]
async fn rules(State(app): State<App>, caller: Reader) -> Result<Json<RulesDocument>, Problem> {
    let now = RuleTerms::of(&app, &caller.workspace);
    Ok(Json(RulesDocument { now, changes: app.control.rule_versions(&caller.workspace.id).await? }))
}

/// The body when there is one, else the query.
fn read<T: for<'de> Deserialize<'de>>(
    query: Result<Query<T>, QueryRejection>,
    body: &[u8],
) -> Result<T, Problem> {
    let invalid = |why: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_body", why);
    match body {
        [] => query.map(|Query(asked)| asked).map_err(|error| invalid(error.body_text())),
        body => {
            serde_json::from_slice(body).map_err(|error| invalid(format!("The body does not read: {error}")))
        }
    }
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Problem {
        let text = error.to_string();
        match error {
            PreviewError::NoWorkspace(_) => Problem::not_found("unknown_workspace", text),
            PreviewError::Window => Problem::invalid("window_days", text),
            PreviewError::Rules(_) | PreviewError::TooMany => Problem::invalid("rules", text),
            PreviewError::Exclusions(_) => Problem::invalid("exclusions", text),
            PreviewError::Bindings(BindingRulesError::Role) => Problem::invalid("role_visitors_max", text),
            PreviewError::Bindings(_) => Problem::invalid("bindings", text),
            PreviewError::NoToken => Problem::invalid("token", text),
            PreviewError::Outdated => Problem::new(StatusCode::CONFLICT, "preview_outdated", text),
            PreviewError::Job(error) => error.into(),
        }
    }
}
