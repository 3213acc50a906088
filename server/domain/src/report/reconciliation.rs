//! The line that proves a report: what the provider was paid equals what the channels were credited.

use serde::Serialize;

use crate::money::{Currency, Money};

/// One currency's proof. `difference` is zero, or credits and orders disagree and `tributary verify` tells
/// where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    pub currency: Currency,
    /// Orders less refunds of the period, from the orders themselves. Minor units, as all amounts here.
    pub provider_net: i64,
    /// Credited to visits with a source.
    pub attributed: i64,
    /// Credited to visitors who came without a source.
    pub direct: i64,
    /// Sales whose visitor is not known.
    pub unattributed: i64,
    /// By visit date only: credits of the same orders that fall on days outside the period.
    #[serde(skip_serializing_if = "is_zero")]
    pub outside_period: i64,
    pub difference: i64,
}

fn is_zero(minor: &i64) -> bool {
    *minor == 0
}

impl Reconciliation {
    pub fn is_exact(&self) -> bool {
        self.difference == 0
    }

    /// One line for people.
    pub fn to_text(&self) -> String {
        let shown = |minor| Money::new(minor, self.currency).format();
        let mut line = format!(
            "Provider {} = Attributed {} + Direct {} + Unattributed {}",
            shown(self.provider_net),
            shown(self.attributed),
            shown(self.direct),
            shown(self.unattributed)
        );
        if self.outside_period != 0 {
            line.push_str(&format!(" + outside the period {}", shown(self.outside_period)));
        }
        match self.difference {
            0 => line.push_str("  ✓ exact"),
            other => line.push_str(&format!("  ✗ differs by {}; run `tributary verify`", shown(other))),
        }
        line
    }
}

/// Joins the provider's sums with the credits' sums, by currency. Both sides may lack a currency.
/// `credits` are (currency, attributed, direct, unattributed, outside the period).
pub fn reconcile(
    provider: &[(Currency, i64)],
    credits: &[(Currency, i64, i64, i64, i64)],
) -> Vec<Reconciliation> {
    let mut currencies: Vec<Currency> = provider.iter().map(|row| row.0).collect();
    currencies.extend(credits.iter().map(|row| row.0));
    currencies.sort_unstable();
    currencies.dedup();
    let lines = currencies.into_iter().map(|currency| {
        let provider_net: i64 = provider.iter().filter(|row| row.0 == currency).map(|row| row.1).sum();
        let sum = |part: fn(&(Currency, i64, i64, i64, i64)) -> i64| -> i64 {
            credits.iter().filter(|row| row.0 == currency).map(part).sum()
        };
        let (attributed, direct) = (sum(|row| row.1), sum(|row| row.2));
        let (unattributed, outside_period) = (sum(|row| row.3), sum(|row| row.4));
        Reconciliation {
            currency,
            provider_net,
            attributed,
            direct,
            unattributed,
            outside_period,
            difference: provider_net - attributed - direct - unattributed - outside_period,
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_stand_apart_and_a_missing_side_shows_as_a_difference() {
        let code = |text: &str| text.parse::<Currency>().unwrap();
        let lines = reconcile(
            &[(code("USD"), 1000), (code("EUR"), 500)],
            &[(code("USD"), 600, 300, 100, 0), (code("JPY"), 7, 0, 0, 0)],
        );
        let differences: Vec<(&str, i64)> = lines.iter().map(|l| (l.currency.code(), l.difference)).collect();
        assert_eq!(differences, [("EUR", 500), ("JPY", -7), ("USD", 0)]);
        assert!(lines[2].to_text().ends_with("✓ exact"));
        assert!(lines[0].to_text().contains("differs by 5.00 EUR"));
    }
}
