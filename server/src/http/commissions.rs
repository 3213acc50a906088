//! `/v1/commissions`: what partners earn, where it stands, and why.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use clickhouse::Row;
use domain::attribution::MODELS;
use domain::ids::{HitId, OrderId};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::commissions::{BalanceList, CommissionDocument, CommissionList, Wanted};
use crate::app::App;
use crate::jobs::commission::{Accrued, accrue_all};
use crate::sql;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(balances))
        .routes(routes!(run))
        .routes(routes!(show))
}

/// Commissions, the newest payment first.
#[utoipa::path(get, path = "/v1/commissions", tag = "Affiliates", params(Wanted),
    responses((status = 200, body = CommissionList), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<App>,
    caller: Reader,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<CommissionList>, Problem> {
    let refused =
        |_| Problem::invalid("query", "Filter by partner, order and state; page by after and limit.");
    let Query(wanted) = wanted.map_err(refused)?;
    Ok(Json(Affiliates::of(&app, &caller.workspace).commissions(&wanted).await?))
}

/// What stands for every partner: held, due, under way, paid.
#[utoipa::path(get, path = "/v1/commissions/balances", tag = "Affiliates",
    responses((status = 200, body = BalanceList), (status = "4XX", body = Problem)))]
async fn balances(State(app): State<App>, caller: Reader) -> Result<Json<BalanceList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).balances().await?))
}

/// Look at every order again and book what is missing; nothing, when all is booked. Needed after a programme was made
/// whose terms began in the past, and after a link was made that metadata of known orders name already.
#[utoipa::path(post, path = "/v1/commissions/run", tag = "Affiliates",
    responses((status = 200, body = Accrued), (status = "4XX", body = Problem)))]
async fn run(State(app): State<App>, caller: Writer) -> Result<Json<Accrued>, Problem> {
    // A task of its own: a caller that hangs up does not stop it half-way.
    let run = tokio::spawn(async move { accrue_all(&app, &caller.workspace.id).await });
    Ok(Json(run.await.map_err(Problem::internal)??))
}

/// One commission: every entry with its reason and source, the click, and what each model credits it with.
#[utoipa::path(get, path = "/v1/commissions/{id}", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = CommissionDocument), (status = "4XX", body = Problem)))]
async fn show(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<CommissionDocument>, Problem> {
    let mut found = Affiliates::of(&app, &caller.workspace).commission(&id).await?;
    found.credits = credits(&app, &caller.workspace.id, &found).await?;
    Ok(Json(found))
}

#[derive(Row, Deserialize)]
struct Credited {
    net_minor: Vec<i64>,
}

async fn credits(
    app: &App,
    workspace_id: &str,
    commission: &CommissionDocument,
) -> Result<BTreeMap<String, i64>, Problem> {
    let order: OrderId = commission.order.parse().map_err(Problem::internal)?;
    let Some(click) = &commission.click else { return Ok(BTreeMap::new()) };
    let touch: HitId = click.touch.parse().map_err(Problem::internal)?;
    let each = MODELS.iter().map(|model| format!("toInt64(sign * amount_{})", model.name()));
    let credited: Credited = app
        .store
        .client()
        .query_raw(
            &sql!("commissions/credits.sql").replace("/*amounts*/", &each.collect::<Vec<_>>().join(", ")),
        )
        .param("workspace", workspace_id)
        .param("order", Uuid::from(order).to_string())
        .param("touch", Uuid::from(touch).to_string())
        .fetch_one()
        .await?;
    let names = MODELS.iter().map(|model| model.name().to_owned());
    Ok(names.zip(credited.net_minor).collect())
}
