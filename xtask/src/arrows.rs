//! Crates depend downwards only.

use std::path::Path;

/// The layer of each crate; ARCHITECTURE.md draws the same picture.
const LAYERS: &[(&str, u8)] = &[
    ("auscult-core", 0),
    ("auscult-yaml", 0),
    ("auscult-conformance", 1),
    ("auscult-knowledge", 1),
    ("auscult-plot", 1),
    ("auscult-promql", 1),
    ("auscult-stats", 1),
    ("auscult-trees", 1),
    ("auscult-detect", 2),
    ("auscult-diagnose", 2),
    ("auscult-evaluate", 2),
    ("auscult-simulate", 2),
    ("auscult-store", 2),
    ("auscult-telemetry", 2),
    ("auscult-engine", 3),
    ("auscult-gpu", 3),
    ("auscult-server", 4),
    ("auscult", 5),
    ("auscult-bench", 5),
];

/// Every arrow that does not point down.
pub(crate) fn findings(root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    let folders = std::fs::read_dir(root.join("crates")).expect("crates/ can be listed");
    let mut manifests: Vec<_> =
        folders.flatten().map(|folder| folder.path().join("Cargo.toml")).collect();
    manifests.push(root.join("bench/Cargo.toml"));
    manifests.sort();
    for manifest in manifests {
        let Ok(text) = std::fs::read_to_string(&manifest) else { continue };
        let name = text.lines().find_map(|line| line.strip_prefix("name = "));
        let name = name.unwrap_or_default().trim_matches('"').to_owned();
        let Some(layer) = layer(&name) else {
            findings.push(format!("{}: crate `{name}` has no layer", manifest.display()));
            continue;
        };
        // Tests may use what the crate itself may not.
        let shipped = text.split("[dev-dependencies]").next().unwrap_or_default();
        for line in shipped.lines().filter(|line| line.starts_with("auscult")) {
            let other = line.split([' ', '.', '=']).next().unwrap_or_default();
            match self::layer(other) {
                Some(below) if below < layer => {}
                Some(_) => findings.push(format!("`{name}` must not depend on `{other}`")),
                None => findings.push(format!("`{name}` depends on `{other}`, which has no layer")),
            }
        }
    }
    findings
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, layer)| *layer)
}
