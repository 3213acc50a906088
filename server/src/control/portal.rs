//! What the partners' own pages keep: ways in, sessions, agreements, open programmes and assets. Of tokens only hashes
//! are kept, so that a copy of the store opens no page.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Control, ControlError};

/// Something a token opens: a link of a mail, or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// `lnk_…` or `ses_…`, the first half of the token.
    pub id: String,
    pub partner_id: String,
    /// SHA-256 of the other half, hex.
    pub secret_hash: String,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
}

/// What a merchant gives partners to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAsset {
    /// `ast_…`
    pub id: String,
    pub program_id: String,
    /// `link`, `image`, `text`.
    pub kind: String,
    pub title: String,
    /// An address, or the text.
    pub content: String,
    pub created_at_ms: i64,
}

/// Who a partner is, before anything else is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerPlace {
    pub partner_id: String,
    pub workspace_id: String,
}

impl Control {
    pub async fn add_portal_link(&self, link: &Pass) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO portal_links (id, partner_id, secret_hash, created_at_ms, expires_at_ms) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&link.id)
        .bind(&link.partner_id)
        .bind(&link.secret_hash)
        .bind(link.created_at_ms)
        .bind(link.expires_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Links made for a partner since a moment, used or not.
    pub async fn portal_links_since(&self, partner_id: &str, since_ms: i64) -> Result<u64, ControlError> {
        let row =
            sqlx::query("SELECT COUNT(*) FROM portal_links WHERE partner_id = $1 AND created_at_ms > $2")
                .bind(partner_id)
                .bind(since_ms)
                .fetch_one(&self.pool)
                .await?;
        Ok(u64::try_from(row.get::<i64, _>(0)).unwrap_or(0))
    }

    /// A link that was not used yet; whether it is too old is the caller's to see.
    pub async fn unused_portal_link(&self, id: &str) -> Result<Option<Pass>, ControlError> {
        let row = sqlx::query(
            "SELECT id, partner_id, secret_hash, created_at_ms, expires_at_ms FROM portal_links \
             WHERE id = $1 AND used_at_ms IS NULL",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(read_pass))
    }

    /// Uses a link up. False when somebody else did in the same moment.
    pub async fn use_portal_link(&self, id: &str, now_ms: i64) -> Result<bool, ControlError> {
        let used =
            sqlx::query("UPDATE portal_links SET used_at_ms = $2 WHERE id = $1 AND used_at_ms IS NULL")
                .bind(id)
                .bind(now_ms)
                .execute(&self.pool)
                .await?;
        Ok(used.rows_affected() > 0)
    }

    /// Opens a session, and forgets links and sessions that were over by `over_ms`.
    pub async fn open_portal_session(&self, session: &Pass, over_ms: i64) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO portal_sessions (id, partner_id, secret_hash, created_at_ms, expires_at_ms) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&session.id)
        .bind(&session.partner_id)
        .bind(&session.secret_hash)
        .bind(session.created_at_ms)
        .bind(session.expires_at_ms)
        .execute(&mut *transaction)
        .await?;
        for over in [
            "DELETE FROM portal_links WHERE expires_at_ms < $1",
            "DELETE FROM portal_sessions WHERE expires_at_ms < $1",
        ] {
            sqlx::query(over).bind(over_ms).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub async fn portal_session(&self, id: &str) -> Result<Option<Pass>, ControlError> {
        let row = sqlx::query(
            "SELECT id, partner_id, secret_hash, created_at_ms, expires_at_ms FROM portal_sessions WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(read_pass))
    }

    pub async fn end_portal_session(&self, id: &str) -> Result<(), ControlError> {
        sqlx::query("DELETE FROM portal_sessions WHERE id = $1").bind(id).execute(&self.pool).await?;
        Ok(())
    }

    /// Whose partner this is.
    pub async fn partner_place(&self, partner_id: &str) -> Result<Option<PartnerPlace>, ControlError> {
        let row = sqlx::query("SELECT id, workspace_id FROM partners WHERE id = $1")
            .bind(partner_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| PartnerPlace { partner_id: row.get(0), workspace_id: row.get(1) }))
    }

    /// Partners of a workspace with this keyed hash of an address, one a programme.
    pub async fn partners_by_email(
        &self,
        workspace_id: &str,
        email_key: &str,
    ) -> Result<Vec<PartnerPlace>, ControlError> {
        let rows = sqlx::query(
            "SELECT id, workspace_id FROM partners WHERE workspace_id = $1 AND email_key = $2 \
             ORDER BY created_at_ms, id",
        )
        .bind(workspace_id)
        .bind(email_key)
        .fetch_all(&self.pool)
        .await?;
        let place = |row: &AnyRow| PartnerPlace { partner_id: row.get(0), workspace_id: row.get(1) };
        Ok(rows.iter().map(place).collect())
    }

    /// Keeps that a partner said yes to terms; the first time stands.
    pub async fn agree(&self, partner_id: &str, terms_version: u32, now_ms: i64) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO portal_agreements (partner_id, terms_version, at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (partner_id, terms_version) DO NOTHING",
        )
        .bind(partner_id)
        .bind(i64::from(terms_version))
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub async fn workspace_of_program(&self, program_id: &str) -> Result<Option<String>, ControlError> {
        let row = sqlx::query("SELECT workspace_id FROM programs WHERE id = $1")
            .bind(program_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// The workspace of a programme anybody may apply to, and what its page says.
    pub async fn open_program(&self, program_id: &str) -> Result<Option<(String, String)>, ControlError> {
        let row = sqlx::query(
            "SELECT workspace_id, about FROM portal_open_programs \
             JOIN programs ON programs.id = portal_open_programs.program_id WHERE program_id = $1",
        )
        .bind(program_id)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// Lets anybody apply to a programme, or nobody.
    pub async fn set_open_program(
        &self,
        program_id: &str,
        about: Option<&str>,
        now_ms: i64,
    ) -> Result<(), ControlError> {
        let query = match about {
            Some(about) => sqlx::query(
                "INSERT INTO portal_open_programs (program_id, about, opened_at_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (program_id) DO UPDATE SET about = excluded.about",
            )
            .bind(program_id)
            .bind(about)
            .bind(now_ms),
            None => sqlx::query("DELETE FROM portal_open_programs WHERE program_id = $1").bind(program_id),
        };
        query.execute(&self.pool).await?;
        Ok(())
    }

    pub async fn add_asset(&self, asset: &StoredAsset) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO portal_assets (id, program_id, kind, title, content, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&asset.id)
        .bind(&asset.program_id)
        .bind(&asset.kind)
        .bind(&asset.title)
        .bind(&asset.content)
        .bind(asset.created_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Assets of a workspace's programmes, oldest first.
    pub async fn assets(&self, workspace_id: &str) -> Result<Vec<StoredAsset>, ControlError> {
        let rows = sqlx::query(
            "SELECT portal_assets.id, program_id, kind, title, content, portal_assets.created_at_ms \
             FROM portal_assets JOIN programs ON programs.id = portal_assets.program_id WHERE workspace_id = $1 \
             ORDER BY portal_assets.created_at_ms, portal_assets.id",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let asset = |row: &AnyRow| StoredAsset {
            id: row.get(0),
            program_id: row.get(1),
            kind: row.get(2),
            title: row.get(3),
            content: row.get(4),
            created_at_ms: row.get(5),
        };
        Ok(rows.iter().map(asset).collect())
    }

    /// Removes an asset of a workspace. False when there is none.
    pub async fn remove_asset(&self, workspace_id: &str, id: &str) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "DELETE FROM portal_assets WHERE id = $2 \
             AND program_id IN (SELECT id FROM programs WHERE workspace_id = $1)",
        )
        .bind(workspace_id)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn read_pass(row: &AnyRow) -> Pass {
    Pass {
        id: row.get(0),
        partner_id: row.get(1),
        secret_hash: row.get(2),
        created_at_ms: row.get(3),
        expires_at_ms: row.get(4),
    }
}
