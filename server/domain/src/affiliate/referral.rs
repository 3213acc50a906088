//! Who brought a customer, by what, and which part of a commission that is; and why somebody else did not. Decided by
//! [`super::weigh::weigh`].

use serde::{Deserialize, Serialize};

use super::family::PartnerTouch;

/// A partner's part of a commission: one of so many equal ones, which add up to the whole to the last minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// 0 for the first, which gets what cannot be divided before the others do.
    pub place: u32,
    /// Of how many; 0 when there is no part any more.
    pub of: u32,
}

impl Share {
    pub const WHOLE: Share = Share { place: 0, of: 1 };
    pub const NONE: Share = Share { place: 0, of: 0 };

    /// Of an amount that is zero or above.
    pub fn part(self, whole_minor: i64) -> i64 {
        if self.of == 0 {
            return 0;
        }
        let of = i64::from(self.of);
        whole_minor / of + i64::from(i64::from(self.place) < whole_minor % of)
    }
}

/// Who brought the customer, by which click or coupon, and which part of the commission that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    pub partner: String,
    pub program: String,
    /// None when it was a coupon.
    pub touch: Option<PartnerTouch>,
    /// The coupon's code, or the partner's code in the metadata of order or discount. None when it was a click.
    pub coupon: Option<String>,
    pub share: Share,
}

impl Referral {
    /// Of the link that was clicked on, or of the coupon.
    pub fn code(&self) -> &str {
        let code = self.touch.as_ref().map(|touch| touch.code.as_str());
        code.or(self.coupon.as_deref()).unwrap_or_default()
    }
}

/// Why a click on a partner's link, or a coupon, earns or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Brought the customer.
    Earns,
    /// Nobody's link or coupon.
    Unknown,
    /// The link was archived before the click, the coupon before the sale.
    Archived,
    /// The partner was not approved when the first payment was made.
    NotApproved,
    /// The programme had no terms when the first payment was made.
    NoTerms,
    /// After the checkout began.
    AfterAnchor,
    /// Longer before the checkout than the terms allow.
    OutsideWindow,
    /// The last click was on a link of another programme.
    OtherProgram,
    /// Another click won, by the terms.
    LostToClick,
    /// Another click of the same partner stands for this one.
    SamePartner,
    /// A coupon goes before it, by the terms.
    LostToCoupon,
    /// Nothing was paid yet.
    NoPayment,
}

/// One click, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeighedClick {
    pub touch: PartnerTouch,
    /// Whose link it is; none when nobody's.
    pub partner: Option<String>,
    pub verdict: Verdict,
}

/// The coupon of an order, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeighedCoupon {
    pub code: String,
    pub partner: Option<String>,
    pub verdict: Verdict,
}

/// Everything that spoke for a partner, and who won.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// By time.
    pub clicks: Vec<WeighedClick>,
    pub coupon: Option<WeighedCoupon>,
    /// By share. One for each partner who earns.
    pub referrals: Vec<Referral>,
}
