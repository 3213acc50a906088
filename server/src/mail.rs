//! Mail to partners: by an SMTP server, into a folder, or not at all. Plain text, one recipient each. Never logs an
//! address, a server's words (they may quote one) or the account's password.

use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use thiserror::Error;
use tokio::sync::watch;

use crate::config;

/// A server that does not take a mail within this time is given up on; the partner asks again.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Error)]
pub enum MailError {
    #[error(
        "mail.url is none we know: use smtps://user:password@host, smtp://user:password@host:587?tls=required or \
         file:/a/folder"
    )]
    Address,
    #[error("mail.from is no sender: write such as \"Partners <partners@example.com>\"")]
    From,
    #[error("no mail is sent: set mail.url and mail.from")]
    NotConfigured,
    #[error("the recipient is no address a mail can be sent to")]
    Recipient,
    #[error("the mail server refused the mail with {0}")]
    Refused(String),
    #[error("the mail server was not reached, or did not answer in time; check mail.url")]
    Unreachable,
    #[error("the folder of mail.url does not take the mail; check that it exists and is writable")]
    Folder,
}

/// One mail.
pub struct Mail {
    pub to: String,
    pub subject: String,
    /// Plain text, lines of at most 78 characters where they can be.
    pub text: String,
}

/// Sends mails as `mail.url` says. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    way: Way,
    from: Option<Mailbox>,
    /// How many mails are on their way in the background.
    under_way: watch::Sender<usize>,
}

#[derive(Clone)]
enum Way {
    None,
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

impl Mailer {
    /// Reads the settings; connects to nothing.
    pub fn new(config: &config::Mail) -> Result<Mailer, MailError> {
        let url = config.url.expose_secret();
        if url.is_empty() {
            return Ok(Mailer::none());
        }
        let from = config.from.parse().map_err(|_| MailError::From)?;
        let way = match url.strip_prefix("file:") {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|_| MailError::Folder)?;
                Way::Folder(AsyncFileTransport::new(folder))
            }
            None => {
                let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
                Way::Smtp(smtp.map_err(|_| MailError::Address)?.timeout(Some(TIMEOUT)).build())
            }
        };
        Ok(Mailer { way, from: Some(from), under_way: watch::Sender::new(0) })
    }

    /// One that sends nothing.
    pub fn none() -> Mailer {
        Mailer { way: Way::None, from: None, under_way: watch::Sender::new(0) }
    }

    /// Whether mails go anywhere.
    pub fn is_configured(&self) -> bool {
        !matches!(self.way, Way::None)
    }

    /// Sends a mail, or says why not.
    pub async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let from = self.from.clone().ok_or(MailError::NotConfigured)?;
        let to = mail.to.trim().parse().map_err(|_| MailError::Recipient)?;
        let message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body(mail.text))
            .map_err(|_| MailError::Recipient)?;
        match &self.way {
            Way::None => Err(MailError::NotConfigured),
            Way::Folder(folder) => folder.send(message).await.map(|_| ()).map_err(|_| MailError::Folder),
            Way::Smtp(smtp) => match smtp.send(message).await {
                Ok(_) => Ok(()),
                Err(error) => Err(match error.status() {
                    Some(code) => MailError::Refused(code.to_string()),
                    None => MailError::Unreachable,
                }),
            },
        }
    }

    /// Sends a mail in the background: nobody waits for a mail server's answer.
    pub fn send_later(&self, what: &'static str, mail: Mail) {
        let mailer = self.clone();
        self.under_way.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            mailer.send_or_log(what, mail).await;
            mailer.under_way.send_modify(|count| *count -= 1);
        });
    }

    /// Waits until nothing is on its way any more: for a command, which ends then.
    pub async fn settled(&self) {
        // The sender is this one: it is not gone.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Sends a mail; one that does not go is said in the log, without the recipient.
    pub async fn send_or_log(&self, what: &'static str, mail: Mail) {
        if let Err(error) = self.send(mail).await {
            tracing::warn!(mail = what, cause = %error, "a mail ({what}) was not sent: {error}");
        }
    }
}

/// Longest line a mail may have (RFC 5322).
const LINE_BYTES_MAX: usize = 998;

/// The text as it is where every server takes it so, for links longer than encoders like lines to be; else encoded.
fn body(text: String) -> Body {
    let is_plain = text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
        && text.lines().all(|line| line.len() <= LINE_BYTES_MAX);
    if is_plain {
        let lines = text.replace('\n', "\r\n").into_bytes();
        return Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit);
    }
    Body::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer(url: &str, from: &str) -> Result<Mailer, MailError> {
        Mailer::new(&config::Mail { url: url.into(), from: from.to_owned() })
    }

    #[tokio::test]
    async fn settings_that_cannot_be_are_named_without_the_password() {
        assert!(!mailer("", "").unwrap().is_configured());
        assert!(
            mailer("smtps://me:hush@mail.example.com", "Partners <p@example.com>").unwrap().is_configured()
        );
        let wrong = mailer("imap://me:hush@mail.example.com", "p@example.com").err().unwrap().to_string();
        assert!(wrong.starts_with("mail.url") && !wrong.contains("hush"), "{wrong}");
        assert!(matches!(mailer("smtp://mail.example.com", "nobody"), Err(MailError::From)));
    }

    #[tokio::test]
    async fn into_a_folder_goes_a_file_a_mail() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().join("mails").display());
        let mailer = mailer(&url, "Partners <p@example.com>").unwrap();
        let mail = |to: &str| Mail {
            to: to.into(),
            subject: "Grüße\r\nBcc: x@y.example".into(),
            text: "Hello".into(),
        };
        mailer.send(mail("jane@partners.example")).await.unwrap();
        assert!(matches!(mailer.send(mail("jane")).await, Err(MailError::Recipient)));
        let files: Vec<_> = std::fs::read_dir(folder.path().join("mails")).unwrap().flatten().collect();
        assert_eq!(files.len(), 1);
        let text = std::fs::read_to_string(files[0].path()).unwrap();
        assert!(text.contains("To: jane@partners.example") && text.contains("Hello"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "a subject adds no line: {text}");
    }
}
