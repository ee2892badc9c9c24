//! What the reader of the Open-PSA format takes, and how it refuses the rest.

use std::fmt::Write;

use auscult_diagnose::fault_tree::{AnalysisSettings, FaultTree, analyse, read_mef};

/// A file whose fault tree holds `inside`.
fn file(inside: &str) -> String {
    format!(
        "<opsa-mef>\n<define-fault-tree name=\"t\">\n{inside}\n</define-fault-tree>\n</opsa-mef>"
    )
}

const EVENTS: &str = "<define-basic-event name=\"a\"><float value=\"0.1\"/></define-basic-event>\
                      <define-basic-event name=\"b\"><float value=\"0.2\"/></define-basic-event>\
                      <define-basic-event name=\"c\"><float value=\"0.4\"/></define-basic-event>";

fn read(inside: &str) -> FaultTree {
    read_mef(&file(inside), None).expect("sound")
}

fn refused(text: &str) -> String {
    read_mef(text, None).expect_err("absurd").to_string()
}

/// Top probability of one gate with this formula over `a`, `b` and `c`.
fn probability(formula: &str) -> f64 {
    let tree = read(&format!("<define-gate name=\"top\">{formula}</define-gate>{EVENTS}"));
    analyse(&tree, &AnalysisSettings::default()).top.low
}

#[test]
fn every_operation_means_what_the_format_says() {
    let ab = "<basic-event name=\"a\"/><event name=\"b\"/>";
    let abc = format!("{ab}<event name=\"c\" type=\"basic-event\"/>");
    let (a, b, c) = (0.1, 0.2, 0.4);
    let two_of_three = a * b * (1.0 - c) + a * (1.0 - b) * c + (1.0 - a) * b * c;
    let all = a * b * c;
    let none = (1.0 - a) * (1.0 - b) * (1.0 - c);
    let one_of_three = 1.0 - none - two_of_three - all;
    let expected = [
        (format!("<and>{ab}</and>"), a * b),
        (format!("<or>{ab}</or>"), 1.0 - 0.9 * 0.8),
        (format!("<nand>{ab}</nand>"), 1.0 - a * b),
        (format!("<nor>{ab}</nor>"), 0.9 * 0.8),
        (format!("<xor>{ab}</xor>"), a * 0.8 + 0.9 * b),
        (format!("<xor>{abc}</xor>"), one_of_three + all),
        (format!("<iff>{ab}</iff>"), a * b + 0.9 * 0.8),
        (format!("<imply>{ab}</imply>"), 1.0 - a * 0.8),
        ("<not><event name=\"a\"/></not>".to_owned(), 0.9),
        (format!("<atleast min=\"2\">{abc}</atleast>"), two_of_three + all),
        (
            format!("<cardinality min=\"1\" max=\"2\">{abc}</cardinality>"),
            one_of_three + two_of_three,
        ),
        (format!("<cardinality min=\"0\" max=\"0\">{abc}</cardinality>"), none),
        (format!("<cardinality min=\"0\" max=\"3\">{abc}</cardinality>"), 1.0),
        (format!("<and><or>{ab}</or><not><event name=\"c\"/></not></and>"), 0.28 * 0.6),
        ("<and><event name=\"a\"/><constant value=\"true\"/></and>".to_owned(), a),
    ];
    for (formula, expected) in expected {
        let found = probability(&formula);
        assert!((found - expected).abs() < 1e-15, "{formula}: {found} is not {expected}");
    }
}

#[test]
fn house_events_parameters_labels_and_components_are_read() {
    let tree = read_mef(
        "\u{feff}<?xml version=\"1.0\"?><opsa-mef>
          <define-fault-tree name=\"t\"><label>ignored</label>
            <define-gate name=\"top\"><label> all
              goes </label><or><gate name=\"inner\"/><house-event name=\"off\"/></or></define-gate>
            <define-component name=\"c\">
              <define-gate name=\"inner\"><and><event name=\"x\"/><event name=\"on\"/></and></define-gate>
            </define-component>
            <define-house-event name=\"off\"/>
          </define-fault-tree>
          <model-data>
            <define-house-event name=\"on\"><constant value=\"true\"/></define-house-event>
            <define-parameter name=\"rate\" unit=\"hours-1\"><mul><float value=\"2e-5\"/>
              <parameter name=\"factor\"/></mul></define-parameter>
            <define-parameter name=\"factor\"><div><int value=\"10\"/><int value=\"2\"/></div></define-parameter>
            <define-basic-event name=\"x\"><attributes><attribute name=\"k\" value=\"v\"/></attributes>
              <exponential><parameter name=\"rate\"/><float value=\"1000\"/></exponential></define-basic-event>
          </model-data>
        </opsa-mef>",
        None,
    )
    .expect("sound");
    assert_eq!(tree.top().label.as_deref(), Some("all goes"));
    let analysis = analyse(&tree, &AnalysisSettings::default());
    assert!((analysis.top.low - (1.0 - (-0.1_f64).exp())).abs() < 1e-15);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let gate = |formula: &str| {
        file(&format!("<define-gate name=\"top\">{formula}</define-gate>\n{EVENTS}"))
    };
    let event = |value: &str| {
        file(&format!(
            "<define-gate name=\"top\"><or><event name=\"x\"/></or></define-gate>\n\
             <define-basic-event name=\"x\">{value}</define-basic-event>"
        ))
    };
    let cases = [
        (String::new(), "line 1, column 1: not well-formed XML: "),
        ("<opsa-mef><a></opsa-mef>".to_owned(), "line 1, column 14: not well-formed XML: "),
        ("<html/>".to_owned(), "line 1, column 1: the root element is `html`; expected `opsa-mef`"),
        (file(""), "line 1, column 1: there is no gate"),
        (file("<define-gate/>"), "line 3, column 1: `define-gate` has no attribute `name`"),
        (file("<define-gate name=\"\"/>"), "line 3, column 1: name=\"\" cannot be read"),
        (gate(""), "line 3, column 1: `define-gate name=\"top\"` holds 0; expected a formula"),
        (
            gate("<or><gate name=\"nowhere\"/></or>"),
            "line 3, column 29: there is no gate `nowhere`",
        ),
        (gate("<or><gate name=\"a\"/></or>"), "line 3, column 29: there is no gate `a`"),
        (
            gate("<or><basic-event name=\"z\"/></or>"),
            "line 3, column 29: there is no basic event `z`",
        ),
        (
            gate("<or><house-event name=\"z\"/></or>"),
            "line 3, column 29: there is no house event `z`",
        ),
        (gate("<or></or>"), "line 3, column 25: `or` holds 0; expected at least one argument"),
        (
            gate("<not><event name=\"a\"/><event name=\"b\"/></not>"),
            "line 3, column 25: `not` holds 2; expected one",
        ),
        (
            gate("<maybe/>"),
            "line 3, column 25: `maybe` in `define-gate` is not understood; expected a formula",
        ),
        (
            gate("<atleast><event name=\"a\"/></atleast>"),
            "line 3, column 25: `atleast` has no attribute `min`",
        ),
        (
            gate("<atleast min=\"2\"><event name=\"a\"/></atleast>"),
            "line 3, column 25: min=\"2\" cannot be read; expected a number from 1",
        ),
        (
            gate("<atleast min=\"-1\"><event name=\"a\"/></atleast>"),
            "line 3, column 25: min=\"-1\" cannot be read; expected a whole number",
        ),
        (
            gate("<constant value=\"yes\"/>"),
            "line 3, column 25: value=\"yes\" cannot be read; expected `true` or `false`",
        ),
        (
            gate("<or><gate name=\"top\"/></or>"),
            "line 3, column 1: gate `top` depends on itself: top → top",
        ),
        (
            gate("<or><event name=\"a\"/></or><or/>"),
            "line 3, column 1: `define-gate` holds 2; expected one element",
        ),
        (event(""), "line 4, column 1: basic event `x` has no probability"),
        (event("<float value=\"1.5\"/>"), "line 4, column 1: basic event `x` has probability 1.5"),
        (
            event("<float value=\"-0.1\"/>"),
            "line 4, column 1: basic event `x` has probability -0.1",
        ),
        (
            event("<float value=\"many\"/>"),
            "line 4, column 30: value=\"many\" cannot be read; expected a number",
        ),
        (event("<float value=\"NaN\"/>"), "line 4, column 30: value=\"NaN\" cannot be read"),
        (
            event("<div><int value=\"0\"/><int value=\"0\"/></div>"),
            "line 4, column 1: basic event `x` has probability NaN",
        ),
        (event("<parameter name=\"p\"/>"), "line 4, column 30: there is no parameter `p`"),
        (event("<lognormal-deviate/>"), "line 4, column 30: `lognormal-deviate` is not supported"),
        (
            event("<pow><int value=\"1\"/></pow>"),
            "line 4, column 30: `pow` holds 1; expected two numbers",
        ),
        (file("<define-CCF-group/>"), "line 3, column 1: `define-CCF-group` is not supported"),
        (
            file("<define-gate name=\"g\" role=\"private\"/>"),
            "line 3, column 1: `role=\"private\"` is not supported",
        ),
        (
            file("<define-gait/>"),
            "line 3, column 1: `define-gait` in `define-fault-tree` is not understood",
        ),
        (
            file(&format!("{EVENTS}\n<define-gate name=\"a\"/>")),
            "line 4, column 1: `a` is defined twice, first in line 3",
        ),
        (
            file(&format!(
                "{EVENTS}<define-gate name=\"g\"><event name=\"a\"/></define-gate>\n\
                 <define-gate name=\"h\"><event name=\"a\"/></define-gate>"
            )),
            "line 4, column 1: 2 gates could be the top, as nothing refers to them (g, h)",
        ),
    ];
    for (text, expected) in cases {
        let said = refused(&text);
        assert!(said.starts_with(expected), "{said}\nis not\n{expected}");
    }
    let both = "<define-parameter name=\"p\"><parameter name=\"q\"/></define-parameter>\n\
                <define-parameter name=\"q\"><parameter name=\"p\"/></define-parameter>";
    let said = refused(&format!(
        "{}{both}{}",
        "<opsa-mef>",
        "<define-basic-event name=\"x\"><parameter name=\"p\"/></define-basic-event></opsa-mef>"
    ));
    assert!(said.ends_with("parameter `p` depends on itself"), "{said}");
}

#[test]
fn a_named_top_settles_which() {
    let text = file(&format!(
        "{EVENTS}<define-gate name=\"g\"><event name=\"a\"/></define-gate>\
         <define-gate name=\"h\"><event name=\"b\"/></define-gate>"
    ));
    let tree = read_mef(&text, Some("h")).expect("sound");
    assert_eq!(analyse(&tree, &AnalysisSettings::default()).top.low, 0.2);
    let said = read_mef(&text, Some("k")).expect_err("absurd").to_string();
    assert!(
        said.ends_with("there is no gate `k` to be the top; gates that nothing refers to are g, h"),
        "{said}"
    );
}

#[test]
fn bombs_do_not_go_off() {
    let mut entities = String::from("<!DOCTYPE b [<!ENTITY x0 \"<or/>\">");
    for at in 1..30 {
        let _ = write!(entities, "<!ENTITY x{at} \"&x{0};&x{0};\">", at - 1);
    }
    let said = refused(&format!("{entities}]><opsa-mef>&x29;</opsa-mef>"));
    assert!(said.contains("`<!DOCTYPE …>` is not accepted"), "{said}");

    let deep = 200_000;
    let nested = format!("{}<event name=\"a\"/>{}", "<or>".repeat(deep), "</or>".repeat(deep));
    let said = refused(&file(&format!("<define-gate name=\"top\">{nested}</define-gate>{EVENTS}")));
    assert!(
        said.ends_with("nested more than 100 deep; give the inner formulas gates of their own"),
        "{said}"
    );
    let containers = format!(
        "{}{}",
        "<define-component name=\"c\">".repeat(deep),
        "</define-component>".repeat(deep)
    );
    assert!(refused(&file(&containers)).contains("no gate"));
    let number = format!("{}<int value=\"1\"/>{}", "<neg>".repeat(deep), "</neg>".repeat(deep));
    let event = format!("<define-basic-event name=\"x\">{number}</define-basic-event>");
    assert!(refused(&file(&event)).contains("more than 100 deep"));

    // A chain of gates doubles its paths at each step, yet is one event.
    let mut chain = String::from("<define-gate name=\"g0\"><event name=\"a\"/></define-gate>");
    for at in 1..2_000 {
        let _ = write!(
            chain,
            "<define-gate name=\"g{at}\"><and><gate name=\"g{0}\"/><gate name=\"g{0}\"/></and></define-gate>",
            at - 1
        );
    }
    let tree = read(&format!("{chain}{EVENTS}"));
    assert_eq!(analyse(&tree, &AnalysisSettings::default()).top.low, 0.1);
}
