//! Coupons on the page of partners: whose a discount code is, given and ended. The discount itself is the provider's.

use axum::Form;
use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::super::page::Viewer;
use super::super::show;
use super::{Said, given, partner_names, partners, refused, told};
use crate::affiliate::coupons::NewCoupon;
use crate::affiliate::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::keys::Scope;

/// What somebody does: with `end` ends a coupon, else gives one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Doing {
    partner: Option<String>,
    coupon: Option<String>,
    end: Option<String>,
}

/// A coupon as it is shown.
pub(super) struct Row {
    pub code: String,
    pub partner: String,
    pub since: String,
    /// When it ended; empty while it earns.
    pub ended: String,
}

/// `POST /affiliates/coupons`
pub(super) async fn change(
    State(app): State<App>,
    Viewer(reader): Viewer,
    Form(doing): Form<Doing>,
) -> Response {
    let code = given(&doing.coupon).unwrap_or_default();
    if !reader.key.allows(Scope::Write) {
        let said: Said = Some(refused("change coupons", Scope::Write));
        return partners::page(&app, &reader, partners::Doing::with_coupon(code), said).await;
    }
    let affiliates = Affiliates::of(&app, &reader.workspace);
    let said = match given(&doing.end) {
        Some(ended) => told(affiliates.archive_coupon(&ended).await, |()| {
            format!("{ended} earns nothing from now on. It stays that partner’s for ever.")
        }),
        None => {
            let new = NewCoupon { partner: given(&doing.partner).unwrap_or_default(), code: code.clone() };
            told(affiliates.create_coupon(new).await, |made| {
                format!("{} earns for its partner from now on, where nobody clicked.", made.code)
            })
        }
    };
    let kept = if said.1 { code } else { String::new() };
    partners::page(&app, &reader, partners::Doing::with_coupon(kept), Some(said)).await
}

/// Coupons, newest first, those that earn before those that ended.
pub(super) async fn rows(affiliates: &Affiliates<'_>, zone: &TimeZone) -> Result<Vec<Row>, AffiliateError> {
    let names = partner_names(affiliates).await?;
    let mut all = affiliates.coupons().await?.rows;
    all.reverse();
    all.sort_by_key(|coupon| coupon.archived_at_ms.is_some());
    let row = |coupon: crate::affiliate::coupons::CouponDocument| Row {
        partner: names.get(&coupon.partner).cloned().unwrap_or_default(),
        since: show::moment(coupon.created_at_ms, zone),
        ended: coupon.archived_at_ms.map(|at_ms| show::moment(at_ms, zone)).unwrap_or_default(),
        code: coupon.code,
    };
    Ok(all.into_iter().map(row).collect())
}
