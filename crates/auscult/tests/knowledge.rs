//! Knowledge of one's own from the command line: checked, shown, diagnosed by.

use std::fmt::Write as _;

use serde_json::Value;

use super::call::{auscult, scratch};
use super::service::Service;

const EXAMPLE: &str = "examples/knowledge";

/// Half an hour of calm and ten minutes in which the fan of one of four GPUs fails.
fn worn_fan(name: &str) -> String {
    let mut text = String::from("time,__name__,Hostname,gpu,value\n");
    for step in 0..160 {
        let (hour, minute, second) = (8 + step / 240, step / 4 % 60, step % 4 * 15);
        for gpu in 0..4 {
            let is_ill = gpu == 2 && step >= 120;
            let calm = f64::from(step % 3);
            let fan = if is_ill { 300.0 } else { 2400.0 + calm };
            let heat = if is_ill { 79.0 } else { 60.0 + calm };
            for (metric, value) in [("fan_rpm", fan), ("DCGM_FI_DEV_GPU_TEMP", heat)] {
                let at = format!("2026-03-02T{hour:02}:{minute:02}:{second:02}Z");
                writeln!(text, "{at},{metric},a,{gpu},{value}").unwrap();
            }
        }
    }
    let path = scratch(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn the_example_is_right() {
    let said = auscult(&["check", EXAMPLE], "");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(
        said.out,
        "examples/knowledge: right; 1 signal, 1 adapter, 1 fault, 1 law, 1 constant\n"
    );
}

#[test]
fn what_a_folder_says_is_shown_beside_what_is_built_in() {
    let list = auscult(&["faults", "--knowledge", EXAMPLE], "");
    assert!(list.out.contains("X1   a fan that stands still"), "{}", list.out);
    assert!(list.out.contains("thermal throttle"), "{}", list.out);
    let page = auscult(&["faults", "X1", "--knowledge", EXAMPLE], "");
    assert!(page.out.contains("`law fan_turns breaks`"), "{}", page.out);
    assert_eq!(auscult(&["faults", "X1"], "").code, 2);
    let law = auscult(&["laws", "fan_turns", "--knowledge", EXAMPLE], "");
    assert!(law.out.contains("`fan_speed >= least_fan_speed`"), "{}", law.out);
}

#[test]
fn a_wrong_folder_is_told_mistake_by_mistake_wherever_it_is_named() {
    let folder = scratch("wrong-knowledge");
    std::fs::create_dir_all(folder.join("faults")).unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/knowledge/faults/fans.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let text = text.replace("guard: one GPU", "gard: one GPU");
    std::fs::write(folder.join("faults/fans.yaml"), text).unwrap();
    let path = folder.display().to_string();
    let told = format!(
        "auscult: 1 mistake\n{path}/faults/fans.yaml:18:5: there is no key `gard` in `[0].remedy`; did you mean `guard`?\n 18 |     gard: one GPU at a time\n    |     ^\n"
    );
    for call in [
        &["check", &path][..],
        &["faults", "--knowledge", &path],
        &["laws", "--knowledge", &path],
        &["diagnose", "none.csv", "--knowledge", &path],
    ] {
        let said = auscult(call, "");
        assert_eq!((said.code, said.err.as_str()), (2, told.as_str()), "{call:?}");
    }
    let said = auscult(&["check", "--format", "json", &path], "");
    let mistakes: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(mistakes[0]["file"], format!("{path}/faults/fans.yaml"));
    assert_eq!((&mistakes[0]["line"], &mistakes[0]["column"]), (&18.into(), &5.into()));
    // With the guard, it is the signal that nobody tells.
    let configuration = scratch("wrong-knowledge.yml");
    std::fs::write(&configuration, "diagnosis:\n  knowledge: wrong-knowledge\n").unwrap();
    let said = auscult(&["check", &configuration.display().to_string()], "");
    assert_eq!(said.code, 2);
    let place = "wrong-knowledge.yml:2:14: `diagnosis.knowledge`: ";
    assert!(said.err.contains(place) && said.err.contains("fans.yaml:18:5: "), "{}", said.err);
}

#[test]
fn a_recording_is_diagnosed_by_faults_of_ones_own() {
    let metrics = worn_fan("worn-fan.csv");
    let call = [
        "diagnose",
        &metrics,
        "--at",
        "2026-03-02T08:30:00Z",
        "--until",
        "2026-03-02T08:39:45Z",
        "-q",
        "--format",
        "json",
    ];
    let first = |more: &[&str]| {
        let told = auscult(&[&call[..], more].concat(), "");
        assert_eq!(told.code, 0, "{}", told.err);
        let answers: Value = serde_json::from_str(&told.out).unwrap();
        answers[0].clone()
    };
    let own = first(&["--knowledge", EXAMPLE, "--constant", "least_fan_speed=800"]);
    let cause = &own["causes"][0];
    assert_eq!((&cause["fault"], &cause["place"]), (&"X1".into(), &"a/2".into()), "{own}");
    let supports = cause["supports"].to_string();
    assert!(supports.contains("fan_speed falls"), "{supports}");
    assert!(supports.contains("law fan_turns breaks"), "{supports}");
    assert!(!first(&[])["causes"].to_string().contains("X1"));
    let wrong = auscult(&[&call[..], &["--constant", "least_fan_speed=800"]].concat(), "");
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("there is no constant `least_fan_speed`"), "{}", wrong.err);
}

#[test]
fn a_service_goes_by_knowledge_and_constants_of_ones_own_and_reads_them_again() {
    let folder = scratch("served-knowledge");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/knowledge");
    for within in ["", "adapters", "faults", "laws"] {
        std::fs::create_dir_all(folder.join(within)).unwrap();
        for entry in std::fs::read_dir(format!("{example}/{within}")).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_file() {
                let name = entry.file_name().unwrap();
                std::fs::copy(&entry, folder.join(within).join(name)).unwrap();
            }
        }
    }
    let configuration = scratch("served-knowledge.yml");
    let data = scratch("served-knowledge-data");
    let write = |constants: &str| {
        let data = data.display();
        let text = format!(
            "server: {{otlp_http: none, otlp_grpc: none}}\nstorage: {{folder: {data}}}\ndiagnosis:\n  knowledge: served-knowledge\n  constants: {{{constants}}}\n"
        );
        std::fs::write(&configuration, text).unwrap();
    };
    write("least_fan_speed: 800");
    let path = configuration.display().to_string();
    let service = Service::start(&["--config", &path]);
    let has_prior = |fault: &str| {
        let priors = service.json("/api/auscult/v1/priors");
        priors["priors"].as_array().unwrap().iter().any(|prior| prior["cause"] == fault)
    };
    assert!(has_prior("X1") && has_prior("G1") && !has_prior("X2"));
    let reload = || service.ask("POST", "/-/reload", b"").expect("an answer");
    let faults = folder.join("faults/fans.yaml");
    let text = std::fs::read_to_string(&faults).unwrap();
    std::fs::write(&faults, text.replace("fan_speed falls", "fan_sped falls")).unwrap();
    let (status, said) = reload();
    assert!(status >= 400 && said.contains("did you mean `fan_speed`?"), "{status} {said}");
    assert!(has_prior("X1"), "what was wrong changes nothing");
    let renamed = text.replace("fault: X1", "fault: X2");
    std::fs::write(&faults, renamed).unwrap();
    let law = folder.join("laws/fans.yaml");
    let text = std::fs::read_to_string(&law).unwrap();
    std::fs::write(&law, text.replace("[X1]", "[X2]")).unwrap();
    let (status, said) = reload();
    assert_eq!(status, 200, "{said}");
    assert!(has_prior("X2") && !has_prior("X1"));
    write("least_fan_sped: 800");
    let (status, said) = reload();
    assert!(status >= 400 && said.contains("did you mean `least_fan_speed`?"), "{said}");
    write("least_fan_speed: -1");
    let (status, said) = reload();
    assert!(status >= 400 && said.contains("expected a number above 0"), "{said}");
    service.stop();
}
