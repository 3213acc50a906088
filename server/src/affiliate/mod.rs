//! What a merchant does with affiliates, for the API and for commands alike: programmes, partners, links and payouts.
//! Works on the control store alone, so that commands work beside a running server. Never looks at an order:
//! commissions are booked by `jobs/commission`.

pub mod commissions;
pub mod coupons;
mod error;
pub mod flag_limits;
pub mod flags;
pub mod groups;
pub mod imports;
pub mod links;
pub mod mails;
pub mod partners;
pub mod payouts;
pub mod portal;
pub mod programs;
pub mod simulator;
pub mod statements;

pub use error::AffiliateError;

use crate::app::App;
use crate::control::Control;
use crate::control::workspaces::Workspace;
use crate::mail::Mailer;
use crate::secrets::Secrets;

const NAME_CHARS_MAX: usize = 100;

/// One workspace's affiliates.
#[derive(Clone, Copy)]
pub struct Affiliates<'a> {
    pub control: &'a Control,
    pub secrets: &'a Secrets,
    pub workspace: &'a Workspace,
    /// Where browsers reach the collector; partners' links begin with it.
    pub public_url: &'a str,
    /// Where people reach the server; partners' pages are below it.
    pub own_url: &'a str,
    /// Writes to partners, in the background.
    pub mail: &'a Mailer,
    pub now_ms: i64,
}

impl<'a> Affiliates<'a> {
    pub fn of(app: &'a App, workspace: &'a Workspace) -> Affiliates<'a> {
        Affiliates {
            control: &app.control,
            secrets: &app.secrets,
            workspace,
            public_url: &app.config.http.public_url,
            own_url: app.config.http.own_url(),
            mail: &app.mail,
            now_ms: app.clock.now_ms(),
        }
    }
}

/// A name people gave, without blanks around it.
fn name(text: &str) -> Result<String, AffiliateError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains(char::is_control) {
        let detail = format!("name: use 1 to {NAME_CHARS_MAX} characters");
        return Err(AffiliateError::Invalid { field: "name", detail });
    }
    Ok(name.to_owned())
}
