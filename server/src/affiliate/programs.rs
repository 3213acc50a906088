//! Programmes: made with terms, and given other terms for payments to come.

use domain::affiliate::{Terms, TermsVersion};
use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates, name};
use crate::control::programs::StoredProgram;
use crate::effects::random_id;

/// A programme to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProgram {
    pub name: String,
    /// `{"reward": {"basis_points": 3000}}` or `{"reward": {"flat": {"USD": 500}}}`, with `base` (`net`, `gross`),
    /// `recurring` (`"once"`, `{"payments": 12}`, `{"months": 12}`, `"lifetime"`), `hold_days`, `window_days`, `wins`
    /// (`last`, `first`, `split`), `precedence` of links and coupons (`link_first`, `coupon_first`), `rounding`
    /// (`half_even`, `floor`), `minimum_payout` by currency, `rules` (`[{"products": ["…"], "intervals": ["year"],
    /// "first_order": true, "reward": …}]`: the first that is true of a payment; a reward may be `"nothing"`) and `tiers`
    /// (`{"per": "month", "steps": [{"from": {"sales": 10}, "reward": …}]}`, or from `{"net": {"USD": 100000}}` and per
    /// `lifetime`: what the partner had sold before the payment).
    #[schema(value_type = Object)]
    pub terms: Terms,
    /// Payments from this moment on are under the terms, milliseconds since the epoch; now when left out.
    #[serde(default)]
    pub from_ms: Option<i64>,
}

/// Other terms of a programme.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTerms {
    /// As of a new programme.
    #[schema(value_type = Object)]
    pub terms: Terms,
    /// Payments from this moment on are under them; now when left out, and never earlier.
    #[serde(default)]
    pub from_ms: Option<i64>,
    /// `grp_…`: for the partners of this group only, in the place of the programme's.
    #[serde(default)]
    pub group: Option<String>,
}

/// One version of the terms.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TermsDocument {
    pub version: u32,
    pub from_ms: i64,
    /// Whose they are, `grp_…`; absent when everybody's who is in no group with terms of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[schema(value_type = Object)]
    pub terms: Terms,
}

/// A programme.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProgramDocument {
    #[schema(example = "prg_0kq3w5ymz1x7c2v9b4nd")]
    pub id: String,
    pub name: String,
    pub created_at_ms: i64,
    /// Every version, oldest first. A commission keeps the one it was made under.
    pub terms: Vec<TermsDocument>,
}

/// Programmes of the workspace, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProgramList {
    pub rows: Vec<ProgramDocument>,
}

impl ProgramDocument {
    fn of(stored: StoredProgram) -> ProgramDocument {
        let StoredProgram { name, created_at_ms, program } = stored;
        let terms = program.versions.into_iter();
        let terms = terms.map(|TermsVersion { version, from_ms, group, terms }| TermsDocument {
            version,
            from_ms,
            group,
            terms,
        });
        ProgramDocument { id: program.id, name, created_at_ms, terms: terms.collect() }
    }

    /// The terms for payments of a moment: those of the group, when it has its own; the first ones before any is in force.
    pub fn terms_at(&self, group: Option<&str>, at_ms: i64) -> Option<&TermsDocument> {
        let newest = |group: Option<&str>| {
            let begun = self.terms.iter().filter(|terms| terms.from_ms <= at_ms);
            let own = begun.filter(|terms| terms.group.as_deref() == group);
            own.max_by_key(|terms| (terms.from_ms, terms.version))
        };
        group.and_then(|group| newest(Some(group))).or_else(|| newest(None)).or(self.terms.first())
    }
}

impl Affiliates<'_> {
    pub async fn programs(&self) -> Result<ProgramList, AffiliateError> {
        let stored = self.control.programs(&self.workspace.id).await?;
        Ok(ProgramList { rows: stored.into_iter().map(ProgramDocument::of).collect() })
    }

    pub async fn program(&self, id: &str) -> Result<ProgramDocument, AffiliateError> {
        let all = self.programs().await?.rows.into_iter();
        let mut found = all.filter(|program| program.id == id);
        found.next().ok_or_else(|| AffiliateError::UnknownProgram(id.to_owned()))
    }

    pub async fn create_program(&self, new: NewProgram) -> Result<ProgramDocument, AffiliateError> {
        new.terms.check()?;
        let (name, id) = (name(&new.name)?, random_id("prg_"));
        let from_ms = new.from_ms.unwrap_or(self.now_ms);
        let first = TermsVersion { version: 1, from_ms, group: None, terms: new.terms };
        self.control.create_program(&self.workspace.id, &id, &name, &first, self.now_ms).await?;
        self.program(&id).await
    }

    /// Adds terms for payments to come. What was paid before stays under the terms of its time.
    pub async fn change_terms(&self, id: &str, new: NewTerms) -> Result<ProgramDocument, AffiliateError> {
        new.terms.check()?;
        let program = self.program(id).await?;
        let from_ms = new.from_ms.unwrap_or(self.now_ms);
        if let Some(group) = &new.group {
            self.group_of(&program.id, group).await?;
        }
        let last = program.terms.iter().rfind(|terms| terms.group == new.group);
        if from_ms < self.now_ms || last.is_some_and(|last| from_ms < last.from_ms) {
            let detail = "from_ms: terms begin now or later, and not before those that are to follow: what was \
                          earned keeps its terms";
            return Err(AffiliateError::Invalid { field: "from_ms", detail: detail.to_owned() });
        }
        let version = program.terms.last().map_or(0, |last| last.version) + 1;
        let added = TermsVersion { version, from_ms, group: new.group, terms: new.terms };
        self.control.add_terms(id, &added).await?;
        self.program(id).await
    }
}
