//! An order's money in the report currency: the order is converted once, and each refund takes what the order is
//! worth less after it, at the order's own rate. So a full refund leaves exactly nothing, however it was cut up.
//! Never looks up a rate.

use super::{OrderState, RefundEntry};
use crate::money::Conversion;

/// Amounts of one order in the report currency, minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    pub net_minor: i64,
    pub gross_minor: i64,
    /// Net and gross of each of the order's refunds, in their order; zero or above.
    pub refunds: Vec<(i64, i64)>,
}

/// The order's money converted; none when an amount does not fit.
pub fn reported(order: &OrderState, conversion: &Conversion) -> Option<Reported> {
    let (net, tax) = match order.booking {
        Some(booking) => (booking.net_minor, booking.tax_minor),
        None => (order.amounts.net_minor, order.amounts.tax_minor),
    };
    let gross = net.checked_add(tax)?;
    let net_refunds = refunds(net, &order.refunds, |entry| entry.amount_minor, conversion)?;
    let gross_of = |entry: &RefundEntry| entry.amount_minor.saturating_add(entry.tax_minor);
    let gross_refunds = refunds(gross, &order.refunds, gross_of, conversion)?;
    Some(Reported {
        net_minor: conversion.minor(net)?,
        gross_minor: conversion.minor(gross)?,
        refunds: net_refunds.into_iter().zip(gross_refunds).collect(),
    })
}

/// What each refund takes, in the order of `entries`; a refund that did not last gives back what it took.
fn refunds(
    paid_minor: i64,
    entries: &[RefundEntry],
    amount: impl Fn(&RefundEntry) -> i64,
    conversion: &Conversion,
) -> Option<Vec<i64>> {
    let mut events: Vec<(i64, u128, bool, usize)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        events.push((entry.at_ms, entry.id.0, false, at));
        if let Some(end_ms) = entry.reversed_at_ms {
            events.push((end_ms.max(entry.at_ms), entry.id.0, true, at));
        }
    }
    events.sort_unstable();
    let mut taken = vec![0; entries.len()];
    let (mut left_own, mut left) = (paid_minor, conversion.minor(paid_minor)?);
    for (_, _, is_end, at) in events {
        let own = amount(&entries[at]);
        if is_end {
            left_own = left_own.saturating_add(own);
            left += taken[at];
        } else {
            left_own = left_own.saturating_sub(own);
            let worth = if left_own <= 0 { 0 } else { conversion.minor(left_own)? };
            taken[at] = (left - worth).clamp(0, left.max(0));
            left -= taken[at];
        }
    }
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::refund::fixture::entry;

    fn conversion(own: &str, report: &str) -> Conversion {
        let side = |code: &str, rate: &str| (code.parse().unwrap(), rate.parse().unwrap());
        Conversion::new(side("USD", own), side("EUR", report)).unwrap()
    }

    #[test]
    fn three_refunds_of_a_third_take_the_whole() {
        let thirds = [entry(1, 1, 3_33, None), entry(2, 2, 3_33, None), entry(3, 3, 3_34, None)];
        let taken = refunds(10_00, &thirds, |entry| entry.amount_minor, &conversion("1.1684", "1")).unwrap();
        assert_eq!(taken.iter().sum::<i64>(), conversion("1.1684", "1").minor(10_00).unwrap());
        assert_eq!(taken, [2_85, 2_85, 2_86]);
    }

    #[test]
    fn a_refund_that_did_not_last_gives_back_what_it_took() {
        let entries = [entry(1, 1, 3_33, Some(3)), entry(2, 2, 3_33, None), entry(3, 4, 6_67, None)];
        let taken = refunds(10_00, &entries, |entry| entry.amount_minor, &conversion("1.1684", "1")).unwrap();
        assert_eq!(taken[1] + taken[2], 8_56, "what lasts takes the whole");
    }

    proptest! {
        #[test]
        fn refunds_take_no_more_than_there_is_and_a_full_refund_takes_all(
            cuts in prop::collection::vec((1_i64..50_000, prop::option::of(0_i64..20)), 1..8),
            own in 1_u32..5_000_000, report in 1_u32..5_000_000,
        ) {
            let rate = |digits: u32| format!("{}.{:04}", digits / 10_000, digits % 10_000);
            let conversion = conversion(&rate(own.max(1)), &rate(report.max(1)));
            let lasting: i64 = cuts.iter().filter(|cut| cut.1.is_none()).map(|cut| cut.0).sum();
            let total: i64 = cuts.iter().map(|cut| cut.0).sum();
            let mut entries: Vec<RefundEntry> = cuts
                .iter()
                .enumerate()
                .map(|(at, &(amount, after))| entry(at as u128, at as i64, amount, after.map(|after| at as i64 + after)))
                .collect();
            let taken = refunds(total, &entries, |entry| entry.amount_minor, &conversion).unwrap();
            let worth = conversion.minor(total).unwrap();
            prop_assert!(taken.iter().all(|&taken| taken >= 0));
            let kept: i64 = entries.iter().zip(&taken).filter(|(e, _)| e.reversed_at_ms.is_none()).map(|(_, t)| t).sum();
            prop_assert!(kept <= worth);
            // What was left goes back at the end: nothing may remain.
            if total > lasting {
                entries.push(entry(entries.len() as u128, 1_000, total - lasting, None));
                let taken = refunds(total, &entries, |entry| entry.amount_minor, &conversion).unwrap();
                let kept: i64 = entries.iter().zip(&taken).filter(|(e, _)| e.reversed_at_ms.is_none()).map(|(_, t)| t).sum();
                prop_assert_eq!(kept, worth);
            } else {
                prop_assert_eq!(kept, worth);
            }
        }
    }
}
