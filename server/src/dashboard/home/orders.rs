//! Lines of the latest orders.

use domain::money::Currency;

use crate::dashboard::show;
use crate::report::{OrderRow, Reports};

pub(super) struct OrderLine {
    pub(super) address: String,
    pub(super) when: String,
    pub(super) iso: String,
    pub(super) product: String,
    pub(super) kind: String,
    pub(super) net: String,
    pub(super) refunded: Option<String>,
    pub(super) currency: String,
    pub(super) matched: String,
    pub(super) evidence: String,
}

pub(super) fn order_line(order: &OrderRow, reports: &Reports) -> OrderLine {
    let currency: Option<Currency> = order.currency.parse().ok();
    let shown =
        |minor: i64| currency.map_or_else(|| minor.to_string(), |currency| show::digits(minor, currency));
    OrderLine {
        address: format!("/orders/{}", order.id),
        when: show::moment(order.at_ms, &reports.zone()),
        iso: show::iso(order.at_ms),
        product: match order.product_name.is_empty() {
            true => order.provider_order_id.clone(),
            false => order.product_name.clone(),
        },
        kind: if order.booked { show::word(&order.kind) } else { show::word(&order.status) },
        net: shown(order.net),
        refunded: (order.refunded != 0).then(|| shown(-order.refunded)),
        currency: order.currency.clone(),
        matched: matched(&order.match_method),
        evidence: order.match_evidence.clone(),
    }
}

/// The match badge's word.
pub(in crate::dashboard) fn matched(method: &str) -> String {
    match method {
        "" | "none" => "not matched".to_owned(),
        method => method.replace('_', " "),
    }
}
