//! What can be wrong with one answer, and how likely it is.

use crate::conditions::{ReplicaConditions, ServiceConditions};
use crate::random::Random;
use crate::workload::REFUSED;

/// Probabilities of what one answer of a replica may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chances {
    /// It is not what this model answers to a fixed question at temperature 0.
    pub mismatch: f64,
    /// It repeats itself.
    pub repetition: f64,
    /// It is in another language than the question.
    pub language: f64,
    /// A harmless question is refused.
    pub refusal: f64,
    /// A call of a tool in it, or its JSON, cannot be read.
    pub invalid: f64,
    /// Tokens of the template are in its text.
    pub role_tokens: f64,
    /// Logarithm of the perplexity of a fixed text.
    pub log_perplexity: f64,
    /// Score of a judge, 0 to 10, in the mean.
    pub judge: f64,
    /// Tokens of the answer, as a share of the usual.
    pub length: f64,
}

/// Seconds that an answer takes, in which arithmetic may go wrong.
const ANSWER_SECONDS: f64 = 3.0;
/// Log-perplexity of a good model on common text (about 6.5).
const LOG_PERPLEXITY: f64 = 1.87;
/// Score a judge gives in the mean.
const JUDGE: f64 = 8.2;

impl Chances {
    /// Of a replica with these conditions: `corruption` is the probability that a second of its
    /// arithmetic is wrong, `stale` the share of its answers made of a wrong cache.
    pub fn new(
        service: &ServiceConditions,
        replica: &ReplicaConditions,
        corruption: f64,
        stale: f64,
    ) -> Self {
        let share = |dial: f64| dial.clamp(0.0, 1.0);
        let weights = share(service.bad_weights);
        let template = share(service.bad_template);
        let wrong = share(replica.wrong_tokens);
        let refused = share(service.over_refusal);
        let corrupted = 1.0 - libm::pow(1.0 - share(corruption), ANSWER_SECONDS);
        let good = (1.0 - 0.9 * weights)
            * (1.0 - share(stale))
            * (1.0 - corrupted)
            * (1.0 - share(replica.nan_logits));
        let broken = 1.0 - good;
        let refusal = 0.01 + REFUSED * refused;
        let harm = |parts: &[f64]| 1.0 - parts.iter().map(|part| 1.0 - part).product::<f64>();
        Self {
            mismatch: harm(&[0.015, broken, 0.85 * wrong, 0.35 * template, REFUSED * refused]),
            repetition: harm(&[0.004, 0.6 * weights, 0.25 * broken, share(service.missed_ends)]),
            language: harm(&[0.002, 0.6 * wrong, 0.08 * weights]),
            refusal,
            invalid: harm(&[0.01, 0.6 * template, 0.5 * broken, 0.3 * wrong]),
            role_tokens: harm(&[0.0, 0.55 * template]),
            log_perplexity: LOG_PERPLEXITY
                + 2.5 * weights
                + 0.7 * (broken - 0.9 * weights).max(0.0)
                + 0.25 * wrong,
            judge: JUDGE
                * (1.0 - 0.85 * broken)
                * (1.0 - 0.35 * wrong)
                * (1.0 - 0.3 * template)
                * (1.0 - 0.5 * refused),
            length: 1.0 - 0.75 * refusal + 0.0075,
        }
    }
}

/// What was seen in a number of answers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Answers {
    /// Looked at.
    pub looked_at: u64,
    /// Not what this model answers.
    pub mismatches: u64,
    /// Repeat themselves.
    pub repetitions: u64,
    /// In another language.
    pub languages: u64,
    /// Harmless questions refused.
    pub refusals: u64,
    /// Calls of tools or JSON that cannot be read.
    pub invalid: u64,
    /// Tokens of the template in the text.
    pub role_tokens: u64,
}

impl Answers {
    /// Looks at `count` answers with these chances.
    pub fn look(&mut self, chances: &Chances, count: u64, random: &mut Random) {
        for _ in 0..count {
            self.looked_at += 1;
            self.mismatches += u64::from(random.chance(chances.mismatch));
            self.repetitions += u64::from(random.chance(chances.repetition));
            self.languages += u64::from(random.chance(chances.language));
            self.refusals += u64::from(random.chance(chances.refusal));
            self.invalid += u64::from(random.chance(chances.invalid));
            self.role_tokens += u64::from(random.chance(chances.role_tokens));
        }
    }
}
