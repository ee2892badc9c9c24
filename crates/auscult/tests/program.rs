//! Running the program as a person would.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What the program did.
#[derive(Debug)]
pub(crate) struct Answer {
    pub out: String,
    pub err: String,
    pub code: i32,
}

/// Calls auscult with `arguments` and no input.
pub(crate) fn auscult(arguments: &[&str]) -> Answer {
    auscult_reading(arguments, b"")
}

/// Calls auscult with `input` on standard input.
pub(crate) fn auscult_reading(arguments: &[&str], input: &[u8]) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // The program may end without reading everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the input is written");
    Answer {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().expect("the program is not killed"),
    }
}

/// An empty folder for the test `name`.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the folder of an earlier run can be emptied");
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
