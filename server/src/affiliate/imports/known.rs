//! What a file is held against: the partners, links and balances that are there. Grows by what the lines before add.

use std::collections::HashMap;

use domain::affiliate::ledger::Balance;
use domain::affiliate::{Commission, LinkCode};

use crate::affiliate::{AffiliateError, Affiliates};
use crate::control::ledger::Which;
use crate::control::partners::Partner;

/// What is there, and what the lines before this one add.
pub(super) struct Known {
    /// By keyed hash of the address.
    pub partners: HashMap<String, Partner>,
    /// Of every workspace: a code is given once.
    pub links: HashMap<LinkCode, String>,
    /// What stood on the first line of each, by its commission.
    pub balances: HashMap<String, (i64, Option<usize>)>,
}

impl Affiliates<'_> {
    /// What is there of a programme.
    pub(super) async fn known(&self, program: &str) -> Result<Known, AffiliateError> {
        let partners = self.control.partners(&self.workspace.id, self.secrets).await?.into_iter();
        let own = partners.filter(|partner| partner.program_id == program);
        let links = self.control.links().await?.into_iter();
        let commissions = self.control.commissions(&self.workspace.id, Which::All).await?.into_iter();
        Ok(Known {
            partners: own.map(|partner| (partner.email_key.clone(), partner)).collect(),
            links: links.map(|link| (link.code, link.partner_id)).collect(),
            balances: commissions.map(|stored| (stored.id, (opening_of(&stored.commission), None))).collect(),
        })
    }
}

/// What a commission began with.
pub(super) fn opening_of(commission: &Commission) -> i64 {
    commission.entries.first().map_or(0, |entry| Balance::of([entry]).earned())
}
