//! Packs what simulated incidents showed, so that the program does not carry its 700 kB as text.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;

const EXPERIENCE: &str = "../../knowledge/experience.json";

fn main() {
    println!("cargo::rerun-if-changed={EXPERIENCE}");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = std::env::var_os("OUT_DIR").expect("cargo names a folder for what is made");
    let text = std::fs::read(EXPERIENCE).expect("knowledge/experience.json is in the repository");
    let file = File::create(Path::new(&folder).join("experience.json.z"));
    let mut packed = ZlibEncoder::new(
        BufWriter::new(file.expect("cargo's folder is writable")),
        Compression::best(),
    );
    packed.write_all(&text).expect("there is room for what is made");
    packed.finish().and_then(|mut file| file.flush()).expect("there is room for what is made");
}
