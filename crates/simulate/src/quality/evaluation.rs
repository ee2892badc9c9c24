//! An evaluation job: it asks every replica fixed questions each minute, and judges samples of live answers.
//!
//! Its page is of our own names (`quality_*`): no common exporter shows quality. Counters are of
//! answers looked at, by replica; readings are of the last round. What people must label comes
//! a quarter of an hour late.

use std::collections::VecDeque;

use crate::conditions::{ReplicaConditions, ServiceConditions};
use crate::page::{Kind, Page, PageBuilder, Values};
use crate::random::Random;
use crate::serving::{Role, Service};

use super::{Answers, Chances};

/// Seconds from one round to the next.
const ROUND: u64 = 60;
/// Seconds until people have labelled a sample.
const LABEL_DELAY: u64 = 900;
/// Fixed questions to each replica, and live answers judged, a round.
const CANARIES: u64 = 40;
const SAMPLES: u64 = 60;
/// Share of right answers, as labels show it in health.
const ACCURACY: f64 = 0.88;
/// Requests over which the distance of the inputs is measured.
const DRIFT_SAMPLE: f64 = 400.0;

/// What is known of one replica.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    canaries: Answers,
    /// Fixed questions that got no answer.
    unanswered: u64,
    live: Answers,
    perplexity: f64,
    judge: f64,
    /// Share of fixed questions answered as most of its peers do.
    agreement: f64,
    length: f64,
}

/// The job of one service.
#[derive(Debug)]
pub struct Evaluation {
    seed: u64,
    seen: Vec<Seen>,
    drift: f64,
    /// Accuracy estimated from confidences, and as labels show it.
    estimated: f64,
    realised: Option<f64>,
    labelled: u64,
    late: VecDeque<(u64, f64)>,
}

impl Evaluation {
    /// A job over so many replicas.
    pub fn new(replicas: usize, seed: u64) -> Self {
        Self {
            seed,
            seen: vec![Seen::default(); replicas],
            drift: 0.0,
            estimated: f64::NAN,
            realised: None,
            labelled: 0,
            late: VecDeque::new(),
        }
    }

    /// Looks at the service after `second` was simulated; rounds are once a minute.
    pub fn advance(
        &mut self,
        second: u64,
        service: &Service,
        conditions: &[ReplicaConditions],
        asked: &ServiceConditions,
    ) {
        while let Some((due, accuracy)) = self.late.front().copied()
            && due <= second
        {
            self.late.pop_front();
            self.realised = Some(accuracy);
            self.labelled += SAMPLES;
        }
        if !second.is_multiple_of(ROUND) {
            return;
        }
        let mut matched = Vec::with_capacity(self.seen.len());
        for (index, seen) in self.seen.iter_mut().enumerate() {
            let replica = &service.replicas()[index];
            let mut random = Random::member(self.seed, "evaluation", second << 16 | index as u64);
            let stale = stale_share(service, conditions, index);
            let chances = Chances::new(asked, &conditions[index], replica.corruption(), stale);
            let answers = replica.process().accepting() && conditions[index].hung < 0.5;
            if !answers || replica.role() == Role::Prefill {
                seen.unanswered += if replica.role() == Role::Prefill { 0 } else { CANARIES };
                matched.push(None);
                continue;
            }
            let before = seen.canaries.mismatches;
            seen.canaries.look(&chances, CANARIES, &mut random);
            let same = CANARIES - (seen.canaries.mismatches - before);
            matched.push(Some(same as f64 / CANARIES as f64));
            seen.live.look(&chances, SAMPLES, &mut random);
            seen.perplexity = libm::exp(chances.log_perplexity + 0.02 * random.normal());
            // Canaries name their model; a session on another variant is seen in live answers only.
            let elsewhere = 1.0 - 0.4 * asked.misrouted.clamp(0.0, 1.0);
            let noise = random.normal() * 1.6 / (SAMPLES as f64).sqrt();
            seen.judge = (chances.judge * elsewhere + noise).clamp(0.0, 10.0);
            let length = 211.0 * chances.length * asked.output_length;
            seen.length = length * (1.0 + 0.08 * random.normal());
        }
        self.compare(&matched);
        self.look_at_inputs(second, service, conditions, asked);
    }

    /// Two that answer a fixed question alike agree; chance makes no two wrong answers the same.
    fn compare(&mut self, matched: &[Option<f64>]) {
        let mut shares: Vec<f64> = matched.iter().flatten().copied().collect();
        shares.sort_by(f64::total_cmp);
        let Some(middle) = shares.get(shares.len() / 2) else { return };
        for (seen, own) in self.seen.iter_mut().zip(matched) {
            if let Some(own) = own {
                // What most answer is what the model answers while most are well; when all share one
                // fault they go on agreeing with one another.
                seen.agreement = 1.0 - (middle - own).abs();
            }
        }
    }

    fn look_at_inputs(
        &mut self,
        second: u64,
        service: &Service,
        conditions: &[ReplicaConditions],
        asked: &ServiceConditions,
    ) {
        let mut random = Random::member(self.seed, "inputs", second);
        // The distance between two samples of the same is not 0: about 1 over the root of their size.
        let noise = (random.normal() / DRIFT_SAMPLE.sqrt()).abs();
        self.drift = (asked.input_drift * asked.input_drift + noise * noise).sqrt();
        let count = conditions.len().max(1) as f64;
        let broken = (0..conditions.len())
            .map(|index| {
                let stale = stale_share(service, conditions, index);
                let corruption = service.replicas()[index].corruption();
                Chances::new(asked, &conditions[index], corruption, stale).mismatch - 0.015
            })
            .sum::<f64>()
            / count;
        // Confidences know of what is wrong with the model, and nothing of a world that moved.
        self.estimated = ACCURACY * (1.0 - 0.6 * broken.max(0.0)) + 0.01 * random.normal();
        let right = ACCURACY
            * (1.0 - broken.max(0.0))
            * (1.0 - asked.concept_drift.clamp(0.0, 1.0))
            * (1.0 - 0.4 * asked.misrouted.clamp(0.0, 1.0));
        let right = (0..SAMPLES).filter(|_| random.chance(right)).count();
        self.late.push_back((second + LABEL_DELAY, right as f64 / SAMPLES as f64));
    }

    /// Share of fixed questions that replica `index` got right so far; 1 before the first.
    pub fn matched(&self, index: usize) -> f64 {
        let canaries = &self.seen[index].canaries;
        1.0 - canaries.mismatches as f64 / canaries.looked_at.max(1) as f64
    }

    /// The page; `replicas` are the labels of the replicas.
    pub fn page(service: &str, instance: &str, replicas: &[String]) -> Page {
        let mut page = PageBuilder::new("evaluation", instance, &[("service", service)]);
        let labels: Vec<[(&str, &str); 1]> =
            replicas.iter().map(|replica| [("replica", replica.as_str())]).collect();
        let labels: Vec<&[(&str, &str)]> = labels.iter().map(<[_; 1]>::as_slice).collect();
        for (name, about) in COUNTERS {
            page.family(Kind::Counter, name, "_total", about, &labels);
        }
        for (name, about) in READINGS {
            page.family(Kind::Gauge, name, "", about, &labels);
        }
        page.gauge(
            "quality_input_drift_distance",
            "Distance of inputs from those of before, deviations.",
        );
        page.gauge(
            "quality_accuracy_estimated_ratio",
            "Share of right answers, estimated from confidences.",
        );
        page.gauge("quality_accuracy_realised_ratio", "Share of right answers, by late labels.");
        page.counter("quality_labels", "Answers that people labelled.");
        page.build()
    }

    /// Writes the values of the page.
    pub fn write(&self, values: &mut Values) {
        let counters: [fn(&Seen) -> u64; 10] = [
            |seen| seen.canaries.looked_at,
            |seen| seen.canaries.mismatches,
            |seen| seen.unanswered,
            |seen| seen.live.looked_at,
            |seen| seen.live.repetitions,
            |seen| seen.live.languages,
            |seen| seen.live.refusals,
            |seen| seen.canaries.refusals,
            |seen| seen.live.invalid,
            |seen| seen.live.role_tokens,
        ];
        for counter in counters {
            for seen in &self.seen {
                values.push(counter(seen) as f64);
            }
        }
        let readings: [fn(&Seen) -> f64; 4] =
            [|seen| seen.perplexity, |seen| seen.judge, |seen| seen.agreement, |seen| seen.length];
        for reading in readings {
            for seen in &self.seen {
                values.push_if((seen.canaries.looked_at > 0).then(|| reading(seen)));
            }
        }
        values.push(self.drift);
        values.push(self.estimated);
        values.push_if(self.realised);
        values.push(self.labelled as f64);
    }
}

const COUNTERS: &[(&str, &str)] = &[
    ("quality_canaries", "Fixed questions answered."),
    ("quality_canary_mismatches", "Fixed questions answered otherwise than this model does."),
    ("quality_canaries_unanswered", "Fixed questions without an answer."),
    ("quality_answers", "Live answers looked at."),
    ("quality_repetitions", "Live answers that repeat themselves."),
    ("quality_language_mismatches", "Live answers in another language than the question."),
    ("quality_refusals", "Live answers that refuse."),
    ("quality_benign_refusals", "Harmless fixed questions refused."),
    ("quality_invalid_tool_calls", "Live answers whose tool call or JSON cannot be read."),
    ("quality_role_tokens", "Live answers with tokens of the template in their text."),
];

const READINGS: &[(&str, &str)] = &[
    ("quality_perplexity", "Perplexity of a fixed text."),
    ("quality_judge_score", "Mean score of a judge over live answers, 0 to 10."),
    ("quality_agreement_ratio", "Share of fixed questions answered as most replicas do."),
    ("quality_output_tokens_mean", "Mean tokens of live answers."),
];

/// Share of the answers of a replica that are made of a wrong cache: of one that fetches caches,
/// what the replicas that do prompts send out, and what it damages itself.
fn stale_share(service: &Service, conditions: &[ReplicaConditions], index: usize) -> f64 {
    if service.replicas()[index].role() != Role::Decode {
        return 0.0;
    }
    let sent: Vec<f64> = service
        .replicas()
        .iter()
        .zip(conditions)
        .filter(|(replica, _)| replica.role() == Role::Prefill)
        .map(|(_, conditions)| conditions.stale_transfers)
        .collect();
    let sent = sent.iter().sum::<f64>() / sent.len().max(1) as f64;
    1.0 - (1.0 - sent) * (1.0 - conditions[index].stale_transfers)
}
