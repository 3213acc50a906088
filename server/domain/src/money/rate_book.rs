//! Which rate an order is converted by: that of the day it was paid, in UTC, or of the last day before it on which
//! rates were published. Never guesses: while the rate of a working day has not arrived, the order waits, so that
//! the answer does not depend on when rates and orders became known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday, date};
use jiff::tz::TimeZone;

use super::{Conversion, Currency, Rate};

/// Rates of one day: units for one euro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateDay {
    pub rates: BTreeMap<Currency, Rate>,
    /// Where they came from.
    pub source: String,
}

/// Every day whose rates are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateBook {
    days: BTreeMap<Date, RateDay>,
}

/// The rates an amount is converted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    pub conversion: Conversion,
    pub day: Date,
    pub source: String,
    /// Units of the amount's own currency for one euro.
    pub own: Rate,
    /// Units of the report currency for one euro.
    pub report: Rate,
}

/// What is known of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// The amount is in the report currency already.
    Same,
    At(Quote),
    /// The rates of this day have not arrived.
    Waiting(Date),
    /// The day's rates do not name this currency.
    NotCarried(Currency),
}

/// The first day with rates.
const FIRST: Date = date(1999, 1, 4);
/// Closed days in a row are fewer, however holidays fall.
const DAYS_BACK_MAX: usize = 10;

impl RateBook {
    /// Adds or replaces a day.
    pub fn insert(&mut self, day: Date, rates: RateDay) {
        self.days.insert(day, rates);
    }

    /// The newest day with rates.
    pub fn latest(&self) -> Option<Date> {
        self.days.last_key_value().map(|(day, _)| *day)
    }

    pub fn get(&self, day: Date) -> Option<&RateDay> {
        self.days.get(&day)
    }

    pub fn len(&self) -> usize {
        self.days.len()
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// By what an amount paid at this moment is converted.
    pub fn quote(&self, own: Currency, report: Currency, paid_at_ms: i64) -> Quoted {
        if own == report {
            return Quoted::Same;
        }
        let mut day = day_of(paid_at_ms);
        for _ in 0..DAYS_BACK_MAX {
            if day < FIRST {
                break;
            }
            match self.days.get(&day) {
                Some(known) => return known.quote(own, report, day),
                None if !is_closed(day) => return Quoted::Waiting(day),
                None => day = day.yesterday().unwrap_or(Date::MIN),
            }
        }
        Quoted::NotCarried(own)
    }
}

impl RateDay {
    fn quote(&self, own: Currency, report: Currency, day: Date) -> Quoted {
        let euro = |currency: Currency| (currency.code() == "EUR").then_some(Rate::ONE);
        let rate = |currency: Currency| euro(currency).or_else(|| self.rates.get(&currency).copied());
        let Some(own_rate) = rate(own) else { return Quoted::NotCarried(own) };
        let Some(report_rate) = rate(report) else { return Quoted::NotCarried(report) };
        match Conversion::new((own, own_rate), (report, report_rate)) {
            Some(conversion) => {
                let source = self.source.clone();
                Quoted::At(Quote { conversion, day, source, own: own_rate, report: report_rate })
            }
            None => Quoted::NotCarried(own),
        }
    }
}

/// The UTC day of a moment.
pub fn day_of(at_ms: i64) -> Date {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC).date()
}

/// Whether the ECB publishes nothing on this day: weekends, and the closing days of the payment system TARGET as they
/// are since 2002 (1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December).
pub fn is_closed(day: Date) -> bool {
    if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        return true;
    }
    let easter = easter_sunday(day.year());
    matches!((day.month(), day.day()), (1, 1) | (5, 1) | (12, 25 | 26))
        || easter.tomorrow().is_ok_and(|monday| monday == day)
        || easter.yesterday().and_then(Date::yesterday).is_ok_and(|friday| friday == day)
}

/// The newest day whose rates must be out at this moment: they come at about 16:00 in Frankfurt.
pub fn published_by(now_ms: i64) -> Date {
    const OUT_BY: Time = Time::constant(15, 30, 0, 0);
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC);
    let mut day = now.date();
    if now.time() < OUT_BY {
        day = day.yesterday().unwrap_or(Date::MIN);
    }
    while is_closed(day) {
        day = day.yesterday().unwrap_or(Date::MIN);
    }
    day
}

/// By the rule of Meeus, Jones and Butcher.
fn easter_sunday(year: i16) -> Date {
    let year32 = i32::from(year);
    let (a, b, c) = (year32 % 19, year32 / 100, year32 % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let (month, day) = ((h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1);
    date(year, month as i8, day as i8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn code(text: &str) -> Currency {
        text.parse().unwrap()
    }

    fn book(days: &[(&str, &str)]) -> RateBook {
        let mut book = RateBook::default();
        for (day, rate) in days {
            let rates = [(code("USD"), rate.parse().unwrap())].into_iter().collect();
            book.insert(day.parse().unwrap(), RateDay { rates, source: "ecb".to_owned() });
        }
        book
    }

    fn day_used(book: &RateBook, paid: &str) -> Option<String> {
        match book.quote(code("USD"), code("EUR"), ms(paid)) {
            Quoted::At(quote) => Some(quote.day.to_string()),
            _ => None,
        }
    }

    #[test]
    fn weekends_and_holidays_take_the_last_day_before_them() {
        let book = book(&[("2026-04-02", "1.15"), ("2026-04-07", "1.16"), ("2025-12-24", "1.17")]);
        for (paid, day) in [
            ("2026-04-02T00:00:00Z", "2026-04-02"),
            ("2026-04-02T23:59:59.999Z", "2026-04-02"),
            ("2026-04-03T12:00:00Z", "2026-04-02"),
            ("2026-04-06T23:00:00Z", "2026-04-02"),
            ("2026-04-07T01:00:00Z", "2026-04-07"),
            ("2025-12-28T12:00:00Z", "2025-12-24"),
        ] {
            assert_eq!(day_used(&book, paid).as_deref(), Some(day), "{paid}");
        }
    }

    #[test]
    fn a_working_day_without_its_rate_waits_instead_of_taking_an_older_one() {
        let book = book(&[("2026-04-02", "1.15")]);
        let quoted = book.quote(code("USD"), code("EUR"), ms("2026-04-08T12:00:00Z"));
        assert_eq!(quoted, Quoted::Waiting(date(2026, 4, 8)));
    }

    #[test]
    fn what_the_day_does_not_name_is_not_carried_and_the_same_currency_needs_no_rate() {
        let book = book(&[("2026-04-02", "1.15")]);
        let at = ms("2026-04-02T12:00:00Z");
        assert_eq!(book.quote(code("BGN"), code("USD"), at), Quoted::NotCarried(code("BGN")));
        assert_eq!(book.quote(code("USD"), code("RUB"), at), Quoted::NotCarried(code("RUB")));
        assert_eq!(RateBook::default().quote(code("BGN"), code("BGN"), at), Quoted::Same);
        assert_eq!(
            book.quote(code("USD"), code("EUR"), ms("1998-12-31T12:00:00Z")),
            Quoted::NotCarried(code("USD"))
        );
    }

    #[test]
    fn rates_are_expected_in_the_afternoon_of_working_days() {
        for (now, day) in [
            ("2026-04-02T15:00:00Z", "2026-04-01"),
            ("2026-04-02T15:30:00Z", "2026-04-02"),
            ("2026-04-06T18:00:00Z", "2026-04-02"),
            ("2026-04-07T18:00:00Z", "2026-04-07"),
            ("2026-01-01T18:00:00Z", "2025-12-31"),
        ] {
            assert_eq!(published_by(ms(now)).to_string(), day, "{now}");
        }
    }

    #[test]
    fn easter_falls_where_it_falls() {
        for (year, sunday) in [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5))]
        {
            assert_eq!(easter_sunday(year), sunday);
        }
    }
}
