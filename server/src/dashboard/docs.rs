//! `/docs`: the OpenAPI document as a page, rendered here: no script from elsewhere, readable without any.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::page::shown;
use crate::app::App;
use crate::http::codes;

struct Parameter {
    name: String,
    place: String,
    description: String,
    values: String,
}

struct Operation {
    method: String,
    path: String,
    anchor: String,
    summary: String,
    description: String,
    parameters: Vec<Parameter>,
    /// Status of success, and the name of the shape it comes with.
    status: String,
    shape: Option<String>,
}

struct Refusal {
    code: &'static str,
    status: u16,
    means: String,
}

struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

struct Field {
    name: String,
    kind: String,
    description: String,
}

struct Shape {
    name: String,
    description: String,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    workspace: &'static str,
    version: String,
    description: String,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    refusals: Vec<Refusal>,
}

pub(super) fn routes(api: utoipa::openapi::OpenApi) -> Router<App> {
    let document = serde_json::to_value(&api).unwrap_or_default();
    Router::new().route("/docs", get(async move || page(&document)))
}

fn page(document: &Value) -> Response {
    let tags = document["tags"].as_array().cloned().unwrap_or_default();
    let groups = tags.iter().map(|tag| Group {
        name: text(&tag["name"]),
        description: prose(&tag["description"]),
        operations: operations(document, &text(&tag["name"])),
    });
    let schemas = document["components"]["schemas"].as_object();
    let shapes = schemas.into_iter().flatten().map(|(name, schema)| Shape {
        name: name.clone(),
        description: prose(&schema["description"]),
        fields: fields(schema),
    });
    shown(&Docs {
        workspace: "",
        version: text(&document["info"]["version"]),
        description: prose(&document["info"]["description"]),
        groups: groups.filter(|group| !group.operations.is_empty()).collect(),
        shapes: shapes.collect(),
        refusals: codes::all()
            .into_iter()
            .map(|listed| Refusal {
                code: listed.code,
                status: listed.status.as_u16(),
                means: marked(listed.means),
            })
            .collect(),
    })
}

fn operations(document: &Value, tag: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let tagged =
                operation["tags"].as_array().is_some_and(|tags| tags.iter().any(|known| known == tag));
            if !tagged {
                continue;
            }
            let parameters =
                operation["parameters"].as_array().into_iter().flatten().map(|parameter| Parameter {
                    name: text(&parameter["name"]),
                    place: text(&parameter["in"]),
                    description: prose(&parameter["description"]),
                    values: values(&parameter["schema"]),
                });
            let (status, shape) = answer(operation);
            let shape = shape.filter(|name| document["components"]["schemas"][name].is_object());
            found.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                anchor: format!("{method}{}", path.replace(['/', '{', '}'], "-")),
                summary: prose(&operation["summary"]),
                description: prose(&operation["description"]),
                parameters: parameters.collect(),
                status,
                shape,
            });
        }
    }
    found
}

/// The status of success, and the name of what it answers with.
fn answer(operation: &Value) -> (String, Option<String>) {
    let success =
        ["200", "201", "202", "204"].into_iter().find(|status| operation["responses"][status].is_object());
    let Some(status) = success else { return (String::new(), None) };
    let content = operation["responses"][status]["content"].as_object();
    (status.to_owned(), content.into_iter().flatten().map(|(_, body)| kind(&body["schema"])).next())
}

/// A text of the document as HTML: `names` in backticks as code, nothing else.
fn prose(value: &Value) -> String {
    marked(value.as_str().unwrap_or_default())
}

fn marked(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let parts = escaped.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    });
    parts.collect()
}

fn values(schema: &Value) -> String {
    let list = schema["enum"].as_array().or_else(|| schema["items"]["enum"].as_array());
    list.map(|list| list.iter().map(text).collect::<Vec<_>>().join(", ")).unwrap_or_default()
}

fn fields(schema: &Value) -> Vec<Field> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fields = properties.map(|(name, property)| Field {
        name: name.clone(),
        kind: kind(property),
        description: prose(&property["description"]),
    });
    fields.collect()
}

/// A type in a few letters.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            names.iter().filter(|name| *name != "null").map(text).collect::<Vec<_>>().join(" or ")
                + ", or null"
        }
        _ => "object".to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::marked;

    #[test]
    fn texts_are_text_and_names_in_backticks_are_code() {
        assert_eq!(marked("a `b<c` & d"), "a <code>b&lt;c</code> &amp; d");
    }
}
