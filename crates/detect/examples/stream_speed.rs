//! Prints what a sample costs each method that watches streams.
//!
//! `cargo run --release -p auscult-detect --example stream_speed [NAME…]`
//! gives every method (or those named) the same noise on one channel, and
//! prints the median and the least over chunks of samples, which a busy
//! machine disturbs little.

use std::time::Instant;

use auscult_core::{Detector, Sample, SettingsMap, Timestamp};
use auscult_detect::{CATALOGUE, Channels, Method};

/// Samples of a run; slow methods stop after three seconds.
const SAMPLES: usize = 200_000;
/// Samples between two looks at the clock: a multiple of what sketches merge at once.
const CHUNK: usize = 512;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let readings = noise(SAMPLES);
    for method in CATALOGUE.iter().copied().flatten() {
        let asked = wanted.is_empty() || wanted.iter().any(|name| name == method.name);
        if asked && method.online.is_some() && method.channels != Channels::Several {
            let (median, least) = run(method, &readings);
            println!("{:<20} {median:>9.1} ns/sample, at least {least:.1}", method.name);
        }
    }
}

/// Nanoseconds per sample of a fresh detector: median and least over the chunks.
fn run(method: &Method, readings: &[f64]) -> (f64, f64) {
    let build = method.online.expect("watches streams");
    let mut detector = build(&SettingsMap::new(), 1).expect("defaults are in range");
    let start = Instant::now();
    let (mut costs, mut total, mut minute) = (Vec::new(), 0.0, 0);
    for chunk in readings.chunks_exact(CHUNK) {
        let begin = Instant::now();
        for reading in chunk {
            minute += 1;
            total += update(detector.as_mut(), minute, *reading);
        }
        costs.push(begin.elapsed().as_nanos() as f64 / CHUNK as f64);
        if start.elapsed().as_secs_f64() > 3.0 {
            break;
        }
    }
    std::hint::black_box(total);
    costs.sort_by(f64::total_cmp);
    (costs[costs.len() / 2], costs[0])
}

fn update(detector: &mut dyn Detector, minute: i64, reading: f64) -> f64 {
    let sample = [reading];
    let sample = Sample::new(Timestamp::from_seconds(60 * minute), &sample).expect("finite");
    detector.update(sample).expect("one channel").ready().unwrap_or(0.0)
}

/// About normal numbers, the same every time.
fn noise(count: usize) -> Vec<f64> {
    let mut state: u64 = 0x5eed;
    let mut uniform = || {
        // Numbers of Knuth's MMIX generator; the high half is random enough here.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as f64 / f64::from(u32::MAX)
    };
    (0..count).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0 + 300.0).collect()
}
