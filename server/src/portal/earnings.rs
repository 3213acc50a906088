//! A partner's earnings: each commission with its reason, and every entry of one; and the customers behind them, numbered
//! and without anything that names them.

use std::collections::{HashMap, HashSet};

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::data;
use super::page::{Frame, failed, missing, shown};
use super::session::Member;
use super::show;
use super::words::{self, Line, Step, Sums};
use crate::app::App;
use crate::control::ledger::StoredCommission;
use crate::http::problem::Problem;

/// Commissions and customers of one page.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The last one of the page before.
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "portal/commissions.html")]
struct CommissionsPage<'a> {
    frame: &'a Frame,
    sums: Vec<Sums>,
    lines: Vec<Line>,
    /// Whether what was sold could not be read, so that products are missing.
    is_short: bool,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/commission.html")]
struct CommissionPage<'a> {
    frame: &'a Frame,
    line: Line,
    steps: Vec<Step>,
    /// The link or the coupon it came by.
    by: String,
}

/// A customer, as far as a partner may know one.
struct Customer {
    number: usize,
    since: String,
    payments: String,
    products: String,
    earned: Vec<String>,
}

#[derive(Template)]
#[template(path = "portal/customers.html")]
struct CustomersPage<'a> {
    frame: &'a Frame,
    customers: Vec<Customer>,
    total: usize,
    is_cut: bool,
}

/// `GET /partners/commissions`
pub(super) async fn list(State(app): State<App>, member: Member, Query(asked): Query<Asked>) -> Response {
    let found = async {
        let frame = member.frame("commissions");
        let all = data::commissions(&app, &member).await?;
        let start = match asked.after.as_str() {
            "" => 0,
            after => match all.iter().position(|stored| stored.id == after) {
                Some(at) => at + 1,
                None => return Ok(missing()),
            },
        };
        let rows = &all[start..all.len().min(start + PAGE)];
        let looked_at = data::looked_at(&app, &member).await?;
        let sold = data::sold(&app, &member, rows).await;
        let is_short = sold.is_err();
        let sold = sold.unwrap_or_default();
        let zone = show::zone(&member.workspace.timezone);
        let page = CommissionsPage {
            frame: &frame,
            sums: words::sums(&all, &looked_at),
            lines: rows.iter().map(|stored| words::line(&member, stored, &sold, &looked_at, &zone)).collect(),
            is_short,
            next: rows.last().filter(|_| start + PAGE < all.len()).map(|stored| stored.id.clone()),
        };
        Ok::<_, Problem>(shown(&page, &frame))
    };
    found.await.unwrap_or_else(|problem| failed(&problem))
}

/// `GET /partners/commissions/{id}`
pub(super) async fn one(State(app): State<App>, member: Member, Path(id): Path<String>) -> Response {
    let found = async {
        let frame = member.frame("commissions");
        let all = data::commissions(&app, &member).await?;
        let Some(stored) = all.into_iter().find(|stored| stored.id == id) else { return Ok(missing()) };
        let stored = std::slice::from_ref(&stored);
        let sold = data::sold(&app, &member, stored).await?;
        let [stored] = stored else { return Ok(missing()) };
        let zone = show::zone(&member.workspace.timezone);
        let line = words::line(&member, stored, &sold, &data::looked_at(&app, &member).await?, &zone);
        let referral = &stored.commission.referral;
        let by = match &referral.touch {
            Some(touch) => format!("the link {}, followed on {}", touch.code, show::day(touch.at_ms, &zone)),
            None => format!("the coupon {}", referral.code()),
        };
        let page =
            CommissionPage { steps: words::steps(stored, &line.because, &zone), frame: &frame, line, by };
        Ok::<_, Problem>(shown(&page, &frame))
    };
    found.await.unwrap_or_else(|problem| failed(&problem))
}

/// `GET /partners/customers`
pub(super) async fn customers(State(app): State<App>, member: Member) -> Response {
    let found = async {
        let frame = member.frame("customers");
        let mut all = data::commissions(&app, &member).await?;
        all.reverse();
        let sold = data::sold(&app, &member, &all).await?;
        // Numbered in the order in which they came, so that a number stays the same customer's.
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut groups: Vec<Vec<&StoredCommission>> = Vec::new();
        for stored in &all {
            let order = stored.commission.order;
            let buyer = sold.get(&order).map_or_else(|| order.to_string(), |sold| sold.buyer.clone());
            let place = *places.entry(buyer).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[place].push(stored);
        }
        let zone = show::zone(&member.workspace.timezone);
        let customer = |(at, own): (usize, &Vec<&StoredCommission>)| {
            let mut products: Vec<&str> = own
                .iter()
                .filter_map(|stored| sold.get(&stored.commission.order))
                .map(|sold| sold.product.as_str())
                .filter(|product| !product.is_empty())
                .collect();
            products.dedup();
            let own_commissions: Vec<StoredCommission> = own.iter().map(|stored| (*stored).clone()).collect();
            Customer {
                number: at + 1,
                since: show::day(own[0].commission.paid_at_ms, &zone),
                payments: super::home::counted(own.len() as u64, "payment"),
                products: products.join(", "),
                earned: words::sums(&own_commissions, &HashSet::new())
                    .into_iter()
                    .map(|sums| sums.earned)
                    .collect(),
            }
        };
        let total = groups.len();
        let page = CustomersPage {
            frame: &frame,
            customers: groups.iter().enumerate().rev().take(4 * PAGE).map(customer).collect(),
            total,
            is_cut: total > 4 * PAGE,
        };
        Ok::<_, Problem>(shown(&page, &frame))
    };
    found.await.unwrap_or_else(|problem| failed(&problem))
}
