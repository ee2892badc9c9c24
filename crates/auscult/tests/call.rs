//! Calls of the real binary.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a call left behind.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs auscult in the root of the repository, with `input` on standard input.
pub(crate) fn auscult(arguments: &[&str], input: &str) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    // A call that fails early does not read its input; that is its right.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended {
        code: output.status.code().expect("an exit code"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// A file of this test run, which other tests do not touch.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scratch");
    std::fs::create_dir_all(&folder).expect("a folder for scratch files");
    folder.join(name)
}

/// The same as text.
pub(crate) fn scratch_text(name: &str) -> String {
    scratch(name).display().to_string()
}
