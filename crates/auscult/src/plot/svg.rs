//! Figures as SVG.

use std::fmt::Write;

use auscult_plot::{Scale, clipped, escaped, labels, range, thinned};

use super::figure::{Figure, Panel};

const WIDTH: f64 = 1100.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 24.0;
const HEAD: f64 = 62.0;
const PANEL: f64 = 190.0;
const GAP: f64 = 34.0;
const FOOT: f64 = 40.0;
/// Points of a line; twice the pixels show no more.
const POINTS: usize = 2200;

/// The whole picture.
pub(super) fn draw(figure: &Figure) -> String {
    let height = HEAD + figure.panels.len() as f64 * (PANEL + GAP) - GAP + FOOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Ubuntu, Helvetica, Arial, sans-serif\" \
         font-size=\"12\" fill=\"#334155\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"26\" font-size=\"17\" fill=\"#0f172a\">{}</text>\n\
         <text x=\"{LEFT}\" y=\"46\" fill=\"#64748b\">{}</text>",
        escaped(&clipped(&figure.title, 110)),
        escaped(&clipped(&figure.subtitle, 160))
    );
    let x = x_scale(figure);
    for (place, panel) in figure.panels.iter().enumerate() {
        let top = HEAD + place as f64 * (PANEL + GAP);
        draw_panel(&mut svg, panel, &x, top, figure.is_time);
    }
    svg.push_str("</svg>\n");
    svg
}

fn x_scale(figure: &Figure) -> Scale {
    let all = figure.panels.iter().flat_map(|panel| &panel.line).map(|point| point.x);
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
    let (low, high) = if low < high { (low, high) } else { (low.min(0.0), low.max(0.0) + 1.0) };
    Scale { low, high, from: LEFT, to: WIDTH - RIGHT }
}

fn draw_panel(svg: &mut String, panel: &Panel, x: &Scale, top: f64, is_time: bool) {
    let bottom = top + PANEL;
    let mut heights: Vec<f64> = panel.line.iter().map(|point| point.y).collect();
    heights.extend(panel.band.iter().map(|expected| expected.middle));
    let (low, high) = range(&heights);
    let y = Scale { low, high, from: bottom, to: top + 8.0 };
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#0f172a\">{}</text>",
        WIDTH - RIGHT,
        top - 4.0,
        escaped(&clipped(&panel.title, 120))
    );
    let ticks = y.ticks(4);
    for (tick, label) in ticks.iter().zip(labels(&ticks)) {
        let at = y.place(*tick);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#e2e8f0\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0
        );
    }
    draw_band(svg, panel, x, &y);
    let line = thinned(&panel.line, POINTS);
    let _ = write!(
        svg,
        "<path fill=\"none\" stroke=\"#2563eb\" stroke-width=\"1.2\" stroke-linejoin=\"round\" d=\""
    );
    for (place, point) in line.iter().enumerate() {
        let letter = if place == 0 { 'M' } else { 'L' };
        let _ = write!(svg, "{letter}{:.1} {:.1}", x.place(point.x), y.place(point.y));
    }
    svg.push_str("\"/>\n");
    for mark in &panel.marks {
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#dc2626\" fill-opacity=\"0.75\" \
             stroke=\"#ffffff\"><title>{}</title></circle>",
            x.place(mark.x),
            y.place(mark.y),
            escaped(&mark.text)
        );
    }
    draw_axis(svg, x, bottom, is_time);
}

fn draw_band(svg: &mut String, panel: &Panel, x: &Scale, y: &Scale) {
    let bounded: Vec<(f64, f64, f64)> = panel
        .band
        .iter()
        .filter_map(|expected| Some((expected.x, expected.low?, expected.high?)))
        .collect();
    if bounded.len() > 1 {
        svg.push_str("<path fill=\"#bfdbfe\" fill-opacity=\"0.55\" d=\"");
        for (place, (at, _, high)) in bounded.iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ = write!(svg, "{letter}{:.1} {:.1}", x.place(*at), y.place(*high));
        }
        for (at, low, _) in bounded.iter().rev() {
            let _ = write!(svg, "L{:.1} {:.1}", x.place(*at), y.place(*low));
        }
        svg.push_str("Z\"/>\n");
    }
    if panel.band.len() > 1 {
        svg.push_str("<path fill=\"none\" stroke=\"#94a3b8\" stroke-dasharray=\"4 3\" d=\"");
        for (place, expected) in panel.band.iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ =
                write!(svg, "{letter}{:.1} {:.1}", x.place(expected.x), y.place(expected.middle));
        }
        svg.push_str("\"/>\n");
    }
}

fn draw_axis(svg: &mut String, x: &Scale, bottom: f64, is_time: bool) {
    let _ = writeln!(
        svg,
        "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#94a3b8\"/>",
        WIDTH - RIGHT
    );
    let ticks = if is_time {
        x.time_ticks(9)
    } else {
        let ticks = x.ticks(8);
        let labels = labels(&ticks);
        ticks.into_iter().zip(labels).collect()
    };
    for (tick, label) in ticks {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            x.place(tick),
            bottom + 16.0
        );
    }
}
