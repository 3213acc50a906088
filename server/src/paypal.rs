//! PayPal's Payouts API, as a client. Calls go the judged way out. What a call was answered with decides whether a batch
//! can have been accepted: that is never guessed. Never logs a receiver, a token or a body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use crate::control::paypal::Account;
use crate::outbound::{Outbound, Refused};

/// PayPal's own addresses, by environment.
pub const PRODUCTION: &str = "https://api-m.paypal.com";
pub const SANDBOX: &str = "https://api-m.sandbox.paypal.com";
/// Items of one page of a batch.
const PAGE: usize = 1000;
const PROBLEM_CHARS_MAX: usize = 300;

#[derive(Debug, Error)]
pub enum PaypalError {
    /// The batch was accepted before, under this id.
    #[error("PayPal has this batch already, as {0}")]
    Known(String),
    /// It was answered and not accepted; asked again later it may be.
    #[error("PayPal does not take it now: {0}")]
    NotNow(String),
    /// It was answered and will never be accepted as it is.
    #[error("PayPal refuses it: {0}")]
    Never(String),
    /// No answer, or none that says: it may have been accepted.
    #[error("PayPal did not answer: {0}")]
    Unknown(String),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl PaypalError {
    /// What went wrong with a call that moves nothing.
    fn harmless(self) -> PaypalError {
        match self {
            PaypalError::Known(why) | PaypalError::Never(why) | PaypalError::Unknown(why) => {
                PaypalError::NotNow(why)
            }
            other => other,
        }
    }
}

/// One payment to be sent.
#[derive(Debug, Clone)]
pub struct Payment {
    /// `itm_…`
    pub item: String,
    /// Personal data.
    pub receiver: String,
    /// As PayPal writes it.
    pub amount: String,
    pub currency: String,
    pub note: String,
}

/// A batch as PayPal tells it.
#[derive(Debug, Clone)]
pub struct SeenBatch {
    pub sender_batch_id: String,
    pub status: String,
    pub items: Vec<SeenItem>,
}

/// An item as PayPal tells it.
#[derive(Debug, Clone)]
pub struct SeenItem {
    /// Ours, `itm_…`.
    pub sender_item_id: String,
    pub id: String,
    pub transaction_id: String,
    pub status: String,
    pub amount: Amount,
    pub fee: Option<Amount>,
    /// PayPal's name of what is wrong.
    pub problem: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Amount {
    pub value: String,
    pub currency: String,
}

/// One account, with a token of its own for as long as it is kept: a few calls.
pub struct Paypal<'a> {
    outbound: &'a Outbound,
    base: Url,
    token: String,
}

impl<'a> Paypal<'a> {
    /// Signs in.
    pub async fn open(outbound: &'a Outbound, account: &Account) -> Result<Paypal<'a>, PaypalError> {
        let base = Url::parse(&account.base_url).map_err(|error| PaypalError::NotNow(error.to_string()))?;
        let mut paypal = Paypal { outbound, base, token: String::new() };
        let basic = STANDARD.encode(format!("{}:{}", account.client_id, account.secret));
        let request = paypal
            .request(Method::POST, "/v1/oauth2/token")?
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        // A call for a token moves nothing: whatever goes wrong with it, it can be made again.
        let answer = answered(request).await.map_err(PaypalError::harmless)?;
        paypal.token = text(&answer["access_token"]);
        match paypal.token.is_empty() {
            true => Err(PaypalError::NotNow("it gives no token".to_owned())),
            false => Ok(paypal),
        }
    }

    /// Sends a batch; answers PayPal's id of it.
    pub async fn send(
        &self,
        sender_batch_id: &str,
        subject: &str,
        payments: &[Payment],
    ) -> Result<String, PaypalError> {
        let items = payments.iter().map(|payment| {
            json!({
                "recipient_type": "EMAIL",
                "amount": { "value": payment.amount, "currency": payment.currency },
                "receiver": payment.receiver,
                "note": payment.note,
                "sender_item_id": payment.item,
                "recipient_wallet": "PAYPAL",
            })
        });
        let body = json!({
            "sender_batch_header": {
                "sender_batch_id": sender_batch_id,
                "recipient_type": "EMAIL",
                "email_subject": subject,
            },
            "items": items.collect::<Vec<_>>(),
        });
        let request = self.signed(Method::POST, "/v1/payments/payouts")?.json(&body);
        let answer = answered(request).await?;
        let id = text(&answer["batch_header"]["payout_batch_id"]);
        match id.is_empty() {
            true => Err(PaypalError::Unknown("its answer names no batch".to_owned())),
            false => Ok(id),
        }
    }

    /// A batch with all its items.
    pub async fn batch(&self, id: &str) -> Result<SeenBatch, PaypalError> {
        let mut seen = SeenBatch { sender_batch_id: String::new(), status: String::new(), items: Vec::new() };
        for page in 1.. {
            let path = format!("/v1/payments/payouts/{id}?page={page}&page_size={PAGE}&total_required=true");
            let answer = answered(self.signed(Method::GET, &path)?).await?;
            let header = &answer["batch_header"];
            seen.status = text(&header["batch_status"]);
            seen.sender_batch_id = text(&header["sender_batch_header"]["sender_batch_id"]);
            let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            seen.items.extend(items.iter().map(seen_item));
            if items.len() < PAGE {
                break;
            }
        }
        Ok(seen)
    }

    /// Cancels an item nobody claimed.
    pub async fn cancel(&self, item_id: &str) -> Result<(), PaypalError> {
        let path = format!("/v1/payments/payouts-item/{item_id}/cancel");
        answered(self.signed(Method::POST, &path)?.header("content-type", "application/json")).await?;
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, PaypalError> {
        let address = self.base.join(path).map_err(|error| PaypalError::NotNow(error.to_string()))?;
        Ok(self.outbound.request(method, address)?)
    }

    fn signed(&self, method: Method, path: &str) -> Result<RequestBuilder, PaypalError> {
        Ok(self.request(method, path)?.header("authorization", format!("Bearer {}", self.token)))
    }
}

async fn answered(request: RequestBuilder) -> Result<Value, PaypalError> {
    let unknown = |error: reqwest::Error| match crate::outbound::refusal(&error) {
        Some(refused) => PaypalError::Refused(refused),
        None => PaypalError::Unknown(error.without_url().to_string()),
    };
    let response = request.send().await.map_err(unknown)?;
    if response.status().is_success() {
        return response.json().await.map_err(unknown);
    }
    Err(failure(response).await)
}

/// What an answer that is no success says of whether the call was accepted.
async fn failure(response: Response) -> PaypalError {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    let detail = &body["details"][0];
    let known = text(&detail["link"][0]["href"]);
    if status == StatusCode::BAD_REQUEST && text(&detail["field"]).eq_ignore_ascii_case("sender_batch_id") {
        let id = known.rsplit('/').next().unwrap_or_default();
        if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return PaypalError::Known(id.to_owned());
        }
        return PaypalError::Unknown("it names a batch of this id and not which".to_owned());
    }
    let words = [text(&body["name"]), text(&body["error"]), text(&detail["field"]), text(&detail["issue"])];
    let said: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let said: String =
        format!("{} {}", status.as_u16(), said.join(" ")).chars().take(PROBLEM_CHARS_MAX).collect();
    match status.as_u16() {
        // Signing in, rights, money in the account, calls a minute: a person or time mends it.
        401 | 403 | 422 | 429 => PaypalError::NotNow(said),
        400 | 404 | 405 | 406 | 409 | 413 | 415 => PaypalError::Never(said),
        _ => PaypalError::Unknown(said),
    }
}

fn seen_item(item: &Value) -> SeenItem {
    let amount = |value: &Value| serde_json::from_value(value.clone()).unwrap_or_default();
    SeenItem {
        sender_item_id: text(&item["payout_item"]["sender_item_id"]),
        id: text(&item["payout_item_id"]),
        transaction_id: text(&item["transaction_id"]),
        status: text(&item["transaction_status"]),
        amount: amount(&item["payout_item"]["amount"]),
        fee: item.get("payout_item_fee").map(amount),
        problem: text(&item["errors"]["name"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
