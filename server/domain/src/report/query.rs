//! The question: parsed once from key and value pairs, the same for API, command line and dashboard.
//!
//! An unknown key or value is refused with the name of the field and the values there are; it is never
//! ignored, because a filter with a typing mistake would show the wrong money.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{DIMENSIONS, Dimension, Interval, Period};
use crate::attribution::{DEFAULT_MODEL, MODELS, model_index};
use crate::money::{Currency, MoneyView};
use crate::order::Basis;

/// Rows shown when nothing else is asked for, and at most.
const LIMIT_DEFAULT: usize = 1000;
const LIMIT_MAX: usize = 10_000;
/// Days shown when nothing else is asked for.
const DAYS_DEFAULT: i32 = 30;
/// Bounds that keep a query a query.
const FILTER_VALUES_MAX: usize = 100;
const VALUE_BYTES_MAX: usize = 2048;
const GROUP_BY_MAX: usize = 5;

/// What a question means when it does not say.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The workspace's time zone.
    pub zone: TimeZone,
    pub now_ms: i64,
    /// Dimensions to group by.
    pub group_by: Vec<Dimension>,
    pub basis: Basis,
}

/// A question about money.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub period: Period,
    pub compare: Option<Compare>,
    /// Position in [`MODELS`].
    pub model: usize,
    pub group_by: Vec<Dimension>,
    /// All of them hold.
    pub filters: Vec<Filter>,
    /// Only money in this currency; otherwise each currency has its own rows.
    pub currency: Option<Currency>,
    pub money: MoneyView,
    pub basis: Basis,
    pub date: DateView,
    pub format: Format,
    pub interval: Option<Interval>,
    pub limit: usize,
    pub sort: Sort,
}

/// What the period is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Compare {
    PreviousPeriod,
    PreviousYear,
    Days(Period),
}

/// One dimension is one of these values, or none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub dimension: Dimension,
    pub values: Vec<String>,
    pub negated: bool,
}

/// Which day an amount is shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DateView {
    /// Orders on the day they were paid, refunds on the day they were given.
    #[default]
    Cash,
    /// Orders and their refunds on the day of the order.
    Order,
    /// Everything on the day of the touch that earned it.
    Touch,
}

impl DateView {
    pub const ALL: [DateView; 3] = [DateView::Cash, DateView::Order, DateView::Touch];

    pub fn name(self) -> &'static str {
        match self {
            DateView::Cash => "cash",
            DateView::Order => "order",
            DateView::Touch => "touch",
        }
    }

    /// Continues a sentence.
    pub fn title(self) -> &'static str {
        match self {
            DateView::Cash => "by payment date",
            DateView::Order => "by order date",
            DateView::Touch => "by visit date",
        }
    }
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Json,
    Csv,
    /// For a terminal.
    Text,
}

/// What rows are sorted by, and whether from small to large. Ties go by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub by: SortBy,
    pub ascending: bool,
}

/// A column rows can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    Net,
    New,
    Renewal,
    Refunded,
    Orders,
    Visitors,
    Visits,
    Conversion,
    Name,
}

impl SortBy {
    const ALL: [(SortBy, &'static str); 9] = [
        (SortBy::Net, "net"),
        (SortBy::New, "new"),
        (SortBy::Renewal, "renewal"),
        (SortBy::Refunded, "refunded"),
        (SortBy::Orders, "orders"),
        (SortBy::Visitors, "visitors"),
        (SortBy::Visits, "visits"),
        (SortBy::Conversion, "conversion"),
        (SortBy::Name, "name"),
    ];
}

/// A question that cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct QueryError {
    /// The key as it was given.
    pub field: String,
    /// What is wrong and which values there are.
    pub message: String,
}

fn error(field: &str, message: impl Into<String>) -> QueryError {
    QueryError { field: field.to_owned(), message: message.into() }
}

/// The keys every report takes, beside `filter[…]`.
const KEYS: &str = "from, to, period, model, group_by, provider, connection, currency, basis, date, compare, \
                    interval, sort, limit, format and filter[dimension]";

impl Query {
    /// Reads a question. Keys come as in a query string, several values as several pairs; lists of names may
    /// also be separated by commas. An empty value is as good as none.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        defaults: &Defaults,
    ) -> Result<Query, QueryError> {
        let mut query = Query {
            period: Period::last_days(DAYS_DEFAULT, defaults.now_ms, defaults.zone.clone()),
            compare: None,
            model: DEFAULT_MODEL,
            group_by: Vec::new(),
            filters: Vec::new(),
            currency: None,
            money: MoneyView::Native,
            basis: defaults.basis,
            date: DateView::Cash,
            format: Format::Json,
            interval: None,
            limit: LIMIT_DEFAULT,
            sort: Sort { by: SortBy::Net, ascending: false },
        };
        let (mut from, mut to, mut compare) = (None, None, None);
        for (key, value) in pairs {
            if value.is_empty() && !key.starts_with("filter[") {
                continue;
            }
            match key {
                "from" => from = Some(day(key, value)?),
                "to" => to = Some(day(key, value)?),
                "period" => query.period = preset(key, value, defaults)?,
                "model" => query.model = model(key, value)?,
                "group_by" => query.add_groups(key, value)?,
                "provider" => query.add_filter(key, Dimension::Provider, value, false)?,
                "connection" => query.add_filter(key, Dimension::Connection, value, false)?,
                "currency" => (query.money, query.currency) = in_currency(key, value)?,
                "basis" => {
                    query.basis = choice(key, value, Basis::ALL.map(|basis| (basis, basis.name())))?;
                }
                "date" => {
                    query.date = choice(key, value, DateView::ALL.map(|view| (view, view.name())))?;
                }
                "compare" => compare = Some((key, value)),
                "interval" => {
                    query.interval = Some(choice(key, value, Interval::ALL.map(|i| (i, i.name())))?);
                }
                "sort" => query.sort = sort(key, value)?,
                "limit" => query.limit = limit(key, value, LIMIT_MAX)?,
                "format" => {
                    query.format = choice(
                        key,
                        value,
                        [(Format::Json, "json"), (Format::Csv, "csv"), (Format::Text, "text")],
                    )?
                }
                other => query.add_named_filter(other, value)?,
            }
        }
        if from.is_some() || to.is_some() {
            let to = to.unwrap_or(query.period.to.max(from.unwrap_or(query.period.to)));
            let from = from.unwrap_or(query.period.from.min(to));
            query.period =
                Period::new(from, to, defaults.zone.clone()).map_err(|e| error("from", e.to_string()))?;
        }
        if let Some((key, value)) = compare {
            query.compare = comparison(key, value, defaults)?;
        }
        if query.group_by.is_empty() {
            query.group_by.clone_from(&defaults.group_by);
        }
        Ok(query)
    }

    /// The days the period is compared with.
    pub fn compare_period(&self) -> Option<Period> {
        self.compare.as_ref().map(|compare| match compare {
            Compare::PreviousPeriod => self.period.previous(),
            Compare::PreviousYear => self.period.previous_year(),
            Compare::Days(period) => period.clone(),
        })
    }

    /// The question in words.
    pub fn sentence(&self) -> String {
        let revenue = match self.basis {
            Basis::Net => "Net revenue",
            Basis::Gross => "Gross revenue",
        };
        let mut sentence = format!(
            "{revenue}, {}, {} to {} ({}), {}",
            MODELS[self.model].title().to_lowercase(),
            self.period.from,
            self.period.to,
            self.period.zone_name(),
            self.date.title(),
        );
        if let Some(currency) = self.currency {
            sentence.push_str(&format!(", {currency} only"));
        }
        if self.money == MoneyView::Report {
            sentence.push_str(", in the report currency");
        }
        for filter in &self.filters {
            let verb = if filter.negated { "is not" } else { "is" };
            let title = filter.dimension.title().to_lowercase();
            sentence.push_str(&format!(", {title} {verb} {}", filter.values.join(" or ")));
        }
        sentence
    }

    /// Whether an order-side dimension is grouped by, so that no visitors can be shown.
    pub fn groups_orders(&self) -> bool {
        self.group_by.iter().any(|dimension| dimension.is_of_order())
    }

    fn add_groups(&mut self, key: &str, value: &str) -> Result<(), QueryError> {
        for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let dimension = dimension(key, name)?;
            if !self.group_by.contains(&dimension) {
                self.group_by.push(dimension);
            }
        }
        match self.group_by.len() {
            ..=GROUP_BY_MAX => Ok(()),
            _ => Err(error(key, format!("group by at most {GROUP_BY_MAX} dimensions"))),
        }
    }

    /// `filter[channel]` or `filter[channel][not]`.
    fn add_named_filter(&mut self, key: &str, value: &str) -> Result<(), QueryError> {
        let Some(rest) = key.strip_prefix("filter[") else {
            return Err(error(key, format!("there is no such parameter; there are {KEYS}")));
        };
        let (name, negated) = match (rest.strip_suffix("][not]"), rest.strip_suffix(']')) {
            (Some(name), _) => (name, true),
            (None, Some(name)) => (name, false),
            (None, None) => return Err(error(key, "write filter[channel]=… or filter[channel][not]=…")),
        };
        let dimension = dimension(key, name)?;
        self.add_filter(key, dimension, value, negated)
    }

    fn add_filter(
        &mut self,
        key: &str,
        dimension: Dimension,
        value: &str,
        negated: bool,
    ) -> Result<(), QueryError> {
        if value.len() > VALUE_BYTES_MAX {
            return Err(error(key, format!("the value is longer than {VALUE_BYTES_MAX} bytes")));
        }
        let same = self.filters.iter_mut().find(|f| f.dimension == dimension && f.negated == negated);
        match same {
            Some(filter) if filter.values.len() == FILTER_VALUES_MAX => {
                return Err(error(key, format!("give at most {FILTER_VALUES_MAX} values")));
            }
            Some(filter) => filter.values.push(value.to_owned()),
            None => self.filters.push(Filter { dimension, values: vec![value.to_owned()], negated }),
        }
        Ok(())
    }
}

fn day(key: &str, value: &str) -> Result<Date, QueryError> {
    Date::from_str(value).map_err(|_| error(key, format!("{value:?} is no day; write YYYY-MM-DD")))
}

/// `native`, `report`, or a code: only money in that currency.
fn in_currency(key: &str, value: &str) -> Result<(MoneyView, Option<Currency>), QueryError> {
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

fn preset(key: &str, value: &str, defaults: &Defaults) -> Result<Period, QueryError> {
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

fn model(key: &str, value: &str) -> Result<usize, QueryError> {
    model_index(value).ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|model| model.name()).collect();
        error(key, format!("there is no model {value:?}; there are {}", names.join(", ")))
    })
}

fn dimension(key: &str, name: &str) -> Result<Dimension, QueryError> {
    name.parse().map_err(|()| {
        let names = DIMENSIONS.map(Dimension::name).join(", ");
        error(key, format!("there is no dimension {name:?}; there are {names}"))
    })
}

fn choice<T: Copy, const N: usize>(
    key: &str,
    value: &str,
    choices: [(T, &'static str); N],
) -> Result<T, QueryError> {
    let found = choices.iter().find(|(_, name)| *name == value).map(|(choice, _)| *choice);
    found.ok_or_else(|| {
        error(key, format!("{value:?} is not one of {}", choices.map(|(_, name)| name).join(", ")))
    })
}

fn sort(key: &str, value: &str) -> Result<Sort, QueryError> {
    let name = value.strip_prefix('-').unwrap_or(value);
    Ok(Sort { by: choice(key, name, SortBy::ALL)?, ascending: name == value })
}

fn limit(key: &str, value: &str, max: usize) -> Result<usize, QueryError> {
    match value.parse() {
        Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
        _ => Err(error(key, format!("use a whole number from 1 to {max}"))),
    }
}

fn comparison(key: &str, value: &str, defaults: &Defaults) -> Result<Option<Compare>, QueryError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Defaults {
        let now: jiff::Timestamp = "2026-05-31T22:30:00Z".parse().unwrap();
        Defaults {
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            now_ms: now.as_millisecond(),
            group_by: vec![Dimension::Channel],
            basis: Basis::Net,
        }
    }

    fn parse(text: &str) -> Result<Query, QueryError> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Query::parse(pairs.map(|pair| pair.split_once('=').unwrap()), &defaults())
    }

    #[test]
    fn nothing_asked_means_thirty_days_of_the_default_model_by_channel() {
        let query = parse("").unwrap();
        // Half past midnight of 1 June in Berlin.
        assert_eq!(
            (query.period.from.to_string(), query.period.to.to_string()),
            ("2026-05-03".into(), "2026-06-01".into())
        );
        assert_eq!(
            (MODELS[query.model].name(), &query.group_by[..]),
            ("last_non_direct", &[Dimension::Channel][..])
        );
        assert_eq!(
            query.sentence(),
            "Net revenue, last non-direct touch, 2026-05-03 to 2026-06-01 (Europe/Berlin), by payment date"
        );
    }

    #[test]
    fn every_key_is_read() {
        let query = parse(
            "from=2026-01-01&to=2026-01-31&model=linear&group_by=source,campaign&provider=polar&currency=eur\
             &basis=net&date=order&compare=2025-01-01..2025-01-31&format=csv&limit=5&sort=visitors&interval=week\
             &filter[channel]=Email&filter[channel]=Paid search&filter[source][not]=google",
        )
        .unwrap();
        assert_eq!(query.period.days(), 31);
        assert_eq!(MODELS[query.model].name(), "linear");
        assert_eq!(query.group_by, [Dimension::Source, Dimension::Campaign]);
        assert_eq!(query.filters.len(), 3);
        assert_eq!(query.filters[1].values, ["Email", "Paid search"]);
        assert!(query.filters[2].negated);
        assert_eq!(query.currency.unwrap().code(), "EUR");
        assert_eq!((query.date, query.format, query.limit), (DateView::Order, Format::Csv, 5));
        assert_eq!(query.sort, Sort { by: SortBy::Visitors, ascending: true });
        assert_eq!(query.compare_period().unwrap().days(), 31);
        assert_eq!(query.interval, Some(Interval::Week));
    }

    #[test]
    fn mistakes_name_the_field_and_the_values_there_are() {
        for (text, field, hint) in [
            ("form=2026-01-01", "form", "from, to"),
            ("from=yesterday", "from", "YYYY-MM-DD"),
            ("from=2026-02-02&to=2026-02-01", "from", "swap"),
            ("model=best", "model", "last_non_direct"),
            ("group_by=colour", "group_by", "landing_page"),
            ("filter[colour]=red", "filter[colour]", "landing_page"),
            ("filter[channel=red", "filter[channel", "filter[channel][not]"),
            ("basis=profit", "basis", "net, gross"),
            ("currency=dollars", "currency", "USD"),
            ("date=accrual", "date", "cash, order, touch"),
            ("compare=last", "compare", "previous_period"),
            ("limit=0", "limit", "10000"),
            ("format=xls", "format", "json, csv, text"),
            ("interval=minute", "interval", "hour, day"),
            ("sort=profit", "sort", "net"),
            ("period=ever", "period", "365d"),
            ("group_by=channel,source,medium,campaign,content,term", "group_by", "at most 5"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.field, field, "{text}");
            assert!(error.message.contains(hint), "{text}: {}", error.message);
        }
    }

    #[test]
    fn money_is_asked_for_in_its_own_currency_in_the_report_currency_or_in_one_alone() {
        let asked = |text: &str| {
            let query = parse(text).unwrap();
            (query.money, query.currency.map(|currency| currency.to_string()), query.basis)
        };
        assert_eq!(asked(""), (MoneyView::Native, None, Basis::Net));
        assert_eq!(asked("currency=report&basis=gross"), (MoneyView::Report, None, Basis::Gross));
        assert_eq!(asked("currency=native&basis=net"), (MoneyView::Native, None, Basis::Net));
        assert_eq!(asked("currency=usd"), (MoneyView::Native, Some("USD".to_owned()), Basis::Net));
        let sentence = parse("currency=report&basis=gross").unwrap().sentence();
        assert!(sentence.starts_with("Gross revenue,") && sentence.ends_with("in the report currency"));
    }

    #[test]
    fn one_given_day_bounds_the_period_sensibly() {
        let from = parse("from=2026-05-20").unwrap().period;
        assert_eq!((from.from.to_string(), from.to.to_string()), ("2026-05-20".into(), "2026-06-01".into()));
        let to = parse("to=2026-01-31").unwrap().period;
        assert_eq!((to.from.to_string(), to.to.to_string()), ("2026-01-31".into(), "2026-01-31".into()));
        let month = parse("period=last_month").unwrap().period;
        assert_eq!(
            (month.from.to_string(), month.to.to_string()),
            ("2026-05-01".into(), "2026-05-31".into())
        );
    }

    #[test]
    fn an_empty_filter_value_asks_for_what_has_none() {
        assert_eq!(parse("filter[campaign]=").unwrap().filters[0].values, [""]);
        assert!(parse("model=&group_by=").is_ok());
    }
}
