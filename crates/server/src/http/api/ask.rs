//! What a request of the API asks: numbers in its path, its query, its body, and who asks.

use std::sync::Arc;

use auscult_yaml::nearest;
use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::{FromRequest, Query, RawPathParams, Request};
use axum::http::StatusCode;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::access::User;

/// A request, read.
#[derive(Debug)]
pub(super) struct Ask<Q, B> {
    /// The numbers in the path, from left to right.
    pub(super) ids: Vec<u64>,
    pub(super) query: Q,
    pub(super) body: B,
    /// Who asks, where that is known.
    pub(super) user: Option<String>,
}

/// For requests without a query or a body.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// The schema of what comes in, with nothing to look up elsewhere.
pub(super) fn schema_in<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Whether a schema is that of [`Nothing`].
pub(super) fn is_nothing(schema: &Value) -> bool {
    properties(schema).is_none_or(Map::is_empty)
}

pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// Whether `property` may be of `kind`.
pub(super) fn may_be(property: &Value, kind: &str) -> bool {
    match property.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

impl<Q: DeserializeOwned + JsonSchema, B: DeserializeOwned + JsonSchema> Ask<Q, B> {
    /// Reads `request` by the schemas of `Q` and `B`.
    pub(super) async fn read(
        mut request: Request,
        (takes, body_takes): &(Value, Value),
    ) -> Result<Self, Problem> {
        let ids = ids(&mut request).await?;
        let user = request.extensions().get::<Arc<User>>().map(|user| user.name.clone());
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let Query(pairs) = pairs.map_err(|error| Problem::wrong(error.body_text()))?;
        let query = query(takes, pairs).map_err(Problem::wrong)?;
        let body = if is_nothing(body_takes) {
            from(Value::Object(Map::new()), "the body")
        } else {
            let bytes = Bytes::from_request(request, &()).await;
            let bytes = bytes.map_err(|error| Problem::new(error.status(), error.body_text()))?;
            body(body_takes, &bytes)
        };
        Ok(Self { ids, query, body: body.map_err(Problem::wrong)?, user })
    }
}

async fn ids(request: &mut Request) -> Result<Vec<u64>, Problem> {
    let parameters = request.extract_parts::<RawPathParams>().await;
    let parameters =
        parameters.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.body_text()))?;
    let id = |(name, value): (&str, &str)| {
        let refuse = |_| format!("`{name}` is `{value}`: expected a whole number, at least 1");
        value.parse().map_err(refuse)
    };
    parameters.iter().map(id).collect::<Result<_, _>>().map_err(Problem::wrong)
}

/// What stands in a query, by the schema of `T`.
fn query<T: DeserializeOwned>(schema: &Value, pairs: Vec<(String, String)>) -> Result<T, String> {
    let nothing = Map::new();
    let known = properties(schema).unwrap_or(&nothing);
    let mut values = Map::new();
    for (name, text) in pairs {
        let Some(property) = known.get(&name) else {
            return Err(unknown(&name, known, "parameter"));
        };
        if may_be(property, "array") {
            let values = values.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            values.as_array_mut().into_iter().for_each(|list| list.push(text.clone().into()));
            continue;
        }
        let value = if may_be(property, "integer") {
            let refuse = |_| format!("`{name}` is `{text}`: expected a whole number, at least 0");
            text.parse::<u64>().map_err(refuse)?.into()
        } else if may_be(property, "boolean") {
            let refuse = |_| format!("`{name}` is `{text}`: expected true or false");
            text.parse::<bool>().map_err(refuse)?.into()
        } else {
            Value::String(text)
        };
        if values.contains_key(&name) {
            return Err(format!("`{name}` stands twice"));
        }
        values.insert(name, value);
    }
    from(Value::Object(values), "the query")
}

/// What stands in a body of JSON, by the schema of `T`.
fn body<T: DeserializeOwned>(schema: &Value, bytes: &[u8]) -> Result<T, String> {
    let refuse = |error| format!("the body is no JSON: {error}");
    let value: Value = serde_json::from_slice(bytes).map_err(refuse)?;
    let Some(object) = value.as_object() else {
        return Err("the body is no JSON object".to_owned());
    };
    if let Some(known) = properties(schema)
        && let Some(name) = object.keys().find(|name| !known.contains_key(*name))
    {
        return Err(unknown(name, known, "field"));
    }
    from(value, "the body")
}

fn from<T: DeserializeOwned>(value: Value, whole: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner();
        if path == "." { format!("{whole}: {reason}") } else { format!("`{path}`: {reason}") }
    })
}

fn unknown(name: &str, known: &Map<String, Value>, what: &str) -> String {
    let names = || known.keys().map(String::as_str);
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("expected no {what}"),
        None => format!("expected {}", names().collect::<Vec<_>>().join(", ")),
    };
    format!("`{name}` is no {what} of this: {hint}")
}

#[cfg(test)]
mod tests {
    use auscult_engine::Selector;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        limit: Option<usize>,
        silenced: Option<bool>,
        #[serde(default, rename = "match[]")]
        select: Vec<Selector>,
        since: Option<String>,
    }

    fn asked(pairs: &[(&str, &str)]) -> Result<Asked, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        query(&schema_in::<Asked>(), pairs.collect())
    }

    #[test]
    fn wrong_parameters_are_named_with_what_was_expected() {
        let right = [("limit", "3"), ("silenced", "true"), ("match[]", "up"), ("match[]", "down")];
        let read = asked(&right).unwrap();
        assert_eq!((read.limit, read.silenced, read.select.len()), (Some(3), Some(true), 2));
        assert_eq!(asked(&[("since", "12")]).unwrap().since.as_deref(), Some("12"));
        for (wrong, expected) in [
            (("limti", "3"), "`limti` is no parameter of this: did you mean `limit`?"),
            (("colour", "3"), "expected limit, match[], silenced, since"),
            (("limit", "many"), "`limit` is `many`: expected a whole number, at least 0"),
            (("limit", "-1"), "expected a whole number"),
            (("silenced", "yes"), "`silenced` is `yes`: expected true or false"),
            (("match[]", "up{"), "`match[]"),
        ] {
            let error = asked(&[wrong]).unwrap_err();
            assert!(error.contains(expected), "{wrong:?}: {error}");
        }
        assert_eq!(asked(&[("limit", "1"), ("limit", "2")]).unwrap_err(), "`limit` stands twice");
    }
}
