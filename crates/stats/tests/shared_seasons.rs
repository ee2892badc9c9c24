//! The season finder on public series; skipped, in words, where the data are
//! not at hand. `AUSCULT_SHARED_DATA` names the folder.

use std::io::Read;
use std::path::{Path, PathBuf};

use auscult_stats::season::find_season;

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
    let folder = folder.join("anomaly/nab/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA to try it", folder.display());
    None
}

/// The second column of a gzipped CSV file with a header.
fn values(path: &Path) -> Vec<f64> {
    let file = std::fs::File::open(path).expect("a file of the data set");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzipped text");
    let number = |line: &str| line.split(',').nth(1).and_then(|field| field.parse().ok());
    text.lines().skip(1).map(|line| number(line).expect("a number")).collect()
}

#[test]
fn seasons_of_public_series_are_found() {
    let Some(folder) = folder() else { return };
    let found = |file: &str| find_season(&values(&folder.join(file)), &[]);
    for file in ["art_flatline", "art_noisy"] {
        assert_eq!(found(&format!("artificialNoAnomaly/{file}.csv.gz")), None, "{file}");
    }
    for (file, period) in [
        ("artificialNoAnomaly/art_daily_no_noise", 288),
        ("artificialNoAnomaly/art_daily_perfect_square_wave", 288),
        ("artificialNoAnomaly/art_daily_small_noise", 288),
        ("artificialWithAnomaly/art_daily_flatmiddle", 288),
        ("artificialWithAnomaly/art_daily_jumpsup", 288),
        ("realAWSCloudwatch/elb_request_count_8c0756", 288),
        // A week of half-hours: weekends differ.
        ("realKnownCause/nyc_taxi", 336),
        ("realTweets/Twitter_volume_IBM", 288),
        ("realTweets/Twitter_volume_GOOG", 288),
    ] {
        let found = found(&format!("{file}.csv.gz"));
        let near = found.is_some_and(|found| found.abs_diff(period) * 50 <= period);
        assert!(near, "{file}: {found:?}, want about {period}");
    }
}
