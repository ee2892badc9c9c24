//! From simulated faults to their names.

use auscult_core::{Labels, METRIC_NAME, Timestamp};
use auscult_diagnose::scene::{Event, LogLine};
use auscult_engine::{Case, Diagnosis, Handbook, Nearest, Surroundings};
use auscult_simulate::identity::own;
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::place::{PartKind, Place};
use auscult_simulate::scenario::{Plan, Scenario, scenario_text};
use auscult_simulate::simulation::Simulation;

/// Seconds from one sample to the next.
const STEP: u64 = 15;

fn labels(page: &Page) -> Vec<Labels> {
    let series = page.scraped().map(|(name, mut labels)| {
        labels.push((METRIC_NAME, &name));
        Labels::from_pairs(labels).expect("pages carry each label once")
    });
    series.collect()
}

/// What a part is called among the targets of a scene: of a replica that is its address.
fn called(plan: &Plan, seed: u64, place: Place) -> String {
    match place.kind {
        PartKind::Replica => own(plan, seed, place)[0][0].1.clone(),
        _ => plan.name(place),
    }
}

/// The diagnosis of scenario `name` at the end of its fault; without what does not pass `shown`.
fn diagnosed(name: &str, shown: impl Fn(&str) -> bool) -> Diagnosis {
    noticed(name, shown, &[])
}

/// The same, of what was noticed in the series with these labels.
fn noticed(name: &str, shown: impl Fn(&str) -> bool, at_series: &[Labels]) -> Diagnosis {
    case(name, shown, at_series).diagnose()
}

/// What is known of a scenario at the end of its fault.
pub(crate) fn case(
    name: &str,
    shown: impl Fn(&str) -> bool,
    at_series: &[Labels],
) -> Case<'static> {
    case_of(name, |labels| shown(labels.get(METRIC_NAME).unwrap_or_default()), at_series)
}

/// The same without the series that do not pass `shown`; `up` is always there.
fn case_of(name: &str, shown: impl Fn(&Labels) -> bool, at_series: &[Labels]) -> Case<'static> {
    let text = scenario_text(name).expect("the library has it");
    let scenario = Scenario::read(name, &text).expect("it can be read");
    let mut simulation = Simulation::new(&scenario, scenario.plan().expect("it can be planned"));
    let plan = simulation.plan().clone();
    let course = plan.faults.first().map(|fault| fault.course);
    let (begins, ends) = course.map_or((3000.0, 4200.0), |course| (course.start, course.end));
    let start = scenario.start as f64;
    let at = |seconds: f64| Timestamp::from_nanos(((start + seconds) * 1e9) as i64);
    let mut case = Case::new(at(begins), at(ends));
    at_series.iter().for_each(|labels| case.noticed(labels));
    let pages: Vec<Vec<Labels>> = simulation.pages().iter().map(labels).collect();
    let (mut values, mut lines) = (Values::default(), Vec::new());
    for second in 1..=ends as u64 {
        simulation.advance();
        simulation.take_log_lines(&mut lines);
        // What came long before is not looked at.
        if second % STEP != 0 || (second as f64) < begins - 2700.0 {
            continue;
        }
        for (page, series) in pages.iter().enumerate() {
            let answer = simulation.read(page, &mut values);
            let is_up = matches!(answer, Answer::Page(seconds) if seconds < 10.0);
            let (up, series) = series.split_last().expect("every page has `up`");
            let now = at(second as f64);
            for (labels, value) in series.iter().zip(values.iter()).filter(|_| is_up) {
                let Some(value) = value else { continue };
                if shown(labels) {
                    case.series(labels, [(now, value)]);
                }
            }
            case.series(up, [(now, f64::from(u8::from(is_up)))]);
        }
    }
    case.expect_changes();
    for fault in &plan.faults {
        for place in fault.places.iter().filter(|_| fault.change.is_some()) {
            let kind = fault.change.expect("some change was made").word().to_owned();
            let target = called(&plan, scenario.seed, *place);
            case.change(Event { time: start + fault.course.start, kind, target });
        }
    }
    for line in lines.into_iter().filter(|line| !line.is_step) {
        let source = simulation.logs()[line.log].of.clone();
        case.log(LogLine { time: start + line.seconds, source, text: line.text });
    }
    case
}

/// One of each layer, drawn from numbers that no experience was made from.
#[test]
fn simulated_faults_are_named_where_they_are() {
    for (name, kind, place) in [
        ("T1/102", "service", "chat"),
        ("S2/102", "service", "chat"),
        ("E1/102", "replica", "chat-1:8000"),
        ("G3/102", "gpu", "serve-0/1"),
        ("H1/102", "host", "serve-2"),
        ("M1/102", "service", "chat"),
        ("D2/102", "host", "serve-0"),
        ("R6/103", "rank", "pretrain/7"),
    ] {
        let diagnosis = diagnosed(name, |_| true);
        let first = &diagnosis.causes[0];
        let fault = name.split_once('/').unwrap().0;
        assert_eq!(
            (first.fault.as_str(), first.kind.as_str(), first.place.as_str()),
            (fault, kind, place),
            "{}",
            diagnosis.text()
        );
        assert!(!first.supports.is_empty() && first.supports[0].weight > 0.0);
        let sum: f64 = diagnosis.causes.iter().map(|cause| cause.probability).sum();
        assert!(sum + diagnosis.unknown + diagnosis.healthy <= 1.0 + 1e-9);
    }
}

#[test]
fn a_healthy_fleet_gets_no_fault() {
    let diagnosis = diagnosed("healthy/102", |_| true);
    let harmful = diagnosis.causes.iter().filter(|cause| !cause.benign);
    let most = harmful.map(|cause| cause.probability).fold(0.0, f64::max);
    assert!(most < 0.5, "{}", diagnosis.text());
}

/// A cause that nobody can see is not named with certainty: without any reading of the card there
/// is no telling that it is hot.
#[test]
fn what_cannot_be_seen_is_not_said() {
    let diagnosis = diagnosed("G3/102", |metric| !metric.starts_with("DCGM"));
    let sure = diagnosis.causes.iter().find(|cause| cause.fault == "G3");
    assert!(sure.is_none_or(|cause| cause.probability < 0.9), "{}", diagnosis.text());
}

/// What goes on elsewhere at the same time is not the cause: one card of `serve-0` is ill, and
/// asked for is what was noticed at a host that has nothing to do with it.
#[test]
fn causes_are_looked_for_where_something_was_noticed() {
    let of_host = |host: &str| {
        let instance = format!("{host}:9100");
        let labels = [(METRIC_NAME, "node_load1"), ("instance", instance.as_str())];
        Labels::from_pairs(labels).expect("labels")
    };
    let here = noticed("G3/102", |_| true, &[of_host("serve-0")]);
    let first = &here.causes[0];
    assert_eq!(
        (first.fault.as_str(), first.place.as_str()),
        ("G3", "serve-0/1"),
        "{}",
        here.text()
    );
    let elsewhere = noticed("G3/102", |_| true, &[of_host("serve-1")]);
    let of_another = |place: &str| place.starts_with("serve-0");
    let taken = elsewhere.causes.iter().find(|cause| of_another(&cause.place));
    assert!(taken.is_none(), "{}", elsewhere.text());
}

/// Of a fleet that is too large to be read whole, what is nearest is: the cause is found by it as by
/// everything.
#[test]
fn what_is_nearest_is_enough() {
    let text = scenario_text("G3/102").expect("the library has it");
    let scenario = Scenario::read("G3/102", &text).expect("it can be read");
    let simulation = Simulation::new(&scenario, scenario.plan().expect("it can be planned"));
    let pages: Vec<Labels> = simulation.pages().iter().flat_map(labels).collect();
    let temperature = |labels: &&Labels| {
        let is = |name: &str, value: &str| labels.get(name) == Some(value);
        is(METRIC_NAME, "DCGM_FI_DEV_GPU_TEMP") && is("Hostname", "serve-0") && is("gpu", "1")
    };
    let at = pages.iter().find(temperature).expect("every card tells it").clone();
    let nearest = |most: usize| {
        let mut around = Surroundings::new(Handbook::embedded().knowledge());
        around.notice(&at);
        pages.iter().for_each(|labels| around.meet(labels));
        around.nearest(most)
    };
    let (all, some) = (nearest(usize::MAX), nearest(600));
    assert_eq!(all.left_out(), 0);
    assert!(some.series() <= 600 && some.series() + some.left_out() == all.series());
    assert!(all.series() > 1200, "{}", all.series());
    let wanted = |nearest: &Nearest<'_>| pages.iter().filter(|one| nearest.wants(one)).count();
    assert_eq!((wanted(&all), wanted(&some)), (all.series(), some.series()));
    let diagnosis = case_of("G3/102", |labels| some.wants(labels), &[at]).diagnose();
    let first = &diagnosis.causes[0];
    assert_eq!((&*first.fault, &*first.place), ("G3", "serve-0/1"), "{}", diagnosis.text());
    assert!(first.probability > 0.9, "{}", diagnosis.text());
}

/// A label whose values never end does not crowd out what else its target tells.
#[test]
fn a_flood_of_series_of_one_metric_is_thinned() {
    let series = |metric: &str, id: &str| {
        let pairs = [(METRIC_NAME, metric), ("instance", "chat-1:8000"), ("id", id)];
        Labels::from_pairs(pairs).expect("labels")
    };
    let mut around = Surroundings::new(Handbook::embedded().knowledge());
    around.notice(&series("vllm:num_requests_running", ""));
    let flood = |id: usize| series("vllm:num_requests_waiting", &id.to_string());
    (0..50_000).for_each(|id| around.meet(&flood(id)));
    around.meet(&series("vllm:num_requests_running", ""));
    let nearest = around.nearest(20_000);
    assert!(nearest.wants(&series("vllm:num_requests_running", "")));
    assert!(!nearest.wants(&series("vllm:num_preemptions_total", "")), "it was not met");
    let wanted = (0..50_000).filter(|id| nearest.wants(&flood(*id))).count();
    assert!((1000..4000).contains(&wanted), "{wanted}");
    assert_eq!(nearest.series() + nearest.left_out(), 50_001);
}

#[test]
fn a_case_without_samples_says_that_nothing_is_known() {
    let at = Timestamp::from_seconds;
    let diagnosis = Case::new(at(10_000), at(10_600)).diagnose();
    assert!(diagnosis.causes.is_empty(), "{}", diagnosis.text());
    assert!(diagnosis.sentence.starts_with("nothing is known"), "{}", diagnosis.sentence);
}

/// A folder of knowledge for a test: files by name.
fn folder(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (file, text) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn a_second_fault_is_told_beside_the_first_and_none_where_there_is_one() {
    // Which of the two comes first is a matter of a few percent.
    for (one, other) in [("G3", "S2"), ("T2", "G1"), ("G9", "M4")] {
        let diagnosis = diagnosed(&format!("{one}+{other}/701"), |_| true);
        let second = diagnosis.beside.as_ref();
        let second = second.unwrap_or_else(|| panic!("{one}+{other}: {}", diagnosis.text()));
        let told = [diagnosis.causes[0].fault.as_str(), second.fault.as_str()];
        assert!(told == [one, other] || told == [other, one], "{}", diagnosis.text());
        assert!(!second.supports.is_empty() && second.probability >= 0.7, "{second:?}");
        let named = format!("{} at {} {}", second.name, second.kind, second.place);
        assert!(diagnosis.sentence.contains(&named), "{}", diagnosis.sentence);
        assert!(diagnosis.text().contains("beside the first"), "{}", diagnosis.text());
    }
    for alone in ["G3/102", "E1/102", "D2/102"] {
        let diagnosis = diagnosed(alone, |_| true);
        assert_eq!(diagnosis.beside, None, "{alone}");
        assert!(!diagnosis.sentence.contains("beside"), "{}", diagnosis.sentence);
    }
}

#[test]
fn a_fault_of_ones_own_is_found_by_signals_of_ones_own() {
    let signals = "- {name: fan_speed, unit: turns, form: level, about: 'of the fan, a minute'}\n";
    let adapter = "\
adapter: fan-exporter
about: our own exporter of fans
source: us
target: {kind: gpu, labels: [Hostname, gpu]}
signals:
  - {signal: fan_speed, metrics: [fan_rpm], kind: gauge}
";
    let fault = "\
- fault: X1
  name: a fan that stands still
  place: gpu
  about: The fan of the GPU is worn out.
  prior: {weight: 3, source: us}
  required: [fan_speed falls]
  supporting: [gpu_temperature rises]
  remedy: {now: move work away, later: another fan, risk: less capacity, guard: one at a time, recovered_when: fan_speed rises}
  references: [us]
";
    let files =
        [("signals.yaml", signals), ("adapters/fans.yaml", adapter), ("faults/fans.yaml", fault)];
    let (handbook, _) = Handbook::with_folder(&folder("fans", &files)).unwrap();
    let at = Timestamp::from_seconds;
    let diagnosed = |handbook: &Handbook| {
        let mut case = handbook.case(at(3000), at(3600));
        for gpu in ["0", "1", "2", "3"] {
            for (name, calm, ill) in
                [("DCGM_FI_DEV_GPU_TEMP", 60.0, 79.0), ("fan_rpm", 2400.0, 300.0)]
            {
                let labels = [(METRIC_NAME, name), ("Hostname", "a"), ("gpu", gpu)];
                let labels = Labels::from_pairs(labels).unwrap();
                let is_ill = |step: i64| gpu == "2" && step >= 200;
                let value = |step| if is_ill(step) { ill } else { calm + (step % 3) as f64 };
                case.series(&labels, (0..240).map(|step| (at(step * 15), value(step))));
            }
        }
        case.diagnose()
    };
    let own = diagnosed(&handbook);
    let first = &own.causes[0];
    assert_eq!((first.fault.as_str(), first.place.as_str()), ("X1", "a/2"), "{}", own.sentence);
    assert!(first.probability > 1.2 * own.causes[1].probability, "{}", own.text());
    let speaks = |text: &str| first.supports.iter().any(|one| one.statement == text);
    assert!(speaks("fan_speed falls") && speaks("gpu_temperature rises"), "{}", own.text());
    let built_in = diagnosed(Handbook::embedded());
    assert!(built_in.causes.iter().all(|cause| cause.fault != "X1"), "{}", built_in.sentence);
    assert_eq!(handbook.fault_named("x1").unwrap().unwrap().name, "a fan that stands still");
}

#[test]
fn a_remedy_of_ones_own_leaves_experience_and_other_evidence_forgets_it() {
    let known = auscult_knowledge::Knowledge::embedded();
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../knowledge/faults/device.yaml"
    ))
    .unwrap();
    let text = text.replace(
        "now: move work away\n    later: look at cooling",
        "now: call Ann\n    later: look at cooling",
    );
    let files = [("faults/device.yaml", text.as_str())];
    let (handbook, own) = Handbook::with_folder(&folder("remedy", &files)).unwrap();
    assert!(own.faults.iter().all(|fault| fault.replaces));
    let is_g1 = |fault: &&auscult_knowledge::Fault| fault.fault == "G1";
    assert_eq!(handbook.knowledge().faults().iter().find(is_g1).unwrap().remedy.now, "call Ann");
    assert_ne!(known.faults().iter().find(is_g1).unwrap().remedy.now, "call Ann");
    // The likelihoods are those of before, to the last bit.
    let at = Timestamp::from_seconds;
    let odds = |handbook: &Handbook| {
        let mut case = handbook.case(at(3000), at(3600));
        let labels = [(METRIC_NAME, "DCGM_FI_DEV_GPU_TEMP"), ("Hostname", "a"), ("gpu", "0")];
        let labels = Labels::from_pairs(labels).unwrap();
        let value = |step: i64| if step < 200 { 60.0 } else { 91.0 };
        case.series(&labels, (0..240).map(|step| (at(step * 15), value(step))));
        case.diagnose().causes.iter().map(|cause| cause.probability).collect::<Vec<_>>()
    };
    let before = odds(Handbook::embedded());
    assert_eq!(odds(&handbook), before);
    let other = text.replacen("    - gpu_sm_clock falls\n", "", 1);
    assert_ne!(other, text);
    let files = [("faults/device.yaml", other.as_str())];
    let (handbook, _) = Handbook::with_folder(&folder("evidence", &files)).unwrap();
    assert_ne!(odds(&handbook), before);
}

#[test]
fn constants_of_a_handbook_hold_for_each_of_its_cases() {
    let mut handbook = Handbook::embedded().clone();
    assert!(handbook.know("gpu_bandwith", 1.0).unwrap_err().contains("`gpu_bandwidth`"));
    assert!(handbook.know("gpu_bandwidth", -1.0).unwrap_err().contains("above 0"));
    let at = Timestamp::from_seconds;
    let unknown = |handbook: &Handbook| {
        let mut case = handbook.case(at(3000), at(3600));
        let labels = |name| Labels::from_pairs([(METRIC_NAME, name), ("instance", "a:1")]).unwrap();
        for (name, growth) in [
            ("vllm:time_to_first_token_seconds_sum", 6.0),
            ("vllm:time_to_first_token_seconds_count", 30.0),
            ("vllm:prompt_tokens_total", 9000.0),
        ] {
            let count = |step: i64| step as f64 * growth;
            case.series(&labels(name), (0..240).map(|step| (at(step * 15), count(step))));
        }
        case.diagnose().laws.unknown
    };
    let needs = |told: &[auscult_diagnose::diagnosis::UnknownLaw]| {
        format!("{told:?}").matches("target_time_to_first_token").count()
    };
    let without = unknown(&handbook);
    handbook.know("target_time_to_first_token", 0.5).unwrap();
    let with = unknown(&handbook);
    assert!(needs(&without) > needs(&with), "{without:?}\n{with:?}");
}
