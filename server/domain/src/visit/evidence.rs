//! What a landing says about its origin, collected before anything is decided: tags, partner code, click id,
//! label, referrer, and the one source they amount to.
//!
//! Every part is found by name, never by position, so the order of parameters changes nothing.

use super::address::is_email;
use super::click_id::{self, Kind, Signal};
use super::referrer::Standing;
use super::source::{Category, Source};
use super::{Landing, PageAddress, Referrer, Site, medium};

/// Something a merchant should look at; it did not stop the classification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A parameter held a template nobody filled in, or `null`; it counts as absent.
    Placeholder(&'static str),
    /// A parameter held an e-mail address; it was dropped.
    EmailDropped(&'static str),
    /// A click id that does not fit the source or the referrer: a copied link. It counts as absent.
    StaleClickId(&'static str),
    /// A partner code that the workspace does not know.
    UnknownPartnerCode,
    /// The referrer cannot be read; it counts as absent.
    UnreadableReferrer,
}

impl Warning {
    /// The stable name under which warnings are counted.
    pub fn code(self) -> &'static str {
        match self {
            Warning::Placeholder(_) => "placeholder",
            Warning::EmailDropped(_) => "email_dropped",
            Warning::StaleClickId(_) => "stale_click_id",
            Warning::UnknownPartnerCode => "unknown_partner_code",
            Warning::UnreadableReferrer => "unreadable_referrer",
        }
    }

    /// The parameter it is about, `""` where it is about none.
    pub fn param(self) -> &'static str {
        match self {
            Warning::Placeholder(param) | Warning::EmailDropped(param) | Warning::StaleClickId(param) => {
                param
            }
            Warning::UnknownPartnerCode | Warning::UnreadableReferrer => "",
        }
    }
}

/// The five tags; `""` where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags<'a> {
    pub source: &'a str,
    pub medium: &'a str,
    pub campaign: &'a str,
    pub content: &'a str,
    pub term: &'a str,
}

impl<'a> Tags<'a> {
    pub fn read(page: &'a PageAddress, warnings: &mut Vec<Warning>) -> Tags<'a> {
        let mut tag = |name: &'static str| {
            match page.unused(name) {
                Some(value) if is_email(value) => warnings.push(Warning::EmailDropped(name)),
                Some(_) => warnings.push(Warning::Placeholder(name)),
                None => {}
            }
            page.param(name).unwrap_or_default()
        };
        Tags {
            source: tag("utm_source"),
            medium: tag("utm_medium"),
            campaign: tag("utm_campaign"),
            content: tag("utm_content"),
            term: tag("utm_term"),
        }
    }

    pub fn are_absent(&self) -> bool {
        *self == Tags::default()
    }
}

/// Everything a landing says.
pub struct Evidence<'a> {
    pub tags: Tags<'a>,
    /// `utm_source`, resolved.
    pub tag: Option<Source>,
    /// A code that the workspace knows.
    pub partner: Option<&'a str>,
    /// A code of an affiliate parameter (`via`) that the workspace does not know.
    pub unknown_code: Option<&'a str>,
    /// `ref=` when it is no partner code.
    pub label: Option<Source>,
    /// The best click id that fits the rest.
    pub click: Option<(&'static Kind, &'a str)>,
    pub referrer: Referrer,
    pub standing: Standing,
    /// The source behind the referrer, when it may start a touch.
    pub referrer_source: Option<Source>,
    /// What the app's user agent says about itself.
    pub in_app: Option<&'a str>,
    pub warnings: Vec<Warning>,
}

/// The one source of a landing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// `""` for a direct landing.
    pub name: String,
    pub category: Option<Category>,
}

impl<'a> Evidence<'a> {
    pub fn collect(landing: &Landing<'a>) -> Evidence<'a> {
        let Landing { page, referrer, user_agent_hint, site, is_session_start } = *landing;
        let mut warnings = Vec::new();
        let tags = Tags::read(page, &mut warnings);
        let tag = (!tags.source.is_empty()).then(|| Source::of_tag(tags.source));

        let referrer_text = referrer;
        let referrer = Referrer::parse(referrer_text);
        if referrer == Referrer::None && !referrer_text.trim().is_empty() {
            warnings.push(Warning::UnreadableReferrer);
        }
        let standing = referrer.standing(page, &site.domains, is_session_start);
        let referrer_source =
            if standing == Standing::External { Source::of_referrer(&referrer) } else { None };

        let codes = Codes::read(page, site);
        let click = click(page, &tags, tag.as_ref(), referrer_source.as_ref(), &mut warnings);
        let is_untagged = tag.is_none() && tags.medium.is_empty();
        if codes.unknown.is_some() {
            warnings.push(Warning::UnknownPartnerCode);
        }
        // A label of the merchant's own (`ref=footer`) must not hide where the visitor really came from.
        let label = codes.label.filter(|_| tag.is_none()).map(Source::of_tag);
        let label = label.filter(|label| label.category.is_some() || referrer_source.is_none());
        Evidence {
            tags,
            tag,
            partner: codes.partner,
            unknown_code: codes.unknown.filter(|_| is_untagged),
            label,
            click,
            referrer,
            standing,
            referrer_source,
            in_app: user_agent_hint.filter(|hint| !hint.is_empty()),
            warnings,
        }
    }

    /// Whether the address itself says where the visitor came from.
    pub fn is_tagged(&self) -> bool {
        !self.tags.are_absent()
            || self.partner.is_some()
            || self.unknown_code.is_some()
            || self.label.is_some()
            || self.click.is_some()
    }

    /// The source: the tag, else the partner, else the click id together with the referrer, else the label,
    /// else the referrer, else the app.
    pub fn source(&self) -> Resolved {
        let click_category = self.click.and_then(|(kind, _)| kind.category);
        if let Some(tag) = &self.tag {
            return Resolved { name: tag.name.clone(), category: tag.category.or(click_category) };
        }
        if let Some(code) = self.partner.or(self.unknown_code) {
            return Resolved { name: code.to_lowercase(), category: Some(Category::Affiliate) };
        }
        if let Some((kind, _)) = self.click {
            return self.source_of_click(kind);
        }
        let named = |source: &Source| Resolved { name: source.name.clone(), category: source.category };
        if let Some(source) = self.label.as_ref().or(self.referrer_source.as_ref()) {
            return named(source);
        }
        match self.in_app {
            Some(app) if self.tags.are_absent() => named(&Source::of_tag(app)),
            _ => Resolved::default(),
        }
    }

    fn source_of_click(&self, kind: &Kind) -> Resolved {
        // An engine or network of the same seller, nearer to the visitor: `youtube` for a `gclid`.
        let nearer = self.referrer_source.as_ref().filter(|referrer| kind.is_network_of(&referrer.name));
        match (nearer, kind.category) {
            (Some(nearer), Some(Category::Search | Category::Social)) => {
                Resolved { name: nearer.name.clone(), category: nearer.category.or(kind.category) }
            }
            (_, category) => Resolved { name: kind.source.to_owned(), category },
        }
    }
}

/// What the parameters for partner codes hold.
#[derive(Default)]
struct Codes<'a> {
    partner: Option<&'a str>,
    unknown: Option<&'a str>,
    label: Option<&'a str>,
}

impl<'a> Codes<'a> {
    /// The first parameter of the workspace's list that fits wins, whatever the order in the address.
    fn read(page: &'a PageAddress, site: &Site) -> Codes<'a> {
        let mut codes = Codes::default();
        for param in &site.ref_params {
            let param = param.to_lowercase();
            let Some(code) = page.param(&param) else { continue };
            let is_known = site.partner_codes.contains(code)
                || site.partner_codes.contains(code.to_lowercase().as_str());
            match (is_known, click_id::is_affiliate_code(&param)) {
                (true, _) => _ = codes.partner.get_or_insert(code),
                (false, true) => _ = codes.unknown.get_or_insert(code),
                (false, false) => _ = codes.label.get_or_insert(code),
            }
        }
        codes
    }
}

/// The best click id that fits the tags and the referrer.
fn click<'a>(
    page: &'a PageAddress,
    tags: &Tags,
    tag: Option<&Source>,
    referrer: Option<&Source>,
    warnings: &mut Vec<Warning>,
) -> Option<(&'static Kind, &'a str)> {
    // `utm_medium=email` says that the link was mailed: an advertiser's id in it was copied along.
    let is_sent_otherwise = medium::explicit(tags.medium).is_some();
    let mut best: Option<(&'static Kind, &'a str)> = None;
    for (name, _) in page.query() {
        let Some(kind) = click_id::kind(name).filter(|kind| !kind.is_partner_code && !kind.source.is_empty())
        else {
            continue;
        };
        let Some(value) = page.param(name) else { continue };
        if !kind.agrees(tag, referrer) || (kind.signal == Signal::Strong && is_sent_otherwise) {
            let warning = Warning::StaleClickId(kind.param);
            if kind.signal == Signal::Strong && !warnings.contains(&warning) {
                warnings.push(warning);
            }
            continue;
        }
        if best.is_none_or(|(kept, _)| kind.rank() < kept.rank()) {
            best = Some((kind, value));
        }
    }
    warnings.sort_by_key(|warning| (warning.code(), warning.param()));
    best
}
