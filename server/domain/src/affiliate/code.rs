//! The short code of a partner's link, and where following it may lead: never anywhere the merchant does not own.

use std::fmt;
use std::str::FromStr;

use url::Url;

const CODE_CHARS_MIN: usize = 2;
const CODE_CHARS_MAX: usize = 50;
const ADDRESS_CHARS_MAX: usize = 2000;

/// A code as it stands in `/r/{code}` and `?via=`: lower-case letters, digits, `-` and `_`, so that it reads the same
/// on paper, in an address and in a report.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkCode(String);

/// The text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 2 to 50 letters a to z, digits, - or _")]
pub struct CodeError;

impl LinkCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A code made of a name: `Jane Doe` gives `jane-doe`; none when too little of it is left.
    pub fn of_name(name: &str) -> Option<LinkCode> {
        let mut text = String::new();
        for letter in name.chars().map(|letter| letter.to_ascii_lowercase()) {
            if letter.is_ascii_alphanumeric() {
                text.push(letter);
            } else if !text.is_empty() && !text.ends_with('-') {
                text.push('-');
            }
        }
        let cut: String = text.chars().take(CODE_CHARS_MAX - 10).collect();
        cut.trim_end_matches('-').parse().ok()
    }
}

impl FromStr for LinkCode {
    type Err = CodeError;

    /// Any case: people type what they read.
    fn from_str(text: &str) -> Result<LinkCode, CodeError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_code = (CODE_CHARS_MIN..=CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed);
        if is_code { Ok(LinkCode(text.to_ascii_lowercase())) } else { Err(CodeError) }
    }
}

impl fmt::Display for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an address is no destination of a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    #[error("a destination is an http or https address of the shop, or a path of it such as /pricing")]
    NotAnAddress,
    #[error("{0} is not one of the workspace's own hosts; add it to the workspace's domains, or use another")]
    Foreign(String),
}

/// Where a link leads: the landing page it was made with, or `wanted`, a path on the same site or a whole address.
/// `is_own` says whether an `host[:port]` is the merchant's; the landing page's own is, since the merchant chose it.
pub fn destination(
    landing: Option<&Url>,
    wanted: Option<&str>,
    is_own: impl Fn(&str) -> bool,
) -> Result<Url, DestinationError> {
    let found = match (landing, wanted) {
        (Some(landing), None) => landing.clone(),
        (landing, Some(wanted)) => {
            // Browsers drop control characters and take `\` for `/`: what they would read otherwise is refused.
            let is_odd = |letter: char| letter.is_control() || letter == '\\' || letter.is_whitespace();
            if wanted.is_empty() || wanted.len() > ADDRESS_CHARS_MAX || wanted.contains(is_odd) {
                return Err(DestinationError::NotAnAddress);
            }
            let read = match landing {
                Some(landing) if wanted.starts_with('/') && !wanted.starts_with("//") => landing.join(wanted),
                _ => Url::parse(wanted),
            };
            read.map_err(|_| DestinationError::NotAnAddress)?
        }
        (None, None) => return Err(DestinationError::NotAnAddress),
    };
    let is_web = matches!(found.scheme(), "http" | "https");
    let Some(host) = found.host_str().filter(|_| is_web) else { return Err(DestinationError::NotAnAddress) };
    if !found.username().is_empty() || found.password().is_some() {
        return Err(DestinationError::NotAnAddress);
    }
    let place = match found.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let is_landing = landing.is_some_and(|landing| landing.origin() == found.origin());
    if is_landing || is_own(&place) { Ok(found) } else { Err(DestinationError::Foreign(place)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_the_same_everywhere() {
        assert_eq!("Jane_Doe-2".parse::<LinkCode>().unwrap().as_str(), "jane_doe-2");
        for wrong in ["", "j", "jane doe", "jane/x", "jäne", "a.b", &"x".repeat(51)] {
            assert_eq!(wrong.parse::<LinkCode>(), Err(CodeError), "{wrong}");
        }
        assert_eq!(LinkCode::of_name("  Jane  Doe! ").unwrap().as_str(), "jane-doe");
        assert_eq!(LinkCode::of_name("日本"), None);
    }

    #[track_caller]
    fn leads(wanted: Option<&str>) -> Result<String, DestinationError> {
        let landing = Url::parse("https://shop.example/start?a=b").unwrap();
        destination(Some(&landing), wanted, |host| host == "docs.shop.example").map(String::from)
    }

    #[test]
    fn links_lead_to_the_landing_page_or_deeper_into_the_site() {
        assert_eq!(leads(None).unwrap(), "https://shop.example/start?a=b");
        assert_eq!(leads(Some("/pricing?x=1")).unwrap(), "https://shop.example/pricing?x=1");
        assert_eq!(leads(Some("https://docs.shop.example/a")).unwrap(), "https://docs.shop.example/a");
        assert_eq!(leads(Some("https://shop.example/deep")).unwrap(), "https://shop.example/deep");
    }

    #[test]
    fn no_way_leads_to_a_foreign_host() {
        for foreign in [
            "https://evil.example/",
            "//evil.example/x",
            "https://shop.example.evil.example/",
            "http://shop.example/",
            "https://shop.example:8443/",
            "https://docs.shop.example:1/",
        ] {
            assert!(leads(Some(foreign)).is_err(), "{foreign}");
        }
        for odd in [
            "",
            "pricing",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\\evil.example",
            "\\\\evil.example",
            "https:\\\\evil.example",
            "/\t/evil.example",
            "https://shop.example@evil.example/",
            "https://user:pw@shop.example/",
            "ftp://shop.example/",
        ] {
            assert!(leads(Some(odd)).is_err(), "{odd}");
        }
        assert_eq!(destination(None, Some("/x"), |_| true), Err(DestinationError::NotAnAddress));
    }
}
