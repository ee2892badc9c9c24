//! How far a choice by injected anomalies can be trusted, measured on public data.

/// What `auscult benchmark select` measured on a data set whose truth is known.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Trust {
    /// The data set.
    pub set: &'static str,
    /// Series.
    pub series: usize,
    /// Whether methods had to watch a stream, or might read the file as a whole.
    pub online: bool,
    /// Rank correlation of injected and true VUS-PR over candidates, mean over series.
    pub correlation: f64,
    /// Mean true VUS-PR of what was chosen.
    pub chosen: f64,
    /// Mean true VUS-PR of what one would take unseen: `mahalanobis-ensemble` on a stream,
    /// `two-way-fusion` for a file.
    pub unseen: f64,
    /// Mean true VUS-PR of the best candidate of each series but for fusions, which nobody
    /// knows beforehand.
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

/// The figures of injection version 2, by `auscult benchmark select` with the methods that
/// `docs/select.md` names.
pub(crate) const MEASURED: &[Trust] = &[
    Trust {
        set: "SMD",
        series: 4,
        online: true,
        correlation: 0.718,
        chosen: 0.504,
        unseen: 0.504,
        oracle: 0.609,
        best_fixed: 0.518,
    },
    Trust {
        set: "ASD",
        series: 6,
        online: true,
        correlation: 0.808,
        chosen: 0.463,
        unseen: 0.463,
        oracle: 0.541,
        best_fixed: 0.497,
    },
    Trust {
        set: "SMD",
        series: 4,
        online: false,
        correlation: 0.083,
        chosen: 0.625,
        unseen: 0.625,
        oracle: 0.681,
        best_fixed: 0.625,
    },
    Trust {
        set: "ASD",
        series: 6,
        online: false,
        correlation: 0.578,
        chosen: 0.543,
        unseen: 0.543,
        oracle: 0.608,
        best_fixed: 0.548,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_possible_and_stand_in_the_manual() {
        let manual = include_str!("../../../../docs/select.md");
        for trust in MEASURED {
            assert!(trust.chosen <= trust.oracle && trust.best_fixed <= trust.oracle);
            let row = format!(
                "| {} | {} | {} | {:.2} | {:.3} | {:.3} | {:.3} | {:.3} | {:.0} % |",
                trust.set,
                trust.series,
                if trust.online { "stream" } else { "file" },
                trust.correlation,
                trust.chosen,
                trust.unseen,
                trust.best_fixed,
                trust.oracle,
                100.0 * trust.reached()
            );
            assert!(manual.contains(&row), "docs/select.md lacks: {row}");
        }
    }
}
