//! One value of a question, read from its text. What it is not is said together with what it may be.

use std::str::FromStr;

use jiff::civil::Date;

use super::{Compare, Defaults, QueryError, Sort, SortBy, error};
use crate::attribution::{MODELS, model_index};
use crate::money::{Currency, MoneyView};
use crate::report::{DIMENSIONS, Dimension, Period};

pub(super) fn day(key: &str, value: &str) -> Result<Date, QueryError> {
    Date::from_str(value).map_err(|_| error(key, format!("{value:?} is no day; write YYYY-MM-DD")))
}

/// `native`, `report`, or a code: only money in that currency.
pub(super) fn in_currency(key: &str, value: &str) -> Result<(MoneyView, Option<Currency>), QueryError> {
    match value {
        "native" => Ok((MoneyView::Native, None)),
        "report" => Ok((MoneyView::Report, None)),
        code => match code.parse() {
            Ok(currency) => Ok((MoneyView::Native, Some(currency))),
            Err(_) => Err(error(
                key,
                "use report (converted), native, or a code of three letters, like USD, for money in that currency only",
            )),
        },
    }
}

pub(super) fn preset(key: &str, value: &str, defaults: &Defaults) -> Result<Period, QueryError> {
    let zone = || defaults.zone.clone();
    let last = |days| Period::last_days(days, defaults.now_ms, zone());
    let today = last(1).to;
    let between = |from, to| Period::new(from, to, zone()).map_err(|e| error(key, e.to_string()));
    match value {
        "today" => Ok(last(1)),
        "yesterday" => Ok(last(1).previous()),
        "7d" => Ok(last(7)),
        "30d" => Ok(last(30)),
        "90d" => Ok(last(90)),
        "365d" => Ok(last(365)),
        "month" => between(today.first_of_month(), today),
        "last_month" => {
            let to = today.first_of_month().yesterday().map_err(|e| error(key, e.to_string()))?;
            between(to.first_of_month(), to)
        }
        "year" => between(today.first_of_year(), today),
        _ => Err(error(
            key,
            "use today, yesterday, 7d, 30d, 90d, 365d, month, last_month or year; or from and to",
        )),
    }
}

pub(super) fn model(key: &str, value: &str) -> Result<usize, QueryError> {
    model_index(value).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|model| model.name()).collect();
        error(key, format!("there is no model {value:?}; there are {}", names.join(", ")))
    })
}

pub(super) fn dimension(key: &str, name: &str) -> Result<Dimension, QueryError> {
    name.parse().map_err(|()| {
        let names = DIMENSIONS.map(Dimension::name).join(", ");
        error(key, format!("there is no dimension {name:?}; there are {names}"))
    })
}

pub(super) fn choice<T: Copy, const N: usize>(
    key: &str,
    value: &str,
    choices: [(T, &'static str); N],
) -> Result<T, QueryError> {
    let found = choices.iter().find(|(_, name)| *name == value).map(|(choice, _)| *choice);
    found.ok_or_else(|| {
        error(key, format!("{value:?} is not one of {}", choices.map(|(_, name)| name).join(", ")))
    })
}

pub(super) fn sort(key: &str, value: &str) -> Result<Sort, QueryError> {
    let name = value.strip_prefix('-').unwrap_or(value);
    Ok(Sort { by: choice(key, name, SortBy::ALL)?, ascending: name == value })
}

pub(super) fn limit(key: &str, value: &str, max: usize) -> Result<usize, QueryError> {
    match value.parse() {
        Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(error(key, format!("use a whole number from 1 to {max}"))),
    }
}

pub(super) fn comparison(key: &str, value: &str, defaults: &Defaults) -> Result<Option<Compare>, QueryError> {
    match value {
        "none" => Ok(None),
        "previous_period" => Ok(Some(Compare::PreviousPeriod)),
        "previous_year" => Ok(Some(Compare::PreviousYear)),
        days => {
            let (from, to) = days.split_once("..").ok_or_else(|| {
                error(key, "use previous_period, previous_year or two days as 2026-01-01..2026-01-31")
            })?;
            let period = Period::new(day(key, from)?, day(key, to)?, defaults.zone.clone());
            Ok(Some(Compare::Days(period.map_err(|e| error(key, e.to_string()))?)))
        }
    }
}
