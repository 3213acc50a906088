//! Books that agree, and each way in which they do not.

use proptest::prelude::*;

use super::*;

fn day(of: i8) -> Date {
    Date::constant(2026, 10, of)
}

fn entry(order_id: &str, status: &str, postings: &[(i8, i64, i64)]) -> Entry {
    let posting =
        |&(of, paid_minor, refunded_minor): &_| Posting { day: day(of), paid_minor, refunded_minor };
    Entry {
        order_id: order_id.to_owned(),
        status: status.to_owned(),
        currency: "USD".parse().unwrap(),
        postings: postings.iter().map(posting).collect(),
        is_fresh: false,
    }
}

fn named(ours: &[Entry], theirs: &[Entry]) -> Vec<(String, Why)> {
    let comparison = compare(day(1), day(20), ours.to_vec(), theirs.to_vec());
    comparison.differences.into_iter().map(|found| (found.order_id, found.why)).collect()
}

#[test]
fn every_reason_has_its_name() {
    let same = entry("same", "paid", &[(2, 500, 0), (5, 0, 100)]);
    let ours = [
        same.clone(),
        entry("amount", "paid", &[(3, 500, 0)]),
        entry("day", "paid", &[(4, 500, 0)]),
        entry("status", "pending", &[]),
        entry("there", "paid", &[(5, 700, 0)]),
    ];
    let theirs = [
        same,
        entry("amount", "paid", &[(3, 400, 0)]),
        entry("day", "paid", &[(3, 500, 0)]),
        entry("here", "paid", &[(6, 900, 0)]),
        entry("status", "paid", &[(7, 100, 0)]),
    ];
    let expected = [
        ("amount", Why::AmountDiffers),
        ("day", Why::OtherDay),
        ("here", Why::MissingHere),
        ("status", Why::StatusDiffers),
        ("there", Why::MissingThere),
    ];
    assert_eq!(named(&ours, &theirs), expected.map(|(id, why)| (id.to_owned(), why)));
}

#[test]
fn what_changed_minutes_ago_is_on_its_way_and_nobody_has_to_look() {
    let mut theirs = entry("new", "paid", &[(2, 500, 0)]);
    theirs.is_fresh = true;
    let comparison = compare(day(1), day(20), Vec::new(), vec![theirs]);
    assert_eq!(comparison.differences[0].why, Why::OnItsWay);
    assert_eq!((comparison.wrong(), comparison.is_exact()), (0, false));
}

#[test]
fn money_on_a_day_outside_the_period_explains_the_difference_inside() {
    let ours = [entry("late", "paid", &[(25, 500, 0)])];
    let theirs = [entry("late", "paid", &[(20, 500, 0)])];
    assert_eq!(named(&ours, &theirs), [("late".to_owned(), Why::OtherDay)]);
}

fn books() -> impl Strategy<Value = Vec<Entry>> {
    let postings = prop::collection::vec((1_i8..28, 0_i64..2000, 0_i64..900), 0..3);
    let status = prop::sample::select(vec!["paid", "pending", "refunded"]);
    let one = (0_u8..12, status, postings)
        .prop_map(|(id, status, postings)| entry(&format!("order {id}"), status, &postings));
    prop::collection::vec(one, 0..15)
}

proptest! {
    /// Whatever the sides say: what the named orders move is exactly what the sums differ by.
    #[test]
    fn the_named_orders_explain_every_sum(ours in books(), theirs in books()) {
        let comparison = compare(day(5), day(20), ours, theirs);
        let mut explained: BTreeMap<Date, i64> = BTreeMap::new();
        for found in &comparison.differences {
            let sides = [(found.ours.as_ref(), 1), (found.theirs.as_ref(), -1)];
            for (side, sign) in sides {
                for posting in side.map_or(&[][..], |side| &side.postings) {
                    *explained.entry(posting.day).or_default() +=
                        sign * (posting.paid_minor - posting.refunded_minor);
                }
            }
        }
        for line in &comparison.lines {
            let difference = line.ours.net - line.theirs.net;
            prop_assert_eq!(difference, explained.get(&line.day).copied().unwrap_or(0));
        }
        let total: i64 = comparison.totals.iter().map(|total| total.ours.net - total.theirs.net).sum();
        let lines: i64 = comparison.lines.iter().map(|line| line.ours.net - line.theirs.net).sum();
        prop_assert_eq!(total, lines);
    }

    #[test]
    fn equal_books_have_no_difference(books in books()) {
        let comparison = compare(day(5), day(20), books.clone(), books);
        prop_assert!(comparison.is_exact() && comparison.differences.is_empty());
    }
}
