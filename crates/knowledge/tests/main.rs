//! Folders of knowledge of one's own: what is taken from them, and what is said of mistakes.

use std::fs;
use std::path::{Path, PathBuf};

use auscult_knowledge::{FolderMark, Knowledge, Known, OwnEntry};

/// A folder of this test run with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// What is said of a folder, without where it lies.
fn refused(folder: &Path) -> Vec<String> {
    let error = Knowledge::embedded().with_folder(folder).unwrap_err();
    let place = format!("{}/", folder.display());
    error.problems().iter().map(|problem| problem.to_string().replace(&place, "")).collect()
}

fn fault(id: &str, evidence: &str) -> String {
    format!(
        "- fault: {id}\n  name: a loose fan\n  place: gpu\n  about: The fan is loose.\n  prior: {{weight: 1, source: us}}\n{evidence}\n  \
         remedy: {{now: '', later: fasten it, risk: none, guard: one at a time, recovered_when: gpu_power rises}}\n  references: []\n"
    )
}

const ADAPTER: &str = "\
adapter: fan-exporter
about: our own exporter of fans
source: us
target: {kind: gpu, labels: [Hostname, gpu]}
signals:
  - {signal: fan_speed, metrics: [fan_rpm], kind: gauge}
";
const SIGNALS: &str =
    "- {name: fan_speed, unit: turns, form: level, about: 'of the fan, a minute'}\n";

#[test]
fn a_copy_of_what_is_built_in_changes_nothing() {
    let built_in = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../knowledge"));
    let files: Vec<(String, String)> = ["signals.yaml"]
        .iter()
        .map(|name| (*name).to_owned())
        .chain(["adapters", "faults", "laws"].iter().flat_map(|within| {
            let entries = fs::read_dir(built_in.join(within)).unwrap();
            entries.map(move |entry| {
                format!("{within}/{}", entry.unwrap().file_name().to_string_lossy())
            })
        }))
        .map(|name| (name.clone(), fs::read_to_string(built_in.join(&name)).unwrap()))
        .collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = folder("copy", &files);
    let embedded = Knowledge::embedded();
    let (knowledge, own) = embedded.with_folder(&folder).unwrap();
    let count = |entries: &[OwnEntry]| entries.iter().filter(|entry| entry.replaces).count();
    assert_eq!(count(&own.faults), embedded.faults().len());
    assert_eq!(count(&own.laws), embedded.laws().len());
    assert_eq!(count(&own.adapters), embedded.adapters().len());
    assert_eq!(knowledge.faults(), embedded.faults());
    assert_eq!(knowledge.laws(), embedded.laws());
    assert_eq!(knowledge.adapters(), embedded.adapters());
    assert_eq!(knowledge.signals(), embedded.signals());
    assert_eq!(knowledge.constants().constants, embedded.constants().constants);
}

#[test]
fn a_folder_adds_to_what_is_known_and_takes_the_place_of_it_by_name() {
    let own = fault("X1", "  required: [fan_speed falls, gpu_temperature rises]");
    let g1 = fault("G1", "  required: [gpu_temperature rises, fan_speed is steady]");
    let law = "\
- law: fans
  about: A fan turns.
  references: [us]
  parts:
    - part: fan_turns
      of: gpu
      says: fan_speed >= least_fan_speed
      tolerance: {share: 0.1, least: 0, why: it is coarse}
      broken: {means: it stands still, points_to: [X1]}
";
    let constants = "\
constants:
  - {name: least_fan_speed, unit: turns, about: of a fan that works}
catalogue:
  - label: modelName
    source: us
    entries: [{has: H100 PCIe, constants: {least_fan_speed: 800}}]
";
    let ranges = "- {unit: turns, range: [0, 100000], why: it would burst}\n";
    let folder = folder(
        "added",
        &[
            ("README.md", "ours"),
            (".git/config", "x"),
            ("signals.yaml", SIGNALS),
            ("adapters/fans.yaml", ADAPTER),
            ("faults/ours.yaml", &(own + &g1)),
            ("laws/fans.yaml", law),
            ("laws/constants.yaml", constants),
            ("laws/ranges.yaml", ranges),
        ],
    );
    let (knowledge, own) = Knowledge::embedded().with_folder(&folder).unwrap();
    let entry = |name: &str, replaces| OwnEntry { name: name.to_owned(), replaces };
    assert_eq!(own.faults, [entry("X1", false), entry("G1", true)]);
    assert_eq!(own.adapters, [entry("fan-exporter", false)]);
    let Some(Known::Signal { signal, .. }) = knowledge.look_up("fan_rpm") else { panic!() };
    assert_eq!(knowledge.physical_range(signal), [0.0, 1e5]);
    let named = |name: &str| knowledge.faults().iter().find(|fault| fault.fault == name).unwrap();
    assert_eq!(named("G1").name, "a loose fan");
    assert_eq!(named("X1").supporting[0].text, "law fan_turns breaks");
    assert_eq!(knowledge.faults().len(), Knowledge::embedded().faults().len() + 1);
    let cards = &knowledge.constants().catalogue[0];
    let pcie = cards.look_up("NVIDIA H100 PCIe").unwrap();
    assert_eq!(pcie.constants["least_fan_speed"], 800.0);
    // What was known of another metric is known still.
    assert!(knowledge.look_up("vllm:num_requests_running").is_some());
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_was_meant() {
    let faults = "\
- fault: X1
  nam: a loose fan
  place: gpu
  about: x
  prior: {weight: many, source: us}
  required: [gpu_temperature rices]
  remedy: {now: '', later: x, risk: x, recovered_when: gpu_power rises}
  references: []
";
    let said = refused(&folder(
        "typed",
        &[("faults/a.yaml", faults), ("laws/laws.yaml", "- law: [x\n"), ("fauts/b.yaml", "")],
    ));
    assert_eq!(said, ["fauts:1:1: this is nothing of knowledge; did you mean `faults`?"]);
    // Who begins with a copy of what is built in has a file too many.
    let said = refused(&folder("copied", &[("faults/a.yaml", "[]"), ("experience.json", "{}")]));
    assert_eq!(
        said,
        [
            "experience.json:1:1: past incidents are built in, not read from a folder; leave this file out"
        ]
    );
    // A folder of something else is one mistake, not one a file.
    let said = refused(&folder("other", &[("src/main.yaml", ""), ("values.yaml", "")]));
    assert!(said.len() == 1 && said[0].contains("the folder holds no knowledge"), "{said:?}");
    let said =
        refused(&folder("typed", &[("faults/a.yaml", faults), ("laws/laws.yaml", "- law: [x\n")]));
    let expected = [
        "faults/a.yaml:2:3: there is no key `nam` in `[0]`; did you mean `name`?",
        "faults/a.yaml:5:19: `[0].prior.weight` is `many`; expected a number",
        "faults/a.yaml:6:14: `[0].required[0]`: `gpu_temperature rices`: `rices` says nothing that is known; did you mean `rises`?",
        "faults/a.yaml:7:3: `[0].remedy` needs `guard`",
    ];
    assert_eq!(said[..4], expected);
    assert!(said[4].starts_with("laws/laws.yaml:1:8: "), "{said:?}");
}

#[test]
fn what_cannot_be_meant_is_told_where_it_stands() {
    let text = [
        fault("X1", "  required: [gpu_temperatur rises, gpu_power rises, gpu_power falls]"),
        fault("X2", "  required: [gpu_power above 90]\n  excluded_by: [gpu_power above 80]"),
        fault("X2", "  required: [gpu_power rises]"),
        fault("X3", "  required: [gpu_power rises]")
            .replace("guard: one at a time", "guard: ' '")
            .replace("place: gpu", "place: gpus"),
        fault(
            "X4",
            "  required: [gpu_power rises]\n  confused_with: [{fault: G77, missing_test: a meter}]",
        ),
        fault("X5", "  required: [law heartbeet breaks]"),
    ]
    .concat();
    let adapter = ADAPTER.replace("fan_rpm", "DCGM_FI_DEV_GPU_TEMP");
    let said = refused(&folder(
        "meant",
        &[
            ("signals.yaml", SIGNALS),
            ("faults/a.yaml", &text),
            ("adapters/a.yaml", &adapter.replace("fan_speed", "fan_sped")),
            (
                "laws/constants.yaml",
                "catalogue:\n- {label: modelName, source: us, entries: [{has: X, constants: {gpu_bandwith: 1, gpu_flops: 0}}]}\n",
            ),
        ],
    ));
    assert_eq!(
        said,
        [
            "adapters/a.yaml:6:14: signal `fan_sped` is not in the list of signals; did you mean `fan_speed`?",
            "laws/constants.yaml:2:79: X: there is no constant `gpu_bandwith`; did you mean `gpu_bandwidth`?",
            "laws/constants.yaml:2:93: X: the constant `gpu_flops` is 0; expected a number above 0",
            "faults/a.yaml:18:10: fault `X2` stands twice in the folder",
        ]
    );
    let said =
        refused(&folder("metric", &[("signals.yaml", SIGNALS), ("adapters/a.yaml", &adapter)]));
    assert_eq!(
        said,
        [
            "adapters/a.yaml:6:35: metric `DCGM_FI_DEV_GPU_TEMP` stands twice: adapter `dcgm-exporter` knows it; an adapter of the same name takes its place"
        ]
    );
    let text = text.replacen("fault: X2", "fault: X6", 1);
    let said = refused(&folder("faults", &[("faults/a.yaml", &text)]));
    assert_eq!(
        said,
        [
            "faults/a.yaml:6:14: X1: `gpu_temperatur rises`: no adapter tells a signal `gpu_temperatur`; did you mean `gpu_temperature`?",
            "faults/a.yaml:6:53: X1: `gpu_power rises` and `gpu_power falls` cannot both be required",
            "faults/a.yaml:15:17: X6: `gpu_power above 90` is required, and brings `gpu_power above 80`, which rules it out",
            "faults/a.yaml:28:10: X3: `gpus` is no kind of target; did you mean `gpu`?",
            "faults/a.yaml:32:58: X3: its remedy names no guard; expected what keeps it from doing harm",
            "faults/a.yaml:40:27: X4: there is no fault `G77`; did you mean `G7`?",
            "faults/a.yaml:48:14: X5: `law heartbeet breaks`: no law has a part `heartbeet`; did you mean `heartbeat`?",
        ]
    );
}

#[test]
fn a_fault_that_a_program_cannot_have_must_be_one() {
    let never =
        |name: &str| format!("{ADAPTER}never:\n  - {{fault: {name}, why: it has no fan}}\n");
    let folder =
        |name: &str| folder(name, &[("signals.yaml", SIGNALS), ("adapters/a.yaml", &never(name))]);
    let said = refused(&folder("G77"));
    assert_eq!(said, ["adapters/a.yaml:8:13: there is no fault `G77`; did you mean `G7`?"]);
    let (knowledge, _) = Knowledge::embedded().with_folder(&folder("G7")).unwrap();
    let adapter = knowledge.adapters().iter().find(|one| one.adapter == "fan-exporter").unwrap();
    assert_eq!(adapter.never[0].why, "it has no fan");
}

#[test]
fn faults_that_nothing_tells_apart_name_the_missing_test() {
    let same = "  required: [gpu_power falls, gpu_temperature falls]";
    let (one, other) = (fault("X1", same), fault("X2", same));
    let said = refused(&folder("alike", &[("faults/a.yaml", &(one.clone() + &other))]));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("faults/a.yaml:1:10: nothing tells `X1` from `X2`; expected a"));
    let named = format!("{same}\n  confused_with: [{{fault: X1, missing_test: a meter}}]");
    let folder = folder("named", &[("faults/a.yaml", &(one + &fault("X2", &named)))]);
    assert!(Knowledge::embedded().with_folder(&folder).is_ok());
}

#[test]
fn an_adapter_that_leaves_out_what_others_need_is_refused() {
    let text = "adapter: dcgm-exporter\nabout: x\nsource: y\ntarget: {kind: gpu, labels: [gpu]}\nsignals: []\n";
    let said = refused(&folder("less", &[("adapters/dcgm.yaml", text)]));
    let first = &said[0];
    let what = "with it, what is built in is wrong: ";
    assert!(first.contains(what) && first.contains("no adapter tells a signal"), "{first}");
}

#[test]
fn hostile_folders_are_refused_in_a_sentence() {
    let one = |name: &str, text: &[u8]| {
        let folder = folder(name, &[]);
        fs::create_dir(folder.join("faults")).unwrap();
        fs::write(folder.join("faults/a.yaml"), text).unwrap();
        let said = refused(&folder);
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].clone()
    };
    let deep = one("deep", ("- ".repeat(150) + "x").as_bytes());
    assert!(deep.contains("more than 100 deep"), "{deep}");
    for (name, part) in [("deeper", "["), ("steps", "- ")] {
        let deep = one(name, part.repeat(200_000).as_bytes());
        assert!(deep.starts_with("faults/a.yaml:1:"), "{deep}");
    }
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(one("large", &large), "faults/a.yaml:1:1: it is larger than 1 MiB");
    let said = one("latin", b"- fault: X1\n  name: caf\xe9\n");
    assert_eq!(said, "faults/a.yaml:1:1: line 2 is not UTF-8; expected a text in UTF-8");
    let keys: String = (0..120_000).map(|number| format!("{number}: \n")).collect();
    assert!(one("keys", keys.as_bytes()).contains("the document is a map; expected a list"));
    let empty = folder("empty", &[("README.md", "nothing yet")]);
    assert!(refused(&empty)[0].contains("the folder holds no knowledge; expected signals.yaml"));
    let none = empty.join("none");
    let error = Knowledge::embedded().with_folder(&none).unwrap_err().to_string();
    assert!(error.contains("the folder cannot be read"), "{error}");
    let error = Knowledge::embedded().with_folder(&empty.join("README.md")).unwrap_err();
    assert!(error.to_string().contains("this is no folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_may_not_lead_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let own = fault("X1", "  required: [gpu_power falls, gpu_temperature is steady]");
    let outside = folder("outside", &[("a.yaml", &own)]);
    let folder = folder("links", &[("..data/a.yaml", &own)]);
    fs::create_dir(folder.join("faults")).unwrap();
    // As volumes of Kubernetes have it.
    symlink("../..data/a.yaml", folder.join("faults/a.yaml")).unwrap();
    assert!(Knowledge::embedded().with_folder(&folder).is_ok());
    symlink(outside.join("a.yaml"), folder.join("faults/b.yaml")).unwrap();
    symlink("c.yaml", folder.join("faults/c.yaml")).unwrap();
    symlink("/dev/zero", folder.join("faults/d.yaml")).unwrap();
    let said = refused(&folder);
    assert!(said[0].contains("b.yaml:1:1: it is a link out of the folder, to "), "{said:?}");
    assert!(said[1].contains("c.yaml:1:1: it cannot be read: "), "{said:?}");
    assert!(said[2].contains("d.yaml:1:1: it is a link out of the folder, to /dev/zero"));
    assert_eq!(said.len(), 3);
}

#[test]
fn a_mark_of_a_folder_changes_with_what_is_in_it() {
    let own = fault("X1", "  required: [gpu_power falls]");
    let folder = folder("marked", &[("faults/a.yaml", &own)]);
    let before = FolderMark::of(&folder);
    assert_eq!(FolderMark::of(&folder), before);
    fs::write(folder.join("faults/b.yaml"), "[]").unwrap();
    let with_another = FolderMark::of(&folder);
    assert_ne!(with_another, before);
    fs::remove_file(folder.join("faults/b.yaml")).unwrap();
    assert_eq!(FolderMark::of(&folder), before);
    fs::remove_dir_all(&folder).unwrap();
    assert_ne!(FolderMark::of(&folder), before);
}
