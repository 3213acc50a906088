//! Payouts of a world: by a file, which ends at once, and by PayPal, whose items end one by one, later, and are confirmed
//! more than once.

use domain::affiliate::PartnerStatus;
use domain::affiliate::ledger::{Balance, approve, conclude};
use domain::affiliate::payout::{Item, Method, Owed, Part, run};
use domain::money::Currency;

use super::world::{PARTNERS, World};

/// One partner's part of a payout, on its way.
#[derive(Clone)]
pub struct UnderWay {
    payout: String,
    partner: String,
    currency: Currency,
    amount_minor: i64,
}

impl World {
    /// What is due and no open flag holds goes out, and is with everybody, or back, at once.
    pub fn pays_by_file(&mut self, sent: bool) {
        for item in self.approves() {
            self.concludes(&item, sent);
        }
    }

    /// The same by PayPal, which says nothing yet.
    pub fn sends_by_paypal(&mut self) {
        let items = self.approves();
        self.under_way.extend(items);
    }

    /// PayPal says how one of the items ended, and says it again.
    pub fn ends(&mut self, item: usize, arrived: bool) {
        if self.under_way.is_empty() {
            return;
        }
        let item = self.under_way.remove(item % self.under_way.len());
        self.concludes(&item, arrived);
    }

    fn approves(&mut self) -> Vec<UnderWay> {
        let mut approved = Vec::new();
        for currency in World::CURRENCIES.map(|code| code.parse::<Currency>().unwrap()) {
            let owed = PARTNERS.map(|partner| self.owed(&format!("prt_{partner}"), currency));
            for Item { partner, amount_minor, parts, .. } in run(currency, owed.to_vec()).items {
                self.payouts += 1;
                let payout = format!("pay_{}", self.payouts);
                let mut moved = 0;
                for part in &parts {
                    let commission = self.ledger.iter_mut().find(|commission| {
                        commission.order.to_string() == part.commission
                            && commission.referral.partner == partner
                    });
                    let entries = &mut commission.unwrap().entries;
                    entries.extend(approve(entries, part.amount_minor, &payout, self.now_ms));
                    moved += part.amount_minor;
                }
                assert_eq!(moved, amount_minor, "what is sent is what moves");
                // At this moment the partner has no more than is earned, and of what is doubted nothing.
                let doubted = self.doubted(&partner, currency);
                let earned: i64 = self.of(&partner, currency).map(Balance::earned).sum();
                let sent: i64 =
                    self.of(&partner, currency).map(|balance| balance.paid + balance.processing).sum();
                assert!(sent <= earned - doubted, "{partner} is sent {sent} of {earned}, {doubted} doubted");
                approved.push(UnderWay { payout, partner, currency, amount_minor });
            }
        }
        approved
    }

    fn owed(&self, partner: &str, currency: Currency) -> Owed {
        let own = self
            .ledger
            .iter()
            .filter(|commission| commission.referral.partner == partner && commission.currency == currency);
        let mut owed = Owed {
            partner: partner.to_owned(),
            status: PartnerStatus::Approved,
            method: Some(Method::Paypal),
            minimum_minor: 100,
            parts: Vec::new(),
            flagged_minor: 0,
        };
        for commission in own {
            let due = Balance::of(&commission.entries).due;
            match due > 0 && self.is_doubted(commission) {
                true => owed.flagged_minor += due,
                false => {
                    owed.parts.push(Part { commission: commission.order.to_string(), amount_minor: due });
                }
            }
        }
        owed
    }

    fn concludes(&mut self, UnderWay { payout, partner, .. }: &UnderWay, arrived: bool) {
        for commission in self.ledger.iter_mut().filter(|commission| commission.referral.partner == *partner)
        {
            let entries = &mut commission.entries;
            entries.extend(conclude(entries, payout, arrived, self.now_ms));
            for again in [arrived, !arrived] {
                assert_eq!(
                    conclude(entries, payout, again, self.now_ms),
                    [],
                    "never twice, and never otherwise"
                );
            }
        }
    }

    /// What is on its way by the ledger is what PayPal has.
    pub fn holds_under_way(&self) {
        for partner in PARTNERS.map(|partner| format!("prt_{partner}")) {
            for currency in World::CURRENCIES.map(|code| code.parse::<Currency>().unwrap()) {
                let own =
                    self.under_way.iter().filter(|item| item.partner == partner && item.currency == currency);
                let theirs: i64 = own.map(|item| item.amount_minor).sum();
                let ours: i64 = self.of(&partner, currency).map(|balance| balance.processing).sum();
                assert_eq!(ours, theirs, "{partner} {currency}");
            }
        }
    }
}
