//! `GET /v1/reports/overlap`: which sales of partners had touches of other channels. Sales are the orders paid in the
//! period by which somebody earns a commission now; every one of them is counted, with what is left of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickhouse::Row;
use domain::affiliate::ledger::{State, state};
use domain::ids::{HitId, OrderId};
use domain::report::{Dimension, OverlapReport, OverlapSale, OverlapTouch, Query, Report, overlap};
use serde::Deserialize;
use uuid::Uuid;

use super::{ReportError, Reports, currency, uuid};
use crate::control::ledger::{StoredCommission, Which};
use crate::sql;

/// Orders of one question.
const ORDERS_MAX: usize = 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Row, Deserialize)]
struct SaleRow {
    id: String,
    currency_code: String,
    net_minor: i64,
    touches: Vec<(i64, String, String, bool, String)>,
}

impl Reports {
    /// One row per partner and currency; with `group_by=channel` one per partner, other channel and currency.
    pub async fn overlap(&self, query: &Query) -> Result<Report, ReportError> {
        let (found, names) = self.overlapping(query).await?;
        Ok(found.report(query, query.group_by.contains(&Dimension::Channel), &names))
    }

    /// The same before it is a table, and partners' names by their ids.
    pub async fn overlapping(
        &self,
        query: &Query,
    ) -> Result<(OverlapReport, BTreeMap<String, String>), ReportError> {
        Reports::filtered_by_orders_at_most(query, "channel overlap", true)?;
        let (sales, names) = self.partner_sales(query).await?;
        Ok((overlap(&sales), names))
    }

    /// The sales of the period by which somebody earns, and partners' names.
    async fn partner_sales(
        &self,
        query: &Query,
    ) -> Result<(Vec<OverlapSale>, BTreeMap<String, String>), ReportError> {
        let (control, workspace) = (&self.app.control, &self.workspace.id);
        let partners = control.partners(workspace, &self.app.secrets).await?;
        let names: BTreeMap<String, String> =
            partners.into_iter().map(|partner| (partner.id, partner.name)).collect();
        let links = control.links().await?.into_iter().filter(|link| link.workspace_id == *workspace);
        let owners: HashMap<String, String> =
            links.map(|link| (link.code.to_string(), link.partner_id)).collect();
        let mut earning: HashMap<OrderId, BTreeSet<String>> = HashMap::new();
        for stored in control.commissions(workspace, Which::All).await? {
            let paid_at_ms = stored.commission.paid_at_ms;
            let is_in = (query.period.start_ms()..query.period.end_ms()).contains(&paid_at_ms);
            if is_in && is_by_a_sale(&stored) {
                let commission = stored.commission;
                earning.entry(commission.order).or_default().insert(commission.referral.partner);
            }
        }
        if earning.is_empty() {
            return Ok((Vec::new(), names));
        }
        let mut sales = Vec::with_capacity(earning.len());
        let mut statement = self.statement(query).await?;
        statement.fill(
            "orders_asked",
            "AND paid_at >= fromUnixTimestamp64Milli({from_ms:Int64}) \
             AND paid_at < fromUnixTimestamp64Milli({to_ms:Int64})",
        );
        statement.fill(
            "journeys_asked",
            "AND (paid.has_code OR arrayExists(step -> step.5 != '', journeys.steps))",
        );
        take(statement.on(&self.app.store).fetch_all().await?, &mut earning, &owners, &mut sales)?;
        // Whose journey shows no partner any more: erased, or told otherwise since it was in a payout.
        let rest: Vec<String> = earning.keys().map(|&order| Uuid::from(order).to_string()).collect();
        for orders in rest.chunks(ORDERS_MAX) {
            let mut statement = self.statement(query).await?;
            statement.fill("orders_asked", "AND order_id IN {orders:Array(UUID)}");
            statement.fill("journeys_asked", "");
            statement.texts("orders", orders.to_vec());
            take(statement.on(&self.app.store).fetch_all().await?, &mut earning, &owners, &mut sales)?;
        }
        Ok((sales, names))
    }

    /// The question, with the longest window of any programme.
    async fn statement(&self, query: &Query) -> Result<super::statement::Statement, ReportError> {
        let programs = self.app.control.programs(&self.workspace.id).await?;
        let versions = programs.iter().flat_map(|stored| &stored.program.versions);
        let days = versions.map(|version| version.terms.window_days).max().unwrap_or(0);
        let earners = sql!("journeys/earners_stored.sql")
            .replace("/*orders*/", "AND booked AND order_id IN (SELECT root FROM paid)");
        let template = sql!("reports/overlap.sql").replace("/*earners*/", &earners);
        let mut statement = self.prepare(&template, query, &query.period);
        statement.number("window_ms", i64::from(days) * DAY_MS);
        Ok(statement)
    }
}

/// Whether somebody earns by it now, and by a sale: not by what was owed before the merchant came here.
fn is_by_a_sale(stored: &StoredCommission) -> bool {
    state(&stored.commission.entries) != State::Void && !stored.commission.is_imported()
}

/// Moves the sales of these rows out of those that are still looked for.
fn take(
    rows: Vec<SaleRow>,
    earning: &mut HashMap<OrderId, BTreeSet<String>>,
    owners: &HashMap<String, String>,
    sales: &mut Vec<OverlapSale>,
) -> Result<(), ReportError> {
    for row in rows {
        if let Some(partners) = earning.remove(&OrderId(uuid(&row.id)?.as_u128())) {
            sales.push(sale(row, partners, owners)?);
        }
    }
    Ok(())
}

fn sale(
    row: SaleRow,
    partners: BTreeSet<String>,
    owners: &HashMap<String, String>,
) -> Result<OverlapSale, ReportError> {
    let touch = |(at_ms, id, channel, is_direct, code): (i64, String, String, bool, String)| {
        let id = HitId(uuid(&id)?.as_u128());
        let partner = owners.get(&code).cloned().unwrap_or_default();
        Ok(OverlapTouch { at_ms, id, channel, is_direct, partner })
    };
    Ok(OverlapSale {
        currency: currency(&row.currency_code)?,
        net_minor: row.net_minor,
        partners,
        touches: row.touches.into_iter().map(touch).collect::<Result<_, ReportError>>()?,
    })
}
