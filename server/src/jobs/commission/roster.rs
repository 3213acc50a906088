//! Who is who in a workspace's programmes, read from the control store. Decides nothing.

use domain::affiliate::{Member, Owner, Program, Roster};

use super::super::JobError;
use crate::app::App;

/// Everybody; empty when there is no programme.
pub(super) async fn roster(app: &App, workspace_id: &str) -> Result<Roster, JobError> {
    let programs: Vec<Program> =
        app.control.programs(workspace_id).await?.into_iter().map(|stored| stored.program).collect();
    let mut roster = Roster { programs, ..Roster::default() };
    if roster.programs.is_empty() {
        return Ok(roster);
    }
    let mut statuses = app.control.partner_statuses(workspace_id).await?;
    let mut groups = app.control.group_members(workspace_id).await?;
    for (partner, program) in app.control.partner_programs(workspace_id).await? {
        let statuses = statuses.remove(&partner).unwrap_or_default();
        let groups = groups.remove(&partner).unwrap_or_default();
        roster.partners.insert(partner, Member { program, statuses, groups });
    }
    for link in app.control.links().await?.into_iter().filter(|link| link.workspace_id == workspace_id) {
        let owner = Owner { partner: link.partner_id, archived_at_ms: link.archived_at_ms };
        roster.links.insert(link.code.to_string(), owner);
    }
    for coupon in app.control.coupons(workspace_id).await? {
        let owner = Owner { partner: coupon.partner_id, archived_at_ms: coupon.archived_at_ms };
        roster.coupons.insert(coupon.code, owner);
    }
    Ok(roster)
}

/// What the terms of a workspace ask for beyond the orders at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Whether some rule asks for a customer's first order.
    pub first_orders: bool,
    /// Whether some terms have tiers.
    pub volumes: bool,
    /// How far before a purchase a click may have been, at most.
    pub window_ms: i64,
}

impl Needs {
    /// What either needs.
    pub fn or(self, other: Needs) -> Needs {
        Needs {
            first_orders: self.first_orders || other.first_orders,
            volumes: self.volumes || other.volumes,
            window_ms: self.window_ms.max(other.window_ms),
        }
    }

    pub fn of(roster: &Roster) -> Needs {
        let days = roster.all_terms().map(|terms| terms.window_days).max().unwrap_or(0);
        Needs {
            first_orders: roster.all_terms().any(|terms| terms.rules.iter().any(|rule| rule.first_order)),
            volumes: roster.all_terms().any(|terms| terms.tiers.is_some()),
            window_ms: i64::from(days) * super::DAY_MS,
        }
    }
}
