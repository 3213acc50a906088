//! PayPal's Payouts API as far as it is rules: how items are cut into batches, how amounts are written, and what a
//! status means for an item: with the partner, due again, or still under way. Never calls anybody.

use crate::affiliate::payout_file::decimal;
use crate::money::Currency;

/// Items PayPal takes in one call.
pub const BATCH_ITEMS_MAX: usize = 15_000;

/// What a status says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The partner has it.
    Arrived,
    /// It did not arrive or came back: due again.
    CameBack,
    /// Not known yet.
    Open,
}

/// What an item's `transaction_status` means, in a batch of this `batch_status`. A word nobody knows leaves it open,
/// for a person to look at.
pub fn outcome(batch_status: &str, transaction_status: &str) -> Outcome {
    match transaction_status {
        "SUCCESS" => Outcome::Arrived,
        "FAILED" | "RETURNED" | "BLOCKED" | "REFUNDED" | "REVERSED" | "CANCELED" | "DENIED" => {
            Outcome::CameBack
        }
        _ if is_turned_down(batch_status) => Outcome::CameBack,
        _ => Outcome::Open,
    }
}

/// Whether nothing of a batch is paid any more.
pub fn is_turned_down(batch_status: &str) -> bool {
    matches!(batch_status, "DENIED" | "CANCELED")
}

/// For people: what an item that is under way waits for.
pub fn sentence(transaction_status: &str) -> &'static str {
    match transaction_status {
        "UNCLAIMED" => {
            "the partner has no PayPal account there yet; it comes back after 30 days, or when you cancel it"
        }
        "ONHOLD" => "PayPal looks at the payment; it says when it goes on",
        _ => "",
    }
}

/// The idempotency key of a payout's nth batch, from 1.
pub fn sender_batch_id(payout: &str, nth: usize) -> String {
    match nth {
        1 => payout.to_owned(),
        nth => format!("{payout}-{nth}"),
    }
}

/// An amount as PayPal takes it: `12.30`, `1230`. None where the currency's amounts cannot be written. Those of which
/// PayPal sends whole units only are whole by then.
pub fn amount_text(minor: i64, currency: Currency) -> Option<String> {
    let exponent = currency.exponent()?;
    let text = decimal(minor, exponent);
    match super::payout::is_whole_at_paypal(currency) {
        true => text.strip_suffix(".00").map(str::to_owned).or(Some(text)),
        false => Some(text),
    }
}

/// The amount PayPal wrote, in minor units; none when it does not read.
pub fn read_amount(text: &str, currency: Currency) -> Option<i64> {
    let exponent = usize::from(currency.exponent()?);
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let part = part.trim_end_matches('0');
    if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > exponent {
        return None;
    }
    Some(sign * format!("{whole}{part:0<exponent$}").parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn amounts_go_there_and_back_in_the_digits_paypal_wants() {
        for (minor, currency, text) in [
            (1230, "USD", "12.30"),
            (5, "EUR", "0.05"),
            (900, "JPY", "900"),
            (12_300, "HUF", "123"),
            (100, "TWD", "1"),
        ] {
            assert_eq!(amount_text(minor, code(currency)).as_deref(), Some(text));
            assert_eq!(read_amount(text, code(currency)), Some(minor), "{text}");
        }
        assert_eq!(read_amount("-0.35", code("USD")), Some(-35));
        for text in ["", ".5", "1.234", "1,5", "x", "--1"] {
            assert_eq!(read_amount(text, code("USD")), None, "{text}");
        }
    }

    #[test]
    fn every_status_ends_an_item_or_leaves_it_open() {
        for (batch, item, wanted) in [
            ("SUCCESS", "SUCCESS", Outcome::Arrived),
            ("SUCCESS", "FAILED", Outcome::CameBack),
            ("SUCCESS", "RETURNED", Outcome::CameBack),
            ("SUCCESS", "BLOCKED", Outcome::CameBack),
            ("SUCCESS", "UNCLAIMED", Outcome::Open),
            ("SUCCESS", "ONHOLD", Outcome::Open),
            ("PROCESSING", "PENDING", Outcome::Open),
            ("SUCCESS", "SOMETHING_NEW", Outcome::Open),
            ("DENIED", "PENDING", Outcome::CameBack),
            ("CANCELED", "", Outcome::CameBack),
        ] {
            assert_eq!(outcome(batch, item), wanted, "{batch} {item}");
        }
        assert_eq!(
            (sender_batch_id("pay_1", 1), sender_batch_id("pay_1", 2)),
            ("pay_1".into(), "pay_1-2".into())
        );
    }
}
