//! Sources: the place behind a host, an app id or a `utm_source`, by its short lower-case name, with the
//! category that helps to find its channel.
//!
//! The most specific host wins: `gemini.google.com` before `google.com`. Hosts of search engines match exactly
//! (but for `www`, country and mobile prefixes), because `docs.google.com` is not a search; hosts of everything
//! else match with all their subdomains.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::data;
use super::referrer::{Referrer, parents};

/// What kind of place a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// An assistant that answers with links.
    Ai,
    /// A mail host or mailing tool.
    Email,
    /// A marketplace or shopping search.
    Shopping,
    /// A video site.
    Video,
    /// A social network, forum or messenger.
    Social,
    /// A search engine.
    Search,
    /// A podcast or music app.
    Audio,
    /// A network of banners.
    Display,
    /// A network of sponsored links on publishers' pages.
    Native,
    /// A network of affiliates.
    Affiliate,
}

impl Category {
    pub(crate) fn parse(text: &str) -> Option<Category> {
        Some(match text {
            "ai" => Category::Ai,
            "email" => Category::Email,
            "shopping" => Category::Shopping,
            "video" => Category::Video,
            "social" => Category::Social,
            "search" => Category::Search,
            "audio" => Category::Audio,
            "display" => Category::Display,
            "native" => Category::Native,
            "affiliate" => Category::Affiliate,
            _ => return None,
        })
    }
}

/// Where somebody came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Short and in lower case: `google`, `producthunt`; for places without a name the host or the tag as it
    /// was given.
    pub name: String,
    /// `None` for places on no list.
    pub category: Option<Category>,
    /// The tag itself says that somebody paid (`fb-ads`).
    pub implies_paid: bool,
}

impl Source {
    fn known(&(name, category): &Known) -> Source {
        Source { name: name.to_owned(), category: Some(category), implies_paid: false }
    }

    /// The source behind a referrer; `None` when there is no referrer.
    pub fn of_referrer(referrer: &Referrer) -> Option<Source> {
        let unnamed = |name: &str| Source { name: name.to_owned(), category: None, implies_paid: false };
        match referrer {
            Referrer::None => None,
            Referrer::App(id) => {
                Some(LISTS.hosts.get(id.as_str()).map_or_else(|| unnamed(id), Source::known))
            }
            Referrer::Web { host, path } => {
                Some(find(host, path).map_or_else(|| unnamed(without_prefix(host)), Source::known))
            }
        }
    }

    /// The source behind a tag such as `utm_source`: an alias (`ig`), a host (`chatgpt.com`), a name
    /// (`Product Hunt`), one of these with `ads` at its end, or else the tag itself as a label.
    pub fn of_tag(tag: &str) -> Source {
        let tag = tag.trim().to_lowercase();
        if let Some(alias) = LISTS.aliases.get(tag.as_str()) {
            return Source { implies_paid: alias.implies_paid, ..Source::known(&alias.known) };
        }
        if let Some(known) = find_host_tag(&tag).or_else(|| find_name(&tag)) {
            return Source::known(known);
        }
        let advertiser = tag.strip_suffix("ads").or_else(|| tag.strip_suffix("ad"));
        let advertiser = advertiser.map(|name| name.trim_end_matches(['-', '_', ' ', '.']));
        if let Some(name) = advertiser.filter(|name| !name.is_empty()) {
            let alias = LISTS.aliases.get(name).map(|alias| &alias.known);
            if let Some(known) = alias.or_else(|| find_host_tag(name)).or_else(|| find_name(name))
                && can_advertise(known.1)
            {
                return Source { implies_paid: true, ..Source::known(known) };
            }
        }
        Source { name: tag, category: None, implies_paid: false }
    }
}

type Known = (&'static str, Category);

struct Alias {
    known: Known,
    implies_paid: bool,
}

struct Lists {
    /// By host or app id; `{}` stands for a country.
    hosts: HashMap<&'static str, Known>,
    /// By host, for rows that want a certain path.
    paths: HashMap<&'static str, Vec<(&'static str, Known)>>,
    /// By name without signs, for the sources that a tag may name.
    names: HashMap<String, Known>,
    aliases: HashMap<&'static str, Alias>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let category = |text| Category::parse(text).expect("the data files know only categories of this enum");
    let mut lists = Lists {
        hosts: HashMap::new(),
        paths: HashMap::new(),
        names: HashMap::new(),
        aliases: HashMap::new(),
    };
    for [host, name, kind, tag] in data::rows::<4>(include_str!("../../data/sources.csv")) {
        let known = (name, category(kind));
        match host.find('/') {
            Some(at) => lists.paths.entry(&host[..at]).or_default().push((&host[at..], known)),
            None => _ = lists.hosts.insert(host, known),
        }
        if tag == "yes" {
            let kept = lists.names.entry(plain(name)).or_insert(known);
            // `google` is a search engine and a display network; as a tag it means the engine.
            if rank(known.1) < rank(kept.1) {
                *kept = known;
            }
        }
    }
    for [alias, name, kind, paid] in data::rows::<4>(include_str!("../../data/utm-source-aliases.csv")) {
        lists.aliases.insert(alias, Alias { known: (name, category(kind)), implies_paid: paid == "yes" });
    }
    lists
});

/// Which category a name means when it stands for several: the order of the rules.
fn rank(category: Category) -> usize {
    use Category::*;
    [Ai, Email, Shopping, Video, Social, Search, Audio, Display, Native, Affiliate]
        .iter()
        .position(|other| *other == category)
        .expect("the list holds every category")
}

fn can_advertise(category: Category) -> bool {
    !matches!(category, Category::Email | Category::Affiliate)
}

/// A tag that is a host or an address.
fn find_host_tag(tag: &str) -> Option<&'static Known> {
    let rest = tag.split_once("://").map_or(tag, |(_, rest)| rest);
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    if host.contains('.') && host.len() <= 255 { find(host, path) } else { None }
}

/// A tag that is a name, however its words are joined.
fn find_name(tag: &str) -> Option<&'static Known> {
    LISTS.names.get(tag).or_else(|| LISTS.names.get(&plain(tag)))
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn find(host: &str, path: &str) -> Option<&'static Known> {
    // Rows with a path are the most specific of their host, and few.
    let bare = host.strip_prefix("www.").unwrap_or(host);
    if path.len() > 1 {
        let country = country_pattern(bare);
        let rows =
            [Some(bare), country.as_deref()].into_iter().flatten().filter_map(|key| LISTS.paths.get(key));
        if let Some((_, known)) = rows.flatten().find(|(start, _)| is_under(path, start)) {
            return Some(known);
        }
    }
    for (depth, suffix) in parents(bare).enumerate() {
        let Some(known) = find_exactly(suffix) else { continue };
        let is_below = depth > 0;
        if !is_below
            || known.1 != Category::Search
            || is_search_prefix(&bare[..bare.len() - suffix.len() - 1])
        {
            return Some(known);
        }
        // A subdomain of a search engine that is not on the list is some other product of it.
        return None;
    }
    None
}

fn find_exactly(host: &str) -> Option<&'static Known> {
    if let Some(known) = LISTS.hosts.get(host) {
        return Some(known);
    }
    // `uk.ask.com` is `{}.ask.com`.
    if let Some((label, rest)) = host.split_once('.')
        && label.len() == 2
        && rest.contains('.')
        && let Some(known) = LISTS.hosts.get(format!("{{}}.{rest}").as_str())
    {
        return Some(known);
    }
    LISTS.hosts.get(country_pattern(host)?.as_str())
}

/// `www.google.{}` of `www.google.co.uk`; `None` unless the name ends in a country's public suffix. Suffixes
/// of hosting companies do not count: `google.blogspot.de` is somebody's blog.
fn country_pattern(host: &str) -> Option<String> {
    let suffix = psl::suffix(host.as_bytes()).filter(|suffix| suffix.typ() == Some(psl::Type::Icann))?;
    let suffix = std::str::from_utf8(suffix.as_bytes()).ok()?;
    let is_country = suffix.rsplit('.').next().is_some_and(|label| label.len() == 2);
    let name = host.strip_suffix(suffix)?.strip_suffix('.')?;
    (is_country && !name.is_empty()).then(|| format!("{name}.{{}}"))
}

fn is_under(path: &str, start: &str) -> bool {
    path.strip_prefix(start)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']) || start.ends_with('/'))
}

/// What stands before a search engine's host and still means its results.
fn is_search_prefix(prefix: &str) -> bool {
    matches!(
        prefix,
        "m" | "mobile" | "wap" | "amp" | "html" | "lite" | "safe" | "start" | "search" | "www2" | "www3"
    ) || (prefix.len() == 2 && prefix.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The host as a label: without `www.` and the prefix of mobile pages.
fn without_prefix(host: &str) -> &str {
    let bare = host.strip_prefix("www.").unwrap_or(host);
    match bare.strip_prefix("m.") {
        Some(rest) if rest.contains('.') => rest,
        _ => bare,
    }
}
