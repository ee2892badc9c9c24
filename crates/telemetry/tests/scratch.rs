//! Files that live as long as a test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use auscult_telemetry::{Input, ReadError, ReadOptions, Table, read_table};

/// A file that is removed when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A file called `name` that holds `bytes`.
    pub(crate) fn new(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("auscult-telemetry-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("the temporary folder is writable");
        Self(path)
    }

    pub(crate) fn input(&self) -> Input {
        Input::Path(self.0.clone())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = self.0.parent() {
            // What is left behind harms nobody.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// What a file of `bytes` reads as.
pub(crate) fn read_with(
    bytes: impl AsRef<[u8]>,
    options: &ReadOptions,
) -> Result<Table, ReadError> {
    let file = Scratch::new("data", bytes);
    read_table(&[file.input()], options)
}

/// What a file of `bytes` reads as, everything detected.
pub(crate) fn read(bytes: impl AsRef<[u8]>) -> Table {
    read_with(bytes, &ReadOptions::default()).expect("readable")
}

/// The sentence that refuses a file of `bytes`, without the path.
pub(crate) fn refusal_with(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> String {
    let error = read_with(bytes, options).expect_err("to be refused");
    error.to_string().replace(error.file(), "data")
}

/// The sentence that refuses a file of `bytes`, everything detected.
pub(crate) fn refusal(bytes: impl AsRef<[u8]>) -> String {
    refusal_with(bytes, &ReadOptions::default())
}

/// A table as text: a line of names and kinds, then its rows.
pub(crate) fn shown(table: &Table) -> String {
    let head: Vec<String> = table
        .columns()
        .iter()
        .map(|column| format!("{}:{}", column.name, column.cells.kind()))
        .collect();
    let mut text = Vec::new();
    auscult_telemetry::write_csv(table, &mut text).expect("memory takes everything");
    let text = String::from_utf8(text).expect("UTF-8");
    let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
    format!("{}\n{rows}", head.join(" "))
}
