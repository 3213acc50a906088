//! The address of a page: host, path and parameters, read once from what the browser sent.
//!
//! Parameters are percent-decoded exactly once, trimmed, stripped of control characters and cut; nothing later
//! sees the raw text. This never keeps user names, passwords, ports or fragments.

use std::borrow::Cow;

use url::{Host, Url};

use super::click_id;

/// The longest address that is read, in bytes; the pixel cuts to it.
pub const ADDRESS_BYTES_MAX: usize = 2_000;
/// The longest path that is kept, in characters.
pub const PATH_CHARS_MAX: usize = 500;
/// The longest name or value of a parameter that is kept, in characters.
pub const VALUE_CHARS_MAX: usize = 200;

/// Why a text is not the address of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Longer than [`ADDRESS_BYTES_MAX`].
    #[error("the address is longer than {ADDRESS_BYTES_MAX} bytes: send it without its longest parameters")]
    TooLong,
    /// `file:`, `data:`, an app's own scheme.
    #[error("the address is not http or https: send the address shown in the browser")]
    Scheme,
    /// Not an address at all.
    #[error("the address cannot be read: send a whole one, such as https://example.com/pricing?utm_source=x")]
    Malformed,
}

/// The address of a page, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAddress {
    host: String,
    registrable_at: usize,
    path: String,
    query: Vec<(String, String)>,
}

impl PageAddress {
    /// Reads an absolute `http` or `https` address.
    pub fn parse(text: &str) -> Result<PageAddress, AddressError> {
        let (url, host) = read(text)?;
        let registrable_at = host.len() - registrable(&host).len();
        let path = cut(&storable_path(url.path()), PATH_CHARS_MAX).to_owned();
        Ok(PageAddress { host, registrable_at, path, query: url.query().map(pairs).unwrap_or_default() })
    }

    /// The host in lower case, international names in their ASCII form, without a final dot.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The domain somebody registered, by the public suffix list: `example.co.uk` of `shop.example.co.uk`.
    /// For addresses in numbers and for names with one label (`localhost`) the host itself.
    pub fn registrable_domain(&self) -> &str {
        &self.host[self.registrable_at..]
    }

    /// The path, percent-encoded as browsers show it in links, at most [`PATH_CHARS_MAX`] characters. Parts that
    /// hold an e-mail address are `-`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Every parameter in the order of the address: name in lower case, value decoded and cleaned. Names
    /// repeat as they do in the address.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of `name` (lower case) that says something; see [`is_absent`].
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query().find(|(other, value)| *other == name && !is_absent(value)).map(|(_, value)| value)
    }

    /// What `name` (lower case) held when [`PageAddress::param`] finds nothing in it: something a template left
    /// behind (`{{campaign}}`), or an e-mail address.
    pub fn unused(&self, name: &str) -> Option<&str> {
        let held = self.query().find(|(other, value)| *other == name && !value.is_empty());
        held.filter(|_| self.param(name).is_none()).map(|(_, value)| value)
    }
}

/// The registrable domain of a host in lower case, or the host where there is none.
pub fn registrable(host: &str) -> &str {
    let is_number = host.starts_with('[') || host.rsplit('.').next().is_some_and(is_digits);
    if is_number { host } else { psl::domain_str(host).unwrap_or(host) }
}

/// Whether a value says nothing that may be used: empty, what tools write for "unknown", a template nobody filled
/// in, or an e-mail address.
pub fn is_absent(value: &str) -> bool {
    const SAYS_NOTHING: [&str; 8] =
        ["null", "undefined", "(not set)", "not set", "(none)", "(direct)", "[object object]", "nan"];
    let wrapped = |open: &str, close: &str| {
        value.len() > open.len() + close.len() && value.starts_with(open) && value.ends_with(close)
    };
    value.is_empty()
        || SAYS_NOTHING.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.contains("{{")
        || value.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("%7b%7b"))
        || wrapped("__", "__")
        || wrapped("{", "}")
        || wrapped("${", "}")
        || wrapped("%%", "%%")
        || is_email(value)
}

/// Whether a value holds an e-mail address, which nothing here may keep.
pub fn is_email(value: &str) -> bool {
    value.match_indices('@').any(|(at, _)| {
        let domain = value[at + 1..].split(|c: char| !(c.is_alphanumeric() || "-.".contains(c))).next();
        let ends_in_name = |domain: &str| {
            domain.rsplit_once('.').is_some_and(|(_, last)| last.starts_with(char::is_alphabetic))
        };
        value[..at].ends_with(|c: char| !c.is_whitespace()) && domain.is_some_and(ends_in_name)
    })
}

/// Under which a visitor is handed from one site to another; good for ten minutes, and nothing to be kept.
const HANDOVER_PARAM: &str = "_trb";

/// The address as it may be stored: e-mail addresses and hand-over tokens taken out, the values of mailing tools' ids for persons
/// replaced by `-`, no user name, password or fragment. The rest is as it was, so that a stored address can be
/// classified again with the same result.
pub fn storable(text: &str) -> Result<String, AddressError> {
    let (mut url, _) = read(text)?;
    url.set_fragment(None);
    // Both only fail for addresses without a host, which `read` refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let path = storable_path(url.path()).into_owned();
    url.set_path(&path);
    if let Some(query) = url.query() {
        let is_token = |pair: &&str| pair.split('=').next() == Some(HANDOVER_PARAM);
        let kept: Vec<Cow<str>> =
            query.split('&').filter(|pair| !is_token(pair)).map(storable_pair).collect();
        let kept = kept.join("&");
        let is_gone = kept.is_empty() && !query.is_empty();
        url.set_query((!is_gone).then_some(kept.as_str()));
    }
    Ok(url.into())
}

fn storable_path(path: &str) -> Cow<'_, str> {
    if !path.contains('@') && !path.contains("%40") {
        return Cow::Borrowed(path);
    }
    let parts: Vec<&str> =
        path.split('/').map(|part| if is_email(&decode(part)) { "-" } else { part }).collect();
    Cow::Owned(parts.join("/"))
}

fn storable_pair(pair: &str) -> Cow<'_, str> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let value = decode(value);
    if is_email(&value) {
        Cow::Owned(format!("{name}="))
    } else if click_id::names_person(&lower(clean(&decode(name)))) && !is_absent(&clean(&value)) {
        Cow::Owned(format!("{name}=-"))
    } else {
        Cow::Borrowed(pair)
    }
}

fn read(text: &str) -> Result<(Url, String), AddressError> {
    if text.len() > ADDRESS_BYTES_MAX {
        return Err(AddressError::TooLong);
    }
    let url = Url::parse(text).map_err(|_| AddressError::Malformed)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::Scheme);
    }
    let host = match url.host().ok_or(AddressError::Malformed)? {
        Host::Domain(name) => name.trim_end_matches('.').to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => format!("[{address}]"),
    };
    if host.is_empty() { Err(AddressError::Malformed) } else { Ok((url, host)) }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (lower(clean(&decode(name))), clean(&decode(value)))
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// Percent-decodes once, `+` as a space. What is not UTF-8 becomes the replacement character; a percent sign
/// that starts no code stays.
fn decode(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).and_then(|hex| Some(digit(hex[0])? << 4 | digit(hex[1])?));
        match (byte, code) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The value of a hex digit.
fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn lower(mut text: String) -> String {
    if !text.is_ascii() {
        return text.to_lowercase();
    }
    text.make_ascii_lowercase();
    text
}

/// Without control characters, trimmed, cut to [`VALUE_CHARS_MAX`].
fn clean(text: &str) -> String {
    let kept: Cow<str> = match text.chars().any(char::is_control) {
        true => text.chars().filter(|c| !c.is_control()).collect(),
        false => text.into(),
    };
    cut(kept.trim(), VALUE_CHARS_MAX).trim_end().to_owned()
}

/// The first `chars_max` characters.
fn cut(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

fn is_digits(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit())
}
