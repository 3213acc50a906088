//! The strip of key figures, and the proof above it.

use domain::order::Basis;
use domain::report::{ChannelRow, Reconciliation, order_count};

use crate::dashboard::show;

/// One number of the strip.
pub(super) struct Figure {
    pub(super) title: &'static str,
    pub(super) value: String,
    pub(super) unit: String,
    pub(super) note: String,
    pub(super) change: Option<String>,
    /// Whether the change is for the better, when there is one.
    pub(super) better: bool,
}

pub(super) struct ProofLine {
    pub(super) provider: String,
    pub(super) attributed: String,
    pub(super) direct: String,
    pub(super) unattributed: String,
    pub(super) outside: Option<String>,
    pub(super) exact: bool,
    pub(super) difference: String,
    pub(super) currency: String,
}

pub(super) fn figures(total: &ChannelRow, basis: Basis) -> Vec<Figure> {
    let (title, per_visitor) = match basis {
        Basis::Net => ("Net revenue", "net revenue"),
        Basis::Gross => ("Gross revenue", "gross revenue"),
    };
    let currency = total.currency;
    let amount = |minor| show::digits(minor, currency);
    let before = total.previous;
    let change = |now: i64, before: Option<i64>| -> Option<String> {
        let before = before?;
        show::change(domain::report::ratio_ppm(now - before, before.abs()))
    };
    let signed = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    let figure = |title, value: String, unit: &str, note: String| Figure {
        title,
        value,
        unit: unit.to_owned(),
        note,
        change: None,
        better: true,
    };
    let renewals = total.sums.orders_parts - total.sums.new_orders_parts;
    let mut net = figure(title, amount(total.sums.net_minor()), currency.code(), "after refunds".to_owned());
    net.change = change(total.sums.net_minor(), before.map(|before| before.sums.net_minor()));
    net.better = before.is_none_or(|before| total.sums.net_minor() >= before.sums.net_minor());
    let note =
        format!("{} new · {} renewals", order_count(total.sums.new_orders_parts), order_count(renewals));
    let mut orders = figure("Orders", order_count(total.sums.orders_parts), "", note);
    orders.change = change(total.sums.orders_parts, before.map(|before| before.sums.orders_parts));
    orders.better = before.is_none_or(|before| total.sums.orders_parts >= before.sums.orders_parts);
    let mut visitors =
        figure("Visitors", show::count(total.visitors), "", format!("{} visits", show::count(total.visits)));
    visitors.change =
        change(signed(total.visitors).unwrap_or(0), before.and_then(|before| signed(before.visitors)));
    visitors.better = before.is_none_or(|before| total.visitors >= before.visitors);
    vec![
        net,
        orders,
        figure("New revenue", amount(total.sums.new_minor), "", "first and one-time orders".to_owned()),
        figure("Renewals", amount(total.sums.renewal_minor), "", "running subscriptions".to_owned()),
        figure("Refunds", amount(total.sums.refunded_minor), "", "given back".to_owned()),
        visitors,
        figure("Conversion", show::ratio(total.conversion_ppm()), "", "new orders per visitor".to_owned()),
        figure(
            "Per visitor",
            total.per_visitor_minor().map_or_else(|| "\u{2013}".to_owned(), amount),
            "",
            per_visitor.to_owned(),
        ),
    ]
}

pub(super) fn proof_line(proof: &Reconciliation) -> ProofLine {
    let shown = |minor| show::digits(minor, proof.currency);
    ProofLine {
        provider: shown(proof.provider_net),
        attributed: shown(proof.attributed),
        direct: shown(proof.direct),
        unattributed: shown(proof.unattributed),
        outside: (proof.outside_period != 0).then(|| shown(proof.outside_period)),
        exact: proof.is_exact(),
        difference: shown(proof.difference),
        currency: proof.currency.to_string(),
    }
}
