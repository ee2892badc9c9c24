//! Calls of `auscult check`, and the pages that it writes.

use crate::call::{auscult, scratch};

fn page(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    std::fs::read_to_string(format!("{root}/{path}")).unwrap()
}

#[test]
fn the_manual_and_the_schema_are_what_the_program_says() {
    let cases = [("--reference", "configuration.md"), ("--schema", "auscult.schema.json")];
    for (option, name) in cases {
        let said = auscult(&["check", option], "");
        assert_eq!(said.code, 0);
        let path = format!("docs/{name}");
        assert!(said.out == page(&path), "{path}: cargo run -- check {option} > {path}");
    }
}

#[test]
fn the_example_is_right() {
    let said = auscult(&["check", "examples/auscult.yml"], "");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(
        said.out,
        "examples/auscult.yml: right; listens on 127.0.0.1:9709, 3 scrape jobs, 4 static targets, 1 file discovery, 1 Prometheus source, 1 followed file, 1 Alertmanager\n"
    );
}

#[test]
fn every_mistake_is_told_with_line_and_column() {
    let typed = "\
server:
  listen: 9709
  otlp_htp: none
detection:
  budget: 1/fortnight
scrape_configs:
  - job_name: vllm
    relabel_configs:
      - action: kep
storage: 30d
";
    let meant = "\
detection: {forget_after: 1m}
scrape_configs:
  - job_name: vllm
    static_configs: [{targets: [gpu1, 'a b:1']}]
    metric_relabel_configs:
      - {action: keep, regex: '('}
  - job_name: vllm
prometheus_sources:
  - {url: 'gopher://a', queries: [up]}
followed_files: [{path: a.csv}, {path: a.csv}]
delivery:
  alertmanagers: [{url: localhost}]
";
    let mut told = String::new();
    for (name, text) in [("typed.yml", typed), ("meant.yml", meant)] {
        let path = scratch(name);
        std::fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        let said = auscult(&["check", &path], "");
        assert_eq!((said.code, said.out.as_str()), (2, ""));
        let folder = scratch("").display().to_string();
        told.push_str(&said.err.replace(&path, name).replace(&folder, "FOLDER/"));
        let said = auscult(&["check", "--format", "json", &path], "");
        assert_eq!(said.code, 2);
        let mistakes: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let first = &mistakes[0];
        assert_eq!(
            (&first["file"], first["line"].as_u64()),
            (&path.into(), Some(if name == "typed.yml" { 2 } else { 1 }))
        );
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_file_that_is_not_there_is_told_in_a_sentence() {
    let said = auscult(&["check", "none.yml"], "");
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("auscult: 1 mistake\nnone.yml:1:1: cannot be read: No such file"));
    let said = auscult(&["serve", "--config", "none.yml"], "");
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("auscult: none.yml:1:1: cannot be read: No such file"));
}

#[test]
fn methods_of_policies_are_checked_where_they_stand() {
    let wrong = |text: &str| {
        let path = scratch("methods.yml");
        std::fs::write(&path, text).unwrap();
        let said = auscult(&["check", &path.display().to_string()], "");
        assert_eq!(said.code, 2, "{text}");
        let place = said.err.lines().find_map(|line| line.split_once("methods.yml:"));
        place.map_or(said.err.clone(), |(_, mistake)| mistake.to_owned())
    };
    let policy = |rest: &str| wrong(&format!("policies:\n  - match: up\n    {rest}\n"));
    assert_eq!(
        policy("method: { name: matrx-profile }"),
        "3:21: `policies[0].method.name`: there is no method `matrx-profile`; did you mean `matrix-profile`?"
    );
    assert_eq!(
        policy("method:\n      name: pca"),
        "4:13: `policies[0].method.name`: `pca` learns from a history as a whole and cannot watch a stream; of its kind, `mahalanobis-ew` can"
    );
    assert_eq!(
        policy("method:\n      settings:\n        windw: 40\n      name: matrix-profile"),
        "5:16: `matrix-profile` has no setting `windw`; did you mean `window`?"
    );
    let too_small =
        policy("method:\n      name: matrix-profile\n      settings:\n        window: 1");
    assert!(too_small.starts_with("6:17: `matrix-profile`: `window = 1`: must be"), "{too_small}");
    assert_eq!(
        policy("joint_method: { name: cusum }"),
        "3:27: `cusum` judges one series by itself; assign it as `method`"
    );
    assert!(policy("method: { nam: cusum }").contains("did you mean `name`?"));
    assert!(policy("methd: { name: cusum }").contains("did you mean `method`?"));
}
