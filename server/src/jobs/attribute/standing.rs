//! Credits as they stand for some orders, and what must be written so that others stand in their place.

use std::collections::HashMap;

use domain::attribution::MODEL_COUNT;
use uuid::Uuid;

use super::block::{self, CreditRow, TextIds, Texts};
use crate::sql;
use crate::store::Store;
use crate::store::row_binary::{RowReader, read_rows};

/// What stands, read once for all of its orders.
#[derive(Debug, Default)]
pub struct Standing {
    rows: Vec<StandingRow>,
    texts: Texts,
}

/// A credit as it stands, with how often (once, unless something went wrong).
#[derive(Debug)]
struct StandingRow {
    row: CreditRow,
    version: u64,
    signs: i64,
}

impl Standing {
    pub async fn load(
        store: &Store,
        workspace_id: &str,
        orders: &[u128],
    ) -> Result<Standing, clickhouse::error::Error> {
        let mut standing = Standing::default();
        standing.append(store, workspace_id, orders).await?;
        Ok(standing)
    }

    /// Reads further orders; none of them was read before.
    pub async fn append(
        &mut self,
        store: &Store,
        workspace_id: &str,
        orders: &[u128],
    ) -> Result<(), clickhouse::error::Error> {
        if orders.is_empty() {
            return Ok(());
        }
        let text = sql!("journeys/credits_of_orders.sql")
            .replace("/*models*/", &format!(", {}", block::model_columns()));
        let ids: Vec<String> = orders.iter().map(|&id| Uuid::from_u128(id).to_string()).collect();
        let query = store.client().query_raw(&text).param("workspace", workspace_id).param("orders", ids);
        let Standing { rows, texts } = self;
        read_rows(query, |row| {
            rows.push(read_row(row, texts)?);
            Some(())
        })
        .await
    }

    /// Every credit, with how often it stands.
    pub fn rows(&self) -> impl Iterator<Item = (&CreditRow, i64)> {
        self.rows.iter().map(|standing| (&standing.row, standing.signs))
    }

    /// The currency of one of [`Standing::rows`].
    pub fn currency(&self, row: &CreditRow) -> &str {
        self.texts.get(row.texts.currency)
    }

    /// What to write so that exactly `wanted` stands: cancellations first. `texts` are those of `wanted`, and
    /// afterwards of the answer.
    pub fn difference(self, wanted: Vec<CreditRow>, texts: &mut Texts) -> Vec<CreditRow> {
        let key =
            |row: &CreditRow, version: u64| (row.order_id, row.entry, row.entry_id, row.touch_id, version);
        let mut wanted: HashMap<_, CreditRow> =
            wanted.into_iter().map(|row| (key(&row, row.version(texts)), row)).collect();
        let mut change = Vec::new();
        for StandingRow { mut row, version, signs } in self.rows {
            let keep = i64::from(wanted.remove(&key(&row, version)).is_some());
            let missing = keep - signs;
            row.sign = if missing < 0 { -1 } else { 1 };
            row.texts = row.texts.moved(&self.texts, texts);
            change.extend(std::iter::repeat_n(row, missing.unsigned_abs() as usize));
        }
        change.extend(wanted.into_values());
        change.sort_unstable_by_key(|row| {
            (row.sign, row.order_id, row.entry, row.entry_id, row.touch_at_ms, row.touch_id)
        });
        change
    }
}

fn read_row(row: &mut RowReader<'_>, texts: &mut Texts) -> Option<StandingRow> {
    let (booked_at_ms, order_id, entry) = (row.i64()?, row.uuid()?, row.i8()?);
    let (entry_id, touch_id, earner) = (row.uuid()?, row.uuid()?, row.i8()?);
    let (facet_id, touch_at_ms, order_at_ms, kind) = (row.u64()?, row.i64()?, row.i64()?, row.i8()?);
    let words = [row.string()?, row.string()?, row.string()?, row.string()?];
    let (views, version, signs) = (row.u8()?, row.u64()?, row.i64()?);
    let mut amounts = [0; MODEL_COUNT];
    for amount in &mut amounts {
        *amount = row.i64()?;
    }
    let mut parts = [0; MODEL_COUNT];
    for part in &mut parts {
        *part = row.i32()?;
    }
    let [currency, provider, connection, product] = words.map(|word| texts.id(word));
    let texts = TextIds { currency, provider, connection, product };
    let row = CreditRow {
        booked_at_ms,
        order_id,
        entry,
        entry_id,
        touch_id,
        earner,
        facet_id,
        touch_at_ms,
        order_at_ms,
        kind,
        texts,
        views,
        sign: 1,
        amounts,
        parts,
    };
    Some(StandingRow { row, version, signs })
}
