//! The explanation of an order's credits: the same computation as [`super::credits`], told step by step.
//!
//! The numbers come from [`super::credits`] itself; floors, remainders and units left over are told by
//! [`crate::money::shares`], which allocates with the same code. This never computes a credit of its own.

use std::collections::HashSet;

use serde::Serialize;

use super::credit::Looked;
use super::{
    Booked, Credit, Earner, Entry, Filter, MODELS, Model, ORDER_PARTS, RULES_VERSION, Scratch, Touch, credits,
};
use crate::ids::HitId;
use crate::journey::{Standing, Window, judge};
use crate::money::shares;

/// Everything about how one order's credits came to be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Version of the rules that decide credits.
    pub rules_version: u32,
    pub anchor_ms: i64,
    pub window: Window,
    /// The first millisecond inside the window; absent when the window has no bound.
    pub window_start_ms: Option<i64>,
    pub amount_minor: i64,
    /// By how much the refunds exceed the order; not booked.
    pub refund_excess_minor: i64,
    /// Every touch that was looked at, by (time, id).
    pub candidates: Vec<Candidate>,
    /// Who gets everything when no touch is eligible: `direct` or `unattributed`; absent otherwise.
    pub without_touches: Option<Earner>,
    /// One per model, in the order of the list of models.
    pub models: Vec<ModelExplanation>,
}

/// One touch that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The hit that opened the touch.
    pub touch: HitId,
    pub at_ms: i64,
    pub direct: bool,
    /// Id of the touch's set of dimension values.
    pub facet: u64,
    /// Whether it may earn credit, or why not.
    pub standing: Standing,
}

/// What one model makes of the eligible touches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelExplanation {
    pub model: &'static str,
    pub title: &'static str,
    pub filter: Filter,
    /// One per eligible touch.
    pub verdicts: Vec<Verdict>,
    /// The order, then each refund and reversal in the order they were booked.
    pub entries: Vec<EntryLine>,
}

/// What the model makes of one eligible touch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Index into the candidates.
    pub candidate: usize,
    pub age_seconds: i64,
    /// Absent when the model's filter dropped the touch because it is Direct and others are not.
    pub weight: Option<u64>,
    /// Parts per million of the order count.
    pub parts: i64,
}

/// One entry of the order, allocated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntryLine {
    /// `order`, `refund` or `reversal`.
    pub entry: &'static str,
    /// The refund's id in hex; absent for the order.
    pub refund_id: Option<String>,
    pub amount_minor: i64,
    /// One per touch that took part; they add up to `amount_minor`.
    pub shares: Vec<ShareLine>,
}

/// The part of one touch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareLine {
    /// Index into the candidates; absent for the part that goes to Direct or Unattributed.
    pub candidate: Option<usize>,
    /// The model's weight for the order, what remained on the touch for a refund.
    pub weight: u64,
    /// `floor(amount · weight / sum of weights)`, absolute.
    pub floor_minor: u64,
    /// What the division left; the largest get the units left over, later touches first among equals.
    pub remainder: u128,
    /// Units left over that this touch got.
    pub leftover_minor: u64,
    /// The credit, with its sign.
    pub credit_minor: i64,
}

/// Explains the credits of one order from all its touches, eligible or not, in any order. Touches of the facets
/// `excluded` may not earn.
pub fn explain(
    mut touches: Vec<Touch>,
    excluded: &HashSet<u64>,
    anchor_ms: i64,
    window: Window,
    visitor_known: bool,
    booked: &Booked,
) -> Explanation {
    let mut standings = judge(&mut touches, anchor_ms, window);
    for (touch, standing) in touches.iter().zip(&mut standings) {
        if *standing == Standing::Eligible && excluded.contains(&touch.facet) {
            *standing = Standing::Excluded;
        }
    }
    let mut eligible = Vec::new();
    let mut candidate_of = Vec::new();
    for (at, (&touch, &standing)) in touches.iter().zip(&standings).enumerate() {
        if standing == Standing::Eligible {
            eligible.push(touch);
            candidate_of.push(at);
        }
    }
    let mut rows = Vec::new();
    let outcome = credits(&eligible, anchor_ms, visitor_known, booked, &mut Scratch::default(), &mut rows);
    let candidates = touches.iter().zip(standings).map(|(touch, standing)| Candidate {
        touch: HitId(touch.id),
        at_ms: touch.at_ms,
        direct: touch.direct,
        facet: touch.facet,
        standing,
    });
    let models = MODELS.iter().enumerate().map(|(at, model)| {
        let told = Told { at, eligible: &eligible, candidate_of: &candidate_of, rows: &rows };
        told.model(*model, anchor_ms, booked)
    });
    Explanation {
        rules_version: RULES_VERSION,
        anchor_ms,
        window,
        window_start_ms: (window != Window::Lifetime).then(|| window.start_ms(anchor_ms)),
        amount_minor: booked.amount_minor,
        refund_excess_minor: outcome.refund_excess_minor,
        candidates: candidates.collect(),
        without_touches: eligible.is_empty().then(|| rows.first().map(|row| row.earner)).flatten(),
        models: models.collect(),
    }
}

/// One model's part of the credits, to be told.
struct Told<'a> {
    /// The model's position in the list.
    at: usize,
    eligible: &'a [Touch],
    candidate_of: &'a [usize],
    rows: &'a [Credit],
}

impl Told<'_> {
    fn model(&self, model: &dyn Model, anchor_ms: i64, booked: &Booked) -> ModelExplanation {
        let mut weights = vec![None; self.eligible.len()];
        let mut order_weights = vec![1];
        if !self.eligible.is_empty() {
            let mut looked = Looked::default();
            looked.look(model.filter(), self.eligible, anchor_ms);
            let mut kept_weights = Vec::new();
            model.weigh(&looked.ages_seconds, &mut kept_weights);
            for (&slot, &weight) in looked.kept.iter().zip(&kept_weights) {
                weights[slot as usize] = Some(weight);
            }
            order_weights = weights.iter().map(|weight| weight.unwrap_or(0)).collect();
        }
        let parts = shares(ORDER_PARTS, &order_weights);
        let verdicts = self.eligible.iter().enumerate().map(|(slot, touch)| Verdict {
            candidate: self.candidate_of[slot],
            age_seconds: anchor_ms.saturating_sub(touch.at_ms) / 1000,
            weight: weights[slot],
            parts: parts[slot].part,
        });
        ModelExplanation {
            model: model.name(),
            title: model.title(),
            filter: model.filter(),
            verdicts: verdicts.collect(),
            entries: self.entries(order_weights, booked),
        }
    }

    /// Walks the entries as they were booked, keeping what remains on each touch.
    fn entries(&self, order_weights: Vec<u64>, booked: &Booked) -> Vec<EntryLine> {
        let order = self.line(Entry::Order, booked.amount_minor, &order_weights);
        let mut remaining: Vec<i64> = vec![0; order_weights.len()];
        self.add(Entry::Order, &mut remaining);
        let mut lines = vec![order];
        for run in self.rows.chunk_by(|a, b| a.entry == b.entry) {
            let entry = run[0].entry;
            if entry == Entry::Order {
                continue;
            }
            let amount_minor = run.iter().map(|row| row.amounts[self.at]).sum();
            // A reversal returns what its refund took, so its weights are those amounts.
            let weights: Vec<u64> = match entry {
                Entry::Reversal(_) => {
                    let mut returned = vec![0; remaining.len()];
                    self.add(entry, &mut returned);
                    returned.iter().map(|&minor: &i64| minor.unsigned_abs()).collect()
                }
                Entry::Order | Entry::Refund(_) => {
                    remaining.iter().map(|minor| minor.unsigned_abs()).collect()
                }
            };
            lines.push(self.line(entry, amount_minor, &weights));
            self.add(entry, &mut remaining);
        }
        lines
    }

    /// Adds the credits of `entry` to `slots`.
    fn add(&self, entry: Entry, slots: &mut [i64]) {
        for row in self.rows.iter().filter(|row| row.entry == entry) {
            slots[slot_of(row.earner)] += row.amounts[self.at];
        }
    }

    fn line(&self, entry: Entry, amount_minor: i64, weights: &[u64]) -> EntryLine {
        let (name, refund_id) = match entry {
            Entry::Order => ("order", None),
            Entry::Refund(id) => ("refund", Some(id)),
            Entry::Reversal(id) => ("reversal", Some(id)),
        };
        let told = shares(amount_minor, weights).into_iter().zip(weights).enumerate();
        let told = told.filter(|(_, (share, weight))| **weight != 0 || share.part != 0);
        let told = told.map(|(slot, (share, &weight))| ShareLine {
            candidate: self.candidate_of.get(slot).copied(),
            weight,
            floor_minor: share.floor,
            remainder: share.remainder,
            leftover_minor: share.leftover,
            credit_minor: share.part,
        });
        EntryLine {
            entry: name,
            refund_id: refund_id.map(|id| format!("{id:032x}")),
            amount_minor,
            shares: told.collect(),
        }
    }
}

/// The row of an earner; without touches there is one row.
fn slot_of(earner: Earner) -> usize {
    match earner {
        Earner::Touch(at) => at as usize,
        Earner::Direct | Earner::Unattributed => 0,
    }
}
