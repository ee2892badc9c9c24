//! `auscult diagnose` from the command line.

use serde_json::Value;

use super::call::{auscult, scratch, scratch_text};
use super::fleet::hot_card;

fn recorded(name: &str) -> String {
    let scenario = scratch(&format!("{name}.yaml"));
    std::fs::write(&scenario, hot_card("hot", 24, 14, 8)).unwrap();
    let folder = scratch_text(name);
    let scenario = scenario.display().to_string();
    let ended = auscult(&["simulate", "-s", &scenario, "-o", &folder, "-f", "csv", "-q"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    folder
}

#[test]
fn a_recording_is_diagnosed_with_its_evidence() {
    let folder = recorded("diagnosed");
    let file = |name: &str| format!("{folder}/{name}");
    let (metrics, changes) = (file("metrics.csv"), file("changes.csv"));
    let log = file("kernel-serve-0.log");
    let call = [
        "diagnose",
        &metrics,
        "--at",
        "2026-03-02T08:14:00Z",
        "--until",
        "2026-03-02T08:22:00Z",
        "--changes",
        &changes,
        "--log",
        &log,
        "-q",
    ];
    let told = auscult(&call, "");
    assert_eq!(told.code, 0, "{}", told.err);
    let expected = "began 2026-03-02T08:14:00Z\nthermal throttle at gpu serve-0/3 (G1,";
    assert!(told.out.starts_with(expected), "{}", told.out);
    assert!(told.out.contains("+ gpu_temperature rises: "), "{}", told.out);
    assert!(told.out.contains("   now:    move work away"), "{}", told.out);

    let told = auscult(&[&call[..], &["--format", "json", "--fail-on-anomaly"]].concat(), "");
    assert_eq!(told.code, 1, "{}", told.err);
    let answers: Value = serde_json::from_str(&told.out).unwrap();
    let cause = &answers[0]["causes"][0];
    assert_eq!((&cause["fault"], &cause["place"]), (&"G1".into(), &"serve-0/3".into()));
    assert!(cause["probability"].as_f64().unwrap() > 0.8, "{cause}");
    assert!(cause["supports"].as_array().unwrap().len() > 2, "{cause}");
}

/// A server of llama.cpp that really got more requests than it can answer.
#[test]
fn a_real_recording_becomes_a_page_that_is_read_from_the_sentence_to_the_remedy() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/real_servers/llama-cpp");
    let (metrics, changes) = (format!("{folder}/surge-1.csv.gz"), format!("{folder}/changes.csv"));
    let page = scratch("surge.html");
    let path = page.display().to_string();
    let at = ["--at", "2026-11-26T10:18:28Z", "--changes", &changes, "-q"];
    let call = [&["diagnose", &metrics], &at[..]].concat();
    let told = auscult(&[&call[..], &["--html", &path]].concat(), "");
    assert_eq!(told.code, 0, "{}", told.err);
    assert_eq!(told.out, auscult(&call, "").out, "the text is as without a page");
    let page = std::fs::read_to_string(&page).unwrap();
    let sentence = told.out.lines().nth(1).unwrap();
    let title = format!("{}, since 2026-11-26 10:18:28 UTC</h1>", &sentence[1..]);
    let parts = [
        title.as_str(),
        "<h2>Evidence</h2>",
        "client_served rises</code>",
        "<svg ",
        " requests/s</span>",
        "from <code title=\"",
        "<h3>Against ",
        "<h2>Other causes</h2>",
        "<h3>Ruled out</h3>",
        "<h2>What is not known</h2>",
        "<h3>Next question</h3>",
        "<h2>Remedy</h2>",
        "<dt>Now</dt>",
        "<dt>Guard</dt>",
        "<dt>It helped if</dt>",
    ];
    let mut from = 0;
    for part in parts {
        let place = page[from..].find(part);
        from += place.unwrap_or_else(|| panic!("`{part}` after byte {from} of {page}"));
    }
    assert!(!page.contains("<script") && !page.contains("http"), "{page}");
    let nowhere = auscult(&[&call[..], &["--html", "/nowhere/at/all.html"]].concat(), "");
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.err.contains("/nowhere/at/all.html"), "{}", nowhere.err);
}

#[test]
fn a_short_recording_is_looked_at_as_finely_as_one_whose_end_is_told() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/real_servers/llama-cpp");
    let (run, changes) = (format!("{folder}/killed-4.csv.gz"), format!("{folder}/changes.csv"));
    let at = "2026-11-26T14:15:40.505Z";
    let call = ["diagnose", "-q", &run, "--at", at, "--changes", &changes];
    let until = [&call[..], &["--until", "2026-11-26T14:17:10.529Z"]].concat();
    for call in [&call[..], &until] {
        let told = auscult(call, "");
        let expected = "engine crash at replica chat-57:8000 (E3";
        assert!(told.out.contains(expected), "{}{}", told.out, told.err);
    }
}

#[test]
fn wrong_calls_end_in_one_sentence() {
    let metrics = scratch("diagnose-few.csv");
    std::fs::write(&metrics, "time,up\n2026-03-02T08:00:00Z,1\n2026-03-02T08:00:15Z,1\n").unwrap();
    let metrics = metrics.display().to_string();
    let ended = auscult(&["diagnose", &metrics, "-q"], "");
    assert_eq!((ended.code, ended.out.as_str()), (0, "no incidents\n"), "{}", ended.err);
    let refused = |more: &[&str]| {
        let ended = auscult(&[&["diagnose", &metrics, "-q"], more].concat(), "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        ended.err
    };
    let error = refused(&["--at", "2026-03-02T08:00:00Z", "--until", "2026-03-02T07:00:00Z"]);
    assert!(error.contains("--until does not lie after --at"), "{error}");
    let error = refused(&["--at", "2026-03-03T08:00:00Z"]);
    assert!(error.contains("nothing was recorded after --at"), "{error}");
    let log = scratch("diagnose-strange.log");
    std::fs::write(&log, "hello\n").unwrap();
    let at = ["--at", "2026-03-02T08:00:00Z"];
    let error = refused(&[&at[..], &["--log", &log.display().to_string()]].concat());
    assert!(error.contains("no line begins with a time and the name of a host"), "{error}");
    let changes = scratch("diagnose-changes.csv");
    std::fs::write(&changes, "time,kind,target\nsoon,deploy,chat\n").unwrap();
    let error = refused(&[&at[..], &["--changes", &changes.display().to_string()]].concat());
    assert!(error.contains("row 1: `soon` is no time"), "{error}");
    let ended = auscult(&["diagnose", "--url", "http://127.0.0.1:9", "-q"], "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("cannot ask http://127.0.0.1:9"), "{}", ended.err);
}

/// Twenty minutes of calm and ten of the incident of one GPU and one replica, each reading as
/// `write` says.
fn hostile(name: &str, write: impl Fn(usize, f64) -> String) -> String {
    let series = [
        ("DCGM_FI_DEV_GPU_TEMP", 60.0),
        ("DCGM_FI_DEV_SM_CLOCK", 1980.0),
        ("DCGM_FI_DEV_POWER_USAGE", 500.0),
        ("DCGM_FI_DEV_GPU_UTIL", 90.0),
        ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1e6),
        ("DCGM_FI_DEV_XID_ERRORS", 0.0),
    ];
    let mut text = String::from("time,__name__,Hostname,gpu,value\n");
    for step in 0..120 {
        let (minute, second) = (step / 4, step % 4 * 15);
        for (metric, value) in series {
            let value = write(step, value);
            text += &format!("2026-03-02T08:{minute:02}:{second:02}Z,{metric},host-0,0,{value}\n");
        }
    }
    let path = scratch(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn hostile_telemetry_is_never_a_confident_diagnosis() {
    let later = |step: usize, calm: f64, ill: &str| {
        if step < 80 { (calm + (step % 3) as f64).to_string() } else { ill.to_owned() }
    };
    for (name, write) in [
        (
            "hostile-absurd.csv",
            &(|step, calm| later(step, calm, "-1e12")) as &dyn Fn(usize, f64) -> String,
        ),
        ("hostile-negative.csv", &|step, calm| format!("-{}", calm * step as f64 + 1.0)),
        ("hostile-endless.csv", &|step, calm| later(step, calm, "+Inf")),
        ("hostile-none.csv", &|_, _| "NaN".to_owned()),
    ] {
        let metrics = hostile(name, write);
        let at = ["--at", "2026-03-02T08:20:00Z", "--until", "2026-03-02T08:30:00Z"];
        let call = [&["diagnose", &metrics, "-q", "--format", "json"][..], &at].concat();
        let told = auscult(&call, "");
        if told.code == 2 {
            // Nothing in it is a reading: that is said, and nothing else.
            assert!(told.out.is_empty() && !told.err.is_empty(), "{name}: {}", told.err);
            continue;
        }
        assert_eq!(told.code, 0, "{name}: {}", told.err);
        let answers: Value = serde_json::from_str(&told.out).unwrap();
        let causes = answers[0]["causes"].as_array().unwrap();
        let sure = causes.iter().filter_map(|cause| cause["probability"].as_f64());
        assert!(sure.fold(0.0, f64::max) < 0.2, "{name}: {}", answers[0]["sentence"]);
        assert!(answers[0]["healthy"].as_f64().unwrap() < 0.2, "{name}: {answers}");
        let sentence = answers[0]["sentence"].as_str().unwrap();
        let says = ["the telemetry cannot be trusted", "nothing is known"];
        assert!(says.iter().any(|says| sentence.starts_with(says)), "{name}: {sentence}");
    }
}

#[test]
fn a_constant_that_there_is_not_is_told_with_the_nearest() {
    let ended = auscult(&["diagnose", "x.csv", "--constant", "gpu_bandwith=1"], "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("did you mean `gpu_bandwidth`?"), "{}", ended.err);
    let ended = auscult(&["diagnose", "x.csv", "--constant", "gpu_bandwidth"], "");
    assert!(ended.err.contains("expected NAME=VALUE"), "{}", ended.err);
}
