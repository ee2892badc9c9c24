//! How the default detector behaves, statement by statement of `docs/default-detector.md`.

use auscult_core::{Detector, Sample, Score, Timestamp};
use auscult_detect::ensemble::{PotEnsemble, PotEnsembleSettings};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const STEP: i64 = 300;
const DAY: usize = 288;
/// Above this a score is an anomaly by default.
const ALARM: f64 = 2.5;

fn fresh(tier: u8) -> PotEnsemble {
    PotEnsemble::new(PotEnsembleSettings { tier, ..Default::default() }).unwrap()
}

fn sample_at(detector: &mut PotEnsemble, second: i64, reading: f64) -> Score {
    detector.update(Sample::new(Timestamp::from_seconds(second), &[reading]).unwrap()).unwrap()
}

/// A load that is high by day, with noise; `at` in steps of five minutes.
fn load(random: &mut Pcg64Mcg, at: usize) -> f64 {
    let day = if (96..216).contains(&(at % DAY)) { 60.0 } else { 20.0 };
    day + (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

/// A detector that has watched `days` of load, the random numbers to go on with, and the
/// place to go on at.
fn after(tier: u8, days: usize) -> (PotEnsemble, Pcg64Mcg, usize) {
    let (mut detector, mut random) = (fresh(tier), Pcg64Mcg::seed_from_u64(11));
    for at in 0..days * DAY {
        let reading = load(&mut random, at);
        sample_at(&mut detector, at as i64 * STEP, reading);
    }
    (detector, random, days * DAY)
}

fn ready(score: Score) -> f64 {
    score.ready().expect("warmed up")
}

#[test]
fn warm_up_counts_down_and_the_first_scores_are_provisional() {
    let (mut detector, mut random) = (fresh(2), Pcg64Mcg::seed_from_u64(1));
    for at in 0..300 {
        let reading = load(&mut random, at);
        let score = sample_at(&mut detector, at as i64 * STEP, reading);
        assert_eq!(score, Score::Warming(300 - at));
        assert_eq!(detector.deviation().is_some(), at == 299);
    }
    let say = |detector: &PotEnsemble, second: i64| {
        let sample = [500.0];
        let sample = Sample::new(Timestamp::from_seconds(second), &sample).unwrap();
        detector.explain(sample, ALARM).unwrap().unwrap().reasons
    };
    let reasons = say(&detector, 300 * STEP);
    assert_eq!(reasons.last().unwrap(), "provisional: learnt from 300 samples so far");
    let (detector, _, at) = after(2, 10);
    let reasons = say(&detector, at as i64 * STEP);
    assert!(!reasons.iter().any(|reason| reason.contains("provisional")), "{reasons:?}");
}

#[test]
fn a_day_reading_at_night_is_told_from_one_by_day() {
    for tier in [1, 2] {
        let (detector, _, at) = after(tier, 10);
        let rate = |at: usize, reading: f64| {
            let sample = [reading];
            let time = Timestamp::from_seconds(at as i64 * STEP);
            ready(detector.score(Sample::new(time, &sample).unwrap()).unwrap())
        };
        assert!(rate(at, 60.0) > ALARM, "tier {tier}: {}", rate(at, 60.0));
        assert!(rate(at, 20.0) < ALARM);
    }
}

#[test]
fn an_explanation_says_what_was_expected_which_way_since_when_and_why() {
    let (mut detector, mut random, mut at) = after(2, 10);
    let start = at;
    for _ in 0..5 {
        let reading = load(&mut random, at) + 30.0;
        sample_at(&mut detector, at as i64 * STEP, reading);
        at += 1;
    }
    let readings = [51.0];
    let sample = Sample::new(Timestamp::from_seconds(at as i64 * STEP), &readings).unwrap();
    let why = detector.explain(sample, ALARM).unwrap().unwrap();
    assert!((why.expected[0] - 20.0).abs() < 8.0, "{why:?}");
    let band = why.band.clone().unwrap()[0];
    let inside = band.low <= why.expected[0] && why.expected[0] <= band.high;
    assert!(inside && band.high < 51.0, "{why:?}");
    assert_eq!(why.onset, Some(Timestamp::from_seconds(start as i64 * STEP)));
    assert!(why.reasons[0].starts_with("above the daily pattern for 6 samples"), "{why:?}");
    assert!(why.reasons.iter().any(|reason| reason.starts_with("once in ")), "{why:?}");
}

#[test]
fn a_level_shift_is_alarmed_once_and_accepted_after_a_while() {
    let (mut detector, mut random, start) = after(2, 10);
    let mut alarms = Vec::new();
    let mut last = 0.0;
    for at in start..start + 12 * DAY {
        let reading = load(&mut random, at) + 100.0;
        if ready(sample_at(&mut detector, at as i64 * STEP, reading)) > ALARM {
            alarms.push(at - start);
        }
        last = detector.deviation().unwrap();
    }
    assert!(!alarms.is_empty() && alarms[0] <= 2, "{alarms:?}");
    assert!(alarms.iter().all(|at| *at < 5 * DAY), "accepted within days: {alarms:?}");
    assert!(alarms.len() <= 10, "told again and again: {alarms:?}");
    assert!(last < 1.0, "still deviates by {last}");
}

#[test]
fn a_lasting_state_stays_high_while_the_score_gives_way() {
    let (mut detector, mut random, start) = after(2, 10);
    let usual = detector.deviation().unwrap();
    for at in start..start + 20 {
        let reading = load(&mut random, at) + 30.0;
        let score = ready(sample_at(&mut detector, at as i64 * STEP, reading));
        if at > start + 15 {
            assert!(score < ALARM && detector.deviation().unwrap() > 3.0 * usual.max(0.1));
        }
    }
}

#[test]
fn a_gap_is_no_jump_and_nothing_is_imputed() {
    let (mut detector, mut random, start) = after(2, 10);
    // Half a day later the load is by day what it is by day.
    for at in start + DAY / 2..start + DAY {
        let reading = load(&mut random, at);
        let score = ready(sample_at(&mut detector, at as i64 * STEP, reading));
        assert!(score < ALARM, "{score} at {}", at - start);
    }
}

#[test]
fn after_a_long_gap_the_level_is_found_anew_and_the_profile_kept() {
    let (mut detector, mut random, start) = after(2, 14);
    let mut worst = 0.0f64;
    for at in start + 3 * DAY..start + 4 * DAY {
        let reading = load(&mut random, at) + 1000.0;
        worst = worst.max(ready(sample_at(&mut detector, at as i64 * STEP, reading)));
    }
    assert!(worst < 2.0 * ALARM, "the new level of a restarted job is no event: {worst}");
    let sample = [1020.0];
    let time = Timestamp::from_seconds((start + 4 * DAY) as i64 * STEP);
    let why = detector.explain(Sample::new(time, &sample).unwrap(), ALARM).unwrap().unwrap();
    assert!((why.expected[0] - 1020.0).abs() < 15.0, "{why:?}");
}

#[test]
fn late_and_duplicate_samples_are_scored_and_not_learnt() {
    let (mut detector, mut random, start) = after(2, 10);
    let reading = load(&mut random, start);
    sample_at(&mut detector, start as i64 * STEP, reading);
    let before = detector.clone();
    for second in [start as i64 * STEP, (start as i64 - 100) * STEP] {
        assert!(ready(sample_at(&mut detector, second, 1e6)) > ALARM);
    }
    let at = start + 1;
    let readings = [load(&mut random, at)];
    let sample = Sample::new(Timestamp::from_seconds(at as i64 * STEP), &readings).unwrap();
    assert_eq!(detector.score(sample), before.score(sample));
}

#[test]
fn irregular_sampling_is_weighed_by_time() {
    // Every second sample is left out, at random: the same bands are learnt.
    let (mut detector, mut random) = (fresh(2), Pcg64Mcg::seed_from_u64(3));
    for at in 0..14 * DAY {
        let reading = load(&mut random, at);
        if random.random::<bool>() {
            sample_at(&mut detector, at as i64 * STEP, reading);
        }
    }
    let expected = |hour: i64| {
        let time = Timestamp::from_seconds(14 * 86_400 + 3600 * hour);
        let sample = [20.0];
        detector.explain(Sample::new(time, &sample).unwrap(), ALARM).unwrap().unwrap().expected[0]
    };
    assert!((expected(2) - 20.0).abs() < 5.0 && (expected(12) - 60.0).abs() < 8.0);
}

#[test]
fn the_first_departure_from_a_constant_scores() {
    for tier in [1, 2] {
        let mut detector = fresh(tier);
        for at in 0..1000 {
            let score = sample_at(&mut detector, at * 60, 7.25);
            assert!(score.ready().is_none_or(|score| score == 0.0));
        }
        assert!(ready(sample_at(&mut detector, 60_000, 7.26)) > ALARM);
    }
}

#[test]
fn a_clock_set_back_is_followed_after_a_while() {
    let (mut detector, mut random, _) = after(2, 10);
    for at in 0..2 * DAY {
        let reading = load(&mut random, at);
        sample_at(&mut detector, at as i64 * STEP, reading);
    }
    let score = ready(sample_at(&mut detector, 2 * DAY as i64 * STEP, 200.0));
    assert!(score > ALARM, "{score}");
    let after_it = ready(sample_at(&mut detector, (2 * DAY as i64 + 1) * STEP, 20.0));
    assert!(after_it < 2.0 * score, "and learnt: {after_it}");
}

#[test]
fn a_million_series_fit_in_a_gibibyte() {
    for (tier, most) in [(1, 1024), (2, 6 * 1024)] {
        let (detector, _, _) = after(tier, 10);
        let bytes = detector.state_bytes();
        assert!(bytes <= most, "tier {tier} takes {bytes} bytes");
    }
}

#[test]
fn scores_do_not_depend_on_the_unit_or_the_origin() {
    let (mut plain, mut scaled) = (fresh(2), fresh(2));
    let mut random = Pcg64Mcg::seed_from_u64(5);
    for at in 0..6 * DAY {
        let reading = load(&mut random, at) + if at == 1700 { 90.0 } else { 0.0 };
        let second = at as i64 * STEP;
        let (one, other) = (
            sample_at(&mut plain, second, reading).ready().unwrap_or(0.0),
            sample_at(&mut scaled, second, 1024.0 * reading + 1_048_576.0).ready().unwrap_or(0.0),
        );
        assert!((one - other).abs() < 0.02 * one.max(0.5), "{one} and {other} at {at}");
    }
}

/// A detector that was told what readings there can be.
fn told(low: f64, high: f64) -> PotEnsemble {
    let (range_low, range_high) = (Some(low), Some(high));
    let settings = PotEnsembleSettings { range_low, range_high, ..Default::default() };
    PotEnsemble::new(settings).unwrap()
}

/// What `detector` says of `reading` after readings from 40 to 42.
fn of_one(mut detector: PotEnsemble, reading: f64) -> f64 {
    let mut random = Pcg64Mcg::seed_from_u64(8);
    for at in 0..1000 {
        let usual = random.random_range(40.0..42.0);
        sample_at(&mut detector, at * STEP, usual);
    }
    ready(sample_at(&mut detector, 1000 * STEP, reading))
}

#[test]
fn a_departure_small_against_the_declared_range_tells_less() {
    let unknown = of_one(fresh(2), 44.0);
    let wide = of_one(told(0.0, 400.0), 44.0);
    let narrow = of_one(told(0.0, 100.0), 44.0);
    let tight = of_one(told(40.0, 44.0), 44.0);
    // Four of 400, of 100, and of 4.
    assert!((wide / unknown - 0.1).abs() < 0.01, "{wide} and {unknown}");
    assert!((narrow / unknown - 0.2).abs() < 0.02, "{narrow} and {unknown}");
    assert!((tight / unknown - 1.0).abs() < 0.01, "{tight} and {unknown}");
    assert!(narrow > ALARM && wide < ALARM);
}

#[test]
fn no_reading_within_the_declared_range_is_taken_for_absurd() {
    // Undeclared, both are held at three ranges beyond the readings so far.
    assert_eq!(of_one(fresh(2), 60.0), of_one(fresh(2), 90.0));
    let (some, most) = (of_one(told(0.0, 100.0), 60.0), of_one(told(0.0, 100.0), 90.0));
    assert!(most > 1.4 * some, "{some} and {most}");
}

#[test]
fn scores_under_a_declared_range_do_not_depend_on_the_unit_or_the_origin() {
    let (mut plain, mut scaled) = (told(0.0, 200.0), told(1_048_576.0, 1_253_376.0));
    let mut random = Pcg64Mcg::seed_from_u64(5);
    let mut highest = 0.0_f64;
    for at in 0..6 * DAY {
        let reading = load(&mut random, at) + if at == 1700 { 90.0 } else { 0.0 };
        let second = at as i64 * STEP;
        let (one, other) = (
            sample_at(&mut plain, second, reading).ready().unwrap_or(0.0),
            sample_at(&mut scaled, second, 1024.0 * reading + 1_048_576.0).ready().unwrap_or(0.0),
        );
        assert!((one - other).abs() < 0.02 * one.max(0.5), "{one} and {other} at {at}");
        highest = highest.max(one);
    }
    assert!(highest > ALARM, "{highest}");
}

#[test]
fn one_declared_bound_changes_nothing_within_it() {
    let settings = PotEnsembleSettings { range_low: Some(-1e6), ..Default::default() };
    let (mut plain, mut bound) = (fresh(2), PotEnsemble::new(settings).unwrap());
    let mut random = Pcg64Mcg::seed_from_u64(6);
    for at in 0..4 * DAY {
        let reading = load(&mut random, at) + if at == 1000 { 90.0 } else { 0.0 };
        let second = at as i64 * STEP;
        assert_eq!(sample_at(&mut plain, second, reading), sample_at(&mut bound, second, reading));
        assert_eq!(plain.deviation(), bound.deviation());
    }
}

#[test]
fn a_reading_outside_the_declared_range_is_told_however_often_it_came_before() {
    let settings =
        PotEnsembleSettings { range_low: Some(0.0), range_high: Some(100.0), ..Default::default() };
    let mut detector = PotEnsemble::new(settings.clone()).unwrap();
    for at in 0..2000 {
        let reading = if at % 200 == 150 { 101.0 } else { 50.0 + (at % 7) as f64 };
        let score = sample_at(&mut detector, at * 60, reading);
        assert!(at < 300 || reading < 100.0 || ready(score) > ALARM, "{score:?} at {at}");
    }
    let readings = [101.0];
    let sample = Sample::new(Timestamp::from_seconds(120_000), &readings).unwrap();
    let why = detector.explain(sample, ALARM).unwrap().unwrap();
    assert_eq!(why.reasons[0], "outside the declared range");
    assert!(why.band.unwrap()[0].high <= 100.1);
    let refused = PotEnsemble::new(PotEnsembleSettings { range_low: Some(200.0), ..settings });
    assert!(refused.unwrap_err().to_string().contains("above range_low"));
}

#[test]
fn a_state_of_bytes_is_small_goes_on_as_the_original_and_damage_is_refused_or_harmless() {
    let (mut original, mut random, at) = after(1, 10);
    let mut bytes = Vec::new();
    original.save(&mut bytes);
    assert!(bytes.len() < 1024, "{} bytes", bytes.len());
    let mut restored = fresh(1);
    restored.load(&bytes).unwrap();
    for at in at..at + DAY {
        let reading = load(&mut random, at);
        let second = at as i64 * STEP;
        let scores = [&mut original, &mut restored].map(|one| sample_at(one, second, reading));
        assert_eq!(scores[0], scores[1]);
    }
    assert!(fresh(2).load(&bytes).is_err(), "another tier");
    for end in 0..bytes.len() {
        assert!(fresh(1).load(&bytes[..end]).is_err(), "cut at {end}");
    }
    for flipped in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[flipped] ^= 1 << (flipped % 8);
        let mut detector = fresh(1);
        if detector.load(&damaged).is_ok() {
            // It may be another state, but it is one.
            for at in 0..50 {
                let second = (DAY * 10 + at) as i64 * STEP;
                if let Score::Ready(score) = sample_at(&mut detector, second, 30.0 * at as f64) {
                    assert!(score.is_finite() && score >= 0.0, "flipped {flipped}");
                }
            }
        }
    }
}
