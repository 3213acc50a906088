//! The operator's key and what is derived from it: sealing, e-mail hashing, visitor and session signing.
//! Never logs a secret and never stores one unsealed.

use std::path::Path;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use domain::identity::EmailHasher;
use domain::visitor_token::VisitorKeys;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::effects::random_bytes;

#[derive(Debug, Error)]
pub enum SecretsError {
    #[error(
        "secret_key has {0} characters; use at least 32 random ones (for example from `openssl rand -hex 32`)"
    )]
    TooShort(usize),
    #[error("cannot use the key file {path}: {source}")]
    KeyFile { path: std::path::PathBuf, source: std::io::Error },
    #[error(
        "a sealed value does not open: secret_key is not the one it was sealed with, or the value was moved or damaged"
    )]
    DoesNotOpen,
}

/// Keys derived from the operator's one key, each for one purpose.
#[derive(Clone)]
pub struct Secrets {
    sealing: [u8; 32],
    email: [u8; 32],
    visitor: [u8; 32],
    session: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Uses the configured key, or the one kept (generated when missing) in `<data_dir>/secret.key`.
    pub fn load(configured: &SecretString, data_dir: &Path) -> Result<Secrets, SecretsError> {
        let configured = configured.expose_secret();
        if !configured.is_empty() {
            return if configured.len() < 32 {
                Err(SecretsError::TooShort(configured.len()))
            } else {
                Ok(Secrets::derive(configured.as_bytes()))
            };
        }
        let path = data_dir.join("secret.key");
        let key = kept_key(&path).map_err(|source| SecretsError::KeyFile { path, source })?;
        Ok(Secrets::derive(key.trim().as_bytes()))
    }

    fn derive(master: &[u8]) -> Secrets {
        let key = |purpose: &str| -> [u8; 32] { mac(master, purpose.as_bytes()) };
        Secrets {
            sealing: key("tributary sealing 1"),
            email: key("tributary email 1"),
            visitor: key("tributary visitor 1"),
            session: key("tributary session 1"),
        }
    }

    /// Key of the e-mail hashes: one per installation, so that hashes of two installations never meet.
    pub fn email_key(&self) -> &[u8; 32] {
        &self.email
    }

    /// Key that signs visitor ids.
    pub fn visitor_key(&self) -> &[u8; 32] {
        &self.visitor
    }

    /// Signs and reads visitor ids.
    pub fn visitor_keys(&self) -> VisitorKeys {
        VisitorKeys::new([("k1", &self.visitor[..])]).expect("one key of 32 bytes with a two-letter id")
    }

    /// Turns e-mail addresses of one workspace into keys.
    pub fn email_hasher(&self, workspace_id: &str) -> EmailHasher {
        EmailHasher::new(&self.email, workspace_id)
    }

    /// Signs a dashboard session's content.
    pub fn session_mac(&self, content: &[u8]) -> [u8; 32] {
        mac(&self.session, content)
    }

    /// Seals `plain` for one place: `place` (record id and field) is bound to it, so that a sealed
    /// value copied to another record does not open. Answer: base64 of nonce and ciphertext.
    pub fn seal(&self, place: &str, plain: &[u8]) -> String {
        BASE64.encode(self.seal_bytes(place, plain))
    }

    /// Opens what [`Secrets::seal`] made for the same place.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, SecretsError> {
        let bytes = BASE64.decode(sealed).map_err(|_| SecretsError::DoesNotOpen)?;
        self.open_bytes(place, &bytes)
    }

    /// As [`Secrets::seal`], as bytes: for bodies kept in the inbox.
    pub fn seal_bytes(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<12>();
        let cipher = Aes256Gcm::new(&self.sealing.into());
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed =
            cipher.encrypt(&Nonce::from(nonce), payload).expect("AES-GCM takes any message below 64 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what [`Secrets::seal_bytes`] made for the same place.
    pub fn open_bytes(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretsError> {
        let (nonce, body) = sealed.split_first_chunk::<12>().ok_or(SecretsError::DoesNotOpen)?;
        let cipher = Aes256Gcm::new(&self.sealing.into());
        let payload = Payload { msg: body, aad: place.as_bytes() };
        cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SecretsError::DoesNotOpen)
    }
}

fn kept_key(path: &Path) -> std::io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = hex(&random_bytes::<32>());
            write_private(path, key.as_bytes())?;
            Ok(key)
        }
        other => other,
    }
}

/// Writes a file only its owner can read.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn mac(key: &[u8], content: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(content);
    mac.finalize().into_bytes().into()
}

/// SHA-256 in hex: how API keys are stored (they are random, so no slow hash is needed).
pub fn sha256_hex(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_values_open_only_in_their_own_place() {
        let secrets = Secrets::derive(b"a test key that is long enough .");
        let sealed = secrets.seal("con_1/token", b"polar_oat_x");
        assert_eq!(secrets.open("con_1/token", &sealed).unwrap(), b"polar_oat_x");
        assert!(secrets.open("con_2/token", &sealed).is_err());
        assert!(Secrets::derive(b"another").open("con_1/token", &sealed).is_err());
        assert!(secrets.open("con_1/token", "AA").is_err());
    }

    #[test]
    fn generated_key_is_kept_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let none = SecretString::from("");
        let first = Secrets::load(&none, dir.path()).unwrap().seal("p", b"x");
        assert!(Secrets::load(&none, dir.path()).unwrap().open("p", &first).is_ok());
        let mode = std::fs::metadata(dir.path().join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(
            Secrets::load(&SecretString::from("short"), dir.path()),
            Err(SecretsError::TooShort(5))
        ));
    }
}
