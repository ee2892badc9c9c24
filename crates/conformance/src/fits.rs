//! What must hold of a fit, with labels or without.

use auscult_core::{DetectError, Fit, Frame, Model};

use crate::Stream;
use crate::detectors::well_formed;
use crate::verdict::{Verdict, ensure, refused};

/// A fit of any method.
pub(crate) type BoxedFit = Fit<Box<dyn Model>>;

/// Tries `law` on every stream of `rows` rows in every width.
pub(crate) fn on_every_stream(
    channels: &[usize],
    rows: usize,
    law: impl Fn(&Stream) -> Verdict,
) -> Verdict {
    for channels in channels {
        for stream in Stream::all(*channels, rows) {
            law(&stream)
                .map_err(|how| format!("{how} ({} of {channels} channels)", stream.name))?;
        }
    }
    Ok(())
}

/// Fails unless there are `rows` scores, finite and at least 0.
pub(crate) fn finite(scores: &[f64], rows: usize) -> Verdict {
    ensure(scores.len() == rows, || format!("{} scores for {rows} rows", scores.len()))?;
    let odd = scores.iter().position(|score| !score.is_finite() || *score < 0.0);
    odd.map_or(Ok(()), |row| Err(format!("row {row} scores {}", scores[row])))
}

/// Fails unless `fit` rates every row of its `history`, and rows that follow.
pub(crate) fn rates_every_row(fit: &BoxedFit, history: &Frame<'_>) -> Verdict {
    finite(&fit.scores, history.rows())?;
    ensure(fit.model.channels() == history.channels(), || "wrong width".to_owned())?;
    // Rows that follow the history, spikes among them, after a calm one.
    for after in [Stream::spikes(history.channels(), 60), Stream::tiny(history.channels(), 60)] {
        let scores = fit.model.score(&after.frame()).map_err(refused)?;
        finite(&scores, 60).map_err(|how| format!("after fitting: {how}"))?;
    }
    Ok(())
}

/// Fails unless two fits of one history of `channels` channels score bit by bit the same.
pub(crate) fn same_bits(one: &BoxedFit, two: &BoxedFit, channels: usize) -> Verdict {
    let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
    ensure(bits(&one.scores) == bits(&two.scores), || "histories score differently".to_owned())?;
    let after = Stream::noise(channels, 50);
    let score = |fit: &BoxedFit| fit.model.score(&after.frame()).map_err(refused);
    ensure(bits(&score(one)?) == bits(&score(two)?), || "models score differently".to_owned())
}

/// Fails unless a model of `channels` channels refuses rows of one more.
pub(crate) fn refuses_another_width(fit: &BoxedFit, channels: usize) -> Verdict {
    let wide = Stream::noise(channels + 1, 5);
    let score = fit.model.score(&wide.frame());
    let explained = fit.model.explain(&wide.frame(), 0, 1.0);
    let as_it_should = matches!(score, Err(DetectError::Channels { .. }))
        && matches!(explained, Err(DetectError::Channels { .. }));
    ensure(as_it_should, || format!("{channels} channels fitted, {} taken", channels + 1))
}

/// Fails unless every `step`-th row of `history` is explained well, as a row of
/// the history and as a new one.
pub(crate) fn explains_rows(
    fit: &BoxedFit,
    history: &Frame<'_>,
    threshold: f64,
    step: usize,
) -> Verdict {
    for row in (0..history.rows()).step_by(step) {
        let own = fit.model.explain_history(history, row, threshold).map_err(refused)?;
        let new = fit.model.explain(history, row, threshold).map_err(refused)?;
        for explanation in own.iter().chain(&new) {
            well_formed(explanation, history.channels())
                .map_err(|how| format!("row {row}: {how}"))?;
        }
    }
    Ok(())
}

/// Fails unless at most one in a hundred of `usual` scores as high as `outlier`.
pub(crate) fn tops(outlier: f64, usual: &[f64]) -> Verdict {
    let above = usual.iter().filter(|usual| **usual >= outlier).count();
    ensure(above * 100 <= usual.len(), || {
        format!("{above} of {} usual rows score {outlier} or more", usual.len())
    })
}

/// Fails unless the ten strangest rows are the same in another unit.
pub(crate) fn same_strangest(plain: &[f64], scaled: &[f64]) -> Verdict {
    let strangest = |scores: &[f64]| {
        let mut rows: Vec<usize> = (0..scores.len()).collect();
        rows.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        rows.truncate(10);
        rows.sort_unstable();
        rows
    };
    let (plain, scaled) = (strangest(plain), strangest(scaled));
    ensure(plain == scaled, || format!("strangest rows {plain:?}, scaled {scaled:?}"))
}
