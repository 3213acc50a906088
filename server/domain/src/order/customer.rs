//! A customer: a provider's buyer, in versions, and the folded state.

use serde::{Deserialize, Serialize};

use super::{Head, Metadata, newest};
use crate::identity::HashedEmail;

/// A version of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerFact {
    pub head: Head,
    #[serde(flatten)]
    pub state: CustomerState,
}

/// What a customer is at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerState {
    pub created_ms: i64,
    /// What the merchant calls the customer, often its own user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<HashedEmail>,
    /// ISO 3166 alpha-2 of the billing address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// The state after all `facts` of one customer, in any order.
pub fn fold_customer(facts: &[CustomerFact]) -> Option<CustomerState> {
    newest(facts, |fact| &fact.head).map(|fact| fact.state.clone())
}
