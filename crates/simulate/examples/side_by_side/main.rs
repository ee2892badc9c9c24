//! Holds the simulated server of llama.cpp against a recording of a real one: `docs/side-by-side.md` and its picture.
//!
//! `cargo run -p auscult-simulate --example side_by_side`

mod compare;
mod kv_pressure;
mod page;
mod play;
mod recording;
mod table;

fn main() -> std::io::Result<()> {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let both = recording::both();
    std::fs::write(format!("{docs}/side-by-side.md"), both.document())?;
    std::fs::write(format!("{docs}/side-by-side.svg"), both.picture())
}
