//! Partners, links and open balances out of another tool's file: looked at line by line, then brought over as they were
//! looked at, whole or not at all. The same file again adds nothing. Never changes what is there.

mod known;
mod line;
mod plan;

use domain::affiliate::import::{Column, Reading, Tool, Unit};
use domain::money::Currency;
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::imports::{Additions, StoredImport};

/// What the file does not say itself.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ImportParams {
    /// Of amounts that do not say theirs, `USD`.
    #[param(example = "USD")]
    pub currency: Option<String>,
    /// What a plain whole number is: `major` (1250 dollars) or `minor` (1250 cents). Of Dub's it is known; a file of the
    /// others with such numbers has to say.
    pub unit: Option<String>,
    /// Landing page of the links: an address on one of the workspace's hosts; its first domain when left out.
    pub destination: Option<String>,
    /// From the preview; needed to apply.
    pub token: Option<String>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineOutcome {
    /// Something of it is new, and is brought over.
    Imported,
    /// All of it is there already.
    Known,
    /// There is nothing to bring over.
    Nothing,
    /// It is not brought over; `field` and `reason` say why.
    Rejected,
}

impl LineOutcome {
    pub fn name(self) -> &'static str {
        match self {
            LineOutcome::Imported => "imported",
            LineOutcome::Known => "known",
            LineOutcome::Nothing => "nothing",
            LineOutcome::Rejected => "rejected",
        }
    }
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineDocument {
    /// The header is on line 1.
    pub line: usize,
    pub outcome: LineOutcome,
    /// What is new by it: `partner`, `link`, `balance`.
    pub adds: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Minor units of an open balance, new or known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What is wrong: `email`, `name`, `status`, `code`, `payout`, `amount`, `currency`, or `line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Open balances of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BalancesDocument {
    pub currency: String,
    pub balances: u64,
    /// Minor units.
    pub total: i64,
}

/// One column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ColumnDocument {
    #[schema(example = "Unpaid")]
    pub heading: String,
    /// `email`, `link code`, `amount owed`, …; absent when nothing of it is brought over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "amount owed")]
    pub read_as: Option<String>,
}

/// A file, looked at or applied. Every line that is no blank one is there once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportDocument {
    pub program: String,
    /// `rewardful`, `firstpromoter`, `dub`.
    pub tool: String,
    /// What is new.
    pub partners: u64,
    pub links: u64,
    pub balances: Vec<BalancesDocument>,
    /// Lines by what becomes of them.
    pub imported: u64,
    pub known: u64,
    pub nothing: u64,
    pub rejected: u64,
    /// Every column, in the file's order.
    #[serde(default)]
    pub columns: Vec<ColumnDocument>,
    pub lines: Vec<LineDocument>,
    /// Apply with it exactly what is shown here; absent when nothing is new. Once applied, the import's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at_ms: Option<i64>,
}

/// Files brought over, newest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportList {
    pub rows: Vec<ImportDocument>,
}

impl ColumnDocument {
    fn of(column: Column) -> ColumnDocument {
        ColumnDocument { heading: column.heading, read_as: column.read_as.map(str::to_owned) }
    }
}

impl Affiliates<'_> {
    /// What a file would bring. Moves nothing.
    pub async fn preview_import(
        &self,
        program: &str,
        tool: &str,
        params: &ImportParams,
        file: &[u8],
    ) -> Result<ImportDocument, AffiliateError> {
        Ok(self.import_plan(program, tool, params, file).await?.document)
    }

    /// Brings over exactly what a preview showed. The same token again answers the same and adds nothing.
    pub async fn apply_import(
        &self,
        program: &str,
        tool: &str,
        params: &ImportParams,
        file: &[u8],
    ) -> Result<ImportDocument, AffiliateError> {
        let program = self.program(program).await?.id;
        let Some(token) = params.token.as_deref().filter(|token| !token.is_empty()) else {
            let detail = "token: look at the file first, and apply with the token of the preview".to_owned();
            return Err(AffiliateError::Invalid { field: "token", detail });
        };
        if let Some(known) = self.stored_import(&program, token).await? {
            return Ok(known);
        }
        let mut plan = self.import_plan(&program, tool, params, file).await?;
        if plan.document.token.as_deref() != Some(token) {
            return Err(AffiliateError::ImportOutdated);
        }
        plan.document.applied_at_ms = Some(self.now_ms);
        let import = StoredImport {
            id: token.to_owned(),
            workspace_id: self.workspace.id.clone(),
            program_id: program.clone(),
            tool: plan.document.tool.clone(),
            result: serde_json::to_string(&plan.document).expect("plain values"),
            applied_at_ms: self.now_ms,
        };
        let additions = Additions { partners: &plan.partners, links: &plan.links, postings: &plan.postings };
        if !self.control.apply_import(&import, &additions, self.secrets).await? {
            // Somebody applied the same, or what was looked at changed.
            return self.stored_import(&program, token).await?.ok_or(AffiliateError::ImportOutdated);
        }
        Ok(plan.document)
    }

    /// The files brought over into a programme.
    pub async fn imports(&self, program: &str) -> Result<ImportList, AffiliateError> {
        let program = self.program(program).await?.id;
        let all = self.control.imports(&self.workspace.id, None, self.secrets).await?;
        let own = all.iter().rev().filter(|import| import.program_id == program);
        Ok(ImportList { rows: own.map(document).collect::<Result<_, _>>()? })
    }

    async fn stored_import(
        &self,
        program: &str,
        token: &str,
    ) -> Result<Option<ImportDocument>, AffiliateError> {
        let found = self.control.imports(&self.workspace.id, Some(token), self.secrets).await?;
        found.iter().filter(|import| import.program_id == program).map(document).next().transpose()
    }
}

fn document(stored: &StoredImport) -> Result<ImportDocument, AffiliateError> {
    let damaged = |error: serde_json::Error| crate::control::ControlError::Damaged {
        what: "an import",
        why: error.to_string(),
    };
    Ok(serde_json::from_str(&stored.result).map_err(damaged)?)
}

/// How the file is to be read.
fn reading(params: &ImportParams) -> Result<Reading, AffiliateError> {
    let invalid = |field, detail: String| AffiliateError::Invalid { field, detail };
    let currency: Option<Currency> = match params.currency.as_deref().filter(|code| !code.is_empty()) {
        None => None,
        Some(code) => Some(
            code.parse()
                .map_err(|error: domain::money::CurrencyError| invalid("currency", error.to_string()))?,
        ),
    };
    let unit: Option<Unit> = match params.unit.as_deref().filter(|unit| !unit.is_empty()) {
        None => None,
        Some(unit) => Some(
            unit.parse()
                .map_err(|()| invalid("unit", "unit: use major (dollars) or minor (cents)".to_owned()))?,
        ),
    };
    Ok(Reading { currency, unit })
}

fn tool_named(name: &str) -> Result<Tool, AffiliateError> {
    name.parse().map_err(|error: domain::affiliate::import::ToolError| AffiliateError::Invalid {
        field: "tool",
        detail: error.to_string(),
    })
}
