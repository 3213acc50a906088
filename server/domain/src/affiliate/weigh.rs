//! Which partners brought a customer, and why the others did not. A function of everything known: it never asks what
//! was booked before.

use std::collections::HashSet;

use super::code::LinkCode;
use super::family::{Family, PartnerTouch};
use super::referral::{Referral, Share, Verdict, Weighed, WeighedClick, WeighedCoupon};
use super::roster::{Owner, Roster};
use super::terms::{Precedence, Wins};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Who brought this customer; nobody, one partner, or several who share.
pub fn referrals(family: &Family, roster: &Roster) -> Vec<Referral> {
    weigh(family, roster).referrals
}

/// Weighs every click and the coupon. The last click within its terms' window names the programme; the programme's terms
/// in force at the first payment say whether the last or the first click of that programme wins, or all its partners
/// share. The terms of the coupon's own programme say whether it goes before clicks. Only partners win who were approved
/// at the first payment.
pub fn weigh(family: &Family, roster: &Roster) -> Weighed {
    let mut touches: Vec<&PartnerTouch> = family.touches.iter().collect();
    touches.sort_by_key(|touch| (touch.at_ms, touch.id));
    touches.dedup();
    let first_ms = family.payments().first().map(|sale| sale.paid_at_ms);
    let mut clicks: Vec<WeighedClick> = touches
        .into_iter()
        .map(|touch| {
            let owner = roster.links.get(&touch.code);
            let verdict = stands(touch, owner, family.anchor_ms, first_ms, roster);
            WeighedClick { touch: touch.clone(), partner: owner.map(|owner| owner.partner.clone()), verdict }
        })
        .collect();
    let Some(first_ms) = first_ms else { return Weighed { clicks, ..Weighed::default() } };
    let mut coupon = redeemed(family, roster, first_ms);
    let has_click = clicks.iter().any(|click| click.verdict == Verdict::Earns);
    let coupon_wins = coupon.as_ref().is_some_and(|coupon| {
        let precedence = coupon.partner.as_ref().and_then(|partner| {
            let program = &roster.partners.get(partner)?.program;
            Some(roster.terms_of_program(program, first_ms)?.precedence)
        });
        let is_first = precedence == Some(Precedence::CouponFirst);
        coupon.verdict == Verdict::Earns && (is_first || !has_click)
    });
    let referrals = match &mut coupon {
        Some(coupon) if coupon_wins => {
            let of_click = clicks.iter_mut().filter(|click| click.verdict == Verdict::Earns);
            of_click.for_each(|click| click.verdict = Verdict::LostToCoupon);
            by_coupon(coupon, roster).into_iter().collect()
        }
        coupon => {
            let winners = by_clicks(&mut clicks, roster, first_ms);
            if let Some(coupon) = coupon.as_mut().filter(|coupon| coupon.verdict == Verdict::Earns) {
                let is_winner = |referral: &Referral| coupon.partner.as_ref() == Some(&referral.partner);
                coupon.verdict = match winners.iter().any(is_winner) {
                    true => Verdict::SamePartner,
                    false => Verdict::LostToClick,
                };
            }
            winners
        }
    };
    Weighed { clicks, coupon, referrals }
}

/// Whether a click may earn at all.
fn stands(
    touch: &PartnerTouch,
    owner: Option<&Owner>,
    anchor_ms: i64,
    first_ms: Option<i64>,
    roster: &Roster,
) -> Verdict {
    let Some((owner, member)) = owner.and_then(|owner| Some((owner, roster.partners.get(&owner.partner)?)))
    else {
        return Verdict::Unknown;
    };
    if owner.is_archived_at(touch.at_ms) {
        return Verdict::Archived;
    }
    let Some(first_ms) = first_ms else { return Verdict::NoPayment };
    let Some(version) = roster.terms_of_partner(&owner.partner, first_ms) else { return Verdict::NoTerms };
    let age_ms = anchor_ms - touch.at_ms;
    if age_ms < 0 {
        Verdict::AfterAnchor
    } else if age_ms > i64::from(version.terms.window_days) * DAY_MS {
        Verdict::OutsideWindow
    } else if !member.is_approved_at(first_ms) {
        Verdict::NotApproved
    } else {
        Verdict::Earns
    }
}

/// The coupon of a family, if it says anything: whose it is, and whether it may earn.
fn redeemed(family: &Family, roster: &Roster, first_ms: i64) -> Option<WeighedCoupon> {
    let told = family.coupon()?;
    let named = told.partner_code.parse::<LinkCode>().ok();
    // What somebody wrote on the order or its discount says more than the code that was typed in.
    let by_name = named.and_then(|code| Some((code.to_string(), roster.links.get(code.as_str())?)));
    let by_code = || Some((told.code.to_uppercase(), roster.coupons.get(&told.code.to_uppercase())?));
    let Some((code, owner)) = by_name.or_else(by_code) else {
        let code = if told.code.is_empty() { &told.partner_code } else { &told.code };
        return Some(WeighedCoupon { code: code.clone(), partner: None, verdict: Verdict::Unknown });
    };
    let member = roster.partners.get(&owner.partner);
    let verdict = match member {
        None => Verdict::Unknown,
        Some(_) if owner.is_archived_at(first_ms) => Verdict::Archived,
        Some(member) if !member.is_approved_at(first_ms) => Verdict::NotApproved,
        Some(_) if roster.terms_of_partner(&owner.partner, first_ms).is_none() => Verdict::NoTerms,
        Some(_) => Verdict::Earns,
    };
    Some(WeighedCoupon { code, partner: Some(owner.partner.clone()), verdict })
}

fn by_coupon(coupon: &WeighedCoupon, roster: &Roster) -> Option<Referral> {
    let partner = coupon.partner.clone()?;
    Some(Referral {
        program: roster.partners.get(&partner)?.program.clone(),
        partner,
        touch: None,
        coupon: Some(coupon.code.clone()),
        share: Share::WHOLE,
    })
}

/// Who wins among the clicks that may earn; the verdicts of the others become what they lost to.
fn by_clicks(clicks: &mut [WeighedClick], roster: &Roster, first_ms: i64) -> Vec<Referral> {
    let program_of = |click: &WeighedClick| {
        let partner = click.partner.as_ref()?;
        roster.partners.get(partner).map(|member| member.program.clone())
    };
    let last = clicks.iter().rfind(|click| click.verdict == Verdict::Earns);
    let Some(program) = last.and_then(program_of) else { return Vec::new() };
    let wins = roster.terms_of_program(&program, first_ms).map_or(Wins::Last, |terms| terms.wins);
    let mut running: Vec<&mut WeighedClick> = Vec::new();
    for click in clicks.iter_mut().filter(|click| click.verdict == Verdict::Earns) {
        if program_of(click).as_ref() == Some(&program) {
            click.verdict = Verdict::LostToClick;
            running.push(click);
        } else {
            click.verdict = Verdict::OtherProgram;
        }
    }
    // The last click comes first, and so gets what cannot be divided.
    let mut seen: HashSet<String> = HashSet::new();
    let mut winners: Vec<&mut WeighedClick> = match wins {
        Wins::Last => running.into_iter().next_back().into_iter().collect(),
        Wins::First => running.into_iter().next().into_iter().collect(),
        Wins::Split => {
            let mut each = Vec::new();
            for click in running.into_iter().rev() {
                match seen.insert(click.partner.clone().unwrap_or_default()) {
                    true => each.push(click),
                    false => click.verdict = Verdict::SamePartner,
                }
            }
            each
        }
    };
    let of = u32::try_from(winners.len()).unwrap_or(u32::MAX);
    let mut referrals = Vec::with_capacity(winners.len());
    for (place, click) in (0..).zip(&mut winners) {
        click.verdict = Verdict::Earns;
        referrals.push(Referral {
            partner: click.partner.clone().unwrap_or_default(),
            program: program.clone(),
            touch: Some(click.touch.clone()),
            coupon: None,
            share: Share { place, of },
        });
    }
    referrals
}
