//! The job as others see it: what it takes, what it gives, what it shows.

use super::checkpoint::interval;
use super::event::{JobEvent, What};
use super::loss::{Hit, Loss};
use super::reading::{JobReading, RankReading, StepRecord};
use super::settings::JobSettings;
use super::stall::{Flight, Stall};
use super::step::{GARBAGE_SECONDS, GARBAGE_STEPS, garbage_phase};
use super::timing::Timing;
use super::usage::{self, Spent};
use crate::conditions::{JobConditions, RankConditions};
use crate::random::Random;
use crate::supply::{GpuDemand, GpuSupply, HostDemand, HostSupply};

/// Log lines that are kept for whoever takes them.
pub(super) const LINES: usize = 4096;

/// What the job did to each GPU and host in a step of the simulation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobDemand {
    /// To the GPU of each rank.
    pub gpus: Vec<GpuDemand>,
    /// To each host.
    pub hosts: Vec<HostDemand>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
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
    pub(super) settings: JobSettings,
    pub(super) random: Random,
    pub(super) phase: Phase,
    pub(super) timing: Timing,
    pub(super) loss: Loss,
    pub(super) reading: JobReading,
    /// Share of the current step that is done.
    pub(super) progress: f64,
    /// Seconds that this step takes beside those of its ranks.
    pub(super) extra: f64,
    /// Factor of this step's time.
    pub(super) jitter: f64,
    /// Tokens that the weights have learnt from.
    pub(super) learnt: f64,
    /// Tokens that the data loader gave, and gives anew after a start.
    pub(super) position: f64,
    pub(super) saved: Saved,
    /// Data before this position were learnt from before.
    pub(super) seen: f64,
    pub(super) last_save: f64,
    /// Seconds of the steps since the last checkpoint.
    pub(super) unsaved_seconds: f64,
    /// The first step that may be computed again.
    pub(super) rerun_from: u64,
    pub(super) hit: Hit,
    pub(super) sequence: u64,
    pub(super) flights: Vec<Flight>,
    pub(super) rank_not_a_number: Vec<u64>,
    pub(super) failures: Vec<u64>,
    pub(super) phases: [bool; GARBAGE_STEPS as usize],
    pub(super) garbage: bool,
    pub(super) bad_batch: bool,
    pub(super) restarted: bool,
    pub(super) replays: bool,
    /// Ranks with corruption, or with gradients that are not numbers.
    pub(super) wrong: Vec<(usize, f64)>,
    pub(super) spent: Spent,
    pub(super) steps: Vec<StepRecord>,
    pub(super) events: Vec<JobEvent>,
}

/// What a checkpoint holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saved {
    pub(super) step: u64,
    pub(super) learnt: f64,
    pub(super) position: f64,
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
            unsaved_seconds: 0.0,
            rerun_from: 0,
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
    ///
    /// # Panics
    ///
    /// When there is not one of `gpus` and `ranks` for each rank, and one of `hosts` for each host.
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
        let (count, of_hosts) = (self.settings.ranks(), self.settings.hosts());
        assert_eq!((gpus.len(), ranks.len()), (count, count), "a GPU and conditions for each rank");
        assert_eq!(hosts.len(), of_hosts, "a host for each {} ranks", self.settings.gpus_per_host);
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
        let flight = match self.phase {
            Phase::Stepping => self.flight(own + data),
            _ => self.flights[rank],
        };
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

    /// Where a rank stands within a step, which enters the collective of the step after `entry`
    /// seconds of it.
    fn flight(&self, entry: f64) -> Flight {
        let into = self.progress * self.duration();
        if into >= entry {
            Flight::Started
        } else if into >= self.timing.first_entry {
            Flight::Outside
        } else {
            Flight::Completed
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

    pub(super) fn duration(&self) -> f64 {
        self.timing.step * self.jitter + self.extra
    }

    fn pauses(&self, rank: usize) -> bool {
        (self.reading.step + garbage_phase(rank)).is_multiple_of(GARBAGE_STEPS)
    }

    pub(super) fn happens(&mut self, seconds: f64, what: What) {
        if self.events.len() == LINES {
            self.events.remove(0);
        }
        self.events.push(JobEvent { seconds, what });
    }
}

/// What a call works with.
pub(super) struct With<'a> {
    pub(super) gpus: &'a [GpuSupply],
    pub(super) hosts: &'a [HostSupply],
    pub(super) conditions: &'a JobConditions,
    pub(super) ranks: &'a [RankConditions],
}
