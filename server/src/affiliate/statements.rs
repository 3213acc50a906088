//! Partners' statements: made once of every month that is over, kept for ever, given out again byte for byte. What a
//! statement says, and the proof of its chain, is `domain::affiliate::statement`.

use domain::affiliate::statement::{
    Booked, Heading, SealedStatement, Total, contradictions, first_month, state, to_csv, unstated,
};
use domain::books::faults;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::control::ledger::{StoredCommission, Which};

/// Months made in one go: what is missing beyond is made by the next call.
const MONTHS_MAX: usize = 240;

/// What a month came to in one currency, in minor units: `closing = opening + earned − reversed − paid`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementTotal {
    pub currency: String,
    /// What stood open when the month began: held, due or under way.
    pub opening: i64,
    pub earned: i64,
    /// Taken back by refunds, disputes and corrections.
    pub reversed: i64,
    pub paid: i64,
    /// What stood open when it ended; below zero where more was paid than is earned by then.
    pub closing: i64,
}

/// One statement of a partner, without its lines.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartnerStatementRow {
    pub partner: String,
    #[schema(example = "2026-10")]
    pub month: String,
    /// 1 for the partner's first.
    pub number: u64,
    pub lines: usize,
    pub totals: Vec<StatementTotal>,
    pub made_at_ms: i64,
    /// Hash of the one before; empty for the first.
    pub previous: String,
    pub hash: String,
}

/// Statements of a partner, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartnerStatementList {
    pub rows: Vec<PartnerStatementRow>,
}

/// What the chain of one partner's statements comes to.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartnerChain {
    pub partner: String,
    pub statements: usize,
    /// Every statement is as it was made, none is missing, and each says what the ledger says.
    pub whole: bool,
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
    /// Entries of stated months that came later: the next statement has them.
    pub unstated: usize,
    /// Hash of the newest statement.
    pub hash: Option<String>,
}

impl PartnerStatementRow {
    fn of(sealed: &SealedStatement) -> PartnerStatementRow {
        let statement = &sealed.statement;
        let total = |total: &Total| StatementTotal {
            currency: total.currency.to_string(),
            opening: total.opening_minor,
            earned: total.earned_minor,
            reversed: total.reversed_minor,
            paid: total.paid_minor,
            closing: total.closing_minor,
        };
        PartnerStatementRow {
            partner: statement.partner.clone(),
            month: name(statement.month),
            number: statement.number,
            lines: statement.lines.len(),
            totals: statement.totals.iter().map(total).collect(),
            made_at_ms: statement.made_at_ms,
            previous: statement.previous.clone(),
            hash: sealed.hash.clone(),
        }
    }
}

impl Affiliates<'_> {
    /// Statements of every month that is over, oldest first, from the month of the partner's first entry; those that
    /// were not made yet are made now.
    pub async fn partner_statements(&self, partner: &str) -> Result<PartnerStatementList, AffiliateError> {
        let made = self.stated(partner).await?;
        Ok(PartnerStatementList { rows: made.iter().map(PartnerStatementRow::of).collect() })
    }

    /// A month's statement with its lines; the month as `2026-10`.
    pub async fn partner_statement(
        &self,
        partner: &str,
        month: &str,
    ) -> Result<SealedStatement, AffiliateError> {
        let made = self.stated(partner).await?;
        let wanted = read_month(month)?;
        let found = made.into_iter().find(|sealed| sealed.statement.month == wanted);
        found.ok_or_else(|| AffiliateError::UnknownStatement {
            partner: partner.to_owned(),
            month: month.to_owned(),
        })
    }

    /// A month's statement as CSV, for people and spreadsheets.
    pub async fn partner_statement_csv(&self, partner: &str, month: &str) -> Result<String, AffiliateError> {
        Ok(to_csv(&self.partner_statement(partner, month).await?))
    }

    /// The proof of one partner's chain.
    pub async fn prove_partner_statements(&self, partner: &str) -> Result<PartnerChain, AffiliateError> {
        let made = self.control.partner_statements(&self.workspace.id, partner).await?;
        let commissions = self.control.commissions(&self.workspace.id, Which::Partner(partner)).await?;
        let booked = booked(&commissions);
        let mut found = faults(&made);
        found.extend(contradictions(&made, &booked));
        Ok(PartnerChain {
            partner: partner.to_owned(),
            statements: made.len(),
            whole: found.is_empty(),
            faults: found,
            unstated: unstated(&made, &booked),
            hash: made.last().map(|last| last.hash.clone()),
        })
    }

    /// The proof of every partner's chain that has one.
    pub async fn prove_all_partner_statements(&self) -> Result<Vec<PartnerChain>, AffiliateError> {
        let mut chains = Vec::new();
        for partner in self.control.stated_partners(&self.workspace.id).await? {
            chains.push(self.prove_partner_statements(&partner).await?);
        }
        Ok(chains)
    }

    /// Every statement of a partner, with those made that are missing.
    async fn stated(&self, partner: &str) -> Result<Vec<SealedStatement>, AffiliateError> {
        self.stored_partner(partner).await?;
        let workspace_id = &self.workspace.id;
        let mut made = self.control.partner_statements(workspace_id, partner).await?;
        let this_month = self.today().first_of_month();
        let after = |month: Date| month.saturating_add(1.month());
        if made.last().is_some_and(|last| after(last.statement.month) >= this_month) {
            return Ok(made);
        }
        let commissions = self.control.commissions(workspace_id, Which::Partner(partner)).await?;
        let booked = booked(&commissions);
        for _ in 0..MONTHS_MAX {
            let next = match made.last() {
                Some(last) => Some(after(last.statement.month)),
                None => first_month(&self.workspace.timezone, &booked),
            };
            let Some(month) = next.filter(|month| *month < this_month) else { break };
            let heading = Heading {
                workspace: workspace_id.clone(),
                partner: partner.to_owned(),
                timezone: self.workspace.timezone.clone(),
                made_at_ms: self.now_ms,
            };
            let sealed = state(heading, month, &made, &booked);
            if self.control.keep_partner_statement(&sealed).await? {
                made.push(sealed);
            } else {
                // Whoever came first made it: what is kept stands.
                made = self.control.partner_statements(workspace_id, partner).await?;
            }
        }
        Ok(made)
    }

    fn today(&self) -> Date {
        let zone = TimeZone::get(&self.workspace.timezone).unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        now.to_zoned(zone).date()
    }
}

fn booked(commissions: &[StoredCommission]) -> Vec<Booked<'_>> {
    commissions.iter().map(|stored| Booked { id: &stored.id, commission: &stored.commission }).collect()
}

fn name(month: Date) -> String {
    month.strftime("%Y-%m").to_string()
}

fn read_month(text: &str) -> Result<Date, AffiliateError> {
    let day = (text.len() == 7).then(|| format!("{text}-01").parse().ok()).flatten();
    day.ok_or_else(|| AffiliateError::Invalid {
        field: "month",
        detail: format!("month {text:?}: use such as 2026-10"),
    })
}
