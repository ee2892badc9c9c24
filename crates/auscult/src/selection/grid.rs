//! The few values of key settings that are worth trying, beside the defaults.
//!
//! Declared here and not beside each method, because how much to search is a matter
//! of the time a person gives, not of the method.

use auscult_core::SettingsMap;
use auscult_detect::Method;
use serde_json::json;

/// Setting names and values to try, one variant of a method each.
const VARIANTS: &[(&str, &str, f64)] = &[
    ("ewma", "weight", 0.05),
    ("ewma", "weight", 0.3),
    ("rolling-zscore", "window", 60.0),
    ("rolling-zscore", "window", 500.0),
    ("rolling-median", "window", 31.0),
    ("rolling-median", "window", 301.0),
    ("knn", "neighbours", 5.0),
    ("knn", "neighbours", 50.0),
    ("lof", "neighbours", 10.0),
    ("lof", "neighbours", 50.0),
    ("mahalanobis-ew", "shrinkage", 0.05),
    ("mahalanobis-ew", "min_deviation", 0.01),
    ("mahalanobis-ensemble", "shrinkage", 0.3),
    ("mahalanobis-ensemble", "clip", 5.0),
    ("isolation-forest", "trees", 300.0),
    ("matrix-profile", "window", 50.0),
    ("matrix-profile", "window", 200.0),
];

/// The default settings, and every variant of `method`.
pub(super) fn settings(method: &Method) -> Vec<SettingsMap> {
    let mut all = vec![SettingsMap::new()];
    for (name, setting, value) in VARIANTS {
        if *name == method.name {
            let number = if value.fract() == 0.0 { json!(*value as u64) } else { json!(*value) };
            all.push(SettingsMap::from_iter([((*setting).to_owned(), number)]));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_of_a_method_that_takes_it() {
        for (name, setting, value) in VARIANTS {
            let method = auscult_detect::find(name).unwrap_or_else(|| panic!("no method {name}"));
            for settings in self::settings(method) {
                let built = match (method.online, method.batch) {
                    (Some(build), _) => build(&settings, 2).map(drop),
                    (None, Some(build)) => build(&settings).map(drop),
                    (None, None) => Ok(()),
                };
                assert!(built.is_ok(), "{name} {setting} = {value}: {built:?}");
            }
        }
    }
}
