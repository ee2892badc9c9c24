//! Documents, from their text to settings, and all that may be wrong on the way.

use std::collections::BTreeMap;
use std::path::Path as File;

use auscult_yaml::{Document, Path};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    listen: String,
    most: Option<u32>,
    share: f64,
    is_on: bool,
    /// An inner map.
    storage: Option<Storage>,
    jobs: Vec<Job>,
    labels: BTreeMap<String, String>,
    mode: Mode,
}

#[derive(Debug, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Storage {
    #[schemars(range(min = 1, max = 8))]
    copies: u8,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Job {
    name: String,
    #[serde(default)]
    #[schemars(extend("format" = "even"))]
    rhythm: String,
    #[serde(default)]
    #[schemars(extend("writeOnly" = true, "format" = "even"))]
    secret: String,
}

#[derive(Debug, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// As it is.
    #[default]
    Plain,
    /// In colour.
    Coloured,
}

fn even(text: &str) -> Result<(), String> {
    if text.len().is_multiple_of(2) { Ok(()) } else { Err(format!("`{text}` is odd")) }
}

fn read(text: &str) -> Result<Settings, Vec<String>> {
    let document = Document::parse("a.yml", text).map_err(|problem| vec![problem.to_string()])?;
    let settings = document.read_with::<Settings>(&[("even", even)], None);
    settings.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_document_is_read_by_the_types_of_its_settings() {
    let text = "
listen: 7            # a text, though it looks like a number
most: 12
share: 1e-3
is_on: true
storage: {copies: 2}
jobs:
  - &first {name: \"yes\"}
  - <<: *first
    rhythm: abcd
labels: {rack: 7, on: off}
mode: coloured
";
    let job = |rhythm: &str| Job {
        name: "yes".to_owned(),
        rhythm: rhythm.to_owned(),
        secret: String::new(),
    };
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Settings {
        listen: "7".to_owned(),
        most: Some(12),
        share: 1e-3,
        is_on: true,
        storage: Some(Storage { copies: 2 }),
        jobs: vec![job(""), job("abcd")],
        labels: BTreeMap::from([label("rack", "7"), label("on", "off")]),
        mode: Mode::Coloured,
    };
    assert_eq!(read(text), Ok(expected));
}

#[test]
fn nothing_stands_for_what_holds_without_it() {
    for text in ["", "# only a remark\n", "---\n", "jobs:\nmost: ~\nstorage:\n"] {
        assert_eq!(read(text), Ok(Settings::default()), "{text:?}");
    }
    assert_eq!(read("labels: {rack: }").unwrap().labels["rack"], "");
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = "\
listen: [a]
most: many
share: -x
is_on: yes
storage:
  copys: 3
  copies: 9
jobs:
  - {nam: a}
  - rhythm: abc
  - plain
labels: 3
mode: colored
retention: 3d
";
    let expected = [
        "a.yml:1:1: `listen` is a list; expected a text",
        "a.yml:2:7: `most` is `many`; expected a whole number",
        "a.yml:3:8: `share` is `-x`; expected a number",
        "a.yml:4:8: `is_on` is `yes`; expected true or false: true",
        "a.yml:6:3: there is no key `copys` in `storage`; did you mean `copies`?",
        "a.yml:7:11: `storage.copies` is `9`; expected 1 to 8",
        "a.yml:9:6: there is no key `nam` in `jobs[0]`; did you mean `name`?",
        "a.yml:10:5: `jobs[1]` needs `name`",
        "a.yml:10:13: `jobs[1].rhythm`: `abc` is odd",
        "a.yml:11:5: `jobs[2]` is `plain`; expected a map",
        "a.yml:12:9: `labels` is `3`; expected a map",
        "a.yml:13:7: `mode` is `colored`; did you mean `coloured`?",
        "a.yml:14:1: there is no key `retention`; expected `is_on`, `jobs`, `labels`, `listen`, `mode`, `most`, `share` or `storage`",
    ];
    assert_eq!(read(text).unwrap_err(), expected);
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let cases = [
        ("a: [1, 2", "a.yml:1:"),
        ("a: 1\n b: 2\n", "a.yml:2:"),
        ("a: 1\na: 2\n", "a.yml:2:1: `a` stands here a second time, after line 1"),
        ("a: 1\n---\nb: 2\n", "a.yml:2:1: a second document begins; expected one only"),
        ("a: *b\n", "a.yml:1:4: "),
        ("- a\n", "a.yml:1:1: the document is a list; expected a map"),
    ];
    for (text, begin) in cases {
        let said = read(text).unwrap_err();
        assert!(said[0].starts_with(begin), "{text:?}: {said:?}");
    }
}

#[test]
fn aliases_cannot_make_a_small_text_large() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let above = format!("*a{}", level - 1);
        let row = [above.as_str(); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    let said = read(&text).unwrap_err();
    assert!(said[0].ends_with("the document is too large"), "{said:?}");
}

#[test]
fn variables_and_files_stand_for_values_that_are_not_shown() {
    let folder = std::env::temp_dir().join(format!("auscult-yaml-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("token"), "s3cret!\n").unwrap();
    let variables = |name: &str| (name == "MOST").then(|| "many".to_owned());
    let expand = |text: &str| {
        let mut document = Document::parse("a.yml", text).unwrap();
        let mut seen = Vec::new();
        let done = document.expand(&variables, &folder, &mut seen);
        (document, seen, done)
    };
    let (document, seen, done) = expand("listen: 'a ${file:token} ${env:NO:-b}'\n");
    assert_eq!((seen, done), (vec![folder.join("token")], Ok(())));
    assert_eq!(document.read_as::<Settings>().unwrap().listen, "a s3cret! b");
    let (document, ..) = expand("most: ${env:MOST}\njobs: [{name: a, rhythm: '${file:token}'}]\n");
    let problems = document.read_with::<Settings>(&[("even", even)], None).unwrap_err();
    let said: Vec<String> = problems.iter().map(|problem| problem.with_source()).collect();
    assert!(
        said[0].starts_with("a.yml:1:7: `most` is set by a variable or file that does not fit")
    );
    assert!(said[1].starts_with("a.yml:2:26: `jobs[0].rhythm`: what stands there cannot be read"));
    assert!(!said.concat().contains("s3cret") && !said.concat().contains("many"), "{said:?}");
    let (_, _, refused) = expand("a: ${env:NO}\nb: ${file:none}\n");
    let said: Vec<String> = refused.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(said[0], "a.yml:1:4: the environment has no variable `NO`");
    assert!(said[1].starts_with("a.yml:2:4: cannot read "), "{said:?}");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(!File::new(&folder).exists());
}

#[test]
fn a_secret_is_not_shown_by_its_problem() {
    let text = "jobs:\n- name: a\n  secret: 'abc'\n";
    let document = Document::parse("a.yml", text).unwrap();
    let problems = document.read_with::<Settings>(&[("even", even)], None).unwrap_err();
    assert_eq!(
        problems[0].with_source(),
        "a.yml:3:11: `jobs[0].secret`: what stands there cannot be read"
    );
}

#[test]
fn a_problem_found_later_is_placed_by_its_path() {
    let document =
        Document::parse("a.yml", "jobs:\n  - name: a\n\t# tab\n    rhythm: bb\n").unwrap();
    let job = Path::default().key("jobs").place(0);
    let at = |path: &Path| document.problem_at(path, "is odd").with_source();
    assert_eq!(
        at(&job.key("rhythm")),
        "a.yml:4:13: is odd\n 4 |     rhythm: bb\n   |             ^"
    );
    assert!(at(&job.key("none")).starts_with("a.yml:2:5: "));
    assert!(at(&Path::default()).starts_with("a.yml:1:1: "));
}
