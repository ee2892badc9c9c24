//! A page as text, in Prometheus's exposition format 0.0.4.

use std::fmt::Write;

use crate::page::{Family, Kind, Line, Page, Values};

/// Media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes a page again and again: what never changes is laid out once.
#[derive(Debug, Clone)]
pub struct Exposition {
    families: Vec<Written>,
}

#[derive(Debug, Clone)]
struct Written {
    /// `# HELP` and `# TYPE`.
    head: String,
    /// `name{labels} ` of each series.
    series: Vec<String>,
}

impl Exposition {
    /// The layout of `page`.
    pub fn new(page: &Page) -> Self {
        Self { families: page.families.iter().map(written).collect() }
    }

    /// Adds the page with these values to `text`. A family none of whose series is there is left out.
    ///
    /// # Panics
    ///
    /// If there are not as many values as the page has series.
    pub fn write(&self, values: &Values, text: &mut String) {
        let series: usize = self.families.iter().map(|family| family.series.len()).sum();
        assert_eq!(series, values.len(), "a value for each series");
        let mut values = values.iter();
        for family in &self.families {
            let mut is_open = false;
            for (head, value) in family.series.iter().zip(values.by_ref()) {
                let Some(value) = value else { continue };
                if !is_open {
                    text.push_str(&family.head);
                    is_open = true;
                }
                text.push_str(head);
                push_value(text, value);
            }
        }
    }
}

fn push_value(text: &mut String, value: f64) {
    let written = if value.is_nan() {
        text.push_str("NaN");
        Ok(())
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        Ok(())
    } else if value != 0.0 && (value.abs() >= 1e17 || value.abs() < 1e-4) {
        write!(text, "{value:e}")
    } else {
        write!(text, "{value}")
    };
    written.expect("a text takes everything");
    text.push('\n');
}

fn written(family: &Family) -> Written {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Untyped => "untyped",
    };
    // In this format a counter's family is named as its series are.
    let suffix = match (family.kind, family.lines.first()) {
        (Kind::Histogram, _) | (_, None) => "",
        (_, Some(line)) => line.suffix,
    };
    let name = format!("{}{suffix}", family.name);
    let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
    let series = family.lines.iter().map(|line| series_head(family, line)).collect();
    Written { head: format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"), series }
}

fn series_head(family: &Family, line: &Line) -> String {
    let mut head = line.name(family);
    for (number, (label, value)) in line.labels.iter().enumerate() {
        head.push(if number == 0 { '{' } else { ',' });
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        head.push_str(&format!("{label}=\"{value}\""));
    }
    if !line.labels.is_empty() {
        head.push('}');
    }
    head.push(' ');
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Histogram, PageBuilder};

    #[test]
    fn a_page_reads_as_an_exporter_writes_it() {
        const BOUNDS: &[f64] = &[0.5];
        let mut builder = PageBuilder::new("j", "i", &[("model", "a\"b")]);
        builder.counter("tokens", "Tokens\nso far.");
        builder.histogram("wait_seconds", "Waiting.", BOUNDS);
        builder.family(Kind::Gauge, "gone", "", "Not there.", &[&[]]);
        builder.common(&[]);
        builder.gauge("small", "Small.");
        let page = builder.build();
        let mut values = Values::default();
        values.push(3e9);
        let mut histogram = Histogram::new(BOUNDS);
        histogram.observe(0.25);
        values.histogram(&histogram);
        values.absent(1);
        values.push(2.5e-7);
        let mut text = String::new();
        Exposition::new(&page).write(&values, &mut text);
        assert_eq!(
            text,
            "# HELP tokens_total Tokens\\nso far.\n# TYPE tokens_total counter\n\
             tokens_total{model=\"a\\\"b\"} 3000000000\n\
             # HELP wait_seconds Waiting.\n# TYPE wait_seconds histogram\n\
             wait_seconds_bucket{model=\"a\\\"b\",le=\"0.5\"} 1\n\
             wait_seconds_bucket{model=\"a\\\"b\",le=\"+Inf\"} 1\n\
             wait_seconds_sum{model=\"a\\\"b\"} 0.25\n\
             wait_seconds_count{model=\"a\\\"b\"} 1\n\
             # HELP small Small.\n# TYPE small gauge\n\
             small 2.5e-7\n"
        );
    }
}
