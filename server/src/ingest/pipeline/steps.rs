//! The steps, each of which continues or ends a hit. Their order is [`STEPS`](super::STEPS)'s.

use domain::ids::VisitorId;
use domain::visit::signals::{self, Signal};
use domain::visit::{Facets, Landing, NoTouch, PageAddress, Referrer, Verdict, address, classify, facet_id};
use domain::visitor_token::{Evidence, HandoverError};

use super::{CLOCK_TOLERANCE_MS, Context, Draft, KEPT_MS_MAX, Reject, Touch, Visitor};
use crate::effects::random_bytes;
use crate::ingest::outcome::Outcome;
use crate::metrics::METRICS;

pub(super) fn known_workspace(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let site = context.sites.get(&draft.hit.ws).ok_or(Outcome::UnknownWorkspace)?;
    draft.site = Some(site.clone());
    Ok(())
}

/// One look-up for all hits of a request that name the same workspace.
pub(super) fn address_within_rate(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let Some(address) = context.request.address else { return Ok(()) };
    let salt = draft.site().salt;
    let mut known = context.admissions.0.borrow_mut();
    let answer = match known.iter().find(|(of, _)| *of == salt) {
        Some((_, answer)) => *answer,
        None => {
            let same = context.hits.iter().flatten().filter(|hit| hit.ws == draft.hit.ws).count() as u32;
            let limits = &context.collector.limits;
            let answer = limits.admit(salt, address, context.request.received_at_ms, same);
            known.push((salt, answer));
            answer
        }
    };
    answer.map_err(|wait| Reject::too_fast(Outcome::RateLimited, wait))
}

/// What bots and foreign pages send uses up nothing of it.
pub(super) fn workspace_within_rate(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    if context.request.trusts_clock {
        return Ok(());
    }
    let (limits, quota) = (&context.collector.limits, &draft.site().quota);
    let answer = limits.admit_to_workspace(quota, context.request.received_at_ms);
    answer.map_err(|wait| Reject::too_fast(Outcome::OverQuota, wait))
}

/// Browsers say where a hit comes from and scripts cannot forge it; programs can send anything, so for them
/// (they send neither header) the page they claim is as good.
pub(super) fn origin_allowed(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let from = context.request.from.unwrap_or(&draft.hit.url);
    if draft.site().allows(from) { Ok(()) } else { Err(Outcome::ForeignOrigin.into()) }
}

pub(super) fn agent_classed(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    draft.agent = context.collector.agent(context.request.user_agent);
    Ok(())
}

pub(super) fn no_bot(_: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    if draft.agent.bot.is_some() { Err(Outcome::Bot.into()) } else { Ok(()) }
}

pub(super) fn no_prefetch(context: &Context<'_>, _: &mut Draft<'_>) -> Result<(), Reject> {
    if context.request.is_prefetch { Err(Outcome::Prefetch.into()) } else { Ok(()) }
}

pub(super) fn sent_by_a_browser(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let Some(mut headers) = context.request.browser.filter(|_| context.collector.reads_signals) else {
        return Ok(());
    };
    headers.is_secure = context.request.from.unwrap_or(&draft.hit.url).starts_with("https:");
    match signals::signal(&draft.agent, &headers) {
        None => Ok(()),
        Some(Signal::Headless) => Err(Outcome::Headless.into()),
        Some(Signal::NoLanguage) => Err(Outcome::NoLanguage.into()),
        Some(Signal::NoFetchMetadata) => Err(Outcome::NoFetchMetadata.into()),
        Some(Signal::ImpossibleAgent) => Err(Outcome::ImpossibleAgent.into()),
    }
}

pub(super) fn no_data_center(context: &Context<'_>, _: &mut Draft<'_>) -> Result<(), Reject> {
    let is_inside = |address| context.collector.data_centers.contains(address);
    if context.request.address.is_some_and(is_inside) { Err(Outcome::DataCenter.into()) } else { Ok(()) }
}

/// A signed id in the hit stands; a signed cookie beats an unsigned id; a forged id counts as none and the
/// browser gets a fresh one with the answer. No id at all means no consent, whatever the cookie says. An
/// image has only the cookie to say who it is; without one nobody is followed, since nobody was asked.
pub(super) fn visitor_read(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let workspace = &draft.site().id;
    let read = |text: &str| context.collector.keys.read(text, workspace).ok();
    let signed_cookie = || {
        let (id, evidence) = read(context.request.cookie?)?;
        (evidence == Evidence::Signed).then_some(Visitor::Known { id, evidence })
    };
    draft.visitor = match draft.hit.visitor.as_deref() {
        None if context.request.is_image => signed_cookie().unwrap_or(Visitor::None),
        None => Visitor::None,
        Some(text) => match read(text) {
            Some((id, Evidence::Signed)) => Visitor::Known { id, evidence: Evidence::Signed },
            Some((id, Evidence::Unsigned)) => {
                signed_cookie().unwrap_or(Visitor::Known { id, evidence: Evidence::Unsigned })
            }
            Some((_, Evidence::Forged)) => {
                let id = mint_visitor(context.request.received_at_ms);
                signed_cookie().unwrap_or(Visitor::Known { id, evidence: Evidence::Forged })
            }
            None => return Err(Reject::malformed("visitor")),
        },
    };
    Ok(())
}

/// The visitor of a sister site goes on here. What the token says stands against the page's own id; if that one
/// was signed, so that it may have touches, both are bound. A token that is not good is counted, and no more.
pub(super) fn visitor_handed_over(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let (Some(token), Visitor::Known { id: own, evidence }) = (draft.hit.handover.as_deref(), draft.visitor)
    else {
        return Ok(());
    };
    let workspace = &draft.site().id;
    match context.collector.keys.receive(token, workspace, context.request.received_at_ms) {
        Ok(id) => {
            METRICS.handovers_taken.increment(1);
            draft.bound_to = (evidence == Evidence::Signed && own != id).then_some(own);
            draft.visitor = Visitor::Known { id, evidence: Evidence::Signed };
        }
        Err(HandoverError::Expired) => METRICS.handovers_expired.increment(1),
        Err(HandoverError::Shape | HandoverError::Forged) => METRICS.handovers_forged.increment(1),
    }
    Ok(())
}

fn mint_visitor(now_ms: i64) -> VisitorId {
    let mut random = [0u8; 16];
    random[6..].copy_from_slice(&random_bytes::<10>());
    VisitorId((now_ms.max(0) as u128 & 0xffff_ffff_ffff) << 80 | u128::from_be_bytes(random))
}

/// A browser whose clock is about right when it sends is believed about when things happened; one whose clock is
/// off only about how long ago. Hits kept while offline are believed to be a week old at most. Nothing happened after
/// it was received: a clock that runs ahead by less than the tolerance would put a visit behind the sale it led to.
pub(super) fn clock_corrected(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let received_at_ms = context.request.received_at_ms;
    let ms = |clock: u64| i64::try_from(clock).unwrap_or(i64::MAX);
    let said_ms = ms(draft.hit.at_ms);
    if context.request.trusts_clock && said_ms <= received_at_ms {
        draft.at_ms = said_ms;
        return Ok(());
    }
    let sent_ms = draft.hit.sent_ms.map_or(said_ms, ms);
    let off_ms = received_at_ms.saturating_sub(sent_ms);
    let is_about_right = off_ms.saturating_abs() <= CLOCK_TOLERANCE_MS;
    let age_ms = sent_ms.saturating_sub(said_ms);
    let at_ms = match age_ms {
        0..=KEPT_MS_MAX if is_about_right => said_ms,
        0..=KEPT_MS_MAX => received_at_ms - age_ms,
        _ => received_at_ms,
    };
    draft.at_ms = at_ms.min(received_at_ms);
    draft.clock_offset_ms = draft.at_ms.saturating_sub(said_ms);
    Ok(())
}

pub(super) fn address_reduced(_: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let unreadable = |_| Reject::malformed("url");
    draft.page = Some(PageAddress::parse(&draft.hit.url).map_err(unreadable)?);
    draft.landing = address::storable(&draft.hit.url).map_err(unreadable)?;
    draft.referrer = Referrer::storable(&draft.hit.referrer);
    Ok(())
}

/// The pixel says where a visit, or a campaign within one, begins; the rules say whether that is a touch.
/// Without a visitor nothing can earn. What claims to come from a page of referrer spam is no visit at all.
pub(super) fn touch_decided(context: &Context<'_>, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let begins = match draft.visitor {
        // An image knows no sessions: it starts a touch only by what the address says.
        _ if context.request.is_image => Some(wire::Touch::Campaign),
        _ => draft.hit.touch,
    };
    let Some(begins) = begins else { return Ok(()) };
    if draft.visitor == Visitor::None {
        let is_spam = !draft.referrer.is_empty() && Referrer::is_spam(&draft.referrer);
        return if is_spam { Err(Outcome::SpamReferrer.into()) } else { Ok(()) };
    }
    let landing = Landing {
        page: draft.page.as_ref().expect("the step `address reduced` came before"),
        referrer: &draft.referrer,
        user_agent_hint: draft.agent.in_app,
        site: &draft.site().visit,
        is_session_start: begins == wire::Touch::Session,
    };
    match classify(&landing) {
        Verdict::Touch(origin) => {
            // Who followed a partner's link was counted then: the page it led to is the same visit.
            if let (Some(code), Visitor::Known { id, .. }) = (&origin.partner, draft.visitor)
                && context.collector.has_followed(draft.site(), id, code, context.request.received_at_ms)
            {
                return Ok(());
            }
            let facets = Facets::of(&origin, context.request.country, draft.agent.device);
            let facet_id = facet_id(&facets);
            let is_session_start = landing.is_session_start;
            draft.touch = Some(Touch { origin, facets, facet_id, is_session_start });
            Ok(())
        }
        Verdict::NoTouch(NoTouch::SpamReferrer) => Err(Outcome::SpamReferrer.into()),
        Verdict::NoTouch(_) => Ok(()),
    }
}
