//! How a fault comes and goes.

/// How it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onset {
    /// At once.
    Sudden,
    /// In a straight line over the first half of its time.
    Creeping,
    /// On and off: five rounds over its time, on for six tenths of each.
    Intermittent,
}

impl Onset {
    /// The word in scenarios.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sudden => "sudden",
            Self::Creeping => "creeping",
            Self::Intermittent => "intermittent",
        }
    }

    /// The onset with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Sudden, Self::Creeping, Self::Intermittent]
            .into_iter()
            .find(|onset| onset.word() == word)
    }
}

/// When a fault is there, and how much of it.
///
/// ```
/// use auscult_simulate::fault::{Course, Onset};
/// let course = Course { start: 60.0, end: 160.0, onset: Onset::Creeping };
/// assert_eq!([59.0, 85.0, 110.0, 159.0, 160.0].map(|at| course.level(at)), [0.0, 0.5, 1.0, 1.0, 0.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// Second at which it begins.
    pub start: f64,
    /// Second at which it is gone.
    pub end: f64,
    /// How it begins.
    pub onset: Onset,
}

impl Course {
    /// Part of the fault that is there at second `at`, in [0, 1].
    pub fn level(&self, at: f64) -> f64 {
        if at < self.start || at >= self.end {
            return 0.0;
        }
        let part = (at - self.start) / (self.end - self.start);
        match self.onset {
            Onset::Sudden => 1.0,
            Onset::Creeping => (2.0 * part).min(1.0),
            Onset::Intermittent => f64::from(u8::from((part * 5.0).fract() < 0.6)),
        }
    }
}
