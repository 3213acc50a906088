//! From a landing to its touch: channel, source, and the rule that decided.
//!
//! The order of the rules is the whole point and stands in `decide`, top to bottom. Only the page's address
//! and the referrer decide; the user agent may name a source where nothing else does, and never says "paid".
//! This never looks at earlier touches: whether a click id was seen before is the store's knowledge.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::click_id::{self, Signal};
use super::evidence::{Evidence, Resolved, Tags, Warning};
use super::referrer::Standing;
use super::source::Category;
use super::{Channel, ClickId, PageAddress, RULES_VERSION, Referrer, RuleField, WorkspaceRule, medium};

/// The first page of a visit, or of a new campaign within one.
#[derive(Clone, Copy, Debug)]
pub struct Landing<'a> {
    /// The page.
    pub page: &'a PageAddress,
    /// `document.referrer`, empty where there is none.
    pub referrer: &'a str,
    /// The source that an in-app browser names in its user agent: [`super::Agent::in_app`].
    pub user_agent_hint: Option<&'a str>,
    /// The workspace.
    pub site: &'a Site,
    /// Whether a session begins here; otherwise it is in the middle of one.
    pub is_session_start: bool,
}

/// What a workspace calls its own.
#[derive(Clone, Debug)]
pub struct Site {
    /// Registrable domains or hosts that are the merchant's own, beside that of the page.
    pub domains: Vec<String>,
    /// Parameters that may hold a partner code, the best first.
    pub ref_params: Vec<String>,
    /// Codes of the workspace's partners, in lower case.
    pub partner_codes: HashSet<String>,
    /// Rules of the workspace, the first that fits wins.
    pub rules: Vec<WorkspaceRule>,
}

impl Default for Site {
    /// No domains but the page's own, no partners, no rules; codes in `ref`, `via` and `aff`.
    fn default() -> Self {
        Site {
            domains: Vec::new(),
            ref_params: ["ref", "via", "aff"].map(str::to_owned).into(),
            partner_codes: HashSet::new(),
            rules: Vec::new(),
        }
    }
}

/// What became of a landing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It starts a touch.
    Touch(Box<Classification>),
    /// It does not, and why.
    NoTouch(NoTouch),
}

/// Why a landing starts no touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTouch {
    /// Came from the merchant's own site.
    SelfReferral,
    /// Came back from a payment or sign-in page.
    IgnoredReferrer,
    /// Came from a site that only exists to be seen in reports.
    SpamReferrer,
    /// In the middle of a session, and nothing new was said.
    NothingNew,
}

impl NoTouch {
    /// The stable name under which outcomes are counted.
    pub fn as_str(self) -> &'static str {
        match self {
            NoTouch::SelfReferral => "self_referral",
            NoTouch::IgnoredReferrer => "ignored_referrer",
            NoTouch::SpamReferrer => "spam_referrer",
            NoTouch::NothingNew => "nothing_new",
        }
    }
}

/// A touch's origin. Texts are empty where nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The group of the source.
    pub channel: Channel,
    /// Short name of the source, in lower case.
    pub source: String,
    /// `utm_medium`, in lower case.
    pub medium: String,
    /// `utm_campaign` as given.
    pub campaign: String,
    /// `utm_content` as given.
    pub content: String,
    /// `utm_term` as given.
    pub term: String,
    /// Host or app id of the referrer, when it is not the merchant's own and not ignored.
    pub referrer_host: String,
    /// Path of the page.
    pub landing_path: String,
    /// A partner code that the workspace knows, in lower case.
    pub partner: Option<String>,
    /// The click id that fits the rest.
    pub click_id: Option<ClickId>,
    /// Which rule decided, as a short phrase.
    pub reason: &'static str,
    /// What a merchant should look at.
    pub warnings: Vec<Warning>,
    /// [`RULES_VERSION`] of the moment.
    pub rules_version: u32,
}

/// Decides whether a landing starts a touch, and of what origin.
pub fn classify(landing: &Landing) -> Verdict {
    let evidence = Evidence::collect(landing);
    if !evidence.is_tagged() {
        match evidence.standing {
            Standing::Own => return Verdict::NoTouch(NoTouch::SelfReferral),
            Standing::Ignored => return Verdict::NoTouch(NoTouch::IgnoredReferrer),
            Standing::Spam => return Verdict::NoTouch(NoTouch::SpamReferrer),
            Standing::None if !landing.is_session_start => return Verdict::NoTouch(NoTouch::NothingNew),
            Standing::None | Standing::External => {}
        }
    }
    let mut source = evidence.source();
    let rule = landing.site.rules.iter().find(|rule| rule.fits(subject(rule.field, &evidence, &source)));
    let (channel, reason) = match rule {
        Some(rule) => (rule.channel, "a rule of the workspace"),
        None => decide(&evidence, &source),
    };
    if let Some(name) = rule.and_then(|rule| rule.source.as_ref()) {
        source.name.clone_from(name);
    }
    let is_external = evidence.standing == Standing::External;
    Verdict::Touch(Box::new(Classification {
        channel,
        source: source.name,
        medium: evidence.tags.medium.to_lowercase(),
        campaign: evidence.tags.campaign.to_owned(),
        content: evidence.tags.content.to_owned(),
        term: evidence.tags.term.to_owned(),
        referrer_host: if is_external { evidence.referrer.host().to_owned() } else { String::new() },
        landing_path: landing.page.path().to_owned(),
        partner: evidence.partner.map(str::to_lowercase),
        click_id: evidence.click.map(|(kind, value)| ClickId {
            param: kind.param,
            value: (!kind.is_person).then(|| value.to_owned()),
        }),
        reason,
        warnings: evidence.warnings,
        rules_version: RULES_VERSION,
    }))
}

fn subject<'a>(field: RuleField, evidence: &'a Evidence, source: &'a Resolved) -> &'a str {
    match field {
        RuleField::Source if evidence.tags.source.is_empty() => &source.name,
        RuleField::Source => evidence.tags.source,
        RuleField::Medium => evidence.tags.medium,
        RuleField::Campaign => evidence.tags.campaign,
        RuleField::Referrer => evidence.referrer.host(),
    }
}

/// The rules, the first that fits wins.
fn decide(evidence: &Evidence, source: &Resolved) -> (Channel, &'static str) {
    let tags = &evidence.tags;
    if evidence.partner.is_some() {
        return (Channel::Affiliates, "a partner code of the workspace");
    }
    if tags.campaign.to_lowercase().contains("cross-network") {
        return (Channel::CrossNetwork, "campaign names cross-network");
    }
    if medium::is_display(tags.medium) {
        return (Channel::Display, "medium names display");
    }
    if let Some(paid) = paid(evidence, source) {
        return paid;
    }
    if let Some(explicit) = medium::explicit(tags.medium) {
        return explicit;
    }
    if source.category.is_none()
        && let Some(explicit) = medium::explicit_source(tags.source)
    {
        return explicit;
    }
    if let Some(unpaid) = unpaid(tags, source.category) {
        return unpaid;
    }
    if medium::is_referral(tags.medium) {
        return (Channel::Referral, "medium names a referral");
    }
    if evidence.standing == Standing::External {
        return (Channel::Referral, "referrer is another site");
    }
    if !evidence.is_tagged() {
        return (Channel::Direct, "no tags and no other site");
    }
    (Channel::Unassigned, "tags fit no rule")
}

/// Paid for, by the medium, by the tag, or by an advertiser's click id; then by the category of the source.
fn paid(evidence: &Evidence, source: &Resolved) -> Option<(Channel, &'static str)> {
    let by_click = evidence.click.is_some_and(|(kind, _)| kind.signal == Signal::Strong);
    let reason = if medium::is_paid(evidence.tags.medium) {
        "medium names paid traffic"
    } else if evidence.tag.as_ref().is_some_and(|tag| tag.implies_paid) {
        "source tag names advertisements"
    } else if by_click {
        "click id of an advertisement"
    } else {
        return None;
    };
    let channel = match source.category {
        Some(Category::Shopping) => Channel::PaidShopping,
        Some(Category::Search) => Channel::PaidSearch,
        Some(Category::Social) => Channel::PaidSocial,
        Some(Category::Video) => Channel::PaidVideo,
        Some(Category::Audio) => Channel::Audio,
        Some(Category::Display) => Channel::Display,
        Some(Category::Ai) => Channel::PaidOther,
        // Views by the thousand are sold for banners, unless the place says otherwise.
        _ if medium::is_cpm(evidence.tags.medium) => Channel::Display,
        _ => Channel::PaidOther,
    };
    Some((channel, reason))
}

fn unpaid(tags: &Tags, category: Option<Category>) -> Option<(Channel, &'static str)> {
    let is = |wanted: Category| category == Some(wanted);
    Some(if is(Category::Ai) {
        (Channel::AiAssistants, "source is an AI assistant")
    } else if medium::is_ai(tags.medium) {
        (Channel::AiAssistants, "medium names AI assistants")
    } else if is(Category::Email) {
        (Channel::Email, "source is a mail host or mailing tool")
    } else if is(Category::Shopping) {
        (Channel::OrganicShopping, "source is a marketplace")
    } else if is(Category::Video) {
        (Channel::OrganicVideo, "source is a video site")
    } else if medium::is_video(tags.medium) {
        (Channel::OrganicVideo, "medium names video")
    } else if is(Category::Social) {
        (Channel::OrganicSocial, "source is a social network")
    } else if medium::is_social(tags.medium) {
        (Channel::OrganicSocial, "medium names social networks")
    } else if is(Category::Search) {
        (Channel::OrganicSearch, "source is a search engine")
    } else if medium::is_organic(tags.medium) {
        (Channel::OrganicSearch, "medium names organic search")
    } else if is(Category::Audio) {
        (Channel::Audio, "source is an audio app")
    } else if is(Category::Affiliate) {
        (Channel::Affiliates, "click id or code of an affiliate network")
    } else if is(Category::Display) {
        (Channel::Display, "source is a network of banners")
    } else {
        return None;
    })
}

/// What makes a new campaign within a session: the tags, advertisers' click ids, partner codes and the other
/// site it came from, as one number; `0` when the landing has none of them. Equal campaigns have equal numbers
/// for ever, whatever the order of their parameters.
pub fn campaign_identity(page: &PageAddress, referrer: &str, site: &Site) -> u64 {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    let tags = Tags::read(page, &mut Vec::new());
    let named = [
        ("utm_source", tags.source),
        ("utm_medium", tags.medium),
        ("utm_campaign", tags.campaign),
        ("utm_content", tags.content),
        ("utm_term", tags.term),
    ];
    parts.extend(named.into_iter().filter(|(_, value)| !value.is_empty()));
    for (name, _) in page.query() {
        let is_campaign = click_id::kind(name).is_some_and(|kind| kind.signal == Signal::Strong)
            || site.ref_params.iter().any(|param| param.eq_ignore_ascii_case(name));
        if let Some(value) = page.param(name).filter(|_| is_campaign) {
            parts.push((name, value));
        }
    }
    let referrer = Referrer::parse(referrer);
    if referrer.standing(page, &site.domains, false) == Standing::External {
        parts.push(("referrer", referrer.host()));
    }
    if parts.is_empty() {
        return 0;
    }
    parts.sort_unstable();
    parts.dedup();
    let mut hash = Sha256::new();
    for text in parts.into_iter().flat_map(|(name, value)| [name, value]) {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    u64::from_be_bytes(*hash.finalize().first_chunk().expect("SHA-256 has 32 bytes"))
}
