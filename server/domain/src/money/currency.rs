//! A currency: three letters, kept as they came even when ISO 4217 does not list them, since an order in an
//! unlisted currency is flagged and never dropped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not a currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency code is three letters, like USD")]
pub struct CurrencyError;

/// A currency code in upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The three letters, upper case.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is three ASCII letters")
    }

    /// Decimal places of the minor unit by ISO 4217; `None` when the code is not listed or has no minor unit
    /// (metals, test codes).
    pub fn exponent(self) -> Option<u8> {
        iso_currency::Currency::from_code(self.code())?.exponent()?.try_into().ok()
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    /// Any case: providers differ.
    fn from_str(text: &str) -> Result<Currency, CurrencyError> {
        let mut code: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        if !code.iter().all(u8::is_ascii_alphabetic) {
            return Err(CurrencyError);
        }
        code.make_ascii_uppercase();
        Ok(Currency(code))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_three_letters_in_upper_case() {
        assert_eq!("usd".parse::<Currency>().unwrap().code(), "USD");
        for wrong in ["", "us", "usdt", "u$d", "ÿd"] {
            assert_eq!(wrong.parse::<Currency>(), Err(CurrencyError), "{wrong}");
        }
    }

    #[test]
    fn exponents_come_from_the_standard_and_unlisted_codes_have_none() {
        for (code, exponent) in
            [("USD", Some(2)), ("JPY", Some(0)), ("KWD", Some(3)), ("XAU", None), ("QQQ", None)]
        {
            assert_eq!(code.parse::<Currency>().unwrap().exponent(), exponent, "{code}");
        }
    }
}
