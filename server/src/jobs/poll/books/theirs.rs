//! The provider's side of a comparison: its lists, read page by page, and what they come to.

use std::collections::BTreeMap;

use domain::books::{Entry, Posting, View};
use domain::report::Period;

use crate::billing::books::Said;
use crate::billing::http::{self, ApiError, Page};
use crate::billing::lists::List;
use crate::billing::{ObjectKind, Provider};
use crate::control::connections::Connection;
use crate::jobs::poll::state::Cursor;
use crate::outbound::Outbound;

/// Disputes are decided long after their orders were made.
const DISPUTE_LAG_MS: i64 = 240 * 86_400_000;

/// How far the lists were read, and what they said. Held in memory: a kill begins anew, since nothing is written.
pub struct Reading {
    /// Position among the lists that are read.
    list: usize,
    cursor: Cursor,
    said: Vec<Said>,
    pub started_ms: i64,
    /// Orders from here on are read.
    pub since_ms: i64,
    pub objects: u64,
    /// Objects that did not read: they count as missing there, and the log says so.
    pub unread: u64,
    pub failures: u32,
    pub next_at_ms: i64,
}

impl Reading {
    pub fn begin(started_ms: i64, since_ms: i64) -> Reading {
        Reading {
            list: 0,
            cursor: Cursor::default(),
            said: Vec::new(),
            started_ms,
            since_ms,
            objects: 0,
            unread: 0,
            failures: 0,
            next_at_ms: 0,
        }
    }

    /// Reads one page; `true` when there is nothing left to read.
    pub async fn page(
        &mut self,
        outbound: &Outbound,
        provider: &'static dyn Provider,
        connection: &Connection,
        view: View,
        end_ms: i64,
    ) -> Result<bool, ApiError> {
        let Some(list) = lists(provider, view).nth(self.list) else { return Ok(true) };
        let since_ms = match list.kind {
            ObjectKind::Dispute => self.since_ms - DISPUTE_LAG_MS,
            _ => self.since_ms,
        };
        let query = self.cursor.query(list, Some(since_ms));
        let answer = http::get(outbound, provider, connection, list.path, &query, list.scope).await?;
        let page = Page::read(answer)?;
        let mut is_done = self.cursor.advance(list, Some(since_ms), &page);
        self.objects += page.items.len() as u64;
        for item in &page.items {
            match provider.said(list.kind, item) {
                Ok(Some(said)) => {
                    // Oldest first: behind the period nothing more is asked for.
                    is_done |= matches!(&said, Said::Order { created_ms, .. } if *created_ms >= end_ms);
                    self.said.push(said);
                }
                Ok(None) => {}
                Err(error) => {
                    self.unread += 1;
                    tracing::warn!(connection = connection.id, "comparison of {}: {error}", connection.id);
                }
            }
        }
        metrics::counter!("tributary_comparison_objects_total", "provider" => provider.name())
            .increment(page.items.len() as u64);
        if is_done {
            self.list += 1;
            self.cursor = Cursor::default();
        }
        Ok(is_done && lists(provider, view).nth(self.list).is_none())
    }

    /// What the provider says of every order read, by id. One that changed at or after `fresh_ms` may have its webhook
    /// on the way.
    pub fn entries(&mut self, view: View, period: &Period, fresh_ms: i64) -> BTreeMap<String, Entry> {
        let mut orders = BTreeMap::new();
        // What was given back, by order: refunds and lost disputes, each with its time.
        let mut refunds: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        let mut disputes: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for said in std::mem::take(&mut self.said) {
            match said {
                Said::Order { ref id, .. } => {
                    orders.insert(id.clone(), said);
                }
                Said::Refund { order_id, at_ms, amount_minor } => {
                    refunds.entry(order_id).or_default().push((at_ms, amount_minor));
                }
                Said::Dispute { order_id, at_ms, amount_minor } => {
                    disputes.entry(order_id).or_default().push((at_ms, amount_minor));
                }
            }
        }
        let of = |given: &BTreeMap<String, Vec<(i64, i64)>>, id: &str| {
            let mut given = given.get(id).cloned().unwrap_or_default();
            given.sort_unstable();
            // A row that two pages held is one row.
            given.dedup();
            given
        };
        let entries = orders.into_iter().filter_map(|(id, said)| {
            let entry = entry(said, &of(&refunds, &id), &of(&disputes, &id), view, period, fresh_ms)?;
            Some((id, entry))
        });
        entries.collect()
    }
}

/// What a comparison reads: orders, then what was given back. By the day orders were made, orders count their refunds
/// themselves.
fn lists(provider: &'static dyn Provider, view: View) -> impl Iterator<Item = &'static List> {
    let wanted = move |list: &&List| match list.kind {
        ObjectKind::Order | ObjectKind::Dispute => true,
        ObjectKind::Refund => view == View::Cash,
        ObjectKind::Subscription | ObjectKind::Customer | ObjectKind::Checkout | ObjectKind::Payment => false,
    };
    provider.lists().iter().filter(wanted)
}

fn entry(
    said: Said,
    refunds: &[(i64, i64)],
    disputes: &[(i64, i64)],
    view: View,
    period: &Period,
    fresh_ms: i64,
) -> Option<Entry> {
    let Said::Order { id, created_ms, changed_ms, status, paid, currency, net_minor, refunded_minor } = said
    else {
        return None;
    };
    if view == View::Order && !(period.start_ms()..period.end_ms()).contains(&created_ms) {
        // The last page may hold orders made after the period.
        return None;
    }
    let day = |at_ms| match view {
        View::Order => period.day_of(created_ms),
        View::Cash => period.day_of(at_ms),
    };
    let mut postings = Vec::new();
    if paid {
        postings.push(Posting { day: day(created_ms), paid_minor: net_minor, refunded_minor: 0 });
        let mut counted = refunded_minor;
        if view == View::Cash {
            for &(at_ms, amount_minor) in refunds {
                postings.push(Posting { day: day(at_ms), paid_minor: 0, refunded_minor: amount_minor });
                counted -= amount_minor;
            }
        }
        if counted != 0 {
            // By the order's own count; by cash only what no refund explains, on the day of its newest change.
            postings.push(Posting { day: day(changed_ms), paid_minor: 0, refunded_minor: counted });
        }
        let mut left = (net_minor - refunded_minor).max(0);
        for &(at_ms, amount_minor) in disputes {
            let taken = amount_minor.min(left);
            left -= taken;
            postings.push(Posting { day: day(at_ms), paid_minor: 0, refunded_minor: taken });
        }
    }
    let is_fresh = changed_ms >= fresh_ms;
    Some(Entry { order_id: id, status: status.to_owned(), currency, postings, is_fresh })
}
