//! What one journey sold, and the clicks of partners in it: what every rule of affiliates looks at. Decides nothing.

use crate::ids::{HitId, OrderId, RefundId};
use crate::money::Currency;
use crate::order::Interval;

/// A touch with a partner's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerTouch {
    pub id: HitId,
    pub at_ms: i64,
    /// As in the link, lower case.
    pub code: String,
}

/// Money given back, or the end of a refund that did not last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    pub id: RefundId,
    pub at_ms: i64,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub reversed_at_ms: Option<i64>,
    pub reason: String,
}

impl GivenBack {
    /// When it ended, if it did not last; never before it began.
    pub fn ended_at_ms(&self) -> Option<i64> {
        Some(self.reversed_at_ms?.max(self.at_ms))
    }
}

/// What an order says about how its buyer came, beside clicks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coupon {
    /// The discount's code as the provider tells it; empty when it has none, or there was no discount.
    pub code: String,
    /// The code of a partner's link, from the metadata of the order or its discount; empty when there is none.
    pub partner_code: String,
}

/// One paid order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    pub order: OrderId,
    pub paid_at_ms: i64,
    pub currency: Currency,
    pub net_minor: i64,
    pub tax_minor: i64,
    pub refunds: Vec<GivenBack>,
    /// The provider's id of the product; empty when it names none.
    pub product: String,
    /// How often the product renews; none when it does not.
    pub interval: Option<Interval>,
    /// Whether no earlier payment of the same customer is known, whatever was bought. None when the customer is not
    /// known any more: then it stays what it was when it was booked.
    pub first_order: Option<bool>,
    pub coupon: Coupon,
}

impl Sale {
    /// A sale of nothing but money.
    pub fn plain(order: OrderId, paid_at_ms: i64, currency: Currency, net_minor: i64) -> Sale {
        Sale {
            order,
            paid_at_ms,
            currency,
            net_minor,
            tax_minor: 0,
            refunds: Vec::new(),
            product: String::new(),
            interval: None,
            first_order: Some(true),
            coupon: Coupon::default(),
        }
    }
}

/// The paid orders that one journey earns for, and the touches of partners in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Family {
    /// Touches after it never count.
    pub anchor_ms: i64,
    pub sales: Vec<Sale>,
    pub touches: Vec<PartnerTouch>,
}

impl Family {
    /// Payments in their order; free orders are none.
    pub fn payments(&self) -> Vec<&Sale> {
        let mut payments: Vec<&Sale> = self.sales.iter().filter(|sale| sale.net_minor > 0).collect();
        payments.sort_by_key(|sale| (sale.paid_at_ms, sale.order));
        payments
    }

    /// What the first payment says about how the buyer came; or a free order before it, such as a trial's.
    pub fn coupon(&self) -> Option<&Coupon> {
        let first = *self.payments().first()?;
        let until = (first.paid_at_ms, first.order);
        let begun = self.sales.iter().filter(|sale| (sale.paid_at_ms, sale.order) <= until);
        let named = begun.filter(|sale| sale.coupon != Coupon::default());
        named.min_by_key(|sale| (sale.paid_at_ms, sale.order)).map(|sale| &sale.coupon)
    }
}

/// What changed how much is left of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change<'a> {
    pub at_ms: i64,
    /// Whether it is the end of a refund, which gives back what that took.
    pub is_end: bool,
    pub refund: &'a GivenBack,
}

impl Sale {
    /// Refunds, disputes and their ends, in the order in which they happened.
    pub(super) fn changes(&self) -> Vec<Change<'_>> {
        let begun = self.refunds.iter().map(|refund| Change { at_ms: refund.at_ms, is_end: false, refund });
        let ended = self
            .refunds
            .iter()
            .filter_map(|refund| Some(Change { at_ms: refund.ended_at_ms()?, is_end: true, refund }));
        let mut changes: Vec<Change<'_>> = begun.chain(ended).collect();
        changes.sort_by_key(|change| (change.at_ms, change.is_end, change.refund.id));
        changes
    }
}
