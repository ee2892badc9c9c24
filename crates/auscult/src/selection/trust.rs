//! How far a choice by injected anomalies can be trusted, measured on public data.

/// What `auscult benchmark select` measured on a data set whose truth is known.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Trust {
    /// The data set.
    pub set: &'static str,
    /// Series.
    pub series: usize,
    /// Rank correlation of injected and true VUS-PR over candidates, mean over series.
    pub correlation: f64,
    /// Mean true VUS-PR of what was chosen.
    pub chosen: f64,
    /// Mean true VUS-PR of the best candidate of each series, which nobody knows beforehand.
    pub oracle: f64,
    /// Mean true VUS-PR of the single candidate that is best over the whole set.
    pub best_fixed: f64,
}

impl Trust {
    /// Share of what could be reached.
    pub(crate) fn reached(&self) -> f64 {
        self.chosen / self.oracle
    }
}

/// The figures that this release was measured with.
pub(crate) const MEASURED: &[Trust] = &[];
