//! Writes a hit as JSON, by hand: the pixel has no room for a serialiser.
//!
//! Writes every value as it stands; cutting it to its limit is the caller's.

use alloc::string::String;

use crate::{Hit, Kind, PropValue, Props};

/// Appends `hit` to `out` as one JSON object. Absent and empty values are left out.
pub fn encode(hit: &Hit<'_>, out: &mut String) {
    out.push('{');
    out.push_str(r#""ws":"#);
    text(&hit.ws, out);
    field("kind", hit.kind.name(), out);
    field("id", hit.id.as_str(), out);
    field("visitor", hit.visitor.as_deref().unwrap_or_default(), out);
    field("session", hit.session.as_str(), out);
    field("touch", hit.touch.map_or("", |touch| touch.name()), out);
    field("url", &hit.url, out);
    field("ref", &hit.referrer, out);
    number("at", hit.at_ms, out);
    if let Some(width) = hit.width {
        number("width", width.into(), out);
    }
    field("cookie_domain", hit.cookie_domain.as_deref().unwrap_or_default(), out);
    field("consent", hit.consent.name(), out);
    match &hit.kind {
        Kind::Page => {}
        Kind::Event { name, props } => {
            field("name", name, out);
            map("props", props, out);
        }
        Kind::Identify { email, user, traits } => {
            field("email", email.as_deref().unwrap_or_default(), out);
            field("user", user.as_deref().unwrap_or_default(), out);
            map("traits", traits, out);
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

fn number(name: &str, value: u64, out: &mut String) {
    key(name, out);
    push_digits(value, out);
}

/// Appends decimal digits without `core::fmt`, which alone would outweigh the rest of the pixel.
pub fn push_digits(value: u64, out: &mut String) {
    if value > 9 {
        push_digits(value / 10, out);
    }
    out.push(char::from(b'0' + (value % 10) as u8));
}

fn map(name: &str, props: &Props<'_>, out: &mut String) {
    if props.is_empty() {
        return;
    }
    key(name, out);
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
    for char in value.chars() {
        if char < ' ' {
            out.push_str(if char < '\x10' { "\\u000" } else { "\\u001" });
            out.push(char::from(b"0123456789abcdef"[char as usize & 15]));
        } else {
            if matches!(char, '"' | '\\') {
                out.push('\\');
            }
            out.push(char);
        }
    }
    out.push('"');
}
