//! Environment variables and files that stand for values: `${env:NAME}`, `${file:PATH}`.
//!
//! The form is that of the OpenTelemetry Collector; a bare `${name}` is left alone, because
//! relabelling rules use it for groups of their regular expressions.

use std::fmt;

use crate::load::{Node, Scalar, Value};
use crate::problem::{Mark, Problem};

/// Looks up environment variables.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables of this process.
#[must_use]
pub fn process_variables(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Largest file that may stand for a value, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Puts into every value what its variables and files say; files are named as seen from `folder`.
/// `seen` is told of every file.
pub(crate) fn expand(
    node: &mut Node,
    variables: Variables<'_>,
    folder: &std::path::Path,
    seen: &mut Vec<std::path::PathBuf>,
    refuse: &mut dyn FnMut(Mark, String),
) {
    match &mut node.value {
        Value::List(items) => {
            items.iter_mut().for_each(|item| expand(item, variables, folder, seen, refuse));
        }
        Value::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| expand(&mut entry.value, variables, folder, seen, refuse)),
        Value::Scalar(scalar) => {
            let mut look = |reference: Reference<'_>| match reference {
                Reference::Environment { name, default } => variables(name)
                    .or_else(|| default.map(str::to_owned))
                    .ok_or_else(|| format!("the environment has no variable `{name}`")),
                Reference::File(path) => {
                    let path = folder.join(path);
                    let text = read(&path);
                    seen.push(path);
                    text
                }
            };
            match expanded(&scalar.text, &mut look) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    *scalar = Scalar { text, is_quoted: scalar.is_quoted, is_expanded: true };
                }
                Err(sentence) => refuse(node.mark, sentence),
            }
        }
    }
}

/// The text of a file without the end of its last line.
fn read(path: &std::path::Path) -> Result<String, String> {
    let refuse = |reason: &dyn fmt::Display| format!("cannot read {}: {reason}", path.display());
    let size = std::fs::metadata(path).map_err(|error| refuse(&error))?.len();
    if size > MOST_BYTES {
        return Err(refuse(&format!(
            "it has {size} bytes; expected a value of at most {MOST_BYTES}"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// What stands for a value.
#[derive(Debug, PartialEq)]
enum Reference<'a> {
    Environment { name: &'a str, default: Option<&'a str> },
    File(&'a str),
}

/// `text` with its references replaced by what `look` says; `None` where it has none.
/// `$${env:` and `$${file:` stand for themselves, without the first `$`.
fn expanded(
    text: &str,
    look: &mut dyn FnMut(Reference<'_>) -> Result<String, String>,
) -> Result<Option<String>, String> {
    let mut out = String::new();
    let (mut rest, mut any) = (text, false);
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        let inner = &from[2..];
        let kind = ["env:", "file:"].into_iter().find(|kind| inner.starts_with(kind));
        let Some(kind) = kind else {
            out.push_str(&rest[..start + 2]);
            rest = inner;
            continue;
        };
        any = true;
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = inner;
            continue;
        }
        out.push_str(before);
        let end = inner.find('}').ok_or_else(|| format!("`${{{kind}` has no closing brace"))?;
        let body = &inner[kind.len()..end];
        let reference = if kind == "file:" {
            Reference::File(body)
        } else {
            let (name, default) = match body.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (body, None),
            };
            Reference::Environment { name, default }
        };
        if body.is_empty() {
            return Err(format!("`${{{kind}}}` names nothing"));
        }
        out.push_str(&look(reference)?);
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(any.then_some(out))
}

/// A problem at a place of a text, for [`expand`].
pub(crate) fn problems<'a>(
    file: &'a str,
    text: &'a str,
    problems: &'a mut Vec<Problem>,
) -> impl FnMut(Mark, String) + 'a {
    move |mark, sentence| problems.push(Problem::new(file, text, mark, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<String>, String> {
        expanded(text, &mut |reference| match reference {
            Reference::Environment { name: "HOST", .. } => Ok("gpu1".to_owned()),
            Reference::Environment { default: Some(default), .. } => Ok(default.to_owned()),
            Reference::Environment { name, .. } => Err(format!("no {name}")),
            Reference::File(path) => Ok(format!("<{path}>")),
        })
    }

    #[test]
    fn references_are_replaced_and_groups_of_regular_expressions_left() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(of("http://${env:HOST}:80"), some("http://gpu1:80"));
        assert_eq!(of("${env:PORT:-9100}${file:/a/b}"), some("9100</a/b>"));
        assert_eq!(of("${1}:${name} $2 ${"), Ok(None));
        assert_eq!(of("$${env:HOST} ${1}"), some("${env:HOST} ${1}"));
        assert_eq!(of("${env:PORT}"), Err("no PORT".to_owned()));
        assert_eq!(of("${env:HOST"), Err("`${env:` has no closing brace".to_owned()));
        assert_eq!(of("${file:}"), Err("`${file:}` names nothing".to_owned()));
    }
}
