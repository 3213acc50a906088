//! All models side by side: the same money, divided by each rule, so that disagreement can be seen.

use std::collections::BTreeMap;

use super::{Cell, Column, Kind, Meta, Query, Reconciliation, Report, Table};
use crate::attribution::{MODEL_COUNT, MODELS};
use crate::money::Currency;

/// Credits of one set of dimension values under every model, by the model's position in [`MODELS`].
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSum {
    pub values: Vec<String>,
    pub currency: Currency,
    pub net_minor: [i64; MODEL_COUNT],
    pub orders_parts: [i64; MODEL_COUNT],
}

/// One row.
pub type ModelRow = ModelSum;

/// The whole answer. The totals of all models are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelReport {
    /// Largest under the chosen model first, currency by currency.
    pub rows: Vec<ModelRow>,
    pub totals: Vec<ModelRow>,
    pub reconciliation: Vec<Reconciliation>,
}

/// Sorts the rows and adds them up.
pub fn models(query: &Query, mut rows: Vec<ModelSum>, reconciliation: Vec<Reconciliation>) -> ModelReport {
    rows.sort_by(|a, b| {
        let (left, right) = (a.net_minor[query.model], b.net_minor[query.model]);
        a.currency.cmp(&b.currency).then(right.cmp(&left)).then_with(|| a.values.cmp(&b.values))
    });
    let mut totals: BTreeMap<Currency, ModelRow> = BTreeMap::new();
    for row in &rows {
        let total = totals.entry(row.currency).or_insert_with(|| ModelRow {
            values: Vec::new(),
            currency: row.currency,
            net_minor: [0; MODEL_COUNT],
            orders_parts: [0; MODEL_COUNT],
        });
        for at in 0..MODEL_COUNT {
            total.net_minor[at] += row.net_minor[at];
            total.orders_parts[at] += row.orders_parts[at];
        }
    }
    ModelReport { rows, totals: totals.into_values().collect(), reconciliation }
}

impl ModelReport {
    /// The answer under typed columns: for each model revenue, orders, and the difference to the chosen one.
    pub fn report(&self, query: &Query) -> Report {
        let mut columns = vec![Column::new("currency", "Currency", Kind::Word)];
        for (group, kind) in [("revenue", Kind::Money), ("orders", Kind::Parts), ("difference", Kind::Money)]
        {
            columns.extend(MODELS.iter().map(|model| {
                let title = if group == "revenue" {
                    model.title().to_owned()
                } else {
                    format!("{} {group}", model.title())
                };
                Column::new(format!("{group}.{}", model.name()), title, kind)
            }));
        }
        let cells = |row: &ModelRow| -> Vec<Cell> {
            let chosen = row.net_minor[query.model];
            let mut cells: Vec<Cell> = row.values.iter().map(|value| Cell::Text(value.clone())).collect();
            cells.push(Cell::Text(row.currency.to_string()));
            cells.extend(row.net_minor.map(|minor| Cell::money(minor, row.currency)));
            cells.extend(row.orders_parts.map(Cell::Parts));
            cells.extend(row.net_minor.map(|minor| Cell::money(minor - chosen, row.currency)));
            cells
        };
        let dimensions = query.group_by.iter().map(|d| Column::new(d.name(), d.title(), Kind::Dimension));
        Report {
            meta: Meta::new("models", query, self.rows.len()),
            rows: Table {
                columns: dimensions.chain(columns.clone()).collect(),
                rows: self.rows.iter().take(query.limit).map(cells).collect(),
            },
            totals: Table { columns, rows: self.totals.iter().map(cells).collect() },
            reconciliation: self.reconciliation.clone(),
        }
    }
}
