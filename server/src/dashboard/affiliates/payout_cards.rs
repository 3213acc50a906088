//! One payout as it is shown: its files, its parts with where each stands, and its calls to PayPal.

use domain::affiliate::payout::Method;
use jiff::tz::TimeZone;

use super::super::show;
use super::amount;
use crate::affiliate::payouts::{BatchDocument, ItemDocument, PayoutDocument};
use crate::control::payouts::PayoutState;

/// One partner's part.
pub(super) struct Item {
    pub partner: String,
    pub name: String,
    pub method: &'static str,
    pub amount: String,
    pub state: &'static str,
    /// What PayPal says of it, in words; empty where PayPal has nothing to do with it.
    pub rail: String,
    /// Why it did not arrive, or has not yet.
    pub problem: String,
    /// What PayPal took beside it; empty when nothing.
    pub fee: String,
    pub reference: String,
    /// Whether it lies at PayPal unclaimed, so that it can be called back.
    pub is_unclaimed: bool,
}

/// One call to PayPal.
pub(super) struct Batch {
    pub key: String,
    pub state: String,
    pub look: &'static str,
    /// PayPal's id and word for it.
    pub says: String,
    pub problem: String,
}

/// A payout.
pub(super) struct Payout {
    pub id: String,
    pub month: String,
    pub total: String,
    /// What rails took beside it; empty when nothing.
    pub fees: String,
    pub state: &'static str,
    pub badge: &'static str,
    pub reference: String,
    pub when: String,
    pub is_open: bool,
    /// Name and address of each file.
    pub files: Vec<(&'static str, String)>,
    pub items: Vec<Item>,
    pub count: String,
    pub batches: Vec<Batch>,
    /// Whether a part is left for a person to send.
    pub is_for_hand: bool,
    /// What could be given to PayPal now, and to how many; empty when nothing could.
    pub for_paypal: String,
}

impl Payout {
    pub(super) fn of(payout: &PayoutDocument, zone: &TimeZone) -> Payout {
        let currency = payout.currency.as_str();
        let is_open = payout.state == PayoutState::Processing;
        let uses = |method: Method| payout.items.iter().any(|item| item.method == method);
        let file = |format: &str| format!("/v1/payouts/{}/file?format={format}", payout.id);
        let mut files = vec![("CSV of all", file("csv"))];
        if uses(Method::Paypal) {
            files.push(("PayPal", file("paypal")));
        }
        if uses(Method::Wise) {
            files.push(("Wise", file("wise")));
        }
        let is_left = |item: &&ItemDocument| {
            item.state == Some(PayoutState::Processing) && item.sender_batch_id.is_none()
        };
        let left: Vec<&ItemDocument> = payout.items.iter().filter(is_left).collect();
        let own: Vec<_> = left.iter().filter(|item| item.method == Method::Paypal).collect();
        let sum: i64 = own.iter().map(|item| item.amount).sum();
        let some = |minor: i64| if minor == 0 { String::new() } else { amount(minor, currency) };
        Payout {
            id: payout.id.clone(),
            month: payout.month.clone(),
            total: amount(payout.total, currency),
            fees: some(payout.fees),
            state: payout.state.name(),
            badge: match payout.state {
                PayoutState::Paid => "signed",
                PayoutState::Canceled => "forged",
                PayoutState::Processing => "none",
            },
            reference: payout.reference.clone(),
            when: show::moment(payout.approved_at_ms, zone),
            is_open,
            files,
            items: payout.items.iter().map(|one| item(one, currency)).collect(),
            count: show::counted(payout.items.len() as u64, "partner"),
            batches: payout.paypal.iter().map(batch).collect(),
            is_for_hand: !left.is_empty(),
            for_paypal: match own.len() as u64 {
                0 => String::new(),
                count => format!("{} to {}", amount(sum, currency), show::counted(count, "partner")),
            },
        }
    }
}

fn item(item: &ItemDocument, currency: &str) -> Item {
    let is_open = item.state == Some(PayoutState::Processing);
    Item {
        partner: item.partner.clone(),
        name: item.name.clone(),
        method: method(item.method),
        amount: amount(item.amount, currency),
        state: item.state.map_or("", PayoutState::name),
        rail: match (&item.sender_batch_id, item.rail_status.as_str()) {
            (None, _) => String::new(),
            (Some(_), "") => "waits for PayPal".to_owned(),
            (Some(_), status) => status.to_lowercase().replace('_', " "),
        },
        problem: item.problem.clone(),
        fee: if item.fee == 0 { String::new() } else { amount(item.fee, currency) },
        reference: item.reference.clone(),
        is_unclaimed: is_open && item.sender_batch_id.is_some() && item.rail_status == "UNCLAIMED",
    }
}

fn batch(batch: &BatchDocument) -> Batch {
    let says = match &batch.batch {
        Some(id) if batch.status.is_empty() => id.clone(),
        Some(id) => format!("{id}, {}", batch.status.to_lowercase()),
        None => "not at PayPal yet".to_owned(),
    };
    Batch {
        key: batch.sender_batch_id.clone(),
        state: batch.state.clone(),
        look: match batch.state.as_str() {
            "done" => "signed",
            "refused" => "forged",
            _ => "none",
        },
        says,
        problem: batch.problem.clone(),
    }
}

/// How a partner is paid, for people.
pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Paypal => "PayPal",
        Method::Wise => "Wise",
        Method::Other => "by hand",
    }
}
