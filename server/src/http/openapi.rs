//! The OpenAPI 3.1 document of every route.
//! The page that shows it is `dashboard/docs.rs`.

mod answers;
mod params;

use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Required, Schema};
use utoipa::{Modify, OpenApi};

pub use answers::ReportAnswer;
use params::words;
pub use params::{OrdersParams, ReportParams};

/// The document, to which the routers add their paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tributary",
        description = "Which channel earned what, to the cent. Amounts are whole minor units with their currency \
                       beside them; days are days in the workspace's time zone, both ends included; errors are \
                       problem documents (RFC 9457) with a stable `code`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "Reports", description = "Questions about money, visits and matching."),
        (name = "Orders", description = "Orders, and the explanation of each."),
        (name = "Affiliates", description = "Programmes, partners, links, commissions and payouts."),
        (name = "Events", description = "Endpoints that are told what happened, and every delivery to them."),
        (name = "Keys", description = "API keys; needs the scope `admin`."),
        (name = "Collector", description = "What browsers and billing providers send."),
        (name = "Operation", description = "Health, metrics and this document.")
    ),
    modifiers(&Keys, &Plain),
    security(("key" = []), ("session" = []))
)]
pub struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, `trb_live_…`; make one with `tributary key create`."))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(super::auth::SESSION_COOKIE, "The dashboard's session.");
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Routes outside `/v1/reports`, `/v1/orders` and `/v1/keys`, whose bodies have formats of their own: method, path,
/// tag, what it does, more of it, and the status of success.
const PLAIN: [(HttpMethod, &str, &str, &str, &str, &str); 14] = [
    (
        HttpMethod::Post,
        "/c",
        "Collector",
        "Take hits from a browser.",
        "One hit or a list of up to 100, as text/plain or JSON. Answered once the hits are durable; each refused one is named with its code. Of `identify` the e-mail and user id are kept as keyed hashes and `traits` not at all. Needs no key: the workspace's origins only. 429 with Retry-After for senders that are too fast.",
        "202",
    ),
    (
        HttpMethod::Post,
        "/c/handover",
        "Collector",
        "Take a visitor along to a sister site.",
        "From {ws, visitor}, the visitor in its signed form, to {handover}: a token, good for ten minutes, that the next page of the workspace sends with its first hit. Needs no key: the workspace's origins only.",
        "200",
    ),
    (
        HttpMethod::Post,
        "/c/forget",
        "Collector",
        "Take the visitor cookie back.",
        "From {ws, cookie_domain}: expires the cookie of this host, for a page of another one whose visitor withdrew consent. Names and stores nobody. Needs no key: the workspace's origins only.",
        "204",
    ),
    (
        HttpMethod::Get,
        "/c.gif",
        "Collector",
        "Take a page view without a script.",
        "An image of one pixel. Who has the visitor cookie is followed; else the view counts and nobody is. Needs no key.",
        "200",
    ),
    (
        HttpMethod::Get,
        "/r/{code}",
        "Collector",
        "Follow a partner's link.",
        "Records the click, sets the visitor cookie and leads to the link's landing page, or with `to` to another page of the workspace's hosts: a path, or a whole address. Tags utm_… go along. A link that is archived leads on and counts nothing. Needs no key.",
        "302",
    ),
    (
        HttpMethod::Get,
        "/p.js",
        "Collector",
        "The pixel's loader.",
        "What the script tag names. Needs no key.",
        "200",
    ),
    (
        HttpMethod::Get,
        "/p/{file}",
        "Collector",
        "The pixel itself.",
        "Named by its content, so it never changes. Needs no key.",
        "200",
    ),
    (
        HttpMethod::Post,
        "/webhooks/{provider}/{workspace}",
        "Collector",
        "Take an event of a billing provider.",
        "Signed by the provider; 401 for a bad signature, 404 for an unknown workspace. Answered once the event is durable.",
        "202",
    ),
    (
        HttpMethod::Post,
        "/v1/import/hits",
        "Collector",
        "Import history.",
        "A list of {user_agent, country, hits}, whose times are believed. Needs the scope `write`.",
        "202",
    ),
    (HttpMethod::Get, "/healthz", "Operation", "Whether the process lives.", "Needs no key.", "200"),
    (
        HttpMethod::Get,
        "/readyz",
        "Operation",
        "Whether this process can do its work.",
        "503 when the control store does not answer or the inbox cannot take more, and without ClickHouse where nothing is collected; the state of each in any case. Needs no key.",
        "200",
    ),
    (HttpMethod::Get, "/metrics", "Operation", "Figures for Prometheus.", "Text exposition format.", "200"),
    (HttpMethod::Get, "/v1/openapi.json", "Operation", "This document.", "Needs no key.", "200"),
    (HttpMethod::Get, "/docs", "Operation", "This document as a page.", "Needs no key.", "200"),
];

struct Plain;

impl Modify for Plain {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for (method, path, tag, summary, description, status) in PLAIN {
            let mut operation = OperationBuilder::new()
                .tag(tag)
                .summary(Some(summary))
                .description(Some(description))
                .response(status, ResponseBuilder::new().description("Done.").build());
            for name in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let given = ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .schema(Some(Schema::from(words(&[]).build())));
                operation = operation.parameter(given);
            }
            openapi.paths.add_path_operation(path, vec![method], operation.build());
        }
    }
}
