//! What a change of the rules would move, before it is made: another window, another basis of revenue, other rules of
//! channels, other visits that may earn, other bindings that count, or nothing but what has become known since. Looking changes nothing. Applying
//! makes exactly what was looked at: it computes the difference anew and refuses when it is another one.

mod change;
mod look;
mod sums;

use domain::attribution::{DEFAULT_MODEL, MODELS};
use domain::identity::BindingRulesError;
use domain::ids::OrderId;
use domain::visit::{RULES_MAX, RuleError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Turn, post_orders, reclassify};
use crate::app::App;
use crate::control::ControlError;
use crate::control::rule_versions::{RuleTerms, RuleVersion};
use crate::control::workspaces::Settings;
use crate::jobs::{JobError, commission, resolve};

pub use change::{Change, Given};
use change::{Rules, WINDOW_DAYS_MAX, change_of};
use look::{after, look};
use sums::Sums;

/// Orders looked at, or posted, at once.
const CHUNK: usize = 500;

/// The difference a change would make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Preview {
    /// Give it to `…/apply` to make exactly this change.
    pub token: String,
    pub window_days_from: u32,
    pub window_days_to: u32,
    pub basis_from: String,
    pub basis_to: String,
    /// The workspace's own rules of channels, in their order.
    #[schema(example = json!(["source=partnerblog -> Affiliates"]))]
    pub rules_from: Vec<String>,
    pub rules_to: Vec<String>,
    /// Which visits may not earn.
    #[schema(example = json!(["channel=Direct"]))]
    pub exclusions_from: Vec<String>,
    pub exclusions_to: Vec<String>,
    /// By what a sale may be joined to visits, beside a visitor's id on the sale itself.
    #[schema(example = json!(["email", "folded_email", "user", "customer", "handover"]))]
    pub bindings_from: Vec<String>,
    pub bindings_to: Vec<String>,
    /// Visitors that an address of a role (`billing@`) may be bound to before it names nobody.
    pub role_visitors_max_from: u32,
    pub role_visitors_max_to: u32,
    /// The model the amounts are shown under; every model is changed.
    pub model: String,
    /// Visits that would be of another channel, source or other value.
    pub visits: u64,
    /// Orders whose credits would change under some model.
    pub orders: u64,
    /// What each channel has and would have of these orders, in minor units.
    pub channels: Vec<Moved>,
    /// Per currency, what all channels together would have more or less: zero, but for another basis, which brings
    /// the tax in or leaves it out.
    pub differences: Vec<Difference>,
    /// The first hundred of the orders, by id.
    pub examples: Vec<MovedOrder>,
}

/// One channel's net money of the orders that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Moved {
    pub channel: String,
    pub currency: String,
    pub from: i64,
    pub to: i64,
    pub difference: i64,
}

/// A currency's balance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Difference {
    pub currency: String,
    /// Of all channels.
    pub difference: i64,
    /// What the other basis brings by itself, from the orders: the same number.
    pub declared: i64,
}

/// One order that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MovedOrder {
    #[schema(example = "ord_193c6946bbf9b39090f274b5bfb5ef55")]
    pub order_id: String,
    pub channels: Vec<Moved>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Applied {
    pub orders: u64,
    /// Visits that are of another channel, source or other value now.
    pub visits: u64,
    /// Rows of credits written: cancelled and new ones.
    pub written: u64,
}

/// Why a preview was not shown or not applied.
#[derive(Debug, Error)]
pub enum PreviewError {
    #[error("there is no workspace {0:?}")]
    NoWorkspace(String),
    #[error("window_days: use a whole number from 1 to {WINDOW_DAYS_MAX}")]
    Window,
    #[error("rules: {0}")]
    Rules(RuleError),
    #[error("exclusions: {0}")]
    Exclusions(RuleError),
    #[error(transparent)]
    Bindings(#[from] BindingRulesError),
    #[error("rules and exclusions: at most {RULES_MAX} each")]
    TooMany,
    #[error("this is no token of a preview; give the one that the preview answered, unchanged")]
    NoToken,
    #[error(
        "orders, visits or settings changed since the preview, so that it would move other money; look again"
    )]
    Outdated,
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<ControlError> for PreviewError {
    fn from(error: ControlError) -> PreviewError {
        PreviewError::Job(error.into())
    }
}

/// The difference a change would make, told under one model. Writes nothing.
pub async fn preview(
    app: &App,
    workspace_id: &str,
    change: Change,
    model: Option<usize>,
) -> Result<Preview, PreviewError> {
    let rules = Rules::of(app, workspace_id, change)?;
    let _turn = Turn::take(app).await?;
    let supposed = after(app, &rules).await?;
    let looked = look(app, &rules, &supposed).await?;
    let model = model.unwrap_or(DEFAULT_MODEL);
    let sums = Sums::of(app, &rules, &supposed, &looked, model).await?;
    let (before, after) = (rules.before(), &rules.after);
    Ok(Preview {
        token: rules.token(&looked.digest),
        window_days_from: rules.days.0,
        window_days_to: rules.days.1,
        basis_from: rules.basis.0.name().to_owned(),
        basis_to: rules.basis.1.name().to_owned(),
        rules_from: texts(&before.rules),
        rules_to: texts(&after.rules),
        exclusions_from: texts(&before.exclusions),
        exclusions_to: texts(&after.exclusions),
        bindings_from: kinds(before),
        bindings_to: kinds(after),
        role_visitors_max_from: before.bindings.role_visitors_max(),
        role_visitors_max_to: after.bindings.role_visitors_max(),
        model: MODELS[model].name().to_owned(),
        visits: supposed.visits,
        orders: looked.moved.len() as u64,
        channels: sums.channels(&supposed.facets),
        differences: sums.differences(),
        examples: sums.orders(&supposed.facets),
    })
}

/// Rules or exclusions as people write them.
pub fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// The names of the bindings that count.
fn kinds(settings: &Settings) -> Vec<String> {
    texts(&settings.bindings.kinds().collect::<Vec<_>>())
}

/// Makes the change a preview showed: keeps the settings, writes the visits anew that come from elsewhere now and the
/// orders that are joined to others, and posts the difference; or refuses when it has become another one. A crash in
/// between leaves the new settings, and some visits and orders to a preview of no change, or of the same bindings.
pub async fn apply(app: &App, workspace_id: &str, given: &str) -> Result<Applied, PreviewError> {
    let change = change_of(given).ok_or(PreviewError::NoToken)?;
    let turn = Turn::take(app).await?;
    // As the settings are now: whoever held the lock, or another command, may have written them.
    app.reload_directory().await?;
    let rules = Rules::of(app, workspace_id, change)?;
    let looked = look(app, &rules, &after(app, &rules).await?).await?;
    let now = rules.token(&looked.digest);
    if now != given {
        return Err(PreviewError::Outdated);
    }
    let mut applied = Applied { orders: looked.moved.len() as u64, visits: 0, written: 0 };
    if rules.after != *rules.before() {
        let mut workspace = rules.workspace.clone();
        workspace.settings = rules.after.clone();
        let now_ms = app.clock.now_ms();
        app.control.update_workspace(&workspace, now_ms).await?;
        let terms = RuleTerms::of(app, &workspace);
        app.control.keep_rule_version(&RuleVersion::of(&workspace, terms, applied.orders, now_ms)).await?;
        app.reload_directory().await?;
    }
    applied.visits = reclassify::write(app, workspace_id, &rules.after).await?;
    if rules.joins() {
        resolve::read_anew(app, workspace_id).await?;
    }
    for chunk in looked.moved.chunks(CHUNK) {
        let orders: Vec<OrderId> = chunk.iter().map(|&id| OrderId(id)).collect();
        applied.written += post_orders(app, workspace_id, &orders).await?.written;
    }
    drop(turn);
    // Visits that come from elsewhere may be another partner's, or nobody's.
    commission::accrue_all(app, workspace_id).await?;
    tracing::info!(
        workspace = workspace_id,
        "a change was applied: {} visits and {} orders moved",
        applied.visits,
        applied.orders
    );
    Ok(applied)
}
