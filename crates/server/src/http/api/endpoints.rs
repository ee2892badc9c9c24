//! The table of the API: each address with what it takes and gives, so that what is served is
//! what is described.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ask::{Ask, schema_in};
use super::problem::Problem;
use crate::access::{Protocol, Role, Routes};
use crate::serve::Shared;

/// How something is answered.
pub(super) type Handle<Q, B, A> = fn(&Shared, Ask<Q, B>) -> Result<A, Problem>;

/// One address and method, described.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) needs: Role,
    pub(super) id: &'static str,
    /// One sentence.
    pub(super) summary: &'static str,
    /// Schemas of what it takes.
    pub(super) query: Value,
    pub(super) body: Value,
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    /// Schema of what it gives.
    pub(super) answer: Schema,
}

/// What an address is called, and what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    /// One sentence.
    pub(super) summary: &'static str,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Table {
    routes: Routes,
    pub(super) operations: Vec<Operation>,
    pub(super) schemas: SchemaGenerator,
}

impl Table {
    pub(super) fn new(shared: &Arc<Shared>, schemas: SchemaGenerator) -> Self {
        Self { routes: Routes::new(shared, Protocol::JSON), operations: Vec::new(), schemas }
    }

    /// Adds what answers with JSON.
    pub(super) fn add<Q, B, A>(
        mut self,
        (needs, method): (Role, Method),
        name: Name,
        handle: Handle<Q, B, A>,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: DeserializeOwned + JsonSchema + Send + 'static,
        A: Serialize + JsonSchema + Send + 'static,
    {
        let makes_something = name.id.starts_with("create");
        let status = if makes_something { StatusCode::CREATED } else { StatusCode::OK };
        let takes = Arc::new((schema_in::<Q>(), schema_in::<B>()));
        let (query, body) = (*takes).clone();
        let answer = move |State(shared): State<Arc<Shared>>, request: Request| async move {
            let ask = Ask::<Q, B>::read(request, &takes).await?;
            let done = tokio::task::spawn_blocking(move || handle(&shared, ask)).await;
            // A panic is reported by the runtime.
            let mistake = |_| Problem::mistake();
            Ok::<_, Problem>((status, Json(done.map_err(mistake)??)))
        };
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum knows");
        let router = on(filter, answer);
        let operation = Operation {
            method,
            path: name.path,
            needs,
            id: name.id,
            summary: name.summary,
            query,
            body,
            status,
            content_type: "application/json",
            answer: self.schemas.subschema_for::<A>(),
        };
        self.put(operation, router)
    }

    /// Adds what answers with something else than JSON to GET, with a query like `query`.
    pub(super) fn add_other(
        self,
        name: Name,
        content_type: &'static str,
        query: Value,
        answers: MethodRouter<Arc<Shared>>,
    ) -> Self {
        let operation = Operation {
            method: Method::GET,
            path: name.path,
            needs: Role::Reader,
            id: name.id,
            summary: name.summary,
            query,
            body: Value::Null,
            status: StatusCode::OK,
            content_type,
            answer: match content_type {
                "application/json" => schemars::json_schema!({"type": "object"}),
                _ => schemars::json_schema!({"type": "string"}),
            },
        };
        self.put(operation, answers)
    }

    fn put(mut self, operation: Operation, answers: MethodRouter<Arc<Shared>>) -> Self {
        self.routes = self.routes.described(
            operation.needs,
            operation.path,
            operation.method.clone(),
            answers,
        );
        self.operations.push(operation);
        self
    }

    pub(super) fn routes(self) -> Routes {
        self.routes
            .elsewhere(|| async {
                Problem::missing(
                    "there is nothing here; /api/auscult/v1/openapi.json has all addresses",
                )
                .into_response()
            })
            .no_such_method(|| async { wrong_method() })
    }
}

fn wrong_method() -> Response {
    let error = "this address does not take this method; the header Allow has those that it takes";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, error).into_response()
}
