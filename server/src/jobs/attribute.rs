//! Credits: for some orders, by difference against what is stored; or for all, into a staging table that takes
//! the old one's place once its sums are proven. Both write the same rows. Which touch earns what is decided in
//! `domain::attribution`; here rows are read and written.

pub mod block;
mod blocks;
pub mod excluded;
pub mod journeys;
mod post;
pub mod preview;
pub mod read;
mod reclassify;
mod standing;
pub mod terms;
pub mod turn;

use std::collections::{BTreeSet, HashMap, HashSet};

use clickhouse::Row;
use domain::attribution::{MODELS, Touch};
use domain::ids::OrderId;
use domain::visit::facets::{Facets, facet_id};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::JobError;
use crate::app::App;
use crate::effects::random_id;
use crate::ingest::rows::{Table, facet_row};
use crate::sql;
use crate::store::row_binary::RowWriter;
use crate::store::{Store, StoreError};
use block::{CreditRow, Texts};
use blocks::blocks;
use post::Poster;
use read::{Orders, Scope};
use standing::Standing;
use terms::Terms;
pub use terms::window_ms;
pub use turn::Turn;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows of one insert: one part, well below the block limit of an atomic insert.
const BLOCK_ROWS: usize = 400_000;
/// Inserts under way while journeys are read.
const INSERTS_MAX: usize = 2;
const STAGING: &str = "credits_staging";

/// What a run did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Posted {
    /// Booked orders looked at.
    pub orders: u64,
    /// Rows of credits that stand for them.
    pub credits: u64,
    /// Rows written: cancelled and new ones of a partial run, all of a full one.
    pub written: u64,
}

/// Credits some orders again and writes only what differs. An order that is no longer booked loses its credits.
/// Orders of the same subscription must be given together: the resolve step does. `_turn` is held since
/// the orders were read.
pub async fn attribute_orders(
    app: &App,
    workspace_id: &str,
    orders: &[OrderId],
    _turn: &Turn<'_>,
) -> Result<Posted, JobError> {
    if orders.is_empty() {
        return Ok(Posted::default());
    }
    post_orders(app, workspace_id, orders).await
}

/// As [`attribute_orders`], by whoever holds the lock.
async fn post_orders(app: &App, workspace_id: &str, orders: &[OrderId]) -> Result<Posted, JobError> {
    let store = &app.store;
    let terms = Terms::without_exclusions(app, workspace_id);
    let ids: Vec<u128> = orders.iter().map(|order| order.0).collect();
    let mut journeys: HashMap<u128, Vec<Touch>> = HashMap::new();
    // What stands and what should: neither waits for the other.
    let (mut standing, mut loaded) = tokio::try_join!(Standing::load(store, workspace_id, &ids), async {
        let loaded = Orders::load(store, workspace_id, Scope::Orders(&ids)).await?;
        if !loaded.orders.is_empty() {
            journeys::journeys(store, workspace_id, &terms, Some(&loaded), |root, touches| {
                journeys.insert(root, touches.clone());
            })
            .await?;
        }
        Ok::<_, clickhouse::error::Error>(loaded)
    })?;
    let met: BTreeSet<u64> = journeys.values().flatten().map(|touch| touch.facet).collect();
    let excluded = excluded::among(app, workspace_id, &terms::exclusions(app, workspace_id), &met).await?;
    if !excluded.is_empty() {
        journeys.values_mut().for_each(|touches| touches.retain(|touch| !excluded.contains(&touch.facet)));
    }
    // Roots that were not asked for are posted with the orders that earn by them.
    let given: HashSet<u128> = ids.iter().copied().collect();
    let more: Vec<u128> =
        loaded.orders.iter().map(|order| order.id).filter(|id| !given.contains(id)).collect();
    standing.append(store, workspace_id, &more).await?;
    let mut rows = Vec::new();
    let mut poster = Poster::default();
    for root_id in loaded.roots() {
        let touches = journeys.get(&root_id).map_or(&[][..], Vec::as_slice);
        for order in loaded.group(root_id) {
            poster.post(order, loaded.root(root_id).unwrap_or(order), touches, &mut rows);
        }
    }
    let mut posted = Posted { orders: loaded.orders.len() as u64, credits: rows.len() as u64, written: 0 };
    let change = standing.difference(rows, &mut loaded.texts);
    if !change.is_empty() {
        keep_facets(app, workspace_id, &change).await?;
        posted.written = change.len() as u64;
        let bytes = block::encode(workspace_id, &change, &loaded.texts);
        // A token of this very run: the same difference may rightly come again later.
        let token = random_id("attribution-");
        store.insert("credits", &block::columns(), "Native", bytes.into(), Some(&token)).await?;
    }
    Ok(posted)
}

/// Credits every order of every workspace anew. Nothing is changed unless the new sums are right.
pub async fn attribute_all(app: &App) -> Result<Posted, JobError> {
    let _turn = Turn::take(app).await?;
    let client = app.store.client();
    let execute = async |sql: String| client.query_raw(&sql).execute().await.map_err(StoreError::from);
    execute(format!("DROP TABLE IF EXISTS {STAGING} SYNC")).await?;
    execute(format!("CREATE TABLE {STAGING} AS credits")).await?;
    // Not synced insert by insert: credits are derived, and a power cut in the middle is mended by running
    // this again. `verify` tells.
    execute(format!("ALTER TABLE {STAGING} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0"))
        .await?;
    let outcome = fill_and_exchange(app).await;
    execute(format!("DROP TABLE IF EXISTS {STAGING} SYNC")).await?;
    outcome
}

async fn fill_and_exchange(app: &App) -> Result<Posted, JobError> {
    let mut posted = Posted::default();
    let workspaces: Vec<String> = app.directory().workspaces.keys().cloned().collect();
    for workspace_id in &workspaces {
        let filled = fill(app, workspace_id).await?;
        posted.orders += filled.orders;
        posted.credits += filled.credits;
    }
    posted.written = posted.credits;
    prove(&app.store).await?;
    let client = app.store.client();
    // Before the exchange: a kill in between must not leave a table whose inserts are not synced.
    for statement in [
        format!("ALTER TABLE {STAGING} MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1"),
        format!("EXCHANGE TABLES credits AND {STAGING}"),
    ] {
        client.query_raw(&statement).execute().await?;
    }
    Ok(posted)
}

/// Streams one workspace's credits into the staging table, inserting while journeys are still read.
async fn fill(app: &App, workspace_id: &str) -> Result<Posted, JobError> {
    let store = &app.store;
    let orders = Orders::load(store, workspace_id, Scope::All).await?;
    let mut poster = Poster::default();
    let mut rows: Vec<CreditRow> = Vec::with_capacity(BLOCK_ROWS + 1024);
    let mut done: HashSet<u128> = HashSet::with_capacity(orders.orders.len());
    let (blocks, mut receiver) = blocks::<Vec<CreditRow>>();
    let texts = orders.texts.clone();
    let writer = tokio::spawn(write_blocks(store.clone(), workspace_id.to_owned(), texts, async move || {
        receiver.recv().await
    }));
    let mut credits = 0_u64;
    let full = |rows: &mut Vec<CreditRow>, credits: &mut u64, least: usize| {
        if rows.len() >= least && !rows.is_empty() {
            *credits += rows.len() as u64;
            blocks.put(std::mem::replace(rows, Vec::with_capacity(BLOCK_ROWS + 1024)));
        }
    };
    let each = |root, touches: &mut Vec<Touch>| {
        for order in orders.group(root) {
            poster.post(order, orders.root(root).unwrap_or(order), touches, &mut rows);
        }
        done.insert(root);
        full(&mut rows, &mut credits, BLOCK_ROWS);
    };
    let terms = Terms::of(app, workspace_id).await?;
    journeys::journeys_paced(store, workspace_id, &terms, None, each, || blocks.send()).await?;
    for root in orders.roots().filter(|root| !done.contains(root)) {
        for order in orders.group(root) {
            poster.post(order, orders.root(root).unwrap_or(order), &[], &mut rows);
        }
        full(&mut rows, &mut credits, BLOCK_ROWS);
        blocks.send().await;
    }
    full(&mut rows, &mut credits, 1);
    blocks.send().await;
    drop(blocks);
    writer.await.map_err(|error| JobError::Unproven(format!("writing credits stopped: {error}")))??;
    if credits > 0 {
        keep_standing_facets(app, workspace_id).await?;
    }
    Ok(Posted { orders: orders.orders.len() as u64, credits, written: credits })
}

async fn write_blocks(
    store: Store,
    workspace_id: String,
    texts: Texts,
    mut next: impl AsyncFnMut() -> Option<Vec<CreditRow>>,
) -> Result<(), StoreError> {
    let columns = block::columns();
    let mut inserts: JoinSet<Result<(), StoreError>> = JoinSet::new();
    while let Some(rows) = next().await {
        if inserts.len() >= INSERTS_MAX
            && let Some(done) = inserts.join_next().await
        {
            done.expect("an insert does not panic")?;
        }
        let bytes = block::encode(&workspace_id, &rows, &texts);
        let (store, columns) = (store.clone(), columns.clone());
        inserts.spawn(async move { store.insert(STAGING, &columns, "Native", bytes.into(), None).await });
    }
    while let Some(done) = inserts.join_next().await {
        done.expect("an insert does not panic")?;
    }
    Ok(())
}

/// Compares the staging table with the orders: money per workspace and currency under every model, and parts.
async fn prove(store: &Store) -> Result<(), JobError> {
    let sums = |prefix: &str| {
        let sum = |model: &&dyn domain::attribution::Model| {
            format!("sumIf(sign * {prefix}_{}, entry = 'order')", model.name())
        };
        MODELS.iter().map(sum).collect::<Vec<_>>().join(", ")
    };
    let text = sql!("journeys/prove.sql")
        .replace("/*amounts*/", &sums("amount"))
        .replace("/*parts*/", &sums("parts"));
    let wrong: Vec<String> = store
        .client()
        .query_raw(&text.replace("/*credits*/", STAGING))
        .fetch_all::<OneText>()
        .await?
        .into_iter()
        .map(|row| row.text)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(JobError::Unproven(format!("the new credits do not add up: {}", wrong.join("; "))))
}

#[derive(Row, Deserialize)]
struct OneText {
    text: String,
}

/// Sees to it that what direct and unattributed credits point at is there.
async fn keep_facets(app: &App, workspace_id: &str, rows: &[CreditRow]) -> Result<(), JobError> {
    if rows.iter().any(|row| row.earner != 1) {
        keep_standing_facets(app, workspace_id).await?;
    }
    Ok(())
}

async fn keep_standing_facets(app: &App, workspace_id: &str) -> Result<(), JobError> {
    if app.jobs.has_standing_facets(workspace_id) {
        return Ok(());
    }
    let mut rows = RowWriter::new();
    for facets in [Facets::direct(), Facets::unattributed()] {
        facet_row(&mut rows, workspace_id, facet_id(&facets), &facets);
    }
    let token = format!("standing-facets-{workspace_id}");
    app.store
        .insert(
            Table::Facets.name(),
            Table::Facets.columns_now(),
            "RowBinary",
            rows.into_bytes().into(),
            Some(&token),
        )
        .await?;
    app.jobs.wrote_standing_facets(workspace_id);
    Ok(())
}
