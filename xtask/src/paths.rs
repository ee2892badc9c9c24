//! Paths that documents name exist.

use std::path::{Path, PathBuf};

use crate::repository::text;

/// Folders of ours; a word in backticks that begins with one is a path.
const ROOTS: &[&str] =
    &["crates/", "docs/", "examples/", "bench/", "golden/", "fuzz/", "xtask/", ".ci/"];

/// Every path in a document that leads nowhere.
pub(crate) fn findings(root: &Path, files: &[PathBuf]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "md")) {
        let Some(text) = text(root, file) else { continue };
        for (number, line) in text.lines().enumerate() {
            for path in named(line) {
                let beside = file.parent().unwrap_or(Path::new("")).join(&path);
                if !root.join(&path).exists() && !root.join(beside).exists() {
                    findings.push(format!("{}:{}: no `{path}`", file.display(), number + 1));
                }
            }
        }
    }
    findings
}

/// Paths in backticks, and targets of links.
fn named(line: &str) -> Vec<String> {
    let in_ticks = line.split('`').skip(1).step_by(2);
    let ours = in_ticks.filter(|word| ROOTS.iter().any(|root| word.starts_with(root)));
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
    ours.chain(local)
        // A name with a wildcard or a placeholder is no path.
        .filter(|path| !path.contains(['*', '<', '{', ' ', '…']))
        .map(|path| path.split('#').next().unwrap_or_default().to_owned())
        .filter(|path| !path.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_ticks_and_links() {
        let line =
            "see `crates/core`, [the map](docs/map.md#top), `cargo test`, [out](https://a.b)";
        assert_eq!(named(line), ["crates/core", "docs/map.md"]);
    }
}
