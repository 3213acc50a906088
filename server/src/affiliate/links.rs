//! Partners' links: a code of their own and a landing page on one of the workspace's hosts.

use domain::affiliate::{LinkCode, destination};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{AffiliateError, Affiliates};
use crate::control::partners::Link;
use crate::control::workspaces::Workspace;
use crate::effects::random_id;
use crate::ingest::site::is_listed;

/// Characters of what is added to a name that is taken, and of a code made of nothing.
const RANDOM_CHARS: usize = 6;
const TRIES_MAX: usize = 8;

/// A link to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// `prt_…`
    pub partner: String,
    /// 2 to 50 letters, digits, - or _; made of the partner's name when left out.
    #[serde(default)]
    pub code: Option<String>,
    /// The landing page: an http or https address on one of the workspace's hosts. The first of the workspace's
    /// domains when left out.
    #[serde(default)]
    pub destination: Option<String>,
}

/// A partner's link.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkDocument {
    pub code: String,
    pub partner: String,
    /// What the partner shares. `?to=/path` leads deeper into the site; `?via=<code>` on any page counts as well.
    #[schema(example = "https://t.example.com/r/jane")]
    pub url: String,
    pub destination: String,
    /// Whether clicks earn: the partner is approved and the link is not archived.
    pub active: bool,
    pub created_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_at_ms: Option<i64>,
}

/// Links of the workspace, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LinkList {
    pub rows: Vec<LinkDocument>,
}

impl Affiliates<'_> {
    pub async fn links(&self) -> Result<LinkList, AffiliateError> {
        let all = self.control.links().await?.into_iter();
        let own = all.filter(|link| link.workspace_id == self.workspace.id);
        Ok(LinkList { rows: own.map(|link| self.link_document(link)).collect() })
    }

    pub async fn create_link(&self, new: NewLink) -> Result<LinkDocument, AffiliateError> {
        let partner = self.stored_partner(&new.partner).await?;
        let destination = self.landing(new.destination.as_deref())?;
        let invalid = |error: domain::affiliate::code::CodeError| AffiliateError::Invalid {
            field: "code",
            detail: format!("code: {error}"),
        };
        let wanted: Option<LinkCode> = new.code.as_deref().map(str::parse).transpose().map_err(invalid)?;
        let named = LinkCode::of_name(&partner.name);
        for attempt in 0..TRIES_MAX {
            let code = match (&wanted, &named) {
                (Some(code), _) => code.clone(),
                (None, Some(named)) if attempt == 0 => named.clone(),
                (None, Some(named)) => random_code(&format!("{named}-")),
                (None, None) => random_code("p-"),
            };
            let link = Link {
                code,
                workspace_id: self.workspace.id.clone(),
                partner_id: partner.id.clone(),
                program_id: partner.program_id.clone(),
                status: partner.status,
                destination: destination.to_string(),
                created_at_ms: self.now_ms,
                archived_at_ms: None,
            };
            if self.control.create_link(&link).await? {
                return Ok(self.link_document(link));
            }
            if wanted.is_some() {
                break;
            }
        }
        Err(AffiliateError::CodeTaken(new.code.unwrap_or_default()))
    }

    /// Ends a link: it leads on and earns nothing new.
    pub async fn archive_link(&self, code: &str) -> Result<(), AffiliateError> {
        let code = code.to_ascii_lowercase();
        match self.control.archive_link(&self.workspace.id, &code, self.now_ms).await? {
            true => Ok(()),
            false => Err(AffiliateError::UnknownLink(code)),
        }
    }

    pub(super) fn landing(&self, wanted: Option<&str>) -> Result<Url, AffiliateError> {
        let home = self.workspace.settings.domains.first().map(|domain| format!("https://{domain}/"));
        let Some(wanted) = wanted.or(home.as_deref()) else {
            let detail =
                "destination: name a landing page; the workspace lists no domain of its own".to_owned();
            return Err(AffiliateError::Invalid { field: "destination", detail });
        };
        Ok(destination(None, Some(wanted), |place| is_own(self.workspace, place))?)
    }

    fn link_document(&self, link: Link) -> LinkDocument {
        LinkDocument {
            url: format!("{}/r/{}", self.public_url.trim_end_matches('/'), link.code),
            active: link.is_active(),
            code: link.code.to_string(),
            partner: link.partner_id,
            destination: link.destination,
            created_at_ms: link.created_at_ms,
            archived_at_ms: link.archived_at_ms,
        }
    }
}

/// Whether a `host[:port]` is one the workspace lists. A workspace without domains takes hits from anywhere, and leads
/// nowhere: that would be a redirect for everybody.
pub fn is_own(workspace: &Workspace, place: &str) -> bool {
    let domains = workspace.settings.domains.iter().map(|domain| domain.to_lowercase()).collect();
    is_listed(&domains, place)
}

fn random_code(prefix: &str) -> LinkCode {
    let random: String = random_id("").chars().take(RANDOM_CHARS).collect();
    format!("{prefix}{random}").parse().expect("a code's letters, and few of them")
}
