//! What the script tag asks for: its `data-…` attributes, collected by the loader, read once.
//!
//! Unknown attributes and odd values are ignored: a wrong tag must never break the page it is on.

use alloc::string::String;

use crate::text::words;

/// The tag's wishes, with the defaults of the public contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `data-workspace`.
    pub ws: String,
    /// `data-cookie-domain`, empty for a cookie of this host only.
    pub cookie_domain: String,
    /// `data-consent`.
    pub mode: Mode,
    /// `data-domains`: sister sites, a comma list.
    pub domains: String,
    /// `data-ref-params`: parameters that carry a partner code, a comma list.
    pub ref_params: String,
    /// `data-checkout`: whether links are rewritten without being asked.
    pub checkout: bool,
    /// `data-checkout-hosts`: more hosts that serve Polar checkout links, a comma list.
    pub checkout_hosts: String,
    /// `data-spa`: whether history changes count as pages.
    pub spa: bool,
    /// `data-respect-gpc`.
    pub respect_gpc: bool,
}

/// What `data-consent` says about a visitor who has not been asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Count at once.
    #[default]
    Granted,
    /// Do nothing before `consent("granted")`.
    Required,
    /// An id in memory only.
    Session,
}

impl Config {
    /// Reads the attributes' values, one a line in the order of the fields; an absent one is an empty line.
    #[must_use]
    pub fn read(lines: &str) -> Self {
        let mut lines = words(lines, b'\n');
        let mut next = || lines.next().unwrap_or_default();
        Self {
            ws: next().into(),
            cookie_domain: next().into(),
            mode: match next() {
                "required" => Mode::Required,
                "session" => Mode::Session,
                _ => Mode::Granted,
            },
            domains: next().into(),
            ref_params: next().into(),
            checkout: next() != "off",
            checkout_hosts: next().into(),
            spa: next() != "off",
            respect_gpc: next() != "false",
        }
    }
}

/// The non-empty entries of a comma list.
pub fn entries(list: &str) -> impl Iterator<Item = &str> {
    words(list, b',').filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_tag_has_the_defaults_of_the_contract() {
        let config = Config::read("ws_demo");
        assert_eq!((&*config.ws, config.mode, &*config.cookie_domain), ("ws_demo", Mode::Granted, ""));
        assert!(config.checkout && config.spa && config.respect_gpc);
    }

    #[test]
    fn every_line_has_its_field() {
        let config = Config::read("ws\n.a.example\nrequired\nb.example\nvia\noff\npay.example\noff\nfalse");
        let want = Config {
            ws: "ws".into(),
            cookie_domain: ".a.example".into(),
            mode: Mode::Required,
            domains: "b.example".into(),
            ref_params: "via".into(),
            checkout: false,
            checkout_hosts: "pay.example".into(),
            spa: false,
            respect_gpc: false,
        };
        assert_eq!(config, want);
    }

    #[test]
    fn lists() {
        assert_eq!(entries("a.example,,b.example,").collect::<Vec<_>>(), ["a.example", "b.example"]);
    }
}
