//! A programme's terms: what a payment earns a partner, for how many payments, and when it may be paid out.
//! They come in versions; each payment is under the version in force when it was made. Never looks at an order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::family::Sale;
use super::rules::{self, Applied, Rule, Tiers};
use super::volume::Volume;
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
    /// Nothing at all: for what a rule leaves out.
    Nothing,
}

impl Reward {
    pub(super) fn check(&self) -> Result<(), TermsError> {
        match self {
            Reward::BasisPoints(points) if !(1..=BASIS_POINTS_MAX).contains(points) => {
                Err(TermsError::BasisPoints)
            }
            Reward::Flat(amounts) if amounts.is_empty() => Err(TermsError::NoAmount),
            Reward::Flat(amounts) => check_amounts(amounts),
            Reward::BasisPoints(_) | Reward::Nothing => Ok(()),
        }
    }
}

fn check_amounts(amounts: &BTreeMap<Currency, i64>) -> Result<(), TermsError> {
    for (currency, &minor) in amounts {
        if currency.exponent().is_none() {
            return Err(TermsError::NoExponent(*currency));
        }
        if minor <= 0 {
            return Err(TermsError::Amount);
        }
    }
    Ok(())
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
    /// All partners whose clicks are in the window, in equal parts: one part a partner, however many the clicks.
    Split,
}

/// What goes before what, when a customer came by a partner's link and redeemed the coupon of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// Coupons earn only where no click does.
    #[default]
    LinkFirst,
    /// The coupon's owner earns alone, whoever was clicked on.
    CouponFirst,
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
    pub precedence: Precedence,
    /// Looked at from the first on; the first that is true of a payment says what it earns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// For payments that no rule is true of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Tiers>,
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
    #[error("there are at most 50 rules")]
    Rules,
    #[error(
        "a rule names products, intervals or first_order; what every payment earns is the programme's reward"
    )]
    RuleOfAll,
    #[error("1 to 20 tiers rise from the lowest on, all by sales or all by net in the same currencies")]
    Steps,
}

impl Terms {
    /// Whether these terms can be kept.
    pub fn check(&self) -> Result<(), TermsError> {
        self.reward.check()?;
        check_amounts(&self.minimum_payout)?;
        rules::check(&self.rules, self.tiers.as_ref())?;
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

    /// What says how much a payment earns: the first rule that is true of it, or the highest tier the partner had
    /// reached, or the programme's own reward.
    pub fn reward_of(&self, sale: &Sale, is_first_order: bool, volume: Volume) -> (Applied, &Reward) {
        if let Some((number, reward)) = rules::rule(&self.rules, sale, is_first_order) {
            return (Applied::Rule(number), reward);
        }
        let tier = self.tiers.as_ref().and_then(|tiers| tiers.reached(volume, sale.currency));
        match tier {
            Some((number, reward)) => (Applied::Tier(number), reward),
            None => (Applied::Program, &self.reward),
        }
    }

    /// What a payment of `base_minor` earns by `reward`; none in a currency without a flat amount. A flat reward is never
    /// more than the payment.
    pub fn reward_minor(&self, reward: &Reward, base_minor: i64, currency: Currency) -> Option<i64> {
        match reward {
            Reward::BasisPoints(points) => {
                Some(self.proportion(base_minor, i64::from(*points), i64::from(BASIS_POINTS_MAX)))
            }
            Reward::Flat(amounts) => Some((*amounts.get(&currency)?).min(base_minor)),
            Reward::Nothing => None,
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
    /// 1 for a programme's first. Those of groups are counted along, so that a number names one version.
    pub version: u32,
    pub from_ms: i64,
    /// Whose terms: a group's of the programme, or everybody's who is in no group with terms of its own.
    pub group: Option<String>,
    pub terms: Terms,
}

/// The version in force at a moment for a group of the programme: its own, else the programme's; none before the first.
/// Of two that began at once the later one.
pub fn in_force<'a>(
    versions: &'a [TermsVersion],
    group: Option<&str>,
    at_ms: i64,
) -> Option<&'a TermsVersion> {
    let of = |group: Option<&str>| {
        let own = versions.iter().filter(|version| version.group.as_deref() == group);
        let begun = own.filter(|version| version.from_ms <= at_ms);
        begun.max_by_key(|version| (version.from_ms, version.version))
    };
    group.and_then(|group| of(Some(group))).or_else(|| of(None))
}

#[cfg(test)]
mod tests;
