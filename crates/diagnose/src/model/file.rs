//! The model as a file that may come from a stranger.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use auscult_trees::{FeatureKind, Forest, Kind, Tree, TreeParts};
use serde::{Deserialize, Serialize};

use super::{Cause, Companions, Counts, DEEPEST, FeatureInfo, KnownValues, LearntModel, Training};

/// What the file calls itself.
const FORMAT: &str = "auscult-troubleshooting-model";
/// The layout that this release writes; it reads this and all older ones.
const VERSION: u32 = 2;
/// Largest file that is read, in bytes.
pub const LARGEST_FILE: usize = 64 << 20;
/// Longest name of a cause, feature or category, in bytes.
const LONGEST_NAME: usize = 10_000;
/// Prices and weights are at most this, so that sums stay finite.
const LARGEST_NUMBER: f64 = 1e12;

/// Why a file is no model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum ModelError {
    #[error("is {bytes} bytes long, expected at most {LARGEST_FILE}")]
    TooLarge { bytes: usize },
    #[error("{0}")]
    Unreadable(String),
    #[error("is not a model that `auscult learn` wrote: {0}")]
    Foreign(String),
    #[error(
        "has version {found}, this release reads up to {VERSION}: use a newer release or learn again"
    )]
    Newer { found: u32 },
    #[error("is damaged: {0}")]
    Damaged(String),
    #[error(
        "the model would take {bytes} bytes, more than the {LARGEST_FILE} that are read back: learn \
         fewer or shallower trees"
    )]
    Unwritable { bytes: usize },
}

/// The first things that are looked at.
#[derive(Deserialize)]
struct Header {
    format: Option<String>,
    version: Option<u32>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u32,
    label: &'a str,
    causes: &'a [Cause],
    features: &'a [FeatureInfo],
    training: &'a Training,
    trees: &'a [Tree],
    #[serde(skip_serializing_if = "Option::is_none")]
    companions: Option<&'a Counts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    #[expect(dead_code, reason = "checked in the header")]
    format: String,
    #[expect(dead_code, reason = "checked in the header")]
    version: u32,
    label: String,
    causes: Vec<Cause>,
    features: Vec<FeatureInfo>,
    training: Training,
    trees: Vec<TreeParts>,
    /// Since version 2, of a single tree only.
    companions: Option<Counts>,
}

impl LearntModel {
    /// The model as plain JSON, one line.
    ///
    /// # Errors
    ///
    /// [`ModelError::Unwritable`] when it is too large to be read back.
    pub fn to_json(&self) -> Result<String, ModelError> {
        let written = Written {
            format: FORMAT,
            version: VERSION,
            label: &self.label,
            causes: &self.causes,
            features: &self.features,
            training: &self.training,
            trees: self.forest.trees(),
            companions: self.companions.as_ref().map(Companions::counts),
        };
        let json = serde_json::to_string(&written)
            .map_err(|error| ModelError::Damaged(error.to_string()))?;
        match json.len() {
            bytes if bytes > LARGEST_FILE => Err(ModelError::Unwritable { bytes }),
            _ => Ok(json),
        }
    }

    /// Reads a model and checks it completely: sizes, names, indices, depth,
    /// and that every number is finite. Memory stays within a small multiple
    /// of the length of `json`.
    ///
    /// # Errors
    ///
    /// [`ModelError`] names what is wrong; it completes the sentence "the file …".
    pub fn from_json(json: &[u8]) -> Result<Self, ModelError> {
        if json.len() > LARGEST_FILE {
            return Err(ModelError::TooLarge { bytes: json.len() });
        }
        check_header(json)?;
        let parts: Parts =
            serde_json::from_slice(json).map_err(|error| ModelError::Damaged(error.to_string()))?;
        Self::try_from(parts).map_err(ModelError::Damaged)
    }

    /// The model in a file; no more of it is read than a model may be long.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no model.
    pub fn from_file(path: &Path) -> Result<Self, ModelError> {
        let refuse = |error: std::io::Error| {
            ModelError::Unreadable(match error.kind() {
                ErrorKind::NotFound => {
                    "no such file; `auscult learn --output` writes it".to_owned()
                }
                _ => format!("cannot be read: {error}"),
            })
        };
        let file = File::open(path).map_err(refuse)?;
        let mut json = Vec::new();
        file.take(LARGEST_FILE as u64 + 1).read_to_end(&mut json).map_err(refuse)?;
        Self::from_json(&json)
    }
}

fn check_header(json: &[u8]) -> Result<(), ModelError> {
    let header: Header = serde_json::from_slice(json)
        .map_err(|error| ModelError::Foreign(format!("not readable as JSON, {error}")))?;
    match header.format.as_deref() {
        None => return Err(ModelError::Foreign("it has no `format`".to_owned())),
        Some(FORMAT) => {}
        Some(_) => {
            let reason = format!("its `format` is not `{FORMAT}`");
            return Err(ModelError::Foreign(reason));
        }
    }
    match header.version {
        None | Some(0) => Err(ModelError::Damaged("it has no `version`".to_owned())),
        Some(found) if found > VERSION => Err(ModelError::Newer { found }),
        Some(_) => Ok(()),
    }
}

impl TryFrom<Parts> for LearntModel {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let Parts { label, causes, features, training, trees, companions, .. } = parts;
        check_name("label", &label)?;
        check_causes(&causes)?;
        check_names("feature", features.iter().map(|feature| feature.name.as_str()))?;
        for feature in &features {
            check_feature(feature).map_err(|why| format!("feature `{}`: {why}", feature.name))?;
        }
        check_training(&training)?;
        let tree = |(at, parts)| read_tree(at, parts, &causes, &features);
        let trees: Vec<Tree> = trees.into_iter().enumerate().map(tree).collect::<Result<_, _>>()?;
        let forest = Forest::try_from(trees).map_err(|error| error.to_string())?;
        let companions = companions.map(|counts| match forest.trees() {
            [tree] => Companions::new(counts, tree, &features, causes.len()),
            _ => Err("a forest has none".to_owned()),
        });
        let companions = companions.transpose().map_err(|why| format!("companions: {why}"))?;
        Ok(Self { label, causes, features, forest, training, companions })
    }
}

fn read_tree(
    at: usize,
    parts: TreeParts,
    causes: &[Cause],
    features: &[FeatureInfo],
) -> Result<Tree, String> {
    let say = |why: String| format!("tree {}: {why}", at + 1);
    let tree = Tree::try_from(parts).map_err(|error| say(error.to_string()))?;
    if tree.kind() != (Kind::Classes { classes: causes.len() }) {
        return Err(say(format!("it must tell {} causes apart", causes.len())));
    }
    if tree.features().len() != features.len() {
        let (found, expected) = (tree.features().len(), features.len());
        return Err(say(format!("it has {found} features, the model {expected}")));
    }
    let differs = |(own, feature): (&FeatureKind, &FeatureInfo)| *own != feature.values.kind();
    if let Some(feature) = tree.features().iter().zip(features).position(differs) {
        let name = &features[feature].name;
        return Err(say(format!("it takes feature `{name}` for another kind or size")));
    }
    match tree.depth() {
        depth if depth > DEEPEST => Err(say(format!("it is {depth} deep, at most {DEEPEST}"))),
        _ => Ok(tree),
    }
}

fn check_causes(causes: &[Cause]) -> Result<(), String> {
    if causes.len() < 2 {
        return Err(format!("it has {} causes, need at least 2", causes.len()));
    }
    check_names("cause", causes.iter().map(|cause| cause.name.as_str()))?;
    for cause in causes {
        check_positive("row_weight", cause.row_weight)
            .map_err(|why| format!("cause `{}`: {why}", cause.name))?;
    }
    Ok(())
}

fn check_feature(feature: &FeatureInfo) -> Result<(), String> {
    check_positive("price", feature.price)?;
    match &feature.values {
        KnownValues::Numbers { quantiles } => {
            if quantiles.len() < 2 || quantiles.len() > 1001 {
                return Err(format!("it has {} quantiles, need 2 to 1001", quantiles.len()));
            }
            if quantiles.iter().any(|value| !value.is_finite()) || !quantiles.is_sorted() {
                return Err("its quantiles must be finite and ascend".to_owned());
            }
            Ok(())
        }
        KnownValues::Words { categories, rows } => {
            if categories.len() != rows.len() {
                let (names, counts) = (categories.len(), rows.len());
                return Err(format!("it has {names} categories but {counts} counts"));
            }
            check_names("category", categories.iter().map(String::as_str))
        }
    }
}

fn check_training(training: &Training) -> Result<(), String> {
    let validation = &training.validation;
    let shares = [
        validation.accuracy,
        validation.interval[0],
        validation.interval[1],
        validation.macro_f1,
        validation.majority_accuracy,
    ];
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
        return Err("training: validation figures must lie in [0, 1]".to_owned());
    }
    if !(training.ccp_alpha >= 0.0 && training.ccp_alpha.is_finite()) {
        return Err("training: ccp_alpha must be at least 0".to_owned());
    }
    for text in [&training.criterion, &training.class_weight, &validation.kind] {
        check_name("training", text)?;
    }
    Ok(())
}

fn check_positive(what: &str, value: f64) -> Result<(), String> {
    if value > 0.0 && value <= LARGEST_NUMBER {
        Ok(())
    } else {
        Err(format!("{what} = {value}, must be above 0 and at most {LARGEST_NUMBER:e}"))
    }
}

/// Refuses empty and repeated names, and any that [`check_name`] refuses.
fn check_names<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        check_name(what, name)?;
        if !seen.insert(name) {
            return Err(format!("{what} `{name}` occurs twice"));
        }
    }
    Ok(())
}

/// Refuses what could not be shown on a terminal as it is: escape sequences
/// of a stranger's file must not reach it.
fn check_name(what: &str, name: &str) -> Result<(), String> {
    if name.len() > LONGEST_NAME {
        return Err(format!("a {what} has a name of {} bytes, at most {LONGEST_NAME}", name.len()));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("a {what} has control characters in its name {name:?}"));
    }
    Ok(())
}
