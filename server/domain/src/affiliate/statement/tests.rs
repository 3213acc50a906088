//! Statements of partners: every entry stated once, balances carried over, later changes found.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::affiliate::ledger::{Balance, Earning, approve, conclude, settle};
use crate::affiliate::{PartnerTouch, Referral, Share};
use crate::books::faults;
use crate::ids::{HitId, OrderId};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A commission without entries, of a partner.
fn commission(order: u128) -> Commission {
    let touch = PartnerTouch { id: HitId(1), at_ms: 0, code: "jane".to_owned() };
    Commission {
        order: OrderId(order),
        referral: Referral {
            partner: "prt_jane".to_owned(),
            program: "prg_1".to_owned(),
            touch: Some(touch),
            coupon: None,
            share: Share::WHOLE,
        },
        terms_version: 1,
        first_order: true,
        currency: "USD".parse().unwrap(),
        paid_at_ms: 0,
        due_at_ms: 0,
        entries: Vec::new(),
    }
}

fn earning(source: &str, reason: Reason, amount_minor: i64) -> Earning {
    Earning { source: source.to_owned(), reason, amount_minor }
}

fn ms(day: Date) -> i64 {
    day.at(12, 0, 0, 0).in_tz("UTC").unwrap().timestamp().as_millisecond()
}

fn on(month: i8, day: i8) -> i64 {
    ms(Date::constant(2026, month, day))
}

fn heading() -> Heading {
    Heading {
        workspace: "ws_shop".to_owned(),
        partner: "prt_jane".to_owned(),
        timezone: "UTC".to_owned(),
        made_at_ms: 1,
    }
}

fn booked(commissions: &[Commission]) -> Vec<Booked<'_>> {
    commissions.iter().map(|commission| Booked { id: "com_1", commission }).collect()
}

fn make(month: i8, made: &[SealedStatement], commissions: &[Commission]) -> SealedStatement {
    state(heading(), Date::constant(2026, month, 1), made, &booked(commissions))
}

fn figures(sealed: &SealedStatement) -> [i64; 5] {
    let total = sealed.statement.totals[0];
    [total.opening_minor, total.earned_minor, total.reversed_minor, total.paid_minor, total.closing_minor]
}

/// 15.00 earned in August, 5.00 taken back and the rest paid in September, 10.00 taken back after that in October.
fn one_story() -> Commission {
    let mut one = commission(1);
    let sale = earning("ord_1", Reason::Sale, 1500);
    one.entries.extend(settle(&one.entries, std::slice::from_ref(&sale), 0, on(8, 3)));
    let refund = earning("ref_1", Reason::Refund, -500);
    one.entries.extend(settle(&one.entries, &[sale.clone(), refund.clone()], 0, on(9, 4)));
    one.entries.extend(approve(&one.entries, 1000, "pay_1", on(9, 5)));
    one.entries.extend(conclude(&one.entries, "pay_1", true, on(9, 6)));
    let rest = earning("ref_2", Reason::Refund, -1000);
    one.entries.extend(settle(&one.entries, &[sale, refund, rest], 0, on(10, 7)));
    one
}

#[test]
fn a_month_opens_with_what_the_one_before_closed_with() {
    let story = [one_story()];
    let mut made = Vec::new();
    for month in 8..=11 {
        made.push(make(month, &made, &story));
    }
    let all: Vec<[i64; 5]> = made.iter().map(figures).collect();
    assert_eq!(
        all,
        [[0, 1500, 0, 0, 1500], [1500, 0, 500, 1000, 0], [0, 0, 1000, 0, -1000], [-1000, 0, 0, 0, -1000]],
        "what is held or under way is still open; a debt is a balance below zero"
    );
    assert_eq!(first_month("UTC", &booked(&story)), Some(Date::constant(2026, 8, 1)));
    assert_eq!((faults(&made), contradictions(&made, &booked(&story))), (vec![], vec![]));
    let csv = to_csv(&made[1]);
    assert!(csv.contains("prt_jane,2,2026-09,paid,2026-09-06,com_1,"), "{csv}");
    assert!(csv.contains(",payout_paid,pay_1,USD,-1000,,,,,,"), "{csv}");
    assert!(csv.contains(",total,,,,,,USD,,1500,0,500,1000,0,"), "{csv}");
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert!(columns.iter().all(|count| *count == columns[0]), "{csv}");
}

#[test]
fn an_entry_that_was_late_is_a_line_of_the_next_statement_and_only_there() {
    let mut story = [one_story()];
    let last = story[0].entries.pop().unwrap();
    let made = vec![make(10, &[], &story)];
    story[0].entries.push(last);
    assert_eq!(unstated(&made, &booked(&story)), 1, "booked in October after October was stated");
    let next = make(11, &made, &story);
    assert_eq!((next.statement.lines.len(), figures(&next)), (1, [0, 0, 1000, 0, -1000]));
    let made = [made, vec![next]].concat();
    assert_eq!(contradictions(&made, &booked(&story)), [""; 0]);
}

#[test]
fn an_edited_statement_and_an_edited_ledger_are_found() {
    let story = [one_story()];
    let made: Vec<SealedStatement> = vec![make(9, &[], &story)];
    let made = vec![made[0].clone(), make(10, &made, &story)];
    let mut edited = made.clone();
    edited[0].statement.totals[0].paid_minor += 1;
    assert_eq!(faults(&edited).len(), 2, "changed, and it does not add up");
    edited[0] = Sealed::of(made[0].statement.clone());
    edited[1].statement.totals[0].opening_minor += 1;
    edited[1].statement.totals[0].closing_minor += 1;
    edited[1] = Sealed::of(edited[1].statement.clone());
    assert_eq!(faults(&edited), [""; 0]);
    assert_eq!(contradictions(&edited, &booked(&story)).len(), 1, "it opens with what nobody closed with");
    let mut other = story.clone();
    other[0].entries[0].amount_minor = 1501;
    assert_eq!(
        contradictions(&made, &booked(&other)).len(),
        1,
        "{:?}",
        contradictions(&made, &booked(&other))
    );
    assert_eq!(faults(&made[1..]), [""; 0], "the end of a chain proves itself");
    let text = serde_json::to_string(&made[0]).unwrap();
    let read: SealedStatement = serde_json::from_str(&text).unwrap();
    assert_eq!((faults(std::slice::from_ref(&read)), serde_json::to_string(&read).unwrap()), (vec![], text));
}

proptest! {
    /// Whenever statements are made, together they say what the ledger says, and every entry once.
    #[test]
    fn all_statements_together_are_the_ledger(
        steps in prop::collection::vec((0_i64..40, -900_i64..1000, any::<bool>()), 1..25)
    ) {
        let mut one = commission(1);
        let mut made: Vec<SealedStatement> = Vec::new();
        let mut now = on(1, 5);
        let mut month = Date::constant(2026, 1, 1);
        let mut wanted: Vec<Earning> = Vec::new();
        for (at, (days, amount, pays)) in steps.into_iter().enumerate() {
            now += days * DAY_MS;
            while ms(month.last_of_month()) < now - DAY_MS {
                let next = state(heading(), month, &made, &booked(std::slice::from_ref(&one)));
                made.push(next);
                month = month.saturating_add(1.month());
            }
            let left: i64 = wanted.iter().map(|earning| earning.amount_minor).sum();
            wanted.push(earning(&format!("ref_{at}"), Reason::Refund, amount.max(-left)));
            one.entries.extend(settle(&one.entries, &wanted, 0, now));
            let due = Balance::of(&one.entries).due;
            if pays && due > 0 {
                let payout = format!("pay_{at}");
                one.entries.extend(approve(&one.entries, due, &payout, now));
                one.entries.extend(conclude(&one.entries, &payout, amount % 2 == 0, now));
            }
        }
        let story = [one];
        made.push(state(heading(), month, &made, &booked(&story)));
        made.push(state(heading(), month.saturating_add(1.month()), &made, &booked(&story)));
        let balance = Balance::of(&story[0].entries);
        let closing = made.last().unwrap().statement.totals.first().map_or(0, |total| total.closing_minor);
        prop_assert_eq!(closing, balance.pending + balance.due + balance.processing);
        let sum = |pick: fn(&Total) -> i64| -> i64 {
            made.iter().flat_map(|sealed| &sealed.statement.totals).map(pick).sum()
        };
        prop_assert_eq!(sum(|total| total.earned_minor - total.reversed_minor), balance.earned());
        prop_assert_eq!(sum(|total| total.paid_minor), balance.paid);
        prop_assert_eq!(unstated(&made, &booked(&story)), 0);
        prop_assert!(faults(&made).is_empty() && contradictions(&made, &booked(&story)).is_empty());
    }
}
