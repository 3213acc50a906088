//! What names a person in the table `bindings`: keyed hashes of e-mail addresses, user ids and a provider's
//! customer ids. The addresses and ids themselves are never stored. Keys of two workspaces never meet.

use domain::identity::{EmailHasher, HashedEmail, PersonKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secrets::Secrets;

/// Makes the person keys of one workspace.
#[derive(Clone)]
pub struct PersonKeys {
    email: EmailHasher,
    mac: Hmac<Sha256>,
}

impl PersonKeys {
    pub fn new(secrets: &Secrets, workspace_id: &str) -> PersonKeys {
        let mut mac = Hmac::<Sha256>::new_from_slice(secrets.email_key()).expect("HMAC takes any key");
        mac.update(b"tributary person\0");
        mac.update(workspace_id.as_bytes());
        PersonKeys { email: EmailHasher::new(secrets.email_key(), workspace_id), mac }
    }

    /// The keys of an address; none when it has not the form of one.
    pub fn email(&self, address: &str) -> Option<HashedEmail> {
        self.email.hash(address)
    }

    /// The key of the merchant's own id of a user.
    pub fn user(&self, id: &str) -> u128 {
        self.key(&["user", id.trim()])
    }

    /// The key of a buyer at one provider account.
    pub fn customer(&self, connection_id: &str, id: &str) -> u128 {
        self.key(&["customer", connection_id, id])
    }

    /// A key as `bindings.key_kind` and `bindings.person_key` hold it: e-mail keys are hashes already.
    pub fn stored(&self, key: &PersonKey) -> (i8, u128) {
        match key {
            PersonKey::Email(email) => (1, u128::from_be_bytes(email.0)),
            PersonKey::WeakEmail(email) => (2, u128::from_be_bytes(email.0)),
            PersonKey::UserId(id) => (3, self.user(id)),
            PersonKey::Customer { connection, id } => (4, self.customer(connection, id)),
            PersonKey::Visitor(id) => (5, id.0),
        }
    }

    /// Under which something stands in the list of what was erased: its kind and a keyed hash.
    pub fn erased(&self, kind: &str, parts: &[&str]) -> String {
        let all: Vec<&str> = ["erased", kind].into_iter().chain(parts.iter().copied()).collect();
        format!("{kind}/{:032x}", self.key(&all))
    }

    /// The visitor id under which the visits of an erased person's order are kept: it leads to the order only.
    pub fn journey(&self, order: &str) -> u128 {
        self.key(&["journey of erased order", order])
    }

    fn key(&self, parts: &[&str]) -> u128 {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(b"\0");
            mac.update(part.as_bytes());
        }
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        u128::from_be_bytes(*full.first_chunk().expect("32 bytes hold 16"))
    }
}

impl std::fmt::Debug for PersonKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonKeys").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_steady_and_belong_to_one_workspace_and_kind() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::load(&"".into(), dir.path()).unwrap();
        let keys = PersonKeys::new(&secrets, "ws_a");
        assert_eq!(keys.user("42"), PersonKeys::new(&secrets, "ws_a").user(" 42 "));
        assert_ne!(keys.user("42"), PersonKeys::new(&secrets, "ws_b").user("42"));
        assert_ne!(keys.customer("con", "42"), keys.customer("con4", "2"));
        assert_eq!(keys.email(" Ada@Example.com "), keys.email("ada@example.com"));
        assert!(keys.email("ada").is_none());
    }
}
