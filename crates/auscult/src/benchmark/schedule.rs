//! Hands units to workers one after another and ends those that take too long.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cache::Cache;
use super::worker::Order;
use crate::outcome::CallError;

/// How a unit ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// Every series is done, now or before.
    Done,
    /// It was ended when its time was up.
    TimeUp,
    /// It broke off; what it said.
    Broken(String),
}

/// How often a running worker is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs `order` in a process of its own for at most `limit`; `report` hears how many
/// series are done.
pub(crate) fn run(
    program: &Path,
    order: &Order,
    limit: Duration,
    report: impl Fn(usize),
) -> Result<End, CallError> {
    let cache = Cache::new(&order.results, &order.build);
    let json = serde_json::to_string(order).expect("orders are plain data");
    let mut child = Command::new(program)
        .args(["benchmark", "anomaly", "--worker"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(CallError::write(program.display().to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A worker that is gone already says why when it is looked at below.
        let _ = stdin.write_all(json.as_bytes());
    }
    let start = Instant::now();
    let mut looked = Instant::now();
    loop {
        let status = child.try_wait().map_err(CallError::write("to a worker"))?;
        if let Some(status) = status {
            return Ok(if status.success() { End::Done } else { End::Broken(said(&mut child)) });
        }
        if start.elapsed() > limit {
            child.kill().map_err(CallError::write("to a worker"))?;
            child.wait().map_err(CallError::write("to a worker"))?;
            return Ok(End::TimeUp);
        }
        if looked.elapsed() > Duration::from_secs(1) {
            report(cache.done(&order.unit, &order.series));
            looked = Instant::now();
        }
        std::thread::sleep(LOOK);
    }
}

/// The last line of what a worker complained of.
fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(stream) = &mut child.stderr {
        // What cannot be read is not worth more than the sentence below.
        let _ = stream.read_to_string(&mut text);
    }
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    line.map_or_else(|| "broke off without a word".to_owned(), |line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::{Mode, cache::Unit};

    #[test]
    fn a_worker_that_breaks_off_is_named_by_its_last_words() {
        // This test program takes no such arguments, so that it breaks off at once.
        let program = std::env::current_exe().expect("the test runs");
        let order = Order {
            data: std::env::temp_dir(),
            results: std::env::temp_dir(),
            build: "none".to_owned(),
            unit: Unit {
                method: "ewma".to_owned(),
                settings: auscult_core::SettingsMap::new(),
                set: "nab".to_owned(),
                mode: Mode::Streaming,
            },
            series: Vec::new(),
            threads: 1,
        };
        let end = run(&program, &order, Duration::from_secs(60), |_| {}).expect("it starts");
        let End::Broken(why) = end else { panic!("{end:?}") };
        assert!(why.contains("worker"), "{why}");
    }
}
