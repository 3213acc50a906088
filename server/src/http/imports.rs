//! `/v1/programs/{id}/imports`: partners, links and open balances out of another tool's CSV file. Looked at, then applied.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Admin, Writer};
use super::body::read_plain;
use super::problem::Problem;
use crate::affiliate::Affiliates;
use crate::affiliate::imports::{ImportDocument, ImportList, ImportParams};
use crate::app::App;

/// Largest file, in bytes.
const FILE_BYTES_MAX: usize = 16 << 20;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(preview)).routes(routes!(apply))
}

type Asked = Result<Query<ImportParams>, QueryRejection>;

/// Files brought over into a programme, newest first, with every line's outcome.
#[utoipa::path(get, path = "/v1/programs/{id}/imports", tag = "Affiliates", params(("id" = String, Path)),
    responses((status = 200, body = ImportList), (status = "4XX", body = Problem)))]
async fn list(
    State(app): State<App>,
    caller: Writer,
    Path(id): Path<String>,
) -> Result<Json<ImportList>, Problem> {
    Ok(Json(Affiliates::of(&app, &caller.workspace).imports(&id).await?))
}

/// What a CSV file of another tool would bring: every line's outcome, what is new, and a token to apply exactly that.
/// Changes nothing.
///
/// The body is the file, as text/csv or as a form with one file. In UTF-8 or UTF-16, separated by commas, semicolons or
/// tabs. Columns are found by their headings.
#[utoipa::path(post, path = "/v1/programs/{id}/imports/{tool}/preview", tag = "Affiliates",
    params(("id" = String, Path), ("tool" = String, Path, description = "`rewardful`, `firstpromoter`, `dub`."), ImportParams),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportDocument), (status = "4XX", body = Problem)))]
async fn preview(
    State(app): State<App>,
    caller: Writer,
    Path((id, tool)): Path<(String, String)>,
    params: Asked,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportDocument>, Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    let (params, file) = given(&affiliates, &id, params, &headers, body).await?;
    Ok(Json(affiliates.preview_import(&id, &tool, &params, &file).await?))
}

/// Bring over exactly what a preview of the file showed, whole or not at all. Asked again with the same token the answer
/// is the same and nothing is added.
#[utoipa::path(post, path = "/v1/programs/{id}/imports/{tool}", tag = "Affiliates",
    params(("id" = String, Path), ("tool" = String, Path, description = "`rewardful`, `firstpromoter`, `dub`."), ImportParams),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 201, body = ImportDocument), (status = "4XX", body = Problem)))]
async fn apply(
    State(app): State<App>,
    caller: Admin,
    Path((id, tool)): Path<(String, String)>,
    params: Asked,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ImportDocument>), Problem> {
    let affiliates = Affiliates::of(&app, &caller.workspace);
    let (params, file) = given(&affiliates, &id, params, &headers, body).await?;
    let made = affiliates.apply_import(&id, &tool, &params, &file).await?;
    app.reload_directory().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// What is asked and the file, for a programme there is.
async fn given(
    affiliates: &Affiliates<'_>,
    program: &str,
    params: Asked,
    headers: &HeaderMap,
    body: Body,
) -> Result<(ImportParams, Bytes), Problem> {
    affiliates.program(program).await?;
    let refused = |_| Problem::invalid("query", "Say currency, unit, destination and token, if you want.");
    let Query(params) = params.map_err(refused)?;
    Ok((params, file(headers, body).await?))
}

/// The file: the body, or the first file of a form.
async fn file(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let body = read_plain(headers, body, FILE_BYTES_MAX).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some(rest) = kind.strip_prefix("multipart/form-data") else { return Ok(body) };
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let found = boundary.and_then(|boundary| part_with_file(&body, boundary.trim_matches('"')));
    found
        .ok_or_else(|| Problem::invalid("file", "The form holds no file; send one, or the file as the body."))
}

/// The bytes of the first part that has a file's name.
fn part_with_file(body: &Bytes, boundary: &str) -> Option<Bytes> {
    let mark = format!("--{boundary}");
    let mut at = find(body, mark.as_bytes(), 0)? + mark.len();
    loop {
        let head_end = find(body, b"\r\n\r\n", at)?;
        let end = find(body, format!("\r\n{mark}").as_bytes(), head_end + 2)?;
        let head = String::from_utf8_lossy(&body[at..head_end]).to_lowercase();
        if head.contains("filename=") {
            return Some(body.slice((head_end + 4).min(end)..end));
        }
        at = end + 2 + mark.len();
    }
}

fn find(text: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let found = text.get(from..)?.windows(wanted.len()).position(|window| window == wanted)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_form_is_found_between_its_other_parts() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na,b\r\n1,2\r\n\r\n--x--\r\n";
        let body = Bytes::from_static(body.as_bytes());
        assert_eq!(part_with_file(&body, "x").unwrap(), "a,b\r\n1,2\r\n");
        assert_eq!(part_with_file(&body, "y"), None);
        assert_eq!(part_with_file(&Bytes::from_static(b"--x\r\n\r\n"), "x"), None);
        let empty = b"--x\r\nContent-Disposition: form-data; filename=\"\"\r\n\r\n\r\n--x--\r\n";
        assert_eq!(part_with_file(&Bytes::from_static(empty), "x").unwrap(), "");
    }
}
