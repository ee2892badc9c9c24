//! What the service says of who came and was not let in.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OutcomeLabels {
    pub(super) outcome: &'static str,
}

/// Counters of refusals, and connections as they are.
#[derive(Debug, Default)]
pub(super) struct AccessMetrics {
    pub(super) authentication_failures: Family<ReasonLabels, Counter>,
    pub(super) refused_requests: Family<ReasonLabels, Counter>,
    pub(super) refused_connections: Family<ReasonLabels, Counter>,
    pub(super) certificate_reloads: Family<OutcomeLabels, Counter>,
    pub(super) connections: Gauge,
    /// Ports beyond loopback without TLS or without users.
    pub(super) open_ports: Gauge,
}

impl AccessMetrics {
    pub(super) fn authentication_failed(&self, reason: &'static str) {
        self.authentication_failures.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(super) fn refused_request(&self, reason: &'static str) {
        self.refused_requests.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(super) fn refused_connection(&self, reason: &'static str) {
        self.refused_connections.get_or_create(&ReasonLabels { reason }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests without the right to what they asked for, by reason";
        registry.register("authentication_failures", help, self.authentication_failures.clone());
        let help = "Requests that limits or the rules for browsers refused, by reason";
        registry.register("refused_requests", help, self.refused_requests.clone());
        let help = "Connections that were closed before a request, by reason";
        registry.register("refused_connections", help, self.refused_connections.clone());
        let help = "Times that files of TLS had changed, by outcome";
        registry.register("certificate_reloads", help, self.certificate_reloads.clone());
        registry.register("connections", "Connections now", self.connections.clone());
        let help = "Ports beyond loopback without TLS or without users";
        registry.register("unprotected_ports", help, self.open_ports.clone());
    }
}
