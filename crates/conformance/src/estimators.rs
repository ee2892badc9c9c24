//! The laws of estimators and the models they fit.

use auscult_core::{Accumulator, Fit, FitError, Frame, Model};

use crate::Stream;
use crate::fits::{
    explains_rows, finite, on_every_stream, rates_every_row, refuses_another_width, same_bits,
    same_strangest, tops,
};
use crate::verdict::{Excuse, Law, Verdict, ensure, failures, refused};

/// A batch method under test.
pub struct EstimatorCase {
    /// Its name in the catalogue.
    pub name: String,
    /// Fits a history with a fresh estimator.
    pub fit: FitFn,
    /// Builds one that learns in pieces, for a number of channels.
    pub pieces: Option<PiecesFn>,
    /// The widths to try.
    pub channels: Vec<usize>,
    /// Laws it need not keep, and why.
    pub excused: Vec<Excuse>,
}

/// Fits a history with a fresh estimator.
pub type FitFn = Box<dyn Fn(&Frame<'_>) -> Result<Fit<Box<dyn Model>>, FitError>>;
/// Builds a method that learns in pieces.
pub type PiecesFn = Box<dyn Fn(usize) -> Box<dyn Accumulator>>;

impl std::fmt::Debug for EstimatorCase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EstimatorCase").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every broken law of every case, in words.
#[must_use]
pub fn estimator_failures(cases: &[EstimatorCase]) -> Vec<String> {
    cases.iter().flat_map(|case| failures(&case.name, &case.excused, LAWS, case)).collect()
}

const LAWS: &[Law<EstimatorCase>] = &[
    ("one score per row, finite and at least 0", one_finite_score_per_row),
    ("fitting twice gives the same scores", fitting_twice_gives_the_same),
    ("too little history is refused", too_little_history_is_refused),
    ("rows of another width are refused", other_widths_are_refused),
    ("shares sum to 1", shares_sum_to_one),
    ("an outlier stands out", outlier_stands_out),
    ("an unseen outlier stands out", unseen_outlier_stands_out),
    ("units do not change the ranking", units_do_not_matter),
    ("pieces agree with the whole", pieces_agree_with_the_whole),
    ("a valley falls, then rises", a_valley_falls_then_rises),
];

const ROWS: usize = 400;

fn one_finite_score_per_row(case: &EstimatorCase) -> Verdict {
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        rates_every_row(&(case.fit)(&frame).map_err(refused)?, &frame)
    })
}

fn fitting_twice_gives_the_same(case: &EstimatorCase) -> Verdict {
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        let fit = || (case.fit)(&frame).map_err(refused);
        same_bits(&fit()?, &fit()?, frame.channels())
    })
}

fn too_little_history_is_refused(case: &EstimatorCase) -> Verdict {
    for channels in &case.channels {
        let refused = |rows: usize| (case.fit)(&Stream::noise(*channels, rows).frame()).is_err();
        ensure(refused(0), || "fitted an empty history".to_owned())?;
        ensure(refused(1), || "fitted a single row".to_owned())?;
        for rows in 2..40 {
            // Refused or fitted, but no panic and no odd score.
            if let Ok(fit) = (case.fit)(&Stream::noise(*channels, rows).frame()) {
                finite(&fit.scores, rows).map_err(|how| format!("{how} of {rows} rows"))?;
            }
        }
    }
    Ok(())
}

fn other_widths_are_refused(case: &EstimatorCase) -> Verdict {
    for channels in &case.channels {
        let fit = (case.fit)(&Stream::noise(*channels, ROWS).frame()).map_err(refused)?;
        refuses_another_width(&fit, *channels)?;
    }
    Ok(())
}

fn shares_sum_to_one(case: &EstimatorCase) -> Verdict {
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        let fit = (case.fit)(&frame).map_err(refused)?;
        let mut sorted = fit.scores.clone();
        sorted.sort_by(f64::total_cmp);
        let threshold = sorted[sorted.len() * 9 / 10];
        explains_rows(&fit, &frame, threshold, 40)
    })
}

fn outlier_stands_out(case: &EstimatorCase) -> Verdict {
    for channels in &case.channels {
        let row = ROWS - 100;
        let stream = Stream::noise(*channels, ROWS).with_outlier(row);
        let scores = (case.fit)(&stream.frame()).map_err(refused)?.scores;
        let usual: Vec<f64> = [&scores[..row], &scores[row + 1..]].concat();
        tops(scores[row], &usual)?;
    }
    Ok(())
}

fn unseen_outlier_stands_out(case: &EstimatorCase) -> Verdict {
    for channels in &case.channels {
        let fit = (case.fit)(&Stream::noise(*channels, ROWS).frame()).map_err(refused)?;
        let after = Stream::noise(*channels, ROWS).with_outlier(200);
        let scores = fit.model.score(&after.frame()).map_err(refused)?;
        let usual: Vec<f64> = [&scores[..200], &scores[201..]].concat();
        tops(scores[200], &usual)?;
    }
    Ok(())
}

fn units_do_not_matter(case: &EstimatorCase) -> Verdict {
    for channels in &case.channels {
        let stream = Stream::season(*channels, ROWS).with_outlier(111);
        let plain = (case.fit)(&stream.frame()).map_err(refused)?.scores;
        // A power of two scales every number exactly.
        let scaled = (case.fit)(&stream.scaled(1024.0).frame()).map_err(refused)?.scores;
        same_strangest(&plain, &scaled)?;
    }
    Ok(())
}

fn pieces_agree_with_the_whole(case: &EstimatorCase) -> Verdict {
    let Some(pieces) = &case.pieces else { return Ok(()) };
    for channels in &case.channels {
        let stream = Stream::season(*channels, ROWS).with_outlier(111);
        let frame = stream.frame();
        let fit = (case.fit)(&frame).map_err(refused)?;
        let mut accumulator = pieces(*channels);
        for piece in frame.readings().chunks(37 * channels) {
            let piece = Frame::new(piece, *channels).map_err(refused)?;
            accumulator.observe(&piece).map_err(refused)?;
        }
        let model = accumulator.finish().map_err(refused)?;
        let scores = model.score(&frame).map_err(refused)?;
        for (row, (whole, pieced)) in fit.scores.iter().zip(&scores).enumerate() {
            let close = (whole - pieced).abs() <= 1e-9 * (1.0 + whole.abs());
            ensure(close, || format!("row {row} scores {whole} whole and {pieced} in pieces"))?;
        }
    }
    Ok(())
}

/// And is the model that the same rows end in.
fn a_valley_falls_then_rises(case: &EstimatorCase) -> Verdict {
    let Some(pieces) = &case.pieces else { return Ok(()) };
    on_every_stream(&case.channels, ROWS, |stream| {
        let frame = stream.frame();
        let mut accumulator = pieces(frame.channels());
        if accumulator.valley().is_none() {
            return Ok(());
        }
        accumulator.observe(&frame).map_err(refused)?;
        let valley = accumulator.valley().ok_or("the valley is gone")?.map_err(refused)?;
        ensure(valley.channels() == 1, || "a valley has one channel".to_owned())?;
        let mut readings = frame.readings().to_vec();
        for close in frame.readings().iter().take(100) {
            readings.extend([close.next_down(), close.next_up(), -close, 1e90 * close]);
        }
        readings.sort_by(f64::total_cmp);
        let sorted = Frame::of_column(&readings).map_err(refused)?;
        let scores = valley.score(&sorted).map_err(refused)?;
        let falling = scores.windows(2).take_while(|pair| pair[0] >= pair[1]).count();
        ensure(scores[falling..].is_sorted(), || "there is a hill in the valley".to_owned())?;
        for row in [0, readings.len() / 2] {
            let alone = Frame::of_column(&readings[row..=row]).map_err(refused)?;
            let score = valley.score(&alone).map_err(refused)?[0];
            ensure(score == scores[row], || format!("row {row} scores otherwise alone"))?;
        }
        let finished = accumulator.finish().map_err(refused)?.score(&sorted).map_err(refused)?;
        ensure(finished == scores, || "the end has another model".to_owned())
    })
}
