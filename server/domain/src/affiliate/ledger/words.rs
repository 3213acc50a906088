//! The words of the ledger: accounts, reasons and states, each with the name it is stored and shown by. Never books.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $error:ident: $($(#[$inner:meta])* $variant:ident $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$inner])* $variant,)*
        }

        #[doc = concat!("The text is no ", stringify!($name), ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("use one of {}", [$($word),*].join(", "))]
        pub struct $error;

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The stored word.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<$name, $error> {
                $name::ALL.iter().copied().find(|known| known.name() == text).ok_or($error)
            }
        }
    };
}
pub(in crate::affiliate) use words;

words! {
    /// Where money of a commission can stand.
    Account, AccountError:
    /// What commissions cost the merchant; below zero by what is owed or was paid.
    Expense "expense",
    /// Owed, and held until the hold days are over.
    Pending "pending",
    /// Owed, and free to be paid out.
    Due "due",
    /// In a payout that was approved.
    Processing "processing",
    /// With the partner.
    Paid "paid",
}

words! {
    /// Why an entry was booked.
    Reason, ReasonError:
    Sale "sale",
    /// It was owed when the merchant came from another tool.
    Imported "imported",
    Refund "refund",
    /// A refund that did not last.
    RefundFailed "refund_failed",
    DisputeLost "dispute_lost",
    DisputeWon "dispute_won",
    /// The sale is another partner's, is no payment any more, or the recurring rule does not reach it.
    Void "void",
    /// What the sale earns changed by what was learned: shared with somebody, or under another rule or tier.
    Adjusted "adjusted",
    /// A person decided about a flag that it was not earned.
    FlagRejected "flag_rejected",
    /// A person took such a decision back.
    FlagCleared "flag_cleared",
    HoldOver "hold_over",
    PayoutApproved "payout_approved",
    PayoutPaid "payout_paid",
    /// The payout, or the partner's part of it, did not go through.
    PayoutCanceled "payout_canceled",
}

words! {
    /// Where a commission as a whole stands.
    State, StateError:
    Pending "pending",
    Due "due",
    Processing "processing",
    Paid "paid",
    /// Refunds or disputes left nothing of it.
    Reversed "reversed",
    /// It turned out to be nobody's or somebody else's, or a person rejected it.
    Void "void",
}
