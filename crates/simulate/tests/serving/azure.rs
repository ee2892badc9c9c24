//! A recorded trace through the service: the Azure LLM inference trace 2023, conversation (CC BY 4.0).

use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_simulate::conditions::{ReplicaConditions, ServiceConditions};
use auscult_simulate::serving::{Service, Supply};
use auscult_simulate::workload::{Trace, Traced};

use super::run::{Run, similar};

/// The rows of the trace; `None`, in words, where it is not at hand.
fn rows() -> Option<Vec<Traced>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
    let file = data.join("anomaly/azure_llm_2023/AzureLLMInferenceTrace_conv.csv.gz");
    let Ok(packed) = std::fs::read(&file) else {
        eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA to try it", file.display());
        return None;
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("text");
    let row = |line: &str| {
        let [time, prompt, output] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("three columns: {line}");
        };
        let clock: Vec<f64> =
            time[11..].split(':').map(|part| part.parse().expect("a number")).collect();
        Traced {
            time: clock[0] * 3600.0 + clock[1] * 60.0 + clock[2],
            prompt: prompt.parse().expect("a number"),
            output: output.trim().parse().expect("a number"),
        }
    };
    let mut rows: Vec<Traced> = text.lines().skip(1).map(row).collect();
    let first = rows.iter().map(|row| row.time).fold(f64::INFINITY, f64::min);
    rows.iter_mut().for_each(|row| row.time -= first);
    Some(rows)
}

#[test]
fn the_trace_of_an_hour_is_served_with_its_lengths_and_at_its_rate() {
    let Some(rows) = rows() else { return };
    assert_eq!(rows.len(), 19_366);
    let run = Run::new(2, 0.0);
    let mut service = Service::new(&run.spec, 3);
    let mean = |value: fn(&Traced) -> u32| {
        rows.iter().map(|row| f64::from(value(row))).sum::<f64>() / rows.len() as f64
    };
    let (prompt, output) = (mean(|row| row.prompt), mean(|row| row.output));
    service.replay(Trace::new(rows).expect("rows"));
    let (supply, conditions) = ([Supply::default(); 2], [ReplicaConditions::default(); 2]);
    let mut sent = 0;
    for second in 0..3502 {
        service.advance(second, &supply, &conditions, &ServiceConditions::default());
        sent += service.clients().sent;
    }
    assert_eq!(sent, 19_366);
    let meters: Vec<_> = service.replicas().iter().map(|replica| replica.meters()).collect();
    let sum = |value: fn(&auscult_simulate::serving::Meters) -> f64| {
        meters.iter().map(|meters| value(meters)).sum::<f64>()
    };
    let ended = sum(|meters| meters.ended() as f64);
    similar(19_366.0, ended, 0.005);
    similar(prompt, sum(|meters| meters.prompt_length.sum()) / ended, 0.01);
    similar(output, sum(|meters| meters.output_length.sum()) / ended, 0.01);
    assert!(sum(|meters| meters.queue.sum()) / ended < 0.5);
}
