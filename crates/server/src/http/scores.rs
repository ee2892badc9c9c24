//! Scores as a page to scrape.

use std::sync::Arc;

use auscult_engine::SelectorError;
use auscult_telemetry::metrics::exposition::{TEXT_CONTENT_TYPE, TextPage};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;

use crate::clock;
use crate::delivery::scores::{self, Wanted};
use crate::serve::Shared;

/// Most series of a page, each with a deviation and an alarm.
const MOST_SERIES: usize = 10_000;

/// Scores of the series in open incidents and of those that `match[]` selects, as text.
///
/// 400 for a selector that is none, for other parameters, and where more series are selected
/// than a page may have: half a page would look like series that have ended.
pub(super) async fn metrics(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    let wanted = match wanted(query.as_deref().unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(error) => return refuse(&error),
    };
    let take = move || scores::take(&shared.engine, &wanted, clock::now());
    let Ok(scores) = tokio::task::spawn_blocking(take).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if scores.left_out > 0 {
        let all = MOST_SERIES + scores.left_out;
        let error = format!("{all} series, of which {MOST_SERIES} are allowed; select fewer");
        return refuse(&error);
    }
    let mut page = TextPage::default();
    for family in &scores.families {
        page.family(family.name, "gauge", family.help);
        family.samples.iter().for_each(|(labels, value)| page.sample(labels.as_ref(), *value));
    }
    ([(header::CONTENT_TYPE, TEXT_CONTENT_TYPE)], page.finish()).into_response()
}

fn refuse(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(serde_json::json!({"error": error}))).into_response()
}

fn unreadable(error: SelectorError) -> String {
    format!("match[]: {error}")
}

fn wanted(query: &str) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        select: Vec::new(),
        expected: false,
        band: false,
        incidents: true,
        most: MOST_SERIES,
    };
    // Names that stand more than once are beyond what axum reads.
    let mut url = Url::parse("http://localhost/").map_err(|error| error.to_string())?;
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    for (name, value) in url.query_pairs() {
        match (&*name, &*value) {
            ("match[]", selector) => wanted.select.push(selector.parse().map_err(unreadable)?),
            ("with", "expected") => wanted.expected = true,
            ("with", "band") => wanted.band = true,
            _ => {
                return Err(format!(
                    "`{name}={value}` is not understood: expected match[]=SELECTOR, with=expected or with=band"
                ));
            }
        }
    }
    Ok(wanted)
}
