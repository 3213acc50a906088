//! What can be wrong with a body or a hit, each with a stable code that callers and metrics may rely on.
//!
//! Errors name the field and the reason and never carry the value, which may be personal.

use alloc::string::String;
use core::fmt;

/// Why a whole body was refused; none of its hits was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Longer than [`crate::limits::BodyLimits`] allow a body, or a hit that comes alone.
    #[error("the body, or the one hit in it, is longer than allowed: send less at once")]
    TooLong,
    /// Bytes that are not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not one JSON value, or cut off before its end.
    #[error("the body is not JSON: send one hit as an object, or a list of hits")]
    NotJson,
    /// More hits than [`crate::limits::BodyLimits`] allow.
    #[error("the list has more hits than allowed: send fewer at once")]
    ListTooLong,
    /// Nothing at all, or an empty list.
    #[error("the body holds no hit")]
    Empty,
}

impl BodyError {
    /// Stable code of the problem document.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "body.too_long",
            Self::NotUtf8 => "body.not_utf8",
            Self::NotJson => "body.not_json",
            Self::ListTooLong => "body.list_too_long",
            Self::Empty => "body.empty",
        }
    }
}

/// Why one hit was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct HitError {
    /// The field at fault; [`Field::Hit`] for the hit as a whole.
    pub field: Field,
    /// What is wrong with it.
    pub reason: Reason,
}

impl HitError {
    /// Stable code, `<field>.<reason>`, such as `url.too_long`. A closed set: fit for a metric's label.
    #[must_use]
    pub fn code(self) -> String {
        alloc::format!("{}.{}", self.field.name(), self.reason.code())
    }
}

/// A field of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the field of that name")]
pub enum Field {
    /// The hit as a whole.
    Hit,
    Ws,
    Kind,
    Id,
    Visitor,
    Session,
    Touch,
    Url,
    Ref,
    At,
    Sent,
    Width,
    CookieDomain,
    Consent,
    Engaged,
    Handover,
    Name,
    Props,
    Email,
    User,
    Traits,
}

impl Field {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Ws => "ws",
            Self::Kind => "kind",
            Self::Id => "id",
            Self::Visitor => "visitor",
            Self::Session => "session",
            Self::Touch => "touch",
            Self::Url => "url",
            Self::Ref => "ref",
            Self::At => "at",
            Self::Sent => "sent",
            Self::Width => "width",
            Self::CookieDomain => "cookie_domain",
            Self::Consent => "consent",
            Self::Engaged => "engaged",
            Self::Handover => "handover",
            Self::Name => "name",
            Self::Props => "props",
            Self::Email => "email",
            Self::User => "user",
            Self::Traits => "traits",
        }
    }

    /// The field of that name; `None` for a field this version does not know. Names match exactly.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ws" => Self::Ws,
            "kind" => Self::Kind,
            "id" => Self::Id,
            "visitor" => Self::Visitor,
            "session" => Self::Session,
            "touch" => Self::Touch,
            "url" => Self::Url,
            "ref" => Self::Ref,
            "at" => Self::At,
            "sent" => Self::Sent,
            "width" => Self::Width,
            "cookie_domain" => Self::CookieDomain,
            "consent" => Self::Consent,
            "engaged" => Self::Engaged,
            "handover" => Self::Handover,
            "name" => Self::Name,
            "props" => Self::Props,
            "email" => Self::Email,
            "user" => Self::User,
            "traits" => Self::Traits,
            _ => return None,
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// The field is required and absent.
    #[error("is required")]
    Missing,
    /// A value of another JSON type.
    #[error("has the wrong type")]
    WrongType,
    /// Longer than its limit.
    #[error("is too long")]
    TooLong,
    /// More entries than allowed.
    #[error("has too many entries")]
    TooMany,
    /// The right type, but not the shape the field wants.
    #[error("does not have the right shape")]
    Malformed,
    /// A number outside what the field allows.
    #[error("is out of range")]
    OutOfRange,
    /// Not one of the words the field allows.
    #[error("is not one of the allowed words")]
    Unknown,
    /// Given twice, so that nobody can say which one counts.
    #[error("is given twice")]
    Duplicate,
}

impl Reason {
    /// Stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Malformed => "malformed",
            Self::OutOfRange => "out_of_range",
            Self::Unknown => "unknown",
            Self::Duplicate => "duplicate",
        }
    }
}
