//! Recordings of real servers that were broken on purpose: what is wrong comes first in nine of ten.

#[path = "../examples/real_servers/answer.rs"]
mod answer;
#[path = "../examples/real_servers/page.rs"]
mod page;
#[path = "../examples/real_servers/runs.rs"]
mod runs;

use answer::Seen;
use runs::Run;

#[test]
fn nine_of_ten_real_faults_have_the_right_cause_first() {
    let runs = Run::all();
    assert!(runs.len() >= 10, "{}", runs.len());
    let answers = runs.iter().map(|run| (run, answer::answer(run, Seen::All)));
    let wrong: Vec<String> = answers
        .filter(|(_, answer)| !answer.is_right)
        .map(|(run, answer)| format!("{}: {} {}", run.name, answer.cause, answer.place))
        .collect();
    assert!(wrong.len() * 10 <= runs.len(), "{} of {}: {wrong:#?}", wrong.len(), runs.len());
}

#[test]
fn the_page_of_results_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/real-servers.md");
    let kept = std::fs::read_to_string(path).unwrap();
    let hint = "renew it: cargo run -p auscult-server --example real_servers";
    assert_eq!(kept, page::document(&Run::all()), "{hint}");
}
