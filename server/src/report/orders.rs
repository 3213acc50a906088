//! `GET /v1/orders`: orders, newest first, page by page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use clickhouse::Row;
use domain::ids::OrderId;
use domain::report::{Query, QueryError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ReportError, Reports, uuid};
use crate::sql;

const PAGE_DEFAULT: usize = 50;
const PAGE_MAX: usize = 500;

/// A question about orders: period and filters of a report, and where to continue.
#[derive(Clone, Debug, PartialEq)]
pub struct OrdersQuery {
    pub query: Query,
    pub after: Option<Cursor>,
    pub limit: usize,
}

/// The place of an order in the list. Opaque to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    at_ms: i64,
    id: Uuid,
}

impl Cursor {
    fn to_text(self) -> String {
        BASE64.encode(format!("{}.{}", self.at_ms, self.id.simple()))
    }

    fn read(text: &str) -> Option<Cursor> {
        let text = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
        let (at_ms, id) = text.split_once('.')?;
        Some(Cursor { at_ms: at_ms.parse().ok()?, id: Uuid::parse_str(id).ok()? })
    }
}

/// One order, as lists show it. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OrderRow {
    #[schema(example = "ord_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    #[schema(example = "polar")]
    pub provider: String,
    pub connection: String,
    /// What the provider calls it.
    pub provider_order_id: String,
    #[schema(example = "paid")]
    pub status: String,
    /// `new`, `renewal`, `upgrade`, `one_time` or `trial`.
    pub kind: String,
    /// Whether it was paid and counts as revenue.
    pub booked: bool,
    /// When it was paid, or made when it was not: milliseconds since the epoch.
    pub at_ms: i64,
    #[schema(example = "USD")]
    pub currency: String,
    /// After discount, before tax.
    pub net: i64,
    pub discount: i64,
    pub tax: i64,
    pub total: i64,
    /// Given back so far, without tax; zero or above.
    pub refunded: i64,
    pub product_id: String,
    pub product_name: String,
    pub customer_id: String,
    pub subscription_id: String,
    /// How the visitor was found; empty when none was.
    pub match_method: String,
    pub match_field: String,
    pub match_evidence: String,
}

/// One page of orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OrderPage {
    pub rows: Vec<OrderRow>,
    /// Give this as `after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

#[derive(Row, Deserialize)]
struct Stored {
    id: String,
    provider_name: String,
    connection: String,
    provider_order_id: String,
    status_name: String,
    kind_name: String,
    booked: bool,
    at_ms: i64,
    code: String,
    net: i64,
    tax: i64,
    total: i64,
    discount: i64,
    refunded: i64,
    product: String,
    product_title: String,
    customer_id: String,
    subscription_id: String,
    method: String,
    field: String,
    evidence: String,
}

impl Reports {
    /// Reads a question about orders: as any report's, with `after`, and pages instead of rows.
    pub fn parse_orders<'a>(
        &self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<OrdersQuery, ReportError> {
        let refuse = |field: &str, message: String| QueryError { field: field.to_owned(), message };
        let (mut after, mut limit, mut rest) = (None, PAGE_DEFAULT, Vec::new());
        for (key, value) in pairs {
            match key {
                "after" => {
                    let message = "give the `after` of the page before, unchanged".to_owned();
                    after = Some(Cursor::read(value).ok_or_else(|| refuse(key, message))?);
                }
                "limit" => {
                    let read = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
                    limit =
                        read.ok_or_else(|| refuse(key, format!("use a whole number from 1 to {PAGE_MAX}")))?;
                }
                _ => rest.push((key, value)),
            }
        }
        Ok(OrdersQuery { query: self.parse(rest)?, after, limit })
    }

    /// One page.
    pub async fn orders(&self, orders: &OrdersQuery) -> Result<OrderPage, ReportError> {
        let OrdersQuery { query, after, limit } = orders;
        let mut statement = self.prepare(sql!("reports/orders.sql"), query, &query.period);
        let of_visits = query.filters.iter().any(|filter| !filter.dimension.is_of_order());
        let credited = self.prepare(CREDITED, query, &query.period);
        statement.fill("credited_filters", if of_visits { credited.sql() } else { "" });
        let after = after.unwrap_or(Cursor { at_ms: i64::MAX, id: Uuid::max() });
        statement.number("after_ms", after.at_ms).text("after_id", &after.id.to_string());
        statement.number("limit", *limit as i64 + 1);
        let mut stored: Vec<Stored> = statement.on(&self.app.store).fetch_all().await?;
        let more = stored.len() > *limit;
        stored.truncate(*limit);
        let last = stored.last().filter(|_| more);
        let after = match last {
            Some(row) => Some(Cursor { at_ms: row.at_ms, id: uuid(&row.id)? }.to_text()),
            None => None,
        };
        let rows = stored.into_iter().map(read).collect::<Result<_, ReportError>>()?;
        Ok(OrderPage { rows, after })
    }
}

/// Orders that earned a visit of the filtered kind something under the model asked for.
const CREDITED: &str = "AND order_id IN (SELECT order_id FROM credits WHERE workspace_id = {workspace:String} \
                        /*touch_filters*/ GROUP BY order_id HAVING sum(sign * parts_/*model*/) > 0)";

fn read(row: Stored) -> Result<OrderRow, ReportError> {
    Ok(OrderRow {
        id: OrderId::from(uuid(&row.id)?).to_string(),
        provider: row.provider_name,
        connection: row.connection,
        provider_order_id: row.provider_order_id,
        status: row.status_name,
        kind: row.kind_name,
        booked: row.booked,
        at_ms: row.at_ms,
        currency: row.code,
        net: row.net,
        discount: row.discount,
        tax: row.tax,
        total: row.total,
        refunded: row.refunded,
        product_id: row.product,
        product_name: row.product_title,
        customer_id: row.customer_id,
        subscription_id: row.subscription_id,
        match_method: row.method,
        match_field: row.field,
        match_evidence: row.evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_through_text_and_nothing_else_reads() {
        let cursor = Cursor { at_ms: 1_750_000_000_000, id: Uuid::from_u128(7) };
        assert_eq!(Cursor::read(&cursor.to_text()), Some(cursor));
        for other in ["", "x", "MTIz", "!!!!"] {
            assert_eq!(Cursor::read(other), None, "{other}");
        }
    }
}
