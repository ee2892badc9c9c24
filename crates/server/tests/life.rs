//! The life of an incident after its diagnosis: changes that are told, verdicts, remedies.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use auscult_core::{Labels, Timestamp};
use auscult_engine::{EngineSettings, Policy};
use auscult_server::{DataSettings, DeliverySettings, ServerSettings};
use auscult_telemetry::format_time;
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::api::{ask, hot, pages, write};
use crate::delivery::{Receiver, webhook};
use crate::support::{now, start, until};

/// When the GPU of these tests gets hot, in seconds since 1970: twenty-five minutes ago, since a
/// diagnosis looks at what came up to now.
static ONSET: LazyLock<i64> = LazyLock::new(|| now().nanos() / 1_000_000_000 / STEP * STEP - 1500);
const STEP: i64 = 15;

/// The time `seconds` after the onset, as the API writes it.
fn at(seconds: i64) -> String {
    format_time(Timestamp::from_seconds(*ONSET + seconds))
}

/// A folder that other tests do not touch.
fn folder(name: &str) -> PathBuf {
    let name = format!("auscult-life-{name}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    drop(std::fs::remove_dir_all(&folder));
    folder
}

/// A service that stores in `folder` and for which 85 °C of a GPU are an incident.
async fn watching(folder: &PathBuf) -> (SocketAddr, oneshot::Sender<()>) {
    telling(folder, DeliverySettings::default()).await
}

/// The same, which tells others.
async fn telling(
    folder: &PathBuf,
    delivery: DeliverySettings,
) -> (SocketAddr, oneshot::Sender<()>) {
    let policies: Vec<Policy> = serde_json::from_value(json!([
        {"match": "DCGM_FI_DEV_GPU_TEMP", "valid_range": {"high": 85}},
    ]))
    .unwrap();
    let data = Some(DataSettings { keep_for: None, ..DataSettings::new(folder) });
    let quiet_after = Duration::from_secs(5);
    let engine = EngineSettings { policies, quiet_after, ..EngineSettings::default() };
    let tick = Duration::from_millis(200);
    start(ServerSettings { engine, data, tick, delivery, ..ServerSettings::default() }).await
}

/// Readings of the four GPUs of a host at some moments; GPU 3 is hot and slow at those that say so.
async fn gpus(address: SocketAddr, moments: &[(Timestamp, bool)]) {
    let mut series: Vec<(Labels, Vec<Point>)> = Vec::new();
    for gpu in 0..4 {
        for (metric, usual, ill) in [
            ("DCGM_FI_DEV_GPU_TEMP", 60.0, 92.0),
            ("DCGM_FI_DEV_MEMORY_TEMP", 66.0, 95.0),
            ("DCGM_FI_DEV_SM_CLOCK", 1980.0, 1400.0),
            ("DCGM_FI_DEV_POWER_USAGE", 500.0, 500.0),
            ("DCGM_FI_DEV_GPU_UTIL", 95.0, 95.0),
        ] {
            let number = gpu.to_string();
            let pairs =
                [("__name__", metric), ("Hostname", "h"), ("gpu", &number), ("instance", "h:9400")];
            let point = |(time, is_ill): &(Timestamp, bool)| {
                let wave = ((time.nanos() / 1_000_000_000 / STEP * 7 + gpu) % 11) as f64 / 11.0;
                let level = if gpu == 3 && *is_ill { ill } else { usual };
                Point { time: *time, value: level + 0.01 * usual * (wave - 0.5) }
            };
            let points = moments.iter().map(point).collect();
            series.push((Labels::from_pairs(pairs).unwrap(), points));
        }
    }
    let series = series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice()));
    let answer = crate::service::write(address, remote_write::write(series)).await;
    assert_eq!(answer.status(), 204);
}

/// Up to now, the host's GPU 3 is hot for `steps`.
async fn hot_gpu(address: SocketAddr, steps: i64) {
    for piece in (-180..100).step_by(20) {
        let moment = |step: i64| {
            let time = Timestamp::from_seconds(*ONSET + step * STEP);
            (time, (0..steps).contains(&step))
        };
        let moments: Vec<(Timestamp, bool)> = (piece..piece + 20).map(moment).collect();
        gpus(address, &moments).await;
    }
}

#[tokio::test]
async fn a_change_that_is_told_is_evidence_and_stands_with_the_incident() {
    let folder = folder("events");
    let (address, stop) = watching(&folder).await;
    hot_gpu(address, 100).await;
    let diagnose = || ask(address, "GET", "/incidents/1/diagnosis", Value::Null);
    let (status, silent) = diagnose().await;
    assert_eq!((status, &silent["changes"]), (200, &json!([])), "{silent}");
    let says = |diagnosis: &Value| diagnosis.to_string().contains("event maintenance happens");
    assert!(!says(&silent), "of changes that nobody tells, nothing is known: {silent}");
    let time = at(-90);
    let body = json!({"kind": "maintenance", "target": "Hostname=h", "time": time, "text": "fans",
        "source": "rota", "author": "ann"});
    let (status, event) = ask(address, "POST", "/events", body).await;
    assert_eq!((status, &event["id"], &event["time"]), (201, &json!(1), &json!(time)), "{event}");
    let (_, told) = diagnose().await;
    assert_eq!(told["changes"][0]["kind"], "maintenance", "{told}");
    assert_ne!(silent["causes"], told["causes"], "it is evidence");
    let (_, incident) = ask(address, "GET", "/incidents/1", Value::Null).await;
    assert_eq!(incident["events"], json!([event]), "{incident}");
    // It is there after a restart, and gone once it is taken back.
    drop(stop);
    let (address, _stop) = restarted(&folder).await;
    assert_eq!(ask(address, "GET", "/events/1", Value::Null).await, (200, event.clone()));
    assert_eq!(ask(address, "DELETE", "/events/1", Value::Null).await, (200, event));
    assert_eq!(ask(address, "DELETE", "/events/1", Value::Null).await.0, 404);
    assert_eq!(ask(address, "GET", "/events/1", Value::Null).await.0, 404);
}

/// The same service again, once the one before has let go of the folder.
async fn restarted(folder: &PathBuf) -> (SocketAddr, oneshot::Sender<()>) {
    until("the folder", || async { auscult_store::Folder::open(folder).is_ok().then_some(()) })
        .await;
    watching(folder).await
}

#[tokio::test]
async fn events_are_found_page_by_page_and_wrong_ones_refused_in_words() {
    let (address, _stop) = hot(100).await;
    for number in 0..5 {
        let kind = if number % 2 == 0 { "deploy" } else { "scale" };
        let target = format!("instance=chat-{number}:8000");
        let body = json!({"kind": kind, "target": target});
        assert_eq!(ask(address, "POST", "/events", body).await.0, 201);
    }
    let all = pages(address, "/events?limit=2", "before", "events").await;
    let ids: Vec<&Value> = all.iter().flatten().map(|event| &event["id"]).collect();
    assert_eq!(ids, [5, 4, 3, 2, 1]);
    let count = |query: &'static str| async move {
        let (_, page) = ask(address, "GET", &format!("/events?{query}"), Value::Null).await;
        page["events"].as_array().unwrap().len()
    };
    assert_eq!(count("kind=deploy").await, 3);
    assert_eq!(count("target=chat-3").await, 1);
    assert_eq!(count("since=2099-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2099-01-01T00:00:00Z").await, 5);
    for (body, expected) in [
        (json!({}), "missing field `kind`"),
        (json!({"kind": "deployment"}), "unknown variant `deployment`, expected one of `deploy`"),
        (json!({"kind": "deploy", "target": "instance="}), "`target` has `instance=`: expected"),
        (json!({"kind": "deploy", "target": "a&&b"}), "`target` has ``: expected a name"),
        (json!({"kind": "deploy", "time": "noon"}), "`noon` is no time"),
        (json!({"kind": "deploy", "text": "x".repeat(4001)}), "`text` has 4001 letters"),
        (json!({"kind": "deploy", "tex": "x"}), "did you mean `text`?"),
    ] {
        let (status, problem) = ask(address, "POST", "/events", body.clone()).await;
        let error = problem["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(expected), "{body}: {status} {error}");
    }
    // The live view tells of them as of the rest.
    write(address, &["a"], 90.0).await;
    let url = format!("http://{address}/api/auscult/v1/changes");
    let mut view = reqwest::get(url).await.unwrap();
    ask(address, "POST", "/events", json!({"kind": "restart", "target": "serve-0"})).await;
    let mut seen = String::new();
    while !seen.contains("event: event") {
        let piece = tokio::time::timeout(std::time::Duration::from_secs(60), view.chunk()).await;
        seen.push_str(std::str::from_utf8(&piece.unwrap().unwrap().unwrap()).unwrap());
    }
    assert!(seen.contains("-6\nevent: event") && !seen.contains("chat-4"), "{seen}");
}

/// The probability of a cause before any evidence: by the handbook and now, and its verdicts.
async fn prior(address: SocketAddr, cause: &str) -> (f64, f64, u64) {
    let (_, page) = ask(address, "GET", "/priors", Value::Null).await;
    let priors = page["priors"].as_array().unwrap();
    let found = priors.iter().find(|prior| prior["cause"] == cause).unwrap();
    let number = |name: &str| found[name].as_f64().unwrap();
    (number("handbook"), number("now"), found["verdicts"].as_u64().unwrap())
}

#[tokio::test]
async fn a_verdict_names_the_cause_becomes_a_case_and_changes_priors_until_it_is_withdrawn() {
    let folder = folder("verdicts");
    let (address, stop) = watching(&folder).await;
    hot_gpu(address, 100).await;
    let diagnose = || ask(address, "GET", "/incidents/1/diagnosis", Value::Null);
    let (_, before) = diagnose().await;
    let cause = before["causes"][0].clone();
    assert_eq!(cause["place"], "h/3", "{before}");
    let fault = cause["fault"].as_str().unwrap().to_owned();
    let (handbook, now, verdicts) = prior(address, &fault).await;
    assert!(handbook == now && verdicts == 0);
    let said =
        json!({"verdict": "true", "fault": fault.to_lowercase(), "place": "h/3", "author": "ann"});
    let (status, verdict) = ask(address, "POST", "/incidents/1/verdicts", said).await;
    assert_eq!((status, &verdict["fault"]), (201, &json!(fault)), "{verdict}");
    assert_eq!(verdict["diagnosed"]["fault"], json!(fault));
    // As the handbook counts as 100 incidents.
    let (handbook, now, verdicts) = prior(address, &fault).await;
    assert!((now - (100.0 * handbook + 1.0) / 101.0).abs() < 1e-9 && verdicts == 1);
    let (_, after) = diagnose().await;
    let probability = |diagnosis: &Value| diagnosis["causes"][0]["probability"].as_f64().unwrap();
    assert!(probability(&after) >= probability(&before));
    assert_eq!(after["causes"][0]["prior"]["verdicts"], 1, "{after}");
    let (_, page) = ask(address, "GET", "/cases", Value::Null).await;
    let case = &page["cases"][0];
    assert_eq!(
        (&case["incident"], &case["fault"], &case["place"]),
        (&json!(1), &json!(fault), &json!("h/3"))
    );
    assert_eq!(case["features"]["gpu_temperature apart"], "one higher", "{case}");
    assert_eq!(case["features"]["gpu_temperature"], "steady");
    assert_eq!(case["features"]["change"], "none");
    // All of it is there after a restart.
    drop(stop);
    let (address, _stop) = restarted(&folder).await;
    assert_eq!(ask(address, "GET", "/cases", Value::Null).await.1, page);
    assert_eq!(prior(address, &fault).await, (handbook, now, 1));
    // Once it is withdrawn, everything is as it was.
    let path = format!("/incidents/1/verdicts/{}", verdict["id"]);
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(prior(address, &fault).await, (handbook, handbook, 0));
    assert_eq!(ask(address, "GET", "/cases", Value::Null).await.1, json!({"cases": []}));
}

#[tokio::test]
async fn false_alarms_and_causes_beyond_the_handbook_count_as_such() {
    let (address, _stop) = hot(100).await;
    write(address, &["a"], 90.0).await;
    let say = |body: Value| ask(address, "POST", "/incidents/1/verdicts", body);
    for (body, cause) in [
        (json!({"verdict": "false", "author": "ann"}), "healthy"),
        (json!({"verdict": "true", "fault": "none", "author": "ann"}), "none"),
        (json!({"verdict": "true", "fault": "a loose cable", "author": "ann"}), "none"),
        (json!({"verdict": "true", "fault": "thermal throttle", "author": "ann"}), "G1"),
    ] {
        assert_eq!(say(body.clone()).await.0, 201);
        let (handbook, now, verdicts) = prior(address, cause).await;
        assert!(now > handbook && verdicts == 1, "{body}: {cause}");
    }
    for (body, expected) in [
        (json!({"verdict": "true", "fault": "G99"}), "no fault `G99`"),
        (json!({"verdict": "false", "fault": "G1"}), "says that nothing was wrong"),
        (json!({"verdict": "true", "place": "x".repeat(4001)}), "`place` has 4001 letters"),
    ] {
        let (status, problem) = say(body).await;
        let error = problem["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(expected), "{status} {error}");
    }
}

#[tokio::test]
async fn the_page_of_an_alert_takes_a_verdict_from_its_own_form_only() {
    let folder = folder("page");
    let (address, _stop) = watching(&folder).await;
    hot_gpu(address, 100).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let url = format!("http://{address}/incidents/1/verdict");
    let shown = client.get(&url).send().await.unwrap();
    let policy = shown.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
    let page = shown.text().await.unwrap();
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let (_, diagnosis) = ask(address, "GET", "/incidents/1/diagnosis", Value::Null).await;
    let fault = diagnosis["causes"][0]["fault"].as_str().unwrap();
    assert!(page.contains(&format!("({fault}) at gpu h/3, as diagnosed")), "{page}");
    let send = |token: &str, origin: &'static str| {
        let form = [
            ("token", token),
            ("verdict", "confirm"),
            ("diagnosed_fault", fault),
            ("diagnosed_place", "h/3"),
            ("comment", "<b>yes</b>"),
            ("author", "ann"),
        ];
        let body = form.map(|(name, value)| format!("{name}={}", encoded(value))).join("&");
        let request = client.post(format!("{url}/given")).body(body);
        let kind = "application/x-www-form-urlencoded";
        request.header("content-type", kind).header("origin", origin).send()
    };
    let own: &'static str = Box::leak(format!("http://{address}").into_boxed_str());
    assert_eq!(send(token, "https://evil.example.org").await.unwrap().status(), 403);
    let refused = send("AAAA", own).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("open the page again"));
    let taken = send(token, own).await.unwrap();
    assert_eq!(
        (taken.status().as_u16(), taken.headers()["location"].to_str().unwrap()),
        (303, "../verdict")
    );
    let (_, said) = ask(address, "GET", "/incidents/1/verdicts", Value::Null).await;
    let verdicts = said["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 1, "what was refused was not stored: {said}");
    assert_eq!((&verdicts[0]["fault"], &verdicts[0]["place"]), (&json!(fault), &json!("h/3")));
    let page = client.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(
        page.contains("ann said: something was wrong") && page.contains("&lt;b&gt;yes"),
        "{page}"
    );
    assert_eq!(
        client.get(format!("http://{address}/incidents/9/verdict")).send().await.unwrap().status(),
        404
    );
}

#[tokio::test]
async fn the_report_of_an_incident_is_a_page_that_leads_to_the_numbers() {
    let folder = folder("report");
    let (address, _stop) = watching(&folder).await;
    hot_gpu(address, 100).await;
    let url = format!("http://{address}/incidents/1/report");
    let answer = reqwest::get(&url).await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (answer.status().as_u16(), header("content-type").as_str()),
        (200, "text/html; charset=utf-8")
    );
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    let page = answer.text().await.unwrap();
    assert!(page.contains("<h1>Thermal throttle at gpu h/3 (G1"), "{page}");
    assert!(page.contains("<svg ") && !page.contains("<script"), "{page}");
    let base = reqwest::Url::parse(&url).unwrap();
    let follow = |begins: &str| {
        let link = page.split("href=\"").find(|link| link.starts_with(begins));
        let link = link.and_then(|link| link.split('"').next()).unwrap_or_else(|| panic!("{page}"));
        base.join(&link.replace("&amp;", "&")).unwrap()
    };
    for begins in ["../../incidents/1/verdict", "../../api/auscult/v1/incidents/1"] {
        assert_eq!(reqwest::get(follow(begins)).await.unwrap().status(), 200, "{begins}");
    }
    let numbers = reqwest::get(follow("../../api/v1/query_range?query=DCGM_FI_DEV_GPU_TEMP")).await;
    let numbers: Value = numbers.unwrap().json().await.unwrap();
    let result = &numbers["data"]["result"];
    assert_eq!(result[0]["metric"]["gpu"], "3", "{numbers}");
    assert!(result[0]["values"].as_array().unwrap().len() > 100, "{numbers}");
    // The page of verdicts leads here, and the same numbers are in the API.
    let verdict = reqwest::get(format!("http://{address}/incidents/1/verdict")).await.unwrap();
    assert!(verdict.text().await.unwrap().contains("href=\"report\""));
    let (_, plain) = ask(address, "GET", "/incidents/1/diagnosis", Value::Null).await;
    assert_eq!(plain["series"], Value::Null);
    let (status, told) =
        ask(address, "GET", "/incidents/1/diagnosis?series=true", Value::Null).await;
    assert_eq!(status, 200, "{told}");
    let clock = |one: &&Value| one["signal"] == "gpu_sm_clock" && one["place"] == "h/3";
    let clock = told["series"].as_array().unwrap().iter().find(clock).unwrap();
    let reached = |level: f64| {
        let near = |point: &Value| (point[1].as_f64().unwrap() / level - 1.0).abs() < 0.02;
        clock["points"].as_array().unwrap().iter().any(near)
    };
    assert!(reached(1.98e9) && reached(1.4e9), "{clock}");
    for (path, status, expected) in [
        ("/incidents/9/report", 404, "there is no incident 9"),
        ("/incidents/x/report", 400, "`x` is no number of an incident"),
        ("/api/auscult/v1/incidents/1/diagnosis?serie=true", 400, "did you mean `series`?"),
    ] {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let said = answer.text().await.unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

/// As a form sends it.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn whether_it_became_better_is_looked_at_after_a_remedy_and_after_the_end() {
    let folder = folder("recovery");
    let receiver = Receiver::start(|_| (200, "")).await;
    let webhooks = vec![webhook("pager", receiver.url())];
    let (address, stop) =
        telling(&folder, DeliverySettings { webhooks, ..Default::default() }).await;
    // It is as usual again since two minutes, and goes on being so.
    hot_gpu(address, 92).await;
    let remedy = json!({"what": "moved work away", "fault": "G1", "place": "h/3", "time": at(1150), "author": "ann"});
    let (status, applied) = ask(address, "POST", "/incidents/1/remedies", remedy).await;
    assert_eq!((status, &applied["time"]), (201, &json!(at(1150))), "{applied}");
    let checks = || async {
        gpus(address, &[(now(), false)]).await;
        let (_, page) = ask(address, "GET", "/incidents/1/remedies", Value::Null).await;
        let checks = page["checks"].as_array().unwrap().clone();
        (checks.len() == 2).then_some(checks)
    };
    let checks = until("both looks", checks).await;
    let of = |remedy: &Value| checks.iter().find(|check| check["remedy"] == *remedy).unwrap();
    let after = of(&applied["id"]);
    assert_eq!(after["outcome"], "recovered", "{after}");
    assert_eq!(after["statement"], "gpu_sm_clock rises");
    let number = |name: &str| after[name].as_f64().unwrap();
    assert!(
        (number("before") - 1.98e9).abs() < 2e7 && (number("during") - 1.4e9).abs() < 2e7,
        "{after}"
    );
    assert!((number("after") - 1.98e9).abs() < 2e7, "{after}");
    // By itself it looks at what the diagnosis thinks that it was.
    let ended = of(&Value::Null);
    assert_eq!(
        (&ended["outcome"], &ended["place"]),
        (&json!("recovered"), &json!("h/3")),
        "{ended}"
    );
    // Who is told of the end is told of what it looked like, and of nothing before.
    let told = until("the end to be told", || async {
        let got: Vec<Value> = receiver.got().iter().map(|got| got.json()).collect();
        got.iter().any(|told| told["event"] == "recovered").then_some(got)
    })
    .await;
    let (opened, closed) = (&told[0]["incident"], &told.last().unwrap()["incident"]);
    assert_eq!((&opened["state"], &opened["recovery"]), (&json!("open"), &Value::Null), "{opened}");
    let recovery = &closed["recovery"];
    assert_eq!(
        (&recovery["outcome"], &recovery["fault"], &recovery["place"]),
        (&json!("recovered"), &json!("G1"), &json!("h/3")),
        "{closed}"
    );
    assert_eq!(recovery["sentence"], ended["sentence"]);
    let link = |name: &str| closed[name].as_str().unwrap().to_owned();
    assert_eq!(link("verdict_url"), format!("http://{address}/incidents/1/verdict"));
    let page = reqwest::get(link("report_url")).await.unwrap().text().await.unwrap();
    assert!(page.contains("Recovered: gpu_sm_clock of gpu h/3"), "{page}");
    let newest = checks.last().unwrap();
    let (_, diagnosis) = ask(address, "GET", "/incidents/1/diagnosis", Value::Null).await;
    assert_eq!(diagnosis["recovery"]["sentence"], newest["sentence"], "{diagnosis}");
    let (_, before) = ask(address, "GET", "/incidents/1", Value::Null).await;
    assert_eq!(before["recovery"], *newest);
    for (body, expected) in [
        (json!({"what": " "}), "`what`: expected what was done"),
        (json!({"what": "x", "fault": "heat"}), "`fault`: the handbook has no fault `heat`"),
        (json!({"what": "x", "time": at(-60)}), "`time` lies before the incident began"),
    ] {
        let (status, problem) = ask(address, "POST", "/incidents/1/remedies", body).await;
        let error = problem["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(expected), "{status} {error}");
    }
    drop(stop);
    let (address, _stop) = restarted(&folder).await;
    assert_eq!(ask(address, "GET", "/incidents/1", Value::Null).await.1["recovery"], *newest);
    let path = format!("/incidents/1/remedies/{}", applied["id"]);
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await, (200, applied));
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await.0, 404);
    let (_, page) = ask(address, "GET", "/incidents/1/remedies", Value::Null).await;
    assert_eq!((&page["remedies"], page["checks"].as_array().unwrap().len()), (&json!([]), 2));
}

#[tokio::test]
async fn a_policy_after_a_false_alarm_holds_once_it_is_accepted_and_until_it_is_taken_back() {
    let folder = folder("policies");
    let (address, stop) = watching(&folder).await;
    hot_gpu(address, 100).await;
    let (_, page) = ask(address, "GET", "/policies/suggestions", Value::Null).await;
    assert_eq!(page, json!({"suggestions": []}));
    // What lies outside of its valid range is told whatever a bar says.
    ask(address, "POST", "/incidents/1/verdicts", json!({"verdict": "false"})).await;
    let (_, page) = ask(address, "GET", "/policies/suggestions", Value::Null).await;
    assert_eq!(page, json!({"suggestions": []}));
    let policy =
        &json!({"match": "DCGM_FI_DEV_SM_CLOCK{gpu=\"3\"}", "least_relative_change": 0.34});
    // Nothing holds before somebody says so.
    let held = || async {
        let (_, page) = ask(address, "GET", "/policies", Value::Null).await;
        page["policies"].as_array().unwrap().len()
    };
    assert_eq!(held().await, 1);
    let body = json!({"policy": policy, "incident": 1, "author": "ann"});
    let (status, accepted) = ask(address, "POST", "/policies/accepted", body).await;
    assert_eq!((status, &accepted["policy"]), (201, policy), "{accepted}");
    assert_eq!(held().await, 2);
    let (_, history) = ask(address, "GET", "/policies/history", Value::Null).await;
    assert_eq!(history["history"][0]["policies"][1], *policy);
    let everything = json!({"policy": {"least_change": 3}});
    let (status, problem) = ask(address, "POST", "/policies/accepted", everything).await;
    assert!(status == 400 && problem.to_string().contains("means every series"), "{problem}");
    // It holds after a restart, until it is taken back.
    drop(stop);
    let (address, _stop) = restarted(&folder).await;
    let (_, page) = ask(address, "GET", "/policies/accepted", Value::Null).await;
    assert_eq!(page["accepted"], json!([accepted]));
    let (_, page) = ask(address, "GET", "/policies", Value::Null).await;
    assert_eq!(page["policies"][1], *policy);
    let path = format!("/policies/accepted/{}", accepted["id"]);
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await, (200, accepted));
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await.0, 404);
    let (_, page) = ask(address, "GET", "/policies", Value::Null).await;
    assert_eq!(page["policies"].as_array().unwrap().len(), 1);
}

/// A series that leaps, told for half a day of minutes and a few minutes after.
async fn leap(address: SocketAddr) {
    let start = *ONSET - 720 * 60;
    for piece in (0..724).step_by(181) {
        let point = |minute: i64| {
            let leapt = if minute >= 720 { 400.0 } else { 0.0 };
            let usual = 100.0 + (minute * 7919 % 101) as f64 / 10.0;
            Point { time: Timestamp::from_seconds(start + 60 * minute), value: usual + leapt }
        };
        let pairs = [("__name__", "queue_length"), ("job", "llm"), ("instance", "a")];
        let labels = Labels::from_pairs(pairs).unwrap();
        let points: Vec<Point> = (piece..piece + 181).map(point).collect();
        let body = remote_write::write(std::iter::once((labels.as_ref(), points.as_slice())));
        assert_eq!(crate::service::write(address, body).await.status(), 204);
    }
}

#[tokio::test]
async fn a_suggestion_is_accepted_as_it_is_or_dismissed_until_it_is_wanted_again() {
    let folder = folder("suggestions");
    let (address, stop) = watching(&folder).await;
    leap(address).await;
    let incident = until("an incident", || async {
        let (_, page) = ask(address, "GET", "/incidents", Value::Null).await;
        page["incidents"].get(0).cloned()
    })
    .await;
    let id = &incident["id"];
    let verdicts = format!("/incidents/{id}/verdicts");
    ask(address, "POST", &verdicts, json!({"verdict": "false", "author": "ann"})).await;
    let suggested = || async {
        let (_, page) = ask(address, "GET", "/policies/suggestions", Value::Null).await;
        page["suggestions"].as_array().unwrap().clone()
    };
    let first = suggested().await;
    assert_eq!(first.len(), 1, "{first:?}");
    let policy = &first[0]["policy"];
    assert!(policy["match"].as_str().unwrap().contains("queue_length"), "{policy}");

    // Dismissed, it is not suggested, nor after a restart, until that is taken back.
    let body = json!({"policy": policy, "incident": id, "comment": "it was real", "author": "bob"});
    let (status, dismissed) = ask(address, "POST", "/policies/dismissed", body.clone()).await;
    assert_eq!((status, &dismissed["comment"]), (201, &json!("it was real")), "{dismissed}");
    assert!(suggested().await.is_empty());
    let (_, page) = ask(address, "GET", "/policies", Value::Null).await;
    assert_eq!(page["policies"].as_array().unwrap().len(), 1, "nothing holds by it");
    drop(stop);
    let (address, _stop) = restarted(&folder).await;
    let suggested = || async {
        let (_, page) = ask(address, "GET", "/policies/suggestions", Value::Null).await;
        page["suggestions"].as_array().unwrap().clone()
    };
    assert!(suggested().await.is_empty());
    let (_, page) = ask(address, "GET", "/policies/dismissed", Value::Null).await;
    assert_eq!(page["dismissed"], json!([dismissed]));
    let path = format!("/policies/dismissed/{}", dismissed["id"]);
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await, (200, dismissed));
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(suggested().await.len(), 1);

    // Accepted, it holds, and is suggested no more.
    let (status, _) = ask(address, "POST", "/policies/accepted", body).await;
    assert_eq!(status, 201);
    assert!(suggested().await.is_empty());
    let (_, page) = ask(address, "GET", "/policies", Value::Null).await;
    assert_eq!(&page["policies"][1]["match"], &policy["match"]);
}
