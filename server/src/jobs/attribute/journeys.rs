//! Reads journeys for attribution, as a stream of rows: of every order that has a journey of its own, or of some that were
//! read before. Never writes.

use domain::attribution::Touch;
use domain::journey;

use super::read::{Orders, Visits, uuids};
use super::terms::Terms;
use crate::sql;
use crate::store::Store;
use crate::store::row_binary::{RowReader, read_rows_paced};

/// Streams journeys: `each` gets a root order's id and the touches that may earn under `terms`, sorted by (time, id),
/// each id once. With `only`, those of its roots.
pub async fn journeys(
    store: &Store,
    workspace_id: &str,
    terms: &Terms,
    only: Option<&Orders>,
    each: impl FnMut(u128, &mut Vec<Touch>),
) -> Result<(), clickhouse::error::Error> {
    journeys_paced(store, workspace_id, terms, only, each, || std::future::ready(())).await
}

/// As [`journeys`]; `between` is waited for between two chunks, and holds back the reading.
pub async fn journeys_paced<P: Future<Output = ()>>(
    store: &Store,
    workspace_id: &str,
    terms: &Terms,
    only: Option<&Orders>,
    mut each: impl FnMut(u128, &mut Vec<Touch>),
    between: impl FnMut() -> P,
) -> Result<(), clickhouse::error::Error> {
    let query = journeys_query(store, workspace_id, terms.window_ms, only);
    let mut touches: Vec<(Touch, i64)> = Vec::new();
    let mut journey: Vec<Touch> = Vec::new();
    let row = |row: &mut RowReader<'_>| {
        let root = row.uuid()?;
        let len = row.array_len()?;
        touches.clear();
        for _ in 0..len {
            let touch =
                Touch { at_ms: row.i64()?, id: row.uuid()?, facet: row.u64()?, direct: row.u8()? != 0 };
            touches.push((touch, row.i64()?));
        }
        // Of a touch told more than once the latest classification counts.
        touches.sort_unstable_by_key(|(touch, classified)| {
            (touch.at_ms, touch.id, std::cmp::Reverse(*classified))
        });
        touches.dedup_by_key(|(touch, _)| (touch.at_ms, touch.id));
        journey.clear();
        journey.extend(touches.iter().map(|(touch, _)| *touch));
        // A visit that two collectors told under two times is one.
        journey::once(&mut journey);
        terms.apply(&mut journey);
        each(root, &mut journey);
        Some(())
    };
    read_rows_paced(query, row, between).await
}

/// The journeys query with its parameters bound: also what the bench measures by itself.
pub fn journeys_query(
    store: &Store,
    workspace_id: &str,
    window_ms: i64,
    only: Option<&Orders>,
) -> clickhouse::query::Query {
    let bound = |text: &str| store.client().query_raw(text).param("workspace", workspace_id);
    let text = sql!("journeys/journeys.sql");
    let Some(orders) = only else {
        let stored = sql!("journeys/earners_stored.sql").replace("/*orders*/", "AND booked");
        return bound(&text.replace("/*earners*/", &stored)).param("window_ms", window_ms);
    };
    // The orders were just read, so their visitors and times go along; and what is read of the touches is the
    // granules of those visitors within the time of all.
    let text = text.replace("/*earners*/", sql!("journeys/earners_given.sql")).replace(
        "/*visitors*/",
        "AND touch.visitor_id IN {visitors:Array(UUID)} \
         AND touch.at >= fromUnixTimestamp64Milli({from_ms:Int64}) AND touch.at <= fromUnixTimestamp64Milli({to_ms:Int64})",
    );
    let roots =
        || orders.visits.iter().filter_map(|visits| Some((visits, orders.root(visits.order)?.anchor_ms)));
    let ids = |id: fn(&Visits) -> u128| uuids(&roots().map(|(visits, _)| id(visits)).collect::<Vec<_>>());
    let since = roots().map(|(visits, anchor_ms)| visits.since_ms.max(anchor_ms.saturating_sub(window_ms)));
    let until = roots().map(|(visits, anchor_ms)| (visits.until_ms - 1).min(anchor_ms));
    let (since, until): (Vec<i64>, Vec<i64>) = (since.collect(), until.collect());
    let from_ms = since.iter().copied().min().unwrap_or(0).max(0);
    let to_ms = until.iter().copied().max().unwrap_or(0);
    bound(&text)
        .param("orders", ids(|visits| visits.order))
        .param("visitors", ids(|visits| visits.visitor))
        .param("since_ms", since)
        .param("until_ms", until)
        .param("from_ms", from_ms)
        .param("to_ms", to_ms)
}
