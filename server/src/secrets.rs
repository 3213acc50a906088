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
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::effects::random_bytes;

#[derive(Debug, Error)]
pub enum SecretsError {
    #[error(
        "secret_key has {0} characters; use at least 32 random ones (for example from `openssl rand -hex 32`)"
    )]
    TooShort(usize),
    #[error(
        "the key file {path} has {characters} characters of at least 32: it was cut; restore it from a backup. Only where \
         nothing was sealed yet may it be removed, so that a new one is made"
    )]
    KeyFileTooShort { path: std::path::PathBuf, characters: usize },
    #[error("cannot use the key file {path}: {source}")]
    KeyFile { path: std::path::PathBuf, source: std::io::Error },
    #[error(
        "a sealed value does not open: secret_key is not the one it was sealed with, or the value was moved or damaged"
    )]
    DoesNotOpen,
    #[error(
        "what an earlier operator's key left does not read: {0}; restore the control store from a backup"
    )]
    Carried(String),
}

/// What is shorter is no key: guessed, or cut by a full disk.
const KEY_CHARACTERS_MIN: usize = 32;

/// Keys derived from the operator's one key, each for one purpose.
#[derive(Clone)]
pub struct Secrets {
    sealing: [u8; 32],
    /// Of operator's keys before this one, newest first: they open and never seal.
    sealing_before: Vec<[u8; 32]>,
    /// Of the first operator's key, for ever: hashes of one address have to meet.
    email: [u8; 32],
    /// Newest first: it signs, all of them are believed, since an order's metadata may hold what an old one signed.
    visitors: Vec<(String, [u8; 32])>,
    session: [u8; 32],
}

/// What the next operator's key has to know of the ones before; stored sealed under it.
#[derive(Serialize, Deserialize)]
struct Carried {
    sealing: Vec<[u8; 32]>,
    email: [u8; 32],
    visitors: Vec<(String, [u8; 32])>,
}

/// In the data folder: the operator's key when none is configured.
const KEY_FILE: &str = "secret.key";

/// Second characters of the ids of keys that sign visitor ids, in the order of their making.
const KEY_IDS: &str = "123456789abcdefghijklmnopqrstuvwxyz";

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
            return if configured.len() < KEY_CHARACTERS_MIN {
                Err(SecretsError::TooShort(configured.len()))
            } else {
                Ok(Secrets::derive(configured.as_bytes()))
            };
        }
        let path = data_dir.join(KEY_FILE);
        let key = match kept_key(&path) {
            Ok(key) => key,
            Err(source) => return Err(SecretsError::KeyFile { path, source }),
        };
        let key = key.trim();
        if key.len() < KEY_CHARACTERS_MIN {
            return Err(SecretsError::KeyFileTooShort { path, characters: key.len() });
        }
        Ok(Secrets::derive(key.as_bytes()))
    }

    /// As [`Secrets::load`], but makes no key: none when none is configured or kept.
    pub fn look(configured: &SecretString, data_dir: &Path) -> Result<Option<Secrets>, SecretsError> {
        match configured.expose_secret().is_empty() && !data_dir.join(KEY_FILE).exists() {
            true => Ok(None),
            false => Secrets::load(configured, data_dir).map(Some),
        }
    }

    fn derive(master: &[u8]) -> Secrets {
        let key = |purpose: &str| -> [u8; 32] { mac(master, purpose.as_bytes()) };
        Secrets {
            sealing: key("tributary sealing 1"),
            sealing_before: Vec::new(),
            email: key("tributary email 1"),
            visitors: vec![("k1".to_owned(), key("tributary visitor 1"))],
            session: key("tributary session 1"),
        }
    }

    /// What the operator's key that comes after this one has to know, to be stored sealed under that one.
    pub fn carried(&self) -> Vec<u8> {
        let sealing = std::iter::once(&self.sealing).chain(&self.sealing_before).copied().collect();
        let carried = Carried { sealing, email: self.email, visitors: self.visitors.clone() };
        serde_json::to_vec(&carried).expect("bytes and texts")
    }

    /// These keys with what [`Secrets::carried`] said of the ones before.
    pub fn after(self, carried: &[u8]) -> Result<Secrets, SecretsError> {
        // Not serde's words: they may quote a key.
        let Carried { sealing, email, visitors } = serde_json::from_slice(carried)
            .map_err(|error| SecretsError::Carried(format!("byte {}", error.column())))?;
        let id = KEY_IDS.chars().nth(visitors.len()).map(|id| format!("k{id}"));
        let id = id.ok_or_else(|| SecretsError::Carried(format!("{} keys are too many", visitors.len())))?;
        let own = self.visitors.into_iter().next().map(|(_, key)| (id, key));
        Ok(Secrets {
            sealing_before: sealing,
            email,
            visitors: own.into_iter().chain(visitors).collect(),
            ..self
        })
    }

    /// The same value sealed anew, when a key of before sealed it; none when this one did.
    pub fn resealed(&self, place: &str, sealed: &str) -> Result<Option<String>, SecretsError> {
        let bytes = BASE64.decode(sealed).map_err(|_| SecretsError::DoesNotOpen)?;
        Ok(self.resealed_bytes(place, &bytes)?.map(|bytes| BASE64.encode(bytes)))
    }

    /// As [`Secrets::resealed`], as bytes.
    pub fn resealed_bytes(&self, place: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, SecretsError> {
        if open_with(&self.sealing, place, sealed).is_ok() {
            return Ok(None);
        }
        Ok(Some(self.seal_bytes(place, &self.open_bytes(place, sealed)?)))
    }

    /// Key of the e-mail hashes: one per installation, so that hashes of two installations never meet.
    pub fn email_key(&self) -> &[u8; 32] {
        &self.email
    }

    /// Signs and reads visitor ids.
    pub fn visitor_keys(&self) -> VisitorKeys {
        let keys = self.visitors.iter().map(|(id, key)| (id.as_str(), &key[..]));
        VisitorKeys::new(keys).expect("keys of 32 bytes, each with its id of two letters")
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
        let mut keys = std::iter::once(&self.sealing).chain(&self.sealing_before);
        keys.find_map(|key| open_with(key, place, sealed).ok()).ok_or(SecretsError::DoesNotOpen)
    }
}

fn open_with(key: &[u8; 32], place: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretsError> {
    let (nonce, body) = sealed.split_first_chunk::<12>().ok_or(SecretsError::DoesNotOpen)?;
    let cipher = Aes256Gcm::new(&(*key).into());
    let payload = Payload { msg: body, aad: place.as_bytes() };
    cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SecretsError::DoesNotOpen)
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

/// Writes a file only its owner can read: wholly or not at all, whatever the disk or the power does meanwhile.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = std::path::PathBuf::from(beside);
    // What a life before left half written may be somebody else's to read.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    std::fs::File::open(folder)?.sync_all()
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
    fn a_new_key_opens_what_the_old_one_sealed_and_the_old_one_nothing_of_the_new() {
        let first = Secrets::derive(b"the first");
        let second = Secrets::derive(b"the second").after(&first.carried()).unwrap();
        let third = Secrets::derive(b"the third").after(&second.carried()).unwrap();
        let sealed = first.seal("p", b"x");
        let again = third.resealed("p", &sealed).unwrap().expect("another key sealed it");
        assert_eq!(
            (third.open("p", &sealed).unwrap(), third.open("p", &again).unwrap()),
            (b"x".into(), b"x".into())
        );
        assert_eq!(third.resealed("p", &again).unwrap(), None);
        assert!(first.open("p", &again).is_err() && second.open("p", &again).is_err());
        assert!(third.resealed("q", &sealed).is_err(), "another place");

        assert_eq!(first.email_key(), third.email_key(), "hashes of one address meet");
        let visitor = domain::ids::VisitorId(7);
        let (old, new) =
            (first.visitor_keys().sign(visitor, "ws_a"), third.visitor_keys().sign(visitor, "ws_a"));
        assert!(new.contains("_k3"), "{new}");
        for signed in [old, new] {
            let read = third.visitor_keys().read(&signed, "ws_a").unwrap();
            assert_eq!(read, (visitor, domain::visitor_token::Evidence::Signed), "{signed}");
        }
        assert!(Secrets::derive(b"x").after(b"{}").is_err());
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
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left behind");
        assert!(matches!(
            Secrets::load(&SecretString::from("short"), dir.path()),
            Err(SecretsError::TooShort(5))
        ));
    }

    #[test]
    fn a_key_file_that_was_cut_is_refused_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        for cut in ["", "\n", "0123456789abcdef0123456789abcde\n"] {
            std::fs::write(&path, cut).unwrap();
            let loaded = Secrets::load(&SecretString::from(""), dir.path());
            assert!(matches!(loaded, Err(SecretsError::KeyFileTooShort { .. })), "{cut:?}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), cut);
        }
    }
}
