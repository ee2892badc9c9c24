//! The files in `integrations/` are what Grafana, Prometheus and Kubernetes load, and ask for what the service tells.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use auscult_promql::Query;
use auscult_server::{Configuration, DataSettings, ScrapeSettings, ServerSettings, TargetGroup};
use auscult_yaml::Document;
use regex::Regex;
use serde_json::Value;

use crate::support::{json, until};

/// Metrics that are not on the pages of a service that scrapes itself, each with the reason.
const LATER: [(&str, &str); 11] = [
    ("auscult_authentication_failures_total", "somebody was refused"),
    ("auscult_notification_failures_total", "there is a receiver"),
    ("auscult_notifications_dropped_total", "there is a receiver"),
    ("auscult_notifications_given_up_total", "there is a receiver"),
    ("auscult_notifications_oldest_waiting_seconds", "there is a receiver"),
    ("auscult_notifications_sent_total", "there is a receiver"),
    ("auscult_refused_connections_total", "a connection was refused"),
    ("auscult_refused_requests_total", "a request was refused"),
    ("auscult_source_reads_total", "there is a source with a past"),
    ("auscult_write_requests_total", "somebody pushes"),
    ("up", "whoever scrapes writes it"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integrations")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

/// The documents of a YAML file.
fn yaml(path: &str) -> Vec<Value> {
    let text = text(path);
    let documents = text.split("\n---\n");
    documents.map(|text| Document::parse(path, text).unwrap().read_as().unwrap()).collect()
}

fn dashboards() -> Vec<(String, Value)> {
    let names = ["grafana/auscult-fleet.json", "grafana/auscult-service.json"];
    names.map(|name| (name.to_owned(), serde_json::from_str(&text(name)).unwrap())).into()
}

/// The expressions of a dashboard as Grafana would send them, with the panel that asks.
fn asked(dashboard: &Value) -> Vec<(String, String)> {
    let variable = Regex::new(r"\$[a-z_]").unwrap();
    let mut asked = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let mut expr = target["expr"].as_str().unwrap().to_owned();
            for (variable, value) in [
                ("$__rate_interval", "1m"),
                ("$job", ".*"),
                ("$instance", ".*"),
                ("$metric", "auscult_series"),
            ] {
                expr = expr.replace(variable, value);
            }
            assert!(!variable.is_match(&expr), "a variable is left: {expr}");
            asked.push((panel["title"].as_str().unwrap().to_owned(), expr));
        }
    }
    asked
}

/// The expressions of rules, with the name of each; and the names that records make.
fn ruled() -> (Vec<(String, String)>, BTreeSet<String>) {
    let (mut asked, mut made) = (Vec::new(), BTreeSet::new());
    for path in ["prometheus/auscult-alerts.yml", "prometheus/auscult-records.yml"] {
        for group in yaml(path)[0]["groups"].as_array().unwrap() {
            for rule in group["rules"].as_array().unwrap() {
                let record = rule["record"].as_str();
                made.extend(record.map(str::to_owned));
                let name = record.or(rule["alert"].as_str()).unwrap();
                asked.push((name.to_owned(), rule["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    (asked, made)
}

fn all_asked() -> Vec<(String, String)> {
    let boards = dashboards();
    boards.iter().flat_map(|(_, board)| asked(board)).chain(ruled().0).collect()
}

/// The metrics that an expression names.
fn metrics_of(expr: &str) -> BTreeSet<String> {
    let names = Regex::new(r"\bauscult_[a-z_]+|\bup\b").unwrap();
    let found = names.find_iter(expr).map(|name| name.as_str().to_owned());
    // A label of scores.
    found.filter(|name| name != "auscult_metric").collect()
}

#[test]
fn dashboards_have_what_grafana_demands() {
    let mut uids = BTreeSet::new();
    for (path, board) in dashboards() {
        let uid = board["uid"].as_str().unwrap();
        assert!((1..=40).contains(&uid.len()) && uids.insert(uid.to_owned()), "{path}: {uid}");
        assert!(!board["title"].as_str().unwrap().is_empty(), "{path}");
        assert!(board["schemaVersion"].as_u64().unwrap() >= 39, "{path}");
        assert!(board["id"].is_null(), "{path}: the id is given by Grafana");
        let variables = board["templating"]["list"].as_array().unwrap();
        let source = &variables[0];
        assert_eq!(
            (&source["name"], &source["type"]),
            (&"DS_PROMETHEUS".into(), &"datasource".into())
        );
        let reference = serde_json::json!({"type": "prometheus", "uid": "${DS_PROMETHEUS}"});
        assert!(
            variables[1..].iter().all(|variable| variable["datasource"] == reference),
            "{path}"
        );
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeMap::new());
        for panel in board["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{path}: {title}: its id is taken");
            assert_eq!(panel["datasource"], reference, "{path}: {title}");
            let targets = panel["targets"].as_array().unwrap();
            let letters: BTreeSet<&str> =
                targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
            assert_eq!(letters.len(), targets.len(), "{path}: {title}");
            assert!(
                targets.iter().all(|target| target["datasource"] == reference),
                "{path}: {title}"
            );
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{path}: {title} is beside the grid");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                let other = taken.insert(cell, title);
                assert_eq!(other, None, "{path}: {title} lies over another panel");
            }
        }
    }
}

#[test]
fn every_expression_is_promql() {
    for (name, expr) in all_asked() {
        assert!(Query::parse(&expr).is_ok(), "{name}: {expr}: {:?}", Query::parse(&expr).err());
    }
}

#[test]
fn promtool_takes_the_rules_and_their_tests_pass() {
    for arguments in [
        &["check", "rules", "auscult-alerts.yml", "auscult-records.yml"][..],
        &["check", "config", "--syntax-only", "scrape.yml"],
        &["test", "rules", "auscult-alerts.test.yml"],
    ] {
        let called = Command::new("promtool")
            .args(arguments)
            .current_dir(folder().join("prometheus"))
            .output();
        let Ok(output) = called else {
            eprintln!("promtool is not installed: the rules are not tested by it");
            return;
        };
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
    }
}

#[test]
fn the_manifest_and_the_examples_are_yaml_and_the_configuration_is_right() {
    let kinds: Vec<String> = yaml("kubernetes/auscult.yaml")
        .iter()
        .map(|document| document["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["ConfigMap", "Service", "StatefulSet"]);
    let manifest = yaml("kubernetes/auscult.yaml");
    let configuration = manifest[0]["data"]["auscult.yml"].as_str().unwrap();
    let document = Document::parse("auscult.yml", configuration).unwrap();
    let configuration: Configuration = document.read_as().unwrap();
    let pod = &manifest[2]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let mounts = container["volumeMounts"].as_array().unwrap();
    let folder = configuration.storage.folder.to_str();
    assert!(mounts.iter().any(|mount| mount["mountPath"].as_str() == folder), "{mounts:?}");
    let ports = container["ports"].as_array().unwrap();
    let port = u64::from(configuration.server.listen.port());
    assert!(ports.iter().any(|one| one["containerPort"].as_u64() == Some(port)), "{ports:?}");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    for path in ["grafana/provisioning.yml", "grafana/datasource.yml", "prometheus/scrape.yml"] {
        assert_eq!(yaml(path).len(), 1, "{path}");
    }
}

#[test]
fn units_of_systemd_name_sections_and_keys() {
    for unit in ["systemd/auscult.service", "systemd/auscult-gpus.service"] {
        let unit = text(unit);
        let lines = unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (sections, keys): (Vec<&str>, Vec<&str>) =
            lines.partition(|line| line.starts_with('['));
        assert_eq!(sections, ["[Unit]", "[Service]", "[Install]"]);
        assert!(keys.iter().all(|line| line.split_once('=').is_some()), "{keys:?}");
        for key in ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"] {
            assert!(keys.contains(&key), "{key}");
        }
    }
}

/// A service that scrapes itself, its metrics and its scores, each second.
async fn watching_itself(folder: &Path) -> (SocketAddr, tokio::sync::oneshot::Sender<()>) {
    // Taken and given back: nobody else gets it in the next moment.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let own = ScrapeSettings::of_addresses(&[address.to_string()], Duration::from_secs(1)).unwrap();
    let own = ScrapeSettings { job_name: "auscult".to_owned(), ..own };
    let targets = vec![address.to_string()];
    let scores = ScrapeSettings {
        job_name: "auscult-scores".to_owned(),
        static_configs: vec![TargetGroup { targets, labels: BTreeMap::new() }],
        metrics_path: "/api/auscult/v1/scores/metrics".to_owned(),
        honor_labels: true,
        params: BTreeMap::from([
            ("match[]".to_owned(), vec!["{job=\"auscult\"}".to_owned()]),
            ("with".to_owned(), vec!["expected".to_owned(), "band".to_owned()]),
        ]),
        ..own.clone()
    };
    let settings = ServerSettings {
        listen: address,
        scrapes: vec![own, scores],
        data: Some(DataSettings::new(folder)),
        ..ServerSettings::default()
    };
    let server = auscult_server::Server::bind(settings).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(server.run(async move { drop(stopped.await) }));
    (address, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_and_rules_ask_for_what_the_service_tells_and_are_answered() {
    let folder = std::env::temp_dir().join(format!("auscult-integrations-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    let (address, stop) = watching_itself(&folder).await;
    let ask = |path: &str, query: &str| {
        let url = format!("http://{address}/api/v1/{path}");
        let url = reqwest::Url::parse_with_params(&url, &[("query", query)]).unwrap();
        json(url.to_string())
    };
    until("series of its own that are stored and scored", || async {
        let answer = ask("query", "count(auscult_alarm) + on() count(auscult_scrapes_total)").await;
        (!answer["data"]["result"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    let mut told = BTreeSet::new();
    let scores = "api/auscult/v1/scores/metrics?match[]={job=\"auscult\"}&with=expected&with=band";
    for page in ["metrics", scores] {
        let page = reqwest::get(format!("http://{address}/{page}")).await.unwrap();
        for line in page.text().await.unwrap().lines() {
            let name = line.strip_prefix("# TYPE ").unwrap_or(line);
            let end = name.find(['{', ' ']).unwrap_or(name.len());
            told.insert(name[..end].to_owned());
        }
    }
    let (_, made) = ruled();
    let late: BTreeMap<&str, &str> = LATER.into();
    let (mut needed, everything) = (BTreeSet::new(), all_asked());
    for (name, expr) in &everything {
        for metric in metrics_of(expr) {
            if told.contains(&metric) || made.iter().any(|record| record.contains(&metric)) {
                continue;
            }
            assert!(late.contains_key(metric.as_str()), "{name}: nobody tells {metric}");
            needed.insert(metric);
        }
    }
    for (metric, reason) in late {
        let excused = needed.contains(metric);
        assert!(excused, "{metric} is told, or asked by nobody; no excuse is needed ({reason})");
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (name, expr) in everything {
        let instant = ask("query", &expr).await;
        assert_eq!(instant["status"], "success", "{name}: {expr}: {instant}");
        let range = reqwest::Url::parse_with_params(
            &format!("http://{address}/api/v1/query_range"),
            &[
                ("query", &expr),
                ("start", &(now - 60).to_string()),
                ("end", &now.to_string()),
                ("step", &"5".to_owned()),
            ],
        );
        let answer = json(range.unwrap().to_string()).await;
        assert_eq!(answer["status"], "success", "{name}: {expr}: {answer}");
    }
    drop(stop);
    drop(std::fs::remove_dir_all(&folder));
}

#[tokio::test]
async fn a_service_without_sources_can_be_planned() {
    // The plan that the manifest asks for, without looking at its targets.
    let manifest = yaml("kubernetes/auscult.yaml");
    let text = manifest[0]["data"]["auscult.yml"].as_str().unwrap();
    let configuration: Configuration =
        Document::parse("auscult.yml", text).unwrap().read_as().unwrap();
    let settings = configuration.settings();
    let sources = auscult_server::plan::look(&settings, None, None).await.unwrap();
    let estimate =
        auscult_server::plan::estimate(&settings, &sources, &auscult_server::plan::COSTS);
    assert_eq!(estimate.left_out, ["vllm vllm.inference.svc:8000: not looked at"]);
}
