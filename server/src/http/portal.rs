//! What a merchant does for the partners' own pages by API: a way in to pass on, applications, and assets.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::affiliates::read;
use super::auth::{Reader, Writer};
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::portal::{Applications, AssetDocument, AssetList, LoginLinkDocument, NewAsset};
use crate::app::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(login_link))
        .routes(routes!(applications, set_applications))
        .routes(routes!(assets, add_asset))
        .routes(routes!(remove_asset))
}

/// A link that signs a partner in, for you to pass on where no mail is sent. It works once, within 15 minutes, and opens
/// the partner's own pages: give it to nobody else.
#[utoipa::path(post, path = "/v1/partners/{id}/login-link", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 201, body = LoginLinkDocument), (status = "4XX", body = Problem)))]
async fn login_link(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<LoginLinkDocument>), Problem> {
    let made = Affiliates::of(&app, &caller.workspace).login_link(&id).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Whether anybody may apply to a programme, and the page where.
#[utoipa::path(get, path = "/v1/programs/{id}/applications", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = Applications), (status = "4XX", body = Problem)))]
async fn applications(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<Applications>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).applications(&id).await?))
}

/// Let anybody apply to a programme, or nobody.
#[utoipa::path(put, path = "/v1/programs/{id}/applications", tag = "Affiliates", params(("id" = String, Path)),
    request_body = Applications,
    responses((status = 200, body = Applications), (status = "4XX", body = Problem)))]
async fn set_applications(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Applications>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.program(&id).await?;
    let wanted: Applications = read(&body, r#"{"open": true, "about": "Tell people about us."}"#)?;
    Ok(Json(affiliates.set_applications(&id, &wanted).await?))
}

/// What a programme's partners are given to use.
#[utoipa::path(get, path = "/v1/programs/{id}/assets", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = AssetList), (status = "4XX", body = Problem)))]
async fn assets(
    State(app): State<App>,
    caller: Reader,
    Path(id): Path<String>,
) -> Result<Json<AssetList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).assets(&id).await?))
}

/// Give a programme's partners a link, an image by its address, or a text.
#[utoipa::path(post, path = "/v1/programs/{id}/assets", tag = "Affiliates", params(("id" = String, Path)),
    request_body = NewAsset,
    responses((status = 201, body = AssetDocument), (status = "4XX", body = Problem)))]
async fn add_asset(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<AssetDocument>), Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    affiliates.program(&id).await?;
    let example = r#"{"kind": "image", "title": "Logo", "content": "https://example.com/logo.png"}"#;
    let new: NewAsset = read(&body, example)?;
    Ok((StatusCode::CREATED, Json(affiliates.add_asset(&id, new).await?)))
}

/// Take an asset away.
#[utoipa::path(delete, path = "/v1/assets/{id}", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn remove_asset(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    Affiliates::of(&app, &caller.workspace).remove_asset(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
