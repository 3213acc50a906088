//! The referrer: which site or app a landing says it came from, and whether that may start a touch.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::address::{self, registrable};
use super::{PageAddress, data};

static IGNORED: LazyLock<HashMap<&str, When>> = LazyLock::new(|| {
    data::rows::<4>(include_str!("../../data/ignored-referrers.csv"))
        .map(|[host, _, when, _]| (host, if when == "always" { When::Always } else { When::MidSession }))
        .collect()
});
static SPAM: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("../../data/spam-referrers.txt").lines().collect());

/// Link shims of sites that people also sign in with: a click passes through them, a sign-in does not, so they
/// count mid-session where the site itself does not.
const LINK_SHIMS: [&str; 4] = ["l.facebook.com", "lm.facebook.com", "l.instagram.com", "out.reddit.com"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Real referrers too; they only hand a sign-in or a payment back when a session is already running.
    MidSession,
}

/// What a browser said about where a visitor came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referrer {
    /// Nothing, or nothing that can be read.
    None,
    /// A page of a site.
    Web {
        /// In lower case, without a final dot.
        host: String,
        /// `/` in most cases: browsers keep the rest to themselves.
        path: String,
    },
    /// An app: an Android package name or the number of an App Store address.
    App(String),
}

/// Whether a referrer may start a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    None,
    /// The merchant's own site.
    Own,
    /// A payment or sign-in page, a translator, a development machine.
    Ignored,
    /// A host on the list of referrer spam.
    Spam,
    External,
}

impl Referrer {
    /// Reads `document.referrer`. Never fails: what cannot be read says nothing.
    pub fn parse(text: &str) -> Referrer {
        let text = text.trim();
        if text.is_empty() {
            return Referrer::None;
        }
        if let Some((_, id)) = app(text) {
            let is_id = !id.is_empty()
                && id.len() <= 200
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            return if is_id { Referrer::App(id.to_ascii_lowercase()) } else { Referrer::None };
        }
        match PageAddress::parse(text) {
            Ok(page) => Referrer::Web { host: page.host().to_owned(), path: page.path().to_owned() },
            Err(_) => Referrer::None,
        }
    }

    /// A referrer as it may be stored: apps by scheme and id, pages as [`address::storable`] leaves them, `""` for
    /// what cannot be read. It reads as the referrer it was made of.
    pub fn storable(text: &str) -> String {
        match (Referrer::parse(text), app(text.trim())) {
            (Referrer::App(id), Some((scheme, _))) => format!("{scheme}://{id}"),
            (Referrer::Web { .. }, _) => address::storable(text.trim()).unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// Whether it is a page on the list of referrer spam.
    pub fn is_spam(text: &str) -> bool {
        match Referrer::parse(text) {
            Referrer::Web { host, .. } => is_spam_host(&host),
            Referrer::None | Referrer::App(_) => false,
        }
    }

    /// The host or app id, `""` where there is none.
    pub fn host(&self) -> &str {
        match self {
            Referrer::None => "",
            Referrer::Web { host, .. } => host,
            Referrer::App(id) => id,
        }
    }

    pub(crate) fn standing(&self, page: &PageAddress, own: &[String], is_session_start: bool) -> Standing {
        let host = match self {
            Referrer::None => return Standing::None,
            Referrer::App(_) => return Standing::External,
            Referrer::Web { host, .. } => host.as_str(),
        };
        let is_own = registrable(host) == page.registrable_domain()
            || own.iter().any(|domain| is_within(host, domain));
        if is_own {
            return Standing::Own;
        }
        if is_spam_host(host) {
            return Standing::Spam;
        }
        match parents(host).find_map(|suffix| IGNORED.get(suffix)) {
            Some(When::Always) => Standing::Ignored,
            Some(When::MidSession) if !is_session_start && !LINK_SHIMS.contains(&host) => Standing::Ignored,
            _ => Standing::External,
        }
    }
}

fn is_spam_host(host: &str) -> bool {
    parents(host).any(|suffix| SPAM.contains(suffix))
}

/// The scheme and the id of an app's address.
fn app(text: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = ["android-app", "ios-app"].into_iter().find(|app| scheme.eq_ignore_ascii_case(app))?;
    Some((scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()))
}

/// A host and its parent domains, the most specific first: `a.b.c`, `b.c`, `c`.
pub(crate) fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, parent)| parent))
}

/// Whether `host` is `domain` or a name below it.
fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.');
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    !domain.is_empty()
        && host.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(domain))
        && (start == 0 || host.as_bytes()[start - 1] == b'.')
}
