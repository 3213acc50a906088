//! Every `code` a problem document may carry, for the API's page and document. A code, once given, keeps its
//! meaning; a test finds codes that are used and not listed.

use axum::http::StatusCode;
use utoipa::openapi::{OpenApi, RefOr, Schema};

use crate::ingest::outcome::Outcome;

/// One code, the status it comes with, and what it says.
pub struct Code {
    pub code: &'static str,
    pub status: StatusCode,
    pub means: &'static str,
}

const fn code(code: &'static str, status: StatusCode, means: &'static str) -> Code {
    Code { code, status, means }
}

/// Codes of every route but those about one hit, which [`Outcome`] lists.
const CODES: &[Code] = &[
    code(
        "bad_signature",
        StatusCode::UNAUTHORIZED,
        "No secret of the workspace's connections made the webhook's signature.",
    ),
    code(
        "body.compressed",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body must come as it is, without Content-Encoding.",
    ),
    code("body.cut_off", StatusCode::BAD_REQUEST, "The body broke off before its end."),
    code("body.empty", StatusCode::BAD_REQUEST, "The body holds no hit."),
    code("body.too_long", StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than the route takes."),
    code("body.too_slow", StatusCode::REQUEST_TIMEOUT, "The body did not come in time."),
    code("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The webhook is longer than the settings allow."),
    code(
        "code_taken",
        StatusCode::CONFLICT,
        "A link has this code already, and a code is never given away twice.",
    ),
    code("exists", StatusCode::CONFLICT, "Something with this id exists already."),
    code(
        "foreign_destination",
        StatusCode::BAD_REQUEST,
        "A link leads to the workspace's own hosts only, by an address that reads.",
    ),
    code(
        "foreign_origin",
        StatusCode::FORBIDDEN,
        "A dashboard session may change things only from the dashboard's own pages.",
    ),
    code("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something failed on the server; its log says what."),
    code(
        "invalid_body",
        StatusCode::BAD_REQUEST,
        "The body does not read, or a field of it is not allowed; `detail` says which.",
    ),
    code(
        "invalid_parameter",
        StatusCode::BAD_REQUEST,
        "A parameter is unknown or has no such value; `field` names it.",
    ),
    code(
        "ledger_busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "The ledger of commissions changed in the same moment; nothing was done.",
    ),
    code("malformed_header", StatusCode::UNAUTHORIZED, "A webhook header does not read."),
    code("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The address does not take that method."),
    code("missing_header", StatusCode::UNAUTHORIZED, "A webhook header is missing."),
    code("missing_scope", StatusCode::FORBIDDEN, "The key lacks the scope the route needs."),
    code(
        "missing_token_scopes",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The provider's access token lacks scopes; `detail` names each.",
    ),
    code("month_open", StatusCode::CONFLICT, "A statement is made of a month that is over."),
    code("no_connection", StatusCode::NOT_FOUND, "The workspace has no connection to that provider."),
    code("no_paypal_account", StatusCode::NOT_FOUND, "The workspace has no PayPal account to pay from."),
    code("no_such_file", StatusCode::NOT_FOUND, "The pixel has no file of that name."),
    code(
        "no_such_page",
        StatusCode::NOT_FOUND,
        "There is no such page, or it is not the signed-in partner's.",
    ),
    code("no_such_route", StatusCode::NOT_FOUND, "There is nothing at the address."),
    code("no_token", StatusCode::CONFLICT, "The connection has no token to read the provider's lists with."),
    code("not_approved", StatusCode::CONFLICT, "The partner is not approved, and so makes no links."),
    code("not_unclaimed", StatusCode::CONFLICT, "The payment is not one PayPal holds unclaimed."),
    code("nothing_for_paypal", StatusCode::CONFLICT, "Nothing of the payout is left to be sent by PayPal."),
    code("nothing_to_pay", StatusCode::NOT_FOUND, "Nobody in the payout is paid that way."),
    code("other_workspace", StatusCode::FORBIDDEN, "The key is for another workspace than the caller named."),
    code("payout_closed", StatusCode::CONFLICT, "The payout was closed before, otherwise than asked."),
    code("paypal_failed", StatusCode::BAD_GATEWAY, "PayPal did not do it; `detail` says why."),
    code(
        "pixel_missing",
        StatusCode::SERVICE_UNAVAILABLE,
        "The pixel's files are not where the settings say.",
    ),
    code(
        "preview_outdated",
        StatusCode::CONFLICT,
        "What a preview showed is no longer what applying it would do; look again.",
    ),
    code(
        "provider_refused",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The provider does not do what was asked; `detail` says why.",
    ),
    code(
        "provider_unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "The provider does not answer now; try again shortly.",
    ),
    code(
        "secret_busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "The endpoint's secret was changed in the same moment; nothing was done.",
    ),
    code(
        "stale_timestamp",
        StatusCode::UNAUTHORIZED,
        "The webhook was signed too long ago, or a clock is wrong.",
    ),
    code(
        "store_unavailable",
        StatusCode::SERVICE_UNAVAILABLE,
        "ClickHouse did not answer; try again shortly.",
    ),
    code("token_refused", StatusCode::UNPROCESSABLE_ENTITY, "The provider refuses the access token."),
    code(
        "too_many_asks",
        StatusCode::TOO_MANY_REQUESTS,
        "Somebody of the network asked for sign-in links too often; wait as told.",
    ),
    code("too_many_links", StatusCode::CONFLICT, "The partner has as many links as one may have."),
    code("truncated_body", StatusCode::BAD_REQUEST, "The webhook broke off before its end."),
    code("unauthorized", StatusCode::UNAUTHORIZED, "There is no valid key with the request."),
    code("unknown_asset", StatusCode::NOT_FOUND, "The workspace has no such asset."),
    code("unknown_commission", StatusCode::NOT_FOUND, "The workspace has no such commission."),
    code("unknown_connection", StatusCode::NOT_FOUND, "The workspace has no such connection."),
    code("unknown_coupon", StatusCode::NOT_FOUND, "The workspace has no such coupon."),
    code("unknown_delivery", StatusCode::NOT_FOUND, "The workspace has no such delivery of an event."),
    code("unknown_endpoint", StatusCode::NOT_FOUND, "The workspace has no such endpoint."),
    code("unknown_erasure", StatusCode::NOT_FOUND, "There is no erasure with that id."),
    code("unknown_flag", StatusCode::NOT_FOUND, "The workspace has no such flag."),
    code("unknown_group", StatusCode::NOT_FOUND, "The programme has no such group of partners."),
    code("unknown_key", StatusCode::NOT_FOUND, "There is no such key to revoke."),
    code("unknown_link", StatusCode::NOT_FOUND, "There is no link with that code."),
    code("unknown_order", StatusCode::NOT_FOUND, "The workspace has no order with that id."),
    code("unknown_partner", StatusCode::NOT_FOUND, "The workspace has no such partner."),
    code("unknown_payout", StatusCode::NOT_FOUND, "The workspace has no such payout."),
    code("unknown_program", StatusCode::NOT_FOUND, "The workspace has no such affiliate programme."),
    code("unknown_provider", StatusCode::NOT_FOUND, "There is no provider of that name."),
    code("unknown_statement", StatusCode::NOT_FOUND, "No statement of that month was made."),
    code(
        "unknown_webhook",
        StatusCode::NOT_FOUND,
        "There is no such failed webhook, or the provider has no endpoint of ours.",
    ),
    code("unknown_workspace", StatusCode::NOT_FOUND, "There is no such workspace, or it is gone."),
    code(
        "unreadable_file",
        StatusCode::UNPROCESSABLE_ENTITY,
        "The file as a whole does not read; `detail` says why and what to do.",
    ),
    code("visitor_not_signed", StatusCode::BAD_REQUEST, "Only a signed visitor id can be handed over."),
    code(
        "with_paypal",
        StatusCode::CONFLICT,
        "What is left of the payout is with PayPal, which says how it ends.",
    ),
    code("wrong_status", StatusCode::CONFLICT, "There is no such step from where the partner stands."),
];

/// Every code, by name.
pub fn all() -> Vec<Code> {
    let refusals = Outcome::ALL.iter().filter(|outcome| !outcome.status().is_success());
    let of_hits = refusals.map(|outcome| code(outcome.code(), outcome.status(), outcome.sentence()));
    let listed = CODES.iter().map(|&Code { code, status, means }| Code { code, status, means });
    let mut all: Vec<Code> = listed.chain(of_hits).collect();
    all.sort_by_key(|listed| listed.code);
    all
}

/// Lists the codes in the description of a problem document.
pub fn describe(api: &mut OpenApi) {
    let schemas = api.components.as_mut().map(|components| &mut components.schemas);
    if let Some(RefOr::T(Schema::Object(problem))) = schemas.and_then(|schemas| schemas.get_mut("Problem"))
        && let Some(RefOr::T(Schema::Object(field))) = problem.properties.get_mut("code")
    {
        let mut names: Vec<serde_json::Value> = all().iter().map(|listed| listed.code.into()).collect();
        names.dedup();
        field.enum_values = Some(names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words in quotes that follow the making of a problem, in all source files.
    fn used(dir: &std::path::Path, codes: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                used(&path, codes);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for made in ["Problem::new(", "Problem::not_found(", "Problem::unavailable("] {
                for call in text.split(made).skip(1) {
                    // The code is the first or second argument; a sentence has spaces and a name has none.
                    let arguments: String = call.chars().take(120).collect();
                    let first = arguments.split('"').nth(1).unwrap_or_default();
                    let before = arguments.split('"').next().unwrap_or_default();
                    let is_code = before.len() < 60
                        && !before.contains([';', '{'])
                        && !first.is_empty()
                        && first.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
                    codes.extend(is_code.then(|| first.to_owned()));
                }
            }
        }
    }

    #[test]
    fn every_code_that_is_used_is_listed_once() {
        let mut codes = Vec::new();
        used(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
        assert!(codes.len() > 20, "{codes:?}");
        let listed = all();
        codes.retain(|code| !listed.iter().any(|known| known.code == code));
        assert!(codes.is_empty(), "used and not listed: {codes:?}");
        for pair in CODES.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} is listed twice, or not in order", pair[1].code);
        }
    }
}
