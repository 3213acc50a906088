//! Reads a body of `POST /c` into hits, borrowing from it, strictly and without ever panicking.
//!
//! Each value is first kept as its raw JSON text and then read as the one type its field has, so that a bad
//! value spoils its hit and nothing else: not the other hits of the list. Unknown fields are skipped, because
//! a newer pixel must work with an older collector. Nesting is skipped without recursion.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{BodyError, Field, HitError, Reason};
use crate::limits::{self, BodyLimits};
use crate::visitor::is_plain;
use crate::{Consent, Hit, Kind, Number, PropValue, Props, Touch, Ulid, VisitorId};

/// Reads one hit or a list of them, in the order they were sent.
///
/// # Errors
/// When no hit can be told from another. A single bad hit is an `Err` at its place in the list instead.
pub fn decode(body: &[u8]) -> Result<Vec<Result<Hit<'_>, HitError>>, BodyError> {
    decode_within(body, &BodyLimits::default())
}

/// The same with other limits of the body than the pixel keeps to.
///
/// # Errors
/// As [`decode`].
pub fn decode_within<'a>(
    body: &'a [u8],
    limits: &BodyLimits,
) -> Result<Vec<Result<Hit<'a>, HitError>>, BodyError> {
    if body.len() > limits.body_bytes_max {
        return Err(BodyError::TooLong);
    }
    let body = core::str::from_utf8(body).map_err(|_| BodyError::NotUtf8)?;
    let body = body.trim_matches([' ', '\t', '\r', '\n']);
    if body.is_empty() {
        return Err(BodyError::Empty);
    }
    if !body.starts_with('[') {
        if body.len() > limits.hit_bytes_max {
            return Err(BodyError::TooLong);
        }
        return decode_one(body).map(|hit| [hit].into());
    }
    let list: Vec<&RawValue> = serde_json::from_str(body).map_err(|_| BodyError::NotJson)?;
    match list.len() {
        0 => Err(BodyError::Empty),
        count if count > limits.list_max => Err(BodyError::ListTooLong),
        _ => Ok(list.into_iter().map(|hit| decode_in_list(hit.get(), limits.hit_bytes_max)).collect()),
    }
}

fn decode_one(body: &str) -> Result<Result<Hit<'_>, HitError>, BodyError> {
    let hit = decode_hit(body);
    // The one pass over a good hit has proven that it is JSON; a bad one is looked at again.
    if hit.is_err() && serde_json::from_str::<&RawValue>(body).is_err() {
        return Err(BodyError::NotJson);
    }
    Ok(hit)
}

fn decode_in_list(text: &str, bytes_max: usize) -> Result<Hit<'_>, HitError> {
    if text.len() > bytes_max {
        return Err(HitError { field: Field::Hit, reason: Reason::TooLong });
    }
    decode_hit(text)
}

fn decode_hit(text: &str) -> Result<Hit<'_>, HitError> {
    if !text.starts_with('{') {
        return Err(HitError { field: Field::Hit, reason: Reason::WrongType });
    }
    // What fails here is JSON whose field *names* cannot be read, such as a lone surrogate.
    let fields: Entries<'_> =
        serde_json::from_str(text).map_err(|_| HitError { field: Field::Hit, reason: Reason::Malformed })?;
    let mut draft = Draft::default();
    for (name, value) in fields.0 {
        let Some(field) = Field::of(&name) else { continue };
        draft.take(field, value).map_err(|reason| HitError { field, reason })?;
    }
    draft.finish()
}

/// An object's names and raw values in the order they stand, duplicates included.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(16);
                while let Some(Name(name)) = map.next_key()? {
                    entries.push((name, map.next_value::<&RawValue>()?.get()));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// A name, borrowed unless it has escapes; serde's own `Cow` is always owned.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.into())))
            }
        }
        deserializer.deserialize_str(Read)
    }
}

/// The fields met so far.
#[derive(Default)]
struct Draft<'a> {
    ws: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    id: Option<Ulid>,
    visitor: Option<Cow<'a, str>>,
    session: Option<Ulid>,
    touch: Option<Touch>,
    url: Option<Cow<'a, str>>,
    referrer: Option<Cow<'a, str>>,
    at_ms: Option<u64>,
    sent_ms: Option<u64>,
    width: Option<u32>,
    cookie_domain: Option<Cow<'a, str>>,
    consent: Option<Consent>,
    engaged_ms: Option<u64>,
    handover: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    props: Option<Props<'a>>,
    email: Option<Cow<'a, str>>,
    user: Option<Cow<'a, str>>,
    traits: Option<Props<'a>>,
}

impl<'a> Draft<'a> {
    fn take(&mut self, field: Field, value: &'a str) -> Result<(), Reason> {
        use limits as max;
        match field {
            Field::Hit => Ok(()),
            Field::Ws => set(&mut self.ws, shaped(value, max::WORKSPACE_BYTES_MAX, is_plain)?),
            Field::Kind => set(&mut self.kind, text(value, max::NAME_BYTES_MAX)?),
            Field::Id => set(&mut self.id, ulid(value)?),
            Field::Visitor => {
                let is_visitor = |text: &str| VisitorId::parse(text).is_some();
                set(&mut self.visitor, shaped(value, max::VISITOR_BYTES_MAX, is_visitor)?)
            }
            Field::Session => set(&mut self.session, ulid(value)?),
            Field::Touch => {
                set(&mut self.touch, word(value, &[Touch::Session, Touch::Campaign], Touch::name)?)
            }
            Field::Url => set(&mut self.url, shaped(value, max::ADDRESS_BYTES_MAX, |text| !text.is_empty())?),
            Field::Ref => set(&mut self.referrer, text(value, max::ADDRESS_BYTES_MAX)?),
            Field::At => set(&mut self.at_ms, integer(value, max::AT_MS_MAX)?),
            Field::Sent => set(&mut self.sent_ms, integer(value, max::AT_MS_MAX)?),
            Field::Width => {
                let width = integer(value, max::WIDTH_MAX.into())?;
                set(&mut self.width, u32::try_from(width).map_err(|_| Reason::OutOfRange)?)
            }
            Field::CookieDomain => {
                set(&mut self.cookie_domain, shaped(value, max::COOKIE_DOMAIN_BYTES_MAX, is_domain)?)
            }
            Field::Consent => {
                set(&mut self.consent, word(value, &[Consent::Granted, Consent::Session], Consent::name)?)
            }
            Field::Engaged => set(&mut self.engaged_ms, integer(value, max::ENGAGED_MS_MAX)?),
            Field::Handover => {
                set(&mut self.handover, shaped(value, max::HANDOVER_BYTES_MAX, is_dotted_plain)?)
            }
            Field::Name => set(&mut self.name, shaped(value, max::NAME_BYTES_MAX, |text| !text.is_empty())?),
            Field::Props => set(&mut self.props, props(value)?),
            Field::Email => set(&mut self.email, shaped(value, max::EMAIL_BYTES_MAX, is_email)?),
            Field::User => set(&mut self.user, shaped(value, max::USER_BYTES_MAX, |text| !text.is_empty())?),
            Field::Traits => set(&mut self.traits, props(value)?),
        }
    }

    fn finish(self) -> Result<Hit<'a>, HitError> {
        let kind = match &*need(self.kind, Field::Kind)? {
            "page" => Kind::Page,
            "event" => {
                Kind::Event { name: need(self.name, Field::Name)?, props: self.props.unwrap_or_default() }
            }
            "identify" if self.email.is_none() && self.user.is_none() => {
                return Err(HitError { field: Field::Email, reason: Reason::Missing });
            }
            "identify" => {
                Kind::Identify { email: self.email, user: self.user, traits: self.traits.unwrap_or_default() }
            }
            _ => return Err(HitError { field: Field::Kind, reason: Reason::Unknown }),
        };
        Ok(Hit {
            ws: need(self.ws, Field::Ws)?,
            kind,
            id: need(self.id, Field::Id)?,
            visitor: self.visitor,
            session: need(self.session, Field::Session)?,
            touch: self.touch,
            url: need(self.url, Field::Url)?,
            referrer: self.referrer.unwrap_or_default(),
            at_ms: need(self.at_ms, Field::At)?,
            sent_ms: self.sent_ms,
            width: self.width,
            cookie_domain: self.cookie_domain,
            consent: self.consent.unwrap_or(Consent::Granted),
            engaged_ms: self.engaged_ms,
            handover: self.handover,
        })
    }
}

fn need<T>(value: Option<T>, field: Field) -> Result<T, HitError> {
    value.ok_or(HitError { field, reason: Reason::Missing })
}

fn set<T>(slot: &mut Option<T>, value: T) -> Result<(), Reason> {
    if slot.is_some() {
        return Err(Reason::Duplicate);
    }
    *slot = Some(value);
    Ok(())
}

/// A JSON string of at most `bytes_max` bytes. `value` is valid JSON, so a quote at its start has one at its end.
fn text(value: &str, bytes_max: usize) -> Result<Cow<'_, str>, Reason> {
    let plain = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(Reason::WrongType)?;
    let text = if plain.contains('\\') {
        // What fails here is an escape that is no character: a lone surrogate.
        Cow::Owned(serde_json::from_str::<String>(value).map_err(|_| Reason::Malformed)?)
    } else {
        Cow::Borrowed(plain)
    };
    if text.len() > bytes_max { Err(Reason::TooLong) } else { Ok(text) }
}

fn shaped(value: &str, bytes_max: usize, is_right: impl Fn(&str) -> bool) -> Result<Cow<'_, str>, Reason> {
    let text = text(value, bytes_max)?;
    if is_right(&text) { Ok(text) } else { Err(Reason::Malformed) }
}

fn word<T: Copy>(value: &str, words: &[T], name: fn(T) -> &'static str) -> Result<T, Reason> {
    let text = text(value, limits::NAME_BYTES_MAX)?;
    words.iter().copied().find(|word| name(*word) == text).ok_or(Reason::Unknown)
}

fn ulid(value: &str) -> Result<Ulid, Reason> {
    // Longer than a ULID is not "too long" but not a ULID at all.
    Ulid::parse(&text(value, limits::ADDRESS_BYTES_MAX)?).ok_or(Reason::Malformed)
}

fn integer(value: &str, most: u64) -> Result<u64, Reason> {
    let number = Number::parse(value).ok_or(Reason::WrongType)?;
    match number.as_str().parse::<u64>() {
        Ok(number) if number <= most => Ok(number),
        Ok(_) => Err(Reason::OutOfRange),
        // Digits only, so it overflowed; or below zero; else it has a fraction or an exponent.
        Err(_) if value.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(Reason::OutOfRange)
        }
        Err(_) => Err(Reason::WrongType),
    }
}

fn props(value: &str) -> Result<Props<'_>, Reason> {
    if !value.starts_with('{') {
        return Err(Reason::WrongType);
    }
    let entries: Entries<'_> = serde_json::from_str(value).map_err(|_| Reason::Malformed)?;
    if entries.0.len() > limits::PROPS_MAX {
        return Err(Reason::TooMany);
    }
    let mut props = Props::with_capacity(entries.0.len());
    for (name, value) in entries.0 {
        if name.chars().count() > limits::PROP_NAME_CHARS_MAX {
            return Err(Reason::TooLong);
        }
        if props.iter().any(|(before, _)| *before == name) {
            return Err(Reason::Duplicate);
        }
        props.push((name, prop(value)?));
    }
    Ok(props)
}

fn prop(value: &str) -> Result<PropValue<'_>, Reason> {
    match value.as_bytes().first() {
        Some(b'"') => {
            let text = text(value, limits::HIT_BYTES_MAX)?;
            if text.chars().count() > limits::PROP_VALUE_CHARS_MAX {
                return Err(Reason::TooLong);
            }
            Ok(PropValue::Text(text))
        }
        Some(b't') => Ok(PropValue::Flag(true)),
        Some(b'f') => Ok(PropValue::Flag(false)),
        Some(b'-' | b'0'..=b'9') if value.len() > limits::NUMBER_BYTES_MAX => Err(Reason::TooLong),
        Some(b'-' | b'0'..=b'9') => {
            let number = Number::parse(value).ok_or(Reason::Malformed)?;
            // 1e400 is JSON, and no number any store can hold.
            let is_finite = value.parse::<f64>().is_ok_and(f64::is_finite);
            if is_finite { Ok(PropValue::Number(number)) } else { Err(Reason::OutOfRange) }
        }
        _ => Err(Reason::WrongType),
    }
}

/// Plain parts with dots between them, as tokens are written.
fn is_dotted_plain(text: &str) -> bool {
    text.split('.').all(is_plain)
}

/// A dotted name, with or without a leading dot. What registrable means is the collector's to know.
fn is_domain(text: &str) -> bool {
    let name = text.strip_prefix('.').unwrap_or(text);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// Something on both sides of the last `@`, no spaces or control characters. No more: mailboxes are strange.
fn is_email(text: &str) -> bool {
    let odd = |char: char| char.is_whitespace() || char.is_control();
    text.trim()
        .rsplit_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !text.trim().contains(odd))
}
