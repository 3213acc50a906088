//! The commission simulator: what partners would have earned by the payments of some days under other terms, beside what
//! the ledger says. Reads everything, writes nothing.

use domain::affiliate::Terms;
use domain::affiliate::simulate::{Compared, Supposition, simulate, suppose};
use domain::report::Period;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates};
use crate::app::App;
use crate::control::workspaces::Workspace;
use crate::jobs::JobError;
use crate::jobs::commission::{Looked, look};

/// What is supposed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supposed {
    /// As of a new programme; the standing ones when left out.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub terms: Option<Terms>,
    /// `grp_…`: other terms for this group of partners; for everybody who is in no group with terms of its own when left
    /// out.
    #[serde(default)]
    pub group: Option<String>,
    /// First and last day of the payments, `2026-07-01`, in the workspace's time zone; the last full quarter when left
    /// out.
    #[serde(default)]
    pub from: Option<String>,
    #[serde(default)]
    pub to: Option<String>,
}

/// One partner's commissions of one currency, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SimulatedPartner {
    pub partner: String,
    pub name: String,
    pub currency: String,
    /// What is left of them by the ledger.
    pub now: i64,
    /// What would be left of them.
    pub then: i64,
    pub difference: i64,
    /// Orders that earn the partner something, now or then.
    pub orders: u64,
    /// Of these, those that would earn something else.
    pub changed: u64,
}

/// All partners together, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SimulatedTotal {
    pub currency: String,
    pub now: i64,
    pub then: i64,
    pub difference: i64,
    /// Every order once, also where partners share it.
    pub orders: u64,
    pub changed: u64,
}

/// What would have been earned, beside what was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SimulationDocument {
    pub program: String,
    #[schema(example = "2026-07-01")]
    pub from: String,
    pub to: String,
    /// The terms that were supposed; absent when the standing ones were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub terms: Option<Terms>,
    /// Partners of the programme, and those of others whose commissions would change; currency by currency, the largest
    /// difference first.
    pub rows: Vec<SimulatedPartner>,
    pub totals: Vec<SimulatedTotal>,
    /// Orders of the time that the ledger does not say what the standing terms say of: they wait to be booked. None, when
    /// `verify` finds nothing.
    pub unbooked: u64,
}

impl Affiliates<'_> {
    /// The days meant; the last full quarter when none are named.
    fn simulated_days(&self, supposed: &Supposed) -> Result<Period, AffiliateError> {
        let zone = TimeZone::get(&self.workspace.timezone).unwrap_or(TimeZone::UTC);
        let day = |field: &'static str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty());
            let wrong =
                |_| AffiliateError::Invalid { field, detail: format!("{field}: write a day as 2026-07-01") };
            text.map(|text| text.parse::<Date>().map_err(wrong)).transpose()
        };
        let (from, to) = (day("from", &supposed.from)?, day("to", &supposed.to)?);
        let today = Timestamp::from_millisecond(self.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let (first, last) = last_quarter(today.to_zoned(zone.clone()).date());
        let (from, to) = match (from, to) {
            (None, None) => (first, last),
            (Some(from), to) => (from, to.unwrap_or(from.max(today.to_zoned(zone.clone()).date()))),
            (None, Some(to)) => (first.min(to), to),
        };
        let invalid = |error: domain::report::PeriodError| AffiliateError::Invalid {
            field: "from",
            detail: error.to_string(),
        };
        Period::new(from, to, zone).map_err(invalid)
    }
}

/// First and last day of the quarter before the one a day is in.
fn last_quarter(today: Date) -> (Date, Date) {
    let begun = (today.month() - 1) / 3 * 3 + 1;
    let this = Date::new(today.year(), begun, 1).expect("a first of a month");
    let first = this.saturating_sub(3.months());
    (first, this.saturating_sub(1.day()))
}

/// What partners would have earned.
pub async fn simulation(
    app: &App,
    workspace: &Workspace,
    program: &str,
    supposed: Supposed,
) -> Result<SimulationDocument, SimulationError> {
    let affiliates = Affiliates::of(app, workspace);
    affiliates.program(program).await?;
    if let Some(terms) = &supposed.terms {
        terms.check().map_err(AffiliateError::from)?;
    }
    if let Some(group) = &supposed.group {
        affiliates.group_of(program, group).await?;
    }
    let days = affiliates.simulated_days(&supposed)?;
    let range = days.start_ms()..days.end_ms();
    let Supposed { terms, group, .. } = supposed;
    let read = look(app, &workspace.id, |roster| match &terms {
        Some(terms) => {
            let supposition = Supposition { program: program.to_owned(), group, terms: terms.clone() };
            suppose(roster, &range, &supposition)
        }
        None => roster.clone(),
    });
    let Looked { roster, other, families, standing, verdicts } = read.await?;
    let found = simulate(program, &families, &roster, &other, &standing, &verdicts, &range);
    let partners = app.control.partners(&workspace.id, &app.secrets).await.map_err(AffiliateError::from)?;
    let name =
        |id: &str| partners.iter().find(|partner| partner.id == id).map(|partner| partner.name.clone());
    let mut rows: Vec<SimulatedPartner> = found
        .partners
        .iter()
        .map(|((id, currency), &compared)| {
            let Compared { now_minor, then_minor, orders, changed } = compared;
            SimulatedPartner {
                partner: id.clone(),
                name: name(id).unwrap_or_default(),
                currency: currency.to_string(),
                now: now_minor,
                then: then_minor,
                difference: compared.difference_minor(),
                orders,
                changed,
            }
        })
        .collect();
    rows.sort_by(|one, other| {
        let by_difference = other.difference.abs().cmp(&one.difference.abs());
        one.currency.cmp(&other.currency).then(by_difference).then_with(|| one.partner.cmp(&other.partner))
    });
    let total = |(currency, &compared): (&domain::money::Currency, &Compared)| SimulatedTotal {
        currency: currency.to_string(),
        now: compared.now_minor,
        then: compared.then_minor,
        difference: compared.difference_minor(),
        orders: compared.orders,
        changed: compared.changed,
    };
    Ok(SimulationDocument {
        program: program.to_owned(),
        from: days.from.to_string(),
        to: days.to.to_string(),
        terms,
        rows,
        totals: found.totals.iter().map(total).collect(),
        unbooked: found.unbooked,
    })
}

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    #[error(transparent)]
    Affiliate(#[from] AffiliateError),
    #[error(transparent)]
    Job(#[from] JobError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_quarter_is_the_full_one_before_today() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        for (today, first, last) in [
            ("2026-11-21", "2026-07-01", "2026-09-30"),
            ("2026-01-01", "2025-10-01", "2025-12-31"),
            ("2026-06-30", "2026-01-01", "2026-03-31"),
        ] {
            assert_eq!(last_quarter(day(today)), (day(first), day(last)), "{today}");
        }
    }
}
