//! What every request passes before it is carried out: who it is of, whether that may be, whether
//! there is room for it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Access;
use super::admission::Admission;
use super::body::{Fate, WatchedBody};
use super::connection::Peer;
use super::refusal::{Protocol, Refusal};
use super::role::Role;
use super::users::{Unknown, User};

/// What guards one route.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    pub(super) access: Arc<Access>,
    /// The role that it needs; `None` for an address that is open to all.
    pub(super) needs: Option<Role>,
    pub(super) protocol: Protocol,
}

/// Lets a request pass or answers it.
pub(super) async fn pass(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    match guard.carry_out(request, next).await {
        Ok(response) => response,
        Err(refusal) => {
            let mut response = (guard.protocol.refuse)(&headers, &refusal);
            refusal.add_headers(&mut response);
            response
        }
    }
}

impl Guard {
    async fn carry_out(&self, mut request: Request, next: Next) -> Result<Response, Refusal> {
        let user = match self.needs {
            Some(role) if !self.access.users().is_empty() => {
                Some(self.user(request.headers(), request.extensions(), role).await?)
            }
            _ => None,
        };
        let mut account = None;
        if self.needs == Some(Role::Writer) {
            let admission = &self.access.admission;
            let admitted = admission.admit(request.headers(), self.protocol.unsaid, user.as_ref());
            let (admitted, of_request) = admitted.inspect_err(|refusal| {
                self.access.metrics.refused_request(refusal.label);
            })?;
            request.extensions_mut().insert(admitted);
            account = Some(of_request);
        }
        if let Some(user) = user {
            // For handlers that note who did something.
            request.extensions_mut().insert(user);
        }
        let fate = Fate::default();
        if !request.body().is_end_stream() {
            let (time, fate) = (self.access.limits.body_timeout, fate.clone());
            request = request.map(|body| Body::new(WatchedBody::new(body, time, account, fate)));
        }
        let response = next.run(request).await;
        if fate.is_late() {
            self.access.metrics.refused_request("body_timeout");
            let time = self.access.limits.body_timeout;
            let reason = format!("the body of the request did not come within {time:?}");
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", reason));
        }
        if fate.is_busy() {
            let refusal = Admission::no_memory();
            self.access.metrics.refused_request(refusal.label);
            return Err(refusal);
        }
        Ok(response)
    }

    /// Who asks, if that may have what needs `role`.
    async fn user(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        role: Role,
    ) -> Result<Arc<User>, Refusal> {
        let peer = extensions.get::<Peer>();
        let nowhere = IpAddr::from([0, 0, 0, 0]);
        let address = peer.map_or(nowhere, |peer| peer.address.ip());
        let names = peer.map_or(&[][..], |peer| &peer.names);
        // What is not text is wrong, not absent.
        let header = headers.get(header::AUTHORIZATION);
        let header = header.map(|value| value.to_str().unwrap_or(""));
        let found = self.access.users().identify(header, names, address).await;
        let user = found.map_err(|unknown| {
            let refusal = refusal(unknown);
            self.access.metrics.authentication_failed(refusal.label);
            refusal
        })?;
        if user.may(role) {
            return Ok(user);
        }
        self.access.metrics.authentication_failed("role");
        let (name, has) = (&user.name, user.roles());
        let reason = format!("user `{name}` has the role {has}; this needs {role}");
        Err(Refusal::new(StatusCode::FORBIDDEN, "role", reason))
    }
}

fn refusal(unknown: Unknown) -> Refusal {
    let ways = "a password, a token or a certificate of a user of this service";
    match unknown {
        Unknown::Nothing => {
            Refusal::new(StatusCode::UNAUTHORIZED, "missing", format!("this needs {ways}"))
        }
        Unknown::Wrong => {
            let reason = format!("what was sent is not {ways}");
            Refusal::new(StatusCode::UNAUTHORIZED, "wrong", reason)
        }
        Unknown::Busy(wait) => {
            let reason = "too many wrong attempts came from this address";
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, "busy", reason).again_in(wait)
        }
    }
}
