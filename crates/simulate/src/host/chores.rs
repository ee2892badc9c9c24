//! What hosts do beside their programs: backups, scans, images that are pulled and unpacked.

use crate::random::Random;

/// Mean seconds from one chore to the next.
const BETWEEN: f64 = 1800.0;
/// Median and deviation of the logarithm: seconds that one takes, and its share of the cores.
const LASTS: (f64, f64) = (180.0, 0.8);
const TAKES: (f64, f64) = (0.04, 1.0);
/// Most of the cores that one takes.
const MOST: f64 = 0.4;
/// Part of them that want more than they may have: a limit of their own or the lowest priority holds them
/// back. Share of time in which one of their tasks waits, then.
const HELD_BACK: f64 = 0.4;
const WAITS: (f64, f64) = (0.05, 0.8);

/// Chores of one host. They run when nobody else wants the processor, so that they move what the kernel
/// shows and hurt nobody.
#[derive(Debug, Clone)]
pub(super) struct Chores {
    random: Random,
    /// Seconds from when to when the one is under way that is or that comes next.
    from: f64,
    to: f64,
    chore: Chore,
}

/// What one does to the processor.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Chore {
    /// Share of the cores that it would take.
    pub(super) share: f64,
    /// Share of time in which one of its tasks waits for a core: pressure of the host, and of nobody else.
    pub(super) waits: f64,
}

impl Chores {
    /// Of host `index` of the run `seed`.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let random = Random::member(seed, "chores", index);
        let mut chores = Self { random, from: 0.0, to: 0.0, chore: Chore::default() };
        chores.next();
        chores
    }

    /// What they do at `now`; times never go back.
    pub(super) fn at(&mut self, now: f64) -> Chore {
        while now >= self.to {
            self.next();
        }
        if now >= self.from { self.chore } else { Chore::default() }
    }

    fn next(&mut self) {
        self.from = self.to + self.random.exponential(BETWEEN);
        self.to = self.from + self.random.log_normal(LASTS.0, LASTS.1);
        self.chore.share = self.random.log_normal(TAKES.0, TAKES.1).min(MOST);
        let is_held = self.random.chance(HELD_BACK);
        self.chore.waits = if is_held { self.random.between(WAITS.0, WAITS.1) } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chores_come_and_go_and_are_small_in_the_mean() {
        let of_host = |index: u64| -> Vec<Chore> {
            let mut chores = Chores::new(3, index);
            (0..200_000).map(|second| chores.at(f64::from(second))).collect()
        };
        let one = of_host(0);
        let part = |is: fn(&Chore) -> bool| {
            one.iter().filter(|chore| is(chore)).count() as f64 / one.len() as f64
        };
        let (busy, held) = (part(|chore| chore.share > 0.0), part(|chore| chore.waits > 0.0));
        assert!((0.05..0.3).contains(&busy), "{busy}");
        assert!((0.01..0.8 * busy).contains(&held), "{held}");
        let mean = one.iter().map(|chore| chore.share).sum::<f64>() / one.len() as f64;
        assert!((0.001..0.03).contains(&mean), "{mean}");
        assert!(one.iter().all(|chore| chore.share <= MOST && chore.waits <= WAITS.1));
        assert_eq!(one, of_host(0), "the same seed, the same chores");
        assert_ne!(one, of_host(1));
    }
}
