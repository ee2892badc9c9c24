//! The server before the engine: processors that tokenise, prepare media, compile grammars, stream answers.

use crate::workload::Request;

/// Processor seconds to accept a request and render its prompt.
const ACCEPT: f64 = 1.2e-3;
/// Processor seconds to tokenise one token (about 1 million a second and core).
const TOKENISE: f64 = 1.1e-6;
/// Processor seconds to prepare one picture.
const PICTURE: f64 = 0.14;
/// Processor seconds to turn one token into text and stream it.
const STREAM: f64 = 45e-6;
/// Threads that compile grammars.
const COMPILERS: usize = 2;

/// Processors of one replica's front end.
#[derive(Debug)]
pub struct Frontend {
    /// When each becomes free.
    free: Vec<f64>,
    compilers: [f64; COMPILERS],
    /// Share of a second that one of them works for each second it is given.
    speed: f64,
    /// Share of the cores that streams.
    streaming: f64,
    /// Tokens streamed in the second before.
    streamed: f64,
    busy: f64,
}

impl Default for Frontend {
    fn default() -> Self {
        Self::new()
    }
}

impl Frontend {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self {
            free: vec![0.0],
            compilers: [0.0; COMPILERS],
            speed: 1.0,
            streaming: 0.0,
            streamed: 0.0,
            busy: 0.0,
        }
    }

    /// From now on so many cores, each giving this share of what was asked for; in the second
    /// before, `tokens` were streamed.
    pub fn supply(&mut self, cores: f64, given: f64, tokens: f64) {
        let workers = (cores.max(0.01).ceil() as usize).max(1);
        let now = self.free.iter().copied().fold(f64::INFINITY, f64::min);
        self.free.resize(workers, now);
        let each = cores.max(0.01) / workers as f64 * given.clamp(0.01, 1.0);
        // Streaming goes first: what it leaves of a core tokenises.
        self.streaming = (tokens * STREAM / (workers as f64 * each)).min(0.9);
        self.speed = each * (1.0 - self.streaming);
        self.streamed = tokens;
    }

    /// Takes in a request at `time`; returns when its prompt is ready for the engine.
    pub fn accept(&mut self, request: &Request, time: f64) -> f64 {
        let text = f64::from(request.prompt);
        let work = ACCEPT + TOKENISE * text + PICTURE * f64::from(request.media);
        self.busy += work;
        let worker = self.free.iter_mut().min_by(|a, b| a.total_cmp(b)).expect("a worker");
        *worker = worker.max(time) + work / self.speed;
        *worker
    }

    /// Compiles a grammar that takes so many processor seconds, from `time`; returns when it is done.
    pub fn compile(&mut self, work: f64, time: f64) -> f64 {
        self.busy += work;
        let compiler = self.compilers.iter_mut().min_by(|a, b| a.total_cmp(b)).expect("a thread");
        *compiler = compiler.max(time) + work / self.speed;
        *compiler
    }

    /// Seconds by which a token is late on its way out: the queue before a busy core (M/M/1).
    pub fn lag(&self) -> f64 {
        STREAM / self.speed + 1e-3 * self.streaming / (1.0 - self.streaming)
    }

    /// Processor seconds asked for since the last call.
    pub fn take_busy(&mut self) -> f64 {
        let streaming = self.streamed * STREAM;
        std::mem::take(&mut self.busy) + streaming
    }

    /// The queue is empty from `time` on.
    pub fn clear(&mut self, time: f64) {
        self.free.fill(time);
        self.compilers.fill(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditions::ServiceConditions;
    use crate::workload::{Arrivals, Rhythm, Workload};

    #[test]
    fn a_tenth_of_the_cores_makes_prompts_wait() {
        let workload = Workload { rate: 60.0, rhythm: Rhythm::flat(), ..Workload::default() };
        let mut requests = Vec::new();
        let mut arrivals = Arrivals::new(workload, 1, 0.0, 32_768);
        for second in 0..30 {
            arrivals.of_second(second, &ServiceConditions::default(), &mut requests);
        }
        let mean = |cores: f64| {
            let mut frontend = Frontend::new();
            frontend.supply(cores, 1.0, 1500.0);
            let waits: f64 =
                requests.iter().map(|asked| frontend.accept(asked, asked.sent) - asked.sent).sum();
            waits / requests.len() as f64
        };
        assert!(mean(4.0) < 0.004, "{}", mean(4.0));
        assert!(mean(0.15) > 20.0 * mean(4.0), "{}", mean(0.15));
    }
}
