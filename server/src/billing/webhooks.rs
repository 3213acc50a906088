//! Our webhook endpoint at a provider: made there, found again instead of made twice, mended when it does not send what
//! is needed, and given another secret. Never saves anything here: the caller keeps the secret.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::Provider;
use super::http::{ApiError, Page, change, get};
use crate::control::connections::Connection;
use crate::outbound::Outbound;

/// Secrets that may sign at the same time: the newest, and the one before it while deliveries made with it are on
/// their way.
pub const SECRETS_MAX: usize = 2;

/// What was done at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// There was none of ours.
    Created,
    /// Ours was there and sends everything.
    Found,
    /// Ours was there: switched off, or of other events, format or version. It is right now.
    Mended,
    /// Ours was given another secret.
    Rotated,
}

/// Our endpoint as it is now.
#[derive(Debug)]
pub struct Endpoint {
    pub id: String,
    pub done: Done,
    /// What it signs with from now on.
    pub secret: SecretString,
}

/// Sees to it that the provider sends everything we need to `url`.
pub async fn ensure(
    outbound: &Outbound,
    provider: &dyn Provider,
    connection: &Connection,
    url: &str,
) -> Result<Endpoint, ApiError> {
    let (path, _) = provider.endpoints();
    let (wanted, scope) = provider.endpoint(url);
    let Some(found) = find(outbound, provider, connection, url).await? else {
        let made = change(outbound, provider, connection, Method::POST, path, &wanted, scope).await?;
        return read(&made, Done::Created);
    };
    if is_as(&found, &wanted) && found["enabled"] != false {
        return read(&found, Done::Found);
    }
    let Value::Object(mut fields) = wanted else { return Err(ApiError::Broken("it holds no endpoint")) };
    fields.insert("enabled".to_owned(), json!(true));
    let (path, fields) = (format!("{path}/{}", id(&found)?), Value::Object(fields));
    let mended = change(outbound, provider, connection, Method::PATCH, &path, &fields, scope).await?;
    read(&mended, Done::Mended)
}

/// Gives our endpoint another secret. The provider's old one stops at once; what it signed is still on its way.
pub async fn rotate(
    outbound: &Outbound,
    provider: &dyn Provider,
    connection: &Connection,
    url: &str,
) -> Result<Option<Endpoint>, ApiError> {
    let Some(found) = find(outbound, provider, connection, url).await? else { return Ok(None) };
    let (path, _) = provider.endpoints();
    let (_, scope) = provider.endpoint(url);
    let path = format!("{path}/{}/secret", id(&found)?);
    let changed = change(outbound, provider, connection, Method::PATCH, &path, &json!({}), scope).await?;
    read(&changed, Done::Rotated).map(Some)
}

/// The secrets with `newest` in front, each once, and no more than may be valid together.
pub fn with_secret(newest: SecretString, known: &[SecretString]) -> Vec<SecretString> {
    let others = known.iter().filter(|known| known.expose_secret() != newest.expose_secret());
    let others: Vec<SecretString> = others.take(SECRETS_MAX - 1).cloned().collect();
    [newest].into_iter().chain(others).collect()
}

/// The endpoint with our address; of several the one that is switched on.
async fn find(
    outbound: &Outbound,
    provider: &dyn Provider,
    connection: &Connection,
    url: &str,
) -> Result<Option<Value>, ApiError> {
    let (path, scope) = provider.endpoints();
    let mut ours: Vec<Value> = Vec::new();
    for page in 1.. {
        let query = [("limit", "100".to_owned()), ("page", page.to_string())];
        let read = Page::read(get(outbound, provider, connection, path, &query, scope).await?)?;
        ours.extend(read.items.into_iter().filter(|endpoint| endpoint["url"] == url));
        if page >= read.pages {
            break;
        }
    }
    ours.sort_by_key(|endpoint| endpoint["enabled"] == false);
    Ok(ours.into_iter().next())
}

/// Whether an endpoint has everything that is wanted; it may send more.
fn is_as(found: &Value, wanted: &Value) -> bool {
    let events = |of: &Value| -> Vec<String> {
        let events = of["events"].as_array().map_or(&[][..], Vec::as_slice);
        events.iter().filter_map(|event| event.as_str().map(str::to_owned)).collect()
    };
    let sent = events(found);
    events(wanted).iter().all(|event| sent.contains(event))
        && ["format", "api_version"]
            .iter()
            .all(|field| found[field].is_null() || found[field] == wanted[field])
}

fn id(endpoint: &Value) -> Result<&str, ApiError> {
    endpoint["id"].as_str().ok_or(ApiError::Broken("it holds no endpoint"))
}

fn read(endpoint: &Value, done: Done) -> Result<Endpoint, ApiError> {
    let secret = endpoint["secret"].as_str().filter(|secret| !secret.is_empty());
    let secret = secret.ok_or(ApiError::Broken("it holds no secret"))?;
    Ok(Endpoint { id: id(endpoint)?.to_owned(), done, secret: secret.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_are_valid_during_a_change_and_no_third() {
        let shown = |secrets: &[SecretString]| -> Vec<String> {
            secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
        };
        let first = with_secret("a".into(), &[]);
        let second = with_secret("b".into(), &first);
        assert_eq!(shown(&second), ["b", "a"]);
        assert_eq!(shown(&with_secret("b".into(), &second)), ["b", "a"], "the same again changes nothing");
        assert_eq!(shown(&with_secret("c".into(), &second)), ["c", "b"]);
    }

    #[test]
    fn an_endpoint_is_right_when_it_sends_what_is_needed_in_our_format_and_version() {
        let wanted = json!({ "events": ["order.paid"], "format": "raw", "api_version": "2026-10" });
        let with = |field: &str, value: Value| {
            let mut endpoint = json!({ "events": ["order.paid", "benefit.created"], "format": "raw", "api_version": "2026-10" });
            endpoint[field] = value;
            endpoint
        };
        assert!(is_as(&with("name", json!("x")), &wanted));
        for (field, value) in
            [("events", json!([])), ("format", json!("slack")), ("api_version", json!("2026-04"))]
        {
            assert!(!is_as(&with(field, value), &wanted), "{field}");
        }
    }
}
