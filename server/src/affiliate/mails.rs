//! What partners are written: a way in, an invitation, that they were approved, that where their money goes was changed.
//! Says nothing in a mail that is not the partner's own, and no amount and no payout details at all.

use crate::mail::Mail;

use super::session::Member;

/// A way in, for fifteen minutes.
pub fn sign_in(member: &Member, url: &str) -> Mail {
    let (merchant, program) = names(member);
    letter(
        member,
        &format!("Sign in to the partner pages of {merchant}"),
        &format!(
            "this link signs you in to the partner pages of {merchant} ({program}).\n\
             It works once, within 15 minutes:"
        ),
        url,
        "If you did not ask for it, do nothing: without the link nobody gets in.",
    )
}

/// The merchant asks somebody to become a partner.
pub fn invitation(member: &Member, own_url: &str) -> Mail {
    let (merchant, program) = names(member);
    letter(
        member,
        &format!("{merchant} invites you to become a partner"),
        &format!(
            "{merchant} invites you to become a partner ({program}).\n\
             Read the terms and say yes or no here; sign in with this e-mail address:"
        ),
        &front(own_url),
        "If this is nothing for you, you need not do anything.",
    )
}

/// Somebody's application came in.
pub fn applied(member: &Member, own_url: &str) -> Mail {
    let (merchant, program) = names(member);
    letter(
        member,
        &format!("Your application to {merchant}"),
        &format!(
            "your application to the partner programme of {merchant} ({program}) is with them.\n\
             You get a mail when they have decided, and can look at where it stands here:"
        ),
        &front(own_url),
        "If it was not you who applied, you need not do anything.",
    )
}

/// The merchant said yes.
pub fn approved(member: &Member, own_url: &str) -> Mail {
    let (merchant, program) = names(member);
    letter(
        member,
        &format!("You are a partner of {merchant}"),
        &format!(
            "you are a partner of {merchant} ({program}) from now on.\n\
             Make your link, and say how you want to be paid:"
        ),
        &front(own_url),
        "",
    )
}

/// Where the partner's money goes is another place from now on.
pub fn details_changed(member: &Member, own_url: &str) -> Mail {
    let (merchant, program) = names(member);
    letter(
        member,
        &format!("How {merchant} pays you was changed"),
        &format!(
            "how {merchant} pays you ({program}) was changed just now.\n\
             If that was you, all is well. If it was not, look at it and put it right at once,\n\
             and tell {merchant}:"
        ),
        &format!("{}/payouts", front(own_url)),
        "",
    )
}

/// The merchant's and the programme's.
fn names(member: &Member) -> (&str, &str) {
    (&member.workspace.name, &member.program.name)
}

fn front(own_url: &str) -> String {
    format!("{}/partners", own_url.trim_end_matches('/'))
}

/// Every mail is a greeting, what it is about, one address to go to, and what to do if it came to the wrong person.
fn letter(member: &Member, subject: &str, about: &str, url: &str, otherwise: &str) -> Mail {
    let mut text = format!("Hello {},\n\n{about}\n\n{url}\n", member.partner.name);
    if !otherwise.is_empty() {
        text += &format!("\n{otherwise}\n");
    }
    Mail { to: member.partner.email.clone(), subject: subject.to_owned(), text }
}
