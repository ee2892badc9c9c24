//! What a person may set of who may do what, and how much at once.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::role::Role;
use crate::units;

/// Who may do what: encryption, users, limits. It holds for all ports of the service.
///
/// ```
/// let yaml = "
/// tls: {cert_file: server.crt, key_file: server.key}
/// users:
///   - name: grafana
///     roles: [reader]
///     password_hash: $2b$04$WEOyXvYMLnxDO2ZV5jNBOezU7ZRQeoSLsFyGgHF5l0XX5I5q2Mf/C
/// limits: {connections: 100}
/// ";
/// let access: auscult_server::AccessSettings = serde_saphyr::from_str(yaml)?;
/// assert_eq!(access.users[0].name, "grafana");
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSettings {
    /// TLS, spoken on all ports; without it they speak in the clear.
    pub tls: Option<TlsSettings>,
    /// Who may do something. With none, everybody who reaches a port may do everything.
    pub users: Vec<UserSettings>,
    /// How much may go on at once.
    pub limits: LimitSettings,
    /// Web sites whose pages may ask the service from a browser, each such as
    /// `https://grafana.example.com`. None unless set.
    pub cors_origins: Vec<String>,
    /// Names that requests may call the service by (header `Host`), without port. Addresses and
    /// `localhost` always may. Unless set, other names are refused only on loopback and where
    /// there are no users.
    pub allowed_hosts: Vec<String>,
}

/// Certificate and key of the service, and whose certificates it asks for.
///
/// The files are read again when their contents change; connections stay as they are.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The chain of certificates as PEM, that of the service first.
    #[schemars(with = "units::AsPath")]
    pub cert_file: PathBuf,
    /// The private key as PEM (PKCS #8, PKCS #1 or SEC1).
    #[schemars(with = "units::AsPath")]
    pub key_file: PathBuf,
    /// Certificates, as PEM, of those who may sign certificates of clients.
    #[schemars(with = "Option<units::AsPath>")]
    pub client_ca_file: Option<PathBuf>,
    /// Whether a client must show a certificate (`require`), or may (`optional`); it needs
    /// `client_ca_file`.
    pub client_auth: ClientAuth,
    /// The oldest version of TLS that is spoken: `TLS12` or `TLS13`.
    pub min_version: TlsVersion,
    /// How often the files are looked at for changes.
    #[serde(with = "units::AsDuration")]
    pub reload_interval: Duration,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// They are not asked for one.
    #[default]
    None,
    /// They are asked for one; one that is shown must be right.
    Optional,
    /// Without one there is no connection.
    Require,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// 1.2, of 2008.
    #[default]
    #[serde(rename = "TLS12")]
    Tls12,
    /// 1.3, of 2018.
    #[serde(rename = "TLS13")]
    Tls13,
}

/// Somebody, or a program, with ways to prove it: any one of them will do.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UserSettings {
    /// The name, sent along with a password and shown in the log. No two users have the same.
    pub name: String,
    /// What the user may do: `reader` asks, `writer` pushes metrics, `operator` does everything.
    pub roles: Vec<Role>,
    /// Hash of the password, by bcrypt, as `auscult hash-secret` prints it and as
    /// `basic_auth_users` of Prometheus has it.
    pub password_hash: Option<String>,
    /// Hashes of tokens for `Authorization: Bearer`, each `sha256:` and 64 hexadecimal digits as
    /// `auscult hash-secret --token` prints it. Two of them let a token be replaced without a gap.
    pub token_hashes: Vec<String>,
    /// Names in client certificates that stand for this user: the common name, or an
    /// alternative name (DNS, address of mail, URI). They need `client_ca_file`.
    pub certificate_names: Vec<String>,
    /// Samples a second that the user may push, on average over ten seconds; 0 for no limit.
    pub samples_per_second: u64,
}

/// How much may go on at once, so that nobody can take the service away from the others.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Most connections at once, over all ports; more are closed at once.
    pub connections: usize,
    /// Most connections at once from one address (of IPv6, from one network of 64 bits).
    pub connections_per_address: usize,
    /// How long a TLS handshake may take.
    #[serde(with = "units::AsDuration")]
    pub handshake_timeout: Duration,
    /// How long the head of a request may take, from its first byte.
    #[serde(with = "units::AsDuration")]
    pub header_timeout: Duration,
    /// How long the body of a request may take.
    #[serde(with = "units::AsDuration")]
    pub body_timeout: Duration,
    /// How long a connection may be open without a request.
    #[serde(with = "units::AsDuration")]
    pub idle_timeout: Duration,
    /// Most requests at once that push metrics; more are answered 503, to be sent again.
    pub writes: usize,
    /// Most bytes at once of requests that push metrics, as sent and unpacked together; more are answered 503.
    #[serde(with = "units::AsBytes")]
    pub write_bytes: u64,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            cert_file: PathBuf::new(),
            key_file: PathBuf::new(),
            client_ca_file: None,
            client_auth: ClientAuth::default(),
            min_version: TlsVersion::default(),
            reload_interval: Duration::from_secs(5),
        }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            connections: 2048,
            connections_per_address: 512,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(120),
            writes: 256,
            write_bytes: 512 << 20,
        }
    }
}
