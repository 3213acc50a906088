//! Writes a hit as JSON, by hand: the crate has no dependencies. The pixel's loader writes its own (`pixel/loader`).
//!
//! Writes every value as it stands; cutting it to its limit is the caller's.

use alloc::string::String;

use crate::{Hit, Kind, PropValue, Props, Ulid};

/// Appends `hit` to `out` as one JSON object. Absent and empty values are left out.
pub fn encode(hit: &Hit<'_>, out: &mut String) {
    let mut props = String::new();
    if let Kind::Event { props: map, .. } | Kind::Identify { traits: map, .. } = &hit.kind {
        object(map, &mut props);
    }
    encode_with(hit, &props, out);
}

/// The same with `props` or `traits` given as the text of a JSON object, empty for none.
fn encode_with(hit: &Hit<'_>, props: &str, out: &mut String) {
    out.push('{');
    out.push_str(r#""ws":"#);
    text(&hit.ws, out);
    field("kind", hit.kind.name(), out);
    ulid("id", hit.id, out);
    field("visitor", hit.visitor.as_deref().unwrap_or_default(), out);
    ulid("session", hit.session, out);
    field("touch", hit.touch.map_or("", |touch| touch.name()), out);
    field("url", &hit.url, out);
    field("ref", &hit.referrer, out);
    number("at", hit.at_ms, out);
    if let Some(sent_ms) = hit.sent_ms {
        number("sent", sent_ms, out);
    }
    if let Some(width) = hit.width {
        number("width", width.into(), out);
    }
    field("cookie_domain", hit.cookie_domain.as_deref().unwrap_or_default(), out);
    field("consent", hit.consent.name(), out);
    if let Some(engaged_ms) = hit.engaged_ms {
        number("engaged", engaged_ms, out);
    }
    field("handover", hit.handover.as_deref().unwrap_or_default(), out);
    match &hit.kind {
        Kind::Page => {}
        Kind::Event { name, .. } => {
            field("name", name, out);
            raw("props", props, out);
        }
        Kind::Identify { email, user, .. } => {
            field("email", email.as_deref().unwrap_or_default(), out);
            field("user", user.as_deref().unwrap_or_default(), out);
            raw("traits", props, out);
        }
    }
    out.push('}');
}

fn key(name: &str, out: &mut String) {
    out.push(',');
    text(name, out);
    out.push(':');
}

fn field(name: &str, value: &str, out: &mut String) {
    if !value.is_empty() {
        key(name, out);
        text(value, out);
    }
}

fn ulid(name: &str, value: Ulid, out: &mut String) {
    key(name, out);
    out.push('"');
    value.push_to(out);
    out.push('"');
}

fn number(name: &str, value: u64, out: &mut String) {
    key(name, out);
    push_digits(value, out);
}

/// Appends decimal digits.
fn push_digits(value: u64, out: &mut String) {
    if value > 9 {
        push_digits(value / 10, out);
    }
    out.push(char::from(b'0' + (value % 10) as u8));
}

fn raw(name: &str, json: &str, out: &mut String) {
    if !json.is_empty() {
        key(name, out);
        out.push_str(json);
    }
}

fn object(props: &Props<'_>, out: &mut String) {
    if props.is_empty() {
        return;
    }
    let mut before = '{';
    for (name, value) in props {
        out.push(before);
        before = ',';
        text(name, out);
        out.push(':');
        match value {
            PropValue::Text(value) => text(value, out),
            PropValue::Number(value) => out.push_str(value.as_str()),
            PropValue::Flag(value) => out.push_str(if *value { "true" } else { "false" }),
        }
    }
    out.push('}');
}

/// A JSON string: quotes, backslashes and control characters escaped, everything else as it is.
fn text(value: &str, out: &mut String) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        // What is escaped is one byte long, so every cut is between characters.
        out.push_str(value.get(plain_from..at).unwrap_or_default());
        plain_from = at + 1;
        out.push('\\');
        if byte < b' ' {
            out.push_str(if byte < 16 { "u000" } else { "u001" });
            out.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        } else {
            out.push(char::from(byte));
        }
    }
    out.push_str(value.get(plain_from..).unwrap_or_default());
    out.push('"');
}
