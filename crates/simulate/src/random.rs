//! Seeded randomness that gives the same numbers on any machine, one stream for each part.

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A stream of random numbers with a name.
///
/// Every part of a fleet draws from a stream of its own, so that a fault in one part
/// changes no draw of another: two runs with one seed differ only where the fault reaches.
#[derive(Debug, Clone)]
pub struct Random {
    generator: Pcg64Mcg,
}

impl Random {
    /// The stream `name` of the run `seed`.
    pub fn new(seed: u64, name: &str) -> Self {
        Self { generator: Pcg64Mcg::seed_from_u64(mix(seed, hash(name))) }
    }

    /// The stream of member `index` of `name`.
    pub fn member(seed: u64, name: &str, index: u64) -> Self {
        let stream = mix(hash(name), index);
        Self { generator: Pcg64Mcg::seed_from_u64(mix(seed, stream)) }
    }

    /// Evenly spread in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.generator.random::<f64>()
    }

    /// Evenly spread in [`low`, `high`).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// A whole number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { ((self.uniform() * end as f64) as usize).min(end - 1) }
    }

    /// True with probability `probability`.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.uniform())
    }

    /// Normal with mean 0 and deviation 1: polar method (G. Marsaglia and T. A. Bray, 1964).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// Log-normal with this median; `spread` is the deviation of the logarithm.
    pub fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        median * libm::exp(spread * self.normal())
    }

    /// Poisson with this mean: inversion in steps of at most 30, which adds up exactly.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut count) = (mean.max(0.0), 0);
        while left > 0.0 {
            let part = left.min(30.0);
            left -= part;
            let (mut probability, mut draw) = (libm::exp(-part), self.uniform());
            let mut value = 0_u64;
            while draw > probability && value < 200 {
                draw -= probability;
                value += 1;
                probability *= part / value as f64;
            }
            count += value;
        }
        count
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// One round of SplitMix64 over both (G. Steele, D. Lea, C. Flood, 2014).
fn mix(a: u64, b: u64) -> u64 {
    let mut z =
        a.wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_on_any_machine() {
        let mut random = Random::new(7, "arrivals");
        let drawn: Vec<u64> = (0..3).map(|_| random.normal().to_bits()).collect();
        let poisson: Vec<u64> = (0..4).map(|_| random.poisson(50.0)).collect();
        assert_eq!(drawn, DRAWN);
        assert_eq!(poisson, POISSON);
    }

    const DRAWN: [u64; 3] = [0x3fc5_f2dd_2675_887d, 0xbfd0_f236_663f_21ba, 0x3fd9_b638_5386_3bbf];
    const POISSON: [u64; 4] = [42, 55, 62, 53];

    #[test]
    fn moments_are_as_stated() {
        let mut random = Random::new(1, "moments");
        let n = 100_000;
        let mean =
            |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        assert!((mean(&mut || random.exponential(3.0)) - 3.0).abs() < 0.05);
        assert!(mean(&mut || random.normal()).abs() < 0.02);
        let mut random = Random::new(2, "moments");
        assert!((mean(&mut || random.poisson(47.5) as f64) - 47.5).abs() < 0.1);
        let mut random = Random::new(3, "moments");
        let median = (0..n).filter(|_| random.log_normal(5.0, 1.0) < 5.0).count();
        assert!((median as f64 / f64::from(n) - 0.5).abs() < 0.01);
    }

    #[test]
    fn streams_do_not_share_draws() {
        let (mut one, mut other) = (Random::member(1, "gpu", 0), Random::member(1, "gpu", 1));
        assert_ne!(one.bits(), other.bits());
    }
}
