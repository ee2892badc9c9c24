//! Every setting of every method as a flag, read from the catalogue.

use std::collections::BTreeMap;

use auscult_core::SettingsMap;
use auscult_detect::{CATALOGUE, Method};
use clap::{Arg, ArgMatches, Command, error::Error};
use serde_json::Value;

/// The method settings given on the command line, by setting name.
#[derive(Debug, Clone, Default)]
pub(crate) struct MethodSettings(pub(crate) SettingsMap);

impl clap::Args for MethodSettings {
    fn augment_args(command: Command) -> Command {
        flags().into_iter().fold(command, |command, (name, methods)| {
            let help = format!("Setting of {}; see `auscult methods NAME`", listed(&methods));
            command.arg(
                Arg::new(name)
                    .long(name.replace('_', "-"))
                    .value_name("VALUE")
                    .allow_hyphen_values(true)
                    .help(help)
                    .help_heading("Settings of methods")
                    .hide_short_help(true),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for MethodSettings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = flags().into_keys().filter_map(|name| {
            let text = matches.get_one::<String>(name)?;
            Some((name.to_owned(), value(text)))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Every setting, with the methods that have it.
fn flags() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut flags: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    for method in CATALOGUE.iter().copied().flatten() {
        for parameter in method.parameters {
            flags.entry(parameter.name).or_default().push(method.name);
        }
    }
    flags
}

fn listed(methods: &[&'static str]) -> String {
    match methods {
        [first, second, third, _, ..] => {
            format!("{first}, {second}, {third} and {} more", methods.len() - 3)
        }
        few => few.join(", "),
    }
}

/// A number, a truth value, nothing for `automatic`, or else a word.
fn value(text: &str) -> Value {
    match text {
        "automatic" | "auto" | "none" => return Value::Null,
        "true" | "yes" => return Value::Bool(true),
        "false" | "no" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(whole) = text.parse::<u64>() {
        return whole.into();
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.into(),
        _ => text.into(),
    }
}

/// The given settings, if `method` has them all; one sentence otherwise.
pub(crate) fn for_method(given: &MethodSettings, method: &Method) -> Result<SettingsMap, String> {
    let known: Vec<String> = method
        .parameters
        .iter()
        .map(|parameter| format!("--{}", parameter.name.replace('_', "-")))
        .collect();
    for name in given.0.keys() {
        if !method.parameters.iter().any(|parameter| parameter.name == name) {
            let flag = name.replace('_', "-");
            let has = if known.is_empty() {
                "has no settings".to_owned()
            } else {
                format!("has {}", known.join(", "))
            };
            return Err(format!("method `{}` has no setting --{flag}; it {has}", method.name));
        }
    }
    // `null` stands for the default, which for such settings is automatic.
    Ok(given.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_person_means_them() {
        assert_eq!(value("3"), Value::from(3));
        assert_eq!(value("-0.5"), Value::from(-0.5));
        assert_eq!(value("rbf"), Value::from("rbf"));
        assert_eq!(value("automatic"), Value::Null);
        assert_eq!(value("true"), Value::Bool(true));
    }

    #[test]
    fn a_setting_of_another_method_is_refused_with_what_there_is() {
        let given = MethodSettings(SettingsMap::from_iter([("weight".to_owned(), 1.into())]));
        let zscore = auscult_detect::find("zscore").expect("in the catalogue");
        assert_eq!(
            for_method(&given, zscore),
            Err("method `zscore` has no setting --weight; it has --ddof, --warmup".to_owned())
        );
    }
}
