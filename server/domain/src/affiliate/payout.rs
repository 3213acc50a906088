//! A payout run: which partners are paid how much in one currency, out of which commissions, and who is not and why.
//! A function of what is due; it moves nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PartnerStatus;
use crate::money::Currency;

/// Currencies of which PayPal sends whole units only, though they have smaller ones (developer.paypal.com, currency
/// codes). JPY has none by nature.
const PAYPAL_WHOLE: [&str; 2] = ["HUF", "TWD"];

/// How a partner is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// To a PayPal account, by its e-mail address.
    Paypal,
    /// By Wise, to an e-mail address.
    Wise,
    /// By hand; the recipient is whatever the merchant needs.
    Other,
}

/// The text is not a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partners are paid by paypal, wise or other")]
pub struct MethodError;

impl Method {
    pub const ALL: [Method; 3] = [Method::Paypal, Method::Wise, Method::Other];

    pub fn name(self) -> &'static str {
        match self {
            Method::Paypal => "paypal",
            Method::Wise => "wise",
            Method::Other => "other",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Method, MethodError> {
        Method::ALL.into_iter().find(|method| method.name() == text).ok_or(MethodError)
    }
}

/// What one commission brings into a payout; below zero where more was paid than is earned by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub commission: String,
    pub amount_minor: i64,
}

/// What is due to one partner in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub partner: String,
    pub status: PartnerStatus,
    /// None while the partner has not said how to be paid.
    pub method: Option<Method>,
    /// Least that is paid out at once.
    pub minimum_minor: i64,
    pub parts: Vec<Part>,
    /// What is due and held by flags. What was paid too much is netted all the same, and stands in `parts`.
    pub flagged_minor: i64,
}

/// Why a partner is not paid now. What is due stays due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// More was paid out before than is earned by now, or nothing is left.
    NothingOwed,
    BelowMinimum,
    NoPayoutDetails,
    /// Suspended or rejected.
    NotApproved,
    /// The currency has no minor unit in ISO 4217, so no amount can be written.
    CurrencyWithoutExponent,
    /// Somebody has to decide about a flag first; the rest is paid.
    Flagged,
}

impl Withheld {
    /// For people.
    pub fn sentence(self) -> &'static str {
        match self {
            Withheld::NothingOwed => "nothing is owed, or less than was paid out before",
            Withheld::BelowMinimum => "less than the programme pays out at once",
            Withheld::NoPayoutDetails => "has not said how to be paid; enter payout details",
            Withheld::NotApproved => "is not an approved partner now",
            Withheld::CurrencyWithoutExponent => {
                "ISO 4217 knows no minor unit of the currency; pay it by hand"
            }
            Withheld::Flagged => "is held by flags; clear or reject them",
        }
    }
}

/// One partner's part of a payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub partner: String,
    pub method: Method,
    /// The sum of the parts, above zero.
    pub amount_minor: i64,
    pub parts: Vec<Part>,
}

/// A partner who gets nothing in this run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub partner: String,
    pub amount_minor: i64,
    pub why: Withheld,
}

/// Who would be paid now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub items: Vec<Item>,
    pub held: Vec<Held>,
}

/// Who is paid how much of what is due, in one currency.
pub fn run(currency: Currency, owed: Vec<Owed>) -> Run {
    let mut run = Run::default();
    for Owed { partner, status, method, minimum_minor, mut parts, flagged_minor } in owed {
        if flagged_minor > 0 {
            let partner = partner.clone();
            run.held.push(Held { partner, amount_minor: flagged_minor, why: Withheld::Flagged });
        }
        if parts.is_empty() {
            continue;
        }
        parts.retain(|part| part.amount_minor != 0);
        let total: i64 = parts.iter().map(|part| part.amount_minor).sum();
        let unit = unit(currency, method);
        let amount_minor = total - total.rem_euclid(unit);
        let why = if total <= 0 {
            Some(Withheld::NothingOwed)
        } else if currency.exponent().is_none() {
            Some(Withheld::CurrencyWithoutExponent)
        } else if status != PartnerStatus::Approved {
            Some(Withheld::NotApproved)
        } else if amount_minor < minimum_minor.max(1) {
            Some(Withheld::BelowMinimum)
        } else {
            None
        };
        match (why, method) {
            (Some(why), _) => run.held.push(Held { partner, amount_minor: total, why }),
            (None, None) => {
                run.held.push(Held { partner, amount_minor: total, why: Withheld::NoPayoutDetails });
            }
            (None, Some(method)) => {
                leave(&mut parts, total - amount_minor);
                run.items.push(Item { partner, method, amount_minor, parts });
            }
        }
    }
    run
}

/// Whether PayPal sends whole units of a currency only, though it has smaller ones.
pub(super) fn is_whole_at_paypal(currency: Currency) -> bool {
    PAYPAL_WHOLE.contains(&currency.code())
}

/// The least amount a rail can send, in minor units.
fn unit(currency: Currency, method: Option<Method>) -> i64 {
    match (method, currency.exponent()) {
        (Some(Method::Paypal), Some(exponent)) if is_whole_at_paypal(currency) => {
            10_i64.pow(u32::from(exponent))
        }
        _ => 1,
    }
}

/// Takes what cannot be sent out of the last parts; it stays due.
fn leave(parts: &mut Vec<Part>, mut rest: i64) {
    for part in parts.iter_mut().rev().filter(|part| part.amount_minor > 0) {
        let left = part.amount_minor.min(rest);
        part.amount_minor -= left;
        rest -= left;
    }
    parts.retain(|part| part.amount_minor != 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(partner: &str, amounts: &[i64]) -> Owed {
        let part =
            |(at, &amount_minor): (usize, &i64)| Part { commission: format!("com_{at}"), amount_minor };
        Owed {
            partner: partner.to_owned(),
            status: PartnerStatus::Approved,
            method: Some(Method::Paypal),
            minimum_minor: 0,
            parts: amounts.iter().enumerate().map(part).collect(),
            flagged_minor: 0,
        }
    }

    fn code(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[track_caller]
    fn withheld(currency: &str, owed: Owed, why: Withheld) {
        let found = run(code(currency), vec![owed]);
        assert_eq!((found.items.len(), found.held[0].why), (0, why));
    }

    #[test]
    fn debts_are_netted_and_the_parts_add_up() {
        let found = run(code("USD"), vec![owed("prt_a", &[500, -200, 0, 30])]);
        assert_eq!(found.items[0].amount_minor, 330);
        assert_eq!(
            found.items[0].parts.iter().map(|part| part.amount_minor).collect::<Vec<_>>(),
            [500, -200, 30]
        );
    }

    #[test]
    fn who_is_not_paid_is_told_why() {
        withheld("USD", owed("prt_a", &[500, -500]), Withheld::NothingOwed);
        withheld("USD", owed("prt_a", &[500, -900]), Withheld::NothingOwed);
        withheld("USD", Owed { minimum_minor: 501, ..owed("prt_a", &[500]) }, Withheld::BelowMinimum);
        withheld("USD", Owed { method: None, ..owed("prt_a", &[500]) }, Withheld::NoPayoutDetails);
        let suspended = Owed { status: PartnerStatus::Suspended, ..owed("prt_a", &[500]) };
        withheld("USD", suspended, Withheld::NotApproved);
        withheld("QQQ", owed("prt_a", &[500]), Withheld::CurrencyWithoutExponent);
        assert_eq!(run(code("USD"), vec![Owed { minimum_minor: 500, ..owed("prt_a", &[500]) }]).held, []);
    }

    #[test]
    fn what_flags_hold_is_left_out_and_told_and_the_rest_is_paid() {
        let found = run(code("USD"), vec![Owed { flagged_minor: 700, ..owed("prt_a", &[500]) }]);
        assert_eq!(found.items[0].amount_minor, 500);
        assert_eq!((found.held[0].amount_minor, found.held[0].why), (700, Withheld::Flagged));
        let all = run(code("USD"), vec![Owed { flagged_minor: 700, ..owed("prt_a", &[]) }]);
        assert_eq!((all.items.len(), all.held.len()), (0, 1));
    }

    #[test]
    fn what_paypal_cannot_send_stays_due() {
        let found = run(code("HUF"), vec![owed("prt_a", &[12_345, -45, 30])]);
        let item = &found.items[0];
        assert_eq!(item.amount_minor, 12_300);
        assert_eq!(item.parts.iter().map(|part| part.amount_minor).sum::<i64>(), 12_300);
        withheld("HUF", owed("prt_a", &[99]), Withheld::BelowMinimum);
        assert_eq!(run(code("JPY"), vec![owed("prt_a", &[99])]).items[0].amount_minor, 99);
        let wise = Owed { method: Some(Method::Wise), ..owed("prt_a", &[99]) };
        assert_eq!(run(code("HUF"), vec![wise]).items[0].amount_minor, 99);
    }
}
