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
    /// In a report in the report currency: money for which no rate is known, in its own currency.
    #[serde(skip_serializing_if = "is_false")]
    pub not_converted: bool,
}

fn is_false(said: &bool) -> bool {
    !said
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
            0 if self.not_converted => line.push_str("  ✓ exact, not converted"),
            0 => line.push_str("  ✓ exact"),
            other => line.push_str(&format!("  ✗ differs by {}; run `tributary verify`", shown(other))),
        }
        line
    }
}

/// What the provider was paid in one currency in the period, from the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderSum {
    pub currency: Currency,
    /// Paid less given back.
    pub net_minor: i64,
    /// Payments and refunds of the period that moved money.
    pub bookings: u64,
}

/// What was credited in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditedSum {
    pub currency: Currency,
    pub attributed: i64,
    pub direct: i64,
    pub unattributed: i64,
    pub outside_period: i64,
}

/// Joins the provider's sums with the credits' sums, by currency. Both sides may lack a currency.
///
/// A currency has its line when money moved in it in the period, also when all of it went back and every sum is
/// zero; a currency of other periods, or of free orders alone, has none: it would prove nothing.
pub fn reconcile(provider: &[ProviderSum], credits: &[CreditedSum]) -> Vec<Reconciliation> {
    let mut currencies: Vec<Currency> = provider.iter().map(|row| row.currency).collect();
    currencies.extend(credits.iter().map(|row| row.currency));
    currencies.sort_unstable();
    currencies.dedup();
    let lines = currencies.into_iter().filter_map(|currency| {
        let paid = || provider.iter().filter(|row| row.currency == currency);
        let provider_net: i64 = paid().map(|row| row.net_minor).sum();
        let sum = |part: fn(&CreditedSum) -> i64| -> i64 {
            credits.iter().filter(|row| row.currency == currency).map(part).sum()
        };
        let (attributed, direct) = (sum(|row| row.attributed), sum(|row| row.direct));
        let (unattributed, outside_period) = (sum(|row| row.unattributed), sum(|row| row.outside_period));
        let money_moved = paid().any(|row| row.bookings > 0);
        let says = money_moved || [provider_net, attributed, direct, unattributed, outside_period] != [0; 5];
        says.then_some(Reconciliation {
            currency,
            provider_net,
            attributed,
            direct,
            unattributed,
            outside_period,
            difference: provider_net - attributed - direct - unattributed - outside_period,
            not_converted: false,
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_stand_apart_and_a_missing_side_shows_as_a_difference() {
        let code = |text: &str| text.parse::<Currency>().unwrap();
        let paid = |text, net_minor| ProviderSum { currency: code(text), net_minor, bookings: 1 };
        let credited = |text, attributed, direct, unattributed| CreditedSum {
            currency: code(text),
            attributed,
            direct,
            unattributed,
            outside_period: 0,
        };
        let lines = reconcile(
            &[paid("USD", 1000), paid("EUR", 500)],
            &[credited("USD", 600, 300, 100), credited("JPY", 7, 0, 0)],
        );
        let differences: Vec<(&str, i64)> = lines.iter().map(|l| (l.currency.code(), l.difference)).collect();
        assert_eq!(differences, [("EUR", 500), ("JPY", -7), ("USD", 0)]);
        assert!(lines[2].to_text().ends_with("✓ exact"));
        assert!(lines[0].to_text().contains("differs by 5.00 EUR"));
    }

    #[test]
    fn a_currency_has_a_line_when_money_moved_also_when_all_of_it_went_back() {
        let sum =
            |text: &str, bookings| ProviderSum { currency: text.parse().unwrap(), net_minor: 0, bookings };
        let lines = reconcile(&[sum("EUR", 2), sum("USD", 0)], &[]);
        let said: Vec<(&str, i64)> =
            lines.iter().map(|line| (line.currency.code(), line.difference)).collect();
        assert_eq!(said, [("EUR", 0)]);
    }
}
