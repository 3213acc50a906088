//! What is known about some commissions, read with a handful of questions: sales, touches, hits, browsers of partners,
//! clicks by the minute.

use std::collections::{BTreeSet, HashMap, HashSet};

use clickhouse::Row;
use domain::affiliate::Commission;
use domain::affiliate::flag::{Click, Limits, PartnerTraits, SaleTraits, Trust};
use domain::ids::{HitId, OrderId, VisitorId};
use serde::Deserialize;
use uuid::Uuid;

use super::super::{JobError, commission};
use crate::app::App;
use crate::control::ledger::StoredCommission;
use crate::control::partners::{Partner, PayoutDetails};
use crate::person_keys::PersonKeys;
use crate::sql;

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// What clocks may differ by, beside the longest time before a click that a rule asks about.
const MARGIN_MS: i64 = HOUR_MS;

#[derive(Row, Deserialize)]
struct StoredSale {
    id: String,
    root: String,
    anchor_ms: i64,
    paid_ms: i64,
    evidence: String,
    disposable: bool,
    keys: Vec<String>,
    visitors_of: Vec<String>,
}

#[derive(Row, Deserialize)]
struct StoredTouch {
    root: String,
    touch_of: String,
    visitor_of: String,
    at_ms: i64,
    is_direct: bool,
    partner_code: String,
    came_from: String,
    led_to: String,
}

#[derive(Row, Deserialize)]
struct StoredHits {
    visitor_of: String,
    signed_hits: u64,
    clicks: Vec<(String, String)>,
    paying_ms: Vec<i64>,
}

#[derive(Row, Deserialize)]
struct StoredBrowser {
    key: String,
    visitor_of: String,
}

#[derive(Row, Deserialize)]
struct StoredClicks {
    partner_code: String,
    minute_ms: i64,
    clicks: u64,
}

#[derive(Row, Deserialize)]
struct OneId {
    id: String,
}

/// Everything known about some commissions.
pub(super) struct Known {
    sales: HashMap<OrderId, Sale>,
    touches: HashMap<OrderId, Vec<Touch>>,
    hits: HashMap<VisitorId, Hits>,
    clicks: HashMap<HitId, Click>,
    partners: HashMap<String, PartnerTraits>,
    /// Whose link a code is.
    owners: HashMap<String, String>,
}

struct Sale {
    root: OrderId,
    checkout_at_ms: i64,
    paid_at_ms: i64,
    trust: Trust,
    has_disposable_address: bool,
    person_keys: Vec<u128>,
    visitors: Vec<VisitorId>,
}

struct Touch {
    id: HitId,
    visitor: VisitorId,
    at_ms: i64,
    is_direct: bool,
    code: String,
    referrer: String,
    landing: String,
}

struct Hits {
    is_signed: bool,
    trust_of: HashMap<HitId, Trust>,
    paying_ms: Vec<i64>,
}

impl Known {
    /// Reads what is known about commissions of a workspace. Bounded by the caller.
    pub async fn load(
        app: &App,
        workspace_id: &str,
        standing: &[StoredCommission],
        limits: Limits,
    ) -> Result<Known, JobError> {
        let window_ms = commission::window_ms(app, workspace_id).await?;
        let orders: BTreeSet<OrderId> = standing.iter().map(|stored| stored.commission.order).collect();
        let links = app.control.links().await?.into_iter();
        let owners = links.filter(|link| link.workspace_id == workspace_id);
        let owners = owners.map(|link| (link.code.to_string(), link.partner_id)).collect();
        let mut known = Known {
            sales: HashMap::new(),
            touches: HashMap::new(),
            hits: HashMap::new(),
            clicks: HashMap::new(),
            partners: HashMap::new(),
            owners,
        };
        let source = Source { app, workspace_id, limits };
        known.read_sales(&source, &orders).await?;
        known.read_touches(&source, window_ms).await?;
        let clicks = standing.iter().filter_map(|stored| stored.commission.referral.touch.as_ref());
        let touches: HashSet<HitId> = clicks.map(|touch| touch.id).collect();
        known.read_hits(&source, &touches).await?;
        known.read_partners(&source, standing).await?;
        Ok(known)
    }

    /// The orders whose journeys earned.
    pub fn roots(&self) -> impl Iterator<Item = OrderId> {
        let roots: BTreeSet<OrderId> = self.sales.values().map(|sale| sale.root).collect();
        roots.into_iter()
    }

    /// The order whose journey earned a commission, and what is known about the sale; none of what is no order any more.
    pub fn sale(&self, commission: &Commission) -> Option<(OrderId, SaleTraits)> {
        let own = self.sales.get(&commission.order)?;
        let root = self.sales.get(&own.root)?;
        let partner = &commission.referral.partner;
        let click_at_ms = moment(commission);
        let touches = self.touches.get(&own.root).map_or(&[][..], |touches| touches);
        let is_own = |touch: &&Touch| self.owners.get(&touch.code) == Some(partner);
        let earlier =
            touches.iter().filter(|touch| touch.at_ms < click_at_ms && !touch.is_direct && !is_own(touch));
        let late = touches.iter().filter(|touch| touch.at_ms > root.checkout_at_ms && is_own(touch));
        let mut late_clicks_ms: Vec<i64> = late.map(|touch| touch.at_ms).collect();
        late_clicks_ms.sort_unstable();
        let visitors: HashSet<VisitorId> = root.visitors.iter().copied().collect();
        let hits = visitors.iter().filter_map(|visitor| self.hits.get(visitor));
        let mut paying_at_ms: Vec<i64> = hits.flat_map(|hits| hits.paying_ms.iter().copied()).collect();
        paying_at_ms.sort_unstable();
        let traits = SaleTraits {
            checkout_at_ms: root.checkout_at_ms,
            paid_at_ms: own.paid_at_ms,
            trust: root.trust,
            person_keys: own.person_keys.iter().chain(&root.person_keys).copied().collect(),
            visitors,
            has_disposable_address: own.has_disposable_address || root.has_disposable_address,
            earlier_visits: u32::try_from(earlier.count()).unwrap_or(u32::MAX),
            paying_at_ms,
            late_clicks_ms,
        };
        Some((own.root, traits))
    }

    /// The click that earned, as it was recorded.
    pub fn click(&self, commission: &Commission) -> Option<&Click> {
        self.clicks.get(&commission.referral.touch.as_ref()?.id)
    }

    pub fn partner(&self, id: &str) -> Option<&PartnerTraits> {
        self.partners.get(id)
    }

    async fn read_sales(&mut self, source: &Source<'_>, orders: &BTreeSet<OrderId>) -> Result<(), JobError> {
        let orders: Vec<String> = orders.iter().map(|&order| Uuid::from(order).to_string()).collect();
        let query = source.query(sql!("commissions/flag_sales.sql")).param("orders", orders);
        for stored in query.fetch_all::<StoredSale>().await? {
            let trust = match stored.evidence.as_str() {
                "signed" => Trust::Signed,
                "unsigned" => Trust::Unsigned,
                "forged" => Trust::Forged,
                _ => Trust::Unknown,
            };
            let sale = Sale {
                root: OrderId(bits(&stored.root)?),
                checkout_at_ms: stored.anchor_ms,
                paid_at_ms: stored.paid_ms,
                trust,
                has_disposable_address: stored.disposable,
                person_keys: stored.keys.iter().map(|key| bits(key)).collect::<Result<_, _>>()?,
                visitors: stored
                    .visitors_of
                    .iter()
                    .map(|id| bits(id).map(VisitorId))
                    .collect::<Result<_, _>>()?,
            };
            self.sales.insert(OrderId(bits(&stored.id)?), sale);
        }
        Ok(())
    }

    async fn read_touches(&mut self, source: &Source<'_>, window_ms: i64) -> Result<(), JobError> {
        let roots: Vec<String> = self.roots().map(|root| Uuid::from(root).to_string()).collect();
        let query = source.query(sql!("commissions/flag_touches.sql"));
        let query = query.param("roots", roots).param("window_ms", window_ms);
        for stored in query.fetch_all::<StoredTouch>().await? {
            let touch = Touch {
                id: HitId(bits(&stored.touch_of)?),
                visitor: VisitorId(bits(&stored.visitor_of)?),
                at_ms: stored.at_ms,
                is_direct: stored.is_direct,
                code: stored.partner_code,
                referrer: stored.came_from,
                landing: stored.led_to,
            };
            self.touches.entry(OrderId(bits(&stored.root)?)).or_default().push(touch);
        }
        Ok(())
    }

    /// Hits of the journeys' visitors around the clicks, and what they say about those.
    async fn read_hits(&mut self, source: &Source<'_>, earning: &HashSet<HitId>) -> Result<(), JobError> {
        let clicks: Vec<&Touch> =
            self.touches.values().flatten().filter(|touch| earning.contains(&touch.id)).collect();
        let Some(first_ms) = clicks.iter().map(|touch| touch.at_ms).min() else { return Ok(()) };
        let last_ms = self.sales.values().map(|sale| sale.paid_at_ms).max().unwrap_or(first_ms);
        let visitors: BTreeSet<VisitorId> =
            self.sales.values().flat_map(|sale| sale.visitors.clone()).collect();
        let ids = |all: &mut dyn Iterator<Item = Uuid>| all.map(|id| id.to_string()).collect::<Vec<_>>();
        let query = source
            .query(sql!("commissions/flag_hits.sql"))
            .param("visitors", ids(&mut visitors.into_iter().map(Uuid::from)))
            .param("touches", ids(&mut clicks.iter().map(|touch| Uuid::from(touch.id))))
            .param("from_ms", first_ms - i64::from(source.limits.paying_minutes) * MINUTE_MS - MARGIN_MS)
            .param("until_ms", last_ms + HOUR_MS);
        let mut hits = HashMap::new();
        for stored in query.fetch_all::<StoredHits>().await? {
            let mut trust_of = HashMap::new();
            for (id, evidence) in &stored.clicks {
                let trust = match evidence.as_str() {
                    "signed" => Trust::Signed,
                    "unsigned" => Trust::Unsigned,
                    "forged" => Trust::Forged,
                    _ => Trust::Unknown,
                };
                trust_of.insert(HitId(bits(id)?), trust);
            }
            let of = Hits { is_signed: stored.signed_hits > 0, trust_of, paying_ms: stored.paying_ms };
            hits.insert(VisitorId(bits(&stored.visitor_of)?), of);
        }
        for touch in clicks {
            let own = hits.get(&touch.visitor);
            let trust = own.and_then(|own| own.trust_of.get(&touch.id)).copied();
            let click = Click {
                at_ms: touch.at_ms,
                trust: trust.unwrap_or_default(),
                was_signed_later: own.is_some_and(|own| own.is_signed),
                referrer: touch.referrer.clone(),
                landing: touch.landing.clone(),
            };
            self.clicks.insert(touch.id, click);
        }
        self.hits = hits;
        Ok(())
    }

    async fn read_partners(
        &mut self,
        source: &Source<'_>,
        standing: &[StoredCommission],
    ) -> Result<(), JobError> {
        let Source { app, workspace_id, limits } = *source;
        let span_ms = limits.velocity_ms();
        let mut spans: HashMap<&str, (i64, i64)> = HashMap::new();
        for StoredCommission { commission, .. } in standing {
            let (click, paid) = (moment(commission), commission.paid_at_ms);
            let span = spans.entry(&commission.referral.partner).or_insert((i64::MAX, i64::MIN));
            *span = (span.0.min(click).min(paid), span.1.max(click).max(paid));
        }
        let keys = PersonKeys::new(&app.secrets, workspace_id);
        let mut browsers_of: HashMap<u128, String> = HashMap::new();
        for partner in app.control.partners(workspace_id, &app.secrets).await? {
            let Some(&(from_ms, until_ms)) = spans.get(partner.id.as_str()) else { continue };
            let mut traits = traits(&keys, &partner);
            browsers_of.insert(traits.address_key, partner.id.clone());
            let around = (from_ms - span_ms, until_ms + span_ms);
            traits.sales_ms = first_sales(source, &partner.id, around).await?;
            self.partners.insert(partner.id, traits);
        }
        let asked: Vec<String> = browsers_of.keys().map(|&key| Uuid::from_u128(key).to_string()).collect();
        let query = source.query(sql!("commissions/flag_partner_visitors.sql")).param("keys", asked);
        for stored in query.fetch_all::<StoredBrowser>().await? {
            let partner = browsers_of.get(&bits(&stored.key)?);
            if let Some(traits) = partner.and_then(|partner| self.partners.get_mut(partner)) {
                traits.visitors.insert(VisitorId(bits(&stored.visitor_of)?));
            }
        }
        let codes = self.owners.iter().filter(|(_, partner)| self.partners.contains_key(*partner));
        let codes: Vec<String> = codes.map(|(code, _)| code.clone()).collect();
        let (from_ms, until_ms) = standing.iter().fold((i64::MAX, i64::MIN), |(from, until), stored| {
            let at_ms = moment(&stored.commission);
            (from.min(at_ms), until.max(at_ms))
        });
        let query = source
            .query(sql!("commissions/flag_clicks.sql"))
            .param("codes", codes)
            .param("from_ms", from_ms - span_ms)
            .param("until_ms", until_ms + span_ms);
        for stored in query.fetch_all::<StoredClicks>().await? {
            let owner = self.owners.get(&stored.partner_code);
            if let Some(traits) = owner.and_then(|owner| self.partners.get_mut(owner)) {
                let clicks = u32::try_from(stored.clicks).unwrap_or(u32::MAX);
                traits.clicks.push((stored.minute_ms, clicks));
            }
        }
        Ok(())
    }
}

/// When the click was that earned; of a coupon when the order was paid.
fn moment(commission: &Commission) -> i64 {
    commission.referral.touch.as_ref().map_or(commission.paid_at_ms, |touch| touch.at_ms)
}

/// Where everything is read.
#[derive(Clone, Copy)]
struct Source<'a> {
    app: &'a App,
    workspace_id: &'a str,
    limits: Limits,
}

impl Source<'_> {
    fn query(&self, sql: &str) -> clickhouse::query::Query {
        self.app.store.client().query_raw(sql).param("workspace", self.workspace_id)
    }
}

fn traits(keys: &PersonKeys, partner: &Partner) -> PartnerTraits {
    let address = keys.email(&partner.email);
    let key = |key: domain::identity::EmailKey| u128::from_be_bytes(key.0);
    let payout = partner.payout.as_ref().and_then(|PayoutDetails { recipient, .. }| keys.email(recipient));
    PartnerTraits {
        address_key: address.map_or(0, |address| key(address.strong)),
        similar_key: address.map_or(0, |address| key(address.weak)),
        payout_key: payout.map(|payout| key(payout.strong)),
        has_disposable_address: address.is_some_and(|address| address.disposable),
        ..PartnerTraits::default()
    }
}

/// When customers of a partner paid for the first time; renewals come by themselves.
async fn first_sales(
    source: &Source<'_>,
    partner_id: &str,
    around: (i64, i64),
) -> Result<Vec<i64>, JobError> {
    let sales = source.app.control.sales_between(source.workspace_id, partner_id, around).await?;
    let mut first_ms = Vec::new();
    if sales.len() > source.limits.velocity_sales_max as usize {
        for piece in sales.chunks(super::COMMISSIONS_MAX) {
            let ids = piece.iter().filter_map(|(order, _)| order.parse::<OrderId>().ok());
            let ids: Vec<String> = ids.map(|order| Uuid::from(order).to_string()).collect();
            let query = source.query(sql!("commissions/flag_roots.sql")).param("orders", ids);
            let roots = query.fetch_all::<OneId>().await?.into_iter();
            let roots: HashSet<OrderId> =
                roots.map(|root| bits(&root.id).map(OrderId)).collect::<Result<_, _>>()?;
            let is_root = |order: &str| order.parse().is_ok_and(|order: OrderId| roots.contains(&order));
            first_ms.extend(piece.iter().filter(|(order, _)| is_root(order)).map(|(_, at_ms)| *at_ms));
        }
    }
    first_ms.sort_unstable();
    Ok(first_ms)
}

fn bits(text: &str) -> Result<u128, JobError> {
    let wrong = |why: uuid::Error| JobError::Damaged { what: "id", why: why.to_string() };
    Ok(Uuid::try_parse(text).map_err(wrong)?.as_u128())
}
