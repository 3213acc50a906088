//! Exchange rates by day. A day's rates are kept as they first came: what an order was converted by does not change
//! under it.

use std::collections::BTreeMap;

use domain::money::ecb::Days;
use domain::money::{Currency, Rate, RateBook, RateDay};
use jiff::civil::Date;
use sqlx::Row;

use super::{Control, ControlError};

/// What storing days did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Days that were not known.
    pub new: Vec<Date>,
    /// Days that are known with other rates: those stay.
    pub differing: Vec<Date>,
}

impl Control {
    /// Stores days that are not known yet.
    pub async fn keep_rates(&self, days: &Days, source: &str, now_ms: i64) -> Result<Kept, ControlError> {
        let known = self.rate_book().await?;
        let mut kept = Kept::default();
        let mut transaction = self.pool.begin().await?;
        for (day, rates) in days {
            match known.get(*day) {
                Some(stored) if stored.rates == *rates => continue,
                Some(_) => {
                    kept.differing.push(*day);
                    continue;
                }
                None => {}
            }
            sqlx::query(
                "INSERT INTO rates (day, rates, source, stored_at_ms) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (day) DO NOTHING",
            )
            .bind(day.to_string())
            .bind(to_text(rates))
            .bind(source)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
            kept.new.push(*day);
        }
        transaction.commit().await?;
        Ok(kept)
    }

    /// Every known day.
    pub async fn rate_book(&self) -> Result<RateBook, ControlError> {
        let rows =
            sqlx::query("SELECT day, rates, source FROM rates ORDER BY day").fetch_all(&self.pool).await?;
        let mut book = RateBook::default();
        for row in rows {
            let (day, rates, source): (String, String, String) = (row.get(0), row.get(1), row.get(2));
            let damaged = || ControlError::Damaged { what: "rates", why: format!("those of {day}") };
            let date: Date = day.parse().map_err(|_| damaged())?;
            book.insert(date, RateDay { rates: from_text(&rates).ok_or_else(damaged)?, source });
        }
        Ok(book)
    }

    /// Changes with every stored day: whether a book that was read is still the newest.
    pub async fn rates_stamp(&self) -> Result<(i64, i64), ControlError> {
        let row = sqlx::query("SELECT COUNT(*), COALESCE(MAX(stored_at_ms), 0) FROM rates")
            .fetch_one(&self.pool)
            .await?;
        Ok((row.get(0), row.get(1)))
    }
}

fn to_text(rates: &BTreeMap<Currency, Rate>) -> String {
    rates.iter().map(|(currency, rate)| format!("{currency} {rate}")).collect::<Vec<_>>().join(" ")
}

fn from_text(text: &str) -> Option<BTreeMap<Currency, Rate>> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let pairs = words.chunks(2).map(|pair| match pair {
        [currency, rate] => Some((currency.parse().ok()?, rate.parse().ok()?)),
        _ => None,
    });
    pairs.collect()
}
