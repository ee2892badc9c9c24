//! Methods on readings that hardly vary: rounded, mostly equal, or at rest.

use auscult_core::{Frame, Sample, SettingsMap, Timestamp};
use auscult_detect::{CATALOGUE, Channels, Method};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const ROWS: usize = 1200;
/// The row at which one channel jumps for one row.
const JUMP: usize = 1000;
/// Rows around the jump that a method may mark with it.
const NEAR: usize = 100;
/// Far above any score that readings within a few steps of each other deserve.
const SANE: f64 = 1e4;

/// What readings are like, and how far the jump goes.
struct Kind {
    name: &'static str,
    make: fn(&mut Pcg64Mcg, usize) -> f64,
    jump: f64,
}

const KINDS: &[Kind] = &[
    Kind { name: "rounded", make: |random, _| rounded(20.0 + 0.03 * noise(random)), jump: 5.0 },
    Kind {
        name: "mostly equal",
        make: |random, _| {
            let still = random.random::<f64>() < 0.95;
            if still { 5.0 } else { rounded(5.0 + 0.2 * noise(random)) }
        },
        jump: 5.0,
    },
    Kind {
        name: "at rest",
        make: |random, _| {
            let still = random.random::<f64>() < 0.98;
            if still { 0.0 } else { f64::from(random.random_range(1..4)) }
        },
        jump: 60.0,
    },
    Kind {
        name: "still for long",
        make: |random, row| if row < 400 || random.random::<f64>() < 0.99 { 7.2 } else { 7.3 },
        jump: 3.0,
    },
];

/// Methods for which a jump of one row among such readings is not the strangest,
/// and why.
const NOT_FIRST: &[(&str, &str)] = &[
    ("bocpd", "a single reading is no change"),
    ("cusum", "sees nothing while it learns anew after an alarm"),
    ("matrix-profile", "looks at shapes: a lone event is like another lone event"),
    ("hbos", CROWDED),
    ("ecod", CROWDED),
    ("copod", CROWDED),
    ("isolation-forest", CROWDED),
    ("extended-isolation-forest", CROWDED),
    ("half-space-trees", CROWDED),
    ("mahalanobis-ew", "after a long rest its first move is as strange as any"),
    ("robust-random-cut-forest", "in a window of equal samples any other takes all the room"),
    ("pot-ensemble", "its parts are capped: after a long rest the first step reaches the cap too"),
    ("mahalanobis-ensemble", "after a long rest the first step is as rare as can be told"),
    (
        "two-way-mahalanobis",
        "adds up logarithms: two columns off by a step count for more than one off by many",
    ),
    ("peers", "among three members nobody can say who is odd"),
    ("one-class-svm-scalable", "outside the boundary its score levels off"),
];

const CROWDED: &str = "asks how rare a reading is, not how far: two columns off by a step are \
    rarer than one off by many";

/// About normal with deviation 1.
fn noise(random: &mut Pcg64Mcg) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

fn rounded(reading: f64) -> f64 {
    (reading * 10.0).round() / 10.0
}

fn readings(kind: &Kind, channels: usize) -> Vec<f64> {
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let mut readings: Vec<f64> =
        (0..ROWS * channels).map(|at| (kind.make)(&mut random, at / channels)).collect();
    readings[JUMP * channels] += kind.jump;
    readings
}

/// Every way in which `method` scores `readings`.
fn scores(method: &Method, readings: &[f64], channels: usize) -> Vec<(&'static str, Vec<f64>)> {
    let mut ways = Vec::new();
    if let Some(build) = method.batch {
        let frame = Frame::new(readings, channels).expect("finite");
        let fit = build(&SettingsMap::new()).expect("defaults are in range").fit(&frame);
        ways.push(("batch", fit.expect("enough rows").scores));
    }
    if let Some(build) = method.online {
        let mut detector = build(&SettingsMap::new(), channels).expect("defaults are in range");
        let mut rate = |(row, readings): (usize, &[f64])| {
            let sample = Sample::new(Timestamp::from_seconds(60 * row as i64), readings);
            detector.update(sample.expect("finite")).expect("its width").ready().unwrap_or(0.0)
        };
        ways.push(("online", readings.chunks(channels).enumerate().map(&mut rate).collect()));
    }
    ways
}

#[test]
fn steps_of_quantised_readings_score_within_reason_and_a_real_jump_stands_out() {
    let (mut failures, mut missed) = (Vec::new(), Vec::new());
    for method in CATALOGUE.iter().copied().flatten() {
        let widths: &[usize] = match method.channels {
            Channels::One => &[1],
            Channels::Any => &[1, 3],
            Channels::Several => &[3],
        };
        let excused = NOT_FIRST.iter().any(|(name, _)| *name == method.name);
        for (kind, channels) in KINDS.iter().flat_map(|kind| widths.iter().map(move |w| (kind, *w)))
        {
            for (way, scores) in scores(method, &readings(kind, channels), channels) {
                let what = format!("{} ({way}) of {channels} {}", method.name, kind.name);
                let near = JUMP - NEAR..JUMP + NEAR;
                let usual = scores.iter().enumerate().filter(|(row, _)| !near.contains(row));
                let usual = usual.map(|(_, score)| *score).fold(0.0, f64::max);
                let jump = scores[JUMP..JUMP + NEAR].iter().copied().fold(0.0, f64::max);
                if usual > SANE {
                    failures.push(format!("{what}: usual readings score {usual}"));
                }
                if jump > 100.0 * SANE {
                    failures.push(format!("{what}: the jump scores {jump}"));
                }
                if jump <= usual {
                    missed.push(method.name);
                    if !excused {
                        failures.push(format!("{what}: the jump scores {jump}, others {usual}"));
                    }
                }
            }
        }
    }
    let unneeded = NOT_FIRST.iter().filter(|(name, _)| !missed.contains(name));
    failures.extend(unneeded.map(|(name, _)| format!("{name}: its excuse is no longer needed")));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
