//! What a partner was paid, and where the money goes. Payout details are kept sealed and shown masked; a change is told
//! by mail, to the address the partner signs in with, which cannot be changed here.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::affiliate::payout::Method;
use serde::Deserialize;

use super::data;
use super::page::{Frame, failed, missing, shown};
use super::session::Member;
use super::show;
use super::words::{self, Sums};
use crate::affiliate::partners::{PartnerChange, PayoutTo};
use crate::affiliate::statements::PartnerStatementRow;
use crate::app::App;
use crate::http::problem::Problem;

/// Payout details as they are typed.
#[derive(Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    method: String,
    #[serde(default)]
    recipient: String,
}

struct Paid {
    month: String,
    amount: String,
    state: &'static str,
    says: &'static str,
    reference: String,
}

/// A month that is over, stated for ever.
struct Stated {
    month: String,
    number: u64,
    /// For each currency: earned, taken back, paid, and what stands open after it.
    totals: Vec<[String; 4]>,
}

#[derive(Template)]
#[template(path = "portal/payouts.html")]
struct PayoutsPage<'a> {
    frame: &'a Frame,
    sums: Vec<Sums>,
    paid: Vec<Paid>,
    /// Newest first; none when they cannot be made now.
    stated: Option<Vec<Stated>>,
    /// How the partner is paid now, masked.
    now: Option<(&'static str, String)>,
    typed: &'a Typed,
    error: Option<String>,
}

/// `GET /partners/payouts`
pub(super) async fn list(State(app): State<App>, member: Member) -> Response {
    page(&app, &member, &Typed::default(), None).await.unwrap_or_else(|problem| failed(&problem))
}

async fn page(app: &App, member: &Member, typed: &Typed, error: Option<String>) -> Result<Response, Problem> {
    let frame = member.frame("payouts");
    let commissions = data::commissions(app, member).await?;
    let mut paid = Vec::new();
    for payout in member.affiliates(app).payouts().await?.rows {
        for item in payout.items.iter().filter(|item| item.partner == member.partner.id) {
            let state = item.state.unwrap_or(payout.state).name();
            paid.push(Paid {
                month: payout.month.clone(),
                amount: show::money_of(item.amount, &payout.currency),
                state,
                says: match state {
                    "paid" => "paid",
                    "canceled" => "did not go through",
                    _ => "on its way",
                },
                reference: if state == "paid" { payout.reference.clone() } else { String::new() },
            });
        }
    }
    let is_bad = error.is_some();
    let page = PayoutsPage {
        frame: &frame,
        sums: words::sums(&commissions, &data::looked_at(app, member).await?),
        paid,
        stated: stated(app, member).await.ok(),
        now: member.partner.payout.as_ref().map(|to| (named(to.method), show::masked(&to.recipient))),
        typed,
        error,
    };
    let mut response = shown(&page, &frame);
    if is_bad {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

async fn stated(app: &App, member: &Member) -> Result<Vec<Stated>, Problem> {
    let rows = member.affiliates(app).partner_statements(&member.partner.id).await?.rows;
    let row = |row: PartnerStatementRow| Stated {
        totals: row
            .totals
            .iter()
            .map(|total| {
                let shown = |minor| show::money_of(minor, &total.currency);
                [shown(total.earned), shown(total.reversed), shown(total.paid), shown(total.closing)]
            })
            .collect(),
        month: row.month,
        number: row.number,
    };
    Ok(rows.into_iter().rev().map(row).collect())
}

/// `GET /partners/statements/{month}`: a month's statement as CSV, as the merchant has it.
pub(super) async fn statement(State(app): State<App>, member: Member, Path(month): Path<String>) -> Response {
    match member.affiliates(&app).partner_statement_csv(&member.partner.id, &month).await {
        Ok(csv) => {
            // The month was read as one, so that its name is digits and a dash.
            let name = format!("attachment; filename=\"statement-{month}.csv\"");
            let name = HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"));
            let kind = HeaderValue::from_static("text/csv; charset=utf-8");
            let cache = HeaderValue::from_static("private, no-store");
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_DISPOSITION, name),
                (header::CACHE_CONTROL, cache),
            ];
            (headers, csv).into_response()
        }
        Err(error) => match Problem::from(error) {
            problem if problem.status < 500 => missing(),
            problem => failed(&problem),
        },
    }
}

fn named(method: Method) -> &'static str {
    match method {
        Method::Paypal => "PayPal",
        Method::Wise => "Wise",
        _ => "by hand",
    }
}

/// `POST /partners/payouts/details`
pub(super) async fn change(
    State(app): State<App>,
    member: Member,
    Form(typed): Form<Typed>,
) -> Result<Response, Response> {
    let Ok(method) = typed.method.parse::<Method>() else {
        let error = Some("Choose how you want to be paid.".to_owned());
        return page(&app, &member, &typed, error).await.map_err(|problem| failed(&problem));
    };
    let payout = PayoutTo { method, recipient: typed.recipient.clone() };
    let change = PartnerChange { payout: Some(payout), ..PartnerChange::default() };
    match member.affiliates(&app).change_partner(&member.partner.id, change).await.map_err(Problem::from) {
        Ok(_) => Ok(Redirect::to("/partners/payouts").into_response()),
        Err(problem) if problem.status < 500 => {
            let said = match method {
                Method::Other => "Tell us an account in up to 200 characters.",
                _ => "Give the e-mail address of your account there.",
            };
            page(&app, &member, &typed, Some(said.to_owned())).await.map_err(|problem| failed(&problem))
        }
        Err(problem) => Err(failed(&problem)),
    }
}
