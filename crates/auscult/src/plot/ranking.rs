//! Methods side by side: a dot each, with whiskers, on the scale of a measure.

use std::fmt::Write;
use std::path::Path;

use auscult_plot::{Scale, escaped, labels};

use super::{Kind, rasterise};
use crate::outcome::CallError;

/// Panels in two columns.
#[derive(Debug, Clone)]
pub(crate) struct Ranking {
    /// What it is about.
    pub title: String,
    /// One line under the title.
    pub subtitle: String,
    /// One for each comparison.
    pub panels: Vec<RankingPanel>,
}

/// One comparison.
#[derive(Debug, Clone)]
pub(crate) struct RankingPanel {
    /// What is compared.
    pub title: String,
    /// Best first.
    pub entries: Vec<Entry>,
    /// A line to compare with, and whose it is.
    pub reference: Option<(String, f64)>,
    /// The largest value that can be; the scale ends at or before it.
    pub full: f64,
}

/// One of those compared.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name.
    pub label: String,
    /// Where its dot is.
    pub value: f64,
    /// Ends of its whisker.
    pub interval: Option<(f64, f64)>,
    /// Decimals of the value beside it.
    pub decimals: usize,
}

const PANEL: f64 = 520.0;
const LABELS: f64 = 190.0;
const VALUES: f64 = 56.0;
const HEAD: f64 = 64.0;
const TITLE: f64 = 30.0;
const ROW: f64 = 20.0;
const FOOT: f64 = 44.0;

impl Ranking {
    /// Writes the picture to `path` as `kind`.
    pub(crate) fn save(&self, kind: Kind, path: &Path) -> Result<(), CallError> {
        let svg = self.svg();
        let bytes = match kind {
            Kind::Svg => svg.into_bytes(),
            Kind::Png => rasterise(&svg)?,
            Kind::Html => format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{}</title>\n<body>\n{svg}</body>\n</html>\n",
                escaped(&self.title)
            )
            .into_bytes(),
        };
        std::fs::write(path, bytes).map_err(CallError::write(path.display().to_string()))
    }

    fn svg(&self) -> String {
        let rows: Vec<f64> = self
            .panels
            .chunks(2)
            .map(|pair| {
                let most = pair.iter().map(|panel| panel.entries.len()).max().unwrap_or(0);
                TITLE + ROW * most as f64 + FOOT
            })
            .collect();
        let (width, height) = (2.0 * PANEL + 20.0, HEAD + rows.iter().sum::<f64>());
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Ubuntu, Helvetica, Arial, sans-serif\" \
             font-size=\"12\" fill=\"#334155\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"16\" y=\"26\" font-size=\"17\" fill=\"#0f172a\">{}</text>\n\
             <text x=\"16\" y=\"46\" fill=\"#64748b\">{}</text>\n",
            escaped(&self.title),
            escaped(&self.subtitle)
        );
        let mut top = HEAD;
        for (pair, height) in self.panels.chunks(2).zip(rows) {
            for (at, panel) in pair.iter().enumerate() {
                panel.draw(&mut svg, 10.0 + at as f64 * PANEL, top);
            }
            top += height;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl RankingPanel {
    fn draw(&self, svg: &mut String, left: f64, top: f64) {
        let ends =
            self.entries.iter().map(|entry| entry.interval.map_or(entry.value, |ends| ends.1));
        let ends = ends.chain(self.reference.iter().map(|(_, value)| *value));
        let high = (ends.fold(self.full / 10.0, f64::max) * 1.05).min(self.full);
        let x = Scale { low: 0.0, high, from: left + LABELS, to: left + PANEL - VALUES };
        let bottom = top + TITLE + ROW * self.entries.len() as f64;
        let mut put = |text: std::fmt::Arguments<'_>| {
            writeln!(svg, "{text}").expect("writing to a string cannot fail");
        };
        put(format_args!(
            "<text x=\"{left:.1}\" y=\"{:.1}\" font-size=\"13\" fill=\"#0f172a\">{}</text>",
            top + 16.0,
            escaped(&self.title)
        ));
        let ticks = x.ticks(5);
        for (tick, label) in ticks.iter().zip(labels(&ticks)) {
            let at = x.place(*tick);
            put(format_args!(
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\" stroke=\"#e2e8f0\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#64748b\">{label}</text>",
                top + TITLE - 6.0,
                bottom + 14.0
            ));
        }
        if let Some((who, value)) = &self.reference {
            let at = x.place(*value);
            // A long name at the edge would run into the next panel.
            let middle = at.min(left + PANEL - 16.0 - 3.4 * who.chars().count() as f64);
            put(format_args!(
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\" stroke=\"#b45309\" \
                 stroke-dasharray=\"4 3\"/><text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" \
                 fill=\"#b45309\">{}</text>",
                top + TITLE - 6.0,
                bottom + 28.0,
                escaped(who)
            ));
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let middle = top + TITLE + ROW * (at as f64 + 0.5);
            put(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left + LABELS - 10.0,
                middle + 4.0,
                escaped(&entry.label)
            ));
            let mut end = x.place(entry.value) + 5.0;
            if let Some((low, high)) = entry.interval {
                let (low, high) = (x.place(low), x.place(high));
                put(format_args!(
                    "<path d=\"M{low:.1} {middle:.1}H{high:.1}\" stroke=\"#93c5fd\" stroke-width=\"3\"/>"
                ));
                end = end.max(high);
            }
            put(format_args!(
                "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"4\" fill=\"#2563eb\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{:.*}</text>",
                x.place(entry.value),
                end + 6.0,
                middle + 4.0,
                entry.decimals,
                entry.value
            ));
        }
    }
}
