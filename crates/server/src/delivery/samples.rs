//! Incidents for tests.

use auscult_core::{Band, Labels, Timestamp};
use auscult_engine::incident::{Change, Happening, Incident, Member, State};
use auscult_engine::{Outcome, Recovery, Severity};

pub(crate) fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    Labels::from_pairs(pairs).unwrap()
}

/// 15:00:00 on a day in 2026, and so many seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_884_400 + seconds)
}

/// A replica that draws too much power, on two GPUs, and waits.
pub(crate) fn incident(id: u64, state: State) -> Incident {
    let target = labels([("job", "llm"), ("instance", "replica-3:8000")]);
    let series = |metric: &str, gpu: &str| {
        let pairs = [("__name__", metric), ("job", "llm"), ("instance", "replica-3:8000")];
        Labels::from_pairs(pairs.into_iter().chain([("gpu", gpu)])).unwrap()
    };
    let member = |series: Labels, reading: f64, expected: f64, band: Option<Band>| Member {
        series,
        target: target.clone(),
        onset: at(-40),
        time: at(5),
        reading,
        expected,
        band,
        score: 9.5,
        return_seconds: 4e6,
        reasons: vec!["far above what is usual".to_owned()],
        usual_since: None,
        severity: Severity::Warning,
    };
    Incident {
        id,
        state,
        began: at(-40),
        noticed: at(0),
        updated: at(600),
        reopened: 0,
        surprise: 14.25,
        severity: Severity::Warning,
        silenced: false,
        targets: vec![target.clone()],
        members: vec![
            member(
                series("power_watts", "3"),
                812.0,
                305.0,
                Some(Band { low: 290.25, high: 320.0 }),
            ),
            member(
                series("queue_seconds", ""),
                0.012_345_6,
                0.000_4,
                Some(Band { low: 0.0, high: 0.001 }),
            ),
        ],
        more_members: 3,
    }
}

pub(crate) fn change(number: u64, id: u64, happening: Happening) -> Change {
    let state = match happening {
        Happening::Recovered => State::Recovered,
        _ => State::Open,
    };
    Change { number, happening, incident: incident(id, state) }
}

/// What became of the power of a GPU.
pub(crate) fn recovery(outcome: Outcome) -> Recovery {
    let word = match outcome {
        Outcome::Recovered => "recovered",
        Outcome::NotRecovered => "not recovered",
        Outcome::Worse => "worse",
        Outcome::Unknown => "whether it recovered is not known",
    };
    Recovery {
        outcome,
        fault: "G1".to_owned(),
        place: "serve-0/3".to_owned(),
        statement: "gpu_sm_clock rises".to_owned(),
        before: Some(1.98e9),
        during: Some(1.4e9),
        after: Some(1.97e9),
        sentence: format!("{word}: gpu_sm_clock of gpu <serve-0/3>: 1.98 GHz before"),
    }
}
