//! Affiliates: whose link or coupon brought a customer, what that earns under which terms, and the ledger that says where
//! every unit of it stands, from the sale to the payout.
//!
//! [`referrals`] says who brought a customer, [`award`] what an order should have earned them, as functions of everything
//! known now. [`book`] says which commissions and entries are missing until the ledger says the same. Nothing is ever
//! changed or taken out: told again, late or in another order, the same facts lead to the same sums, and a second run finds
//! nothing to add.

pub mod award;
pub mod booking;
pub mod code;
pub mod decision;
pub mod family;
pub mod flag;
pub mod import;
pub mod ledger;
pub mod partner;
pub mod payout;
pub mod payout_file;
pub mod paypal;
pub mod referral;
pub mod roster;
pub mod rules;
pub mod simulate;
pub mod statement;
pub mod terms;
pub mod volume;
pub mod weigh;

pub use award::{Award, Commission, Kept, Nothing, award, weigh_award};
pub use booking::{book, parties};
pub use code::{LinkCode, destination};
pub use decision::{Decision, Part, decide};
pub use family::{Coupon, Family, GivenBack, PartnerTouch, Sale};
pub use partner::PartnerStatus;
pub use referral::{Referral, Share, Verdict, Weighed, WeighedClick, WeighedCoupon};
pub use roster::{Member, Owner, Program, Roster};
pub use rules::{Applied, Per, Reached, Rule, Step, Tiers};
pub use terms::{Precedence, Recurring, Reward, Rounding, Terms, TermsError, TermsVersion, Wins, in_force};
pub use volume::{Volume, VolumeChange, Volumes, volume_changes};
pub use weigh::{referrals, weigh};
