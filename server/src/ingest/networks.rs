//! Sets of networks an operator lists: data centres, where programs run and people do not, and what outbound calls
//! may reach. No list of data centres comes with the product: those that exist are licensed, or old within weeks.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::http::proxies::network;

#[derive(Debug, Error)]
pub enum NetworksError {
    #[error("{place} has {text:?}: write an address or a network, such as 192.0.2.0/24, one a line")]
    NotANetwork { place: String, text: String },
    #[error("cannot read collector.data_center_file {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
}

/// A set of networks, found by binary search. IPv4 addresses are held as IPv6 writes them.
#[derive(Debug, Default)]
pub struct Networks(Vec<(u128, u128)>);

impl Networks {
    /// Networks of a list; `setting` is its name, for the message.
    pub fn of(list: &[String], setting: &str) -> Result<Networks, NetworksError> {
        list.iter().map(|text| range(text, setting)).collect::<Result<_, _>>().map(Networks::from_ranges)
    }

    /// Networks of a list and of a file with one a line; `#` begins a remark.
    pub fn load(list: &[String], file: &Path) -> Result<Networks, NetworksError> {
        let mut ranges = Networks::of(list, "collector.data_center_networks")?.0;
        if !file.as_os_str().is_empty() {
            let lines = std::fs::read_to_string(file)
                .map_err(|source| NetworksError::Unreadable { path: file.to_owned(), source })?;
            let lines = lines.lines().map(|line| line.split('#').next().unwrap_or("").trim());
            for line in lines.filter(|line| !line.is_empty()) {
                ranges.push(range(line, &file.display().to_string())?);
            }
        }
        Ok(Networks::from_ranges(ranges))
    }

    fn from_ranges(mut ranges: Vec<(u128, u128)>) -> Networks {
        ranges.sort_unstable();
        // Overlapping ones become one, so that the last that begins before an address is the only candidate.
        ranges.dedup_by(|next, kept| {
            let meets = next.0 <= kept.1;
            kept.1 = if meets { kept.1.max(next.1) } else { kept.1 };
            meets
        });
        Networks(ranges)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = bits(address);
        let after = self.0.partition_point(|(first, _)| *first <= bits);
        after > 0 && bits <= self.0[after - 1].1
    }
}

fn range(text: &str, place: &str) -> Result<(u128, u128), NetworksError> {
    let Some((address, prefix)) = network(text) else {
        return Err(NetworksError::NotANetwork { place: place.to_owned(), text: text.to_owned() });
    };
    let host_bits = if address.is_ipv4() { 32 - u32::from(prefix) } else { 128 - u32::from(prefix) };
    let hosts = 1u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
    let first = bits(address) & !hosts;
    Ok((first, first | hosts))
}

fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_files_hold_their_networks_only() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "# a cloud\n198.51.100.0/25 # one of it\n\n2001:db8:5::/48\n").unwrap();
        let list = ["192.0.2.0/24", "192.0.2.128/25", "203.0.113.7"].map(str::to_owned);
        let networks = Networks::load(&list, file.path()).unwrap();
        assert_eq!(networks.0.len(), 4);
        for (address, inside) in [
            ("192.0.2.0", true),
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("192.0.1.255", false),
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("198.51.100.127", true),
            ("198.51.100.128", false),
            ("::ffff:198.51.100.1", true),
            ("2001:db8:5:ffff::1", true),
            ("2001:db8:6::", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), inside, "{address}");
        }
        let all = Networks::load(&["::/0".to_owned()], Path::new("")).unwrap();
        assert!(all.contains("203.0.113.7".parse().unwrap()) && all.contains("::1".parse().unwrap()));
        assert!(!Networks::default().contains("203.0.113.7".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_named() {
        let message = Networks::load(&["cloud".to_owned()], Path::new("")).unwrap_err().to_string();
        assert!(message.contains("collector.data_center_networks") && message.contains("cloud"), "{message}");
        assert!(Networks::load(&[], Path::new("no-such-file.txt")).is_err());
    }
}
