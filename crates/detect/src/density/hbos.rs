//! Rarity of each reading in a histogram of its column, added up.

use auscult_core::{
    Band, DetectError, Estimator, Explanation, Fit, FitError, Frame, LARGEST_READING, Model,
    Settings, settings,
};
use rayon::prelude::*;

use crate::{Channels, Method, Order, Threshold};

settings! {
    /// Settings of [`Hbos`].
    pub struct HbosSettings {
        /// Bins of equal width in the histogram of each channel.
        bins: usize = 10, "in [2, 1000000]", |bins| (2..=1_000_000).contains(bins);
        /// Added to every density, so that an empty bin keeps a finite rarity.
        alpha: f64 = 0.1, "in (0, 1)", |alpha| *alpha > 0.0 && *alpha < 1.0;
        /// How far outside the histogram a reading still counts as in its last
        /// bin, in widths of that bin; beyond it counts as in the rarest one.
        tolerance: f64 = 0.5, "in [0, 1]", |tolerance| (0.0..=1.0).contains(tolerance);
        /// Whether densities are taken per range of the channel, so that `alpha`
        /// means the same in every unit. PyOD takes them per unit.
        standardise: bool = true, "`true` or `false`", |_| true;
    }
}

pub(super) const METHOD: Method = Method {
    name: "hbos",
    title: "Histogram-based outlier score",
    summary: "Rarity of each reading in a histogram of its own column, added up over the columns.",
    sees: "rare readings, also between the usual ones; many channels, at once and quickly",
    blind: "readings that are odd only together; one huge outlier puts all others into one bin",
    unit: "rarity, in bits beyond the most usual bins",
    cost: "O(n d log b) time and O(d b) memory for b bins",
    source: "M. Goldstein, A. Dengel, \"Histogram-based outlier score (HBOS): a fast unsupervised anomaly detection algorithm\", KI 2012",
    channels: Channels::Any,
    order: Order::Free,
    threshold: Threshold::Share(0.01),
    parameters: HbosSettings::PARAMETERS,
    default_of: HbosSettings::default_of,
    batch: Some(|map| Ok(Box::new(Hbos::new(HbosSettings::from_map(map)?)?))),
    pieces: None,
    labelled: None,
    online: None,
};

/// Rarity of each reading in a histogram of its own column, added up over the
/// columns.
///
/// The score is the sum over channels of `log2((densest + alpha) / (density +
/// alpha))`, where `density` is that of the reading's bin and `densest` that of
/// the fullest one. Bins have equal width between the lowest and the highest
/// reading of the history.
///
/// With `standardise` off, it is PyOD's `HBOS` plus [`HbosModel::offset`],
/// which makes the least possible score 0; only readings exactly on an inner
/// edge differ, which PyOD counts in the bin above and looks up in the one below.
///
/// Reference: M. Goldstein, A. Dengel, "Histogram-based outlier score (HBOS): a
/// fast unsupervised anomaly detection algorithm", KI 2012: Poster and Demo
/// Track.
///
/// ```
/// use auscult_core::{Estimator, Frame, Model};
/// use auscult_detect::density::{Hbos, HbosSettings};
/// let mut load = vec![20.0; 60];
/// load.extend([80.0; 40]);
/// load.push(50.0);
/// let fit = Hbos::new(HbosSettings::default())?.fit(&Frame::of_column(&load)?)?;
/// assert!(fit.scores[100] > 4.0 && fit.scores[0] == 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Hbos {
    settings: HbosSettings,
}

impl Hbos {
    /// A histogram-based outlier score with `settings`.
    ///
    /// # Errors
    ///
    /// [`auscult_core::SettingError`] for a value out of range.
    pub fn new(settings: HbosSettings) -> Result<Self, auscult_core::SettingError> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Estimator for Hbos {
    type Fitted = HbosModel;

    fn fit(&self, history: &Frame<'_>) -> Result<Fit<HbosModel>, FitError> {
        FitError::check_rows(2, history.rows())?;
        let histograms: Vec<Histogram> = (0..history.channels())
            .into_par_iter()
            .map(|channel| Histogram::new(&history.channel(channel), &self.settings))
            .collect();
        let offset = histograms.iter().map(|histogram| histogram.offset).sum();
        let model = HbosModel { offset, tolerance: self.settings.tolerance, histograms };
        let scores = model.rate(history);
        Ok(Fit { model, scores })
    }
}

/// The histograms of a history.
#[derive(Debug, Clone)]
pub struct HbosModel {
    /// Sum over channels of `log2(densest + alpha)`: what PyOD's score lacks.
    pub offset: f64,
    tolerance: f64,
    histograms: Vec<Histogram>,
}

#[derive(Debug, Clone)]
struct Histogram {
    /// Ascending, one more than there are bins.
    edges: Vec<f64>,
    /// Rarity of each bin; 0 for the densest.
    rarity: Vec<f64>,
    /// Rarity of the rarest bin, and of readings far outside.
    rarest: f64,
    offset: f64,
}

impl Histogram {
    fn new(column: &[f64], settings: &HbosSettings) -> Self {
        let edges = edges(column, settings.bins);
        let mut counts = vec![0_u64; settings.bins];
        for reading in column {
            counts[bin_of(&edges, *reading)] += 1;
        }
        let per = if settings.standardise { edges[settings.bins] - edges[0] } else { 1.0 };
        let log_density = |(bin, count): (usize, &u64)| {
            let width = (edges[bin + 1] - edges[bin]) / per;
            // A density per tiny unit may be huge, but must stay a number.
            let density = (*count as f64 / column.len() as f64 / width).min(f64::MAX / 2.0);
            (density + settings.alpha).log2()
        };
        let logs: Vec<f64> = counts.iter().enumerate().map(log_density).collect();
        let offset = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let rarity: Vec<f64> = logs.iter().map(|log| offset - log).collect();
        let rarest = rarity.iter().copied().fold(0.0, f64::max);
        Self { edges, rarity, rarest, offset }
    }

    fn bins(&self) -> usize {
        self.rarity.len()
    }

    fn rarity_of(&self, reading: f64, tolerance: f64) -> f64 {
        let bin = bin_of(&self.edges, reading);
        let outside = (self.edges[0] - reading).max(reading - self.edges[self.bins()]);
        let width = self.edges[bin + 1] - self.edges[bin];
        if outside <= width * tolerance { self.rarity[bin] } else { self.rarest }
    }

    /// The densest bin; the lowest of equally dense ones.
    fn densest(&self) -> usize {
        self.rarity.iter().position(|rarity| *rarity == 0.0).unwrap_or_default()
    }

    fn expected(&self) -> f64 {
        let bin = self.densest();
        0.5 * self.edges[bin] + 0.5 * self.edges[bin + 1]
    }

    /// Readings around the densest bin whose rarity stays within `room`.
    fn band(&self, room: f64, tolerance: f64) -> Band {
        if room < 0.0 {
            return Band::around(self.expected(), 0.0);
        }
        if room >= self.rarest {
            return Band { low: -LARGEST_READING, high: LARGEST_READING };
        }
        let (mut first, mut last) = (self.densest(), self.densest());
        while first > 0 && self.rarity[first - 1] <= room {
            first -= 1;
        }
        while last + 1 < self.bins() && self.rarity[last + 1] <= room {
            last += 1;
        }
        let margin = |bin: usize, end: usize| {
            if bin == end { tolerance * (self.edges[bin + 1] - self.edges[bin]) } else { 0.0 }
        };
        Band {
            low: self.edges[first] - margin(first, 0),
            high: self.edges[last + 1] + margin(last, self.bins() - 1),
        }
    }
}

/// The bin that holds `reading`, each closed below, the last one on both ends;
/// the first or last one for a reading outside.
fn bin_of(edges: &[f64], reading: f64) -> usize {
    let above = edges.partition_point(|edge| *edge <= reading);
    above.clamp(1, edges.len() - 1) - 1
}

/// Edges of `bins` bins of equal width over `column`, as NumPy draws them; for
/// equal readings, half a unit to either side of them.
fn edges(column: &[f64], bins: usize) -> Vec<f64> {
    let low = column.iter().copied().fold(f64::INFINITY, f64::min);
    let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let between = |low: f64, high: f64| -> Vec<f64> {
        let step = (high - low) / bins as f64;
        (0..bins).map(|bin| low + bin as f64 * step).chain([high]).collect()
    };
    let apart = between(low, high);
    if apart.windows(2).all(|pair| pair[0] < pair[1]) {
        return apart;
    }
    // Half a unit may be nothing at all beside a large level.
    let half = (low.abs().max(high.abs()) * 1e-6).max(0.5);
    between(low - half, high + half)
}

impl HbosModel {
    fn parts(&self, row: &[f64]) -> impl Iterator<Item = f64> {
        let part = |(histogram, reading): (&Histogram, &f64)| {
            histogram.rarity_of(*reading, self.tolerance)
        };
        self.histograms.iter().zip(row).map(part)
    }

    fn rate(&self, rows: &Frame<'_>) -> Vec<f64> {
        let rate = |row: &[f64]| -> f64 { self.parts(row).sum() };
        rows.readings().par_chunks_exact(rows.channels()).map(rate).collect()
    }
}

impl Model for HbosModel {
    fn channels(&self) -> usize {
        self.histograms.len()
    }

    fn score(&self, rows: &Frame<'_>) -> Result<Vec<f64>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        Ok(self.rate(rows))
    }

    fn explain(
        &self,
        rows: &Frame<'_>,
        row: usize,
        threshold: f64,
    ) -> Result<Option<Explanation>, DetectError> {
        DetectError::check_channels(self.channels(), rows.channels())?;
        let parts: Vec<f64> = self.parts(rows.row(row)).collect();
        let total: f64 = parts.iter().sum();
        let band = |(histogram, part): (&Histogram, &f64)| {
            histogram.band(threshold - (total - part), self.tolerance)
        };
        Ok(Some(Explanation::new(
            self.histograms.iter().map(Histogram::expected).collect(),
            Some(self.histograms.iter().zip(&parts).map(band).collect()),
            Explanation::shares(&parts),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_readings_huge_or_not_are_usual() {
        for level in [0.0, 7.25, 1e9 + 0.1, -1e100] {
            let readings = vec![level; 40];
            let frame = Frame::of_column(&readings).expect("finite");
            let hbos = Hbos::new(HbosSettings::default()).expect("in range");
            assert_eq!(hbos.fit(&frame).expect("enough rows").scores, vec![0.0; 40]);
        }
    }

    #[test]
    fn a_band_holds_the_readings_that_pass() {
        let readings: Vec<f64> = (0..200).map(|i| (f64::from(i) * 0.1).sin()).collect();
        let frame = Frame::of_column(&readings).expect("finite");
        let hbos = Hbos::new(HbosSettings::default()).expect("in range");
        let model = hbos.fit(&frame).expect("enough rows").model;
        let threshold = 0.9;
        let explanation = model.explain(&frame, 3, threshold).expect("width").expect("always");
        let band = explanation.band.expect("a band")[0];
        let score = |reading| model.score(&Frame::of_column(&[reading]).expect("finite"));
        let inside = score(0.5 * (band.low + band.high)).expect("width")[0];
        assert!(inside <= threshold, "{band:?} {inside}");
    }
}
