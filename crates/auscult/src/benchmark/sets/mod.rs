//! The public data sets, one a file: where they are, their protocol, their measures.

mod asd;
mod kpi;
mod nab;
mod smap;
mod smd;
mod tsb;

use std::path::Path;

use super::Mode;
use super::pooled::{Pool, Pooled};
use super::series::Series;
use crate::outcome::CallError;

/// A public data set.
#[derive(Debug)]
pub(crate) struct Set {
    /// Name on the command line.
    pub name: &'static str,
    /// Full name.
    pub title: &'static str,
    /// Where the public can have it.
    pub source: &'static str,
    /// The files that are looked for, below the data folder.
    pub layout: &'static str,
    /// Its protocol, in a sentence or two.
    pub protocol: &'static str,
    /// In which modes methods are run.
    pub modes: &'static [Mode],
    /// What its tables show; the first decides the order.
    pub columns: &'static [Column],
    /// Figures others published, by measure of `columns`.
    pub published: &'static [Published],
    /// Whether the TSB-AD tables of published scores have its series.
    pub in_tsb: Option<&'static str>,
    /// Its series.
    pub names: fn(&Path) -> Result<Vec<String>, CallError>,
    /// One series.
    pub(super) load: fn(&Path, &str) -> Result<Series, CallError>,
    /// Measures that pool the scores of all series.
    pub(super) pooled: Option<fn(&[Pool]) -> Pooled>,
}

/// A measure in a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Name in machine formats.
    pub key: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Decimals.
    pub decimals: usize,
    /// Whether an interval stands beside it.
    pub interval: bool,
}

/// A figure that others reached.
#[derive(Debug)]
pub(crate) struct Published {
    /// Whose.
    pub who: &'static str,
    /// Measures and values.
    pub values: &'static [(&'static str, f64)],
    /// What to know about it.
    pub note: &'static str,
}

/// Every data set.
pub(crate) const SETS: &[&Set] =
    &[&nab::SET, &kpi::SET, &smd::SET, &asd::SET, &smap::SET, &tsb::SET];

/// The data set called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Set> {
    SETS.iter().copied().find(|set| set.name == name)
}

impl Set {
    /// The series called `name`.
    pub(crate) fn load(&self, data: &Path, name: &str) -> Result<Series, CallError> {
        (self.load)(data, name)
    }

    /// Whether it has measures that pool all series.
    pub(crate) fn pools(&self) -> bool {
        self.pooled.is_some()
    }

    /// One sentence for a person who has not got it.
    pub(crate) fn absent(&self, data: &Path) -> String {
        format!(
            "{}: no data set `{}`; it is public at {} and expected as {}",
            data.display(),
            self.name,
            self.source,
            self.layout
        )
    }
}

const fn column(key: &'static str, title: &'static str, decimals: usize) -> Column {
    Column { key, title, decimals, interval: false }
}

const fn with_interval(key: &'static str, title: &'static str) -> Column {
    Column { key, title, decimals: 3, interval: true }
}

/// How many alarms there are and how soon they come, at the method's own threshold.
const ALARM_RATE: Column = column("alarms_per_week", "false alarms a series-week", 2);
const FOUND: Column = column("found", "anomalies found", 2);
const DELAY: Column = column("delay_minutes", "delay, minutes", 0);

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use auscult_evaluate::{Scored, evaluation_window, segments, vus};

    use super::super::files::{numbers, table, words};
    use super::*;

    /// The public data sets, where they are at hand; `AUSCULT_SHARED_DATA` names the folder.
    fn data() -> Option<PathBuf> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        let folder = std::env::var_os("AUSCULT_SHARED_DATA").map_or(beside, PathBuf::from);
        let folder = folder.join("anomaly");
        if folder.is_dir() {
            return Some(folder);
        }
        eprintln!("skipped: no {}; set AUSCULT_SHARED_DATA to try it", folder.display());
        None
    }

    /// Rows, anomalous rows and anomalies of each series are those that TSB-AD publishes.
    #[test]
    fn series_of_tsb_have_the_published_shape() {
        let Some(data) = data() else { return };
        let mut compared = 0;
        for set in [&smap::SET, &tsb::SET] {
            let letter = set.in_tsb.expect("a set of TSB-AD");
            let path = format!("reference_scores/tsb_ad_{letter}_vus_pr_per_series.csv");
            let path = data.join(path);
            let published = table(&path, true, &["file"]).expect("a table");
            let files = words(&published, "file", &path).expect("names");
            let column = |name: &str| numbers(&published, name, &path).expect("numbers").to_vec();
            let (rows, anomalous, anomalies) =
                (column("ts_len"), column("anomaly_len"), column("num_anomaly"));
            for name in (set.names)(&data).expect("names") {
                let series = (set.load)(&data, &name).expect("a series");
                let at = files.iter().position(|file| *file == name).expect("published scores");
                let marked = series.labels.iter().filter(|label| **label).count();
                let runs = segments(&series.labels).len();
                let got = [series.rows(), marked, runs].map(|count| count as f64);
                assert_eq!(got, [rows[at], anomalous[at], anomalies[at]], "{name}");
                compared += 1;
            }
        }
        assert_eq!(compared, 40);
    }

    /// On this channel published detectors scored nothing but a constant; labels, window
    /// and volume together must give their figure.
    #[test]
    fn a_constant_score_gets_the_published_figure() {
        let Some(data) = data() else { return };
        let path = data.join("reference_scores/tsb_ad_M_vus_pr_per_series.csv");
        let published = table(&path, true, &["file"]).expect("a table");
        let files = words(&published, "file", &path).expect("names");
        let at = files.iter().position(|file| file.starts_with("169_SMAP_id_26")).expect("a row");
        let series = (smap::SET.load)(&data, &files[at]).expect("a series");
        let constant = vec![0.5; series.rows()];
        let scored = Scored::new(&series.labels, &constant).expect("finite scores");
        let window = evaluation_window(&series.channel(0));
        let got = vus(&scored, window).expect("both kinds of row").pr;
        for method in ["IForest", "LOF"] {
            let want = numbers(&published, method, &path).expect("numbers")[at];
            // The table has six decimals.
            assert!((got - want).abs() < 1e-6, "{method}: {got}, published {want}");
        }
    }

    #[test]
    fn every_data_set_is_as_its_readme_says() {
        let Some(data) = data() else { return };
        let series = |set: &Set| (set.names)(&data).expect("names").len();
        let counts: Vec<(&str, usize)> = SETS.iter().map(|set| (set.name, series(set))).collect();
        assert_eq!(
            counts,
            [("nab", 58), ("kpi", 29), ("smd", 4), ("asd", 6), ("smap", 23), ("tsb", 17)]
        );
        let kpi = (kpi::SET.load)(&data, "1c6d7a26-1f1a-3321-bb4d-7a9d969ec8f0").expect("a series");
        assert_eq!((kpi.rows(), kpi.step_seconds, kpi.train), (146_254, 60, 73_127));
        let anomalies = segments(&kpi.labels).len();
        assert_eq!(anomalies, 57);
        let asd = (asd::SET.load)(&data, "omi-1").expect("a series");
        // The end of a range belongs to it, and every guilty row is anomalous.
        let guilty = asd.guilty.iter().flat_map(|guilty| guilty.rows.start..=guilty.rows.end);
        assert!(guilty.clone().count() > 100 && guilty.clone().all(|row| asd.labels[row]));
        let smd = (smd::SET.load)(&data, "machine-1-6").expect("a series");
        let guilty = smd.guilty.iter().flat_map(|guilty| guilty.rows.start..=guilty.rows.end);
        assert!(guilty.clone().count() > 100 && guilty.clone().all(|row| smd.labels[row]));
    }
}
