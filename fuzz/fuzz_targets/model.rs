//! Any bytes as a model file: a model that works, or a sentence.
#![no_main]

use auscult_diagnose::draw;
use auscult_diagnose::model::LearntModel;
use auscult_diagnose::troubleshoot::{Answer, Next, Session, reasons};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = LearntModel::from_json(bytes) else { return };
    for tree in model.trees() {
        let _ = (draw::text(&model, tree), draw::svg(&model, tree), draw::dot(&model, tree));
    }
    let mut session = Session::new(&model, 0.95).expect("in range");
    for round in 0..3 {
        let _ = reasons(&model, &session.answers(), session.leading());
        let Next::Ask(questions) = session.next() else { break };
        let answers = [Answer::Number(1.0), Answer::Category(0), Answer::Unknown];
        let feature = questions[0].feature;
        let _ = answers[round..].iter().any(|answer| session.answer(feature, *answer).is_ok());
    }
});
