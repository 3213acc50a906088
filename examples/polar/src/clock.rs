//! The stand-in's time: instants as Polar writes them, and a clock that can be moved forward.
//! Signatures never use the moved clock: receivers compare them with their own clock.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970, written as Polar writes an instant: UTC with `Z`, microseconds when not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// One day, in microseconds.
pub const DAY_US: i64 = 86_400_000_000;

impl Time {
    /// The wall clock. The only place where it is read.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the stand-in is its own process with its own clock")]
    pub fn wall() -> Time {
        Time(Timestamp::now().as_microsecond())
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads RFC 3339; `None` when it is no instant.
    #[must_use]
    pub fn parse(text: &str) -> Option<Time> {
        text.parse::<Timestamp>().ok().map(|at| Time(at.as_microsecond()))
    }

    /// Later by calendar months, the way Polar counts periods.
    #[must_use]
    pub fn plus_months(self, months: i32) -> Time {
        let Ok(at) = Timestamp::from_microsecond(self.0) else { return self };
        let at = at.to_zoned(TimeZone::UTC).checked_add(Span::new().months(months));
        at.map_or(self, |at| Time(at.timestamp().as_microsecond()))
    }

    /// Later by days.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Time {
        Time(self.0 + days * DAY_US)
    }

    /// "October 5, 2026", as in the labels of order lines.
    #[must_use]
    pub fn long_date(self) -> String {
        Timestamp::from_microsecond(self.0)
            .map(|at| at.to_zoned(TimeZone::UTC).strftime("%B %-d, %Y").to_string())
            .unwrap_or_default()
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = Timestamp::from_second(self.seconds()).map_err(|_| std::fmt::Error)?;
        write!(f, "{}", whole.strftime("%Y-%m-%dT%H:%M:%S"))?;
        match self.0.rem_euclid(1_000_000) {
            0 => f.write_str("Z"),
            micros => write!(f, ".{micros:06}Z"),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom("an instant such as 2026-10-05T14:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_polar_writes_them() {
        for text in ["2026-10-05T14:03:22.880231Z", "2026-10-05T14:03:22Z", "2026-10-05T14:03:22.000100Z"] {
            assert_eq!(Time::parse(text).map(|at| at.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn months_are_calendar_months() {
        let at = Time::parse("2026-01-31T10:00:00Z").expect("an instant");
        assert_eq!(at.plus_months(1).to_string(), "2026-02-28T10:00:00Z");
        assert_eq!(at.long_date(), "January 31, 2026");
    }
}
