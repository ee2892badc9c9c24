//! What cAdvisor, inside of the kubelet, shows of the containers of a host.
//!
//! Throttling by a processor quota is visible here and nowhere else. Names, types and labels
//! follow cAdvisor's "Prometheus container metrics".

use crate::host::{Host, ProgramCounters};
use crate::page::{Answer, Kind, Page, PageBuilder, Values};

/// The exporter of one host.
#[derive(Debug, Clone)]
pub struct ContainerExporter {
    /// When the simulation began, in seconds since 1970.
    epoch: f64,
    /// Containers on the page.
    containers: usize,
}

/// A family with a series for each container: name, type, what it means, how it is read.
type Each = (&'static str, Kind, &'static str, fn(&ProgramCounters) -> f64);

const EACH: &[Each] = &[
    ("container_cpu_usage_seconds_total", Kind::Counter, "Processor seconds.", |of| of.cpu_seconds),
    ("container_cpu_cfs_periods_total", Kind::Counter, "Periods of the quota.", |of| {
        of.periods.floor()
    }),
    ("container_cpu_cfs_throttled_periods_total", Kind::Counter, "Those cut short.", |of| {
        of.throttled_periods.floor()
    }),
    ("container_cpu_cfs_throttled_seconds_total", Kind::Counter, "Seconds held back.", |of| {
        of.throttled_seconds
    }),
    ("container_pressure_cpu_waiting_seconds_total", Kind::Counter, "Some task waited.", |of| {
        of.cpu_waiting
    }),
    ("container_memory_working_set_bytes", Kind::Gauge, "Bytes that are held.", |of| {
        of.memory_bytes
    }),
    ("container_memory_rss", Kind::Gauge, "Bytes that no file backs.", |of| 0.97 * of.memory_bytes),
    ("container_oom_events_total", Kind::Counter, "Kills for want of memory.", |of| {
        of.oom_kills as f64
    }),
    ("container_network_receive_bytes_total", Kind::Counter, "Bytes received.", |of| of.received),
    ("container_network_transmit_bytes_total", Kind::Counter, "Bytes sent.", |of| of.sent),
];

impl ContainerExporter {
    /// Of a host with this many containers; `epoch` is when the simulation began, in seconds
    /// since 1970.
    pub fn new(epoch: f64, containers: usize) -> Self {
        Self { epoch, containers }
    }

    /// What it shows: `pods` names the pod and the container of each program, in their order.
    ///
    /// # Panics
    ///
    /// When there are not as many names as containers.
    pub fn page(&self, hostname: &str, pods: &[(&str, &str)]) -> Page {
        assert_eq!(pods.len(), self.containers, "a pod and a container for each program");
        let mut builder = PageBuilder::new("kubelet", &format!("{hostname}:10250"), &[]);
        let labels: Vec<[(&str, &str); 4]> = pods
            .iter()
            .map(|(pod, container)| {
                [("namespace", "ai"), ("pod", *pod), ("container", *container), ("node", hostname)]
            })
            .collect();
        let lines: Vec<&[(&str, &str)]> = labels.iter().map(<[_; 4]>::as_slice).collect();
        for (name, kind, help, _) in EACH {
            builder.family(*kind, name, "", help, &lines);
        }
        let name = "container_start_time_seconds";
        builder.family(Kind::Gauge, name, "", "When it was started.", &lines);
        builder.build()
    }

    /// Their values, in the order of the page. A container without a program is not on it.
    pub fn write(&self, values: &mut Values, host: &Host) {
        let program = |index: usize| host.programs().get(index).filter(|of| of.starts > 0);
        let mut put = |read: &dyn Fn(&ProgramCounters) -> f64| {
            for index in 0..self.containers {
                match program(index) {
                    Some(of) => values.push(read(of)),
                    None => values.absent(1),
                }
            }
        };
        EACH.iter().for_each(|(_, _, _, read)| put(read));
        put(&|of| (self.epoch + of.started).floor());
    }

    /// What a scrape gets: nothing comes back from a host that is down.
    pub fn answer(host: &Host) -> Answer {
        if host.up() { Answer::Page(0.05) } else { Answer::Hangs }
    }
}
