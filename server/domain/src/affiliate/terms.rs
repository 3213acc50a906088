//! A programme's terms: what a payment earns a partner, for how many payments, and when it may be paid out.
//! They come in versions; each payment is under the version in force when it was made. Never looks at an order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::order::Basis;

/// All of the base.
pub const BASIS_POINTS_MAX: u32 = 10_000;
const HOLD_DAYS_MAX: u16 = 365;
const WINDOW_DAYS_MAX: u16 = 365;
const MONTHS_MAX: u16 = 120;

/// What one payment earns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reward {
    /// Hundredths of a percent of the base.
    BasisPoints(u32),
    /// The same for every payment, in minor units of the order's currency; nothing in a currency that is not listed.
    Flat(BTreeMap<Currency, i64>),
}

/// Which payments of one customer's purchase earn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recurring {
    /// The first.
    Once,
    /// The first so many.
    Payments(u16),
    /// Those within so many calendar months of the first, in UTC.
    Months(u16),
    /// Every one.
    Lifetime,
}

/// Which of a customer's clicks on partners' links earns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wins {
    #[default]
    Last,
    First,
}

/// What becomes of a fraction of a minor unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest, halves to the even one.
    #[default]
    HalfEven,
    /// Towards nothing.
    Floor,
}

/// One version of a programme's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    pub reward: Reward,
    #[serde(default)]
    pub base: Basis,
    #[serde(default = "lifetime")]
    pub recurring: Recurring,
    /// Days between a payment and the day its commission may be paid out.
    #[serde(default = "hold_days")]
    pub hold_days: u16,
    /// Days before a purchase in which a click can earn.
    #[serde(default = "window_days")]
    pub window_days: u16,
    #[serde(default)]
    pub wins: Wins,
    #[serde(default)]
    pub rounding: Rounding,
    /// Least that is paid out at once, by currency; anything above nothing where there is none.
    #[serde(default)]
    pub minimum_payout: BTreeMap<Currency, i64>,
}

fn lifetime() -> Recurring {
    Recurring::Lifetime
}

fn hold_days() -> u16 {
    30
}

fn window_days() -> u16 {
    60
}

/// Terms that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    #[error("basis_points are hundredths of a percent, 1 to 10000: 3000 is 30 %")]
    BasisPoints,
    #[error("a flat reward names at least one currency")]
    NoAmount,
    #[error("amounts are whole minor units above zero")]
    Amount,
    #[error("{0} has no minor unit in ISO 4217, so nothing can be paid in it; use another currency")]
    NoExponent(Currency),
    #[error("payments are 1 or more, months 1 to 120")]
    Recurring,
    #[error("hold_days are 0 to 365")]
    Hold,
    #[error("window_days are 1 to 365")]
    Window,
}

impl Terms {
    /// Whether these terms can be kept.
    pub fn check(&self) -> Result<(), TermsError> {
        match &self.reward {
            Reward::BasisPoints(points) if !(1..=BASIS_POINTS_MAX).contains(points) => {
                return Err(TermsError::BasisPoints);
            }
            Reward::Flat(amounts) if amounts.is_empty() => return Err(TermsError::NoAmount),
            Reward::BasisPoints(_) | Reward::Flat(_) => {}
        }
        let flat = match &self.reward {
            Reward::Flat(amounts) => Some(amounts),
            Reward::BasisPoints(_) => None,
        };
        for (currency, &minor) in flat.into_iter().chain([&self.minimum_payout]).flatten() {
            if currency.exponent().is_none() {
                return Err(TermsError::NoExponent(*currency));
            }
            if minor <= 0 {
                return Err(TermsError::Amount);
            }
        }
        match self.recurring {
            Recurring::Payments(0) | Recurring::Months(0) => return Err(TermsError::Recurring),
            Recurring::Months(months) if months > MONTHS_MAX => return Err(TermsError::Recurring),
            _ => {}
        }
        if self.hold_days > HOLD_DAYS_MAX {
            return Err(TermsError::Hold);
        }
        if !(1..=WINDOW_DAYS_MAX).contains(&self.window_days) {
            return Err(TermsError::Window);
        }
        Ok(())
    }

    /// What a payment of `base_minor` earns; none in a currency without a flat amount. A flat reward is never more than
    /// the payment.
    pub fn reward_minor(&self, base_minor: i64, currency: Currency) -> Option<i64> {
        match &self.reward {
            Reward::BasisPoints(points) => {
                Some(self.proportion(base_minor, i64::from(*points), i64::from(BASIS_POINTS_MAX)))
            }
            Reward::Flat(amounts) => Some((*amounts.get(&currency)?).min(base_minor)),
        }
    }

    /// `whole · part ÷ of`, rounded as the terms say. All are zero or above, `of` above, `part` no more than `of`.
    pub fn proportion(&self, whole: i64, part: i64, of: i64) -> i64 {
        let (product, of) = (i128::from(whole) * i128::from(part), i128::from(of.max(1)));
        let (floor, rest) = (product / of, product % of);
        let up = match self.rounding {
            Rounding::Floor => false,
            Rounding::HalfEven => rest * 2 > of || (rest * 2 == of && floor % 2 == 1),
        };
        i64::try_from(floor + i128::from(up)).unwrap_or(i64::MAX)
    }
}

/// Terms and since when they are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsVersion {
    /// 1 for a programme's first.
    pub version: u32,
    pub from_ms: i64,
    pub terms: Terms,
}

/// The version in force at a moment; none before the first. Of two that began at once the later one.
pub fn in_force(versions: &[TermsVersion], at_ms: i64) -> Option<&TermsVersion> {
    let begun = versions.iter().filter(|version| version.from_ms <= at_ms);
    begun.max_by_key(|version| (version.from_ms, version.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(json: &str) -> Terms {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn terms_are_written_in_few_words_and_come_with_defaults() {
        let read = terms(r#"{"reward": {"basis_points": 3000}}"#);
        assert_eq!((read.hold_days, read.window_days, read.wins), (30, 60, Wins::Last));
        assert_eq!((read.base, read.recurring), (Basis::Net, Recurring::Lifetime));
        let flat =
            terms(r#"{"reward": {"flat": {"usd": 500}}, "recurring": {"months": 12}, "wins": "first"}"#);
        let usd = "USD".parse().unwrap();
        assert_eq!(flat.reward_minor(4900, usd), Some(500));
        assert_eq!(flat.reward_minor(300, usd), Some(300), "never more than was paid");
        assert_eq!(flat.reward_minor(4900, "EUR".parse().unwrap()), None);
        assert_eq!(flat.check(), Ok(()));
    }

    #[test]
    fn terms_that_cannot_be_are_refused() {
        let wrong = |json: &str| terms(json).check().unwrap_err();
        assert_eq!(wrong(r#"{"reward": {"basis_points": 10001}}"#), TermsError::BasisPoints);
        assert_eq!(wrong(r#"{"reward": {"basis_points": 0}}"#), TermsError::BasisPoints);
        assert_eq!(wrong(r#"{"reward": {"flat": {}}}"#), TermsError::NoAmount);
        assert_eq!(wrong(r#"{"reward": {"flat": {"EUR": 0}}}"#), TermsError::Amount);
        let gold = TermsError::NoExponent("XAU".parse().unwrap());
        assert_eq!(wrong(r#"{"reward": {"flat": {"XAU": 5}}}"#), gold);
        let base = r#"{"reward": {"basis_points": 1}, "#;
        assert_eq!(wrong(&format!("{base}\"recurring\": {{\"payments\": 0}}}}")), TermsError::Recurring);
        assert_eq!(wrong(&format!("{base}\"recurring\": {{\"months\": 121}}}}")), TermsError::Recurring);
        assert_eq!(wrong(&format!("{base}\"hold_days\": 366}}")), TermsError::Hold);
        assert_eq!(wrong(&format!("{base}\"window_days\": 0}}")), TermsError::Window);
        assert!(serde_json::from_str::<Terms>(&format!("{base}\"holds\": 1}}")).is_err());
    }

    #[test]
    fn fractions_go_to_the_even_side_or_down() {
        let even = terms(r#"{"reward": {"basis_points": 5000}}"#);
        let floor = terms(r#"{"reward": {"basis_points": 5000}, "rounding": "floor"}"#);
        let usd = "USD".parse().unwrap();
        for (base, rounded, down) in [(1, 0, 0), (3, 2, 1), (5, 2, 2), (4900, 2450, 2450)] {
            assert_eq!(even.reward_minor(base, usd), Some(rounded), "{base}");
            assert_eq!(floor.reward_minor(base, usd), Some(down), "{base}");
        }
        assert_eq!(even.proportion(i64::MAX, 1, 1), i64::MAX);
    }

    #[test]
    fn a_payment_is_under_the_terms_of_its_moment() {
        let version = |version, from_ms| TermsVersion {
            version,
            from_ms,
            terms: terms(r#"{"reward": {"basis_points": 1}}"#),
        };
        let versions = [version(1, 10), version(2, 20), version(3, 20)];
        let at = |at_ms| in_force(&versions, at_ms).map(|found| found.version);
        assert_eq!([at(9), at(10), at(19), at(20), at(99)], [None, Some(1), Some(1), Some(3), Some(3)]);
    }
}
