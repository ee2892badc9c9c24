//! One incident and the samples around it: what a diagnosis is made from.

use std::collections::BTreeMap;
use std::time::Duration;

use auscult_core::{Labels, Timestamp};
use auscult_diagnose::diagnosis::{Asked, Cases, Consultation, Doctor, Illustrated, Report};
use auscult_diagnose::evidence::Window;
use auscult_diagnose::features::features;
use auscult_diagnose::scene::{Event, LogLine, Scene, SceneBuilder, SeriesNumber};
use auscult_telemetry::metrics::MetricBatch;
use hashbrown::HashMap;

use crate::handbook::Handbook;
use crate::incident::{Incident, State};

/// How long before its beginning an incident is looked at.
const BEFORE: Duration = Duration::from_secs(45 * 60);
/// Seconds between the readings that are looked at, of an incident that has gone on for minutes.
const STEP: f64 = 15.0;
/// Of a young one.
const FINE_STEP: f64 = 5.0;
/// Seconds up to which it is young.
const YOUNG: f64 = 300.0;
/// Least seconds of it that are looked at.
const LEAST: f64 = 30.0;
/// Most seconds of it that are looked at: what came later is of its consequences.
const MOST: f64 = 3600.0;

/// One incident and the samples around it.
///
/// ```
/// use auscult_core::{Labels, Timestamp};
/// use auscult_engine::Case;
/// let at = Timestamp::from_seconds;
/// let mut case = Case::new(at(3000), at(3600));
/// let labels = Labels::from_pairs([
///     ("__name__", "DCGM_FI_DEV_GPU_TEMP"), ("Hostname", "a"), ("gpu", "0"),
/// ])?;
/// let samples = (0..240).map(|step| (at(step * 15), if step < 200 { 60.0 } else { 91.0 }));
/// case.series(&labels, samples);
/// let diagnosis = case.diagnose();
/// assert!(!diagnosis.causes.is_empty());
/// # Ok::<(), auscult_core::LabelsError>(())
/// ```
#[derive(Debug)]
pub struct Case<'h> {
    handbook: &'h Handbook,
    builder: SceneBuilder<'h>,
    numbers: HashMap<Labels, Option<SeriesNumber>>,
    from: f64,
    began: f64,
    until: f64,
    /// Up to when something can be known: what has not come yet is not missing.
    known: f64,
    /// What incidents of this site turned out to be.
    cases: Cases,
}

impl Case<'static> {
    /// Of something that began at `began`, as far as it is known at `until`; by the handbook that is
    /// built in, as [`Handbook::case`] by another one.
    pub fn new(began: Timestamp, until: Timestamp) -> Self {
        Handbook::embedded().case(began, until)
    }
}

impl Handbook {
    /// A case of something that began at `began`, as far as it is known at `until`.
    pub fn case(&self, began: Timestamp, until: Timestamp) -> Case<'_> {
        let (began, told) = (began.seconds(), until.seconds());
        let until = told.clamp(began + LEAST, began + MOST);
        let from = began - BEFORE.as_secs_f64();
        let step = if until - began <= YOUNG { FINE_STEP } else { STEP };
        let length = ((until - from) / step).ceil() as usize + 1;
        let mut builder = SceneBuilder::new(self.knowledge(), from, step, length);
        for (name, value) in self.constants() {
            builder.know(name, *value).expect("it was accepted by the same knowledge");
        }
        Case {
            handbook: self,
            builder,
            numbers: HashMap::new(),
            from,
            began,
            until,
            known: told.max(began),
            cases: Cases::default(),
        }
    }

    /// A case of an incident, at the time `now`.
    pub fn case_of(&self, incident: &Incident, now: Timestamp) -> Case<'_> {
        // What came since everything is as usual again shows nothing.
        let ends = || incident.members.iter().map(|member| member.usual_since);
        let is_over = ends().all(|usual| usual.is_some());
        let until = match incident.state {
            State::Open if is_over => ends().flatten().min().unwrap_or(now),
            State::Open => now,
            State::Recovered => ends().flatten().min().unwrap_or(incident.updated),
        };
        let mut case = self.case(incident.began, until);
        incident.members.iter().for_each(|member| case.noticed(&member.series));
        case
    }
}

impl<'h> Case<'h> {
    /// Says that it was noticed in the series with these labels: causes are looked for where that
    /// belongs, and not at whatever else goes on at the same time. Without it, everywhere.
    pub fn noticed(&mut self, series: &Labels) {
        self.builder.notice(series);
    }

    /// The time of the samples that are looked at.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        let time = |seconds: f64| Timestamp::from_nanos((seconds * 1e9) as i64);
        (time(self.from), time(self.until))
    }

    /// The samples of a batch; of each series, in the order of time.
    pub fn take(&mut self, batch: &MetricBatch) {
        for series in batch.series() {
            let labels = series.labels.to_owned();
            let points = series.points.iter().map(|point| (point.time, point.value));
            self.series(&labels, points);
        }
    }

    /// Samples of a series, in the order of time.
    pub fn series(&mut self, labels: &Labels, samples: impl IntoIterator<Item = (Timestamp, f64)>) {
        let number = match self.numbers.get(labels) {
            Some(number) => *number,
            None => {
                let number = self.builder.series(labels);
                self.numbers.insert(labels.clone(), number);
                number
            }
        };
        let Some(number) = number else { return };
        for (time, value) in samples {
            let time = time.seconds();
            self.builder.sample(number, time, value);
            self.known = self.known.max(time);
        }
    }

    /// A constant that laws name and no label tells.
    ///
    /// # Errors
    ///
    /// When there is no such constant, or the value is no number above 0.
    pub fn know(&mut self, constant: &str, value: f64) -> Result<(), String> {
        self.builder.know(constant, value)
    }

    /// Says that nothing is known of what came after `time`, such as the end of a recording.
    pub fn ends(&mut self, time: Timestamp) {
        self.known = self.known.min(time.seconds()).max(self.began);
    }

    /// Says that changes of all kinds are told: where there is none, none was made.
    pub fn expect_changes(&mut self) {
        self.builder.expect_events();
    }

    /// Says that changes of one kind are told, such as `deploy`.
    pub fn expect_changes_of(&mut self, kind: &str) {
        self.builder.expect_events_of(kind);
    }

    /// A change that people or programs made.
    pub fn change(&mut self, event: Event) {
        self.builder.event(event);
    }

    /// A line of a log.
    pub fn log(&mut self, line: LogLine) {
        self.builder.log(line);
    }

    /// What incidents of this site turned out to be, which makes some causes likelier.
    pub fn expect(&mut self, cases: Cases) {
        self.cases = cases;
    }

    /// What it is.
    pub fn diagnose(self) -> Report {
        self.open().diagnose()
    }

    /// What it is, and what can be said of it in the columns and words of a fault log.
    pub fn study(self) -> (Report, BTreeMap<String, String>) {
        let case = self.open();
        (case.diagnose(), case.columns())
    }

    /// What it is, with the readings behind the evidence.
    pub fn illustrate(self) -> Illustrated {
        self.open().illustrate()
    }

    /// The case as it stands, about which more may be asked.
    pub fn open(self) -> OpenCase<'h> {
        let scene = self.builder.build();
        let end = self.until.min(self.known);
        let window = Window { from: 0, onset: scene.index(self.began), end: scene.index(end) + 1 };
        OpenCase { handbook: self.handbook, scene, window, cases: self.cases }
    }
}

/// A case whose samples are all there.
#[derive(Debug)]
pub struct OpenCase<'h> {
    handbook: &'h Handbook,
    scene: Scene,
    window: Window,
    cases: Cases,
}

impl OpenCase<'_> {
    /// What it is.
    pub fn diagnose(&self) -> Report {
        let doctor = self.doctor();
        let diagnosis = doctor.diagnose(&self.scene, self.window);
        Report::new(self.handbook.knowledge(), &doctor, &self.scene, self.window, &diagnosis)
    }

    /// What it is, with the readings behind the evidence.
    pub fn illustrate(&self) -> Illustrated {
        self.illustrate_report(self.diagnose())
    }

    /// The readings behind the evidence of a report about this case, such as that of
    /// [`OpenCase::consult`].
    pub fn illustrate_report(&self, report: Report) -> Illustrated {
        Illustrated::new(self.handbook.knowledge(), &self.scene, self.window, report)
    }

    /// What it is by its samples and by what people answered, how that was found step by step, and
    /// what to ask them next.
    ///
    /// # Errors
    ///
    /// A sentence for an answer to what cannot be asked.
    pub fn consult(&self, asked: &Asked) -> Result<Consultation, String> {
        self.doctor().consult(&self.scene, self.window, asked)
    }

    /// What can be said of it in the columns and words of a fault log.
    fn columns(&self) -> BTreeMap<String, String> {
        features(self.handbook.knowledge(), &self.scene, self.window)
    }

    fn doctor(&self) -> Doctor<'_> {
        let doctor = self.handbook.doctor().with_cases(&self.cases);
        let Some(witness) = self.handbook.witness() else { return doctor };
        doctor.hearing(witness, &self.columns())
    }
}
