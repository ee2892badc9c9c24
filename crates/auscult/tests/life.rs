//! What people tell a running service from a shell: verdicts, remedies, and what follows from them.

use std::time::{SystemTime, UNIX_EPOCH};

use auscult_core::{Labels, Timestamp};
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::Value;

use crate::call::{Ended, auscult, scratch};
use crate::service::Service;

const STEP: i64 = 15;

/// Half an hour of four GPUs, of which one has been hot and slow for five minutes.
fn gpus() -> Vec<u8> {
    gpus_with(|_| true)
}

/// The same, of metrics that are `shown`.
pub(crate) fn gpus_with(shown: impl Fn(&str) -> bool) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut series: Vec<(Labels, Vec<Point>)> = Vec::new();
    for gpu in 0..4 {
        let metrics = [
            ("DCGM_FI_DEV_GPU_TEMP", 60.0, 92.0),
            ("DCGM_FI_DEV_MEMORY_TEMP", 66.0, 95.0),
            ("DCGM_FI_DEV_SM_CLOCK", 1980.0, 1400.0),
            ("DCGM_FI_DEV_GPU_UTIL", 95.0, 95.0),
        ];
        for (metric, usual, ill) in metrics.into_iter().filter(|(metric, ..)| shown(metric)) {
            let number = gpu.to_string();
            let pairs =
                [("__name__", metric), ("Hostname", "h"), ("gpu", &number), ("instance", "h:9400")];
            let point = |step: i64| {
                let level = if gpu == 3 && step >= -20 { ill } else { usual };
                let wave = ((step + 1000) * 7 + gpu) % 11;
                let value = level + 0.001 * usual * wave as f64;
                Point { time: Timestamp::from_seconds(now + step * STEP), value }
            };
            series.push((Labels::from_pairs(pairs).unwrap(), (-140..0).map(point).collect()));
        }
    }
    remote_write::write(series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice())))
}

#[test]
fn verdicts_and_remedies_are_told_from_a_shell_and_what_follows_is_shown() {
    let data = scratch("life");
    drop(std::fs::remove_dir_all(&data));
    let config = scratch("life.yml");
    let policies = "policies:\n  - {match: DCGM_FI_DEV_GPU_TEMP, valid_range: {high: 85}}\n";
    std::fs::write(&config, policies).unwrap();
    let (data, config) = (data.display().to_string(), config.display().to_string());
    let service = Service::start(&["--config", &config, "--data", &data]);
    let (status, answer) = service.ask("POST", "/api/v1/write", &gpus()).expect("an answer");
    assert_eq!(status, 204, "{answer}");
    let url = format!("http://{}", service.address());
    let call = |arguments: &[&str]| auscult(&[arguments, &["--url", &url]].concat(), "");
    let done = |arguments: &[&str]| {
        let Ended { code, out, err } = call(arguments);
        assert_eq!(code, 0, "{arguments:?}: {err}");
        out
    };
    let diagnosed = done(&["diagnose", "--incident", "1", "--format", "json", "-q"]);
    let diagnosed: Value = serde_json::from_str(&diagnosed).unwrap();
    // The page leads back to the service, without what a person signs in with.
    let page = scratch("life-report.html");
    let with_name = url.replace("http://", "http://ann:hush@");
    let path = page.display().to_string();
    let asked = ["diagnose", "--incident", "1", "--html", &path, "-q", "--url", &with_name];
    let ended = auscult(&asked, "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    let page = std::fs::read_to_string(&page).unwrap();
    for link in ["incidents/1/verdict\"", "api/v1/query_range?query=DCGM_FI_DEV_GPU_TEMP"] {
        assert!(page.contains(&format!("href=\"{url}/{link}")), "{link}: {page}");
    }
    assert!(page.contains("<svg ") && !page.contains("hush"), "{page}");
    let cause = &diagnosed[0]["causes"][0];
    let (fault, place) = (cause["fault"].as_str().unwrap(), cause["place"].as_str().unwrap());
    assert_eq!(done(&["verdict", "1"]), "nobody has said anything of it\n");
    let told = done(&["verdict", "1", "confirm", "--author", "ann", "--comment", "hot"]);
    assert!(told.contains(&format!("something was wrong  {fault}")), "{told}");
    assert!(done(&["verdict", "1"]).contains(place));
    let priors = done(&["priors", "--changed"]);
    assert!(priors.lines().count() == 3 && priors.contains(&format!("  {fault} ")), "{priors}");
    let report = done(&["diagnose", "--incident", "1", "-q"]);
    assert!(report.contains(&format!("prior of {fault}: ")), "{report}");
    assert!(report.contains("with one verdict here"), "{report}");

    // The incident as a row of a fault log, which `learn` reads beside others.
    let log = scratch("life-cases.csv").display().to_string();
    done(&["cases", "--output", &log]);
    let text = std::fs::read_to_string(&log).unwrap();
    let head = text.lines().next().unwrap();
    assert!(head.starts_with("scenario,") && head.ends_with(",fault"), "{head}");
    assert!(head.contains("gpu_temperature,gpu_temperature apart"), "{head}");
    assert!(text.lines().nth(1).unwrap().ends_with(&format!(",{fault}")), "{text}");
    let other = scratch("life-other.csv");
    let rows =
        "scenario,gpu_temperature apart,fault\na,none,healthy\nb,none,healthy\nc,one higher,G1\n";
    std::fs::write(&other, rows).unwrap();
    let other = other.display().to_string();
    let learnt =
        ["learn", &log, &other, "--label", "fault", "--exclude", "scenario", "--folds", "2"];
    let learnt = auscult(&learnt, "");
    assert_eq!(learnt.code, 0, "{}", learnt.err);

    let refused = call(&["verdict", "1", "correct"]);
    assert!(
        refused.code == 2 && refused.err.contains("`correct` needs --fault"),
        "{}",
        refused.err
    );
    let refused = call(&["verdict", "1", "correct", "--fault", "G99"]);
    assert!(refused.code == 2 && refused.err.contains("no fault `G99`"), "{}", refused.err);
    assert_eq!(done(&["remedy", "1"]), "nothing was done about it, and it is not over\n");
    let told = done(&["remedy", "1", "moved work away", "--author", "ann"]);
    assert!(told.contains("moved work away"), "{told}");

    // What a false alarm suggests holds once somebody accepts it, until it is taken back.
    assert_eq!(done(&["policies", "--suggested"]), "nothing is suggested\n");
    let nothing = call(&["policies", "--accept", "1"]);
    assert!(nothing.err.contains("nothing is suggested after incident 1"), "{}", nothing.err);
    let nothing = call(&["policies", "--dismiss", "1", "--comment", "real"]);
    assert!(nothing.err.contains("nothing is suggested after incident 1"), "{}", nothing.err);
    assert_eq!(done(&["policies", "--dismissed"]), "nothing was dismissed\n");
    assert!(call(&["policies", "--suggest-again", "1"]).err.contains("no dismissed policy"));
    assert!(done(&["policies"]).contains("DCGM_FI_DEV_GPU_TEMP"));
    done(&["verdict", "1", "reject", "--author", "bob"]);
    // Readings outside of a valid range are told whatever policies say, so that none is suggested.
    assert_eq!(done(&["policies", "--suggested"]), "nothing is suggested\n");
    let chosen = "{__name__=\"DCGM_FI_DEV_GPU_UTIL\"}";
    let body = serde_json::json!({
        "policy": {"match": chosen, "least_relative_change": 0.3}, "incident": 1, "author": "ann",
    });
    let path = "/api/auscult/v1/policies/accepted";
    let (status, said) = service.ask("POST", path, body.to_string().as_bytes()).expect("an answer");
    assert_eq!(status, 201, "{said}");
    let list = done(&["policies", "--accepted"]);
    assert!(list.contains("least_relative_change: 0.3") && list.contains("ann"), "{list}");
    let chosen = "DCGM_FI_DEV_GPU_UTIL";
    assert!(done(&["policies"]).contains(chosen));
    let accepted = done(&["policies", "--accepted", "--format", "json"]);
    let accepted: Value = serde_json::from_str(&accepted).unwrap();
    assert_eq!(accepted[0]["incident"], 1);
    let number = accepted[0]["id"].to_string();
    done(&["policies", "--take-back", &number]);
    assert_eq!(done(&["policies", "--accepted"]), "nothing was accepted\n");
    assert!(!done(&["policies"]).contains(chosen));
    let again = call(&["policies", "--take-back", &number]);
    assert!(again.code == 2 && again.err.contains("no accepted policy"), "{}", again.err);
    let said: Value = serde_json::from_str(&done(&["verdict", "1", "--format", "json"])).unwrap();
    let bobs = said.as_array().unwrap().iter().find(|one| one["author"] == "bob").unwrap();
    done(&["verdict", "1", "--withdraw", &bobs["id"].to_string()]);

    // All of it is there after `kill -9`, and a verdict that is withdrawn leaves no trace.
    drop(service);
    let service = Service::start(&["--config", &config, "--data", &data]);
    let url = format!("http://{}", service.address());
    let done = |arguments: &[&str]| {
        let Ended { code, out, err } = auscult(&[arguments, &["--url", &url]].concat(), "");
        assert_eq!(code, 0, "{arguments:?}: {err}");
        out
    };
    assert_eq!(done(&["priors", "--changed"]), priors);
    assert!(done(&["remedy", "1"]).contains("moved work away"));
    let said = done(&["verdict", "1", "--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let number = said[0]["id"].to_string();
    done(&["verdict", "1", "--withdraw", &number]);
    let left = done(&["priors", "--changed"]);
    assert!(left.ends_with("0 incidents with a verdict\n") && !left.contains(fault), "{left}");
}
