//! Whether what leaves arrives: endpoints that are told of nothing any more, and payouts PayPal does not take.

use super::Finding;
use crate::control::workspaces::Workspace;
use crate::control::{Control, ControlError};
use crate::secrets::Secrets;

pub async fn check(control: &Control, secrets: &Secrets, workspaces: &[Workspace]) -> Vec<Finding> {
    look(control, secrets, workspaces)
        .await
        .unwrap_or_else(|error| vec![Finding::broken("what leaves", error.to_string())])
}

async fn look(
    control: &Control,
    secrets: &Secrets,
    workspaces: &[Workspace],
) -> Result<Vec<Finding>, ControlError> {
    let mut findings = Vec::new();
    for workspace in workspaces {
        for endpoint in control.endpoints(&workspace.id, secrets).await? {
            let what = format!("endpoint {}", endpoint.id);
            match (&endpoint.disabled_why, endpoint.failing_since_ms) {
                (Some(why), _) => findings.push(Finding::careful(what, format!("is told of nothing: {why}"))),
                (None, Some(_)) => {
                    let detail = "takes nothing at present; `tributary endpoint deliveries` shows why";
                    findings.push(Finding::careful(what, detail));
                }
                (None, None) => findings.push(Finding::fine(what, "takes what it is told")),
            }
        }
    }
    for batch in control.troubled_paypal_batches().await? {
        let what = format!("payout {}", batch.payout_id);
        findings.push(Finding::careful(what, format!("{}; it is tried again", batch.problem)));
    }
    Ok(findings)
}
