//! What the script tag asks for: its `data-…` attributes, read once.
//!
//! Unknown attributes and odd values are ignored: a wrong tag must never break the page it is on.

use alloc::string::String;

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
    /// Reads the attributes through `attribute`, which takes the name after `data-`.
    pub fn read(attribute: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| attribute(name).unwrap_or_default();
        let is_not = |name, off| attribute(name).as_deref() != Some(off);
        Self {
            ws: text("data-workspace"),
            cookie_domain: text("data-cookie-domain"),
            mode: match &*text("data-consent") {
                "required" => Mode::Required,
                "session" => Mode::Session,
                _ => Mode::Granted,
            },
            domains: text("data-domains"),
            ref_params: attribute("data-ref-params").unwrap_or_else(|| "ref,via,aff".into()),
            checkout: is_not("data-checkout", "off"),
            checkout_hosts: text("data-checkout-hosts"),
            spa: is_not("data-spa", "off"),
            respect_gpc: is_not("data-respect-gpc", "false"),
        }
    }
}

/// The trimmed, non-empty entries of a comma list.
pub fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|entry| entry.trim_matches(' ')).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_tag_has_the_defaults_of_the_contract() {
        let config = Config::read(|name| (name == "data-workspace").then(|| "ws_demo".into()));
        assert_eq!(
            (&*config.ws, config.mode, &*config.ref_params),
            ("ws_demo", Mode::Granted, "ref,via,aff")
        );
        assert!(config.checkout && config.spa && config.respect_gpc);
    }

    #[test]
    fn switches() {
        let config = Config::read(|name| {
            let value = match name {
                "data-checkout" | "data-spa" => "off",
                "data-respect-gpc" => "false",
                "data-consent" => "required",
                _ => return None,
            };
            Some(value.into())
        });
        assert_eq!(config.mode, Mode::Required);
        assert!(!config.checkout && !config.spa && !config.respect_gpc);
    }

    #[test]
    fn lists() {
        assert_eq!(entries(" a.example, ,b.example,").collect::<Vec<_>>(), ["a.example", "b.example"]);
    }
}
