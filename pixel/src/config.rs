//! What the script tag asks for: its `data-…` attributes, collected by the loader, read once.
//!
//! Unknown attributes and odd values are ignored: a wrong tag must never break the page it is on.

use crate::text::fields;

/// The tag's wishes: the attributes' values, one each, empty when absent. Kept as an array because a struct of
/// texts is read by as many copies of the same code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config<'a>([&'a str; 10]);

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

impl<'a> Config<'a> {
    /// Reads the attributes' values, one a line in the order of the functions below; an absent one is an empty
    /// line.
    #[must_use]
    pub fn read(lines: &'a str) -> Self {
        Self(fields(lines, b'\n'))
    }

    /// `data-workspace`.
    #[must_use]
    pub fn ws(&self) -> &'a str {
        self.0[0]
    }

    /// `data-cookie-domain`, empty for a cookie of this host only.
    #[must_use]
    pub fn cookie_domain(&self) -> &'a str {
        self.0[1]
    }

    /// `data-consent`.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self.0[2] {
            "required" => Mode::Required,
            "session" => Mode::Session,
            _ => Mode::Granted,
        }
    }

    /// `data-domains`: sister sites, a comma list.
    #[must_use]
    pub fn domains(&self) -> &'a str {
        self.0[3]
    }

    /// `data-ref-params`: parameters that carry a partner code, a comma list. The loader knows the default.
    #[must_use]
    pub fn ref_params(&self) -> &'a str {
        self.0[4]
    }

    /// `data-checkout`: whether links are rewritten without being asked.
    #[must_use]
    pub fn has_checkout(&self) -> bool {
        self.0[5] != "off"
    }

    /// `data-checkout-hosts`: more hosts that serve Polar checkout links, a comma list.
    #[must_use]
    pub fn checkout_hosts(&self) -> &'a str {
        self.0[6]
    }

    /// `data-spa`: whether history changes count as pages.
    #[must_use]
    pub fn has_spa(&self) -> bool {
        self.0[7] != "off"
    }

    /// `data-respect-gpc`.
    #[must_use]
    pub fn respects_gpc(&self) -> bool {
        self.0[8] != "false"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_tag_has_the_defaults_of_the_contract() {
        let config = Config::read("ws_demo");
        assert_eq!((config.ws(), config.mode(), config.cookie_domain()), ("ws_demo", Mode::Granted, ""));
        assert!(config.has_checkout() && config.has_spa() && config.respects_gpc());
    }

    #[test]
    fn every_line_has_its_field() {
        let config = Config::read("ws\n.a.example\nrequired\nb.example\nvia\noff\npay.example\noff\nfalse");
        assert_eq!(
            (config.ws(), config.cookie_domain(), config.mode()),
            ("ws", ".a.example", Mode::Required)
        );
        assert_eq!(
            (config.domains(), config.ref_params(), config.checkout_hosts()),
            ("b.example", "via", "pay.example")
        );
        assert!(!config.has_checkout() && !config.has_spa() && !config.respects_gpc());
    }
}
