//! Recordings of real servers and training jobs that were broken on purpose: how often what is wrong
//! comes first.

#[path = "../examples/real_servers/answer.rs"]
mod answer;
#[path = "../examples/real_servers/page.rs"]
mod page;
#[path = "../examples/real_servers/runs.rs"]
mod runs;
#[path = "../examples/real_servers/taught.rs"]
mod taught;

use answer::Seen;
use runs::{Collection, Run, SERVERS, TRAINING};

/// Of ten runs, those with the right cause first. Nine are wanted; `docs/real-servers.md` tells which are missed.
const OF_TEN: usize = 6;

#[test]
fn most_real_faults_have_the_right_cause_first() {
    let runs = Run::all(&SERVERS);
    assert!(runs.len() >= 40, "{}", runs.len());
    let answers: Vec<_> = runs.iter().map(|run| (run, answer::answer(run, Seen::All))).collect();
    let right = answers.iter().filter(|(_, answer)| answer.is_right).count();
    let wrong = answers.iter().filter(|(_, answer)| !answer.is_right);
    let wrong: Vec<String> =
        wrong.map(|(run, answer)| format!("{}: {}", run.name, answer.cause)).collect();
    assert!(right * 10 >= runs.len() * OF_TEN, "{right} of {}: {wrong:#?}", runs.len());
}

#[test]
fn the_pages_of_results_are_up_to_date() {
    for of in [SERVERS, TRAINING] {
        is_up_to_date(&of);
    }
}

fn is_up_to_date(of: &Collection) {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let kept = std::fs::read_to_string(format!("{docs}/{}", of.page)).unwrap();
    let hint = "renew it: cargo run -p auscult-server --example real_servers";
    assert_eq!(kept, page::document(of, &Run::all(of)), "{}: {hint}", of.page);
}
