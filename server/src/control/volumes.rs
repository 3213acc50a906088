//! What partners sold, for tiers: made of orders and clicks, and replaced order by order when these change.

use std::collections::HashMap;

use domain::affiliate::VolumeChange;
use domain::ids::OrderId;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Control, ControlError};

/// Whose volume.
#[derive(Debug, Clone, Copy)]
pub enum VolumesOf<'a> {
    All,
    Orders(&'a [String]),
    Partners(&'a [String]),
}

/// Ids of one question.
const IDS_MAX: usize = 500;

impl Control {
    /// What was sold, as it is stored, in no order.
    pub async fn volumes(
        &self,
        workspace_id: &str,
        of: VolumesOf<'_>,
    ) -> Result<Vec<VolumeChange>, ControlError> {
        let (column, ids) = match of {
            VolumesOf::All => ("", &[][..]),
            VolumesOf::Orders(ids) => ("order_id", ids),
            VolumesOf::Partners(ids) => ("partner_id", ids),
        };
        let mut found = Vec::new();
        let pieces: Vec<&[String]> =
            if column.is_empty() { vec![ids] } else { ids.chunks(IDS_MAX).collect() };
        for ids in pieces {
            let places: Vec<String> = (2..ids.len() + 2).map(|at| format!("${at}")).collect();
            let condition = match column {
                "" => String::new(),
                column => format!("AND {column} IN ({})", places.join(", ")),
            };
            let sql = format!(
                "SELECT partner_id, order_id, paid_at_ms, at_ms, currency, sales, net_minor FROM partner_volumes \
                 WHERE workspace_id = $1 {condition}"
            );
            let query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(workspace_id);
            let query = ids.iter().fold(query, |query, id| query.bind(id));
            for row in &query.fetch_all(&self.pool).await? {
                found.push(read(row)?);
            }
        }
        Ok(found)
    }
}

/// Replaces what is stored of some orders, within a transaction.
pub(super) async fn replace(
    transaction: &mut sqlx::Transaction<'_, sqlx::Any>,
    workspace_id: &str,
    orders: &[OrderId],
    changes: &[VolumeChange],
) -> Result<(), ControlError> {
    for order in orders {
        sqlx::query("DELETE FROM partner_volumes WHERE workspace_id = $1 AND order_id = $2")
            .bind(workspace_id)
            .bind(order.to_string())
            .execute(&mut **transaction)
            .await?;
    }
    let mut numbers: HashMap<(OrderId, &str), i64> = HashMap::new();
    for change in changes {
        let number = numbers.entry((change.order, &change.partner)).or_default();
        *number += 1;
        sqlx::query(
            "INSERT INTO partner_volumes (workspace_id, order_id, partner_id, number, paid_at_ms, at_ms, currency, \
             sales, net_minor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(workspace_id)
        .bind(change.order.to_string())
        .bind(&change.partner)
        .bind(*number)
        .bind(change.paid_at_ms)
        .bind(change.at_ms)
        .bind(change.currency.code())
        .bind(change.sales)
        .bind(change.net_minor)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<VolumeChange, ControlError> {
    let (order, currency): (String, String) = (row.get(1), row.get(4));
    let damaged = |why: &str| ControlError::Damaged { what: "a partner's volume", why: why.to_owned() };
    Ok(VolumeChange {
        partner: row.get(0),
        order: order.parse().map_err(|_| damaged(&order))?,
        paid_at_ms: row.get(2),
        at_ms: row.get(3),
        currency: currency.parse().map_err(|_| damaged(&currency))?,
        sales: row.get(5),
        net_minor: row.get(6),
    })
}
