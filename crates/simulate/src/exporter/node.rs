//! The page of Prometheus's node_exporter, with the collectors `infiniband` and `mountstats`.
//!
//! Names, types and labels follow node_exporter 1.9. `node_cpu_seconds_total` has a series for
//! each core and mode, as in reality; [`NodeExporter::summed`] shows one for each mode instead,
//! as sites with many cores let Prometheus drop the label.

use crate::fabric::Port;
use crate::host::{Host, HostCounters};
use crate::page::{Answer, Kind, Page, PageBuilder, Values};

/// The exporter of one host.
#[derive(Debug, Clone)]
pub struct NodeExporter {
    per_core: bool,
    /// When the simulation began, in seconds since 1970.
    epoch: f64,
}

/// Seconds of a mode, of all cores together.
type Mode = (&'static str, fn(&HostCounters) -> f64);

const MODES: &[Mode] = &[
    ("idle", |host| host.idle_seconds),
    ("iowait", |host| host.iowait_seconds),
    ("irq", |_| 0.0),
    ("nice", |_| 0.0),
    ("softirq", |host| host.softirq_seconds),
    ("steal", |host| host.steal_seconds),
    ("system", |host| host.system_seconds),
    ("user", |host| host.user_seconds),
];

/// A family with one series.
struct Single {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    labels: &'static [(&'static str, &'static str)],
    read: fn(&Host) -> f64,
}

const DISK: &[(&str, &str)] = &[("device", "nvme0n1")];
const ROOT: &[(&str, &str)] =
    &[("device", "/dev/nvme0n1p2"), ("fstype", "ext4"), ("mountpoint", "/")];
const MOUNT: &[(&str, &str)] =
    &[("export", "storage:/data"), ("protocol", "tcp"), ("mountaddr", "storage")];
const READ: &[(&str, &str)] = &[
    ("export", "storage:/data"),
    ("protocol", "tcp"),
    ("mountaddr", "storage"),
    ("operation", "READ"),
];
const WRITE: &[(&str, &str)] = &[
    ("export", "storage:/data"),
    ("protocol", "tcp"),
    ("mountaddr", "storage"),
    ("operation", "WRITE"),
];

const fn gauge(name: &'static str, help: &'static str, read: fn(&Host) -> f64) -> Single {
    Single { name, kind: Kind::Gauge, help, labels: &[], read }
}

const fn counter(name: &'static str, help: &'static str, read: fn(&Host) -> f64) -> Single {
    Single { name, kind: Kind::Counter, help, labels: &[], read }
}

const fn of(labels: &'static [(&'static str, &'static str)], single: Single) -> Single {
    Single { labels, ..single }
}

const SINGLES: &[Single] = &[
    gauge("node_load1", "Load average over 1 minute.", |host| host.counters().load[0]),
    gauge("node_load5", "Load average over 5 minutes.", |host| host.counters().load[1]),
    gauge("node_load15", "Load average over 15 minutes.", |host| host.counters().load[2]),
    counter("node_pressure_cpu_waiting_seconds_total", "Some task waited for a core.", |host| {
        host.counters().cpu_waiting
    }),
    counter("node_pressure_io_waiting_seconds_total", "Some task waited for I/O.", |host| {
        host.counters().io_waiting
    }),
    counter("node_pressure_io_stalled_seconds_total", "All tasks waited for I/O.", |host| {
        host.counters().io_stalled
    }),
    counter("node_pressure_memory_waiting_seconds_total", "Some task waited for memory.", |h| {
        h.counters().memory_waiting
    }),
    counter("node_pressure_memory_stalled_seconds_total", "All tasks waited for memory.", |h| {
        h.counters().memory_stalled
    }),
    gauge("node_memory_MemTotal_bytes", "Memory that there is.", |host| {
        host.settings().memory_bytes
    }),
    gauge("node_memory_MemAvailable_bytes", "Memory that programs can have.", |host| {
        host.counters().memory_available
    }),
    gauge("node_memory_MemFree_bytes", "Memory that holds nothing.", |host| {
        let counters = host.counters();
        host.settings().memory_bytes - counters.memory_used - counters.memory_cached
    }),
    gauge("node_memory_Cached_bytes", "Files kept in memory.", |host| {
        host.counters().memory_cached
    }),
    gauge("node_memory_SwapTotal_bytes", "Swap that there is: none.", |_| 0.0),
    Single {
        name: "node_vmstat_oom_kill",
        kind: Kind::Untyped,
        help: "Programs killed for want of memory.",
        labels: &[],
        read: |host| host.counters().oom_kills as f64,
    },
    of(ROOT, gauge("node_filesystem_size_bytes", "Size.", |host| host.settings().disk_bytes)),
    of(
        ROOT,
        gauge("node_filesystem_avail_bytes", "Bytes that are left.", |host| {
            (host.settings().disk_bytes - host.counters().disk_used).max(0.0)
        }),
    ),
    of(ROOT, gauge("node_filesystem_readonly", "Whether it is read-only.", |_| 0.0)),
    of(
        DISK,
        counter("node_disk_io_time_seconds_total", "Seconds at work.", |host| {
            host.counters().disk_busy
        }),
    ),
    of(
        DISK,
        counter("node_disk_io_time_weighted_seconds_total", "Seconds of waiting.", |host| {
            host.counters().disk_weighted
        }),
    ),
    of(
        DISK,
        counter("node_disk_read_bytes_total", "Bytes read.", |host| host.counters().disk_read),
    ),
    of(
        DISK,
        counter("node_disk_written_bytes_total", "Bytes written.", |host| {
            host.counters().disk_written
        }),
    ),
    gauge("node_timex_offset_seconds", "Distance of the clock from its reference.", |host| {
        host.counters().clock_offset
    }),
    gauge("node_timex_sync_status", "Whether the clock is held to a reference.", |host| {
        f64::from(u8::from(host.counters().clock_offset.abs() < 0.5))
    }),
    of(
        MOUNT,
        counter(
            "node_mountstats_nfs_transport_backlog_queue_total",
            "Requests that found no slot.",
            |host| host.counters().rpc_backlog,
        ),
    ),
];

/// A counter of requests to shared storage, by operation.
type Rpc = (&'static str, &'static str, fn(&crate::host::RpcCounters) -> f64);

const RPC: &[Rpc] = &[
    ("node_mountstats_nfs_operations_requests_total", "Requests.", |rpc| rpc.requests),
    (
        "node_mountstats_nfs_operations_queue_time_seconds_total",
        "Seconds that requests waited to be sent.",
        |rpc| rpc.queue_seconds,
    ),
    (
        "node_mountstats_nfs_operations_request_time_seconds_total",
        "Seconds from a request's making to its answer.",
        |rpc| rpc.response_seconds,
    ),
    (
        "node_mountstats_nfs_operations_received_bytes_total",
        "Bytes of requests and answers.",
        |rpc| rpc.bytes,
    ),
];

/// A family with a series for each network device; ports on the fabric follow the first.
type Network = (&'static str, Kind, &'static str, fn(&Host) -> f64, fn(&Port) -> f64);

const NETWORK: &[Network] = &[
    (
        "node_network_receive_bytes_total",
        Kind::Counter,
        "Bytes received.",
        |host| host.counters().received,
        |_| 0.0,
    ),
    (
        "node_network_transmit_bytes_total",
        Kind::Counter,
        "Bytes sent.",
        |host| host.counters().sent,
        |_| 0.0,
    ),
    ("node_network_receive_errs_total", Kind::Counter, "Errors received.", |_| 0.0, |_| 0.0),
    ("node_network_transmit_errs_total", Kind::Counter, "Errors sent.", |_| 0.0, |_| 0.0),
    (
        "node_network_receive_drop_total",
        Kind::Counter,
        "Received and dropped.",
        |host| host.counters().dropped as f64,
        |_| 0.0,
    ),
    ("node_network_transmit_drop_total", Kind::Counter, "Sent and dropped.", |_| 0.0, |_| 0.0),
    (
        "node_network_carrier",
        Kind::Gauge,
        "Whether there is a carrier.",
        |_| 1.0,
        |port| f64::from(u8::from(port.up())),
    ),
    (
        "node_network_up",
        Kind::Gauge,
        "Whether the link is up.",
        |_| 1.0,
        |port| f64::from(u8::from(port.up())),
    ),
    (
        "node_network_carrier_changes_total",
        Kind::Counter,
        "How often the carrier came or went.",
        |_| 1.0,
        |port| 1.0 + port.counters().carrier_changes as f64,
    ),
];

/// A family with a series for each port of the fabric.
type Fabric = (&'static str, Kind, &'static str, fn(&Port) -> f64);

const FABRIC: &[Fabric] = &[
    ("node_infiniband_port_data_received_bytes_total", Kind::Counter, "Bytes received.", |port| {
        port.counters().received_bytes.floor()
    }),
    ("node_infiniband_port_data_transmitted_bytes_total", Kind::Counter, "Bytes sent.", |port| {
        port.counters().sent_bytes.floor()
    }),
    (
        "node_infiniband_port_transmit_wait_total",
        Kind::Counter,
        "Ticks with data and no credit to send it.",
        |port| port.counters().transmit_wait as f64,
    ),
    (
        "node_infiniband_port_discards_transmitted_total",
        Kind::Counter,
        "Packets dropped while the port was down or congested.",
        |port| port.counters().transmit_discards as f64,
    ),
    (
        "node_infiniband_port_errors_received_total",
        Kind::Counter,
        "Packets received with an error.",
        |port| port.counters().receive_errors as f64,
    ),
    ("node_infiniband_symbol_error_total", Kind::Counter, "Errors on the wire.", |port| {
        port.counters().symbol_errors as f64
    }),
    ("node_infiniband_link_downed_total", Kind::Counter, "Times the link went down.", |port| {
        port.counters().link_downed as f64
    }),
    (
        "node_infiniband_link_error_recovery_total",
        Kind::Counter,
        "Times the link recovered.",
        |port| port.counters().recoveries as f64,
    ),
    (
        "node_infiniband_local_ack_timeout_errors_total",
        Kind::Counter,
        "Acknowledgements that did not come in time.",
        |port| port.counters().ack_timeouts as f64,
    ),
    (
        "node_infiniband_packet_sequence_errors_total",
        Kind::Counter,
        "Packets out of sequence.",
        |port| port.counters().sequence_errors as f64,
    ),
    (
        "node_infiniband_rnr_nak_retry_packets_received_total",
        Kind::Counter,
        "Answers that the receiver was not ready.",
        |port| port.counters().not_ready as f64,
    ),
    ("node_infiniband_state_id", Kind::Gauge, "4 is active, 1 down.", |port| {
        if port.up() { 4.0 } else { 1.0 }
    }),
    ("node_infiniband_physical_state_id", Kind::Gauge, "5 is link up, 2 polling.", |port| {
        if port.up() { 5.0 } else { 2.0 }
    }),
    ("node_infiniband_rate_bytes_per_second", Kind::Gauge, "Bytes a second.", |port| {
        port.bandwidth()
    }),
];

impl NodeExporter {
    /// With a series for each core and mode; `epoch` is when the simulation began, in seconds
    /// since 1970.
    pub fn new(epoch: f64) -> Self {
        Self { per_core: true, epoch }
    }

    /// With a series for each mode.
    pub fn summed(epoch: f64) -> Self {
        Self { per_core: false, epoch }
    }

    /// What it shows of `host`, which is called `hostname`.
    pub fn page(&self, hostname: &str, host: &Host) -> Page {
        let mut builder = PageBuilder::new("node-exporter", &format!("{hostname}:9100"), &[]);
        let cores: Vec<String> = (0..host.settings().cores).map(|core| core.to_string()).collect();
        let mut lines = Vec::new();
        if self.per_core {
            for core in &cores {
                lines.extend(
                    MODES.iter().map(|(mode, _)| vec![("cpu", core.as_str()), ("mode", *mode)]),
                );
            }
        } else {
            lines.extend(MODES.iter().map(|(mode, _)| vec![("mode", *mode)]));
        }
        let name = "node_cpu_seconds_total";
        builder.family(Kind::Counter, name, "", "Seconds of cores by mode.", &slices(&lines));
        for (name, help) in [("node_time_seconds", "Now."), ("node_boot_time_seconds", "Start.")] {
            builder.family(Kind::Gauge, name, "", help, &[&[]]);
        }
        for single in SINGLES {
            builder.family(single.kind, single.name, "", single.help, &[single.labels]);
        }
        for (name, help, _) in RPC {
            builder.family(Kind::Counter, name, "", help, &[READ, WRITE]);
        }
        let ports: Vec<[String; 2]> = (0..host.ports().len())
            .map(|port| [format!("ib{port}"), format!("mlx5_{port}")])
            .collect();
        let mut devices = vec![vec![("device", "eth0")]];
        devices.extend(ports.iter().map(|[device, _]| vec![("device", device.as_str())]));
        for (name, kind, help, ..) in NETWORK {
            builder.family(*kind, name, "", help, &slices(&devices));
        }
        let ports: Vec<_> = ports
            .iter()
            .map(|[_, device]| vec![("device", device.as_str()), ("port", "1")])
            .collect();
        for (name, kind, help, _) in FABRIC {
            builder.family(*kind, name, "", help, &slices(&ports));
        }
        builder.build()
    }

    /// Their values, in the order of the page.
    pub fn write(&self, values: &mut Values, host: &Host) {
        let counters = host.counters();
        if self.per_core {
            let cores = host.settings().cores;
            let all: f64 = MODES.iter().map(|(_, read)| read(counters)).sum();
            let busy = all - counters.idle_seconds;
            for core in 0..cores {
                let weight = weight(core, cores);
                values.push(all / cores as f64 - busy * weight);
                MODES[1..].iter().for_each(|(_, read)| values.push(read(counters) * weight));
            }
        } else {
            MODES.iter().for_each(|(_, read)| values.push(read(counters)));
        }
        values.push(self.epoch + host.now() + counters.clock_offset);
        values.push((self.epoch + counters.started).floor());
        SINGLES.iter().for_each(|single| values.push((single.read)(host)));
        for (_, _, read) in RPC {
            values.push(read(&counters.reads));
            values.push(read(&counters.writes));
        }
        for (_, _, _, first, port) in NETWORK {
            values.push(first(host));
            host.ports().iter().for_each(|of| values.push(port(of)));
        }
        for (_, _, _, read) in FABRIC {
            host.ports().iter().for_each(|port| values.push(read(port)));
        }
    }

    /// What a scrape gets: nothing comes back from a host that is down.
    pub fn answer(host: &Host) -> Answer {
        if host.up() { Answer::Page(0.03) } else { Answer::Hangs }
    }
}

/// Part of a core in the work of all: nearly even, each core a little different.
fn weight(core: usize, cores: usize) -> f64 {
    let (core, cores) = (core as f64, cores as f64);
    (1.0 + 0.04 * (2.0 * (core + 0.5) / cores - 1.0)) / cores
}

fn slices<'a>(lines: &'a [Vec<(&'a str, &'a str)>]) -> Vec<&'a [(&'a str, &'a str)]> {
    lines.iter().map(Vec::as_slice).collect()
}
