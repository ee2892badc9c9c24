//! SVG as PNG, with a font of our own so that text looks alike everywhere.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use crate::outcome::CallError;

/// Pixels per SVG unit: sharp on a dense screen.
const DENSITY: f32 = 2.0;

/// Draws `svg` and encodes it as PNG.
pub(crate) fn rasterise(svg: &str) -> Result<Vec<u8>, CallError> {
    let failed =
        |what: &dyn std::fmt::Display| CallError::input(format!("cannot draw PNG: {what}"));
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
    let options = usvg::Options {
        font_family: "Ubuntu".to_owned(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(&error))?;
    let size = tree.size().to_int_size().scale_by(DENSITY);
    let size = size.ok_or_else(|| failed(&"the picture has no size"))?;
    let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height())
        .ok_or_else(|| failed(&"the picture is too large"))?;
    let zoom = tiny_skia::Transform::from_scale(DENSITY, DENSITY);
    resvg::render(&tree, zoom, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(&error))
}
