//! A waterfall chart of the parts of a change, as SVG.

use std::fmt::Write;

use auscult_plot::escaped;

use super::findings::Findings;
use super::words::{number, signed, warnings};

const WIDTH: f64 = 880.0;
const ROW: f64 = 34.0;
const BAR: f64 = 18.0;
const TOP: f64 = 64.0;
const LABELS: f64 = 250.0;
const VALUES: f64 = 90.0;
const LINE: f64 = 17.0;
/// Parts drawn by themselves; the others are drawn as one.
const MOST_PARTS: usize = 12;

const INK: &str = "#1f2933";
const FAINT: &str = "#7b8794";
const GRID: &str = "#e4e7eb";
const TOTAL: &str = "#52606d";
const RISE: &str = "#0f766e";
const FALL: &str = "#b45309";

/// A bar from one value to another.
struct Bar {
    label: String,
    from: f64,
    to: f64,
    value: String,
    colour: &'static str,
    faint: bool,
    whisker: Option<(f64, f64)>,
    /// Whether it is to be taken with care.
    cautious: bool,
}

/// The parts of the change as bars that lead from before to after; `None` when
/// there are none. Parts whose interval includes 0 are pale; those to be taken with care
/// have a broken outline, and what to mind is written below.
pub(super) fn waterfall(findings: &Findings) -> Option<String> {
    let bars = bars(findings)?;
    let scale = Scale::of(&bars);
    let bottom = TOP + ROW * bars.len() as f64;
    let mind = findings.attribution.as_ref().map_or_else(Vec::new, warnings);
    let mind: Vec<String> = mind.iter().flat_map(|warning| wrapped(warning)).collect();
    let below = bottom + 46.0;
    let height = below + LINE * mind.len() as f64;
    let mut svg = String::new();
    let mut put = |text: std::fmt::Arguments<'_>| {
        writeln!(svg, "{text}").expect("writing to a string cannot fail");
    };
    put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\">"
    ));
    let title = escaped(&format!("What accounts for the change of {}", findings.subject));
    put(format_args!("<title>{title}</title>"));
    put(format_args!("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"));
    put(format_args!(
        "<text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"{INK}\">{title}</text>"
    ));
    let (before, after) = findings.totals;
    let mut subtitle =
        format!("{} → {} ({})", number(before), number(after), signed(after - before));
    if bars.iter().any(|bar| bar.whisker.is_some()) {
        let confidence = findings.confidence * 100.0;
        write!(
            subtitle,
            "; whiskers: {confidence:.0} % intervals; pale: not clearly different from 0"
        )
        .expect("writing to a string cannot fail");
    }
    put(format_args!("<text x=\"16\" y=\"46\" fill=\"{FAINT}\">{}</text>", escaped(&subtitle)));
    for tick in scale.ticks() {
        let x = scale.x(tick);
        put(format_args!(
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{GRID}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{FAINT}\">{}</text>",
            bottom + 20.0,
            number(tick)
        ));
    }
    for (place, bar) in bars.iter().enumerate() {
        let middle = TOP + ROW * (place as f64 + 0.5);
        draw(&mut put, &scale, bar, middle);
        if place + 1 < bars.len() {
            let x = scale.x(bar.to);
            put(format_args!(
                "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"{FAINT}\" \
                 stroke-dasharray=\"2 2\"/>",
                middle + BAR / 2.0,
                middle + ROW - BAR / 2.0
            ));
        }
    }
    for (place, text) in mind.iter().enumerate() {
        let y = below + LINE * place as f64;
        put(format_args!(
            "<text x=\"16\" y=\"{y:.1}\" font-size=\"12\" fill=\"{FALL}\">{}</text>",
            escaped(text)
        ));
    }
    put(format_args!("</svg>"));
    Some(svg)
}

/// `Mind: …` in lines that fit.
fn wrapped(warning: &str) -> Vec<String> {
    const MOST: usize = 125;
    let mut lines = vec!["Mind:".to_owned()];
    for word in warning.split(' ') {
        let last = lines.last_mut().expect("there is a first line");
        if last.chars().count() + word.chars().count() < MOST {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// The chart as a page of its own.
pub(super) fn page(svg: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <title>auscult explain</title>\n<body style=\"margin: 1rem\">\n{svg}</body>\n</html>\n"
    )
}

fn draw(put: &mut impl FnMut(std::fmt::Arguments<'_>), scale: &Scale, bar: &Bar, middle: f64) {
    let (left, right) = (scale.x(bar.from.min(bar.to)), scale.x(bar.from.max(bar.to)));
    let baseline = middle + 4.5;
    let opacity = if bar.faint { 0.4 } else { 1.0 };
    put(format_args!(
        "<text x=\"{:.1}\" y=\"{baseline:.1}\" text-anchor=\"end\" fill=\"{INK}\">{}</text>",
        LABELS - 10.0,
        escaped(&shortened(&bar.label))
    ));
    put(format_args!(
        "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\" \
         fill=\"{}\" fill-opacity=\"{opacity}\"{}/>",
        middle - BAR / 2.0,
        (right - left).max(1.0),
        bar.colour,
        if bar.cautious {
            format!(" stroke=\"{INK}\" stroke-dasharray=\"3 2\"")
        } else {
            String::new()
        }
    ));
    let mut end = right;
    if let Some((low, high)) = bar.whisker {
        let (low, high) = (scale.x(low), scale.x(high));
        put(format_args!(
            "<path d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {0:.1}v8M{high:.1} {0:.1}v8\" \
             stroke=\"{INK}\" fill=\"none\"/>",
            middle - 4.0
        ));
        end = end.max(high);
    }
    put(format_args!(
        "<text x=\"{:.1}\" y=\"{baseline:.1}\" fill=\"{INK}\">{}</text>",
        end + 6.0,
        escaped(&bar.value)
    ));
}

fn bars(findings: &Findings) -> Option<Vec<Bar>> {
    let parts = findings.parts();
    if parts.is_empty() {
        return None;
    }
    let (before, after) = findings.totals;
    let total = |label: &str, value: f64| Bar {
        label: label.to_owned(),
        from: 0.0,
        to: value,
        value: number(value),
        colour: TOTAL,
        faint: false,
        whisker: None,
        cautious: false,
    };
    let mut bars = vec![total(&findings.periods.0, before)];
    let mut reached = before;
    let mut step = |label: String, amount: f64, interval: Option<(f64, f64)>, faint, cautious| {
        let from = reached;
        reached += amount;
        Bar {
            label,
            from,
            to: reached,
            value: signed(amount),
            colour: if amount < 0.0 { FALL } else { RISE },
            faint,
            whisker: interval.map(|(low, high)| (from + low, from + high)),
            cautious,
        }
    };
    // One place is kept for the others, unless just one would be in it.
    let alone = if parts.len() > MOST_PARTS { MOST_PARTS - 1 } else { parts.len() };
    for part in &parts[..alone] {
        let (faint, cautious) = (!part.is_clear(), part.caution.is_some());
        bars.push(step(part.label.clone(), part.amount, part.interval, faint, cautious));
    }
    if alone < parts.len() {
        let rest = parts[alone..].iter().map(|part| part.amount).sum();
        bars.push(step(format!("{} others", parts.len() - alone), rest, None, false, false));
    }
    bars.push(total(&findings.periods.1, after));
    Some(bars)
}

/// From values to pixels.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// Wide enough for every bar, 0 included; whiskers that would flatten the
    /// bars are cut at the edges.
    fn of(bars: &[Bar]) -> Self {
        let ends = || bars.iter().flat_map(|bar| [bar.from, bar.to]);
        let (low, high) =
            ends().fold((0.0_f64, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
        let reach = (high - low).max(f64::MIN_POSITIVE) / 2.0;
        let whiskers = bars.iter().filter_map(|bar| bar.whisker);
        let (low, high) = whiskers.fold((low, high), |(l, h), (from, to)| {
            (l.min(from.max(low - reach)), h.max(to.min(high + reach)))
        });
        let step = round_step((high - low) / 6.0);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    fn x(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        LABELS + (value - self.low) / (self.high - self.low) * (WIDTH - LABELS - VALUES)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count).map(|at| {
            let tick = self.low + at as f64 * self.step;
            // Rounding would otherwise show as -1e-16.
            if tick.abs() < self.step / 1e6 { 0.0 } else { tick }
        })
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    if rough <= 0.0 || !rough.is_finite() {
        return 1.0;
    }
    let power = 10.0_f64.powf(rough.log10().floor());
    let lead = rough / power;
    power
        * if lead <= 1.0 {
            1.0
        } else if lead <= 2.0 {
            2.0
        } else if lead <= 5.0 {
            5.0
        } else {
            10.0
        }
}

fn shortened(label: &str) -> String {
    const MOST: usize = 34;
    if label.chars().count() <= MOST {
        return label.to_owned();
    }
    let mut short: String = label.chars().take(MOST - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (rough, step) in [(0.7, 1.0), (1.3, 2.0), (31.0, 50.0), (0.0, 1.0)] {
            assert!((round_step(rough) - step).abs() < 1e-12);
        }
    }

    #[test]
    fn labels_are_escaped_and_cut() {
        assert_eq!(escaped("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot; ");
        assert_eq!(shortened(&"x".repeat(50)).chars().count(), 34);
    }
}
