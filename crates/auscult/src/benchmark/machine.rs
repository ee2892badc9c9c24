//! What the scorecard says of the machine and the program.

use std::process::Command;

use serde::Serialize;

/// Machine and program.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Model of the processor, where the system tells.
    pub processor: String,
    /// Cores that the program may use.
    pub cores: usize,
    /// Threads of a batch method: every core, unless `RAYON_NUM_THREADS` says otherwise.
    pub threads: usize,
    /// Operating system and architecture.
    pub system: String,
    /// Version of the program.
    pub version: &'static str,
    /// State of the source, if it is known.
    pub commit: Option<String>,
}

impl Machine {
    /// This machine; `commit` as given, or that of the checkout around.
    pub(crate) fn here(commit: Option<&str>) -> Self {
        let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.map(|rest| rest.trim_start_matches([':', ' ', '\t']).to_owned());
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
        Self {
            processor: model.unwrap_or_else(|| "unknown processor".to_owned()),
            cores,
            threads: asked.filter(|threads| *threads > 0).unwrap_or(cores),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            version: env!("CARGO_PKG_VERSION"),
            commit: commit.map(str::to_owned).or_else(checkout),
        }
    }
}

/// The commit of the checkout in which the program runs, if it is one of ours.
fn checkout() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let root = git(&["rev-parse", "--show-toplevel"])?;
    let ours = std::path::Path::new(&root).join("crates/auscult/Cargo.toml").exists();
    ours.then(|| git(&["rev-parse", "--short", "HEAD"])).flatten()
}
