//! The API of the service: what people tell it, and that it is as it describes itself.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use auscult_core::{Labels, Timestamp};
use auscult_engine::{EngineSettings, Policy};
use auscult_server::{DataSettings, ServerSettings};
use auscult_telemetry::metrics::{Point, remote_write};
use serde_json::{Value, json};

use crate::openapi::Description;
use crate::support::{json, start};

/// Status and body of an answer.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Value,
) -> (u16, Value) {
    let url = format!("http://{address}/api/auscult/v1{path}");
    let request = reqwest::Client::new().request(method.parse().unwrap(), url);
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error} in {text}"));
    (status, body)
}

/// Pages of `path`, one after the other, with the entries of `key`.
pub(crate) async fn pages(
    address: SocketAddr,
    path: &str,
    cursor: &str,
    key: &str,
) -> Vec<Vec<Value>> {
    let (mut pages, mut next) = (Vec::new(), String::new());
    loop {
        let (status, page) = ask(address, "GET", &format!("{path}{next}"), Value::Null).await;
        assert_eq!(status, 200, "{page}");
        pages.push(page[key].as_array().unwrap().clone());
        next = match &page["next"] {
            Value::Null => return pages,
            Value::String(next) => format!("&{cursor}={next}"),
            next => format!("&{cursor}={next}"),
        };
        assert!(pages.len() < 100, "pages without end");
    }
}

/// One sample of each of some series.
pub(crate) async fn write(address: SocketAddr, instances: &[&str], value: f64) {
    let series: Vec<(Labels, Vec<Point>)> = instances
        .iter()
        .map(|instance| {
            let pairs =
                [("__name__", "temperature_celsius"), ("job", "llm"), ("instance", instance)];
            let point = Point { time: Timestamp::from_seconds(1_700_000_000), value };
            (Labels::from_pairs(pairs).unwrap(), vec![point])
        })
        .collect();
    let series = series.iter().map(|(labels, points)| (labels.as_ref(), points.as_slice()));
    let answer = crate::service::write(address, remote_write::write(series)).await;
    assert_eq!(answer.status(), 204);
}

/// A service for which 90 °C are always an incident, with `most_series`.
pub(crate) async fn hot(most_series: usize) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    hot_with(most_series, None).await
}

/// The same, which stores in this folder.
pub(crate) async fn hot_with(
    most_series: usize,
    data: Option<DataSettings>,
) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    let policies: Vec<Policy> = serde_json::from_value(json!([
        {"match": "temperature_celsius", "valid_range": {"high": 85}},
        {"match": "{instance=\"c\"}", "severity": "critical", "for": "0"},
    ]))
    .unwrap();
    let engine = EngineSettings { policies, most_series, ..EngineSettings::default() };
    start(ServerSettings { engine, data, ..ServerSettings::default() }).await
}

#[tokio::test]
async fn what_people_say_of_an_incident_is_kept_and_nothing_is_overwritten() {
    let (address, _stop) = hot(100).await;
    write(address, &["a"], 90.0).await;
    let say = |body: Value| ask(address, "POST", "/incidents/1/verdicts", body);
    let (status, first) = say(json!({"verdict": "unsure", "author": "ann"})).await;
    assert_eq!((status, &first["author"]), (201, &json!("ann")), "{first}");
    let (_, second) =
        say(json!({"verdict": "true", "author": "ann", "fault": "fan", "comment": "it is hot"}))
            .await;
    let (_, other) = say(json!({"verdict": "false"})).await;
    let (_, incident) = ask(address, "GET", "/incidents/1", Value::Null).await;
    let standing = incident["verdicts"].as_array().unwrap();
    assert_eq!(standing, &[second.clone(), other.clone()], "{incident}");
    assert_eq!(standing[0]["fault"], "fan");
    let path = format!("/incidents/1/verdicts/{}", second["id"]);
    let (status, gone) = ask(address, "DELETE", &path, Value::Null).await;
    assert_eq!((status, gone), (200, second));
    assert_eq!(ask(address, "DELETE", &path, Value::Null).await.0, 404);
    let (_, all) = ask(address, "GET", "/incidents/1/verdicts", Value::Null).await;
    assert_eq!(all["verdicts"], json!([other]));
    let history: Vec<(&str, &str)> = all["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (step["happening"].as_str().unwrap(), step["said"]["verdict"].as_str().unwrap())
        })
        .collect();
    let expected =
        [("given", "unsure"), ("given", "true"), ("given", "false"), ("withdrawn", "true")];
    assert_eq!(history, expected);
    assert_eq!(
        ask(address, "POST", "/incidents/9/verdicts", json!({"verdict": "true"})).await.0,
        404
    );
}

#[tokio::test]
async fn a_silence_holds_within_the_request_and_can_be_changed_and_ended() {
    let (address, _stop) = hot(100).await;
    write(address, &["a", "b"], 90.0).await;
    let open = "/incidents?silenced=false";
    let loud = || async {
        let (_, page) = ask(address, "GET", open, Value::Null).await;
        page["incidents"].as_array().unwrap().len()
    };
    assert_eq!(loud().await, 1);
    let body = json!({"duration": "2h", "comment": "known", "author": "ann"});
    let (status, silence) = ask(address, "POST", "/incidents/1/silence", body).await;
    assert_eq!((status, &silence["state"]), (201, &json!("active")), "{silence}");
    assert_eq!(silence["matchers"], "temperature_celsius{job=\"llm\"}");
    assert_eq!(loud().await, 0);
    let held = "/policies/held?series=temperature_celsius{job=\"llm\",instance=\"a\"}";
    let (_, held) = ask(address, "GET", held, Value::Null).await;
    assert_eq!(held["silences"], json!([silence["id"]]));
    let path = format!("/silences/{}", silence["id"]);
    let narrower = json!({"matchers": "{instance=\"a\"}", "duration": "1h", "author": "bob"});
    let (status, updated) = ask(address, "PUT", &path, narrower).await;
    assert_eq!((status, &updated["starts"]), (200, &silence["starts"]), "{updated}");
    assert_eq!(loud().await, 1);
    let (status, ended) = ask(address, "DELETE", &path, Value::Null).await;
    assert_eq!((status, &ended["state"]), (200, &json!("expired")));
    let (status, twice) = ask(address, "DELETE", &path, Value::Null).await;
    assert_eq!((status, twice), (409, json!({"error": "silence 1 is over already"})));
    let (_, history) = ask(address, "GET", &format!("{path}/history"), Value::Null).await;
    let done: Vec<&Value> =
        history["history"].as_array().unwrap().iter().map(|step| &step["happening"]).collect();
    assert_eq!(done, ["created", "updated", "expired"]);
    for (body, expected) in [
        (json!({"matchers": "{}", "duration": "1h"}), "means every series"),
        (json!({"matchers": "up"}), "either `ends` or `duration`"),
        (json!({"matchers": "up{", "duration": "1h"}), "`matchers`: "),
        (json!({"matchers": "up", "duration": "soon"}), "`duration`: `soon` is no duration"),
        (json!({"matchers": "up", "ends": "2001-01-01T00:00:00Z"}), "must end after"),
        (json!({"matcher": "up"}), "`matcher` is no field of this: did you mean `matchers`?"),
        (json!(["up"]), "no JSON object"),
    ] {
        let (status, problem) = ask(address, "POST", "/silences", body.clone()).await;
        let error = problem["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(expected), "{body}: {status} {error}");
    }
}

#[tokio::test]
async fn events_tell_of_verdicts_and_silences() {
    let (address, _stop) = hot(100).await;
    write(address, &["a"], 90.0).await;
    let url = format!("http://{address}/api/auscult/v1/changes");
    let mut view = reqwest::get(url).await.unwrap();
    ask(address, "POST", "/silences", json!({"matchers": "up", "duration": "1h"})).await;
    ask(address, "POST", "/incidents/1/verdicts", json!({"verdict": "true"})).await;
    let mut seen = String::new();
    while !seen.contains("event: verdict") {
        let piece = tokio::time::timeout(std::time::Duration::from_secs(60), view.chunk()).await;
        seen.push_str(std::str::from_utf8(&piece.unwrap().unwrap().unwrap()).unwrap());
    }
    assert!(seen.contains("event: incident") && seen.contains("event: silence"), "{seen}");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let (address, _stop) = hot(5).await;
    write(address, &["a", "b", "c", "d", "e"], 20.0).await;
    // There is no room for these.
    write(address, &["f", "g"], 20.0).await;
    let all = pages(address, "/series?limit=2", "after", "series").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let names: BTreeSet<String> =
        all.iter().flatten().map(|series| series["labels"].to_string()).collect();
    assert_eq!(names.len(), 5);
    let select = "/series?match[]={instance=\"a\"}&match[]={instance=~\"b|c\"}";
    let (_, page) = ask(address, "GET", select, Value::Null).await;
    assert_eq!((page["series"].as_array().unwrap().len(), &page["more"]), (3, &json!(0)));
    let (_, unwatched) = ask(address, "GET", "/unwatched", Value::Null).await;
    assert_eq!((&unwatched["samples"], &unwatched["series"]), (&json!(2), &json!(5)));
    assert_eq!(unwatched["metrics"][0]["metric"], "temperature_celsius");
    assert_eq!(unwatched["metrics"][0]["example"]["job"], "llm");
}

#[tokio::test]
async fn incidents_are_found_by_what_matters_of_them() {
    let (address, _stop) = hot(100).await;
    write(address, &["a"], 90.0).await;
    // Another job, so that it is an incident of its own.
    let pairs = [("__name__", "temperature_celsius"), ("job", "other"), ("instance", "c")];
    let labels = Labels::from_pairs(pairs).unwrap();
    let point = [Point { time: Timestamp::from_seconds(1_700_000_060), value: 99.0 }];
    crate::service::write(address, remote_write::write([(labels.as_ref(), &point[..])])).await;
    let found = |query: &'static str| async move {
        let (status, page) = ask(address, "GET", &format!("/incidents?{query}"), Value::Null).await;
        assert_eq!(status, 200, "{page}");
        let ids = page["incidents"].as_array().unwrap().iter();
        ids.map(|incident| incident["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found("state=open").await, [2, 1]);
    assert_eq!(found("severity=critical").await, [2]);
    assert_eq!(found("since=2023-11-14T22:14:00Z").await, [2]);
    assert_eq!(found("match[]={instance=\"a\"}").await, [1]);
    assert_eq!(found("before=2").await, [1]);
    assert_eq!(pages(address, "/incidents?limit=1", "before", "incidents").await.len(), 2);
    for (query, expected) in [
        ("stat=open", "`stat` is no parameter of this: did you mean `state`?"),
        ("since=yesterday", "`since`: `yesterday` is no time"),
        ("limit=0", "`limit` is 0: expected 1 to 10000"),
        ("match[]=up{", "`match[]"),
    ] {
        let (status, problem) =
            ask(address, "GET", &format!("/incidents?{query}"), Value::Null).await;
        let error = problem["error"].as_str().unwrap();
        assert!(status == 400 && error.contains(expected), "{query}: {status} {error}");
    }
    let (status, problem) = ask(address, "GET", "/incidents/one", Value::Null).await;
    assert_eq!(
        (status, &problem["error"]),
        (400, &json!("`id` is `one`: expected a whole number, at least 1"))
    );
    assert_eq!(ask(address, "GET", "/nothing", Value::Null).await.0, 404);
    assert_eq!(ask(address, "PATCH", "/incidents", Value::Null).await.0, 405);
}

#[tokio::test]
async fn what_holds_for_a_series_is_told_with_the_policy_that_says_so() {
    let (address, _stop) = hot(100).await;
    let path = "/policies/held?series=temperature_celsius{instance=\"c\"}";
    let (_, held) = ask(address, "GET", path, Value::Null).await;
    assert_eq!(held["matching"], json!([1, 2]));
    let of = |name: &str| {
        let mut fields = held["fields"].as_array().unwrap().iter();
        fields.find(|field| field["field"] == name).unwrap().clone()
    };
    assert_eq!(of("severity"), json!({"field": "severity", "value": "critical", "policy": 2}));
    assert_eq!(of("valid_range")["policy"], 1);
    assert_eq!(of("direction"), json!({"field": "direction", "value": "both", "policy": null}));
    let (_, history) = ask(address, "GET", "/policies/history", Value::Null).await;
    let (_, now) = ask(address, "GET", "/policies", Value::Null).await;
    assert_eq!(history["history"][0]["policies"], now["policies"]);
}

#[tokio::test]
async fn the_api_is_as_it_describes_itself() {
    let folder = std::env::temp_dir().join(format!("auscult-api-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    let (address, _stop) = hot_with(5, Some(DataSettings::new(&folder))).await;
    write(address, &["a", "b", "c", "d", "e", "f"], 90.0).await;
    ask(address, "POST", "/incidents/1/verdicts", json!({"verdict": "true"})).await;
    ask(address, "POST", "/incidents/1/silence", json!({"duration": "2h"})).await;
    ask(address, "POST", "/events", json!({"kind": "deploy"})).await;
    let document = json(format!("http://{address}/api/auscult/v1/openapi.json")).await;
    let description = Description::new(document);
    description.check();
    let mut looked_at = 0;
    for (path, status, schema) in description.answers_to_get() {
        let path = path.strip_prefix("/api/auscult/v1").unwrap().replace("{id}", "1");
        let path = match path.as_str() {
            "/policies/held" => "/policies/held?series=temperature_celsius{instance=\"a\"}",
            path => path,
        };
        let (answered, body) = ask(address, "GET", path, Value::Null).await;
        assert_eq!(answered.to_string(), status, "{path}: {body}");
        description.validate(&schema, &body).unwrap_or_else(|error| panic!("{path}: {error}"));
        looked_at += 1;
    }
    assert!(looked_at >= 12, "{looked_at}");
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    for path in ["/incidents/99", "/incidents?limit=no", "/silences/99", "/nowhere"] {
        let (status, body) = ask(address, "GET", path, Value::Null).await;
        assert!((400..500).contains(&status));
        description.validate(&problem, &body).unwrap();
    }
}

#[tokio::test]
async fn the_committed_description_is_that_of_the_service() {
    let (address, _stop) = start(ServerSettings::default()).await;
    let url = format!("http://{address}/api/auscult/v1/openapi.json");
    let served = reqwest::get(url).await.unwrap().text().await.unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::fs::read_to_string(path).unwrap_or_default() != served {
        let new = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi.json");
        std::fs::write(&new, served).unwrap();
        panic!("docs/openapi.json is not what the service says; that is in {}", new.display());
    }
}
