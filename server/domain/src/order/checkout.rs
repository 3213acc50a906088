//! A checkout: where a buyer began to pay. It carries the visitor and the moment that anchors the journey; it is
//! never proof of payment.

use serde::{Deserialize, Serialize};

use super::{Head, Metadata, newest};
use crate::identity::HashedEmail;

/// A version of a checkout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckoutFact {
    pub head: Head,
    #[serde(flatten)]
    pub state: CheckoutState,
}

/// What a checkout is at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckoutState {
    /// When it began: touches after this moment earn nothing.
    pub created_ms: i64,
    pub status: CheckoutStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<HashedEmail>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// What the checkout will write on the customer.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub customer_metadata: Metadata,
}

/// Where a checkout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutStatus {
    Open,
    Expired,
    /// The buyer clicked Pay; not proof of payment.
    Confirmed,
    Succeeded,
    Failed,
}

/// The state after all `facts` of one checkout, in any order.
pub fn fold_checkout(facts: &[CheckoutFact]) -> Option<CheckoutState> {
    newest(facts, |fact| &fact.head).map(|fact| fact.state.clone())
}
