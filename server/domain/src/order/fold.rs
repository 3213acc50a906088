//! The state of an order: the fold of everything told about it and its refunds.
//!
//! Money is booked once, when the order was first seen paid; a pending order is not money. The newest version
//! decides status, amounts and fee, whatever order the versions arrived in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::dispute::disputes;
use super::excess;
use super::refund::{RefundEntry, refunds};
use super::{
    Amounts, DisputeFact, Interval, Metadata, OrderFact, OrderKind, OrderStatus, PaymentFact, RefundFact,
    newest,
};
use crate::attribution::{Booked, Refund};
use crate::identity::{EmailKey, HashedEmail};
use crate::money::Currency;

/// Which part of what was paid counts as revenue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// After discount, without tax, before the provider's fee.
    #[default]
    Net,
    /// After discount, with tax.
    Gross,
}

impl Basis {
    pub const ALL: [Basis; 2] = [Basis::Net, Basis::Gross];

    pub fn name(self) -> &'static str {
        match self {
            Basis::Net => "net",
            Basis::Gross => "gross",
        }
    }
}

/// That an order is money, since when and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// When it was paid, as well as we know: see [`fold_order`].
    pub at_ms: i64,
    /// After discount, without tax.
    pub net_minor: i64,
    pub tax_minor: i64,
}

/// An order as it stands after all its facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderState {
    /// What the provider calls it.
    pub object_id: String,
    pub version_ms: i64,
    pub created_ms: i64,
    pub status: OrderStatus,
    pub kind: OrderKind,
    pub currency: Currency,
    pub amounts: Amounts,
    pub fee_currency: Option<Currency>,
    /// Absent while the order is not paid.
    pub booking: Option<Booking>,
    /// Money given back, by refunds and lost disputes. Sorted by (time, id); empty while the order is not paid.
    pub refunds: Vec<RefundEntry>,
    /// By how much refunds exceed what was paid, without tax; not booked.
    pub refund_excess_minor: i64,
    /// Refunds under way, without tax; not booked.
    pub pending_refunds_minor: i64,
    pub subscription_id: Option<String>,
    pub checkout_id: Option<String>,
    pub customer_id: Option<String>,
    pub product_id: Option<String>,
    pub product_name: Option<String>,
    pub discount_code: Option<String>,
    pub discount_id: Option<String>,
    pub discount_name: Option<String>,
    /// The code of a partner's link, as the merchant wrote it on the order or its discount.
    pub partner_code: Option<String>,
    /// How often the product renews.
    pub interval: Option<Interval>,
    pub country: Option<String>,
    pub email: Option<HashedEmail>,
    /// Customers whose order it was by earlier versions: the provider made them one with this one. Sorted.
    pub former_customers: Vec<String>,
    /// Addresses its buyer had by earlier versions, by their keys.
    pub former_emails: Vec<HashedEmail>,
    pub metadata: Metadata,
}

impl OrderState {
    /// The order as credits are computed from; `None` while it is not paid.
    pub fn booked(&self, basis: Basis) -> Option<Booked> {
        let amount = |net, tax| match basis {
            Basis::Net => net,
            Basis::Gross => net + tax,
        };
        let booking = self.booking?;
        let refunds = self.refunds.iter().map(|entry| Refund {
            id: entry.id.0,
            at_ms: entry.at_ms,
            amount_minor: amount(entry.amount_minor, entry.tax_minor),
            reversed_at_ms: entry.reversed_at_ms,
        });
        let amount_minor = amount(booking.net_minor, booking.tax_minor);
        Some(Booked { amount_minor, refunds: refunds.collect() })
    }

    /// Whether it counts as a conversion without revenue.
    pub fn is_free(&self) -> bool {
        is_free(&self.amounts)
    }
}

fn is_free(amounts: &Amounts) -> bool {
    amounts.net_minor == 0 && amounts.total_minor == 0
}

/// The state after all `orders`, the facts of one order, `refund_facts`, `dispute_facts` and `payments`, those of its
/// refunds, disputes and payments; `None` without any order fact. A pure function of the set of facts: their order and
/// duplicates change nothing.
///
/// *Booked at*: the earliest time the order's own facts give for the payment; without one, when the earliest of its
/// payments was; without one, when the provider made the order, by the earliest version that is paid. A payment alone
/// books nothing: the order has to say that it is paid. *Kind*: a free first order of a subscription is a trial.
pub fn fold_order(
    orders: &[OrderFact],
    refund_facts: &[RefundFact],
    dispute_facts: &[DisputeFact],
    payments: &[PaymentFact],
) -> Option<OrderState> {
    let last = newest(orders, |fact| &fact.head)?;
    debug_assert!(orders.iter().all(|fact| fact.head.object_id == last.head.object_id), "facts of one order");
    debug_assert!(refund_facts.iter().all(|fact| fact.order_id == last.head.object_id), "its own refunds");
    debug_assert!(dispute_facts.iter().all(|fact| fact.order_id == last.head.object_id), "its own disputes");
    debug_assert!(payments.iter().all(|fact| fact.order_id == last.head.object_id), "its own payments");
    let booking = booking(orders, payments);
    let mut refunds = match booking {
        Some(_) => refunds(last, orders, refund_facts),
        None => Default::default(),
    };
    let mut refund_excess_minor = 0;
    if let Some(booking) = &booking {
        refund_excess_minor = excess::cap(&mut refunds.entries, booking.net_minor, booking.tax_minor);
        let disputes = disputes(booking, &refunds.entries, dispute_facts);
        refunds.entries.extend(disputes);
        refunds.entries.sort_by_key(|entry| (entry.at_ms, entry.id));
    }
    let trial = last.kind == OrderKind::New && last.subscription_id.is_some() && is_free(&last.amounts);
    let former_customers: BTreeSet<&String> =
        orders.iter().filter_map(|fact| fact.customer_id.as_ref()).collect();
    let former_emails: BTreeMap<EmailKey, HashedEmail> =
        orders.iter().filter_map(|fact| Some((fact.email?.strong, fact.email?))).collect();
    let is_former = |email: &HashedEmail| last.email.is_none_or(|last| last.strong != email.strong);
    let former_customers = former_customers.into_iter().filter(|id| last.customer_id.as_ref() != Some(id));
    let former_customers = former_customers.cloned().collect();
    let former_emails = former_emails.into_values().filter(is_former).collect();
    let last = last.clone();
    Some(OrderState {
        object_id: last.head.object_id,
        version_ms: last.head.version_ms,
        created_ms: last.created_ms,
        status: last.status,
        kind: if trial { OrderKind::Trial } else { last.kind },
        currency: last.currency,
        amounts: last.amounts,
        fee_currency: last.fee_currency,
        booking,
        refunds: refunds.entries,
        refund_excess_minor,
        pending_refunds_minor: refunds.pending_minor,
        subscription_id: last.subscription_id,
        checkout_id: last.checkout_id,
        customer_id: last.customer_id,
        product_id: last.product_id,
        product_name: last.product_name,
        discount_code: last.discount_code,
        discount_id: last.discount_id,
        discount_name: last.discount_name,
        partner_code: last.partner_code,
        interval: last.interval,
        country: last.country,
        email: last.email,
        former_customers,
        former_emails,
        metadata: last.metadata,
    })
}

fn booking(orders: &[OrderFact], payments: &[PaymentFact]) -> Option<Booking> {
    let paid = || orders.iter().filter(|fact| fact.paid);
    let last = paid().max_by_key(|fact| fact.head.newness())?;
    // Both are of one moment, to a few milliseconds: what every webhook told is not to move when a list says it again.
    let told = paid().filter_map(|fact| fact.booked_at_ms).min();
    let told = told.or_else(|| payments.iter().map(|fact| fact.paid_at_ms).min());
    let first = paid().min_by_key(|fact| fact.head.newness()).expect("at least one is paid");
    Some(Booking {
        at_ms: told.unwrap_or(first.created_ms),
        net_minor: last.amounts.net_minor,
        tax_minor: last.amounts.tax_minor,
    })
}
