//! Laws that every measure obeys.

use auscult_evaluate::*;
use proptest::prelude::*;

/// Labels with runs, both kinds present, and a score for each.
fn scored() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    let runs = prop::collection::vec((any::<bool>(), 1_usize..12), 3..20);
    runs.prop_map(|runs| {
        let mut labels = vec![false, true];
        labels.extend(runs.iter().flat_map(|(label, rows)| vec![*label; *rows]));
        labels
    })
    .prop_flat_map(|labels| {
        let rows = labels.len();
        (Just(labels), prop::collection::vec((0_i32..40).prop_map(f64::from), rows))
    })
}

fn all(scored: &Scored<'_>) -> [Option<f64>; 9] {
    let volumes = vus(scored, 20);
    let best = |measure: &dyn Fn(&Flagged<'_>) -> Option<f64>| {
        best_of_even_thresholds(scored, 100, measure).map(|best| best.value)
    };
    [
        auc_pr(scored),
        auc_roc(scored),
        volumes.map(|volumes| volumes.pr),
        volumes.map(|volumes| volumes.roc),
        best_point_f1(scored).map(|best| best.counts.f1()),
        best_delay_limited_f1(&[*scored], 3).map(|best| best.counts.f1()),
        best(&|flagged| Some(event_f1(flagged)?.f1)),
        best(&|flagged| Some(range_based(flagged, 0.2)?.f1)),
        best(&|flagged| affiliation(flagged)?.f1),
    ]
}

proptest! {
    #[test]
    fn a_perfect_score_gets_one((labels, _) in scored()) {
        let perfect: Vec<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        let scored = Scored::new(&labels, &perfect).unwrap();
        for (at, value) in all(&scored).into_iter().enumerate() {
            // Soft margins of volumes reach over normal rows, which a strict score leaves out.
            let floor = if at == 2 || at == 3 { 0.0 } else { 1.0 - 1e-9 };
            let value = value.unwrap();
            prop_assert!(value >= floor && value <= 1.0 + 1e-9, "measure {at}: {value}");
        }
        let strict = vus(&scored, 0).unwrap();
        prop_assert!((strict.pr - 1.0).abs() < 1e-9 && (strict.roc - 1.0).abs() < 1e-9);
    }

    #[test]
    fn measures_lie_between_zero_and_one((labels, scores) in scored()) {
        let scored = Scored::new(&labels, &scores).unwrap();
        for (at, value) in all(&scored).into_iter().enumerate() {
            let value = value.unwrap_or(0.0);
            // The range-aware ROC may leave the unit square: its margins are soft.
            let ceiling = if at == 3 { 1.5 } else { 1.0 + 1e-9 };
            prop_assert!((0.0..=ceiling).contains(&value), "measure {at}: {value}");
        }
    }

    #[test]
    fn only_the_order_of_scores_counts((labels, scores) in scored()) {
        let bent: Vec<f64> = scores.iter().map(|score| (score / 10.0).exp() - 3.0).collect();
        let plain = Scored::new(&labels, &scores).unwrap();
        let bent = Scored::new(&labels, &bent).unwrap();
        // The first six sweep every threshold; the rest use evenly spaced ones.
        prop_assert_eq!(&all(&plain)[..6], &all(&bent)[..6]);
    }

    #[test]
    fn oracles_are_no_worse_than_any_threshold((labels, scores) in scored(), threshold in 0_u32..40) {
        let scored = Scored::new(&labels, &scores).unwrap();
        let alarms = scored.alarms_from(f64::from(threshold));
        let flagged = Flagged::new(&labels, &alarms).unwrap();
        let best = best_point_f1(&scored).unwrap();
        prop_assert!(best.counts.f1() >= point_counts(&flagged).f1());
        let again = scored.alarms_from(best.threshold);
        prop_assert_eq!(point_counts(&Flagged::new(&labels, &again).unwrap()), best.counts);
        let limited = best_delay_limited_f1(&[scored], 2).unwrap();
        prop_assert!(limited.counts.f1() >= delay_limited_counts(&flagged, 2).f1());
        let again = scored.alarms_from(limited.threshold);
        let again = Flagged::new(&labels, &again).unwrap();
        prop_assert_eq!(delay_limited_counts(&again, 2), limited.counts);
    }

    #[test]
    fn the_sweep_of_nab_beats_every_threshold((labels, scores) in scored(), threshold in 0_u32..40) {
        let scores: Vec<f64> = scores.iter().map(|score| score / 40.0).collect();
        let file = NabSeries::new(scores, segments(&labels), 3).unwrap();
        for profile in &NAB_PROFILES {
            let best = nab_sweep(std::slice::from_ref(&file), profile);
            let threshold = f64::from(threshold) / 40.0;
            let other = nab_at_threshold(std::slice::from_ref(&file), profile, threshold);
            prop_assert!(best.raw >= other.raw - 1e-9);
            let again = nab_at_threshold(std::slice::from_ref(&file), profile, best.threshold);
            prop_assert!((again.raw - best.raw).abs() < 1e-9);
        }
    }

    #[test]
    fn intervals_hold_their_mean_and_repeat(values in prop::collection::vec(-5.0_f64..5.0, 1..30)) {
        let interval = bootstrap_mean(&values, 300, 0.95, 11).unwrap();
        prop_assert_eq!(Some(interval), bootstrap_mean(&values, 300, 0.95, 11));
        prop_assert!(interval.low <= interval.high);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert!(interval.low >= least - 1e-9);
    }
}

#[test]
fn what_cannot_be_measured_is_none() {
    for (labels, scores) in [(vec![], vec![]), (vec![false; 4], vec![0.0, 1.0, 2.0, 3.0])] {
        let scored = Scored::new(&labels, &scores).expect("finite scores");
        assert_eq!(all(&scored), [None; 9]);
    }
    let everything = Scored::new(&[true, true], &[0.0, 1.0]).expect("finite scores");
    assert_eq!((auc_roc(&everything), vus(&everything, 4)), (None, None));
    assert_eq!(auc_pr(&everything), Some(1.0));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let error = Scored::new(&[true], &[]).unwrap_err().to_string();
    assert_eq!(error, "expected one entry for each of 1 labels, got 0");
    let error = Scored::new(&[true], &[f64::INFINITY]).unwrap_err().to_string();
    assert_eq!(error, "row 0 scores inf, need a finite number");
    let outside = NabSeries::new(vec![0.0; 5], vec![Segment { start: 3, end: 5 }], 0);
    assert_eq!(outside.unwrap_err().to_string(), "window 3..=5 must lie in rows 0..5");
}

/// The quick form of the volumes against the definition, row by row.
#[test]
fn volumes_agree_with_the_plain_definition() {
    let labels: Vec<bool> =
        (0..300).map(|row| matches!(row % 61, 50..=53 | 57) || row > 297).collect();
    let scores: Vec<f64> = (0..300).map(|row| f64::from(row * 7919 % 101)).collect();
    let scored = Scored::new(&labels, &scores).expect("finite scores");
    for window in [0, 1, 6, 33, 90] {
        let got = vus(&scored, window).expect("both kinds of row");
        let plain = plain_pr(&labels, &scores, window);
        assert!((got.pr - plain).abs() < 1e-9, "{window}: {} against {plain}", got.pr);
    }
}

fn plain_pr(labels: &[bool], scores: &[f64], window: usize) -> f64 {
    let rows = labels.len();
    let mut falling = scores.to_vec();
    falling.sort_by(|one, other| other.total_cmp(one));
    let truth = segments(labels);
    let mut sum = 0.0;
    for margin in 0..=window {
        let reach = margin / 2;
        let soft: Vec<f64> = (0..rows)
            .map(|row| {
                let weight = |segment: &Segment| {
                    let far =
                        segment.start.saturating_sub(row).max(row.saturating_sub(segment.end));
                    let near = far > 0 && far <= reach;
                    if near { (1.0 - far as f64 / margin as f64).sqrt() } else { 0.0 }
                };
                let hard = f64::from(u8::from(labels[row]));
                (hard + truth.iter().map(weight).sum::<f64>()).min(1.0)
            })
            .collect();
        let mut zones: Vec<Segment> = Vec::new();
        for segment in &truth {
            let (start, end) =
                (segment.start.saturating_sub(reach), (segment.end + reach).min(rows - 1));
            match zones.last_mut() {
                Some(last) if last.end >= start => last.end = end,
                _ => zones.push(Segment { start, end }),
            }
        }
        let (mut rate_before, mut area) = (0.0, 0.0);
        for step in 0..250 {
            let threshold = falling[(step as f64 * ((rows - 1) as f64 / 249.0)) as usize];
            let alarm = |row: usize| scores[row] >= threshold;
            let hits: f64 = (0..rows).filter(|row| alarm(*row)).map(|row| soft[row]).sum();
            let alarmed = (0..rows).filter(|row| alarm(*row)).count() as f64;
            let hard = labels.iter().filter(|label| **label).count() as f64;
            let missed_hard = (0..rows).filter(|row| labels[*row] && !alarm(*row)).count() as f64;
            let positives = (hard + hits + missed_hard) / 2.0;
            let found = zones.iter().filter(|zone| (zone.start..=zone.end).any(alarm)).count();
            let rate = (hits / positives).min(1.0) * found as f64 / zones.len() as f64;
            area += (rate - rate_before) * hits / alarmed;
            rate_before = rate;
        }
        sum += area;
    }
    sum / (window + 1) as f64
}
