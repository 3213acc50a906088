//! The check of partners' statements. Only reads.

use super::{Finding, JobError, OFFENDERS_MAX, finding};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;

/// No partner's statement was changed, none is missing, and the ledger still holds what they say.
pub(super) async fn stated(app: &App, workspace_id: &str) -> Result<Finding, JobError> {
    let workspace = app.directory().workspaces.get(workspace_id).cloned();
    let chains = match workspace {
        Some(workspace) => Affiliates::of(app, &workspace).prove_all_partner_statements().await,
        None => Ok(Vec::new()),
    };
    let chains = chains.map_err(|error| match error {
        AffiliateError::Control(error) => JobError::Control(error),
        other => JobError::Damaged { what: "partner's statement", why: other.to_string() },
    })?;
    let faults = chains
        .iter()
        .flat_map(|chain| chain.faults.iter().map(|fault| format!("{}: {fault}", chain.partner)));
    let mut faults: Vec<String> = faults.collect();
    let failures = faults.len() as u64;
    faults.truncate(OFFENDERS_MAX);
    let what = "every partner's statement is as it was made, none is missing, and the ledger says the same";
    Ok(finding("partner_statements", what, failures, faults))
}
