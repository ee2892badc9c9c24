//! A configuration that changes while the service runs.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::call::{auscult, scratch};
use crate::service::Service;

const JOB: &str = "scrape_configs:\n  - job_name: NAME\n    scrape_interval: 100ms\n    static_configs: [{targets: ['127.0.0.1:1']}]\n";

fn configured(name: &str) -> (PathBuf, Service) {
    let path = scratch(name);
    write(&path, &JOB.replace("NAME", "first"));
    let service = Service::start(&[
        "--config",
        &path.display().to_string(),
        "--data",
        "none",
        "--otlp-http",
        "none",
        "--otlp-grpc",
        "none",
    ]);
    (path, service)
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

/// Waits until the job is scraped, or no longer is.
fn wait(service: &Service, job: &str, is_there: bool) {
    let start = Instant::now();
    let line = format!("auscult_scrape_targets{{job=\"{job}\"}} 1");
    while service.get("/metrics").contains(&line) != is_there {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for {job}: {is_there}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_changed_file_is_applied_by_itself_when_asked_and_at_a_signal() {
    let (path, service) = configured("reload.yml");
    wait(&service, "first", true);
    write(&path, &JOB.replace("NAME", "second"));
    // By itself.
    wait(&service, "second", true);
    wait(&service, "first", false);
    // Asked: it holds once the answer is there.
    write(&path, &JOB.replace("NAME", "third"));
    let answer = service.ask("POST", "/-/reload", b"");
    assert_eq!(answer, Some((200, "reloaded\n".to_owned())));
    wait(&service, "third", true);
    // At a signal.
    write(&path, &JOB.replace("NAME", "fourth"));
    service.signal("HUP");
    wait(&service, "fourth", true);
    assert!(service.get("/metrics").contains("auscult_config_last_reload_successful 1"));
}

#[test]
fn what_cannot_be_applied_changes_nothing() {
    let (path, service) = configured("reload-wrong.yml");
    wait(&service, "first", true);
    let wrong = JOB.replace("NAME", "second") + "    scrape_intervall: 1s\n";
    let cases = [
        (wrong.as_str(), "there is no key `scrape_intervall` in `scrape_configs[0]`"),
        ("server: {tick: 5s}", "`server.tick` cannot change while the service runs: restart it"),
        (
            "detection: {target_labels: [rack]}",
            "`detection.target_labels` cannot change while the service runs: restart it",
        ),
    ];
    for (text, sentence) in cases {
        write(&path, text);
        let (status, said) = service.ask("POST", "/-/reload", b"").unwrap();
        assert!(status == 500 && said.contains(sentence), "{status} {said}");
        let own = service.get("/metrics");
        assert!(own.contains("auscult_config_last_reload_successful 0"), "{own}");
        assert!(own.contains("auscult_scrape_targets{job=\"first\"} 1"), "{own}");
    }
    write(&path, &JOB.replace("NAME", "last"));
    wait(&service, "last", true);
}

#[test]
fn a_user_that_is_gone_is_nobody_from_the_next_request_on() {
    let users = |token: &str| {
        let hash = auscult(&["hash-secret", "--token"], token).out;
        format!(
            "access: {{users: [{{name: ann, roles: [operator], token_hashes: ['{}']}}]}}\n",
            hash.trim()
        )
    };
    let (old, new) = ("an old token, long enough", "a new token, long enough");
    let path = scratch("reload-users.yml");
    write(&path, &users(old));
    let file = path.display().to_string();
    let service = Service::start(&[
        "--config",
        &file,
        "--data",
        "none",
        "--otlp-http",
        "none",
        "--otlp-grpc",
        "none",
    ]);
    let ask = |method: &str, path: &str, token: &str| {
        service.ask_with(method, path, &format!("Authorization: Bearer {token}"), b"").unwrap().0
    };
    assert_eq!((ask("GET", "/metrics", old), ask("GET", "/metrics", new)), (200, 401));
    write(&path, &users(new));
    assert_eq!(ask("POST", "/-/reload", old), 200);
    assert_eq!((ask("GET", "/metrics", old), ask("GET", "/metrics", new)), (401, 200));
}

#[test]
fn a_service_without_a_file_says_that_there_is_none() {
    let service = Service::start(&["--data", "none", "--otlp-http", "none", "--otlp-grpc", "none"]);
    let answer = service.ask("POST", "/-/reload", b"");
    let said = "the service was started without a configuration file\n";
    assert_eq!(answer, Some((500, said.to_owned())));
}
