//! Pictures of series: SVG, PNG drawn from the SVG, and interactive HTML.

pub(crate) mod detection;
pub(crate) mod figure;
mod html;
mod png;
pub(crate) mod ranking;
mod svg;

use std::path::Path;

use crate::outcome::CallError;

pub(crate) use figure::Figure;
pub(crate) use png::rasterise;

/// What kind of file a picture goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Svg,
    Png,
    Html,
}

impl Kind {
    /// By the ending of `path`.
    pub(crate) fn of_path(path: &Path) -> Result<Self, CallError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
        match ending.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            Some("html" | "htm") => Ok(Self::Html),
            _ => Err(CallError::input(format!(
                "cannot tell the kind of picture from {}: expected a name that ends in .svg, .png or .html",
                path.display()
            ))),
        }
    }
}

impl Figure {
    /// Writes the figure to `path` as `kind`.
    pub(crate) fn save(&self, kind: Kind, path: &Path) -> Result<(), CallError> {
        let bytes = match kind {
            Kind::Svg => svg::draw(self).into_bytes(),
            Kind::Png => png::rasterise(&svg::draw(self))?,
            Kind::Html => html::draw(self).into_bytes(),
        };
        std::fs::write(path, bytes).map_err(CallError::write(path.display().to_string()))
    }
}
