//! The page of the rules: which visits earn, in which channel, how long back. A change is shown as a difference per channel
//! and order before anything is made of it, and made exactly as it was shown.

mod difference;
mod picked;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use domain::attribution::{MODELS, model_index};
use domain::identity::{BindingKind, BindingRules};

use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::control::keys::Scope;
use crate::control::rule_versions::{RuleTerms, RuleVersion};
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use crate::jobs::attribute::preview::{self, Applied, Preview, PreviewError};
use difference::{Difference, difference};
use picked::Picked;

struct Choice {
    value: &'static str,
    title: &'static str,
    chosen: bool,
}

/// A box that can be ticked.
struct Tick {
    name: &'static str,
    title: &'static str,
    is_ticked: bool,
}

struct Past {
    number: u64,
    when: String,
    orders: String,
    terms: String,
    lists: Vec<String>,
}

#[derive(Template)]
#[template(path = "attribution.html")]
struct AttributionPage {
    workspace: String,
    window_days: String,
    bases: Vec<Choice>,
    models: Vec<Choice>,
    rules: String,
    rules_height: usize,
    exclusions: String,
    exclusions_height: usize,
    bindings: Vec<Tick>,
    role_visitors_max: String,
    may_apply: bool,
    /// What was done or went wrong, and whether it is bad.
    said: Option<(String, bool)>,
    difference: Option<Difference>,
    past: Vec<Past>,
}

/// `GET /attribution`
pub(super) async fn show(State(app): State<App>, Viewer(reader): Viewer) -> Response {
    page(&app, &reader, &Picked::default(), None, None).await
}

/// `POST /attribution`: shows what a change would move, or makes the change that was shown.
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(picked): Form<Picked>,
) -> Response {
    if let Some(token) = picked.token.clone() {
        return apply(app, reader, token).await;
    }
    match look(&app, &reader, &picked).await {
        Ok(found) => page(&app, &reader, &picked, Some(found), None).await,
        Err(error) => {
            let problem = Problem::from(error);
            page(&app, &reader, &picked, None, Some((problem.detail, true))).await
        }
    }
}

async fn look(app: &App, reader: &Reader, picked: &Picked) -> Result<Preview, PreviewError> {
    let change = picked.change(&reader.workspace.settings.bindings)?;
    let model = picked.model.as_deref().and_then(model_index);
    preview::preview(app, &reader.workspace.id, change, model).await
}

async fn apply(app: App, reader: Reader, token: String) -> Response {
    if !reader.key.allows(Scope::Admin) {
        let said = "This session may not change the rules. Sign in with a key that has the scope admin, or run tributary attribute --apply.";
        return page(&app, &reader, &Picked::default(), None, Some((said.to_owned(), true))).await;
    }
    // A task of its own: a browser that hangs up does not stop it half-way.
    let (of, workspace_id) = (app.clone(), reader.workspace.id.clone());
    let done = tokio::spawn(async move { preview::apply(&of, &workspace_id, &token).await }).await;
    let said = match done {
        Ok(Ok(Applied { visits, orders, .. })) => (
            format!(
                "Applied as shown: {} and {} moved.",
                show::counted(visits, "visit"),
                show::counted(orders, "order")
            ),
            false,
        ),
        Ok(Err(error)) => (Problem::from(error).detail, true),
        Err(error) => return failed(&Problem::internal(error)),
    };
    page(&app, &reader, &Picked::default(), None, Some(said)).await
}

async fn page(
    app: &App,
    reader: &Reader,
    picked: &Picked,
    found: Option<Preview>,
    said: Option<(String, bool)>,
) -> Response {
    // As they stand after what was just done.
    let workspace = app.directory().workspaces.get(&reader.workspace.id).cloned();
    let workspace = workspace.unwrap_or_else(|| reader.workspace.clone());
    let now = RuleTerms::of(app, &workspace);
    let past = match app.control.rule_versions(&workspace.id).await {
        Ok(past) => past,
        Err(error) => return failed(&error.into()),
    };
    let given = |text: &Option<String>, now: String| text.clone().unwrap_or(now);
    let basis = given(&picked.basis, now.basis.clone());
    let model =
        picked.model.clone().unwrap_or_else(|| MODELS[domain::attribution::DEFAULT_MODEL].name().to_owned());
    let (rules, exclusions) =
        (given(&picked.rules, now.rules.join("\n")), given(&picked.exclusions, now.exclusions.join("\n")));
    let counting = &workspace.settings.bindings;
    let ticked = |kind| if picked.is_sent() { picked.ticks(kind) } else { counting.uses(kind) };
    let zone = jiff::tz::TimeZone::get(&workspace.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    let height = |text: &str, least: usize| text.lines().count().clamp(least, 12) + 1;
    shown(&AttributionPage {
        workspace: workspace.name.clone(),
        window_days: given(&picked.window_days, now.window_days.to_string()),
        bases: [("net", "without tax"), ("gross", "with tax")]
            .map(|(value, title)| Choice { value, title, chosen: value == basis })
            .into(),
        models: MODELS
            .iter()
            .map(|known| Choice { value: known.name(), title: known.title(), chosen: known.name() == model })
            .collect(),
        rules_height: height(&rules, 3),
        exclusions_height: height(&exclusions, 2),
        rules,
        exclusions,
        bindings: BindingKind::ALL
            .map(|kind| Tick { name: kind.name(), title: kind.title(), is_ticked: ticked(kind) })
            .into(),
        role_visitors_max: given(&picked.role_visitors_max, now.role_visitors_max.to_string()),
        may_apply: reader.key.allows(Scope::Admin),
        said,
        difference: found.map(difference),
        past: past.iter().map(|version| one_past(version, &zone)).collect(),
    })
}

fn one_past(version: &RuleVersion, zone: &jiff::tz::TimeZone) -> Past {
    let terms = &version.terms;
    let excluded = terms.exclusions.iter().map(|exclusion| format!("earns nothing: {exclusion}"));
    Past {
        number: version.number,
        when: show::moment(version.applied_at_ms, zone),
        orders: show::counted(version.orders, "order"),
        terms: format!(
            "{}, {}",
            show::counted(u64::from(terms.window_days), "day"),
            if terms.basis == "gross" { "with tax" } else { "without tax" }
        ),
        lists: terms.rules.iter().cloned().chain(excluded).chain(bindings_told(terms)).collect(),
    }
}

/// Which bindings count, when not all do or not as usual.
fn bindings_told(terms: &RuleTerms) -> Option<String> {
    let usual = BindingRules::default();
    let is_usual = BindingKind::ALL.iter().all(|kind| terms.bindings.iter().any(|name| name == kind.name()))
        && terms.role_visitors_max == usual.role_visitors_max();
    let names = if terms.bindings.is_empty() { "none".to_owned() } else { terms.bindings.join(", ") };
    (!is_usual).then(|| format!("bindings: {names}; roles up to {}", terms.role_visitors_max))
}
