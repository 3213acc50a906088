//! Sites that list coupons or pay cash back.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::visit::referrer::parents;

static COUPONS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../../../data/coupon-sites.txt").lines().collect());

/// Whether a host (lower case) lists coupons or pays cash back.
pub(super) fn is_coupon_site(host: &str) -> bool {
    parents(host).any(|suffix| COUPONS.contains(suffix))
}
