//! The configuration file, read and read again.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use auscult_core::units::PATH;
use auscult_knowledge::FolderMark;
use auscult_yaml::{Document, Problem, process_variables};

use super::{Configuration, check};

/// A configuration file, and what it held when it was read last.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    /// What stood in it and in the files that it names for values; `None` for one that could
    /// not be read.
    contents: BTreeMap<PathBuf, Option<u64>>,
    /// What the folder of knowledge that it names held then.
    knowledge: Option<(PathBuf, FolderMark)>,
}

/// All that is wrong with a configuration file, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<Problem>);

impl ConfigError {
    /// Each mistake.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self.0.iter().map(Problem::with_source).collect();
        f.write_str(&shown.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl ConfigFile {
    /// The file at `path`, not yet read.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), contents: BTreeMap::new(), knowledge: None }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file. Values may name environment variables (`${env:NAME}`, with
    /// `${env:NAME:-default}` for when it is not set) and files (`${file:PATH}`, as seen from the
    /// folder of the configuration), which stand for what is in them.
    ///
    /// # Errors
    ///
    /// All that is wrong, each with line and column.
    pub fn read(&mut self) -> Result<Configuration, ConfigError> {
        let name = self.path.display().to_string();
        self.contents.clear();
        let read = std::fs::read_to_string(&self.path);
        let mark = read.as_ref().ok().map(|text| hash(text.as_bytes()));
        self.contents.insert(self.path.clone(), mark);
        let text = read.map_err(|error| {
            ConfigError(vec![Problem::of_file(&name, format!("cannot be read: {error}"))])
        })?;
        let mut document =
            Document::parse(name, text).map_err(|problem| ConfigError(vec![problem]))?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let mut seen = Vec::new();
        let expanded = document.expand(&process_variables, folder, &mut seen);
        self.contents.extend(seen.into_iter().map(|file| {
            let mark = content(&file);
            (file, mark)
        }));
        expanded.map_err(ConfigError)?;
        let configuration: Configuration =
            document.read_with(&super::formats(), Some((PATH, folder))).map_err(ConfigError)?;
        let marked = |folder: PathBuf| (folder.clone(), FolderMark::of(&folder));
        self.knowledge = configuration.diagnosis.knowledge.clone().map(marked);
        if let Some(model) = &configuration.diagnosis.witness {
            self.contents.insert(model.clone(), content(model));
        }
        let mut problems: Vec<Problem> = check::check(&configuration)
            .into_iter()
            .map(|(path, sentence)| document.problem_at(&path, format!("`{path}`: {sentence}")))
            .collect();
        problems.sort_by_key(|problem| (problem.line(), problem.column()));
        if problems.is_empty() { Ok(configuration) } else { Err(ConfigError(problems)) }
    }

    /// Whether the file, one that it names for a value or as a witness, or its folder of knowledge holds something
    /// else than when it was read last. Contents are compared, not times: volumes of Kubernetes and synchronised
    /// folders change those.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.contents.iter().any(|(file, before)| content(file) != *before)
            || self
                .knowledge
                .as_ref()
                .is_some_and(|(folder, before)| FolderMark::of(folder) != *before)
    }
}

/// A mark of what a file holds; `None` if it cannot be read.
fn content(file: &Path) -> Option<u64> {
    std::fs::read(file).ok().map(|bytes| hash(&bytes))
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
