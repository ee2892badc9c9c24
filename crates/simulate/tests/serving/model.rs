//! Faults of the model and its data (M1 to M9): what they show, and what tells them from others.

use auscult_simulate::conditions::{ServiceConditions, SourceConditions};
use auscult_simulate::page::{Page, Values};
use auscult_simulate::quality::{Evaluation, Perception, PerceptionKind, PerceptionSpec};
use auscult_simulate::supply::GpuSupply;

use super::run::{Run, Summary, differs, similar};

/// A quiet service of three replicas, and what its evaluation shows at the end.
struct Evaluated {
    summary: Summary,
    page: Page,
    values: Vec<Option<f64>>,
}

impl Evaluated {
    fn new(run: &Run) -> Self {
        let count = run.spec.replicas.len();
        let labels: Vec<String> = (0..count).map(|index| index.to_string()).collect();
        let mut evaluation = Evaluation::new(count, run.seed);
        let summary = run.run_with(|second, service| {
            evaluation.advance(second, service, &run.replicas, &run.service);
        });
        let mut values = Values::default();
        evaluation.write(&mut values);
        let page = Evaluation::page("chat", "evaluation:9000", &labels);
        assert_eq!(page.series(), values.len());
        Self { summary, page, values: values.iter().collect() }
    }

    /// The value of a family's series, of replica `index` where it has one for each.
    fn read(&self, name: &str, index: usize) -> f64 {
        let mut at = 0;
        for family in &self.page.families {
            if family.name == name {
                return self.values[at + index].expect("present");
            }
            at += family.lines.len();
        }
        panic!("no family `{name}`");
    }

    /// A counter of answers looked at, as a share of them.
    fn share(&self, name: &str, index: usize) -> f64 {
        let of = if name.starts_with("quality_canary") || name.starts_with("quality_benign") {
            "quality_canaries"
        } else {
            "quality_answers"
        };
        self.read(name, index) / self.read(of, index)
    }
}

fn quiet() -> Run {
    let mut run = Run::new(3, 3.0);
    run.warm = 60;
    run.seconds = 1500;
    run
}

#[test]
fn m1_bad_weights_speak_gibberish_as_fast_as_ever() {
    let well = Evaluated::new(&quiet());
    let mut run = quiet();
    run.service.bad_weights = 0.7;
    let sick = Evaluated::new(&run);
    for replica in 0..3 {
        assert!(well.share("quality_canary_mismatches", replica) < 0.04);
        assert!(sick.share("quality_canary_mismatches", replica) > 0.5);
        differs(
            well.share("quality_repetitions", replica).max(0.01),
            sick.share("quality_repetitions", replica),
            10.0,
        );
        differs(
            well.read("quality_perplexity", replica),
            sick.read("quality_perplexity", replica),
            3.0,
        );
    }
    let e2e = |seen: &Evaluated| seen.summary.mean(|meters| &meters.e2e);
    similar(e2e(&well), e2e(&sick), 0.02);
}

#[test]
fn m2_a_wrong_template_misses_ends_and_breaks_tool_calls() {
    let well = Evaluated::new(&quiet());
    let mut run = quiet();
    run.service.bad_template = 0.6;
    let sick = Evaluated::new(&run);
    let length = |seen: &Evaluated| {
        let cut = seen.summary.rate(|meters| meters.finished[1]);
        cut / seen.summary.rate(|meters| meters.finished[0] + meters.finished[1])
    };
    assert!(length(&well) < 0.02 && length(&sick) > 0.1, "{}", length(&sick));
    assert!(well.share("quality_role_tokens", 0) == 0.0);
    assert!(sick.share("quality_role_tokens", 0) > 0.2);
    differs(
        well.share("quality_invalid_tool_calls", 0).max(0.005),
        sick.share("quality_invalid_tool_calls", 0),
        8.0,
    );
    // The text itself is as likely as before: the model is right.
    similar(well.read("quality_perplexity", 0), sick.read("quality_perplexity", 0), 0.1);
}

#[test]
fn m3_logits_that_are_no_numbers_are_counted_where_they_are_made() {
    let mut run = quiet();
    run.replicas[1].nan_logits = 0.2;
    let sick = Evaluated::new(&run);
    let corrupted = |index| sick.summary.rate_of(index, |meters| meters.corrupted);
    assert!(corrupted(1) > 0.1 && corrupted(0) == 0.0 && corrupted(2) == 0.0);
    assert!(sick.share("quality_canary_mismatches", 1) > 0.15);
}

#[test]
fn m4_one_build_that_computes_wrongly_disagrees_with_its_peers() {
    let mut run = quiet();
    run.replicas[2].wrong_tokens = 0.4;
    let sick = Evaluated::new(&run);
    assert!(sick.share("quality_language_mismatches", 2) > 0.15);
    assert!(sick.share("quality_language_mismatches", 0) < 0.01);
    assert!(sick.read("quality_agreement_ratio", 2) < 0.85);
    assert!(sick.read("quality_agreement_ratio", 0) > 0.9);
    let length = |index| sick.summary.mean_of(index, |meters| &meters.itl);
    similar(length(0), length(2), 0.2);
}

#[test]
fn m5_other_questions_are_answered_as_well_as_before() {
    let well = Evaluated::new(&quiet());
    let mut run = quiet();
    run.service.input_drift = 1.5;
    let sick = Evaluated::new(&run);
    let distance = "quality_input_drift_distance";
    differs(well.read(distance, 0).max(0.1), sick.read(distance, 0), 10.0);
    for same in ["quality_judge_score", "quality_accuracy_realised_ratio"] {
        similar(well.read(same, 0), sick.read(same, 0), 1e-9);
    }
}

#[test]
fn m6_a_world_that_moved_is_seen_by_late_labels_only() {
    let well = Evaluated::new(&quiet());
    let mut run = quiet();
    run.service.concept_drift = 0.35;
    let sick = Evaluated::new(&run);
    let read = |seen: &Evaluated, name| seen.read(name, 0);
    similar(
        read(&well, "quality_accuracy_estimated_ratio"),
        read(&sick, "quality_accuracy_estimated_ratio"),
        1e-9,
    );
    similar(
        read(&well, "quality_input_drift_distance"),
        read(&sick, "quality_input_drift_distance"),
        1e-9,
    );
    differs(
        read(&sick, "quality_accuracy_realised_ratio"),
        read(&well, "quality_accuracy_realised_ratio"),
        1.2,
    );
    // Labels are late: none in the first quarter of an hour.
    run.seconds = 600;
    let mut early = Evaluation::new(3, run.seed);
    run.run_with(|second, service| early.advance(second, service, &run.replicas, &run.service));
    let mut values = Values::default();
    early.write(&mut values);
    assert_eq!(values.iter().nth(values.len() - 2), Some(None));
}

#[test]
fn m7_a_model_that_refuses_is_short_and_refuses_harmless_canaries() {
    let well = Evaluated::new(&quiet());
    let mut run = quiet();
    run.service.over_refusal = 0.8;
    let sick = Evaluated::new(&run);
    differs(
        well.share("quality_benign_refusals", 0).max(0.01),
        sick.share("quality_benign_refusals", 0),
        10.0,
    );
    let output = |seen: &Evaluated| seen.summary.mean(|meters| &meters.output_length);
    differs(output(&sick), output(&well), 1.5);
}

#[test]
fn m9_a_wrong_variant_answers_sticky_sessions_and_canaries_see_nothing() {
    let well = Evaluated::new(&quiet());
    let mut run = quiet();
    run.service.misrouted = 0.4;
    let sick = Evaluated::new(&run);
    assert!(sick.read("quality_judge_score", 0) < well.read("quality_judge_score", 0) - 0.6);
    similar(
        well.share("quality_canary_mismatches", 0),
        sick.share("quality_canary_mismatches", 0),
        1e-9,
    );
    let requests: u64 = sick.summary.router().routes().iter().map(|route| route.requests).sum();
    let elsewhere = sick.summary.router().misrouted() as f64 / requests as f64;
    assert!((elsewhere - 0.4).abs() < 0.08, "{elsewhere}");
    assert_eq!(well.summary.router().misrouted(), 0);
}

#[test]
fn corrupted_arithmetic_is_seen_on_the_replica_that_has_it() {
    let mut run = quiet();
    run.supply[1].gpu.corruption = 0.1;
    let sick = Evaluated::new(&run);
    assert!(sick.share("quality_canary_mismatches", 1) > 0.2);
    assert!(sick.share("quality_canary_mismatches", 0) < 0.04);
}

fn perceive(
    kind: PerceptionKind,
    degraded: f64,
    gpu: GpuSupply,
    service: &ServiceConditions,
) -> Perception {
    let spec = PerceptionSpec {
        name: "eyes".to_owned(),
        kind,
        sources: ["front", "left", "right", "back"].map(str::to_owned).to_vec(),
        rate: 10.0,
        frame_ms: 16.0,
        label_delay: 300,
    };
    let mut perception = Perception::new(spec.clone(), 5);
    let mut conditions = vec![SourceConditions::default(); 4];
    conditions[1].degraded = degraded;
    for second in 0..1200 {
        perception.advance(second, &gpu, &conditions, service);
    }
    let mut values = Values::default();
    perception.write(&mut values);
    assert_eq!(Perception::page(&spec, "eyes:9000").series(), values.len());
    perception
}

#[test]
fn m8_a_degraded_source_is_worse_and_less_sure_and_the_others_are_not() {
    let usual = (GpuSupply::default(), ServiceConditions::default());
    for kind in [PerceptionKind::Speech, PerceptionKind::Vision, PerceptionKind::Driving] {
        let well = perceive(kind, 0.0, usual.0, &usual.1);
        let sick = perceive(kind, 0.5, usual.0, &usual.1);
        let errors = |seen: &Perception, source| seen.error_ratio(source).expect("labelled");
        differs(errors(&well, 1), errors(&sick, 1), 2.5);
        assert!(sick.average_precision(1) < well.average_precision(1));
        assert!(sick.confidence(1) < well.confidence(1) - 0.1);
        for other in [0, 2, 3] {
            assert_eq!(well.error_ratio(other), sick.error_ratio(other));
            assert_eq!(well.confidence(other), sick.confidence(other));
        }
    }
}

#[test]
fn a_slow_clock_makes_frames_old_and_not_wrong() {
    let service = ServiceConditions::default();
    let well = perceive(PerceptionKind::Driving, 0.0, GpuSupply::default(), &service);
    let hot = GpuSupply { clock: 0.55, ..GpuSupply::default() };
    let slow = perceive(PerceptionKind::Driving, 0.0, hot, &service);
    let share = |seen: &Perception| {
        let (missed, frames) = seen.misses(0);
        missed as f64 / frames as f64
    };
    assert!(share(&well) < 0.01 && share(&slow) > 0.2, "{} {}", share(&well), share(&slow));
    assert_eq!(well.error_ratio(0), slow.error_ratio(0));
}

#[test]
fn concept_drift_leaves_confidence_and_takes_precision() {
    let moved = ServiceConditions { concept_drift: 0.3, ..ServiceConditions::default() };
    let usual = ServiceConditions::default();
    let well = perceive(PerceptionKind::Vision, 0.0, GpuSupply::default(), &usual);
    let sick = perceive(PerceptionKind::Vision, 0.0, GpuSupply::default(), &moved);
    assert!(sick.average_precision(0) < well.average_precision(0).map(|before| before - 0.1));
    assert!((sick.confidence(0) - well.confidence(0)).abs() < 0.06);
}
