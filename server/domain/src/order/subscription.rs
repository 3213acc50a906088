//! A subscription: what repeats, in versions, and its folded state.

use serde::{Deserialize, Serialize};

use super::{Head, Metadata, newest};
use crate::money::Currency;

/// A version of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionFact {
    pub head: Head,
    #[serde(flatten)]
    pub state: SubscriptionState,
}

/// What a subscription is at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionState {
    pub created_ms: i64,
    pub status: SubscriptionStatus,
    /// Per billing period, after the discount now attached, minor units.
    pub amount_minor: i64,
    pub currency: Currency,
    /// Absent when the message that told it (a nested object) did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// A period is this many intervals.
    pub interval_count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_end_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_start_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_end_ms: Option<i64>,
    /// Since when a payment is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past_due_ms: Option<i64>,
    /// Since when it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_ms: Option<i64>,
    /// How many places it was sold for, where products are sold by places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    #[serde(default)]
    pub cancel_at_period_end: bool,
    /// When the cancellation was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_ms: Option<i64>,
    /// When it is planned to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<i64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    Incomplete,
    IncompleteExpired,
    Trialing,
    Active,
    PastDue,
    Paused,
    Canceled,
    Unpaid,
}

/// What a billing period is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    Day,
    Week,
    Month,
    Year,
}

impl Interval {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Year => "year",
        }
    }

    /// The interval of this name.
    pub fn named(name: &str) -> Option<Interval> {
        [Interval::Day, Interval::Week, Interval::Month, Interval::Year]
            .into_iter()
            .find(|interval| interval.name() == name)
    }
}

/// The state after all `facts` of one subscription, in any order.
pub fn fold_subscription(facts: &[SubscriptionFact]) -> Option<SubscriptionState> {
    newest(facts, |fact| &fact.head).map(|fact| fact.state.clone())
}
