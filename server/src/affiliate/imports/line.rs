//! What one line of a file adds to what is there. It goes in whole or not at all: a line of which a part cannot be is
//! refused with the field and the reason.

use domain::affiliate::import::{OpenBalance, Row, Tool};
use domain::affiliate::ledger::opening;
use domain::affiliate::{Commission, Referral, Share, Terms};
use domain::ids::{OrderId, derive_id};
use domain::money::Money;

use super::known::Known;
use crate::affiliate::partners::PayoutTo;
use crate::affiliate::{AffiliateError, Affiliates, name};
use crate::control::ledger::Posting;
use crate::control::partners::{Link, Partner};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What one line adds.
#[derive(Default)]
pub(super) struct Added {
    pub partner: Option<Partner>,
    pub link: Option<Link>,
    pub posting: Option<Posting>,
}

/// Why a line is not brought over.
pub(super) struct Refusal {
    pub field: &'static str,
    pub reason: String,
}

/// What every line is planned with.
pub(super) struct Setting<'a> {
    pub affiliates: &'a Affiliates<'a>,
    pub tool: Tool,
    pub program: &'a str,
    /// In force now.
    pub terms: Terms,
    pub terms_version: u32,
    /// Landing page of new links; none when the workspace has none to lead to.
    pub landing: Result<String, String>,
}

impl Setting<'_> {
    /// The partner a line is about, and what the line adds.
    pub fn additions(&self, known: &Known, row: &Row) -> Result<(String, Added), Refusal> {
        let Affiliates { workspace, now_ms, .. } = *self.affiliates;
        let mut added = Added::default();
        let email_key = self.affiliates.email_key("email", &row.email).map_err(refusal("email"))?;
        let partner = match known.partners.get(&email_key) {
            Some(partner) => partner.clone(),
            None => {
                let payout = row.payout.clone();
                let details = payout.map(|(method, recipient)| PayoutTo { method, recipient });
                let partner = Partner {
                    id: format!("prt_{:032x}", derive_id(&["imported partner", self.program, &email_key])),
                    workspace_id: workspace.id.clone(),
                    program_id: self.program.to_owned(),
                    name: name(&row.name).map_err(refusal("name"))?,
                    status: row.status,
                    email_key,
                    email: row.email.trim().to_owned(),
                    payout: details
                        .map(|details| self.affiliates.details(details))
                        .transpose()
                        .map_err(refusal("payout"))?,
                    created_at_ms: now_ms,
                };
                added.partner = Some(partner.clone());
                partner
            }
        };
        if let Some(code) = &row.code {
            match known.links.get(code) {
                Some(owner) if *owner == partner.id => {}
                Some(_) => {
                    let reason = AffiliateError::CodeTaken(code.to_string()).to_string();
                    return Err(Refusal { field: "code", reason });
                }
                None => {
                    let destination = self.landing.clone();
                    added.link = Some(Link {
                        code: code.clone(),
                        workspace_id: workspace.id.clone(),
                        partner_id: partner.id.clone(),
                        program_id: self.program.to_owned(),
                        status: partner.status,
                        destination: destination.map_err(|reason| Refusal { field: "code", reason })?,
                        created_at_ms: now_ms,
                        archived_at_ms: None,
                    });
                }
            }
        }
        if let Some(owed) = &row.balance {
            added.posting = self.posting(known, &partner, row, owed)?;
        }
        Ok((partner.id, added))
    }

    /// The entry of an open balance; none when it is there.
    fn posting(
        &self,
        known: &Known,
        partner: &Partner,
        row: &Row,
        owed: &OpenBalance,
    ) -> Result<Option<Posting>, Refusal> {
        let now_ms = self.affiliates.now_ms;
        let parts = [
            "imported balance",
            self.program,
            self.tool.name(),
            &partner.email_key,
            owed.currency.code(),
            owed.id.as_deref().unwrap_or_default(),
        ];
        let (key, id) = (derive_id(&parts), format!("com_{:032x}", derive_id(&parts)));
        match known.balances.get(&id) {
            Some((_, Some(line))) => {
                let reason = format!(
                    "line {line} says what is owed to this partner in {} already; say it once",
                    owed.currency
                );
                return Err(Refusal { field: "amount", reason });
            }
            Some((before, None)) if *before == owed.amount_minor => return Ok(None),
            Some((before, None)) => {
                let reason = format!(
                    "{} was brought over for this partner before, and a balance is brought over once",
                    Money::new(*before, owed.currency).format()
                );
                return Err(Refusal { field: "amount", reason });
            }
            None => {}
        }
        let hold_ms = i64::from(self.terms.hold_days) * DAY_MS;
        let due_at_ms = if owed.is_held { now_ms.saturating_add(hold_ms) } else { now_ms };
        // The file's line; the import's id comes before it once that is known.
        let source = row.line.to_string();
        let commission = Commission {
            order: OrderId(key),
            referral: Referral {
                partner: partner.id.clone(),
                program: self.program.to_owned(),
                touch: None,
                coupon: None,
                share: Share::WHOLE,
            },
            terms_version: self.terms_version,
            first_order: false,
            currency: owed.currency,
            paid_at_ms: now_ms,
            due_at_ms,
            entries: opening(owed.amount_minor, &source, due_at_ms, now_ms),
        };
        Ok(Some(Posting { id, commission }))
    }
}

fn refusal(field: &'static str) -> impl Fn(AffiliateError) -> Refusal {
    move |error| Refusal { field, reason: error.to_string() }
}
