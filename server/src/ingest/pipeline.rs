//! What happens to one hit: the steps in their order, each of which continues or ends the hit with the one
//! outcome it gets. Pure but for caches: nothing here waits, writes or answers.

mod steps;

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use domain::ids::VisitorId;
use domain::visit::signals::BrowserHeaders;
use domain::visit::{Agent, Classification, Facets, PageAddress};
use domain::visitor_token::Evidence;
use smallvec::SmallVec;
use wire::{Consent, Hit, HitError};

use super::collector::Collector;
use super::limits::Wait;
use super::outcome::Outcome;
use super::site::Site;

/// A browser's clock further off than this is not believed: the time of receipt counts.
pub const CLOCK_TOLERANCE_MS: i64 = 5 * 60 * 1000;
/// Older than this is no hit that was kept while offline.
pub const KEPT_MS_MAX: i64 = 7 * 24 * 3_600_000;

/// What a request says about all of its hits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    pub received_at_ms: i64,
    /// `Origin`, or else `Referer`.
    pub from: Option<&'a str>,
    pub user_agent: &'a str,
    /// Value of the visitor cookie.
    pub cookie: Option<&'a str>,
    pub is_prefetch: bool,
    /// None for what no browser sent.
    pub browser: Option<BrowserHeaders<'a>>,
    /// Who sent it; none for what comes from no network.
    pub address: Option<IpAddr>,
    /// Two letters from a trusted proxy, or empty.
    pub country: &'a str,
    /// Asked for as an image, by a browser that ran no script.
    pub is_image: bool,
    /// History from somebody who may write: times in the past are believed, however far.
    pub trusts_clock: bool,
}

/// What a hit is measured against.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub collector: &'a Collector,
    pub sites: &'a super::site::Sites,
    pub request: &'a Request<'a>,
    /// All that came with this one.
    pub hits: &'a [Result<Hit<'a>, HitError>],
    pub admissions: &'a Admissions,
}

/// `Site::salt` of a workspace, and what it answered.
type Admission = (u64, Result<(), Wait>);

/// Workspaces whose rate the address was held to already for the hits of this request.
#[derive(Debug, Default)]
pub struct Admissions(RefCell<SmallVec<[Admission; 1]>>);

/// Who sent a hit, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// No id: without consent there is none.
    None,
    Known {
        id: VisitorId,
        evidence: Evidence,
    },
}

/// A hit on its way through the steps; each fills in what it found out.
pub struct Draft<'a> {
    pub hit: &'a Hit<'a>,
    pub site: Option<Arc<Site>>,
    pub agent: Agent,
    pub visitor: Visitor,
    /// The id the page had, when a sister site handed another over: both are one browser.
    pub bound_to: Option<VisitorId>,
    pub at_ms: i64,
    /// What was added to the browser's clock to get `at_ms`.
    pub clock_offset_ms: i64,
    pub page: Option<PageAddress>,
    /// The page's address and the referrer, without what names a person.
    pub landing: String,
    pub referrer: String,
    pub touch: Option<Touch>,
}

/// A touch that a hit made.
pub struct Touch {
    pub origin: Box<Classification>,
    pub facets: Facets,
    pub facet_id: u64,
    /// Whether a session began with it, not only a campaign.
    pub is_session_start: bool,
}

/// Why a hit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    pub outcome: Outcome,
    /// The field at fault, for what is malformed.
    pub field: Option<&'static str>,
    /// How long to wait, for what came too fast.
    pub wait: Option<Wait>,
}

impl Reject {
    fn malformed(field: &'static str) -> Reject {
        Reject { outcome: Outcome::Malformed, field: Some(field), wait: None }
    }

    fn too_fast(outcome: Outcome, wait: Wait) -> Reject {
        Reject { outcome, field: None, wait: Some(wait) }
    }
}

impl From<Outcome> for Reject {
    fn from(outcome: Outcome) -> Reject {
        Reject { outcome, field: None, wait: None }
    }
}

type Step = fn(&Context<'_>, &mut Draft<'_>) -> Result<(), Reject>;

/// The steps, in the order they are taken.
pub const STEPS: [(&str, Step); 14] = [
    ("known workspace", steps::known_workspace),
    ("address within its rate", steps::address_within_rate),
    ("origin allowed", steps::origin_allowed),
    ("agent classed", steps::agent_classed),
    ("no bot", steps::no_bot),
    ("no prefetch", steps::no_prefetch),
    ("sent by a browser", steps::sent_by_a_browser),
    ("no data centre", steps::no_data_center),
    ("workspace within its rate", steps::workspace_within_rate),
    ("visitor read", steps::visitor_read),
    ("visitor handed over", steps::visitor_handed_over),
    ("clock corrected", steps::clock_corrected),
    ("address reduced", steps::address_reduced),
    ("touch decided", steps::touch_decided),
];

/// Takes every step. An error ends the hit.
pub fn run<'a>(context: &Context<'_>, hit: &'a Hit<'a>) -> Result<Draft<'a>, Reject> {
    let mut draft = Draft {
        hit,
        site: None,
        agent: Collector::NO_AGENT,
        visitor: Visitor::None,
        bound_to: None,
        at_ms: context.request.received_at_ms,
        clock_offset_ms: 0,
        page: None,
        landing: String::new(),
        referrer: String::new(),
        touch: None,
    };
    for (_, step) in STEPS {
        step(context, &mut draft)?;
    }
    Ok(draft)
}

impl Draft<'_> {
    /// The workspace; the first step has found it.
    pub fn site(&self) -> &Arc<Site> {
        self.site.as_ref().expect("the step `known workspace` came before")
    }
}

/// Whether the answer may set the visitor cookie.
pub fn may_set_cookie(hit: &Hit<'_>) -> bool {
    hit.consent == Consent::Granted
}
