//! `auscult learn`.

use crate::call::{auscult, scratch, scratch_text};

const LOG: &str = "examples/data/ai4i/fault_log.csv";

/// A small log: heat tells `fan`, a word tells `cable`.
fn small_log(extra_header: &str, extra: impl Fn(usize) -> String) -> String {
    let mut text = format!("temperature,light{extra_header},cause\n");
    for row in 0..120 {
        let noise = row * 7919 % 101;
        let (temperature, light, cause) = match row % 4 {
            0 => (85 + noise % 10, "green", "fan"),
            1 => (50 + noise % 30, "amber", "cable"),
            _ => (50 + noise % 30, if noise % 2 == 0 { "green" } else { "blue" }, "none"),
        };
        text += &format!("{temperature},{light}{},{cause}\n", extra(row));
    }
    text
}

#[test]
fn a_fault_log_becomes_a_report_a_model_and_pictures() {
    let (model, dot, svg) =
        (scratch_text("report.json"), scratch_text("report.dot"), scratch_text("report.svg"));
    let call =
        ["learn", LOG, "--label", "fault", "--output", &model, "--dot", &dot, "--plot", &svg];
    let ended = auscult(&call, "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in [
        "Learnt from 1,200 rows to tell 5 causes of `fault` apart by 6 features.",
        "5 stratified folds, 1,200 rows",
        "95 % interval",
        "baseline  80.8 %",
        "true \\ said",
        "torque_nm",
        "├─ yes: ",
        "Next: auscult troubleshoot --model",
    ] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
    assert!(ended.err.contains("81 % of the rows are `none`"), "{}", ended.err);
    let read = |name| std::fs::read_to_string(scratch(name)).expect("written");
    assert!(read("report.json").starts_with("{\"format\":\"auscult-troubleshooting-model\""));
    assert!(read("report.dot").starts_with("digraph"));
    assert!(read("report.svg").contains("heat dissipation"));
}

#[test]
fn the_same_call_gives_the_same_model() {
    let (one, other) = (scratch_text("same1.json"), scratch_text("same2.json"));
    for model in [&one, &other] {
        let call = [
            "learn", LOG, "--label", "fault", "--model", "forest", "--trees", "20", "-q", "-o",
            model,
        ];
        assert_eq!(auscult(&call, "").code, 0);
    }
    let read = |name| std::fs::read(scratch(name)).expect("written");
    assert_eq!(read("same1.json"), read("same2.json"));
}

#[test]
fn machines_get_json() {
    let ended = auscult(&["learn", LOG, "--label", "fault", "--format", "json"], "");
    let report: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    let accuracy = report["training"]["validation"]["accuracy"].as_f64().expect("a share");
    assert!((0.9..0.95).contains(&accuracy), "{accuracy}");
    assert_eq!(report["confusion"]["labels"].as_array().map(Vec::len), Some(5));
    assert_eq!(report["findings"][0]["finding"]["kind"], "imbalanced");
}

#[test]
fn rare_causes_are_found_when_all_weigh_the_same() {
    let recall = |weight: &str| {
        let call = ["learn", LOG, "--label", "fault", "--format", "json", "--class-weight", weight];
        let report: serde_json::Value =
            serde_json::from_str(&auscult(&call, "").out).expect("JSON");
        let causes = report["causes"].as_array().expect("a list").clone();
        let wear = causes.into_iter().find(|cause| cause["name"] == "tool wear").expect("known");
        wear["recall"].as_f64().expect("a share")
    };
    let (none, balanced) = (recall("none"), recall("balanced"));
    assert!(balanced > none + 0.3, "{none} {balanced}");
}

#[test]
fn columns_that_teach_nothing_or_too_much_are_named() {
    let log = small_log(",serial,site,verdict,when", |row| {
        let verdict = ["F1", "C7", "ok", "ok"][row % 4];
        let (minute, hour) = (row % 60, row / 60);
        format!(",X{row:04},north,{verdict},2026-01-01T{hour:02}:{minute:02}:00Z")
    });
    let ended = auscult(&["learn", "-", "--label", "cause"], &log);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in [
        "`when` holds times, which are no symptoms: left out",
        "`serial` looks like an identifier (120 different values in 120 rows): left out",
        "`site` has the same value in every row: left out",
        "`verdict` says the same as the label in every row: left out",
        "`temperature` alone tells `fan` from everything else (30 of 30 rows found, none wrongly)",
    ] {
        assert!(ended.err.contains(part), "no {part:?} in\n{}", ended.err);
    }
    assert!(ended.out.contains("light is amber?"), "{}", ended.out);
    let named = ["learn", "-", "--label", "cause", "--features", "serial,temperature"];
    assert!(auscult(&named, &log).err.contains("kept because you named it"));
}

#[test]
fn the_future_never_teaches_the_past() {
    let log =
        small_log(",when", |row| format!(",2026-01-{:02}T{:02}:00:00Z", row / 20 + 1, row % 20));
    let ended = auscult(&["learn", "-", "--label", "cause", "--time", "when"], &log);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("5 time-ordered folds, 100 rows"), "{}", ended.out);
}

#[test]
fn a_wrong_call_gets_one_clear_sentence() {
    let log = small_log("", |_| String::new());
    let no_label = log.lines().map(|line| format!("{},\n", line.rsplit_once(',').unwrap().0));
    let no_label = no_label.collect::<String>().replacen("light,", "light,cause", 1);
    let serial = small_log(",serial", |row| format!(",X{row}"));
    let one = log.replace("fan", "none").replace("cable", "none");
    let cases: [(&[&str], &str, &str); 9] = [
        (&["--label", "serial"], &serial, "has 120 different values in 120 rows"),
        (&["--label", "cuase"], &log, "no column `cuase`: did you mean `cause`"),
        (&["--label", "cause", "--exclude", "lihgt"], &log, "did you mean `light`"),
        (&["--label", "cause"], &one, "label `cause` has one value, `none`, in all 120 rows"),
        (&["--label", "cause"], &no_label, "column `cause` has no value in any row"),
        (&["--label", "cause", "--folds", "1"], &log, "folds = 1: must be in 2..=1000"),
        (&["--label", "cause", "--ccp-alpha", "x"], &log, "expected `auto` or a number"),
        (&["--label", "cause", "--time", "light"], &log, "light"),
        (
            &["--label", "cause", "--model", "forest", "--plot", "x.svg"],
            &log,
            "a forest has no single tree to draw",
        ),
    ];
    for (arguments, log, sentence) in cases {
        let ended = auscult(&[&["learn", "-"], arguments].concat(), log);
        assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains(sentence), "{arguments:?}: {}", ended.err);
        assert_eq!(ended.err.trim_end().lines().count(), 1, "{}", ended.err);
    }
}

#[test]
fn many_causes_are_summed_up() {
    let mut log = String::from("x,cause\n");
    for row in 0..600 {
        log += &format!("{},cause {}\n", row * 7919 % 97, row * 7919 % 97 / 6 + row % 2);
    }
    let ended = auscult(&["learn", "-", "--label", "cause"], &log);
    assert!(ended.out.contains("What was most often said for something else"), "{}", ended.out);
}

#[test]
fn terminal_codes_in_a_log_do_not_reach_the_terminal() {
    let log = small_log("", |_| String::new()).replace("amber", "am\u{1b}[31mber");
    let model = scratch_text("codes.json");
    let ended = auscult(&["learn", "-", "--label", "cause", "-o", &model], &log);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(!ended.out.contains('\u{1b}') && !ended.err.contains('\u{1b}'));
    let asked = auscult(&["troubleshoot", "--model", &model], "quit\n");
    assert_eq!(asked.code, 0, "{}", asked.err);
}

#[test]
fn a_log_is_read_as_the_flags_say() {
    let log =
        small_log(",when", |row| format!(",2026-01-{:02}T{:02}:00:00Z", row / 20 + 1, row % 20));
    let (_, rows) = log.split_once('\n').expect("a header");
    let call =
        ["learn", "-", "--delimiter", ";", "--header", "no", "--label", "column4", "--time", "3"];
    let ended = auscult(&call, &rows.replace(',', ";"));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("5 time-ordered folds, 100 rows"), "{}", ended.out);
}

#[test]
fn a_forest_is_learnt_by_itself_where_many_cells_are_missing() {
    let log = |every: usize| {
        let mut text = "heat,load,cause\n".to_owned();
        for row in 0..80 {
            let (heat, cause) =
                if row % 2 == 0 { (90 + row % 7, "fan") } else { (50 + row % 9, "none") };
            let load = if row % every == 0 { String::new() } else { (row * 7 % 11).to_string() };
            text += &format!("{heat},{load},{cause}\n");
        }
        text
    };
    let learnt = |every: usize| {
        let call = ["learn", "-", "--label", "cause", "--model", "auto", "--trees", "20"];
        let ended = auscult(&call, &log(every));
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.err.contains("note: many cells are missing: learning a forest")
    };
    assert!(learnt(3) && !learnt(40));
    let drawn = ["learn", "-", "--label", "cause", "--model", "auto", "--dot", "tree.dot"];
    let ended = auscult(&drawn, &log(3));
    assert!(
        ended.code == 2 && ended.err.contains("--model auto may learn a forest"),
        "{}",
        ended.err
    );
}
