//! The job: a state machine over steps, saves, stalls and failures.

use super::checkpoint::{bytes_each, interval};
use super::event::{Cause, JobEvent, What};
use super::loss::{Hit, Loss, Step};
use super::reading::{JobReading, RankReading, StepRecord};
use super::settings::JobSettings;
use super::stall::{Flight, Stall, flight, held};
use super::timing::Timing;
use super::usage::{self, Spent};
use crate::conditions::{JobConditions, RankConditions};
use crate::random::Random;
use crate::supply::{GpuDemand, GpuSupply, HostDemand, HostSupply};

/// Steps between two collections of garbage of one rank.
const GARBAGE_STEPS: u64 = 50;
/// Seconds of a collection that comes when it likes.
const GARBAGE_SECONDS: f64 = 0.5;
/// Steps between collections that all ranks make together, when they are told to.
const TOGETHER_STEPS: u64 = 100;
/// Seconds of one of those.
const TOGETHER_SECONDS: f64 = 0.1;
/// Spread of a whole step's time.
const JITTER: f64 = 0.003;
/// Log lines that are kept for whoever takes them.
const LINES: usize = 4096;

/// What the job did to each GPU and host in a step of the simulation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobDemand {
    /// To the GPU of each rank.
    pub gpus: Vec<GpuDemand>,
    /// To each host.
    pub hosts: Vec<HostDemand>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// No process; until when at least.
    Down(f64),
    /// Processes start and connect, until when.
    Starting(f64),
    /// A checkpoint is loaded; bytes that each host has still to read.
    Loading(f64),
    Stepping,
    /// A checkpoint is saved; bytes that each host has still to write, and since when.
    Saving(f64, f64),
    /// A collective does not end; why, and since when.
    Stalled(Stall, f64),
}

/// A training job in steps of a second or a few. A step costs some 50 ns for each rank.
#[derive(Debug, Clone)]
pub struct Job {
    settings: JobSettings,
    random: Random,
    phase: Phase,
    timing: Timing,
    loss: Loss,
    reading: JobReading,
    /// Share of the current step that is done.
    progress: f64,
    /// Seconds that this step takes beside those of its ranks.
    extra: f64,
    /// Factor of this step's time.
    jitter: f64,
    /// Tokens that the weights have learnt from.
    learnt: f64,
    /// Tokens that the data loader gave, and gives anew after a start.
    position: f64,
    saved: Saved,
    /// Data before this position were learnt from before.
    seen: f64,
    last_save: f64,
    hit: Hit,
    sequence: u64,
    flights: Vec<Flight>,
    rank_not_a_number: Vec<u64>,
    failures: Vec<u64>,
    phases: [bool; GARBAGE_STEPS as usize],
    garbage: bool,
    bad_batch: bool,
    restarted: bool,
    replays: bool,
    /// Ranks with corruption, or with gradients that are not numbers.
    wrong: Vec<(usize, f64)>,
    spent: Spent,
    steps: Vec<StepRecord>,
    events: Vec<JobEvent>,
}

#[derive(Debug, Clone, Copy)]
struct Saved {
    step: u64,
    learnt: f64,
    position: f64,
}

impl Job {
    /// The job of the run `seed`, about to start.
    pub fn new(settings: JobSettings, seed: u64) -> Self {
        let (ranks, hosts) = (settings.ranks(), settings.hosts());
        let mut phases = [false; GARBAGE_STEPS as usize];
        (0..ranks).for_each(|rank| phases[garbage_phase(rank) as usize] = true);
        let saved = Saved { step: 0, learnt: settings.tokens_before, position: 0.0 };
        Self {
            random: Random::new(seed, &settings.name),
            phase: Phase::Starting(settings.start_seconds),
            timing: Timing::new(&settings),
            loss: Loss::new(&settings),
            reading: JobReading { running: true, ..JobReading::default() },
            progress: 0.0,
            extra: 0.0,
            jitter: 1.0,
            learnt: saved.learnt,
            position: 0.0,
            saved,
            seen: 0.0,
            last_save: 0.0,
            hit: Hit::default(),
            sequence: 0,
            flights: vec![Flight::Completed; ranks],
            rank_not_a_number: vec![0; ranks],
            failures: vec![0; hosts],
            phases,
            garbage: false,
            bad_batch: false,
            restarted: false,
            replays: false,
            wrong: Vec::new(),
            spent: Spent::default(),
            steps: Vec::new(),
            events: Vec::new(),
            settings,
        }
    }

    /// Goes on from second `from` to second `to` with what `gpus` (one for each rank) and `hosts`
    /// give; writes what it did to them into `demand`.
    #[expect(clippy::too_many_arguments, reason = "two ends of time, two supplies, two conditions")]
    pub fn advance(
        &mut self,
        from: f64,
        to: f64,
        gpus: &[GpuSupply],
        hosts: &[HostSupply],
        conditions: &JobConditions,
        ranks: &[RankConditions],
        demand: &mut JobDemand,
    ) {
        let with = With { gpus, hosts, conditions, ranks };
        let mut spent = std::mem::take(&mut self.spent);
        spent.begin(to - from);
        self.reading.save_interval = interval(&self.settings, conditions);
        self.garbage = conditions.garbage_pauses >= 0.5;
        self.replays = conditions.replays_data >= 0.5;
        self.look(from, to - from, &with);
        if !matches!(self.phase, Phase::Down(_)) {
            let settings = &self.settings;
            let random = &mut self.random;
            self.timing.work_out(settings, gpus, hosts, conditions, ranks, random);
        }
        let mut now = from;
        while now < to - 1.0e-9 {
            now = self.go_on(now, to, &with, &mut spent);
        }
        self.reading.wall_seconds += to - from;
        self.reading.running = !matches!(self.phase, Phase::Down(_));
        let seen = usage::Seen {
            settings: &self.settings,
            timing: &self.timing,
            duration: self.duration(),
            flights: &self.flights,
            stalled: matches!(self.phase, Phase::Stalled(..)),
        };
        usage::write(&seen, &spent, conditions, demand);
        self.spent = spent;
    }

    /// What the job shows of itself.
    pub fn reading(&self) -> &JobReading {
        &self.reading
    }

    /// What one rank shows of itself.
    pub fn rank(&self, rank: usize) -> RankReading {
        let pause = self.garbage && self.pauses(rank);
        let own = self.timing.own[rank] + if pause { GARBAGE_SECONDS } else { 0.0 };
        let data = self.timing.data[rank];
        let flight = self.flights[rank];
        // Whoever is inside a collective that does not end has entered one more.
        let entered = u64::from(matches!(flight, Flight::Started | Flight::Scheduled));
        RankReading {
            own_seconds: own,
            data_seconds: data,
            collective_seconds: (self.duration() - self.timing.bubble - own - data).max(0.0),
            score: if own > 0.0 { self.timing.fastest / own } else { 1.0 },
            sequence: self.sequence + entered,
            flight,
            not_a_number: self.rank_not_a_number[rank],
        }
    }

    /// Times that each host ended or lost the job.
    pub fn failures(&self) -> &[u64] {
        &self.failures
    }

    /// What it is.
    pub fn settings(&self) -> &JobSettings {
        &self.settings
    }

    /// Takes the lines of its log since the last call, oldest first.
    pub fn take_steps(&mut self) -> std::vec::Drain<'_, StepRecord> {
        self.steps.drain(..)
    }

    /// Takes what happened since the last call, oldest first.
    pub fn take_events(&mut self) -> std::vec::Drain<'_, JobEvent> {
        self.events.drain(..)
    }

    fn duration(&self) -> f64 {
        self.timing.step * self.jitter + self.extra
    }

    fn pauses(&self, rank: usize) -> bool {
        (self.reading.step + garbage_phase(rank)).is_multiple_of(GARBAGE_STEPS)
    }

    /// Looks for what ends the job, and for ranks that compute wrong.
    fn look(&mut self, now: f64, seconds: f64, with: &With<'_>) {
        self.wrong.clear();
        let each = self.settings.gpus_per_host;
        let mut cause = None;
        for (rank, (gpu, conditions)) in with.gpus.iter().zip(with.ranks).enumerate() {
            if gpu.kill.is_some() || !gpu.alive {
                cause = cause.or(Some(Cause::Gpu(rank)));
            }
            if gpu.corruption > 0.0 {
                self.wrong.push((rank, gpu.corruption));
            }
            if conditions.nan_gradients >= 0.5 {
                self.wrong.push((rank, f64::INFINITY));
            }
            let crashes = conditions.crashes_per_hour;
            if crashes > 0.0 && self.random.chance(crashes * seconds / 3600.0) {
                cause = cause.or(Some(Cause::Rank(rank)));
            }
        }
        let lost = |host: &HostSupply| host.kill.is_some() || !host.alive;
        if let Some(host) = with.hosts.iter().position(lost) {
            cause = Some(Cause::Host(host));
        }
        let asked = with.conditions.restarted >= 0.5;
        if asked && !self.restarted {
            cause = cause.or(Some(Cause::Asked));
        }
        self.restarted = asked;
        let bad = with.conditions.bad_batch >= 0.5;
        if bad && !self.bad_batch {
            // BLOOM's gradient norm went from 0.24 to 960 in two steps.
            let gradient = self.random.between(1_000.0, 4_000.0);
            self.hit = Hit { not_a_number: false, gradient, excess: 2.5 };
        }
        self.bad_batch = bad;
        let Some(cause) = cause else { return };
        if !matches!(self.phase, Phase::Down(_)) {
            match cause {
                Cause::Gpu(rank) | Cause::Rank(rank) => self.failures[rank / each] += 1,
                Cause::Host(host) => self.failures[host] += 1,
                Cause::Watchdog(_) | Cause::Transport | Cause::OutOfMemory(_) | Cause::Asked => {}
            }
            self.fail(now, cause);
        }
    }

    fn fail(&mut self, now: f64, cause: Cause) {
        let reading = &mut self.reading;
        let lost = reading.step - self.saved.step;
        reading.lost_steps += lost;
        reading.productive_seconds -= lost as f64 * self.timing.step;
        reading.productive_seconds = reading.productive_seconds.max(0.0);
        reading.restarts += 1;
        reading.step = self.saved.step;
        self.learnt = self.saved.learnt;
        (self.position, self.seen) =
            if self.replays { (0.0, self.saved.position) } else { (self.saved.position, 0.0) };
        self.loss.restore();
        self.progress = 0.0;
        self.hit = Hit::default();
        self.flights.fill(Flight::Completed);
        self.phase = Phase::Down(now + self.settings.replace_seconds);
        self.happens(now, What::Failed(cause));
    }

    /// Goes on within a phase, to its end or to `to`. Gives the time it came to.
    fn go_on(&mut self, now: f64, to: f64, with: &With<'_>, spent: &mut Spent) -> f64 {
        match self.phase {
            Phase::Down(until) => {
                let ready = with.gpus.iter().all(|gpu| gpu.alive)
                    && with.hosts.iter().all(|host| host.alive);
                if now < until || !ready {
                    return if now < until { until.min(to) } else { to };
                }
                self.happens(now, What::Started);
                self.phase = Phase::Starting(now + self.settings.start_seconds);
                now
            }
            Phase::Starting(until) if now < until => {
                spent.starting += until.min(to) - now;
                until.min(to)
            }
            Phase::Starting(_) => {
                let spec = self.settings.accelerator;
                let room = (1.0 - usage::MEMORY) * (spec.memory_bytes - spec.reserved_bytes);
                if let Some(rank) = with.gpus.iter().position(|gpu| gpu.taken_bytes > room) {
                    self.fail(now, Cause::OutOfMemory(rank));
                    return now;
                }
                self.phase = Phase::Loading(bytes_each(&self.settings, with.conditions));
                now
            }
            Phase::Loading(left) => {
                let rate = with.hosts.iter().map(|host| host.read_bytes).fold(1.0e12, f64::min);
                let seconds = (left / rate.max(1.0)).min(to - now);
                spent.loading += seconds;
                spent.read += seconds * rate;
                self.phase = Phase::Loading(left - seconds * rate);
                if now + seconds < to {
                    self.last_save = now + seconds;
                    self.happens(now + seconds, What::Loaded(self.saved.step));
                    self.begin();
                }
                now + seconds
            }
            Phase::Saving(left, since) => self.save(now, to, left, since, with, spent),
            Phase::Stalled(_, since) => self.stall(now, to, since, with, spent),
            Phase::Stepping => self.advance_step(now, to, with, spent),
        }
    }

    fn save(
        &mut self,
        now: f64,
        to: f64,
        left: f64,
        since: f64,
        with: &With<'_>,
        spent: &mut Spent,
    ) -> f64 {
        if with.hosts.iter().any(|host| !host.writable) {
            self.reading.failed_saves += 1;
            self.last_save = now;
            self.happens(now, What::SaveFailed);
            self.begin();
            return now;
        }
        let rate = with.hosts.iter().map(|host| host.write_bytes).fold(1.0e12, f64::min);
        let seconds = (left / rate.max(1.0)).min(to - now);
        spent.saving += seconds;
        spent.written += seconds * rate;
        self.reading.saving_seconds += seconds;
        self.phase = Phase::Saving(left - seconds * rate, since);
        let now = now + seconds;
        if now < to {
            self.saved =
                Saved { step: self.reading.step, learnt: self.learnt, position: self.position };
            self.last_save = now;
            let reading = &mut self.reading;
            (reading.saves, reading.save_seconds) = (reading.saves + 1, now - since);
            reading.checkpoint = reading.step;
            self.happens(now, What::Saved(now - since));
            self.begin();
        }
        now
    }

    fn stall(&mut self, now: f64, to: f64, since: f64, with: &With<'_>, spent: &mut Spent) -> f64 {
        let why = held(with.ranks).or(self.timing.blocked.then_some(Stall::Link));
        let Some(why) = why else {
            self.flights.fill(Flight::Completed);
            self.phase = Phase::Stepping;
            return now;
        };
        for (at, rank) in self.flights.iter_mut().zip(with.ranks) {
            *at = flight(rank);
        }
        self.phase = Phase::Stalled(why, since);
        let limit = match why {
            Stall::Link => self.settings.transport_seconds,
            Stall::Stuck | Stall::Deadlock => self.settings.watchdog_seconds,
        };
        let end = (since + limit).min(to);
        spent.stalled += (end - now).max(0.0);
        if since + limit > to {
            return to;
        }
        let cause = if why == Stall::Link {
            Cause::Transport
        } else {
            // Every rank but the culprit waits; whose watchdog speaks first is chance.
            let waiting = |rank: &usize| self.flights[*rank] == Flight::Started;
            let victims: Vec<usize> = (0..self.flights.len()).filter(waiting).collect();
            self.reading.watchdogs += 1;
            let victim = self.random.below(victims.len());
            Cause::Watchdog(victims.get(victim).copied().unwrap_or(0))
        };
        self.fail(end, cause);
        end.max(now)
    }

    fn advance_step(&mut self, now: f64, to: f64, with: &With<'_>, spent: &mut Spent) -> f64 {
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
    fn begin(&mut self) {
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

    fn finish(&mut self, now: f64, duration: f64, with: &With<'_>) {
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
        let peak = self.settings.accelerator.flops * self.settings.ranks() as f64;
        reading.mfu = 6.0 * self.settings.parameters * reading.tokens_per_second / peak;
        reading.sample = (self.position / self.settings.sequence) as u64;
        let clock = now + with.hosts.first().map_or(0.0, |host| host.clock_offset);
        reading.heartbeat = clock;
        reading.productive_seconds += duration;
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
        if hit.not_a_number || hit.gradient > 10.0 || hit.excess > 0.2 {
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
    fn corrupted(&mut self, duration: f64) -> Option<usize> {
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

    fn happens(&mut self, seconds: f64, what: What) {
        if self.events.len() == LINES {
            self.events.remove(0);
        }
        self.events.push(JobEvent { seconds, what });
    }
}

/// What a call works with.
struct With<'a> {
    gpus: &'a [GpuSupply],
    hosts: &'a [HostSupply],
    conditions: &'a JobConditions,
    ranks: &'a [RankConditions],
}

/// Where a rank is in its round of collecting garbage.
fn garbage_phase(rank: usize) -> u64 {
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
