//! A document held against a JSON schema: every mistake at once, and the value in JSON.
//!
//! Knows the part of JSON Schema 2020-12 with which settings types describe themselves. A plain
//! text is read as what the schema asks for: `7` is a text where a text is wanted.

use serde_json::{Map, Number, Value as Json};

use crate::load::{Entry, Node, Scalar, Value};
use crate::near::nearest;
use crate::path::Path;
use crate::problem::Mark;

/// The name of a format, as `format` in a schema says it, and what a text of it must pass.
pub type Format = (&'static str, fn(&str) -> Result<(), String>);

/// A mistake.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) mark: Mark,
    pub(crate) sentence: String,
    /// Whether the line may hold a secret.
    pub(crate) is_secret: bool,
}

/// A walk through a document and its schema.
pub(crate) struct Walk<'a> {
    root: &'a Json,
    formats: &'a [Format],
    /// The format of paths, and where those start that are not absolute.
    paths: Option<(&'a str, &'a std::path::Path)>,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        root: &'a Json,
        formats: &'a [Format],
        paths: Option<(&'a str, &'a std::path::Path)>,
    ) -> Self {
        Self { root, formats, paths, findings: Vec::new() }
    }

    /// The JSON of `node`, as far as it is right.
    pub(crate) fn read(&mut self, node: &Node) -> Json {
        self.value(node, node.mark, self.root, &Path::default())
    }

    pub(crate) fn into_findings(self) -> impl Iterator<Item = Finding> {
        self.findings.into_iter()
    }

    fn find(&mut self, mark: Mark, sentence: String) -> Json {
        self.findings.push(Finding { mark, sentence, is_secret: false });
        Json::Null
    }

    /// What a schema says, after its references.
    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        while let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            match self.root.pointer(pointer) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    fn value(&mut self, node: &Node, at: Mark, schema: &'a Json, path: &Path) -> Json {
        let schema = self.resolved(schema);
        for several in ["anyOf", "oneOf"] {
            if let Some(alternatives) = schema.get(several).and_then(Json::as_array) {
                return self.alternatives(node, at, alternatives, path);
            }
        }
        match &node.value {
            Value::Scalar(scalar) => self.scalar(scalar, node.mark, schema, path),
            Value::Map(entries) if allows(schema, "object") => self.map(entries, at, schema, path),
            Value::List(items) if allows(schema, "array") => self.list(items, schema, path),
            other => {
                let sentence =
                    format!("{} is {}; expected {}", named(path), other.kind(), wanted(schema));
                self.find(at, sentence)
            }
        }
    }

    /// The first alternative that fits; if none does, what is wrong by the most likely one.
    fn alternatives(
        &mut self,
        node: &Node,
        at: Mark,
        alternatives: &'a [Json],
        path: &Path,
    ) -> Json {
        let constants: Vec<&str> =
            alternatives.iter().flat_map(|schema| words(self.resolved(schema))).collect();
        let mut best: Option<Vec<Finding>> = None;
        for schema in alternatives {
            let fits = self.is_kind(node, self.resolved(schema));
            let mut walk = Walk::new(self.root, self.formats, self.paths);
            let value = walk.value(node, at, schema, path);
            if walk.findings.is_empty() {
                return value;
            }
            let is_better = best.as_ref().is_none_or(|best| walk.findings.len() < best.len());
            if fits && is_better {
                best = Some(walk.findings);
            }
        }
        match (best, &node.value) {
            (_, Value::Scalar(scalar)) if !constants.is_empty() => {
                let sentence = not_one_of(path, scalar, &constants);
                self.find(node.mark, sentence)
            }
            (Some(findings), _) => {
                self.findings.extend(findings);
                Json::Null
            }
            (None, other) => {
                let kinds: Vec<String> =
                    alternatives.iter().map(|schema| wanted(self.resolved(schema))).collect();
                let kinds: Vec<&str> =
                    kinds.iter().map(String::as_str).filter(|kind| *kind != "nothing").collect();
                let sentence =
                    format!("{} is {}; expected {}", named(path), other.kind(), kinds.join(" or "));
                self.find(at, sentence)
            }
        }
    }

    /// Whether a schema could be about something like `node`.
    fn is_kind(&self, node: &Node, schema: &Json) -> bool {
        match &node.value {
            Value::Map(_) => allows(schema, "object"),
            Value::List(_) => allows(schema, "array"),
            Value::Scalar(_) => !["object", "array", "null"].iter().any(|kind| {
                schema.get("type").and_then(Json::as_str).is_some_and(|only| only == *kind)
            }),
        }
    }

    fn list(&mut self, items: &[Node], schema: &'a Json, path: &Path) -> Json {
        let of = schema.get("items").unwrap_or(&Json::Bool(true));
        let read =
            |(place, item): (usize, &Node)| self.value(item, item.mark, of, &path.place(place));
        Json::Array(items.iter().enumerate().map(read).collect())
    }

    fn map(&mut self, entries: &[Entry], at: Mark, schema: &'a Json, path: &Path) -> Json {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object);
        let known = |name: &str| properties.and_then(|known| known.get(name));
        let rest = schema.get("additionalProperties").or(schema.get("unevaluatedProperties"));
        let (mut read, mut misspelt) = (Map::new(), Vec::new());
        for entry in entries {
            let below = path.key(&entry.key);
            let of = match (known(&entry.key), rest) {
                (Some(of), _) => of,
                (None, Some(Json::Bool(false))) => {
                    let names = properties.unwrap_or(&empty).keys().map(String::as_str);
                    let names: Vec<&str> = names.collect();
                    misspelt.extend(nearest(&entry.key, names.iter().copied()));
                    self.find(entry.mark, unknown_key(path, &entry.key, &names));
                    continue;
                }
                (None, other) => other.unwrap_or(&Json::Bool(true)),
            };
            // A key without a value stands for what holds without the key.
            let is_null = matches!(&entry.value.value, Value::Scalar(scalar) if scalar.is_null());
            if is_null && known(&entry.key).is_some() {
                continue;
            }
            let is_single = matches!(entry.value.value, Value::Scalar(_));
            let mark = if is_single { entry.value.mark } else { entry.mark };
            let value = self.value(&entry.value, mark, of, &below);
            read.insert(entry.key.clone(), value);
        }
        for name in schema.get("required").and_then(Json::as_array).into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            let is_there = entries.iter().any(|entry| entry.key == name);
            if !is_there && !misspelt.contains(&name) {
                self.find(at, format!("{} needs `{name}`", named(path)));
            }
        }
        Json::Object(read)
    }

    fn scalar(&mut self, scalar: &Scalar, mark: Mark, schema: &'a Json, path: &Path) -> Json {
        let words = words(schema);
        if !words.is_empty() {
            if words.contains(&scalar.text.as_str()) {
                return Json::String(scalar.text.clone());
            }
            let sentence = not_one_of(path, scalar, &words);
            return self.find(mark, sentence);
        }
        if scalar.is_null() && !allows(schema, "null") && allows(schema, "object") {
            return Json::Object(Map::new());
        }
        let Some(json) = typed(scalar, schema) else {
            let hint = match scalar.text.to_lowercase().as_str() {
                "yes" | "on" if allows(schema, "boolean") => ": true",
                "no" | "off" if allows(schema, "boolean") => ": false",
                _ => "",
            };
            let sentence =
                format!("{} is {}; expected {}{hint}", named(path), shown(scalar), wanted(schema));
            return self.find(mark, sentence);
        };
        if let Some(number) = json.as_f64() {
            let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
            let range = (bound("minimum"), bound("maximum"));
            let is_out = range.0.is_some_and(|least| number < least)
                || range.1.is_some_and(|most| number > most);
            if is_out {
                let sentence = match range {
                    (Some(least), Some(most)) => format!("expected {least} to {most}"),
                    (Some(least), None) => format!("expected at least {least}"),
                    (_, most) => format!("expected at most {}", most.unwrap_or_default()),
                };
                return self
                    .find(mark, format!("{} is {}; {sentence}", named(path), shown(scalar)));
            }
        }
        let format = schema.get("format").and_then(Json::as_str);
        let check = self.formats.iter().find(|(name, _)| Some(*name) == format);
        if let (Some((_, check)), Some(text)) = (check, json.as_str())
            && let Err(reason) = check(text)
        {
            let is_secret = is_secret(schema);
            let hidden = || "what stands there cannot be read".to_owned();
            let reason = if scalar.is_expanded || is_secret { hidden() } else { reason };
            let sentence = format!("{}: {reason}", named(path));
            self.findings.push(Finding { mark, sentence, is_secret });
            return Json::Null;
        }
        match (self.paths, &json) {
            // A word such as `none` in the place of a path is left as it is.
            (Some((name, folder)), Json::String(text))
                if Some(name) == format && !text.is_empty() && text != "none" =>
            {
                Json::String(folder.join(text).to_string_lossy().into_owned())
            }
            _ => json,
        }
    }
}

/// Whether a schema lets a value be of a type; one without types lets it be of any.
fn allows(schema: &Json, kind: &str) -> bool {
    match schema.get("type") {
        None => true,
        Some(Json::String(only)) => only == kind,
        Some(Json::Array(several)) => several.iter().any(|other| other.as_str() == Some(kind)),
        Some(_) => false,
    }
}

fn is_secret(schema: &Json) -> bool {
    schema.get("writeOnly").and_then(Json::as_bool) == Some(true)
}

/// The JSON of a text by the types of the schema.
fn typed(scalar: &Scalar, schema: &Json) -> Option<Json> {
    let text = scalar.text.as_str();
    let is_any = schema.get("type").is_none();
    if scalar.is_null() && allows(schema, "null") {
        return Some(Json::Null);
    }
    let may_be_other = !scalar.is_quoted && (!is_any || !scalar.is_expanded);
    if may_be_other {
        if allows(schema, "boolean") && matches!(text, "true" | "false") {
            return Some(Json::Bool(text == "true"));
        }
        if allows(schema, "integer") || allows(schema, "number") {
            let whole = text.parse::<u64>().map(Number::from);
            if let Ok(whole) = whole.or_else(|_| text.parse::<i64>().map(Number::from)) {
                return Some(Json::Number(whole));
            }
        }
        if allows(schema, "number") {
            let looks = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            let real = text.parse::<f64>().ok().filter(|_| looks).and_then(Number::from_f64);
            if let Some(real) = real {
                return Some(Json::Number(real));
            }
        }
    }
    let text = if scalar.is_null() { "" } else { text };
    allows(schema, "string").then(|| Json::String(text.to_owned()))
}

/// The texts that a schema allows, where it names them.
fn words(schema: &Json) -> Vec<&str> {
    let constant = schema.get("const").and_then(Json::as_str);
    let several = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    constant.into_iter().chain(several.filter_map(Json::as_str)).collect()
}

fn not_one_of(path: &Path, scalar: &Scalar, words: &[&str]) -> String {
    let near = if scalar.is_expanded { None } else { nearest(&scalar.text, words.iter().copied()) };
    let hint = near.map(|near| format!("; did you mean `{near}`?"));
    let hint = hint.unwrap_or_else(|| format!("; expected {}", listed(words)));
    format!("{} is {}{hint}", named(path), shown(scalar))
}

fn unknown_key(path: &Path, key: &str, known: &[&str]) -> String {
    let within = if path.is_top() { String::new() } else { format!(" in `{path}`") };
    let hint = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("expected {}", listed(known)),
    };
    format!("there is no key `{key}`{within}; {hint}")
}

/// `a`, `b` or `c`.
fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

fn named(path: &Path) -> String {
    if path.is_top() { "the document".to_owned() } else { format!("`{path}`") }
}

fn shown(scalar: &Scalar) -> String {
    if scalar.is_expanded {
        "set by a variable or file that does not fit".to_owned()
    } else if scalar.is_null() {
        "empty".to_owned()
    } else {
        format!("`{}`", scalar.text)
    }
}

/// What a schema asks for, in words.
fn wanted(schema: &Json) -> String {
    let types: Vec<&str> = match schema.get("type") {
        Some(Json::String(only)) => vec![only],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let words = types.into_iter().filter(|kind| *kind != "null").map(|kind| match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "a text",
    });
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" or ") }
}
