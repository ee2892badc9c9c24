//! The diagnosis of an incident as a page, with plots of the evidence.

use std::sync::Arc;

use auscult_engine::page::{Links, Sheet, page};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;

use super::api::{Problem, find_incident, illustrated};
use super::pages::{answer, html, number};
use crate::access::{Protocol, Role, Routes};
use crate::serve::Shared;

/// The page.
pub(super) fn routes(shared: &Arc<Shared>) -> Routes {
    let show = |State(shared): State<Arc<Shared>>, Path(id): Path<String>| async move {
        answer(move || show(&shared, &id)).await
    };
    Routes::new(shared, Protocol::HTTP).route(Role::Reader, "/incidents/{id}/report", get(show))
}

fn show(shared: &Shared, id: &str) -> Result<Response, Problem> {
    let id = number(id)?;
    let incident = find_incident(shared, id)?;
    let diagnosis = illustrated(shared, &incident)?;
    // A page that is kept or passed on leads back only by a whole address; one that is looked at
    // through a tunnel only by a part of one.
    let base = match &shared.settings.external_url {
        Some(external) => external.trim_end_matches('/').to_owned(),
        None => "../..".to_owned(),
    };
    let links = Links {
        verdict: Some(format!("{base}/incidents/{id}/verdict")),
        incident: Some(format!("{base}{}/incidents/{id}", super::API)),
        query: Some(format!("{base}/api/v1")),
    };
    Ok(html(page(&[Sheet { incident: Some(id), diagnosis, links }])))
}
