//! An OpenAPI 3.1 document, held against the rules of the specification, and values held against
//! its schemas.
//!
//! Sources: OpenAPI Specification 3.1.1; JSON Schema 2020-12, as far as the service uses it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keywords that say nothing of whether a value is right.
const NOTES: [&str; 6] = ["description", "format", "default", "title", "examples", "deprecated"];

/// A document.
pub(crate) struct Description(Value);

/// Every `$ref` in `value`.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("`{other}` is no type"),
    }
}

impl Description {
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    /// Every operation: path, method, what is said of it.
    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().expect("paths").iter();
        paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").iter();
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
    }

    /// Holds the document against the rules.
    pub(crate) fn check(&self) {
        assert_eq!(self.0["openapi"], "3.1.1");
        assert!(self.0["info"]["title"].is_string() && self.0["info"]["version"].is_string());
        let mut found = Vec::new();
        references(&self.0, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("of this document");
            assert!(self.0.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        let mut ids = BTreeSet::new();
        for (path, method, operation) in self.operations() {
            let methods = ["get", "put", "post", "delete", "patch"];
            assert!(methods.contains(&method), "{path}: {method}");
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id), "{id} stands twice");
            assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{id}");
            let mut places = BTreeSet::new();
            for parameter in operation["parameters"].as_array().expect("parameters") {
                let (name, place) = (&parameter["name"], &parameter["in"]);
                assert!(places.insert((place.as_str().unwrap(), name.as_str().unwrap())));
                assert!(parameter["schema"].is_object(), "{id}: {name}");
                let is_described =
                    parameter["description"].as_str().is_some_and(|it| !it.is_empty());
                assert!(is_described || place == "path", "{id}: {name} is not described");
                assert!(place != "path" || parameter["required"] == true, "{id}: {name}");
            }
            let declared: Vec<&str> = places
                .iter()
                .filter(|(place, _)| *place == "path")
                .map(|(_, name)| *name)
                .collect();
            let mut named: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            named.sort_unstable();
            assert_eq!(declared, named, "{path}");
            let responses = operation["responses"].as_object().expect("responses");
            for (status, response) in responses {
                assert!(response["description"].is_string(), "{id}: {status}");
                let is_status = status.parse::<u16>().is_ok_and(|it| (100..600).contains(&it));
                assert!(is_status || status == "default", "{id}: {status}");
            }
        }
    }

    /// Paths that answer GET with JSON, the status, and the schema of the answer.
    pub(crate) fn answers_to_get(&self) -> Vec<(String, String, Value)> {
        let gets = self.operations().filter(|(_, method, _)| *method == "get");
        let answers = gets.filter_map(|(path, _, operation)| {
            let mut responses = operation["responses"].as_object()?.iter();
            let (status, response) = responses.find(|(status, _)| status.starts_with('2'))?;
            let schema = response["content"].get("application/json")?["schema"].clone();
            Some((path.to_owned(), status.clone(), schema))
        });
        answers.collect()
    }

    /// Holds `value` against `schema`; says what is wrong and where.
    pub(crate) fn validate(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Some(schema) = schema.as_object() else {
            return if schema == &Value::Bool(true) {
                Ok(())
            } else {
                Err("never right".to_owned())
            };
        };
        for (keyword, rule) in schema {
            self.keyword(schema, keyword, rule, value)
                .map_err(|error| format!("{error}\n  in {keyword} of {value}"))?;
        }
        Ok(())
    }

    fn keyword(
        &self,
        schema: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
    ) -> Result<(), String> {
        let fails = |what: &str| Err(format!("{what}: {rule}"));
        let matching = |schemas: &Value| {
            let schemas = schemas.as_array().expect("a list").iter();
            schemas.filter(|schema| self.validate(schema, value).is_ok()).count()
        };
        match keyword {
            "$ref" => {
                let pointer =
                    rule.as_str().and_then(|rule| rule.strip_prefix('#')).expect("within");
                self.validate(self.0.pointer(pointer).expect("it is there"), value)
            }
            "type" => {
                let kinds: Vec<&str> = match rule {
                    Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
                    kind => kind.as_str().into_iter().collect(),
                };
                if kinds.iter().any(|kind| is_of(value, kind)) {
                    Ok(())
                } else {
                    fails("not of type")
                }
            }
            "enum" if !rule.as_array().expect("a list").contains(value) => fails("not one of"),
            "const" if rule != value => fails("not"),
            "anyOf" if matching(rule) == 0 => fails("none of"),
            "oneOf" if matching(rule) != 1 => fails("not exactly one of"),
            "allOf" if matching(rule) != rule.as_array().expect("a list").len() => {
                fails("not all of")
            }
            "enum" | "const" | "anyOf" | "oneOf" | "allOf" => Ok(()),
            "minimum" => match value.as_f64().zip(rule.as_f64()) {
                Some((value, least)) if value < least => fails("below"),
                _ => Ok(()),
            },
            "minLength" => match value.as_str() {
                Some(text) if (text.chars().count() as u64) < rule.as_u64().expect("a length") => {
                    fails("shorter than")
                }
                _ => Ok(()),
            },
            "pattern" => {
                let pattern = regex::Regex::new(rule.as_str().expect("a pattern")).expect("sound");
                match value.as_str() {
                    Some(text) if !pattern.is_match(text) => fails("does not match"),
                    _ => Ok(()),
                }
            }
            "items" => {
                let mut items = value.as_array().into_iter().flatten();
                items.try_for_each(|item| self.validate(rule, item))
            }
            "properties" => {
                let Some(object) = value.as_object() else { return Ok(()) };
                let mut rules = rule.as_object().expect("properties").iter();
                rules.try_for_each(|(name, rule)| match object.get(name) {
                    Some(value) => self.validate(rule, value),
                    None => Ok(()),
                })
            }
            "required" => {
                let Some(object) = value.as_object() else { return Ok(()) };
                let mut names = rule.as_array().expect("names").iter().filter_map(Value::as_str);
                match names.find(|name| !object.contains_key(*name)) {
                    Some(name) => Err(format!("`{name}` is missing")),
                    None => Ok(()),
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                let is_known = |name: &String| known.is_some_and(|known| known.contains_key(name));
                let mut others = others.filter(|(name, _)| !is_known(name));
                others.try_for_each(|(name, value)| {
                    self.validate(rule, value).map_err(|error| format!("`{name}`: {error}"))
                })
            }
            note if NOTES.contains(&note) => Ok(()),
            other => Err(format!("`{other}` is a keyword that is not checked")),
        }
    }
}
