//! What partners are written: a way in, an invitation, that they were approved, that where their money goes was changed.
//! Says nothing in a mail that is not the partner's own, and no amount and no payout details at all.

use crate::mail::Mail;

use super::session::Member;

/// A way in, for fifteen minutes.
pub fn sign_in(member: &Member, url: &str) -> Mail {
    let text = format!(
        "Hello {name},\n\n\
         this link signs you in to the partner pages of {merchant} ({program}).\n\
         It works once, within 15 minutes:\n\n\
         {url}\n\n\
         If you did not ask for it, do nothing: without the link nobody gets in.\n",
        name = member.partner.name,
        merchant = member.workspace.name,
        program = member.program.name,
    );
    mail(member, format!("Sign in to the partner pages of {}", member.workspace.name), text)
}

/// The merchant asks somebody to become a partner.
pub fn invitation(member: &Member, own_url: &str) -> Mail {
    let text = format!(
        "Hello {name},\n\n\
         {merchant} invites you to become a partner ({program}).\n\
         Read the terms and say yes or no here; sign in with this e-mail address:\n\n\
         {url}\n\n\
         If this is nothing for you, you need not do anything.\n",
        name = member.partner.name,
        merchant = member.workspace.name,
        program = member.program.name,
        url = front(own_url),
    );
    mail(member, format!("{} invites you to become a partner", member.workspace.name), text)
}

/// Somebody's application came in.
pub fn applied(member: &Member, own_url: &str) -> Mail {
    let text = format!(
        "Hello {name},\n\n\
         your application to the partner programme of {merchant} ({program}) is with them.\n\
         You get a mail when they have decided, and can look at where it stands here:\n\n\
         {url}\n\n\
         If it was not you who applied, you need not do anything.\n",
        name = member.partner.name,
        merchant = member.workspace.name,
        program = member.program.name,
        url = front(own_url),
    );
    mail(member, format!("Your application to {}", member.workspace.name), text)
}

/// The merchant said yes.
pub fn approved(member: &Member, own_url: &str) -> Mail {
    let text = format!(
        "Hello {name},\n\n\
         you are a partner of {merchant} ({program}) from now on.\n\
         Make your link, and say how you want to be paid:\n\n\
         {url}\n",
        name = member.partner.name,
        merchant = member.workspace.name,
        program = member.program.name,
        url = front(own_url),
    );
    mail(member, format!("You are a partner of {}", member.workspace.name), text)
}

/// Where the partner's money goes is another place from now on.
pub fn details_changed(member: &Member, own_url: &str) -> Mail {
    let text = format!(
        "Hello {name},\n\n\
         how {merchant} pays you ({program}) was changed just now.\n\
         If that was you, all is well. If it was not, look at it and put it right at once,\n\
         and tell {merchant}:\n\n\
         {url}/payouts\n",
        name = member.partner.name,
        merchant = member.workspace.name,
        program = member.program.name,
        url = front(own_url),
    );
    mail(member, format!("How {} pays you was changed", member.workspace.name), text)
}

fn front(own_url: &str) -> String {
    format!("{}/partners", own_url.trim_end_matches('/'))
}

fn mail(member: &Member, subject: String, text: String) -> Mail {
    Mail { to: member.partner.email.clone(), subject, text }
}
