//! One request's hits, from the decoded body to what is answered: runs the pipeline over each, writes their
//! rows into one record, makes it durable, counts every outcome once.

use std::borrow::Cow;
use std::sync::Arc;

use domain::ids::{VisitorId, derive_id};
use domain::visit::{Agent, Device};
use domain::visitor_token::{Evidence, VisitorKeys};
use moka::sync::Cache;
use smallvec::SmallVec;
use wire::{Hit, HitError, Reason};

use super::encode;
use super::inbox::{Inbox, InboxError};
use super::limits::{Limits, Wait};
use super::networks::{Networks, NetworksError};
use super::outcome::{ACCEPTED, Outcome};
use super::pipeline::{self, Admissions, Context, Reject, Request, Visitor};
use super::rows::{Record, Records, Tally};
use super::seen::Seen;
use super::site::{Site, SiteCache, Sites};
use crate::app::Directory;
use crate::config;
use crate::metrics::METRICS;
use crate::secrets::Secrets;

/// Facets remembered as stored; a forgotten one is written again, which changes nothing.
const FACETS_KNOWN_MAX: u64 = 200_000;
const AGENTS_KNOWN_MAX: u64 = 20_000;
const CLICKS_KNOWN_MAX: u64 = 100_000;
/// The page a partner's link leads to tells of the same click within this time.
const CLICK_ARRIVES_MS: i64 = 10 * 60 * 1000;

/// What hits are decided with. One per process.
pub struct Collector {
    pub(super) keys: VisitorKeys,
    secrets: Secrets,
    sites: SiteCache,
    agents: Cache<String, Agent>,
    /// Facets that ClickHouse has or will have, by workspace and id.
    facets: Cache<u128, ()>,
    /// The code of the partner's link that a visitor followed last, and when; by workspace and visitor. Of this
    /// process alone: behind a page that another collector serves, the click and the page are two touches of one
    /// partner.
    clicks: Cache<u128, (String, i64)>,
    pub(super) limits: Limits,
    pub(super) data_centers: Networks,
    /// Whether headers that no browser leaves out are asked for.
    pub(super) reads_signals: bool,
}

/// A hit that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Position in the list that was sent.
    pub index: usize,
    pub outcome: Outcome,
    /// `bot`, `url.too_long`, …
    pub code: Cow<'static, str>,
    pub field: Option<&'static str>,
    /// How long to wait, for what came too fast.
    pub wait: Option<Wait>,
}

/// What became of a request.
#[derive(Debug, Default)]
pub struct Taken {
    pub accepted: usize,
    pub rejected: Vec<Rejected>,
    /// Signed id of the visitor, for the browser to keep.
    pub visitor: Option<String>,
    /// Whether that id may be kept in a cookie, and on which domain it is wanted.
    pub cookie: Option<CookieWish>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieWish {
    pub domain: Option<String>,
}

/// Why no hand-over token was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHandover {
    /// For a reason that hits have too.
    Refused(Outcome, Option<Wait>),
    /// The visitor is not one that this collector signed for the workspace.
    NotSigned,
}

/// What a request leaves to be made durable.
struct Decided {
    taken: Taken,
    /// One a hit: the inbox keeps those it does not know yet.
    records: Records,
    fresh_facets: SmallVec<[u128; 1]>,
}

impl Collector {
    /// The agent of a hit before it is read.
    pub(super) const NO_AGENT: Agent =
        Agent { device: Device::Other, browser: "Other", os: "Other", in_app: None, chromium: 0, bot: None };

    pub fn new(secrets: &Secrets, config: &config::Collector) -> Result<Collector, NetworksError> {
        Ok(Collector {
            keys: secrets.visitor_keys(),
            secrets: secrets.clone(),
            sites: SiteCache::default(),
            agents: Cache::new(AGENTS_KNOWN_MAX),
            facets: Cache::new(FACETS_KNOWN_MAX),
            clicks: Cache::new(CLICKS_KNOWN_MAX),
            limits: Limits::new(config),
            data_centers: Networks::load(&config.data_center_networks, &config.data_center_file)?,
            reads_signals: config.header_signals,
        })
    }

    /// The workspaces of a directory, ready for hits.
    pub fn sites(&self, directory: &Arc<Directory>) -> Arc<Sites> {
        self.sites.of(directory, &self.secrets)
    }

    /// Takes the hits of one request; resolves when what it accepted is durable.
    pub async fn take(
        &self,
        inbox: &Inbox,
        sites: &Sites,
        request: &Request<'_>,
        hits: &[Result<Hit<'_>, HitError>],
    ) -> Result<Taken, InboxError> {
        let Decided { taken, records, fresh_facets } = self.decide(inbox.seen(), sites, request, hits);
        let hour_s = hour_of(request.received_at_ms);
        if !records.is_empty() {
            if let Err(error) = inbox.append(records).await {
                // Nothing of the request was taken, and all of it will come again.
                let outcome = outcome_of(&error);
                for hit in hits {
                    count(inbox, workspace_of(sites, hit), hour_s, outcome, kind_of(request, hit));
                }
                return Err(error);
            }
            fresh_facets.iter().for_each(|key| self.facets.insert(*key, ()));
        }
        for rejected in &taken.rejected {
            let hit = &hits[rejected.index];
            count(inbox, workspace_of(sites, hit), hour_s, rejected.outcome, kind_of(request, hit));
        }
        Ok(taken)
    }

    /// A token by which the visitor goes on at a sister site of the workspace.
    pub fn hand_over(
        &self,
        sites: &Sites,
        request: &Request<'_>,
        workspace_id: &str,
        visitor: &str,
    ) -> Result<String, NoHandover> {
        let site = sites.get(workspace_id).ok_or(NoHandover::Refused(Outcome::UnknownWorkspace, None))?;
        if let Some(address) = request.address {
            self.limits
                .admit(site.salt, address, request.received_at_ms, 1)
                .map_err(|wait| NoHandover::Refused(Outcome::RateLimited, Some(wait)))?;
        }
        if !site.allows(request.from.unwrap_or("")) {
            return Err(NoHandover::Refused(Outcome::ForeignOrigin, None));
        }
        match self.keys.read(visitor, &site.id) {
            Ok((id, Evidence::Signed)) => {
                METRICS.handovers_made.increment(1);
                Ok(self.keys.hand_over(id, &site.id, request.received_at_ms))
            }
            _ => Err(NoHandover::NotSigned),
        }
    }

    /// Remembers that a visitor, by its signed id, just followed a partner's link and that a touch was made of it.
    pub fn followed(&self, site: &Site, visitor: &str, code: &str, now_ms: i64) {
        if let Ok((id, _)) = self.keys.read(visitor, &site.id) {
            self.clicks.insert(click_key(site, id), (code.to_owned(), now_ms));
        }
    }

    /// Whether the touch of this landing was made already, when its link was followed. Only the newest link counts: who
    /// comes by one partner's, then by another's and by the first one's again came by the first one last.
    pub(super) fn has_followed(&self, site: &Site, visitor: VisitorId, code: &str, now_ms: i64) -> bool {
        let last = self.clicks.get(&click_key(site, visitor));
        last.is_some_and(|(newest, at_ms)| {
            newest == code && (at_ms..at_ms.saturating_add(CLICK_ARRIVES_MS)).contains(&now_ms)
        })
    }

    /// A token by which a visitor, by its signed id, goes on where no cookie of ours reaches.
    pub fn token_of(&self, visitor: &str, workspace_id: &str, now_ms: i64) -> Option<String> {
        let (id, evidence) = self.keys.read(visitor, workspace_id).ok()?;
        (evidence == Evidence::Signed).then(|| self.keys.hand_over(id, workspace_id, now_ms))
    }

    /// Counts a body in which no hit could be told from another.
    pub fn count_unreadable(&self, inbox: &Inbox, received_at_ms: i64, outcome: Outcome) {
        count(inbox, "".into(), hour_of(received_at_ms), outcome, "");
    }

    fn decide(
        &self,
        seen: &Seen,
        sites: &Sites,
        request: &Request<'_>,
        hits: &[Result<Hit<'_>, HitError>],
    ) -> Decided {
        let admissions = Admissions::default();
        let context = Context { collector: self, sites, request, hits, admissions: &admissions };
        let mut decided =
            Decided { taken: Taken::default(), records: Records::new(), fresh_facets: SmallVec::new() };
        let hour_s = hour_of(request.received_at_ms);
        for (index, sent) in hits.iter().enumerate() {
            let hit = match sent {
                Ok(hit) => hit,
                Err(error) => {
                    decided.taken.rejected.push(unreadable(index, *error));
                    continue;
                }
            };
            let draft = match pipeline::run(&context, hit) {
                Ok(draft) => draft,
                Err(reject) => {
                    let code = Cow::Borrowed(reject.outcome.code());
                    let Reject { outcome, field, wait } = reject;
                    decided.taken.rejected.push(Rejected { index, outcome, code, field, wait });
                    continue;
                }
            };
            decided.taken.accepted += 1;
            let site = draft.site();
            if let Visitor::Known { id, .. } = draft.visitor {
                decided.taken.visitor = Some(self.keys.sign(id, &site.id));
                decided.taken.cookie = pipeline::may_set_cookie(hit)
                    .then(|| CookieWish { domain: hit.cookie_domain.as_deref().map(str::to_owned) });
            }
            let mark = seen.mark(site.salt, hit.id.to_u128());
            if decided.records.iter().any(|record| record.mark == Some(mark)) || seen.contains(mark) {
                // Stored before: success for the sender, and nothing to do or to count.
                continue;
            }
            let facet = draft.touch.as_ref().map(|touch| facet_key(site, touch.facet_id));
            let facet_is_known =
                facet.is_none_or(|key| decided.fresh_facets.contains(&key) || self.facets.contains_key(&key));
            let mut record =
                Record { received_at_ms: request.received_at_ms, mark: Some(mark), ..Record::default() };
            encode::write(&mut record, &draft, request.country, request.is_image, facet_is_known);
            if let Some(key) = facet.filter(|_| !facet_is_known) {
                decided.fresh_facets.push(key);
            }
            record.tally = Some(Tally {
                workspace_id: site.id.clone(),
                hour_s,
                outcome: ACCEPTED,
                kind: kind_of(request, sent),
                hits: 1,
            });
            decided.records.push(record);
        }
        decided
    }

    /// What a user agent says; the same few thousand texts come again and again.
    pub(super) fn agent(&self, user_agent: &str) -> Agent {
        match self.agents.get(user_agent) {
            Some(agent) => agent,
            None => {
                let agent = Agent::read(user_agent);
                // Absurdly long ones are not worth the memory.
                if user_agent.len() <= 512 {
                    self.agents.insert(user_agent.to_owned(), agent);
                }
                agent
            }
        }
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

/// Counts a hit that left no row: in the metrics now, in the table with the next group.
fn count(inbox: &Inbox, workspace_id: Arc<str>, hour_s: u32, outcome: Outcome, kind: &'static str) {
    METRICS.hits[outcome.index()].increment(1);
    inbox.count(Tally { workspace_id, hour_s, outcome: outcome.code(), kind, hits: 1 });
}

/// The outcome of hits that could not be made durable.
pub fn outcome_of(error: &InboxError) -> Outcome {
    if matches!(error, InboxError::Full) { Outcome::InboxFull } else { Outcome::InboxUnavailable }
}

fn unreadable(index: usize, error: HitError) -> Rejected {
    let outcome = if error.reason == Reason::TooLong { Outcome::TooLong } else { Outcome::Malformed };
    Rejected { index, outcome, code: Cow::Owned(error.code()), field: Some(error.field.name()), wait: None }
}

/// What a hit is counted as; empty when it does not read.
fn kind_of(request: &Request<'_>, hit: &Result<Hit<'_>, HitError>) -> &'static str {
    match hit {
        Err(_) => "",
        Ok(_) if request.is_image => "image",
        Ok(hit) => hit.kind.name(),
    }
}

/// Known workspaces only: made-up names must not become rows.
fn workspace_of(sites: &Sites, hit: &Result<Hit<'_>, HitError>) -> Arc<str> {
    let site = hit.as_ref().ok().and_then(|hit| sites.get(&hit.ws));
    site.map_or_else(|| "".into(), |site| site.id.clone())
}

fn click_key(site: &Site, visitor: VisitorId) -> u128 {
    derive_id(&["click", &site.id, &visitor.to_string()])
}

fn facet_key(site: &Site, facet_id: u64) -> u128 {
    u128::from(site.salt) << 64 | u128::from(facet_id)
}

fn hour_of(at_ms: i64) -> u32 {
    u32::try_from(at_ms.div_euclid(3_600_000) * 3600).unwrap_or(0)
}
