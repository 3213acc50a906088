//! Commissions from the sale to the payout, entry by entry.

use super::*;

fn earning(source: &str, reason: Reason, amount_minor: i64) -> Earning {
    Earning { source: source.to_owned(), reason, amount_minor }
}

#[track_caller]
fn stands(entries: &[Entry], state_wanted: State, [pending, due, processing, paid]: [i64; 4]) {
    let balance = Balance::of(entries);
    assert_eq!(balance.sum(), 0);
    let found = [balance.pending, balance.due, balance.processing, balance.paid];
    assert_eq!((state(entries), found), (state_wanted, [pending, due, processing, paid]));
}

#[test]
fn a_commission_goes_from_pending_to_paid_and_running_again_adds_nothing() {
    let wanted = [earning("ord_1", Reason::Sale, 1470)];
    let mut entries = settle(&[], &wanted, 100, 10);
    stands(&entries, State::Pending, [1470, 0, 0, 0]);
    assert_eq!((settle(&entries, &wanted, 100, 99), mature(&entries, 100, 99)), (vec![], vec![]));
    assert_eq!(mature(&entries, 100, 100), settle(&entries, &wanted, 100, 100));
    entries.extend(settle(&entries, &wanted, 100, 100));
    stands(&entries, State::Due, [0, 1470, 0, 0]);
    entries.extend(approve(&entries, 1470, "pay_1", 120));
    stands(&entries, State::Processing, [0, 0, 1470, 0]);
    entries.extend(conclude(&entries, "pay_1", true, 130));
    stands(&entries, State::Paid, [0, 0, 0, 1470]);
    assert_eq!(conclude(&entries, "pay_1", true, 140), []);
    assert_eq!(conclude(&entries, "pay_1", false, 140), [], "what was paid is not due again");
    assert_eq!(settle(&entries, &wanted, 100, 200), []);
    let numbers: Vec<u32> = entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[test]
fn a_refund_takes_what_is_held_and_after_the_payout_leaves_a_debt() {
    let sale = earning("ord_1", Reason::Sale, 1000);
    let refund = earning("ref_1", Reason::Refund, -400);
    let mut entries = settle(&[], std::slice::from_ref(&sale), 100, 10);
    entries.extend(settle(&entries, &[sale.clone(), refund.clone()], 100, 20));
    stands(&entries, State::Pending, [600, 0, 0, 0]);
    entries.extend(settle(&entries, &[sale.clone(), refund.clone()], 100, 100));
    entries.extend(approve(&entries, 600, "pay_1", 110));
    entries.extend(conclude(&entries, "pay_1", true, 120));
    let second = earning("ref_2", Reason::DisputeLost, -600);
    entries.extend(settle(&entries, &[sale.clone(), refund.clone(), second.clone()], 100, 130));
    stands(&entries, State::Due, [0, -600, 0, 600]);
    let won = earning("ref_2/reversed", Reason::DisputeWon, 600);
    entries.extend(settle(&entries, &[sale, refund, second, won], 100, 140));
    stands(&entries, State::Paid, [0, 0, 0, 600]);
}

#[test]
fn a_debt_is_netted_by_a_payout_and_stays_when_that_is_canceled() {
    let mut entries = settle(&[], &[earning("ord_1", Reason::Sale, 500)], 0, 10);
    entries.extend(approve(&entries, 500, "pay_1", 20));
    entries.extend(conclude(&entries, "pay_1", true, 30));
    entries.extend(settle(&entries, &[], 0, 40));
    stands(&entries, State::Due, [0, -500, 0, 500]);
    entries.extend(approve(&entries, -500, "pay_2", 50));
    stands(&entries, State::Processing, [0, 0, -500, 500]);
    entries.extend(conclude(&entries, "pay_2", false, 60));
    stands(&entries, State::Due, [0, -500, 0, 500]);
    entries.extend(approve(&entries, -500, "pay_3", 70));
    entries.extend(conclude(&entries, "pay_3", true, 80));
    stands(&entries, State::Void, [0, 0, 0, 0]);
}

#[test]
fn what_nobody_earned_is_void_and_what_was_given_back_reversed() {
    let sale = earning("ord_1", Reason::Sale, 500);
    let begun = settle(&[], std::slice::from_ref(&sale), 100, 10);
    let mut void = begun.clone();
    void.extend(settle(&void, &[], 100, 20));
    stands(&void, State::Void, [0, 0, 0, 0]);
    let mut reversed = begun;
    reversed.extend(settle(&reversed, &[sale, earning("ref_1", Reason::Refund, -500)], 100, 20));
    stands(&reversed, State::Reversed, [0, 0, 0, 0]);
}

#[test]
fn entries_that_were_meddled_with_are_found() {
    let wanted = [earning("ord_1", Reason::Sale, 500)];
    let mut entries = settle(&[], &wanted, 0, 10);
    entries.extend(approve(&entries, 500, "pay_1", 20));
    assert_eq!(fault(&entries), None);
    let lost = &entries[1..];
    assert_eq!(fault(lost).unwrap(), "entry 1 is missing");
    let mut more = entries.clone();
    more[1].to = Account::Paid;
    more[1].amount_minor = 501;
    assert_eq!(fault(&more).unwrap(), "entry 2 pays more than was ever earned");
    let mut taken = entries.clone();
    taken[0] = Entry { from: Account::Pending, to: Account::Expense, ..taken[0].clone() };
    assert_eq!(fault(&taken).unwrap(), "entry 1 takes what was not there");
}

#[test]
fn words_are_stored_and_read_back() {
    for account in Account::ALL {
        assert_eq!(account.name().parse(), Ok(*account));
    }
    for reason in Reason::ALL {
        assert_eq!(reason.name().parse(), Ok(*reason));
    }
    assert!("lost".parse::<State>().is_err());
}
