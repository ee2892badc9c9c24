//! Every measure on nine small cases, against the reference implementation of the
//! TSB-AD benchmark; `golden/README.md` says where the numbers come from.

use std::io::Read;

use auscult_evaluate::*;
use serde_json::Value;

struct Case {
    name: String,
    labels: Vec<bool>,
    scores: Vec<f64>,
    alarms: Vec<bool>,
    golden: Value,
}

impl Case {
    fn scored(&self) -> Scored<'_> {
        Scored::new(&self.labels, &self.scores).expect("finite scores")
    }

    fn flagged(&self) -> Flagged<'_> {
        Flagged::new(&self.labels, &self.alarms).expect("as many alarms as labels")
    }

    /// Compares with `key` of `group`; `null` there means not defined.
    #[track_caller]
    fn holds(&self, group: &str, key: &str, got: Option<f64>) {
        self.is(&format!("{group} {key}"), got, self.golden[group][key].as_f64());
    }

    #[track_caller]
    fn is(&self, what: &str, got: Option<f64>, expected: Option<f64>) {
        let name = &self.name;
        let near = match (got, expected) {
            (Some(got), Some(expected)) => (got - expected).abs() < 1e-9,
            (None, None) => true,
            _ => false,
        };
        assert!(near, "{name}: {what}: {got:?}, expected {expected:?}");
    }
}

fn cases() -> Vec<Case> {
    let packed: &[u8] = include_bytes!("golden/metric_vectors.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("gzipped text");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let cases = file["cases"].as_array().expect("a list of cases");
    let numbers = |case: &Value, key: &str| -> Vec<f64> {
        let list = case[key].as_array().expect("a list");
        list.iter().map(|number| number.as_f64().expect("a number")).collect()
    };
    let flags = |case: &Value, key: &str| -> Vec<bool> {
        numbers(case, key).into_iter().map(|flag| flag > 0.0).collect()
    };
    let cases: Vec<Case> = cases
        .iter()
        .map(|case| Case {
            name: case["name"].as_str().expect("a name").to_owned(),
            labels: flags(case, "label"),
            scores: numbers(case, "score"),
            alarms: flags(case, "pred"),
            golden: case.clone(),
        })
        .collect();
    assert_eq!(cases.len(), 9);
    cases
}

#[test]
fn volumes_agree_at_every_window() {
    let mut compared = 0;
    for case in cases() {
        let windows = case.golden["by_window"].as_object().expect("windows");
        for (window, expected) in windows {
            let got = vus(&case.scored(), window.parse().expect("a number of rows"));
            for (key, got) in
                [("VUS-PR", got.map(|got| got.pr)), ("VUS-ROC", got.map(|got| got.roc))]
            {
                case.is(&format!("{key} at {window}"), got, expected[key].as_f64());
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 66);
}

#[test]
fn areas_agree() {
    for case in cases() {
        case.holds("oracle", "AUC-PR", auc_pr(&case.scored()));
        case.holds("oracle", "AUC-ROC", auc_roc(&case.scored()));
    }
}

#[test]
fn oracles_agree() {
    for case in cases() {
        let scored = case.scored();
        let best = |measure: &dyn Fn(&Flagged<'_>) -> Option<f64>| {
            best_of_even_thresholds(&scored, 100, measure).map(|best| best.value)
        };
        // The reference adds a little to the denominator of F1.
        let lowered = operating_points(&scored).into_iter().map(|point| {
            let precision = point.hits as f64 / (point.hits + point.false_alarms) as f64;
            let recall = point.hits as f64 / scored.anomalous() as f64;
            2.0 * precision * recall / (precision + recall + 0.00001)
        });
        case.holds("oracle", "Standard-F1", lowered.max_by(f64::total_cmp));
        let exact = best_point_f1(&scored).expect("anomalous rows").counts.f1();
        case.is(
            "best F1",
            Some((exact * 2e4).round()),
            case.golden["oracle"]["Standard-F1"].as_f64().map(|f1| (f1 * 2e4).round()),
        );
        let adjusted = best(&|flagged| Some(point_adjusted_counts(flagged).f1()));
        case.holds("oracle", "PA-F1", adjusted);
        case.holds("oracle", "Event-based-F1", best(&|flagged| Some(event_f1(flagged)?.f1)));
        case.holds("oracle", "R-based-F1", best(&|flagged| Some(range_based(flagged, 0.2)?.f1)));
        case.holds("oracle", "Affiliation-F", best(&|flagged| affiliation(flagged)?.f1));
    }
}

#[test]
fn decisions_agree() {
    for case in cases() {
        let flagged = case.flagged();
        let ranges = range_based(&flagged, 0.2).expect("anomalous rows");
        let near = affiliation(&flagged).expect("anomalous rows");
        for (key, got) in [
            ("Standard-F1", Some(point_counts(&flagged).f1())),
            ("PA-F1", Some(point_adjusted_counts(&flagged).f1())),
            ("Event-based-F1", event_f1(&flagged).map(|event| event.f1)),
            ("R-based-F1", Some(ranges.f1)),
            ("range_recall_alpha0.2", Some(ranges.recall)),
            ("range_existence", Some(ranges.existence)),
            ("range_overlap", Some(ranges.overlap)),
            ("range_precision_alpha0", Some(ranges.precision)),
            ("Affiliation-F", near.f1),
            ("affiliation_precision", near.precision),
            ("affiliation_recall", Some(near.recall)),
        ] {
            case.holds("from_pred", key, got);
        }
        let each = |key: &str, got: Vec<Option<f64>>| {
            let list = case.golden["from_pred"][key].as_array().expect("one for each segment");
            assert_eq!(list.len(), got.len(), "{}", case.name);
            for (got, expected) in got.into_iter().zip(list) {
                case.is(key, got, expected.as_f64());
            }
        };
        each("affiliation_individual_precision", near.each_precision.clone());
        let recalls = near.each_recall.iter().copied().map(Some).collect();
        each("affiliation_individual_recall", recalls);
    }
}
