//! `GET /v1/orders/{id}` and `…/explain`: one order, and the whole story of who earned it: how the customer was
//! matched, every touch that was looked at and why it counted or not, and each model's division to the cent.
//!
//! The division is computed anew by the code that posts credits, then held against what is stored.

mod commission;
mod order;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use clickhouse::Row;
use domain::attribution::{MODELS, ModelExplanation, Touch, explain};
use domain::ids::{HitId, OrderId, VisitorId};
use domain::journey::Window;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::commission::{
    ClickDecision, CommissionDecision, CouponDecision, EarningDecision, PartDecision, StepDecision,
};
pub use self::order::{OrderDocument, RefundDocument, ReportedDocument};
use self::order::{StoredOrder, booked, document};
use super::statement::Statement;
use super::{ReportError, Reports, uuid};
use crate::jobs::JobError;
use crate::jobs::attribute::excluded::among;
use crate::jobs::attribute::terms::{exclusions, window_ms};
use crate::sql;
use crate::store::StoreError;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Touches this long before the anchor are still shown, outside the window, so that a merchant sees what a longer
/// window would find; and those this long after it.
const SHOWN_BEFORE_DAYS: i64 = 180;
const SHOWN_AFTER_DAYS: i64 = 30;
/// Touches of one journey that are shown: the newest, since they earn most.
const TOUCHES_MAX: i64 = 5000;

/// One touch that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TouchDocument {
    pub id: String,
    pub visitor_id: String,
    pub at_ms: i64,
    pub direct: bool,
    pub channel: String,
    pub source: String,
    pub medium: String,
    pub campaign: String,
    pub country: String,
    pub device: String,
    pub partner: String,
    /// Page address it landed on.
    pub landing: String,
    pub referrer: String,
    /// The rule that decided the channel.
    pub rule: String,
    pub rules_version: u16,
    /// Version of the workspace's own rules it was classified by; 0 before there were any.
    pub site_rules: u32,
    /// `eligible`, `before_window`, `after_anchor`, `duplicate`, `excluded`.
    pub standing: String,
    /// Why it counts or not, in words.
    pub why: String,
    /// Net credit under each model, refunds taken off.
    pub credits: BTreeMap<String, i64>,
}

/// The whole story of one order.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OrderExplanation {
    pub order: OrderDocument,
    /// Whose journey earns, when it is not the order's own: the first order of the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherits_from: Option<OrderDocument>,
    /// Days before the anchor in which a touch can earn.
    pub window: String,
    pub window_start_ms: Option<i64>,
    /// The anchor of the journey.
    pub anchor_at_ms: i64,
    /// Visitors joined into the person who bought.
    pub visitors: Vec<String>,
    /// What the workspace does not let join a sale to visits, as a sentence; absent when everything may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_used: Option<String>,
    /// By time; indexes in `models` point here.
    pub touches: Vec<TouchDocument>,
    /// `direct` or `unattributed` when no touch is eligible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_touches: Option<String>,
    /// Weights, remainders and credits of each model, for the order and each refund.
    #[schema(value_type = Vec<Object>)]
    pub models: Vec<ModelExplanation>,
    /// Whether the stored credits are exactly these; false for a moment after a change.
    pub stored_agrees: bool,
    /// Where they are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disagreements: Vec<Disagreement>,
    pub rules_version: u32,
    /// Which partners earn by it, and why; absent when the workspace has no programme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commission: Option<CommissionDecision>,
}

/// A sum of stored credits that the explanation does not find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Disagreement {
    pub model: String,
    pub touch_id: String,
    pub stored: i64,
    pub explained: i64,
}

#[derive(Row, Deserialize)]
struct StoredTouch {
    id: String,
    visitor: String,
    at_ms: i64,
    facet_id: u64,
    direct: bool,
    why: String,
    rules_version: u16,
    site_rules: u32,
    landing: String,
    referred_by: String,
    channel_name: String,
    source_name: String,
    medium_name: String,
    campaign_name: String,
    country_name: String,
    device_name: String,
    partner_name: String,
}

#[derive(Row, Deserialize)]
struct StoredCredit {
    touch: String,
    net_minor: Vec<i64>,
}

impl Reports {
    /// The order with our id (`ord_…`) or the provider's; none when there is none, or more than one provider
    /// uses the id.
    pub async fn order(&self, id: &str) -> Result<Option<OrderDocument>, ReportError> {
        self.stored_order(id).await?.map(|order| document(&order)).transpose()
    }

    /// The story of an order.
    pub async fn explain(&self, id: &str) -> Result<Option<OrderExplanation>, ReportError> {
        let Some(order) = self.stored_order(id).await? else { return Ok(None) };
        let root = match order.root_id == order.id || uuid(&order.root_id)?.is_nil() {
            true => None,
            false => self.stored_order(&OrderId::from(uuid(&order.root_id)?).to_string()).await?,
        };
        let journey = root.as_ref().unwrap_or(&order);
        let (touches, stored) = tokio::try_join!(self.touches(journey), self.stored_credits(&order))?;
        let document_of = document(&order)?;
        // As credits are posted: who was matched by e-mail or as a customer is known without a visitor on the order.
        let visitor_known = document(journey)?.match_method != "none";
        let window = self.app.window_days(&self.workspace);
        let window = u16::try_from(window).map_or(Window::Lifetime, Window::Days);
        let candidates = touches.iter().map(|touch| {
            let id = uuid(&touch.id)?.as_u128();
            Ok(Touch { at_ms: touch.at_ms, id, facet: touch.facet_id, direct: touch.direct })
        });
        let candidates = candidates.collect::<Result<Vec<_>, ReportError>>()?;
        let excluded = self.excluded(candidates.iter().map(|touch| touch.facet).collect()).await?;
        let story =
            explain(candidates, &excluded, journey.anchor_ms, window, visitor_known, &booked(&order)?);
        let told = told_credits(&story.models, story.candidates.len());
        // A touch that two collectors told has two times.
        let mut told_at: HashMap<(u128, i64), StoredTouch> = HashMap::new();
        for touch in touches {
            told_at.entry((uuid(&touch.id)?.as_u128(), touch.at_ms)).or_insert(touch);
        }
        let mut shown = Vec::with_capacity(story.candidates.len());
        for (candidate, credits) in story.candidates.iter().zip(&told) {
            let touch = told_at
                .get(&(candidate.touch.0, candidate.at_ms))
                .ok_or_else(|| ReportError::Damaged(format!("touch {}", candidate.touch)))?;
            shown.push(touch_document(touch, candidate, credits, window)?);
        }
        let disagreements = disagreements(&order, &story, &stored)?;
        let commission = self.commission(OrderId::from(uuid(&order.id)?)).await?;
        Ok(Some(OrderExplanation {
            inherits_from: root.as_ref().map(document).transpose()?,
            order: document_of,
            window: window.to_string(),
            window_start_ms: story.window_start_ms,
            anchor_at_ms: story.anchor_ms,
            visitors: journey
                .visitor_rows
                .iter()
                .map(|(id, _, _)| Ok(VisitorId::from(uuid(id)?).to_string()))
                .collect::<Result<_, ReportError>>()?,
            not_used: self.workspace.settings.bindings.unused_sentence(),
            touches: shown,
            without_touches: story.without_touches.map(|earner| match earner {
                domain::attribution::Earner::Direct => "direct".to_owned(),
                _ => "unattributed".to_owned(),
            }),
            models: story.models,
            stored_agrees: disagreements.is_empty(),
            disagreements,
            commission,
            rules_version: u32::from(told_at.values().map(|touch| touch.rules_version).max().unwrap_or(0)),
        }))
    }

    /// Those of some facets that the workspace lets earn nothing.
    async fn excluded(&self, facets: BTreeSet<u64>) -> Result<HashSet<u64>, ReportError> {
        let exclusions = exclusions(&self.app, &self.workspace.id);
        among(&self.app, &self.workspace.id, &exclusions, &facets).await.map_err(|error| match error {
            JobError::Store(StoreError::Query(error)) => error.into(),
            other => ReportError::Damaged(other.to_string()),
        })
    }

    async fn stored_order(&self, id: &str) -> Result<Option<StoredOrder>, ReportError> {
        let mut statement = Statement::plain(sql!("reports/order.sql"), &self.workspace.id);
        match id.parse::<OrderId>() {
            Ok(ours) => statement
                .fill("order_condition", "AND order_id = {order:UUID}")
                .text("order", &Uuid::from(ours).to_string()),
            Err(_) => {
                statement.fill("order_condition", "AND provider_order_id = {order:String}").text("order", id)
            }
        };
        let mut found: Vec<StoredOrder> = statement.on(&self.app.store).fetch_all().await?;
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// Touches of the order's visitors, each while the visitor was this person. Orders keep that time cut off at
    /// the anchor; a visitor who was this person then is shown with what came after, and why it earned nothing.
    async fn touches(&self, order: &StoredOrder) -> Result<Vec<StoredTouch>, ReportError> {
        if order.visitor_rows.is_empty() {
            return Ok(Vec::new());
        }
        let before_ms = window_ms(&self.app, &self.workspace.id).max(SHOWN_BEFORE_DAYS * DAY_MS);
        let mut statement = Statement::plain(sql!("reports/order_touches.sql"), &self.workspace.id);
        statement
            .texts("visitors", order.visitor_rows.iter().map(|(id, _, _)| id.clone()).collect())
            .number("from_ms", order.anchor_ms.saturating_sub(before_ms))
            .number("to_ms", order.anchor_ms + SHOWN_AFTER_DAYS * DAY_MS)
            .number("limit", TOUCHES_MAX);
        let touches: Vec<StoredTouch> = statement.on(&self.app.store).fetch_all().await?;
        let theirs = |touch: &StoredTouch| {
            let mut segments = order.visitor_rows.iter().filter(|(id, _, _)| *id == touch.visitor);
            segments.any(|&(_, since_ms, until_ms)| {
                touch.at_ms >= since_ms && (touch.at_ms < until_ms || until_ms > order.anchor_ms)
            })
        };
        Ok(touches.into_iter().filter(theirs).collect())
    }

    async fn stored_credits(&self, order: &StoredOrder) -> Result<Vec<StoredCredit>, ReportError> {
        let each: Vec<String> =
            MODELS.iter().map(|model| format!("toInt64(sign * amount_{})", model.name())).collect();
        let mut statement = Statement::plain(sql!("reports/order_credits.sql"), &self.workspace.id);
        statement.fill("amounts", &each.join(", ")).text("order", &order.id);
        statement.number("from_ms", order.paid_ms.min(order.created_ms));
        Ok(statement.on(&self.app.store).fetch_all().await?)
    }
}

/// Net credit of each candidate under each model.
fn told_credits(models: &[ModelExplanation], candidates: usize) -> Vec<BTreeMap<String, i64>> {
    let mut told = vec![BTreeMap::new(); candidates];
    for model in models {
        for share in model.entries.iter().flat_map(|entry| &entry.shares) {
            if let Some(candidate) = share.candidate {
                *told[candidate].entry(model.model.to_owned()).or_default() += share.credit_minor;
            }
        }
    }
    told
}

fn touch_document(
    touch: &StoredTouch,
    candidate: &domain::attribution::Candidate,
    credits: &BTreeMap<String, i64>,
    window: Window,
) -> Result<TouchDocument, ReportError> {
    use domain::journey::Standing;
    let (standing, why) = match candidate.standing {
        Standing::Eligible => ("eligible", "counts: within the window, before the checkout".to_owned()),
        Standing::BeforeWindow => ("before_window", format!("too old: before the window of {window}")),
        Standing::AfterAnchor => {
            ("after_anchor", "too late: after the checkout began, such as a return from paying".to_owned())
        }
        Standing::Duplicate => ("duplicate", "told twice: the earlier telling counts".to_owned()),
        Standing::Excluded => {
            ("excluded", "left out: the workspace lets such visits earn nothing".to_owned())
        }
    };
    Ok(TouchDocument {
        id: candidate.touch.to_string(),
        visitor_id: VisitorId::from(uuid(&touch.visitor)?).to_string(),
        at_ms: touch.at_ms,
        direct: touch.direct,
        channel: touch.channel_name.clone(),
        source: touch.source_name.clone(),
        medium: touch.medium_name.clone(),
        campaign: touch.campaign_name.clone(),
        country: touch.country_name.clone(),
        device: touch.device_name.clone(),
        partner: touch.partner_name.clone(),
        landing: touch.landing.clone(),
        referrer: touch.referred_by.clone(),
        rule: touch.why.clone(),
        rules_version: touch.rules_version,
        site_rules: touch.site_rules,
        standing: standing.to_owned(),
        why,
        credits: credits.clone(),
    })
}

/// Holds stored sums by touch and model against the told ones. What goes to Direct or Unattributed has the nil id.
fn disagreements(
    order: &StoredOrder,
    story: &domain::attribution::Explanation,
    stored: &[StoredCredit],
) -> Result<Vec<Disagreement>, ReportError> {
    let mut sums: BTreeMap<(usize, u128), (i64, i64)> = BTreeMap::new();
    for credit in stored {
        let touch = uuid(&credit.touch)?.as_u128();
        for (model, minor) in credit.net_minor.iter().enumerate() {
            sums.entry((model, touch)).or_default().0 += minor;
        }
    }
    let models = if order.booked { story.models.as_slice() } else { &[] };
    for (at, model) in models.iter().enumerate() {
        for share in model.entries.iter().flat_map(|entry| &entry.shares) {
            let touch = share.candidate.map_or(0, |candidate| story.candidates[candidate].touch.0);
            sums.entry((at, touch)).or_default().1 += share.credit_minor;
        }
    }
    let differing = sums.into_iter().filter(|(_, (stored, explained))| stored != explained);
    Ok(differing
        .map(|((model, touch), (stored, explained))| Disagreement {
            model: MODELS[model].name().to_owned(),
            touch_id: if touch == 0 { String::new() } else { HitId(touch).to_string() },
            stored,
            explained,
        })
        .collect())
}
