//! What each line of a file adds to what is there: found, and not yet done. A line goes in whole or not at all.

use std::collections::{BTreeMap, HashMap};

use domain::affiliate::import::{Line, OpenBalance, Row, Tool, read};
use domain::affiliate::ledger::{Balance, opening};
use domain::affiliate::{Commission, LinkCode, Referral, Share, Terms, in_force};
use domain::ids::{OrderId, derive_id};
use domain::money::Money;

use super::{BalancesDocument, ImportDocument, ImportParams, LineDocument, LineOutcome, reading, tool_named};
use crate::affiliate::partners::PayoutTo;
use crate::affiliate::{AffiliateError, Affiliates, name};
use crate::control::ledger::{Posting, Which};
use crate::control::partners::{Link, Partner};
use crate::secrets::sha256_hex;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a file would add, and what is told about it.
pub(super) struct Plan {
    pub document: ImportDocument,
    pub partners: Vec<Partner>,
    pub links: Vec<Link>,
    pub postings: Vec<Posting>,
}

/// What is there, and what the lines before this one add.
struct Known {
    /// By keyed hash of the address.
    partners: HashMap<String, Partner>,
    /// Of every workspace: a code is given once.
    links: HashMap<LinkCode, String>,
    /// What stood on the first line of each, by its commission.
    balances: HashMap<String, (i64, Option<usize>)>,
}

/// What one line adds.
#[derive(Default)]
struct Added {
    partner: Option<Partner>,
    link: Option<Link>,
    posting: Option<Posting>,
}

/// Why a line is not brought over.
struct Refusal {
    field: &'static str,
    reason: String,
}

/// What every line is planned with.
struct Setting<'a> {
    affiliates: &'a Affiliates<'a>,
    tool: Tool,
    program: &'a str,
    /// In force now.
    terms: Terms,
    terms_version: u32,
    /// Landing page of new links; none when the workspace has none to lead to.
    landing: Result<String, String>,
}

impl Affiliates<'_> {
    /// What a file would add to a programme.
    pub(super) async fn import_plan(
        &self,
        program: &str,
        tool: &str,
        params: &ImportParams,
        file: &[u8],
    ) -> Result<Plan, AffiliateError> {
        let programs = self.control.programs(&self.workspace.id).await?;
        let stored = programs.iter().find(|known| known.program.id == program);
        let stored = stored.ok_or_else(|| AffiliateError::UnknownProgram(program.to_owned()))?;
        let tool = tool_named(tool)?;
        let reading = reading(params)?;
        let lines = read(tool, file, reading)?;
        let versions = &stored.program.versions;
        let terms = in_force(versions, None, self.now_ms).or(versions.first());
        let terms = terms.ok_or_else(|| AffiliateError::UnknownProgram(program.to_owned()))?;
        let landing = match (self.landing(params.destination.as_deref()), &params.destination) {
            (Ok(url), _) => Ok(url.to_string()),
            (Err(error), Some(_)) => return Err(error),
            (Err(error), None) => Err(error.to_string()),
        };
        let asked =
            format!("{} {program} {tool} {:?} {:?}\n", self.workspace.id, reading.currency, reading.unit);
        let setting = Setting {
            affiliates: self,
            tool,
            program,
            terms: terms.terms.clone(),
            terms_version: terms.version,
            landing,
        };
        let mut known = self.known(program).await?;
        let mut plan = Plan {
            document: ImportDocument {
                program: program.to_owned(),
                tool: tool.name().to_owned(),
                partners: 0,
                links: 0,
                balances: Vec::new(),
                imported: 0,
                known: 0,
                nothing: 0,
                rejected: 0,
                lines: Vec::with_capacity(lines.len()),
                token: None,
                applied_at_ms: None,
            },
            partners: Vec::new(),
            links: Vec::new(),
            postings: Vec::new(),
        };
        for line in lines {
            plan.take(&setting, &mut known, line);
        }
        plan.add_up();
        if plan.document.imported > 0 {
            let told = serde_json::to_string(&plan.document).expect("plain values");
            let token = sha256_hex(format!("{asked}{}{told}", sha256_hex(file)).as_bytes());
            let token = format!("imp_{}", &token[..32]);
            let entries = plan.postings.iter_mut().flat_map(|posting| &mut posting.commission.entries);
            entries.for_each(|entry| entry.source = format!("{token}/{}", entry.source));
            plan.document.token = Some(token);
        }
        Ok(plan)
    }

    async fn known(&self, program: &str) -> Result<Known, AffiliateError> {
        let partners = self.control.partners(&self.workspace.id, self.secrets).await?.into_iter();
        let own = partners.filter(|partner| partner.program_id == program);
        let links = self.control.links().await?.into_iter();
        let commissions = self.control.commissions(&self.workspace.id, Which::All).await?.into_iter();
        Ok(Known {
            partners: own.map(|partner| (partner.email_key.clone(), partner)).collect(),
            links: links.map(|link| (link.code, link.partner_id)).collect(),
            balances: commissions.map(|stored| (stored.id, (opening_of(&stored.commission), None))).collect(),
        })
    }
}

/// What a commission began with.
fn opening_of(commission: &Commission) -> i64 {
    commission.entries.first().map_or(0, |entry| Balance::of([entry]).earned())
}

impl Plan {
    fn take(&mut self, setting: &Setting<'_>, known: &mut Known, line: Line) {
        let told = match line {
            Line::Nothing { line, reason } => LineDocument { reason, ..told(line, LineOutcome::Nothing) },
            Line::Wrong { line, field, reason } => {
                LineDocument { field: Some(field.to_owned()), reason, ..told(line, LineOutcome::Rejected) }
            }
            Line::Row(row) => self.take_row(setting, known, row),
        };
        self.document.lines.push(told);
    }

    fn take_row(&mut self, setting: &Setting<'_>, known: &mut Known, row: Row) -> LineDocument {
        let owed = row.balance.clone();
        let named = LineDocument {
            name: Some(row.name.clone()),
            code: row.code.as_ref().map(LinkCode::to_string),
            amount: owed.as_ref().map(|owed| owed.amount_minor),
            currency: owed.as_ref().map(|owed| owed.currency.to_string()),
            ..told(row.line, LineOutcome::Known)
        };
        let (partner, added) = match setting.additions(known, &row) {
            Ok(found) => found,
            Err(Refusal { field, reason }) => {
                let outcome = LineOutcome::Rejected;
                return LineDocument { outcome, field: Some(field.to_owned()), reason, ..named };
            }
        };
        let Added { partner: new, link, posting } = added;
        let adds = [(new.is_some(), "partner"), (link.is_some(), "link"), (posting.is_some(), "balance")];
        let adds: Vec<String> =
            adds.into_iter().filter(|(is_new, _)| *is_new).map(|(_, what)| what.to_owned()).collect();
        let is_there = new.is_none();
        if let Some(partner) = new {
            known.partners.insert(partner.email_key.clone(), partner.clone());
            self.partners.push(partner);
        }
        if let Some(link) = link {
            known.links.insert(link.code.clone(), link.partner_id.clone());
            self.links.push(link);
        }
        if let Some(posting) = posting {
            known.balances.insert(posting.id.clone(), (opening_of(&posting.commission), Some(row.line)));
            self.postings.push(posting);
        }
        let outcome = if adds.is_empty() { LineOutcome::Known } else { LineOutcome::Imported };
        let reason = match is_there {
            true => "the partner is there; name, status and payout details stay as they are".to_owned(),
            false => String::new(),
        };
        LineDocument { outcome, adds, partner: Some(partner), reason, ..named }
    }

    fn add_up(&mut self) {
        let document = &mut self.document;
        document.partners = self.partners.len() as u64;
        document.links = self.links.len() as u64;
        let mut sums: BTreeMap<String, (u64, i64)> = BTreeMap::new();
        for posting in &self.postings {
            let (balances, total) = sums.entry(posting.commission.currency.to_string()).or_default();
            *balances += 1;
            *total += opening_of(&posting.commission);
        }
        let sum = |(currency, (balances, total))| BalancesDocument { currency, balances, total };
        document.balances = sums.into_iter().map(sum).collect();
        for line in &document.lines {
            match line.outcome {
                LineOutcome::Imported => document.imported += 1,
                LineOutcome::Known => document.known += 1,
                LineOutcome::Nothing => document.nothing += 1,
                LineOutcome::Rejected => document.rejected += 1,
            }
        }
    }
}

fn told(line: usize, outcome: LineOutcome) -> LineDocument {
    LineDocument {
        line,
        outcome,
        adds: Vec::new(),
        partner: None,
        name: None,
        code: None,
        amount: None,
        currency: None,
        field: None,
        reason: String::new(),
    }
}

impl Setting<'_> {
    /// The partner a line is about, and what the line adds.
    fn additions(&self, known: &Known, row: &Row) -> Result<(String, Added), Refusal> {
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
