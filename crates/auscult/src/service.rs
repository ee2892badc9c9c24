//! A running service that a verb asks: where it is, who asks, what it answers.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::outcome::{CallError, Outcome};

/// Which service, and who asks.
#[derive(Debug, clap::Args)]
pub(crate) struct ServiceArguments {
    /// Address of the running service
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9709")]
    url: String,

    /// File with a token of a user of the service, where it has users
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// How an answer of a service is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// As the service says it.
    Json,
}

impl Form {
    /// Writes `answer` to standard output, for people as `table` makes it.
    pub(crate) fn write<A: Serialize>(
        self,
        answer: &A,
        table: impl FnOnce(&A) -> String,
    ) -> Result<Outcome, CallError> {
        let text = match self {
            Self::Json => serde_json::to_string_pretty(answer).map_err(CallError::input)? + "\n",
            Self::Table => table(answer),
        };
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(CallError::write("standard output"))?;
        Ok(Outcome::Done)
    }
}

/// Where its API is.
const API: &str = "/api/auscult/v1";

/// A service that can be asked.
#[derive(Debug)]
pub(crate) struct Service {
    base: String,
    token: Option<String>,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

/// Why the service does not do what was asked.
#[derive(Debug, Deserialize)]
struct Problem {
    error: String,
}

impl ServiceArguments {
    pub(crate) fn open(&self) -> Result<Service, CallError> {
        Service::new(&self.url, self.token_file.as_ref())
    }
}

impl Service {
    /// At `url`, asked with the token in `token_file`.
    pub(crate) fn new(url: &str, token_file: Option<&PathBuf>) -> Result<Self, CallError> {
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| {
                CallError::input(format!("--token-file {}: {error}", path.display()))
            })?;
            Ok(text.trim().to_owned())
        };
        Ok(Self {
            base: format!("{}{API}", url.trim_end_matches('/')),
            token: token_file.map(read).transpose()?,
            client: reqwest::Client::new(),
            runtime: tokio::runtime::Runtime::new().map_err(CallError::input)?,
        })
    }

    /// Where it is, as it may stand on a page that others get: without a password.
    pub(crate) fn address(&self) -> String {
        let url = self.base.trim_end_matches(API);
        let Ok(mut address) = reqwest::Url::parse(url) else { return url.to_owned() };
        // They fail where an address cannot have any.
        let _ = address.set_username("");
        let _ = address.set_password(None);
        address.as_str().trim_end_matches('/').to_owned()
    }

    pub(crate) fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        self.ask(Method::GET, path, None)
    }

    pub(crate) fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<A, CallError> {
        self.ask(Method::POST, path, Some(body))
    }

    pub(crate) fn delete<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        self.ask(Method::DELETE, path, None)
    }

    fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<A, CallError> {
        let url = format!("{}{path}", self.base);
        let refuse = |error: reqwest::Error| {
            let mut cause: &dyn Error = &error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            let hint = if error.is_connect() {
                "; does the service run, and is --url its address?"
            } else {
                ""
            };
            CallError::input(format!("cannot ask {url}: {cause}{hint}"))
        };
        let mut request = self.client.request(method, &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answered = self.runtime.block_on(async {
            let answer = request.send().await?;
            Ok((answer.status(), answer.text().await?))
        });
        let (status, text) = answered.map_err(refuse)?;
        if !status.is_success() {
            let problem = serde_json::from_str::<Problem>(&text);
            let said = problem.map_or_else(|_| text.trim().to_owned(), |problem| problem.error);
            return Err(CallError::input(format!("{url} says: {said}")));
        }
        serde_json::from_str(&text)
            .map_err(|error| CallError::input(format!("{url} answers strangely: {error}")))
    }
}
