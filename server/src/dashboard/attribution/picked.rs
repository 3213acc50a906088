//! What the form of the rules says, as a browser sends it, and the change it asks for. Pure.

use domain::identity::{BindingKind, BindingRules, BindingRulesError};
use domain::order::Basis;
use serde::Deserialize;

use crate::http::attribution::lines;
use crate::jobs::attribute::preview::{Change, Given, PreviewError};

/// What the form says.
#[derive(Debug, Default, Deserialize)]
pub struct Picked {
    pub window_days: Option<String>,
    pub basis: Option<String>,
    pub rules: Option<String>,
    pub exclusions: Option<String>,
    /// Boxes that are ticked; one that is not says nothing.
    pub email: Option<String>,
    pub folded_email: Option<String>,
    pub user: Option<String>,
    pub customer: Option<String>,
    pub handover: Option<String>,
    pub role_visitors_max: Option<String>,
    pub model: Option<String>,
    /// Of the preview that is to be applied.
    pub token: Option<String>,
}

impl Picked {
    /// Whether the form was sent, with all of its boxes.
    pub fn is_sent(&self) -> bool {
        self.role_visitors_max.is_some()
    }

    pub fn ticks(&self, kind: BindingKind) -> bool {
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

    /// The change that is asked for.
    pub fn change(&self, now: &BindingRules) -> Result<Change, PreviewError> {
        let days =
            self.window_days.as_deref().map(|days| days.trim().parse().map_err(|_| PreviewError::Window));
        let basis = Basis::ALL.into_iter().find(|basis| Some(basis.name()) == self.basis.as_deref());
        let (bindings, role_visitors_max) = self.bindings(now)?;
        Change::read(&Given {
            window_days: days.transpose()?,
            basis,
            rules: self.rules.as_deref().map(lines),
            exclusions: self.exclusions.as_deref().map(lines),
            bindings,
            role_visitors_max,
        })
    }
}
