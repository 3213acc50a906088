//! How amounts, days and terms are written on the partners' pages.

use domain::affiliate::{Per, Reached, Recurring, Reward, Rule, Terms, Wins};
use domain::money::{Currency, Money};
use domain::order::Basis;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// An amount with its currency, with a real minus sign.
pub fn money(minor: i64, currency: Currency) -> String {
    Money::new(minor, currency).format().replace('-', "\u{2212}")
}

/// As [`money`], of a currency by its code.
pub fn money_of(minor: i64, code: &str) -> String {
    code.parse().map_or_else(|_| format!("{minor} {code}"), |currency| money(minor, currency))
}

/// `3 Oct 2026`, where the workspace is.
pub fn day(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime("%-d %b %Y").to_string()
}

pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `30 %`, `12.5 %`.
pub fn percent(basis_points: u32) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    match rest {
        0 => format!("{whole} %"),
        rest if rest % 10 == 0 => format!("{whole}.{} %", rest / 10),
        rest => format!("{whole}.{rest:02} %"),
    }
}

/// What a payment earns.
fn reward(reward: &Reward, base: Basis) -> String {
    let of = match base {
        Basis::Net => "of the price without tax",
        Basis::Gross => "of the price with tax",
    };
    match reward {
        Reward::BasisPoints(points) => format!("{} {of}", percent(*points)),
        Reward::Flat(amounts) => {
            let each = amounts.iter().map(|(currency, minor)| money(*minor, *currency));
            format!("{} a payment", each.collect::<Vec<String>>().join(" or "))
        }
        Reward::Nothing => "nothing".to_owned(),
    }
}

/// Which payments a rule is about.
fn rule(rule: &Rule) -> String {
    let mut about = Vec::new();
    if rule.first_order {
        about.push("a customer's first order ever".to_owned());
    }
    if !rule.intervals.is_empty() {
        let each: Vec<String> =
            rule.intervals.iter().map(|every| format!("by the {}", every.name())).collect();
        about.push(format!("plans paid {}", each.join(" or ")));
    }
    match rule.products.len() {
        0 => {}
        1 => about.push("one product".to_owned()),
        several => about.push(format!("{several} products")),
    }
    about.join(", ")
}

/// What has to be sold before a payment for a tier.
fn reached(from: &Reached, per: Per) -> String {
    let over = match per {
        Per::Month => " in a month",
        Per::Lifetime => "",
    };
    match from {
        Reached::Sales(1) => format!("after 1 sale{over}"),
        Reached::Sales(sales) => format!("after {sales} sales{over}"),
        Reached::Net(amounts) => {
            let each: Vec<String> =
                amounts.iter().map(|(currency, minor)| money(*minor, *currency)).collect();
            format!("after {} sold{over}", each.join(" or "))
        }
    }
}

/// Which payments of one customer earn.
pub fn recurring(terms: &Terms) -> String {
    match terms.recurring {
        Recurring::Once => "a customer's first payment".to_owned(),
        Recurring::Payments(1) => "a customer's first payment".to_owned(),
        Recurring::Payments(payments) => format!("a customer's first {payments} payments"),
        Recurring::Months(1) => "a customer's payments of the first month".to_owned(),
        Recurring::Months(months) => format!("a customer's payments of the first {months} months"),
        Recurring::Lifetime => "every payment of a customer".to_owned(),
    }
}

/// The terms line by line: what, and how it is.
pub fn terms(terms: &Terms) -> Vec<(&'static str, String)> {
    let wins = match terms.wins {
        Wins::First => "the first one a customer followed",
        Wins::Last => "the last one a customer followed",
        Wins::Split => "none: all share alike",
    };
    let mut lines = vec![("You earn", reward(&terms.reward, terms.base))];
    for special in &terms.rules {
        lines.push(("But", format!("{}: {}", rule(special), reward(&special.reward, terms.base))));
    }
    for (tiers, step) in
        terms.tiers.iter().flat_map(|tiers| tiers.steps.iter().map(move |step| (tiers, step)))
    {
        let from = reached(&step.from, tiers.per);
        lines.push(("And", format!("{from}: {}", reward(&step.reward, terms.base))));
    }
    lines.extend([
        ("For", recurring(terms)),
        ("A visit counts for", days(terms.window_days)),
        ("Of several partners' links wins", wins.to_owned()),
        ("Held before payout", days(terms.hold_days)),
    ]);
    let least = terms.minimum_payout.iter().map(|(currency, minor)| money(*minor, *currency));
    let least: Vec<String> = least.collect();
    if !least.is_empty() {
        lines.push(("Paid out from", least.join(", ")));
    }
    lines
}

fn days(count: u16) -> String {
    match count {
        0 => "not at all".to_owned(),
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

/// An address of which only the owner knows what is hidden: `j•••@partners.example`.
pub fn masked(recipient: &str) -> String {
    match recipient.split_once('@') {
        Some((name, host)) => format!("{}•••@{host}", name.chars().next().unwrap_or('•')),
        None => {
            let shown: Vec<char> = recipient.chars().rev().take(4).collect();
            let shown: String = shown.into_iter().rev().collect();
            if recipient.chars().count() > 8 { format!("•••{shown}") } else { "•••".to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_read_as_a_person_would_say_them() {
        let said = |json: &str| terms(&serde_json::from_str(json).unwrap());
        let lines = said(r#"{"reward": {"basis_points": 3000}, "minimum_payout": {"USD": 5000}}"#);
        assert_eq!(lines[0], ("You earn", "30 % of the price without tax".to_owned()));
        assert_eq!(lines[1].1, "every payment of a customer");
        assert_eq!(lines[5], ("Paid out from", "50.00 USD".to_owned()));
        let flat = said(r#"{"reward": {"flat": {"USD": 500, "JPY": 700}}, "recurring": {"payments": 12}}"#);
        assert_eq!(flat[0].1, "700 JPY or 5.00 USD a payment");
        assert_eq!(flat[1].1, "a customer's first 12 payments");
        assert_eq!(
            (percent(1250), percent(1), percent(105)),
            ("12.5 %".into(), "0.01 %".into(), "1.05 %".into())
        );
    }

    #[test]
    fn where_money_goes_is_shown_so_that_only_its_owner_knows_it_again() {
        assert_eq!(masked("jane@partners.example"), "j•••@partners.example");
        assert_eq!(masked("DE89 3704 0044 0532 0130 00"), "•••0 00");
        assert_eq!(masked("short"), "•••");
    }
}
