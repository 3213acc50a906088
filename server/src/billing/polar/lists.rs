//! Polar's lists: which are read, in which order, and how far back. No list can be asked for what changed, so
//! each pass reads again what may have changed since.

use crate::billing::lists::{List, Pass, Reading};
use crate::billing::{ObjectKind, days_ms};

/// The version whose shapes the normaliser knows. Without it Polar answers in the newest one, which moves.
pub(super) const API_VERSION: &str = "2026-10";

/// The events the webhook endpoint has to send.
pub(super) const EVENTS: [&str; 23] = [
    "order.created",
    "order.updated",
    "order.paid",
    "order.refunded",
    "subscription.created",
    "subscription.updated",
    "subscription.active",
    "subscription.canceled",
    "subscription.uncanceled",
    "subscription.cycled",
    "subscription.revoked",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "refund.created",
    "refund.updated",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.state_changed",
    "checkout.created",
    "checkout.updated",
    "checkout.expired",
];

/// Oldest objects first where that is possible: an order's customer and checkout are there before it is folded.
pub(super) static LISTS: [List; 7] = [
    List {
        kind: ObjectKind::Checkout,
        path: "/v1/checkouts/",
        // The others became no order. Links make a checkout at every visit, so there are many of them.
        filters: &[("status", "succeeded")],
        scope: "checkouts:read",
        time_field: "created_at",
        reading: Reading::Newest { sorting: "-created_at" },
    },
    List {
        kind: ObjectKind::Subscription,
        path: "/v1/subscriptions/",
        filters: &[],
        scope: "subscriptions:read",
        time_field: "started_at",
        reading: Reading::Since { filter: "started_after", sorting: "started_at" },
    },
    // An order of a list does not say when it was paid, which for a charge that failed at first is days after it was
    // made. Polar's own journal does. Older than that journal, orders are booked when they were made.
    List {
        kind: ObjectKind::Payment,
        path: "/v1/events/",
        filters: &[("name", "order.paid"), ("source", "system")],
        scope: "events:read",
        time_field: "timestamp",
        reading: Reading::Since { filter: "start_timestamp", sorting: "timestamp" },
    },
    List {
        kind: ObjectKind::Order,
        path: "/v1/orders/",
        filters: &[],
        scope: "orders:read",
        time_field: "created_at",
        reading: Reading::Since { filter: "created_after", sorting: "created_at" },
    },
    List {
        kind: ObjectKind::Refund,
        path: "/v1/refunds/",
        filters: &[],
        scope: "refunds:read",
        time_field: "created_at",
        reading: Reading::Newest { sorting: "-created_at" },
    },
    List {
        kind: ObjectKind::Dispute,
        path: "/v1/disputes/",
        filters: &[],
        scope: "disputes:read",
        time_field: "created_at",
        reading: Reading::Newest { sorting: "-created_at" },
    },
    List {
        kind: ObjectKind::Customer,
        path: "/v1/customers/",
        filters: &[],
        scope: "customers:read",
        time_field: "created_at",
        reading: Reading::Newest { sorting: "-created_at" },
    },
];

/// How long after it was made an object may change unheard, by pass. `None`: as long as it exists.
pub(super) fn lookback_ms(kind: ObjectKind, pass: Pass) -> Option<i64> {
    match (pass, kind) {
        (Pass::History, _) => None,
        // A slow refund takes days, one that fails afterwards weeks; a bank decides on a dispute after months.
        // Both lists are short.
        (Pass::Recent, ObjectKind::Refund) => Some(days_ms(60)),
        (Pass::Recent, ObjectKind::Dispute) => Some(days_ms(240)),
        (Pass::Recent, _) => Some(days_ms(2)),
        // Subscriptions change all their life, and their list cannot be asked for that.
        (Pass::Deep, ObjectKind::Subscription | ObjectKind::Dispute) => None,
        (Pass::Deep, ObjectKind::Refund) => Some(days_ms(400)),
        // A failed charge is tried for 21 days; fees, invoices and refunds of the first weeks are covered too.
        (Pass::Deep, _) => Some(days_ms(60)),
    }
}
