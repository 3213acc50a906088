//! The files in which the European Central Bank publishes its reference rates: daily and history, as XML or CSV.
//! Never half a file: one value that does not read refuses the whole, so that no day is stored with holes.

use std::collections::BTreeMap;

use jiff::civil::Date;
use regex::Regex;

use super::{Currency, Rate};

/// Why a file of rates does not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EcbError {
    #[error(
        "the file holds no rates: give eurofxref-daily.xml, eurofxref-hist.xml or a CSV of the ECB, unzipped"
    )]
    Empty,
    #[error("{0:?} is no day")]
    Day(String),
    #[error("{1:?} of {0} is no rate")]
    Rate(String, String),
    #[error("{0:?} is no currency code")]
    Currency(String),
}

/// The rates of each day.
pub type Days = BTreeMap<Date, BTreeMap<Currency, Rate>>;

/// Reads a file of the ECB.
pub fn read(text: &str) -> Result<Days, EcbError> {
    let days = if text.contains("<Cube") { read_xml(text)? } else { read_csv(text)? };
    match days.values().any(BTreeMap::is_empty) || days.is_empty() {
        true => Err(EcbError::Empty),
        false => Ok(days),
    }
}

/// By attribute, never by position or quotes: both differ between the daily file and the history.
fn read_xml(text: &str) -> Result<Days, EcbError> {
    let tag = Regex::new(r"<Cube\s([^>]*?)/?>").expect("a constant expression");
    let attribute = Regex::new(r#"(\w+)\s*=\s*(?:'([^']*)'|"([^"]*)")"#).expect("a constant expression");
    let mut days = Days::new();
    let mut current = None;
    for cube in tag.captures_iter(text) {
        let (mut currency, mut rate) = (None, None);
        for found in attribute.captures_iter(&cube[1]) {
            let value = found.get(2).or_else(|| found.get(3)).map_or("", |value| value.as_str());
            match &found[1] {
                "time" => current = Some(day(value)?),
                "currency" => currency = Some(value),
                "rate" => rate = Some(value),
                _ => {}
            }
        }
        if let Some(day) = current {
            let rates = days.entry(day).or_default();
            if let (Some(currency), Some(rate)) = (currency, rate) {
                rates.insert(code(currency)?, read_rate(currency, rate)?);
            }
        }
    }
    Ok(days)
}

/// A header of codes, then a line per day; `N/A` where a currency had no rate. The daily file writes days out.
fn read_csv(text: &str) -> Result<Days, EcbError> {
    let mut lines =
        text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
    if header.first() != Some(&"Date") {
        return Err(EcbError::Empty);
    }
    let mut days = Days::new();
    for line in lines {
        let mut values = line.split(',').map(str::trim);
        let day = day(values.next().unwrap_or_default())?;
        let mut rates = BTreeMap::new();
        for (currency, value) in header.iter().skip(1).zip(values) {
            if !currency.is_empty() && !value.is_empty() && value != "N/A" {
                rates.insert(code(currency)?, read_rate(currency, value)?);
            }
        }
        days.insert(day, rates);
    }
    Ok(days)
}

fn day(text: &str) -> Result<Date, EcbError> {
    let written_out = || Date::strptime("%d %B %Y", text);
    text.parse().or_else(|_| written_out()).map_err(|_| EcbError::Day(text.to_owned()))
}

fn code(text: &str) -> Result<Currency, EcbError> {
    text.parse().map_err(|_| EcbError::Currency(text.to_owned()))
}

fn read_rate(currency: &str, text: &str) -> Result<Rate, EcbError> {
    text.parse().map_err(|_| EcbError::Rate(currency.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const DAILY_XML: &str = include_str!("../../tests/ecb/eurofxref-daily.xml");
    const DAILY_CSV: &str = include_str!("../../tests/ecb/eurofxref.csv");
    const HISTORY_CSV: &str = include_str!("../../tests/ecb/eurofxref-hist.csv");
    const HISTORY_XML: &str = include_str!("../../tests/ecb/eurofxref-hist.xml");

    fn rate(days: &Days, day: Date, currency: &str) -> Option<String> {
        days.get(&day)?.get(&currency.parse().unwrap()).map(Rate::to_string)
    }

    #[test]
    fn daily_files_of_both_formats_read() {
        let xml = read(DAILY_XML).unwrap();
        assert_eq!(xml.len(), 1);
        assert_eq!(rate(&xml, date(2026, 9, 24), "USD").as_deref(), Some("1.1367"));
        assert_eq!(rate(&xml, date(2026, 9, 24), "ISK").as_deref(), Some("138"));
        let csv = read(DAILY_CSV).unwrap();
        assert_eq!(rate(&csv, date(2026, 4, 13), "JPY").as_deref(), Some("186.75"));
    }

    #[test]
    fn histories_of_both_formats_say_the_same() {
        let (csv, xml) = (read(HISTORY_CSV).unwrap(), read(HISTORY_XML).unwrap());
        assert_eq!(csv, xml);
        assert_eq!(rate(&csv, date(2025, 12, 31), "BGN").as_deref(), Some("1.9558"));
        assert_eq!(rate(&csv, date(2026, 1, 2), "BGN"), None, "Bulgaria has the euro");
        assert!(!csv.contains_key(&date(2026, 4, 3)), "Good Friday");
    }

    #[test]
    fn files_that_are_none_of_the_ecbs_are_refused_whole() {
        for (text, error) in [
            ("", EcbError::Empty),
            ("<html>moved</html>", EcbError::Empty),
            ("Date,USD\n", EcbError::Empty),
            ("Date,USD\nsoon,1.1\n", EcbError::Day("soon".to_owned())),
            ("Date,USD\n2026-04-10,-1\n", EcbError::Rate("USD".to_owned(), "-1".to_owned())),
            (
                "<Cube time='2026-04-10'><Cube currency='DOLLAR' rate='1.1'/></Cube>",
                EcbError::Currency("DOLLAR".to_owned()),
            ),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }
}
