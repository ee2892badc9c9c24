//! `auscult gpus`: a host's GPUs, from a stand-in for the driver's library to a service that watches.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::call::auscult;
use crate::service::Service;

/// Builds the stand-in; the folder is that in which it looks for what to do.
fn library() -> (String, PathBuf) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("gpus");
    // What a run before left is of no use.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let library = folder.join("libnvidia-ml.so.1");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../gpu/tests/nvml.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .status()
        .expect("a C compiler, which building auscult needs, too");
    assert!(built.success());
    (library.to_str().unwrap().to_owned(), folder)
}

#[test]
fn gpus_are_shown_and_watched() {
    let (library, folder) = library();
    let auscult = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
        command.args(["gpus", "--library", &library, "--hostname", "node-7"]).args(arguments);
        command.env("FAKE_NVML", &folder);
        command
    };
    let told = |arguments: &[&str]| {
        let output = auscult(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert!(output.status.success(), "{}", text(output.stderr));
        text(output.stdout)
    };
    let table = told(&[]);
    for part in ["driver 580.1", "NVIDIA H100 80GB HBM3", "power cap", "68.4 of 79.5", "server-42"]
    {
        assert!(table.contains(part), "no `{part}` in\n{table}");
    }
    let data: Value = serde_json::from_str(&told(&["--format", "json"])).unwrap();
    assert_eq!(data["gpus"][0]["values"]["DCGM_FI_DEV_GPU_UTIL"], 97.0);
    assert_eq!(data["gpus"][0]["held_down_by"][0], "power cap");
    let page = told(&["--format", "metrics"]);
    assert!(page.contains("# TYPE DCGM_FI_DEV_FB_USED gauge"), "{page}");

    let exporter = Service::spawn_saying(auscult(&["--listen", "127.0.0.1:0"]), "GPUs of node-7");
    assert!(exporter.get("/metrics").contains("Hostname=\"node-7\""));
    let (status, body) = exporter.ask("GET", "/", b"").unwrap();
    assert!(status == 404 && body.contains("/metrics"), "{body}");
    let data = folder.join("data").to_str().unwrap().to_owned();
    let interval = ["--scrape-interval", "1s", "--data", &data];
    let service = Service::start(&[&["--scrape", exporter.address()], &interval[..]].concat());
    let query = "/api/v1/query?query=DCGM_FI_DEV_GPU_UTIL";
    let begin = std::time::Instant::now();
    let found = loop {
        let found = service.get(query).matches("Hostname\":\"node-7").count();
        if found > 0 || begin.elapsed().as_secs() > 60 {
            break found;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(found, 2);
    // While a call into the driver hangs there is no page, and it is said why.
    std::fs::write(folder.join("hang"), "").unwrap();
    let (status, body) = exporter.ask("GET", "/metrics", b"").unwrap();
    std::fs::remove_file(folder.join("hang")).unwrap();
    assert!(status == 503 && body.contains("hangs"), "{body}");
}

#[test]
fn a_host_without_a_driver_is_told_what_is_missing() {
    let ended = auscult(&["gpus", "--library", "/nowhere.so"], "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("no NVIDIA driver here") && ended.err.contains("/nowhere.so"));
}
