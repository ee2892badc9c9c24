//! What browsers may do on behalf of pages of other sites: nothing, unless settings say so.
//!
//! Sources: WHATWG Fetch, "CORS protocol"; RFC 6454 (origins). A page whose name is made to lead
//! to loopback ("DNS rebinding") is of the same site to its browser; the name of the host
//! gives it away.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Access;
use super::connection::Peer;
use crate::http::API;

/// Methods that change nothing.
const SAFE: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

/// Lets a request pass unless a browser was talked into it.
pub(super) async fn pass(access: Arc<Access>, request: Request, next: Next) -> Response {
    if !is_known_host(&access, &request) {
        access.metrics.refused_request("host");
        let reason = "the service is not known by the name in Host; add it to allowed_hosts";
        return refuse(&request, StatusCode::MISDIRECTED_REQUEST, reason);
    }
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let is_allowed = access.cors_origins.iter().any(|allowed| origin == allowed.as_str());
    let is_own = host(&request).is_some_and(|host| is_same(&origin, host));
    if !is_allowed && !is_own && !SAFE.contains(request.method()) {
        access.metrics.refused_request("origin");
        let reason = "pages of other sites may not change anything; add the site to cors_origins";
        return refuse(&request, StatusCode::FORBIDDEN, reason);
    }
    let is_question = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_question {
        // Browsers ask this without credentials.
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if is_allowed {
        allow(response.headers_mut(), origin, is_question);
    }
    response
}

/// Says no in words, or as the API says it to those who ask that.
fn refuse(request: &Request, status: StatusCode, reason: &str) -> Response {
    if request.uri().path().starts_with(API) {
        return (status, Json(serde_json::json!({"error": reason}))).into_response();
    }
    (status, format!("{reason}\n")).into_response()
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, is_question: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let exposed = HeaderValue::from_static("retry-after");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    if is_question {
        let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        let asked = HeaderValue::from_static("authorization, content-type, last-event-id");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

/// What the request calls the service, with the port.
fn host(request: &Request) -> Option<&str> {
    let authority = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let header = request.headers().get(header::HOST);
    authority.or_else(|| header.map(|host| host.to_str().unwrap_or("")))
}

fn is_known_host(access: &Access, request: &Request) -> bool {
    // Only browsers can be misled, and they always say it.
    let Some(host) = host(request) else { return true };
    let name = name(host);
    let is_plain = name.parse::<IpAddr>().is_ok() || is_localhost(name);
    if is_plain || access.allowed_hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return true;
    }
    if !access.allowed_hosts.is_empty() {
        return false;
    }
    let peer = request.extensions().get::<Peer>();
    let is_loopback = peer.is_none_or(|peer| peer.local.ip().to_canonical().is_loopback());
    // Who needs a secret is not served by a name alone.
    !(is_loopback && access.users.is_empty())
}

/// `host` without its port and brackets.
fn name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(name, _)| name);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether a page of `origin` is one of the service at `host`. Whether TLS is spoken does not matter:
/// something before the service may speak it.
fn is_same(origin: &HeaderValue, host: &str) -> bool {
    let origin = origin.to_str().unwrap_or("");
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let usual = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let plain = |host: &str| host.strip_suffix(usual).unwrap_or(host).to_ascii_lowercase();
    plain(authority) == plain(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_site_is_known_whatever_speaks_tls_before_it() {
        let same = |origin: &'static str, host| is_same(&HeaderValue::from_static(origin), host);
        assert!(same("http://localhost:9709", "localhost:9709"));
        assert!(same("https://Auscult.example.com", "auscult.example.com:443"));
        assert!(same("https://[::1]", "[::1]"));
        assert!(!same("http://evil.example.com", "localhost:9709"));
        assert!(!same("http://localhost:3000", "localhost:9709"));
        assert!(!same("null", "localhost:9709"));
        assert!(!same("file://", ""));
    }

    #[test]
    fn names_are_without_ports() {
        assert_eq!(name("localhost:9709"), "localhost");
        assert_eq!(name("[::1]:9709"), "::1");
        assert_eq!(name("gpu1"), "gpu1");
        assert!(is_localhost("LOCALHOST.") && !is_localhost("localhost.example.com"));
    }
}
