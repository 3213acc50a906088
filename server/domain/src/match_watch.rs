//! When a fall of match quality is worth telling somebody: sales that used to carry their visitor no longer do, the
//! first sign of a checkout that lost its metadata. And when it is over.
//!
//! The rule: of one connection's new sales, the share of revenue with a visitor on it (evidence `signed` or
//! `unsigned`) in the last two days is compared with the fourteen days before. It is a fall when that share fell by
//! at least 25 points and the share of orders by at least 10, so that one large sale alone is none; and only with at
//! least 20 orders before and 5 now, so that chance is none. A fall that stands is compared with what was usual when it
//! began, not with the days since, which are bad themselves: it is over when five orders or more say so, and until
//! then nothing is known. Never looks at renewals: they carry nothing themselves.

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
    /// Of the revenue, before the fall.
    pub usual_share_ppm: i64,
    /// Of the orders, before the fall.
    pub usual_orders_share_ppm: i64,
    /// Of the revenue, as last looked at.
    pub recent_share_ppm: i64,
    pub recent_orders: u64,
}

/// What a look at a connection's sales says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Match quality fell, or is as low as it fell.
    Fallen(Drop),
    /// Too few sales to say anything: whatever was known stays.
    TooFew,
    /// It is as it should be.
    Well,
}

/// Looks at the sales of one connection, by the rule above. `standing` is the fall that was told before and is not over.
pub fn look(usual: Matched, recent: Matched, standing: Option<Drop>) -> Look {
    if recent.orders < RECENT_ORDERS_MIN || (standing.is_none() && usual.orders < USUAL_ORDERS_MIN) {
        return Look::TooFew;
    }
    let before = match standing {
        Some(fall) => Some((fall.usual_share_ppm, fall.usual_orders_share_ppm)),
        None => usual.revenue_share().zip(usual.orders_share()),
    };
    // Revenue of nothing has no share.
    let (
        Some((usual_share_ppm, usual_orders_share_ppm)),
        Some(recent_share_ppm),
        Some(recent_orders_share_ppm),
    ) = (before, recent.revenue_share(), recent.orders_share())
    else {
        return Look::TooFew;
    };
    let has_fallen = usual_share_ppm - recent_share_ppm >= REVENUE_FALL_PPM
        && usual_orders_share_ppm - recent_orders_share_ppm >= ORDERS_FALL_PPM;
    match has_fallen {
        true => Look::Fallen(Drop {
            usual_share_ppm,
            usual_orders_share_ppm,
            recent_share_ppm,
            recent_orders: recent.orders,
        }),
        false => Look::Well,
    }
}

impl Matched {
    fn revenue_share(self) -> Option<i64> {
        share(self.net_with_visitor_minor.max(0).into(), self.net_minor.max(0).into())
    }

    fn orders_share(self) -> Option<i64> {
        share(self.orders_with_visitor.into(), self.orders.into())
    }
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

    fn fallen(usual: Matched, recent: Matched) -> Drop {
        match look(usual, recent, None) {
            Look::Fallen(fall) => fall,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_checkout_that_lost_its_metadata_is_a_fall() {
        let fall = fallen(matched(100, 90, 100_000, 90_000), matched(10, 2, 10_000, 2_000));
        assert_eq!((fall.usual_share_ppm, fall.recent_share_ppm, fall.recent_orders), (900_000, 200_000, 10));
    }

    #[test]
    fn chance_one_large_sale_and_what_was_never_better_are_none() {
        let usual = matched(100, 90, 100_000, 90_000);
        for (why, usual, recent, expected) in [
            ("few now", usual, matched(4, 0, 10_000, 0), Look::TooFew),
            ("few before", matched(19, 19, 10_000, 10_000), matched(10, 0, 10_000, 0), Look::TooFew),
            ("one large sale", usual, matched(20, 19, 100_000, 20_000), Look::Well),
            ("a little", usual, matched(10, 7, 10_000, 6_600), Look::Well),
            ("never better", matched(100, 10, 100_000, 10_000), matched(10, 0, 10_000, 0), Look::Well),
            ("nothing paid", usual, matched(10, 0, 0, 0), Look::TooFew),
        ] {
            assert_eq!(look(usual, recent, None), expected, "{why}");
        }
    }

    #[test]
    fn the_edges_belong_to_the_fall() {
        let usual = matched(20, 20, 10_000, 10_000);
        fallen(usual, matched(10, 9, 10_000, 7_500));
        assert_eq!(look(usual, matched(10, 9, 10_000, 7_501), None), Look::Well);
    }

    #[test]
    fn a_fall_is_over_by_sales_that_carry_their_visitor_and_by_nothing_else() {
        let fall = fallen(matched(100, 90, 100_000, 90_000), matched(10, 2, 10_000, 2_000));
        // Two weeks later what was usual is as bad as what is now, or nothing at all.
        for usual in [matched(40, 8, 40_000, 8_000), Matched::default()] {
            for few in [Matched::default(), matched(4, 4, 4_000, 4_000), matched(5, 5, 0, 0)] {
                assert_eq!(look(usual, few, Some(fall)), Look::TooFew, "{few:?}");
            }
            let bad = look(usual, matched(5, 1, 5_000, 1_000), Some(fall));
            assert_eq!(
                bad,
                Look::Fallen(Drop { recent_orders: 5, ..fall }),
                "it is told with what was before"
            );
            assert_eq!(look(usual, matched(5, 4, 5_000, 4_500), Some(fall)), Look::Well);
        }
    }
}
