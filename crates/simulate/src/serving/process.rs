//! The life of a replica's process: it starts in phases, runs, drains, dies and is started anew.

use crate::supply::{HostSupply, Kill};

use super::ReplicaSpec;

/// What the process is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// It is down and will be started at this time.
    Down(f64),
    /// It starts.
    Starting(Start),
    /// It serves.
    Running,
    /// It serves what it has and takes nothing new, until this time at the latest.
    Draining(f64),
}

/// How far a start is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// Seconds left of importing libraries and meeting the other ranks.
    pub initialise: f64,
    /// Bytes of weights left to read.
    pub load: f64,
    /// Seconds left of compiling.
    pub compile: f64,
    /// Seconds left of capturing graphs.
    pub capture: f64,
}

// One start of a 70B model: 70 s compiling, 60 s capturing graphs (vLLM #19824); both grow with
// the layers, of which it has 80.
const COMPILE_LAYER: f64 = 70.0 / 80.0;
const CAPTURE_LAYER: f64 = 60.0 / 80.0;
const INITIALISE: f64 = 15.0;
/// Seconds before a process that died is started again, doubled each time, and most of them, as Kubernetes does it.
const BACKOFF: f64 = 10.0;
const LONGEST_BACKOFF: f64 = 300.0;
/// A process that ran so long starts over with the shortest wait.
const FORGIVEN: f64 = 600.0;
/// Longest drain.
const DRAIN: f64 = 30.0;

/// The process of one replica.
#[derive(Debug, Clone)]
pub struct Process {
    state: State,
    /// When it was last started, and since when it serves.
    started: f64,
    serves: f64,
    /// Seconds of each phase of the last start: initialise, load, compile, capture.
    phases: [f64; 4],
    backoff: f64,
    exits: u32,
    last_exit: Option<Kill>,
}

impl Process {
    /// One that has served for an hour at second 0.
    pub fn running(spec: &ReplicaSpec) -> Self {
        let start = Start::new(spec, 1.0);
        Self {
            state: State::Running,
            started: -3600.0,
            serves: -3500.0,
            phases: [start.initialise, start.load / 2e9, start.compile, start.capture],
            backoff: BACKOFF,
            exits: 0,
            last_exit: None,
        }
    }

    /// One that starts at `time`.
    pub fn starting(spec: &ReplicaSpec, slowness: f64, time: f64) -> Self {
        let mut process = Self::running(spec);
        process.serves = time;
        process.start(spec, slowness, time);
        process
    }

    /// What it is doing.
    pub fn state(&self) -> State {
        self.state
    }

    /// When it was last started, seconds since the run's start.
    pub fn started(&self) -> f64 {
        self.started
    }

    /// Since when it serves, or last served, seconds since the run's start.
    pub fn serves(&self) -> f64 {
        self.serves
    }

    /// Times it ended, planned or not.
    pub fn exits(&self) -> u32 {
        self.exits
    }

    /// Why it last ended.
    pub fn last_exit(&self) -> Option<Kill> {
        self.last_exit
    }

    /// Seconds of each phase of the last start: initialise, load, compile, capture.
    pub fn phases(&self) -> [f64; 4] {
        self.phases
    }

    /// Whether it works on requests.
    pub fn serving(&self) -> bool {
        matches!(self.state, State::Running | State::Draining(_))
    }

    /// Whether it takes new requests.
    pub fn accepting(&self) -> bool {
        self.state == State::Running
    }

    /// It ends at `time`, by itself or by force.
    pub fn end(&mut self, time: f64, why: Option<Kill>) {
        self.exits += 1;
        self.last_exit = why;
        if time - self.serves > FORGIVEN || why.is_none() {
            self.backoff = BACKOFF;
        }
        self.serves = time;
        let wait = if why.is_none() { 2.0 } else { self.backoff };
        if why.is_some() {
            self.backoff = (2.0 * self.backoff).min(LONGEST_BACKOFF);
        }
        self.state = State::Down(time + wait);
    }

    /// It takes nothing new from `time` on.
    pub fn drain(&mut self, time: f64) {
        self.state = State::Draining(time + DRAIN);
    }

    /// It starts at `time`, `slowness` times as slowly as usual.
    pub fn start(&mut self, spec: &ReplicaSpec, slowness: f64, time: f64) {
        self.started = time;
        self.phases = [0.0; 4];
        self.state = State::Starting(Start::new(spec, slowness));
    }

    /// Goes on with the start for `seconds`; true when it serves at their end. Also returns bytes read.
    pub fn advance_start(
        &mut self,
        seconds: f64,
        host: &HostSupply,
        weight_speed: f64,
        time: f64,
    ) -> (bool, f64) {
        let State::Starting(mut start) = self.state else { return (false, 0.0) };
        let (mut left, mut read) = (seconds, 0.0);
        let speed = (host.read_bytes * weight_speed).max(1.0);
        for phase in 0..4 {
            let need = match phase {
                0 => start.initialise / host.cpu.max(0.01),
                1 => start.load / speed,
                2 => start.compile / host.cpu.max(0.01),
                _ => start.capture / host.cpu.max(0.01),
            };
            let used = need.min(left);
            left -= used;
            self.phases[phase] += used;
            match phase {
                0 => start.initialise -= used * host.cpu.max(0.01),
                1 => {
                    read = used * speed;
                    start.load -= read;
                }
                2 => start.compile -= used * host.cpu.max(0.01),
                _ => start.capture -= used * host.cpu.max(0.01),
            }
        }
        let done = left > 0.0;
        self.state = if done { State::Running } else { State::Starting(start) };
        if done {
            self.serves = time + seconds;
        }
        (done, read)
    }
}

impl Start {
    fn new(spec: &ReplicaSpec, slowness: f64) -> Self {
        Self {
            initialise: INITIALISE,
            load: spec.model.weight_bytes(),
            compile: COMPILE_LAYER * spec.model.layers * slowness,
            capture: CAPTURE_LAYER * spec.model.layers * slowness,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Model;

    #[test]
    fn the_published_start_takes_its_published_phases() {
        let model = Model::named("llama-3.3-70b").expect("known");
        let spec = ReplicaSpec { model, gpus: 4, ..ReplicaSpec::default() };
        let mut process = Process::running(&spec);
        process.end(0.0, Some(Kill::Crash));
        process.start(&spec, 1.0, 10.0);
        let mut time = 10.0;
        while !process.advance_start(1.0, &HostSupply::default(), 1.0, time).0 {
            time += 1.0;
        }
        let [_, load, compile, capture] = process.phases();
        assert!((compile - 70.0).abs() < 1e-6 && (capture - 60.0).abs() < 1e-6);
        assert!((load - 70.6).abs() < 0.1, "{load}");
    }

    #[test]
    fn a_process_that_dies_again_and_again_waits_longer_each_time() {
        let spec = ReplicaSpec::default();
        let mut process = Process::running(&spec);
        let mut waits = Vec::new();
        for time in [0.0, 100.0, 200.0] {
            process.end(time, Some(Kill::Crash));
            if let State::Down(until) = process.state() {
                waits.push(until - time);
            }
        }
        assert_eq!(waits, [10.0, 20.0, 40.0]);
    }
}
