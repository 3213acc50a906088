//! The pixel's files: the small script that pages name, and the hashed module it loads. Read once at start
//! with their compressed forms; never compresses or builds anything itself.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use super::problem::Problem;
use crate::app::App;

/// Pages may hold an old script this long after an update.
const SCRIPT_CACHE: &str = "public, max-age=3600, stale-while-revalidate=86400";
const MODULE_CACHE: &str = "public, max-age=31536000, immutable";

pub fn routes() -> Router<App> {
    Router::new().route("/p.js", get(script)).route("/p/{file}", get(module))
}

/// One file in the forms it can be sent in.
#[derive(Debug, Clone)]
struct Served {
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    etag: HeaderValue,
}

/// Every file of the pixel, by its path below the root.
#[derive(Debug, Clone, Default)]
pub struct PixelFiles(Arc<HashMap<String, Served>>);

impl PixelFiles {
    /// Reads `configured`, or the first place that has a `p.js`: `pixel/` beside the program, then
    /// `pixel/dist` in the working directory and above.
    pub fn load(configured: &Path) -> PixelFiles {
        let places =
            if configured.as_os_str().is_empty() { usual_places() } else { vec![configured.to_owned()] };
        let Some(folder) = places.into_iter().find(|place| place.join("p.js").is_file()) else {
            return PixelFiles::default();
        };
        let mut files = HashMap::new();
        add(&mut files, &folder, "p.js");
        let modules = std::fs::read_dir(folder.join("p")).into_iter().flatten().flatten();
        for name in modules.filter_map(|entry| entry.file_name().into_string().ok()) {
            if !name.ends_with(".br") && !name.ends_with(".gz") {
                add(&mut files, &folder, &format!("p/{name}"));
            }
        }
        PixelFiles(Arc::new(files))
    }

    /// Whether there is a pixel to serve.
    pub fn is_there(&self) -> bool {
        !self.0.is_empty()
    }
}

fn usual_places() -> Vec<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join("pixel")));
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().map(|folder| folder.join("pixel/dist"));
    beside.into_iter().chain(above).collect()
}

fn add(files: &mut HashMap<String, Served>, folder: &Path, path: &str) {
    let read = |ending: &str| std::fs::read(folder.join(format!("{path}{ending}"))).ok().map(Bytes::from);
    let Some(plain) = read("") else { return };
    let etag = format!("\"{}\"", &crate::secrets::sha256_hex(&plain)[..20]);
    let etag = HeaderValue::try_from(etag).expect("hex is a header value");
    files.insert(path.to_owned(), Served { plain, brotli: read(".br"), gzip: read(".gz"), etag });
}

async fn script(State(app): State<App>, headers: HeaderMap) -> Response {
    serve(&app, "p.js", &headers, "text/javascript; charset=utf-8", SCRIPT_CACHE)
}

async fn module(State(app): State<App>, UrlPath(file): UrlPath<String>, headers: HeaderMap) -> Response {
    let kind = match file.rsplit_once('.') {
        Some((_, "wasm")) => "application/wasm",
        _ => "text/javascript; charset=utf-8",
    };
    serve(&app, &format!("p/{file}"), &headers, kind, MODULE_CACHE)
}

fn serve(app: &App, path: &str, headers: &HeaderMap, kind: &'static str, cache: &'static str) -> Response {
    if !app.pixel_files.is_there() {
        let detail = "The pixel is not built: run `make pixel`, or set pixel.dir to the folder of p.js.";
        return Problem::unavailable("pixel_missing", detail, 60).into_response();
    }
    let Some(file) = app.pixel_files.0.get(path) else {
        return Problem::not_found("no_such_file", "The pixel has no such file; load /p.js again.")
            .into_response();
    };
    let (content, encoding) = choose(file, headers);
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == file.etag);
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = (status, if is_known { Bytes::new() } else { content }).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    answer.insert(header::ETAG, file.etag.clone());
    answer.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    // Any site may load it: that is what it is for.
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    answer.insert(policy, HeaderValue::from_static("cross-origin"));
    answer.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn choose(file: &Served, headers: &HeaderMap) -> (Bytes, Option<&'static str>) {
    let accepts = |wanted: &str| {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            name.trim().eq_ignore_ascii_case(wanted) && !refused
        })
    };
    match file {
        Served { brotli: Some(small), .. } if accepts("br") => (small.clone(), Some("br")),
        Served { gzip: Some(small), .. } if accepts("gzip") => (small.clone(), Some("gzip")),
        _ => (file.plain.clone(), None),
    }
}
