//! Questions about incidents: `auscult diagnose --ask`, and `auscult troubleshoot` on recordings and services.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::call::{Ended, auscult, scratch};
use super::life::gpus_with;
use super::service::Service;

/// Forty minutes of four GPUs, of which one gets hot after half an hour; without what does not pass `shown`.
fn hot(name: &str, shown: impl Fn(&str) -> bool) -> String {
    let mut text = String::from("time,__name__,Hostname,gpu,value\n");
    for step in 0..160 {
        let at = format!("2026-03-02T08:{:02}:{:02}Z", step / 4, step % 4 * 15);
        for gpu in 0..4 {
            for (metric, calm, ill) in [
                ("DCGM_FI_DEV_GPU_TEMP", 60.0, 91.0),
                ("DCGM_FI_DEV_MEMORY_TEMP", 66.0, 95.0),
                ("DCGM_FI_DEV_SM_CLOCK", 1980.0, 1400.0),
                ("DCGM_FI_DEV_POWER_USAGE", 520.0, 400.0),
            ] {
                if shown(metric) {
                    let level = if gpu == 2 && step >= 120 { ill } else { calm };
                    let value = level * (1.0 + 0.001 * f64::from((step * 7 + gpu) % 11));
                    writeln!(text, "{at},{metric},a,{gpu},{value}").unwrap();
                }
            }
        }
    }
    let path = scratch(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// No --until: nothing counts that would have come after the end of the recording.
const AT: [&str; 3] = ["--at", "2026-03-02T08:30:00Z", "-q"];

fn done(arguments: &[&str], input: &str) -> String {
    let Ended { code, out, err } = auscult(arguments, input);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

#[test]
fn the_way_to_the_cause_is_walked_by_readings_and_shows_them() {
    let metrics = hot("ask-walk.csv", |_| true);
    let told = done(&[&["troubleshoot", &metrics][..], &AT].concat(), "");
    assert!(told.starts_with("began 2026-03-02T08:30:00Z\n\nWhat readings answer"), "{told}");
    let looks: Vec<&str> =
        told.lines().filter(|line| line.contains(" — yes, at a/2 (1 of 4): ")).collect();
    assert!(!looks.is_empty(), "{told}");
    assert!(looks.iter().any(|look| look.contains('→')), "{told}");
    assert!(told.contains("likeliest then: thermal throttle (G1) at gpu a/2, "), "{told}");
    let cause = told.split("\nCause: ").nth(1).expect("it ends with a cause");
    assert!(cause.starts_with("thermal throttle at gpu a/2 (G1, "), "{told}");
    assert!(cause.contains("Remedy: move work away") && cause.contains("guard: one GPU"), "{told}");
}

#[test]
fn what_no_reading_tells_is_asked_and_changes_the_answer() {
    let metrics = hot("ask-few.csv", |metric| metric == "DCGM_FI_DEV_SM_CLOCK");
    let call = [&["diagnose", &metrics, "--ask"][..], &AT].concat();
    let closed = done(&call, "");
    assert!(closed.contains("Question 1: "), "{closed}");
    let hint = "Standard input has ended; this is how far the answers lead.";
    assert!(closed.contains(hint), "{closed}");
    // One question, asked the same each time, of which the answer matters.
    let question = closed.lines().find(|line| line.starts_with("Question 1: ")).unwrap();
    let (yes, no) = (done(&call, "yes\nquit\n"), done(&call, "no\nquit\n"));
    assert!(yes.contains(question) && no.contains(question), "{yes}\n{no}");
    let shares = |told: &str| {
        let changed = told.lines().filter(|line| line.contains("was "));
        changed.map(str::to_owned).collect::<Vec<String>>()
    };
    assert!(!shares(&yes).is_empty(), "{yes}");
    assert_ne!(shares(&yes), shares(&no));
    // What is not known is not asked again, and an answer can be taken back.
    let open = done(&call, "unknown\nquit\n");
    assert!(open.contains("Then that stays open."), "{open}");
    let other = open.lines().find(|line| line.starts_with("Question 2: "));
    let text = |line: &str| line.split_once(": ").unwrap().1.to_owned();
    assert_ne!(other.map(text), Some(text(question)));
    let back = done(&call, "why\nno\nback\nperhaps\nquit\n");
    assert!(back.contains("What the answer would mean:"), "{back}");
    assert!(back.contains("Took back the answer to `"), "{back}");
    assert!(back.contains("`perhaps` is no answer; expected yes, no, unknown"), "{back}");
    assert_eq!(back.matches(question).count(), 2, "{back}");
    // A report has what the answers lead to.
    let page = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ask-report.html");
    let reported = [&call[..], &["--html", page.to_str().unwrap()]].concat();
    let [first, last] = ["", "yes\n"].map(|input| {
        done(&reported, input);
        std::fs::read_to_string(&page).unwrap()
    });
    assert!(first.contains("<svg ") && last.contains("<svg "), "{last}");
    let event = "event maintenance happens";
    assert_ne!(first.split_once("</h1>").unwrap().0, last.split_once("</h1>").unwrap().0);
    assert!(first.contains(event) && last.contains(event), "{last}");
    // The last answer as data; questions go to standard error then.
    let json = [&call[..], &["--format", "json"]].concat();
    let Ended { code, out, err } = auscult(&json, "yes\n");
    assert_eq!(code, 0, "{err}");
    let answers: Value = serde_json::from_str(&out).unwrap();
    assert!(answers[0]["causes"].is_array() && err.contains("Question 1: "), "{err}");
}

#[test]
fn a_question_that_costs_much_is_asked_later() {
    let metrics = hot("ask-costs.csv", |metric| metric == "DCGM_FI_DEV_SM_CLOCK");
    let call = [&["diagnose", &metrics, "--ask"][..], &AT].concat();
    let first = |told: &str| {
        let at = told.find("\n  `").unwrap() + 4;
        told[at..].split('`').next().unwrap().to_owned()
    };
    let usual = first(&done(&call, ""));
    let statement = usual.split(": ").last().unwrap();
    let name = statement.split(['{', ' ']).next().unwrap();
    let name = if name == "event" {
        statement.trim_end_matches(" happens").to_owned()
    } else {
        name.to_owned()
    };
    let costs = format!("{name}=1000");
    let dear = done(&[&call[..], &["--costs", &costs]].concat(), "");
    assert_ne!(first(&dear), usual, "{dear}");
    let wrong = auscult(&[&call[..], &["--costs", "gpu_temperatur=2"]].concat(), "");
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("did you mean `gpu_temperature`?"), "{}", wrong.err);
}

#[test]
fn a_service_is_asked_with_answers_of_people() {
    let data = scratch("ask-service");
    drop(std::fs::remove_dir_all(&data));
    let config = scratch("ask-service.yml");
    let policies = "policies:\n  - {match: DCGM_FI_DEV_SM_CLOCK, valid_range: {low: 1500}}\n";
    std::fs::write(&config, policies).unwrap();
    let (data, config) = (data.display().to_string(), config.display().to_string());
    let service = Service::start(&["--config", &config, "--data", &data]);
    let is_shown = |metric: &str| metric == "DCGM_FI_DEV_SM_CLOCK";
    let (status, answer) =
        service.ask("POST", "/api/v1/write", &gpus_with(is_shown)).expect("an answer");
    assert_eq!(status, 204, "{answer}");
    let url = format!("http://{}", service.address());
    let told = done(&["troubleshoot", "--url", &url, "-q", "--certainty", "1"], "unknown\nno\n");
    assert!(told.starts_with("incident 1, began "), "{told}");
    assert!(told.contains("the most telling first:\n1. gpu: gpu_sm_clock "), "{told}");
    assert!(told.contains("Question 1: ") && told.contains("Question 2: "), "{told}");
    assert!(told.contains("\nCause: "), "{told}");
    let told = done(&["diagnose", "--url", &url, "--ask", "-q"], "");
    assert!(told.starts_with("incident 1, began "), "{told}");
    let none = auscult(&["troubleshoot", "--url", &url, "--incident", "7", "-q"], "");
    assert!(none.code == 2 && none.err.contains("there is no incident 7"), "{}", none.err);

    let path = "/api/auscult/v1/incidents/1/troubleshooting";
    let ask = |body: &Value| {
        let body = body.to_string();
        let (status, text) = service.ask("POST", path, body.as_bytes()).expect("an answer");
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    let (status, found) = ask(&json!({"certainty": 1.0}));
    assert_eq!(status, 200, "{found}");
    let question = &found["question"];
    let answer = |holds: Value| {
        let (statement, kind, place) =
            (&question["statement"], &question["kind"], &question["place"]);
        json!({"statement": statement, "kind": kind, "place": place, "holds": holds})
    };
    let after = |holds: bool| {
        let (status, found) = ask(&json!({"answers": [answer(holds.into())], "certainty": 1.0}));
        assert_eq!(status, 200, "{found}");
        assert_ne!(&found["question"]["statement"], &question["statement"]);
        found["diagnosis"]["causes"][0]["probability"].as_f64().unwrap()
    };
    assert_ne!(after(true), after(false));
    for (body, said) in [
        (
            json!({"answers": [{"statement": "x", "kind": "gpu", "place": "h/9", "holds": true}]}),
            "there is no gpu `h/9` in this incident",
        ),
        (
            json!({"answers": [{"statement": "gpu_power fals", "kind": "gpu", "place": "h/3", "holds": true}]}),
            "did you mean `gpu_power falls`?",
        ),
        (json!({"certainty": 0}), "the certainty is 0"),
        (json!({"prices": {"gpu_power": 0}}), "the price of `gpu_power` is 0"),
        (json!({"answrs": []}), "did you mean `answers`?"),
    ] {
        let (status, refused) = ask(&body);
        assert_eq!(status, 400, "{refused}");
        assert!(refused["error"].as_str().unwrap().contains(said), "{refused}");
    }
}

#[test]
fn calls_that_leave_nothing_to_ask_end_in_one_sentence() {
    let refused = |arguments: &[&str]| {
        let ended = auscult(arguments, "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        ended.err
    };
    assert!(refused(&["troubleshoot"]).contains("say what to troubleshoot: --model FILE"));
    let error = refused(&["diagnose", "--ask"]);
    assert!(error.contains("answers are read from standard input"), "{error}");
    let error = refused(&["troubleshoot", "-", "--at", "2026-03-02T08:30:00Z"]);
    assert!(error.contains("answers are read from standard input"), "{error}");
    let metrics = hot("ask-none.csv", |_| true);
    let error = refused(&["troubleshoot", &metrics, "--incident", "9", "-q"]);
    assert!(error.contains("there is no incident 9 in these recordings"), "{error}");
    let error = refused(&["troubleshoot", "--model", "x.json", "--url", "http://a"]);
    assert!(error.contains("cannot be used with"), "{error}");
}
