//! An amount as people and spreadsheets write it: `1,234.50`, `$12.00`, `12,50 €`, `1 234.50 USD`. What can be read in
//! two ways is refused with both named. Never by way of a float.

use super::Unit;
use crate::money::Currency;

/// Longer ones are no money.
const DIGITS_MAX: usize = 15;

/// Why an amount is not read. The sentences may quote it: it is not personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("{0:?} is not an amount; write 12.50")]
    NotAnAmount(String),
    #[error("{0:?} is below zero; an open balance is what is owed to the partner")]
    BelowZero(String),
    #[error("{0:?} can be read in two ways; write it without marks between thousands")]
    Ambiguous(String),
    #[error("{text:?} has smaller parts than {currency} has")]
    TooFine { text: String, currency: Currency },
    #[error("{0:?} does not say in which currency; name one for the whole file")]
    NoCurrency(String),
    #[error("{0:?} may be whole units or cents; say which the file holds: unit major, or unit minor")]
    NoUnit(String),
    #[error("{text:?} is not in {currency}")]
    OtherCurrency { text: String, currency: Currency },
    #[error("{0} has no minor unit in ISO 4217, so nothing can be owed in it")]
    NoExponent(Currency),
    #[error("{0:?} is more than can be owed")]
    TooMuch(String),
}

/// Signs, and what they can stand for. Several: the currency has to be said.
const SIGNS: [(&str, &[&str]); 12] = [
    ("$", &["USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD"]),
    ("US$", &["USD"]),
    ("A$", &["AUD"]),
    ("C$", &["CAD"]),
    ("CA$", &["CAD"]),
    ("R$", &["BRL"]),
    ("€", &["EUR"]),
    ("£", &["GBP"]),
    ("¥", &["JPY", "CNY"]),
    ("₹", &["INR"]),
    ("zł", &["PLN"]),
    ("kr", &["SEK", "NOK", "DKK", "ISK"]),
];

/// Minor units and their currency; none when nothing, or zero, stands there. `unit` is what a plain whole number is.
pub(super) fn read(
    text: &str,
    currency: Option<Currency>,
    unit: Option<Unit>,
) -> Result<Option<(i64, Currency)>, AmountError> {
    let whole = text.trim();
    if whole.is_empty() || whole == "-" {
        return Ok(None);
    }
    let not = || AmountError::NotAnAmount(whole.to_owned());
    let is_less = whole.contains(['-', '\u{2212}']) || (whole.starts_with('(') && whole.ends_with(')'));
    let bare = whole.replace(['-', '\u{2212}', '(', ')'], "");
    let first = bare.find(|letter: char| letter.is_ascii_digit()).ok_or_else(not)?;
    let last = bare.rfind(|letter: char| letter.is_ascii_digit()).ok_or_else(not)?;
    let sign = format!("{}{}", bare[..first].trim(), bare[last + 1..].trim());
    let number = &bare[first..=last];
    if sign.starts_with(['.', ','])
        || !number.chars().all(|letter| letter.is_ascii_digit() || is_mark(letter))
    {
        return Err(not());
    }
    if number.bytes().all(|byte| matches!(byte, b'0' | b'.' | b',')) {
        return Ok(None);
    }
    if is_less {
        return Err(AmountError::BelowZero(whole.to_owned()));
    }
    let currency = meant(whole, &sign, currency)?;
    let exponent = usize::from(currency.exponent().ok_or(AmountError::NoExponent(currency))?);
    let is_plain = sign.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let digits = match unit {
        Some(Unit::Minor) if is_plain => number.to_owned(),
        None if is_plain && exponent > 0 => return Err(AmountError::NoUnit(whole.to_owned())),
        _ => {
            let (units, fraction) = parts(whole, number, exponent)?;
            let kept = fraction.trim_end_matches('0');
            if kept.len() > exponent {
                return Err(AmountError::TooFine { text: whole.to_owned(), currency });
            }
            format!("{units}{kept:0<exponent$}")
        }
    };
    let digits = digits.trim_start_matches('0');
    if digits.len() > DIGITS_MAX {
        return Err(AmountError::TooMuch(whole.to_owned()));
    }
    Ok(Some((digits.parse().map_err(|_| not())?, currency)))
}

/// What may stand between digits: a point, a comma, and the blanks and marks some parts of the world put between
/// thousands.
fn is_mark(letter: char) -> bool {
    matches!(letter, '.' | ',' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

/// The currency meant: the one that is said, unless the sign or code beside the amount speaks against it.
fn meant(whole: &str, sign: &str, said: Option<Currency>) -> Result<Currency, AmountError> {
    let other = |currency| AmountError::OtherCurrency { text: whole.to_owned(), currency };
    let unsaid = || AmountError::NoCurrency(whole.to_owned());
    if sign.is_empty() {
        return said.ok_or_else(unsaid);
    }
    if let Some((_, codes)) = SIGNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(sign)) {
        return match (said, codes) {
            (Some(said), codes) if codes.contains(&said.code()) => Ok(said),
            (Some(said), _) => Err(other(said)),
            (None, [only]) => only.parse().map_err(|_| unsaid()),
            (None, _) => Err(unsaid()),
        };
    }
    let own: Currency = sign.parse().map_err(|_| AmountError::NotAnAmount(whole.to_owned()))?;
    match said {
        Some(said) if said != own => Err(other(said)),
        _ => Ok(own),
    }
}

/// The whole units and the fraction, in digits.
fn parts(whole: &str, number: &str, exponent: usize) -> Result<(String, String), AmountError> {
    let ambiguous = || AmountError::Ambiguous(whole.to_owned());
    let marks: Vec<(usize, char)> = number.char_indices().filter(|(_, letter)| is_mark(*letter)).collect();
    let Some(&(at, mark)) = marks.last() else { return Ok((number.to_owned(), String::new())) };
    let behind = &number[at + mark.len_utf8()..];
    let same = marks.iter().filter(|(_, other)| *other == mark).count();
    let is_group = !matches!(mark, '.' | ',')
        || same > 1
        || (marks.len() == 1 && behind.len() == 3 && {
            // 1,234 is so many thousands where there are two decimals, and could be either where there are three.
            // 1.234 is read as nothing but a riddle: exports write a point before decimals.
            if mark == '.' && exponent != 3 || mark == ',' && exponent == 3 {
                return Err(ambiguous());
            }
            mark == ','
        });
    let (units, fraction) = if is_group { (number, "") } else { (&number[..at], behind) };
    // Between thousands stands one kind of mark, and three digits behind each.
    let mut groups = units.split(is_mark);
    let head = groups.next().unwrap_or_default();
    let kinds: Vec<char> = units.chars().filter(|letter| is_mark(*letter)).collect();
    let is_even = groups.all(|group| group.len() == 3) && kinds.iter().all(|kind| *kind == kinds[0]);
    let is_own = is_group || kinds.first().is_none_or(|kind| *kind != mark);
    if !is_even || !is_own || (!kinds.is_empty() && !(1..=3).contains(&head.len())) {
        return Err(ambiguous());
    }
    Ok((units.chars().filter(char::is_ascii_digit).collect(), fraction.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, currency: &str, minor: i64) {
        let said = currency.parse().unwrap();
        assert_eq!(read(text, Some(said), Some(Unit::Major)), Ok(Some((minor, said))), "{text}");
    }

    #[track_caller]
    fn wrong(text: &str, currency: &str) -> AmountError {
        read(text, currency.parse().ok(), Some(Unit::Major)).unwrap_err()
    }

    #[test]
    fn amounts_are_read_as_they_are_written_around_the_world() {
        reads("12", "USD", 12_00);
        reads("12.5", "USD", 12_50);
        reads("1,234.50", "USD", 123_450);
        reads("$12.00", "USD", 12_00);
        reads("$1,234,567.89", "CAD", 123_456_789);
        reads("1.234,50 €", "EUR", 123_450);
        reads("12,50", "EUR", 12_50);
        reads("1 234,50", "EUR", 123_450);
        reads("1\u{a0}234.5 EUR", "EUR", 123_450);
        reads("1'234.50", "CHF", 123_450);
        reads("1,234", "USD", 123_400);
        reads("USD 7.10", "usd", 7_10);
        reads("12.5000", "USD", 12_50);
        assert_eq!(read("€3", None, Some(Unit::Major)), Ok(Some((3_00, "EUR".parse().unwrap()))));
    }

    #[test]
    fn currencies_have_the_parts_they_have() {
        reads("1,234", "JPY", 1_234);
        reads("¥500", "JPY", 500);
        reads("12.00", "JPY", 12);
        reads("1.234", "KWD", 1_234);
        assert!(matches!(wrong("12.50", "JPY"), AmountError::TooFine { .. }));
        assert!(matches!(wrong("12.5050", "USD"), AmountError::TooFine { .. }));
        assert_eq!(wrong("5", "XAU"), AmountError::NoExponent("XAU".parse().unwrap()));
    }

    #[test]
    fn nothing_is_guessed() {
        for riddle in ["1.234", "1,23,456", "1.2.3", "12,34.56.78", "1,234.567,8"] {
            assert!(matches!(wrong(riddle, "USD"), AmountError::Ambiguous(_)), "{riddle}");
        }
        assert!(matches!(wrong("1,234", "KWD"), AmountError::Ambiguous(_)));
        assert!(matches!(wrong("$5", "none"), AmountError::NoCurrency(_)), "which dollar?");
        assert!(matches!(wrong("5", "none"), AmountError::NoCurrency(_)));
        assert!(matches!(wrong("€5", "USD"), AmountError::OtherCurrency { .. }));
        assert!(matches!(wrong("5 EUR", "USD"), AmountError::OtherCurrency { .. }));
        for no in ["abc", "twelve", "1e5", ".50", "$", "NaN"] {
            assert!(matches!(wrong(no, "USD"), AmountError::NotAnAmount(_)), "{no}");
        }
        for less in ["-5", "($5.00)", "\u{2212}1"] {
            assert!(matches!(wrong(less, "USD"), AmountError::BelowZero(_)), "{less}");
        }
        assert!(matches!(wrong("99999999999999999", "USD"), AmountError::TooMuch(_)));
    }

    #[test]
    fn nothing_owed_is_no_amount() {
        for nothing in ["", " ", "-", "0", "0.00", "$0.00", "-0.00"] {
            assert_eq!(read(nothing, None, Some(Unit::Major)), Ok(None), "{nothing:?}");
        }
    }

    #[test]
    fn plain_whole_numbers_are_cents_where_the_tool_writes_cents() {
        let usd: Option<Currency> = "USD".parse().ok();
        let minor = |text| read(text, usd, Some(Unit::Minor)).unwrap().unwrap().0;
        assert_eq!((minor("1250"), minor("$1,250"), minor("12.50")), (12_50, 125_000, 12_50));
    }

    #[test]
    fn plain_whole_numbers_of_a_tool_that_does_not_say_are_refused_until_somebody_does() {
        let said = |code: &str| code.parse::<Currency>().ok();
        assert_eq!(read("1250", said("USD"), None), Err(AmountError::NoUnit("1250".to_owned())));
        for (clear, code, minor) in
            [("1250.00", "USD", 125_000), ("$1250", "USD", 125_000), ("1250", "JPY", 1250)]
        {
            let currency = said(code).unwrap();
            assert_eq!(read(clear, Some(currency), None), Ok(Some((minor, currency))), "{clear} {code}");
        }
    }
}
