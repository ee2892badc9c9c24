//! Model files from strangers: whatever is changed in a sound one, reading it
//! ends in a model that works or in a sentence, never in a panic.

use auscult_diagnose::draw;
use auscult_diagnose::learn::{
    Alpha, FaultLog, FeatureColumn, FeatureValues, LearnSettings, Learner, learn,
};
use auscult_diagnose::model::{LARGEST_FILE, LearntModel, ModelError};
use auscult_diagnose::troubleshoot::{Answer, Next, Session, reasons};
use proptest::prelude::*;
use serde_json::{Value, json};

fn model(learner: Learner) -> LearntModel {
    let noise = |row: usize, salt: usize| (row * 7919 + salt * 104_729) % 1009;
    let load = (0..120).map(|row| (noise(row, 1) % 100) as f64);
    let load: Vec<f64> = load.map(|load| if load < 10.0 { f64::NAN } else { load }).collect();
    let codes: Vec<u32> = (0..120).map(|row| noise(row, 2) as u32 % 3).collect();
    let cause = |row: usize| match (load[row], codes[row]) {
        (load, _) if load > 70.0 => 1,
        (_, 2) => 2,
        _ => 0,
    };
    let labels = (0..120).map(cause).collect();
    let categories = ["red", "green", "blue"].map(str::to_owned).to_vec();
    let feature = |name: &str, values| FeatureColumn { name: name.to_owned(), values };
    let features = vec![
        feature("load", FeatureValues::Numbers(load.clone())),
        feature("light", FeatureValues::Words { codes: codes.clone(), categories }),
    ];
    let classes = ["none", "fan", "cable"].map(str::to_owned).to_vec();
    let log = FaultLog::new("cause", classes, labels, features).expect("sound");
    let settings = LearnSettings { learner, importance_repeats: 0, ..LearnSettings::default() };
    learn(&log, &settings, &|_| {}).expect("learns").model
}

fn sound() -> Value {
    let model = model(Learner::Tree { alpha: Alpha::Given(0.0) });
    serde_json::from_str(&model.to_json().expect("small")).expect("JSON")
}

/// Uses everything that a model offers.
fn exercise(model: &LearntModel) {
    for tree in model.trees() {
        assert!(!draw::text(model, tree).is_empty());
        assert!(draw::svg(model, tree).ends_with("</svg>\n"));
        assert!(draw::dot(model, tree).ends_with("}\n"));
    }
    let mut session = Session::new(model, 1.0).expect("in range");
    for round in 0..3 {
        let beliefs = session.beliefs();
        assert!(beliefs.iter().all(|belief| (0.0..=1.0).contains(belief)), "{beliefs:?}");
        assert!((beliefs.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{beliefs:?}");
        let _ = reasons(model, &session.answers(), session.leading());
        let Next::Ask(questions) = session.next() else { break };
        let feature = questions[0].feature;
        let answers = [Answer::Number(50.0), Answer::Category(0), Answer::Unknown];
        let taken = answers[round..].iter().any(|answer| session.answer(feature, *answer).is_ok());
        assert!(taken, "a question can always be left open");
    }
}

/// Every place in `value`, as JSON pointers.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                places(item, &format!("{at}/{key}"), into);
            }
        }
        _ => {}
    }
}

fn strange() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!(-1)),
        Just(json!(0)),
        Just(json!(u64::MAX)),
        Just(json!(1e308)),
        Just(json!(-1e308)),
        Just(json!(5e-324)),
        Just(json!("\u{1b}[2J")),
        Just(json!("")),
        Just(json!(true)),
        (0..200_u64).prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(|text| json!(text)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_changed_model_works_or_is_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), strange(), any::<bool>()), 1..4)
    ) {
        let mut json = sound();
        for (place, value, remove) in changes {
            let mut all = Vec::new();
            places(&json, "", &mut all);
            let chosen = place.get(&all);
            match chosen.rsplit_once('/') {
                Some((parent, key)) if remove => match json.pointer_mut(parent) {
                    Some(Value::Object(fields)) => { fields.remove(key); }
                    Some(Value::Array(items)) => { items.remove(key.parse::<usize>().unwrap()); }
                    _ => {}
                },
                _ => *json.pointer_mut(chosen).unwrap() = value,
            }
        }
        if let Ok(model) = LearntModel::from_json(json.to_string().as_bytes()) {
            exercise(&model);
        }
    }

    #[test]
    fn changed_bytes_work_or_are_refused(at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let mut bytes = sound().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        if let Ok(model) = LearntModel::from_json(&bytes) {
            exercise(&model);
        }
    }
}

#[test]
fn a_model_reads_back_as_it_was_written() {
    for learner in [Learner::Tree { alpha: Alpha::Auto }, Learner::Forest { trees: 7 }] {
        let model = model(learner);
        let json = model.to_json().expect("small");
        let again = LearntModel::from_json(json.as_bytes()).expect("sound");
        assert_eq!(again, model);
        exercise(&again);
    }
}

#[test]
fn counts_too_large_to_add_do_not_overflow() {
    let mut json = sound();
    for weight in json["trees"][0]["values"].as_array_mut().expect("weights") {
        *weight = json!(1e30);
    }
    exercise(&LearntModel::from_json(json.to_string().as_bytes()).expect("sound but odd"));
}

#[test]
fn what_is_wrong_is_named() {
    let refusal = |edit: &dyn Fn(&mut Value)| {
        let mut json = sound();
        edit(&mut json);
        LearntModel::from_json(json.to_string().as_bytes()).expect_err("damaged").to_string()
    };
    type Edit<'a> = &'a dyn Fn(&mut Value);
    let cases: [(Edit<'_>, &str); 13] = [
        (&|json| json["format"] = json!("something else"), "its `format` is not"),
        (&|json| json["version"] = json!(99), "has version 99"),
        (&|json| json["surprise"] = json!(1), "unknown field `surprise`"),
        (&|json| json["causes"][1]["name"] = json!("none"), "cause `none` occurs twice"),
        (&|json| json["features"][0]["price"] = json!(0), "feature `load`: price = 0"),
        (&|json| json["features"][0]["name"] = json!("\u{1b}[2J"), "control characters"),
        (&|json| json["trees"] = json!([]), "a forest needs a tree"),
        (&|json| json["trees"][0]["nodes"][0]["split"]["yes"] = json!(0), "tree 1: node 0"),
        (&|json| json["features"][1]["values"]["words"]["categories"] = json!(["a"]), "counts"),
        (&|json| json["companions"]["leaves"] = json!([]), "companions: they are of other"),
        (&|json| json["companions"]["leaves"][0][0][2] = json!(999), "out of range or order"),
        (&|json| json["companions"]["leaves"][0][0][3] = json!(0), "out of range or order"),
        (&|json| json["companions"]["bounds"][0] = json!([2.0, 1.0]), "must be finite and ascend"),
    ];
    for (edit, expected) in cases {
        let message = refusal(edit);
        assert!(message.contains(expected), "{message}");
    }
    let long = vec![b' '; LARGEST_FILE + 1];
    assert!(matches!(LearntModel::from_json(&long), Err(ModelError::TooLarge { .. })));
    assert!(LearntModel::from_json(b"hello").is_err());
    let nested = "[".repeat(100_000);
    assert!(LearntModel::from_json(nested.as_bytes()).is_err());
}
