//! The sentence above the page, the filters under it, and what they mean as a question.

use std::collections::BTreeMap;

use domain::attribution::MODELS;
use domain::report::{DateView, Dimension, Query};

use super::rows::{Line, name_of};
use crate::dashboard::show;

pub(super) const PERIODS: [(&str, &str); 10] = [
    ("today", "today"),
    ("yesterday", "yesterday"),
    ("7d", "the last 7 days"),
    ("30d", "the last 30 days"),
    ("90d", "the last 90 days"),
    ("365d", "the last 365 days"),
    ("month", "this month"),
    ("last_month", "last month"),
    ("year", "this year"),
    ("custom", "the days"),
];
pub(super) const COMPARES: [(&str, &str); 3] =
    [("", "nothing"), ("previous_period", "the period before"), ("previous_year", "the year before")];
pub(super) const BASES: [(&str, &str); 2] = [("net", "Net revenue"), ("gross", "Gross revenue")];
pub(super) const DATES: [(&str, &str); 3] = [
    ("cash", "on the day money moved"),
    ("order", "on the day of the order"),
    ("touch", "on the day of the visit"),
];
pub(super) const GROUPS: [Dimension; 10] = [
    Dimension::Channel,
    Dimension::Source,
    Dimension::Medium,
    Dimension::Campaign,
    Dimension::LandingPage,
    Dimension::Referrer,
    Dimension::Country,
    Dimension::Device,
    Dimension::Partner,
    Dimension::Product,
];

/// Which day everything on the page is shown on.
pub(super) fn days_told(date: DateView) -> &'static str {
    match date {
        DateView::Cash => "orders on the day they were paid, refunds on the day they were given",
        DateView::Order => "orders and their refunds on the day of the order",
        DateView::Touch => "everything on the day of the visit that earned it",
    }
}

/// One entry of a select.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) title: String,
    pub(super) chosen: bool,
}

pub(super) struct Chip {
    pub(super) text: String,
    pub(super) without: String,
}

/// The form says `period=custom` beside days, and other periods beside days that are then not meant.
pub(in crate::dashboard) fn asked(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let period = pairs.iter().find(|(key, _)| key == "period").map(|(_, value)| value.clone());
    add_filter(&mut pairs);
    match period.as_deref() {
        Some("custom") => pairs.retain(|(key, _)| key != "period"),
        Some(named) if !named.is_empty() => pairs.retain(|(key, _)| key != "from" && key != "to"),
        _ => {}
    }
    pairs.retain(|(key, value)| key.starts_with("filter[") || !value.is_empty());
    pairs
}

/// The form that adds a filter says its three parts one by one: `filter_by=channel`, `filter_how=not`,
/// `filter_value=Email`.
fn add_filter(pairs: &mut Vec<(String, String)>) {
    let mut part = |name: &str| {
        let at = pairs.iter().position(|(key, _)| key == name)?;
        Some(pairs.remove(at).1)
    };
    let (by, how, value) = (part("filter_by"), part("filter_how"), part("filter_value"));
    if let (Some(by), Some(value)) = (by, value) {
        let not = if how.as_deref() == Some("not") { "[not]" } else { "" };
        // As it is offered to be picked: the row of what has no value.
        let value = if value.trim() == show::NO_VALUE { "" } else { value.trim() };
        let added = (format!("filter[{by}]{not}"), value.to_owned());
        if !pairs.contains(&added) {
            pairs.push(added);
        }
    }
}

pub(super) fn models(chosen: usize) -> Vec<Choice> {
    let choice = |(at, model): (usize, &&dyn domain::attribution::Model)| Choice {
        value: model.name(),
        title: model.title().to_lowercase(),
        chosen: at == chosen,
    };
    MODELS.iter().enumerate().map(choice).collect()
}

pub(super) fn chosen(words: &[(&'static str, &'static str)], chosen: &str) -> Vec<Choice> {
    let choice = |&(value, title): &(&'static str, &'static str)| Choice {
        value,
        title: title.to_owned(),
        chosen: value == chosen,
    };
    words.iter().map(choice).collect()
}

/// What rows may be of, and filters on.
pub(super) fn dimensions(chosen: &[Dimension]) -> Vec<Choice> {
    let choice = |dimension: &Dimension| Choice {
        value: dimension.name(),
        title: dimension.title().to_lowercase(),
        chosen: chosen == [*dimension],
    };
    GROUPS.iter().map(choice).collect()
}

/// Values to filter by that are on the page anyway.
pub(super) fn known_values(lines: &[Line]) -> Vec<String> {
    let shown = lines.iter().chain(lines.iter().flat_map(|line| &line.sources));
    let mut values: Vec<String> =
        shown.map(|line| line.id.clone().unwrap_or_else(|| line.name.clone())).collect();
    values.sort_unstable();
    values.dedup();
    values
}

pub(super) fn chips(
    query: &Query,
    pairs: &[(String, String)],
    products: &BTreeMap<String, String>,
) -> Vec<Chip> {
    let chips = query.filters.iter().map(|filter| {
        let verb = if filter.negated { "is not" } else { "is" };
        let named = |value: &String| name_of(filter.dimension, value, products).0;
        let values: Vec<String> = filter.values.iter().map(named).collect();
        let key = format!("filter[{}]{}", filter.dimension.name(), if filter.negated { "[not]" } else { "" });
        Chip {
            text: format!("{} {verb} {}", filter.dimension.title(), values.join(" or ")),
            without: show::without(pairs, &[&key, filter.dimension.name()]),
        }
    });
    chips.collect()
}
