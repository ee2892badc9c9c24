//! `auscult replay`.

use serde_json::Value;

use crate::call::{auscult, scratch};

/// Two replicas without a pipeline; the second takes twice as long, and the first waits for it.
fn slow_replica() -> String {
    let mut text = "step,dp_rank,stage,optype,seq_id,start_ts,duration,mc\n".to_owned();
    for (rank, factor) in [(0, 1.0), (1, 2.0)] {
        let mut row = |kind: &str, sequence: u32, start: f64, duration: f64| {
            text += &format!("1,{rank},0,{kind},{sequence},{start},{duration},0\n");
        };
        for batch in 0..2 {
            let start = f64::from(batch) * 3.0 * factor;
            row("forward-compute", batch, start, factor);
            row("backward-compute", batch, start + factor, 2.0 * factor);
        }
        let ready = 6.0 * factor;
        row("grads-reduce-scatter", 0, ready, 12.5 - ready);
        row("optimizer", 0, 12.5, 0.5);
    }
    text
}

#[test]
fn a_person_reads_what_makes_the_job_slow_and_what_if_it_had_been_normal() {
    let more =
        ["--mend", "rank=1", "--mend", "rank=0", "--mend", "rank=1,operation=backward-compute"];
    let ended = auscult(&[&["replay", "-"][..], &more].concat(), &slow_replica());
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in [
        "standard input: 12 operations, 1 step, 2 workers\n",
        "A step took 13.000 s; replayed 13.000 s, ideal 10.000 s: 1.300 times as long",
        "  1. slow worker (dp 1, stage 0): computes 2.00 times as long as others; mending it wins back 100 %",
        "  rank       1                     1.300",
        "worst workers (dp 1, stage 0)",
        "rank=1                             a step takes 10.000 s instead of 13.000 s: 100 % of the lost time won back (6 operations)",
        "rank=0                             a step takes 13.000 s instead of 13.000 s: 0 % of",
        "rank=1,operation=backward-compute  a step takes 11.000 s instead of 13.000 s: 67 % of",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
}

#[test]
fn programs_get_everything() {
    let path = scratch("trace.csv");
    std::fs::write(&path, slow_replica()).expect("written");
    let call = ["replay", path.to_str().expect("a path"), "--format", "json", "--mend", "rank=1"];
    let ended = auscult(&[&call[..], &["--fail-on-anomaly"]].concat(), "");
    assert_eq!(ended.code, 1, "{}", ended.err);
    let all: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(all["slowdown"], 1.3);
    assert_eq!(all["causes"][0]["kind"], "slow_workers");
    assert_eq!(all["causes"][0]["workers"][0]["rank"], 1);
    assert_eq!(all["slowdown_by"]["rank"][0]["rank"], 1);
    assert_eq!(all["slowdown_by"]["operation"][0]["operation"], "backward-compute");
    assert_eq!(all["mended"][0]["share"], 1.0);
    assert_eq!(all["mended"][0]["operations"], 6);
}

#[test]
fn what_cannot_be_replayed_is_refused_in_a_sentence() {
    let trace = slow_replica();
    let without = |column: &str| trace.replacen(column, "other", 1);
    let cases: [(String, &[&str], &str); 8] = [
        (without("optype"), &[], "has no column `optype`; a trace of a training job has a row"),
        (
            trace.replace("optimizer", "sleep"),
            &[],
            "row 6: `optype` is `sleep`; expected one of params-all-gather",
        ),
        (
            trace.replacen("1,0,0,f", "1,-1,0,f", 1),
            &[],
            "row 1: `dp_rank` is -1; expected a whole number from 0",
        ),
        (
            trace.replacen("1,0,0,f", "1,0,0.5,f", 1),
            &[],
            "row 1: `stage` is 0.5; expected a whole number",
        ),
        (
            trace.replace("optimizer,0,12.5,0.5", "optimizer,0,12.5,-1"),
            &[],
            "row 6: duration is -1; expected a finite number",
        ),
        (
            trace.clone(),
            &["--mend", "rank=7"],
            "--mend rank=7: no operation of standard input is that; ranks go to 1, stages to 0",
        ),
        (trace.clone(), &["--mend", "speed=7"], "no `speed` in a trace"),
        (trace.clone(), &["--format", "csv"], "possible values: text, json"),
    ];
    for (text, more, sentence) in cases {
        let ended = auscult(&[&["replay", "-"][..], more].concat(), &text);
        assert_eq!(ended.code, 2, "{sentence}: {}", ended.out);
        assert!(ended.err.contains(sentence), "{}", ended.err);
    }
}
