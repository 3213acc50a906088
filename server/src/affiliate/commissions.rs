//! Commissions as they are told: where each stands, and every entry with the order, the click and the credits behind it.

use std::collections::BTreeMap;

use domain::affiliate::ledger::{Account, Balance, Entry, Reason, State, state};
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::ledger::{StoredCommission, Which};

const PAGE_MAX: usize = 500;
const PAGE: usize = 100;

/// Which commissions are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Only this partner's, `prt_…`.
    pub partner: Option<String>,
    /// Only of this order, `ord_…`.
    pub order: Option<String>,
    /// Only those that stand so: `pending`, `due`, `processing`, `paid`, `reversed`, `void`.
    #[param(value_type = Option<String>)]
    pub state: Option<State>,
    /// The last one of the page before.
    pub after: Option<String>,
    /// 1 to 500; 100 when left out.
    pub limit: Option<usize>,
}

/// The click that earned a commission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClickDocument {
    /// The touch, as `GET /v1/orders/{id}/explain` lists it.
    pub touch: String,
    pub at_ms: i64,
    /// Code of the link.
    pub code: String,
}

/// Where the money of a commission stands, in minor units. All but `earned` add up to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BalanceDocument {
    /// What is left of it, wherever it stands.
    pub earned: i64,
    /// Held.
    pub pending: i64,
    /// To be paid out; below zero where more was paid than is earned by now, which the next payout nets.
    pub due: i64,
    /// In a payout under way.
    pub processing: i64,
    pub paid: i64,
}

impl From<Balance> for BalanceDocument {
    fn from(balance: Balance) -> BalanceDocument {
        let Balance { pending, due, processing, paid, .. } = balance;
        BalanceDocument { earned: balance.earned(), pending, due, processing, paid }
    }
}

/// One entry of the ledger: an amount from one account to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntryDocument {
    pub number: u32,
    /// `expense`, `pending`, `due`, `processing`, `paid`.
    #[schema(value_type = String)]
    pub from: Account,
    #[schema(value_type = String)]
    pub to: Account,
    pub amount: i64,
    /// `sale`, `imported`, `refund`, `refund_failed`, `dispute_lost`, `dispute_won`, `void`, `adjusted` (shared with
    /// somebody, or under another rule or tier, by what was learned), `flag_rejected`, `flag_cleared`, `hold_over`,
    /// `payout_approved`, `payout_paid`, `payout_canceled`.
    #[schema(value_type = String)]
    pub reason: Reason,
    /// The fact behind it: the order, the refund, the flag, the payout, the line of a file (`imp_…/7`), or the clock.
    pub source: String,
    pub at_ms: i64,
}

/// What a partner earns by one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CommissionDocument {
    #[schema(example = "com_193c6946bbf9b39090f274b5bfb5ef55")]
    pub id: String,
    pub order: String,
    pub partner: String,
    pub program: String,
    /// The version of the programme's terms it was made under, and keeps.
    pub terms_version: u32,
    /// Absent when a coupon earned it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click: Option<ClickDocument>,
    /// The discount's code, when that earned it; or the partner's code that the shop wrote on the order or its discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// How many partners share the order's commission, this one included, in equal parts; 0 when this one has no part
    /// any more.
    pub shared_by: u32,
    pub currency: String,
    /// `pending`, `due`, `processing`, `paid`, `reversed`, `void`.
    #[schema(value_type = String)]
    pub state: State,
    pub balance: BalanceDocument,
    /// When the order was paid.
    pub paid_at_ms: i64,
    /// From then on it may be paid out.
    pub due_at_ms: i64,
    pub created_at_ms: i64,
    /// Every entry, oldest first; of one commission only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryDocument>,
    /// What each model credits the click with for this order, in the order's currency; of one commission only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub credits: BTreeMap<String, i64>,
}

/// A page of commissions, the newest payment first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CommissionList {
    pub rows: Vec<CommissionDocument>,
    /// Ask with it for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What stands for a partner in one currency.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartnerBalance {
    pub partner: String,
    pub name: String,
    pub currency: String,
    pub commissions: u64,
    pub balance: BalanceDocument,
}

/// What stands for every partner, a row a currency.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BalanceList {
    pub rows: Vec<PartnerBalance>,
}

impl CommissionDocument {
    fn of(stored: &StoredCommission) -> CommissionDocument {
        let commission = &stored.commission;
        let referral = &commission.referral;
        CommissionDocument {
            id: stored.id.clone(),
            order: commission.order.to_string(),
            partner: referral.partner.clone(),
            program: referral.program.clone(),
            terms_version: commission.terms_version,
            click: referral.touch.as_ref().map(|touch| ClickDocument {
                touch: touch.id.to_string(),
                at_ms: touch.at_ms,
                code: touch.code.clone(),
            }),
            coupon: referral.coupon.clone().filter(|code| !code.is_empty()),
            shared_by: referral.share.of,
            currency: commission.currency.to_string(),
            state: state(&commission.entries),
            balance: Balance::of(&commission.entries).into(),
            paid_at_ms: commission.paid_at_ms,
            due_at_ms: commission.due_at_ms,
            created_at_ms: stored.created_at_ms,
            entries: Vec::new(),
            credits: BTreeMap::new(),
        }
    }
}

impl CommissionDocument {
    /// With every entry; the credits are the caller's to add.
    pub fn with_entries(stored: &StoredCommission) -> CommissionDocument {
        let entries = stored.commission.entries.iter().map(EntryDocument::of).collect();
        CommissionDocument { entries, ..CommissionDocument::of(stored) }
    }
}

impl EntryDocument {
    fn of(entry: &Entry) -> EntryDocument {
        let Entry { number, from, to, amount_minor, reason, source, at_ms } = entry.clone();
        EntryDocument { number, from, to, amount: amount_minor, reason, source, at_ms }
    }
}

impl Affiliates<'_> {
    /// A page of commissions, the newest payment first.
    pub async fn commissions(&self, wanted: &Wanted) -> Result<CommissionList, AffiliateError> {
        let limit = wanted.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("limit: use 1 to {PAGE_MAX}");
            return Err(AffiliateError::Invalid { field: "limit", detail });
        }
        let orders: Vec<String> = wanted.order.iter().cloned().collect();
        let which = match (&wanted.partner, orders.is_empty()) {
            (_, false) => Which::Orders(&orders),
            (Some(partner), true) => Which::Partner(partner),
            (None, true) => Which::All,
        };
        let all = self.control.commissions(&self.workspace.id, which).await?;
        let is_wanted = |commission: &CommissionDocument| {
            wanted.state.is_none_or(|state| commission.state == state)
                && wanted.partner.as_ref().is_none_or(|partner| commission.partner == *partner)
        };
        // Its place is looked for among all, so that the next page is found also when it stands otherwise by now.
        let older = match &wanted.after {
            Some(after) => {
                let place = all.iter().position(|stored| stored.id == *after);
                let detail = || "after: no commission of this list has that id".to_owned();
                place.ok_or_else(|| AffiliateError::Invalid { field: "after", detail: detail() })?
            }
            None => all.len(),
        };
        let newest_first = all[..older].iter().rev().map(CommissionDocument::of);
        let mut rows: Vec<CommissionDocument> = newest_first.filter(is_wanted).take(limit + 1).collect();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let after = rows.last().filter(|_| has_more).map(|row| row.id.clone());
        Ok(CommissionList { rows, after })
    }

    /// One commission with its entries; the credits are the caller's to add.
    pub async fn commission(&self, id: &str) -> Result<CommissionDocument, AffiliateError> {
        let found = self.control.commissions(&self.workspace.id, Which::One(id)).await?;
        let stored = found.first().ok_or_else(|| AffiliateError::UnknownCommission(id.to_owned()))?;
        Ok(CommissionDocument::with_entries(stored))
    }

    /// What stands for every partner and currency.
    pub async fn balances(&self) -> Result<BalanceList, AffiliateError> {
        let mut sums: BTreeMap<(String, String), (u64, BalanceDocument)> = BTreeMap::new();
        for stored in self.control.commissions(&self.workspace.id, Which::All).await? {
            let commission = &stored.commission;
            let key = (commission.referral.partner.clone(), commission.currency.to_string());
            let balance = BalanceDocument::from(Balance::of(&commission.entries));
            let (count, sum) = sums.entry(key).or_default();
            *count += 1;
            sum.earned += balance.earned;
            sum.pending += balance.pending;
            sum.due += balance.due;
            sum.processing += balance.processing;
            sum.paid += balance.paid;
        }
        let partners = self.control.partners(&self.workspace.id, self.secrets).await?;
        let names: BTreeMap<&str, &str> =
            partners.iter().map(|partner| (partner.id.as_str(), partner.name.as_str())).collect();
        let row = |((partner, currency), (commissions, balance)): ((String, String), _)| PartnerBalance {
            name: names.get(partner.as_str()).copied().unwrap_or_default().to_owned(),
            partner,
            currency,
            commissions,
            balance,
        };
        Ok(BalanceList { rows: sums.into_iter().map(row).collect() })
    }
}
