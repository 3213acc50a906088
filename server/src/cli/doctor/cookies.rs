//! How long the visitor cookie will live at each site, by where the collector is reached. The rules are
//! `domain::cookie_life`; here names are looked up and results put into words.

use std::net::IpAddr;

use domain::cookie_life::{CookieLife, Setup};

use super::Finding;
use crate::config::Config;
use crate::control::workspaces::Workspace;

/// Looks at every site of every workspace. `lookup` answers the addresses of a name, none when it has none.
pub async fn check<F: Future<Output = Vec<IpAddr>>>(
    config: &Config,
    workspaces: &[Workspace],
    lookup: impl Fn(String) -> F,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let public = url::Url::parse(&config.http.public_url).ok();
    for workspace in workspaces {
        let what = format!("visitor cookie of {}", workspace.id);
        let Some((public, host)) = public.as_ref().and_then(|url| Some((url, url.host_str()?))) else {
            let said = "http.public_url is no address; set TRIBUTARY_HTTP_PUBLIC_URL";
            findings.push(Finding::broken(what, said));
            continue;
        };
        if workspace.settings.domains.is_empty() {
            let said = format!(
                "the workspace names no domain, so any site may send hits; name the site's: `tributary workspace set {} \
                 --domain example.com`",
                workspace.id
            );
            findings.push(Finding::careful(&what, said));
        }
        let ours = lookup(host.to_owned()).await;
        for domain in &workspace.settings.domains {
            let name = domain.split(':').next().unwrap_or(domain);
            // The site is what the collector is next to: example.com means www.example.com as well.
            let site = if host == format!("www.{name}") { host } else { name };
            let theirs = if site == host { ours.clone() } else { lookup(site.to_owned()).await };
            let setup = Setup {
                collector: host,
                tls: public.scheme() == "https",
                site,
                collector_addresses: &ours,
                site_addresses: &theirs,
            };
            findings.push(finding(format!("{what} at {site}"), host, setup.cookie_life()));
        }
    }
    findings
}

fn finding(what: String, host: &str, life: CookieLife) -> Finding {
    match life {
        CookieLife::Full => Finding::fine(what, "400 days in every browser, renewed on each visit"),
        CookieLife::CappedInSafari => Finding::careful(
            what,
            format!(
                "{host} is in another network than the site: 400 days in Chrome and Firefox, 7 in Safari; serve it \
                 below the site's own host (examples/proxy, docs/cookies.md)"
            ),
        ),
        CookieLife::Unknown => Finding::careful(
            what,
            format!(
                "{host} or the site does not resolve from here, so what Safari does cannot be told; serve it below \
                 the site's own host to be sure (examples/proxy)"
            ),
        ),
        CookieLife::ThirdParty => Finding::broken(
            what,
            format!(
                "{host} is another site, so browsers drop its cookie as a third party's: serve the collector from \
                 the site's own host (examples/proxy)"
            ),
        ),
        CookieLife::NoTls => Finding::broken(
            what,
            "http.public_url is plain http, where browsers refuse a Secure cookie; put TLS in front (examples/proxy)",
        ),
        CookieLife::Local => Finding::careful(
            what,
            "the collector is reached at this machine only; set http.public_url before going live",
        ),
    }
}

/// The machine's own resolver.
pub async fn resolve(host: String) -> Vec<IpAddr> {
    let found = tokio::net::lookup_host((host.as_str(), 443)).await;
    found.map(|addresses| addresses.map(|address| address.ip()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::control::workspaces::Settings;

    async fn verdict(public_url: &str, domain: &str) -> Verdict {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::for_data_dir(dir.path());
        config.http.public_url = public_url.into();
        let workspace = Workspace {
            id: "ws_shop".into(),
            name: "Shop".into(),
            timezone: "UTC".into(),
            currency: "USD".into(),
            settings: Settings { domains: vec![domain.into()], ..Settings::default() },
        };
        let lookup = async |host: String| -> Vec<IpAddr> {
            match host.as_str() {
                "example.com" | "near.example.com" => vec!["192.0.2.1".parse().unwrap()],
                "far.example.com" => vec!["198.51.100.1".parse().unwrap()],
                _ => Vec::new(),
            }
        };
        check(&config, &[workspace], lookup).await.remove(0).verdict
    }

    #[tokio::test]
    async fn set_ups_that_shorten_the_cookie_are_told() {
        for (public_url, expected) in [
            ("https://example.com/t", Verdict::Fine),
            ("https://www.example.com", Verdict::Fine),
            ("https://near.example.com", Verdict::Fine),
            ("https://far.example.com", Verdict::Careful),
            ("https://nowhere.example.com", Verdict::Careful),
            ("https://tracker.example.net", Verdict::Broken),
            ("http://near.example.com", Verdict::Broken),
            ("http://localhost:4600", Verdict::Careful),
            ("nonsense", Verdict::Broken),
        ] {
            assert_eq!(verdict(public_url, "example.com").await, expected, "{public_url}");
        }
    }
}
