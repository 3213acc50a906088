//! Workspaces: one merchant's data, and the settings its hits and reports are read by.

use domain::affiliate::flag::Limits;
use domain::identity::BindingRules;
use domain::order::Basis;
use domain::visit::{Exclusion, WorkspaceRule};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};

/// One merchant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// `ws_…`, as written in the script tag.
    pub id: String,
    pub name: String,
    /// IANA name; days of every report are days there.
    pub timezone: String,
    /// Currency reports convert to.
    pub currency: String,
    pub settings: Settings,
}

/// What a merchant can choose. Kept as JSON, so a new setting needs no migration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Hosts or registrable domains of the merchant's own sites; hits from other origins are refused.
    /// `localhost` and loopback addresses are allowed only when listed. Empty: every origin.
    pub domains: Vec<String>,
    /// Query parameters that carry a partner code.
    pub ref_params: Vec<String>,
    /// Partner codes known to the workspace.
    pub partner_codes: Vec<String>,
    /// Days before the purchase in which a touch can earn; none: the configured default.
    pub window_days: Option<u32>,
    /// Further metadata keys that carry a visitor id, beside `tributary_visitor_id`.
    pub metadata_keys: Vec<String>,
    /// What counts as revenue in reports that do not say.
    pub basis: Basis,
    /// The merchant's own rules of channels; the first that fits wins, before every rule of ours.
    pub rules: Vec<WorkspaceRule>,
    /// Counts the changes of `rules`; visits keep the version they were classified by.
    pub rules_version: u32,
    /// Visits that may not earn.
    pub exclusions: Vec<Exclusion>,
    /// Which bindings may join a sale to visits.
    pub bindings: BindingRules,
    /// Origins whose pages may show the partners' pages in a frame; empty: none.
    pub portal_frames: Vec<String>,
    /// From where on commissions are doubted.
    pub flag_limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            domains: Vec::new(),
            ref_params: ["ref", "via", "aff"].map(str::to_owned).to_vec(),
            partner_codes: Vec::new(),
            window_days: None,
            metadata_keys: Vec::new(),
            basis: Basis::Net,
            rules: Vec::new(),
            rules_version: 0,
            exclusions: Vec::new(),
            bindings: BindingRules::default(),
            portal_frames: Vec::new(),
            flag_limits: Limits::default(),
        }
    }
}

impl Control {
    /// Adds a workspace; an id that exists is an error.
    pub async fn create_workspace(&self, workspace: &Workspace, now_ms: i64) -> Result<(), ControlError> {
        let settings = serde_json::to_string(&workspace.settings).expect("settings are plain values");
        let added = sqlx::query(
            "INSERT INTO workspaces (id, name, timezone, currency, settings, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&workspace.id)
        .bind(&workspace.name)
        .bind(&workspace.timezone)
        .bind(&workspace.currency)
        .bind(settings)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        if added.rows_affected() == 0 {
            return Err(ControlError::Exists(workspace.id.clone()));
        }
        Ok(())
    }

    /// Replaces name, time zone, currency and settings.
    pub async fn update_workspace(&self, workspace: &Workspace, now_ms: i64) -> Result<(), ControlError> {
        let settings = serde_json::to_string(&workspace.settings).expect("settings are plain values");
        sqlx::query(
            "UPDATE workspaces SET name = $2, timezone = $3, currency = $4, settings = $5, updated_at_ms = $6 \
             WHERE id = $1",
        )
        .bind(&workspace.id)
        .bind(&workspace.name)
        .bind(&workspace.timezone)
        .bind(&workspace.currency)
        .bind(settings)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Every workspace, by id.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, ControlError> {
        let rows = sqlx::query("SELECT id, name, timezone, currency, settings FROM workspaces ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<Workspace, ControlError> {
    let settings: String = row.get(4);
    Ok(Workspace {
        id: row.get(0),
        name: row.get(1),
        timezone: row.get(2),
        currency: row.get(3),
        settings: serde_json::from_str(&settings)
            .map_err(|error| ControlError::Damaged { what: "workspace settings", why: error.to_string() })?,
    })
}
