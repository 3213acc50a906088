//! Terms as merchants write them, and what they come to.

use super::*;

fn terms(json: &str) -> Terms {
    serde_json::from_str(json).unwrap()
}

#[test]
fn terms_are_written_in_few_words_and_come_with_defaults() {
    let read = terms(r#"{"reward": {"basis_points": 3000}}"#);
    assert_eq!((read.hold_days, read.window_days, read.wins), (30, 60, Wins::Last));
    assert_eq!((read.base, read.recurring), (Basis::Net, Recurring::Lifetime));
    let flat = terms(r#"{"reward": {"flat": {"usd": 500}}, "recurring": {"months": 12}, "wins": "first"}"#);
    let usd = "USD".parse().unwrap();
    assert_eq!(flat.reward_minor(&flat.reward, 4900, usd), Some(500));
    assert_eq!(flat.reward_minor(&flat.reward, 300, usd), Some(300), "never more than was paid");
    assert_eq!(flat.reward_minor(&flat.reward, 4900, "EUR".parse().unwrap()), None);
    assert_eq!(flat.check(), Ok(()));
}

#[test]
fn terms_that_cannot_be_are_refused() {
    let wrong = |json: &str| terms(json).check().unwrap_err();
    assert_eq!(wrong(r#"{"reward": {"basis_points": 10001}}"#), TermsError::BasisPoints);
    assert_eq!(wrong(r#"{"reward": {"basis_points": 0}}"#), TermsError::BasisPoints);
    assert_eq!(wrong(r#"{"reward": {"flat": {}}}"#), TermsError::NoAmount);
    assert_eq!(wrong(r#"{"reward": {"flat": {"EUR": 0}}}"#), TermsError::Amount);
    let gold = TermsError::NoExponent("XAU".parse().unwrap());
    assert_eq!(wrong(r#"{"reward": {"flat": {"XAU": 5}}}"#), gold);
    let base = r#"{"reward": {"basis_points": 1}, "#;
    assert_eq!(wrong(&format!("{base}\"recurring\": {{\"payments\": 0}}}}")), TermsError::Recurring);
    assert_eq!(wrong(&format!("{base}\"recurring\": {{\"months\": 121}}}}")), TermsError::Recurring);
    assert_eq!(wrong(&format!("{base}\"hold_days\": 366}}")), TermsError::Hold);
    assert_eq!(wrong(&format!("{base}\"window_days\": 0}}")), TermsError::Window);
    assert!(serde_json::from_str::<Terms>(&format!("{base}\"holds\": 1}}")).is_err());
}

#[test]
fn fractions_go_to_the_even_side_or_down() {
    let even = terms(r#"{"reward": {"basis_points": 5000}}"#);
    let floor = terms(r#"{"reward": {"basis_points": 5000}, "rounding": "floor"}"#);
    let usd = "USD".parse().unwrap();
    for (base, rounded, down) in [(1, 0, 0), (3, 2, 1), (5, 2, 2), (4900, 2450, 2450)] {
        assert_eq!(even.reward_minor(&even.reward, base, usd), Some(rounded), "{base}");
        assert_eq!(floor.reward_minor(&floor.reward, base, usd), Some(down), "{base}");
    }
    assert_eq!(even.proportion(i64::MAX, 1, 1), i64::MAX);
}

#[test]
fn a_payment_is_under_the_terms_of_its_moment() {
    let version = |version, from_ms| TermsVersion {
        version,
        from_ms,
        group: None,
        terms: terms(r#"{"reward": {"basis_points": 1}}"#),
    };
    let versions = [version(1, 10), version(2, 20), version(3, 20)];
    let at = |at_ms| in_force(&versions, None, at_ms).map(|found| found.version);
    assert_eq!([at(9), at(10), at(19), at(20), at(99)], [None, Some(1), Some(1), Some(3), Some(3)]);
}
