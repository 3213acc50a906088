//! Partners, their payout details and their links. Addresses and payout details are sealed; an address is found again
//! by a keyed hash of it.

use std::collections::HashMap;

use domain::affiliate::payout::Method;
use domain::affiliate::{LinkCode, PartnerStatus};
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use super::outbox::tell;
use super::{Control, ControlError};
use crate::events;
use crate::secrets::Secrets;

/// How somebody is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutDetails {
    pub method: Method,
    /// An e-mail address for PayPal and Wise.
    pub recipient: String,
}

/// One partner of one programme.
#[derive(Clone, PartialEq, Eq)]
pub struct Partner {
    /// `prt_…`
    pub id: String,
    pub workspace_id: String,
    pub program_id: String,
    pub name: String,
    pub status: PartnerStatus,
    /// Keyed hash of the address, hex.
    pub email_key: String,
    pub email: String,
    pub payout: Option<PayoutDetails>,
    pub created_at_ms: i64,
}

impl std::fmt::Debug for Partner {
    /// Without addresses: it may stand in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partner").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// A partner's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub code: LinkCode,
    pub workspace_id: String,
    pub partner_id: String,
    /// Of the partner.
    pub program_id: String,
    /// Where the partner stands.
    pub status: PartnerStatus,
    /// The landing page.
    pub destination: String,
    pub created_at_ms: i64,
    pub archived_at_ms: Option<i64>,
}

impl Link {
    /// Whether its clicks earn: it is not archived, and its partner is approved.
    pub fn is_active(&self) -> bool {
        self.status == PartnerStatus::Approved && self.archived_at_ms.is_none()
    }
}

impl Control {
    /// Adds a partner, or replaces name, status and payout details of a known one. Another partner of the programme
    /// with this address is an error.
    pub async fn save_partner(
        &self,
        partner: &Partner,
        secrets: &Secrets,
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let Partner { id, payout, .. } = partner;
        let seal = |place: &str, plain: &str| secrets.seal(&format!("{id}/{place}"), plain.as_bytes());
        let twin =
            sqlx::query("SELECT 1 FROM partners WHERE program_id = $1 AND email_key = $2 AND id <> $3")
                .bind(&partner.program_id)
                .bind(&partner.email_key)
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        if twin.is_some() {
            return Err(ControlError::Exists("A partner with this address".to_owned()));
        }
        let mut transaction = self.pool.begin().await?;
        let before = sqlx::query("SELECT status FROM partners WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        let is_news = before.is_none_or(|row| row.get::<String, _>(0) != partner.status.name());
        sqlx::query(
            "INSERT INTO partners (id, workspace_id, program_id, name, status, email_key, sealed_email, \
             payout_method, sealed_payout, created_at_ms, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, status = excluded.status, \
             payout_method = excluded.payout_method, sealed_payout = excluded.sealed_payout, \
             updated_at_ms = excluded.updated_at_ms",
        )
        .bind(id)
        .bind(&partner.workspace_id)
        .bind(&partner.program_id)
        .bind(&partner.name)
        .bind(partner.status.name())
        .bind(&partner.email_key)
        .bind(seal("email", &partner.email))
        .bind(payout.as_ref().map(|payout| payout.method.name()))
        .bind(payout.as_ref().map(|payout| seal("payout", &payout.recipient)))
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO partner_statuses (partner_id, from_ms, status) VALUES ($1, $2, $3) \
             ON CONFLICT (partner_id, from_ms) DO UPDATE SET status = excluded.status",
        )
        .bind(id)
        .bind(now_ms)
        .bind(partner.status.name())
        .execute(&mut *transaction)
        .await?;
        if is_news {
            tell(&mut transaction, &[events::of_partner(partner, now_ms)], now_ms).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Since when each partner of a workspace stands how, oldest first, by the partner's id.
    pub async fn partner_statuses(
        &self,
        workspace_id: &str,
    ) -> Result<HashMap<String, Vec<(i64, PartnerStatus)>>, ControlError> {
        let rows = sqlx::query(
            "SELECT partner_id, from_ms, partner_statuses.status FROM partner_statuses \
             JOIN partners ON partners.id = partner_statuses.partner_id WHERE workspace_id = $1 \
             ORDER BY partner_id, from_ms",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let mut statuses: HashMap<String, Vec<(i64, PartnerStatus)>> = HashMap::new();
        for row in &rows {
            let status: String = row.get(2);
            let status = status.parse().map_err(|error| damaged("a partner", error))?;
            statuses.entry(row.get(0)).or_default().push((row.get(1), status));
        }
        Ok(statuses)
    }

    /// What the partners of a workspace are called, by their ids.
    pub async fn partner_names(&self, workspace_id: &str) -> Result<HashMap<String, String>, ControlError> {
        let rows = sqlx::query("SELECT id, name FROM partners WHERE workspace_id = $1")
            .bind(workspace_id)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Every partner of a workspace with the programme they are in.
    pub async fn partner_programs(&self, workspace_id: &str) -> Result<Vec<(String, String)>, ControlError> {
        let rows = sqlx::query("SELECT id, program_id FROM partners WHERE workspace_id = $1")
            .bind(workspace_id)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The partners of a workspace, oldest first.
    pub async fn partners(
        &self,
        workspace_id: &str,
        secrets: &Secrets,
    ) -> Result<Vec<Partner>, ControlError> {
        let rows = sqlx::query(
            "SELECT id, workspace_id, program_id, name, status, email_key, sealed_email, payout_method, \
             sealed_payout, created_at_ms FROM partners WHERE workspace_id = $1 ORDER BY created_at_ms, id",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| read_partner(row, secrets)).collect()
    }

    /// Adds a link; false when its code is taken.
    pub async fn create_link(&self, link: &Link) -> Result<bool, ControlError> {
        add_link(&self.pool, link).await
    }

    /// Archives a link; it keeps its code. False when there is none to archive.
    pub async fn archive_link(
        &self,
        workspace_id: &str,
        code: &str,
        now_ms: i64,
    ) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "UPDATE links SET archived_at_ms = $3 WHERE workspace_id = $1 AND code = $2 AND archived_at_ms IS NULL",
        )
        .bind(workspace_id)
        .bind(code)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Every link of every workspace, oldest first.
    pub async fn links(&self) -> Result<Vec<Link>, ControlError> {
        let rows = sqlx::query(
            "SELECT code, links.workspace_id, partner_id, destination, links.created_at_ms, archived_at_ms, status, \
             program_id FROM links JOIN partners ON partners.id = links.partner_id ORDER BY links.created_at_ms, code",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_link).collect()
    }
}

/// Adds a link, also within a transaction; false when its code is taken.
pub(super) async fn add_link<'e>(
    executor: impl Executor<'e, Database = Any>,
    link: &Link,
) -> Result<bool, ControlError> {
    let added = sqlx::query(
        "INSERT INTO links (code, workspace_id, partner_id, destination, created_at_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (code) DO NOTHING",
    )
    .bind(link.code.as_str().to_owned())
    .bind(link.workspace_id.clone())
    .bind(link.partner_id.clone())
    .bind(link.destination.clone())
    .bind(link.created_at_ms)
    .execute(executor)
    .await?;
    Ok(added.rows_affected() == 1)
}

fn damaged(what: &'static str, why: impl ToString) -> ControlError {
    ControlError::Damaged { what, why: why.to_string() }
}

fn read_partner(row: &AnyRow, secrets: &Secrets) -> Result<Partner, ControlError> {
    let id: String = row.get(0);
    let open = |place: &str, sealed: String| {
        let plain = secrets.open(&format!("{id}/{place}"), &sealed)?;
        String::from_utf8(plain).map_err(|error| damaged("a partner", error))
    };
    let (status, method): (String, Option<String>) = (row.get(4), row.get(7));
    let payout = match (method, row.get::<Option<String>, _>(8)) {
        (Some(method), Some(sealed)) => Some(PayoutDetails {
            method: method.parse().map_err(|error| damaged("a partner", error))?,
            recipient: open("payout", sealed)?,
        }),
        _ => None,
    };
    Ok(Partner {
        workspace_id: row.get(1),
        program_id: row.get(2),
        name: row.get(3),
        status: status.parse().map_err(|error| damaged("a partner", error))?,
        email_key: row.get(5),
        email: open("email", row.get(6))?,
        payout,
        created_at_ms: row.get(9),
        id,
    })
}

fn read_link(row: &AnyRow) -> Result<Link, ControlError> {
    let (code, status): (String, String) = (row.get(0), row.get(6));
    Ok(Link {
        code: code.parse().map_err(|error| damaged("a link", error))?,
        workspace_id: row.get(1),
        partner_id: row.get(2),
        program_id: row.get(7),
        status: status.parse().map_err(|error| damaged("a link", error))?,
        destination: row.get(3),
        created_at_ms: row.get(4),
        archived_at_ms: row.get(5),
    })
}
