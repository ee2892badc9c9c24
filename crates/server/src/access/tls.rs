//! TLS of the ports, by files that may change.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ring::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;

use super::settings::{ClientAuth, TlsSettings, TlsVersion};

/// The certificate of the service as it is now.
#[derive(Debug)]
pub(super) struct Tls {
    settings: TlsSettings,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    /// Hash of the contents of all files.
    contents: [u8; 32],
}

static TLS13_ONLY: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The contents of all files.
struct Files {
    certificates: Vec<u8>,
    key: Vec<u8>,
    clients: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files.
    pub(super) fn open(settings: TlsSettings) -> Result<Self, String> {
        let files = Files::read(&settings)?;
        let contents = files.hash();
        let config = Arc::new(config(&settings, &files)?);
        Ok(Self { settings, current: RwLock::new(Current { config, contents }) })
    }

    /// What greets new connections.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.config))
    }

    /// Whether clients are asked for certificates.
    pub(super) fn asks_for_certificates(&self) -> bool {
        self.settings.client_ca_file.is_some()
    }

    /// Whether nobody gets a connection without a certificate.
    pub(super) fn requires_certificates(&self) -> bool {
        self.settings.client_auth == ClientAuth::Require
    }

    /// How often to call [`Tls::reload`].
    pub(super) fn reload_interval(&self) -> Duration {
        self.settings.reload_interval.max(Duration::from_millis(10))
    }

    /// Takes the files as they are now, if their contents have changed, and says whether they had.
    /// What cannot be used changes nothing.
    pub(super) fn reload(&self) -> Result<bool, String> {
        let files = Files::read(&self.settings)?;
        let contents = files.hash();
        if self.current.read().unwrap_or_else(PoisonError::into_inner).contents == contents {
            return Ok(false);
        }
        let config = Arc::new(config(&self.settings, &files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
            Current { config, contents };
        Ok(true)
    }
}

impl Files {
    fn read(settings: &TlsSettings) -> Result<Self, String> {
        let read = |path: &Path, key: &str| {
            if path.as_os_str().is_empty() {
                return Err(format!("tls has no {key}"));
            }
            let refuse = |error| format!("{key} `{}` cannot be read: {error}", path.display());
            std::fs::read(path).map_err(refuse)
        };
        Ok(Self {
            certificates: read(&settings.cert_file, "cert_file")?,
            key: read(&settings.key_file, "key_file")?,
            clients: match &settings.client_ca_file {
                Some(path) => Some(read(path, "client_ca_file")?),
                None => None,
            },
        })
    }

    fn hash(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        let parts = [Some(&self.certificates), Some(&self.key), self.clients.as_ref()];
        for part in parts.into_iter().flatten() {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

fn config(settings: &TlsSettings, files: &Files) -> Result<ServerConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(settings.min_version))
        .map_err(|error| error.to_string())?;
    let builder = match (settings.client_auth, &files.clients) {
        (ClientAuth::None, None) => builder.with_no_client_auth(),
        (ClientAuth::None, Some(_)) => {
            return Err("client_ca_file needs client_auth: optional or require".to_owned());
        }
        (_, None) => return Err("client_auth needs a client_ca_file".to_owned()),
        (asked, Some(pem)) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem, "client_ca_file")? {
                roots.add(certificate).map_err(|error| format!("client_ca_file: {error}"))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            let verifier = match asked {
                ClientAuth::Optional => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            let verifier = verifier.build().map_err(|error| format!("client_ca_file: {error}"))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = certificates(&files.certificates, "cert_file")?;
    let key = private_key(&files.key, "key_file")?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("cert_file and key_file cannot be used: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn versions(oldest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match oldest {
        TlsVersion::Tls12 => rustls::ALL_VERSIONS,
        TlsVersion::Tls13 => TLS13_ONLY,
    }
}

/// The certificates in `pem`, which the setting `key` names; at least one.
pub(crate) fn certificates(pem: &[u8], key: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| format!("{key}: {error}"))?;
    if certificates.is_empty() {
        return Err(format!("{key} holds no certificate: expected PEM"));
    }
    Ok(certificates)
}

/// The private key in `pem`, which the setting `key` names.
pub(crate) fn private_key(pem: &[u8], key: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| format!("{key} holds no private key: {error}; expected PEM"))
}
