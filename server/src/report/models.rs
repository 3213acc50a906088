//! `GET /v1/reports/models`: all models side by side.

use clickhouse::Row;
use domain::attribution::MODEL_COUNT;
use domain::report::{ModelReport, ModelSum, Query, models};
use serde::Deserialize;

use super::{ReportError, Reports, currency};
use crate::sql;

#[derive(Row, Deserialize)]
struct ModelsRow {
    values: Vec<String>,
    code: String,
    net_minor: Vec<i64>,
    orders_parts: Vec<i64>,
}

impl Reports {
    /// Every row under every model.
    pub async fn models(&self, query: &Query) -> Result<ModelReport, ReportError> {
        let statement = self.prepare(sql!("reports/models.sql"), query, &query.period);
        let (rows, proof) = tokio::try_join!(
            async { Ok(statement.on(&self.app.store).fetch_all::<ModelsRow>().await?) },
            self.reconciliation(query)
        )?;
        let by_model = |numbers: Vec<i64>| -> Result<[i64; MODEL_COUNT], ReportError> {
            let short = |numbers: Vec<i64>| ReportError::Damaged(format!("{} sums of models", numbers.len()));
            numbers.try_into().map_err(short)
        };
        let rows = rows.into_iter().map(|row| {
            Ok(ModelSum {
                values: row.values,
                currency: currency(&row.code)?,
                net_minor: by_model(row.net_minor)?,
                orders_parts: by_model(row.orders_parts)?,
            })
        });
        Ok(models(query, rows.collect::<Result<_, ReportError>>()?, proof))
    }
}
