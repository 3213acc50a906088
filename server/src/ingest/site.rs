//! What the pipeline knows of each workspace, worked out once per reload of the directory, never per hit.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};

use domain::visit::address::registrable;

use super::limits::Quota;
use crate::app::Directory;
use crate::control::workspaces::{Settings, Workspace};
use crate::person_keys::PersonKeys;
use crate::secrets::Secrets;

/// One workspace, ready for hits.
#[derive(Debug)]
pub struct Site {
    /// `ws_…`
    pub id: Arc<str>,
    /// What the rules of channels need.
    pub visit: domain::visit::Site,
    /// Version of the workspace's own rules of channels.
    pub rules_version: u32,
    pub persons: PersonKeys,
    /// [`salt_of`] its id.
    pub salt: u64,
    /// What it has used of its rate; goes on when the directory is read again.
    pub quota: Arc<Quota>,
    /// Empty: hits may come from anywhere.
    domains: HashSet<String>,
}

impl Site {
    fn new(workspace: &Workspace, codes: &[String], secrets: &Secrets, before: Option<&Site>) -> Site {
        let settings = &workspace.settings;
        let domains: HashSet<String> = settings.domains.iter().map(|domain| domain.to_lowercase()).collect();
        Site {
            id: workspace.id.as_str().into(),
            visit: visit_site(settings, codes),
            rules_version: settings.rules_version,
            persons: PersonKeys::new(secrets, &workspace.id),
            salt: salt_of(&workspace.id),
            quota: before.map(|site| site.quota.clone()).unwrap_or_default(),
            domains,
        }
    }

    /// Whether hits may come from this address: its `host[:port]`, host or registrable domain is listed.
    /// An address that does not read, as the `null` of a sandboxed frame, is nowhere.
    pub fn allows(&self, address: &str) -> bool {
        if self.domains.is_empty() {
            return true;
        }
        host_and_port(address).is_some_and(|place| is_listed(&self.domains, place))
    }
}

/// Whether a `host[:port]`, its host or its registrable domain is among `domains`, which are in lower case.
pub fn is_listed(domains: &HashSet<String>, place: &str) -> bool {
    let place = place.to_ascii_lowercase();
    let host = without_port(&place);
    domains.contains(&place)
        || domains.contains(host)
        || domains.contains(registrable(host.trim_end_matches('.')))
}

/// What the rules of channels need to know of a workspace. `codes` are those of its partners' links, beside the ones its
/// settings name.
pub fn visit_site(settings: &Settings, codes: &[String]) -> domain::visit::Site {
    let named = settings.partner_codes.iter().map(|code| code.to_lowercase());
    domain::visit::Site {
        domains: settings
            .domains
            .iter()
            .map(|domain| without_port(&domain.to_lowercase()).to_owned())
            .collect(),
        ref_params: settings.ref_params.clone(),
        partner_codes: named.chain(codes.iter().cloned()).collect(),
        rules: settings.rules.clone(),
    }
}

/// Stands for a workspace where its facets and hits meet those of others.
pub fn salt_of(workspace_id: &str) -> u64 {
    domain::ids::derive_id(&["facets", workspace_id]) as u64
}

/// `host[:port]` of an `http` or `https` address or origin.
pub fn host_and_port(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    (!place.is_empty()).then_some(place)
}

/// The host of `host[:port]`; an IPv6 address keeps its brackets.
pub fn without_port(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => place,
    }
}

/// Every workspace, as of one directory.
#[derive(Debug, Default)]
pub struct Sites {
    directory: Arc<Directory>,
    by_id: HashMap<String, Arc<Site>>,
}

impl Sites {
    pub fn get(&self, workspace_id: &str) -> Option<&Arc<Site>> {
        self.by_id.get(workspace_id)
    }

    /// Whether any workspace takes hits from there: all a preflight can be asked, for it names none.
    pub fn anyone_allows(&self, origin: &str) -> bool {
        self.by_id.values().any(|site| site.allows(origin))
    }
}

/// The newest [`Sites`], built again only when the directory was read again.
#[derive(Debug, Default)]
pub struct SiteCache(RwLock<Arc<Sites>>);

impl SiteCache {
    pub fn of(&self, directory: &Arc<Directory>, secrets: &Secrets) -> Arc<Sites> {
        let known = self.0.read().expect("no holder panics").clone();
        if Arc::ptr_eq(&known.directory, directory) {
            return known;
        }
        let site = |workspace: &Arc<Workspace>| {
            let before = known.by_id.get(&workspace.id).map(Arc::as_ref);
            Arc::new(Site::new(workspace, &directory.codes_of(&workspace.id), secrets, before))
        };
        let by_id =
            directory.workspaces.iter().map(|(id, workspace)| (id.clone(), site(workspace))).collect();
        let fresh = Arc::new(Sites { directory: directory.clone(), by_id });
        *self.0.write().expect("no holder panics") = fresh.clone();
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(domains: &[&str]) -> Site {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::load(&"".into(), dir.path()).unwrap();
        let settings =
            Settings { domains: domains.iter().map(|d| d.to_string()).collect(), ..Settings::default() };
        let workspace = Workspace {
            id: "ws_a".into(),
            name: "a".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings,
        };
        Site::new(&workspace, &[], &secrets, None)
    }

    #[test]
    fn origins_match_by_domain_host_or_host_and_port() {
        let site = site(&["Example.co.uk", "app.other.test", "localhost:4601"]);
        for good in [
            "https://example.co.uk",
            "https://shop.example.co.uk",
            "HTTPS://SHOP.EXAMPLE.CO.UK:8443/x?y",
            "http://app.other.test:1",
            "http://localhost:4601",
        ] {
            assert!(site.allows(good), "{good}");
        }
        for bad in [
            "https://other.co.uk",
            "https://example.co.uk.evil.test",
            "https://evil.test/https://example.co.uk",
            "https://example.co.uk@evil.test",
            "https://evilexample.co.uk",
            "https://other.test",
            "http://localhost:4602",
            "http://localhost",
            "null",
            "",
            "file://example.co.uk",
        ] {
            assert!(!site.allows(bad), "{bad}");
        }
    }

    #[test]
    fn without_domains_every_origin_may_send() {
        assert!(site(&[]).allows("https://anything.test") && site(&[]).allows("null"));
    }
}
