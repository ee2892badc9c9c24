//! When requests arrive: a Poisson process whose rate follows the day, and sessions that go on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::conditions::ServiceConditions;
use crate::random::Random;

use super::{Request, Trace, Workload};

/// A session that goes on after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// Its number.
    pub session: u64,
    /// The next turn.
    pub turn: u32,
    /// Tokens of its context.
    pub history: u32,
}

/// Draws the requests of one served model, second by second.
#[derive(Debug)]
pub struct Arrivals {
    workload: Workload,
    seed: u64,
    /// Unix time of second 0.
    start: f64,
    /// Longest context of the model.
    longest: u32,
    /// Sessions by the time of their next turn (bits of a positive number sort as the number does).
    later: BinaryHeap<Reverse<(u64, Session)>>,
    /// Questions that are asked again.
    again: BinaryHeap<Reverse<(u64, u64)>>,
    retries: Vec<Option<Request>>,
    free: Vec<usize>,
    trace: Option<Trace>,
}

impl Arrivals {
    /// The clients of a run that begins at `start` (Unix seconds); `longest` is the model's context.
    pub fn new(workload: Workload, seed: u64, start: f64, longest: u32) -> Self {
        Self {
            workload,
            seed,
            start,
            longest,
            later: BinaryHeap::new(),
            again: BinaryHeap::new(),
            retries: Vec::new(),
            free: Vec::new(),
            trace: None,
        }
    }

    /// From now on requests are those of `trace`, one turn each, in place of drawn ones.
    pub fn replay(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// Puts the requests that are sent within `second` into `out`, in order of time.
    ///
    /// The rate holds for the second: a thinned Poisson process. The part of the rate above
    /// its usual comes in layers with numbers of their own, so that a surge adds requests
    /// and changes none.
    pub fn of_second(
        &mut self,
        second: u64,
        conditions: &ServiceConditions,
        out: &mut Vec<Request>,
    ) {
        let first = out.len();
        let from = second as f64;
        match self.trace.take() {
            Some(trace) => {
                for (id, time, row) in trace.of_second(second, self.seed, conditions) {
                    let drawn = self.request(conditions, id, (id, 0, 0), time);
                    out.push(drawn.traced(row, conditions, self.longest));
                }
                self.trace = Some(trace);
            }
            None => self.draw(second, conditions, out),
        }
        let end = (from + 1.0).to_bits();
        self.goes_on(end, from, conditions, out);
        out[first..].sort_by(|a, b| a.sent.total_cmp(&b.sent).then(a.id.cmp(&b.id)));
    }

    /// Sessions that begin within the second.
    fn draw(&self, second: u64, conditions: &ServiceConditions, out: &mut Vec<Request>) {
        let from = second as f64;
        let rate = self.workload.rate * self.workload.rhythm.at(self.start + from, self.seed);
        let beginnings = rate / self.workload.turns.max(1.0);
        let mut multiple = conditions.arrivals.max(0.0);
        let mut layer = 0_u64;
        while multiple > 0.0 && layer < 256 {
            let stream = (second << 8) | layer;
            let mut random = Random::member(self.seed, "arrivals", stream);
            for index in 0..random.poisson(beginnings) {
                let (part, chance) = (random.uniform(), random.uniform());
                if chance < multiple {
                    let id = (stream << 20) | (index & 0xf_ffff);
                    out.push(self.request(conditions, id, (id, 0, 0), from + part));
                }
            }
            multiple -= 1.0;
            layer += 1;
        }
    }

    /// Next turns of sessions and questions asked again before `end`.
    fn goes_on(
        &mut self,
        end: u64,
        from: f64,
        conditions: &ServiceConditions,
        out: &mut Vec<Request>,
    ) {
        while let Some(Reverse((time, session))) = self.later.peek().copied()
            && time < end
        {
            self.later.pop();
            let id = session.session ^ (u64::from(session.turn) << 56);
            let at = f64::from_bits(time).max(from);
            let context = (session.session, session.turn, session.history);
            out.push(self.request(conditions, id, context, at));
        }
        while let Some(Reverse((time, slot))) = self.again.peek().copied()
            && time < end
        {
            self.again.pop();
            self.free.push(slot as usize);
            out.extend(self.retries[slot as usize].take());
        }
    }

    fn request(
        &self,
        conditions: &ServiceConditions,
        id: u64,
        context: (u64, u32, u32),
        sent: f64,
    ) -> Request {
        Request::draw(&self.workload, conditions, self.seed, id, context, (sent, self.longest))
    }

    /// The client of `request` has its answer of `output` tokens at `time`: perhaps its session goes on.
    pub fn answered(&mut self, request: &Request, output: u32, time: f64) {
        let mut random = Random::member(self.seed, "next turn", request.id);
        let on = random.chance(1.0 - 1.0 / self.workload.turns.max(1.0));
        let think = random.log_normal(20.0, 0.8).max(1.0);
        let history = request.prompt + output;
        if self.trace.is_some()
            || !on
            || request.turn >= 100
            || history + 2 * self.workload.limit > self.longest
        {
            return;
        }
        let session = Session { session: request.session, turn: request.turn + 1, history };
        self.later.push(Reverse(((time + think).to_bits(), session)));
    }

    /// The client of `request` got no answer: perhaps it asks again, after a wait.
    pub fn unanswered(&mut self, request: &Request, time: f64, conditions: &ServiceConditions) {
        let attempt = u64::from(request.attempt);
        let mut random = Random::member(self.seed, "retry", request.id ^ (attempt << 48));
        let retries = conditions.client_retries.max(f64::from(self.workload.retries));
        let tries = retries + random.uniform();
        let wait = random.between(1.0, 2.0);
        if f64::from(request.attempt) + 1.0 > tries {
            return;
        }
        let timeout = self.workload.timeout.min(conditions.client_timeout);
        let retry = request.again(time + wait, timeout * random.between(0.9, 1.1));
        let slot = self.free.pop().unwrap_or_else(|| {
            self.retries.push(None);
            self.retries.len() - 1
        });
        self.retries[slot] = Some(retry);
        self.again.push(Reverse((retry.sent.to_bits(), slot as u64)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Rhythm;

    fn arrivals() -> Arrivals {
        let workload =
            Workload { rate: 20.0, rhythm: Rhythm::flat(), turns: 1.0, ..Workload::default() };
        Arrivals::new(workload, 5, 1.0e9, 32_768)
    }

    fn all(conditions: &ServiceConditions, seconds: u64) -> Vec<Request> {
        let (mut arrivals, mut out) = (arrivals(), Vec::new());
        for second in 0..seconds {
            arrivals.of_second(second, conditions, &mut out);
        }
        out
    }

    #[test]
    fn a_surge_adds_requests_and_changes_none() {
        let usual = all(&ServiceConditions::default(), 100);
        let surge = ServiceConditions { arrivals: 2.5, ..ServiceConditions::default() };
        let more = all(&surge, 100);
        assert!((usual.len() as f64 / 2000.0 - 1.0).abs() < 0.1, "{}", usual.len());
        assert!((more.len() as f64 / 5000.0 - 1.0).abs() < 0.1, "{}", more.len());
        assert!(usual.iter().all(|request| more.contains(request)));
    }

    #[test]
    fn lengths_are_those_of_the_trace_they_were_taken_from() {
        // Azure LLM inference trace 2023, conversation: median prompt 1,020 and answer 129 tokens,
        // mean answer 211, 95 % of the answers below 451. A log-normal has the trace's mean of the logarithm and
        // not its humps.
        let requests = all(&ServiceConditions::default(), 500);
        let chat: Vec<_> = requests
            .iter()
            .filter(|request| request.class == crate::workload::Class::Chat)
            .collect();
        let quantile = |of: &dyn Fn(&Request) -> u32, part: f64| {
            let mut values: Vec<u32> = chat.iter().map(|request| of(request)).collect();
            values.sort_unstable();
            f64::from(values[(part * values.len() as f64) as usize])
        };
        let prompt = |request: &Request| request.prompt;
        let output = |request: &Request| request.output;
        assert!((700.0..1100.0).contains(&quantile(&prompt, 0.5)), "{}", quantile(&prompt, 0.5));
        assert!((120.0..170.0).contains(&quantile(&output, 0.5)), "{}", quantile(&output, 0.5));
        assert!((400.0..700.0).contains(&quantile(&output, 0.95)), "{}", quantile(&output, 0.95));
    }

    #[test]
    fn a_trace_is_replayed_over_and_over_and_a_surge_repeats_its_rows() {
        let row = |time: f64| crate::workload::Traced { time, prompt: 700, output: 40 };
        let trace = || Trace::new(vec![row(0.25), row(3.5), row(1.0), row(1.5)]).expect("rows");
        let replay = |conditions: &ServiceConditions| {
            let (mut arrivals, mut out) = (arrivals(), Vec::new());
            arrivals.replay(trace());
            for second in 0..12 {
                arrivals.of_second(second, conditions, &mut out);
            }
            out
        };
        let usual = replay(&ServiceConditions::default());
        let times: Vec<f64> = usual.iter().map(|request| request.sent).collect();
        assert_eq!(times, [0.25, 1.0, 1.5, 3.5, 4.25, 5.0, 5.5, 7.5, 8.25, 9.0, 9.5, 11.5]);
        assert!(usual.iter().all(|request| (request.prompt, request.output) == (700, 40)));
        let surge = ServiceConditions { arrivals: 3.0, ..ServiceConditions::default() };
        assert_eq!(replay(&surge).len(), 36);
        assert!(Trace::new(Vec::new()).is_none());
    }

    #[test]
    fn gaps_are_those_of_a_poisson_process() {
        let requests = all(&ServiceConditions::default(), 300);
        let gaps: Vec<f64> = requests.windows(2).map(|pair| pair[1].sent - pair[0].sent).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let square = gaps.iter().map(|gap| gap * gap).sum::<f64>() / gaps.len() as f64;
        // Of exponential gaps the second moment is twice the square of the mean.
        assert!((square / (mean * mean) - 2.0).abs() < 0.15, "{}", square / (mean * mean));
    }

    #[test]
    fn a_dial_of_lengths_moves_no_other_draw() {
        let usual = all(&ServiceConditions::default(), 50);
        let long = ServiceConditions { output_length: 4.0, ..ServiceConditions::default() };
        for (a, b) in usual.iter().zip(all(&long, 50)) {
            assert_eq!((a.id, a.sent, a.prompt, a.class), (b.id, b.sent, b.prompt, b.class));
            assert!(b.output >= a.output);
        }
    }
}
