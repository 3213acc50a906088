//! The ledger under histories nobody would write down: random clicks, payments, renewals, refunds, disputes, changed
//! terms and payouts, told in any order.

use std::collections::{BTreeMap, HashMap};

use domain::affiliate::ledger::{Balance, State, approve, conclude, fault, state};
use domain::affiliate::payout::{Method, Owed, Part, run};
use domain::affiliate::{
    Commission, Family, GivenBack, LinkOwner, PartnerStatus, PartnerTouch, Program, Recurring, Reward,
    Rounding, Sale, Terms, TermsVersion, Wins, book,
};
use domain::ids::{HitId, OrderId, RefundId};
use domain::money::Currency;
use domain::order::Basis;
use proptest::prelude::*;

const DAY_MS: i64 = 86_400_000;
const PARTNERS: [&str; 3] = ["ann", "bob", "cem"];

/// Something that becomes known.
#[derive(Clone, Debug)]
enum Told {
    Click {
        customer: usize,
        partner: usize,
        day: i64,
    },
    Payment {
        customer: usize,
        day: i64,
        net: i64,
    },
    /// Of a payment, some percent of what was paid; whether it did not last, and whether it is a dispute.
    Refund {
        customer: usize,
        payment: usize,
        percent: i64,
        lasts: bool,
        dispute: bool,
    },
    NewTerms {
        points: u32,
        recurring: Recurring,
        base: Basis,
        rounding: Rounding,
        first_wins: bool,
    },
    Days(i64),
    Payout {
        sent: bool,
    },
}

fn recurring() -> impl Strategy<Value = Recurring> {
    prop_oneof![
        Just(Recurring::Once),
        (1_u16..4).prop_map(Recurring::Payments),
        (1_u16..4).prop_map(Recurring::Months),
        Just(Recurring::Lifetime),
    ]
}

fn told() -> impl Strategy<Value = Told> {
    let customer = 0_usize..3;
    prop_oneof![
        3 => (customer.clone(), 0_usize..3, 0_i64..200)
            .prop_map(|(customer, partner, day)| Told::Click { customer, partner, day }),
        4 => (customer.clone(), 0_i64..200, 0_i64..20_000)
            .prop_map(|(customer, day, net)| Told::Payment { customer, day, net }),
        4 => (customer, 0_usize..5, 1_i64..=100, any::<bool>(), any::<bool>()).prop_map(
            |(customer, payment, percent, lasts, dispute)| Told::Refund { customer, payment, percent, lasts, dispute }
        ),
        1 => (1_u32..=10_000, recurring(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(points, recurring, net, floor, first_wins)| Told::NewTerms {
                points,
                recurring,
                base: if net { Basis::Net } else { Basis::Gross },
                rounding: if floor { Rounding::Floor } else { Rounding::HalfEven },
                first_wins,
            }
        ),
        2 => (0_i64..40).prop_map(Told::Days),
        2 => any::<bool>().prop_map(|sent| Told::Payout { sent }),
    ]
}

struct World {
    now_ms: i64,
    families: Vec<Family>,
    links: HashMap<String, LinkOwner>,
    program: Program,
    ledger: Vec<Commission>,
    payouts: u32,
    next: u128,
}

impl World {
    fn new() -> World {
        let owner = |partner: &&str| {
            let owner = LinkOwner {
                partner: format!("prt_{partner}"),
                program: "prg_1".to_owned(),
                statuses: vec![(0, PartnerStatus::Approved)],
            };
            ((*partner).to_owned(), owner)
        };
        let family = |_| Family { anchor_ms: 150 * DAY_MS, ..Family::default() };
        World {
            now_ms: 0,
            families: (0..3).map(family).collect(),
            links: PARTNERS.iter().map(owner).collect(),
            program: Program { id: "prg_1".to_owned(), versions: vec![terms(1, 0, 3000)] },
            ledger: Vec::new(),
            payouts: 0,
            next: 0,
        }
    }

    fn fresh(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    fn currency(customer: usize) -> Currency {
        ["USD", "EUR", "JPY"][customer].parse().unwrap()
    }

    fn learns(&mut self, told: &Told) {
        match *told {
            Told::Click { customer, partner, day } => {
                let (id, code) = (HitId(self.fresh()), PARTNERS[partner].to_owned());
                self.families[customer].touches.push(PartnerTouch { id, at_ms: day * DAY_MS, code });
            }
            Told::Payment { customer, day, net } => {
                let order = OrderId(self.fresh());
                self.families[customer].sales.push(Sale {
                    order,
                    paid_at_ms: day * DAY_MS,
                    currency: World::currency(customer),
                    net_minor: net,
                    tax_minor: net / 5,
                    refunds: Vec::new(),
                });
            }
            Told::Refund { customer, payment, percent, lasts, dispute } => {
                let (id, now_ms) = (RefundId(self.fresh()), self.now_ms);
                let Some(sale) = self.families[customer].sales.get_mut(payment) else { return };
                let standing = sale.refunds.iter().filter(|refund| refund.reversed_at_ms.is_none());
                let (net, tax) = standing
                    .fold((0, 0), |(net, tax), refund| (net + refund.net_minor, tax + refund.tax_minor));
                let (net_left, tax_left) = (sale.net_minor - net, sale.tax_minor - tax);
                sale.refunds.push(GivenBack {
                    id,
                    at_ms: now_ms,
                    net_minor: net_left * percent / 100,
                    tax_minor: tax_left * percent / 100,
                    reversed_at_ms: (!lasts).then_some(now_ms + 1),
                    reason: if dispute { "dispute_lost" } else { "asked" }.to_owned(),
                });
            }
            Told::NewTerms { points, recurring, base, rounding, first_wins } => {
                let version = self.program.versions.len() as u32 + 1;
                let mut added = terms(version, self.now_ms, points);
                added.terms = Terms {
                    recurring,
                    base,
                    rounding,
                    wins: if first_wins { Wins::First } else { Wins::Last },
                    ..added.terms
                };
                self.program.versions.push(added);
            }
            Told::Days(days) => self.now_ms += days * DAY_MS,
            Told::Payout { sent } => self.pays_out(sent),
        }
    }

    /// What the job does: books what is missing; answers how much that was.
    fn books(&mut self) -> usize {
        let mut added = 0;
        for family in &self.families {
            let standing: Vec<Commission> = self
                .ledger
                .iter()
                .filter(|commission| family.sales.iter().any(|sale| sale.order == commission.order))
                .cloned()
                .collect();
            let programs = std::slice::from_ref(&self.program);
            for fresh in book(family, &self.links, programs, &standing, self.now_ms) {
                added += fresh.entries.len();
                let known = self.ledger.iter_mut().find(|known| {
                    known.order == fresh.order && known.referral.partner == fresh.referral.partner
                });
                match known {
                    Some(known) => known.entries.extend(fresh.entries),
                    None => self.ledger.push(fresh),
                }
            }
        }
        added
    }

    fn pays_out(&mut self, sent: bool) {
        for customer in 0..3 {
            let currency = World::currency(customer);
            let owed = PARTNERS.map(|partner| {
                let partner = format!("prt_{partner}");
                let own = |commission: &&Commission| {
                    commission.referral.partner == partner && commission.currency == currency
                };
                let part = |commission: &Commission| Part {
                    commission: commission.order.to_string(),
                    amount_minor: Balance::of(&commission.entries).due,
                };
                let parts = self.ledger.iter().filter(own).map(part).collect();
                let (status, method) = (PartnerStatus::Approved, Some(Method::Paypal));
                Owed { partner, status, method, minimum_minor: 100, parts }
            });
            for item in run(currency, owed.to_vec()).items {
                self.payouts += 1;
                let payout = format!("pay_{}", self.payouts);
                for part in &item.parts {
                    let commission = self.ledger.iter_mut().find(|commission| {
                        commission.order.to_string() == part.commission
                            && commission.referral.partner == item.partner
                    });
                    let entries = &mut commission.unwrap().entries;
                    entries.extend(approve(entries, part.amount_minor, &payout, self.now_ms));
                    entries.extend(conclude(entries, &payout, sent, self.now_ms));
                    assert_eq!(conclude(entries, &payout, sent, self.now_ms), [], "never twice");
                }
                // At this moment the partner has no more than what is earned.
                let earned: i64 = self.of(&item.partner, currency).map(Balance::earned).sum();
                let paid: i64 = self.of(&item.partner, currency).map(|balance| balance.paid).sum();
                assert!(paid <= earned, "{} was paid {paid} of {earned}", item.partner);
            }
        }
    }

    fn of(&self, partner: &str, currency: Currency) -> impl Iterator<Item = Balance> {
        let own = self.ledger.iter().filter(move |commission| {
            commission.referral.partner == partner && commission.currency == currency
        });
        own.map(|commission| Balance::of(&commission.entries))
    }

    fn holds(&self) {
        let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
        for commission in &self.ledger {
            let balance = Balance::of(&commission.entries);
            *sums.entry(commission.currency).or_default() += balance.sum();
            assert!(
                balance.pending >= 0 && balance.processing == 0 && balance.earned() >= 0,
                "{commission:?}"
            );
            assert_eq!(fault(&commission.entries), None, "{commission:?}");
        }
        assert!(sums.values().all(|&sum| sum == 0), "{sums:?}");
    }

    /// Net and tax left of an order.
    fn left(&self, order: OrderId) -> (i64, i64) {
        let sale = self.families.iter().flat_map(|family| &family.sales).find(|sale| sale.order == order);
        let sale = sale.expect("every commission has its order");
        let standing = sale.refunds.iter().filter(|refund| refund.reversed_at_ms.is_none());
        standing.fold((sale.net_minor, sale.tax_minor), |(net, tax), refund| {
            (net - refund.net_minor, tax - refund.tax_minor)
        })
    }
}

fn terms(version: u32, from_ms: i64, points: u32) -> TermsVersion {
    let terms = Terms {
        reward: Reward::BasisPoints(points),
        base: Basis::Net,
        recurring: Recurring::Lifetime,
        hold_days: 30,
        window_days: 60,
        wins: Wins::Last,
        rounding: Rounding::HalfEven,
        minimum_payout: BTreeMap::new(),
    };
    TermsVersion { version, from_ms, terms }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_ledger_adds_up_and_nobody_is_paid_more_than_earned(
        history in prop::collection::vec(told(), 1..60),
    ) {
        let mut world = World::new();
        for told in &history {
            world.learns(told);
            world.books();
            prop_assert_eq!(world.books(), 0, "a second run adds nothing after {:?}", told);
            world.holds();
        }
        for commission in &world.ledger {
            let (net, tax) = world.left(commission.order);
            if net == 0 && tax == 0 {
                let balance = Balance::of(&commission.entries);
                prop_assert_eq!(balance.earned(), 0, "a full refund leaves nothing: {:?}", commission);
                if balance.paid == 0 {
                    let is_nothing = matches!(state(&commission.entries), State::Reversed | State::Void);
                    prop_assert!(is_nothing, "{:?}", commission);
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_things_become_known_changes_no_sum(
        history in prop::collection::vec(told(), 1..30),
        seed in any::<u64>(),
    ) {
        // Without payouts and the clock, which are no facts; and refunds come after what they are of.
        let facts: Vec<Told> =
            history.into_iter().filter(|told| matches!(told, Told::Click { .. } | Told::Payment { .. })).collect();
        let mut world = World::new();
        facts.iter().for_each(|told| world.learns(told));
        world.now_ms = 400 * DAY_MS;
        world.books();

        // The same families, told one touch or payment at a time in another order.
        let whole = world.families.clone();
        let mut pieces: Vec<(usize, Option<PartnerTouch>, Option<Sale>)> = Vec::new();
        for (customer, family) in whole.iter().enumerate() {
            pieces.extend(family.touches.iter().map(|touch| (customer, Some(touch.clone()), None)));
            pieces.extend(family.sales.iter().map(|sale| (customer, None, Some(sale.clone()))));
        }
        let mut random = seed;
        for at in (1..pieces.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            pieces.swap(at, (random >> 33) as usize % (at + 1));
        }
        let mut late = World::new();
        late.now_ms = 400 * DAY_MS;
        for (customer, touch, sale) in pieces {
            late.families[customer].touches.extend(touch);
            late.families[customer].sales.extend(sale);
            late.books();
        }
        let earned = |world: &World| {
            let sums = PARTNERS.map(|partner| {
                (0..3).map(|customer| {
                    let currency = World::currency(customer);
                    world.of(&format!("prt_{partner}"), currency).map(Balance::earned).sum::<i64>()
                }).collect::<Vec<_>>()
            });
            sums.to_vec()
        };
        prop_assert_eq!(earned(&world), earned(&late));
    }
}

#[test]
fn terms_changed_in_mid_month_leave_what_was_earned_before_as_it_was() {
    let mut world = World::new();
    world.learns(&Told::Click { customer: 0, partner: 0, day: 140 });
    world.now_ms = 160 * DAY_MS;
    world.learns(&Told::Payment { customer: 0, day: 150, net: 10_000 });
    world.books();
    world.learns(&Told::NewTerms {
        points: 1000,
        recurring: Recurring::Lifetime,
        base: Basis::Net,
        rounding: Rounding::HalfEven,
        first_wins: false,
    });
    world.learns(&Told::Payment { customer: 0, day: 170, net: 10_000 });
    world.learns(&Told::Refund { customer: 0, payment: 0, percent: 50, lasts: true, dispute: false });
    world.books();
    let earned: Vec<(u32, i64)> = world
        .ledger
        .iter()
        .map(|commission| (commission.terms_version, Balance::of(&commission.entries).earned()))
        .collect();
    assert_eq!(earned, [(1, 15_00), (2, 10_00)]);
}
