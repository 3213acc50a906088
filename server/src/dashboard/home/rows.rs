//! Rows of the channels table and of the models side by side.

use std::collections::BTreeMap;

use domain::attribution::model_index;
use domain::money::Currency;
use domain::report::{ChannelRow, Dimension, ModelReport, Query, Sums, order_count};

use crate::dashboard::show;

const MODEL_ROWS_MAX: usize = 12;
/// Units of the bars' drawing.
pub(super) const BAR_WIDTH: i64 = 1000;

/// One row of the channels table, or of its sources.
pub(super) struct Line {
    pub(super) name: String,
    /// What the provider calls it, beside a name that is ours to show.
    pub(super) id: Option<String>,
    pub(super) address: String,
    pub(super) visitors: String,
    pub(super) orders: String,
    pub(super) net: String,
    pub(super) change: Option<String>,
    pub(super) better: bool,
    pub(super) share: String,
    pub(super) conversion: String,
    pub(super) per_visitor: String,
    pub(super) bar: Bar,
    pub(super) sources: Vec<Line>,
}

/// New, renewal and refunded parts of a row, on the scale of the largest row.
pub(super) struct Bar {
    pub(super) new: i64,
    pub(super) renewal_x: i64,
    pub(super) renewal: i64,
    pub(super) refunded_x: i64,
    pub(super) refunded: i64,
    pub(super) told: String,
}

pub(super) struct ModelLine {
    pub(super) name: String,
    pub(super) cells: Vec<ModelCell>,
}

pub(super) struct ModelCell {
    pub(super) net: String,
    pub(super) difference: String,
    pub(super) chosen: bool,
}

/// Model titles that fit a column.
pub(super) fn short_title(name: &str) -> &'static str {
    match model_index(name).map(|_| name) {
        Some("last_touch") => "Last",
        Some("last_non_direct") => "Last non-direct",
        Some("first_touch") => "First",
        Some("linear") => "Linear",
        Some("position_based") => "Position",
        Some("time_decay") => "Decay",
        _ => "Model",
    }
}

/// What a row's bar shows: everything that came in and what went back.
pub(super) fn size(sums: &Sums) -> i64 {
    sums.new_minor.max(0) + sums.renewal_minor.max(0)
}

/// How a value is shown: a product by its name, with the provider's id beside it.
pub(super) fn name_of(
    dimension: Dimension,
    value: &str,
    products: &BTreeMap<String, String>,
) -> (String, Option<String>) {
    match products.get(value) {
        Some(name) if dimension == Dimension::Product => (name.clone(), Some(value.to_owned())),
        _ => (show::value(value), None),
    }
}

fn names(values: &[String], query: &Query, products: &BTreeMap<String, String>) -> (String, Option<String>) {
    let each =
        query.group_by.iter().zip(values).map(|(dimension, value)| name_of(*dimension, value, products));
    let (names, mut ids): (Vec<String>, Vec<Option<String>>) = each.unzip();
    let id = ids.iter_mut().find_map(Option::take);
    (names.join(" · "), id)
}

pub(super) fn line(
    row: &ChannelRow,
    most_minor: i64,
    pairs: &[(String, String)],
    query: &Query,
    products: &BTreeMap<String, String>,
) -> Line {
    let (name, id) = names(&row.values, query, products);
    let dimension = query.group_by[0];
    let key = format!("filter[{}]", dimension.name());
    let next = match dimension {
        Dimension::Channel => "source",
        Dimension::Source => "campaign",
        _ => "channel",
    };
    let address = show::address(pairs, &[(&key, &row.values[0]), ("group_by", next)]);
    Line { id, ..line_of(row, name, address, most_minor) }
}

pub(super) fn source_line(row: &ChannelRow, most_minor: i64, pairs: &[(String, String)]) -> Line {
    let changes = [
        ("filter[channel]", row.values[0].as_str()),
        ("filter[source]", row.values[1].as_str()),
        ("group_by", "campaign"),
    ];
    line_of(row, show::value(&row.values[1]), show::address(pairs, &changes), most_minor)
}

pub(super) fn line_of(row: &ChannelRow, name: String, address: String, most_minor: i64) -> Line {
    let shown = |minor| show::digits(minor, row.currency);
    let most = most_minor.max(1);
    let scale = |minor: i64| (i128::from(minor.max(0)) * i128::from(BAR_WIDTH) / i128::from(most)) as i64;
    let (new, renewal) = (scale(row.sums.new_minor), scale(row.sums.renewal_minor));
    let refunded = scale(-row.sums.refunded_minor).min(new + renewal);
    let told = format!(
        "new {}, renewal {}, refunded {} {}",
        shown(row.sums.new_minor),
        shown(row.sums.renewal_minor),
        shown(row.sums.refunded_minor),
        row.currency
    );
    Line {
        name,
        id: None,
        address,
        visitors: show::count(row.visitors),
        orders: order_count(row.sums.orders_parts),
        net: shown(row.sums.net_minor()),
        change: row
            .previous
            .is_some()
            .then(|| show::change(row.change_ppm()).unwrap_or_else(|| "new".to_owned())),
        better: row.previous.is_some_and(|before| row.sums.net_minor() >= before.sums.net_minor()),
        share: show::ratio(row.share_ppm),
        conversion: show::ratio(row.conversion_ppm()),
        per_visitor: row.per_visitor_minor().map_or_else(|| "\u{2013}".to_owned(), shown),
        bar: Bar { new, renewal_x: new, renewal, refunded_x: new + renewal - refunded, refunded, told },
        sources: Vec::new(),
    }
}

pub(super) fn model_lines(
    models: &ModelReport,
    currency: Currency,
    query: &Query,
    products: &BTreeMap<String, String>,
) -> Vec<ModelLine> {
    let rows = models.rows.iter().filter(|row| row.currency == currency).take(MODEL_ROWS_MAX);
    rows.map(|row| ModelLine {
        name: names(&row.values, query, products).0,
        cells: row
            .net_minor
            .iter()
            .enumerate()
            .map(|(at, &minor)| ModelCell {
                net: show::digits(minor, currency),
                difference: show::signed(minor - row.net_minor[query.model], currency),
                chosen: at == query.model,
            })
            .collect(),
    })
    .collect()
}
