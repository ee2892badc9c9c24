//! The simulated server of llama.cpp beside a recording of a real one: same names, types and labels, same
//! direction of nearly every response.

#[path = "../examples/side_by_side/compare.rs"]
mod compare;
#[path = "../examples/side_by_side/kv_pressure.rs"]
mod kv_pressure;
#[path = "../examples/side_by_side/page.rs"]
mod page;
#[path = "../examples/side_by_side/play.rs"]
mod play;
#[path = "../examples/side_by_side/recording.rs"]
mod recording;
#[path = "../examples/side_by_side/table.rs"]
mod table;

use auscult_knowledge::{Knowledge, Known, MetricForm};
use auscult_simulate::exporter::llama_cpp;
use auscult_simulate::page::Kind;

use compare::{Response, SIGNALS};

#[test]
fn names_types_and_labels_are_those_of_the_real_server() {
    let both = recording::both();
    assert_eq!(both.simulated.columns, both.real.columns);
    let knowledge = Knowledge::embedded();
    let page = llama_cpp::page("127.0.0.1:8080");
    for (family, line) in page.lines() {
        assert_eq!(line.labels, [], "the real server has no labels");
        match knowledge.look_up(&line.name(family)) {
            Some(Known::Signal { mapping, .. }) => {
                let form = match family.kind {
                    Kind::Counter => MetricForm::Counter,
                    _ => MetricForm::Gauge,
                };
                assert_eq!(mapping.kind, form, "{}", family.name);
            }
            Some(Known::Ignored { .. }) => {}
            None => panic!("{} is not known", family.name),
        }
    }
}

/// Responses that differ, and why.
const DIFFERENT: &[(&str, &str, &str)] = &[
    (
        "slots-exhausted",
        "llamacpp:n_decode_total",
        "both fall by a third to a half, on either side of the bound",
    ),
    (
        "cpu-limit",
        "llamacpp:tokens_predicted_total",
        "the real one gets less done than its share of the processor: it is stopped ten times a second",
    ),
];

#[test]
fn responses_to_faults_have_the_direction_of_the_real_ones() {
    let both = recording::both();
    let mut different = Vec::new();
    for fault in &both.faults {
        for signal in SIGNALS {
            let word = |table| Response::of(table, signal, fault).word();
            if word(&both.real) != word(&both.simulated) {
                different.push((fault.name.as_str(), signal.column));
            }
        }
    }
    let excused: Vec<(&str, &str)> =
        DIFFERENT.iter().map(|(fault, column, _)| (*fault, *column)).collect();
    assert_eq!(different, excused);
}

/// A simulated vLLM with too small a cache does as real ones do, and what it is told by has their names.
#[test]
fn a_cache_that_holds_too_little_shows_as_in_real_servers() {
    let all = kv_pressure::all();
    assert_eq!(all.len(), 3);
    let mut different = Vec::new();
    for signal in kv_pressure::SIGNALS {
        let responses: Vec<Response> =
            all.iter().map(|(_, table, fault)| Response::of(table, signal, fault)).collect();
        let is_told = |response: &Response| response.before.is_finite() && response.during > 0.0;
        assert!(responses.iter().all(is_told), "{}: {responses:?}", signal.column);
        if !kv_pressure::are_alike(&responses) {
            different.push(signal.column);
        }
    }
    // The real prompts are short; of the simulated ones the longest do not fit any more.
    let excused = ["vllm:request_prompt_tokens", "vllm:request_generation_tokens"];
    assert_eq!(different, excused);
}

#[test]
fn what_is_over_is_over() {
    let both = recording::both();
    // A simulated server is as before once the real one is, but for what is still answered then.
    for fault in &both.faults {
        let waits = SIGNALS.iter().find(|signal| signal.column == "llamacpp:requests_deferred");
        let after = Response::of(&both.simulated, waits.expect("a signal"), fault).after;
        assert!(after < 1.0, "{}: {after} wait", fault.name);
    }
}

#[test]
fn the_page_in_the_documents_is_this_one() {
    let both = recording::both();
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let read = |name: &str| std::fs::read_to_string(format!("{docs}/{name}")).unwrap_or_default();
    let hint = "run `cargo run -p auscult-simulate --example side_by_side`";
    assert!(read("side-by-side.md") == both.document(), "{hint}");
    assert!(read("side-by-side.svg") == both.picture(), "{hint}");
}
