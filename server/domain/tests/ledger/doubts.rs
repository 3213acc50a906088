//! Flags of a world: raised on a commission, decided about, and decided otherwise later.

use domain::affiliate::Commission;
use domain::affiliate::flag::{Decision, Verdict, Verdicts, rejudge};
use domain::affiliate::ledger::Balance;
use domain::ids::OrderId;
use domain::money::Currency;

use super::world::World;

/// A flag on a commission.
#[derive(Clone)]
pub struct Doubt {
    flag: String,
    order: OrderId,
    partner: String,
    /// What stands; none while it is open.
    decision: Option<Decision>,
}

impl Doubt {
    fn is_on(&self, commission: &Commission) -> bool {
        self.order == commission.order && self.partner == commission.referral.partner
    }
}

impl World {
    /// A flag is raised on one of the commissions that earn something.
    pub fn doubts(&mut self, commission: usize) {
        let earning = self.ledger.iter().filter(|known| Balance::of(&known.entries).earned() > 0);
        let earning: Vec<&Commission> = earning.collect();
        let Some(found) = earning.get(commission % earning.len().max(1)) else { return };
        let (order, partner) = (found.order, found.referral.partner.clone());
        let flag = format!("flg_{:03}", self.doubts.len());
        self.doubts.push(Doubt { flag, order, partner, decision: None });
    }

    /// A person decides, or thinks better of it: what follows is what booking everything again would say.
    pub fn decides(&mut self, doubt: usize, decision: Decision) {
        if self.doubts.is_empty() {
            return;
        }
        let at = doubt % self.doubts.len();
        self.doubts[at].decision = Some(decision);
        let verdicts = self.verdicts();
        let doubt = self.doubts[at].clone();
        let known =
            self.ledger.iter_mut().find(|known| doubt.is_on(known)).expect("a flag has its commission");
        let own = &verdicts[&(known.order, known.referral.partner.clone(), known.currency)];
        known.entries.extend(rejudge(&known.entries, own, known.due_at_ms, self.now_ms));
        assert_eq!(self.books(), 0, "a decision is booked whole");
    }

    /// What was decided, by commission.
    pub fn verdicts(&self) -> Verdicts {
        let mut verdicts = Verdicts::new();
        for commission in &self.ledger {
            let own = self.doubts.iter().filter(|doubt| doubt.is_on(commission));
            let decided =
                own.filter_map(|doubt| Some(Verdict { flag: doubt.flag.clone(), decision: doubt.decision? }));
            let decided: Vec<Verdict> = decided.collect();
            if !decided.is_empty() {
                let key = (commission.order, commission.referral.partner.clone(), commission.currency);
                verdicts.insert(key, decided);
            }
        }
        verdicts
    }

    /// Whether nobody has decided about a flag on it.
    pub fn is_doubted(&self, commission: &Commission) -> bool {
        self.doubts.iter().any(|doubt| doubt.decision.is_none() && doubt.is_on(commission))
    }

    /// What is due to a partner and held by flags.
    pub fn doubted(&self, partner: &str, currency: Currency) -> i64 {
        let own = self
            .ledger
            .iter()
            .filter(|commission| commission.referral.partner == partner && commission.currency == currency);
        own.filter(|commission| self.is_doubted(commission))
            .map(|commission| Balance::of(&commission.entries).due.max(0))
            .sum()
    }

    /// What was rejected earns nothing.
    pub fn holds_decisions(&self) {
        for commission in &self.ledger {
            let is_rejected =
                |doubt: &Doubt| doubt.decision == Some(Decision::Rejected) && doubt.is_on(commission);
            if self.doubts.iter().any(is_rejected) {
                assert_eq!(Balance::of(&commission.entries).earned(), 0, "{commission:?}");
            }
        }
    }
}
