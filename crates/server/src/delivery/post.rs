//! A request to a receiver, without a way for its secrets into the log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::retry::Refused;
use crate::client::{self, HttpClient, HttpClientSettings, Manner};
use crate::secret::Secret;

/// Where and how a receiver is reached.
#[derive(Clone)]
pub(crate) struct Post {
    client: Arc<HttpClient>,
    url: Url,
    headers: HeaderMap,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Post").finish_non_exhaustive()
    }
}

/// An address, given or in a file.
pub(crate) fn address(url: &Secret, file: Option<&Path>) -> Result<Secret, String> {
    match file {
        Some(_) if !url.is_empty() => {
            Err("both an address and a file with one are given; give one of them".to_owned())
        }
        Some(file) => Secret::read(file).map_err(|error| {
            format!("its address cannot be read from {}: {error}", file.display())
        }),
        None => Ok(url.clone()),
    }
}

impl Post {
    /// Says what is wrong without showing the address.
    pub(crate) fn new(
        url: &Secret,
        timeout: Duration,
        headers: &BTreeMap<String, Secret>,
        http: HttpClientSettings,
    ) -> Result<Self, String> {
        let expected = "expected one such as https://example.org/hook";
        let url = Url::parse(url.reveal())
            .map_err(|error| format!("its address is none: {error}; {expected}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(format!("its address is none of HTTP; {expected}"));
        }
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let parsed = HeaderName::try_from(name.as_str());
            let parsed = parsed.map_err(|_| format!("`{name}` is no name of a header"))?;
            let value = HeaderValue::try_from(value.reveal());
            let mut value =
                value.map_err(|_| format!("the value of header `{name}` cannot be sent"))?;
            value.set_sensitive(true);
            all.insert(parsed, value);
        }
        // A redirected POST would be asked for as GET, or take its secrets elsewhere.
        let manner = Manner { timeout: Some(timeout), follows_redirects: false };
        let client = Arc::new(HttpClient::new(http, manner)?);
        Ok(Self { client, url, headers: all })
    }

    /// Host and port, to call the receiver by.
    pub(crate) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Sends `body`; fails unless the receiver took it.
    pub(crate) async fn send(&self, headers: HeaderMap, body: Vec<u8>) -> Result<(), Refused> {
        let mut all = self.headers.clone();
        all.extend(headers);
        let request = self.client.request(Method::POST, self.url.clone()).await;
        let request = request.map_err(|error| Refused::passing(error.to_string()))?;
        let answer = request.headers(all).body(body).send().await;
        let answer = answer.map_err(|error| Refused::passing(client::reason(&error)))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Refused::answer(answer.status(), answer.headers()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_address_is_said_without_showing_it() {
        let post = |url: &str, headers: &BTreeMap<String, Secret>| {
            Post::new(
                &Secret::new(url),
                Duration::from_secs(1),
                headers,
                HttpClientSettings::default(),
            )
        };
        let none = BTreeMap::new();
        let secret = BTreeMap::from([("X-Key".to_owned(), Secret::new("hush\n"))]);
        let nameless = BTreeMap::from([("X Key".to_owned(), Secret::new("hush"))]);
        for (url, headers, expected) in [
            ("hush", &none, "its address is none: "),
            ("ftp://hush", &none, "its address is none of HTTP"),
            ("http://hush", &secret, "the value of header `X-Key` cannot be sent"),
            ("http://hush", &nameless, "`X Key` is no name of a header"),
        ] {
            let error = post(url, headers).unwrap_err();
            assert!(error.starts_with(expected) && !error.contains("hush"), "{error}");
        }
        let post = post("https://example.org/hush", &none).unwrap();
        assert!(!format!("{post:?}").contains("hush"));
        assert_eq!(post.host(), "example.org");
    }
}
