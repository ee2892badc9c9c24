//! The files of a folder of knowledge: found, told apart, and read with care.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_yaml::Problem;

use crate::check::meant;

/// Most bytes of a file.
const MOST_BYTES: u64 = 1 << 20;
/// Most files of a folder.
const MOST_FILES: usize = 500;
/// Folders within, each with what its files hold.
const FOLDERS: [&str; 3] = ["adapters", "faults", "laws"];
/// The file of signals.
const SIGNALS: &str = "signals";

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Signals,
    Adapter,
    Faults,
    Constants,
    Ranges,
    Laws,
}

/// A file of a folder.
#[derive(Debug)]
pub(crate) struct OwnFile {
    pub(crate) kind: Kind,
    /// Where it lies, as people see it.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What a folder held when it was looked at.
///
/// Two looks are equal where the files have the same names and hold the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderMark(u64);

impl FolderMark {
    /// Of what lies in `folder` now; also of one that cannot be read.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        match read(folder) {
            Ok(files) => {
                for file in files {
                    (file.name, file.text).hash(&mut hasher);
                }
            }
            Err(problems) => {
                problems.iter().for_each(|problem| problem.to_string().hash(&mut hasher));
            }
        }
        Self(hasher.finish())
    }
}

/// The files of `folder` in the order of their names, or all that is wrong with them as files.
pub(crate) fn read(folder: &Path) -> Result<Vec<OwnFile>, Vec<Problem>> {
    let name = folder.display().to_string();
    let refuse = |sentence: String| vec![Problem::of_file(&name, sentence)];
    let root = fs::canonicalize(folder)
        .map_err(|error| refuse(format!("the folder cannot be read: {error}")))?;
    if !root.is_dir() {
        return Err(refuse("this is no folder; expected one of knowledge".to_owned()));
    }
    let mut found = Found { root, files: Vec::new(), problems: Vec::new() };
    let entries = found.entries(folder);
    // Whether anything is knowledge, or was meant to be.
    let mut is_meant = !found.problems.is_empty();
    for path in entries {
        let stem = stem(&path);
        let is_text = is_yaml(&path);
        match stem.as_str() {
            within if FOLDERS.contains(&within) && path.is_dir() => {
                is_meant = true;
                found.within(&path, within);
            }
            SIGNALS if is_text => {
                is_meant = true;
                found.take(&path, Kind::Signals);
            }
            _ if own_name(&path) == "experience.json" => {
                found.refuse(
                    &path,
                    "past incidents are built in, not read from a folder; leave this file out",
                );
            }
            _ if path.is_dir() || is_text || has_ending(&path, &["json"]) => {
                let known = FOLDERS.iter().copied().chain(["signals.yaml"]);
                let near = meant(&own_name(&path), known);
                is_meant |= !near.is_empty();
                let expected = "; expected signals.yaml, adapters, faults or laws";
                let hint = if near.is_empty() { expected } else { near.as_str() };
                found.refuse(&path, format!("this is nothing of knowledge{hint}"));
            }
            // A README, a licence.
            _ => {}
        }
    }
    let Found { files, mut problems, .. } = found;
    if !is_meant || files.is_empty() && problems.is_empty() {
        problems = refuse(
            "the folder holds no knowledge; expected signals.yaml, or files in adapters, faults or laws"
                .to_owned(),
        );
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

struct Found {
    /// The folder without links.
    root: PathBuf,
    files: Vec<OwnFile>,
    problems: Vec<Problem>,
}

impl Found {
    fn refuse(&mut self, path: &Path, sentence: impl Into<String>) {
        self.problems.push(Problem::of_file(&path.display().to_string(), sentence));
    }

    /// What lies in a folder, in the order of names, without what is hidden.
    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                self.refuse(folder, format!("the folder cannot be read: {error}"));
                return Vec::new();
            }
        };
        let paths = entries.into_iter().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> =
            paths.filter(|path| !own_name(path).starts_with('.')).collect();
        paths.sort();
        paths
    }

    /// The files of one of [`FOLDERS`].
    fn within(&mut self, folder: &Path, name: &str) {
        for path in self.entries(folder) {
            if path.is_dir() {
                self.refuse(&path, "folders in here are not looked into; put the files one up");
            } else if is_yaml(&path) {
                let kind = match (name, stem(&path).as_str()) {
                    ("adapters", _) => Kind::Adapter,
                    ("faults", _) => Kind::Faults,
                    (_, "constants") => Kind::Constants,
                    (_, "ranges") => Kind::Ranges,
                    _ => Kind::Laws,
                };
                self.take(&path, kind);
            } else if has_ending(&path, &["json"]) {
                self.refuse(&path, "this is not read; expected a file that ends in .yaml");
            }
        }
    }

    fn take(&mut self, path: &Path, kind: Kind) {
        if self.files.len() == MOST_FILES {
            return self.refuse(path, format!("there are more than {MOST_FILES} files"));
        }
        match self.text(path) {
            Ok(text) => {
                let name = path.display().to_string();
                self.files.push(OwnFile { kind, name, text });
            }
            Err(sentence) => self.refuse(path, sentence),
        }
    }

    fn text(&self, path: &Path) -> Result<String, String> {
        let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
        // Volumes of Kubernetes are links within themselves.
        let real = fs::canonicalize(path).map_err(unreadable)?;
        if !real.starts_with(&self.root) {
            let real = real.display();
            return Err(format!("it is a link out of the folder, to {real}; expected a file"));
        }
        if !fs::metadata(&real).map_err(unreadable)?.is_file() {
            return Err("it is no file".to_owned());
        }
        let mut bytes = Vec::new();
        let file = File::open(&real).map_err(unreadable)?;
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(format!("it is larger than {} MiB", MOST_BYTES >> 20));
        }
        String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("line {line} is not UTF-8; expected a text in UTF-8")
        })
    }
}

fn own_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Its name, of a file without the ending.
fn stem(path: &Path) -> String {
    let name = if is_yaml(path) { path.file_stem() } else { path.file_name() };
    name.unwrap_or_default().to_string_lossy().into_owned()
}

fn is_yaml(path: &Path) -> bool {
    has_ending(path, &["yaml", "yml"])
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known))
}
