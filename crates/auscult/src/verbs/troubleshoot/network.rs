//! Troubleshooting with a Bayesian network: what is read, and what of it is asked.

mod dialogue;

use std::path::Path;

use auscult_core::nearest;
use auscult_diagnose::network::{Network, TroubleshootSettings, Troubleshooter, read_bif};
use auscult_telemetry::{Input, read_text};

use super::prices;
use crate::outcome::CallError;

pub(super) use dialogue::Dialogue;

/// Text of a network, at most.
const MOST_BYTES: u64 = 64 << 20;

/// Certainty at which a suspect is named, unless the person wants another.
pub(super) const CERTAINTY: f64 = 0.99;

/// Endings of files that hold networks.
const ENDINGS: [&str; 3] = [".bif", ".bif.gz", ".bif.zst"];

/// Whether the file is a network rather than a learnt model, by its name or its first word.
pub(super) fn is_network(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return true;
    }
    let mut first = [0; 256];
    let read = std::fs::File::open(path)
        .and_then(|mut file| std::io::Read::read(&mut file, &mut first))
        .unwrap_or(0);
    first[..read].trim_ascii_start().starts_with(b"network ")
}

/// The network in `path`.
pub(super) fn read(path: &Path) -> Result<Network, CallError> {
    let text = read_text(&Input::Path(path.to_owned()), MOST_BYTES).map_err(CallError::input)?;
    read_bif(&text).map_err(|error| CallError::input(format!("{}, {error}", path.display())))
}

/// What finds the cause of `symptom`, `variable=state`.
pub(super) fn troubleshooter(
    network: &Network,
    symptom: Option<&str>,
    costs: Option<&str>,
    certainty: f64,
) -> Result<(Troubleshooter, (usize, usize)), CallError> {
    let symptom = place(network, symptom)?;
    let mut prices = vec![1.0; network.variables().len()];
    if let Some(costs) = costs {
        for (name, price) in prices::of(costs)? {
            let Some(at) = network.place(&name) else {
                return Err(CallError::input(format!("--costs: {}", no_variable(network, &name))));
            };
            prices[at] = price;
        }
    }
    let settings = TroubleshootSettings { certainty, ..TroubleshootSettings::default() };
    let found = Troubleshooter::new(network, symptom, prices, &settings);
    Ok((found.map_err(CallError::input)?, symptom))
}

/// The place of the symptom and of its state.
fn place(network: &Network, symptom: Option<&str>) -> Result<(usize, usize), CallError> {
    let Some(symptom) = symptom else {
        let parents: Vec<usize> =
            network.variables().iter().flat_map(|one| one.parents.clone()).collect();
        // What nothing else depends on is what people notice.
        let ends = network.variables().iter().enumerate();
        let ends = ends.filter(|(at, one)| !parents.contains(at) && !one.parents.is_empty());
        let ends: Vec<&str> = ends.take(8).map(|(_, one)| one.name.as_str()).collect();
        return Err(CallError::input(format!(
            "say what is wrong with --symptom VARIABLE=STATE; symptoms of this network may be {}",
            ends.join(", ")
        )));
    };
    let refuse = |why: String| CallError::input(format!("--symptom {symptom}: {why}"));
    let (name, state) = symptom
        .split_once('=')
        .ok_or_else(|| refuse("expected a variable and its state, such as print=no".to_owned()))?;
    let (name, state) = (name.trim(), state.trim());
    let at = network.place(name).ok_or_else(|| refuse(no_variable(network, name)))?;
    let states = &network.variables()[at].states;
    match states.iter().position(|one| one == state) {
        Some(state) => Ok((at, state)),
        None => {
            Err(refuse(format!("`{name}` has no state `{state}`; there are {}", states.join(", "))))
        }
    }
}

/// One sentence about a name that is none.
fn no_variable(network: &Network, name: &str) -> String {
    let names = network.variables().iter().map(|one| one.name.as_str());
    let hint = nearest(name, names).map(|near| format!(": did you mean `{near}`"));
    format!("the network has no variable `{name}`{}", hint.unwrap_or_default())
}
