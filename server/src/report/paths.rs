//! `GET /v1/reports/paths`: the sequences of sources that led to purchases.

use clickhouse::Row;
use domain::report::{Cell, Column, Kind, Meta, Query, QueryError, Report, Table};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct PathRow {
    path: Vec<String>,
    code: String,
    orders: u64,
    renewals: u64,
    net_minor: i64,
}

impl Reports {
    /// The paths that earned most, as steps of the first dimension grouped by.
    pub async fn paths(&self, query: &Query) -> Result<Report, ReportError> {
        if query.group_by.len() != 1
            || query.groups_orders()
            || query.filters.iter().any(|f| !f.dimension.is_of_order())
        {
            let message = "paths are made of one dimension of visits, such as channel or source, and can be \
                           filtered by provider, connection and product only"
                .to_owned();
            return Err(QueryError { field: "group_by".to_owned(), message }.into());
        }
        let mut statement = self.prepare(sql!("reports/paths.sql"), query, &query.period);
        statement.number("limit", i64::try_from(query.limit).unwrap_or(i64::MAX));
        let (rows, proof) = tokio::try_join!(
            async { Ok(statement.on(&self.app.store).fetch_all::<PathRow>().await?) },
            self.reconciliation(query)
        )?;
        let columns = vec![
            Column::new("path", "Path", Kind::Dimension),
            Column::new("steps", "Steps", Kind::Count),
            Column::new("currency", "Currency", Kind::Word),
            Column::new("orders", "Orders", Kind::Count),
            Column::new("renewals", "Renewals", Kind::Count),
            Column::new("revenue.net", "Net", Kind::Money),
        ];
        let cells = rows.iter().map(|row| {
            let shown = row.path.iter().map(|step| if step.is_empty() { "(none)" } else { step.as_str() });
            Ok(vec![
                Cell::Text(shown.collect::<Vec<_>>().join(" → ")),
                Cell::Count(row.path.len() as u64),
                Cell::Text(row.code.clone()),
                Cell::Count(row.orders),
                Cell::Count(row.renewals),
                Cell::money(row.net_minor, currency(&row.code)?),
            ])
        });
        let rows = cells.collect::<Result<Vec<_>, ReportError>>()?;
        Ok(Report {
            meta: Meta::new("paths", query, rows.len()),
            rows: Table { columns, rows },
            totals: Table::default(),
            reconciliation: proof,
        })
    }
}
