//! `auscult troubleshoot`.

use crate::call::{Ended, auscult, scratch, scratch_text};

/// A model of the example log, with words and, in one column, missing values.
fn model(name: &str, more: &[&str]) -> String {
    let mut log = String::from("temperature,light,noise,cause\n");
    for row in 0..200 {
        let noise = row * 7919 % 101;
        let (temperature, light, cause) = match row % 4 {
            0 => (85 + noise % 10, "green", "fan"),
            1 if row % 8 == 1 => (50 + noise % 30, "amber", "cable"),
            1 => (50 + noise % 30, "amber blink", "switch"),
            _ => (50 + noise % 30, "green", "none"),
        };
        let noise = if noise % 5 == 0 { String::new() } else { noise.to_string() };
        log += &format!("{temperature},{light},{noise},{cause}\n");
    }
    let model = scratch_text(name);
    let call = ["learn", "-", "--label", "cause", "-q", "-o", &model];
    let ended = auscult(&[&call, more].concat(), &log);
    assert_eq!(ended.code, 0, "{}", ended.err);
    model
}

fn ask(name: &str, more: &[&str], answers: &str) -> Ended {
    let model = model(name, &[]);
    auscult(&[&["troubleshoot", "--model", &model], more].concat(), answers)
}

#[test]
fn questions_lead_to_the_cause() {
    let ended = ask("ask.json", &[], "1\n90\n");
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in [
        "Looking for one of 4 causes of `cause`, learnt from 200 rows.",
        "Question 1: light?  (a word or its number)\n   1) green   2) amber   3) amber blink\n> 1\n",
        "Ruled out by light = green: cable, switch",
        "Question 2: temperature?  (a number; 50 to 94 in the log)\n> 90\n",
        "\nCause: fan (9",
        "Because:\n",
        "  temperature = 90 (> 82)\n",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
}

#[test]
fn words_are_taken_by_number_beginning_and_any_case() {
    for answer in ["3", "amber b", "AMBER BLINK"] {
        let ended = ask("words.json", &["-q"], &format!("{answer}\n60\n"));
        assert!(ended.out.contains("Cause: switch"), "{answer}: {}", ended.out);
    }
    // A word of the log wins over words that begin with it.
    assert!(ask("words2.json", &["-q"], "amber\n60\n").out.contains("Cause: cable"));
    let unclear = ask("words3.json", &["-q"], "amb\nviolet\n");
    assert!(unclear.out.contains("`amb` could be amber, amber blink; type more of it"));
    assert!(unclear.out.contains("the log has no `violet`"));
}

#[test]
fn unknown_is_never_asked_again_and_back_takes_it_back() {
    let ended = ask("unknown.json", &[], "unknown\nunknown\n");
    assert_eq!(ended.out.matches("light?").count(), 1, "{}", ended.out);
    assert!(ended.out.contains("no further question would help: none"), "{}", ended.out);
    let ended = ask("back.json", &[], "back\n1\nback\n2\n60\n");
    assert!(ended.out.contains("There is no answer to take back."), "{}", ended.out);
    assert!(ended.out.contains("Took back the answer about `light`."), "{}", ended.out);
    assert!(ended.out.contains("Cause: cable"), "{}", ended.out);
}

#[test]
fn why_tells_what_the_answers_would_mean() {
    let ended = ask("why.json", &[], "why\nquit\n");
    for part in [
        "What the answer would mean:",
        "amber blink",
        "then switch",
        "bits of doubt",
        "next best: `temperature`",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
    assert!(ended.out.contains("Most likely cause so far: none"), "{}", ended.out);
}

#[test]
fn dear_questions_come_later() {
    let list = ask("costs.json", &["--costs", "light=50"], "");
    assert!(list.out.contains("Question 1: temperature?"), "{}", list.out);
    let file = scratch("prices.csv");
    std::fs::write(&file, "feature,price\nlight,50\ntemperature,2\nsmell,3\n").expect("written");
    let file = ask("costs2.json", &["--costs", &file.display().to_string()], "");
    assert!(file.out.contains("Question 1: temperature?"), "{}", file.out);
    assert!(file.out.contains("costs 2)"), "{}", file.out);
    assert!(file.err.contains("the model has no feature `smell`: ignored"), "{}", file.err);
    for (costs, sentence) in [
        ("lihgt=2", "did you mean `light`"),
        ("light=free", "expected `feature=price`, got `light=free`"),
        ("light=0", "the price of `light` is 0: must be above 0"),
    ] {
        let ended = ask("costs3.json", &["--costs", costs], "");
        assert!(ended.code == 2 && ended.err.contains(sentence), "{}", ended.err);
    }
}

#[test]
fn the_end_of_the_input_ends_with_what_is_known() {
    let ended = ask("eof.json", &[], "");
    assert_eq!(ended.code, 0);
    assert!(
        ended.out.ends_with("none 50 %") || ended.out.contains("Most likely cause so far: none")
    );
    let ended = ask("eof2.json", &[], "hot\n1e999\nnan\n");
    assert_eq!(ended.code, 0, "{}", ended.err);
}

/// A log in which `echo` says less surely what `x` says, so that no tree asks it.
fn echo_model(name: &str, more: &[&str]) -> String {
    let mut log = String::from("x,echo,chatter,cause\n");
    for row in 0..200 {
        let noise = row * 7919 % 101;
        let told = if noise < 80 { row % 2 } else { 1 - row % 2 };
        let cause = ["fan", "cable"][row % 2];
        let (x, echo, chatter) = (row % 2 * 50 + noise % 20, told * 10, noise % 7);
        log += &format!("{x},{echo},{chatter},{cause}\n");
    }
    let model = scratch_text(name);
    let call = ["learn", "-", "--label", "cause", "-q", "-o", &model];
    let ended = auscult(&[&call, more].concat(), &log);
    assert_eq!(ended.code, 0, "{}", ended.err);
    model
}

#[test]
fn what_was_not_asked_can_be_told_and_counts() {
    let model = echo_model("told.json", &[]);
    let call = ["troubleshoot", "--model", &model];
    let ended = auscult(&call, "echoo = 1\necho = 10\nback\necho=unknown\nx = 3\n");
    assert!(ended.out.contains("no feature `echoo`: did you mean `echo`"), "{}", ended.out);
    assert!(ended.out.contains("Took back the answer about `echo`."), "{}", ended.out);
    assert!(ended.out.contains("Cause: fan (9"), "{}", ended.out);
    let ended = auscult(&call, "echo = 10\nquit\n");
    let said = ended.out.split("> ").nth(1).expect("an answer was taken");
    assert!(said.contains("cable  ") && said.contains("was 50 %"), "{}", ended.out);
    assert!(ended.out.contains("so far: cable (8") || ended.out.contains("so far: cable (7"));
    assert!(ended.out.contains("  echo = 10 (+"), "{}", ended.out);
    let rows =
        auscult(&[&call[..], &["--input", "-", "--format", "json"]].concat(), "echo\n10\n0\n");
    let all: serde_json::Value = serde_json::from_str(&rows.out).expect("JSON");
    assert_eq!((&all[0]["cause"], &all[1]["cause"]), (&"cable".into(), &"fan".into()));
    assert_eq!(all[0]["reasons"][0]["feature"], "echo");
}

#[test]
fn an_answer_that_changes_nothing_is_said_to() {
    let model = echo_model("idle.json", &[]);
    let text = std::fs::read_to_string(&model).expect("written");
    let (old, _) = text.split_once(",\"companions\"").expect("they come last");
    std::fs::write(&model, format!("{old}}}")).expect("written");
    let ended = auscult(&["troubleshoot", "--model", &model], "echo = 10\nquit\n");
    assert!(ended.out.contains("Nothing changes by echo = 10: the trees do not ask it"));
    let rows = auscult(&["troubleshoot", "--model", &model, "--input", "-"], "echo\n10\n");
    assert!(rows.err.contains("have no counts to weigh them by"), "{}", rows.err);
}

#[test]
fn rows_of_a_file_get_cause_confidence_and_reason() {
    let model = model("rows.json", &[]);
    let rows = "light,temperature,extra\ngreen,91,x\namber,,y\nviolet,60,z\n,60,z\n";
    let call = ["troubleshoot", "--model", &model, "--input", "-"];
    let ended = auscult(&call, rows);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("temperature = 91 (> 82)"), "{}", ended.out);
    assert!(ended.out.contains("4 rows: none 2, "), "{}", ended.out);
    assert!(
        ended.err.contains("`light` has words that the log did not, such as `violet`, in 1 row")
    );
    let json = auscult(&[&call[..], &["--format", "json"]].concat(), rows);
    let all: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(all[0]["cause"], "fan");
    assert_eq!(all[1]["cause"], "cable");
    assert!(all[2]["confidence"].as_f64().expect("a share") < 0.9, "a new word settles nothing");
    let csv = auscult(&[&call[..], &["--format", "csv"]].concat(), rows).out;
    assert!(csv.starts_with("row,cause,confidence,reason,alternatives\n1,fan,0.9"), "{csv}");
    assert_eq!(csv.lines().count(), 5);
}

#[test]
fn a_forest_gives_weights_as_reasons() {
    let model = model("forest.json", &["--model", "forest", "--trees", "25"]);
    let rows = "light,temperature\ngreen,91\n";
    let ended = auscult(&["troubleshoot", "--model", &model, "--input", "-"], rows);
    assert!(ended.out.contains("temperature = 91 (+"), "{}", ended.out);
    let asked = auscult(&["troubleshoot", "--model", &model, "-q"], "3\n");
    assert!(asked.out.contains("cause") && asked.out.contains("switch"), "{}", asked.out);
}

#[test]
fn rows_that_do_not_fit_get_one_clear_sentence() {
    let model = model("misfit.json", &[]);
    for (rows, sentence) in [
        ("a,b\n1,2\n", "none of the columns that the model learnt from: `"),
        ("temperature,light\nhot,green\n", "column `temperature` holds words such as `hot`"),
    ] {
        let ended = auscult(&["troubleshoot", "--model", &model, "--input", "-"], rows);
        assert!(ended.code == 2 && ended.err.contains(sentence), "{}", ended.err);
    }
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let call = |model: &str| auscult(&["troubleshoot", "--model", model], "");
    let absent = call("nowhere.json");
    assert!(
        absent.code == 2 && absent.err.contains("nowhere.json: no such file"),
        "{}",
        absent.err
    );
    let log = call("examples/data/ai4i/fault_log.csv");
    assert!(log.code == 2 && log.err.contains("is not a model that `auscult learn` wrote"));
    let path = scratch("newer.json");
    std::fs::write(&path, r#"{"format":"auscult-troubleshooting-model","version":99}"#).unwrap();
    let newer = call(&path.display().to_string());
    assert!(newer.code == 2 && newer.err.contains("has version 99"), "{}", newer.err);
}

#[test]
fn rows_are_read_as_the_flags_say() {
    let model = model("flags.json", &[]);
    let call = ["troubleshoot", "--model", &model, "--input", "-", "--delimiter", ";"];
    let ended = auscult(&call, "light;temperature\ngreen;91\n");
    assert!(ended.out.contains("fan"), "{} {}", ended.out, ended.err);
    let ended = auscult(&["troubleshoot", "--model", &model, "--delimiter", ";"], "");
    assert!(ended.code == 2 && ended.err.contains("--input"), "{}", ended.err);
}
