//! When a fall of match quality is worth telling somebody: sales that used to carry their visitor no longer do, the
//! first sign of a checkout that lost its metadata.
//!
//! The rule: of one connection's new sales, the share of revenue with a visitor on it (evidence `signed` or
//! `unsigned`) in the last two days is compared with the fourteen days before. It is a drop when that share fell by
//! at least 25 points and the share of orders by at least 10, so that one large sale alone is none; and only with at
//! least 20 orders before and 5 now, so that chance is none. Never looks at renewals: they carry nothing themselves.

use serde::{Deserialize, Serialize};

/// Days looked at now.
pub const RECENT_DAYS: i64 = 2;
/// Days before them that say what is usual.
pub const USUAL_DAYS: i64 = 14;
const USUAL_ORDERS_MIN: u64 = 20;
const RECENT_ORDERS_MIN: u64 = 5;
const REVENUE_FALL_PPM: i64 = 250_000;
const ORDERS_FALL_PPM: i64 = 100_000;

/// New sales of one connection over some days. Revenue in minor units of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    pub orders: u64,
    pub orders_with_visitor: u64,
    pub net_minor: i64,
    pub net_with_visitor_minor: i64,
}

/// A fall of match quality. Shares in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drop {
    pub usual_share_ppm: i64,
    pub recent_share_ppm: i64,
    pub recent_orders: u64,
}

/// Whether match quality fell, by the rule above.
pub fn drop_of(usual: Matched, recent: Matched) -> Option<Drop> {
    if usual.orders < USUAL_ORDERS_MIN || recent.orders < RECENT_ORDERS_MIN {
        return None;
    }
    let orders = |matched: Matched| share(matched.orders_with_visitor.into(), matched.orders.into());
    let revenue = |matched: Matched| {
        share(matched.net_with_visitor_minor.max(0).into(), matched.net_minor.max(0).into())
    };
    let (usual_share_ppm, recent_share_ppm) = (revenue(usual)?, revenue(recent)?);
    let has_fallen = usual_share_ppm - recent_share_ppm >= REVENUE_FALL_PPM
        && orders(usual)? - orders(recent)? >= ORDERS_FALL_PPM;
    has_fallen.then_some(Drop { usual_share_ppm, recent_share_ppm, recent_orders: recent.orders })
}

fn share(part: i128, whole: i128) -> Option<i64> {
    match whole {
        0 => None,
        whole => i64::try_from(part * 100_0000 / whole).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(
        orders: u64,
        orders_with_visitor: u64,
        net_minor: i64,
        net_with_visitor_minor: i64,
    ) -> Matched {
        Matched { orders, orders_with_visitor, net_minor, net_with_visitor_minor }
    }

    #[test]
    fn a_checkout_that_lost_its_metadata_is_a_drop() {
        let fall = drop_of(matched(100, 90, 100_000, 90_000), matched(10, 2, 10_000, 2_000)).unwrap();
        assert_eq!((fall.usual_share_ppm, fall.recent_share_ppm, fall.recent_orders), (900_000, 200_000, 10));
    }

    #[test]
    fn chance_one_large_sale_and_what_was_never_better_are_none() {
        let usual = matched(100, 90, 100_000, 90_000);
        for (why, usual, recent) in [
            ("few now", usual, matched(4, 0, 10_000, 0)),
            ("few before", matched(19, 19, 10_000, 10_000), matched(10, 0, 10_000, 0)),
            ("one large sale", usual, matched(20, 19, 100_000, 20_000)),
            ("a little", usual, matched(10, 7, 10_000, 6_600)),
            ("never better", matched(100, 10, 100_000, 10_000), matched(10, 0, 10_000, 0)),
            ("nothing paid", usual, matched(10, 0, 0, 0)),
        ] {
            assert_eq!(drop_of(usual, recent), None, "{why}");
        }
    }

    #[test]
    fn the_edges_belong_to_the_drop() {
        let usual = matched(20, 20, 10_000, 10_000);
        assert!(drop_of(usual, matched(10, 9, 10_000, 7_500)).is_some());
        assert!(drop_of(usual, matched(10, 9, 10_000, 7_501)).is_none());
    }
}
