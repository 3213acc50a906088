//! How amounts came into the report currency: by which rates, what was left as it is because there is no rate, and what
//! refunds would have been at the rates of their own days. What somebody needs who lays a report beside a bank account.
//! Never converts anything.

use serde::Serialize;

use super::{MetaDays, grouped};
use crate::money::{Currency, Money};

/// The note under a report in the report currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversions {
    /// The report currency.
    pub currency: Currency,
    /// Orders paid in the period that were converted, each once, at the reference rate of its day in UTC.
    pub converted_orders: u64,
    /// First and last of the days whose rates were used; none when nothing was converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_days: Option<MetaDays>,
    /// Where the rates came from.
    pub sources: Vec<String>,
    /// Refunds are converted at the rate of their order, so that a full one leaves nothing. This is how much more, in
    /// minor units of the report currency, the refunds of the period would take at the rates of their own days.
    pub refunds_at_own_day: i64,
    /// What stands in its own currency beside the report.
    pub not_converted: Vec<NotConverted>,
}

/// Orders of one currency that were not converted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotConverted {
    pub currency: Currency,
    /// `waiting`: the rate of the day has not come yet; `not_carried`: the European Central Bank has none.
    pub why: &'static str,
    pub orders: u64,
    /// What is left of them, in minor units of their own currency.
    pub net: i64,
}

impl Conversions {
    /// For people, a sentence each; none when every order was paid in the report currency.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        let orders = |count: u64| format!("{} order{}", grouped(count), if count == 1 { "" } else { "s" });
        if let Some(MetaDays { from, to }) = &self.rate_days {
            let days = if from == to { from.clone() } else { format!("{from} to {to}") };
            said.push(format!(
                "{} converted to {}, each once, at the European Central Bank’s rate of its day (UTC); rates of {days}. \
                 Refunds go at the rate of their order.",
                orders(self.converted_orders),
                self.currency,
            ));
        }
        if self.refunds_at_own_day != 0 {
            let amount = Money::new(self.refunds_at_own_day.saturating_abs(), self.currency).format();
            let than = if self.refunds_at_own_day > 0 { "more" } else { "less" };
            said.push(format!(
                "At the rates of their own days the refunds would be {amount} {than}: exchange differences, which are in no channel."
            ));
        }
        for left in &self.not_converted {
            let amount = Money::new(left.net, left.currency).format();
            let why = match left.why {
                "waiting" => "the rate of their day has not come yet",
                _ => "the European Central Bank has no rate for it",
            };
            said.push(format!(
                "{} of {amount} not converted: {why}. They stand in {} with lines of their own.",
                orders(left.orders),
                left.currency
            ));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_was_converted_what_was_not_and_what_refunds_make() {
        let code = |text: &str| text.parse::<Currency>().expect("a code");
        let mut told = Conversions {
            currency: code("USD"),
            converted_orders: 1,
            rate_days: Some(MetaDays { from: "2026-10-01".to_owned(), to: "2026-10-05".to_owned() }),
            sources: vec!["ecb".to_owned()],
            refunds_at_own_day: -12,
            not_converted: vec![NotConverted {
                currency: code("KWD"),
                why: "not_carried",
                orders: 2,
                net: 1_234,
            }],
        };
        let said = told.sentences();
        assert_eq!(said.len(), 3);
        assert!(
            said[0].starts_with("1 order converted to USD") && said[0].contains("2026-10-01 to 2026-10-05")
        );
        assert!(said[1].contains("0.12 USD less"));
        assert!(
            said[2].starts_with("2 orders of 1.234 KWD not converted: the European Central Bank has no rate")
        );
        (told.rate_days, told.refunds_at_own_day, told.not_converted) = (None, 0, Vec::new());
        assert_eq!(told.sentences(), [""; 0], "nothing to say where all is one currency");
    }
}
