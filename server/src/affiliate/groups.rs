//! Groups of a programme's partners, which may have terms of their own. A partner is in one at most.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{AffiliateError, Affiliates, name};
use crate::control::groups::Group;
use crate::effects::random_id;

/// A group to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    pub name: String,
}

/// A group of partners.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupDocument {
    #[schema(example = "grp_0kq3w5ymz1x7c2v9b4nd")]
    pub id: String,
    pub program: String,
    pub name: String,
    /// Who is in it now, `prt_…`.
    pub partners: Vec<String>,
    pub created_at_ms: i64,
}

/// Groups of a programme, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupList {
    pub rows: Vec<GroupDocument>,
}

impl Affiliates<'_> {
    /// The groups of a programme.
    pub async fn groups(&self, program: &str) -> Result<GroupList, AffiliateError> {
        let program = self.program(program).await?;
        let members = self.control.group_members(&self.workspace.id).await?;
        let all = self.control.groups(&self.workspace.id).await?.into_iter();
        let own = all.filter(|group| group.program_id == program.id);
        let document = |group: Group| {
            let is_in = |partner: &&String| self.group_now(&members, partner).as_ref() == Some(&group.id);
            let mut partners: Vec<String> = members.keys().filter(is_in).cloned().collect();
            partners.sort_unstable();
            GroupDocument {
                partners,
                id: group.id,
                program: group.program_id,
                name: group.name,
                created_at_ms: group.created_at_ms,
            }
        };
        Ok(GroupList { rows: own.map(document).collect() })
    }

    pub async fn create_group(&self, program: &str, new: NewGroup) -> Result<GroupDocument, AffiliateError> {
        let group = Group {
            id: random_id("grp_"),
            program_id: self.program(program).await?.id,
            name: name(&new.name)?,
            created_at_ms: self.now_ms,
        };
        self.control.create_group(&group).await?;
        self.group_of(program, &group.id).await
    }

    /// A group of a programme.
    pub(super) async fn group_of(&self, program: &str, id: &str) -> Result<GroupDocument, AffiliateError> {
        let found = self.groups(program).await?.rows.into_iter().find(|group| group.id == id);
        found.ok_or_else(|| AffiliateError::UnknownGroup(id.to_owned()))
    }

    /// The group a partner is in now.
    pub(super) fn group_now(
        &self,
        members: &HashMap<String, Vec<(i64, Option<String>)>>,
        partner: &str,
    ) -> Option<String> {
        let now = members.get(partner)?.iter().rfind(|(from_ms, _)| *from_ms <= self.now_ms);
        now.and_then(|(_, group)| group.clone())
    }
}
