//! Affiliates: whose link brought a customer, what that earns under which terms, and the ledger that says where
//! every unit of it stands, from the sale to the payout.
//!
//! [`award`] says what an order should have earned, as a function of everything known now. [`book`] says which
//! commissions and entries are missing until the ledger says the same. Nothing is ever changed or taken out: told again, late
//! or in another order, the same facts lead to the same sums, and a second run finds nothing to add.

pub mod booking;
pub mod code;
pub mod ledger;
pub mod partner;
pub mod payout;
pub mod payout_file;
pub mod referral;
pub mod terms;

pub use booking::book;
pub use code::{LinkCode, destination};
pub use partner::PartnerStatus;
pub use referral::{
    Award, Commission, Family, GivenBack, LinkOwner, PartnerTouch, Program, Referral, Sale, award, referral,
};
pub use terms::{Recurring, Reward, Rounding, Terms, TermsError, TermsVersion, Wins, in_force};
