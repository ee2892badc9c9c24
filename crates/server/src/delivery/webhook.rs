//! Incidents as signed JSON.
//!
//! Source of the signature: "Standard Webhooks" specification 1.0.0, symmetric keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use auscult_core::{Band, Labels, Timestamp};
use auscult_engine::Recovery;
use auscult_engine::incident::State;
use auscult_telemetry::format_time;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use sha2::Sha256;

use super::messenger::{Form, Told};
use super::settings::Event;
use super::words;
use crate::secret::Secret;

/// The version of the body.
const VERSION: u32 = 1;

/// A message, as `docs/delivery.md` describes it.
#[derive(Debug, Serialize)]
struct Body<'a> {
    version: u32,
    id: &'a str,
    event: Event,
    time: String,
    incident: IncidentBody<'a>,
}

#[derive(Debug, Serialize)]
struct IncidentBody<'a> {
    id: u64,
    url: &'a str,
    report_url: &'a str,
    verdict_url: &'a str,
    state: State,
    severity: &'static str,
    onset: String,
    noticed: String,
    reopened: u32,
    surprise: f64,
    labels: BTreeMap<&'a str, &'a str>,
    targets: &'a [Labels],
    members: Vec<MemberBody<'a>>,
    more_members: u64,
    recovery: Option<&'a Recovery>,
}

#[derive(Debug, Serialize)]
struct MemberBody<'a> {
    series: &'a Labels,
    target: &'a Labels,
    onset: String,
    time: String,
    reading: f64,
    expected: f64,
    band: Option<Band>,
    reasons: &'a [String],
}

fn body(told: &Told<'_>) -> Vec<u8> {
    let incident = &told.change.incident;
    let members = words::strangest(incident).into_iter().map(|member| MemberBody {
        series: &member.series,
        target: &member.target,
        onset: format_time(member.onset),
        time: format_time(member.time),
        reading: member.reading,
        expected: member.expected,
        band: member.band,
        reasons: &member.reasons,
    });
    let body = Body {
        version: VERSION,
        id: told.key,
        event: told.event,
        time: format_time(incident.updated),
        incident: IncidentBody {
            id: incident.id,
            url: &told.links.incident,
            report_url: &told.links.report,
            verdict_url: &told.links.verdict,
            state: incident.state,
            severity: incident.severity.as_str(),
            onset: format_time(incident.began),
            noticed: format_time(incident.noticed),
            reopened: incident.reopened,
            surprise: incident.surprise,
            labels: words::shared_labels(&incident.targets).collect(),
            targets: &incident.targets,
            members: members.collect(),
            more_members: incident.more_members,
            recovery: told.recovery,
        },
    };
    serde_json::to_vec(&body).expect("plain data becomes JSON")
}

/// Where the key for signatures is.
#[derive(Debug, Clone)]
enum Key {
    None,
    Given(Secret),
    File(PathBuf),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Webhook {
    key: Key,
}

impl Webhook {
    /// Says what is wrong with the key, without showing it.
    pub(super) fn new(secret: Option<Secret>, file: Option<PathBuf>) -> Result<Self, String> {
        let key = match (secret, file) {
            (None, None) => Key::None,
            (Some(secret), None) => Key::Given(secret),
            (None, Some(file)) => Key::File(file),
            (Some(_), Some(_)) => {
                return Err("both a secret and a file with one are given; give one".to_owned());
            }
        };
        let webhook = Self { key };
        webhook.key().map(|_| webhook)
    }

    fn key(&self) -> Result<Option<Vec<u8>>, String> {
        let secret = match &self.key {
            Key::None => return Ok(None),
            Key::Given(secret) => secret.clone(),
            Key::File(file) => Secret::read(file).map_err(|error| {
                format!("its secret cannot be read from {}: {error}", file.display())
            })?,
        };
        key_bytes(&secret).map(Some)
    }
}

/// The bytes of a key: base64 behind `whsec_`, or the text as it stands.
fn key_bytes(secret: &Secret) -> Result<Vec<u8>, String> {
    let text = secret.reveal();
    let bytes = match text.strip_prefix("whsec_") {
        Some(coded) => BASE64_STANDARD
            .decode(coded)
            .map_err(|_| "its secret begins with whsec_, but no base64 follows".to_owned())?,
        None => text.as_bytes().to_vec(),
    };
    if bytes.is_empty() { Err("its secret is empty".to_owned()) } else { Ok(bytes) }
}

/// The value of `webhook-signature`.
fn signature(key: &[u8], id: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

impl Form for Webhook {
    fn write(&self, told: &Told<'_>, now: Timestamp) -> Result<(HeaderMap, Vec<u8>), String> {
        let body = body(told);
        let seconds = now.nanos().div_euclid(1_000_000_000);
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: String| {
            let value = HeaderValue::try_from(value).expect("letters, digits and the like");
            headers.insert(HeaderName::from_static(name), value);
        };
        set(CONTENT_TYPE.as_str(), "application/json".to_owned());
        set("idempotency-key", told.key.to_owned());
        set("webhook-id", told.key.to_owned());
        set("webhook-timestamp", seconds.to_string());
        if let Some(key) = self.key()? {
            set("webhook-signature", signature(&key, told.key, seconds, &body));
        }
        Ok((headers, body))
    }
}

#[cfg(test)]
mod tests {
    use auscult_engine::Outcome;
    use auscult_engine::incident::Happening;

    use super::*;
    use crate::delivery::messenger::Links;
    use crate::delivery::samples;

    #[test]
    fn a_signature_is_that_of_the_reference_libraries() {
        // The example that the libraries of Standard Webhooks are tested with.
        let key = key_bytes(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = signature(&key, id, 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_being_shown() {
        for secret in ["whsec_#hush#", "", "whsec_"] {
            let error = Webhook::new(Some(Secret::new(secret)), None).unwrap_err();
            assert!(error.starts_with("its secret ") && !error.contains("hush"), "{error}");
        }
        assert!(Webhook::new(Some(Secret::new("as it stands")), None).is_ok());
        assert!(Webhook::new(None, Some("/nowhere/at-all".into())).is_err());
    }

    #[test]
    fn the_example_of_the_manual_is_what_is_sent() {
        let change = samples::change(31, 12, Happening::Opened);
        let links = Links::new("https://auscult.example.org", 12);
        let told = Told {
            key: "8f1d2a60c4b97e35-12-31",
            event: Event::Opened,
            change: &change,
            links: &links,
            recovery: None,
        };
        let (headers, body) =
            Webhook::new(None, None).unwrap().write(&told, samples::at(601)).unwrap();
        assert_eq!(headers["webhook-id"], told.key);
        assert_eq!(headers["idempotency-key"], told.key);
        assert_eq!(headers["webhook-timestamp"], "1767885001");
        assert_eq!(headers.get("webhook-signature"), None);
        let manual = std::fs::read_to_string("../../docs/delivery.md").unwrap();
        let example = manual.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let example: serde_json::Value = serde_json::from_str(example).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let pretty = |value| serde_json::to_string_pretty(value).unwrap();
        assert_eq!(pretty(&example), pretty(&body));
    }

    #[test]
    fn what_became_of_an_incident_is_told_with_its_numbers() {
        let change = samples::change(32, 12, Happening::Recovered);
        let links = Links::new("https://auscult.example.org", 12);
        for (outcome, word) in [
            (Outcome::Recovered, "recovered"),
            (Outcome::NotRecovered, "not_recovered"),
            (Outcome::Worse, "worse"),
            (Outcome::Unknown, "unknown"),
        ] {
            let recovery = samples::recovery(outcome);
            let (event, recovery) = (Event::Recovered, Some(&recovery));
            let told = Told { key: "key", event, change: &change, links: &links, recovery };
            let body: serde_json::Value = serde_json::from_slice(&body(&told)).unwrap();
            let told = &body["incident"]["recovery"];
            assert_eq!((&told["outcome"], &told["fault"]), (&word.into(), &"G1".into()));
            assert_eq!((&told["during"], &told["after"]), (&1.4e9.into(), &1.97e9.into()));
            assert!(told["sentence"].as_str().unwrap().contains("gpu_sm_clock"), "{told}");
        }
    }
}
