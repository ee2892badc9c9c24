//! Evidence: whether a statement holds at a place, fails there, or cannot be known.

mod before_after;
mod judge;
mod known;
mod onset;
mod peers;
pub(crate) mod quantity;
mod told;

pub use before_after::BeforeAfter;
pub(crate) use before_after::TAIL;
pub use judge::{CHANGED_AFTER, CHANGED_BEFORE, Judge};
pub use onset::{EstimatedOnset, estimate_onset};
pub use quantity::{quantity, unit_of_axis};

/// What became of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Whether it holds; `None` if that cannot be known.
    pub holds: Option<bool>,
    /// What was seen, for people.
    pub seen: String,
    /// Targets at which it was seen, by number.
    pub at: Vec<usize>,
}

impl Finding {
    fn unknown() -> Self {
        Self { holds: None, seen: String::new(), at: Vec::new() }
    }
}

/// The stretch of time that is asked about, on the grid of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First reading of the time before.
    pub from: usize,
    /// First reading after it began.
    pub onset: usize,
    /// After the last reading.
    pub end: usize,
}

#[cfg(test)]
mod tests {
    use auscult_core::{Labels, METRIC_NAME};
    use auscult_knowledge::Knowledge;

    use super::{Judge, Window};
    use crate::diagnosis::{Doctor, Experience, Weights};
    use crate::scene::{LogLine, Scene, SceneBuilder};

    /// Two hosts of four GPUs: one gets hot, one is no longer read, one was never read.
    fn fleet(knowledge: &Knowledge) -> Scene {
        let mut builder = SceneBuilder::new(knowledge, 0.0, 15.0, 60);
        for gpu in 0..8 {
            let (host, name) = (if gpu < 4 { "a" } else { "b" }, (gpu % 4).to_string());
            for (metric, level) in [
                ("DCGM_FI_DEV_GPU_TEMP", 50.0),
                ("DCGM_FI_DEV_SM_CLOCK", 1980.0),
                ("DCGM_FI_DEV_POWER_USAGE", 500.0),
            ] {
                let labels = [(METRIC_NAME, metric), ("Hostname", host), ("gpu", name.as_str())];
                let series = builder.series(&Labels::from_pairs(labels).unwrap()).unwrap();
                for reading in 0..60 {
                    let is_hot = gpu == 1 && reading >= 40 && metric == "DCGM_FI_DEV_GPU_TEMP";
                    let value = level + f64::from(reading % 3) + if is_hot { 35.0 } else { 0.0 };
                    if gpu != 6 && (gpu != 2 || reading < 40) {
                        builder.sample(series, f64::from(reading) * 15.0, value);
                    }
                }
            }
        }
        let line = |time, text: &str| LogLine { time, source: "b".into(), text: text.into() };
        builder.log(line(100.0, "NVRM: Xid 79"));
        builder.log(line(610.0, "NVRM: Xid 79"));
        builder.build()
    }

    #[test]
    fn a_verdict_without_words_is_the_one_with_words() {
        let (knowledge, experience) = (Knowledge::embedded(), Experience::embedded());
        let doctor = Doctor::new(&knowledge, &experience, Weights::default());
        let scene = fleet(&knowledge);
        let window = Window { from: 0, onset: 40, end: 60 };
        let mut judge = Judge::new(&scene, &knowledge, window);
        let mut verdicts = [0, 0];
        for (place, target) in scene.targets().iter().enumerate() {
            for statement in doctor.vocabulary(&target.kind) {
                let verdict = judge.verdict(statement, place);
                let finding = judge.judge(statement, place);
                assert_eq!(verdict, finding.holds, "{statement} at {}", target.name);
                verdict.into_iter().for_each(|holds| verdicts[usize::from(holds)] += 1);
            }
        }
        assert!(verdicts.iter().all(|count| *count > 10), "{verdicts:?}");
    }
}
