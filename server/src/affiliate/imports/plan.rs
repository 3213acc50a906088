//! What a file as a whole adds to what is there, line after line, and the token of exactly that: found, and not yet done.
//! What a single line adds is `line`'s question.

use std::collections::BTreeMap;

use domain::affiliate::import::{Line, Row, Sheet, read};
use domain::affiliate::{LinkCode, in_force};

use super::known::{Known, opening_of};
use super::line::{Added, Refusal, Setting};
use super::{
    BalancesDocument, ColumnDocument, ImportDocument, ImportParams, LineDocument, LineOutcome, reading,
    tool_named,
};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::control::ledger::Posting;
use crate::control::partners::{Link, Partner};
use crate::secrets::sha256_hex;

/// What a file would add, and what is told about it.
pub(super) struct Plan {
    pub document: ImportDocument,
    pub partners: Vec<Partner>,
    pub links: Vec<Link>,
    pub postings: Vec<Posting>,
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
        let Sheet { columns, lines } = read(tool, file, reading)?;
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
                columns: columns.into_iter().map(ColumnDocument::of).collect(),
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
