//! What a payout would be now: found from what is due, and told. Moves nothing.

use std::collections::BTreeMap;

use domain::affiliate::in_force;
use domain::affiliate::ledger::Balance;
use domain::affiliate::payout::{Item, Owed, Part, run};
use domain::money::Currency;

use super::{HeldDocument, ItemDocument, PayoutPreview};
use crate::affiliate::{AffiliateError, Affiliates};
use crate::control::ledger::{StoredCommission, Which};
use crate::secrets::sha256_hex;

/// What would be paid, and by which entries of which commissions.
pub(super) struct Plan {
    pub items: Vec<Item>,
    pub preview: PayoutPreview,
    pub commissions: BTreeMap<String, StoredCommission>,
}

impl Affiliates<'_> {
    /// What a payout in a currency would be now.
    pub(super) async fn plan(&self, currency: Currency) -> Result<Plan, AffiliateError> {
        let all = self.control.commissions(&self.workspace.id, Which::All).await?.into_iter();
        let due = |stored: &StoredCommission| Balance::of(&stored.commission.entries).due;
        let open = all.filter(|stored| stored.commission.currency == currency && due(stored) != 0);
        let commissions: BTreeMap<String, StoredCommission> =
            open.map(|stored| (stored.id.clone(), stored)).collect();
        let programs = self.control.programs(&self.workspace.id).await?;
        let minimum = |program: &str| {
            let program = programs.iter().find(|known| known.program.id == program)?;
            let terms = &in_force(&program.program.versions, None, self.now_ms)?.terms;
            terms.minimum_payout.get(&currency).copied()
        };
        let flagged = self.control.held_commissions(&self.workspace.id).await?;
        let partners = self.control.partners(&self.workspace.id, self.secrets).await?;
        let owed = partners.iter().filter_map(|partner| {
            let (held, own): (Vec<_>, Vec<_>) = commissions
                .iter()
                .filter(|(_, stored)| stored.commission.referral.partner == partner.id)
                .partition(|(id, stored)| flagged.contains(*id) && due(stored) > 0);
            let part = |(id, stored): (&String, &StoredCommission)| Part {
                commission: id.clone(),
                amount_minor: due(stored),
            };
            let parts: Vec<Part> = own.into_iter().map(part).collect();
            let owed = Owed {
                partner: partner.id.clone(),
                status: partner.status,
                method: partner.payout.as_ref().map(|payout| payout.method),
                minimum_minor: minimum(&partner.program_id).unwrap_or(0),
                parts,
                flagged_minor: held.iter().map(|(_, stored)| due(stored)).sum(),
            };
            (!owed.parts.is_empty() || owed.flagged_minor > 0).then_some(owed)
        });
        let run = run(currency, owed.collect());
        let name = |id: &str| {
            partners.iter().find(|partner| partner.id == id).map_or(String::new(), |found| found.name.clone())
        };
        let items = run.items.iter().map(|item| ItemDocument {
            partner: item.partner.clone(),
            name: name(&item.partner),
            method: item.method,
            amount: item.amount_minor,
            state: None,
            reference: String::new(),
            sender_batch_id: None,
            rail_status: String::new(),
            problem: String::new(),
            fee: 0,
        });
        let held = run.held.iter().map(|held| HeldDocument {
            partner: held.partner.clone(),
            name: name(&held.partner),
            amount: held.amount_minor,
            why: held.why,
            sentence: held.why.sentence().to_owned(),
        });
        let preview = PayoutPreview {
            currency: currency.to_string(),
            total: run.items.iter().map(|item| item.amount_minor).sum(),
            items: items.collect(),
            held: held.collect(),
            token: (!run.items.is_empty()).then(|| self.token(currency, &run.items, &commissions)),
        };
        Ok(Plan { items: run.items, preview, commissions })
    }

    /// The payout's id to be: made of what moves and of how far each commission's entries go, so that another state of
    /// the ledger has another.
    fn token(
        &self,
        currency: Currency,
        items: &[Item],
        commissions: &BTreeMap<String, StoredCommission>,
    ) -> String {
        let mut text = format!("{} {currency}", self.workspace.id);
        for item in items {
            text += &format!("\n{} {} {}", item.partner, item.method, item.amount_minor);
            for part in &item.parts {
                let entries = commissions[&part.commission].commission.entries.len();
                text += &format!("\n {} {entries} {}", part.commission, part.amount_minor);
            }
        }
        format!("pay_{}", &sha256_hex(text.as_bytes())[..32])
    }
}
