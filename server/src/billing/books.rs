//! What a provider's lists say of money, read on its own and not by way of facts: a comparison made of our own
//! reading would only prove that we agree with ourselves.

use domain::money::Currency;

/// One object of a provider's list, as far as it moved money or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Order {
        id: String,
        created_ms: i64,
        /// Its newest change.
        changed_ms: i64,
        /// In our words for the provider's states.
        status: &'static str,
        paid: bool,
        currency: Currency,
        /// After discount, before tax; minor units, as all amounts here.
        net_minor: i64,
        /// Given back so far by refunds, without tax.
        refunded_minor: i64,
    },
    /// A refund that stands.
    Refund { order_id: String, at_ms: i64, amount_minor: i64 },
    /// A dispute that was lost.
    Dispute { order_id: String, at_ms: i64, amount_minor: i64 },
}
