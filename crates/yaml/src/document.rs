//! A document, from its text to a settings type.

use std::path::PathBuf;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;

use crate::expand::{self, Variables};
use crate::load::{self, Node, Value};
use crate::path::Path;
use crate::problem::{Mark, Problem};
use crate::schema::{Format, Walk};

/// A YAML document with the place of everything in it.
#[derive(Debug, Clone)]
pub struct Document {
    file: String,
    text: String,
    root: Node,
}

impl Document {
    /// Reads `text`, which problems call `file`.
    ///
    /// # Errors
    ///
    /// The first place where it is no YAML, or has more than one document.
    pub fn parse(file: impl Into<String>, text: impl Into<String>) -> Result<Self, Problem> {
        let (file, text) = (file.into(), text.into());
        let root = load::load(&file, &text)?;
        Ok(Self { file, text, root })
    }

    /// Puts into every value what `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` in it
    /// stand for. Paths are seen from `folder`. Every file that is named is added to `seen`.
    ///
    /// # Errors
    ///
    /// Every variable that is not set, and every file that cannot be read.
    pub fn expand(
        &mut self,
        variables: Variables<'_>,
        folder: &std::path::Path,
        seen: &mut Vec<PathBuf>,
    ) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut refuse = expand::problems(&self.file, &self.text, &mut problems);
        expand::expand(&mut self.root, variables, folder, seen, &mut refuse);
        drop(refuse);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Reads it as `T`, by the schema of `T`.
    ///
    /// # Errors
    ///
    /// All that is wrong, in the order of the text.
    pub fn read_as<T: JsonSchema + DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        self.read_with(&[], None)
    }

    /// As [`Document::read_as`]; texts whose schema has one of `formats` must pass its check, and
    /// those with the format that `paths` names start at its folder unless they are absolute.
    ///
    /// # Errors
    ///
    /// All that is wrong, in the order of the text.
    pub fn read_with<T: JsonSchema + DeserializeOwned>(
        &self,
        formats: &[Format],
        paths: Option<(&str, &std::path::Path)>,
    ) -> Result<T, Vec<Problem>> {
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
        let mut walk = Walk::new(schema.as_value(), formats, paths);
        let value = walk.read(&self.root);
        let mut problems: Vec<Problem> =
            walk.into_findings().map(|found| self.problem(found)).collect();
        problems.sort_by_key(|problem| (problem.line(), problem.column()));
        if !problems.is_empty() {
            return Err(problems);
        }
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().iter().fold(Path::default(), |path, segment| {
                use serde_path_to_error::Segment;
                match segment {
                    Segment::Seq { index } => path.place(*index),
                    Segment::Map { key } => path.key(key),
                    Segment::Enum { variant } => path.key(variant),
                    Segment::Unknown => path,
                }
            });
            vec![self.problem_at(&path, error.inner().to_string())]
        })
    }

    /// A problem with what stands at `path`, or at the nearest part of it that is there.
    #[must_use]
    pub fn problem_at(&self, path: &Path, sentence: impl Into<String>) -> Problem {
        let mark = self.mark_of(path);
        Problem::new(&self.file, &self.text, mark, sentence.into())
    }

    fn problem(&self, found: crate::schema::Finding) -> Problem {
        let problem = Problem::new(&self.file, &self.text, found.mark, found.sentence);
        if found.is_secret { problem.without_source() } else { problem }
    }

    fn mark_of(&self, path: &Path) -> Mark {
        let (mut node, mut mark) = (&self.root, self.root.mark);
        for step in path.steps() {
            let next = match (step, &node.value) {
                (Ok(key), Value::Map(entries)) => entries.iter().find(|entry| entry.key == key),
                (Err(place), Value::List(items)) => {
                    let Some(item) = items.get(place) else { break };
                    (node, mark) = (item, item.mark);
                    continue;
                }
                _ => None,
            };
            let Some(entry) = next else { break };
            // A single value is pointed at itself, a list or map by its key.
            let is_single = matches!(entry.value.value, Value::Scalar(_));
            mark = if is_single { entry.value.mark } else { entry.mark };
            node = &entry.value;
        }
        mark
    }
}
