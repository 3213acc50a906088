//! Flags on commissions, as they are told and decided about. A decision is kept with who made it and when, and with the
//! entries that follow from it, in one transaction: a flag that was rejected and not taken out of the ledger does not
//! exist.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::affiliate::Commission;
use domain::affiliate::flag::{Decision, Evidence, FlagKind, Verdict, is_warning, rejudge};
use domain::affiliate::ledger::{Balance, State, state};
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::flags::{Flags, StoredDecision, StoredFlag};
use crate::control::ledger::{Posting, StoredCommission, Which};

const PAGE_MAX: usize = 500;
const PAGE: usize = 100;
const NOTE_CHARS_MAX: usize = 500;

/// Where a flag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum FlagState {
    /// Nobody has decided.
    Open,
    Cleared,
    Rejected,
}

impl FlagState {
    pub const ALL: [FlagState; 3] = [FlagState::Open, FlagState::Cleared, FlagState::Rejected];

    pub fn name(self) -> &'static str {
        match self {
            FlagState::Open => "open",
            FlagState::Cleared => "cleared",
            FlagState::Rejected => "rejected",
        }
    }

    fn of(decision: Option<Decision>) -> FlagState {
        match decision {
            None => FlagState::Open,
            Some(Decision::Cleared) => FlagState::Cleared,
            Some(Decision::Rejected) => FlagState::Rejected,
        }
    }
}

/// Which flags are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WantedFlags {
    /// `open`, `cleared`, `rejected`.
    #[param(value_type = Option<String>)]
    pub state: Option<FlagState>,
    /// `self_referral`, `disposable_address`, `after_checkout`, `unverified_visitor`, `coupon_site`, `velocity`,
    /// `paid_brand_search`.
    #[param(value_type = Option<String>)]
    pub kind: Option<FlagKind>,
    /// Only this partner's, `prt_…`.
    pub partner: Option<String>,
    /// Only of this commission, `com_…`.
    pub commission: Option<String>,
    /// The last one of the page before.
    pub after: Option<String>,
    /// 1 to 500; 100 when left out.
    pub limit: Option<usize>,
}

/// What somebody decided.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionDocument {
    /// `cleared`, `rejected`.
    #[schema(value_type = String)]
    pub decision: Decision,
    /// An API key's id, a dashboard session of one, or the command line.
    pub by: String,
    pub note: String,
    pub at_ms: i64,
}

/// A doubt about a commission.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FlagDocument {
    #[schema(example = "flg_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    #[schema(value_type = String)]
    pub kind: FlagKind,
    /// `open`, `cleared`, `rejected`.
    #[schema(value_type = String)]
    pub state: FlagState,
    /// Whether money that would be paid out, or will be, waits for the decision.
    pub holds: bool,
    /// Raised when the money was paid out, or on its way.
    pub is_warning: bool,
    /// What was seen, as values; they differ by kind.
    #[schema(value_type = Object)]
    pub evidence: Evidence,
    /// What was seen, for people.
    pub sentence: String,
    pub commission: String,
    pub order: String,
    pub partner: String,
    pub partner_name: String,
    pub currency: String,
    /// What the commission is worth now, in minor units.
    pub earned: i64,
    /// `pending`, `due`, `processing`, `paid`, `reversed`, `void`.
    #[schema(value_type = String)]
    pub commission_state: State,
    pub raised_at_ms: i64,
    /// Every decision, oldest first; the last one stands.
    pub decisions: Vec<DecisionDocument>,
}

/// A page of flags, newest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FlagList {
    pub rows: Vec<FlagDocument>,
    /// Ask with it for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What to decide about a flag.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// `cleared`: the money flows on. `rejected`: the commission earns nothing.
    #[schema(value_type = String)]
    pub decision: Decision,
    /// Why, for whoever looks later.
    #[serde(default)]
    pub note: String,
}

impl FlagDocument {
    fn of(flag: StoredFlag, stored: &StoredCommission, partner_name: &str) -> FlagDocument {
        let Commission { order, currency, entries, .. } = &stored.commission;
        let state_now = FlagState::of(flag.decision());
        let balance = Balance::of(entries);
        let decisions = flag.decisions.into_iter().map(|made| DecisionDocument {
            decision: made.decision,
            by: made.by,
            note: made.note,
            at_ms: made.at_ms,
        });
        FlagDocument {
            id: flag.id,
            kind: flag.kind,
            state: state_now,
            holds: state_now == FlagState::Open && balance.pending.max(balance.due) > 0,
            is_warning: state_now == FlagState::Open && is_warning(entries),
            sentence: flag.evidence.sentence(),
            evidence: flag.evidence,
            commission: flag.commission_id,
            order: order.to_string(),
            partner: flag.partner_id,
            partner_name: partner_name.to_owned(),
            currency: currency.to_string(),
            earned: balance.earned(),
            commission_state: state(entries),
            raised_at_ms: flag.raised_at_ms,
            decisions: decisions.collect(),
        }
    }
}

impl Affiliates<'_> {
    /// Commissions that an open flag holds.
    pub async fn held_commissions(&self) -> Result<HashSet<String>, AffiliateError> {
        Ok(self.control.held_commissions(&self.workspace.id).await?)
    }

    /// A page of flags.
    pub async fn flags(&self, wanted: &WantedFlags) -> Result<FlagList, AffiliateError> {
        let limit = wanted.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("limit: use 1 to {PAGE_MAX}");
            return Err(AffiliateError::Invalid { field: "limit", detail });
        }
        let commission: Vec<String> = wanted.commission.iter().cloned().collect();
        let which = match (commission.is_empty(), wanted.state) {
            (false, _) => Flags::OfCommissions(&commission),
            (true, Some(FlagState::Open)) => Flags::Open,
            (true, _) => Flags::All,
        };
        let mut flags = self.control.flags(&self.workspace.id, which).await?;
        flags.reverse();
        flags.retain(|flag| {
            wanted.state.is_none_or(|state| FlagState::of(flag.decision()) == state)
                && wanted.kind.is_none_or(|kind| flag.kind == kind)
                && wanted.partner.as_ref().is_none_or(|partner| flag.partner_id == *partner)
        });
        if let Some(after) = &wanted.after {
            let place = flags.iter().position(|flag| flag.id == *after);
            let detail = || "after: no flag of this list has that id".to_owned();
            let place = place.ok_or_else(|| AffiliateError::Invalid { field: "after", detail: detail() })?;
            flags.drain(..=place);
        }
        let has_more = flags.len() > limit;
        flags.truncate(limit);
        let after = flags.last().filter(|_| has_more).map(|flag| flag.id.clone());
        Ok(FlagList { rows: self.flag_documents(flags).await?, after })
    }

    /// One flag.
    pub async fn flag(&self, id: &str) -> Result<FlagDocument, AffiliateError> {
        let found = self.flag_documents(vec![self.stored_flag(id).await?]).await?.pop();
        found.ok_or_else(|| AffiliateError::UnknownFlag(id.to_owned()))
    }

    /// Decides about a flag, and books what follows. What stands already is not decided again.
    pub async fn decide_flag(
        &self,
        id: &str,
        deciding: &Deciding,
        by: &str,
    ) -> Result<FlagDocument, AffiliateError> {
        let note = deciding.note.trim();
        if note.chars().count() > NOTE_CHARS_MAX || note.contains(|c: char| c.is_control() && c != '\n') {
            let detail = format!("note: use up to {NOTE_CHARS_MAX} characters");
            return Err(AffiliateError::Invalid { field: "note", detail });
        }
        let flag = self.stored_flag(id).await?;
        if flag.decision() == Some(deciding.decision) {
            return self.flag(id).await;
        }
        let decided = StoredDecision {
            number: flag.decisions.last().map_or(0, |last| last.number) + 1,
            decision: deciding.decision,
            by: by.to_owned(),
            note: note.to_owned(),
            at_ms: self.now_ms,
        };
        let posting = self.following(&flag, deciding.decision).await?;
        let workspace_id = &self.workspace.id;
        if !self.control.decide_flag(workspace_id, id, &decided, &posting).await? {
            return Err(AffiliateError::Raced);
        }
        self.flag(id).await
    }

    /// What follows in the ledger when a flag is decided so.
    async fn following(&self, flag: &StoredFlag, decision: Decision) -> Result<Posting, AffiliateError> {
        let id = &flag.commission_id;
        let mut found = self.control.commissions(&self.workspace.id, Which::One(id)).await?;
        let stored = found.pop().ok_or_else(|| AffiliateError::UnknownCommission(id.clone()))?;
        let of =
            self.control.flags(&self.workspace.id, Flags::OfCommissions(std::slice::from_ref(id))).await?;
        let mut verdicts: Vec<Verdict> = of
            .into_iter()
            .filter_map(|other| {
                let decision = if other.id == flag.id { Some(decision) } else { other.decision() };
                Some(Verdict { decision: decision?, flag: other.id })
            })
            .collect();
        verdicts.sort_by(|a, b| a.flag.cmp(&b.flag));
        let commission = &stored.commission;
        let entries = rejudge(&commission.entries, &verdicts, commission.due_at_ms, self.now_ms);
        Ok(Posting { id: stored.id, commission: Commission { entries, ..stored.commission } })
    }

    async fn stored_flag(&self, id: &str) -> Result<StoredFlag, AffiliateError> {
        let mut found = self.control.flags(&self.workspace.id, Flags::One(id)).await?;
        found.pop().ok_or_else(|| AffiliateError::UnknownFlag(id.to_owned()))
    }

    async fn flag_documents(&self, flags: Vec<StoredFlag>) -> Result<Vec<FlagDocument>, AffiliateError> {
        let ids: BTreeSet<String> = flags.iter().map(|flag| flag.commission_id.clone()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let found = self.control.commissions(&self.workspace.id, Which::These(&ids)).await?;
        let commissions: BTreeMap<String, StoredCommission> =
            found.into_iter().map(|stored| (stored.id.clone(), stored)).collect();
        let partners = self.control.partners(&self.workspace.id, self.secrets).await?;
        let names: BTreeMap<&str, &str> =
            partners.iter().map(|partner| (partner.id.as_str(), partner.name.as_str())).collect();
        let told = flags.into_iter().filter_map(|flag| {
            let stored = commissions.get(&flag.commission_id)?;
            let name = names.get(flag.partner_id.as_str()).copied().unwrap_or_default();
            Some(FlagDocument::of(flag, stored, name))
        });
        Ok(told.collect())
    }
}
