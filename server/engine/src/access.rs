//! Who may talk to a listener: the engine itself has no usable access control (trap G12). Compared in constant
//! time; never logged.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::failure::Failure;
use crate::params::Parameters;

/// A user and a password, both optional. Without a password everyone who reaches the listener may do everything.
#[derive(Clone, Default)]
pub struct Access {
    /// `None` accepts any user name.
    pub user: Option<String>,
    /// `None` accepts any password.
    pub password: Option<String>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("user", &self.user)
            .field("password", &self.password.is_some())
            .finish()
    }
}

impl Access {
    /// Checks what a request shows: an `Authorization: Basic` header, the `X-ClickHouse-User` and `-Key` headers, or
    /// the `user` and `password` parameters.
    pub(crate) fn check(&self, headers: &HeaderMap, parameters: &Parameters) -> Result<(), Failure> {
        if self.password.is_none() {
            same_machine(headers)?;
        }
        if self.user.is_none() && self.password.is_none() {
            return Ok(());
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (user, password) = basic(headers)
            .or_else(|| {
                let key = header("X-ClickHouse-Key");
                header("X-ClickHouse-User").map(|user| (user, key.unwrap_or_default()))
            })
            .unwrap_or_else(|| {
                let user = parameters.user.clone().unwrap_or_else(|| "default".into());
                (user, parameters.password.clone().unwrap_or_default())
            });
        let known = equal(self.user.as_deref().unwrap_or(&user), &user)
            & equal(self.password.as_deref().unwrap_or(&password), &password);
        match bool::from(known) {
            true => Ok(()),
            false => Err(Failure::refuse(
                516,
                "AUTHENTICATION_FAILED",
                "the user name or the password is wrong; use those the listener was started with",
            )),
        }
    }
}

/// Without a password, pages in a browser of this machine must stay out: a page's POST names its origin, and a page
/// that points its own name at 127.0.0.1 shows that name as the host.
fn same_machine(headers: &HeaderMap) -> Result<(), Failure> {
    let host = headers.get(HOST).map(|value| value.to_str().unwrap_or("?")).unwrap_or("localhost");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    let known = address || [EMBEDDED_HOST, "localhost"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if known && !headers.contains_key(ORIGIN) {
        return Ok(());
    }
    let reason = "web pages may not use a listener without a password; start it with one";
    Err(Failure::refuse(516, "AUTHENTICATION_FAILED", reason))
}

/// The host of the in-memory pipe's addresses.
pub(crate) const EMBEDDED_HOST: &str = "embedded";

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// Hashes first, so that not even the length shows.
fn equal(a: &str, b: &str) -> subtle::Choice {
    Sha256::digest(a).as_slice().ct_eq(Sha256::digest(b).as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_pages_are_kept_out_of_a_listener_without_a_password() {
        let check = |access: &Access, name: &'static str, value: &str| {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            access.check(&headers, &Parameters::default()).is_ok()
        };
        let open = Access::default();
        for host in ["127.0.0.1:8123", "localhost", "localhost:1", "[::1]:8123", "embedded"] {
            assert!(check(&open, "host", host), "{host}");
        }
        for host in ["evil.example:8123", "localhost.evil.example", "embedded.evil.example:80"] {
            assert!(!check(&open, "host", host), "{host}");
        }
        assert!(!check(&open, "origin", "https://evil.example"));
    }

    #[test]
    fn each_way_of_showing_a_password_is_checked() {
        let access = Access { user: Some("me".into()), password: Some("secret".into()) };
        let none = Parameters::default();
        let headers = |pairs: &[(&'static str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        let basic =
            |text: &str| headers(&[("authorization", &format!("Basic {}", BASE64_STANDARD.encode(text)))]);
        assert!(access.check(&basic("me:secret"), &none).is_ok());
        assert!(
            access
                .check(&headers(&[("x-clickhouse-user", "me"), ("x-clickhouse-key", "secret")]), &none)
                .is_ok()
        );
        let mut url = Parameters::default();
        url.read("user=me&password=secret");
        assert!(access.check(&HeaderMap::new(), &url).is_ok());
        for wrong in ["me:secre", "me:secret ", "you:secret", "me:", ":secret"] {
            assert_eq!(access.check(&basic(wrong), &none).unwrap_err().code, 516, "{wrong}");
        }
        assert!(access.check(&HeaderMap::new(), &none).is_err());
        assert!(!format!("{access:?}").contains("secret"));
    }
}
