//! How long browsers keep the visitor cookie, by where the collector lives: the rules of `docs/cookies.md`. Looks
//! nothing up; addresses come in as arguments.

use std::net::IpAddr;

use crate::visit::address::registrable;

/// Where a collector is reached, and one of the sites it serves.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Host of the collector, as in the script tag.
    pub collector: &'a str,
    /// Whether it is reached over TLS.
    pub tls: bool,
    /// Host of the site's pages.
    pub site: &'a str,
    /// Addresses the two names have; empty when they do not resolve.
    pub collector_addresses: &'a [IpAddr],
    pub site_addresses: &'a [IpAddr],
}

/// What becomes of the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieLife {
    /// 400 days, renewed on each visit, in every browser.
    Full,
    /// 400 days in Chrome and Firefox; 7 in Safari, because the answer comes from another network than the page.
    CappedInSafari,
    /// A subdomain whose network is not known from here.
    Unknown,
    /// Not kept: the collector is another site, so the cookie is a third party's.
    ThirdParty,
    /// Not kept: a cookie marked `Secure` is refused over plain http.
    NoTls,
    /// This machine only: nothing to say yet.
    Local,
}

impl Setup<'_> {
    /// The first rule that applies, from what loses the cookie to what shortens it.
    #[must_use]
    pub fn cookie_life(&self) -> CookieLife {
        let (collector, site) = (plain(self.collector), plain(self.site));
        if is_local(&collector) {
            return CookieLife::Local;
        }
        if registrable(&collector) != registrable(&site) {
            return CookieLife::ThirdParty;
        }
        if !self.tls {
            return CookieLife::NoTls;
        }
        if collector == site {
            return CookieLife::Full;
        }
        if self.collector_addresses.is_empty() || self.site_addresses.is_empty() {
            return CookieLife::Unknown;
        }
        let is_near = |address: &IpAddr| self.site_addresses.iter().any(|site| same_network(*address, *site));
        if self.collector_addresses.iter().all(is_near) {
            CookieLife::Full
        } else {
            CookieLife::CappedInSafari
        }
    }
}

/// Safari takes two addresses for one party when the first half is the same: /16 of IPv4, /64 of IPv6
/// (WebKit pull request 5347).
#[must_use]
pub fn same_network(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.to_bits() >> 16 == other.to_bits() >> 16,
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 64 == other.to_bits() >> 64,
        _ => false,
    }
}

fn plain(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    // A configured domain may name a port, which is none of a cookie's business.
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
        _ => host,
    }
}

fn is_local(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || literal.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(collector: &str, site: &str, tls: bool, ours: &[&str], theirs: &[&str]) -> CookieLife {
        let read = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let (collector_addresses, site_addresses) = (&read(ours)[..], &read(theirs)[..]);
        Setup { collector, tls, site, collector_addresses, site_addresses }.cookie_life()
    }

    #[test]
    fn every_set_up_of_the_table() {
        use CookieLife::*;
        type Addresses = &'static [&'static str];
        let cases: [(&str, &str, bool, Addresses, Addresses, CookieLife); 14] = [
            // Served below the site's own host.
            ("www.example.com", "www.example.com", true, &[], &[], Full),
            ("WWW.Example.com.", "www.example.com:443", true, &[], &[], Full),
            // A subdomain on the same machine, the same /16, another network.
            ("t.example.com", "www.example.com", true, &["192.0.2.9"], &["192.0.2.9"], Full),
            ("t.example.com", "example.com", true, &["192.0.200.1"], &["192.0.2.9"], Full),
            ("t.example.com", "example.com", true, &["198.51.100.1"], &["192.0.2.9"], CappedInSafari),
            // One address of several is enough to be capped now and then.
            (
                "t.example.com",
                "example.com",
                true,
                &["192.0.2.9", "198.51.100.1"],
                &["192.0.2.9"],
                CappedInSafari,
            ),
            ("t.example.com", "example.com", true, &["2001:db8:1:1::9"], &["2001:db8:1:1::1"], Full),
            (
                "t.example.com",
                "example.com",
                true,
                &["2001:db8:1:2::9"],
                &["2001:db8:1:1::1"],
                CappedInSafari,
            ),
            ("t.example.com", "example.com", true, &["2001:db8::9"], &["192.0.2.9"], CappedInSafari),
            ("t.example.com", "example.com", true, &[], &["192.0.2.9"], Unknown),
            // Another registrable domain, also below a shared suffix.
            ("tracker.example.net", "example.com", true, &[], &[], ThirdParty),
            ("t.one.co.uk", "two.co.uk", true, &["192.0.2.9"], &["192.0.2.9"], ThirdParty),
            ("t.example.com", "example.com", false, &["192.0.2.9"], &["192.0.2.9"], NoTls),
            ("localhost", "example.com", false, &[], &[], Local),
        ];
        for (collector, site, tls, ours, theirs, expected) in cases {
            assert_eq!(life(collector, site, tls, ours, theirs), expected, "{collector} for {site}");
        }
    }
}
