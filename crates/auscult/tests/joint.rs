//! Joint detection on public servers, as the scorecard measures it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::call::{self, scratch_text};

/// The public data sets, where they are at hand; `AUSCULT_SHARED_DATA` names the folder.
fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
    let folder = folder.join("anomaly");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA to try it", folder.display());
    None
}

/// Two of the six servers, to be quick. Measured: 0.74 and 0.82.
#[test]
fn servers_are_watched_better_together_than_by_principal_components() {
    let Some(data) = data() else { return };
    let data = data.display().to_string();
    for server in ["omi-2", "omi-5"] {
        let results = scratch_text(&format!("joint_results_{server}"));
        let of = |method: &str, mode: &str| {
            let answer = call::auscult(
                &[
                    "benchmark",
                    "anomaly",
                    "--data",
                    &data,
                    "--set",
                    "asd",
                    "--series",
                    server,
                    "--method",
                    method,
                    "--mode",
                    mode,
                    "--results",
                    &results,
                    "--format",
                    "json",
                    "--quiet",
                ],
                "",
            );
            assert_eq!(answer.code, 0, "{}", answer.err);
            let card: Value = serde_json::from_str(&answer.out).expect("a JSON document");
            vus_pr(&card).unwrap_or_else(|| panic!("no VUS-PR in {}", answer.out))
        };
        let (ours, theirs) = (of("mahalanobis-ensemble", "streaming"), of("pca", "trained"));
        assert!(ours > 0.65 && ours > theirs, "{server}: {ours} against {theirs}");
    }
}

#[test]
fn too_few_peers_are_refused_in_one_sentence() {
    let answer =
        call::auscult(&["detect", "-", "--method", "peers"], "a,b,c\n1,2,3\n2,3,4\n3,4,5\n");
    assert_eq!(answer.code, 2, "{}", answer.out);
    assert!(
        answer.err.contains("needs at least 5 to say who is odd; there are 3"),
        "{}",
        answer.err
    );
}

/// The first VUS-PR of a scorecard.
fn vus_pr(card: &Value) -> Option<f64> {
    match card {
        Value::Object(fields) => match fields.get("vus_pr") {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::Object(value)) => value.get("mean").and_then(Value::as_f64),
            _ => fields.values().find_map(vus_pr),
        },
        Value::Array(items) => items.iter().find_map(vus_pr),
        _ => None,
    }
}
