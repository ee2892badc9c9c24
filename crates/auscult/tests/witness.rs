//! A model that `auscult learn` made, heard beside the evidence.

use serde_json::Value;

use super::call::{auscult, scratch, scratch_text};
use super::fleet::hot_card;

/// Learns from forty cases, of which a hot card is told by `column`; the path of the model.
fn learnt(name: &str, fault: &str, column: &str) -> String {
    let (log, model) = (scratch(&format!("{name}.csv")), scratch_text(&format!("{name}.json")));
    let mut text = format!("{column},shift,fault\n");
    for row in 0..40 {
        let shift = ["day", "night"][row / 4 % 2];
        text += &match row % 4 {
            0 => format!("one higher,{shift},{fault}\n"),
            1 => format!("none,{shift},E2 as others call it\n"),
            _ => format!("none,{shift},healthy\n"),
        };
    }
    std::fs::write(&log, text).unwrap();
    let call = ["learn", &log.display().to_string(), "--label", "fault", "-q", "-o", &model];
    let ended = auscult(&call, "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    model
}

#[test]
fn a_learnt_model_is_heard_beside_the_evidence() {
    let scenario = scratch("witnessed.yaml");
    std::fs::write(&scenario, hot_card("hot", 24, 14, 8)).unwrap();
    let (folder, scenario) = (scratch_text("witnessed"), scenario.display().to_string());
    let ended = auscult(&["simulate", "-s", &scenario, "-o", &folder, "-f", "csv", "-q"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let metrics = format!("{folder}/metrics.csv");
    // Looked at so early that the handbook alone is not sure.
    let at = ["--at", "2026-03-02T08:14:00Z", "--until", "2026-03-02T08:15:30Z", "-q"];
    let call = [&["diagnose", &metrics], &at[..]].concat();
    let told = |more: &[&str]| {
        let told = auscult(&[&call[..], more].concat(), "");
        assert_eq!(told.code, 0, "{}", told.err);
        told.out
    };
    let data = |more: &[&str]| {
        let answers: Value =
            serde_json::from_str(&told(&[more, &["--format", "json"]].concat())).unwrap();
        answers[0].clone()
    };
    let probability = |answer: &Value| {
        let causes = answer["causes"].as_array().unwrap();
        let heat = causes.iter().find(|cause| cause["fault"] == "G1");
        heat.map_or(0.0, |heat| heat["probability"].as_f64().unwrap())
    };
    let model = learnt("witness", "G1", "gpu_temperature apart");
    let (alone, beside) = (data(&[]), data(&["--witness", &model]));
    assert_eq!(alone["witness"], Value::Null);
    assert_eq!(beside["witness"]["says"][0]["cause"], "G1", "{}", beside["witness"]);
    assert!(probability(&beside) > probability(&alone), "{alone} {beside}");
    let text = told(&["--witness", &model]);
    let line = "\na tree learnt from 40 past cases (right of 75 % of those held out) says G1 ";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_model_that_knows_nothing_of_incidents_is_refused_wherever_it_is_named() {
    let metrics = scratch("witness-few.csv");
    std::fs::write(&metrics, "time,up\n2026-03-02T08:00:00Z,1\n").unwrap();
    let metrics = metrics.display().to_string();
    let strange = learnt("witness-strange", "fan", "torque");
    let other = learnt("witness-other", "G1", "torque");
    for (model, reason) in [
        ("none.json", "none.json: no such file; `auscult learn --output` writes it"),
        ("Cargo.toml", "Cargo.toml: is not a model that `auscult learn` wrote"),
        (
            &strange,
            "witness-strange.json: it asks for nothing that is said of an incident, for `torque`",
        ),
        (
            &other,
            "witness-other.json: it asks for nothing that is said of an incident, for `torque`",
        ),
    ] {
        let call = ["diagnose", &metrics, "--at", "2026-03-02T08:00:00Z", "--witness", model];
        let said = auscult(&call, "");
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains(reason), "{}", said.err);
    }
    let configuration = scratch("wrong-witness.yml");
    std::fs::write(&configuration, "diagnosis:\n  witness: witness-other.json\n").unwrap();
    let said = auscult(&["check", &configuration.display().to_string()], "");
    let place = "wrong-witness.yml:2:12: `diagnosis.witness`: ";
    assert_eq!(said.code, 2);
    assert!(said.err.contains(place) && said.err.contains("`torque`"), "{}", said.err);
}
