//! Progress of long work, on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that appears only on a terminal and only when work takes a while.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar, or silence if it is not `wanted`.
    pub(crate) fn new(wanted: bool) -> Self {
        let target = if wanted && std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { bar: ProgressBar::with_draw_target(None, target) }
    }

    /// Work of unknown length.
    pub(crate) fn say(&self, what: &'static str) {
        self.bar.set_style(ProgressStyle::default_spinner());
        self.bar.set_message(what);
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Work on `total` bytes, if known.
    pub(crate) fn bytes(&self, what: &'static str, total: Option<u64>) {
        self.begin(what, total, "{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    }

    /// Work in `total` steps.
    pub(crate) fn steps(&self, what: &'static str, total: u64) {
        self.begin(what, Some(total), "{msg} {wide_bar} {pos}/{len} {eta}");
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn begin(&self, what: &'static str, total: Option<u64>, template: &str) {
        let Some(total) = total else {
            self.say(what);
            return;
        };
        let style = ProgressStyle::with_template(template);
        self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.reset();
        self.bar.set_message(what);
        self.bar.set_length(total);
    }

    /// Something about the input that a person should know.
    pub(crate) fn warn(&self, sentence: &str) {
        self.bar.suspend(|| eprintln!("auscult: {sentence}"));
    }

    /// How far the work is.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// One step more.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Ends and clears the bar.
    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}
