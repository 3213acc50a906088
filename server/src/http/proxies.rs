//! Which peers are our own proxies: only their headers about the client are believed. The client is the last
//! address, from the right, that is no proxy of ours: what stands left of it the client may have made up.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProxiesError {
    #[error("http.trusted_proxies has {0:?}: write an address or a network, such as 10.0.0.0/8 or ::1")]
    NotANetwork(String),
    #[error("http.forwarded_header is {0:?}: write x-forwarded-for or forwarded")]
    NotAHeader(String),
}

/// The networks of `http.trusted_proxies`, and the header they name the client in.
#[derive(Debug, Clone)]
pub struct TrustedProxies {
    networks: Vec<(IpAddr, u8)>,
    header: HeaderName,
}

impl Default for TrustedProxies {
    fn default() -> TrustedProxies {
        TrustedProxies { networks: Vec::new(), header: X_FORWARDED_FOR }
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl TrustedProxies {
    /// Reads addresses and networks in CIDR form, and the name of the header.
    pub fn parse(list: &[String], forwarded_header: &str) -> Result<TrustedProxies, ProxiesError> {
        let networks =
            list.iter().map(|text| network(text).ok_or_else(|| ProxiesError::NotANetwork(text.clone())));
        let header = match forwarded_header.trim().to_ascii_lowercase().as_str() {
            "x-forwarded-for" => X_FORWARDED_FOR,
            "forwarded" => header::FORWARDED,
            _ => return Err(ProxiesError::NotAHeader(forwarded_header.to_owned())),
        };
        Ok(TrustedProxies { networks: networks.collect::<Result<_, _>>()?, header })
    }

    /// Who sent a request: the peer, or the client whom our proxies name. What does not read as an address
    /// ends the walk: then it is the nearest address known.
    pub fn client(&self, peer: Option<&SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut nearest = peer?.ip().to_canonical();
        if self.networks.is_empty() {
            return Some(nearest);
        }
        let lines = headers.get_all(&self.header).iter().rev();
        let mut hops = lines.flat_map(|line| line.to_str().unwrap_or("-").rsplit(','));
        while self.contains(nearest) {
            let hop = hops.next().map(str::trim);
            let read = if self.header == header::FORWARDED { hop.and_then(forwarded_for) } else { hop };
            match read.and_then(address_of) {
                Some(address) => nearest = address.to_canonical(),
                None => break,
            }
        }
        Some(nearest)
    }

    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|(first, bits)| match (first, peer) {
            (IpAddr::V4(first), IpAddr::V4(peer)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(*bits)).unwrap_or(0);
                first.to_bits() & mask == peer.to_bits() & mask
            }
            (IpAddr::V6(first), IpAddr::V6(peer)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(*bits)).unwrap_or(0);
                first.to_bits() & mask == peer.to_bits() & mask
            }
            _ => false,
        })
    }
}

/// `for=` of one element of `Forwarded` (RFC 7239), without its quotes.
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    Some(value.trim_matches('"'))
}

/// An address with or without port, an IPv6 one with or without brackets.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(|| bare()?.parse().ok()).or_else(with_port)
}

/// An address, alone or with the length of its network.
pub(crate) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.trim().parse().ok()).filter(|bits| *bits <= most)?;
    Some((address, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_only() {
        let list = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "0.0.0.0/0"].map(str::to_owned);
        let some = TrustedProxies::parse(&list[..3], "x-forwarded-for").unwrap();
        for (peer, inside) in [
            ("10.200.1.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.1.1.1", true),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(some.contains(peer.parse().unwrap()), inside, "{peer}");
        }
        assert!(TrustedProxies::parse(&list[3..], "Forwarded").unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
        for bad in ["10.0.0.0/33", "proxy.local", "::1/200", ""] {
            assert!(TrustedProxies::parse(&[bad.to_owned()], "forwarded").is_err(), "{bad}");
        }
    }

    fn client(proxies: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(proxies.header.clone(), line.parse().unwrap());
        }
        let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
        proxies.client(Some(&peer), &headers).unwrap().to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy_of_ours() {
        let list = ["10.0.0.0/8".to_owned(), "2001:db8::/32".to_owned()];
        let proxies = TrustedProxies::parse(&list, "x-forwarded-for").unwrap();
        for (peer, lines, want) in [
            ("198.51.100.1", &["203.0.113.9"][..], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["192.0.2.66, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["192.0.2.66", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9:5000,10.0.0.2:80"], "203.0.113.9"),
            ("10.0.0.1", &["2400:cb00::1"], "2400:cb00::1"),
            ("10.0.0.1", &["[2400:cb00::1]:443"], "2400:cb00::1"),
            ("[2001:db8::7]", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["192.0.2.66, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.66, "], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            assert_eq!(client(&proxies, peer, lines), want, "{peer} {lines:?}");
        }
        let standard = TrustedProxies::parse(&list, "Forwarded").unwrap();
        for (line, want) in [
            ("for=192.0.2.66, for=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9"),
            ("proto=https;For=\"[2400:cb00::1]:4711\"", "2400:cb00::1"),
            ("for=_hidden", "10.0.0.1"),
            ("192.0.2.66", "10.0.0.1"),
        ] {
            assert_eq!(client(&standard, "10.0.0.1", &[line]), want, "{line}");
        }
        assert_eq!(client(&TrustedProxies::default(), "10.0.0.1", &["203.0.113.9"]), "10.0.0.1");
        assert!(TrustedProxies::parse(&list, "x-real-ip").is_err());
    }
}
