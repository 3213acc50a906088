//! Why something about affiliates was not done.

use domain::affiliate::code::DestinationError;
use domain::affiliate::import::FileError;
use domain::affiliate::{PartnerStatus, TermsError};
use thiserror::Error;

use crate::control::ControlError;
use crate::control::payouts::PayoutState;

#[derive(Debug, Error)]
pub enum AffiliateError {
    #[error("there is no programme {0:?} in this workspace")]
    UnknownProgram(String),
    #[error("there is no partner {0:?} in this workspace")]
    UnknownPartner(String),
    #[error("there is no link {0:?} in this workspace, or it is archived")]
    UnknownLink(String),
    #[error("there is no group {0:?} in this programme")]
    UnknownGroup(String),
    #[error("there is no coupon {0:?} in this workspace, or it is archived")]
    UnknownCoupon(String),
    #[error("there is no commission {0:?} in this workspace")]
    UnknownCommission(String),
    #[error("there is no asset {0:?} in this workspace")]
    UnknownAsset(String),
    #[error("there is no flag {0:?} in this workspace")]
    UnknownFlag(String),
    #[error("there is no payout {0:?} in this workspace")]
    UnknownPayout(String),
    #[error(
        "the partner {partner} has no statement of {month}: statements are made of months that are over, from the \
         partner's first entry on"
    )]
    UnknownStatement { partner: String, month: String },
    #[error(
        "what is due changed since the preview, or the token is of another one; look again and approve that"
    )]
    PreviewOutdated,
    #[error("the payout {id} is {} already; nothing was changed", .state.name())]
    PayoutClosed { id: String, state: PayoutState },
    #[error("what is left of the payout {0} is with PayPal, which says how it ends; nothing was changed")]
    WithPaypal(String),
    #[error("this workspace has no PayPal account to pay from; enter its client id and secret first")]
    NoPaypalAccount,
    #[error("nothing of the payout {0} is left to be sent by PayPal")]
    NothingForPaypal(String),
    #[error("{0} is not unclaimed at PayPal, so it cannot be called back")]
    NotUnclaimed(String),
    #[error("{0}; nothing was changed")]
    Paypal(String),
    #[error(
        "what is there changed since the preview, or the token is of another file; look again and apply that"
    )]
    ImportOutdated,
    #[error("the ledger changed in the same moment; nothing was done, try again")]
    Raced,
    #[error("the code {0:?} is taken, and a code is never given away twice; choose another")]
    CodeTaken(String),
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error("a partner who is {from} cannot become {to}")]
    Status { from: PartnerStatus, to: PartnerStatus },
    #[error("{detail}")]
    Invalid { field: &'static str, detail: String },
    #[error(transparent)]
    Destination(#[from] DestinationError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Control(#[from] ControlError),
}
