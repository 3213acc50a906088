//! From orders and journeys to rows of credits: every order is credited by its root's journey. The shares
//! themselves are `domain::attribution`'s. Pure but for the memory it uses again.

use domain::attribution::{Credit, Earner, Entry, Scratch, Touch, credits};
use domain::visit::facets::{Facets, facet_id};

use super::block::{CreditRow, TextIds};
use super::read::{Money, Order};

/// Memory used again from order to order.
pub struct Poster {
    scratch: Scratch,
    credits: Vec<Credit>,
    direct: u64,
    unattributed: u64,
}

impl Default for Poster {
    fn default() -> Self {
        Poster {
            scratch: Scratch::default(),
            credits: Vec::new(),
            direct: facet_id(&Facets::direct()),
            unattributed: facet_id(&Facets::unattributed()),
        }
    }
}

impl Poster {
    /// Appends the credits of `order`. `touches` are the eligible ones of `root`, whose anchor and match count.
    pub fn post(&mut self, order: &Order, root: &Order, touches: &[Touch], out: &mut Vec<CreditRow>) {
        for money in order.moneys() {
            self.post_money(order, money, root, touches, out);
        }
    }

    fn post_money(
        &mut self,
        order: &Order,
        money: &Money,
        root: &Order,
        touches: &[Touch],
        out: &mut Vec<CreditRow>,
    ) {
        self.credits.clear();
        let outcome =
            credits(touches, root.anchor_ms, root.known, &money.booked, &mut self.scratch, &mut self.credits);
        if outcome.refund_excess_minor > 0 {
            tracing::warn!(
                order = format!("{:032x}", order.id),
                "refunds of order {:032x} exceed it by {} minor units, which are not booked",
                order.id,
                outcome.refund_excess_minor
            );
        }
        for credit in &self.credits {
            let (entry, entry_id, booked_at_ms) = match credit.entry {
                Entry::Order => (1, 0, order.paid_at_ms),
                Entry::Refund(id) => (2, id, refund_time(order, id, false)),
                Entry::Reversal(id) => (3, id, refund_time(order, id, true)),
            };
            let (earner, touch_id, facet, touch_at_ms) = match credit.earner {
                Earner::Touch(at) => {
                    let touch = &touches[at as usize];
                    (1, touch.id, touch.facet, touch.at_ms)
                }
                Earner::Direct => (2, 0, self.direct, root.anchor_ms),
                Earner::Unattributed => (3, 0, self.unattributed, root.anchor_ms),
            };
            out.push(CreditRow {
                booked_at_ms,
                order_id: order.id,
                entry,
                entry_id,
                touch_id,
                earner,
                facet_id: facet,
                touch_at_ms,
                order_at_ms: order.paid_at_ms,
                kind: order.kind,
                texts: TextIds { currency: money.currency, ..order.texts },
                views: money.views,
                sign: 1,
                amounts: credit.amounts,
                parts: credit.parts,
            });
        }
    }
}

/// When a refund, or its reversal, is booked.
fn refund_time(order: &Order, id: u128, reversal: bool) -> i64 {
    let refund = order.money.booked.refunds.iter().find(|refund| refund.id == id);
    refund.map_or(order.paid_at_ms, |refund| match refund.reversed_at_ms {
        Some(reversed_ms) if reversal => reversed_ms.max(refund.at_ms),
        _ => refund.at_ms,
    })
}
