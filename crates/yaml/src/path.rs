//! Where something stands in a document: `scrape_configs[0].job_name`.

use std::fmt;

/// A step downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Place(usize),
}

/// Where a value stands, from the top.
///
/// ```
/// use auscult_yaml::Path;
/// let path = Path::default().key("scrape_configs").place(0).key("job_name");
/// assert_eq!(path.to_string(), "scrape_configs[0].job_name");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Step>);

impl Path {
    /// The value of a key below it.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Step::Key(key.into()))
    }

    /// An entry of the list that it is, from 0.
    #[must_use]
    pub fn place(&self, place: usize) -> Self {
        self.with(Step::Place(place))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Its steps as keys and places.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Result<&str, usize>> {
        self.0.iter().map(|step| match step {
            Step::Key(key) => Ok(key.as_str()),
            Step::Place(place) => Err(*place),
        })
    }

    /// Whether it is the whole document.
    pub(crate) fn is_top(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if number == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Place(place) => write!(f, "[{place}]")?,
            }
        }
        Ok(())
    }
}
