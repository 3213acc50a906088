//! The "buy via API" path: the shop's backend makes the checkout, with what the pixel says in its metadata.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::App;

/// What the button sends.
#[derive(Deserialize)]
pub(crate) struct Purchase {
    /// A slug of [`crate::pages::PLANS`].
    plan: String,
    /// What `tributary.checkoutMetadata()` answered; passed on as it is.
    #[serde(default)]
    metadata: Map<String, Value>,
}

/// Creates a checkout at Polar and answers where to go: `{"url": "…"}`.
pub(crate) async fn buy(app: App, Json(purchase): Json<Purchase>) -> Response {
    let Some(plan) = crate::pages::PLANS.iter().find(|plan| plan.slug == purchase.plan) else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "There is no such plan.");
    };
    let body = json!({
        "products": [plan.product_id],
        "metadata": purchase.metadata,
        "success_url": format!("{}/thanks?checkout_id={{CHECKOUT_ID}}", app.url),
        "return_url": format!("{}/pricing", app.url),
    });
    let request = app
        .client
        .post(format!("{}/v1/checkouts/", app.options.polar_url))
        .bearer_auth(&app.options.polar_token)
        // Pinned: an unpinned client changes contract every quarter.
        .header("polar-version", "2026-10")
        .json(&body);
    let answer = match request.send().await {
        Ok(answer) if answer.status().is_success() => answer.json::<Value>().await,
        Ok(answer) => {
            eprintln!("polar refused the checkout: {}", answer.status());
            return problem(
                StatusCode::BAD_GATEWAY,
                "The checkout could not be opened. Check the shop's token.",
            );
        }
        Err(error) => Err(error),
    };
    match answer.ok().and_then(|checkout| checkout["url"].as_str().map(str::to_owned)) {
        Some(url) => Json(json!({ "url": url })).into_response(),
        None => problem(StatusCode::BAD_GATEWAY, "Polar cannot be reached. Is it running?"),
    }
}

fn problem(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail }))).into_response()
}
