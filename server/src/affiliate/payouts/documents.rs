//! Payouts as they are told.

use domain::affiliate::payout::{Method, Withheld};
use serde::{Deserialize, Serialize};

use super::BatchDocument;
use crate::control::payouts::{PayoutState, StoredItem, StoredPayout};

/// One partner's part of a payout.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ItemDocument {
    pub partner: String,
    pub name: String,
    /// `paypal`, `wise`, `other`.
    #[schema(value_type = String)]
    pub method: Method,
    pub amount: i64,
    /// `processing`, `paid`, `canceled`; absent while it is only looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub state: Option<PayoutState>,
    /// What the rail, or whoever sent the money, calls the payment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// The call to PayPal it goes by, as among the payout's own; absent while it is for a person to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_batch_id: Option<String>,
    /// As PayPal last said it: `PENDING`, `UNCLAIMED`, `SUCCESS`, …
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rail_status: String,
    /// Why it did not arrive, or has not yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
    /// What the rail took beside the amount.
    #[serde(default)]
    pub fee: i64,
}

/// A partner who is not paid, and why; what is due stays due.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldDocument {
    pub partner: String,
    pub name: String,
    pub amount: i64,
    /// `nothing_owed`, `below_minimum`, `no_payout_details`, `not_approved`, `currency_without_exponent`,
    /// `flagged`.
    #[schema(value_type = String)]
    pub why: Withheld,
    pub sentence: String,
}

/// What a payout would be now. Nothing is moved.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutPreview {
    pub currency: String,
    /// Minor units.
    pub total: i64,
    pub items: Vec<ItemDocument>,
    pub held: Vec<HeldDocument>,
    /// Approve with it exactly what is shown here; absent when there is nobody to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A payout.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutDocument {
    #[schema(example = "pay_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    pub currency: String,
    /// Of its approval, in the workspace's time zone.
    #[schema(example = "2026-10")]
    pub month: String,
    /// `processing`, `paid`, `canceled`.
    #[schema(value_type = String)]
    pub state: PayoutState,
    /// What is sent, without items that were canceled; minor units.
    pub total: i64,
    /// What rails took beside it.
    #[serde(default)]
    pub fees: i64,
    /// What whoever sent the money calls the payment.
    pub reference: String,
    pub approved_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at_ms: Option<i64>,
    pub items: Vec<ItemDocument>,
    /// Its calls to PayPal; of one payout only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paypal: Vec<BatchDocument>,
}

/// Payouts of the workspace, newest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PayoutList {
    pub rows: Vec<PayoutDocument>,
}

/// That a payout was sent.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// What the rail calls the payment, to find it again.
    #[serde(default)]
    pub reference: String,
    /// Partners, `prt_…`, whose part did not go through: it is due again.
    #[serde(default)]
    pub failed: Vec<String>,
}

impl PayoutDocument {
    pub(super) fn of(stored: &StoredPayout) -> PayoutDocument {
        let sent = stored.items.iter().filter(|item| item.state != PayoutState::Canceled);
        let item = |item: &StoredItem| ItemDocument {
            partner: item.partner_id.clone(),
            name: item.name.clone(),
            method: item.method,
            amount: item.amount_minor,
            state: Some(item.state),
            reference: item.rail.reference.clone(),
            sender_batch_id: item.rail.sender_batch_id.clone(),
            rail_status: item.rail.status.clone(),
            problem: item.rail.problem.clone(),
            fee: item.rail.fee_minor,
        };
        PayoutDocument {
            id: stored.id.clone(),
            currency: stored.currency.to_string(),
            month: stored.month.clone(),
            state: stored.state,
            total: sent.map(|item| item.amount_minor).sum(),
            fees: stored.items.iter().map(|item| item.rail.fee_minor).sum(),
            reference: stored.reference.clone(),
            approved_at_ms: stored.approved_at_ms,
            closed_at_ms: stored.closed_at_ms,
            items: stored.items.iter().map(item).collect(),
            paypal: Vec::new(),
        }
    }
}
