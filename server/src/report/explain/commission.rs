//! The commission decision within an order's story: who brought the customer and why the others did not, what said how
//! much, and what the ledger says of it. Decided by `domain::affiliate`, as it is when it is booked.

use std::collections::HashMap;

use domain::affiliate::ledger::Earning;
use domain::affiliate::{Applied, Award, Nothing, Part, Reward, Share, Verdict};
use domain::ids::OrderId;
use domain::money::{Currency, Money};
use serde::Serialize;

use super::super::{ReportError, Reports};
use crate::affiliate::commissions::CommissionDocument;
use crate::jobs::JobError;
use crate::jobs::commission::decide::{Decided, decide_order};
use crate::store::StoreError;

/// A click on a partner's link, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ClickDecision {
    /// The touch, as in `touches`.
    pub touch: String,
    pub at_ms: i64,
    pub code: String,
    /// `prt_…`; absent when the code is nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    pub name: String,
    /// `earns`, `unknown`, `archived`, `not_approved`, `no_terms`, `after_anchor`, `outside_window`, `other_program`,
    /// `lost_to_click`, `same_partner`, `lost_to_coupon`, `no_payment`.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    /// The same in words.
    pub why: String,
}

/// The coupon of the order, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CouponDecision {
    pub code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<String>,
    pub name: String,
    /// As of a click.
    #[schema(value_type = String)]
    pub verdict: Verdict,
    pub why: String,
}

/// One partner's part of the order, as it should stand by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PartDecision {
    pub partner: String,
    pub name: String,
    /// Of the link or the coupon.
    pub code: String,
    /// Which of the equal parts, `{"place": 0, "of": 1}` for the whole.
    #[schema(value_type = Object)]
    pub share: Share,
    /// What it earned by; absent when it earns nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earning: Option<EarningDecision>,
    /// Why nothing: `no_payment`, `not_approved`, `no_terms`, `not_reached`, `no_reward`, `too_small`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub nothing: Option<Nothing>,
    /// The same in words.
    pub why: String,
}

/// How a part's amount came about, in minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EarningDecision {
    pub terms_version: u32,
    /// `"program"`, `{"rule": 1}` or `{"tier": 1}`: what said how much.
    #[schema(value_type = Object)]
    pub applied: Applied,
    #[schema(value_type = Object)]
    pub reward: Reward,
    /// What the partner had sold before, by number and net in the order's currency, as the tiers count.
    pub sales_before: i64,
    pub net_before: i64,
    pub first_order: bool,
    /// What it is a part of.
    pub base: i64,
    /// Before it was shared.
    pub whole: i64,
    /// The sale, and what refunds and disputes took and gave back, each with the fact behind it.
    pub steps: Vec<StepDecision>,
    /// What is left of it.
    pub earned: i64,
}

/// One line of a part's sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StepDecision {
    pub reason: String,
    pub source: String,
    pub amount: i64,
}

/// The whole decision.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CommissionDecision {
    /// Who earns, in one sentence.
    pub sentence: String,
    /// Clicks on partners' links in the journey, by time.
    pub clicks: Vec<ClickDecision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<CouponDecision>,
    pub parts: Vec<PartDecision>,
    /// Whether any of it was in a payout: then everybody keeps the part they have.
    pub settled: bool,
    /// What the ledger says, with every entry.
    pub ledger: Vec<CommissionDocument>,
}

impl Reports {
    /// The commission decision of an order; none when the workspace has no programme.
    pub(super) async fn commission(&self, order: OrderId) -> Result<Option<CommissionDecision>, ReportError> {
        let decided = decide_order(&self.app, &self.workspace.id, order).await;
        let decided = decided.map_err(|error| match error {
            JobError::Store(StoreError::Query(error)) => error.into(),
            other => ReportError::Damaged(other.to_string()),
        })?;
        let Some(decided) = decided else { return Ok(None) };
        let names = self.app.control.partner_names(&self.workspace.id).await;
        let names = names.map_err(|error| ReportError::Damaged(error.to_string()))?;
        Ok(Some(told(&decided, &names)))
    }
}

fn told(decided: &Decided, names: &HashMap<String, String>) -> CommissionDecision {
    let Decided { decision, standing, .. } = decided;
    let name = |partner: Option<&String>| partner.and_then(|id| names.get(id)).cloned().unwrap_or_default();
    let clicks = decision.weighed.clicks.iter().map(|click| ClickDecision {
        touch: click.touch.id.to_string(),
        at_ms: click.touch.at_ms,
        code: click.touch.code.clone(),
        name: name(click.partner.as_ref()),
        partner: click.partner.clone(),
        verdict: click.verdict,
        why: why(click.verdict, "click").to_owned(),
    });
    let coupon = decision.weighed.coupon.as_ref().map(|coupon| CouponDecision {
        code: coupon.code.clone(),
        name: name(coupon.partner.as_ref()),
        partner: coupon.partner.clone(),
        verdict: coupon.verdict,
        why: why(coupon.verdict, "coupon").to_owned(),
    });
    let parts: Vec<PartDecision> =
        decision.parts.iter().map(|part| part_document(part, name(Some(&part.referral.partner)))).collect();
    CommissionDecision {
        sentence: sentence(&parts, decision.is_settled),
        clicks: clicks.collect(),
        coupon,
        parts,
        settled: decision.is_settled,
        ledger: standing.iter().map(CommissionDocument::with_entries).collect(),
    }
}

fn part_document(part: &Part, name: String) -> PartDecision {
    let referral = &part.referral;
    let earning = part.award.as_ref().ok().map(|award| EarningDecision {
        terms_version: award.commission.terms_version,
        applied: award.applied,
        reward: award.reward.clone(),
        sales_before: award.volume.sales,
        net_before: award.volume.net_minor,
        first_order: award.commission.first_order,
        base: award.base_minor,
        whole: award.whole_minor,
        steps: award.earnings.iter().map(step).collect(),
        earned: award.earnings.iter().map(|earning| earning.amount_minor).sum(),
    });
    PartDecision {
        partner: referral.partner.clone(),
        name,
        code: referral.code().to_owned(),
        share: referral.share,
        nothing: part.award.as_ref().err().copied(),
        why: match &part.award {
            Ok(award) => sum(award, referral.share),
            Err(nothing) => nothing_in_words(*nothing).to_owned(),
        },
        earning,
    }
}

fn step(earning: &Earning) -> StepDecision {
    StepDecision {
        reason: earning.reason.to_string(),
        source: earning.source.clone(),
        amount: earning.amount_minor,
    }
}

fn sentence(parts: &[PartDecision], is_settled: bool) -> String {
    let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    let who = match names.as_slice() {
        [] => return "No partner brought this customer.".to_owned(),
        [one] => format!("{one} brought this customer"),
        many => format!("{} brought this customer together, in equal parts", many.join(", ")),
    };
    match is_settled {
        true => {
            format!("{who}; a part was paid out, so this stays as it is whatever is learned about clicks.")
        }
        false => format!("{who}."),
    }
}

/// How a part's amount came about, in words.
fn sum(award: &Award, share: Share) -> String {
    let currency = award.commission.currency;
    let shown = |minor| Money::new(minor, currency).format();
    let by = match award.applied {
        Applied::Program => "the programme's reward".to_owned(),
        Applied::Rule(number) => format!("rule {number}"),
        Applied::Tier(number) => format!("tier {number}, with {} sales before", award.volume.sales),
    };
    let version = award.commission.terms_version;
    let mut text = format!(
        "By {by} of version {version} of the terms: {} of {} is {}",
        rate(&award.reward, currency),
        shown(award.base_minor),
        shown(award.whole_minor)
    );
    if share.of > 1 {
        text += &format!(", shared by {}: {}", share.of, shown(share.part(award.whole_minor)));
    }
    let taken: i64 = award.earnings.iter().skip(1).map(|earning| earning.amount_minor).sum();
    if taken != 0 {
        let left: i64 = award.earnings.iter().map(|earning| earning.amount_minor).sum();
        text += &format!("; {} for what was given back: {} left", shown(taken), shown(left));
    }
    text + "."
}

fn rate(reward: &Reward, currency: Currency) -> String {
    match reward {
        Reward::BasisPoints(points) => format!("{}.{:02} %", points / 100, points % 100),
        Reward::Flat(amounts) => {
            let minor = amounts.get(&currency).copied().unwrap_or(0);
            format!("a fixed {}", Money::new(minor, currency).format())
        }
        Reward::Nothing => "nothing".to_owned(),
    }
}

fn why(verdict: Verdict, what: &str) -> &'static str {
    match verdict {
        Verdict::Earns => "earns",
        Verdict::Unknown if what == "coupon" => "is no partner's coupon",
        Verdict::Unknown => "is no partner's link",
        Verdict::Archived if what == "coupon" => "the coupon had ended before the sale",
        Verdict::Archived => "the link was archived before the click",
        Verdict::NotApproved => "the partner was not approved when the first payment was made",
        Verdict::NoTerms => "the programme's terms had not begun when the first payment was made",
        Verdict::AfterAnchor => "too late: after the checkout began",
        Verdict::OutsideWindow => "too old: before the window of the terms",
        Verdict::OtherProgram => "the last click was on a link of another programme",
        Verdict::LostToClick => "lost to another click, by the terms",
        Verdict::SamePartner => "another click of the same partner stands for this one",
        Verdict::LostToCoupon => "lost to the coupon, which goes first by the terms",
        Verdict::NoPayment => "nothing was paid yet",
    }
}

fn nothing_in_words(nothing: Nothing) -> &'static str {
    match nothing {
        Nothing::NoPayment => "Nothing: the order was free or is not paid.",
        Nothing::NotApproved => "Nothing: the partner was not approved when it was paid.",
        Nothing::NoTerms => "Nothing: the programme had no terms when it was paid.",
        Nothing::NotReached => "Nothing: the recurring rule does not reach this payment.",
        Nothing::NoReward => "Nothing: the terms give no reward for this payment, or none in its currency.",
        Nothing::TooSmall => "Nothing: it would be less than a minor unit.",
    }
}
