//! What partners would have earned by the payments of some time under other terms: by the same functions that find what
//! is missing in the ledger, beside what the ledger says. Books nothing.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::award::{Award, Commission, Kept, award};
use super::booking::parties;
use super::family::Family;
use super::flag::{Verdicts, judged};
use super::ledger::Balance;
use super::referral::Referral;
use super::roster::Roster;
use super::terms::{Terms, TermsVersion};
use super::volume::{VolumeChange, Volumes, volume_changes};
use super::weigh::referrals;
use crate::ids::OrderId;
use crate::money::Currency;

/// Terms as if they had been in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supposition {
    pub program: String,
    /// The group's terms, or everybody's who is in no group with terms of its own.
    pub group: Option<String>,
    pub terms: Terms,
}

/// One partner's commissions of one currency, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What is left of them by the ledger.
    pub now_minor: i64,
    /// What would be left of them.
    pub then_minor: i64,
    /// Orders that earn the partner something, now or then.
    pub orders: u64,
    /// Of these, those that would earn something else.
    pub changed: u64,
}

impl Compared {
    pub fn difference_minor(self) -> i64 {
        self.then_minor - self.now_minor
    }
}

/// Both, laid side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    pub partners: BTreeMap<(String, Currency), Compared>,
    /// Every order once, also where partners share it.
    pub totals: BTreeMap<Currency, Compared>,
    /// Orders of which the ledger says something else than the standing terms: they wait to be booked.
    pub unbooked: u64,
}

/// By partner and currency.
type Sums = BTreeMap<(String, Currency), i64>;

/// Everybody as they are, but for a programme's terms from the beginning of `range` on.
pub fn suppose(roster: &Roster, range: &Range<i64>, supposition: &Supposition) -> Roster {
    let mut other = roster.clone();
    let Some(program) = other.programs.iter_mut().find(|program| program.id == supposition.program) else {
        return other;
    };
    // What follows within the range gives way; what began before stays for payments of before.
    program.versions.retain(|known| known.group != supposition.group || known.from_ms < range.start);
    let version = program.versions.iter().map(|known| known.version).max().unwrap_or(0) + 1;
    program.versions.push(TermsVersion {
        // Not a number that a commission keeps.
        version: version.saturating_add(1_000_000),
        from_ms: range.start,
        group: supposition.group.clone(),
        terms: supposition.terms.clone(),
    });
    other
}

/// What every payment of `range` earns by the ledger, and would earn under `other`. `families` are all there are, since
/// tiers count what was sold before; `standing` are the commissions of all sales, `verdicts` what was decided about them:
/// what was rejected earns nothing under other terms either. Told are partners of `program`, and of others what would
/// change.
pub fn simulate(
    program: &str,
    families: &[Family],
    roster: &Roster,
    other: &Roster,
    standing: &HashMap<OrderId, Vec<Commission>>,
    verdicts: &Verdicts,
    range: &Range<i64>,
) -> Simulation {
    let (now_volumes, then_volumes) = (volumes(families, roster), volumes(families, other));
    let mut simulation = Simulation::default();
    let is_told = |partner: &str| roster.partners.get(partner).is_some_and(|known| known.program == program);
    for family in families {
        let (brought, supposed) = (referrals(family, roster), referrals(family, other));
        for sale in family.sales.iter().filter(|sale| range.contains(&sale.paid_at_ms)) {
            let own = standing.get(&sale.order).map_or(&[][..], Vec::as_slice);
            let own: Vec<&Commission> = own.iter().filter(|commission| !commission.is_imported()).collect();
            let now_parties = parties(&own, &brought);
            // Who was paid out keeps their part, unless other terms would have named somebody else.
            let then_parties = if supposed == brought { now_parties.clone() } else { supposed.clone() };
            let kept = |partner: &str| {
                let known = own.iter().find(|commission| commission.referral.partner == partner);
                known.map(|commission| commission.kept())
            };
            let as_booked = now_parties.iter().filter_map(|referral| {
                award(family, sale.order, referral, roster, &now_volumes, kept(&referral.partner))
            });
            let as_supposed = then_parties.iter().filter_map(|referral| {
                let kept = supposed_kept(kept(&referral.partner), referral, sale.paid_at_ms, roster, other);
                award(family, sale.order, referral, other, &then_volumes, kept)
            });
            let (recomputed, then) = (sums(as_booked, verdicts), sums(as_supposed, verdicts));
            let ledger = booked(&own);
            simulation.unbooked += u64::from(recomputed != ledger);
            // What the terms do not change stands as it is booked.
            let then = if then == recomputed { ledger.clone() } else { then };
            simulation.compare(&ledger, &then, is_told);
        }
    }
    simulation
}

fn volumes(families: &[Family], roster: &Roster) -> Volumes {
    let changes = families.iter().flat_map(|family| volume_changes(family, roster));
    Volumes::of(changes.collect::<Vec<VolumeChange>>())
}

/// Terms a payment is under then: what its commission keeps, where nothing else is supposed for its moment; else those
/// that are supposed.
fn supposed_kept(
    kept: Option<Kept>,
    referral: &Referral,
    paid_at_ms: i64,
    roster: &Roster,
    other: &Roster,
) -> Option<Kept> {
    let now = roster.terms_of_partner(&referral.partner, paid_at_ms);
    let then = other.terms_of_partner(&referral.partner, paid_at_ms);
    match (kept, then) {
        (Some(kept), Some(then)) if now != Some(then) => {
            Some(Kept { terms_version: then.version, first_order: kept.first_order })
        }
        (kept, _) => kept,
    }
}

/// What is left of awards after what was decided. One of which nothing is left is none.
fn sums(awards: impl Iterator<Item = Award>, verdicts: &Verdicts) -> Sums {
    let mut sums = Sums::new();
    for Award { commission, earnings, .. } in awards {
        let (partner, currency) = (commission.referral.partner, commission.currency);
        let decided = verdicts.get(&(commission.order, partner.clone(), currency));
        let earnings = judged(earnings, decided.map_or(&[], Vec::as_slice));
        let minor: i64 = earnings.iter().map(|earning| earning.amount_minor).sum();
        *sums.entry((partner, currency)).or_default() += minor;
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}

/// What is left of commissions by the ledger.
fn booked(commissions: &[&Commission]) -> Sums {
    let mut sums = Sums::new();
    for commission in commissions {
        let key = (commission.referral.partner.clone(), commission.currency);
        *sums.entry(key).or_default() += Balance::of(&commission.entries).earned();
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}

impl Simulation {
    /// Adds one order.
    fn compare(&mut self, now: &Sums, then: &Sums, is_told: impl Fn(&str) -> bool) {
        let mut keys: Vec<&(String, Currency)> = now.keys().chain(then.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut totals: BTreeMap<Currency, (i64, i64, bool)> = BTreeMap::new();
        for key in keys {
            let minor = |sums: &Sums| sums.get(key).copied().unwrap_or(0);
            let (now_minor, then_minor) = (minor(now), minor(then));
            if now_minor == then_minor && !is_told(&key.0) {
                continue;
            }
            add(
                self.partners.entry(key.clone()).or_default(),
                now_minor,
                then_minor,
                now_minor != then_minor,
            );
            let total = totals.entry(key.1).or_default();
            *total = (total.0 + now_minor, total.1 + then_minor, total.2 || now_minor != then_minor);
        }
        for (currency, (now_minor, then_minor, is_changed)) in totals {
            add(self.totals.entry(currency).or_default(), now_minor, then_minor, is_changed);
        }
    }
}

fn add(compared: &mut Compared, now_minor: i64, then_minor: i64, is_changed: bool) {
    compared.now_minor += now_minor;
    compared.then_minor += then_minor;
    compared.orders += 1;
    compared.changed += u64::from(is_changed);
}
