//! What happened, as it is told to others: a type, a moment and the data, in the form of Standard Webhooks. Made of the
//! very rows that are written, so that nothing is told that is not so. Never holds an address, an e-mail or a secret.

use domain::affiliate::PartnerStatus;
use domain::affiliate::ledger::{Account, Entry};
use domain::ids::derive_id;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::control::ledger::Posting;
use crate::control::partners::Partner;
use crate::control::payouts::{PayoutState, StoredItem, StoredPayout};

macro_rules! types {
    ($($(#[$doc:meta])* $variant:ident $word:literal,)*) => {
        /// What can be told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl EventType {
            pub const ALL: &[EventType] = &[$(EventType::$variant,)*];

            /// As it is written in `type`.
            pub fn name(self) -> &'static str {
                match self {
                    $(EventType::$variant => $word,)*
                }
            }
        }
    };
}

types! {
    /// A sale earned a partner something.
    CommissionCreated "commission.created",
    /// A refund did not last or a dispute was won: some of it is owed again.
    CommissionRestored "commission.restored",
    /// Some or all of it was taken back.
    CommissionReversed "commission.reversed",
    /// The hold is over.
    CommissionDue "commission.due",
    PartnerInvited "partner.invited",
    PartnerApplied "partner.applied",
    PartnerApproved "partner.approved",
    PartnerRejected "partner.rejected",
    PartnerSuspended "partner.suspended",
    PayoutApproved "payout.approved",
    /// One partner's part arrived.
    PayoutItemPaid "payout.item_paid",
    /// One partner's part did not arrive, or was called off: it is due again.
    PayoutItemFailed "payout.item_failed",
    /// Every part has ended, at least one of them with the partner.
    PayoutSent "payout.sent",
    /// Every part is due again.
    PayoutCanceled "payout.canceled",
    /// Fewer sales of a connection carry their visitor than usual.
    MatchQualityDropped "match_quality.dropped",
    /// Somebody wanted to see one.
    EndpointTest "endpoint.test",
}

impl EventType {
    /// The type of this name.
    pub fn named(name: &str) -> Option<EventType> {
        EventType::ALL.iter().copied().find(|known| known.name() == name)
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// `evt_…`, derived from what happened: told twice it is one. Sent as `webhook-id`.
    pub id: String,
    pub workspace_id: String,
    pub kind: EventType,
    pub at_ms: i64,
    pub data: Value,
}

impl Event {
    /// An event of a workspace; `parts` name what happened, among all of its type.
    pub fn new(kind: EventType, workspace_id: &str, parts: &[&str], at_ms: i64, data: Value) -> Event {
        let named: Vec<&str> =
            ["event", workspace_id, kind.name()].into_iter().chain(parts.iter().copied()).collect();
        let id = format!("evt_{:032x}", derive_id(&named));
        Event { id, workspace_id: workspace_id.to_owned(), kind, at_ms, data }
    }

    /// What is sent: `type`, `timestamp`, `workspace`, `data`.
    pub fn body(&self) -> String {
        let at = Timestamp::from_millisecond(self.at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let body = json!({
            "type": self.kind.name(),
            "timestamp": at.to_string(),
            "workspace": self.workspace_id,
            "data": self.data,
        });
        body.to_string()
    }
}

/// What new entries of the ledger mean to others. Entries of payouts are told with the payout.
pub fn of_postings(workspace_id: &str, postings: &[Posting]) -> Vec<Event> {
    let told = |posting: &Posting| {
        let of_entry = |entry: &Entry| of_entry(workspace_id, posting, entry);
        posting.commission.entries.iter().filter_map(of_entry).collect::<Vec<_>>()
    };
    postings.iter().flat_map(told).collect()
}

fn of_entry(workspace_id: &str, Posting { id, commission }: &Posting, entry: &Entry) -> Option<Event> {
    let kind = match (entry.from, entry.to) {
        (Account::Expense, _) if entry.number == 1 => EventType::CommissionCreated,
        (Account::Expense, _) => EventType::CommissionRestored,
        (_, Account::Expense) => EventType::CommissionReversed,
        (Account::Pending, Account::Due) => EventType::CommissionDue,
        _ => return None,
    };
    let data = json!({
        "commission": id,
        "entry": entry.number,
        "order": commission.order.to_string(),
        "partner": commission.referral.partner,
        "program": commission.referral.program,
        "currency": commission.currency,
        "amount": entry.amount_minor,
        "reason": entry.reason,
        "source": entry.source,
        "paid_at_ms": commission.paid_at_ms,
        "due_at_ms": commission.due_at_ms,
    });
    Some(Event::new(kind, workspace_id, &[id, &entry.number.to_string()], entry.at_ms, data))
}

/// That a partner came over from another tool by an import, `imp_…`.
pub fn of_imported(partner: &Partner, import: &str, now_ms: i64) -> Event {
    let mut event = of_partner(partner, now_ms);
    event.data["import"] = json!(import);
    event
}

/// That a partner stands otherwise now.
pub fn of_partner(partner: &Partner, now_ms: i64) -> Event {
    let kind = match partner.status {
        PartnerStatus::Invited => EventType::PartnerInvited,
        PartnerStatus::Applied => EventType::PartnerApplied,
        PartnerStatus::Approved => EventType::PartnerApproved,
        PartnerStatus::Rejected => EventType::PartnerRejected,
        PartnerStatus::Suspended => EventType::PartnerSuspended,
    };
    let data = json!({ "partner": partner.id, "program": partner.program_id, "status": partner.status });
    Event::new(kind, &partner.workspace_id, &[&partner.id, &now_ms.to_string()], now_ms, data)
}

/// That a payout was approved, or that its last part ended.
pub fn of_payout(payout: &StoredPayout, now_ms: i64) -> Event {
    let kind = match payout.state {
        PayoutState::Processing => EventType::PayoutApproved,
        PayoutState::Paid => EventType::PayoutSent,
        PayoutState::Canceled => EventType::PayoutCanceled,
    };
    let sent = payout.items.iter().filter(|item| item.state != PayoutState::Canceled);
    let data = json!({
        "payout": payout.id,
        "currency": payout.currency,
        "month": payout.month,
        "total": sent.clone().map(|item| item.amount_minor).sum::<i64>(),
        "partners": sent.count(),
        "partners_failed": payout.items.iter().filter(|item| item.state == PayoutState::Canceled).count(),
        "reference": payout.reference,
    });
    Event::new(kind, &payout.workspace_id, &[&payout.id], now_ms, data)
}

/// That one partner's part of a payout ended; none while it is under way.
pub fn of_item(payout: &StoredPayout, item: &StoredItem, now_ms: i64) -> Option<Event> {
    let kind = match item.state {
        PayoutState::Processing => return None,
        PayoutState::Paid => EventType::PayoutItemPaid,
        PayoutState::Canceled => EventType::PayoutItemFailed,
    };
    let data = json!({
        "payout": payout.id,
        "item": item.id,
        "partner": item.partner_id,
        "method": item.method,
        "currency": payout.currency,
        "amount": item.amount_minor,
        "reference": item.rail.reference,
        "problem": item.rail.problem,
    });
    Some(Event::new(kind, &payout.workspace_id, &[&item.id], now_ms, data))
}
