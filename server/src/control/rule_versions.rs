//! By which rules credits were made since when: every change that was applied, for ever.

use domain::identity::{BindingKind, BindingRules};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::workspaces::Workspace;
use super::{Control, ControlError};
use crate::app::App;
use crate::jobs::attribute::preview::texts;

/// The rules after a change that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleVersion {
    /// 1 for the workspace's first change.
    pub number: u64,
    pub applied_at_ms: i64,
    /// Orders whose credits changed.
    pub orders: u64,
    #[serde(flatten)]
    pub terms: RuleTerms,
    #[serde(skip)]
    workspace_id: String,
}

/// Everything that decides which visit earns what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleTerms {
    pub window_days: u32,
    pub basis: String,
    /// The workspace's own rules of channels; the first that fits wins.
    #[schema(example = json!(["source=partnerblog -> Affiliates"]))]
    pub rules: Vec<String>,
    /// Counts the changes of `rules`; visits keep the version they were classified by.
    pub rules_version: u32,
    /// Visits that may not earn.
    #[schema(example = json!(["channel=Direct"]))]
    pub exclusions: Vec<String>,
    /// By what a sale may be joined to visits, beside a visitor's id on the sale itself.
    #[schema(example = json!(["email", "folded_email", "user", "customer", "handover"]))]
    #[serde(default = "every_binding")]
    pub bindings: Vec<String>,
    /// Visitors that an address of a role (`billing@`) may be bound to before it names nobody.
    #[serde(default = "usual_role_visitors_max")]
    pub role_visitors_max: u32,
}

/// Before there was a choice.
fn every_binding() -> Vec<String> {
    texts(&BindingKind::ALL)
}

fn usual_role_visitors_max() -> u32 {
    BindingRules::default().role_visitors_max()
}

impl RuleTerms {
    /// Those of a workspace.
    pub fn of(app: &App, workspace: &Workspace) -> RuleTerms {
        RuleTerms::read(workspace, app.config.attribution.window_days)
    }

    /// Those of a workspace; without a window of its own it has `window_days`, the configured one.
    pub fn read(workspace: &Workspace, window_days: u32) -> RuleTerms {
        let settings = &workspace.settings;
        RuleTerms {
            window_days: settings.window_days.unwrap_or(window_days),
            basis: settings.basis.name().to_owned(),
            rules: texts(&settings.rules),
            rules_version: settings.rules_version,
            exclusions: texts(&settings.exclusions),
            bindings: texts(&settings.bindings.kinds().collect::<Vec<_>>()),
            role_visitors_max: settings.bindings.role_visitors_max(),
        }
    }
}

impl RuleVersion {
    /// A workspace's rules as they are now; its number is found when it is kept.
    pub fn of(workspace: &Workspace, terms: RuleTerms, orders: u64, now_ms: i64) -> RuleVersion {
        RuleVersion { number: 0, applied_at_ms: now_ms, orders, terms, workspace_id: workspace.id.clone() }
    }
}

impl Control {
    /// Keeps the rules after a change, under the next number.
    pub async fn keep_rule_version(&self, version: &RuleVersion) -> Result<(), ControlError> {
        let rules = serde_json::to_string(&version.terms).expect("plain values");
        sqlx::query(
            "INSERT INTO rule_versions (workspace_id, number, rules, orders, applied_at_ms) \
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM rule_versions WHERE workspace_id = $1",
        )
        .bind(&version.workspace_id)
        .bind(rules)
        .bind(i64::try_from(version.orders).unwrap_or(i64::MAX))
        .bind(version.applied_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Every change that was applied, the newest first.
    pub async fn rule_versions(&self, workspace_id: &str) -> Result<Vec<RuleVersion>, ControlError> {
        let rows = sqlx::query(
            "SELECT number, rules, orders, applied_at_ms FROM rule_versions WHERE workspace_id = $1 \
             ORDER BY number DESC",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::any::AnyRow| {
            let rules: String = row.get(1);
            let terms = serde_json::from_str(&rules).map_err(|error| ControlError::Damaged {
                what: "a change of rules",
                why: error.to_string(),
            })?;
            let count = |at: usize| u64::try_from(row.get::<i64, _>(at)).unwrap_or(0);
            Ok(RuleVersion {
                number: count(0),
                applied_at_ms: row.get(3),
                orders: count(2),
                terms,
                workspace_id: workspace_id.to_owned(),
            })
        };
        rows.iter().map(read).collect()
    }
}
