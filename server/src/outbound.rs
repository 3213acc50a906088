//! Calls to an address that somebody typed in (a connection's environment): made only to the public internet, or to
//! networks the operator names in `outbound.allowed_networks`, so that nobody with a key can make this server knock
//! at what stands beside it. Names are judged by the addresses they resolve to, in the resolver of the very
//! connection, so that an answer that changes after a check changes nothing. Never follows a redirect.

mod ranges;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use url::{Host, Url};

use crate::config;
use crate::ingest::networks::{Networks, NetworksError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Why an address is not called. Shown to people: each says what to do next.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    #[error("it is no http address; write one such as https://api.example.com")]
    NotHttp,
    #[error("it holds a user name or password; leave them out")]
    Credentials,
    #[error("its port is not 80, 443 or one from 1024 on")]
    Port,
    #[error(
        "it is not on the public internet; the operator can allow its network with outbound.allowed_networks"
    )]
    NotPublic,
    #[error(
        "it is plain http, which carries the token in clear; use https, or let the operator allow its network with outbound.allowed_networks"
    )]
    NotEncrypted,
}

/// Makes those calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    allowed: Arc<Networks>,
    /// Made at the first call: a client needs the process's provider of TLS.
    encrypted: OnceLock<reqwest::Client>,
    plain: OnceLock<reqwest::Client>,
}

impl Outbound {
    /// Reads the networks the operator allows beside the public internet.
    pub fn new(config: &config::Outbound) -> Result<Outbound, NetworksError> {
        let allowed = Networks::of(&config.allowed_networks, "outbound.allowed_networks")?;
        let parts = Parts { allowed: Arc::new(allowed), encrypted: OnceLock::new(), plain: OnceLock::new() };
        Ok(Outbound(Arc::new(parts)))
    }

    /// Whether an address may be called, as far as its text tells; what its name resolves to is looked at by every
    /// call. `url` has read octal, hexadecimal and single-number forms of IPv4 by then.
    pub fn check(&self, address: &Url) -> Result<(), Refused> {
        let is_plain = match address.scheme() {
            "http" => true,
            "https" => false,
            _ => return Err(Refused::NotHttp),
        };
        if !address.username().is_empty() || address.password().is_some() {
            return Err(Refused::Credentials);
        }
        if !matches!(address.port_or_known_default(), Some(80 | 443 | 1024..)) {
            return Err(Refused::Port);
        }
        let literal = match address.host() {
            None => return Err(Refused::NotHttp),
            Some(Host::Domain(name)) => return self.check_name(name, is_plain),
            Some(Host::Ipv4(literal)) => IpAddr::V4(literal),
            Some(Host::Ipv6(literal)) => IpAddr::V6(literal),
        };
        match self.0.allowed.contains(literal) {
            true => Ok(()),
            false if !ranges::is_public(literal) => Err(Refused::NotPublic),
            false if is_plain => Err(Refused::NotEncrypted),
            false => Ok(()),
        }
    }

    /// What a name alone tells, so that the common mistakes are answered before anything is stored.
    fn check_name(&self, name: &str, is_plain: bool) -> Result<(), Refused> {
        let is_local = ["localhost", "local", "internal", "home.arpa"].iter().any(|zone| {
            let name = name.trim_end_matches('.');
            name == *zone || name.strip_suffix(zone).is_some_and(|before| before.ends_with('.'))
        });
        match self.0.allowed.is_empty() {
            true if is_local => Err(Refused::NotPublic),
            true if is_plain => Err(Refused::NotEncrypted),
            _ => Ok(()),
        }
    }

    /// A GET to be sent to this address.
    pub fn get(&self, address: Url) -> Result<reqwest::RequestBuilder, Refused> {
        self.request(reqwest::Method::GET, address)
    }

    /// A POST to be sent to this address.
    pub fn post(&self, address: Url) -> Result<reqwest::RequestBuilder, Refused> {
        self.request(reqwest::Method::POST, address)
    }

    /// As [`Outbound::get`], with any method.
    pub fn request(&self, method: reqwest::Method, address: Url) -> Result<reqwest::RequestBuilder, Refused> {
        self.check(&address)?;
        let is_plain = address.scheme() == "http";
        let client = if is_plain { &self.0.plain } else { &self.0.encrypted };
        Ok(client.get_or_init(|| self.client(is_plain)).request(method, address))
    }

    fn client(&self, is_plain: bool) -> reqwest::Client {
        let resolver = Resolver { allowed: Arc::clone(&self.0.allowed), is_plain };
        reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(resolver))
            .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("a client of plain settings")
    }
}

/// Resolves names to the addresses among theirs that may be called.
struct Resolver {
    allowed: Arc<Networks>,
    /// Plain http goes to allowed networks only.
    is_plain: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, is_plain) = (Arc::clone(&self.allowed), self.is_plain);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let kept = callable(&found, &allowed, is_plain)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Those of a name's addresses that may be called. A name with one private address among public ones is refused as a
/// whole: no honest name has both.
fn callable(found: &[SocketAddr], allowed: &Networks, is_plain: bool) -> Result<Vec<SocketAddr>, Refused> {
    for address in found {
        match allowed.contains(address.ip()) {
            true => {}
            false if !ranges::is_public(address.ip()) => return Err(Refused::NotPublic),
            false if is_plain => return Err(Refused::NotEncrypted),
            false => {}
        }
    }
    Ok(found.to_vec())
}

/// The refusal inside what a client answered, when there is one.
pub fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
