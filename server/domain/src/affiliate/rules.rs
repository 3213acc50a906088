//! What a payment earns where a programme makes differences: by product, by plan, by a customer's first order, and by
//! how much the partner sold before. Never asks who brought the customer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::family::Sale;
use super::terms::{Reward, TermsError};
use super::volume::Volume;
use crate::money::Currency;
use crate::order::Interval;

const RULES_MAX: usize = 50;
const STEPS_MAX: usize = 20;

/// A reward for payments that are all that it names. What it leaves open is any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The provider's ids of products, any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// How often the product renews, any of them: `day`, `week`, `month`, `year`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
    /// Only the first payment of a customer ever, whatever was bought.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first_order: bool,
    pub reward: Reward,
}

impl Rule {
    fn matches(&self, sale: &Sale, is_first_order: bool) -> bool {
        (self.products.is_empty() || self.products.contains(&sale.product))
            && (self.intervals.is_empty()
                || sale.interval.is_some_and(|interval| self.intervals.contains(&interval)))
            && (!self.first_order || is_first_order)
    }
}

/// What one partner has to have sold before a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// So many payments.
    Sales(u32),
    /// So much, without tax and after refunds, in the payment's currency; never reached in one that is not listed.
    Net(BTreeMap<Currency, i64>),
}

impl Reached {
    fn is_reached(&self, volume: Volume, currency: Currency) -> bool {
        match self {
            Reached::Sales(sales) => volume.sales >= i64::from(*sales),
            Reached::Net(amounts) => amounts.get(&currency).is_some_and(|&least| volume.net_minor >= least),
        }
    }

    /// Whether it is of the same kind as, and above, the one before it.
    fn is_above(&self, before: &Reached) -> bool {
        match (before, self) {
            (Reached::Sales(before), Reached::Sales(after)) => before < after,
            (Reached::Net(before), Reached::Net(after)) => {
                before.keys().eq(after.keys()) && before.values().zip(after.values()).all(|(a, b)| a < b)
            }
            _ => false,
        }
    }
}

/// One tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub from: Reached,
    pub reward: Reward,
}

/// Over which time a partner's sales are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Sales of the payment's calendar month in UTC.
    Month,
    /// All there ever were.
    Lifetime,
}

/// Rewards that rise with what a partner sold before a payment, lowest first. A payment that reaches none earns the
/// programme's reward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    pub per: Per,
    pub steps: Vec<Step>,
}

/// Which part of the terms said what a payment earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// The reward of the programme, or of the partner's group.
    Program,
    /// A rule, 1 for the first.
    Rule(usize),
    /// A tier, 1 for the lowest.
    Tier(usize),
}

/// The first rule that is true of a payment.
pub(super) fn rule<'a>(rules: &'a [Rule], sale: &Sale, is_first_order: bool) -> Option<(usize, &'a Reward)> {
    let found = rules.iter().position(|rule| rule.matches(sale, is_first_order))?;
    Some((found + 1, &rules[found].reward))
}

impl Tiers {
    /// The highest tier reached.
    pub(super) fn reached(&self, volume: Volume, currency: Currency) -> Option<(usize, &Reward)> {
        let found = self.steps.iter().rposition(|step| step.from.is_reached(volume, currency))?;
        Some((found + 1, &self.steps[found].reward))
    }
}

pub(super) fn check(rules: &[Rule], tiers: Option<&Tiers>) -> Result<(), TermsError> {
    if rules.len() > RULES_MAX {
        return Err(TermsError::Rules);
    }
    for rule in rules {
        if rule.products.is_empty() && rule.intervals.is_empty() && !rule.first_order {
            return Err(TermsError::RuleOfAll);
        }
        rule.reward.check()?;
    }
    let Some(tiers) = tiers else { return Ok(()) };
    if tiers.steps.is_empty() || tiers.steps.len() > STEPS_MAX {
        return Err(TermsError::Steps);
    }
    for step in &tiers.steps {
        step.reward.check()?;
        let is_something = match &step.from {
            Reached::Sales(sales) => *sales > 0,
            Reached::Net(amounts) => !amounts.is_empty() && amounts.values().all(|&least| least > 0),
        };
        if !is_something {
            return Err(TermsError::Steps);
        }
    }
    match tiers.steps.windows(2).all(|pair| pair[1].from.is_above(&pair[0].from)) {
        true => Ok(()),
        false => Err(TermsError::Steps),
    }
}
