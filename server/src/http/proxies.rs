//! Which peers are our own proxies: only their headers about the client are believed.

use std::net::IpAddr;

use thiserror::Error;

#[derive(Debug, Error, PartialEq, Eq)]
#[error("http.trusted_proxies has {0:?}: write an address or a network, such as 10.0.0.0/8 or ::1")]
pub struct NotANetwork(String);

/// The networks of `http.trusted_proxies`.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<(IpAddr, u8)>);

impl TrustedProxies {
    /// Reads addresses and networks in CIDR form.
    pub fn parse(list: &[String]) -> Result<TrustedProxies, NotANetwork> {
        list.iter()
            .map(|text| network(text).ok_or_else(|| NotANetwork(text.clone())))
            .collect::<Result<_, _>>()
            .map(TrustedProxies)
    }

    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|(first, bits)| match (first, peer) {
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

fn network(text: &str) -> Option<(IpAddr, u8)> {
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
        let some = TrustedProxies::parse(&list[..3]).unwrap();
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
        assert!(TrustedProxies::parse(&list[3..]).unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
        for bad in ["10.0.0.0/33", "proxy.local", "::1/200", ""] {
            assert!(TrustedProxies::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
