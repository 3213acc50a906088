//! Credits: the exact part of an order, and of each refund of it, that every model gives to every touch.
//!
//! This runs for every order of a full recompute, so it keeps its memory in a [`Scratch`] and allocates
//! nothing per order. It never looks at identity or windows: the touches it gets are the eligible ones.

use serde::Serialize;

use super::{Filter, MODEL_COUNT, MODELS};
use crate::money::{Allocator, Shape};

/// One order counts as this many parts, allocated like money, so that conversions add up too.
pub const ORDER_PARTS: i64 = 1_000_000;

/// One eligible touch of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The hit that opened the touch; breaks ties in time.
    pub id: u128,
    /// Id of the distinct set of dimension values (channel, source, campaign, …) the touch carries. Not looked
    /// at here; it is what a credit is stored under.
    pub facet: u64,
    /// Whether the touch came without a source.
    pub direct: bool,
}

/// The money of one order, in minor units of its currency, in the basis that is being attributed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booked {
    /// Zero for a trial start, which still counts as an order.
    pub amount_minor: i64,
    /// In any order; each id once.
    pub refunds: Vec<Refund>,
}

/// One refund of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: u128,
    /// The provider's time of the refund.
    pub at_ms: i64,
    /// What was given back, above zero.
    pub amount_minor: i64,
    /// When the provider took the refund back after it had been booked (it failed or was cancelled): an entry
    /// of its own returns to each touch exactly what the refund took from it.
    pub reversed_at_ms: Option<i64>,
}

/// What happened to the order's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entry {
    /// The order itself.
    Order,
    /// The refund with this id; amounts are zero or below.
    Refund(u128),
    /// The end of a refund that did not last; amounts are zero or above.
    Reversal(u128),
}

/// Who gets a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Earner {
    /// The touch at this index of the touches given.
    Touch(u32),
    /// A visitor was known but had no eligible touch.
    Direct,
    /// No visitor was known.
    Unattributed,
}

/// What one earner gets of one entry under each model of [`MODELS`], by its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    pub entry: Entry,
    pub earner: Earner,
    /// Minor units. Over all credits of the order entry they add up to the order under every model, over those
    /// of a refund entry to minus the refund.
    pub amounts: [i64; MODEL_COUNT],
    /// Parts per million of one order; add up to [`ORDER_PARTS`] over the order entry, zero on refunds.
    pub parts: [i32; MODEL_COUNT],
}

/// What [`credits`] has to say beside the credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// By how much the refunds exceed what was left of the order; this much was not booked.
    pub refund_excess_minor: i64,
}

/// Memory that is used again from order to order.
#[derive(Debug, Default)]
pub struct Scratch {
    all: Looked,
    no_direct: Looked,
    weights: Vec<u64>,
    parts: Vec<i64>,
    order_parts: Vec<i64>,
    /// What is left of the order, by model and then by row.
    remaining: Vec<i64>,
    events: Vec<Event>,
    allocator: Allocator,
}

/// The touches that one filter leaves.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Indices into the touches given.
    pub(super) kept: Vec<u32>,
    /// Whole seconds before the anchor.
    pub(super) ages_seconds: Vec<i64>,
}

impl Looked {
    /// Fills `self` with the touches `filter` leaves.
    pub(super) fn look(&mut self, filter: Filter, touches: &[Touch], anchor_ms: i64) {
        let drops_direct = filter == Filter::NoDirect && touches.iter().any(|touch| !touch.direct);
        self.kept.clear();
        self.ages_seconds.clear();
        for (at, touch) in touches.iter().enumerate() {
            if !(drops_direct && touch.direct) {
                self.kept.push(at as u32);
                self.ages_seconds.push(anchor_ms.saturating_sub(touch.at_ms).max(0) / 1000);
            }
        }
    }
}

/// A refund or its reversal in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at_ms: i64,
    id: u128,
    reversal: bool,
    amount_minor: i64,
}

/// Appends to `out` the credits of one order: first those of the order, then those of each refund in the order
/// of (time, id). Credits that are zero under every model are left out.
///
/// `touches` are the eligible ones (see [`crate::journey::eligible`]): sorted by (time, id), each id once, none
/// after the anchor. Without any, everything goes to [`Earner::Direct`] when a visitor is known and to
/// [`Earner::Unattributed`] when none is.
///
/// A refund is allocated over what *remains* on each touch, model by model, so that no touch ever falls below
/// zero and a full refund leaves exactly nothing. What exceeds the rest of the order is not booked and told in
/// the outcome.
pub fn credits(
    touches: &[Touch],
    anchor_ms: i64,
    visitor_known: bool,
    booked: &Booked,
    scratch: &mut Scratch,
    out: &mut Vec<Credit>,
) -> Outcome {
    debug_assert!(touches.is_sorted_by(|a, b| (a.at_ms, a.id) < (b.at_ms, b.id)), "sorted, each id once");
    debug_assert!(touches.last().is_none_or(|last| last.at_ms <= anchor_ms), "no touch after the anchor");
    let start = out.len();
    let nobody = if visitor_known { Earner::Direct } else { Earner::Unattributed };
    push_rows(Entry::Order, touches.len(), nobody, out);
    let rows = &mut out[start..];
    if touches.is_empty() {
        rows[0].amounts = [booked.amount_minor; MODEL_COUNT];
        rows[0].parts = [ORDER_PARTS as i32; MODEL_COUNT];
    } else {
        let Scratch { all, no_direct, weights, parts, order_parts, allocator, .. } = scratch;
        all.look(Filter::All, touches, anchor_ms);
        // Most journeys hold no Direct touch beside others; then both filters leave the same.
        let direct = touches.iter().filter(|touch| touch.direct).count();
        let no_direct = if direct == 0 || direct == touches.len() {
            &*all
        } else {
            no_direct.look(Filter::NoDirect, touches, anchor_ms);
            &*no_direct
        };
        for (at, model) in MODELS.iter().enumerate() {
            let looked = match model.filter() {
                Filter::All => &*all,
                Filter::NoDirect => no_direct,
            };
            model.weigh(&looked.ages_seconds, weights);
            let shape = Shape::of(weights);
            if let Shape::Only(only) = shape {
                let row = &mut rows[looked.kept[only] as usize];
                row.amounts[at] = booked.amount_minor;
                row.parts[at] = ORDER_PARTS as i32;
                continue;
            }
            parts.resize(weights.len(), 0);
            order_parts.resize(weights.len(), 0);
            allocator.allocate_shaped(booked.amount_minor, weights, shape, parts);
            allocator.allocate_shaped(ORDER_PARTS, weights, shape, order_parts);
            for ((&row, &amount), &part) in looked.kept.iter().zip(&*parts).zip(&*order_parts) {
                let row = &mut rows[row as usize];
                row.amounts[at] = amount;
                row.parts[at] = part as i32;
            }
        }
    }
    if booked.refunds.is_empty() {
        drop_zero_rows(out, start);
        return Outcome::default();
    }
    scratch.remaining.clear();
    for at in 0..MODEL_COUNT {
        scratch.remaining.extend(out[start..].iter().map(|row| row.amounts[at]));
    }
    drop_zero_rows(out, start);
    refund(touches.len(), nobody, booked, scratch, out, start)
}

/// The refunds and reversals, over `scratch.remaining`.
fn refund(
    touches: usize,
    nobody: Earner,
    booked: &Booked,
    scratch: &mut Scratch,
    out: &mut Vec<Credit>,
    order_start: usize,
) -> Outcome {
    let Scratch { weights, parts, remaining, events, allocator, .. } = scratch;
    let rows = touches.max(1);
    let mut outcome = Outcome::default();
    let mut left_minor = booked.amount_minor.max(0);
    events.clear();
    for refund in booked.refunds.iter().filter(|refund| refund.amount_minor > 0) {
        let Refund { id, at_ms, amount_minor, reversed_at_ms } = *refund;
        events.push(Event { at_ms, id, reversal: false, amount_minor });
        if let Some(reversed_at_ms) = reversed_at_ms {
            events.push(Event { at_ms: reversed_at_ms.max(at_ms), id, reversal: true, amount_minor });
        }
    }
    events.sort_unstable();
    for event in events.iter() {
        let from = out.len();
        if event.reversal {
            let taken = Entry::Refund(event.id);
            for at in order_start..from {
                let row = out[at];
                if row.entry == taken {
                    let slot = match row.earner {
                        Earner::Touch(slot) => slot as usize,
                        Earner::Direct | Earner::Unattributed => 0,
                    };
                    left_minor -= row.amounts[0];
                    row.amounts
                        .iter()
                        .enumerate()
                        .for_each(|(m, amount)| remaining[m * rows + slot] -= amount);
                    let amounts = row.amounts.map(|amount| -amount);
                    out.push(Credit { entry: Entry::Reversal(event.id), amounts, ..row });
                }
            }
            continue;
        }
        let amount_minor = event.amount_minor.min(left_minor);
        outcome.refund_excess_minor =
            outcome.refund_excess_minor.saturating_add(event.amount_minor - amount_minor);
        if amount_minor == 0 {
            continue;
        }
        left_minor -= amount_minor;
        push_rows(Entry::Refund(event.id), touches, nobody, out);
        parts.resize(rows, 0);
        for (at, rest) in remaining.chunks_exact_mut(rows).enumerate() {
            weights.clear();
            weights.extend(rest.iter().map(|&rest| rest as u64));
            allocator.allocate(-amount_minor, weights, parts);
            for (slot, &part) in parts.iter().enumerate() {
                out[from + slot].amounts[at] = part;
                rest[slot] += part;
            }
        }
        drop_zero_rows(out, from);
    }
    outcome
}

/// One empty row per touch, or a single one for `nobody` when there is no touch.
fn push_rows(entry: Entry, touches: usize, nobody: Earner, out: &mut Vec<Credit>) {
    let row = |earner| Credit { entry, earner, amounts: [0; MODEL_COUNT], parts: [0; MODEL_COUNT] };
    match touches {
        0 => out.push(row(nobody)),
        _ => out.extend((0..touches as u32).map(|at| row(Earner::Touch(at)))),
    }
}

/// Removes the rows from `start` on that say nothing.
fn drop_zero_rows(out: &mut Vec<Credit>, start: usize) {
    let mut end = start;
    for at in start..out.len() {
        let row = &out[at];
        let parts = row.parts.iter().fold(0, |any, part| any | part);
        if parts != 0 || row.amounts.iter().fold(0, |any, amount| any | amount) != 0 {
            if end != at {
                out[end] = *row;
            }
            end += 1;
        }
    }
    out.truncate(end);
}
