//! The description of the API, made of the table that serves it.
//!
//! Source: OpenAPI Specification 3.1.1, whose schemas are JSON Schema 2020-12.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::PREFIX;
use super::ask::{is_nothing, properties};
use super::endpoints::{Operation, Table};
use super::problem::ProblemAnswer;

/// Gathers the schemas of answers.
pub(super) fn schemas() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

/// The whole document.
pub(super) fn document(table: &mut Table) -> Value {
    let problem = table.schemas.subschema_for::<ProblemAnswer>().to_value();
    let mut paths = Map::new();
    for operation in &table.operations {
        let path = paths.entry(format!("{PREFIX}{}", operation.path));
        let path = path.or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = described(operation, &problem);
    }
    let schemas = table.schemas.take_definitions(true);
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "auscult",
            "summary": "What a live service of auscult knows, and what people tell it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"password": []}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "password": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

fn described(operation: &Operation, problem: &Value) -> Value {
    let problem = |description: &str| {
        let content = json!({"application/json": {"schema": problem}});
        json!({"description": description, "content": content})
    };
    let mut parameters: Vec<Value> = Vec::new();
    let in_path = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')));
    let in_path = in_path.map(|name| {
        let schema = json!({"type": "integer", "minimum": 1});
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    parameters.extend(in_path);
    let has_id = !parameters.is_empty();
    let required = operation.query.get("required").and_then(Value::as_array);
    for (name, property) in properties(&operation.query).into_iter().flatten() {
        let is_required = required.is_some_and(|required| required.contains(&json!(name)));
        parameters.push(parameter(name, is_required, property));
    }
    let answer = operation.answer.clone().to_value();
    let content = json!({operation.content_type: {"schema": answer}});
    let mut responses = json!({
        operation.status.as_str(): {"description": "Done.", "content": content},
        "400": problem("The request is wrong."),
        "401": problem("It needs a user."),
        "403": problem("The user may not."),
        "default": problem("It cannot be done now."),
    });
    if has_id {
        responses["404"] = problem("There is nothing with this number.");
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Needs the role {}, where the service has users.", operation.needs),
        "parameters": parameters,
        "responses": responses,
    });
    if !operation.body.is_null() && !is_nothing(&operation.body) {
        let content = json!({"application/json": {"schema": operation.body}});
        described["requestBody"] = json!({"required": true, "content": content});
    }
    described
}

fn parameter(name: &str, is_required: bool, property: &Value) -> Value {
    let mut schema = property.clone();
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    // That a parameter may be left out is said by `required`.
    without_null(&mut schema);
    json!({
        "name": name, "in": "query", "required": is_required, "schema": schema,
        "description": description.unwrap_or_default(),
    })
}

fn without_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type")
        && let Some(several) = kinds.as_array_mut()
    {
        several.retain(|kind| kind != "null");
        if let [one] = several.as_slice() {
            *kinds = one.clone();
        }
    }
    if let Some(several) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        several.retain(|one| one.get("type").is_none_or(|kind| kind != "null"));
    }
}
