//! One order: as it is stored, as it is told, and its money as credits are made of it.

use std::collections::BTreeMap;

use clickhouse::Row;
use domain::attribution::{Booked, Refund};
use domain::ids::{OrderId, RefundId, VisitorId};
use serde::{Deserialize, Serialize};

use super::super::{ReportError, uuid};

/// One order with everything known of it. Amounts are minor units of `currency`, times are milliseconds since
/// the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OrderDocument {
    #[schema(example = "ord_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    pub provider: String,
    pub connection: String,
    pub provider_order_id: String,
    pub status: String,
    pub kind: String,
    pub booked: bool,
    pub created_at_ms: i64,
    /// Absent when it was not paid.
    pub paid_at_ms: Option<i64>,
    /// Touches after it never count: when the checkout began, else when it was paid.
    pub anchor_at_ms: i64,
    pub currency: String,
    pub net: i64,
    pub discount: i64,
    pub tax: i64,
    pub total: i64,
    /// The provider's fee, in `fee_currency`.
    pub fee: i64,
    pub fee_currency: String,
    pub refunds: Vec<RefundDocument>,
    /// What the provider gave back beyond what was paid, without tax: told, but not booked and not in `refunds`.
    pub refund_excess: i64,
    /// The same money in the workspace's report currency.
    pub reported: ReportedDocument,
    pub product_id: String,
    pub product_name: String,
    pub discount_code: String,
    /// The provider's id of the discount.
    pub discount_id: String,
    pub discount_name: String,
    /// The partner's code in the metadata of the order or its discount.
    pub partner_code: String,
    /// How often the product renews: `day`, `week`, `month`, `year`; empty when it does not.
    pub interval: String,
    pub country: String,
    pub customer_id: String,
    pub subscription_id: String,
    pub checkout_id: String,
    /// The first order of the subscription, whose journey earns this one; itself otherwise.
    pub root_order_id: String,
    /// Absent when no visitor was found.
    pub visitor_id: Option<String>,
    /// How the visitor was found: metadata, subscription, checkout, customer, email, …
    pub match_method: String,
    /// The provider's field that held it.
    pub match_field: String,
    /// `signed`, `unsigned`, `forged` or `none`.
    pub match_evidence: String,
    pub updated_at_ms: i64,
}

/// An order in the report currency: converted once, at the rate of the day it was paid, refunds at the same rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReportedDocument {
    /// `same` (it was paid in the report currency), `converted`, `waiting` (the day's rate has not come yet) or
    /// `not_carried` (the European Central Bank has no rate for it).
    pub conversion: String,
    /// The order's own while it is not converted.
    pub currency: String,
    pub net: i64,
    /// With tax.
    pub gross: i64,
    /// Given back so far, without tax; zero or above.
    pub refunded: i64,
    /// Whose rates were used: the day it was paid in UTC, or the last one before it with rates.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rate_day: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rate_source: String,
    /// Units of the order's currency for one euro.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rate_own: String,
    /// Units of the report currency for one euro.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rate_report: String,
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RefundDocument {
    pub id: String,
    pub at_ms: i64,
    /// Without tax.
    pub net: i64,
    pub tax: i64,
    pub reason: String,
}

#[derive(Row, Deserialize)]
pub(super) struct StoredOrder {
    pub(super) id: String,
    pub(super) provider_name: String,
    pub(super) connection: String,
    pub(super) provider_order_id: String,
    pub(super) status_name: String,
    pub(super) kind_name: String,
    pub(super) booked: bool,
    pub(super) created_ms: i64,
    pub(super) paid_ms: i64,
    pub(super) anchor_ms: i64,
    pub(super) code: String,
    pub(super) net: i64,
    pub(super) discount: i64,
    pub(super) tax: i64,
    pub(super) total: i64,
    pub(super) fee: i64,
    pub(super) fee_code: String,
    pub(super) refund_rows: Vec<(String, i64, i64, i64, String)>,
    pub(super) excess: i64,
    pub(super) conversion_name: String,
    pub(super) report_code: String,
    pub(super) report_net: i64,
    pub(super) report_gross: i64,
    pub(super) report_refund_rows: Vec<(i64, i64)>,
    pub(super) rate_of: String,
    pub(super) rate_from: String,
    pub(super) own_rate: String,
    pub(super) report_rate: String,
    pub(super) product: String,
    pub(super) product_title: String,
    pub(super) typed_code: String,
    pub(super) discount_key: String,
    pub(super) discount_title: String,
    pub(super) named_partner: String,
    pub(super) renews_every: String,
    pub(super) country_code: String,
    pub(super) customer_id: String,
    pub(super) subscription_id: String,
    pub(super) checkout_id: String,
    pub(super) root_id: String,
    pub(super) visitor: String,
    pub(super) method: String,
    pub(super) field: String,
    pub(super) evidence: String,
    pub(super) visitor_rows: Vec<(String, i64, i64)>,
    pub(super) updated_ms: i64,
}

/// The order as it is told.
pub(super) fn document(order: &StoredOrder) -> Result<OrderDocument, ReportError> {
    let order_id = |text: &str| Ok::<_, ReportError>(OrderId::from(uuid(text)?).to_string());
    let visitor = uuid(&order.visitor)?;
    let refunds = order.refund_rows.iter().map(|(id, at_ms, net, tax, reason)| {
        let id = RefundId::from(uuid(id)?).to_string();
        Ok(RefundDocument { id, at_ms: *at_ms, net: *net, tax: *tax, reason: reason.clone() })
    });
    Ok(OrderDocument {
        id: order_id(&order.id)?,
        provider: order.provider_name.clone(),
        connection: order.connection.clone(),
        provider_order_id: order.provider_order_id.clone(),
        status: order.status_name.clone(),
        kind: order.kind_name.clone(),
        booked: order.booked,
        created_at_ms: order.created_ms,
        paid_at_ms: order.booked.then_some(order.paid_ms),
        anchor_at_ms: order.anchor_ms,
        currency: order.code.clone(),
        net: order.net,
        discount: order.discount,
        tax: order.tax,
        total: order.total,
        fee: order.fee,
        fee_currency: order.fee_code.clone(),
        refunds: refunds.collect::<Result<_, ReportError>>()?,
        refund_excess: order.excess,
        reported: ReportedDocument {
            conversion: order.conversion_name.clone(),
            currency: order.report_code.clone(),
            net: order.report_net,
            gross: order.report_gross,
            refunded: order.report_refund_rows.iter().map(|(net, _)| net).sum(),
            rate_day: order.rate_of.clone(),
            rate_source: order.rate_from.clone(),
            rate_own: order.own_rate.clone(),
            rate_report: order.report_rate.clone(),
        },
        product_id: order.product.clone(),
        product_name: order.product_title.clone(),
        discount_code: order.typed_code.clone(),
        discount_id: order.discount_key.clone(),
        discount_name: order.discount_title.clone(),
        partner_code: order.named_partner.clone(),
        interval: order.renews_every.clone(),
        country: order.country_code.clone(),
        customer_id: order.customer_id.clone(),
        subscription_id: order.subscription_id.clone(),
        checkout_id: order.checkout_id.clone(),
        root_order_id: order_id(&order.root_id)?,
        visitor_id: (!visitor.is_nil()).then(|| VisitorId::from(visitor).to_string()),
        match_method: order.method.clone(),
        match_field: order.field.clone(),
        match_evidence: order.evidence.clone(),
        updated_at_ms: order.updated_ms,
    })
}

/// The order's own money, as credits are made of it.
pub(super) fn booked(order: &StoredOrder) -> Result<Booked, ReportError> {
    // An entry below zero ends the refund of the same id.
    let ends: BTreeMap<&str, i64> =
        order.refund_rows.iter().filter(|row| row.2 < 0).map(|row| (row.0.as_str(), row.1)).collect();
    let refunds = order.refund_rows.iter().filter(|row| row.2 > 0).map(|(id, at_ms, net, _, _)| {
        let reversed_at_ms = ends.get(id.as_str()).copied();
        Ok(Refund { id: uuid(id)?.as_u128(), at_ms: *at_ms, amount_minor: *net, reversed_at_ms })
    });
    let amount_minor = if order.booked { order.net } else { 0 };
    Ok(Booked { amount_minor, refunds: refunds.collect::<Result<_, ReportError>>()? })
}
