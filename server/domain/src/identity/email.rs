//! An e-mail address as keys: what is stored instead of the address, and what two mentions are compared by.
//!
//! The *strong* key is the address as typed, but for case and the form of the domain; plus-tags and dots stay.
//! The *weak* key folds plus-tags and Gmail's dots and is only a last resort. Both are keyed hashes: without the
//! installation's secret an address cannot be tried against them, and workspaces cannot be compared. The address
//! itself is never kept, logged or returned.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use super::disposable::is_disposable;

/// 16 bytes of a keyed hash of an address; 32 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailKey(pub [u8; 16]);

impl fmt::Display for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailKey({self})")
    }
}

/// The text is not 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail key is 32 lower-case hex digits")]
pub struct EmailKeyError;

impl std::str::FromStr for EmailKey {
    type Err = EmailKeyError;

    fn from_str(text: &str) -> Result<EmailKey, EmailKeyError> {
        let key = u128::from_str_radix(text, 16).map_err(|_| EmailKeyError)?;
        let key = EmailKey(key.to_be_bytes());
        if key.to_string() == text { Ok(key) } else { Err(EmailKeyError) }
    }
}

impl Serialize for EmailKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EmailKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EmailKey, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What is kept of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedEmail {
    pub strong: EmailKey,
    pub weak: EmailKey,
    /// Whether the address names a role (`billing@`) rather than a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub role_address: bool,
    /// Whether the mail box is one that is thrown away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disposable: bool,
}

/// Turns addresses of one workspace into keys.
#[derive(Clone)]
pub struct EmailHasher {
    mac: Hmac<Sha256>,
}

impl EmailHasher {
    /// `secret` belongs to the installation and must never change: every stored key depends on it.
    pub fn new(secret: &[u8], workspace: &str) -> EmailHasher {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(b"tributary email\0");
        mac.update(workspace.as_bytes());
        EmailHasher { mac }
    }

    /// The keys of `address`; `None` when it has not the form of an address.
    pub fn hash(&self, address: &str) -> Option<HashedEmail> {
        let (local, domain) = normal_form(address)?;
        let role_address = is_role_address(&local);
        let disposable = is_disposable(&domain);
        let strong = self.key("strong", &local, &domain);
        let (local, domain) = folded(&local, &domain);
        Some(HashedEmail { strong, weak: self.key("weak", &local, domain), role_address, disposable })
    }

    fn key(&self, strength: &str, local: &str, domain: &str) -> EmailKey {
        let mut mac = self.mac.clone();
        for part in ["\0", strength, "\0", local, "@", domain] {
            mac.update(part.as_bytes());
        }
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut front = [0; 16];
        front.copy_from_slice(&full[..16]);
        EmailKey(front)
    }
}

impl fmt::Debug for EmailHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailHasher").finish_non_exhaustive()
    }
}

/// Local part and domain: trimmed, lower case, the domain in its ASCII (IDNA) form without a final dot.
fn normal_form(address: &str) -> Option<(String, String)> {
    /// The longest address that mail systems carry.
    const CHARS_MAX: usize = 254;
    let address = address.trim();
    if address.len() > CHARS_MAX || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (local, domain) = address.rsplit_once('@')?;
    if local.is_empty() || local.contains('@') {
        return None;
    }
    let domain = match url::Host::parse(domain.trim_end_matches('.')).ok()? {
        url::Host::Domain(domain) => domain,
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => return None,
    };
    Some((local.to_lowercase(), domain))
}

/// Without the plus-tag, and for Gmail without dots and under its one name.
fn folded<'a>(local: &str, domain: &'a str) -> (String, &'a str) {
    let bare = match local.split_once('+') {
        Some((bare, _)) if !bare.is_empty() => bare,
        _ => local,
    };
    match domain {
        "gmail.com" | "googlemail.com" => (bare.replace('.', ""), "gmail.com"),
        _ => (bare.to_owned(), domain),
    }
}

/// Whether a local part (`billing` of `billing@shop.example`) names a role that several people may share.
pub fn is_role_address(local_part: &str) -> bool {
    let local = local_part.trim().to_lowercase();
    let bare = local.split_once('+').map_or(local.as_str(), |(bare, _)| bare);
    ROLES.binary_search(&bare).is_ok()
}

/// RFC 2142 and what businesses write on their pages, in the larger languages of the web. Sorted.
const ROLES: [&str; 63] = [
    "abuse",
    "accounting",
    "accounts",
    "accountspayable",
    "admin",
    "administracion",
    "administration",
    "ap",
    "billing",
    "bookkeeping",
    "buchhaltung",
    "compras",
    "comptabilite",
    "contabilidad",
    "contabilita",
    "contact",
    "contacto",
    "einkauf",
    "email",
    "enquiries",
    "facturacion",
    "faktura",
    "finance",
    "hello",
    "help",
    "helpdesk",
    "hola",
    "hostmaster",
    "hr",
    "info",
    "inquiries",
    "invoice",
    "invoices",
    "it",
    "jobs",
    "kontakt",
    "legal",
    "mail",
    "marketing",
    "no-reply",
    "noc",
    "noreply",
    "office",
    "orders",
    "payable",
    "payables",
    "payment",
    "payments",
    "postmaster",
    "press",
    "privacy",
    "procurement",
    "purchasing",
    "rechnung",
    "rechnungen",
    "root",
    "sales",
    "security",
    "service",
    "support",
    "team",
    "webmaster",
    "welcome",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> EmailHasher {
        EmailHasher::new(b"the installation's secret", "ws_demo")
    }

    fn strong(address: &str) -> EmailKey {
        hasher().hash(address).unwrap().strong
    }

    fn weak(address: &str) -> EmailKey {
        hasher().hash(address).unwrap().weak
    }

    #[test]
    fn case_spaces_and_the_form_of_the_domain_do_not_matter() {
        assert_eq!(strong(" Ada@Example.COM "), strong("ada@example.com"));
        assert_eq!(strong("ada@example.com."), strong("ada@example.com"));
        assert_eq!(strong("ada@münchen.example"), strong("ada@xn--mnchen-3ya.example"));
        assert_eq!(strong("ÄDA@example.com"), strong("äda@example.com"));
    }

    #[test]
    fn tags_and_dots_matter_to_the_strong_key_and_not_to_the_weak_one() {
        assert_ne!(strong("ada+shop@example.com"), strong("ada@example.com"));
        assert_eq!(weak("ada+shop@example.com"), weak("ada@example.com"));
        assert_ne!(strong("a.da@gmail.com"), strong("ada@gmail.com"));
        assert_eq!(weak("a.d.a+x@googlemail.com"), weak("ada@gmail.com"));
        assert_ne!(weak("a.da@example.com"), weak("ada@example.com"), "dots fold at Gmail only");
        assert_eq!(weak("+tag@example.com"), weak("+tag@example.com"));
        assert_ne!(weak("ada@example.com").0, strong("ada@example.com").0);
    }

    #[test]
    fn workspaces_and_secrets_give_other_keys() {
        let key = strong("ada@example.com");
        assert_ne!(
            EmailHasher::new(b"the installation's secret", "ws_b").hash("ada@example.com").unwrap().strong,
            key
        );
        assert_ne!(
            EmailHasher::new(b"another secret", "ws_demo").hash("ada@example.com").unwrap().strong,
            key
        );
    }

    #[test]
    fn what_is_no_address_has_no_keys() {
        let long = format!("{}@example.com", "a".repeat(300));
        for wrong in
            ["", "ada", "@example.com", "ada@", "a b@example.com", "a@b@example.com", "ada@127.0.0.1", &long]
        {
            assert_eq!(hasher().hash(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_of_roles_are_known() {
        assert!(ROLES.is_sorted());
        for role in ["info", "Billing", "billing+polar", "no-reply", "buchhaltung"] {
            assert!(is_role_address(role), "{role}");
        }
        for person in ["ada", "info.ada", "mailer", ""] {
            assert!(!is_role_address(person), "{person}");
        }
        assert!(hasher().hash("Billing@example.com").unwrap().role_address);
        assert!(hasher().hash("ada@Mailinator.com").unwrap().disposable);
        assert!(!hasher().hash("ada@example.com").unwrap().disposable);
    }

    #[test]
    fn keys_go_through_text_and_nothing_shows_the_secret() {
        let key = EmailKey([0x0a; 16]);
        assert_eq!(key.to_string(), "0a".repeat(16));
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!("+a0a".parse::<EmailKey>(), Err(EmailKeyError));
        assert_eq!(serde_json::to_string(&key).unwrap(), format!("\"{key}\""));
        assert_eq!(format!("{:?}", hasher()), "EmailHasher { .. }");
    }
}
