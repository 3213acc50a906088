//! Days of a workspace: which instants a period covers, and the buckets a time series falls into.
//!
//! Days are days in the workspace's time zone, first and last included; instants are half-open ranges in
//! milliseconds UTC, so a sale at midnight belongs to exactly one day, also when clocks change.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use serde::Serialize;

/// Longest period a report takes.
const DAYS_MAX: i32 = 366 * 20;

/// Most buckets a series takes: an hourly series of three months.
const BUCKETS_MAX: usize = 2400;

/// Whole local days, both ends included.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    pub from: Date,
    pub to: Date,
    zone: TimeZone,
}

/// Why two days are no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("the period ends on {to}, before it begins on {from}; swap from and to")]
    Backwards { from: Date, to: Date },
    #[error("the period covers {0} days; ask for at most twenty years")]
    TooLong(i32),
    #[error(
        "that many buckets of an {0} do not fit one answer; choose a longer interval or a shorter period"
    )]
    TooManyBuckets(&'static str),
}

/// The width of a bucket of a time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    Hour,
    Day,
    /// Monday to Sunday.
    Week,
    Month,
}

impl Interval {
    pub const ALL: [Interval; 4] = [Interval::Hour, Interval::Day, Interval::Week, Interval::Month];

    pub fn name(self) -> &'static str {
        match self {
            Interval::Hour => "hour",
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
        }
    }
}

impl FromStr for Interval {
    type Err = ();

    fn from_str(text: &str) -> Result<Interval, ()> {
        Interval::ALL.into_iter().find(|interval| interval.name() == text).ok_or(())
    }
}

impl Period {
    /// The days `from` to `to` in `zone`.
    pub fn new(from: Date, to: Date, zone: TimeZone) -> Result<Period, PeriodError> {
        if to < from {
            return Err(PeriodError::Backwards { from, to });
        }
        let period = Period { from, to, zone };
        match period.days() {
            days if days > DAYS_MAX => Err(PeriodError::TooLong(days)),
            _ => Ok(period),
        }
    }

    /// The last `days` days, today included.
    pub fn last_days(days: i32, now_ms: i64, zone: TimeZone) -> Period {
        let today = day_of(now_ms, &zone);
        Period { from: today.saturating_sub((days - 1).days()), to: today, zone }
    }

    /// The calendar day of an instant in this period's time zone.
    pub fn day_of(&self, at_ms: i64) -> Date {
        day_of(at_ms, &self.zone)
    }

    /// The time zone's name, or its offset.
    pub fn zone_name(&self) -> String {
        self.zone.iana_name().map_or_else(|| "UTC".to_owned(), str::to_owned)
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// How many days.
    pub fn days(&self) -> i32 {
        self.from.until(self.to).map_or(0, |span: Span| span.get_days()) + 1
    }

    /// First millisecond inside.
    pub fn start_ms(&self) -> i64 {
        start_of(self.from, &self.zone)
    }

    /// First millisecond after.
    pub fn end_ms(&self) -> i64 {
        start_of(self.to.saturating_add(1.day()), &self.zone)
    }

    /// As many days, right before this period.
    pub fn previous(&self) -> Period {
        let days = self.days().days();
        Period {
            from: self.from.saturating_sub(days),
            to: self.to.saturating_sub(days),
            zone: self.zone.clone(),
        }
    }

    /// The same days one year earlier; 29 February becomes 28.
    pub fn previous_year(&self) -> Period {
        Period {
            from: self.from.saturating_sub(1.year()),
            to: self.to.saturating_sub(1.year()),
            zone: self.zone.clone(),
        }
    }

    /// The interval that shows this period well.
    pub fn interval(&self) -> Interval {
        match self.days() {
            ..=2 => Interval::Hour,
            3..=92 => Interval::Day,
            93..=400 => Interval::Week,
            _ => Interval::Month,
        }
    }

    /// The buckets of this period, as (first millisecond, label), oldest first. The first bucket begins with
    /// the period even when its week or month began earlier.
    pub fn buckets(&self, interval: Interval) -> Result<Vec<(i64, String)>, PeriodError> {
        let (start_ms, end_ms) = (self.start_ms(), self.end_ms());
        let mut buckets = Vec::new();
        if interval == Interval::Hour {
            // Hours of the clock on the wall; the hour that clocks repeat is two buckets.
            let mut at_ms = start_ms;
            while at_ms < end_ms {
                if buckets.len() == BUCKETS_MAX {
                    return Err(PeriodError::TooManyBuckets(interval.name()));
                }
                let zoned = instant(at_ms).to_zoned(self.zone.clone());
                buckets.push((at_ms, zoned.strftime("%Y-%m-%dT%H:%M%:z").to_string()));
                at_ms += 3_600_000;
            }
            return Ok(buckets);
        }
        let mut day = self.from;
        while day <= self.to {
            if buckets.len() == BUCKETS_MAX {
                return Err(PeriodError::TooManyBuckets(interval.name()));
            }
            buckets.push((start_of(day, &self.zone), day.to_string()));
            day = match interval {
                Interval::Week => {
                    let since_monday = i64::from(day.weekday().to_monday_zero_offset());
                    day.saturating_add((7 - since_monday).days())
                }
                Interval::Month => day.first_of_month().saturating_add(1.month()),
                Interval::Hour | Interval::Day => day.saturating_add(1.day()),
            };
        }
        Ok(buckets)
    }
}

fn instant(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(if at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn day_of(at_ms: i64, zone: &TimeZone) -> Date {
    instant(at_ms).to_zoned(zone.clone()).date()
}

/// The first instant of a day; where clocks skip midnight, the first that exists.
fn start_of(day: Date, zone: &TimeZone) -> i64 {
    let midnight = day.at(0, 0, 0, 0);
    zone.to_zoned(midnight).map_or(i64::MAX, |zoned| zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str, zone: &str) -> Period {
        Period::new(from.parse().unwrap(), to.parse().unwrap(), TimeZone::get(zone).unwrap()).unwrap()
    }

    fn utc(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn both_days_count_and_ranges_are_half_open() {
        let days = period("2026-03-01", "2026-03-02", "America/New_York");
        assert_eq!(days.start_ms(), utc("2026-03-01T05:00:00Z"));
        assert_eq!(days.end_ms(), utc("2026-03-03T05:00:00Z"));
        assert_eq!(days.days(), 2);
        assert_eq!(days.day_of(days.end_ms() - 1), "2026-03-02".parse().unwrap());
        assert_eq!(days.day_of(days.end_ms()), "2026-03-03".parse().unwrap());
    }

    #[test]
    fn days_of_changing_clocks_are_23_and_25_hours() {
        for (day, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)] {
            let day = period(day, day, "Europe/Berlin");
            assert_eq!(day.end_ms() - day.start_ms(), hours * 3_600_000);
            assert_eq!(day.buckets(Interval::Hour).unwrap().len() as i64, hours);
        }
    }

    #[test]
    fn comparisons_keep_the_length_or_the_calendar() {
        let march = period("2024-02-29", "2024-03-30", "UTC");
        let before = march.previous();
        assert_eq!(
            (before.from.to_string(), before.to.to_string()),
            ("2024-01-29".into(), "2024-02-28".into())
        );
        assert_eq!(before.end_ms(), march.start_ms());
        assert_eq!(march.previous_year().from.to_string(), "2023-02-28");
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_the_first_but_never_before_the_period() {
        let days = period("2026-04-29", "2026-05-12", "UTC");
        let labels = |interval| -> Vec<String> {
            days.buckets(interval).unwrap().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(Interval::Week), ["2026-04-29", "2026-05-04", "2026-05-11"]);
        assert_eq!(labels(Interval::Month), ["2026-04-29", "2026-05-01"]);
        assert_eq!(labels(Interval::Day).len(), 14);
    }

    #[test]
    fn backwards_endless_and_too_fine_periods_are_refused() {
        let zone = TimeZone::UTC;
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert!(matches!(
            Period::new(day("2026-01-02"), day("2026-01-01"), zone.clone()),
            Err(PeriodError::Backwards { .. })
        ));
        assert!(matches!(
            Period::new(day("1990-01-01"), day("2026-01-01"), zone),
            Err(PeriodError::TooLong(_))
        ));
        assert!(period("2020-01-01", "2026-01-01", "UTC").buckets(Interval::Hour).is_err());
    }

    #[test]
    fn the_last_days_end_today_where_the_workspace_is() {
        let now_ms = utc("2026-05-01T23:30:00Z");
        let period = Period::last_days(30, now_ms, TimeZone::get("Asia/Tokyo").unwrap());
        assert_eq!(
            (period.from.to_string(), period.to.to_string()),
            ("2026-04-03".into(), "2026-05-02".into())
        );
    }
}
