//! Rows of a finished hit, each column in the order of `rows.rs`. The rows are written here once and
//! travel as bytes from then on.

use std::borrow::Cow;

use domain::ids::derive_id;
use domain::visit::{Channel, address};
use domain::visitor_token::Evidence;
use wire::{Kind, PropValue, Props};

use super::pipeline::{Draft, Touch, Visitor};
use super::rows::{Record, facet_row};
use crate::store::row_binary::RowWriter;

/// Longest value of a click id that is stored, in bytes.
const CLICK_VALUE_BYTES_MAX: usize = 200;

/// Writes the hit, its touch and its bindings; a facet only when the store may not have it.
pub fn write(record: &mut Record, draft: &Draft<'_>, country: &str, is_image: bool, facet_is_known: bool) {
    hit(record.hits.row(), draft, country, is_image, record.received_at_ms);
    let Visitor::Known { id, .. } = draft.visitor else { return };
    if let Some(made) = &draft.touch {
        if !facet_is_known {
            facet_row(record.facets.row(), &draft.site().id, made.facet_id, &made.facets);
        }
        touch(record.touches.row(), draft, made, id.0, record.received_at_ms);
    }
    if let Some(own) = draft.bound_to {
        handover(record, draft, id.0, own.0);
    }
    if let Kind::Identify { email, user, .. } = &draft.hit.kind {
        bindings(record, draft, id.0, email.as_deref(), user.as_deref());
    }
}

fn hit(row: &mut RowWriter, draft: &Draft<'_>, country: &str, is_image: bool, received_at_ms: i64) {
    let hit = draft.hit;
    let page = draft.page.as_ref().expect("a finished hit has its page");
    let kind = match &hit.kind {
        _ if is_image => 4,
        Kind::Page => 1,
        Kind::Event { .. } => 2,
        Kind::Identify { .. } => 3,
    };
    let (visitor, evidence) = match draft.visitor {
        Visitor::None => (0, 0),
        Visitor::Known { id, evidence: Evidence::Signed } => (id.0, 1),
        Visitor::Known { id, evidence: Evidence::Unsigned } => (id.0, 2),
        Visitor::Known { id, evidence: Evidence::Forged } => (id.0, 3),
    };
    row.string(&draft.site().id).uuid(hit.id.to_u128()).i8(kind).i64(draft.at_ms).i64(received_at_ms);
    row.uuid(visitor).i8(evidence).uuid(hit.session.to_u128());
    row.string(page.host()).string(page.path()).string(query_of(&draft.landing)).string(&draft.referrer);
    match &hit.kind {
        Kind::Event { name, props } => row.string(name).string(&json(props)),
        _ => row.string("").string(""),
    };
    row.string(draft.agent.device.as_str())
        .string(draft.agent.browser)
        .string(draft.agent.os)
        .string(country);
    row.i64(draft.clock_offset_ms).u32(hit.engaged_ms.map_or(0, |ms| u32::try_from(ms).unwrap_or(u32::MAX)));
}

/// What stands between `?` and the end; storable addresses have no fragment.
fn query_of(address: &str) -> &str {
    address.split_once('?').map_or("", |(_, query)| query)
}

fn touch(row: &mut RowWriter, draft: &Draft<'_>, made: &Touch, visitor: u128, received_at_ms: i64) {
    let Touch { origin, facet_id, .. } = made;
    let click = origin.click_id.as_ref();
    row.string(&draft.site().id).uuid(visitor).i64(draft.at_ms).uuid(draft.hit.id.to_u128());
    row.uuid(draft.hit.session.to_u128()).u64(*facet_id);
    row.u8(u8::from(origin.channel == Channel::Direct)).string(origin.reason);
    row.u16(u16::try_from(origin.rules_version).unwrap_or(u16::MAX));
    row.u32(draft.site().rules_version).string(&draft.landing).string(&draft.referrer);
    row.string(draft.agent.in_app.unwrap_or("")).u8(u8::from(made.is_session_start));
    row.string(click.map_or("", |click| click.param));
    let value = click.and_then(|click| click.value.as_deref()).unwrap_or("");
    row.string(&value[..value.floor_char_boundary(CLICK_VALUE_BYTES_MAX)]);
    row.i64(received_at_ms).i64(received_at_ms);
}

/// One row for each key that `identify` gave; they share an id that derives from the hit, so that the same
/// hit again is the same binding.
fn bindings(record: &mut Record, draft: &Draft<'_>, visitor: u128, email: Option<&str>, user: Option<&str>) {
    let site = draft.site();
    let received_at_ms = record.received_at_ms;
    let binding_id = derive_id(&["identify", &site.id, draft.hit.id.as_str()]);
    let mut write = |key_kind: i8, key: u128, role_address: bool| {
        let row = record.bindings.row();
        row.string(&site.id).i8(key_kind).uuid(key).uuid(visitor).i64(draft.at_ms).uuid(binding_id);
        row.i8(1).u8(u8::from(role_address)).i64(received_at_ms);
    };
    if let Some(hashed) = email.and_then(|address| site.persons.email(address)) {
        write(1, u128::from_be_bytes(hashed.strong.0), hashed.role_address);
        write(2, u128::from_be_bytes(hashed.weak.0), hashed.role_address);
    }
    if let Some(user) = user {
        write(3, site.persons.user(user), false);
    }
}

/// That two visitors are one browser, found by either.
fn handover(record: &mut Record, draft: &Draft<'_>, handed: u128, own: u128) {
    let (site, received_at_ms) = (draft.site(), record.received_at_ms);
    for (side, key, visitor) in [("to", handed, own), ("from", own, handed)] {
        let binding_id = derive_id(&["handover", &site.id, draft.hit.id.as_str(), side]);
        let row = record.bindings.row();
        row.string(&site.id).i8(5).uuid(key).uuid(visitor).i64(draft.at_ms).uuid(binding_id);
        row.i8(5).u8(0).i64(received_at_ms);
    }
}

/// Properties as one flat JSON object, numbers with their digits as sent. Texts are kept as [`storable`] says.
fn json(props: &Props<'_>) -> String {
    let mut text = String::with_capacity(2 + props.len() * 24);
    for (name, value) in props {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&quoted(name));
        text.push(':');
        match value {
            PropValue::Text(value) => text.push_str(&quoted(&storable(value))),
            PropValue::Number(number) => text.push_str(number.as_str()),
            PropValue::Flag(flag) => text.push_str(if *flag { "true" } else { "false" }),
        }
    }
    if !text.is_empty() {
        text.push('}');
    }
    text
}

/// A property's text without what names a person: addresses of the web as pages' addresses are kept (`outbound` and
/// `download` carry one), and nothing of what holds an e-mail address.
fn storable(text: &str) -> Cow<'_, str> {
    let is_address = ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    match is_address.then(|| address::storable(text)) {
        Some(Ok(address)) => Cow::Owned(address),
        _ if is_address || address::is_email(text) || address::is_email(&text.replace("%40", "@")) => {
            Cow::Borrowed("")
        }
        _ => Cow::Borrowed(text),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}
