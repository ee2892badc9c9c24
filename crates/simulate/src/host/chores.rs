//! What hosts do beside their programs: backups, scans, images that are pulled and unpacked.

use crate::random::Random;

/// Mean seconds from one chore to the next.
const BETWEEN: f64 = 1800.0;
/// Median and deviation of the logarithm: seconds that one takes, and its share of the cores.
const LASTS: (f64, f64) = (180.0, 0.8);
const TAKES: (f64, f64) = (0.04, 1.0);
/// Most of the cores that one takes.
const MOST: f64 = 0.4;

/// Chores of one host. They run when nobody else wants the processor, so that they move what the kernel
/// shows and hurt nobody.
#[derive(Debug, Clone)]
pub(super) struct Chores {
    random: Random,
    /// Seconds from when to when the one takes a share that is under way or comes next.
    from: f64,
    to: f64,
    share: f64,
}

impl Chores {
    /// Of host `index` of the run `seed`.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let random = Random::member(seed, "chores", index);
        let mut chores = Self { random, from: 0.0, to: 0.0, share: 0.0 };
        chores.next();
        chores
    }

    /// Share of the cores that they would take at `now`; times never go back.
    pub(super) fn share(&mut self, now: f64) -> f64 {
        while now >= self.to {
            self.next();
        }
        if now >= self.from { self.share } else { 0.0 }
    }

    fn next(&mut self) {
        self.from = self.to + self.random.exponential(BETWEEN);
        self.to = self.from + self.random.log_normal(LASTS.0, LASTS.1);
        self.share = self.random.log_normal(TAKES.0, TAKES.1).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chores_come_and_go_and_are_small_in_the_mean() {
        let shares = |index: u64| -> Vec<f64> {
            let mut chores = Chores::new(3, index);
            (0..200_000).map(|second| chores.share(f64::from(second))).collect()
        };
        let one = shares(0);
        let busy = one.iter().filter(|share| **share > 0.0).count() as f64 / one.len() as f64;
        assert!((0.05..0.3).contains(&busy), "{busy}");
        let mean = one.iter().sum::<f64>() / one.len() as f64;
        assert!((0.001..0.03).contains(&mean), "{mean}");
        assert!(one.iter().all(|share| *share <= MOST));
        assert_eq!(one, shares(0), "the same seed, the same chores");
        assert_ne!(one, shares(1));
    }
}
