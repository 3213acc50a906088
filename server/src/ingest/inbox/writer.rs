//! The thread that owns the writing connection: one transaction and one sync for whatever queued.
//! After a failed commit nothing is acknowledged until a fresh connection has committed.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::webhooks::{Kept, NewWebhook};
use super::{InboxError, State, checkpoint, damage, schema};
use crate::ingest::outcome::{ACCEPTED, Outcome};
use crate::ingest::rows::{ROW_LAYOUT, Record, Records, Rows, Tally};
use crate::ingest::seen::{Mark, Seen};
use crate::metrics::METRICS;

/// Requests of one group. With lists of 100 hits a group stays far below one insert's rows.
const GROUP_REQUESTS_MAX: usize = 512;
/// Bytes written to the log between two checkpoints.
const CHECKPOINT_BYTES: u64 = 32 << 20;
/// Pages are written whole: the least a commit adds to the log is about two of them.
const LOG_BYTES_MIN: u64 = 16384;
/// Work on the connection outside a group; says whether the connection failed.
type Job = Box<dyn FnOnce(Result<&mut Connection, InboxError>) -> bool + Send>;

pub(super) enum Request {
    /// The marks of hits become known when they are durable.
    Append {
        records: Records,
        reply: oneshot::Sender<Result<(), InboxError>>,
    },
    Keep {
        webhook: NewWebhook,
        reply: oneshot::Sender<Result<Kept, InboxError>>,
    },
    Job(Job),
    Stop,
}

/// Starts the thread; it ends with the last sender or a `Stop`. Called within the runtime whose tasks wait for it.
pub(super) fn start(
    connection: Connection,
    receiver: mpsc::Receiver<Request>,
    state: Arc<State>,
) -> std::thread::JoinHandle<()> {
    let checkpoints = checkpoint::start(state.clone());
    let writer = Writer {
        connection: Some(connection),
        state,
        checkpoints,
        runtime: Handle::current(),
        log_bytes: 0,
        group: Group::default(),
    };
    std::thread::Builder::new()
        .name("inbox-writer".to_owned())
        .spawn(move || writer.run(receiver))
        .expect("the operating system gives a thread")
}

struct Writer {
    /// None after a failure, until a fresh one opens.
    connection: Option<Connection>,
    state: Arc<State>,
    checkpoints: SyncSender<()>,
    runtime: Handle,
    log_bytes: u64,
    group: Group,
}

/// What is committed together. The buffers stay for the next group.
#[derive(Default)]
struct Group {
    record: Record,
    tallies: Vec<Tally>,
    replies: Vec<oneshot::Sender<Result<(), InboxError>>>,
    webhooks: Vec<(NewWebhook, oneshot::Sender<Result<Kept, InboxError>>)>,
    received_to_ms: i64,
    /// Hits of this group.
    marks: HashSet<Mark>,
}

impl Writer {
    fn run(mut self, mut receiver: mpsc::Receiver<Request>) {
        let mut queue = Vec::with_capacity(GROUP_REQUESTS_MAX);
        let mut jobs: Vec<Job> = Vec::new();
        let mut stopping = false;
        while !stopping && receiver.blocking_recv_many(&mut queue, GROUP_REQUESTS_MAX) > 0 {
            for request in queue.drain(..) {
                match request {
                    Request::Append { records, reply } => {
                        self.group.replies.push(reply);
                        records.into_iter().for_each(|record| self.group.add(record, &self.state.seen));
                    }
                    Request::Keep { webhook, reply } => self.group.webhooks.push((webhook, reply)),
                    Request::Job(job) => jobs.push(job),
                    Request::Stop => stopping = true,
                }
            }
            if !self.group.replies.is_empty() || !self.group.webhooks.is_empty() {
                self.commit_group();
            }
            for job in jobs.drain(..) {
                self.log_bytes += LOG_BYTES_MIN;
                let failed = job(connected(&mut self.connection, &self.state));
                if failed {
                    self.connection = None;
                }
            }
            if self.log_bytes > CHECKPOINT_BYTES && self.checkpoints.try_send(()).is_ok() {
                self.log_bytes = 0;
            }
            if self.state.log_is_nearly_moved.swap(false, Ordering::Relaxed) {
                self.finish_checkpoint();
            }
        }
    }

    /// Moves the last pages of the log between two groups: nobody appends meanwhile, so the log is moved wholly and
    /// the next group writes over its beginning. A log that only ever grows costs every sync a second write, of the
    /// file's new length.
    fn finish_checkpoint(&mut self) {
        let Some(connection) = &self.connection else { return };
        if let Err(error) = checkpoint::checkpoint(connection) {
            let error = self.state.failed(&error);
            tracing::warn!(cause = %error, "the inbox's log was not moved into its file: {error}");
            self.connection = None;
        }
    }

    fn commit_group(&mut self) {
        self.group.tallies.append(&mut self.state.tallies.lock().expect("no holder panics"));
        let started = Instant::now();
        let done = connected(&mut self.connection, &self.state)
            .and_then(|connection| self.group.commit(connection).map_err(|error| self.state.failed(&error)));
        match done {
            Ok((kept, bytes)) => {
                METRICS.commit_seconds.record(started.elapsed());
                METRICS.group_requests.record((self.group.replies.len() + kept.len()) as f64);
                self.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
                let bodies: usize =
                    self.group.webhooks.iter().map(|(webhook, _)| webhook.sealed_body.len()).sum();
                self.log_bytes += bytes + bodies as u64 + LOG_BYTES_MIN;
                METRICS.hits[Outcome::Accepted.index()].increment(self.group.marks.len() as u64);
                self.group.marks.drain().for_each(|mark| self.state.seen.add(mark));
                self.answer_all();
                for ((_, reply), kept) in self.group.webhooks.drain(..).zip(kept) {
                    let _ = reply.send(Ok(kept));
                }
            }
            Err(error) => {
                METRICS.commit_failures.increment(1);
                tracing::error!(cause = %error, "the inbox refused a group: {error}");
                self.connection = None;
                self.state.keep_rejections(&mut self.group.tallies);
                for reply in self.group.replies.drain(..) {
                    let _ = reply.send(Err(error.clone()));
                }
                for (_, reply) in self.group.webhooks.drain(..) {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
        self.group.clear();
    }

    /// Tells everybody in the group at once, from within the runtime: its threads find all of them ready, where
    /// being told one by one from here they would go to sleep and be woken in between, as often as once a hit.
    fn answer_all(&mut self) {
        let room = Vec::with_capacity(self.group.replies.len());
        let replies = std::mem::replace(&mut self.group.replies, room);
        self.runtime.spawn(async move {
            for reply in replies {
                let _ = reply.send(Ok(()));
            }
        });
    }
}

/// The connection, opened again after a failure.
fn connected<'a>(
    connection: &'a mut Option<Connection>,
    state: &State,
) -> Result<&'a mut Connection, InboxError> {
    if let Some(why) = state.sync_failed.get() {
        return Err(InboxError::SyncFailed(why.clone()));
    }
    if connection.is_none() {
        let opened = schema::open(&state.path);
        *connection = Some(opened.map_err(|error| match error {
            damaged @ InboxError::Damaged { .. } => damaged,
            other => InboxError::Disk(other.to_string()),
        })?);
    }
    Ok(connection.as_mut().expect("opened above"))
}

impl Group {
    /// A hit that is durable, or in this group already, is not written again: its browser gave up on us and sent it,
    /// alone or in another list, while the first copy was on its way.
    fn add(&mut self, record: Record, seen: &Seen) {
        if let Some(mark) = record.mark
            && (seen.contains(mark) || !self.marks.insert(mark))
        {
            return;
        }
        let whole = &mut self.record;
        if record.received_at_ms != 0 {
            let first = whole.received_at_ms == 0;
            whole.received_at_ms =
                if first { record.received_at_ms } else { whole.received_at_ms.min(record.received_at_ms) };
            self.received_to_ms = self.received_to_ms.max(record.received_at_ms);
        }
        append(&mut whole.facets, &record.facets);
        append(&mut whole.touches, &record.touches);
        append(&mut whole.bindings, &record.bindings);
        append(&mut whole.hits, &record.hits);
        if let Some(tally) = record.tally {
            merge(&mut self.tallies, tally);
        }
    }

    /// Commits and answers what became of each webhook, and the bytes of the batch.
    fn commit(&mut self, connection: &mut Connection) -> rusqlite::Result<(Vec<Kept>, u64)> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let bytes = self.insert_batch(&transaction)?;
        let mut kept = Vec::with_capacity(self.webhooks.len());
        for (webhook, _) in &self.webhooks {
            kept.push(super::webhooks::insert(&transaction, webhook)?);
        }
        transaction.commit()?;
        Ok((kept, bytes))
    }

    fn insert_batch(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let mut outcomes = Rows::default();
        for tally in &self.tallies {
            let row = outcomes.row();
            row.string(&tally.workspace_id)
                .u32(tally.hour_s)
                .string(tally.outcome)
                .string(tally.kind)
                .u64(tally.hits);
        }
        let Record { facets, touches, bindings, hits, .. } = &self.record;
        let all = [facets, touches, bindings, hits, &outcomes];
        let bytes: usize = all.iter().map(|rows| rows.len_bytes()).sum();
        if bytes == 0 {
            return Ok(0);
        }
        let rows_max = all.iter().map(|rows| rows.count).max().unwrap_or(0);
        let numbers = [
            i64::from(ROW_LAYOUT),
            self.record.received_at_ms,
            self.received_to_ms,
            i64::from(hits.count),
            i64::from(touches.count),
            i64::from(bindings.count),
        ];
        connection
            .prepare_cached(
                "INSERT INTO batches (layout, received_from_ms, received_to_ms, rows_max, hit_count, \
                 touch_count, binding_count, bytes, facets, touches, bindings, hits, outcomes, checksum) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                ROW_LAYOUT,
                self.record.received_at_ms,
                self.received_to_ms,
                rows_max,
                hits.count,
                touches.count,
                bindings.count,
                bytes as i64,
                facets.blob(),
                touches.blob(),
                bindings.blob(),
                hits.blob(),
                outcomes.blob(),
                damage::checksum(&numbers, all.map(|rows| rows.blob())),
            ])?;
        Ok(bytes as u64)
    }

    fn clear(&mut self) {
        let Record { facets, touches, bindings, hits, received_at_ms, .. } = &mut self.record;
        for rows in [facets, touches, bindings, hits] {
            rows.count = 0;
            rows.writer.clear();
        }
        *received_at_ms = 0;
        self.received_to_ms = 0;
        self.marks.clear();
        self.tallies.clear();
    }
}

impl State {
    /// Counts of refused hits survive a failed commit; accepted ones were not accepted after all.
    fn keep_rejections(&self, tallies: &mut Vec<Tally>) {
        let mut waiting = self.tallies.lock().expect("no holder panics");
        for tally in tallies.drain(..).filter(|tally| tally.outcome != ACCEPTED) {
            merge(&mut waiting, tally);
        }
    }
}

fn append(whole: &mut Rows, part: &Rows) {
    whole.count += part.count;
    whole.writer.extend(part.writer.as_bytes());
}

/// Adds a tally to those of the same workspace, hour and outcome. The list stays short: workspaces seen
/// within one commit times outcomes.
pub(super) fn merge(tallies: &mut Vec<Tally>, tally: Tally) {
    let same = |known: &&mut Tally| {
        known.outcome == tally.outcome
            && known.kind == tally.kind
            && known.hour_s == tally.hour_s
            && known.workspace_id == tally.workspace_id
    };
    match tallies.iter_mut().find(same) {
        Some(known) => known.hits += tally.hits,
        None => tallies.push(tally),
    }
}
