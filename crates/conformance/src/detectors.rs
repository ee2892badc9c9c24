//! The laws of [`Detector`].

use auscult_core::{Detector, Explanation, Sample, Score, Timestamp};

use crate::verdict::{Excuse, Law, Verdict, ensure, failures, refused};
use crate::{Stream, stream};

/// A streaming method under test.
pub struct DetectorCase {
    /// Its name in the catalogue.
    pub name: String,
    /// Builds a fresh one for a number of channels.
    pub build: Box<dyn Fn(usize) -> Box<dyn Detector>>,
    /// The widths to try.
    pub channels: Vec<usize>,
    /// Laws it need not keep, and why.
    pub excused: Vec<Excuse>,
}

impl std::fmt::Debug for DetectorCase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DetectorCase").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every broken law of every case, in words.
#[must_use]
pub fn detector_failures(cases: &[DetectorCase]) -> Vec<String> {
    cases.iter().flat_map(|case| failures(&case.name, &case.excused, LAWS, case)).collect()
}

const LAWS: &[Law<DetectorCase>] = &[
    ("rating changes nothing", rating_changes_nothing),
    ("update is score then learn", update_is_score_then_learn),
    ("same samples give the same bits", same_samples_give_the_same_bits),
    ("a restored detector goes on as the original", restored_goes_on_as_original),
    ("a damaged snapshot is refused", damaged_snapshot_is_refused),
    ("a refused sample changes nothing", refused_sample_changes_nothing),
    ("learning changes the state", learning_changes_the_state),
    ("the state stops growing", state_stops_growing),
    ("scores and deviations are finite and at least 0", scores_are_finite),
    ("ranks go on where scores are 0", ranks_are_not_below_scores),
    ("warm-up ends and is counted down", warmup_is_counted_down),
    ("shares sum to 1", shares_sum_to_one),
    ("an outlier stands out", outlier_stands_out),
];

/// Long enough for the longest warm-up of a default.
const ROWS: usize = 1200;

/// Runs `law` on every stream of every width.
fn on_every_stream(
    case: &DetectorCase,
    law: impl Fn(&mut dyn Detector, &Stream) -> Verdict,
) -> Verdict {
    for channels in &case.channels {
        for stream in stream::Stream::all(*channels, ROWS) {
            let mut detector = (case.build)(*channels);
            law(detector.as_mut(), &stream)
                .map_err(|how| format!("{how} ({} of {channels} channels)", stream.name))?;
        }
    }
    Ok(())
}

fn same(left: Score, right: Score, what: &str) -> Verdict {
    let bits = |score: Score| match score {
        Score::Warming(left) => (true, left as u64),
        Score::Ready(score) => (false, score.to_bits()),
    };
    ensure(bits(left) == bits(right), || format!("{what}: {left:?} and {right:?}"))
}

fn rating_changes_nothing(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        for (at, sample) in stream.samples().enumerate() {
            if at % 50 == 0 {
                let before = detector.snapshot();
                let first = detector.score(sample).map_err(refused)?;
                detector.explain(sample, 1.0).map_err(refused)?;
                let second = detector.score(sample).map_err(refused)?;
                same(first, second, "two scores of one sample")?;
                ensure(before == detector.snapshot(), || {
                    format!("the state changed at sample {at}")
                })?;
            }
            detector.learn(sample).map_err(refused)?;
        }
        Ok(())
    })
}

fn update_is_score_then_learn(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        let mut other = (case.build)(detector.channels());
        for sample in stream.samples() {
            let apart = detector.score(sample).map_err(refused)?;
            detector.learn(sample).map_err(refused)?;
            same(apart, other.update(sample).map_err(refused)?, "score and update")?;
        }
        ensure(detector.snapshot() == other.snapshot(), || "the states differ".to_owned())
    })
}

fn same_samples_give_the_same_bits(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        let mut other = (case.build)(detector.channels());
        for sample in stream.samples() {
            let (left, right) = (detector.update(sample), other.update(sample));
            same(left.map_err(refused)?, right.map_err(refused)?, "two runs")?;
        }
        Ok(())
    })
}

fn restored_goes_on_as_original(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |original, stream| {
        let mut restored = (case.build)(original.channels());
        for (at, sample) in stream.samples().enumerate() {
            if at == 7 || at == ROWS / 2 {
                // Through text, as a store would keep it.
                let text = serde_json_text(&original.snapshot())?;
                restored = (case.build)(original.channels());
                restored.restore(&text).map_err(refused)?;
            }
            let score = original.update(sample).map_err(refused)?;
            if at >= 7 {
                let again = restored.update(sample).map_err(refused)?;
                same(score, again, &format!("original and restored at sample {at}"))?;
            }
        }
        Ok(())
    })
}

/// A snapshot after it was written as text and read back.
fn serde_json_text(snapshot: &auscult_core::Snapshot) -> Result<auscult_core::Snapshot, String> {
    let text = auscult_core::serde_json::to_string(snapshot).map_err(refused)?;
    auscult_core::serde_json::from_str(&text).map_err(refused)
}

fn damaged_snapshot_is_refused(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        for sample in stream.samples().take(60) {
            detector.learn(sample).map_err(refused)?;
        }
        let before = detector.snapshot();
        let mut foreign = before.clone();
        foreign.method = "somebody-else".to_owned();
        let mut newer = before.clone();
        newer.version += 1;
        let mut empty = before.clone();
        empty.state = auscult_core::serde_json::Value::Null;
        let wider = (case.build)(detector.channels() + 1).snapshot();
        for (what, broken) in [("foreign", foreign), ("newer", newer), ("empty", empty)] {
            ensure(detector.restore(&broken).is_err(), || format!("took a {what} snapshot"))?;
            ensure(detector.snapshot() == before, || format!("a {what} snapshot changed it"))?;
        }
        if case.channels.contains(&2) {
            ensure(detector.restore(&wider).is_err(), || "took a wider snapshot".to_owned())?;
            ensure(detector.snapshot() == before, || "a wider snapshot changed it".to_owned())?;
        }
        Ok(())
    })
}

fn refused_sample_changes_nothing(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        for sample in stream.samples().take(100) {
            detector.learn(sample).map_err(refused)?;
        }
        let before = detector.snapshot();
        let wide = vec![1.0; detector.channels() + 1];
        let sample = Sample::new(Timestamp::from_seconds(0), &wide).map_err(refused)?;
        let all_refused = detector.score(sample).is_err()
            && detector.learn(sample).is_err()
            && detector.update(sample).is_err()
            && detector.explain(sample, 1.0).is_err();
        ensure(all_refused, || "a sample of another width was taken".to_owned())?;
        ensure(detector.snapshot() == before, || "a refused sample changed it".to_owned())
    })
}

fn learning_changes_the_state(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        let before = detector.snapshot();
        for sample in stream.samples().take(50) {
            detector.learn(sample).map_err(refused)?;
        }
        ensure(detector.snapshot() != before, || "50 samples left no trace".to_owned())
    })
}

fn state_stops_growing(case: &DetectorCase) -> Verdict {
    for channels in &case.channels {
        let mut detector = (case.build)(*channels);
        let stream = Stream::season(*channels, 8 * ROWS);
        let mut sizes = Vec::new();
        for (at, sample) in stream.samples().enumerate() {
            detector.learn(sample).map_err(refused)?;
            if at + 1 == 4 * ROWS || at + 1 == 8 * ROWS {
                sizes.push(detector.snapshot().state.to_string().len());
            }
        }
        // Digits vary from one number to the next; twice the samples must not
        // mean twice the state.
        ensure(sizes[1] * 10 <= sizes[0] * 12 + 2000, || {
            format!(
                "{} bytes after {} samples, {} after {}",
                sizes[0],
                4 * ROWS,
                sizes[1],
                8 * ROWS
            )
        })?;
    }
    Ok(())
}

fn scores_are_finite(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        for (at, sample) in stream.samples().enumerate() {
            if let Score::Ready(score) = detector.update(sample).map_err(refused)? {
                ensure(score.is_finite() && score >= 0.0, || {
                    format!("sample {at} scores {score}")
                })?;
            }
            let deviation = detector.deviation();
            ensure(deviation.is_none_or(|far| far.is_finite() && far >= 0.0), || {
                format!("after sample {at} the deviation is {deviation:?}")
            })?;
        }
        Ok(())
    })
}

fn ranks_are_not_below_scores(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        for (at, sample) in stream.samples().enumerate() {
            let before = (at % 100 == 0).then(|| detector.snapshot());
            let (rank, maturity) = (detector.rank(sample).map_err(refused)?, detector.maturity());
            ensure(before.is_none_or(|before| detector.snapshot() == before), || {
                format!("ranking sample {at} changed the state")
            })?;
            let score = detector.update(sample).map_err(refused)?;
            let follows = match (score, rank) {
                (Score::Ready(score), Score::Ready(rank)) => rank.is_finite() && rank >= score,
                (score, rank) => score == rank,
            };
            ensure(follows, || format!("sample {at} scores {score:?} and ranks {rank:?}"))?;
            ensure(rank.ready().is_none() || (maturity > 0.0 && maturity <= 1.0), || {
                format!("before sample {at} maturity is {maturity}")
            })?;
        }
        Ok(())
    })
}

fn warmup_is_counted_down(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        let mut left_before: Option<usize> = None;
        let mut ready = false;
        for (at, sample) in stream.samples().enumerate() {
            match detector.update(sample).map_err(refused)? {
                Score::Warming(left) => {
                    ensure(left > 0, || format!("warming with 0 left at sample {at}"))?;
                    ensure(left_before.is_none_or(|before| left <= before), || {
                        format!("{left} samples left at sample {at}, more than before")
                    })?;
                    ensure(!ready, || format!("warms up again at sample {at}"))?;
                    left_before = Some(left);
                }
                Score::Ready(_) => ready = true,
            }
        }
        ensure(ready, || format!("still warming after {ROWS} samples"))
    })
}

fn shares_sum_to_one(case: &DetectorCase) -> Verdict {
    on_every_stream(case, |detector, stream| {
        for (at, sample) in stream.samples().enumerate() {
            if at % 20 == 0 {
                let score = detector.score(sample).map_err(refused)?;
                let explanation = detector.explain(sample, 1.0).map_err(refused)?;
                ensure(explanation.is_some() == score.ready().is_some(), || {
                    format!("sample {at} scores {score:?} and is explained {explanation:?}")
                })?;
                if let Some(explanation) = explanation {
                    well_formed(&explanation, detector.channels())
                        .map_err(|how| format!("sample {at}: {how}"))?;
                    ensure(explanation.onset.is_none_or(|onset| onset <= sample.time()), || {
                        format!("sample {at} belongs to a departure that begins after it")
                    })?;
                }
            }
            detector.learn(sample).map_err(refused)?;
        }
        Ok(())
    })
}

/// Right lengths, finite expectations, shares that sum to 1 or are all 0.
pub(crate) fn well_formed(explanation: &Explanation, channels: usize) -> Verdict {
    let Explanation { expected, band, share, .. } = explanation;
    let lengths = expected.len() == channels
        && share.len() == channels
        && band.as_ref().is_none_or(|band| band.len() == channels);
    ensure(lengths, || format!("wrong number of channels in {explanation:?}"))?;
    ensure(expected.iter().all(|value| value.is_finite()), || format!("expects {expected:?}"))?;
    let bands = band
        .iter()
        .flatten()
        .all(|band| band.low <= band.high && !band.low.is_nan() && !band.high.is_nan());
    ensure(bands, || format!("bands are {band:?}"))?;
    let total: f64 = share.iter().sum();
    let whole = (total - 1.0).abs() < 1e-9 || share.iter().all(|share| *share == 0.0);
    let parts = share.iter().all(|share| (0.0..=1.0 + 1e-12).contains(share));
    ensure(whole && parts, || format!("shares are {share:?}"))
}

fn outlier_stands_out(case: &DetectorCase) -> Verdict {
    for channels in &case.channels {
        let row = ROWS - 100;
        let stream = Stream::noise(*channels, ROWS).with_outlier(row);
        let mut detector = (case.build)(*channels);
        let mut usual = Vec::new();
        for (at, sample) in stream.samples().enumerate() {
            let score = detector.update(sample).map_err(refused)?.ready();
            match score {
                Some(score) if at == row => {
                    let above = usual.iter().filter(|usual| **usual >= score).count();
                    ensure(above * 100 <= usual.len(), || {
                        format!("{above} of {} usual samples score {score} or more", usual.len())
                    })?;
                }
                Some(score) if at < row => usual.push(score),
                _ => {}
            }
        }
    }
    Ok(())
}
