//! The pages before the replicas: SGLang's router, and the gateway that clients talk to.
//!
//! Names and labels of the router: `sgl-router/src/metrics.rs` of SGLang. The gateway shows what
//! OpenTelemetry's conventions for generative AI name, by kind of request, and three counters of its own.

use crate::page::{Kind, Page, PageBuilder, Values};
use crate::serving::{LATENCY, Service};
use crate::workload::Class;

/// The router's page; `workers` are the addresses of the replicas.
pub fn page(service: &str, instance: &str, workers: &[String]) -> Page {
    let mut page = PageBuilder::new("sgl-router", instance, &[]);
    page.counter("sgl_router_requests", "Requests that came in.");
    page.counter("sgl_router_retries", "Requests tried on another worker.");
    let kinds: [&[(&str, &str)]; 3] = [
        &[("error_type", "no_available_workers")],
        &[("error_type", "upstream_failed")],
        &[("error_type", "timeout")],
    ];
    let about = "Requests without an answer.";
    page.family(Kind::Counter, "sgl_router_request_errors", "_total", about, &kinds);
    page.gauge("sgl_router_active_workers", "Workers that get requests.");
    let labels: Vec<[(&str, &str); 1]> =
        workers.iter().map(|worker| [("worker", worker.as_str())]).collect();
    let labels: Vec<&[(&str, &str)]> = labels.iter().map(<[_; 1]>::as_slice).collect();
    page.family(Kind::Gauge, "sgl_router_worker_health", "", "1 well, 0 not.", &labels);
    page.family(Kind::Gauge, "sgl_router_running_requests", "", "Requests there.", &labels);
    let name = "sgl_router_processed_requests";
    page.family(Kind::Counter, name, "_total", "Requests sent there.", &labels);
    let outcomes: Vec<[(&str, &str); 2]> = workers
        .iter()
        .flat_map(|worker| {
            ["success", "failure"]
                .map(|outcome| [("worker", worker.as_str()), ("outcome", outcome)])
        })
        .collect();
    let outcomes: Vec<&[(&str, &str)]> = outcomes.iter().map(<[_; 2]>::as_slice).collect();
    let about = "What came of requests.";
    page.family(Kind::Counter, "sgl_router_cb_outcomes", "_total", about, &outcomes);
    page.family(Kind::Counter, "sgl_router_cb_state_transitions", "_total", "Ejections.", &labels);
    let name = "sgl_router_generate_duration_seconds";
    page.histograms(name, "Time of a request.", LATENCY, &labels);
    let mut page = page.build();
    page.labels.push(("service".to_owned(), service.to_owned()));
    page
}

/// Writes the values of the router's page.
pub fn write(service: &Service, values: &mut Values) {
    let (router, workers) = (service.router(), service.router().workers());
    let sum = |count: fn(&crate::serving::Worker) -> u64| workers.iter().map(count).sum::<u64>();
    values.push(router.routes().iter().map(|route| route.requests).sum::<u64>() as f64);
    values.push(router.retries() as f64);
    values.push(router.unrouted() as f64);
    values.push(sum(|worker| worker.failed) as f64);
    values.push(sum(|worker| worker.timed_out) as f64);
    values.push(sum(|worker| u64::from(worker.healthy)) as f64);
    for worker in workers {
        values.push(f64::from(u8::from(worker.healthy)));
    }
    for worker in workers {
        values.push(worker.running.max(0) as f64);
    }
    for worker in workers {
        values.push(worker.sent as f64);
    }
    for worker in workers {
        values.push(worker.succeeded as f64);
        values.push((worker.failed + worker.timed_out) as f64);
    }
    for worker in workers {
        values.push(worker.ejections as f64);
    }
    for worker in workers {
        values.histogram(&worker.duration);
    }
}

/// The gateway's page of a service with this model.
pub fn gateway_page(service: &str, model: &str, instance: &str) -> Page {
    let common = [
        ("gen_ai_operation_name", "chat"),
        ("gen_ai_provider_name", service),
        ("gen_ai_request_model", model),
    ];
    let mut page = PageBuilder::new("gateway", instance, &common);
    let classes = Class::ALL.map(|class| [("class", class.name())]);
    let classes: Vec<&[(&str, &str)]> = classes.iter().map(<[_; 1]>::as_slice).collect();
    let name = "gen_ai_client_operation_duration_seconds";
    page.histograms(name, "Time of an answer.", LATENCY, &classes);
    let name = "gen_ai_server_time_to_first_token_seconds";
    page.histograms(name, "Time to the first token.", LATENCY, &classes);
    let outcomes: Vec<[(&str, &str); 2]> = Class::ALL
        .iter()
        .flat_map(|class| OUTCOMES.map(|outcome| [("class", class.name()), ("outcome", outcome)]))
        .collect();
    let outcomes: Vec<&[(&str, &str)]> = outcomes.iter().map(<[_; 2]>::as_slice).collect();
    page.family(Kind::Counter, "gateway_requests", "_total", "Requests by outcome.", &outcomes);
    page.counter("gateway_requests_repeated", "Requests that clients sent again.");
    let models: [&[(&str, &str)]; 2] =
        [&[("served", "as_requested")], &[("served", "other_variant")]];
    page.family(Kind::Counter, "gateway_requests_served", "_total", "Answered, by model.", &models);
    let mut page = page.build();
    page.labels.push(("service".to_owned(), service.to_owned()));
    page
}

const OUTCOMES: [&str; 3] = ["answered", "failed", "timed_out"];

/// Writes the values of the gateway's page.
pub fn write_gateway(service: &Service, values: &mut Values) {
    let router = service.router();
    for route in router.routes() {
        values.histogram(&route.duration);
    }
    for route in router.routes() {
        values.histogram(&route.first_token);
    }
    for route in router.routes() {
        values.push(route.answered as f64);
        values.push(route.failed as f64);
        values.push(route.timed_out as f64);
    }
    values.push(router.duplicates() as f64);
    let answered: u64 = router.routes().iter().map(|route| route.answered).sum();
    values.push((answered - router.misrouted()) as f64);
    values.push(router.misrouted() as f64);
}
