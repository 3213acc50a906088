//! Each rule with what it sees and what it must not see, and what decisions mean for the money.

use std::collections::HashSet;

use proptest::prelude::*;

use super::rules::brands;
use super::*;
use crate::affiliate::ledger::{Account, Balance, Earning, Reason, approve, conclude, fault, settle};
use crate::ids::VisitorId;

const MINUTE_MS: i64 = 60_000;
const PAID_AT_MS: i64 = 1_000_000 * MINUTE_MS;

/// A sale nobody doubts: a signed visitor came by the link, looked around and paid an hour later.
struct Scene {
    click: Click,
    sale: SaleTraits,
    partner: PartnerTraits,
    is_first: bool,
    limits: Limits,
}

impl Scene {
    fn honest() -> Scene {
        let click = Click {
            at_ms: PAID_AT_MS - 60 * MINUTE_MS,
            trust: Trust::Unsigned,
            was_signed_later: true,
            referrer: "https://blog.example/".to_owned(),
            landing: "https://shop.example/?via=jane".to_owned(),
        };
        let sale = SaleTraits {
            checkout_at_ms: PAID_AT_MS - MINUTE_MS,
            paid_at_ms: PAID_AT_MS,
            trust: Trust::Signed,
            person_keys: HashSet::from([7, 8]),
            visitors: HashSet::from([VisitorId(1)]),
            ..SaleTraits::default()
        };
        let partner = PartnerTraits { address_key: 20, similar_key: 21, ..PartnerTraits::default() };
        Scene { click, sale, partner, is_first: true, limits: Limits::default() }
    }

    fn sees(&self) -> Vec<Evidence> {
        let brands = brands("Acme Shop", &["acme.example".to_owned(), "*.shop.example".to_owned()]);
        let known = Inquiry {
            click: Some(&self.click),
            sale: &self.sale,
            partner: &self.partner,
            is_first: self.is_first,
            brands: &brands,
            limits: self.limits,
        };
        flags(&known, 5).into_iter().map(|flag| flag.evidence).collect()
    }
}

#[track_caller]
fn sees(change: impl FnOnce(&mut Scene), wanted: &[Evidence]) {
    let mut scene = Scene::honest();
    change(&mut scene);
    assert_eq!(scene.sees(), wanted);
}

#[test]
fn an_honest_sale_is_not_doubted() {
    sees(|_| {}, &[]);
}

#[test]
fn who_buys_from_themself_is_seen_by_address_payout_or_browser() {
    let by = |by| [Evidence::SelfReferral { by }];
    sees(|scene| _ = scene.sale.person_keys.insert(20), &by(SelfBy::Address));
    sees(|scene| _ = scene.sale.person_keys.insert(21), &by(SelfBy::SimilarAddress));
    sees(|scene| scene.partner.payout_key = Some(8), &by(SelfBy::PayoutAddress));
    sees(|scene| _ = scene.partner.visitors.insert(VisitorId(1)), &by(SelfBy::Browser));
    sees(|scene| _ = scene.partner.visitors.insert(VisitorId(2)), &[]);
}

#[test]
fn mail_boxes_that_are_thrown_away_are_seen_on_both_sides() {
    let whose = |whose| [Evidence::DisposableAddress { whose }];
    sees(|scene| scene.partner.has_disposable_address = true, &whose(Whose::Partner));
    sees(|scene| scene.sale.has_disposable_address = true, &whose(Whose::Buyer));
}

#[test]
fn a_click_between_the_buyer_and_the_payment_is_seen() {
    let at_ms = PAID_AT_MS - 60 * MINUTE_MS;
    let seen = |checkout_at_ms, click_at_ms| [Evidence::AfterCheckout { checkout_at_ms, click_at_ms }];
    // A page of paying shortly before the click; not one after it, nor one of the day before.
    sees(|scene| scene.sale.paying_at_ms = vec![at_ms - MINUTE_MS], &seen(at_ms - MINUTE_MS, at_ms));
    sees(|scene| scene.sale.paying_at_ms = vec![at_ms - 24 * 60 * MINUTE_MS, at_ms + MINUTE_MS], &[]);
    let late_ms = PAID_AT_MS - 1;
    sees(|scene| scene.sale.late_clicks_ms = vec![late_ms], &seen(PAID_AT_MS - MINUTE_MS, late_ms));
}

#[test]
fn ids_nobody_ever_showed_signed_are_seen_and_unknown_ones_are_not() {
    let seen = |on, is_forged| [Evidence::UnverifiedVisitor { on, is_forged }];
    let trusts = |click, order, later| {
        move |scene: &mut Scene| {
            (scene.click.trust, scene.sale.trust, scene.click.was_signed_later) = (click, order, later);
        }
    };
    use Trust::{Forged, Signed, Unknown, Unsigned};
    sees(trusts(Unsigned, Unsigned, false), &seen(FoundOn::Order, false));
    sees(trusts(Unsigned, Unknown, false), &seen(FoundOn::Click, false));
    sees(trusts(Signed, Forged, true), &seen(FoundOn::Order, true));
    sees(trusts(Forged, Signed, true), &seen(FoundOn::Click, true));
    // Shown signed, by a later page or on the order; or told by an import, where nobody could sign.
    sees(trusts(Unsigned, Unknown, true), &[]);
    sees(trusts(Unsigned, Signed, false), &[]);
    sees(trusts(Unknown, Unsigned, false), &[]);
}

#[test]
fn a_coupon_site_at_the_end_of_a_journey_is_seen() {
    let coupon = |scene: &mut Scene, earlier_visits, minutes: i64| {
        scene.click.referrer = "https://www.retailmenot.com/view/acme".to_owned();
        scene.click.at_ms = scene.sale.checkout_at_ms - minutes * MINUTE_MS;
        scene.sale.earlier_visits = earlier_visits;
    };
    let host = "www.retailmenot.com".to_owned();
    let seen = [Evidence::CouponSite { host, minutes_before: 5, earlier_visits: 2 }];
    sees(|scene| coupon(scene, 2, 5), &seen);
    sees(|scene| coupon(scene, 0, 5), &[]);
    sees(|scene| coupon(scene, 2, 24 * 60), &[]);
}

#[test]
fn a_rush_of_sales_or_clicks_is_seen_and_a_steady_stream_is_not() {
    let Limits { velocity_sales_max: most, velocity_minutes: minutes, .. } = Limits::default();
    let sales = |count: u32, apart: i64| {
        move |scene: &mut Scene| {
            let times = (0..i64::from(count)).map(|number| PAID_AT_MS + number * apart);
            scene.partner.sales_ms = times.collect();
        }
    };
    let seen = [Evidence::Velocity { of: Many::Sales, count: most + 1, most, minutes }];
    sees(sales(most + 1, MINUTE_MS), &seen);
    sees(sales(most, MINUTE_MS), &[]);
    sees(sales(most + 30, 4 * MINUTE_MS), &[]);
    // Renewals come by themselves.
    sees(
        |scene| {
            sales(most + 1, MINUTE_MS)(scene);
            scene.is_first = false;
        },
        &[],
    );
    let most = Limits::default().velocity_clicks_max;
    let at_ms = Scene::honest().click.at_ms;
    let clicks = [Evidence::Velocity { of: Many::Clicks, count: most + 1, most, minutes }];
    sees(|scene| scene.partner.clicks = vec![(at_ms - 10 * MINUTE_MS, most), (at_ms, 1)], &clicks);
    sees(|scene| scene.partner.clicks = vec![(at_ms - 61 * MINUTE_MS, most), (at_ms, 1)], &[]);
}

#[test]
fn a_workspace_says_from_where_on_something_is_doubted() {
    let three = |scene: &mut Scene| {
        scene.partner.sales_ms = (0..3).map(|number| PAID_AT_MS + number * 40 * MINUTE_MS).collect();
    };
    sees(three, &[]);
    sees(
        |scene| {
            three(scene);
            (scene.limits.velocity_sales_max, scene.limits.velocity_minutes) = (2, 81);
        },
        &[Evidence::Velocity { of: Many::Sales, count: 3, most: 2, minutes: 81 }],
    );
    sees(
        |scene| {
            three(scene);
            (scene.limits.velocity_sales_max, scene.limits.velocity_minutes) = (2, 80);
        },
        &[],
    );
    let paying = |scene: &mut Scene| scene.sale.paying_at_ms = vec![scene.click.at_ms - 30 * MINUTE_MS];
    sees(
        |scene| {
            paying(scene);
            scene.limits.paying_minutes = 29;
        },
        &[],
    );
    for wrong in [
        Limits { velocity_sales_max: 0, ..Limits::default() },
        Limits { velocity_minutes: 1441, ..Limits::default() },
        Limits { paying_minutes: PAYING_MINUTES_MAX + 1, ..Limits::default() },
    ] {
        assert!(wrong.check().unwrap_err().to_string().contains(": use "));
    }
    assert_eq!(Limits::default().check(), Ok(()));
    // A flag that was raised before the span was kept with it.
    let old = r#"{"kind":"velocity","of":"clicks","count":9,"most":8}"#;
    let old: Evidence = serde_json::from_str(old).unwrap();
    assert_eq!(
        old.sentence(),
        "9 clicks of this partner within an hour, where 8 are the most to be expected"
    );
}

#[test]
fn clicks_bought_from_search_engines_are_seen() {
    let lands = |query: &str| {
        let landing = format!("https://shop.example/?via=jane{query}");
        move |scene: &mut Scene| scene.click.landing = landing
    };
    let seen = |by, value: &str| [Evidence::PaidBrandSearch { by, value: value.to_owned() }];
    sees(lands("&gclid=abc"), &seen(BoughtBy::ClickId, "gclid"));
    sees(lands("&msclkid=abc"), &seen(BoughtBy::ClickId, "msclkid"));
    sees(lands("&utm_source=google&utm_medium=cpc"), &seen(BoughtBy::Medium, "cpc"));
    sees(lands("&utm_medium=paid-search"), &seen(BoughtBy::Medium, "paid-search"));
    sees(lands("&utm_term=Acme+discount"), &seen(BoughtBy::BrandTerm, "Acme discount"));
    // Other people's advertisements are the partner's business.
    sees(lands("&fbclid=abc&utm_source=facebook&utm_medium=cpc"), &[]);
    sees(lands("&utm_term=time+tracker"), &[]);
}

fn sale() -> Vec<Earning> {
    vec![Earning { source: "ord_1".to_owned(), reason: Reason::Sale, amount_minor: 1000 }]
}

fn verdict(flag: &str, decision: Decision) -> Verdict {
    Verdict { flag: flag.to_owned(), decision }
}

#[test]
fn a_rejected_commission_is_void_whatever_is_booked_again_and_comes_back_when_cleared() {
    let mut entries = settle(&[], &sale(), 100, 10);
    let rejected = [verdict("flg_a", Decision::Rejected)];
    entries.extend(rejudge(&entries, &rejected, 100, 20));
    let last = entries.last().unwrap();
    assert_eq!(
        (last.reason, last.source.as_str(), last.to),
        (Reason::FlagRejected, "flg_a", Account::Expense)
    );
    assert_eq!((state(&entries), Balance::of(&entries).earned()), (State::Void, 0));
    assert_eq!(settle(&entries, &judged(sale(), &rejected), 100, 30), []);
    // A refund of what is not earned changes nothing of it.
    let refunded =
        [sale(), vec![Earning { source: "ref_1".to_owned(), reason: Reason::Refund, amount_minor: -400 }]];
    let refunded = refunded.concat();
    entries.extend(settle(&entries, &judged(refunded.clone(), &rejected), 100, 40));
    assert_eq!((state(&entries), Balance::of(&entries).earned()), (State::Void, 0));
    assert_eq!(rejudge(&entries, &rejected, 100, 50), []);
    let cleared = [verdict("flg_a", Decision::Cleared)];
    entries.extend(rejudge(&entries, &cleared, 100, 60));
    assert_eq!((state(&entries), Balance::of(&entries).earned()), (State::Pending, 600));
    assert_eq!(settle(&entries, &judged(refunded, &cleared), 100, 70), []);
    assert_eq!(fault(&entries), None);
}

#[test]
fn what_is_rejected_after_the_payout_is_owed_back() {
    let mut entries = settle(&[], &sale(), 0, 10);
    entries.extend(approve(&entries, 1000, "pay_1", 20));
    assert!(is_warning(&entries));
    entries.extend(conclude(&entries, "pay_1", true, 30));
    assert!(is_warning(&entries));
    entries.extend(rejudge(&entries, &[verdict("flg_a", Decision::Rejected)], 0, 40));
    let balance = Balance::of(&entries);
    assert_eq!((balance.due, balance.paid, balance.earned()), (-1000, 1000, 0));
}

proptest! {
    /// Any number of flags, decided in any order: a commission with a rejected flag earns nothing, without one what its
    /// facts say, and asking again adds nothing.
    #[test]
    fn decisions_in_any_order_leave_what_stands(
        steps in prop::collection::vec((0..3_usize, any::<bool>(), -400_i64..0), 1..12),
    ) {
        let mut earnings = sale();
        let mut standing: Vec<Verdict> = Vec::new();
        let mut entries = settle(&[], &earnings, 50, 0);
        for (number, (flag, rejects, refund)) in steps.into_iter().enumerate() {
            let now_ms = number as i64 * 10;
            let decision = if rejects { Decision::Rejected } else { Decision::Cleared };
            let flag = format!("flg_{flag}");
            match standing.iter_mut().find(|verdict| verdict.flag == flag) {
                Some(verdict) => verdict.decision = decision,
                None => standing.push(Verdict { flag, decision }),
            }
            standing.sort_by(|a, b| a.flag.cmp(&b.flag));
            entries.extend(rejudge(&entries, &standing, 50, now_ms));
            prop_assert_eq!(settle(&entries, &judged(earnings.clone(), &standing), 50, now_ms), vec![]);
            let left: i64 = earnings.iter().map(|earning| earning.amount_minor).sum();
            if left + refund >= 0 {
                let source = format!("ref_{number}");
                earnings.push(Earning { source, reason: Reason::Refund, amount_minor: refund });
            }
            entries.extend(settle(&entries, &judged(earnings.clone(), &standing), 50, now_ms));
            prop_assert_eq!(rejudge(&entries, &standing, 50, now_ms), vec![]);
            let is_rejected = standing.iter().any(|verdict| verdict.decision == Decision::Rejected);
            let left: i64 = earnings.iter().map(|earning| earning.amount_minor).sum();
            prop_assert_eq!(Balance::of(&entries).earned(), if is_rejected { 0 } else { left });
            prop_assert_eq!(fault(&entries), None);
        }
    }
}
