//! What all questions to other services over HTTP have in common.

mod settings;
mod tls;

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, Proxy, RequestBuilder, Url};

pub use settings::{
    AuthorizationSettings, BasicAuthSettings, HttpClientSettings, TlsClientSettings,
};

use crate::secret::Secret;
use tls::Files;

/// How often files of TLS are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// Redirects that are followed, as by Prometheus.
const REDIRECTS: usize = 10;

/// A client that says who asks.
fn plain() -> ClientBuilder {
    Client::builder().user_agent(concat!("auscult/", env!("CARGO_PKG_VERSION")))
}

/// The innermost reason of `error`: the outer ones say that a request failed, and its address.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

/// How requests go, by who makes them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// How long a whole answer may take.
    pub(crate) timeout: Option<Duration>,
    /// Whether answers that lead elsewhere are followed.
    pub(crate) follows_redirects: bool,
}

/// Asks as settings have it; certificates and secrets in files are followed.
#[derive(Debug)]
pub(crate) struct HttpClient {
    settings: HttpClientSettings,
    manner: Manner,
    current: Mutex<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    client: Client,
    /// Hash of the files of TLS.
    contents: [u8; 32],
    looked: Instant,
}

/// Why a request is not even sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotSent(pub(crate) String);

impl HttpClient {
    /// Refuses, in a sentence, settings that cannot be.
    pub(crate) fn new(settings: HttpClientSettings, manner: Manner) -> Result<Self, String> {
        check(&settings)?;
        let files = Files::read(&settings.tls_config)?;
        let client = client(&settings, manner, &files)?;
        // What is wrong with a file of secrets is said at the start.
        Authorization::of(&settings).map_err(|error| error.0)?;
        let current = Current { client, contents: files.hash(), looked: Instant::now() };
        Ok(Self { settings, manner, current: Mutex::new(current) })
    }

    /// A question for what is at `url`.
    pub(crate) async fn get(&self, url: Url) -> Result<RequestBuilder, NotSent> {
        self.request(Method::GET, url).await
    }

    /// A request with whatever proves who asks.
    pub(crate) async fn request(
        &self,
        method: Method,
        url: Url,
    ) -> Result<RequestBuilder, NotSent> {
        let client = self.client().await;
        let request = client.request(method, url);
        let has_files = has_secret_files(&self.settings);
        let authorization = if has_files {
            let settings = self.settings.clone();
            let read = tokio::task::spawn_blocking(move || Authorization::of(&settings)).await;
            read.map_err(|error| NotSent(error.to_string()))??
        } else {
            Authorization::of(&self.settings)?
        };
        Ok(authorization.add(request))
    }

    /// The client, by the files of TLS as they are now. While they cannot be used, it is the
    /// one before.
    async fn client(&self) -> Client {
        let current = self.now();
        let tls = &self.settings.tls_config;
        let has_files =
            [&tls.ca_file, &tls.cert_file, &tls.key_file].into_iter().any(Option::is_some);
        if !has_files || current.looked.elapsed() < LOOK {
            return current.client;
        }
        let (settings, manner) = (self.settings.clone(), self.manner);
        let looked = tokio::task::spawn_blocking(move || {
            let files = Files::read(&settings.tls_config)?;
            let contents = files.hash();
            if contents == current.contents {
                return Ok(Current { looked: Instant::now(), ..current });
            }
            let client = client(&settings, manner, &files)?;
            Ok::<Current, String>(Current { client, contents, looked: Instant::now() })
        });
        match looked.await {
            Ok(Ok(current)) => self.replace(current),
            Ok(Err(problem)) => {
                tracing::warn!("TLS stays as it was: {problem}");
                self.replace(Current { looked: Instant::now(), ..self.now() })
            }
            // A panic is reported by the runtime.
            Err(_) => self.now().client,
        }
    }

    fn now(&self) -> Current {
        self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn replace(&self, current: Current) -> Client {
        let client = current.client.clone();
        *self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = current;
        client
    }
}

fn check(settings: &HttpClientSettings) -> Result<(), String> {
    if settings.basic_auth.is_some() && settings.authorization.is_some() {
        return Err("basic_auth and authorization exclude each other".to_owned());
    }
    if let Some(basic) = &settings.basic_auth
        && basic.password.is_some()
        && basic.password_file.is_some()
    {
        return Err("password and password_file exclude each other".to_owned());
    }
    if let Some(other) = &settings.authorization {
        if other.credentials.is_some() == other.credentials_file.is_some() {
            return Err("authorization needs credentials or credentials_file".to_owned());
        }
        if other.kind.eq_ignore_ascii_case("basic") {
            return Err("type Basic of authorization: expected basic_auth instead".to_owned());
        }
    }
    Ok(())
}

fn client(settings: &HttpClientSettings, manner: Manner, files: &Files) -> Result<Client, String> {
    let redirects =
        if manner.follows_redirects { Policy::limited(REDIRECTS) } else { Policy::none() };
    let mut builder = plain()
        .use_preconfigured_tls(tls::config(&settings.tls_config, files)?)
        .redirect(redirects);
    if let Some(url) = &settings.proxy_url {
        let proxy = Proxy::all(url).map_err(|error| format!("proxy_url: {}", reason(&error)))?;
        builder = builder.proxy(proxy);
    }
    if let Some(timeout) = manner.timeout {
        builder = builder.timeout(timeout);
    }
    builder.build().map_err(|error| reason(&error))
}

fn has_secret_files(settings: &HttpClientSettings) -> bool {
    let basic = settings.basic_auth.as_ref().is_some_and(|basic| basic.password_file.is_some());
    let other = settings.authorization.as_ref();
    basic || other.is_some_and(|other| other.credentials_file.is_some())
}

/// What is sent along to prove who asks.
enum Authorization {
    Nothing,
    Basic { username: String, password: Option<Secret> },
    Other { kind: String, credentials: Secret },
}

impl Authorization {
    /// As it stands in settings and their files.
    fn of(settings: &HttpClientSettings) -> Result<Self, NotSent> {
        if let Some(basic) = &settings.basic_auth {
            let password = secret(basic.password.as_ref(), basic.password_file.as_deref())?;
            return Ok(Self::Basic { username: basic.username.clone(), password });
        }
        let Some(other) = &settings.authorization else { return Ok(Self::Nothing) };
        let credentials = secret(other.credentials.as_ref(), other.credentials_file.as_deref())?;
        let kind = other.kind.clone();
        Ok(Self::Other { kind, credentials: credentials.unwrap_or_default() })
    }

    fn add(self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Nothing => request,
            Self::Basic { username, password } => {
                request.basic_auth(username, password.as_ref().map(Secret::reveal))
            }
            Self::Other { kind, credentials } => {
                let text = format!("{kind} {}", credentials.reveal());
                match reqwest::header::HeaderValue::try_from(text) {
                    Ok(mut value) => {
                        value.set_sensitive(true);
                        request.header(reqwest::header::AUTHORIZATION, value)
                    }
                    // The request fails with the reason, which does not repeat the secret.
                    Err(_) => request.header(reqwest::header::AUTHORIZATION, "\n"),
                }
            }
        }
    }
}

fn secret(text: Option<&Secret>, file: Option<&Path>) -> Result<Option<Secret>, NotSent> {
    let Some(file) = file else { return Ok(text.cloned()) };
    let bytes = tls::read(file, "the file of the secret").map_err(NotSent)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(Secret::new(text.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        let settings = serde_saphyr::from_str(yaml).unwrap();
        HttpClient::new(settings, Manner::default()).unwrap_err()
    }

    #[test]
    fn settings_that_cannot_be_are_refused_in_words() {
        let both = "{basic_auth: {username: a}, authorization: {credentials: b}}";
        assert!(refused(both).contains("exclude each other"));
        let twice = "{basic_auth: {username: a, password: b, password_file: c}}";
        assert!(refused(twice).contains("exclude each other"));
        assert!(refused("{authorization: {type: Bearer}}").contains("needs credentials"));
        let basic = "{authorization: {type: basic, credentials: b}}";
        assert!(refused(basic).contains("expected basic_auth"));
        assert!(refused("{tls_config: {ca_file: /nowhere}}").contains("ca_file `/nowhere` cannot"));
        assert!(refused("{proxy_url: 'a b'}").contains("proxy_url"));
        let missing = "{authorization: {credentials_file: /nowhere}}";
        assert!(refused(missing).contains("`/nowhere` cannot be read"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let yaml = "{basic_auth: {username: ann, password: swordfish}}";
        let settings: HttpClientSettings = serde_saphyr::from_str(yaml).unwrap();
        let shown = format!("{settings:?}");
        assert!(shown.contains("ann") && !shown.contains("swordfish"), "{shown}");
        let client = HttpClient::new(settings, Manner::default()).unwrap();
        assert!(!format!("{client:?}").contains("swordfish"));
    }
}
