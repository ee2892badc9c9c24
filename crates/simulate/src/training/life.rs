//! The life of a job: started, loading, stepping, saving, stalled, down.

use super::checkpoint::bytes_each;
use super::event::{Cause, What};
use super::job::{Job, Phase, Saved, With};
use super::loss::Hit;
use super::stall::{Flight, Stall, flight, held};
use super::usage::{self, Spent};
use crate::supply::HostSupply;

impl Job {
    /// Looks for what ends the job, and for ranks that compute wrong.
    pub(super) fn look(&mut self, now: f64, seconds: f64, with: &With<'_>) {
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

    pub(super) fn fail(&mut self, now: f64, cause: Cause) {
        let reading = &mut self.reading;
        let lost = reading.step - self.saved.step;
        reading.lost_steps += lost;
        // What was done since the last checkpoint is lost, the step in work too.
        reading.lost_seconds += self.unsaved_seconds;
        self.unsaved_seconds = 0.0;
        reading.restarts += 1;
        reading.step = self.saved.step;
        self.learnt = self.saved.learnt;
        (self.position, self.seen) =
            if self.replays { (0.0, self.saved.position) } else { (self.saved.position, 0.0) };
        self.loss.restore();
        self.rerun_from = 0;
        self.progress = 0.0;
        self.hit = Hit::default();
        self.flights.fill(Flight::Completed);
        self.phase = Phase::Down(now + self.settings.replace_seconds);
        self.happens(now, What::Failed(cause));
    }

    /// Goes on within a phase, to its end or to `to`. Gives the time it came to.
    pub(super) fn go_on(&mut self, now: f64, to: f64, with: &With<'_>, spent: &mut Spent) -> f64 {
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
                let spec = self.settings.gpu;
                let room =
                    (1.0 - usage::MEMORY) * (spec.accelerator.memory_bytes - spec.reserved_bytes);
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

    pub(super) fn save(
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
            self.unsaved_seconds = 0.0;
            let reading = &mut self.reading;
            (reading.saves, reading.save_seconds) = (reading.saves + 1, now - since);
            reading.checkpoint = reading.step;
            self.happens(now, What::Saved(now - since));
            self.begin();
        }
        now
    }

    pub(super) fn stall(
        &mut self,
        now: f64,
        to: f64,
        since: f64,
        with: &With<'_>,
        spent: &mut Spent,
    ) -> f64 {
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
}
