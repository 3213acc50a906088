//! Groups of a programme's partners, and since when who is in which. A partner is in one at most.

use std::collections::HashMap;

use sqlx::Row;

use super::{Control, ControlError};

/// A group of partners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `grp_…`
    pub id: String,
    pub program_id: String,
    pub name: String,
    pub created_at_ms: i64,
}

impl Control {
    pub async fn create_group(&self, group: &Group) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO partner_groups (id, program_id, name, created_at_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(&group.id)
        .bind(&group.program_id)
        .bind(&group.name)
        .bind(group.created_at_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The groups of a workspace's programmes, oldest first.
    pub async fn groups(&self, workspace_id: &str) -> Result<Vec<Group>, ControlError> {
        let rows = sqlx::query(
            "SELECT partner_groups.id, program_id, partner_groups.name, partner_groups.created_at_ms \
             FROM partner_groups JOIN programs ON programs.id = partner_groups.program_id WHERE workspace_id = $1 \
             ORDER BY partner_groups.created_at_ms, partner_groups.id",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::any::AnyRow| Group {
            id: row.get(0),
            program_id: row.get(1),
            name: row.get(2),
            created_at_ms: row.get(3),
        };
        Ok(rows.iter().map(read).collect())
    }

    /// Puts a partner into a group from a moment on, or into none.
    pub async fn join_group(
        &self,
        partner_id: &str,
        group_id: Option<&str>,
        from_ms: i64,
    ) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO group_members (partner_id, from_ms, group_id) VALUES ($1, $2, $3) \
             ON CONFLICT (partner_id, from_ms) DO UPDATE SET group_id = excluded.group_id",
        )
        .bind(partner_id)
        .bind(from_ms)
        .bind(group_id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Since when each partner of a workspace is in which group, oldest first, by the partner's id. Who never was in one
    /// is not there.
    pub async fn group_members(
        &self,
        workspace_id: &str,
    ) -> Result<HashMap<String, Vec<(i64, Option<String>)>>, ControlError> {
        let rows = sqlx::query(
            "SELECT partner_id, from_ms, group_id FROM group_members \
             JOIN partners ON partners.id = group_members.partner_id WHERE workspace_id = $1 \
             ORDER BY partner_id, from_ms",
        )
        .bind(workspace_id)
        .fetch_all(&self.pool)
        .await?;
        let mut members: HashMap<String, Vec<(i64, Option<String>)>> = HashMap::new();
        for row in &rows {
            members.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
        }
        Ok(members)
    }
}
