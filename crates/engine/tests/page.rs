//! The page of a diagnosis: what a person reads, in which order, and that nothing gets out of its text.

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_diagnose::diagnosis::{Outcome, Recovery, Said, ToldWitness};
use auscult_diagnose::scene::{Event, LogLine};
use auscult_engine::page::{Links, Sheet, page};
use auscult_engine::{Case, Illustrated};
use roxmltree::{Document, Node, ParsingOptions};

use super::diagnosis::case;

/// The page, which is put where it can be looked at.
fn shown(name: &str, sheets: &[Sheet]) -> String {
    let text = page(sheets);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html"));
    std::fs::write(file, &text).unwrap();
    text
}

fn sheet(diagnosis: Illustrated) -> Sheet {
    Sheet { incident: None, diagnosis, links: Links::default() }
}

fn read(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn named<'a>(node: &Node<'a, 'a>, name: &str) -> Vec<Node<'a, 'a>> {
    node.descendants().filter(|node| node.has_tag_name(name)).collect()
}

fn words(node: &Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect()
}

/// What could load something, run, or send something away.
fn assert_needs_nothing(document: &Document<'_>) {
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let is_plain =
            !["script", "link", "img", "iframe", "object", "embed", "form", "base", "use"]
                .contains(&name);
        assert!(is_plain, "a page has no <{name}>");
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            assert!(!["src", "srcset", "data", "background"].contains(&attribute.name()));
            let is_link = attribute.name() == "href" && name == "a";
            assert!(is_link || attribute.name() != "href", "{attribute:?}");
            assert!(is_link || !attribute.value().contains("://"), "{attribute:?}");
        }
        if name == "style" {
            let style = node.text().unwrap();
            assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
        }
    }
}

#[test]
fn a_person_reads_sentence_evidence_alternatives_unknowns_and_remedy() {
    let diagnosis = case("G1/102", |_| true, &[]).illustrate();
    let report = diagnosis.report.clone();
    let cause = report.causes[0].clone();
    assert_eq!((cause.fault.as_str(), cause.kind.as_str()), ("G1", "gpu"), "{}", report.text());
    let series = diagnosis.series.clone();
    let text = shown("hot-gpu", &[sheet(diagnosis)]);
    let document = read(&text);
    assert_needs_nothing(&document);
    let root = document.root_element();
    let order: Vec<String> = root
        .descendants()
        .filter(|node| node.has_tag_name("h1") || node.has_tag_name("h2"))
        .map(|node| words(&node))
        .collect();
    let sentence = &report.sentence[1..];
    assert!(order[0].contains(sentence) && order[0].contains(", since 20"), "{order:?}");
    assert_eq!(order[1..], ["Evidence", "Other causes", "What is not known", "Remedy"]);
    let all = words(&root);
    for evidence in cause.supports.iter().chain(&cause.speaks_against) {
        assert!(all.contains(&evidence.statement), "{}", evidence.statement);
        assert!(all.contains(&evidence.seen), "{}", evidence.seen);
    }
    for other in &report.causes {
        assert!(all.contains(&format!("{} ({})", other.name, other.fault)), "{}", other.fault);
    }
    for one in &report.ruled_out {
        assert!(all.contains(&format!("{} ({})", one.name, one.fault)), "{}", one.fault);
        assert!(all.contains(&one.reason), "{}", one.reason);
    }
    for part in [&cause.remedy.now, &cause.remedy.later, &cause.remedy.risk, &cause.remedy.guard] {
        assert!(all.contains(part.as_str()), "{part}");
    }
    assert!(all.contains(&cause.remedy.recovered_when));
    // A plot for each series, in each list that it is of; of what peers are asked about, those behind it.
    let lists = [&cause.supports, &cause.speaks_against].map(|list| {
        let has = |statement: &String| list.iter().any(|one| one.statement == *statement);
        series.iter().filter(|one| one.statements.iter().any(has)).count()
    });
    assert_eq!(named(&root, "svg").len(), lists.iter().sum::<usize>());
    assert!(lists[0] >= 2, "{series:?}");
    let beside = series.iter().find(|one| one.signal == "gpu_temperature").unwrap();
    let peers = case("G1/102", |_| true, &[]).illustrate();
    assert_eq!(peers.series, series, "the same case gives the same series");
    assert!(!beside.others.is_empty() && beside.unit == "celsius", "{beside:?}");
    assert!(beside.read_from[0].starts_with("DCGM_FI_DEV_GPU_TEMP{"), "{:?}", beside.read_from);
    let of = |class: &str| {
        let paths = named(&root, "path");
        paths.iter().filter(|path| path.attribute("class") == Some(class)).count()
    };
    assert!(of("other") >= beside.others.len());
    assert_eq!(of("began"), named(&root, "svg").len());
    // The highest reading of the fault is drawn, however few points there are.
    let highest = beside.points.iter().map(|point| point[1]).fold(f64::MIN, f64::max);
    assert!(highest > 80.0, "{highest}");
    let most = series.iter().map(|one| one.points.len()).max().unwrap();
    assert!(most <= 242 && series.len() <= 16, "{most} points, {} series", series.len());
    assert!(text.len() < 200_000, "{} bytes", text.len());
}

#[test]
fn a_page_leads_to_the_service_and_says_what_became_of_it() {
    let mut diagnosis = case("G1/102", |_| true, &[]).illustrate();
    let sentence = "worse: gpu_sm_clock of gpu <b>: 1 GHz before".to_owned();
    let recovery =
        Recovery { outcome: Outcome::Worse, sentence, ..Recovery::unknown("G1", "b", "") };
    diagnosis.report.recovery = Some(recovery);
    let base = "https://auscult.example.org/a\"b";
    let links = Links {
        verdict: Some(format!("{base}/incidents/7/verdict")),
        incident: Some(format!("{base}/api/auscult/v1/incidents/7")),
        query: Some(format!("{base}/api/v1")),
    };
    let one = Sheet { incident: Some(7), diagnosis, links };
    let text = shown("linked", &[one.clone(), one]);
    let document = read(&text);
    assert_needs_nothing(&document);
    let root = document.root_element();
    assert_eq!(named(&root, "h1").len(), 2);
    assert_eq!(words(&named(&root, "title")[0]), "2 incidents");
    let links: Vec<String> = named(&root, "a")
        .iter()
        .filter_map(|link| link.attribute("href").map(str::to_owned))
        .collect();
    assert!(links.contains(&format!("{base}/incidents/7/verdict")), "{links:?}");
    let query = format!("{base}/api/v1/query_range?query=DCGM_FI_DEV_GPU_TEMP%7B");
    assert!(links.iter().any(|link| link.starts_with(&query)), "{links:?}");
    assert!(words(&root).contains("Worse: gpu_sm_clock of gpu <b>: 1 GHz before"));
}

/// Labels, changes and logs are written by whoever runs the programs, or by whoever got at them.
#[test]
fn what_strangers_write_stays_text() {
    let evil =
        "</style></svg><script>alert(1)</script>\" onload='x' ]]> &amp; \u{202e}\u{0}\u{ffff}";
    let at = Timestamp::from_seconds;
    let mut case = Case::new(at(3000), at(3600));
    for (gpu, ill) in [(evil, 94.0), ("1", 60.0), ("2", 61.0), ("3", 59.0)] {
        for (metric, usual, ill) in [
            ("DCGM_FI_DEV_GPU_TEMP", 60.0, ill),
            ("DCGM_FI_DEV_SM_CLOCK", 1980.0, if ill > 80.0 { 1400.0 } else { 1980.0 }),
        ] {
            let labels = [(METRIC_NAME, metric), ("Hostname", evil), ("gpu", gpu), ("x", evil)];
            let labels = Labels::from_pairs(labels).unwrap();
            let reading = |step: i64| {
                let level = if step < 200 { usual } else { ill };
                (at(step * 15), level * (1.0 + 0.002 * (step * 7 % 5) as f64))
            };
            case.series(&labels, (20..240).map(reading));
        }
    }
    let (kind, target) = ("deploy".to_owned(), evil.to_owned());
    case.change(Event { time: 2990.0, kind, target });
    case.log(LogLine { time: 3010.0, source: evil.to_owned(), text: evil.to_owned() });
    let mut diagnosis = case.illustrate();
    assert!(!diagnosis.series.is_empty() && !diagnosis.report.causes.is_empty());
    assert!(diagnosis.report.causes[0].place.contains("<script>"), "{}", diagnosis.report.text());
    diagnosis.report.next_question = Some(evil.to_owned());
    let said = Said { cause: evil.to_owned(), probability: 0.9, weight: 1.0 };
    diagnosis.report.witness =
        Some(ToldWitness { trees: 20, cases: 50, accuracy: 0.8, says: vec![said] });
    let text = shown("hostile", &[sheet(diagnosis)]);
    assert!(!text.contains("<script"));
    assert!(!text.contains(['\u{202e}', '\u{0}', '\u{ffff}']));
    let document = read(&text);
    assert_needs_nothing(&document);
    assert_eq!(named(&document.root_element(), "style").len(), 1);
    let page = words(&document.root_element());
    assert!(page.contains("<script>alert(1)</script>"));
    let heard =
        "A forest of 20 trees learnt from 50 past cases (right of 80 % of those held out) says ";
    assert!(page.contains(heard), "{page}");
}

#[test]
fn a_page_is_whole_where_little_is_known() {
    let at = Timestamp::from_seconds;
    let nothing = Case::new(at(3000), at(3600)).illustrate();
    assert!(nothing.series.is_empty());
    let text = shown("nothing", &[sheet(nothing)]);
    let document = read(&text);
    assert_needs_nothing(&document);
    let title = words(&named(&document.root_element(), "h1")[0]);
    assert!(title.starts_with("Nothing is known"), "{title}");
    let healthy = case("healthy/102", |_| true, &[]).illustrate();
    let text = shown("healthy", &[sheet(healthy)]);
    let document = read(&text);
    assert_needs_nothing(&document);
    let none = page(&[]);
    assert_eq!(words(&named(&read(&none).root_element(), "h1")[0]), "No incidents");
}

/// Of many incidents the later ones have no plots, and say so.
#[test]
fn a_page_of_many_incidents_is_bounded() {
    let diagnosis = case("G1/102", |_| true, &[]).illustrate();
    let series = diagnosis.series.len();
    let sheets = vec![sheet(diagnosis); 160 / series + 3];
    let text = page(&sheets);
    let document = read(&text);
    let root = document.root_element();
    let plots = named(&root, "svg").len();
    assert!(plots > 0 && plots <= 2 * 160, "{plots}");
    assert_eq!(text.matches("ask for this incident alone").count(), 3);
}
