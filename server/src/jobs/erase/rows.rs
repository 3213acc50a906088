//! The rows of an erasure in ClickHouse: visits that earned are kept without their person, facts lose theirs, the
//! rest is deleted. Every deletion is waited for. Never touches an amount.

use clickhouse::Row;
use domain::ids::OrderId;
use domain::order::Fact;
use serde::Deserialize;
use uuid::Uuid;

use super::plan::{Object, Plan, uuids};
use crate::app::App;
use crate::control::dirty::{Subject, SubjectKind};
use crate::jobs::facts::Facts;
use crate::jobs::{JobError, commission, resolve};
use crate::person_keys::PersonKeys;
use crate::sql;

/// Ids in one statement.
const IDS_MAX: usize = 2000;

/// Copies what earned for the orders of the plan to a journey of each.
pub(super) async fn keep_visits(app: &App, workspace_id: &str, plan: &Plan) -> Result<(), JobError> {
    let matched: Vec<&String> = plan.orders.iter().filter(|(_, (_, yes))| *yes).map(|(id, _)| id).collect();
    let keys = PersonKeys::new(&app.secrets, workspace_id);
    let days = match app.directory().workspaces.get(workspace_id) {
        Some(workspace) => app.window_days(workspace),
        None => app.config.attribution.window_days,
    };
    // A partner's click may earn for longer than a model's touch.
    let window_ms = commission::window_ms(app, workspace_id).await?.max(i64::from(days) * 86_400_000);
    let earners =
        sql!("journeys/earners_stored.sql").replace("/*orders*/", "AND order_id IN {orders:Array(UUID)}");
    let text = sql!("erase/keep_visits.sql").replace("/*earners*/", &earners);
    for orders in matched.chunks(IDS_MAX) {
        let journeys = orders.iter().map(|order| Uuid::from_u128(keys.journey(order)).to_string());
        app.store
            .client()
            .query_raw(&text)
            .param("workspace", workspace_id)
            .param("orders", uuids(orders.iter().copied()))
            .param("journeys", journeys.collect::<Vec<_>>())
            .param("window_ms", window_ms)
            .execute()
            .await?;
    }
    Ok(())
}

#[derive(Row, Deserialize)]
struct Stored {
    connection_id: String,
    payload: String,
    received_ms: i64,
}

/// Writes every fact of the plan anew without its person, then deletes what it said before. Answers how many.
pub(super) async fn anonymise_facts(app: &App, workspace_id: &str, plan: &Plan) -> Result<u64, JobError> {
    let orders: Vec<&Object> = plan.orders.values().map(|(order, _)| order).collect();
    let stored: Vec<Stored> = app
        .store
        .client()
        .query_raw(sql!("erase/facts_of.sql"))
        .param("workspace", workspace_id)
        .param("orders", ids(orders.into_iter()))
        .param("subscriptions", ids(plan.subscriptions.iter()))
        .param("checkouts", ids(plan.checkouts.iter()))
        .param("customers", ids(plan.customers.iter()))
        .fetch_all()
        .await?;
    // Newer than every row it replaces, also when the clock stands still.
    let newest = stored.iter().map(|stored| stored.received_ms).max().unwrap_or(0);
    let written_ms = app.clock.now_ms().max(newest + 1);
    let mut facts = Facts::default();
    let mut replaced: Vec<String> = Vec::new();
    for Stored { connection_id, payload, .. } in &stored {
        let fact: Fact = serde_json::from_str(payload)
            .map_err(|error| JobError::Damaged { what: "fact", why: error.to_string() })?;
        replaced.push(Uuid::from(fact.head().fact_id).to_string());
        facts.push(workspace_id, connection_id, written_ms, &fact);
    }
    // On their way they lose the person, like everything that is told of somebody erased.
    facts.keep(app, &format!("erasure {written_ms}")).await?;
    for replaced in replaced.chunks(IDS_MAX) {
        let condition = format!(
            "fact_id IN ({}) AND received_at < fromUnixTimestamp64Milli({written_ms})",
            listed(replaced.iter())
        );
        delete(app, workspace_id, "facts", &condition).await?;
    }
    Ok(stored.len() as u64)
}

fn ids<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<String> {
    objects.map(|(_, id)| id.clone()).collect()
}

/// Deletes every binding by the person's keys or visitors, and those the orders made. Answers how many.
pub(super) async fn delete_bindings(app: &App, workspace_id: &str, plan: &Plan) -> Result<u64, JobError> {
    let orders = plan.orders.keys().filter_map(|order| u128::from_str_radix(order, 16).ok());
    let made: Vec<String> =
        orders.map(|order| format!("{:032x}", resolve::binding_id(OrderId(order)))).collect();
    let mut deleted = 0;
    for (column, ids) in [
        ("person_key", plan.keys.iter().collect::<Vec<_>>()),
        ("visitor_id", plan.visitors.iter().collect()),
        ("binding_id", made.iter().collect()),
    ] {
        for ids in ids.chunks(IDS_MAX) {
            let condition = format!("{column} IN ({})", listed(uuids(ids.iter().copied()).iter()));
            deleted += delete(app, workspace_id, "bindings", &condition).await?;
        }
    }
    Ok(deleted)
}

/// Has the orders read anew from their facts.
pub(super) async fn mark_orders(app: &App, workspace_id: &str, plan: &Plan) -> Result<(), JobError> {
    let mark = |((_, id), _): &(Object, bool)| Subject {
        workspace_id: workspace_id.to_owned(),
        kind: SubjectKind::Order,
        id: id.clone(),
    };
    let marks: Vec<Subject> = plan.orders.values().map(mark).collect();
    app.control.mark_dirty(&marks, app.clock.now_ms()).await?;
    Ok(())
}

/// Deletes versions of the orders that still name somebody; the newest, which does not, stays.
pub(super) async fn delete_old_orders(app: &App, workspace_id: &str, plan: &Plan) -> Result<(), JobError> {
    let keys = PersonKeys::new(&app.secrets, workspace_id);
    let ids: Vec<&String> = plan.orders.keys().collect();
    for ids in ids.chunks(IDS_MAX) {
        let journeys: Vec<String> =
            ids.iter().map(|order| Uuid::from_u128(keys.journey(order)).to_string()).collect();
        let condition = format!(
            "order_id IN ({}) AND (customer_id != '' OR notEmpty(person_keys) \
             OR arrayExists(visitor -> visitor.1 NOT IN ({}), visitors))",
            listed(uuids(ids.iter().copied()).iter()),
            listed(journeys.iter()),
        );
        delete(app, workspace_id, "orders", &condition).await?;
    }
    Ok(())
}

/// Deletes every row of the person's visitors in a table. Answers how many.
pub(super) async fn delete_of_visitors(
    app: &App,
    workspace_id: &str,
    table: &'static str,
    plan: &Plan,
) -> Result<u64, JobError> {
    let mut deleted = 0;
    let ids: Vec<&String> = plan.visitors.iter().collect();
    for ids in ids.chunks(IDS_MAX) {
        let condition = format!("visitor_id IN ({})", listed(uuids(ids.iter().copied()).iter()));
        deleted += delete(app, workspace_id, table, &condition).await?;
    }
    Ok(deleted)
}

/// Deletes rows and waits until they are gone. The condition is made of names and ids of ours, never of text
/// from outside; quotes are taken out of the workspace, which has none by its form.
async fn delete(
    app: &App,
    workspace_id: &str,
    table: &'static str,
    condition: &str,
) -> Result<u64, JobError> {
    let workspace = workspace_id.replace(['\'', '\\'], "");
    let rows = format!("workspace_id = '{workspace}' AND {condition}");
    let client = app.store.client();
    let count = format!("SELECT count() FROM {table} WHERE {rows}");
    let found: u64 = client.query_raw(&count).fetch_one().await?;
    if found > 0 {
        let sql = format!("ALTER TABLE {table} DELETE WHERE {rows}");
        client.query_raw(&sql).with_setting("mutations_sync", "2").execute().await?;
    }
    Ok(found)
}

/// Ids as a list of quoted literals.
fn listed<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ")
}
