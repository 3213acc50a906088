//! What is known about one commission and how its sale came about: what the rules of flags look at.

use std::collections::HashSet;

use super::Limits;
use crate::ids::VisitorId;

/// How far a visitor id is known to have been given out by us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Nothing is known: there is none, its record was deleted or came with an import.
    #[default]
    Unknown,
    Signed,
    Unsigned,
    Forged,
}

/// The click that earned, as it was recorded.
#[derive(Clone, Debug, Default)]
pub struct Click {
    pub at_ms: i64,
    pub trust: Trust,
    /// A browser's first hit is never signed. This says whether a later one of the same visitor was.
    pub was_signed_later: bool,
    /// Stored form.
    pub referrer: String,
    /// The page it led to, with its parameters; stored form.
    pub landing: String,
}

/// The sale.
#[derive(Clone, Debug, Default)]
pub struct SaleTraits {
    /// When the checkout began, or where none is known when it was paid.
    pub checkout_at_ms: i64,
    pub paid_at_ms: i64,
    pub trust: Trust,
    /// Keys of the buyer and of everything known to be the same person.
    pub person_keys: HashSet<u128>,
    /// Whose visits the journey is read from.
    pub visitors: HashSet<VisitorId>,
    pub has_disposable_address: bool,
    /// Visits that came neither by this partner nor directly, before the click.
    pub earlier_visits: u32,
    /// When the buyer's browsers were on a page of paying, or on the way to one, before the checkout is known to have
    /// begun; sorted.
    pub paying_at_ms: Vec<i64>,
    /// Clicks of the same partner between the checkout and the payment; sorted.
    pub late_clicks_ms: Vec<i64>,
}

/// What is known about the partner.
#[derive(Clone, Debug, Default)]
pub struct PartnerTraits {
    pub address_key: u128,
    /// Of the address without plus-tag and dots.
    pub similar_key: u128,
    /// Of the address the partner is paid by, where that is one.
    pub payout_key: Option<u128>,
    /// In which the partner gave that address.
    pub visitors: HashSet<VisitorId>,
    pub has_disposable_address: bool,
    /// When customers brought by the partner paid first, sorted; at least those of `velocity_minutes` before and after.
    pub sales_ms: Vec<i64>,
    /// Clicks by minute, sorted; at least those of `velocity_minutes` before and after.
    pub clicks: Vec<(i64, u32)>,
}

/// One commission.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    /// None where its record is gone, or a coupon code earned without a click.
    pub click: Option<&'a Click>,
    pub sale: &'a SaleTraits,
    pub partner: &'a PartnerTraits,
    /// A renewal comes by itself: it is not part of a rush of sales.
    pub is_first: bool,
    /// Names of the merchant, lower case letters and digits only.
    pub brands: &'a [String],
    /// The workspace's.
    pub limits: Limits,
}
