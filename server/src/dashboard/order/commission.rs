//! The commission decision on an order's page: who brought the customer, why the others did not, and the ledger.

use domain::affiliate::Verdict;
use jiff::tz::TimeZone;

use super::super::show;
use crate::report::CommissionDecision;

/// A click or the coupon.
pub(super) struct Claim {
    /// When; empty of a coupon.
    pub when: String,
    pub iso: String,
    pub code: String,
    pub name: String,
    pub earns: bool,
    pub why: String,
}

pub(super) struct Part {
    pub name: String,
    pub code: String,
    pub why: String,
    pub earned: String,
}

pub(super) struct Entry {
    pub when: String,
    pub name: String,
    pub reason: String,
    pub from: String,
    pub to: String,
    pub amount: String,
}

pub(super) struct Commission {
    pub sentence: String,
    pub claims: Vec<Claim>,
    pub parts: Vec<Part>,
    pub entries: Vec<Entry>,
}

impl Commission {
    /// None when no partner's link or coupon played any part.
    pub fn of(
        decision: &CommissionDecision,
        amount: impl Fn(i64) -> String,
        zone: &TimeZone,
    ) -> Option<Commission> {
        let clicks = decision.clicks.iter().map(|click| Claim {
            when: show::moment(click.at_ms, zone),
            iso: show::iso(click.at_ms),
            code: click.code.clone(),
            name: click.name.clone(),
            earns: click.verdict == Verdict::Earns,
            why: click.why.clone(),
        });
        let coupon = decision.coupon.iter().map(|coupon| Claim {
            when: String::new(),
            iso: String::new(),
            code: coupon.code.clone(),
            name: coupon.name.clone(),
            earns: coupon.verdict == Verdict::Earns,
            why: coupon.why.clone(),
        });
        let claims: Vec<Claim> = clicks.chain(coupon).collect();
        let parts = decision.parts.iter().map(|part| Part {
            name: part.name.clone(),
            code: part.code.clone(),
            why: part.why.clone(),
            earned: amount(part.earning.as_ref().map_or(0, |earning| earning.earned)),
        });
        let parts: Vec<Part> = parts.collect();
        let name = |id: &str| {
            let part = decision.parts.iter().find(|part| part.partner == id);
            part.map_or_else(|| id.to_owned(), |part| part.name.clone())
        };
        let entries = decision.ledger.iter().flat_map(|commission| {
            let name = name(&commission.partner);
            let amount = &amount;
            commission.entries.iter().map(move |entry| Entry {
                when: show::moment(entry.at_ms, zone),
                name: name.clone(),
                reason: show::word(entry.reason.name()),
                from: show::word(entry.from.name()),
                to: show::word(entry.to.name()),
                amount: amount(entry.amount),
            })
        });
        let entries: Vec<Entry> = entries.collect();
        let is_nothing = claims.is_empty() && parts.is_empty() && entries.is_empty();
        (!is_nothing).then(|| Commission { sentence: decision.sentence.clone(), claims, parts, entries })
    }
}
