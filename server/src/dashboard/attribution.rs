//! The page of the rules: which visits earn, in which channel, how long back. A change is shown as a difference per channel
//! and order before anything is made of it, and made exactly as it was shown.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::Response;
use domain::attribution::{MODELS, model_index};
use domain::identity::{BindingKind, BindingRules, BindingRulesError};
use domain::order::Basis;
use serde::Deserialize;

use super::page::{Viewer, failed, shown};
use super::show;
use crate::app::App;
use crate::control::keys::Scope;
use crate::control::rule_versions::{RuleTerms, RuleVersion};
use crate::http::attribution::lines;
use crate::http::auth::Reader;
use crate::http::problem::Problem;
use crate::jobs::attribute::preview::{
    self, Applied, Change, Given, Moved, MovedOrder, Preview, PreviewError,
};

/// Orders named on the page; the answer of the API has a hundred.
const ORDERS_SHOWN: usize = 20;

/// What the form says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Picked {
    window_days: Option<String>,
    basis: Option<String>,
    rules: Option<String>,
    exclusions: Option<String>,
    /// Boxes that are ticked; one that is not says nothing.
    email: Option<String>,
    folded_email: Option<String>,
    user: Option<String>,
    customer: Option<String>,
    handover: Option<String>,
    role_visitors_max: Option<String>,
    model: Option<String>,
    /// Of the preview that is to be applied.
    token: Option<String>,
}

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

struct Line {
    channel: String,
    from: String,
    to: String,
    difference: String,
    currency: String,
    is_gain: bool,
}

struct Balance {
    currency: String,
    difference: String,
    is_even: bool,
    /// Whether the other basis explains all of it.
    is_declared: bool,
}

struct Order {
    id: String,
    moves: String,
}

struct Difference {
    token: String,
    visits: String,
    orders: String,
    is_nothing: bool,
    model: &'static str,
    lines: Vec<Line>,
    balances: Vec<Balance>,
    examples: Vec<Order>,
    more: u64,
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

impl Picked {
    /// Whether the form was sent, with all of its boxes.
    fn is_sent(&self) -> bool {
        self.role_visitors_max.is_some()
    }

    fn ticks(&self, kind: BindingKind) -> bool {
        let tick = match kind {
            BindingKind::Email => &self.email,
            BindingKind::FoldedEmail => &self.folded_email,
            BindingKind::User => &self.user,
            BindingKind::Customer => &self.customer,
            BindingKind::Handover => &self.handover,
        };
        tick.is_some()
    }

    /// The bindings that are ticked, and the bound of addresses of roles, as far as they are others than those of now:
    /// joining every sale anew takes its time.
    fn bindings(&self, now: &BindingRules) -> Result<(Option<Vec<String>>, Option<u32>), PreviewError> {
        let Some(role) = &self.role_visitors_max else { return Ok((None, None)) };
        let role: u32 = role.trim().parse().map_err(|_| BindingRulesError::Role)?;
        let ticked = BindingKind::ALL.into_iter().filter(|kind| self.ticks(*kind));
        let is_same = BindingKind::ALL.into_iter().all(|kind| self.ticks(kind) == now.uses(kind));
        let names = ticked.map(|kind| kind.name().to_owned()).collect();
        Ok(((!is_same).then_some(names), (role != now.role_visitors_max()).then_some(role)))
    }
}

async fn look(app: &App, reader: &Reader, picked: &Picked) -> Result<Preview, PreviewError> {
    let days =
        picked.window_days.as_deref().map(|days| days.trim().parse().map_err(|_| PreviewError::Window));
    let basis = Basis::ALL.into_iter().find(|basis| Some(basis.name()) == picked.basis.as_deref());
    let (bindings, role_visitors_max) = picked.bindings(&reader.workspace.settings.bindings)?;
    let change = Change::read(&Given {
        window_days: days.transpose()?,
        basis,
        rules: picked.rules.as_deref().map(lines),
        exclusions: picked.exclusions.as_deref().map(lines),
        bindings,
        role_visitors_max,
    })?;
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

fn difference(found: Preview) -> Difference {
    let model = model_index(&found.model).unwrap_or(domain::attribution::DEFAULT_MODEL);
    Difference {
        token: found.token,
        visits: show::counted(found.visits, "visit"),
        orders: show::counted(found.orders, "order"),
        is_nothing: found.visits == 0 && found.orders == 0,
        model: MODELS[model].title(),
        lines: found.channels.iter().map(line).collect(),
        balances: found
            .differences
            .iter()
            .map(|balance| Balance {
                currency: balance.currency.clone(),
                difference: amount(balance.difference, &balance.currency),
                is_even: balance.difference == 0,
                is_declared: balance.difference == balance.declared,
            })
            .collect(),
        more: found.orders.saturating_sub(ORDERS_SHOWN as u64),
        examples: found.examples.iter().take(ORDERS_SHOWN).map(order).collect(),
    }
}

fn amount(minor: i64, code: &str) -> String {
    show::digits(minor, show::currency(code))
}

fn line(moved: &Moved) -> Line {
    Line {
        channel: moved.channel.clone(),
        from: amount(moved.from, &moved.currency),
        to: amount(moved.to, &moved.currency),
        difference: show::signed(moved.difference, show::currency(&moved.currency)),
        currency: moved.currency.clone(),
        is_gain: moved.difference > 0,
    }
}

/// `Email −24.50, Affiliates +24.50 USD`.
fn order(order: &MovedOrder) -> Order {
    let moves: Vec<String> = order
        .channels
        .iter()
        .map(|moved| {
            format!(
                "{} {} {}",
                moved.channel,
                show::signed(moved.difference, show::currency(&moved.currency)),
                moved.currency
            )
        })
        .collect();
    let moves = match moves.is_empty() {
        true => "within its channels, or under another model".to_owned(),
        false => moves.join(", "),
    };
    Order { id: order.order_id.clone(), moves }
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
