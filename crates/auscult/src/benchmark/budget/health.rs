//! Simulated health: seeded series in which nothing ever goes wrong.

use auscult_core::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Known, Stretch};

/// Series of each kind.
const EACH: u64 = 4;
/// Sampling of the two halves: seconds from sample to sample, and days.
const SAMPLINGS: [(i64, i64); 2] = [(60, 30), (300, 90)];
const DAY: f64 = 86_400.0;

/// A way of being healthy: its name, and a reading from one draw of everything.
struct Kind {
    name: &'static str,
    reading: fn(&mut Source) -> f64,
}

const KINDS: [Kind; 11] = [
    Kind { name: "normal noise", reading: |source| source.normal() },
    Kind { name: "heavy-tailed noise (Student's t, 4 degrees)", reading: Source::student },
    Kind { name: "exponential", reading: Source::exponential },
    Kind { name: "autoregressive (0.9)", reading: |source| source.follow(0.9) },
    Kind { name: "slow wander (autoregressive, 0.999)", reading: |source| source.follow(0.999) },
    Kind { name: "season of a day", reading: |source| 10.0 * source.wave(1.0) + source.normal() },
    Kind { name: "seasons of a day and a week", reading: Source::weekly },
    Kind { name: "on and off", reading: Source::jobs },
    Kind { name: "few whole numbers (Poisson, mean 3)", reading: |source| source.poisson(3.0) },
    Kind { name: "bursts (log-normal)", reading: |source| (0.5 * source.follow(0.9)).exp() },
    Kind { name: "counter (rises all the time)", reading: Source::counter },
];

/// Names of the kinds, in order.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// Every series of kind `name`.
pub(super) fn stretches(name: &str) -> Vec<Stretch> {
    let mut all = Vec::new();
    for (place, kind) in KINDS.iter().enumerate().filter(|(_, kind)| kind.name == name) {
        for (step, days) in SAMPLINGS {
            for one in 0..EACH {
                let seed = 1000 * place as u64 + 10 * step as u64 + one;
                let mut source = Source::new(step as f64, seed);
                let rows = days * 86_400 / step;
                let readings: Vec<f64> = (0..rows)
                    .map(|_| {
                        source.seconds += step as f64;
                        (kind.reading)(&mut source)
                    })
                    .collect();
                all.push(Stretch {
                    times: (0..rows).map(|row| Timestamp::from_seconds(row * step)).collect(),
                    known: vec![Known::Healthy; readings.len()],
                    readings,
                });
            }
        }
    }
    all
}

/// Chance, and what has to be remembered from reading to reading.
struct Source {
    random: Pcg64Mcg,
    step: f64,
    seconds: f64,
    state: f64,
}

impl Source {
    fn new(step: f64, seed: u64) -> Self {
        Self { random: Pcg64Mcg::seed_from_u64(seed), step, seconds: 0.0, state: 0.0 }
    }

    /// From 0 to 1, neither of them.
    fn uniform(&mut self) -> f64 {
        (self.random.random::<f64>()).max(f64::MIN_POSITIVE)
    }

    /// Standard normal, by the method of Box and Muller.
    fn normal(&mut self) -> f64 {
        let (one, other) = (self.uniform(), self.uniform());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }

    fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    fn student(&mut self) -> f64 {
        let square = (0..4).map(|_| self.normal().powi(2)).sum::<f64>() / 4.0;
        self.normal() / square.sqrt()
    }

    /// First-order autoregressive, with deviation 1.
    fn follow(&mut self, share: f64) -> f64 {
        self.state = share * self.state + (1.0 - share * share).sqrt() * self.normal();
        self.state
    }

    /// A wave of `cycles` a day.
    fn wave(&self, cycles: f64) -> f64 {
        (std::f64::consts::TAU * cycles * self.seconds / DAY).sin()
    }

    /// Higher by day, twice a day as steep, lower at the weekend.
    fn weekly(&mut self) -> f64 {
        let weekend = (self.seconds / DAY) % 7.0 >= 5.0;
        let height = if weekend { 4.0 } else { 10.0 };
        height * (self.wave(1.0) + 0.3 * self.wave(2.0)) + self.normal()
    }

    /// A machine that works for two hours and rests for one, on average.
    fn jobs(&mut self) -> f64 {
        let works = self.state > 0.5;
        let stay = if works { 7200.0 } else { 3600.0 };
        if self.uniform() < self.step / stay {
            self.state = f64::from(u8::from(!works));
        }
        100.0 * self.state + self.normal()
    }

    fn poisson(&mut self, mean: f64) -> f64 {
        let least = (-mean).exp();
        let (mut count, mut product) = (0.0, self.uniform());
        while product > least {
            count += 1.0;
            product *= self.uniform();
        }
        count
    }

    fn counter(&mut self) -> f64 {
        let steps = self.poisson(20.0);
        self.state += steps;
        self.state
    }
}
