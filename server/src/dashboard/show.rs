//! How numbers and times are written on pages.

use domain::money::{Currency, Money};
use domain::report::{Query, grouped, percent};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The digits of an amount, without its currency.
pub(super) fn digits(minor: i64, currency: Currency) -> String {
    let shown = Money::new(minor, currency).format();
    let digits = shown.split_once(' ').map_or(shown.as_str(), |(digits, _)| digits);
    digits.replace('-', "\u{2212}")
}

/// The currency of a code that is stored; what is none is shown as XXX, by ISO 4217 "no currency".
pub(super) fn currency(code: &str) -> Currency {
    code.parse().unwrap_or_else(|_| "XXX".parse().expect("three letters"))
}

/// A signed difference; a plain dash when there is none.
pub(super) fn signed(minor: i64, currency: Currency) -> String {
    match minor {
        0 => "\u{2013}".to_owned(),
        above if above > 0 => format!("+{}", digits(above, currency)),
        below => digits(below, currency),
    }
}

/// A count in groups of three; a dash when there is none.
pub(super) fn count(count: Option<u64>) -> String {
    count.map_or_else(|| "\u{2013}".to_owned(), grouped)
}

/// `1 order`, `2,000 orders`.
pub(super) fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A ratio; a dash when there is none.
pub(super) fn ratio(ppm: Option<i64>) -> String {
    ppm.map_or_else(
        || "\u{2013}".to_owned(),
        |ppm| percent(ppm).replace('-', "\u{2212}").replace(' ', "\u{202f}"),
    )
}

/// A change, with its sign.
pub(super) fn change(ppm: Option<i64>) -> Option<String> {
    let ppm = ppm?;
    let sign = if ppm > 0 { "+" } else { "" };
    Some(format!("{sign}{}", ratio(Some(ppm))))
}

/// A moment where the workspace is.
pub(super) fn moment(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime("%-d %b %Y, %H:%M").to_string()
}

/// The machine-readable form of a moment.
pub(super) fn iso(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// How long something lasted, in its largest unit.
pub(super) fn lasting(ms: i64) -> String {
    let (count, unit) = match ms / 60_000 {
        0 => return "moments".to_owned(),
        minutes if minutes < 60 => (minutes, "minute"),
        minutes if minutes < 48 * 60 => (minutes / 60, "hour"),
        minutes => (minutes / (24 * 60), "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Names as a person would write them: `one_time` is `one-time`.
pub(super) fn word(name: &str) -> String {
    name.replace('_', "-")
}

/// What stands where a value is empty.
pub(super) const NO_VALUE: &str = "(none)";

/// A value that may be empty.
pub(super) fn value(value: &str) -> String {
    if value.is_empty() { NO_VALUE.to_owned() } else { value.to_owned() }
}

/// The address of this page with some keys changed. An empty value drops its key, but for a filter's: that one asks
/// for what has no value; [`without`] drops it.
pub(super) fn address(pairs: &[(String, String)], change: &[(&str, &str)]) -> String {
    let kept = pairs.iter().filter(|(key, _)| change.iter().all(|(changed, _)| changed != key));
    let kept = kept.map(|(key, value)| (key.as_str(), value.as_str()));
    written(kept.chain(change.iter().copied()))
}

/// The address of this page without these keys.
pub(super) fn without(pairs: &[(String, String)], keys: &[&str]) -> String {
    let kept = pairs.iter().filter(|(key, _)| !keys.contains(&key.as_str()));
    written(kept.map(|(key, value)| (key.as_str(), value.as_str())))
}

fn written<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs.filter(|(key, value)| !value.is_empty() || key.starts_with("filter[")) {
        out.append_pair(key, value);
    }
    match out.finish() {
        query if query.is_empty() => "/".to_owned(),
        query => format!("/?{query}"),
    }
}

/// `1 Nov – 30 Nov 2026`.
pub(super) fn days(query: &Query) -> String {
    let (from, to) = (query.period.from, query.period.to);
    match from == to {
        true => to.strftime("%-d %b %Y").to_string(),
        false if from.year() == to.year() => {
            format!("{} – {}", from.strftime("%-d %b"), to.strftime("%-d %b %Y"))
        }
        false => format!("{} – {}", from.strftime("%-d %b %Y"), to.strftime("%-d %b %Y")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_for_no_value_stays_in_the_address_until_it_is_dropped() {
        let pairs = [("model", "linear"), ("filter[campaign]", ""), ("compare", "")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(address(&pairs, &[("model", "")]), "/?filter%5Bcampaign%5D=");
        assert_eq!(address(&[], &[("filter[term]", "")]), "/?filter%5Bterm%5D=");
        assert_eq!(without(&pairs, &["filter[campaign]"]), "/?model=linear");
    }
}
