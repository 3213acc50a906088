//! Who is who in a workspace's programmes: partners and where they stood when, whose a link or a coupon is, and which
//! terms are whose. Never looks at an order.

use std::collections::HashMap;

use super::PartnerStatus;
use super::terms::{Terms, TermsVersion, in_force};

/// A partner, as far as earning goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub program: String,
    /// Since when the partner stands how, oldest first.
    pub statuses: Vec<(i64, PartnerStatus)>,
    /// Since when the partner is in which group of the programme, oldest first; in none before, and where none stands.
    pub groups: Vec<(i64, Option<String>)>,
}

impl Member {
    /// Whether the partner was approved at a moment.
    pub fn is_approved_at(&self, at_ms: i64) -> bool {
        let last = self.statuses.iter().rfind(|(from_ms, _)| *from_ms <= at_ms);
        last.is_some_and(|(_, status)| *status == PartnerStatus::Approved)
    }

    /// The group the partner was in at a moment.
    pub fn group_at(&self, at_ms: i64) -> Option<&str> {
        let last = self.groups.iter().rfind(|(from_ms, _)| *from_ms <= at_ms);
        last.and_then(|(_, group)| group.as_deref())
    }
}

/// Whose a link or a coupon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub partner: String,
    /// Clicks from then on, and coupons redeemed from then on, earn nothing.
    pub archived_at_ms: Option<i64>,
}

impl Owner {
    pub fn is_archived_at(&self, at_ms: i64) -> bool {
        self.archived_at_ms.is_some_and(|archived_at_ms| archived_at_ms <= at_ms)
    }
}

/// A programme's terms, all versions, those of its groups among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub id: String,
    pub versions: Vec<TermsVersion>,
}

/// Everybody, by the partner's id, and everything that leads to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    pub partners: HashMap<String, Member>,
    /// By code, lower case.
    pub links: HashMap<String, Owner>,
    /// By the discount's code, upper case.
    pub coupons: HashMap<String, Owner>,
    pub programs: Vec<Program>,
}

impl Roster {
    pub fn program(&self, id: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.id == id)
    }

    /// The programme's own terms in force at a moment; of a partner's group never.
    pub fn terms_of_program(&self, program: &str, at_ms: i64) -> Option<&Terms> {
        in_force(&self.program(program)?.versions, None, at_ms).map(|version| &version.terms)
    }

    /// The terms a payment of that moment earns this partner under: those of the partner's group, or the programme's.
    pub fn terms_of_partner(&self, partner: &str, at_ms: i64) -> Option<&TermsVersion> {
        let member = self.partners.get(partner)?;
        in_force(&self.program(&member.program)?.versions, member.group_at(at_ms), at_ms)
    }

    /// Every version of every programme's terms.
    pub fn all_terms(&self) -> impl Iterator<Item = &Terms> {
        self.programs.iter().flat_map(|program| &program.versions).map(|version| &version.terms)
    }
}
