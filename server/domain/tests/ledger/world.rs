//! A workspace as far as its affiliates go: what is known of it, the ledger, and what must always be true of that.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::affiliate::ledger::{Balance, fault};
use domain::affiliate::{
    Commission, Coupon, Family, GivenBack, Member, Owner, PartnerStatus, PartnerTouch, Program, Roster, Sale,
    TermsVersion, Volumes, book, volume_changes,
};
use domain::ids::{HitId, OrderId, RefundId};
use domain::money::Currency;
use domain::order::Interval;

use super::doubts::Doubt;
use super::paying::UnderWay;
use super::told::{NewTerms, Told};

pub const DAY_MS: i64 = 86_400_000;
pub const PARTNERS: [&str; 3] = ["ann", "bob", "cem"];
const PROGRAM: &str = "prg_1";
const GOLD: &str = "grp_gold";

#[derive(Clone)]
pub struct World {
    pub now_ms: i64,
    pub families: Vec<Family>,
    pub roster: Roster,
    pub ledger: Vec<Commission>,
    /// Flags that were raised, and what was decided about them.
    pub doubts: Vec<Doubt>,
    /// What PayPal has and did not tell the end of.
    pub under_way: Vec<UnderWay>,
    pub payouts: u32,
    next: u128,
}

impl World {
    /// Two of each customer.
    pub const FAMILIES: usize = 6;
    /// One a customer.
    pub const CURRENCIES: [&str; 3] = ["USD", "EUR", "JPY"];

    pub fn new() -> World {
        World::with(&NewTerms::plain())
    }

    /// With these terms from the beginning on.
    pub fn with(first: &NewTerms) -> World {
        let id = |partner: &str| format!("prt_{partner}");
        let member = Member {
            program: PROGRAM.to_owned(),
            statuses: vec![(0, PartnerStatus::Approved)],
            groups: Vec::new(),
        };
        let owner = |partner: &str| Owner { partner: id(partner), archived_at_ms: None };
        let first = TermsVersion { version: 1, from_ms: 0, group: None, terms: first.terms() };
        let roster = Roster {
            partners: PARTNERS.map(|partner| (id(partner), member.clone())).into(),
            links: PARTNERS.map(|partner| (partner.to_owned(), owner(partner))).into(),
            coupons: PARTNERS.map(|partner| (partner.to_uppercase(), owner(partner))).into(),
            programs: vec![Program { id: PROGRAM.to_owned(), versions: vec![first] }],
        };
        let family = |at: usize| Family { anchor_ms: (110 + 10 * at as i64) * DAY_MS, ..Family::default() };
        let families = (0..World::FAMILIES).map(family).collect();
        World {
            now_ms: 0,
            families,
            roster,
            ledger: Vec::new(),
            doubts: Vec::new(),
            under_way: Vec::new(),
            payouts: 0,
            next: 0,
        }
    }

    fn fresh(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    fn currency(family: usize) -> Currency {
        World::CURRENCIES[family / 2].parse().unwrap()
    }

    pub fn learns(&mut self, told: &Told) {
        match told.clone() {
            Told::Click { family, partner, day } => {
                let (id, code) = (HitId(self.fresh()), PARTNERS[partner].to_owned());
                self.families[family].touches.push(PartnerTouch { id, at_ms: day * DAY_MS, code });
            }
            Told::Payment { family, day, net, yearly, coupon } => {
                let order = OrderId(self.fresh());
                let code = coupon.map_or_else(String::new, |partner| PARTNERS[partner].to_owned());
                self.families[family].sales.push(Sale {
                    tax_minor: net / 5,
                    product: if yearly { "pro" } else { "plan" }.to_owned(),
                    interval: Some(if yearly { Interval::Year } else { Interval::Month }),
                    coupon: Coupon { code, partner_code: String::new() },
                    ..Sale::plain(order, day * DAY_MS, World::currency(family), net)
                });
            }
            Told::Refund { family, payment, percent, days_later, lasts, dispute } => {
                let id = RefundId(self.fresh());
                let Some(sale) = self.families[family].sales.get_mut(payment) else { return };
                let standing = sale.refunds.iter().filter(|refund| refund.reversed_at_ms.is_none());
                let (net, tax) = standing
                    .fold((0, 0), |(net, tax), refund| (net + refund.net_minor, tax + refund.tax_minor));
                let (net_left, tax_left) = (sale.net_minor - net, sale.tax_minor - tax);
                let at_ms = sale.paid_at_ms + days_later * DAY_MS;
                sale.refunds.push(GivenBack {
                    id,
                    at_ms,
                    net_minor: net_left * percent / 100,
                    tax_minor: tax_left * percent / 100,
                    reversed_at_ms: (!lasts).then_some(at_ms + 1),
                    reason: if dispute { "dispute_lost" } else { "asked" }.to_owned(),
                });
            }
            Told::Terms(new) => self.adds(&new, None),
            Told::GroupTerms(new) => self.adds(&new, Some(GOLD.to_owned())),
            Told::Joins { partner, gold } => {
                let from_ms = self.now_ms;
                let member = self.roster.partners.get_mut(&format!("prt_{}", PARTNERS[partner])).unwrap();
                member.groups.retain(|(known_ms, _)| *known_ms != from_ms);
                member.groups.push((from_ms, gold.then(|| GOLD.to_owned())));
            }
            Told::Days(days) => self.now_ms += days * DAY_MS,
            Told::Payout { sent } => self.pays_by_file(sent),
            Told::Paypal => self.sends_by_paypal(),
            Told::Ends { item, arrived } => self.ends(item, arrived),
            Told::Doubt { commission } => self.doubts(commission),
            Told::Decides { doubt, decision } => self.decides(doubt, decision),
        }
    }

    fn adds(&mut self, new: &NewTerms, group: Option<String>) {
        let versions = &mut self.roster.programs[0].versions;
        let version = versions.len() as u32 + 1;
        versions.push(TermsVersion { version, from_ms: self.now_ms, group, terms: new.terms() });
    }

    /// What the job does: books what is missing; answers how much that was.
    pub fn books(&mut self) -> usize {
        self.tells_first_orders();
        let changes = self.families.iter().flat_map(|family| volume_changes(family, &self.roster));
        let volumes = Volumes::of(changes.collect());
        let (mut added, verdicts) = (0, self.verdicts());
        for family in &self.families {
            let is_own =
                |commission: &&Commission| family.sales.iter().any(|sale| sale.order == commission.order);
            let standing: Vec<Commission> = self.ledger.iter().filter(is_own).cloned().collect();
            for fresh in book(family, &self.roster, &volumes, &standing, &verdicts, self.now_ms) {
                // One that only has another part, and no entry, was not told before either.
                added += 1;
                let known = self.ledger.iter_mut().find(|known| {
                    known.order == fresh.order && known.referral.partner == fresh.referral.partner
                });
                match known {
                    Some(known) => {
                        known.referral.share = fresh.referral.share;
                        known.first_order = fresh.first_order;
                        known.entries.extend(fresh.entries);
                    }
                    None => self.ledger.push(fresh),
                }
            }
        }
        added
    }

    /// Says of each sale whether it was its customer's first payment.
    fn tells_first_orders(&mut self) {
        for customer in self.families.chunks_mut(2) {
            let sales = customer.iter().flat_map(|family| &family.sales).filter(|sale| sale.net_minor > 0);
            let first = sales.min_by_key(|sale| (sale.paid_at_ms, sale.order)).map(|sale| sale.order);
            for sale in customer.iter_mut().flat_map(|family| &mut family.sales) {
                sale.first_order = Some(first == Some(sale.order));
            }
        }
    }

    pub fn of(&self, partner: &str, currency: Currency) -> impl Iterator<Item = Balance> {
        let own = self.ledger.iter().filter(move |commission| {
            commission.referral.partner == partner && commission.currency == currency
        });
        own.map(|commission| Balance::of(&commission.entries))
    }

    /// What is always true.
    pub fn holds(&self) {
        let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
        let mut of_orders: HashMap<OrderId, Vec<&Commission>> = HashMap::new();
        for commission in &self.ledger {
            let balance = Balance::of(&commission.entries);
            *sums.entry(commission.currency).or_default() += balance.sum();
            assert!(balance.pending >= 0 && balance.earned() >= 0, "{commission:?}");
            assert_eq!(fault(&commission.entries), None, "{commission:?}");
            of_orders.entry(commission.order).or_default().push(commission);
        }
        assert!(sums.values().all(|&sum| sum == 0), "{sums:?}");
        self.holds_under_way();
        self.holds_decisions();
        for (order, commissions) in of_orders {
            let (net, tax) = self.left(order);
            let earned: i64 =
                commissions.iter().map(|commission| Balance::of(&commission.entries).earned()).sum();
            assert!(earned <= net + tax, "{earned} of {net} and {tax}: {commissions:?}");
            let shares = commissions.iter().map(|commission| commission.referral.share);
            let shares: Vec<_> = shares.filter(|share| share.of > 0).collect();
            let places: HashSet<u32> = shares.iter().map(|share| share.place).collect();
            assert_eq!(places.len(), shares.len(), "one part each: {commissions:?}");
            assert!(
                shares.iter().all(|share| share.of == shares[0].of && share.place < share.of),
                "{shares:?}"
            );
            let partners: HashSet<&str> =
                commissions.iter().map(|commission| commission.referral.partner.as_str()).collect();
            assert_eq!(partners.len(), commissions.len(), "one commission a partner: {commissions:?}");
        }
    }

    /// Net and tax left of an order.
    pub fn left(&self, order: OrderId) -> (i64, i64) {
        let sale = self.families.iter().flat_map(|family| &family.sales).find(|sale| sale.order == order);
        let sale = sale.expect("every commission has its order");
        let standing = sale.refunds.iter().filter(|refund| refund.reversed_at_ms.is_none());
        standing.fold((sale.net_minor, sale.tax_minor), |(net, tax), refund| {
            (net - refund.net_minor, tax - refund.tax_minor)
        })
    }
}
