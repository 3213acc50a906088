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

/// A value that may be empty.
pub(super) fn value(value: &str) -> String {
    if value.is_empty() { "(none)".to_owned() } else { value.to_owned() }
}

/// The address of this page with one key changed; an empty value drops it.
pub(super) fn address(pairs: &[(String, String)], change: &[(&str, &str)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    let kept = pairs
        .iter()
        .filter(|(key, value)| !value.is_empty() && change.iter().all(|(changed, _)| changed != key));
    for (key, value) in kept {
        out.append_pair(key, value);
    }
    for (key, value) in change.iter().filter(|(_, value)| !value.is_empty()) {
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
