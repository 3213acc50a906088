//! What can become known or be decided, at random.

use domain::affiliate::flag::Decision;
use domain::affiliate::{
    Per, Precedence, Reached, Recurring, Reward, Rounding, Rule, Step, Terms, Tiers, Wins,
};
use domain::order::{Basis, Interval};
use proptest::prelude::*;

use super::world::World;

/// Something that becomes known.
#[derive(Clone, Debug)]
pub enum Told {
    Click {
        family: usize,
        partner: usize,
        day: i64,
    },
    Payment {
        family: usize,
        day: i64,
        net: i64,
        yearly: bool,
        /// Whose coupon was redeemed.
        coupon: Option<usize>,
    },
    /// Of a payment, some percent of what was left; whether it did not last, and whether it is a dispute.
    Refund {
        family: usize,
        payment: usize,
        percent: i64,
        days_later: i64,
        lasts: bool,
        dispute: bool,
    },
    Terms(NewTerms),
    /// Of the group of gold.
    GroupTerms(NewTerms),
    Joins {
        partner: usize,
        gold: bool,
    },
    Days(i64),
    /// By a file that a person says was sent, or not.
    Payout {
        sent: bool,
    },
    /// By PayPal, which has it from now on.
    Paypal,
    /// How one of PayPal's items ended.
    Ends {
        item: usize,
        arrived: bool,
    },
    /// A flag on a commission.
    Doubt {
        commission: usize,
    },
    Decides {
        doubt: usize,
        decision: Decision,
    },
}

impl Told {
    /// A monthly payment without a coupon.
    pub fn payment(family: usize, day: i64, net: i64) -> Told {
        Told::Payment { family, day, net, yearly: false, coupon: None }
    }
}

/// Terms to come.
#[derive(Clone, Debug)]
pub struct NewTerms {
    pub points: u32,
    pub recurring: Recurring,
    pub base: Basis,
    pub rounding: Rounding,
    pub wins: Wins,
    pub precedence: Precedence,
    pub rules: Vec<Rule>,
    pub tiers: Option<Tiers>,
}

impl NewTerms {
    /// Thirty percent for life.
    pub fn plain() -> NewTerms {
        NewTerms {
            points: 3000,
            recurring: Recurring::Lifetime,
            base: Basis::Net,
            rounding: Rounding::HalfEven,
            wins: Wins::Last,
            precedence: Precedence::LinkFirst,
            rules: Vec::new(),
            tiers: None,
        }
    }

    pub fn terms(&self) -> Terms {
        let NewTerms { points, recurring, base, rounding, wins, precedence, rules, tiers } = self.clone();
        let terms = Terms {
            reward: Reward::BasisPoints(points),
            base,
            recurring,
            hold_days: 30,
            window_days: 60,
            wins,
            precedence,
            rules,
            tiers,
            rounding,
            minimum_payout: Default::default(),
        };
        assert_eq!(terms.check(), Ok(()), "{terms:?}");
        terms
    }
}

fn reward() -> impl Strategy<Value = Reward> {
    prop_oneof![
        2 => (1_u32..=10_000).prop_map(Reward::BasisPoints),
        1 => (1_i64..3_000).prop_map(|minor| {
            Reward::Flat(World::CURRENCIES.map(|code| (code.parse().unwrap(), minor)).into())
        }),
        1 => Just(Reward::Nothing),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    (reward(), 0_u8..3).prop_map(|(reward, kind)| Rule {
        products: if kind == 0 { vec!["pro".to_owned()] } else { Vec::new() },
        intervals: if kind == 1 { vec![Interval::Year] } else { Vec::new() },
        first_order: kind == 2,
        reward,
    })
}

fn tiers() -> impl Strategy<Value = Tiers> {
    let by_sales = (1_u32..4).prop_map(|step| [1, 2].map(|at| Reached::Sales(at * step)));
    let by_net = (1_i64..20_000).prop_map(|step| {
        [1, 3].map(|at| Reached::Net(World::CURRENCIES.map(|code| (code.parse().unwrap(), at * step)).into()))
    });
    let per = prop_oneof![Just(Per::Month), Just(Per::Lifetime)];
    (prop_oneof![by_sales, by_net], reward(), reward(), per).prop_map(|([low, high], first, second, per)| {
        Tiers { per, steps: vec![Step { from: low, reward: first }, Step { from: high, reward: second }] }
    })
}

fn recurring() -> impl Strategy<Value = Recurring> {
    prop_oneof![
        Just(Recurring::Once),
        (1_u16..4).prop_map(Recurring::Payments),
        (1_u16..4).prop_map(Recurring::Months),
        Just(Recurring::Lifetime),
    ]
}

pub fn new_terms() -> impl Strategy<Value = NewTerms> {
    let wins = prop_oneof![Just(Wins::Last), Just(Wins::First), Just(Wins::Split)];
    let rules = prop::collection::vec(rule(), 0..3);
    let looks = (any::<bool>(), any::<bool>(), any::<bool>());
    (1_u32..=10_000, recurring(), looks, wins, rules, prop::option::of(tiers())).prop_map(
        |(points, recurring, (net, floor, coupon_first), wins, rules, tiers)| NewTerms {
            points,
            recurring,
            base: if net { Basis::Net } else { Basis::Gross },
            rounding: if floor { Rounding::Floor } else { Rounding::HalfEven },
            wins,
            precedence: if coupon_first { Precedence::CouponFirst } else { Precedence::LinkFirst },
            rules,
            tiers,
        },
    )
}

pub fn told() -> impl Strategy<Value = Told> {
    let family = 0_usize..World::FAMILIES;
    let coupon = prop_oneof![3 => Just(None), 1 => (0_usize..3).prop_map(Some)];
    prop_oneof![
        4 => (family.clone(), 0_usize..3, 60_i64..200)
            .prop_map(|(family, partner, day)| Told::Click { family, partner, day }),
        4 => (family.clone(), 0_i64..200, 0_i64..20_000, any::<bool>(), coupon)
            .prop_map(|(family, day, net, yearly, coupon)| Told::Payment { family, day, net, yearly, coupon }),
        4 => (family, 0_usize..5, 1_i64..=100, 0_i64..60, any::<bool>(), any::<bool>()).prop_map(
            |(family, payment, percent, days_later, lasts, dispute)| {
                Told::Refund { family, payment, percent, days_later, lasts, dispute }
            }
        ),
        1 => new_terms().prop_map(Told::Terms),
        1 => new_terms().prop_map(Told::GroupTerms),
        1 => (0_usize..3, any::<bool>()).prop_map(|(partner, gold)| Told::Joins { partner, gold }),
        2 => (0_i64..40).prop_map(Told::Days),
        2 => any::<bool>().prop_map(|sent| Told::Payout { sent }),
        1 => Just(Told::Paypal),
        2 => (0_usize..6, any::<bool>()).prop_map(|(item, arrived)| Told::Ends { item, arrived }),
        1 => (0_usize..20).prop_map(|commission| Told::Doubt { commission }),
        1 => (0_usize..4, prop_oneof![Just(Decision::Cleared), Just(Decision::Rejected)])
            .prop_map(|(doubt, decision)| Told::Decides { doubt, decision }),
    ]
}
