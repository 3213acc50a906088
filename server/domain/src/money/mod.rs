//! Money: whole minor units with their currency. No floats; two currencies never add before one is converted.
//!
//! Splitting money goes through [`allocate`], which loses nothing. Converting goes through [`Conversion`], once per
//! sum, by the rate that [`RateBook`] finds for the day.

mod allocation;
mod currency;
pub mod ecb;
mod rate;
mod rate_book;

pub(crate) use allocation::Shape;
pub use allocation::{Allocator, Share, allocate, shares};
pub use currency::{Currency, CurrencyError};
pub use rate::{Conversion, Rate, RateError};
pub use rate_book::{Quote, Quoted, RateBook, RateDay, day_of, is_closed, published_by};

use serde::{Deserialize, Serialize};

/// In which currency amounts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MoneyView {
    /// Each in its own.
    #[default]
    Native,
    /// In the workspace's report currency, at the rate of each order. What no rate is known for stays in its own,
    /// in rows of its own: never dropped and never zero.
    Report,
}

impl MoneyView {
    pub fn name(self) -> &'static str {
        match self {
            MoneyView::Native => "native",
            MoneyView::Report => "report",
        }
    }
}

/// Why two amounts cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("cannot add {left} and {right}: convert one of them first")]
    Currencies { left: Currency, right: Currency },
    #[error("the sum in {0} does not fit in 64 bits of minor units")]
    Overflow(Currency),
}

/// An amount in minor units (cents for USD, yen for JPY, fils for KWD) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// The sum; an error when the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow(self.currency))?;
        Ok(Money { minor, ..self })
    }

    /// The difference; an error when the currencies differ or it does not fit.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::Overflow(self.currency))?;
        Ok(Money { minor, ..self })
    }

    /// The parts of this amount by `weights`; they add up to exactly this amount.
    pub fn split(self, weights: &[u64]) -> Vec<Money> {
        let mut parts = Vec::with_capacity(weights.len());
        allocate(self.minor, weights, &mut parts);
        parts.into_iter().map(|minor| Money { minor, ..self }).collect()
    }

    /// For people: `1,234.50 USD`, `1,234 JPY`, `-0.05 EUR`. A currency that ISO 4217 does not list has no
    /// known exponent, so its minor units are shown as they are: `1,234 QQQ minor units`.
    pub fn format(self) -> String {
        let Some(exponent) = self.currency.exponent() else {
            return format!("{} {} minor units", grouped(i128::from(self.minor)), self.currency);
        };
        let scale = 10_i128.pow(u32::from(exponent));
        let minor = i128::from(self.minor).abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        let whole = grouped(minor / scale);
        if exponent == 0 {
            return format!("{sign}{whole} {}", self.currency);
        }
        let fraction = minor % scale;
        format!("{sign}{whole}.{fraction:0width$} {}", self.currency, width = usize::from(exponent))
    }
}

/// Digits in groups of three.
fn grouped(value: i128) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    #[test]
    fn amounts_are_shown_with_the_exponent_of_their_currency() {
        for (minor, code, shown) in [
            (9600, "USD", "96.00 USD"),
            (-5, "EUR", "-0.05 EUR"),
            (1_234_567, "JPY", "1,234,567 JPY"),
            (10_000, "KWD", "10.000 KWD"),
            (-123_456_789, "USD", "-1,234,567.89 USD"),
            (1234, "QQQ", "1,234 QQQ minor units"),
            (i64::MIN, "JPY", "-9,223,372,036,854,775,808 JPY"),
        ] {
            assert_eq!(money(minor, code).format(), shown);
        }
    }

    #[test]
    fn only_one_currency_adds_and_only_within_range() {
        assert_eq!(money(1, "USD").checked_add(money(2, "USD")), Ok(money(3, "USD")));
        assert_eq!(money(1, "USD").checked_sub(money(2, "USD")), Ok(money(-1, "USD")));
        assert!(matches!(money(1, "USD").checked_add(money(2, "EUR")), Err(MoneyError::Currencies { .. })));
        let dollar: Currency = "USD".parse().unwrap();
        assert_eq!(money(i64::MAX, "USD").checked_add(money(1, "USD")), Err(MoneyError::Overflow(dollar)));
    }

    #[test]
    fn a_split_adds_up() {
        let minors: Vec<i64> = money(1000, "USD").split(&[1, 1, 1]).iter().map(|part| part.minor).collect();
        assert_eq!(minors, [333, 333, 334]);
    }
}
