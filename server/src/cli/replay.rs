//! `tributary replay`: kept webhooks are applied again, those that failed or all of some days. Opens the inbox only: a
//! running server does the work.

use anyhow::ensure;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::Config;
use crate::ingest::inbox::{self, Inbox, Meant, Replay};

/// Failed webhooks read at once for the list.
const LISTED_AT_ONCE: usize = 1_000;

/// Apply kept webhooks again. A running server notices within a second.
#[derive(clap::Args)]
pub struct ReplayWebhooks {
    /// Every webhook that failed (the default).
    #[arg(long, conflicts_with = "events")]
    failed: bool,
    /// Only the failed webhook with this event id; repeat for several.
    #[arg(long = "event", value_name = "ID")]
    events: Vec<String>,
    /// Only those of this connection, con_….
    #[arg(long)]
    connection: Option<String>,
    /// Only those of this type, such as order.paid, or poll.order for an object of a list.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// List them with their errors instead of applying them again.
    #[arg(long)]
    list: bool,
    /// Every webhook kept since this day (UTC), also those that applied: when a new version reads more of them. What was
    /// read before is not read twice.
    #[arg(long, value_name = "DAY", conflicts_with_all = ["failed", "events", "connection", "event_type", "list"])]
    since: Option<Date>,
}

impl ReplayWebhooks {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let options = inbox::Options {
            bytes_max: config.inbox.bytes_max,
            hits_remembered: config.collector.hits_remembered,
        };
        let inbox = Inbox::open(&config.data_dir, options)?;
        if let Some(day) = self.since {
            let received_at_ms = day.to_zoned(TimeZone::UTC)?.timestamp().as_millisecond();
            return again(inbox, Replay::Since { received_at_ms }).await;
        }
        for event in &self.events {
            let one = Meant { event_ids: vec![event.clone()], ..Meant::default() };
            let is_known = !inbox.failed_webhooks(&one, 0, 1).await?.is_empty();
            ensure!(is_known, "no failed webhook has the event id {event:?}");
        }
        let meant = Meant {
            workspace_id: None,
            connection_id: self.connection,
            event_type: self.event_type,
            event_ids: self.events,
        };
        if self.list {
            let mut after = 0;
            loop {
                let page = inbox.failed_webhooks(&meant, after, LISTED_AT_ONCE).await?;
                let Some(last) = page.last() else { break };
                after = last.id;
                for webhook in page {
                    let (event, attempts) = (&webhook.event_id, webhook.attempts);
                    let (kind, error) = (webhook.event_type(), webhook.error());
                    println!("{event}\t{}\t{kind}\t{attempts}\t{error}", webhook.connection_id);
                }
            }
            inbox.close().await;
            return Ok(());
        }
        again(inbox, Replay::Failed(meant)).await
    }
}

async fn again(inbox: Inbox, which: Replay) -> anyhow::Result<()> {
    let webhooks = inbox.replay_webhooks(which).await?;
    inbox.close().await;
    println!("{webhooks} webhooks are applied again by the running server, or by `tributary reconcile`");
    Ok(())
}
