//! Amounts as PayPal writes them: decimal text, whole numbers in currencies that have no smaller unit there.

/// Currencies PayPal takes whole amounts of only.
const WHOLE: [&str; 3] = ["HUF", "JPY", "TWD"];

fn exponent(currency: &str) -> usize {
    if WHOLE.contains(&currency) { 0 } else { 2 }
}

/// Smallest units of a decimal text; none when it is no amount PayPal takes.
pub(crate) fn parse(value: &str, currency: &str) -> Option<i64> {
    let exponent = exponent(currency);
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > exponent {
        return None;
    }
    let minor: i64 = format!("{whole}{part:0<exponent$}").parse().ok()?;
    (minor > 0).then_some(minor)
}

/// As decimal text.
pub(crate) fn text(minor: i64, currency: &str) -> String {
    match exponent(currency) {
        0 => minor.to_string(),
        exponent => {
            let scale = 10_i64.pow(exponent as u32);
            format!("{}.{:0exponent$}", minor / scale, minor % scale)
        }
    }
}

/// What PayPal takes beside an amount: two in a hundred, rounded half up.
pub(crate) fn fee(minor: i64) -> i64 {
    (minor * 2 + 50) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_in_the_digits_of_their_currency() {
        for (value, currency, minor) in [("12.30", "USD", 1230), ("7", "USD", 700), ("900", "JPY", 900)] {
            assert_eq!(parse(value, currency), Some(minor));
        }
        for (value, currency) in
            [("12.345", "USD"), ("1.5", "JPY"), ("-1.00", "USD"), ("0.00", "USD"), ("", "USD")]
        {
            assert_eq!(parse(value, currency), None, "{value} {currency}");
        }
        assert_eq!(
            (text(1230, "USD"), text(5, "USD"), text(900, "JPY")),
            ("12.30".into(), "0.05".into(), "900".into())
        );
        assert_eq!(fee(1234), 25);
    }
}
