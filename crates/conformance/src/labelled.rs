//! The laws of estimators that learn from labels.

use auscult_core::{Fit, FitError, Frame, Model};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::Stream;
use crate::fits::{
    explains_rows, finite, on_every_stream, rates_every_row, refuses_another_width, same_bits,
    same_strangest, tops,
};
use crate::verdict::{Excuse, Law, Verdict, ensure, failures, refused};

/// A method that learns from labels, under test.
pub struct LabelledCase {
    /// Its name in the catalogue.
    pub name: String,
    /// Fits a labelled history with a fresh estimator.
    pub fit: LabelledFitFn,
    /// The widths to try.
    pub channels: Vec<usize>,
    /// Laws it need not keep, and why.
    pub excused: Vec<Excuse>,
}

/// Fits a labelled history with a fresh estimator.
pub type LabelledFitFn =
    Box<dyn Fn(&Frame<'_>, &[Option<bool>]) -> Result<Fit<Box<dyn Model>>, FitError>>;

impl std::fmt::Debug for LabelledCase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LabelledCase").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every broken law of every case, in words.
#[must_use]
pub fn labelled_failures(cases: &[LabelledCase]) -> Vec<String> {
    cases.iter().flat_map(|case| failures(&case.name, &case.excused, LAWS, case)).collect()
}

const LAWS: &[Law<LabelledCase>] = &[
    ("one score per row, finite and at least 0", one_finite_score_per_row),
    ("fitting twice gives the same scores", fitting_twice_gives_the_same),
    ("labels that teach nothing are refused", useless_labels_are_refused),
    ("rows of another width are refused", other_widths_are_refused),
    ("shares sum to 1", shares_sum_to_one),
    ("labelled anomalies are found again", anomalies_are_found_again),
    ("a labelled row is not rated by its own label", own_label_does_not_count),
    ("units do not change the ranking", units_do_not_matter),
];

const ROWS: usize = 300;

/// Every tenth row is an anomaly; one row in three has no label.
fn labels(rows: usize) -> Vec<Option<bool>> {
    (0..rows).map(|row| (row % 3 != 2).then_some(row % 10 == 5)).collect()
}

/// A stream whose every tenth row is an anomaly that can be seen.
fn marked(channels: usize) -> Stream {
    let stream = Stream::noise(channels, ROWS);
    (5..ROWS).step_by(10).fold(stream, |stream, row| stream.with_outlier(row))
}

fn one_finite_score_per_row(case: &LabelledCase) -> Verdict {
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        rates_every_row(&(case.fit)(&frame, &labels(ROWS)).map_err(refused)?, &frame)
    })
}

fn fitting_twice_gives_the_same(case: &LabelledCase) -> Verdict {
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        let fit = || (case.fit)(&frame, &labels(ROWS)).map_err(refused);
        same_bits(&fit()?, &fit()?, frame.channels())
    })
}

fn useless_labels_are_refused(case: &LabelledCase) -> Verdict {
    for channels in &case.channels {
        let stream = Stream::noise(*channels, 40);
        let is_refused = |labels: &[Option<bool>]| (case.fit)(&stream.frame(), labels).is_err();
        ensure(is_refused(&[None; 40]), || "fitted without a label".to_owned())?;
        ensure(is_refused(&labels(39)), || "fitted 39 labels for 40 rows".to_owned())?;
        ensure(is_refused(&labels(41)), || "fitted 41 labels for 40 rows".to_owned())?;
        let empty = Stream::noise(*channels, 0);
        ensure((case.fit)(&empty.frame(), &[]).is_err(), || "fitted no rows".to_owned())?;
        // One kind alone may be enough for a method; panics and odd scores are not.
        for kind in [false, true] {
            if let Ok(fit) = (case.fit)(&stream.frame(), &[Some(kind); 40]) {
                finite(&fit.scores, 40).map_err(|how| format!("{how}, all labelled {kind}"))?;
            }
        }
        for rows in 1..30 {
            if let Ok(fit) = (case.fit)(&Stream::noise(*channels, rows).frame(), &labels(rows)) {
                finite(&fit.scores, rows).map_err(|how| format!("{how} of {rows} rows"))?;
            }
        }
    }
    Ok(())
}

fn other_widths_are_refused(case: &LabelledCase) -> Verdict {
    for channels in &case.channels {
        let fit = (case.fit)(&marked(*channels).frame(), &labels(ROWS)).map_err(refused)?;
        refuses_another_width(&fit, *channels)?;
    }
    Ok(())
}

fn shares_sum_to_one(case: &LabelledCase) -> Verdict {
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        let fit = (case.fit)(&frame, &labels(ROWS)).map_err(refused)?;
        explains_rows(&fit, &frame, 0.5, 20)
    })
}

/// With or without a label, and in rows to come.
fn anomalies_are_found_again(case: &LabelledCase) -> Verdict {
    for channels in &case.channels {
        let stream = marked(*channels);
        let fit = (case.fit)(&stream.frame(), &labels(ROWS)).map_err(refused)?;
        let later = fit.model.score(&stream.frame()).map_err(refused)?;
        for scores in [&fit.scores, &later] {
            let of = |anomaly: bool| {
                let rows = scores.iter().enumerate();
                rows.filter(move |(row, _)| (row % 10 == 5) == anomaly).map(|(_, score)| *score)
            };
            let usual: Vec<f64> = of(false).collect();
            of(true).try_for_each(|outlier| tops(outlier, &usual))?;
        }
    }
    Ok(())
}

/// Labels by lot teach nothing, so the rows that carry them must not be told apart.
fn own_label_does_not_count(case: &LabelledCase) -> Verdict {
    for channels in &case.channels {
        let stream = Stream::noise(*channels, ROWS);
        let mut random = Pcg64Mcg::seed_from_u64(7);
        let labels: Vec<bool> = (0..ROWS).map(|_| random.random::<bool>()).collect();
        let told: Vec<Option<bool>> = labels.iter().copied().map(Some).collect();
        let scores = (case.fit)(&stream.frame(), &told).map_err(refused)?.scores;
        let of = |kind: bool| {
            let rows = scores.iter().zip(&labels);
            rows.filter(move |(_, label)| **label == kind).map(|(score, _)| *score)
        };
        // The chance that an anomaly scores above a normal row; 1/2 by lot.
        let mut above = 0.0;
        for anomaly in of(true) {
            for normal in of(false) {
                above += if anomaly > normal { 1.0 } else { 0.5 * f64::from(anomaly == normal) };
            }
        }
        let share = above / (of(true).count() * of(false).count()) as f64;
        ensure(share < 0.65, || {
            format!("labels by lot are told apart {share:.2} of the time ({channels} channels)")
        })?;
    }
    Ok(())
}

fn units_do_not_matter(case: &LabelledCase) -> Verdict {
    for channels in &case.channels {
        let plain = (case.fit)(&marked(*channels).frame(), &labels(ROWS)).map_err(refused)?.scores;
        // A power of two scales every number exactly.
        let scaled = marked(*channels).scaled(1024.0);
        let scaled = (case.fit)(&scaled.frame(), &labels(ROWS)).map_err(refused)?.scores;
        same_strangest(&plain, &scaled)?;
    }
    Ok(())
}
