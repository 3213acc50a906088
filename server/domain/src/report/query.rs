//! The question: parsed once from key and value pairs, the same for API, command line and dashboard.
//!
//! An unknown key or value is refused with the name of the field and the values there are; it is never
//! ignored, because a filter with a typing mistake would show the wrong money.

mod values;

use jiff::tz::TimeZone;

use self::values::{choice, comparison, day, dimension, in_currency, limit, model, preset, sort};
use super::{Dimension, Interval, Period};
use crate::attribution::{DEFAULT_MODEL, MODELS};
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

    /// Whether only some visits are asked for.
    pub fn filters_visits(&self) -> bool {
        self.filters.iter().any(|filter| !filter.dimension.is_of_order())
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

#[cfg(test)]
mod tests;
