//! The row of an order, written only when something in it changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use clickhouse::Row;
use domain::ids::{OrderId, VisitorId};
use domain::matching::Match;
use domain::money::{Conversion, Currency, Quoted, RateBook};
use domain::order::{Interval, OrderKind, OrderState, Reported, reported};
use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Joined;
use super::case::Case;
use super::load::uuids;
use crate::app::App;
use crate::jobs::{JobError, rates};
use crate::sql;
use crate::store::row_binary::RowWriter;

const COLUMNS: &str = "workspace_id, order_id, version, provider, connection_id, provider_order_id, status, kind, \
                       booked, created_at, paid_at, anchor_at, currency, net, discount, tax, total, fee, \
                       fee_currency, refunds, refund_excess, conversion, report_currency, report_net, \
                       report_gross, report_refunds, rate_day, rate_source, rate_own, rate_report, product_id, product_name, discount_code, \
                       discount_id, discount_name, partner_code, plan_interval, country, \
                       customer_id, subscription_id, checkout_id, root_order_id, visitor_id, match_method, match_field, \
                       match_evidence, disposable_email, person_keys, visitors, state_hash, updated_at";

/// The end of time that every column type holds: 2286-11-20.
const TIME_MS_MAX: i64 = 9_999_999_999_999;

/// Everything a row says.
pub(super) struct OrderRow<'a> {
    pub case: &'a Case<'a>,
    pub found: Match,
    pub root: OrderId,
    pub kind: OrderKind,
    pub person_keys: BTreeSet<u128>,
    pub visitors: BTreeSet<(VisitorId, i64, i64)>,
}

/// What a row says about whose visits the order is read from, as it is read back.
pub(super) fn joined(row: &OrderRow<'_>) -> Joined {
    let visitors =
        row.visitors.iter().map(|&(id, since_ms, until_ms)| (id.0, time(since_ms), time(until_ms)));
    let mut visitors: Vec<_> = visitors.collect();
    visitors.sort_unstable();
    Joined { is_known: row.found.is_known(), visitors }
}

#[derive(Row, Deserialize)]
struct Stored {
    #[serde(with = "clickhouse::serde::uuid")]
    order_id: Uuid,
    version: u64,
    state_hash: u64,
}

/// Writes the rows that differ from what is stored, as the next version.
pub(super) async fn store_changed(
    app: &App,
    workspace_id: &str,
    rows: &[OrderRow<'_>],
) -> Result<(), JobError> {
    let stored: Vec<Stored> = app
        .store
        .client()
        .query_raw(sql!("orders/states.sql"))
        .param("workspace", workspace_id)
        .param("orders", uuids(rows.iter().map(|row| row.case.id.0)))
        .fetch_all()
        .await?;
    let stored: HashMap<u128, (u64, u64)> = stored
        .into_iter()
        .map(|stored| (stored.order_id.as_u128(), (stored.version, stored.state_hash)))
        .collect();
    let directory = app.directory();
    let report: Option<Currency> =
        directory.workspaces.get(workspace_id).and_then(|workspace| workspace.currency.parse().ok());
    let is_foreign = |row: &OrderRow<'_>| report.is_some_and(|report| report != row.case.order.currency);
    let book = match rows.iter().any(is_foreign) {
        true => rates::book(app).await?,
        false => Arc::default(),
    };
    let now_ms = app.clock.now_ms();
    let mut out = Vec::new();
    let mut changed = 0_u64;
    for row in rows {
        let connection = directory.connections.iter().find(|connection| connection.id == row.case.connection);
        let provider = connection.map_or("", |connection| connection.provider.as_str());
        let state = row.state(provider, &InReportCurrency::of(row.case.order, report, &book));
        let front = Sha256::digest(&state);
        let state_hash = u64::from_le_bytes(front[..8].try_into().expect("a SHA-256 has 32 bytes"));
        let (version, known_hash) = stored.get(&row.case.id.0).copied().unwrap_or((0, 0));
        if version > 0 && known_hash == state_hash {
            continue;
        }
        let mut head = RowWriter::new();
        head.string(workspace_id).uuid(row.case.id.0).u64(version + 1);
        let mut tail = RowWriter::new();
        tail.u64(state_hash).i64(now_ms);
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&state);
        out.extend_from_slice(tail.as_bytes());
        changed += 1;
    }
    if changed > 0 {
        app.store.insert("orders", COLUMNS, "RowBinary", out.into(), None).await?;
        metrics::counter!("tributary_orders_changed_total").increment(changed);
    }
    Ok(())
}

impl OrderRow<'_> {
    /// The columns from `provider` to `visitors`, encoded: what the state hash is made of.
    fn state(&self, provider: &str, converted: &InReportCurrency) -> Vec<u8> {
        let OrderRow { case, found, root, kind, person_keys, visitors } = self;
        let order = case.order;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let booking = order.booking;
        let mut row = RowWriter::new();
        row.string(provider)
            .string(case.connection)
            .string(&order.object_id)
            .string(order.status.name())
            .i8(kind_number(*kind))
            .u8(u8::from(booking.is_some()))
            .i64(time(order.created_ms))
            .i64(booking.map_or(0, |booking| time(booking.at_ms)))
            .i64(time(case.anchor_ms()))
            .string(order.currency.code())
            .i64(booking.map_or(order.amounts.net_minor, |booking| booking.net_minor))
            .i64(order.amounts.discount_minor)
            .i64(booking.map_or(order.amounts.tax_minor, |booking| booking.tax_minor))
            .i64(order.amounts.total_minor)
            .i64(order.amounts.fee_minor)
            .string(order.fee_currency.as_ref().map_or("", |currency| currency.code()));
        let reversed: Vec<_> = order
            .refunds
            .iter()
            .filter_map(|refund| Some((refund, time(refund.reversed_at_ms?.max(refund.at_ms)))))
            .collect();
        // Reversals stand behind the refunds, in both arrays.
        row.array_len(order.refunds.len() + reversed.len());
        for refund in &order.refunds {
            row.uuid(refund.id.0)
                .i64(time(refund.at_ms))
                .i64(refund.amount_minor)
                .i64(refund.tax_minor)
                .string(refund.reason.as_deref().unwrap_or(""));
        }
        for (refund, at_ms) in &reversed {
            row.uuid(refund.id.0)
                .i64(*at_ms)
                .i64(-refund.amount_minor)
                .i64(-refund.tax_minor)
                .string("reversed");
        }
        row.i64(order.refund_excess_minor);
        converted.write(order, &mut row);
        row.string(&text(&order.product_id))
            .string(&text(&order.product_name))
            .string(&text(&order.discount_code))
            .string(&text(&order.discount_id))
            .string(&text(&order.discount_name))
            .string(&text(&order.partner_code))
            .string(order.interval.map_or("", Interval::name))
            .string(&text(&order.country))
            .string(&text(&order.customer_id))
            .string(&text(&order.subscription_id))
            .string(&text(&order.checkout_id))
            .uuid(root.0)
            .uuid(found.visitor.map_or(0, |visitor| visitor.0))
            .string(found.method.name())
            .string(&found.field);
        row.string(match (found.evidence, found.forged_fields.is_empty()) {
            (Some(evidence), _) => evidence.name(),
            (None, false) => "forged",
            (None, true) => "none",
        });
        row.u8(u8::from(case.buyer().email.is_some_and(|email| email.disposable)));
        row.array_len(person_keys.len());
        for &key in person_keys {
            row.uuid(key);
        }
        row.array_len(visitors.len());
        for &(visitor, since_ms, until_ms) in visitors {
            row.uuid(visitor.0).i64(time(since_ms)).i64(time(until_ms));
        }
        row.into_bytes()
    }
}

/// An order's money in the report currency, and how it came there.
struct InReportCurrency {
    quoted: Quoted,
    currency: Currency,
    amounts: Reported,
}

impl InReportCurrency {
    /// Without a rate, or when an amount would not fit, it stays as it is in its own currency.
    fn of(order: &OrderState, report: Option<Currency>, book: &RateBook) -> InReportCurrency {
        let paid_at_ms = order.booking.map_or(order.created_ms, |booking| booking.at_ms);
        let report = report.unwrap_or(order.currency);
        let quoted = book.quote(order.currency, report, paid_at_ms);
        if let Quoted::At(quote) = &quoted
            && let Some(amounts) = reported(order, &quote.conversion)
        {
            return InReportCurrency { quoted, currency: report, amounts };
        }
        let quoted = match quoted {
            Quoted::At(_) => Quoted::NotCarried(order.currency),
            other => other,
        };
        let amounts = reported(order, &Conversion::NONE).unwrap_or_default();
        InReportCurrency { quoted, currency: order.currency, amounts }
    }

    fn write(&self, order: &OrderState, row: &mut RowWriter) {
        let number = match self.quoted {
            Quoted::Same => 1,
            Quoted::At(_) => 2,
            Quoted::Waiting(_) => 3,
            Quoted::NotCarried(_) => 4,
        };
        let Reported { net_minor, gross_minor, refunds } = &self.amounts;
        row.i8(number).string(self.currency.code()).i64(*net_minor).i64(*gross_minor);
        let reversed = || {
            let both = order.refunds.iter().zip(refunds);
            both.filter(|(refund, _)| refund.reversed_at_ms.is_some()).map(|(_, amounts)| amounts)
        };
        row.array_len(refunds.len() + reversed().count());
        for (net_minor, gross_minor) in refunds {
            row.i64(*net_minor).i64(*gross_minor);
        }
        for (net_minor, gross_minor) in reversed() {
            row.i64(-net_minor).i64(-gross_minor);
        }
        match &self.quoted {
            Quoted::At(quote) => {
                row.u16(days_since_epoch(quote.day))
                    .string(&quote.source)
                    .string(&quote.own.to_string())
                    .string(&quote.report.to_string());
            }
            _ => {
                row.u16(0).string("").string("").string("");
            }
        }
    }
}

/// As the column type `Date` counts.
fn days_since_epoch(day: Date) -> u16 {
    let days = day.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days());
    u16::try_from(days).unwrap_or(0)
}

/// The number of a kind in `orders.kind` and `credits.kind`.
pub(super) fn kind_number(kind: OrderKind) -> i8 {
    match kind {
        OrderKind::New => 1,
        OrderKind::Renewal => 2,
        OrderKind::Upgrade => 3,
        OrderKind::OneTime => 4,
        OrderKind::Trial => 5,
    }
}

/// Into what `DateTime64(3)` holds and reads back.
fn time(at_ms: i64) -> i64 {
    at_ms.clamp(0, TIME_MS_MAX)
}
