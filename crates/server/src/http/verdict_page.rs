//! A page on which people say what an incident was: where the link of an alert leads.
//!
//! It is one document without scripts, that loads nothing. What it sends carries a token that only
//! who may read the page can know, so that a page of another site cannot speak for somebody
//! whose browser remembers a password (beside the check of `Origin`, which all requests pass).

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Form, Path, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, RequestExt};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;

use super::api::{Problem, Spoken, find_incident, say};
use super::pages::{answer, html, number};
use crate::access::{Protocol, Role, Routes, User};
use crate::diagnosis::diagnose;
use crate::serve::Shared;
use crate::verdict::Judgement;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\
label{display:block;margin:.5rem 0}input[type=text]{width:100%;box-sizing:border-box;font:inherit}\
fieldset{margin:1rem 0}button{font:inherit;padding:.4rem 1.2rem}small{color:#666}";

/// The page, and where it sends what was said.
pub(super) fn routes(shared: &Arc<Shared>) -> Routes {
    let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
    let key = Arc::new(key.expect("the system has random numbers"));
    let (showing, taking) = (Arc::clone(&key), key);
    let show = move |State(shared): State<Arc<Shared>>, Path(id): Path<String>, user| async move {
        answer(move || show(&shared, &showing, &id, named(user).is_some())).await
    };
    let take = move |State(shared): State<Arc<Shared>>, request: Request| async move {
        take(shared, taking, request).await
    };
    Routes::new(shared, Protocol::HTTP)
        .route(Role::Reader, "/incidents/{id}/verdict", get(show))
        .route(Role::Operator, "/incidents/{id}/verdict/given", post(take))
}

/// Who asks, where that is known.
fn named(user: Option<Extension<Arc<User>>>) -> Option<String> {
    user.map(|Extension(user)| user.name.clone())
}

fn token(key: &hmac::Key, incident: u64) -> String {
    let tag = hmac::sign(key, format!("verdict on {incident}").as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

fn show(shared: &Shared, key: &hmac::Key, id: &str, is_named: bool) -> Result<Response, Problem> {
    let id = number(id)?;
    let incident = find_incident(shared, id)?;
    let diagnosis = diagnose(shared, &incident).ok();
    let standing = shared.verdicts(Some((id, id))).map_err(Problem::unread)?;
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Incident {id}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body><h1>Incident {id}</h1>"
    );
    let said = diagnosis.as_ref().map_or("Its cause is not known.", |known| &known.sentence);
    let _ = write!(page, "<p>{}</p>", escape(said));
    if diagnosis.is_some() {
        page += "<p><a href=\"report\">The whole report, with plots</a></p>";
    }
    for verdict in &standing {
        let word = match verdict.said.verdict {
            Judgement::True => "something was wrong",
            Judgement::False => "a false alarm",
            Judgement::Unsure => "nobody can say",
        };
        let details =
            [&verdict.said.fault, &verdict.said.place, &Some(verdict.said.comment.clone())];
        let details: String = details
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
            .map(|text| format!("; {}", escape(text)))
            .collect();
        let by = if verdict.author.is_empty() { "somebody" } else { &verdict.author };
        let _ = write!(page, "<p>{} said: {word}{details}</p>", escape(by));
    }
    let token = token(key, id);
    let _ = write!(
        page,
        "<form method=\"post\" action=\"verdict/given\"><input type=\"hidden\" name=\"token\" value=\"{token}\"><fieldset><legend>What was it?</legend>"
    );
    let causes = diagnosis.as_ref().map_or(&[][..], |known| &known.causes);
    let answer = diagnosis.as_ref().and_then(|known| known.answer());
    if let Some(cause) = answer {
        let (fault, place) = (escape(&cause.fault), escape(&cause.place));
        let _ = write!(
            page,
            "<input type=\"hidden\" name=\"diagnosed_fault\" value=\"{fault}\"><input type=\"hidden\" name=\"diagnosed_place\" value=\"{place}\">\
             <label><input type=\"radio\" name=\"verdict\" value=\"confirm\" required> {} ({fault}) at {} {place}, as diagnosed</label>",
            escape(&cause.name),
            escape(&cause.kind),
        );
    }
    page += "<label><input type=\"radio\" name=\"verdict\" value=\"correct\" required> Something else:</label>\
        <label>fault, by its id, or <code>none</code> of those in the handbook, or in your words <input type=\"text\" name=\"fault\" list=\"faults\"></label><datalist id=\"faults\">";
    for cause in causes.iter().skip(usize::from(answer.is_some())) {
        let _ = write!(
            page,
            "<option value=\"{}\">{}</option>",
            escape(&cause.fault),
            escape(&cause.name)
        );
    }
    page += "<option value=\"none\"></option></datalist><label>place <input type=\"text\" name=\"place\"></label>\
        <label><input type=\"radio\" name=\"verdict\" value=\"reject\" required> A false alarm</label>\
        <label><input type=\"radio\" name=\"verdict\" value=\"unsure\" required> I cannot say</label></fieldset>\
        <label>comment <input type=\"text\" name=\"comment\"></label>";
    if !is_named {
        page += "<label>your name <input type=\"text\" name=\"author\"></label>";
    }
    page += "<button>Say so</button></form><p><small>Your newest word stands in place of earlier ones; all of them stay in the history, and each can be withdrawn.</small></p></body></html>\n";
    Ok(html(page))
}

async fn take(shared: Arc<Shared>, key: Arc<hmac::Key>, mut request: Request) -> Response {
    let user = request.extensions().get::<Arc<User>>().map(|user| user.name.clone());
    let id = request.extract_parts::<Path<String>>().await.map(|Path(id)| id).unwrap_or_default();
    let form = request.extract::<Form<HashMap<String, String>>, _>().await;
    let Ok(Form(form)) = form else {
        let reason = "this takes the form of the page that is beside it\n";
        return (StatusCode::BAD_REQUEST, reason).into_response();
    };
    answer(move || say_so(&shared, &key, &id, user, form)).await
}

fn say_so(
    shared: &Shared,
    key: &hmac::Key,
    id: &str,
    user: Option<String>,
    mut form: HashMap<String, String>,
) -> Result<Response, Problem> {
    let id = number(id)?;
    let mut field = |name: &str| form.remove(name).unwrap_or_default();
    let sent = BASE64_URL_SAFE_NO_PAD.decode(field("token")).unwrap_or_default();
    if hmac::verify(key, format!("verdict on {id}").as_bytes(), &sent).is_err() {
        let reason =
            "this form is none of this service, or of before it was started: open the page again";
        return Err(Problem::wrong(reason));
    }
    let incident = find_incident(shared, id)?;
    let (verdict, fault, place) = match field("verdict").as_str() {
        "confirm" => (Judgement::True, field("diagnosed_fault"), field("diagnosed_place")),
        "correct" => (Judgement::True, field("fault"), field("place")),
        "reject" => (Judgement::False, String::new(), String::new()),
        "unsure" => (Judgement::Unsure, String::new(), String::new()),
        other => {
            let reason =
                format!("`verdict` is `{other}`: expected confirm, correct, reject or unsure");
            return Err(Problem::wrong(reason));
        }
    };
    let author = user.unwrap_or_else(|| field("author"));
    let comment = field("comment");
    let spoken = Spoken { verdict, fault: Some(fault), place: Some(place), comment, author };
    say(shared, &incident, spoken)?;
    let back: [(HeaderName, &str); 1] = [(header::LOCATION, "../verdict")];
    Ok((StatusCode::SEE_OTHER, back).into_response())
}
