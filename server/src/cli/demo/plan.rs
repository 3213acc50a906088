//! The demo's made-up history, from a seed: who came when and from where, and who bought what.
//! Pure: the same seed, end and size give the same plan on every machine. Sends nothing.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::mix::{self, Arrival, COUNTRIES, Plan as ProductPlan, ROUTES, USER_AGENTS};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How much history, ending when.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub seed: u64,
    pub days: u32,
    pub visits: u32,
    pub customers: u32,
    pub end_ms: i64,
}

/// One visit of one visitor: its pages, in order, a minute or two apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    pub visitor: u128,
    pub session: u128,
    pub at_ms: i64,
    pub arrival: Arrival,
    pub user_agent: &'static str,
    pub country: &'static str,
    /// Hit id and path of each page; the first carries the arrival's query and referrer.
    pub pages: Vec<(u128, &'static str)>,
    /// The visitor gives this address on the last page (newsletter form, sign-up).
    pub identifies_as: Option<String>,
}

/// How the sale can be matched to the visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// The visitor id travels in the checkout's metadata.
    Metadata,
    /// Bought on another device: only the e-mail, given before on the first one, matches.
    EmailOnly,
    /// Nothing matches.
    None,
}

/// One customer's first purchase and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Purchase {
    pub visitor: u128,
    pub at_ms: i64,
    pub email: String,
    pub name: String,
    pub country: &'static str,
    pub product: ProductPlan,
    pub hand_over: HandOver,
    /// When a subscription is cancelled; it renews every period until then.
    pub cancels_at_ms: Option<i64>,
    /// When and how much of the first order is refunded, in hundredths.
    pub refund: Option<(i64, u8)>,
}

/// The whole history, each list in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub visits: Vec<Visit>,
    pub purchases: Vec<Purchase>,
}

impl Plan {
    pub fn make(size: Size) -> Plan {
        let mut maker = Maker { rng: ChaCha8Rng::seed_from_u64(size.seed), size };
        let mut plan = Plan { visits: Vec::new(), purchases: Vec::new() };
        for number in 0..size.customers {
            maker.customer(number, &mut plan);
        }
        let asked = size.visits as usize;
        while plan.visits.len() < asked {
            maker.passer_by(&mut plan);
        }
        plan.visits.sort_by_key(|visit| (visit.at_ms, visit.session));
        plan.purchases.sort_by_key(|purchase| (purchase.at_ms, purchase.visitor));
        plan
    }
}

struct Maker {
    rng: ChaCha8Rng,
    size: Size,
}

impl Maker {
    /// A visitor who buys: some visits over some weeks, the last one shortly before the purchase.
    fn customer(&mut self, number: u32, plan: &mut Plan) {
        let at_ms = self.moment(3);
        let visitor = self.ulid(at_ms);
        let (user_agent, country) = (self.pick(USER_AGENTS), self.weighted_country());
        let hand_over = match self.rng.random_range(0..100) {
            0..82 => HandOver::Metadata,
            82..94 => HandOver::EmailOnly,
            _ => HandOver::None,
        };
        let (name, email) = mix::person(number, self.rng.random_range(0..1_000_000));
        let visits = [1, 1, 2, 2, 2, 3, 3, 4, 5, 6][self.rng.random_range(0..10usize)];
        let mut before_ms = self.rng.random_range(2..40) * MINUTE_MS;
        for back in 0..visits {
            let opening = back + 1 == visits;
            let arrival = self.arrival(if opening { Moment::Opening } else { Moment::Returning });
            let identifies = back == 0 && hand_over == HandOver::EmailOnly;
            let visit_at_ms = at_ms - before_ms;
            if visit_at_ms < self.start_ms() {
                break;
            }
            let pages: &[&'static str] = if back == 0 { &["/", "/pricing"] } else { &["/", "/blog/focus"] };
            let visit = self.visit(
                visitor,
                visit_at_ms,
                arrival,
                user_agent,
                country,
                pages,
                identifies.then(|| email.clone()),
            );
            plan.visits.push(visit);
            before_ms += self.rng.random_range(4 * 60..12 * 24 * 60) * MINUTE_MS;
        }
        let product = self.product();
        let cancels_at_ms = self.cancels_at(at_ms, product);
        let refund = (self.rng.random_range(0..100) < 4)
            .then(|| {
                (
                    at_ms + self.rng.random_range(1..9) * DAY_MS,
                    if self.rng.random_bool(0.6) { 100 } else { 40 },
                )
            })
            .filter(|(refund_at_ms, _)| *refund_at_ms < self.size.end_ms);
        plan.purchases.push(Purchase {
            visitor,
            at_ms,
            email,
            name,
            country,
            product,
            hand_over,
            cancels_at_ms,
            refund,
        });
    }

    /// A visitor who looks around and leaves, sometimes to come back.
    fn passer_by(&mut self, plan: &mut Plan) {
        let mut at_ms = self.moment(0);
        let visitor = self.ulid(at_ms);
        let (user_agent, country) = (self.pick(USER_AGENTS), self.weighted_country());
        for visit in 0..[1, 1, 1, 1, 1, 2, 2, 3][self.rng.random_range(0..8usize)] {
            let arrival = self.arrival(if visit == 0 { Moment::Opening } else { Moment::Returning });
            let pages: &[&'static str] =
                if self.rng.random_bool(0.55) { &["/"] } else { &["/", "/blog/focus"] };
            let visit = self.visit(visitor, at_ms, arrival, user_agent, country, pages, None);
            plan.visits.push(visit);
            at_ms += self.rng.random_range(HOUR_MS..14 * DAY_MS);
            if at_ms >= self.size.end_ms {
                break;
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one visit has that many independent parts")]
    fn visit(
        &mut self,
        visitor: u128,
        at_ms: i64,
        arrival: Arrival,
        user_agent: &'static str,
        country: &'static str,
        paths: &[&'static str],
        identifies_as: Option<String>,
    ) -> Visit {
        let session = self.ulid(at_ms);
        let pages = (0i64..).zip(paths).map(|(i, path)| (self.ulid(at_ms + i * MINUTE_MS), *path)).collect();
        Visit { visitor, session, at_ms, arrival, user_agent, country, pages, identifies_as }
    }

    /// Some time within the period in which the customer leaves, if that is within the history.
    fn cancels_at(&mut self, bought_at_ms: i64, product: ProductPlan) -> Option<i64> {
        let period_ms = product.renews_after_days()? * DAY_MS;
        let mut begins_ms = bought_at_ms;
        while begins_ms < self.size.end_ms {
            if self.rng.random_bool(0.08) {
                let at_ms = begins_ms + self.rng.random_range(DAY_MS..period_ms);
                return Some(at_ms).filter(|at_ms| *at_ms < self.size.end_ms);
            }
            begins_ms += period_ms;
        }
        None
    }

    fn product(&mut self) -> ProductPlan {
        match self.rng.random_range(0..100) {
            0..52 => ProductPlan::Monthly,
            52..70 => ProductPlan::Yearly,
            70..84 => ProductPlan::Lifetime,
            _ => ProductPlan::Templates,
        }
    }

    fn arrival(&mut self, moment: Moment) -> Arrival {
        let total: u32 = ROUTES.iter().map(|route| moment.weight(route)).sum();
        let mut left = self.rng.random_range(0..total);
        for route in ROUTES {
            let weight = moment.weight(route);
            if left < weight {
                return route.arrive(self.rng.random_range(0..u32::MAX));
            }
            left -= weight;
        }
        unreachable!("the weights add up to their total")
    }

    /// A moment in the history, denser in daytime and lately, `margin_days` after its start.
    fn moment(&mut self, margin_days: i64) -> i64 {
        let span_days = i64::from(self.size.days) - margin_days;
        // The larger of two draws: business grows over the period.
        let day = self.rng.random_range(0..span_days).max(self.rng.random_range(0..span_days));
        let hour = (self.rng.random_range(0..14) + self.rng.random_range(0..11) + 5) % 24;
        let within_ms = self.rng.random_range(0..HOUR_MS);
        let at_ms = self.start_ms() + (margin_days + day) * DAY_MS + hour * HOUR_MS + within_ms;
        at_ms.min(self.size.end_ms - HOUR_MS)
    }

    fn start_ms(&self) -> i64 {
        self.size.end_ms - i64::from(self.size.days) * DAY_MS
    }

    fn weighted_country(&mut self) -> &'static str {
        let total: u32 = COUNTRIES.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.random_range(0..total);
        for (country, weight) in COUNTRIES {
            if left < *weight {
                return country;
            }
            left -= weight;
        }
        unreachable!("the weights add up to their total")
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.rng.random_range(0..from.len())]
    }

    /// 128 bits of a ULID: the moment, then chance.
    fn ulid(&mut self, at_ms: i64) -> u128 {
        let mut chance = [0u8; 16];
        self.rng.fill_bytes(&mut chance);
        ((at_ms as u128) << 80) | (u128::from_le_bytes(chance) >> 48)
    }
}

/// Which of a route's two weights counts.
#[derive(Clone, Copy)]
enum Moment {
    /// The first visit: how people hear of the shop.
    Opening,
    /// A later visit: how they come back.
    Returning,
}

impl Moment {
    fn weight(self, route: &mix::Route) -> u32 {
        match self {
            Moment::Opening => route.opens,
            Moment::Returning => route.returns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { seed: 7, days: 90, visits: 2_000, customers: 80, end_ms: 1_790_000_000_000 };

    #[test]
    fn the_same_seed_makes_the_same_history() {
        assert_eq!(Plan::make(SMALL), Plan::make(SMALL));
        assert_ne!(Plan::make(SMALL), Plan::make(Size { seed: 8, ..SMALL }));
    }

    #[test]
    fn everything_lies_within_the_period_and_visits_come_before_the_sale() {
        let plan = Plan::make(SMALL);
        let start_ms = SMALL.end_ms - 90 * DAY_MS;
        assert!(plan.visits.len() >= 2_000 && plan.purchases.len() == 80);
        assert!(plan.visits.iter().all(|visit| (start_ms..SMALL.end_ms).contains(&visit.at_ms)));
        for purchase in &plan.purchases {
            let mine = plan.visits.iter().filter(|visit| visit.visitor == purchase.visitor);
            assert!(mine.clone().count() > 0, "every buyer was seen before");
            assert!(mine.clone().all(|visit| visit.at_ms < purchase.at_ms));
            assert!(
                purchase.cancels_at_ms.is_none_or(|at_ms| (purchase.at_ms..SMALL.end_ms).contains(&at_ms))
            );
        }
    }
}
