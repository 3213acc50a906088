//! What a merchant does for the partners' own pages: ways in to pass on, programmes anybody may apply to, and assets.

use serde::{Deserialize, Serialize};
use url::Url;

use super::links::is_own;
use super::{AffiliateError, Affiliates, name};
use crate::control::portal::StoredAsset;
use crate::effects::random_id;
use crate::portal::session::{LINK_TTL_MS, enter_url, mint};

const ABOUT_CHARS_MAX: usize = 2000;
const CONTENT_CHARS_MAX: usize = 4000;
/// Of one programme; partners have to find something among them.
const ASSETS_MAX: usize = 200;

/// A way into the partners' pages.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoginLinkDocument {
    /// Signs in as the partner, once: pass it on to nobody else.
    pub url: String,
    pub expires_at_ms: i64,
}

/// Whether anybody may apply to a programme.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Applications {
    pub open: bool,
    /// What the application page says, plain text; kept while closed is not.
    #[serde(default)]
    pub about: String,
    /// The page to link to.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// An address: a press kit, a folder of files.
    Link,
    /// An image by its address.
    Image,
    /// Words to use.
    Text,
}

impl AssetKind {
    pub fn name(self) -> &'static str {
        match self {
            AssetKind::Link => "link",
            AssetKind::Image => "image",
            AssetKind::Text => "text",
        }
    }
}

impl std::str::FromStr for AssetKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<AssetKind, &'static str> {
        let all = [AssetKind::Link, AssetKind::Image, AssetKind::Text];
        all.into_iter().find(|kind| kind.name() == text).ok_or("an asset is a link, an image or a text")
    }
}

/// Something to give to partners.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAsset {
    /// `link`, `image`, `text`.
    pub kind: AssetKind,
    pub title: String,
    /// An https address (http on the workspace's own hosts), or the text.
    pub content: String,
}

/// Something partners can use.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AssetDocument {
    #[schema(example = "ast_0kq3w5ymz1x7c2v9b4nd")]
    pub id: String,
    pub program: String,
    pub kind: AssetKind,
    pub title: String,
    pub content: String,
    pub created_at_ms: i64,
}

/// Assets of a programme, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AssetList {
    pub rows: Vec<AssetDocument>,
}

impl Affiliates<'_> {
    /// A way in for a partner, for the merchant to pass on where no mail is sent. Works once, for a quarter of an hour.
    pub async fn login_link(&self, partner: &str) -> Result<LoginLinkDocument, AffiliateError> {
        let partner = self.partner(partner).await?;
        let (link, token) = mint("lnk_", &partner.id, self.now_ms, LINK_TTL_MS);
        self.control.add_portal_link(&link).await?;
        Ok(LoginLinkDocument { url: enter_url(self.own_url, &token), expires_at_ms: link.expires_at_ms })
    }

    /// Whether anybody may apply to a programme.
    pub async fn applications(&self, program: &str) -> Result<Applications, AffiliateError> {
        let program = self.program(program).await?;
        let open = self.control.open_program(&program.id).await?;
        let url = format!("{}/partners/apply/{}", self.own_url.trim_end_matches('/'), program.id);
        Ok(Applications {
            open: open.is_some(),
            url: open.is_some().then_some(url),
            about: open.map(|(_, about)| about).unwrap_or_default(),
        })
    }

    /// Lets anybody apply to a programme, or nobody.
    pub async fn set_applications(
        &self,
        program: &str,
        wanted: &Applications,
    ) -> Result<Applications, AffiliateError> {
        let program = self.program(program).await?;
        let about = plain_text("about", &wanted.about, ABOUT_CHARS_MAX)?;
        self.control.set_open_program(&program.id, wanted.open.then_some(&about), self.now_ms).await?;
        self.applications(&program.id).await
    }

    pub async fn assets(&self, program: &str) -> Result<AssetList, AffiliateError> {
        let program = self.program(program).await?;
        let all = self.control.assets(&self.workspace.id).await?.into_iter();
        let own = all.filter(|asset| asset.program_id == program.id);
        Ok(AssetList { rows: own.filter_map(asset_document).collect() })
    }

    pub async fn add_asset(&self, program: &str, new: NewAsset) -> Result<AssetDocument, AffiliateError> {
        let program = self.program(program).await?;
        if self.assets(&program.id).await?.rows.len() >= ASSETS_MAX {
            let detail = format!("content: a programme has at most {ASSETS_MAX} assets; remove some first");
            return Err(AffiliateError::Invalid { field: "content", detail });
        }
        let content = match new.kind {
            AssetKind::Text => plain_text("content", &new.content, CONTENT_CHARS_MAX)?,
            AssetKind::Link | AssetKind::Image => self.asset_address(&new.content)?,
        };
        if content.is_empty() {
            let detail = "content: write the text partners may use".to_owned();
            return Err(AffiliateError::Invalid { field: "content", detail });
        }
        let stored = StoredAsset {
            id: random_id("ast_"),
            program_id: program.id,
            kind: new.kind.name().to_owned(),
            title: name(&new.title)?,
            content,
            created_at_ms: self.now_ms,
        };
        self.control.add_asset(&stored).await?;
        Ok(asset_document(stored).expect("the kind is one of ours"))
    }

    pub async fn remove_asset(&self, id: &str) -> Result<(), AffiliateError> {
        match self.control.remove_asset(&self.workspace.id, id).await? {
            true => Ok(()),
            false => Err(AffiliateError::UnknownAsset(id.to_owned())),
        }
    }

    /// An address a partner's browser may follow: https, or http on the merchant's own hosts.
    fn asset_address(&self, text: &str) -> Result<String, AffiliateError> {
        let refused = || AffiliateError::Invalid {
            field: "content",
            detail: "content: use an https address, or http on one of the workspace's own hosts".to_owned(),
        };
        let url = Url::parse(text.trim()).map_err(|_| refused())?;
        let host = url.host_str().filter(|_| url.username().is_empty() && url.password().is_none());
        let host = host.ok_or_else(refused)?;
        let place = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let fits = match url.scheme() {
            "https" => true,
            "http" => is_own(self.workspace, &place),
            _ => false,
        };
        if fits && url.as_str().len() <= CONTENT_CHARS_MAX { Ok(url.into()) } else { Err(refused()) }
    }
}

/// Text of several lines, without characters that no one sees.
fn plain_text(field: &'static str, text: &str, chars_max: usize) -> Result<String, AffiliateError> {
    let text = text.trim().replace("\r\n", "\n");
    let is_odd = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    if text.chars().count() > chars_max || text.contains(is_odd) {
        let detail = format!("{field}: use up to {chars_max} characters of plain text");
        return Err(AffiliateError::Invalid { field, detail });
    }
    Ok(text)
}

fn asset_document(stored: StoredAsset) -> Option<AssetDocument> {
    Some(AssetDocument {
        kind: stored.kind.parse().ok()?,
        id: stored.id,
        program: stored.program_id,
        title: stored.title,
        content: stored.content,
        created_at_ms: stored.created_at_ms,
    })
}
