//! Pages: as many values as series, and names that auscult knows.

use auscult_knowledge::Knowledge;
use auscult_simulate::conditions::{GpuConditions, HostConditions};
use auscult_simulate::device::{Gpu, Spec};
use auscult_simulate::exporter::{ContainerExporter, DcgmExporter, NodeExporter};
use auscult_simulate::host::{Host, HostSettings, StorageShare};
use auscult_simulate::page::{Answer, Page, Values};
use auscult_simulate::supply::{GpuDemand, HostDemand};

/// Every name of the adapter `adapter` that the page shows, and those it does not.
pub(crate) fn known(page: &Page, adapter: &str) -> (usize, Vec<String>) {
    let knowledge = Knowledge::embedded();
    let adapter = knowledge.adapters().iter().find(|known| known.adapter == adapter);
    let adapter = adapter.expect("an adapter that is built in");
    let shown = |metric: &str| {
        page.families.iter().any(|family| {
            family.lines.iter().any(|line| format!("{}{}", family.name, line.suffix) == metric)
        })
    };
    let missing = adapter
        .signals
        .iter()
        .filter(|mapping| !mapping.metrics.iter().any(|metric| shown(metric)))
        .map(|mapping| mapping.signal.clone())
        .collect();
    (adapter.signals.len(), missing)
}

fn gpus() -> Vec<Gpu> {
    (0..8).map(|index| Gpu::new(Spec::named("H100").expect("a known GPU"), 1, index)).collect()
}

/// Value of the first series called `name`.
fn value(page: &Page, values: &Values, name: &str) -> Option<f64> {
    let before = page.families.iter().take_while(|family| family.name != name);
    let place: usize = before.map(|family| family.lines.len()).sum();
    values.iter().nth(place).expect("a value for each series")
}

#[test]
fn dcgm_shows_as_many_values_as_series() {
    let busy = GpuDemand { active: 1.0, tensor: 0.5, memory_bytes: 5e10, ..Default::default() };
    for exporter in [DcgmExporter::new(), DcgmExporter::extended()] {
        let mut gpus = gpus();
        let page = exporter.page("gpu-host-0", 1, &gpus, &[]);
        let mut values = Values::default();
        exporter.write(&mut values, &gpus);
        assert_eq!(page.series(), values.len());
        for _ in 0..400 {
            for (index, gpu) in gpus.iter_mut().enumerate() {
                let sick = if index == 3 { 1.0 } else { 0.0 };
                let conditions = GpuConditions { off_bus: sick, ..Default::default() };
                gpu.advance(1.0, &busy, 27.0, &conditions);
            }
        }
        values.clear();
        exporter.write(&mut values, &gpus);
        assert_eq!(page.series(), values.len());
        let values: Vec<_> = values.iter().collect();
        let clocks = &values[..8];
        assert!(clocks[3].is_none() && clocks.iter().flatten().count() == 7);
    }
}

#[test]
fn dcgm_shows_every_signal_that_is_known_of_it_when_extended() {
    let gpus = gpus();
    let (signals, missing) =
        known(&DcgmExporter::extended().page("h", 1, &gpus, &[]), "dcgm-exporter");
    assert!(signals > 20 && missing.is_empty(), "{missing:?}");
    let (_, hidden) = known(&DcgmExporter::new().page("h", 1, &gpus, &[]), "dcgm-exporter");
    for signal in ["gpu_clock_events", "gpu_ecc_double", "gpu_nvlink_errors"] {
        assert!(hidden.iter().any(|hidden| hidden == signal), "{signal} is off by default");
    }
}

#[test]
fn dcgm_hides_repetitions_and_hangs_with_the_driver() {
    let mut gpus = gpus();
    let busy = GpuDemand { active: 1.0, memory_bytes: 5e10, ..Default::default() };
    let exporter = DcgmExporter::new();
    let page = exporter.page("h", 1, &gpus, &[]);
    let show = |gpus: &[Gpu]| {
        let mut values = Values::default();
        exporter.write(&mut values, gpus);
        value(&page, &values, "DCGM_FI_DEV_XID_ERRORS")
    };
    let remaps = GpuConditions { remaps_per_hour: 40.0, ..Default::default() };
    for _ in 0..1_800 {
        gpus[0].advance(1.0, &busy, 27.0, &remaps);
    }
    assert!(gpus[0].take_xids().count() > 5);
    assert_eq!(show(&gpus), Some(63.0));
    for _ in 0..1_800 {
        gpus[0].advance(1.0, &busy, 27.0, &GpuConditions::default());
    }
    assert_eq!(show(&gpus), Some(63.0), "long over, still shown");
    assert!(matches!(DcgmExporter::answer(&gpus), Answer::Page(seconds) if seconds < 1.0));
    let silent = GpuConditions { gsp_timeout: 1.0, ..Default::default() };
    gpus[0].advance(1.0, &busy, 27.0, &silent);
    assert!(matches!(DcgmExporter::answer(&gpus), Answer::Page(seconds) if seconds > 3.0));
    let wedged = GpuConditions { wedged_driver: 1.0, ..Default::default() };
    gpus[1].advance(1.0, &busy, 27.0, &wedged);
    assert_eq!(DcgmExporter::answer(&gpus), Answer::Hangs);
}

#[test]
fn node_shows_as_many_values_as_series_and_every_known_signal() {
    let host = Host::new(HostSettings::default(), 1, 0);
    for exporter in [NodeExporter::new(1.8e9), NodeExporter::summed(1.8e9)] {
        let page = exporter.page("gpu-host-0", &host);
        let mut values = Values::default();
        exporter.write(&mut values, &host);
        assert_eq!(page.series(), values.len());
        assert!(values.iter().all(|value| value.is_some_and(f64::is_finite)));
        let (signals, missing) = known(&page, "node-exporter");
        assert!(signals > 20 && missing.is_empty(), "{missing:?}");
    }
}

/// A program that wants a core now and then waits for one where neighbours take all of them, and hardly
/// ever where there is room.
#[test]
fn containers_show_who_waits_for_a_processor() {
    let light = [HostDemand { cpu_seconds: 0.1, memory_bytes: 1e9, ..Default::default() }];
    let waited = |neighbours: f64| {
        let mut host = Host::new(HostSettings::default(), 1, 0);
        let crowded = HostConditions { neighbour_cores: neighbours, ..Default::default() };
        let mut supplies = Vec::new();
        for _ in 0..60 {
            let share = StorageShare::default();
            host.advance(1.0, &light, share, &crowded, &[], &mut supplies);
        }
        host.programs()[0].cpu_waiting / 60.0
    };
    let cores = HostSettings::default().cores as f64;
    assert!(waited(0.0) < 0.01, "{}", waited(0.0));
    assert!((0.05..0.5).contains(&waited(3.0 * cores)), "{}", waited(3.0 * cores));
}

/// H1: throttling and kills are told of the container, and of the container alone.
#[test]
fn containers_show_who_is_held_back_and_who_was_killed() {
    let mut host = Host::new(HostSettings::default(), 1, 0);
    let exporter = ContainerExporter::new(1.8e9, 3);
    let pods = [("replica-0", "vllm"), ("replica-1", "vllm"), ("trainer-0", "trainer")];
    let page = exporter.page("gpu-host-0", &pods);
    assert_eq!(known(&page, "cadvisor").1, Vec::<String>::new());
    let small = HostDemand { cpu_seconds: 10.0, memory_bytes: 1e11, ..Default::default() };
    let large = HostDemand { cpu_seconds: 30.0, memory_bytes: 2.1e12, ..Default::default() };
    let limited = HostConditions { cpu_quota: 0.2, ..Default::default() };
    let mut supplies = Vec::new();
    let programs = [small, large, HostDemand::default()];
    host.advance(1.0, &programs, StorageShare::default(), &limited, &[], &mut supplies);
    let mut values = Values::default();
    exporter.write(&mut values, &host);
    assert_eq!(page.series(), values.len());
    let of = |name: &str, container: usize| {
        let before = page.families.iter().take_while(|family| family.name != name);
        let place: usize = before.map(|family| family.lines.len()).sum();
        values.iter().nth(place + container).expect("a value for each series")
    };
    let held = "container_cpu_cfs_throttled_seconds_total";
    let (little, much) = (of(held, 0).expect("shown"), of(held, 1).expect("shown"));
    assert!(little > 1.0 && (much / little - 3.0).abs() < 1e-9, "{little} {much}");
    // Who is held back waits, and more tasks more of the time.
    let waits = "container_pressure_cpu_waiting_seconds_total";
    let (little, much) = (of(waits, 0).expect("shown"), of(waits, 1).expect("shown"));
    assert!(little > 0.3 && much >= little && much <= 1.0, "{little} {much}");
    assert_eq!(of("container_oom_events_total", 0), Some(0.0));
    assert_eq!(of("container_oom_events_total", 1), Some(1.0));
    assert_eq!(of("container_oom_events_total", 2), None, "nothing runs there");
}

/// Values of the series called `name` with the label `label` = `value`, GPU by GPU.
fn labelled(
    page: &Page,
    values: &Values,
    name: &str,
    (label, value): (&str, &str),
) -> Vec<Option<f64>> {
    let series = page.families.iter().flat_map(|family| {
        family.lines.iter().map(move |line| (family.name.as_str(), &line.labels))
    });
    series
        .zip(values.iter())
        .filter(|((family, labels), _)| {
            *family == name && labels.iter().any(|(n, v)| n == label && v == value)
        })
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn counts_within_the_window_end_and_the_gauge_does_not() {
    let mut gpus = gpus();
    let exporter = DcgmExporter::extended();
    let page = exporter.page("h", 1, &gpus, &[]);
    let busy = GpuDemand { active: 1.0, tensor: 0.5, memory_bytes: 5e10, ..Default::default() };
    let mut values = Values::default();
    let mut show = |gpus: &[Gpu], name: &str, label: (&str, &str)| {
        values.clear();
        exporter.write(&mut values, gpus);
        labelled(&page, &values, name, label)
    };
    let run = |gpus: &mut Vec<Gpu>, seconds: usize, conditions: &GpuConditions| {
        for _ in 0..seconds {
            gpus[2].advance(1.0, &busy, 27.0, conditions);
        }
    };
    let (count, contained) = ("DCGM_EXP_XID_ERRORS_COUNT", ("xid", "94"));
    run(&mut gpus, 5, &GpuConditions { contained_error: 1.0, ..Default::default() });
    let shown = show(&gpus, count, contained);
    assert_eq!((shown.len(), shown[2], shown[1]), (8, Some(1.0), None));
    let braked = GpuConditions { power_brake: 0.5, ..Default::default() };
    run(&mut gpus, 100, &braked);
    let brake = ("clock_event", "hw_power_brake");
    assert_eq!(show(&gpus, "DCGM_EXP_CLOCK_EVENTS_COUNT", brake)[2], Some(100.0));
    run(&mut gpus, 250, &GpuConditions::default());
    assert_eq!(show(&gpus, count, contained)[2], None, "five minutes are over");
    assert_eq!(show(&gpus, "DCGM_EXP_CLOCK_EVENTS_COUNT", brake)[2], Some(50.0));
    let gauge = show(&gpus, "DCGM_FI_DEV_XID_ERRORS", ("gpu", "2"))[0];
    assert!(gauge.is_some_and(|code| code > 0.0), "shown for ever");
}
