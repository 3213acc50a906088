//! `/v1/orders…`: the orders, one order, and the story of who earned it.

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::openapi::OrdersParams;
use super::problem::Problem;
use super::reports::Asked;
use crate::app::App;
use crate::report::{OrderDocument, OrderExplanation, OrderPage};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(orders)).routes(routes!(order)).routes(routes!(explain))
}

/// Orders of a period, newest first, page by page.
///
/// With filters on where visits came from: the orders that earned such a visit something.
#[utoipa::path(get, path = "/v1/orders", tag = "Orders", params(OrdersParams),
    responses((status = 200, body = OrderPage), (status = "4XX", body = Problem)))]
async fn orders(asked: Asked) -> Result<Json<OrderPage>, Problem> {
    let query = asked.reports.parse_orders(asked.pairs())?;
    Ok(Json(asked.reports.orders(&query).await?))
}

/// One order, by our id or the provider's.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "Orders",
    params(("id" = String, Path, description = "`ord_…` or the provider's own id")),
    responses((status = 200, body = OrderDocument), (status = "4XX", body = Problem)))]
async fn order(asked: Asked, Path(id): Path<String>) -> Result<Json<OrderDocument>, Problem> {
    let order = asked.reports.order(&id).await?;
    order.map(Json).ok_or_else(unknown)
}

/// The whole story of an order: how the customer was matched, every touch and why it counted or not, and each
/// model's division to the cent.
#[utoipa::path(get, path = "/v1/orders/{id}/explain", tag = "Orders",
    params(
        ("id" = String, Path, description = "`ord_…` or the provider's own id"),
        ("format" = Option<String>, Query, description = "`json`, or `text` to be read")
    ),
    responses((status = 200, body = OrderExplanation), (status = "4XX", body = Problem)))]
async fn explain(asked: Asked, Path(id): Path<String>) -> Result<Response, Problem> {
    let mut as_text = false;
    for (key, value) in asked.pairs() {
        match (key, value) {
            ("format", "json") => {}
            ("format", "text") => as_text = true,
            ("format", _) => return Err(Problem::invalid("format", "format: use json or text")),
            (other, _) => {
                return Err(Problem::invalid(other, format!("{other}: there is only the parameter format")));
            }
        }
    }
    let story = asked.reports.explain(&id).await?.ok_or_else(unknown)?;
    Ok(match as_text {
        true => story.to_text(&asked.reports.zone()).into_response(),
        false => Json(story).into_response(),
    })
}

fn unknown() -> Problem {
    Problem::not_found(
        "unknown_order",
        "This workspace has no order with that id; /v1/orders lists them. A provider's id that two connections \
         use must be asked for by our own id.",
    )
}
