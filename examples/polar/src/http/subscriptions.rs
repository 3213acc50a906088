//! Changing a subscription with a token: plan, seats, metadata, pause, cancel, end.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use serde::Deserialize;
use uuid::Uuid;

use super::checkouts::{check_metadata, read};
use super::lists::{Answer, id};
use super::{App, Error};
use crate::model::Metadata;
use crate::render;
use crate::scenes::plan::Proration;
use crate::scenes::{Scene, plan, subscription};
use crate::webhook::sender::kick;

#[derive(Default, Deserialize)]
struct Change {
    metadata: Option<Metadata>,
    product_id: Option<Uuid>,
    proration_behavior: Option<String>,
    seats: Option<u32>,
    cancel_at_period_end: Option<bool>,
    pause_at_period_end: Option<bool>,
    resume: Option<bool>,
    revoke: Option<bool>,
}

/// The proration of this name; an invoice at once when none is given.
pub(crate) fn proration(name: Option<&str>) -> Result<Proration, Error> {
    match name {
        None | Some("invoice" | "reset") => Ok(Proration::Invoice),
        Some("prorate") => Ok(Proration::Prorate),
        Some("next_period") => Ok(Proration::NextPeriod),
        Some(_) => {
            Err(Error::body("proration_behavior", "Input should be 'invoice', 'prorate' or 'next_period'"))
        }
    }
}

pub(super) async fn update(app: App, Path(text): Path<String>, body: Bytes) -> Answer {
    let (id, body): (Uuid, Change) = (id(&text)?, read(&body)?);
    let proration = proration(body.proration_behavior.as_deref())?;
    if let Some(metadata) = &body.metadata {
        check_metadata("metadata", metadata)?;
    }
    let answer = {
        let mut state = app.state();
        if body.product_id.is_some_and(|id| state.products.get(id).is_none()) {
            return Err(Error::body("product_id", "Product does not exist."));
        }
        let scene = &mut Scene::now(&mut state);
        if let Some(metadata) = body.metadata {
            plan::set_metadata(scene, id, metadata)?;
        }
        if let Some(product_id) = body.product_id {
            plan::change_product(scene, id, product_id, proration)?;
        }
        if let Some(seats) = body.seats {
            plan::change_seats(scene, id, seats)?;
        }
        match body.cancel_at_period_end {
            Some(true) => subscription::cancel(scene, id)?,
            Some(false) => subscription::uncancel(scene, id)?,
            None => {}
        }
        // The stand-in pauses at once; at Polar the period runs out first.
        if body.pause_at_period_end == Some(true) {
            plan::pause(scene, id)?;
        }
        if body.resume == Some(true) {
            plan::resume(scene, id)?;
        }
        if body.revoke == Some(true) {
            subscription::revoke(scene, id)?;
        }
        let changed = state.subscriptions.get(id).ok_or(Error::ResourceNotFound)?;
        render::subscription(&state, changed)
    };
    kick(&app);
    Ok(Json(answer))
}

/// Ends it at once.
pub(super) async fn revoke(app: App, Path(text): Path<String>) -> Answer {
    let id = id(&text)?;
    let answer = {
        let mut state = app.state();
        subscription::revoke(&mut Scene::now(&mut state), id)?;
        let ended = state.subscriptions.get(id).ok_or(Error::ResourceNotFound)?;
        render::subscription(&state, ended)
    };
    kick(&app);
    Ok(Json(answer))
}
