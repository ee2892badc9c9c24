//! Incidents as messages in a channel.
//!
//! Source: Slack documentation, "Sending messages using incoming webhooks" and "Secondary
//! message attachments". Attachments, not blocks: Mattermost and Rocket.Chat take the same.

use auscult_core::Timestamp;
use auscult_engine::Outcome;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;

use super::messenger::{Form, Told};
use super::settings::Event;
use super::words;

/// Series that a message names.
const NAMED: usize = 4;

#[derive(Debug, Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    text: String,
    attachments: [Attachment<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Attachment<'a> {
    color: &'static str,
    fallback: String,
    title: String,
    title_link: &'a str,
    text: String,
    footer: String,
    mrkdwn_in: [&'static str; 1],
}

/// See the module.
#[derive(Debug)]
pub(super) struct Slack {
    pub(super) channel: Option<String>,
}

fn message<'a>(told: &Told<'a>, channel: Option<&'a str>) -> Message<'a> {
    let incident = &told.change.incident;
    let (sign, happened, color) = match told.event {
        Event::Opened => (":red_circle:", "", "#d32f2f"),
        Event::Updated => (":red_circle:", "more is odd: ", "#d32f2f"),
        Event::Reopened => (":red_circle:", "odd again: ", "#d32f2f"),
        Event::Recovered => (":white_check_mark:", "recovered: ", "#2e7d32"),
    };
    let place = words::place(&incident.targets);
    let members = words::strangest(incident);
    let mut what = members.first().map_or_else(String::new, |member| {
        format!("{}{}", words::series(member), words::glance(member))
    });
    let others = (members.len() as u64 + incident.more_members).saturating_sub(1);
    if others > 0 {
        what += &format!(" and {others} more series");
    }
    let headline = match told.event {
        // What it read at its worst is no news any more.
        Event::Recovered => {
            let lasted = words::since(incident.began, incident.updated);
            format!("{happened}{place}, after {}", words::span(lasted))
        }
        _ => format!("{happened}{place}: {what}"),
    };
    let one_target = incident.targets.len() == 1;
    let mut lines: Vec<String> = members
        .iter()
        .take(NAMED)
        .map(|member| {
            let at = if one_target {
                String::new()
            } else {
                format!(" on {}", escape(&words::place(std::slice::from_ref(&member.target))))
            };
            let (series, distance) = (words::series(member), words::distance(member));
            format!("\u{2022} `{}`{at}{}", escape(&series), escape(&distance))
        })
        .collect();
    if told.event == Event::Recovered {
        lines.insert(0, "What was odd, at its worst:".to_owned());
    }
    let others = (members.len().saturating_sub(NAMED)) as u64 + incident.more_members;
    if others > 0 {
        lines.push(format!("and {others} more series"));
    }
    if let Some(recovery) = told.recovery.filter(|known| known.outcome != Outcome::Unknown) {
        lines.insert(0, escape(&recovery.sentence));
    }
    let (report, verdict) = (&told.links.report, &told.links.verdict);
    lines.push(format!("<{report}|Report> \u{b7} <{verdict}|Say what it was>"));
    let late = words::span(words::since(incident.began, incident.noticed));
    let mut footer = format!("since {}, noticed {late} later", words::moment(incident.began));
    if incident.reopened > 0 {
        footer += &format!(", reopened {} times", incident.reopened);
    }
    let fallback = escape(&headline);
    Message {
        channel,
        text: format!("{sign} {fallback}"),
        attachments: [Attachment {
            color,
            fallback,
            title: format!("Incident {}", incident.id),
            title_link: &told.links.incident,
            text: lines.join("\n"),
            footer,
            mrkdwn_in: ["text"],
        }],
    }
}

/// The three letters that Slack reads as more than themselves; backquotes would end code.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "'")
}

impl Form for Slack {
    fn write(&self, told: &Told<'_>, _now: Timestamp) -> Result<(HeaderMap, Vec<u8>), String> {
        let json = HeaderValue::from_static("application/json");
        let message = message(told, self.channel.as_deref());
        let body = serde_json::to_vec(&message).expect("plain data becomes JSON");
        Ok((HeaderMap::from_iter([(CONTENT_TYPE, json)]), body))
    }
}

#[cfg(test)]
mod tests {
    use auscult_engine::Recovery;
    use auscult_engine::incident::{Change, Happening};

    use super::*;
    use crate::delivery::messenger::Links;
    use crate::delivery::samples::{change, labels, recovery};

    fn pretty(event: Event, change: &Change) -> String {
        told(event, change, None)
    }

    fn told(event: Event, change: &Change, recovery: Option<&Recovery>) -> String {
        let links = Links::new("https://auscult.example.org", 12);
        let told = Told { key: "key", event, change, links: &links, recovery };
        serde_json::to_string_pretty(&message(&told, None)).unwrap()
    }

    #[test]
    fn a_message_says_what_where_since_when_and_how_far() {
        let opened = pretty(Event::Opened, &change(31, 12, Happening::Opened));
        insta::assert_snapshot!(opened, @r##"
        {
          "text": ":red_circle: replica-3:8000 (job llm): power_watts{gpu=\"3\"} 812 (+166 %) and 4 more series",
          "attachments": [
            {
              "color": "#d32f2f",
              "fallback": "replica-3:8000 (job llm): power_watts{gpu=\"3\"} 812 (+166 %) and 4 more series",
              "title": "Incident 12",
              "title_link": "https://auscult.example.org/api/auscult/v1/incidents/12",
              "text": "• `power_watts{gpu=\"3\"}` 812, usually 290.2 to 320 (+166 %)\n• `queue_seconds` 0.01235, usually 0 to 0.001 (30.86 times the expected 0.0004)\nand 3 more series\n<https://auscult.example.org/incidents/12/report|Report> · <https://auscult.example.org/incidents/12/verdict|Say what it was>",
              "footer": "since 2026-01-08 14:59:20 UTC, noticed 40 s later",
              "mrkdwn_in": [
                "text"
              ]
            }
          ]
        }
        "##);
        let recovered = pretty(Event::Recovered, &change(32, 12, Happening::Recovered));
        insta::assert_snapshot!(recovered, @r##"
        {
          "text": ":white_check_mark: recovered: replica-3:8000 (job llm), after 10 min",
          "attachments": [
            {
              "color": "#2e7d32",
              "fallback": "recovered: replica-3:8000 (job llm), after 10 min",
              "title": "Incident 12",
              "title_link": "https://auscult.example.org/api/auscult/v1/incidents/12",
              "text": "What was odd, at its worst:\n• `power_watts{gpu=\"3\"}` 812, usually 290.2 to 320 (+166 %)\n• `queue_seconds` 0.01235, usually 0 to 0.001 (30.86 times the expected 0.0004)\nand 3 more series\n<https://auscult.example.org/incidents/12/report|Report> · <https://auscult.example.org/incidents/12/verdict|Say what it was>",
              "footer": "since 2026-01-08 14:59:20 UTC, noticed 40 s later",
              "mrkdwn_in": [
                "text"
              ]
            }
          ]
        }
        "##);
    }

    #[test]
    fn several_targets_are_told_apart_and_nothing_is_read_as_markup() {
        let mut change = change(31, 12, Happening::Grew);
        let other = labels([("job", "llm"), ("instance", "<!channel>&`x`")]);
        change.incident.targets.push(other.clone());
        change.incident.members[1].target = other;
        change.incident.reopened = 2;
        insta::assert_snapshot!(pretty(Event::Updated, &change), @r##"
        {
          "text": ":red_circle: more is odd: replica-3:8000, &lt;!channel&gt;&amp;'x' (job llm): power_watts{gpu=\"3\"} 812 (+166 %) and 4 more series",
          "attachments": [
            {
              "color": "#d32f2f",
              "fallback": "more is odd: replica-3:8000, &lt;!channel&gt;&amp;'x' (job llm): power_watts{gpu=\"3\"} 812 (+166 %) and 4 more series",
              "title": "Incident 12",
              "title_link": "https://auscult.example.org/api/auscult/v1/incidents/12",
              "text": "• `power_watts{gpu=\"3\"}` on replica-3:8000 (job llm) 812, usually 290.2 to 320 (+166 %)\n• `queue_seconds{instance=\"replica-3:8000\"}` on &lt;!channel&gt;&amp;'x' (job llm) 0.01235, usually 0 to 0.001 (30.86 times the expected 0.0004)\nand 3 more series\n<https://auscult.example.org/incidents/12/report|Report> · <https://auscult.example.org/incidents/12/verdict|Say what it was>",
              "footer": "since 2026-01-08 14:59:20 UTC, noticed 40 s later, reopened 2 times",
              "mrkdwn_in": [
                "text"
              ]
            }
          ]
        }
        "##);
    }
    #[test]
    fn what_became_of_an_incident_is_said_first_unless_nobody_knows() {
        let change = change(32, 12, Happening::Recovered);
        for (outcome, begins) in [
            (
                Outcome::Recovered,
                "recovered: gpu_sm_clock of gpu &lt;serve-0/3&gt;: 1.98 GHz before",
            ),
            (Outcome::NotRecovered, "not recovered: gpu_sm_clock of gpu &lt;serve-0/3&gt;: 1.98"),
            (Outcome::Worse, "worse: gpu_sm_clock of gpu &lt;serve-0/3&gt;: 1.98 GHz before"),
            (Outcome::Unknown, "What was odd, at its worst:"),
        ] {
            let said = told(Event::Recovered, &change, Some(&recovery(outcome)));
            let said: serde_json::Value = serde_json::from_str(&said).unwrap();
            let text = said["attachments"][0]["text"].as_str().unwrap();
            assert!(text.starts_with(begins), "{text}");
        }
    }
}
