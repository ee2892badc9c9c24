//! `auscult benchmark diagnosis`, on a tiny incident in the layout of a public set.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::call::{self, Ended, scratch};

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
    std::fs::write(path, text).expect("a file can be written");
}

/// One incident in the layout of `sockshop1`: the processor of `shop` becomes busy.
fn tiny(name: &str) -> PathBuf {
    let data = scratch(name);
    let set = data.join("diagnosis/sockshop1");
    put(&set, "labels.csv", "case,service,fault,root_cause_metric\none,shop,cpu,shop_cpu\n");
    for (part, jump) in [("normal", 0.0), ("anomalous", 90.0)] {
        let mut text = "time,shop_cpu,shop_mem,store_cpu,store-db_cpu\n".to_owned();
        for row in 0..160_u64 {
            let noise = |channel: u64| {
                let mixed = (row * 31 + channel + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (mixed >> 40) as f64 / (1_u64 << 24) as f64
            };
            let (busy, memory) = (noise(0) + jump, 5e8 + noise(1));
            writeln!(text, "{row},{busy},{memory},{},{}", noise(2), noise(3))
                .expect("writing to a string cannot fail");
        }
        put(&set, &format!("cases/one/{part}.csv.gz"), &text);
    }
    data
}

fn measured(data: &Path, more: &[&str]) -> Ended {
    let data = data.to_str().expect("a path");
    let call = ["benchmark", "diagnosis", "--data", data, "--quiet", "--commit", "none"];
    call::auscult(&[&call[..], more].concat(), "")
}

#[test]
fn a_known_cause_is_named_and_counted() {
    let data = tiny("diagnosis-known");
    let ended = measured(&data, &["--format", "json", "--method", "combined,circa"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).expect("JSON");
    let tables = report["sets"][0]["tables"].as_array().expect("tables");
    assert_eq!(tables.len(), 3);
    for table in tables {
        let figures = table["lines"][0]["figures"].as_array().expect("figures");
        assert!(figures.iter().all(|figure| figure == 1.0), "{table}");
        assert_eq!(table["lines"][0]["series"], 4.0);
        // What a method lacks is said beside it, and the others go on.
        let refused = table["lines"][1]["refused"].as_str().expect("a reason");
        assert!(refused.contains("needs a topology"), "{refused}");
    }
}

#[test]
fn a_person_reads_a_table_with_the_figures_of_others() {
    let data = tiny("diagnosis-table");
    let ended = measured(&data, &["--set", "sockshop1", "--method", "robust-shift"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for line in
        ["## sockshop1: Sock Shop 1", "### onset unknown", "| robust-shift | 1.000 |", "| *BARO* |"]
    {
        assert!(ended.out.contains(line), "{line} in {}", ended.out);
    }
    assert!(!ended.out.contains("| combined |"));
}

#[test]
fn what_cannot_be_measured_is_refused_in_a_sentence() {
    let data = tiny("diagnosis-refused");
    let cases: [(&[&str], &str); 4] = [
        (&["--set", "sockshop"], "no data set `sockshop`; there are sockshop1, "),
        (&["--method", "best"], "no method `best`; there are combined, "),
        (&["--set", "petshop"], "no data set `petshop`; it is public at github amazon-science/"),
        (&["--method", "adtributor"], "no chosen method goes with a chosen data set"),
    ];
    for (more, sentence) in cases {
        let ended = measured(&data, more);
        assert_eq!(ended.code, 2, "{more:?}");
        assert!(ended.err.contains(sentence), "{}", ended.err);
    }
    let ended = measured(Path::new("nowhere"), &[]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("no public incidents; expected some of sockshop1/labels.csv"),
        "{}",
        ended.err
    );
}
