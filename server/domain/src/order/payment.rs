//! Payments: when an order was paid, told apart from the order itself. Never money: the order says how much.

use serde::{Deserialize, Serialize};

use super::Head;

/// That an order was paid at a moment. Providers whose orders carry no such time tell it in a list of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFact {
    pub head: Head,
    /// What the provider calls the order.
    pub order_id: String,
    /// When it was paid. Milliseconds since the epoch.
    pub paid_at_ms: i64,
}
