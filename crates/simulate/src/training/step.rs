//! One step of a job: how long, what it learns, what goes wrong in it.

use super::checkpoint::bytes_each;
use super::event::What;
use super::job::{Job, LINES, Phase, With};
use super::loss::Step;
use super::reading::StepRecord;
use super::settings::JobSettings;
use super::stall::{Stall, held};
use super::usage::Spent;

/// Steps between two collections of garbage of one rank.
pub(super) const GARBAGE_STEPS: u64 = 50;
/// Seconds of a collection that comes when it likes.
pub(super) const GARBAGE_SECONDS: f64 = 0.5;
/// Steps between collections that all ranks make together, when they are told to.
const TOGETHER_STEPS: u64 = 100;
/// Seconds of one of those.
const TOGETHER_SECONDS: f64 = 0.1;
/// Steps within which a second strange one is not computed again.
const RERUN_STEPS: u64 = 10;
/// Spread of a whole step's time.
const JITTER: f64 = 0.003;

impl Job {
    pub(super) fn advance_step(
        &mut self,
        now: f64,
        to: f64,
        with: &With<'_>,
        spent: &mut Spent,
    ) -> f64 {
        if self.timing.blocked || held(with.ranks).is_some() {
            self.phase = Phase::Stalled(Stall::Link, now);
            return now;
        }
        let duration = self.duration();
        let seconds = ((1.0 - self.progress) * duration).min(to - now);
        spent.stepping += seconds;
        spent.steps += seconds / duration;
        let before = self.progress;
        self.progress += seconds / duration;
        if before == 0.0 && self.progress >= 1.0 - 1.0e-9 {
            spent.whole += 1.0;
        } else {
            spent.parts.push((before * duration, self.progress * duration));
        }
        if self.progress >= 1.0 - 1.0e-9 {
            self.finish(now + seconds, duration, with);
        }
        now + seconds
    }

    /// A step begins.
    pub(super) fn begin(&mut self) {
        self.phase = Phase::Stepping;
        self.progress = 0.0;
        self.jitter = 1.0 + JITTER * self.random.normal();
        let step = self.reading.step;
        self.extra = if self.garbage {
            let phase = (GARBAGE_STEPS - step % GARBAGE_STEPS) % GARBAGE_STEPS;
            if self.phases[phase as usize] { GARBAGE_SECONDS } else { 0.0 }
        } else if step.is_multiple_of(TOGETHER_STEPS) {
            TOGETHER_SECONDS
        } else {
            0.0
        };
    }

    pub(super) fn finish(&mut self, now: f64, duration: f64, with: &With<'_>) {
        let wrong = self.corrupted(duration);
        let hit = std::mem::take(&mut self.hit);
        let tokens = self.settings.batch_tokens;
        self.learnt += tokens;
        self.position += tokens;
        self.sequence += 1;
        let replaying = self.position <= self.seen;
        let rate = with.conditions.learning_rate;
        let step = Step { tokens: self.learnt, rate, hit, replaying };
        self.loss.step(self.settings.parameters, &step, &mut self.random);

        let reading = &mut self.reading;
        reading.step += 1;
        reading.loss = self.loss.loss;
        reading.gradient_norm = self.loss.gradient;
        reading.loss_scale = self.loss.scale;
        reading.skipped = self.loss.skipped;
        reading.not_a_number = self.loss.not_a_number;
        reading.learning_rate = rate * scheduled(&self.settings, reading.step);
        reading.step_seconds = duration;
        reading.data_seconds = self.timing.data.iter().copied().fold(0.0, f64::max);
        reading.exchange_seconds = self.timing.exchange;
        reading.tokens += tokens;
        reading.tokens_per_second = tokens / duration;
        let peak = self.settings.gpu.accelerator.bf16_flops * self.settings.ranks() as f64;
        reading.mfu = 6.0 * self.settings.parameters * reading.tokens_per_second / peak;
        reading.sample = (self.position / self.settings.sequence) as u64;
        let clock = now + with.hosts.first().map_or(0.0, |host| host.clock_offset);
        reading.heartbeat = clock;
        reading.stepping_seconds += duration;
        self.unsaved_seconds += duration;
        let record = StepRecord { seconds: clock, reading: *reading };
        let (step, due) = (reading.step, now - self.last_save >= reading.save_interval);
        // The first host keeps the log: a full disk silences it.
        if with.hosts.first().is_some_and(|host| host.writable) {
            if self.steps.len() == LINES {
                self.steps.remove(0);
            }
            self.steps.push(record);
        }

        self.begin();
        let strange = hit.not_a_number || hit.gradient > 10.0 || hit.excess > 0.2;
        if strange && step >= self.rerun_from {
            self.rerun_from = step + RERUN_STEPS;
            // The step is computed again on other GPUs, which costs a step.
            self.extra += self.timing.step;
            match wrong {
                Some(rank) => {
                    self.reading.other_again += 1;
                    self.happens(now, What::OtherAgain(step, rank));
                }
                None => {
                    self.reading.same_again += 1;
                    self.happens(now, What::SameAgain(step));
                }
            }
        }
        if due {
            self.phase = Phase::Saving(bytes_each(&self.settings, with.conditions), now);
        }
    }

    /// Which rank computed wrong without a sign in this step; its hit is added.
    pub(super) fn corrupted(&mut self, duration: f64) -> Option<usize> {
        let mut wrong = None;
        for (rank, chance) in std::mem::take(&mut self.wrong) {
            if chance.is_infinite() {
                self.rank_not_a_number[rank] += 1;
                self.hit.not_a_number = true;
            } else if self.random.chance((chance * duration).min(1.0)) {
                wrong = Some(rank);
                if self.random.chance(0.2) {
                    self.rank_not_a_number[rank] += 1;
                    self.hit.not_a_number = true;
                } else {
                    self.hit.gradient = self.hit.gradient.max(self.random.between(20.0, 500.0));
                    self.hit.excess += self.random.between(0.3, 1.5);
                }
            }
            // Several steps may end within one call.
            self.wrong.push((rank, chance));
        }
        wrong
    }
}

/// Where a rank is in its round of collecting garbage.
pub(super) fn garbage_phase(rank: usize) -> u64 {
    ((rank as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % GARBAGE_STEPS
}

/// Learning rate of a step: rises over the first hundredth, then falls as half a cosine to a tenth.
fn scheduled(settings: &JobSettings, step: u64) -> f64 {
    let share = (settings.tokens_before / settings.batch_tokens + step as f64)
        / settings.steps.max(1) as f64;
    let share = share.min(1.0);
    if share < 0.01 {
        return settings.learning_rate * share / 0.01;
    }
    let fall = 0.5 * (1.0 + libm::cos(std::f64::consts::PI * share));
    settings.learning_rate * (0.1 + 0.9 * fall)
}
