//! Rates and what they make of an amount: whole numbers only, one rounding rule. Never looks a rate up and never
//! splits an amount: a sum is converted once, and what it consists of is allocated from the result.
//!
//! The rule: `amount · rate of the target / rate of the source`, to the nearest minor unit of the target, halves to
//! the even one; below zero as above it.

use std::fmt;
use std::str::FromStr;

use super::Currency;

/// The text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a rate is a decimal number above zero with at most 12 digits, 8 of them after the point, like 1.1684"
)]
pub struct RateError;

const DIGITS_MAX: usize = 12;
const DECIMALS_MAX: usize = 8;

/// Units of a currency for one euro, as published: a decimal number above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    digits: u64,
    decimals: u8,
}

impl Rate {
    /// The euro for a euro.
    pub const ONE: Rate = Rate { digits: 1, decimals: 0 };
}

impl FromStr for Rate {
    type Err = RateError;

    /// Trailing zeros say nothing: `366.90` and `366.9` are one rate.
    fn from_str(text: &str) -> Result<Rate, RateError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let readable = !whole.is_empty()
            && plain(whole)
            && plain(fraction)
            && fraction.len() <= DECIMALS_MAX
            && whole.len() + fraction.len() <= DIGITS_MAX;
        let digits: u64 = match readable {
            true => format!("{whole}{fraction}").parse().map_err(|_| RateError)?,
            false => return Err(RateError),
        };
        match digits {
            0 => Err(RateError),
            digits => Ok(Rate { digits, decimals: fraction.len() as u8 }),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u64.pow(u32::from(self.decimals));
        match self.decimals {
            0 => write!(f, "{}", self.digits),
            decimals => write!(
                f,
                "{}.{:0width$}",
                self.digits / scale,
                self.digits % scale,
                width = usize::from(decimals)
            ),
        }
    }
}

/// From minor units of one currency to minor units of another, as one fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    numerator: u128,
    denominator: u128,
}

impl Conversion {
    /// What it is in itself.
    pub const NONE: Conversion = Conversion { numerator: 1, denominator: 1 };

    /// From one currency to the other at what each was worth for a euro. None when ISO 4217 knows no minor unit of
    /// one of them.
    pub fn new(from: (Currency, Rate), to: (Currency, Rate)) -> Option<Conversion> {
        let power = |exponent: u8| 10_u128.pow(u32::from(exponent));
        let numerator = u128::from(to.1.digits) * power(from.1.decimals) * power(to.0.exponent()?);
        let denominator = u128::from(from.1.digits) * power(to.1.decimals) * power(from.0.exponent()?);
        let shared = greatest_common_divisor(numerator, denominator);
        Some(Conversion { numerator: numerator / shared, denominator: denominator / shared })
    }

    /// The amount converted and rounded; none when it does not fit in 64 bits.
    pub fn minor(&self, amount_minor: i64) -> Option<i64> {
        let product = u128::from(amount_minor.unsigned_abs()).checked_mul(self.numerator)?;
        let (whole, rest) = (product / self.denominator, product % self.denominator);
        let round_up = match (rest * 2).cmp(&self.denominator) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => whole % 2 == 1,
            std::cmp::Ordering::Greater => true,
        };
        let size = i64::try_from(whole + u128::from(round_up)).ok()?;
        Some(if amount_minor < 0 { -size } else { size })
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn conversion(from: (&str, &str), to: (&str, &str)) -> Conversion {
        let read = |(code, rate): (&str, &str)| (code.parse().unwrap(), rate.parse().unwrap());
        Conversion::new(read(from), read(to)).unwrap()
    }

    #[test]
    fn amounts_are_converted_between_currencies_of_any_number_of_decimals() {
        for (from, to, amount, converted) in [
            (("EUR", "1"), ("USD", "1.1684"), 10_000, 11_684),
            (("USD", "1.1684"), ("EUR", "1"), 11_684, 10_000),
            // 1,000 yen are 5.3547… euros, and 6.2565… dollars.
            (("JPY", "186.75"), ("EUR", "1"), 1000, 5_35),
            (("JPY", "186.75"), ("USD", "1.1684"), 1000, 6_26),
            (("USD", "1.1684"), ("JPY", "186.75"), 6_26, 1001),
            // Three decimals: 1.234 dinars at a quarter of a euro are 4.936 euros.
            (("KWD", "0.25"), ("EUR", "1"), 1_234, 4_94),
            (("EUR", "1"), ("KWD", "0.3579"), 10_00, 3_579),
            (("IDR", "20082.05"), ("EUR", "1"), 200_820_500, 10_000),
        ] {
            assert_eq!(conversion(from, to).minor(amount), Some(converted), "{amount} {from:?} to {to:?}");
            assert_eq!(conversion(from, to).minor(-amount), Some(-converted), "below zero as above it");
        }
    }

    #[test]
    fn halves_go_to_the_even_unit() {
        let half = conversion(("USD", "2"), ("EUR", "1"));
        for (amount, converted) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (2, 1)] {
            assert_eq!(half.minor(amount), Some(converted), "half of {amount}");
        }
    }

    #[test]
    fn what_does_not_fit_is_no_amount_and_unlisted_currencies_have_no_conversion() {
        assert_eq!(conversion(("EUR", "1"), ("IDR", "20082.05")).minor(i64::MAX), None);
        let rate: Rate = "3".parse().unwrap();
        let code = |code: &str| code.parse::<Currency>().unwrap();
        assert_eq!(Conversion::new((code("QQQ"), rate), (code("EUR"), Rate::ONE)), None);
    }

    #[test]
    fn rates_read_as_they_are_published_and_nothing_else_reads() {
        for (text, shown) in [("1.1684", "1.1684"), ("366.90", "366.9"), ("143", "143"), ("0.86", "0.86")] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        for wrong in ["", "0", "0.0", "-1.2", "1,2", "1e5", "N/A", ".5", "1.123456789", "1234567890123"] {
            assert_eq!(wrong.parse::<Rate>(), Err(RateError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_converted_amount_is_the_nearest_there_is(
            amount in -10_000_000_000_i64..10_000_000_000,
            from in 1_u64..1_000_000_000,
            to in 1_u64..1_000_000_000,
        ) {
            let rate = |digits| Rate { digits, decimals: 4 };
            let code = |code: &str| code.parse::<Currency>().unwrap();
            let conversion = Conversion::new((code("USD"), rate(from)), (code("EUR"), rate(to))).unwrap();
            if let Some(converted) = conversion.minor(amount) {
                // |converted · from − amount · to| is at most half of `from`.
                let off = i128::from(converted) * i128::from(from) - i128::from(amount) * i128::from(to);
                prop_assert!(off.abs() * 2 <= i128::from(from));
            }
        }
    }
}
