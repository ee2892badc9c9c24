//! `auscult explain`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn repository() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("the crate lies in crates/")
}

fn two_periods() -> String {
    let file = repository().join("examples/data/two_periods/two_periods.csv");
    file.to_str().expect("a plain path").to_owned()
}

/// A file of this text; tests run side by side, so each has its own name.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the test folder can be written");
    path
}

fn explain(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_auscult");
    Command::new(program).arg("explain").args(arguments).output().expect("the program runs")
}

/// What it printed, when all went well.
#[track_caller]
fn answer(arguments: &[&str]) -> String {
    let output = explain(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The one sentence of a refusal.
#[track_caller]
fn refusal(arguments: &[&str]) -> String {
    let output = explain(arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    let sentence = String::from_utf8(output.stderr).expect("UTF-8");
    let sentence = sentence.strip_prefix("auscult: ").expect("the program's name").to_owned();
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence.trim_end().to_owned()
}

#[test]
fn a_drop_is_explained_in_words_with_the_numbers() {
    let file = two_periods();
    let text = answer(&[&file, "--column", "throughput", "--by", "period=before,after"]);
    for said in [
        "mean throughput fell by 8.832, from 31.32 to 22.49 (−28.2 %)",
        "1. clock_mhz fell by 347.1 (1756 → 1409): −3.78 of the −8.83 drop (43 %)",
        "2. a unit of kv_usage counts −14.4 instead of −9.32: −2.97 of the −8.83 drop (34 %)",
        "prompt_length rose by",
        "−1.70 of the −8.83 drop (19 %)",
        "−0.637 of the −8.83 drop (7 %)",
        "replicas cannot be used: it is 8 in every row",
        "clock_mhz lies outside its earlier range in 100 % of rows after",
    ] {
        assert!(text.contains(said), "no {said:?} in:\n{text}");
    }
}

#[test]
fn json_parts_add_up_and_repeat_to_the_bit() {
    let file = two_periods();
    let arguments = [&file, "--column", "throughput", "--by", "period", "--format", "json"];
    let text = answer(&arguments);
    assert_eq!(text, answer(&arguments));
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let parts = found["parts"].as_array().expect("parts");
    let sum: f64 = parts.iter().map(|part| part["amount"].as_f64().expect("a number")).sum();
    let change = found["change"].as_f64().expect("a number");
    assert!((sum - change).abs() < 1e-9 && (change + 8.832_315_25).abs() < 1e-9, "{sum} {change}");
    assert_eq!(found["shift"]["significant"], true);
    assert_eq!(found["attribution"]["unusable"][0]["name"], "replicas");
}

#[test]
fn csv_has_a_line_for_each_part() {
    let file = two_periods();
    let text = answer(&[
        &file,
        "--column",
        "throughput",
        "--by",
        "period",
        "--format",
        "csv",
        "--model",
        "huber",
    ]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("kind,name,before,after,amount,share,low,high,caution"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 9), "{text}");
    let amount = |row: &Vec<&str>| row[4].parse::<f64>().expect("a number");
    let sum: f64 = rows[1..].iter().map(amount).sum();
    assert!((sum - amount(&rows[0])).abs() < 1e-9, "{text}");
    assert!(rows.iter().any(|row| row[0] == "unexplained"));
}

#[test]
fn the_plot_is_well_formed_svg_with_every_part() {
    let table = two_periods();
    let plot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two_periods.svg");
    let plot = plot.to_str().expect("a plain path");
    answer(&[&table, "--column", "throughput", "--by", "period", "--plot", plot]);
    let svg = std::fs::read_to_string(plot).expect("the plot was written");
    assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
    for label in ["clock_mhz fell", "effect of kv_usage", "prompt_length rose", "before", "after"] {
        assert!(svg.contains(&format!(">{label}<")), "no {label}");
    }
    let png = plot.replace(".svg", ".png");
    answer(&[&table, "--column", "throughput", "--by", "period", "--plot", &png]);
    let bytes = std::fs::read(png).expect("the picture was written");
    assert!(bytes.starts_with(b"\x89PNG"));
    let refused = refusal(&[&table, "--column", "throughput", "--by", "period", "--plot", "x.bmp"]);
    assert_eq!(
        refused,
        "cannot tell the kind of picture from x.bmp: expected a name that ends in .svg, .png or .html"
    );
}

#[test]
fn parts_that_cannot_be_told_apart_are_refused_and_the_others_shown() {
    // `twice` is 2 · load; `level` was around 10, is around 50, and its slope turned.
    let mut text = String::from("period,load,twice,level,calm,rate\n");
    for row in 0..200 {
        let after = row >= 100;
        let noise = |salt: usize| ((row + salt) * 7919 % 101) as f64 / 101.0;
        let load = 5.0 + noise(1) + if after { 2.0 } else { 0.0 };
        let level = if after { 50.0 } else { 10.0 } + noise(2) * 4.0;
        let calm = noise(3);
        let slope = if after { -3.0 } else { 2.0 };
        let rate = 100.0 + 4.0 * load + slope * level + calm + noise(4) * 0.5;
        let period = if after { "new" } else { "old" };
        text += &format!("{period},{load},{},{level},{calm},{rate}\n", 2.0 * load);
    }
    let path = file("joint.csv", &text);
    let path = path.to_str().expect("a plain path");
    let plot = file("joint.svg", "");
    let call =
        [path, "--column", "rate", "--by", "period=old,new", "--plot", plot.to_str().unwrap()];
    let words = answer(&call);
    for said in [
        "Mind: no part is given to each of load + twice",
        "Mind: no part is given to level, to its effect or to what no input shows",
        "load + twice changed, whichever of them counts: +7.9",
        "level, changed effect and what no input shows together: −180",
        "[! not to be divided]",
    ] {
        assert!(words.contains(said), "no {said:?} in:\n{words}");
    }
    for refused in [
        "load rose by",
        "unit of load ",
        "level rose by",
        "unit of level",
        "intercept",
        "Together: ",
    ] {
        assert!(!words.contains(refused), "{refused:?} in:\n{words}");
    }
    assert!(words.find("Mind:") < words.find("  1. "), "warnings come first:\n{words}");
    let svg = std::fs::read_to_string(&plot).expect("drawn");
    assert!(svg.contains("stroke-dasharray=\"3 2\"") && svg.contains(">Mind: no part is given"));
    let json: serde_json::Value =
        serde_json::from_str(&answer(&[&call[..5], &["--format", "json"]].concat())).expect("JSON");
    let parts = json["parts"].as_array().expect("parts");
    let sum: f64 = parts.iter().map(|part| part["amount"].as_f64().expect("a number")).sum();
    assert!((sum - json["change"].as_f64().expect("a number")).abs() < 1e-9, "{sum}");
    assert!(json["warnings"].as_array().is_some_and(|warnings| warnings.len() >= 3));
    let trusted: Vec<(&str, bool)> = json["attribution"]["inputs"]
        .as_array()
        .expect("inputs")
        .iter()
        .map(|input| (input["name"].as_str().unwrap(), input["by_input"].is_object()))
        .collect();
    assert_eq!(trusted, [("load", false), ("level", false), ("calm", true)]);
}

/// A table of one reading a minute; `rate` of row and of being after 01:00.
fn minutes(rate: impl Fn(usize, bool) -> f64) -> String {
    let row = |at: usize| {
        let after = at >= 60;
        format!("2026-05-03T{:02}:{:02}:00Z,{}\n", at / 60, at % 60, rate(at, after))
    };
    format!("time,rate\n{}", (0..120).map(row).collect::<String>())
}

#[test]
fn no_change_is_said_to_be_none() {
    let text = minutes(|row, _| 50.0 + (row * 7 % 11) as f64);
    let path = file("calm.csv", &text);
    let path = path.to_str().expect("a plain path");
    let text = answer(&[path, "--column", "rate", "--split", "2026-05-03T01:00:00Z"]);
    assert!(text.starts_with("rate did not change significantly"), "{text}");
    assert!(text.contains("no other columns that could account for the change"), "{text}");
}

#[test]
fn rows_are_cut_by_time_in_whatever_order_they_stand() {
    let text = minutes(|row, after| if after { 30.0 } else { 50.0 } + (row * 7 % 11) as f64);
    let (header, rows) = text.split_once('\n').expect("a header");
    let reversed: String = rows.lines().rev().map(|line| format!("{line}\n")).collect();
    let path = file("drop.csv", &format!("{header}\n{reversed}"));
    let path = path.to_str().expect("a plain path");
    let text = answer(&[path, "--column", "rate", "--split", "2026-05-03T01:00:00Z"]);
    assert!(text.contains("rate fell by"), "{text}");
    assert!(text.contains("before 2026-05-03T01:00:00Z: 60 rows"), "{text}");
}

/// Failures of requests by region and kind; `eu` batch requests fail after.
fn requests() -> String {
    let mut text = String::from("time,region,kind,failures,requests\n");
    for minute in 0..40 {
        for (at, region) in ["eu", "us", "asia"].into_iter().enumerate() {
            for (kind, size) in [("chat", 400), ("batch", 150)] {
                let sick = minute >= 20 && region == "eu" && kind == "batch";
                let failures = (minute * 5 + at * 3) % 7 + if sick { 60 } else { 0 };
                let time = format!("2026-05-03T00:{minute:02}:00Z");
                text.push_str(&format!("{time},{region},{kind},{failures},{size}\n"));
            }
        }
    }
    text
}

#[test]
fn the_segment_that_fails_is_named_for_ratios_and_sums() {
    let path = file("requests.csv", &requests());
    let path = path.to_str().expect("a plain path");
    let split = "2026-05-03T00:20:00Z";
    let ratio = answer(&[path, "--ratio", "failures,requests", "--split", split]);
    assert!(ratio.starts_with("failures / requests rose by"), "{ratio}");
    assert!(ratio.contains(" 1. region = eu, kind = batch: "), "{ratio}");
    let sum = answer(&[path, "--column", "failures", "--sum", "--split", split]);
    assert!(sum.starts_with("sum of failures rose by 60"), "{sum}");
    assert!(sum.contains(" 1. region = eu, kind = batch: "), "{sum}");
}

#[test]
fn a_change_of_mix_is_called_by_its_name() {
    // Both kinds get faster, yet the mean falls: slow ones take over.
    let mut text = String::from("period,kind,rate\n");
    for row in 0..200 {
        let after = row >= 100;
        let slow = if after { row % 10 != 0 } else { row % 2 == 0 };
        let rate = if slow { 10 } else { 90 } + row % 5 + if after { 4 } else { 0 };
        let period = if after { "new" } else { "old" };
        text.push_str(&format!("{period},{},{rate}\n", if slow { "long" } else { "short" }));
    }
    let path = file("mix.csv", &text);
    let path = path.to_str().expect("a plain path");
    let text = answer(&[path, "--column", "rate", "--by", "period=old,new"]);
    assert!(
        text.contains("Simpson's paradox: the whole fell while the segments of kind"),
        "{text}"
    );
}

#[test]
fn refusals_say_what_was_wrong_and_what_to_do() {
    let table = two_periods();
    let calm = file("calm_errors.csv", &minutes(|row, _| (row % 3) as f64));
    let calm = calm.to_str().expect("a plain path");
    let flat = file("flat.csv", &minutes(|_, _| 5.0));
    let flat = flat.to_str().expect("a plain path");
    let by = "period=before,after";
    for (arguments, sentence) in [
        (
            vec![&table[..], "--column", "troughput", "--by", by],
            "no column `troughput`; did you mean `throughput`?",
        ),
        (
            vec![&table, "--column", "throughput", "--by", "period=before,later"],
            "column `period` never reads `later`; there are `before`, `after`",
        ),
        (
            vec![&table, "--column", "throughput", "--by", "period=before"],
            "--by period=before: name two values, as in period=before,AFTER; there are `before`, `after`",
        ),
        (
            vec![&table, "--column", "throughput", "--by", "period=after,after"],
            "--by period: both periods are `after`",
        ),
        (
            vec![&table, "--column", "throughput", "--by", "replicas"],
            "--by replicas: the column has 1 values, need two; name them as replicas=BEFORE,AFTER; there are `8`",
        ),
        (
            vec![&table, "--column", "throughput", "--split", "2026-05-03T01:00:00Z"],
            "no column holds times, so --split cannot cut; use --by COLUMN=BEFORE,AFTER",
        ),
        (
            vec![&table, "--column", "period", "--by", by],
            "column `period` holds no numbers, need numbers here",
        ),
        (
            vec![&table, "--column", "throughput", "--by", by, "--inputs", "throughput"],
            "--inputs: `throughput` cannot explain itself",
        ),
        (
            vec![&table, "--column", "throughput", "--by", by, "--confidence", "95"],
            "--confidence 95: must be in (0, 1)",
        ),
        (
            vec![calm, "--column", "rate", "--split", "soon"],
            "--split soon: not a time; write it as 2026-05-03T14:00:00Z",
        ),
        (
            vec![calm, "--column", "rate", "--split", "2027-01-01T00:00:00Z"],
            "--split 2027-01-01T00:00:00Z: there are no rows after it; the table covers 2026-05-03T00:00:00Z to 2026-05-03T01:59:00Z",
        ),
        (
            vec![calm, "--column", "rate", "--split", "2026-05-03T00:02:00Z"],
            "column `rate`: need at least 5 rows before the change, got 2",
        ),
        (
            vec![flat, "--column", "rate", "--split", "2026-05-03T01:00:00Z"],
            "column `rate`: every reading is the same, before and after: nothing changed",
        ),
    ] {
        assert_eq!(refusal(&arguments), sentence);
    }
}

#[test]
fn a_table_is_read_as_the_flags_say() {
    let text = minutes(|row, after| if after { 30.0 } else { 50.0 } + (row * 7 % 11) as f64);
    let (_, rows) = text.split_once('\n').expect("a header");
    let path = file("flags.txt", &rows.replace(',', "|"));
    let path = path.to_str().expect("a plain path");
    let split = "2026-05-03T01:00:00Z";
    let call = [
        path,
        "--delimiter",
        "|",
        "--header",
        "no",
        "--time",
        "1",
        "--column",
        "column2",
        "--split",
        split,
    ];
    let text = answer(&call);
    assert!(text.contains("mean column2 fell by 2"), "{text}");
}
