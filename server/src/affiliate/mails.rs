//! What partners are written: a way in, an invitation, that they were approved, that where their money goes was changed.
//! Says nothing in a mail that is not the partner's own, and no amount and no payout details at all.

use crate::mail::Mail;

/// Whom a mail is for, and what it speaks of.
#[derive(Clone, Copy)]
pub struct Addressee<'a> {
    pub email: &'a str,
    pub partner: &'a str,
    pub merchant: &'a str,
    pub program: &'a str,
    /// Where people reach the server.
    pub own_url: &'a str,
}

/// A way in, for fifteen minutes.
pub fn sign_in(to: &Addressee<'_>, url: &str) -> Mail {
    let (merchant, program) = names(to);
    letter(
        to,
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
pub fn invitation(to: &Addressee<'_>) -> Mail {
    let (merchant, program) = names(to);
    letter(
        to,
        &format!("{merchant} invites you to become a partner"),
        &format!(
            "{merchant} invites you to become a partner ({program}).\n\
             Read the terms and say yes or no here; sign in with this e-mail address:"
        ),
        &front(to),
        "If this is nothing for you, you need not do anything.",
    )
}

/// Somebody's application came in.
pub fn applied(to: &Addressee<'_>) -> Mail {
    let (merchant, program) = names(to);
    letter(
        to,
        &format!("Your application to {merchant}"),
        &format!(
            "your application to the partner programme of {merchant} ({program}) is with them.\n\
             You get a mail when they have decided, and can look at where it stands here:"
        ),
        &front(to),
        "If it was not you who applied, you need not do anything.",
    )
}

/// The merchant said yes.
pub fn approved(to: &Addressee<'_>) -> Mail {
    let (merchant, program) = names(to);
    letter(
        to,
        &format!("You are a partner of {merchant}"),
        &format!(
            "you are a partner of {merchant} ({program}) from now on.\n\
             Make your link, and say how you want to be paid:"
        ),
        &front(to),
        "",
    )
}

/// Where the partner's money goes is another place from now on.
pub fn details_changed(to: &Addressee<'_>) -> Mail {
    let (merchant, program) = names(to);
    letter(
        to,
        &format!("How {merchant} pays you was changed"),
        &format!(
            "how {merchant} pays you ({program}) was changed just now.\n\
             If that was you, all is well. If it was not, look at it and put it right at once,\n\
             and tell {merchant}:"
        ),
        &format!("{}/payouts", front(to)),
        "",
    )
}

/// The merchant's and the programme's.
fn names<'a>(to: &Addressee<'a>) -> (&'a str, &'a str) {
    (to.merchant, to.program)
}

fn front(to: &Addressee<'_>) -> String {
    format!("{}/partners", to.own_url.trim_end_matches('/'))
}

/// Every mail is a greeting, what it is about, one address to go to, and what to do if it came to the wrong person.
fn letter(to: &Addressee<'_>, subject: &str, about: &str, url: &str, otherwise: &str) -> Mail {
    let mut text = format!("Hello {},\n\n{about}\n\n{url}\n", to.partner);
    if !otherwise.is_empty() {
        text += &format!("\n{otherwise}\n");
    }
    Mail { to: to.email.to_owned(), subject: subject.to_owned(), text }
}
