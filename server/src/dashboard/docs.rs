//! `/docs`: the OpenAPI document as a page, rendered here: no script from elsewhere, readable without any.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::page::shown;
use crate::app::App;
use crate::http::codes;

/// A run of a text: words, or a name shown as code.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: String,
    is_code: bool,
}

type Prose = Vec<Part>;

struct Parameter {
    name: String,
    place: String,
    description: Prose,
    values: String,
}

struct Operation {
    method: String,
    path: String,
    anchor: String,
    summary: Prose,
    description: Prose,
    parameters: Vec<Parameter>,
    /// Status of success, and the name of the shape it comes with.
    status: String,
    shape: Option<String>,
}

struct Refusal {
    code: &'static str,
    status: u16,
    means: Prose,
}

struct Group {
    name: String,
    description: Prose,
    operations: Vec<Operation>,
}

struct Field {
    name: String,
    kind: String,
    description: Prose,
}

struct Shape {
    name: String,
    description: Prose,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    workspace: &'static str,
    version: String,
    description: Prose,
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

/// A text of the document: its names stand in backticks.
fn prose(value: &Value) -> Prose {
    marked(value.as_str().unwrap_or_default())
}

fn marked(text: &str) -> Prose {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| Part { text: part.to_owned(), is_code: at % 2 == 1 });
    parts.filter(|part| !part.text.is_empty()).collect()
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
        let parts = marked("a `b<c` & d");
        let read: Vec<(&str, bool)> = parts.iter().map(|part| (part.text.as_str(), part.is_code)).collect();
        assert_eq!(read, [("a ", false), ("b<c", true), (" & d", false)]);
    }
}
