//! Routes that say who may take them.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::MethodRouter;

use super::guard::{self, Guard};
use super::refusal::Protocol;
use super::role::Role;
use super::{Access, browser};
use crate::serve::Shared;

/// Routes, each with the role it needs. Nothing else can be served, so no route is without one.
#[derive(Debug)]
pub(crate) struct Routes {
    router: Router<Arc<Shared>>,
    shared: Arc<Shared>,
    protocol: Protocol,
    declared: Vec<Declared>,
}

/// A route that was added.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) path: String,
    pub(crate) needs: Option<Role>,
    /// Its one method, if it is of the API, which describes itself.
    pub(crate) described: Option<Method>,
}

/// An application that may be served: every route of it is guarded.
#[derive(Debug, Clone)]
pub(crate) struct GuardedRouter(Router);

impl Routes {
    /// None yet; those to come speak `protocol`.
    pub(crate) fn new(shared: &Arc<Shared>, protocol: Protocol) -> Self {
        let shared = Arc::clone(shared);
        Self { router: Router::new(), shared, protocol, declared: Vec::new() }
    }

    /// Adds what answers at `path` to those who have the role `needs`. Methods of one path
    /// that need different roles are added one after another.
    pub(crate) fn route(self, needs: Role, path: &str, answers: MethodRouter<Arc<Shared>>) -> Self {
        self.add(Some(needs), path, None, answers)
    }

    /// As [`Routes::route`], of the API, which describes itself.
    pub(crate) fn described(
        self,
        needs: Role,
        path: &str,
        described: Method,
        answers: MethodRouter<Arc<Shared>>,
    ) -> Self {
        self.add(Some(needs), path, Some(described), answers)
    }

    /// Adds what answers at `path` to everybody: it must tell and do nothing that matters.
    pub(crate) fn open_route(self, path: &str, answers: MethodRouter<Arc<Shared>>) -> Self {
        self.add(None, path, None, answers)
    }

    fn add(
        mut self,
        needs: Option<Role>,
        path: &str,
        described: Option<Method>,
        answers: MethodRouter<Arc<Shared>>,
    ) -> Self {
        let guard = Guard { access: self.access(), needs, protocol: self.protocol };
        let answers = answers.layer(from_fn_with_state(guard, guard::pass));
        self.router = self.router.route(path, answers);
        self.declared.push(Declared { path: path.to_owned(), needs, described });
        self
    }

    /// Adds `others`.
    pub(crate) fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.declared.extend(others.declared);
        self
    }

    /// Adds `others`, with `prefix` before their paths.
    pub(crate) fn nest(mut self, prefix: &str, others: Self) -> Self {
        self.router = self.router.nest(prefix, others.router);
        let prefixed = |one: Declared| Declared { path: format!("{prefix}{}", one.path), ..one };
        self.declared.extend(others.declared.into_iter().map(prefixed));
        self
    }

    /// Has `answer` say that there is nothing at other paths, in the words of a protocol.
    pub(crate) fn elsewhere<H, T>(mut self, answer: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.router = self.router.fallback(answer);
        self
    }

    /// Has `answer` say that an address does not take a method, in the words of a protocol.
    pub(crate) fn no_such_method<H, T>(mut self, answer: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<Shared>>,
        T: 'static,
    {
        self.router = self.router.method_not_allowed_fallback(answer);
        self
    }

    /// Every route.
    #[cfg(test)]
    pub(crate) fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// What can be served.
    pub(crate) fn guarded(self) -> GuardedRouter {
        for Declared { path, needs, described } in &self.declared {
            tracing::trace!(path, ?needs, ?described, "served");
        }
        let access = self.access();
        let limit = self.shared.settings.most_request_bytes;
        let router = self
            .router
            .layer(DefaultBodyLimit::max(limit))
            .layer(from_fn(move |request, next| browser::pass(Arc::clone(&access), request, next)));
        GuardedRouter(router.with_state(self.shared))
    }

    fn access(&self) -> Arc<Access> {
        Arc::clone(&self.shared.access)
    }
}

impl GuardedRouter {
    pub(super) fn into_inner(self) -> Router {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tokio::sync::watch;
    use tower_service::Service;

    use super::*;
    use crate::access::{AccessSettings, UserSettings, hash_token};
    use crate::serve::Server;
    use crate::settings::ServerSettings;
    use crate::{http, otlp};

    const ROLES: [Role; 3] = [Role::Reader, Role::Writer, Role::Operator];
    const METHODS: [Method; 5] =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

    fn token(role: Role) -> String {
        format!("a long token of the {role}")
    }

    /// All routes of all ports, of a service with a user for each role.
    async fn all() -> Vec<Routes> {
        let user = |role: Role| UserSettings {
            name: role.to_string(),
            roles: vec![role],
            token_hashes: vec![hash_token(&token(role)).unwrap()],
            ..UserSettings::default()
        };
        let access = AccessSettings { users: ROLES.map(user).into(), ..AccessSettings::default() };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = ServerSettings { listen, access, ..ServerSettings::default() };
        let server = Server::bind(settings).await.unwrap();
        let (shared, reloader) = server.into_shared();
        let (_, stopped) = watch::channel(false);
        let mut all = vec![http::routes(&shared, reloader, stopped)];
        all.extend(otlp::routes(&shared));
        all
    }

    /// Status and body of an answer; that of gRPC as HTTP would say it.
    async fn ask(
        router: &Router,
        method: &Method,
        path: &str,
        role: Option<Role>,
    ) -> (StatusCode, String) {
        let path = path.replace("{id}", "1").replace("{verdict}", "1").replace("{remedy}", "1");
        let mut request = Request::builder().method(method).uri(&path);
        if let Some(role) = role {
            request = request.header("authorization", format!("Bearer {}", token(role)));
        }
        let answer = router.clone().call(request.body(Body::empty()).unwrap()).await.unwrap();
        let header = |name| answer.headers().get(name).map_or("", |text| text.to_str().unwrap());
        match header("grpc-status") {
            "" => {}
            "16" => return (StatusCode::UNAUTHORIZED, String::new()),
            "7" => return (StatusCode::FORBIDDEN, header("grpc-message").replace("%20", " ")),
            _ => return (StatusCode::BAD_REQUEST, String::new()),
        }
        let status = answer.status();
        // What is live does not end.
        if status == StatusCode::OK {
            return (status, String::new());
        }
        if status == StatusCode::UNAUTHORIZED {
            assert_eq!(answer.headers().get_all("www-authenticate").iter().count(), 2);
        }
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn every_route_asks_for_its_role_and_health_for_none() {
        let mut open = Vec::new();
        for routes in all().await {
            let declared = routes.declared().to_vec();
            let router = routes.guarded().into_inner();
            assert!(!declared.is_empty());
            for Declared { path, needs, described } in declared {
                let is_api = path.starts_with("/api/auscult/v1/");
                assert_eq!(is_api, described.is_some(), "{path} and the description of the API");
                let mut answered = 0;
                let methods = match described {
                    Some(method) => vec![method],
                    None => METHODS.to_vec(),
                };
                for method in methods {
                    let (status, _) = ask(&router, &method, &path, None).await;
                    if status == StatusCode::METHOD_NOT_ALLOWED {
                        continue;
                    }
                    answered += 1;
                    let Some(needs) = needs else {
                        assert_ne!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
                        continue;
                    };
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
                    for role in ROLES {
                        let (status, words) = ask(&router, &method, &path, Some(role)).await;
                        let may = role == needs || role == Role::Operator;
                        let is_refused = status == StatusCode::FORBIDDEN;
                        assert_eq!(may, !is_refused, "{method} {path} of the {role}: {status}");
                        let needed = format!("this needs {needs}");
                        assert_eq!(is_refused, words.contains(&needed), "{path}: {words}");
                    }
                }
                assert!(answered > 0, "nothing answers at {path}");
                if needs.is_none() {
                    open.push(path);
                }
            }
        }
        assert_eq!(open, ["/-/healthy", "/-/ready"]);
    }
}
