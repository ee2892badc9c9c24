//! Replays against jobs small enough for arithmetic, and against the published results for real
//! traces (StragglerAnalysis, OSDI 2025); the traces are read where they are, otherwise skipped in words.

use std::path::PathBuf;

use auscult_diagnose::replay::{
    CauseKind, Operation, OperationKind as Kind, Trace, TraceError, WhatIf, Worker, what_if,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

fn operation(
    (dp_rank, stage): (u32, u32),
    kind: Kind,
    sequence: u32,
    start: f64,
    duration: f64,
) -> Operation {
    Operation { step: 1, dp_rank, stage, kind, sequence, start, duration }
}

/// Two replicas without a pipeline; the second takes twice as long, and the
/// first waits for it in the reduction.
fn slow_replica() -> Vec<Operation> {
    let mut all = Vec::new();
    for (rank, factor) in [(0, 1.0), (1, 2.0)] {
        let at = (rank, 0);
        for batch in 0..2 {
            let start = f64::from(batch) * 3.0 * factor;
            all.push(operation(at, Kind::ForwardCompute, batch, start, factor));
            all.push(operation(at, Kind::BackwardCompute, batch, start + factor, 2.0 * factor));
        }
        let ready = 6.0 * factor;
        all.push(operation(at, Kind::GradsReduceScatter, 0, ready, 12.5 - ready));
        all.push(operation(at, Kind::Optimizer, 0, 12.5, 0.5));
    }
    all
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-12
}

#[test]
fn a_slow_replica_is_found_by_arithmetic() {
    let trace = Trace::new(slow_replica()).expect("sound");
    let found = what_if(&trace).expect("sound");
    // Usual: forward 1.5, backward 3, transfer 0.5, optimizer 0.5.
    assert!(near(found.measured, 13.0) && near(found.real, 13.0));
    assert!(near(found.ideal, 10.0) && near(found.slowdown, 1.3));
    assert_eq!((found.ranks[0].part, found.ranks[1].part), (1, 0));
    assert!(near(found.ranks[0].factor, 1.3) && near(found.ranks[1].factor, 1.0));
    let kinds: Vec<&str> = found.kinds.iter().take(2).map(|kind| kind.part).collect();
    assert_eq!(kinds, ["backward-compute", "forward-compute"]);
    assert!(near(found.kinds[0].factor, 1.2) && near(found.kinds[1].factor, 1.1));
    assert_eq!(found.worst_workers.part, [Worker { dp_rank: 1, stage: 0 }]);
    assert!(near(found.worst_workers.share, 1.0));
    assert!(near(found.communication, 0.0));
    let words: Vec<String> = found.causes.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "slow worker (dp 1, stage 0): computes 2.00 times as long as others; mending it wins back 100 % of the time lost"
        ]
    );
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let mut rows = slow_replica();
    let found = what_if(&Trace::new(rows.clone()).expect("sound")).expect("sound");
    rows.reverse();
    assert_eq!(what_if(&Trace::new(rows).expect("sound")).expect("sound"), found);
}

/// Two stages and two micro-batches, one forward and one backward at a time;
/// computing takes 1 second on the first stage, `long` on the second, transfers
/// a tenth.
fn pipeline(long: f64) -> Vec<Operation> {
    let (first, last, hop) = ((0, 0), (0, 1), 0.1);
    let mut all = Vec::new();
    let mut transfer = |kinds: [Kind; 2], ends: [(u32, u32); 2], batch, ready: [f64; 2]| {
        let end = ready[0].max(ready[1]) + hop;
        for at in 0..2 {
            all.push(operation(ends[at], kinds[at], batch, ready[at], end - ready[at]));
        }
        end
    };
    let forward = [Kind::ForwardSend, Kind::ForwardReceive];
    let backward = [Kind::BackwardSend, Kind::BackwardReceive];
    // Forward 0 and 1 on the first stage end at 1 and 2.
    let arrived = transfer(forward, [first, last], 0, [1.0, 0.0]);
    let first_forward_end = arrived + long;
    let first_backward_end = first_forward_end + long;
    let back = transfer(backward, [last, first], 0, [first_backward_end, 2.0]);
    let second = transfer(forward, [first, last], 1, [2.0, first_forward_end]);
    let second_start = second.max(first_backward_end);
    let second_end = second_start + 2.0 * long;
    let first_done = back + 1.0;
    let back_again = transfer(backward, [last, first], 1, [second_end, first_done]);
    let compute = [
        (first, Kind::ForwardCompute, 0, 0.0, 1.0),
        (first, Kind::ForwardCompute, 1, 1.0, 1.0),
        (first, Kind::BackwardCompute, 0, back, 1.0),
        (first, Kind::BackwardCompute, 1, back_again, 1.0),
        (last, Kind::ForwardCompute, 0, arrived, long),
        (last, Kind::BackwardCompute, 0, first_forward_end, long),
        (last, Kind::ForwardCompute, 1, second_start, long),
        (last, Kind::BackwardCompute, 1, second_start + long, long),
    ];
    all.extend(
        compute.map(|(at, kind, batch, start, took)| operation(at, kind, batch, start, took)),
    );
    all
}

#[test]
fn a_pipeline_is_replayed_to_the_tick() {
    for long in [0.5, 1.0, 3.0] {
        let found = what_if(&Trace::new(pipeline(long)).expect("sound")).expect("sound");
        assert!(near(found.real, found.measured), "{long}: {} {}", found.real, found.measured);
    }
    let even = what_if(&Trace::new(pipeline(1.0)).expect("sound")).expect("sound");
    assert!(near(even.slowdown, 1.0) && even.causes.is_empty());
}

#[test]
fn an_uneven_pipeline_is_said_to_be_one() {
    // Eight replicas, so that a stage is more than its worst worker.
    let rows = (0..8)
        .flat_map(|dp_rank| pipeline(3.0).into_iter().map(move |row| Operation { dp_rank, ..row }));
    let found = what_if(&Trace::new(rows.collect()).expect("sound")).expect("sound");
    assert_eq!(found.stages[0].part, 1);
    assert!(found.last_stage() > 0.9, "{found:?}");
    assert!(matches!(found.causes[0].kind, CauseKind::UnevenStages { stage: 1, .. }), "{found:?}");
}

#[test]
fn slow_transfers_are_said_to_be_slow_communication() {
    let mut rows = Vec::new();
    for step in 0..5 {
        for mut row in pipeline(1.0) {
            row.step = step;
            rows.push(row);
        }
    }
    // One step's last transfer back takes long, and so does the wait for it.
    for row in rows.iter_mut().filter(|row| row.step == 4 && row.sequence == 1) {
        match (row.kind, row.stage) {
            (Kind::BackwardSend | Kind::BackwardReceive, _) => row.duration += 20.0,
            (Kind::BackwardCompute, 0) => row.start += 20.0,
            _ => {}
        }
    }
    let found = what_if(&Trace::new(rows).expect("sound")).expect("sound");
    assert!(near(found.real, found.measured));
    let cause = &found.causes[0];
    assert_eq!(cause.kind, CauseKind::SlowCommunication { operations: "backward-pp-comm" });
    assert!(near(cause.share, 1.0), "{found:?}");
}

#[test]
fn what_is_no_trace_is_refused_in_words() {
    let refused = |rows: Vec<Operation>| {
        let error = Trace::new(rows).and_then(|trace| what_if(&trace)).expect_err("absurd");
        error.to_string()
    };
    let one = operation((0, 0), Kind::ForwardCompute, 0, 0.0, 1.0);
    assert_eq!(refused(vec![]), "the trace has no operations");
    assert_eq!(
        refused(vec![Operation { duration: -1.0, ..one }]),
        "row 0: duration is -1; expected a finite number of at least 0"
    );
    assert!(refused(vec![Operation { start: f64::NAN, ..one }]).starts_with("row 0: start is NaN"));
    assert_eq!(
        refused(vec![one, one]),
        "row 1: step 1 has forward-compute 0 of dp 0, stage 0 a second time"
    );
    let send = Operation { kind: Kind::ForwardSend, start: 1.0, ..one };
    assert_eq!(
        refused(vec![one, send]),
        "step 1: forward-send 0 of dp 0, stage 0 has no counterpart; expected forward-recv 0 of stage 1"
    );
    let receive = Operation { kind: Kind::ForwardReceive, ..one };
    assert!(refused(vec![one, receive]).contains("expected forward-send 0 of stage -1"));
    let mut no_compute = pipeline(1.0);
    no_compute.retain(|row| (row.kind, row.stage, row.sequence) != (Kind::ForwardCompute, 1, 1));
    assert_eq!(
        refused(no_compute),
        "step 1: forward-recv 1 of dp 0, stage 1 has no forward-compute 1"
    );
    // The last stage works backward on a batch before it came forward.
    let mut circle = pipeline(1.0);
    for row in &mut circle {
        if (row.kind, row.stage, row.sequence) == (Kind::BackwardCompute, 0, 0) {
            row.start = -1.0;
        }
        if (row.kind, row.stage, row.sequence) == (Kind::ForwardCompute, 0, 0) {
            row.start = 50.0;
        }
    }
    assert!(refused(circle).contains("wait for each other in a circle"));
    assert!(matches!(Trace::new(vec![]), Err(TraceError::Empty)));
}

#[test]
fn a_job_that_takes_no_time_is_no_trouble() {
    let rows = vec![operation((0, 0), Kind::ForwardCompute, 0, 5.0, 0.0)];
    let found = what_if(&Trace::new(rows).expect("sound")).expect("sound");
    assert_eq!((found.slowdown, found.worst_workers.share), (1.0, 0.0));
    assert!(found.causes.is_empty());
}

fn folder() -> PathBuf {
    let root = std::env::var_os("AUSCULT_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    root.join("diagnosis/llm-straggler")
}

fn read(job: &str) -> Option<Trace> {
    let path = folder().join(format!("trace-{job}.parquet"));
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA", path.display());
        return None;
    };
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let mut rows = Vec::new();
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        let field = |name: &str| {
            let found = row.get_column_iter().find(|(column, _)| column.as_str() == name);
            found.expect("a column").1
        };
        let whole = |name: &str| field(name).to_string().parse::<u32>().expect("a whole number");
        let (Field::Float(start), Field::Float(duration)) = (field("start_ts"), field("duration"))
        else {
            panic!("times are floats");
        };
        let Field::Str(kind) = field("optype") else { panic!("kinds are text") };
        rows.push(Operation {
            step: i64::from(whole("step")),
            dp_rank: whole("dp_rank"),
            stage: whole("stage"),
            kind: Kind::named(kind).expect("known"),
            sequence: whole("seq_id"),
            start: f64::from(*start),
            duration: f64::from(*duration),
        });
    }
    Some(Trace::new(rows).expect("sound"))
}

/// The published figure at `path` of a result.
fn published(file: &str, path: &[&str]) -> serde_json::Value {
    let text = std::fs::read_to_string(folder().join(file)).expect("beside the trace");
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for key in path {
        value = value[*key].take();
    }
    value
}

/// Every published slowdown within 1 %, every published share within 0.01.
fn check(job: &str) -> Option<WhatIf> {
    let found = what_if(&read(job)?).expect("sound");
    let result = format!("result-{job}.json");
    let close = |found: f64, path: &[&str]| {
        let expected = published(&result, path).as_f64().expect("a number");
        assert!((found / expected - 1.0).abs() < 0.01, "{path:?}: {found} is not {expected}");
    };
    close(found.slowdown, &["blocking_slowdown"]);
    for rank in &found.ranks {
        close(rank.factor, &["blocking_decompose_by_dp_rank", &rank.part.to_string()]);
    }
    for stage in &found.stages {
        close(stage.factor, &["blocking_decompose_by_stage", &stage.part.to_string()]);
    }
    for kind in &found.kinds {
        close(kind.factor, &["blocking_decompose_by_optype", kind.part]);
    }
    let shares = [(found.worst_workers.share, "Mw", "mw"), (found.last_stage(), "Ms", "ms")];
    for (share, key, file) in shares {
        let expected = published(&format!("{file}-{job}.json"), &[key]).as_f64().expect("a number");
        assert!((share - expected).abs() < 0.01, "{key}: {share} is not {expected}");
    }
    Some(found)
}

#[test]
fn a_worker_slowed_by_hand_is_found_in_a_real_trace() {
    let Some(found) = check("AR") else { return };
    assert_eq!((found.ranks[0].part, found.stages[0].part), (0, 0));
    assert_eq!(found.kinds[0].part, "backward-compute");
    let [cause] = &found.causes[..] else { panic!("one cause: {:?}", found.causes) };
    let CauseKind::SlowWorkers { workers, .. } = &cause.kind else { panic!("{cause}") };
    assert_eq!(workers[..], [Worker { dp_rank: 0, stage: 0 }]);
}

#[test]
fn unequal_sequences_and_a_long_last_stage_are_found_in_a_real_trace() {
    let Some(found) = check("SE") else { return };
    assert_eq!((found.ranks[0].part, found.stages[0].part), (8, 1));
    assert_eq!(found.kinds[0].part, "backward-compute");
    let [stages, sequences] = &found.causes[..] else { panic!("two causes: {:?}", found.causes) };
    assert!(matches!(stages.kind, CauseKind::UnevenStages { stage: 1, .. }), "{stages}");
    assert!(matches!(sequences.kind, CauseKind::UnequalSequences { .. }), "{sequences}");
}
