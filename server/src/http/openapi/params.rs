//! What the questions take in their addresses: types that only describe.

use domain::attribution::MODELS;
use domain::report::{DIMENSIONS, Dimension};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Schema};

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

pub(super) fn words(values: &[&str]) -> ObjectBuilder {
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
