//! The laws of estimators and the models they fit.

use auscult_core::{Accumulator, DetectError, Fit, FitError, Frame, Model};

use crate::Stream;
use crate::detectors::well_formed;
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

fn on_every_stream(case: &EstimatorCase, law: impl Fn(&Stream) -> Verdict) -> Verdict {
    for channels in &case.channels {
        for stream in Stream::all(*channels, ROWS) {
            law(&stream)
                .map_err(|how| format!("{how} ({} of {channels} channels)", stream.name))?;
        }
    }
    Ok(())
}

pub(crate) fn finite(scores: &[f64], rows: usize) -> Verdict {
    ensure(scores.len() == rows, || format!("{} scores for {rows} rows", scores.len()))?;
    let odd = scores.iter().position(|score| !score.is_finite() || *score < 0.0);
    odd.map_or(Ok(()), |row| Err(format!("row {row} scores {}", scores[row])))
}

fn one_finite_score_per_row(case: &EstimatorCase) -> Verdict {
    on_every_stream(case, |stream| {
        let frame = stream.frame();
        let fit = (case.fit)(&frame).map_err(refused)?;
        finite(&fit.scores, frame.rows())?;
        ensure(fit.model.channels() == frame.channels(), || "wrong width".to_owned())?;
        // Rows that follow the history, spikes among them, after a calm one.
        for after in [Stream::spikes(frame.channels(), 60), Stream::tiny(frame.channels(), 60)] {
            let scores = fit.model.score(&after.frame()).map_err(refused)?;
            finite(&scores, 60).map_err(|how| format!("after fitting: {how}"))?;
        }
        Ok(())
    })
}

fn fitting_twice_gives_the_same(case: &EstimatorCase) -> Verdict {
    on_every_stream(case, |stream| {
        let frame = stream.frame();
        let (one, two) =
            ((case.fit)(&frame).map_err(refused)?, (case.fit)(&frame).map_err(refused)?);
        let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        ensure(bits(&one.scores) == bits(&two.scores), || {
            "histories score differently".to_owned()
        })?;
        let after = Stream::noise(frame.channels(), 50);
        let score = |fit: &Fit<Box<dyn Model>>| fit.model.score(&after.frame()).map_err(refused);
        ensure(bits(&score(&one)?) == bits(&score(&two)?), || "models score differently".to_owned())
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
        let wide = Stream::noise(channels + 1, 5);
        let score = fit.model.score(&wide.frame());
        let explained = fit.model.explain(&wide.frame(), 0, 1.0);
        let as_it_should = matches!(score, Err(DetectError::Channels { .. }))
            && matches!(explained, Err(DetectError::Channels { .. }));
        ensure(as_it_should, || format!("{channels} channels fitted, {} taken", channels + 1))?;
    }
    Ok(())
}

fn shares_sum_to_one(case: &EstimatorCase) -> Verdict {
    on_every_stream(case, |stream| {
        let frame = stream.frame();
        let fit = (case.fit)(&frame).map_err(refused)?;
        let mut sorted = fit.scores.clone();
        sorted.sort_by(f64::total_cmp);
        let threshold = sorted[sorted.len() * 9 / 10];
        for row in (0..frame.rows()).step_by(40) {
            let own = fit.model.explain_history(&frame, row, threshold).map_err(refused)?;
            let new = fit.model.explain(&frame, row, threshold).map_err(refused)?;
            for explanation in own.iter().chain(&new) {
                well_formed(explanation, frame.channels())
                    .map_err(|how| format!("row {row}: {how}"))?;
            }
        }
        Ok(())
    })
}

/// Fails unless at most one in a hundred of `usual` scores as high as `outlier`.
pub(crate) fn tops(outlier: f64, usual: &[f64]) -> Verdict {
    let above = usual.iter().filter(|usual| **usual >= outlier).count();
    ensure(above * 100 <= usual.len(), || {
        format!("{above} of {} usual rows score {outlier} or more", usual.len())
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
        let order = |scores: &[f64]| {
            let mut rows: Vec<usize> = (0..scores.len()).collect();
            rows.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            rows.truncate(10);
            rows.sort_unstable();
            rows
        };
        ensure(order(&plain) == order(&scaled), || {
            format!("strangest rows {:?}, scaled {:?}", order(&plain), order(&scaled))
        })?;
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
    on_every_stream(case, |stream| {
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
