//! Flags: what about a commission looks as if the partner had not earned it. A flag says what was seen, holds the money
//! and decides nothing: a person clears it or rejects the commission.
//!
//! [`flags`] is a function of what is known about one commission. It finds at most one flag of a kind, and the same
//! again whenever it is asked, so that raising is safe to repeat. [`judged`] is what a decision means for the money.

mod known;
mod limits;
mod lists;
mod rules;
#[cfg(test)]
mod tests;
mod verdict;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ledger::words::words;
use super::ledger::{Entry, State, state};
pub use known::{Click, Inquiry, PartnerTraits, SaleTraits, Trust};
pub use limits::{Limits, LimitsError, PAYING_MINUTES_MAX};
pub use rules::brands;
pub use verdict::{Verdict, Verdicts, judged, rejudge};

words! {
    /// What about a commission is doubted.
    FlagKind, FlagKindError:
    /// The partner bought from themself.
    SelfReferral "self_referral",
    /// Partner or buyer uses a mail box that is thrown away.
    DisposableAddress "disposable_address",
    /// The partner's click came when the buyer was paying already.
    AfterCheckout "after_checkout",
    /// Nothing proves that the click's or the order's visitor id was given out by us.
    UnverifiedVisitor "unverified_visitor",
    /// The click came from a coupon site, shortly before the purchase and after other visits.
    CouponSite "coupon_site",
    /// More sales or clicks in an hour than people make.
    Velocity "velocity",
    /// The click came from an advertisement for the merchant's own name.
    PaidBrandSearch "paid_brand_search",
}

words! {
    /// What a person decided about a flag.
    Decision, DecisionError:
    /// There is nothing wrong: the money flows on, and the flag is not raised again.
    Cleared "cleared",
    /// The commission is not earned.
    Rejected "rejected",
}

/// By what the partner was found in the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfBy {
    /// The buyer, or somebody known to be the same person, has the partner's address.
    Address,
    /// The same with the address the partner is paid by.
    PayoutAddress,
    /// An address that differs by a plus-tag or dots only.
    SimilarAddress,
    /// A browser in which somebody gave the partner's address.
    Browser,
}

/// Whose address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    Partner,
    Buyer,
}

/// On what a visitor id was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundOn {
    Click,
    Order,
}

/// What there were too many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Many {
    Sales,
    Clicks,
}

/// What says that a click was bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoughtBy {
    /// A search advertiser's click id.
    ClickId,
    /// `utm_medium`.
    Medium,
    /// `utm_term` holds the merchant's name.
    BrandTerm,
}

/// What was seen. Holds no address, no visitor id and nothing else that names a buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    SelfReferral {
        by: SelfBy,
    },
    DisposableAddress {
        whose: Whose,
    },
    AfterCheckout {
        checkout_at_ms: i64,
        click_at_ms: i64,
    },
    UnverifiedVisitor {
        on: FoundOn,
        /// Otherwise it carried no signature at all.
        is_forged: bool,
    },
    CouponSite {
        host: String,
        minutes_before: i64,
        /// Visits by other ways before it.
        earlier_visits: u32,
    },
    Velocity {
        of: Many,
        /// In the fullest span of so many minutes around it.
        count: u32,
        most: u32,
        #[serde(default = "an_hour")]
        minutes: u32,
    },
    PaidBrandSearch {
        by: BoughtBy,
        /// The click id's name, the medium or the term.
        value: String,
    },
}

/// What flags were raised by before a workspace could choose.
fn an_hour() -> u32 {
    60
}

impl Evidence {
    pub fn kind(&self) -> FlagKind {
        match self {
            Evidence::SelfReferral { .. } => FlagKind::SelfReferral,
            Evidence::DisposableAddress { .. } => FlagKind::DisposableAddress,
            Evidence::AfterCheckout { .. } => FlagKind::AfterCheckout,
            Evidence::UnverifiedVisitor { .. } => FlagKind::UnverifiedVisitor,
            Evidence::CouponSite { .. } => FlagKind::CouponSite,
            Evidence::Velocity { .. } => FlagKind::Velocity,
            Evidence::PaidBrandSearch { .. } => FlagKind::PaidBrandSearch,
        }
    }

    /// For people.
    pub fn sentence(&self) -> String {
        match self {
            Evidence::SelfReferral { by } => match by {
                SelfBy::Address => "the buyer has the partner's e-mail address".to_owned(),
                SelfBy::PayoutAddress => "the buyer has the address the partner is paid by".to_owned(),
                SelfBy::SimilarAddress => {
                    "the buyer's address differs from the partner's by a plus-tag or dots only".to_owned()
                }
                SelfBy::Browser => "the partner gave their address in the buyer's browser".to_owned(),
            },
            Evidence::DisposableAddress { whose: Whose::Partner } => {
                "the partner's mail box is one that is thrown away".to_owned()
            }
            Evidence::DisposableAddress { whose: Whose::Buyer } => {
                "the buyer's mail box is one that is thrown away".to_owned()
            }
            Evidence::AfterCheckout { checkout_at_ms, click_at_ms } => {
                let minutes = (click_at_ms - checkout_at_ms) / 60_000;
                format!("the partner's link was followed {minutes} minutes after the checkout had begun")
            }
            Evidence::UnverifiedVisitor { on, is_forged } => {
                let what = match on {
                    FoundOn::Click => "the click's visitor id",
                    FoundOn::Order => "the order's visitor id",
                };
                match is_forged {
                    true => format!("{what} carried a signature that is not ours"),
                    false => format!("{what} was never signed: no browser that we answered showed it again"),
                }
            }
            Evidence::CouponSite { host, minutes_before, earlier_visits } => format!(
                "the click came from {host}, {minutes_before} minutes before the purchase and after \
                 {earlier_visits} visits by other ways"
            ),
            Evidence::Velocity { of, count, most, minutes } => {
                let what = match of {
                    Many::Sales => "new sales",
                    Many::Clicks => "clicks",
                };
                let span = match minutes {
                    60 => "an hour".to_owned(),
                    minutes => format!("{minutes} minutes"),
                };
                format!(
                    "{count} {what} of this partner within {span}, where {most} are the most to be expected"
                )
            }
            Evidence::PaidBrandSearch { by, value } => match by {
                BoughtBy::ClickId => format!("the click was bought from a search engine: it carries {value}"),
                BoughtBy::Medium => {
                    format!("the click was bought from a search engine: its medium is {value}")
                }
                BoughtBy::BrandTerm => format!("the click was bought for the search term {value}"),
            },
        }
    }
}

/// A doubt about a commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub evidence: Evidence,
    pub raised_at_ms: i64,
}

/// Everything that is doubtful about one commission now, at most one of each kind, in the order of [`FlagKind`].
pub fn flags(known: &Inquiry<'_>, now_ms: i64) -> Vec<Flag> {
    let found = rules::RULES.iter().filter_map(|rule| rule(known));
    found.map(|evidence| Flag { evidence, raised_at_ms: now_ms }).collect()
}

/// Whether a flag nobody decided about comes too late to hold anything: the money is with the partner, or on its way.
pub fn is_warning(entries: &[Entry]) -> bool {
    matches!(state(entries), State::Processing | State::Paid)
}
