//! `auscult fault-tree`.

use crate::call::{auscult, scratch, scratch_text};

const DAS9601: &str = "crates/diagnose/tests/data/fault-trees/das9601.xml.gz";
const CHINESE: &str = "crates/diagnose/tests/data/fault-trees/chinese.xml.gz";

const POWER: &str = r#"<opsa-mef>
  <define-fault-tree name="power">
    <define-gate name="dark"><label>no light</label>
      <or> <and> <basic-event name="mains"/> <basic-event name="battery"/> </and> <basic-event name="bulb"/> </or>
    </define-gate>
    <define-basic-event name="mains"> <float value="0.1"/> </define-basic-event>
    <define-basic-event name="battery"> <float value="0.02"/> </define-basic-event>
    <define-basic-event name="bulb"> <float value="0.001"/> </define-basic-event>
  </define-fault-tree>
</opsa-mef>
"#;

#[test]
fn a_tree_is_told_with_cut_sets_and_importances() {
    let ended = auscult(&["fault-tree", "-"], POWER);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let expected = "\
standard input: top no light, 3 basic events, 1 gate
  probability of the top  2.998e-3
  minimal cut sets        2

Most probable cut sets (share: their probability over the top's)
    probability  share  events
 1     2.000e-3   67 %  mains, battery
 2     1.000e-3   33 %  bulb

Basic events by Fussell–Vesely importance, 3 of 3
 event    probability  Fussell–Vesely  Birnbaum  criticality      RAW     RRW
 mains         0.1000          0.6671    0.0200       0.6664   6.9980  2.9980
 battery       0.0200          0.6671    0.0999       0.6664  33.6558  2.9980
 bulb        1.000e-3          0.3336    0.9980       0.3329  333.5557  1.4990
";
    let squeezed = |text: &str| {
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    assert_eq!(squeezed(&ended.out), squeezed(expected), "{}", ended.out);
}

#[test]
fn a_public_tree_has_its_published_figures() {
    let ended = auscult(&["fault-tree", DAS9601, CHINESE, "--events", "3", "--sort", "raw"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    for part in ["4.234e-3", "4,259", "1.171e-3", "392", "by risk achievement worth, 3 of 122"] {
        assert!(ended.out.contains(part), "no {part:?} in\n{}", ended.out);
    }
}

#[test]
fn machines_get_json_and_csv() {
    let ended = auscult(&["fault-tree", "-", "--format", "json", "--cut-sets", "1"], POWER);
    let answer: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    let tree = &answer["trees"][0];
    assert_eq!(tree["top"], "dark");
    assert_eq!(tree["probability"]["exact"], true);
    assert_eq!(tree["cut_sets"]["count"], 2);
    assert_eq!(tree["cut_sets"]["listed"].as_array().map(Vec::len), Some(1));
    assert_eq!(tree["importance"].as_array().map(Vec::len), Some(3));

    let ended = auscult(&["fault-tree", "-", "--format", "csv"], POWER);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        lines[0],
        "file,top,event,probability,birnbaum,criticality,fussell_vesely,risk_achievement_worth,risk_reduction_worth"
    );
    assert_eq!(lines.len(), 4, "{}", ended.out);
    assert!(lines[1].starts_with("standard input,dark,mains,0.1,"), "{}", lines[1]);
}

#[test]
fn too_small_a_budget_gives_bounds() {
    let ended = auscult(&["fault-tree", DAS9601, "--nodes", "5000"], "");
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("more nodes than --nodes allows"), "{}", ended.out);
    let ended = auscult(&["fault-tree", DAS9601, "--nodes", "5000", "--format", "json"], "");
    let answer: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    let tree = &answer["trees"][0];
    let (low, high) = (&tree["probability"]["low"], &tree["probability"]["high"]);
    assert!(low.as_f64() < Some(0.0042344) && high.as_f64() > Some(0.0042344), "{low} {high}");
    assert!(tree["cut_sets"].is_null() && tree["importance"].is_null());
}

#[test]
fn a_tree_is_drawn_for_graphviz() {
    let dot = scratch_text("power.dot");
    let ended = auscult(&["fault-tree", "-", "--dot", &dot], POWER);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let drawn = std::fs::read_to_string(scratch("power.dot")).expect("written");
    for part in
        ["digraph fault_tree {", "no light\\nor", "mains\\n1.000e-1", "f1 -> e0;", "g0 -> f1;"]
    {
        assert!(drawn.contains(part), "no {part:?} in\n{drawn}");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_sentence() {
    let refused = |arguments: &[&str], input: &str, expected: &str| {
        let ended = auscult(&[&["fault-tree"], arguments].concat(), input);
        assert_eq!(ended.code, 2, "{}", ended.err);
        assert!(ended.err.contains(expected), "{}", ended.err);
    };
    refused(&["-"], "", "standard input: is empty, expected a fault tree (XML)");
    refused(&["-"], "<a>", "standard input, line 1, column 1: not well-formed XML");
    refused(&["-"], "PK\u{3}\u{4}", "is a Zip archive or an Excel workbook, expected a fault tree");
    refused(&["no-such.xml"], "", "no-such.xml: no such file");
    refused(
        &["-", "--top", "light"],
        POWER,
        "there is no gate `light` to be the top; gates that nothing refers to are dark",
    );
    let typo = POWER.replace("<basic-event name=\"bulb\"/>", "<basic-event name=\"bulp\"/>");
    refused(&["-"], &typo, "standard input, line 4, column 83: there is no basic event `bulp`");
    refused(&["-", "--nodes", "5"], POWER, "--nodes 5: must be 1000 to 100000000");
    refused(
        &[DAS9601, CHINESE, "--dot", "x.dot"],
        "",
        "--dot draws one tree, but there are 2 files",
    );
}
