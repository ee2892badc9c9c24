//! The manual of the configuration, made of the comments beside the code.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Configuration;

/// The JSON schema (2020-12) of the configuration file.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Configuration>().to_value()
}

/// Every key of the configuration file, in Markdown.
#[must_use]
pub fn reference() -> String {
    let schema = schema();
    // Sections in the order of their paths, so that what belongs together stands together.
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    let mut sections = vec![(String::new(), &schema)];
    let mut next = 0;
    while let Some((path, section)) = sections.get(next).cloned() {
        next += 1;
        let mut page = String::new();
        let heading = if path.is_empty() { "Keys".to_owned() } else { format!("`{path}`") };
        let _ = writeln!(page, "\n## {heading}\n\n{}\n", paragraph(section));
        page.push_str("| key | value | unless set | meaning |\n|---|---|---|---|\n");
        let properties = section.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let mut kinds = kinds(&schema, property);
            for kind in &mut kinds {
                let Some(definition) = kind.definition else { continue };
                let known = sections.iter().find(|(_, known)| std::ptr::eq(*known, definition));
                let place = match known {
                    Some((place, _)) => place.clone(),
                    None => {
                        let place = format!("{below}{}", kind.within);
                        sections.push((place.clone(), definition));
                        place
                    }
                };
                kind.name = format!("{}[{place}](#{})", kind.name, anchor(&place));
            }
            let names: Vec<String> = kinds.into_iter().map(|kind| kind.name).collect();
            let default = default(section, key, property);
            let _ = writeln!(
                page,
                "| `{key}` | {} | {default} | {} |",
                names.join(" or "),
                meaning(property),
            );
        }
        pages.insert(path, page);
    }
    INTRODUCTION.to_owned() + &pages.into_values().collect::<String>()
}

/// What the page begins with.
const INTRODUCTION: &str = "\
# The configuration file

`auscult serve --config auscult.yml` does what one YAML file says. `examples/auscult.yml` is a whole one.

```sh
auscult check auscult.yml        # all that is wrong, each with line and column
auscult check --schema           # the JSON schema, for editors: docs/auscult.schema.json
auscult check --reference        # this page
```

Every key may be left out unless it is said to be needed; a key without a value counts as left out. A key that is not known is refused, with
the nearest that is. Durations are written as `15s`, `1h30m` or `7d`, sizes as `512KB` or `10GB` (1,024 bytes a kilobyte). Anchors, aliases
and `<<` of YAML may be used.

`${env:NAME}` in a value stands for an environment variable, `${env:NAME:-default}` has a default, and `${file:PATH}` stands for what is in a
file, without its last line feed. `$${env:` stands for itself. What they stand for is never shown in a message. Paths that are not absolute
start at the folder of the configuration. A bare `${name}` is left alone, as relabelling rules need it.

Arguments of `auscult serve` go before what the file says; sources and receivers among them are added to those of the file.

## Reading it again

The file, and files it names for values, are read again when what is in them changes (looked at every five seconds), when the process gets
SIGHUP, and at `POST /-/reload`, which answers 200 once the new configuration holds, or 500 and what is wrong. It is applied as a whole or
not at all: jobs, sources and receivers that stay the same go on undisturbed, those that are gone end (their scraped series with a stale
marker), new ones begin. What was learnt is kept. Users of `access` are others from the next request on. The rest of `access`, `server` but for
`external_url`, `storage`, `query`, and of `detection` the labels and `together` cannot change while it runs; a file that changes them is
refused in a sentence. The past of a source that is new is read first, while all others go on: what it says
of series that nobody knew is learnt, as at a start, and its alarms of that time are not told.

| own metric | says |
|---|---|
| `auscult_config_last_reload_successful` | 1 if the configuration was applied when it was read last, 0 if it was refused |
| `auscult_config_last_reload_success_timestamp_seconds` | when a configuration was applied last |
";

/// The anchor that Markdown gives to a heading.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// What may stand somewhere.
struct Kind<'a> {
    name: String,
    /// What it has a section for.
    definition: Option<&'a Value>,
    /// How it is reached from the key: `[]` in a list.
    within: &'static str,
}

fn plain_kind<'a>(name: impl Into<String>) -> Kind<'a> {
    Kind { name: name.into(), definition: None, within: "" }
}

fn kinds<'a>(schema: &'a Value, property: &'a Value) -> Vec<Kind<'a>> {
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        let pointer = reference.trim_start_matches('#');
        let Some(definition) = schema.pointer(pointer) else { return Vec::new() };
        if definition.get("properties").is_none() {
            return kinds(schema, definition);
        }
        return vec![Kind { name: String::new(), definition: Some(definition), within: "" }];
    }
    for several in ["anyOf", "oneOf"] {
        if let Some(alternatives) = property.get(several).and_then(Value::as_array) {
            return alternatives.iter().flat_map(|one| kinds(schema, one)).collect();
        }
    }
    let words = property.get("enum").and_then(Value::as_array);
    let words = words.into_iter().flatten().chain(property.get("const")).filter_map(Value::as_str);
    let words: Vec<Kind<'_>> = words.map(|word| plain_kind(format!("`{word}`"))).collect();
    if !words.is_empty() {
        return words;
    }
    let types: Vec<&str> = match property.get("type") {
        Some(Value::String(only)) => vec![only],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let format = property.get("format").and_then(Value::as_str);
    let inner = |key: &str, before: &str, within: &'static str| {
        let kinds = property.get(key).map(|of| kinds(schema, of));
        let kind = kinds.into_iter().flatten().next()?;
        Some(Kind { name: format!("{before}{}", kind.name), within, ..kind })
    };
    let kind = |kind: &str| match (kind, format) {
        ("null", _) | ("integer", Some("auscult-bytes")) => None,
        ("string", Some("auscult-duration")) => Some(plain_kind("duration")),
        ("string", Some("auscult-bytes")) => Some(plain_kind("size")),
        ("string", _) => Some(plain_kind("text")),
        ("integer", _) => Some(plain_kind("whole number")),
        ("boolean", _) => Some(plain_kind("`true` or `false`")),
        ("array", _) => inner("items", "list of ", "[]"),
        ("object", _) => inner("additionalProperties", "map to ", ".*"),
        (other, _) => Some(plain_kind(other)),
    };
    types.into_iter().filter_map(kind).collect()
}

fn default(section: &Value, key: &str, property: &Value) -> String {
    let required = section.get("required").and_then(Value::as_array);
    if required.into_iter().flatten().any(|name| name.as_str() == Some(key)) {
        return "needed".to_owned();
    }
    match property.get("default") {
        None | Some(Value::Null | Value::Object(_)) => String::new(),
        Some(Value::Array(items)) if items.is_empty() => String::new(),
        Some(Value::String(text)) if text.is_empty() => String::new(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            items.join(", ")
        }
        Some(other) => plain(other),
    }
}

fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("`{}`", text.replace('|', "\\|"))
}

fn meaning(property: &Value) -> String {
    paragraph(property).replace('\n', " ").replace('|', "\\|")
}

fn paragraph(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    // An example in the comment is for those who read the code.
    text.split("```").next().unwrap_or_default().trim().to_owned()
}
