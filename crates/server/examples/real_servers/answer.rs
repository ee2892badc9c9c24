//! What auscult says of a run.

use auscult_core::METRIC_NAME;
use auscult_diagnose::diagnosis::Conclusion;
use auscult_engine::{Case, Diagnosis, Handbook};
use auscult_server::{RecordedFile, Recording, Replay};
use auscult_telemetry::Input;

use super::runs::Run;

/// What of a recording is shown to the diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Everything.
    All,
    /// Without what the gateway counts of its clients.
    NoGateway,
    /// The program's own page and whether it answers.
    ProgramOnly,
}

impl Seen {
    /// Whether a series of this job is shown.
    fn shows(self, job: &str) -> bool {
        match self {
            Self::All => true,
            Self::NoGateway => job != "gateway",
            Self::ProgramOnly => !matches!(job, "gateway" | "cadvisor" | "node"),
        }
    }
}

/// The first cause, as the table tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Short name of the fault; `healthy` or `unknown` if that is likelier than every cause.
    pub cause: String,
    /// What people call it.
    pub name: String,
    /// Kind of the place.
    pub kind: String,
    /// The place.
    pub place: String,
    /// Where the right cause stands among the causes that are told, from 1.
    pub rank: Option<usize>,
    /// Whether it is the right cause.
    pub is_right: bool,
    /// Whether it is at the right place.
    pub is_there: bool,
}

/// The whole diagnosis of a run, with the onset known.
pub(crate) fn report(run: &Run, seen: Seen) -> Diagnosis {
    case(run, seen, Handbook::embedded()).diagnose()
}

/// What is known of a run.
pub(crate) fn case<'h>(run: &Run, seen: Seen, handbook: &'h Handbook) -> Case<'h> {
    let mut case = handbook.case(run.span.0, run.span.1);
    let (from, to) = case.span();
    let recording = Recording::File(Box::new(RecordedFile::new(Input::Path(run.path.clone()))));
    let replay = Replay::open(vec![recording], Some(from), Some(to));
    let replay = replay.unwrap_or_else(|error| panic!("{}: {error}", run.name));
    let played = replay.run(|moment| {
        for series in moment.batch.series() {
            let labels = series.labels.to_owned();
            if seen.shows(labels.get("job").unwrap_or_default())
                && labels.get(METRIC_NAME).is_some()
            {
                case.series(&labels, series.points.iter().map(|point| (point.time, point.value)));
            }
        }
    });
    played.unwrap_or_else(|error| panic!("{}: {error}", run.name));
    case.expect_changes();
    run.changes.iter().for_each(|change| case.change(change.clone()));
    case
}

/// The first cause of a run.
pub(crate) fn answer(run: &Run, seen: Seen) -> Answer {
    judge(run, &report(run, seen))
}

/// The first cause that was told of a run.
pub(crate) fn judge(run: &Run, told: &Diagnosis) -> Answer {
    let is_right = |cause: &str| run.expected.causes.iter().any(|right| right == cause);
    let rank = told.causes.iter().position(|cause| is_right(&cause.fault)).map(|at| at + 1);
    let Some(cause) = told.answer() else {
        let (cause, name) = match told.conclusion() {
            Conclusion::Healthy => ("healthy", "nothing is wrong"),
            _ => ("unknown", "none of the known causes"),
        };
        let (kind, place) = (String::new(), String::new());
        let (cause, name, is_right) = (cause.to_owned(), name.to_owned(), is_right(cause));
        return Answer { cause, name, kind, place, rank, is_right, is_there: is_right };
    };
    let is_named = matches!(cause.kind.as_str(), "replica" | "job" | "rank");
    Answer {
        cause: cause.fault.clone(),
        name: cause.name.clone(),
        kind: cause.kind.clone(),
        place: cause.place.clone(),
        rank,
        is_right: is_right(&cause.fault),
        is_there: cause.kind == run.expected.place && (!is_named || cause.place == run.target),
    }
}
