//! What products are called. Rows are of the provider's ids, which never change; the name stands beside them.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::statement::Statement;
use super::{ReportError, Reports};
use crate::sql;

#[derive(Row, Deserialize)]
struct Named {
    id: String,
    name: String,
}

impl Reports {
    /// Name by the provider's id, of every product that was sold and has one.
    pub async fn product_names(&self) -> Result<BTreeMap<String, String>, ReportError> {
        let statement = Statement::plain(sql!("reports/product_names.sql"), &self.workspace.id);
        let named: Vec<Named> = statement.on(&self.app.store).fetch_all().await?;
        Ok(named.into_iter().map(|named| (named.id, named.name)).collect())
    }
}
