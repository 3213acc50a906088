//! Network addresses and countries. A whole address never leaves this module's callers: it is cut to its
//! network first, and only that is counted, limited or looked up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network an address is part of: 256 neighbours in IPv4 (`/24`), one site in IPv6 (`/48`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// Cuts an address. IPv4 written as IPv6 (`::ffff:192.0.2.7`) is IPv4.
    pub fn of(address: IpAddr) -> Network {
        Network(match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).into()
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
            }
        })
    }

    /// The first address of the network.
    pub fn first(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for Network {
    /// `192.0.2.0/24`, `2001:db8:1::/48`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, if self.0.is_ipv4() { 24 } else { 48 })
    }
}

/// A country: ISO 3166-1 alpha-2 in upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads a code. Those that stand for "unknown", Tor and proxies are no country.
    pub fn parse(text: &str) -> Option<Country> {
        let code: [u8; 2] = text.trim().as_bytes().try_into().ok()?;
        let code = code.map(|letter| letter.to_ascii_uppercase());
        let is_country =
            code.iter().all(u8::is_ascii_uppercase) && !matches!(&code, b"XX" | b"ZZ" | b"AP" | b"EU");
        is_country.then_some(Country(code))
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("two ASCII letters")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Headers in which a proxy before the collector says where a request came from. Anybody can send them, so they
/// are only to be read where the proxy in front sets or strips them.
pub const COUNTRY_HEADERS: [&str; 6] = [
    "cf-ipcountry",
    "cloudfront-viewer-country",
    "x-vercel-ip-country",
    "x-appengine-country",
    "x-country-code",
    "x-country",
];

/// The country that a proxy names. `header` looks one up by its name in lower case; the first of
/// [`COUNTRY_HEADERS`] that holds a country wins.
pub fn country_from_headers<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Country> {
    COUNTRY_HEADERS.iter().find_map(|name| Country::parse(header(name)?))
}
