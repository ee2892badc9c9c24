//! `auscult troubleshoot` with a Bayesian network.

use crate::call::{Ended, auscult, scratch};

/// A machine that stops when its fuse or its pump is broken; a lamp tells of the fuse, nearly
/// always.
const MACHINE: &str = "network machine { }
variable fuse { type discrete [ 2 ] { whole, broken }; }
variable pump { type discrete [ 2 ] { whole, broken }; }
variable lamp { type discrete [ 2 ] { on, off }; }
variable machine { type discrete [ 2 ] { runs, stands }; }
probability ( fuse ) { table 0.95 0.05; }
probability ( pump ) { table 0.95 0.05; }
probability ( lamp | fuse ) { (whole) 0.999 0.001; (broken) 0 1; }
probability ( machine | fuse, pump ) {
  (whole, whole) 1 0; (broken, whole) 0 1; (whole, broken) 0 1; (broken, broken) 0 1;
}";

fn ask(name: &str, more: &[&str], answers: &str) -> Ended {
    // No ending: the first word tells what it is.
    let path = scratch(name);
    std::fs::write(&path, MACHINE).expect("written");
    let path = path.display().to_string();
    auscult(&[&["troubleshoot", "--model", &path][..], more].concat(), answers)
}

const STANDS: [&str; 4] = ["--symptom", "machine=stands", "--costs", "fuse=10,pump=10"];

#[test]
fn cheap_looks_lead_to_the_cause() {
    let ended = ask("machine-off", &STANDS, "off\n");
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in [
        "Looking for the cause among 2 suspects of 4 variables.",
        "Question 1: lamp?  (a state or its number)\n   1) on   2) off\n> off\n",
        "fuse  ",
        "\nCause: fuse = broken (99",
        "Looked at 1 variable for a cost of 1.",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
    let ended = ask("machine-on", &STANDS, "1\n");
    assert!(ended.out.contains("Cause: pump = broken"), "{}", ended.out);
}

#[test]
fn what_nobody_can_look_at_stays_open_and_answers_are_taken_back() {
    let ended = ask("machine-open", &STANDS, "unknown\nback\nwhy\nlamp = on\n");
    for part in [
        "Then `lamp` stays open.",
        "Question 2: ",
        "Took back the answer about `lamp`.",
        "What the answer would mean:",
        "then fuse",
        "is expected to be found at a cost of",
        "Cause: pump = broken",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
    let ended = ask("machine-nothing", &STANDS, "unknown\nunknown\nunknown\n");
    assert!(
        ended.out.contains("Most likely cause, and nothing is left to look at: "),
        "{}",
        ended.out
    );
    let ended = ask("machine-quit", &STANDS, "purple\nmachine = runs\nwheel = off\nquit\n");
    for part in [
        "`lamp` has no state `purple`; it has on, off",
        "`machine` is known already",
        "the network has no variable `wheel`",
        "Most likely cause so far: ",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
}

#[test]
fn answers_that_cannot_come_together_are_not_taken() {
    let ended = ask("machine-absurd", &STANDS, "fuse = broken\n");
    assert!(ended.out.contains("Cause: fuse = broken"), "{}", ended.out);
    let dear = ["--symptom", "machine=stands", "--costs", "lamp=50"];
    let ended = ask("machine-absurd2", &dear, "pump = whole\nquit\n");
    assert!(ended.out.contains("Cause: fuse = broken (100 %)"), "{}", ended.out);
    let ended = ask("machine-absurd3", &STANDS, "unknown\nfuse = whole\npump = whole\nquit\n");
    assert!(
        ended.out.contains("Cause: pump = broken") || ended.out.contains("That cannot be"),
        "{}",
        ended.out
    );
}

#[test]
fn a_packed_network_is_known_by_its_name() {
    let path = "crates/diagnose/tests/data/networks/win95pts.bif.gz";
    let call = ["troubleshoot", "--model", path, "--symptom", "Problem1=No_Output", "-q"];
    let ended = auscult(&call, "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("Question 1: "), "{}", ended.out);
}

#[test]
fn what_does_not_fit_a_network_is_refused_in_a_sentence() {
    let cases: [(&[&str], &str); 9] = [
        (
            &[],
            "say what is wrong with --symptom VARIABLE=STATE; symptoms of this network may be lamp, machine",
        ),
        (&["--symptom", "machine"], "--symptom machine: expected a variable and its state"),
        (&["--symptom", "machin=stands"], "no variable `machin`: did you mean `machine`"),
        (&["--symptom", "machine=flies"], "`machine` has no state `flies`; there are runs, stands"),
        (
            &["--symptom", "machine=stands", "--costs", "fuze=1"],
            "--costs: the network has no variable `fuze`: did you mean `fuse`",
        ),
        (
            &["--symptom", "machine=stands", "--costs", "fuse=0"],
            "looking at `fuse` costs 0; expected a finite number above 0",
        ),
        (
            &["--symptom", "machine=stands", "--certainty", "0.4"],
            "certainty is 0.4; expected a number between 0.5 and 1",
        ),
        (&["--input", "-"], "is a Bayesian network, which is asked about one case at a time"),
        (&["--symptom", "fuse=broken"], "there is nothing to suspect"),
    ];
    for (more, sentence) in cases {
        let ended = ask("machine-refused", more, "");
        assert!(ended.code == 2 && ended.err.contains(sentence), "{more:?}: {}", ended.err);
    }
    let path = scratch("broken.bif");
    std::fs::write(&path, "network x { }\nvariable y { }").expect("written");
    let ended = auscult(&["troubleshoot", "--model", &path.display().to_string()], "");
    assert!(ended.code == 2 && ended.err.contains("broken.bif, line 2: "), "{}", ended.err);
}
