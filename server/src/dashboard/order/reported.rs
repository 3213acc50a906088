//! What an order is in the report currency, and by which rate.

use domain::money::Currency;

use crate::dashboard::show;
use crate::report::OrderDocument;

/// The order in the report currency.
pub(super) struct Reported {
    pub currency: String,
    /// Paid, given back, left; none while it is not converted.
    pub amounts: Option<(String, String, String)>,
    pub said: String,
    /// Whether it waits for a rate, or there is none.
    pub is_open: bool,
}

/// What the order is in the report currency, and by which rate; none when it was paid in it.
pub(super) fn reported(order: &OrderDocument) -> Option<Reported> {
    let told = &order.reported;
    let currency: Currency = told.currency.parse().ok()?;
    let amount = |minor| show::digits(minor, currency);
    let said = match told.conversion.as_str() {
        "converted" => {
            let euro = |code: &str, rate: &str| (code != "EUR").then(|| format!("{rate} {code}"));
            let sides = [euro(&order.currency, &told.rate_own), euro(&told.currency, &told.rate_report)];
            let sides: Vec<String> = sides.into_iter().flatten().collect();
            let source = if told.rate_source == "ecb" { "" } else { ", from an imported file" };
            format!(
                "1 EUR = {}: the European Central Bank’s reference rate of {}{source}. Converted once; refunds go at the \
                 same rate, so that a full one leaves nothing.",
                sides.join(" = "),
                told.rate_day,
            )
        }
        "waiting" => "The European Central Bank’s rate of the day it was paid has not come yet. Until then it stands in \
                      its own currency, beside the report currency and not in it."
            .to_owned(),
        "not_carried" => format!(
            "The European Central Bank has no rate for {}: it stands in its own currency in every report.",
            order.currency
        ),
        _ => return None,
    };
    let is_open = told.conversion != "converted";
    let amounts = (amount(told.net), amount(-told.refunded), amount(told.net - told.refunded));
    Some(Reported { currency: told.currency.clone(), amounts: (!is_open).then_some(amounts), said, is_open })
}
