//! Polar's webhook signature: HMAC-SHA256 over `id.timestamp.body`, with the two ways a secret becomes a key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A secret and how it becomes a key. Which one applies is a property of the endpoint, not of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "secret", rename_all = "lowercase")]
pub enum Secret {
    /// `whsec_` and base64: the key is what the base64 stands for. Generated since 2026-09-08.
    Standard(String),
    /// Anything: the key is the bytes of the whole text, prefix and all. Older or given by the merchant.
    Legacy(String),
}

impl Secret {
    /// A fresh secret of the current kind.
    #[must_use]
    pub fn generate(key: [u8; 32]) -> Secret {
        Secret::Standard(format!("whsec_{}", STANDARD.encode(key)))
    }

    /// The text the merchant sees.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Secret::Standard(text) | Secret::Legacy(text)) = self;
        text
    }

    /// The bytes that sign. A standard secret that is no base64 signs with its bytes.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        match self {
            Secret::Standard(text) => STANDARD
                .decode(text.strip_prefix("whsec_").unwrap_or(text))
                .unwrap_or_else(|_| text.clone().into_bytes()),
            Secret::Legacy(text) => text.clone().into_bytes(),
        }
    }

    /// The value of `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key()).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn signatures_match_polars_vectors() {
        let text = include_str!("../../../../tests/fixtures/polar/signature-vectors.json");
        let vectors: serde_json::Value = serde_json::from_str(text).expect("the vectors are JSON");
        let vectors = vectors["vectors"].as_array().expect("a list of vectors");
        for vector in vectors {
            let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
            let (name, secret, headers) =
                (text(&vector["name"]), text(&vector["secret"]), &vector["headers"]);
            let timestamp = text(&headers["webhook-timestamp"]).parse().expect("seconds");
            let sign = |secret: Secret| {
                secret.sign(&text(&headers["webhook-id"]), timestamp, &text(&vector["body"]))
            };
            let given = text(&headers["webhook-signature"]);
            let ours = [sign(Secret::Standard(secret.clone())), sign(Secret::Legacy(secret.clone()))];
            let is_match = given.split(' ').any(|one| ours.iter().any(|ours| ours == one));
            assert_eq!(Some(is_match), vector["valid"].as_bool(), "{name}");
            if name.starts_with("standard") {
                assert_eq!(given, ours[0], "{name}");
            }
            if name.starts_with("legacy") {
                assert_eq!(given, ours[1], "{name}");
            }
        }
        assert_eq!(vectors.len(), 9);
    }
}
