//! Click ids: parameters that advertisers, shares and mailing tools add to links.
//!
//! A click id is evidence, not proof: links are copied with the ids in them. It counts only where nothing else
//! in the landing says that the visitor came another way. Ids that name a person are never kept.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::data;
use super::source::{Category, Source};

/// What a click id says about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Somebody paid for the click.
    Strong,
    /// A partner of an affiliate network sent it.
    Affiliate,
    /// Nobody paid: a share, a listing, a mailing.
    Unpaid,
    /// On paid and unpaid links alike (`fbclid`): names the source, says nothing about money.
    Ambiguous,
}

/// One row of `click-ids.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The parameter as its platform writes it.
    pub param: &'static str,
    /// The source it names; empty for generic ones.
    pub source: &'static str,
    /// Category of the source.
    pub category: Option<Category>,
    /// What it says about money.
    pub signal: Signal,
    /// It names a person.
    pub is_person: bool,
    /// It is a partner's code (`via`), not an id.
    pub is_partner_code: bool,
    /// Row in the file: earlier ones are preferred, whatever the order in the address.
    rank: usize,
}

/// The click id that a landing carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickId {
    /// The parameter as its platform writes it.
    pub param: &'static str,
    /// `None` when the value names a person and was dropped.
    pub value: Option<String>,
}

static KINDS: LazyLock<HashMap<String, Kind>> = LazyLock::new(|| {
    let mut kinds = HashMap::new();
    let rows = data::rows::<9>(include_str!("../../data/click-ids.csv"));
    for (rank, [param, _, source, category, signal, scope, ..]) in rows.enumerate() {
        let signal = match signal {
            "strong" => Signal::Strong,
            "affiliate" => Signal::Affiliate,
            "ambiguous" => Signal::Ambiguous,
            _ => Signal::Unpaid,
        };
        let kind = Kind {
            param,
            source,
            category: Category::parse(category),
            signal,
            is_person: scope == "person",
            is_partner_code: scope == "partner",
            rank,
        };
        // Linkers carry a session from one of the merchant's sites to another; they are no evidence.
        if scope != "linker" {
            kinds.insert(param.to_ascii_lowercase(), kind);
        }
    }
    kinds
});

/// The kind of a parameter, by its name in lower case.
pub fn kind(param: &str) -> Option<&'static Kind> {
    KINDS.get(param)
}

/// Whether the value of this parameter (in lower case) names a person and must not be stored.
pub fn names_person(param: &str) -> bool {
    kind(param).is_some_and(|kind| kind.is_person)
}

/// Partner-code parameters of affiliate tools (`via`, `fpr`, `aff`), in lower case.
pub fn is_affiliate_code(param: &str) -> bool {
    kind(param).is_some_and(|kind| kind.is_partner_code && kind.signal == Signal::Affiliate)
}

impl Kind {
    /// Which of two click ids is the better evidence: the smaller.
    pub(crate) fn rank(&self) -> (Signal, usize) {
        (self.signal, self.rank)
    }

    /// Whether a landing with this tag and this external referrer may have come by this click.
    pub(crate) fn agrees(&self, tag: Option<&Source>, referrer: Option<&Source>) -> bool {
        // A tag on no list is the merchant's own word for a campaign and contradicts nothing.
        let tag_agrees = tag.is_none_or(|tag| match self.category {
            Some(Category::Email) => matches!(tag.category, None | Some(Category::Email)),
            _ => tag.category.is_none() || self.is_network_of(&tag.name),
        });
        let referrer_agrees = referrer.is_none_or(|referrer| match self.category {
            // Their links stand on other people's pages; only a place with a better claim contradicts them.
            Some(Category::Native | Category::Affiliate | Category::Display | Category::Audio) => {
                matches!(referrer.category, None | Some(Category::Display))
                    || self.is_network_of(&referrer.name)
            }
            Some(Category::Email) => referrer.category == Some(Category::Email),
            _ => self.is_network_of(&referrer.name),
        });
        tag_agrees && referrer_agrees
    }

    pub(crate) fn is_network_of(&self, source: &str) -> bool {
        self.source == source
            || match self.source {
                "google" => {
                    source.starts_with("google")
                        || matches!(source, "youtube" | "gmail" | "startpage" | "ecosia" | "aol" | "ask")
                }
                "facebook" | "instagram" => {
                    matches!(source, "facebook" | "instagram" | "threads" | "whatsapp" | "workplace")
                }
                // Microsoft sells the advertisements of these engines too.
                "bing" => matches!(
                    source,
                    "yahoo" | "duckduckgo" | "ecosia" | "qwant" | "aol" | "outlook" | "copilot"
                ),
                "yandex" => source.starts_with("yandex"),
                "tiktok" => source == "douyin",
                // Sells for others: its click ids ride on every network.
                "adobe" => true,
                _ => false,
            }
    }
}
