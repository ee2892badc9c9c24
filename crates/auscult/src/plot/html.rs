//! Figures as one HTML file that needs nothing else.

use auscult_plot::{escaped, thinned};

use super::figure::Figure;

/// Points of a line that the page holds; zooming in shows this much detail.
const POINTS: usize = 200_000;

/// The whole page.
pub(super) fn draw(figure: &Figure) -> String {
    let mut figure = figure.clone();
    for panel in &mut figure.panels {
        panel.line = thinned(&panel.line, POINTS);
    }
    let data = serde_json::to_string(&figure).expect("figures are plain data");
    // `</script>` inside a name would end the script.
    let data = data.replace('<', "\\u003c");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n<main id=\"figure\"></main>\n\
         <script>\nconst figure = {data};\n{}</script>\n</body>\n</html>\n",
        escaped(&figure.title),
        include_str!("viewer.css"),
        include_str!("viewer.js"),
    )
}
