//! Money as commands print it.

use domain::money::{Currency, Money};

/// An amount of minor units for people; one in no known currency as it is stored.
pub(super) fn shown(minor: i64, code: &str) -> String {
    match code.parse::<Currency>() {
        Ok(currency) => Money::new(minor, currency).format(),
        Err(_) => format!("{minor} {code}"),
    }
}
