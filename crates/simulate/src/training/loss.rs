//! Loss, gradient norm and loss scale, and what makes them jump.

use super::settings::JobSettings;
use crate::random::Random;

/// Highest scale of the loss in half precision.
const SCALE: f64 = 65_536.0;
/// Steps without overflow after which the scale doubles.
const PATIENCE: u64 = 200;
/// Steps in which most of an excess is learnt away: recovered in about thirty.
const RECOVERY: f64 = 8.0;
/// By how much the loss is lower on data that were seen before.
const MEMORY: f64 = 0.15;

/// Loss after `tokens` with `parameters`: `1.69 + 406.4 / N^0.34 + 410.7 / D^0.28`
/// (J. Hoffmann et al., "Training Compute-Optimal Large Language Models", 2022, equation 10).
pub fn chinchilla(parameters: f64, tokens: f64) -> f64 {
    let loss =
        1.69 + 406.4 / libm::pow(parameters, 0.34) + 410.7 / libm::pow(tokens.max(1.0e6), 0.28);
    loss.min(11.0)
}

/// What a step did to the weights beside learning.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Hit {
    /// Some gradient was not a number.
    pub(super) not_a_number: bool,
    /// Gradient norm, as a multiple of the usual.
    pub(super) gradient: f64,
    /// By how much the loss is higher after it.
    pub(super) excess: f64,
}

/// A step as the loss sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Tokens learnt from so far.
    pub(super) tokens: f64,
    /// Learning rate, as a multiple of the planned.
    pub(super) rate: f64,
    /// What hit it.
    pub(super) hit: Hit,
    /// Whether its data were seen before.
    pub(super) replaying: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Loss {
    /// Loss of the last step.
    pub(super) loss: f64,
    /// Gradient norm of the last step.
    pub(super) gradient: f64,
    /// Scale of the loss.
    pub(super) scale: f64,
    /// Steps that were left out.
    pub(super) skipped: u64,
    /// Steps whose loss was not a number.
    pub(super) not_a_number: u64,
    excess: f64,
    /// Multiple of the gradient norm that fades.
    heave: f64,
    noise: f64,
    good: u64,
    replaying: bool,
}

impl Loss {
    pub(super) fn new(settings: &JobSettings) -> Self {
        Self {
            loss: chinchilla(settings.parameters, settings.tokens_before),
            gradient: 0.3,
            scale: SCALE,
            skipped: 0,
            not_a_number: 0,
            excess: 0.0,
            heave: 1.0,
            noise: 0.0,
            good: 0,
            replaying: false,
        }
    }

    /// One step more of a model with `parameters`.
    pub(super) fn step(&mut self, parameters: f64, step: &Step, random: &mut Random) {
        let Step { tokens, rate, hit, replaying } = *step;
        self.noise = 0.6 * self.noise + 0.008 * random.normal();
        if hit.not_a_number {
            self.loss = f64::NAN;
            self.gradient = f64::NAN;
            self.scale = (0.5 * self.scale).max(1.0);
            (self.skipped, self.not_a_number) = (self.skipped + 1, self.not_a_number + 1);
            self.good = 0;
            return;
        }
        self.good += 1;
        if self.good.is_multiple_of(PATIENCE) {
            self.scale = (2.0 * self.scale).min(SCALE);
        }
        if self.replaying && !replaying {
            // Weights that fitted the old data once more meet new ones.
            self.excess += 0.4 * MEMORY;
        }
        self.replaying = replaying;
        self.excess += hit.excess;
        self.heave = self.heave.max(hit.gradient);
        // Beyond some twice the planned rate, steps overshoot and the loss climbs.
        let overshoot = (rate - 2.0).max(0.0);
        if overshoot > 0.0 {
            self.excess += 0.01 * overshoot * (1.0 + self.excess).min(5.0);
            self.heave = self.heave.max(1.0 + overshoot);
        }
        let memory = if replaying { MEMORY } else { 0.0 };
        self.loss = chinchilla(parameters, tokens) + self.excess.min(8.0) + self.noise - memory;
        self.gradient = 0.28 * rate.max(0.1).sqrt() * self.heave * random.log_normal(1.0, 0.08);
        let fade = libm::exp(-1.0 / RECOVERY);
        self.excess *= fade;
        self.heave = 1.0 + (self.heave - 1.0) * fade * fade * fade;
    }

    /// Weights of a checkpoint: what came after it is forgotten.
    pub(super) fn restore(&mut self) {
        (self.excess, self.heave, self.scale, self.good) = (0.0, 1.0, SCALE, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chinchilla itself (70 B parameters, 1.4 T tokens) ends near 1.94 by the paper's law.
    #[test]
    fn the_law_gives_chinchillas_loss() {
        assert!((chinchilla(70.0e9, 1.4e12) - 1.936).abs() < 0.01);
    }
}
