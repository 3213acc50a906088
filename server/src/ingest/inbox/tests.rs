//! What the inbox promises: durable when answered, once per event, the same bytes at every attempt, an
//! honest refusal when the disk refuses.

use super::*;
use crate::ingest::outcome::ACCEPTED;
use crate::ingest::rows::{Rows, Table};
use crate::ingest::site::salt_of;

const MIB: u64 = 1 << 20;

fn open(dir: &Path) -> Inbox {
    Inbox::open(dir, Options { bytes_max: 64 * MIB, hits_remembered: 1000 }).unwrap()
}

/// A record of one hit row with a payload of `bytes_len` bytes.
fn hit(received_at_ms: i64, bytes_len: usize) -> Record {
    let mut record = Record { received_at_ms, ..Record::default() };
    record.hits.row().string(&"x".repeat(bytes_len));
    record.tally = Some(tally(ACCEPTED, 1));
    record
}

fn tally(outcome: &'static str, hits: u64) -> Tally {
    Tally { workspace_id: "ws_a".into(), hour_s: 3600, outcome, kind: "page", hits }
}

fn webhook(event_id: &str) -> NewWebhook {
    NewWebhook {
        provider: "polar".into(),
        workspace_id: "ws_a".into(),
        connection_id: "con_1".into(),
        event_id: event_id.into(),
        event_type: Some("order.paid".into()),
        received_at_ms: 5,
        sealed_body: vec![1, 2, 3],
    }
}

#[tokio::test]
async fn answered_records_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    let appended = (0..40).map(|n| {
        let inbox = inbox.clone();
        tokio::spawn(async move { inbox.append([hit(1000 + n, 10)]).await })
    });
    for done in futures::future::join_all(appended).await {
        done.unwrap().unwrap();
    }
    let (waiting, id) = (inbox.waiting_bytes(), inbox.id().to_owned());
    inbox.close().await;
    assert!(matches!(inbox.append([hit(1, 1)]).await, Err(InboxError::Closed)));

    let inbox = open(dir.path());
    assert_eq!((inbox.waiting_bytes(), inbox.id()), (waiting, id.as_str()));
    let unit = inbox.next_unit(1000).await.unwrap().unwrap();
    let rows = inbox.unit_rows(&unit).await.unwrap();
    assert_eq!((rows.hit_count, rows.received_from_ms, rows.received_to_ms), (40, 1000, 1039));
    assert_eq!(rows.tables[3].len(), 40 * 11);
}

#[tokio::test]
async fn a_sealed_unit_keeps_its_rows_while_more_arrives_and_across_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    inbox.append([hit(1, 5)]).await.unwrap();
    let sealed = inbox.next_unit(1000).await.unwrap().unwrap();
    let before = inbox.unit_rows(&sealed).await.unwrap().tables;
    inbox.append([hit(2, 7)]).await.unwrap();
    assert_eq!(inbox.next_unit(1000).await.unwrap().unwrap(), sealed);
    inbox.close().await;

    let inbox = open(dir.path());
    let again = inbox.next_unit(1000).await.unwrap().unwrap();
    assert_eq!(again, sealed);
    assert_eq!(inbox.unit_rows(&again).await.unwrap().tables, before);
    inbox.unit_delivered(&again, 10).await.unwrap();
    let next = inbox.next_unit(1000).await.unwrap().unwrap();
    assert!(next.id > sealed.id);
    assert_eq!(inbox.unit_rows(&next).await.unwrap().received_from_ms, 2);
    inbox.unit_delivered(&next, 11).await.unwrap();
    assert_eq!((inbox.next_unit(1000).await.unwrap(), inbox.waiting_bytes()), (None, 0));
}

#[tokio::test]
async fn units_close_at_the_hit_limit() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    for n in 0..5 {
        inbox.append([hit(n + 1, 5)]).await.unwrap();
    }
    let mut sizes = Vec::new();
    while let Some(unit) = inbox.next_unit(2).await.unwrap() {
        sizes.push(inbox.unit_rows(&unit).await.unwrap().hit_count);
        inbox.unit_delivered(&unit, 1).await.unwrap();
    }
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn a_full_inbox_refuses_until_something_is_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), Options { bytes_max: 300, hits_remembered: 10 }).unwrap();
    inbox.append([hit(1, 120)]).await.unwrap();
    inbox.append([hit(2, 100)]).await.unwrap();
    assert!(matches!(inbox.append([hit(3, 120)]).await, Err(InboxError::Full)));
    assert_eq!(inbox.keep_webhook(webhook("e")).await.unwrap(), Kept::New, "money is never refused for room");
    let unit = inbox.next_unit(1000).await.unwrap().unwrap();
    inbox.unit_delivered(&unit, 1).await.unwrap();
    inbox.append([hit(3, 120)]).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_the_group_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    inbox.append([hit(1, 10)]).await.unwrap();
    // SQLite's own page limit makes an honest SQLITE_FULL, as a disk without room does.
    let limit = |pages: i64| {
        inbox.write(move |connection| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))
        })
    };
    let pages = limit(1).await.unwrap();
    inbox.count(tally("bot", 3));
    let refused = inbox.append([hit(2, 100_000)]).await;
    assert!(matches!(refused, Err(InboxError::Disk(_))), "{refused:?}, {pages} pages");
    // A fresh connection has no limit: room again.
    inbox.append([hit(3, 100_000)]).await.unwrap();
    let unit = inbox.next_unit(1000).await.unwrap().unwrap();
    let rows = inbox.unit_rows(&unit).await.unwrap();
    assert_eq!(rows.hit_count, 2, "the refused one is not there");
    let outcomes = String::from_utf8_lossy(&rows.tables[4]).into_owned();
    assert_eq!(outcomes.matches("bot").count(), 1, "refused hits stay counted");
    assert_eq!(outcomes.matches(ACCEPTED).count(), 2);
}

#[tokio::test]
async fn webhooks_are_kept_once_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    assert_eq!(inbox.keep_webhook(webhook("evt_1")).await.unwrap(), Kept::New);
    assert_eq!(inbox.keep_webhook(webhook("evt_1")).await.unwrap(), Kept::Duplicate);
    let kept = inbox.pending_webhooks(10).await.unwrap();
    assert_eq!((kept.len(), kept[0].sealed_body.as_slice()), (1, &[1u8, 2, 3][..]));
    inbox.webhooks_applied(&[kept[0].id]).await.unwrap();
    inbox.close().await;
    let inbox = open(dir.path());
    assert_eq!(inbox.keep_webhook(webhook("evt_1")).await.unwrap(), Kept::Duplicate);
    assert!(inbox.pending_webhooks(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_failed_webhook_stays_with_its_error_and_can_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    inbox.keep_webhook(webhook("evt_1")).await.unwrap();
    inbox.keep_webhook(webhook("evt_2")).await.unwrap();
    let first = inbox.pending_webhooks(1).await.unwrap().remove(0);
    inbox.webhook_failed(first.id, "no such field").await.unwrap();
    let failed = inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap();
    assert_eq!((failed.len(), failed[0].attempts, failed[0].error()), (1, 1, "no such field"));
    let all = || Replay::Failed(Meant::default());
    assert_eq!(inbox.replay_webhooks(all()).await.unwrap(), 1);
    assert_eq!(inbox.pending_webhooks(10).await.unwrap().len(), 2);
    assert_eq!(inbox.replay_webhooks(all()).await.unwrap(), 0, "already pending");
    inbox.webhooks_applied(&[first.id]).await.unwrap();
    assert_eq!(inbox.replay_webhooks(Replay::Since { received_at_ms: 5 }).await.unwrap(), 1);
}

#[tokio::test]
async fn failed_webhooks_are_counted_listed_and_replayed_only_as_they_are_meant() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    for (n, workspace) in ["ws_a", "ws_a", "ws_b", "ws_a"].into_iter().enumerate() {
        let event_type = (n != 3).then(|| "order.paid".to_owned());
        let event_id = format!("e{n}");
        let new = NewWebhook { workspace_id: workspace.into(), event_type, event_id, ..webhook("") };
        inbox.keep_webhook(new).await.unwrap();
    }
    for webhook in inbox.pending_webhooks(10).await.unwrap() {
        inbox.webhook_failed(webhook.id, "no such field").await.unwrap();
    }
    let own = Meant { workspace_id: Some("ws_a".into()), ..Meant::default() };
    let counts = inbox.failed_counts(&own).await.unwrap();
    let counts: Vec<_> = counts.iter().map(|count| (count.event_type.as_str(), count.webhooks)).collect();
    assert_eq!(counts, [("order.paid", 2), ("no type", 1)]);
    let first = inbox.failed_webhooks(&own, 0, 1).await.unwrap();
    let rest = inbox.failed_webhooks(&own, first[0].id, 10).await.unwrap();
    let told: Vec<_> = first.iter().chain(&rest).map(|webhook| webhook.event_id.as_str()).collect();
    assert_eq!(told, ["e0", "e1", "e3"]);

    let typeless = Meant { event_type: Some("no type".into()), ..own.clone() };
    assert_eq!(inbox.replay_webhooks(Replay::Failed(typeless)).await.unwrap(), 1);
    let foreign = Meant { event_ids: vec!["e2".into(), "e9".into()], ..own.clone() };
    assert_eq!(inbox.replay_webhooks(Replay::Failed(foreign)).await.unwrap(), 0, "another workspace's");
    assert_eq!(inbox.replay_webhooks(Replay::Failed(own)).await.unwrap(), 2);
    assert_eq!(inbox.failed_webhooks(&Meant::default(), 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn delivered_units_stay_for_replay_as_long_as_they_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    for delivered_at_ms in [100, 200, 300] {
        inbox.append([hit(delivered_at_ms, 10)]).await.unwrap();
        let unit = inbox.next_unit(10).await.unwrap().unwrap();
        inbox.unit_delivered(&unit, delivered_at_ms).await.unwrap();
    }
    assert_eq!(inbox.drop_delivered(150).await.unwrap(), 1);
    assert_eq!(inbox.replay_units(0).await.unwrap(), 2);
    let unit = inbox.next_unit(10).await.unwrap().unwrap();
    assert_eq!(inbox.unit_rows(&unit).await.unwrap().received_from_ms, 200);
    inbox.unit_delivered(&unit, 400).await.unwrap();
    assert_eq!(inbox.drop_delivered(0).await.unwrap(), 0);
}

#[tokio::test]
async fn delivered_units_give_way_before_the_inbox_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), Options { bytes_max: 500, hits_remembered: 10 }).unwrap();
    for n in 1..=4 {
        inbox.append([hit(n, 150)]).await.unwrap();
        let unit = inbox.next_unit(10).await.unwrap().unwrap();
        inbox.unit_delivered(&unit, n).await.unwrap();
    }
    assert!(inbox.drop_delivered(0).await.unwrap() >= 2, "four of them are more than the budget");
    let rows = inbox.replay_units(0).await.unwrap();
    assert!((1..=2).contains(&rows), "the newest stay: {rows}");
}

#[tokio::test]
async fn counts_without_hits_become_rows_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    inbox.keep_counts().await.unwrap();
    assert_eq!(inbox.next_unit(10).await.unwrap(), None, "nothing was counted");
    inbox.count(tally("bot", 2));
    inbox.count(tally("bot", 3));
    inbox.keep_counts().await.unwrap();
    let unit = inbox.next_unit(10).await.unwrap().unwrap();
    let rows = inbox.unit_rows(&unit).await.unwrap();
    let outcomes = &rows.tables[Table::ALL.iter().position(|table| *table == Table::Outcomes).unwrap()];
    assert!(outcomes.ends_with(&5u64.to_le_bytes()));
    assert_eq!(rows.hit_count, 0);
}

#[tokio::test]
async fn one_process_claims_an_inbox() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    first.claim().await.unwrap();
    let second = open(dir.path());
    let refused = second.claim().await.unwrap_err();
    assert!(matches!(refused, InboxError::InUse { .. }));
    assert!(refused.to_string().contains("another process"), "{refused}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let file = Connection::open(dir.path().join(FILE)).unwrap();
    file.execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(
        Inbox::open(dir.path(), Options { bytes_max: MIB, hits_remembered: 10 }),
        Err(InboxError::Newer { found: 99, .. })
    ));
}

/// A record of one whole hit row.
fn marked(inbox: &Inbox, id: u128) -> Record {
    let mut record = hit(1000, 0);
    record.hits = Rows::default();
    let row = record.hits.row();
    row.string("ws_a").uuid(id).i8(1).i64(1000).i64(1000).uuid(0).i8(0).uuid(0);
    for _ in 0..10 {
        row.string("x");
    }
    row.i64(0).u32(0);
    record.mark = Some(inbox.seen().mark(salt_of("ws_a"), id));
    record
}

#[tokio::test]
async fn a_record_whose_hits_are_known_is_answered_and_not_kept_again() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    // Side by side, as when a browser gives up on us and sends again at once.
    let twice = futures::future::join(inbox.append([marked(&inbox, 1)]), inbox.append([marked(&inbox, 1)]));
    assert!(matches!(twice.await, (Ok(()), Ok(()))));
    inbox.append([marked(&inbox, 1)]).await.unwrap();
    inbox.append([marked(&inbox, 2)]).await.unwrap();
    let unit = inbox.next_unit(1000).await.unwrap().unwrap();
    assert_eq!(inbox.unit_rows(&unit).await.unwrap().hit_count, 2);
}

#[tokio::test]
async fn of_lists_that_overlap_every_hit_is_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    let list = |ids: [u128; 2]| inbox.append(ids.map(|id| marked(&inbox, id)));
    let all = futures::future::join3(list([1, 2]), list([2, 3]), list([3, 1]));
    assert!(matches!(all.await, (Ok(()), Ok(()), Ok(()))));
    list([3, 4]).await.unwrap();
    let unit = inbox.next_unit(1000).await.unwrap().unwrap();
    assert_eq!(inbox.unit_rows(&unit).await.unwrap().hit_count, 4);
}

#[tokio::test]
async fn a_unit_closes_before_it_is_too_large_to_hold_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = Inbox::open(dir.path(), Options { bytes_max: 1 << 30, hits_remembered: 10 }).unwrap();
    for n in 0..3 {
        inbox.append([hit(n + 1, 30 << 20)]).await.unwrap();
    }
    let mut sizes = Vec::new();
    while let Some(unit) = inbox.next_unit(1000).await.unwrap() {
        sizes.push(inbox.unit_rows(&unit).await.unwrap().hit_count);
        inbox.unit_delivered(&unit, 1).await.unwrap();
    }
    assert_eq!(sizes, [2, 1]);
}

#[tokio::test]
async fn hits_are_known_again_after_a_restart_delivered_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let inbox = open(dir.path());
    inbox.append([marked(&inbox, 1)]).await.unwrap();
    let unit = inbox.next_unit(1000).await.unwrap().unwrap();
    inbox.unit_delivered(&unit, 5000).await.unwrap();
    inbox.append([marked(&inbox, 2)]).await.unwrap();
    inbox.close().await;
    drop(inbox);

    let inbox = open(dir.path());
    let knows = |id| inbox.seen().contains(inbox.seen().mark(salt_of("ws_a"), id));
    assert!(!knows(1) && !knows(2));
    inbox.claim().await.unwrap();
    assert!(knows(1) && knows(2) && !knows(3));
}
