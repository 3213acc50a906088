//! The OpenAPI 3.1 document of every route, and the types that only describe.
//! The page that shows it is `dashboard/docs.rs`.

use domain::attribution::MODELS;
use domain::report::{DIMENSIONS, Dimension};
use serde::Serialize;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Required, Schema};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};

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

/// The parameters every report takes.
pub struct ReportParams;

/// The parameters of the list of orders.
pub struct OrdersParams;

impl IntoParams for ReportParams {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let models: Vec<&str> = MODELS.iter().map(|model| model.name()).collect();
        let mut params = vec![
            text("from", "First day, YYYY-MM-DD. Default: thirty days back.", &[]),
            text("to", "Last day, included. Default: today.", &[]),
            text(
                "period",
                "A period by name, instead of from and to.",
                &["today", "yesterday", "7d", "30d", "90d", "365d", "month", "last_month", "year"],
            ),
            text("model", "The rule that divides an order's money. Default: last_non_direct.", &models),
            list(
                "group_by",
                "One or more dimensions, separated by commas. Default: channel.",
                &DIMENSIONS.map(Dimension::name),
            ),
            text(
                "currency",
                "native: every currency in rows of its own (the default). report: converted to the workspace's report currency at the ECB's rate of the day each order was paid; what cannot be converted stays in rows of its own. A code like USD: only money in that currency.",
                &[],
            ),
            text("provider", "Only orders of this billing provider.", &[]),
            text("connection", "Only orders of this connection.", &[]),
            text(
                "basis",
                "Which money, after discount and before fees: without tax (net) or with it (gross). Default: what the workspace chose, else net.",
                &["net", "gross"],
            ),
            text(
                "date",
                "The day an amount is shown on: of its payment or refund, of its order, or of the visit that earned it.",
                &["cash", "order", "touch"],
            ),
            text(
                "compare",
                "Beside it: previous_period, previous_year, or two days as 2026-01-01..2026-01-31.",
                &[],
            ),
            text("interval", "Width of a bucket.", &["hour", "day", "week", "month"]),
            text(
                "sort",
                "A column; with - in front from large to small. Default: -net.",
                &[
                    "-net",
                    "net",
                    "-new",
                    "-renewal",
                    "-refunded",
                    "-orders",
                    "-visitors",
                    "-visits",
                    "-conversion",
                    "name",
                ],
            ),
            text("limit", "Most rows shown, 1 to 10000. Totals are over all rows.", &[]),
            text("format", "How the answer is written.", &["json", "csv", "text"]),
        ];
        params.extend(DIMENSIONS.iter().flat_map(|dimension| {
            let title = dimension.title().to_lowercase();
            [
                text(
                    &format!("filter[{}]", dimension.name()),
                    &format!("Only this {title}; repeat for several."),
                    &[],
                ),
                text(&format!("filter[{}][not]", dimension.name()), &format!("Every {title} but this."), &[]),
            ]
        }));
        params
    }
}

impl IntoParams for OrdersParams {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let of_reports = ReportParams::into_params(place).into_iter();
        let useful = |param: &Parameter| {
            let name = param.name.as_str();
            name.starts_with("filter[")
                || ["from", "to", "period", "model", "currency", "provider", "connection"].contains(&name)
        };
        let mut params: Vec<Parameter> = of_reports.filter(useful).collect();
        params.push(text("after", "The `after` of the page before.", &[]));
        params.push(text("limit", "Orders of one page, 1 to 500. Default: 50.", &[]));
        params
    }
}

fn words(values: &[&str]) -> ObjectBuilder {
    let values =
        (!values.is_empty()).then(|| values.iter().copied().map(serde_json::Value::from).collect::<Vec<_>>());
    ObjectBuilder::new().schema_type(Type::String).enum_values(values)
}

fn text(name: &str, description: &str, values: &[&str]) -> Parameter {
    parameter(name, description, Schema::from(words(values).build()).into())
}

fn list(name: &str, description: &str, values: &[&str]) -> Parameter {
    parameter(name, description, Schema::from(ArrayBuilder::new().items(words(values)).build()).into())
}

fn parameter(name: &str, description: &str, schema: RefOr<Schema>) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// The answer of a report. Each row also holds the values of the dimensions grouped by, under their names;
/// timeseries, models, paths, timing, match-quality and rejects have columns of their own.
#[derive(Serialize, ToSchema)]
pub struct ReportAnswer {
    pub meta: AnswerMeta,
    pub rows: Vec<AnswerRow>,
    /// One per currency, over all rows.
    pub totals: Vec<AnswerRow>,
    /// One per currency.
    pub reconciliation: Vec<AnswerReconciliation>,
}

/// The question as it was understood.
#[derive(Serialize, ToSchema)]
pub struct AnswerMeta {
    pub report: String,
    /// The question in words.
    pub sentence: String,
    pub from: String,
    pub to: String,
    pub timezone: String,
    pub model: String,
    /// `net` or `gross`.
    pub basis: String,
    pub date: String,
    /// `native`, `report`, or the one currency asked for.
    pub currency: String,
    pub group_by: Vec<String>,
    pub rows_total: u64,
    /// Where visitors are counted: true when visitors and visits were counted one by one, false when the period has
    /// more than 500,000 visits and visitors are within half a percent. Money is always exact.
    pub visitors_exact: Option<bool>,
    /// In the report currency only: how amounts came into it.
    pub conversions: Option<AnswerConversions>,
}

/// What to know of a report in the report currency. Minor units.
#[derive(Serialize, ToSchema)]
pub struct AnswerConversions {
    /// The report currency.
    pub currency: String,
    /// Orders paid in the period that were converted, each once, at the European Central Bank's rate of its day (UTC).
    pub converted_orders: u64,
    /// First and last of the days whose rates were used.
    pub rate_days: Option<AnswerDays>,
    /// `ecb`, or `ecb file` for imported rates.
    pub sources: Vec<String>,
    /// Refunds are converted at the rate of their order. How much more they would take at the rates of their own days:
    /// exchange differences, which are in no channel.
    pub refunds_at_own_day: i64,
    pub not_converted: Vec<AnswerNotConverted>,
}

/// Two days, both included.
#[derive(Serialize, ToSchema)]
pub struct AnswerDays {
    pub from: String,
    pub to: String,
}

/// Orders that stand in their own currency.
#[derive(Serialize, ToSchema)]
pub struct AnswerNotConverted {
    pub currency: String,
    /// `waiting` (the rate of the day has not come yet) or `not_carried` (there is none).
    pub why: String,
    pub orders: u64,
    /// What is left of them, in their own currency.
    pub net: i64,
}

/// Numbers of one row.
#[derive(Serialize, ToSchema)]
pub struct AnswerRow {
    pub currency: String,
    /// The same on each currency's row; null when grouped by product, provider or connection.
    pub visitors: Option<u64>,
    pub visits: Option<u64>,
    /// Exact to six digits: parts of orders that models divide.
    pub orders: f64,
    /// Orders that are no renewal.
    pub new_orders: f64,
    pub revenue: AnswerRevenue,
    /// Part of the currency's net revenue.
    pub share: Option<f64>,
    /// New orders for each visitor.
    pub conversion: Option<f64>,
}

/// Minor units of the row's currency; the first three add up to the last.
#[derive(Serialize, ToSchema)]
pub struct AnswerRevenue {
    pub new: i64,
    pub renewal: i64,
    /// Zero or below.
    pub refunded: i64,
    pub net: i64,
}

/// What the provider was paid = attributed + direct + unattributed. Minor units.
#[derive(Serialize, ToSchema)]
pub struct AnswerReconciliation {
    pub currency: String,
    pub provider_net: i64,
    pub attributed: i64,
    pub direct: i64,
    pub unattributed: i64,
    /// By visit date only: credits of the same orders on other days.
    pub outside_period: Option<i64>,
    /// Zero.
    pub difference: i64,
    /// In the report currency only: true on the line of money for which no rate is known, in its own currency.
    pub not_converted: Option<bool>,
}
