//! Parameters of a request, in its address and in its body.

use auscult_promql::{Query, Selector};
use axum::Form;
use axum::extract::{FromRequest, Query as Pairs, Request};
use axum::http::{Method, header};

use super::answer::ApiError;
use super::units;
use crate::query::Asked;

/// Parameters in order: those of the body, then those of the address.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) async fn of(request: Request) -> Result<Self, ApiError> {
        let uri = Pairs::<Vec<(String, String)>>::try_from_uri(request.uri());
        let Pairs(uri) = uri.map_err(|error| ApiError::bad_data(error.body_text()))?;
        let has_body = request.method() == Method::POST
            && request.headers().contains_key(header::CONTENT_TYPE);
        if !has_body {
            return Ok(Self(uri));
        }
        let body = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(mut pairs) = body.map_err(|error| ApiError::bad_data(error.body_text()))?;
        pairs.extend(uri);
        Ok(Self(pairs))
    }

    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// In milliseconds.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.given(name) else { return Ok(None) };
        let reason = || invalid(name, &format!("cannot parse \"{text}\" to a valid timestamp"));
        units::time(text).ok_or_else(reason).map(Some)
    }

    /// In milliseconds.
    pub(super) fn need_time(&self, name: &str) -> Result<i64, ApiError> {
        let reason = || invalid(name, "cannot parse \"\" to a valid timestamp");
        self.time(name)?.ok_or_else(reason)
    }

    /// In milliseconds, above 0.
    pub(super) fn step(&self) -> Result<i64, ApiError> {
        let text = self.get("step").unwrap_or_default();
        let reason = || invalid("step", &format!("cannot parse \"{text}\" to a valid duration"));
        let step = units::milliseconds(text).ok_or_else(reason)?;
        if step > 0 {
            return Ok(step);
        }
        Err(invalid(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ))
    }

    /// Most entries of an answer; 0 is no limit.
    pub(super) fn limit(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.given(name) else { return Ok(None) };
        let limit: Result<usize, _> = text.parse();
        let limit = limit
            .map_err(|_| invalid(name, &format!("expected a whole number, got \"{text}\"")))?;
        Ok((limit > 0).then_some(limit))
    }

    pub(super) fn query(&self) -> Result<Query, ApiError> {
        let text = self.get("query").unwrap_or_default();
        Query::parse(text).map_err(|error| invalid("query", &error.to_string()))
    }

    /// What it asks of the limits.
    pub(super) fn asked(&self) -> Result<Asked, ApiError> {
        let duration = |name: &str| {
            let Some(text) = self.given(name) else { return Ok(None) };
            let reason = || invalid(name, &format!("cannot parse \"{text}\" to a valid duration"));
            units::duration(text).ok_or_else(reason).map(Some)
        };
        Ok(Asked { timeout: duration("timeout")?, lookback: duration("lookback_delta")? })
    }
}

pub(super) fn selector(text: &str) -> Result<Selector, ApiError> {
    Selector::parse(text).map_err(|error| invalid("match[]", &error.to_string()))
}

fn invalid(name: &str, reason: &str) -> ApiError {
    ApiError::bad_data(format!("invalid parameter \"{name}\": {reason}"))
}
