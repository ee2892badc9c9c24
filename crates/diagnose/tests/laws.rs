//! Laws over telemetry that obeys them, breaks them, or is hostile.

use auscult_core::{Labels, METRIC_NAME};
use auscult_diagnose::diagnosis::{Asked, Doctor, Experience, Report, Weights};
use auscult_diagnose::evidence::{Judge, Window};
use auscult_diagnose::laws::{Laws, Verdict};
use auscult_diagnose::scene::{Scene, SceneBuilder, SeriesNumber, Target};
use auscult_knowledge::{Knowledge, Statement};

const STEP: f64 = 15.0;
const LENGTH: usize = 200;
const WINDOW: Window = Window { from: 0, onset: 140, end: LENGTH };

/// A series and its reading at each place of the grid.
type Told<'t> = (&'t str, &'t [(&'t str, &'t str)], &'t dyn Fn(usize) -> f64);

fn builder<'k>(knowledge: &'k Knowledge, told: &[Told<'_>]) -> SceneBuilder<'k> {
    let mut builder = SceneBuilder::new(knowledge, 0.0, STEP, LENGTH);
    for (metric, labels, value) in told {
        let all = labels.iter().copied().chain([(METRIC_NAME, *metric)]);
        let labels = Labels::from_pairs(all).unwrap();
        let series: SeriesNumber = builder.series(&labels).expect("an adapter knows it");
        for place in 0..LENGTH {
            builder.sample(series, place as f64 * STEP, value(place));
        }
    }
    builder
}

fn scene(knowledge: &Knowledge, told: &[Told<'_>]) -> Scene {
    builder(knowledge, told).build()
}

fn verdict(laws: &Laws, part: &str) -> Verdict {
    laws.verdict(part, 0).unwrap_or_else(|| panic!("{part} is not checked")).clone()
}

/// What has come to `rate` a second by a place of the grid, and `later` a second in the incident.
fn counted(rate: f64, later: f64) -> impl Fn(usize) -> f64 {
    move |place| {
        let calm = place.min(WINDOW.onset) as f64;
        let ill = place.saturating_sub(WINDOW.onset) as f64;
        STEP * (calm * rate + ill * later)
    }
}

const VLLM: &[(&str, &str)] =
    &[("instance", "a:8000"), ("engine", "0"), ("model_name", "Llama-3.1-8B-Instruct")];

#[test]
fn a_counter_that_counts_twice_is_not_believed_and_speaks_for_broken_telemetry() {
    let knowledge = Knowledge::embedded();
    let scene = scene(
        &knowledge,
        &[
            ("vllm:iteration_tokens_total_sum", VLLM, &counted(1500.0, 1500.0)),
            ("vllm:iteration_tokens_total_count", VLLM, &counted(40.0, 40.0)),
            ("vllm:prompt_tokens_total", VLLM, &counted(1000.0, 2000.0)),
            ("vllm:generation_tokens_total", VLLM, &counted(500.0, 500.0)),
        ],
    );
    let laws = Laws::check(&scene, &knowledge, WINDOW);
    let broken = verdict(&laws, "step_tokens");
    let (before, now) = (broken.before.unwrap(), broken.now.unwrap());
    assert!(before.holds && !now.holds, "{broken:?}");
    assert!((now.left - 1500.0).abs() < 20.0 && (now.right - 2500.0).abs() < 20.0, "{now:?}");
    assert_eq!(broken.breaks(), Some(true));
    assert!(!laws.trust().trusts(0, "prompt_tokens"));
    assert!(laws.trust().trusts(0, "engine_steps"));
    let mut judge = Judge::new(&scene, &knowledge, WINDOW);
    let holds = |judge: &mut Judge<'_>, text: &str| {
        judge.judge(&text.parse::<Statement>().unwrap(), 0).holds
    };
    assert_eq!(holds(&mut judge, "prompt_tokens rises"), None, "it is evidence of nothing");
    assert_eq!(holds(&mut judge, "prompt_tokens is present"), None);
    assert_eq!(holds(&mut judge, "engine_steps is steady"), Some(true));
    assert_eq!(holds(&mut judge, "law step_tokens breaks"), Some(true));
    let experience = Experience::embedded();
    let doctor = Doctor::new(&knowledge, &experience, Weights::default());
    let diagnosis = doctor.diagnose(&scene, WINDOW);
    let report = Report::new(&knowledge, &doctor, &scene, WINDOW, &diagnosis);
    let cause = report.causes.iter().find(|cause| cause.fault == "E12").expect("it is a cause");
    let law = cause.supports.iter().find(|evidence| evidence.statement == "law step_tokens breaks");
    assert!(law.is_some_and(|law| law.weight > 0.3), "{:?}", cause.supports);
    let text = report.text();
    let expected = "broken: token identity (step_tokens) at replica a:8000: sum(step_tokens) = prompt_tokens + generation_tokens: 1500 against 2483; ";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("not trusted: generation_tokens, prompt_tokens, step_tokens of replica a:8000, because token identity is broken"), "{text}");
}

#[test]
fn what_one_replica_tells_in_vain_no_service_tells_of_all() {
    let knowledge = Knowledge::embedded();
    let other: &[(&str, &str)] =
        &[("instance", "b:8000"), ("engine", "0"), ("model_name", "Llama-3.1-8B-Instruct")];
    let calm = |labels| -> Vec<Told<'_>> {
        vec![
            ("vllm:iteration_tokens_total_sum", labels, &|place| 1500.0 * STEP * place as f64),
            ("vllm:iteration_tokens_total_count", labels, &|place| 40.0 * STEP * place as f64),
            ("vllm:prompt_tokens_total", labels, &|place| 1000.0 * STEP * place as f64),
            ("vllm:generation_tokens_total", labels, &|place| 500.0 * STEP * place as f64),
            ("vllm:prefix_cache_hits_total", labels, &|place| 400.0 * STEP * place as f64),
        ]
    };
    let twice = counted(1000.0, 2000.0);
    for (counts_twice, holds) in [(false, Some(false)), (true, None)] {
        let mut told = calm(VLLM);
        told.extend(calm(other));
        if counts_twice {
            told[2].2 = &twice;
        }
        let scene = scene(&knowledge, &told);
        let is_service = |target: &Target| target.kind == "service";
        let service = scene.targets().iter().position(is_service).expect("it has two replicas");
        let mut judge = Judge::new(&scene, &knowledge, WINDOW);
        let falls = "prefix_cache_hits per prompt_tokens falls".parse::<Statement>().unwrap();
        assert_eq!(judge.judge(&falls, service).holds, holds, "counts twice: {counts_twice}");
    }
}

#[test]
fn an_engine_that_makes_steps_does_not_hang_and_one_that_makes_none_does() {
    let knowledge = Knowledge::embedded();
    let experience = Experience::default();
    let doctor = Doctor::new(&knowledge, &experience, Weights::default());
    for (later, hangs) in [(0.0, true), (12.0, false)] {
        let scene = scene(
            &knowledge,
            &[
                ("vllm:num_requests_running", VLLM, &|_| 7.0),
                ("vllm:iteration_tokens_total_sum", VLLM, &counted(1500.0, 100.0 * later)),
                ("vllm:iteration_tokens_total_count", VLLM, &counted(40.0, later)),
            ],
        );
        let diagnosis = doctor.diagnose(&scene, WINDOW);
        let heartbeat = verdict(&diagnosis.laws, "heartbeat");
        assert_eq!(heartbeat.breaks(), Some(hangs), "{heartbeat:?}");
        let excluded = diagnosis.ruled_out.iter().find(|one| one.fault == "E1");
        assert_eq!(excluded.is_none(), hangs, "{excluded:?}");
        if let Some(excluded) = excluded {
            assert_eq!(excluded.reason, "law heartbeat holds (12, should be at least 0.1)");
        }
    }
    // One that has just come back hung all the same: what it makes up for in a moment is no heartbeat.
    let until = WINDOW.end - 3;
    let came_back =
        |place: usize| counted(40.0, 0.0)(place) + STEP * 40.0 * place.saturating_sub(until) as f64;
    let back: &[Told<'_>] = &[
        ("vllm:num_requests_running", VLLM, &|_| 7.0),
        ("vllm:iteration_tokens_total_sum", VLLM, &came_back),
        ("vllm:iteration_tokens_total_count", VLLM, &came_back),
    ];
    let diagnosis = doctor.diagnose(&scene(&knowledge, back), WINDOW);
    assert_eq!(verdict(&diagnosis.laws, "heartbeat").breaks(), Some(true));
    assert!(diagnosis.ruled_out.iter().all(|one| one.fault != "E1"));
    // Without requests there is nothing to make steps for.
    let scene = scene(
        &knowledge,
        &[
            ("vllm:num_requests_running", VLLM, &|_| 0.0),
            ("vllm:iteration_tokens_total_sum", VLLM, &counted(0.0, 0.0)),
            ("vllm:iteration_tokens_total_count", VLLM, &counted(0.0, 0.0)),
        ],
    );
    let laws = Laws::check(&scene, &knowledge, WINDOW);
    assert_eq!(verdict(&laws, "heartbeat").holds(), None);
}

#[test]
fn a_process_that_began_anew_does_not_hang() {
    let knowledge = Knowledge::embedded();
    let doctor = Doctor::new(&knowledge, &Experience::default(), Weights::default());
    let reason = |started_again: f64| {
        let started = |place: usize| if place < WINDOW.onset { 1000.0 } else { started_again };
        let stands_still = counted(40.0, 0.0);
        let told: &[Told<'_>] = &[
            ("process_start_time_seconds", VLLM, &started),
            ("vllm:num_requests_running", VLLM, &|_| 7.0),
            ("vllm:iteration_tokens_total_count", VLLM, &stands_still),
        ];
        let diagnosis = doctor.diagnose(&scene(&knowledge, told), WINDOW);
        let of = diagnosis.ruled_out.into_iter().find(|one| one.fault == "E1");
        of.map(|one| one.reason)
    };
    assert_eq!(reason(1000.0), None);
    assert_eq!(reason(5000.0).as_deref(), Some("process_start resets (1000 s → 5000 s)"));
}

#[test]
fn tokens_that_are_counted_when_an_answer_ends_say_nothing_while_none_ends() {
    let knowledge = Knowledge::embedded();
    let server: &[(&str, &str)] = &[("instance", "a:8080")];
    for (tokens, is_trusted) in [(0.0, false), (35.0, true)] {
        let scene = scene(
            &knowledge,
            &[
                ("llamacpp:n_decode_total", server, &counted(40.0, 10.0)),
                ("llamacpp:tokens_predicted_total", server, &counted(42.0, tokens)),
                ("llamacpp:requests_processing", server, &|_| 4.0),
            ],
        );
        let laws = Laws::check(&scene, &knowledge, WINDOW);
        assert_eq!(verdict(&laws, "tokens_of_steps").breaks(), Some(!is_trusted));
        assert_eq!(laws.trust().trusts(0, "generation_tokens"), is_trusted);
        assert!(laws.trust().trusts(0, "engine_steps"));
    }
}

#[test]
fn requests_that_pile_up_break_littles_law() {
    let knowledge = Knowledge::embedded();
    // Two requests a second that wait for five: ten wait. Then forty wait, and none of them ends.
    let waiting = |place: usize| if place < WINDOW.onset { 10.0 } else { 40.0 };
    let scene = scene(
        &knowledge,
        &[
            ("vllm:num_requests_waiting", VLLM, &waiting),
            ("vllm:request_queue_time_seconds_sum", VLLM, &counted(10.0, 0.0)),
            ("vllm:request_queue_time_seconds_count", VLLM, &counted(2.0, 0.0)),
        ],
    );
    let laws = Laws::check(&scene, &knowledge, WINDOW);
    let little = verdict(&laws, "waiting");
    let (before, now) = (little.before.unwrap(), little.now.unwrap());
    assert!(before.holds && (before.left - before.right).abs() < 0.2, "{before:?}");
    assert!(!now.holds && now.left == 40.0 && now.right < 0.2, "{now:?}");
    assert_eq!(laws.trust().counts().0, 0, "unfinished work is no reason to distrust");
}

#[test]
fn a_roofline_is_not_known_until_labels_or_people_tell_what_it_needs() {
    let knowledge = Knowledge::embedded();
    let gpu =
        [("Hostname", "h"), ("gpu", "0"), ("pod", "a"), ("modelName", "NVIDIA H100 80GB HBM3")];
    let told: [Told<'_>; 3] = [
        ("vllm:inter_token_latency_seconds_sum", VLLM, &counted(0.2, 0.2)),
        ("vllm:inter_token_latency_seconds_count", VLLM, &counted(100.0, 100.0)),
        ("DCGM_FI_DEV_SM_CLOCK", &gpu, &|_| 1980.0),
    ];
    let at = |scene: &Scene| {
        let replica = scene.targets().iter().position(|target| target.kind == "replica").unwrap();
        let laws = Laws::check(scene, &knowledge, WINDOW);
        laws.verdict("decode_roofline", replica).unwrap().clone()
    };
    let lonely = at(&scene(&knowledge, &told[..2]));
    assert_eq!((lonely.now, lonely.missing.as_deref()), (None, Some("gpus")));
    // 16.06 GB at 3.35 TB/s: 4.8 ms, and 2 ms are faster.
    let now = at(&scene(&knowledge, &told)).now.unwrap();
    assert!(!now.holds && (now.right - 0.004_794).abs() < 1e-6, "{now:?}");
    let mut faster = builder(&knowledge, &told);
    faster.know("gpu_bandwidth", 3.35e13).unwrap();
    assert!(at(&faster.build()).now.unwrap().holds, "what people tell counts first");
    let mut wrong = builder(&knowledge, &told);
    let error = wrong.know("gpu_bandwith", 1.0).unwrap_err();
    assert_eq!(error, "there is no constant `gpu_bandwith`; did you mean `gpu_bandwidth`?");
    let error = wrong.know("gpu_bandwidth", f64::NAN).unwrap_err();
    assert!(error.contains("expected a number above 0"), "{error}");
}

/// What a diagnosis says of hostile telemetry.
fn report(told: &[Told<'_>]) -> Report {
    let knowledge = Knowledge::embedded();
    let experience = Experience::embedded();
    let doctor = Doctor::new(&knowledge, &experience, Weights::default());
    let scene = scene(&knowledge, told);
    let diagnosis = doctor.diagnose(&scene, WINDOW);
    Report::new(&knowledge, &doctor, &scene, WINDOW, &diagnosis)
}

#[test]
fn absurd_readings_are_never_a_confident_diagnosis() {
    let gpu = |number: &'static str| [("Hostname", "h"), ("gpu", number)];
    let (zero, one) = (gpu("0"), gpu("1"));
    let later =
        |calm: f64, ill: f64| move |place: usize| if place < WINDOW.onset { calm } else { ill };
    for (name, ill) in [
        ("negative", -4000.0),
        ("huge", 1e300),
        ("no number", f64::NAN),
        ("endless", f64::INFINITY),
    ] {
        let report = report(&[
            ("DCGM_FI_DEV_GPU_TEMP", &zero, &later(60.0, ill)),
            ("DCGM_FI_DEV_MEMORY_TEMP", &zero, &later(70.0, ill)),
            ("DCGM_FI_DEV_SM_CLOCK", &zero, &later(1980.0, ill)),
            ("DCGM_FI_DEV_POWER_USAGE", &zero, &later(500.0, ill)),
            ("DCGM_FI_DEV_GPU_UTIL", &one, &later(90.0, ill)),
            ("vllm:kv_cache_usage_perc", VLLM, &later(0.5, ill)),
            ("vllm:generation_tokens_total", VLLM, &later(0.0, ill)),
        ]);
        let most = report.causes.iter().map(|cause| cause.probability).fold(0.0, f64::max);
        assert!(most < 0.2 && report.healthy < 0.2, "{name}: {}", report.text());
        assert!(
            report.sentence.starts_with("the telemetry cannot be trusted: "),
            "{}",
            report.sentence
        );
        // A counter that jumps once and stands still then is a broken reading only.
        assert!(report.laws.signals_not_trusted >= 6, "{name}: {}", report.text());
    }
}

#[test]
fn a_glitch_is_left_out_and_the_signal_still_believed() {
    let gpu = [("Hostname", "h"), ("gpu", "0")];
    let glitch =
        |place: usize| if place == 150 { -2_147_483_632.0 } else { 60.0 + (place % 3) as f64 };
    let report = report(&[("DCGM_FI_DEV_GPU_TEMP", &gpu, &glitch)]);
    assert!(report.laws.not_trusted.is_empty(), "{}", report.text());
    assert_eq!(report.laws.signals, 1);
}

#[test]
fn the_end_of_a_series_is_no_broken_reading() {
    let gpu = [("Hostname", "h"), ("gpu", "0")];
    let ended = f64::from_bits(0x7ff0_0000_0000_0002);
    let ends = |place: usize| if place < WINDOW.onset { 60.0 + (place % 3) as f64 } else { ended };
    let report = report(&[("DCGM_FI_DEV_GPU_TEMP", &gpu, &ends)]);
    assert!(report.laws.not_trusted.is_empty(), "{}", report.text());
}

#[test]
fn a_counter_that_goes_back_all_the_time_is_not_believed() {
    let jumps = |place: usize| 1000.0 * (place % 2) as f64;
    let report = report(&[
        ("vllm:generation_tokens_total", VLLM, &jumps),
        ("vllm:num_requests_running", VLLM, &|_| 3.0),
        ("vllm:num_requests_waiting", VLLM, &|_| 0.0),
    ]);
    let not = &report.laws.not_trusted[0];
    assert_eq!(not.signals, ["generation_tokens"]);
    assert!(not.why.starts_with("it should only grow, and went back "), "{}", not.why);
}

/// What becomes of a statement about the only replica.
fn said(knowledge: &Knowledge, scene: &Scene, statement: &str) -> Option<bool> {
    let statement: Statement = statement.parse().unwrap();
    let is_replica = |target: &Target| target.kind == "replica";
    let place = scene.targets().iter().position(is_replica).expect("a replica");
    Judge::new(scene, knowledge, WINDOW).judge(&statement, place).holds
}

#[test]
fn what_doubles_also_rises_and_not_the_other_way_about() {
    let knowledge = Knowledge::embedded();
    for (later, rises, doubles) in [(5.0, false, false), (7.5, true, false), (11.0, true, true)] {
        let level = |place: usize| if place < WINDOW.onset { 5.0 } else { later };
        let scene = scene(&knowledge, &[("vllm:num_requests_running", VLLM, &level)]);
        let says = |relation: &str| {
            said(&knowledge, &scene, &format!("requests_running {relation}")).unwrap()
        };
        assert_eq!((says("rises"), says("doubles")), (rises, doubles), "{later}");
    }
}

#[test]
fn of_what_was_nothing_all_the_while_nobody_can_say_that_it_fell_or_did_not() {
    let knowledge = Knowledge::embedded();
    for (before, fell) in [(0.0, None), (8.0, Some(true))] {
        let level = |place: usize| if place < WINDOW.onset { before } else { 0.0 };
        let scene = scene(&knowledge, &[("vllm:num_requests_waiting", VLLM, &level)]);
        let says =
            |relation: &str| said(&knowledge, &scene, &format!("requests_waiting {relation}"));
        assert_eq!((says("falls"), says("stops")), (fell, fell), "{before}");
        assert_eq!((says("rises"), says("is steady")), (Some(false), Some(before == 0.0)));
    }
}

#[test]
fn what_is_not_read_any_more_may_have_begun_anew() {
    let knowledge = Knowledge::embedded();
    for (later, resets) in [(1000.0, Some(false)), (5000.0, Some(true)), (f64::NAN, None)] {
        let started = |place: usize| if place < WINDOW.onset { 1000.0 } else { later };
        let told: &[Told<'_>] = &[
            ("vllm:num_requests_running", VLLM, &|_| 7.0),
            ("process_start_time_seconds", VLLM, &started),
        ];
        let scene = scene(&knowledge, told);
        assert_eq!(said(&knowledge, &scene, "process_start resets"), resets, "{later}");
    }
}

/// One replica, whose page fails to come, and a gateway whose clients get answers as before, or none.
#[test]
fn where_nobody_is_answered_something_is_wrong_and_it_is_not_the_telemetry() {
    let knowledge = Knowledge::embedded();
    let doctor = Doctor::new(&knowledge, &Experience::default(), Weights::default());
    let gateway = &[("job", "gateway"), ("instance", "g:9000"), ("service", "chat")];
    let of_chat = &[("job", "vllm"), ("instance", "a:8000"), ("service", "chat")];
    for (served, is_well) in [(0.0, false), (2.0, true)] {
        let up = |place: usize| f64::from(u8::from(place < WINDOW.onset));
        let told: &[Told<'_>] = &[
            ("up", of_chat, &up),
            ("vllm:num_requests_running", of_chat, &|_| 3.0),
            ("gateway_requests_total", gateway, &counted(2.0, 2.0)),
            ("gateway_requests_served_total", gateway, &counted(2.0, served)),
        ];
        let diagnosis = doctor.diagnose(&scene(&knowledge, told), WINDOW);
        let is_ruled_out = diagnosis.ruled_out.iter().any(|one| one.fault == "E12");
        assert_eq!(is_ruled_out, !is_well);
        assert_eq!(diagnosis.healthy > 0.0, is_well, "{}", diagnosis.healthy);
        // What is asked next begins at the same belief.
        let asked = doctor.consult(&scene(&knowledge, told), WINDOW, &Asked::default()).unwrap();
        let questions =
            asked.question.iter().flat_map(|question| [&question.if_yes, &question.if_no]);
        let leads = asked.steps.iter().map(|step| &step.leading).chain(questions);
        assert_eq!(leads.filter(|lead| lead.cause == "healthy").count() > 0, is_well);
    }
}

#[test]
fn a_peak_of_which_most_is_not_answered_is_more_than_a_peak() {
    let knowledge = Knowledge::embedded();
    let doctor = Doctor::new(&knowledge, &Experience::embedded(), Weights::default());
    let gateway = &[("job", "gateway"), ("instance", "g:9000"), ("service", "chat")];
    let of_chat = &[("job", "vllm"), ("instance", "a:8000"), ("service", "chat")];
    for (served, is_peak) in [(20.0, true), (6.0, false)] {
        let told: &[Told<'_>] = &[
            ("vllm:num_requests_running", of_chat, &|_| 3.0),
            ("gateway_requests_total", gateway, &counted(2.0, 20.0)),
            ("gateway_requests_repeated_total", gateway, &|_| 0.0),
            ("gateway_requests_served_total", gateway, &counted(2.0, served)),
        ];
        let diagnosis = doctor.diagnose(&scene(&knowledge, told), WINDOW);
        let is_ruled_out = diagnosis.ruled_out.iter().any(|one| one.fault == "L4");
        assert_eq!(is_ruled_out, !is_peak);
        assert_eq!(diagnosis.healthy > 0.0, is_peak, "{}", diagnosis.healthy);
    }
}

const LLAMA: &[(&str, &str)] = &[("job", "chat"), ("instance", "a:8080")];

#[test]
fn guesses_that_nobody_makes_say_nothing_but_that() {
    let knowledge = Knowledge::embedded();
    for (rate, rises) in [(0.0, None), (2.0, Some(false))] {
        let drafts = counted(rate, rate);
        let told =
            ("llamacpp:spec_decode_num_drafts_total", LLAMA, &drafts as &dyn Fn(usize) -> f64);
        let scene = scene(&knowledge, &[told]);
        assert_eq!(said(&knowledge, &scene, "drafts rises"), rises);
        assert_eq!(said(&knowledge, &scene, "drafts below 0.001"), Some(rate == 0.0));
    }
}

#[test]
fn a_fault_that_an_engine_cannot_have_is_ruled_out_with_the_reason() {
    let knowledge = Knowledge::embedded();
    let doctor = Doctor::new(&knowledge, &Experience::default(), Weights::default());
    let ruled_out = |engine: &str, labels| {
        let scene = scene(&knowledge, &[(engine, labels, &|_| 7.0)]);
        let diagnosis = doctor.diagnose(&scene, WINDOW);
        assert!(diagnosis.causes.iter().all(|cause| {
            diagnosis.ruled_out.iter().all(|ruled_out| ruled_out.fault != cause.fault)
        }));
        let of = diagnosis.ruled_out.into_iter().find(|one| one.fault == "E11");
        of.map(|one| one.reason)
    };
    let why = "llama.cpp's server computes all experts in one process: no ranks wait for others";
    assert_eq!(ruled_out("llamacpp:requests_processing", LLAMA).as_deref(), Some(why));
    assert_eq!(ruled_out("vllm:num_requests_running", VLLM), None);
}
