//! Measures against scikit-learn (`golden/learn.py`); tolerance 1e-12.

use auscult_diagnose::learn::{Confusion, fall};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/learn.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn codes(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|code| code as u32).collect()
}

fn assert_close(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-12, "{what}: {ours}, scikit-learn says {theirs}");
}

#[test]
fn measures_are_those_of_scikit_learn() {
    let golden = golden();
    let classes = golden["classes"].as_u64().expect("a count") as usize;
    for case in golden["measures"].as_array().expect("cases") {
        let confusion = Confusion::of(classes, &codes(&case["truth"]), &codes(&case["predicted"]));
        assert_eq!(serde_json::to_value(&confusion).expect("plain"), case["confusion"]);
        assert_close("accuracy", confusion.accuracy(), case["accuracy"].as_f64().unwrap());
        assert_close("macro F1", confusion.macro_f1(), case["macro_f1"].as_f64().unwrap());
        for class in 0..classes {
            // Where we say that there is nothing to tell, scikit-learn says 0.
            let check = |what: &str, ours: Option<f64>| {
                assert_close(what, ours.unwrap_or(0.0), numbers(&case[what])[class]);
            };
            check("precision", confusion.precision(class));
            check("recall", confusion.recall(class));
            check("f1", confusion.f1(class));
            check("support", Some(confusion.support(class) as f64));
        }
    }
}

#[test]
fn permutation_importance_is_that_of_scikit_learn() {
    let case = &golden()["importance"];
    let rows: Vec<Vec<f64>> = case["x"].as_array().unwrap().iter().map(numbers).collect();
    let truth = codes(&case["y"]);
    let accuracy = |cell: &dyn Fn(usize, usize) -> f64| {
        let rule = |row: usize| 2 * u32::from(cell(row, 0) > 0.2) + u32::from(cell(row, 1) > -0.1);
        let predicted: Vec<u32> = (0..rows.len()).map(rule).collect();
        Confusion::of(4, &truth, &predicted).accuracy()
    };
    let whole = accuracy(&|row, column| rows[row][column]);
    for feature in 0..3 {
        let shuffled = |order: &Value| {
            let order = codes(order);
            accuracy(&|row, column| {
                let from = if column == feature { order[row] as usize } else { row };
                rows[from][column]
            })
        };
        let scores: Vec<f64> = case["shuffles"].as_array().unwrap().iter().map(shuffled).collect();
        let (mean, deviation) = fall(whole, &scores);
        assert_close("mean", mean, numbers(&case["mean"])[feature]);
        assert_close("deviation", deviation, numbers(&case["deviation"])[feature]);
        assert_eq!(mean == 0.0, feature == 2, "only the third reading is not used");
    }
}
