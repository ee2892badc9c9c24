//! The policy that has `auscult serve` judge series as the choice does.

use std::fmt::Write;

use auscult_detect::{Channels, find};

use super::choice::Choice;

/// The choice as a configuration of `auscult serve`, in YAML; its method can watch a stream.
pub(crate) fn policy(choice: &Choice) -> String {
    let channels = find(&choice.method).map_or(Channels::Any, |method| method.channels);
    let is_joint = choice.columns.len() > 1 && channels != Channels::One;
    let key = if is_joint { "joint_method" } else { "method" };
    let mut text = "# Chosen by `auscult select`. `match` names the columns of the file: say there which of your series they\n\
                    # are, such as by a label more. Scores are held to the budget of `detection`, not to a threshold.\n"
        .to_owned();
    for reason in &choice.reasons {
        let _ = writeln!(text, "# {}", reason.replace('\n', " "));
    }
    let selector = selector(&choice.columns).replace('\'', "''");
    let _ = write!(
        text,
        "policies:\n  - match: '{selector}'\n    {key}:\n      name: {}\n",
        choice.method
    );
    if !choice.settings.is_empty() {
        // What is JSON is YAML too.
        let settings = serde_json::to_string(&choice.settings).unwrap_or_default();
        let _ = writeln!(text, "      settings: {settings}");
    }
    text
}

/// The series that are called as one of `columns`.
fn selector(columns: &[String]) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    match columns {
        [only] => format!("{{__name__=\"{}\"}}", quoted(only)),
        several => {
            let names: Vec<String> = several.iter().map(|name| escaped(name)).collect();
            format!("{{__name__=~\"{}\"}}", quoted(&names.join("|")))
        }
    }
}

/// A regular expression for nothing but `name`.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_kind_mean_themselves() {
        let columns = ["a.b(c)".to_owned(), "it's \"x\"".to_owned()];
        assert_eq!(selector(&columns), r#"{__name__=~"a\\.b\\(c\\)|it's \"x\""}"#);
        let choice = Choice {
            method: "zscore".to_owned(),
            settings: serde_json::from_str(r#"{"ddof": 1}"#).unwrap(),
            learning: None,
            threshold: Some(3.0),
            columns: vec!["it's".to_owned()],
            counters: Vec::new(),
            reasons: vec!["it is the best".to_owned()],
        };
        let text = policy(&choice);
        let expected = "# it is the best\npolicies:\n  - match: '{__name__=\"it''s\"}'\n    method:\n      name: zscore\n      settings: {\"ddof\":1}\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
