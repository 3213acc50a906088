//! Which journey an order of a subscription is credited by, and where that journey ends.

use super::{CheckoutState, OrderKind, OrderState};
use crate::ids::OrderId;

/// One paid order of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: OrderId,
    pub booked_at_ms: i64,
    pub kind: OrderKind,
    pub net_minor: i64,
}

impl Member {
    /// `None` while the order is not paid.
    pub fn of(id: OrderId, order: &OrderState) -> Option<Member> {
        let booking = order.booking?;
        Some(Member { id, booked_at_ms: booking.at_ms, kind: order.kind, net_minor: booking.net_minor })
    }

    fn place(&self) -> (i64, OrderId) {
        (self.booked_at_ms, self.id)
    }
}

/// Whether an order of this kind is credited by the journey of its subscription's root instead of one of its
/// own.
pub fn inherits(kind: OrderKind) -> bool {
    match kind {
        OrderKind::Renewal | OrderKind::Upgrade => true,
        OrderKind::New | OrderKind::OneTime | OrderKind::Trial => false,
    }
}

/// The order whose journey the renewals and upgrades of one subscription inherit: the earliest known paid one,
/// a trial start included. `members` are all known paid orders of the subscription, in any order.
pub fn root_of(members: &[Member]) -> Option<OrderId> {
    members.iter().min_by_key(|member| member.place()).map(|member| member.id)
}

/// The kinds by which revenue of one subscription is counted, one per member: the first payment after a trial
/// is new revenue though the provider calls it a renewal; everything else is what it is.
pub fn kinds_of(members: &[Member]) -> Vec<OrderKind> {
    let mut kinds: Vec<OrderKind> = members.iter().map(|member| member.kind).collect();
    let mut by_time: Vec<usize> = (0..members.len()).collect();
    by_time.sort_by_key(|&at| members[at].place());
    if let [root, later @ ..] = by_time.as_slice()
        && members[*root].kind == OrderKind::Trial
        && let Some(&first_paid) = later.iter().find(|&&at| members[at].net_minor > 0)
        && members[first_paid].kind == OrderKind::Renewal
    {
        kinds[first_paid] = OrderKind::New;
    }
    kinds
}

/// Where an order's journey ends: when its checkout began, else when it was paid; `None` while it is not paid.
/// Later touches (the return from the bank, the thank-you page) earn nothing.
pub fn anchor_ms(order: &OrderState, checkout: Option<&CheckoutState>) -> Option<i64> {
    let booking = order.booking?;
    Some(checkout.map_or(booking.at_ms, |checkout| checkout.created_ms))
}
