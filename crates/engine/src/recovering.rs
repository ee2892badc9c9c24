//! Whether an incident became better: the samples before it, during it, and after a remedy or its end.

use auscult_core::{Labels, Timestamp};
use auscult_diagnose::diagnosis::{Recovery, recovery};
use auscult_diagnose::evidence::Window;
use auscult_diagnose::scene::SceneBuilder;

use crate::handbook::Handbook;

/// Seconds before something that are looked at.
const BEFORE: f64 = 45.0 * 60.0;
/// Most readings of a series that are looked at.
const READINGS: f64 = 1000.0;
/// Least seconds between them.
const STEP: f64 = 5.0;

/// An incident, and what came after it.
///
/// ```
/// use auscult_core::{Labels, Timestamp};
/// use auscult_engine::{Outcome, Recovering};
/// let at = Timestamp::from_seconds;
/// let mut case = Recovering::new(at(3000), (at(3600), at(3600)), at(4200));
/// let labels = Labels::from_pairs([
///     ("__name__", "DCGM_FI_DEV_SM_CLOCK"), ("Hostname", "a"), ("gpu", "0"),
/// ])?;
/// let clock = |step: i64| if (200..240).contains(&step) { 1400.0 } else { 1980.0 };
/// case.series(&labels, (0..280).map(|step| (at(step * 15), clock(step))));
/// let recovery = case.check("G1", "a/0");
/// assert_eq!(recovery.outcome, Outcome::Recovered, "{recovery:?}");
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Debug)]
pub struct Recovering<'h> {
    handbook: &'h Handbook,
    builder: SceneBuilder<'h>,
    from: f64,
    began: f64,
    /// When it was as bad as it got, and from when on it may be better.
    between: (f64, f64),
    until: f64,
}

impl Recovering<'static> {
    /// As [`Handbook::recovering`], by the handbook that is built in.
    pub fn new(began: Timestamp, between: (Timestamp, Timestamp), until: Timestamp) -> Self {
        Handbook::embedded().recovering(began, between, until)
    }
}

impl Handbook {
    /// Of something that began at `began`. `between` are the last moment at which nothing was done
    /// yet and the first at which what was done may show; `until` is now.
    pub fn recovering(
        &self,
        began: Timestamp,
        between: (Timestamp, Timestamp),
        until: Timestamp,
    ) -> Recovering<'_> {
        let began = began.seconds();
        let between = (between.0.seconds().max(began), between.1.seconds().max(began));
        let until = until.seconds().max(between.1);
        let from = began - BEFORE;
        let step = ((until - from) / READINGS).max(STEP);
        let length = ((until - from) / step).ceil() as usize + 1;
        let builder = SceneBuilder::new(self.knowledge(), from, step, length);
        Recovering { handbook: self, builder, from, began, between, until }
    }
}

impl Recovering<'_> {
    /// The stretches of time of the samples that are looked at: around the beginning, and around
    /// what was done.
    pub fn spans(&self) -> Vec<(Timestamp, Timestamp)> {
        let time = |seconds: f64| Timestamp::from_nanos((seconds * 1e9) as i64);
        let first_ends = self.began + BEFORE;
        let second_begins = self.between.0 - BEFORE;
        if second_begins <= first_ends {
            return vec![(time(self.from), time(self.until))];
        }
        vec![(time(self.from), time(first_ends)), (time(second_begins), time(self.until))]
    }

    /// Samples of a series, in the order of time; those of another stretch come as another series.
    pub fn series(&mut self, labels: &Labels, samples: impl IntoIterator<Item = (Timestamp, f64)>) {
        let Some(number) = self.builder.series(labels) else { return };
        for (time, value) in samples {
            self.builder.sample(number, time.seconds(), value);
        }
    }

    /// Whether the signal that shows that `fault` at `place` is cured says so.
    pub fn check(self, fault: &str, place: &str) -> Recovery {
        let scene = self.builder.build();
        let (began, at) = (scene.index(self.began), scene.index(self.between.0));
        let window = Window { from: 0, onset: began, end: at.max(began + 1) };
        let after = scene.index(self.between.1)..scene.index(self.until) + 1;
        recovery(self.handbook.knowledge(), &scene, window, after, fault, place)
    }
}
