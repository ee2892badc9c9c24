//! Who may do what, and how much at once.
//!
//! A connection passes `connection` (limits, TLS, silence); a request passes `browser` (pages of
//! other sites) and then the `guard` of its route (who it is, what that may do, whether there is room).

mod activity;
mod admission;
mod body;
mod browser;
mod certificate;
mod connection;
mod guard;
mod hash;
mod metrics;
mod rate;
mod refusal;
mod role;
mod routes;
mod settings;
mod throttle;
pub(crate) mod tls;
mod users;
mod verified;

use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::sync::watch;

pub(crate) use admission::Admitted;
pub(crate) use connection::serve;
pub use hash::{hash_password, hash_token};
pub(crate) use refusal::{Protocol, Refusal};
pub use role::Role;
pub(crate) use routes::Routes;
pub use settings::{
    AccessSettings, ClientAuth, LimitSettings, TlsSettings, TlsVersion, UserSettings,
};

use admission::Admission;
use connection::Connections;
use metrics::{AccessMetrics, OutcomeLabels};
use tls::Tls;
pub(crate) use users::User;
use users::Users;

/// What guards the service.
#[derive(Debug)]
pub(crate) struct Access {
    tls: Option<Tls>,
    users: Users,
    admission: Admission,
    connections: Connections,
    limits: LimitSettings,
    cors_origins: Vec<String>,
    allowed_hosts: Vec<String>,
    metrics: AccessMetrics,
}

impl Access {
    /// Reads files and checks settings, for requests of `most_request` bytes as sent and
    /// `most_unpacked` unpacked. Refuses in a sentence what cannot be.
    pub(crate) fn open(
        settings: AccessSettings,
        most_request: usize,
        most_unpacked: usize,
    ) -> Result<Self, String> {
        let AccessSettings { tls, users, limits, cors_origins, allowed_hosts } = settings;
        let users = Users::new(&users)?;
        let asks = tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        if users.has_certificate_names() && !asks {
            return Err("certificate_names need tls with a client_ca_file".to_owned());
        }
        for (key, limit) in [
            ("connections", limits.connections),
            ("connections_per_address", limits.connections_per_address),
            ("writes", limits.writes),
        ] {
            if limit == 0 {
                return Err(format!("limits: {key} = 0: must be at least 1"));
            }
        }
        for (key, time) in [
            ("handshake_timeout", limits.handshake_timeout),
            ("header_timeout", limits.header_timeout),
            ("body_timeout", limits.body_timeout),
            ("idle_timeout", limits.idle_timeout),
        ] {
            if time.is_zero() {
                return Err(format!("limits: {key} = 0: must be above 0"));
            }
        }
        if let Some(origin) = cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(format!(
                "cors_origins has `{origin}`: expected a site such as https://grafana.example.com"
            ));
        }
        Ok(Self {
            tls: tls.map(Tls::open).transpose()?,
            users,
            admission: Admission::new(&limits, most_request, most_unpacked)?,
            connections: Connections::default(),
            limits,
            cors_origins,
            allowed_hosts,
            metrics: AccessMetrics::default(),
        })
    }

    /// `https`, or `http` where TLS is not spoken.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Says which of the ports at `addresses` are open to more than is safe.
    pub(crate) fn warn(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        for address in addresses {
            if let Some(warning) = self.warning(address) {
                self.metrics.open_ports.inc();
                tracing::warn!("{warning}");
            }
        }
    }

    fn warning(&self, address: SocketAddr) -> Option<String> {
        if address.ip().to_canonical().is_loopback() {
            return None;
        }
        match (self.users.is_empty(), self.tls.is_none()) {
            (true, true) => Some(format!(
                "everybody who reaches {address} may read and write everything, in the clear: set users and tls, or listen on 127.0.0.1"
            )),
            // Who must show a certificate is known to whoever signed it.
            (true, false) if self.asks_for_certificates() => None,
            (true, false) => Some(format!(
                "everybody who reaches {address} may read and write everything: set users, or client_auth: require"
            )),
            (false, true) => Some(format!(
                "passwords and metrics reach {address} in the clear: set tls, or listen on 127.0.0.1 behind something that speaks it"
            )),
            (false, false) => None,
        }
    }

    fn asks_for_certificates(&self) -> bool {
        self.tls.as_ref().is_some_and(Tls::requires_certificates)
    }

    /// Follows the files of TLS until `stopped`.
    pub(crate) async fn follow_files(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let Some(interval) = self.tls.as_ref().map(Tls::reload_interval) else { return };
        let mut said = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = stopped.changed() => return,
            }
            let access = Arc::clone(&self);
            let look = move || access.tls.as_ref().map_or(Ok(false), Tls::reload);
            let Ok(looked) = tokio::task::spawn_blocking(look).await else { continue };
            let outcome = match &looked {
                Ok(false) => continue,
                Ok(true) => "ok",
                Err(_) => "failed",
            };
            match looked {
                Err(problem) if said.as_ref() != Some(&problem) => {
                    tracing::warn!("the certificate stays as it was: {problem}");
                    said = Some(problem);
                }
                Err(_) => continue,
                Ok(_) => {
                    tracing::info!("the certificate was replaced");
                    said = None;
                }
            }
            let labels = OutcomeLabels { outcome };
            self.metrics.certificate_reloads.get_or_create(&labels).inc();
        }
    }

    /// Adds its own metrics.
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }
}

/// Whether `text` is a site as browsers spell it: scheme and host, perhaps a port, no path.
fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty() && !host.contains(['/', '*', ' ']) && host == host.to_ascii_lowercase()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(yaml: &str) -> Result<Access, String> {
        Access::open(serde_saphyr::from_str(yaml).unwrap(), 16 << 20, 64 << 20)
    }

    #[test]
    fn ports_beyond_loopback_are_warned_of() {
        let (here, all) = ("127.0.0.1:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap());
        let access = open("{}").unwrap();
        assert_eq!(access.warning(here), None);
        assert!(
            access.warning(all).unwrap().contains("may read and write everything, in the clear")
        );
        let token = hash_token("a token that is long enough").unwrap();
        let access =
            open(&format!("users: [{{name: a, roles: [reader], token_hashes: ['{token}']}}]"));
        let access = access.unwrap();
        assert!(access.warning(all).unwrap().contains("in the clear: set tls"));
        access.warn([here, all]);
        assert_eq!(access.metrics.open_ports.get(), 1);
    }

    #[test]
    fn settings_that_cannot_be_are_refused_in_words() {
        let refused = |yaml: &str| open(yaml).unwrap_err();
        assert!(refused("limits: {connections: 0}").contains("connections = 0"));
        assert!(refused("limits: {header_timeout: '0'}").contains("header_timeout = 0"));
        assert!(refused("limits: {write_bytes: 80MB}").contains("must be above"));
        assert!(refused("cors_origins: ['*']").contains("expected a site"));
        assert!(refused("cors_origins: ['https://a.example.com/']").contains("expected a site"));
        let by_certificate = "users: [{name: a, roles: [reader], certificate_names: [a]}]";
        assert!(refused(by_certificate).contains("client_ca_file"));
        assert!(refused("tls: {}").contains("tls has no cert_file"));
        let missing = "tls: {cert_file: /nowhere/a, key_file: /nowhere/b}";
        assert!(refused(missing).contains("cert_file `/nowhere/a` cannot be read"));
    }
}
