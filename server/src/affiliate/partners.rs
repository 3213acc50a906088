//! Partners: invited or applied, approved or not, and how they are paid.

use domain::affiliate::PartnerStatus;
use domain::affiliate::payout::Method;
use serde::{Deserialize, Serialize};

use super::mails::{self, Addressee};
use super::{AffiliateError, Affiliates, name};
use crate::control::partners::{Partner, PayoutDetails};
use crate::effects::random_id;
use crate::mail::Mail;
use crate::person_keys::PersonKeys;

const RECIPIENT_CHARS_MAX: usize = 200;

/// How a partner is paid.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutTo {
    /// `paypal`, `wise`, `other`.
    #[schema(value_type = String)]
    pub method: Method,
    /// An e-mail address for PayPal and Wise; whatever you need for others. Kept sealed.
    pub recipient: String,
}

/// A partner to be added.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPartner {
    /// `prg_…`
    pub program: String,
    pub name: String,
    /// Kept sealed.
    pub email: String,
    /// `invited` (default), `applied` for somebody who asked you, `approved` for somebody who may begin at once.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub status: Option<PartnerStatus>,
    #[serde(default)]
    pub payout: Option<PayoutTo>,
    /// Since when the partner stands so, milliseconds since the epoch: for somebody who was your partner before. Now when
    /// left out.
    #[serde(default)]
    pub since_ms: Option<i64>,
}

/// What to change of a partner; what is left out stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerChange {
    #[serde(default)]
    pub name: Option<String>,
    /// `approved`, `rejected`, `suspended`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub status: Option<PartnerStatus>,
    #[serde(default)]
    pub payout: Option<PayoutTo>,
    /// `grp_…`, a group of the partner's programme; empty for none. For payments from now on.
    #[serde(default)]
    pub group: Option<String>,
}

/// A partner.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartnerDocument {
    #[schema(example = "prt_0kq3w5ymz1x7c2v9b4nd")]
    pub id: String,
    pub program: String,
    pub name: String,
    pub email: String,
    /// `invited`, `applied`, `approved`, `rejected`, `suspended`.
    #[schema(value_type = String)]
    pub status: PartnerStatus,
    pub payout: Option<PayoutTo>,
    /// The group the partner is in, `grp_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    pub created_at_ms: i64,
}

/// Partners of the workspace, oldest first.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartnerList {
    pub rows: Vec<PartnerDocument>,
}

impl PartnerDocument {
    fn of(partner: Partner) -> PartnerDocument {
        let to = |PayoutDetails { method, recipient }| PayoutTo { method, recipient };
        PartnerDocument {
            id: partner.id,
            program: partner.program_id,
            name: partner.name,
            email: partner.email,
            status: partner.status,
            payout: partner.payout.map(to),
            group: None,
            created_at_ms: partner.created_at_ms,
        }
    }
}

impl Affiliates<'_> {
    pub async fn partners(&self) -> Result<PartnerList, AffiliateError> {
        let all = self.control.partners(&self.workspace.id, self.secrets).await?;
        let mut rows: Vec<PartnerDocument> = all.into_iter().map(PartnerDocument::of).collect();
        let members = self.control.group_members(&self.workspace.id).await?;
        for row in &mut rows {
            row.group = self.group_now(&members, &row.id);
        }
        Ok(PartnerList { rows })
    }

    pub async fn partner(&self, id: &str) -> Result<PartnerDocument, AffiliateError> {
        let members = self.control.group_members(&self.workspace.id).await?;
        let group = self.group_now(&members, id);
        Ok(PartnerDocument { group, ..PartnerDocument::of(self.stored_partner(id).await?) })
    }

    pub(super) async fn stored_partner(&self, id: &str) -> Result<Partner, AffiliateError> {
        let all = self.control.partners(&self.workspace.id, self.secrets).await?;
        let found = all.into_iter().find(|partner| partner.id == id);
        found.ok_or_else(|| AffiliateError::UnknownPartner(id.to_owned()))
    }

    pub async fn create_partner(&self, new: NewPartner) -> Result<PartnerDocument, AffiliateError> {
        let status = new.status.unwrap_or(PartnerStatus::Invited);
        if matches!(status, PartnerStatus::Rejected | PartnerStatus::Suspended) {
            let detail = "status: a partner begins as invited, applied or approved".to_owned();
            return Err(AffiliateError::Invalid { field: "status", detail });
        }
        let since_ms = new.since_ms.unwrap_or(self.now_ms);
        if !(0..=self.now_ms).contains(&since_ms) {
            let detail = "since_ms: a moment that is over, or nothing".to_owned();
            return Err(AffiliateError::Invalid { field: "since_ms", detail });
        }
        let partner = Partner {
            id: random_id("prt_"),
            workspace_id: self.workspace.id.clone(),
            program_id: self.program(&new.program).await?.id,
            name: name(&new.name)?,
            status,
            email_key: self.email_key("email", &new.email)?,
            email: new.email.trim().to_owned(),
            payout: new.payout.map(|payout| self.details(payout)).transpose()?,
            created_at_ms: since_ms,
        };
        self.control.save_partner(&partner, self.secrets, since_ms).await?;
        if partner.status == PartnerStatus::Invited {
            self.write(&partner, "invitation", mails::invitation).await;
        }
        Ok(PartnerDocument::of(partner))
    }

    /// Writes to somebody who applied that the application came in.
    pub async fn confirm_application(&self, id: &str) -> Result<(), AffiliateError> {
        let partner = self.stored_partner(id).await?;
        self.write(&partner, "application", mails::applied).await;
        Ok(())
    }

    /// Writes to a partner in the background, whoever changed something: the API, a command, the dashboard or the partner.
    async fn write(&self, partner: &Partner, what: &'static str, text: fn(&Addressee<'_>) -> Mail) {
        if !self.mail.is_configured() {
            return;
        }
        // What was done is done; without the programme's name there is nothing to write.
        let Ok(program) = self.program(&partner.program_id).await else { return };
        let to = Addressee {
            email: &partner.email,
            partner: &partner.name,
            merchant: &self.workspace.name,
            program: &program.name,
            own_url: self.own_url,
        };
        self.mail.send_later(what, text(&to));
    }

    pub async fn change_partner(
        &self,
        id: &str,
        change: PartnerChange,
    ) -> Result<PartnerDocument, AffiliateError> {
        let mut partner = self.stored_partner(id).await?;
        let (before, has_details) = (partner.status, change.payout.is_some());
        if let Some(text) = change.name {
            partner.name = name(&text)?;
        }
        if let Some(to) = change.status {
            let from = partner.status;
            if !from.may_become(to) {
                return Err(AffiliateError::Status { from, to });
            }
            partner.status = to;
        }
        if let Some(payout) = change.payout {
            partner.payout = Some(self.details(payout)?);
        }
        if let Some(group) = &change.group {
            let group = Some(group.as_str()).filter(|group| !group.is_empty());
            if let Some(group) = group {
                self.group_of(&partner.program_id, group).await?;
            }
            self.control.join_group(id, group, self.now_ms).await?;
        }
        self.control.save_partner(&partner, self.secrets, self.now_ms).await?;
        if before == PartnerStatus::Applied && partner.status == PartnerStatus::Approved {
            self.write(&partner, "approval", mails::approved).await;
        }
        if has_details {
            self.write(&partner, "payout details changed", mails::details_changed).await;
        }
        self.partner(id).await
    }

    pub(super) fn details(
        &self,
        PayoutTo { method, recipient }: PayoutTo,
    ) -> Result<PayoutDetails, AffiliateError> {
        let recipient = recipient.trim().to_owned();
        let is_text = !recipient.is_empty()
            && recipient.chars().count() <= RECIPIENT_CHARS_MAX
            && !recipient.contains(char::is_control);
        match method {
            Method::Paypal | Method::Wise => _ = self.email_key("payout", &recipient)?,
            Method::Other if !is_text => {
                let detail = format!("payout: the recipient has 1 to {RECIPIENT_CHARS_MAX} characters");
                return Err(AffiliateError::Invalid { field: "payout", detail });
            }
            Method::Other => {}
        }
        Ok(PayoutDetails { method, recipient })
    }

    /// The keyed hash of an address; an error when it has not the form of one.
    pub(super) fn email_key(&self, field: &'static str, address: &str) -> Result<String, AffiliateError> {
        let hashed = PersonKeys::new(self.secrets, &self.workspace.id).email(address.trim());
        // A line of a payout's file is made of it.
        let hashed = hashed.filter(|_| !address.trim().starts_with(['=', '+', '-', '@']));
        let detail = || format!("{field}: this is not an e-mail address");
        let hashed = hashed.ok_or_else(|| AffiliateError::Invalid { field, detail: detail() })?;
        Ok(hashed.strong.to_string())
    }
}
