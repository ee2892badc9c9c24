//! What a person may set of asking another service, with the keys of Prometheus's `http_config`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::secret::Secret;
use crate::units;

/// How another service is asked.
///
/// Files with secrets, certificates and keys are read again when they change. At most one of
/// `basic_auth` and `authorization` may be set.
///
/// ```
/// let yaml = "
/// authorization: {credentials_file: token}
/// tls_config: {ca_file: ca.crt}
/// ";
/// let settings: auscult_server::HttpClientSettings = serde_saphyr::from_str(yaml)?;
/// assert!(settings.basic_auth.is_none());
/// # Ok::<(), serde_saphyr::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClientSettings {
    /// A name and a password, sent along.
    pub basic_auth: Option<BasicAuthSettings>,
    /// A token or another kind of credentials, sent along.
    pub authorization: Option<AuthorizationSettings>,
    /// How TLS is spoken.
    pub tls_config: TlsClientSettings,
    /// The proxy that is asked instead, such as `http://proxy.example.com:3128`; unless set, the one
    /// that the environment names (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`), if any.
    pub proxy_url: Option<String>,
}

/// A name and a password.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BasicAuthSettings {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Option<Secret>,
    /// A file with the password, instead.
    #[schemars(with = "Option<units::AsPath>")]
    pub password_file: Option<PathBuf>,
}

/// What is sent as `Authorization`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizationSettings {
    /// The kind of credentials.
    #[serde(rename = "type")]
    pub kind: String,
    /// The credentials.
    pub credentials: Option<Secret>,
    /// A file with the credentials, instead.
    #[schemars(with = "Option<units::AsPath>")]
    pub credentials_file: Option<PathBuf>,
}

/// How TLS is spoken to another service; 1.2 at least.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsClientSettings {
    /// Certificates, as PEM, of those who may sign that of the service; unless set, those that
    /// the system trusts.
    #[schemars(with = "Option<units::AsPath>")]
    pub ca_file: Option<PathBuf>,
    /// The chain of certificates as PEM that is shown to the service; it needs `key_file`.
    #[schemars(with = "Option<units::AsPath>")]
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`, as PEM.
    #[schemars(with = "Option<units::AsPath>")]
    pub key_file: Option<PathBuf>,
    /// The name that the certificate of the service must be for, if it is not that in the address.
    pub server_name: Option<String>,
    /// Whether any certificate will do: then anybody in between can read along and answer instead.
    pub insecure_skip_verify: bool,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self { kind: "Bearer".to_owned(), credentials: None, credentials_file: None }
    }
}
