//! What the merchant gives partners to use, and the files of the pages themselves. Images are shown from their own
//! address: the page's policy names those origins and no other.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use url::Url;

use super::page::{Frame, failed, shown};
use super::session::Member;
use crate::affiliate::portal::{AssetDocument, AssetKind};
use crate::app::App;

const CSS: &str = include_str!("../../assets/portal.css");
const JS: &str = include_str!("../../assets/portal.js");

#[derive(Template)]
#[template(path = "portal/assets.html")]
struct AssetsPage<'a> {
    frame: &'a Frame,
    links: Vec<AssetDocument>,
    images: Vec<AssetDocument>,
    texts: Vec<AssetDocument>,
}

/// `GET /partners/assets`
pub(super) async fn list(State(app): State<App>, member: Member) -> Response {
    let all = match member.affiliates(&app).assets(&member.program.id).await {
        Ok(list) => list.rows,
        Err(error) => return failed(&error.into()),
    };
    let of =
        |kind: AssetKind| all.iter().filter(move |asset| asset.kind == kind).cloned().collect::<Vec<_>>();
    let images = of(AssetKind::Image);
    let mut origins: Vec<String> = images
        .iter()
        .filter_map(|image| Url::parse(&image.content).ok())
        .map(|address| address.origin().ascii_serialization())
        .collect();
    origins.sort();
    origins.dedup();
    let frame = Frame { images: origins, ..member.frame("assets") };
    let page = AssetsPage { frame: &frame, links: of(AssetKind::Link), images, texts: of(AssetKind::Text) };
    shown(&page, &frame)
}

pub(super) async fn css() -> Response {
    file("text/css; charset=utf-8", CSS)
}

pub(super) async fn js() -> Response {
    file("text/javascript; charset=utf-8", JS)
}

fn file(kind: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=300")], content).into_response()
}
