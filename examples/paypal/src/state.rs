//! What the stand-in knows: tokens, batches and their items, and how payments are to end.

use std::collections::{HashMap, VecDeque};

use serde::Deserialize;

/// How a payment to somebody ends.
#[derive(Clone, Debug, Deserialize)]
pub struct Ending {
    /// `SUCCESS`, `FAILED`, `UNCLAIMED`, `BLOCKED`, `ONHOLD`, `RETURNED`, …
    pub status: String,
    /// PayPal's name of the reason, `RECEIVER_UNREGISTERED`; empty for none.
    #[serde(default)]
    pub error: String,
}

impl Ending {
    #[must_use]
    pub fn new(status: &str, error: &str) -> Ending {
        Ending { status: status.to_owned(), error: error.to_owned() }
    }
}

/// What the next batch meets.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is refused with this status and name.
    Refuses { status: u16, name: String },
    /// It is accepted, and the answer is lost on the way.
    LosesAnswer,
    /// It is accepted, and then denied as a whole.
    Denies,
}

/// One payment.
#[derive(Clone, Debug)]
pub struct Item {
    pub id: String,
    pub receiver: String,
    pub sender_item_id: String,
    pub currency: String,
    pub minor: i64,
    pub note: String,
    pub recipient_type: String,
    pub status: String,
    pub error: String,
    pub fee_minor: i64,
    pub transaction_id: String,
}

/// Payments sent in one call.
#[derive(Clone, Debug)]
pub struct Batch {
    pub id: String,
    pub sender_batch_id: String,
    pub email_subject: String,
    pub status: String,
    pub is_denied: bool,
    pub items: Vec<Item>,
}

/// Everything.
#[derive(Default)]
pub struct State {
    pub url: String,
    pub processes_at_once: bool,
    pub tokens: Vec<String>,
    pub batches: Vec<Batch>,
    /// By receiver.
    pub endings: HashMap<String, Ending>,
    pub faults: VecDeque<Fault>,
    /// Calls for batches are worked off, and never answered.
    pub is_silent: bool,
    pub calls: usize,
    next_id: u64,
}

impl State {
    /// An id as PayPal writes them: thirteen capitals and digits, never the same twice.
    pub fn id(&mut self) -> String {
        const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        self.next_id += 1;
        let mut left = self.next_id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut letter = || {
            let letter = ALPHABET[(left & 31) as usize] as char;
            left = left.rotate_right(5);
            letter
        };
        (0..13).map(|_| letter()).collect()
    }

    /// Works off every batch that waits.
    pub fn process(&mut self) {
        let endings = self.endings.clone();
        let mut transactions: Vec<String> = Vec::new();
        let waiting: usize =
            self.batches.iter().filter(|batch| batch.is_waiting()).map(|batch| batch.items.len()).sum();
        transactions.extend((0..waiting).map(|_| format!("{}0000", self.id())));
        for batch in self.batches.iter_mut().filter(|batch| batch.is_waiting()) {
            batch.status = if batch.is_denied { "DENIED" } else { "SUCCESS" }.to_owned();
            for item in &mut batch.items {
                let usual = Ending::new("SUCCESS", "");
                let denied = Ending::new("FAILED", "RECEIVER_ACCOUNT_INVALID");
                let ending =
                    if batch.is_denied { &denied } else { endings.get(&item.receiver).unwrap_or(&usual) };
                item.status.clone_from(&ending.status);
                item.error.clone_from(&ending.error);
                let is_charged = ["SUCCESS", "UNCLAIMED", "ONHOLD"].contains(&ending.status.as_str());
                item.fee_minor = if is_charged { crate::money::fee(item.minor) } else { 0 };
                item.transaction_id = transactions.pop().unwrap_or_default();
            }
        }
    }

    /// Ends what was not claimed.
    pub fn end_unclaimed(&mut self, status: &str) {
        let items = self.batches.iter_mut().flat_map(|batch| &mut batch.items);
        for item in items.filter(|item| item.status == "UNCLAIMED") {
            item.end(status);
        }
    }
}

impl Batch {
    pub fn is_waiting(&self) -> bool {
        ["PENDING", "PROCESSING"].contains(&self.status.as_str())
    }
}

impl Item {
    /// Ends an unclaimed payment; a fee is given back with what returns.
    pub fn end(&mut self, status: &str) {
        status.clone_into(&mut self.status);
        if status == "RETURNED" {
            self.fee_minor = 0;
        } else {
            self.error.clear();
        }
    }
}
