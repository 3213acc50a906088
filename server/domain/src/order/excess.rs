//! Refunds beyond what was paid: a provider may give back more than an order brought (goodwill, a mistake, a refund
//! told twice under two ids). Only what is left of the order is booked, so that no touch falls below zero and a full
//! refund leaves nothing; the excess is told beside it and never booked.

use super::RefundEntry;

/// Cuts each entry to the room it finds in what was paid, drops those that find none, and answers how much net,
/// without tax, lasting refunds exceed the order by.
///
/// Refunds that last are served first, by (time, id), so that what is left in the end is right; one that did not
/// last takes what room there was in all of its time.
pub(super) fn cap(entries: &mut Vec<RefundEntry>, net_minor: i64, tax_minor: i64) -> i64 {
    entries.sort_by_key(|entry| (entry.reversed_at_ms.is_some(), entry.at_ms, entry.id));
    let mut excess_minor: i64 = 0;
    let mut placed: Vec<RefundEntry> = Vec::with_capacity(entries.len());
    for mut entry in std::mem::take(entries) {
        let (net_taken, tax_taken) = most_taken(&placed, &entry);
        let booked_minor = entry.amount_minor.min(net_minor.saturating_sub(net_taken)).max(0);
        if entry.reversed_at_ms.is_none() {
            excess_minor = excess_minor.saturating_add(entry.amount_minor - booked_minor);
        }
        entry.amount_minor = booked_minor;
        entry.tax_minor = entry.tax_minor.min(tax_minor.saturating_sub(tax_taken)).max(0);
        if booked_minor > 0 {
            placed.push(entry);
        }
    }
    placed.sort_by_key(|entry| (entry.at_ms, entry.id));
    *entries = placed;
    excess_minor
}

/// The most that `placed` take, net and tax, at any moment while `entry` stands.
fn most_taken(placed: &[RefundEntry], entry: &RefundEntry) -> (i64, i64) {
    let end_ms =
        |entry: &RefundEntry| entry.reversed_at_ms.map_or(i64::MAX, |end_ms| end_ms.max(entry.at_ms));
    let starts =
        placed.iter().map(|other| other.at_ms).filter(|at_ms| (entry.at_ms..=end_ms(entry)).contains(at_ms));
    let taken_at = |at_ms: i64| {
        let standing = || placed.iter().filter(move |other| other.at_ms <= at_ms && at_ms <= end_ms(other));
        (
            standing().map(|other| other.amount_minor).sum::<i64>(),
            standing().map(|other| other.tax_minor).sum::<i64>(),
        )
    };
    starts
        .chain([entry.at_ms])
        .map(taken_at)
        .fold((0, 0), |most, (net, tax)| (most.0.max(net), most.1.max(tax)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::refund::fixture::entry;

    fn check(entries: &[(u128, i64, i64, Option<i64>)], booked: &[(u128, i64)], excess_minor: i64) {
        let mut entries: Vec<_> =
            entries.iter().map(|&(id, at, amount, end)| entry(id, at, amount, end)).collect();
        assert_eq!(cap(&mut entries, 1000, 0), excess_minor);
        let left: Vec<_> = entries.iter().map(|entry| (entry.id.0, entry.amount_minor)).collect();
        assert_eq!(left, booked);
    }

    #[test]
    fn only_what_is_left_of_the_order_is_booked() {
        check(&[(1, 1, 400, None), (2, 2, 600, None)], &[(1, 400), (2, 600)], 0);
        check(&[(1, 1, 400, None), (2, 2, 700, None)], &[(1, 400), (2, 600)], 100);
        check(&[(1, 1, 1500, None), (2, 2, 10, None)], &[(1, 1000)], 510);
    }

    #[test]
    fn a_refund_that_did_not_last_leaves_room_again_and_is_no_excess() {
        check(&[(1, 1, 1000, Some(3)), (2, 4, 1000, None)], &[(1, 1000), (2, 1000)], 0);
        check(
            &[(1, 1, 900, None), (2, 2, 500, Some(3)), (3, 4, 100, None)],
            &[(1, 900), (2, 100), (3, 100)],
            0,
        );
    }
}
