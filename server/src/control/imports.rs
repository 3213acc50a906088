//! Files of other tools that were brought over. A file goes in whole or not at all: partners, links, open balances, the
//! events that tell of them and the note that it was applied are one transaction.

use sqlx::Row;

use super::ledger::{Posting, add};
use super::outbox::tell;
use super::partners::{Link, Partner, add_link};
use super::{Control, ControlError};
use crate::events::{self, Event};
use crate::secrets::Secrets;

/// A file that was brought over.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredImport {
    /// `imp_…`
    pub id: String,
    pub workspace_id: String,
    pub program_id: String,
    pub tool: String,
    /// JSON. Personal data: it names partners.
    pub result: String,
    pub applied_at_ms: i64,
}

/// What a file adds.
pub struct Additions<'a> {
    pub partners: &'a [Partner],
    pub links: &'a [Link],
    pub postings: &'a [Posting],
}

impl Control {
    /// Adds all of it, or nothing: false when one of it is there by now, or the file was applied already.
    pub async fn apply_import(
        &self,
        import: &StoredImport,
        additions: &Additions<'_>,
        secrets: &Secrets,
    ) -> Result<bool, ControlError> {
        let (workspace_id, now_ms) = (&import.workspace_id, import.applied_at_ms);
        let mut transaction = self.pool.begin().await?;
        let place = format!("{}/result", import.id);
        let noted = sqlx::query(
            "INSERT INTO imports (id, workspace_id, program_id, tool, sealed_result, applied_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&import.id)
        .bind(workspace_id)
        .bind(&import.program_id)
        .bind(&import.tool)
        .bind(secrets.seal(&place, import.result.as_bytes()))
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        let mut is_whole = noted.rows_affected() == 1;
        for partner in additions.partners {
            is_whole = is_whole && add_partner(&mut transaction, partner, secrets).await?;
        }
        for link in additions.links {
            is_whole = is_whole && add_link(&mut *transaction, link).await?;
        }
        for posting in additions.postings {
            is_whole = is_whole && add(&mut transaction, workspace_id, posting, now_ms).await?;
        }
        if is_whole {
            let partners = additions.partners.iter();
            let mut told: Vec<Event> =
                partners.map(|partner| events::of_imported(partner, &import.id, now_ms)).collect();
            told.extend(events::of_postings(workspace_id, additions.postings));
            tell(&mut transaction, &told, now_ms).await?;
        }
        match is_whole {
            true => transaction.commit().await?,
            false => transaction.rollback().await?,
        }
        Ok(is_whole)
    }

    /// Files brought over into a workspace, oldest first; `id` only that one.
    pub async fn imports(
        &self,
        workspace_id: &str,
        id: Option<&str>,
        secrets: &Secrets,
    ) -> Result<Vec<StoredImport>, ControlError> {
        let rows = sqlx::query(
            "SELECT id, workspace_id, program_id, tool, sealed_result, applied_at_ms FROM imports \
             WHERE workspace_id = $1 AND ($2 = '' OR id = $2) ORDER BY applied_at_ms, id",
        )
        .bind(workspace_id)
        .bind(id.unwrap_or_default())
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::any::AnyRow| {
            let (id, sealed): (String, String) = (row.get(0), row.get(4));
            let damaged = |why: String| ControlError::Damaged { what: "an import", why };
            let result = secrets.open(&format!("{id}/result"), &sealed)?;
            Ok(StoredImport {
                workspace_id: row.get(1),
                program_id: row.get(2),
                tool: row.get(3),
                result: String::from_utf8(result).map_err(|error| damaged(error.to_string()))?,
                applied_at_ms: row.get(5),
                id,
            })
        };
        rows.iter().map(read).collect()
    }
}

async fn add_partner(
    transaction: &mut sqlx::Transaction<'_, sqlx::Any>,
    partner: &Partner,
    secrets: &Secrets,
) -> Result<bool, ControlError> {
    let seal = |place: &str, plain: &str| secrets.seal(&format!("{}/{place}", partner.id), plain.as_bytes());
    let added = sqlx::query(
        "INSERT INTO partners (id, workspace_id, program_id, name, status, email_key, sealed_email, payout_method, \
         sealed_payout, created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&partner.id)
    .bind(&partner.workspace_id)
    .bind(&partner.program_id)
    .bind(&partner.name)
    .bind(partner.status.name())
    .bind(&partner.email_key)
    .bind(seal("email", &partner.email))
    .bind(partner.payout.as_ref().map(|payout| payout.method.name()))
    .bind(partner.payout.as_ref().map(|payout| seal("payout", &payout.recipient)))
    .bind(partner.created_at_ms)
    .execute(&mut **transaction)
    .await?;
    sqlx::query("INSERT INTO partner_statuses (partner_id, from_ms, status) VALUES ($1, $2, $3)")
        .bind(&partner.id)
        .bind(partner.created_at_ms)
        .bind(partner.status.name())
        .execute(&mut **transaction)
        .await?;
    Ok(added.rows_affected() == 1)
}
