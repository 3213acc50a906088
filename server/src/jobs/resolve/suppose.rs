//! Every order of a workspace under other bindings: whose visits each would be read from. Goes through the history by
//! pages, so that memory holds one page and what differs. Supposing writes nothing; reading anew writes the orders' rows.

use std::collections::HashMap;

use clickhouse::Row;
use domain::identity::BindingRules;
use serde::Deserialize;
use uuid::Uuid;

use super::batch::Batch;
use super::{Means, load, resolve_once, row};
use crate::app::App;
use crate::control::dirty::{Subject, SubjectKind};
use crate::jobs::JobError;
use crate::sql;

/// Orders of one page, the renewals that inherit from them not counted.
const PAGE_ORDERS: usize = 2_000;

/// To whose visits an order is joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Whether a visitor or person was found.
    pub is_known: bool,
    /// Visitor, since when and until when (not included) it counts, in milliseconds; sorted.
    pub visitors: Vec<(u128, i64, i64)>,
}

#[derive(Row, Deserialize)]
struct StoredJoin {
    #[serde(with = "clickhouse::serde::uuid")]
    order_id: Uuid,
    id: String,
    is_known: bool,
    visitor_ids: Vec<String>,
    since_ms: Vec<i64>,
    until_ms: Vec<i64>,
}

impl StoredJoin {
    fn joined(&self) -> Result<Joined, JobError> {
        let times = self.since_ms.iter().zip(&self.until_ms);
        let visitors = self.visitor_ids.iter().zip(times).map(|(id, (&since_ms, &until_ms))| {
            let id = Uuid::try_parse(id);
            let damaged = |error: uuid::Error| JobError::Damaged { what: "visitor", why: error.to_string() };
            Ok((id.map_err(damaged)?.as_u128(), since_ms, until_ms))
        });
        let mut visitors: Vec<_> = visitors.collect::<Result<_, JobError>>()?;
        visitors.sort_unstable();
        Ok(Joined { is_known: self.is_known, visitors })
    }
}

/// The orders with a journey of their own that would be joined to other visits if these bindings counted.
pub async fn joined_otherwise(
    app: &App,
    workspace_id: &str,
    rules: &BindingRules,
) -> Result<HashMap<u128, Joined>, JobError> {
    let means = Means::of(app, workspace_id);
    let matcher = means.matcher(workspace_id);
    let mut otherwise = HashMap::new();
    let mut after = Uuid::nil();
    loop {
        let page = page(app, workspace_id, after).await?;
        let Some(last) = page.last() else { return Ok(otherwise) };
        after = last.order_id;
        let told = load::told(app, workspace_id, subjects(workspace_id, &page).iter()).await?;
        let batch = Batch::load(app, &told, &matcher).await?;
        let mut supposed: HashMap<u128, Joined> =
            batch.rows(&matcher, rules).iter().map(|row| (row.case.id.0, row::joined(row))).collect();
        for stored in &page {
            let id = stored.order_id.as_u128();
            if let Some(joined) = supposed.remove(&id)
                && joined != stored.joined()?
            {
                otherwise.insert(id, joined);
            }
        }
    }
}

/// Brings every order up to date under the bindings that count now.
pub async fn read_anew(app: &App, workspace_id: &str) -> Result<(), JobError> {
    let mut after = Uuid::nil();
    loop {
        let page = page(app, workspace_id, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.order_id;
        resolve_once(app, workspace_id, subjects(workspace_id, &page).iter()).await?;
    }
}

async fn page(app: &App, workspace_id: &str, after: Uuid) -> Result<Vec<StoredJoin>, JobError> {
    let query = app
        .store
        .client()
        .query_raw(sql!("orders/joined.sql"))
        .param("workspace", workspace_id)
        .param("after", after.to_string())
        .param("limit", PAGE_ORDERS as u64);
    Ok(query.fetch_all().await?)
}

fn subjects(workspace_id: &str, page: &[StoredJoin]) -> Vec<Subject> {
    let subject = |stored: &StoredJoin| Subject {
        workspace_id: workspace_id.to_owned(),
        kind: SubjectKind::Order,
        id: stored.id.clone(),
    };
    page.iter().map(subject).collect()
}
