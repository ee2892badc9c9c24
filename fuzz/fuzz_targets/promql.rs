//! Any text as a query in PromQL: an answer within the limits, or a sentence; its layout is the
//! same query again.
#![no_main]

use std::time::{Duration, Instant};

use auscult_core::Labels;
use auscult_promql::{Limits, Query, Sample, Selector, Series, Source, SourceError, Stop};

/// A few series of all shapes.
struct Fixed;

impl Source for Fixed {
    fn select(
        &self,
        wanted: &Selector,
        from: i64,
        to: i64,
        most: usize,
    ) -> Result<Vec<Series>, SourceError> {
        let shapes: [(&str, &str, fn(i64) -> f64); 6] = [
            ("up", "a", |_| 1.0),
            ("up", "b", |step| (step % 2) as f64),
            ("m_total", "a", |step| (step % 7 * step) as f64),
            ("m_bucket", "1", |step| step as f64),
            ("m_bucket", "+Inf", |step| 2.0 * step as f64),
            ("odd", "a", |step| if step % 3 == 0 { f64::NAN } else { f64::INFINITY }),
        ];
        let mut found = Vec::new();
        for (name, le, value) in shapes {
            let labels = Labels::from_pairs([("__name__", name), ("job", "llm"), ("le", le)]);
            let labels = labels.expect("sound labels");
            let samples = (0..40).map(|step| Sample { time: 15_000 * step, value: value(step) });
            let samples: Vec<_> = samples.filter(|one| (from..=to).contains(&one.time)).collect();
            if wanted.matches(labels.as_ref()) && !samples.is_empty() {
                found.push(Series { labels, samples });
            }
        }
        let samples: usize = found.iter().map(|one| one.samples.len()).sum();
        if samples > most { Err(SourceError::TooMany) } else { Ok(found) }
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(query) = Query::parse(text) else { return };
    let again = Query::parse(&query.pretty()).unwrap_or_else(|error| {
        panic!("`{text}` is laid out as `{}`, which is refused: {error}", query.pretty())
    });
    assert_eq!(again.pretty(), query.pretty());
    let deadline = Instant::now() + Duration::from_secs(5);
    let stop = || (Instant::now() >= deadline).then_some(Stop::TimedOut);
    let limits = Limits { stop: &stop, most_samples: 1_000_000, ..Limits::default() };
    drop(query.instant(&Fixed, 300_000, &limits));
    drop(query.range(&Fixed, (0, 600_000, 60_000), &limits));
    assert!(Instant::now() < deadline + Duration::from_secs(2), "it does not stop in time");
});
