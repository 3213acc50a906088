//! Watches how many sales carry their visitor, by the rule of `domain::match_watch`, and tells when that falls and
//! when it is well again: in the log, as a metric, on the dashboard, and to the workspace's endpoints. Never tells twice
//! of the same fall, never takes silence for recovery, and calls nobody itself.

use std::time::Duration;

use clickhouse::Row;
use domain::match_watch::{Drop, Look, Matched, RECENT_DAYS, USUAL_DAYS, look};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use super::JobError;
use super::turns::Turns;
use crate::app::App;
use crate::control::ControlError;
use crate::control::workspaces::Workspace;
use crate::events::{Event, EventType};
use crate::sql;

/// Longer than the rest, so that the looks stay one node's while it lives.
const LEASE: Duration = Duration::from_secs(900);
/// Between two looks.
const REST: Duration = Duration::from_secs(600);
const DAY_MS: i64 = 24 * 3_600_000;

/// Where a connection's alert is written down: whichever node looks, every node shows it, also after a restart.
fn place(connection: &str) -> String {
    format!("match alert {connection}")
}

/// The alerts that stand of one workspace's connections, as of the last look of any node.
pub async fn standing(app: &App, workspace_id: &str) -> Result<Vec<Alert>, ControlError> {
    let directory = app.directory();
    let mut standing = Vec::new();
    for connection in directory.connections.iter().filter(|known| known.workspace_id == workspace_id) {
        standing.extend(known(app, &connection.id).await?);
    }
    Ok(standing)
}

async fn known(app: &App, connection: &str) -> Result<Option<Alert>, ControlError> {
    let text = app.control.checkpoint(&place(connection)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// A fall of match quality on one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub connection: String,
    pub since_ms: i64,
    pub fall: Drop,
}

impl Alert {
    /// For people.
    pub fn sentence(&self) -> String {
        format!(
            "Fewer sales of {} carry their visitor: {} % of the revenue of {} sales over two days, {} % before. Does the checkout still pass the metadata?",
            self.connection,
            self.fall.recent_share_ppm / 10_000,
            self.fall.recent_orders,
            self.fall.usual_share_ppm / 10_000
        )
    }
}

/// Looks every ten minutes until `stop` says true, while this process holds the lease.
pub async fn run(app: App, may_hold_lease: bool, stop: watch::Receiver<bool>) {
    if !may_hold_lease {
        return;
    }
    let mut turns = Turns::new(&app, "match_watch", LEASE, REST, stop);
    while turns.next().await {
        if let Err(error) = step(&app).await {
            turns.failed();
            tracing::warn!(job = "match_watch", cause = %error, "match quality could not be looked at: {error}");
        }
    }
}

#[derive(Row, Deserialize)]
struct Counted {
    connection: String,
    usual_orders: u64,
    usual_orders_with_visitor: u64,
    usual_net: i64,
    usual_net_with_visitor: i64,
    recent_orders: u64,
    recent_orders_with_visitor: u64,
    recent_net: i64,
    recent_net_with_visitor: i64,
}

/// One look at every workspace.
pub async fn step(app: &App) -> Result<(), JobError> {
    let now_ms = app.clock.now_ms();
    let recent_ms = now_ms - RECENT_DAYS * DAY_MS;
    let workspaces: Vec<_> = app.directory().workspaces.values().cloned().collect();
    for workspace in workspaces {
        let counted: Vec<Counted> = app
            .store
            .client()
            .query_raw(sql!("orders/match_watch.sql"))
            .param("workspace", &workspace.id)
            .param("from_ms", recent_ms - USUAL_DAYS * DAY_MS)
            .param("recent_ms", recent_ms)
            .param("to_ms", now_ms + 1)
            .fetch_all()
            .await?;
        // A connection that sells nothing is looked at as well: its alert stands until it sells.
        let directory = app.directory();
        for connection in directory.connections.iter().filter(|known| known.workspace_id == workspace.id) {
            let counted = counted.iter().find(|row| row.connection == connection.id);
            let (usual, recent) = counted.map_or_else(Default::default, Counted::matched);
            tell(app, &workspace, &connection.id, usual, recent, now_ms).await?;
        }
    }
    Ok(())
}

impl Counted {
    /// The usual days and the recent ones.
    fn matched(&self) -> (Matched, Matched) {
        let usual = Matched {
            orders: self.usual_orders,
            orders_with_visitor: self.usual_orders_with_visitor,
            net_minor: self.usual_net,
            net_with_visitor_minor: self.usual_net_with_visitor,
        };
        let recent = Matched {
            orders: self.recent_orders,
            orders_with_visitor: self.recent_orders_with_visitor,
            net_minor: self.recent_net,
            net_with_visitor_minor: self.recent_net_with_visitor,
        };
        (usual, recent)
    }
}

/// Tells of what changed, once, and writes down the alert that stands now.
async fn tell(
    app: &App,
    workspace: &Workspace,
    connection: &str,
    usual: Matched,
    recent: Matched,
    now_ms: i64,
) -> Result<(), JobError> {
    let name = place(connection);
    let known = known(app, connection).await?;
    let looked = look(usual, recent, known.as_ref().map(|alert| alert.fall));
    let stands = matches!(looked, Look::Fallen(_)) || (looked == Look::TooFew && known.is_some());
    let gauge = metrics::gauge!("tributary_match_quality_dropped", "connection" => connection.to_owned());
    gauge.set(if stands { 1.0 } else { 0.0 });
    let alert = match (known, looked) {
        (_, Look::TooFew) | (None, Look::Well) => return Ok(()),
        (Some(_), Look::Well) => {
            tracing::info!(connection, "match quality of {connection} is well again");
            app.control.set_checkpoint(&name, "", now_ms).await?;
            return Ok(());
        }
        (Some(known), Look::Fallen(fall)) => Alert { fall, ..known },
        (None, Look::Fallen(fall)) => {
            let alert = Alert { connection: connection.to_owned(), since_ms: now_ms, fall };
            tracing::warn!(connection, "{}", alert.sentence());
            alert
        }
    };
    tell_others(app, workspace, &alert, now_ms).await?;
    let text = serde_json::to_string(&alert).expect("an alert is plain values");
    Ok(app.control.set_checkpoint(&name, &text, now_ms).await?)
}

/// Tells the workspace's endpoints, once.
async fn tell_others(app: &App, workspace: &Workspace, alert: &Alert, now_ms: i64) -> Result<(), JobError> {
    let data = json!({
        "connection": alert.connection,
        "usual_share_ppm": alert.fall.usual_share_ppm,
        "recent_share_ppm": alert.fall.recent_share_ppm,
        "recent_orders": alert.fall.recent_orders,
        "sentence": alert.sentence(),
    });
    let parts = [alert.connection.as_str(), &alert.since_ms.to_string()];
    let event = Event::new(EventType::MatchQualityDropped, &workspace.id, &parts, alert.since_ms, data);
    Ok(app.control.tell(&[event], now_ms).await?)
}
