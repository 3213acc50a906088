//! Our side of a comparison: what the stored orders say.

use std::collections::BTreeMap;

use clickhouse::Row;
use domain::books::{Entry, Posting, View};
use domain::report::Period;
use serde::Deserialize;

use crate::app::App;
use crate::control::comparisons::Compared;
use crate::jobs::JobError;
use crate::sql;

/// Ids in one question.
const NAMED_MAX: usize = 5_000;

#[derive(Row, Deserialize)]
struct Stored {
    provider_order_id: String,
    status_name: String,
    code: String,
    booked: bool,
    created_ms: i64,
    paid_ms: i64,
    net: i64,
    refund_excess: i64,
    refunded_at_ms: Vec<i64>,
    refunded: Vec<i64>,
}

/// Our orders by the provider's ids, and when the oldest of them was made.
pub(super) struct Ours {
    pub entries: BTreeMap<String, Entry>,
    pub oldest_ms: Option<i64>,
}

/// What we hold of the period. An order made at or after `fresh_ms` may be younger than the provider's list.
pub(super) async fn load(
    app: &App,
    compared: &Compared,
    period: &Period,
    fresh_ms: i64,
) -> Result<Ours, JobError> {
    let rows = ask(app, compared, (period.start_ms(), period.end_ms()), &[]).await?;
    let oldest_ms = rows.iter().map(|row| row.created_ms).min();
    Ok(Ours { entries: read(rows, compared.question.view, period, fresh_ms)?, oldest_ms })
}

/// Adds what we hold of these orders, whenever they were made.
pub(super) async fn add(
    app: &App,
    compared: &Compared,
    period: &Period,
    named: &[String],
    ours: &mut Ours,
) -> Result<(), JobError> {
    for part in named.chunks(NAMED_MAX) {
        let rows = ask(app, compared, (0, 0), part).await?;
        ours.entries.extend(read(rows, compared.question.view, period, i64::MAX)?);
    }
    Ok(())
}

async fn ask(
    app: &App,
    compared: &Compared,
    (from_ms, to_ms): (i64, i64),
    named: &[String],
) -> Result<Vec<Stored>, JobError> {
    Ok(app
        .store
        .client()
        .query_raw(sql!("books/orders.sql"))
        .param("workspace", &compared.workspace_id)
        .param("connection", &compared.connection_id)
        .param("from_ms", from_ms)
        .param("to_ms", to_ms)
        .param("by_cash", u8::from(compared.question.view == View::Cash))
        .param("named", named)
        .fetch_all()
        .await?)
}

fn read(
    rows: Vec<Stored>,
    view: View,
    period: &Period,
    fresh_ms: i64,
) -> Result<BTreeMap<String, Entry>, JobError> {
    let entry = |row: Stored| {
        let currency = row
            .code
            .parse()
            .map_err(|_| JobError::Damaged { what: "currency", why: row.provider_order_id.clone() })?;
        let day = |at_ms| match view {
            View::Order => period.day_of(row.created_ms),
            View::Cash => period.day_of(at_ms),
        };
        let mut postings = Vec::new();
        if row.booked {
            postings.push(Posting { day: day(row.paid_ms), paid_minor: row.net, refunded_minor: 0 });
        }
        for (&at_ms, &refunded_minor) in row.refunded_at_ms.iter().zip(&row.refunded) {
            postings.push(Posting { day: day(at_ms), paid_minor: 0, refunded_minor });
        }
        if row.refund_excess > 0 {
            // Told beside the order and not booked; the provider counts it as given back.
            let at_ms = row.refunded_at_ms.last().copied().unwrap_or(row.paid_ms);
            postings.push(Posting { day: day(at_ms), paid_minor: 0, refunded_minor: row.refund_excess });
        }
        let entry = Entry {
            order_id: row.provider_order_id.clone(),
            status: row.status_name,
            currency,
            postings,
            is_fresh: row.created_ms >= fresh_ms,
        };
        Ok((row.provider_order_id, entry))
    };
    rows.into_iter().map(entry).collect()
}
