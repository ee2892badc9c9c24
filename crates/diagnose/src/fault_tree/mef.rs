//! Fault trees in the Open-PSA Model Exchange Format.

use std::collections::HashMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::tree::{BasicEvent, DEEPEST_FORMULA, FaultTree, FaultTreeError, Formula, Gate};
use expression::Parameters;

mod expression;

/// Elements and texts of a file, at most: about 1 GB of them.
const MOST_NODES: u32 = 10_000_000;

/// Why a text is no fault tree that can be read, and where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct MefError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub problem: MefProblem,
}

/// What is wrong with a text in the Open-PSA Model Exchange Format.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each message explains its fields")]
pub enum MefProblem {
    /// Not XML.
    #[error("not well-formed XML: {message}")]
    Xml { message: String },
    /// With a document type, in which a small file can unfold without end.
    #[error("`<!DOCTYPE …>` is not accepted, as it can make a small file huge; remove it")]
    DocumentType,
    /// More than a fault tree can have.
    #[error("more than {MOST_NODES} XML elements; split the file")]
    TooLarge,
    /// Some other XML.
    #[error("the root element is `{found}`; expected `opsa-mef`")]
    Root { found: String },
    /// An element that does not belong here, or is not supported.
    #[error("`{found}` in `{within}` is not understood; expected {expected}")]
    Element { found: String, within: String, expected: &'static str },
    /// What would change the result and is not supported.
    #[error("`{found}` is not supported: {reason}")]
    Unsupported { found: String, reason: &'static str },
    /// An attribute that must be there.
    #[error("`{element}` has no attribute `{attribute}`")]
    Attribute { element: String, attribute: &'static str },
    /// An attribute that cannot be read.
    #[error("{attribute}=\"{value}\" cannot be read; expected {expected}")]
    Value { attribute: &'static str, value: String, expected: &'static str },
    /// Too few or too many elements inside.
    #[error("`{element}` holds {found}; expected {expected}")]
    Count { element: String, found: usize, expected: &'static str },
    /// A reference to nothing.
    #[error("there is no {kind} `{name}`; define it, or correct its name")]
    Undefined { kind: &'static str, name: String },
    /// A name that was given away before.
    #[error(
        "`{name}` is defined twice, first in line {first}; every event and gate needs a name of its own"
    )]
    Twice { name: String, first: u32 },
    /// A basic event without a number.
    #[error(
        "basic event `{name}` has no probability; give it one, such as <float value=\"1e-3\"/>"
    )]
    NoProbability { name: String },
    /// A parameter that is its own value.
    #[error("parameter `{name}` depends on itself")]
    Cycle { name: String },
    /// Nested out of all proportion.
    #[error("nested more than {DEEPEST_FORMULA} deep; give the inner formulas gates of their own")]
    Deep,
    /// Sound XML, but no sound tree.
    #[error(transparent)]
    Tree(#[from] FaultTreeError),
}

/// Reads a fault tree from the XML of the Open-PSA Model Exchange Format.
///
/// Understood are `define-fault-tree`, `define-component`, `model-data`, gates
/// with `and`, `or`, `not`, `xor`, `nand`, `nor`, `iff`, `imply`, `atleast` and
/// `cardinality`, nested as one likes; house events, basic events and
/// parameters with arithmetic and `exponential`. Names are public: they count
/// in the whole file. What would change the result and is not understood
/// (groups of common cause, event trees, private names, distributions) is
/// refused. `top` names the gate to take for the top; without it, it is the
/// one that no other refers to.
///
/// Memory is about 20 times the text. Document types are refused, so no text
/// unfolds into a larger one.
///
/// Reference: S. Epstein, A. Rauzy, "Open-PSA Model Exchange Format", version
/// 2.0d, 2008.
///
/// ```
/// let tree = auscult_diagnose::fault_tree::read_mef(
///     r#"<opsa-mef>
///          <define-fault-tree name="power">
///            <define-gate name="dark">
///              <and> <basic-event name="mains"/> <basic-event name="battery"/> </and>
///            </define-gate>
///            <define-basic-event name="mains"> <float value="0.1"/> </define-basic-event>
///          </define-fault-tree>
///        </opsa-mef>"#,
///     None,
/// );
/// assert_eq!(
///     tree.unwrap_err().to_string(),
///     "line 4, column 48: there is no basic event `battery`; define it, or correct its name"
/// );
/// ```
pub fn read_mef(text: &str, top: Option<&str>) -> Result<FaultTree, MefError> {
    // A mark of byte order is no part of XML.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| no_xml(&error))?;
    let root = document.root_element();
    if root.tag_name().name() != "opsa-mef" {
        return Err(at(root, MefProblem::Root { found: root.tag_name().name().to_owned() }));
    }
    let mut found = Definitions::default();
    found.collect(root)?;
    found.into_tree(root, top)
}

/// `problem`, which is at `node`.
fn at(node: Node<'_, '_>, problem: MefProblem) -> MefError {
    let place = node.document().text_pos_at(node.range().start);
    MefError { line: place.row, column: place.col, problem }
}

fn no_xml(error: &roxmltree::Error) -> MefError {
    let place = error.pos();
    let problem = match error {
        roxmltree::Error::DtdDetected => MefProblem::DocumentType,
        roxmltree::Error::NodesLimitReached => MefProblem::TooLarge,
        other => {
            let message = other.to_string();
            let end = format!(" at {place}");
            let message = message.strip_suffix(&end).unwrap_or(&message).to_owned();
            MefProblem::Xml { message }
        }
    };
    MefError { line: place.row, column: place.col, problem }
}

/// The elements below, but for labels and attributes, which say nothing.
fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    let is_said = |node: &Node<'a, 'i>| {
        node.is_element() && !matches!(node.tag_name().name(), "label" | "attributes")
    };
    node.children().filter(is_said)
}

fn attribute<'a>(node: Node<'a, '_>, attribute: &'static str) -> Result<&'a str, MefError> {
    let element = || node.tag_name().name().to_owned();
    node.attribute(attribute)
        .ok_or_else(|| at(node, MefProblem::Attribute { element: element(), attribute }))
}

fn label(node: Node<'_, '_>) -> Option<String> {
    let label = node.children().find(|child| child.has_tag_name("label"))?;
    let words = label.text()?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}

/// The only element inside, if there is one.
fn only<'a, 'i>(node: Node<'a, 'i>) -> Result<Option<Node<'a, 'i>>, MefError> {
    let mut inside = elements(node);
    let first = inside.next();
    let more = inside.count();
    if more == 0 {
        return Ok(first);
    }
    let element = node.tag_name().name().to_owned();
    Err(at(node, MefProblem::Count { element, found: more + 1, expected: "one element" }))
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
enum Named {
    Gate(usize),
    Event(usize),
    House(bool),
}

/// Everything that is defined, not yet read.
#[derive(Default)]
struct Definitions<'a, 'i> {
    name: Option<&'a str>,
    gates: Vec<Node<'a, 'i>>,
    events: Vec<Node<'a, 'i>>,
    names: HashMap<&'a str, (Named, Node<'a, 'i>)>,
    parameters: Parameters<'a, 'i>,
}

impl<'a, 'i> Definitions<'a, 'i> {
    /// Walks all containers, without recursion.
    fn collect(&mut self, root: Node<'a, 'i>) -> Result<(), MefError> {
        let mut open = vec![root];
        while let Some(container) = open.pop() {
            // The first element is taken first.
            let mut containers = Vec::new();
            for node in elements(container) {
                if node.attribute("role") == Some("private") {
                    let reason = "names count in the whole file; make it public";
                    let found = "role=\"private\"".to_owned();
                    return Err(at(node, MefProblem::Unsupported { found, reason }));
                }
                match node.tag_name().name() {
                    "define-fault-tree" | "define-component" => {
                        let name = attribute(node, "name")?;
                        self.name.get_or_insert(name);
                        containers.push(node);
                    }
                    "model-data" => containers.push(node),
                    "define-gate" => {
                        self.define(node, Named::Gate(self.gates.len()))?;
                        self.gates.push(node);
                    }
                    "define-basic-event" => {
                        self.define(node, Named::Event(self.events.len()))?;
                        self.events.push(node);
                    }
                    "define-house-event" => {
                        let state = only(node)?.map_or(Ok(false), constant)?;
                        self.define(node, Named::House(state))?;
                    }
                    "define-parameter" => self.parameters.define(node)?,
                    other => return Err(at(node, misplaced(other, container))),
                }
            }
            open.extend(containers.into_iter().rev());
        }
        Ok(())
    }

    fn define(&mut self, node: Node<'a, 'i>, named: Named) -> Result<(), MefError> {
        let name = attribute(node, "name")?;
        if name.is_empty() {
            let (attribute, value, expected) = ("name", String::new(), "a name");
            return Err(at(node, MefProblem::Value { attribute, value, expected }));
        }
        if let Some((_, before)) = self.names.insert(name, (named, node)) {
            let first = node.document().text_pos_at(before.range().start).row;
            return Err(at(node, MefProblem::Twice { name: name.to_owned(), first }));
        }
        Ok(())
    }

    fn into_tree(mut self, root: Node<'a, 'i>, top: Option<&str>) -> Result<FaultTree, MefError> {
        let mut events = Vec::with_capacity(self.events.len());
        for node in std::mem::take(&mut self.events) {
            let name = attribute(node, "name")?.to_owned();
            let Some(value) = only(node)? else {
                return Err(at(node, MefProblem::NoProbability { name }));
            };
            let probability = self.parameters.value(value)?;
            events.push(BasicEvent { name, probability, label: label(node) });
        }
        let mut gates = Vec::with_capacity(self.gates.len());
        for &node in &self.gates {
            let Some(formula) = only(node)? else {
                let element = format!("define-gate name=\"{}\"", attribute(node, "name")?);
                let (found, expected) = (0, "a formula");
                return Err(at(node, MefProblem::Count { element, found, expected }));
            };
            let name = attribute(node, "name")?.to_owned();
            let formula = self.formula(formula, DEEPEST_FORMULA)?;
            gates.push(Gate { name, formula, label: label(node) });
        }
        let name = self.name.or_else(|| root.attribute("name")).unwrap_or_default();
        FaultTree::new(name, events, gates, top).map_err(|error| {
            let about = error.about().and_then(|name| self.names.get(name));
            at(about.map_or(root, |(_, node)| *node), error.into())
        })
    }

    fn formula(&self, node: Node<'a, 'i>, levels: usize) -> Result<Formula, MefError> {
        let Some(levels) = levels.checked_sub(1) else { return Err(at(node, MefProblem::Deep)) };
        let element = node.tag_name().name();
        match element {
            "gate" | "basic-event" | "house-event" | "event" => return self.reference(node),
            "constant" => return Ok(Formula::Constant(constant(node)?)),
            _ => {}
        }
        if !OPERATIONS.iter().any(|(name, ..)| *name == element) {
            let within = node.parent().map_or("", |parent| parent.tag_name().name());
            let (found, within) = (element.to_owned(), within.to_owned());
            return Err(at(node, MefProblem::Element { found, within, expected: FORMULAS }));
        }
        let mut of = Vec::new();
        for argument in elements(node) {
            of.push(self.formula(argument, levels)?);
        }
        let count = of.len();
        for (name, range, expected) in OPERATIONS {
            if name == element && !range.contains(&count) {
                let (element, found) = (element.to_owned(), count);
                return Err(at(node, MefProblem::Count { element, found, expected }));
            }
        }
        operation(node, of)
    }

    fn reference(&self, node: Node<'a, 'i>) -> Result<Formula, MefError> {
        let name = attribute(node, "name")?;
        let kind = match node.tag_name().name() {
            "event" => node.attribute("type").unwrap_or("event"),
            element => element,
        };
        match (kind, self.names.get(name)) {
            ("gate" | "event", Some((Named::Gate(gate), _))) => Ok(Formula::Gate(*gate)),
            ("basic-event" | "event", Some((Named::Event(event), _))) => Ok(Formula::Event(*event)),
            ("house-event" | "event", Some((Named::House(state), _))) => {
                Ok(Formula::Constant(*state))
            }
            _ => {
                let kind = match kind {
                    "gate" => "gate",
                    "basic-event" => "basic event",
                    "house-event" => "house event",
                    _ => "event",
                };
                Err(at(node, MefProblem::Undefined { kind, name: name.to_owned() }))
            }
        }
    }
}

const FORMULAS: &str = "a formula: `and`, `or`, `not`, `xor`, `nand`, `nor`, `iff`, `imply`, \
                        `atleast`, `cardinality`, `gate`, `basic-event`, `house-event`, `event` \
                        or `constant`";

/// Operations, and how many arguments each takes.
const OPERATIONS: [(&str, std::ops::RangeInclusive<usize>, &str); 10] = [
    ("and", 1..=usize::MAX, "at least one argument"),
    ("or", 1..=usize::MAX, "at least one argument"),
    ("nand", 1..=usize::MAX, "at least one argument"),
    ("nor", 1..=usize::MAX, "at least one argument"),
    ("xor", 1..=usize::MAX, "at least one argument"),
    ("atleast", 1..=usize::MAX, "at least one argument"),
    ("cardinality", 1..=usize::MAX, "at least one argument"),
    ("not", 1..=1, "one argument"),
    ("iff", 2..=2, "two arguments"),
    ("imply", 2..=2, "two arguments"),
];

fn operation(node: Node<'_, '_>, of: Vec<Formula>) -> Result<Formula, MefError> {
    let not = |formula| Formula::Not(Box::new(formula));
    let count = of.len();
    Ok(match node.tag_name().name() {
        "and" => Formula::And(of),
        "or" => Formula::Or(of),
        "xor" => Formula::Xor(of),
        "nand" => not(Formula::And(of)),
        "not" | "nor" => not(Formula::Or(of)),
        "iff" => not(Formula::Xor(of)),
        "imply" => {
            let mut of = of;
            if let Some(premise) = of.first_mut() {
                *premise = not(std::mem::replace(premise, Formula::Constant(false)));
            }
            Formula::Or(of)
        }
        // `atleast` and `cardinality`.
        element => {
            let min = whole(node, "min")?;
            if element == "atleast" {
                let expected = "a number from 1 to the number of arguments";
                if min == 0 || min > count {
                    let value = min.to_string();
                    return Err(at(node, MefProblem::Value { attribute: "min", value, expected }));
                }
                return Ok(Formula::AtLeast { min, of });
            }
            let max = whole(node, "max")?;
            if min > max || max > count {
                let expected = "a number from `min` to the number of arguments";
                let value = max.to_string();
                return Err(at(node, MefProblem::Value { attribute: "max", value, expected }));
            }
            let mut both = Vec::new();
            if min > 0 {
                both.push(Formula::AtLeast { min, of: of.clone() });
            }
            if max < count {
                both.push(not(Formula::AtLeast { min: max + 1, of }));
            }
            if both.is_empty() { Formula::Constant(true) } else { Formula::And(both) }
        }
    })
}

fn whole(node: Node<'_, '_>, name: &'static str) -> Result<usize, MefError> {
    let value = attribute(node, name)?;
    value.trim().parse().map_err(|_| {
        let (value, expected) = (value.to_owned(), "a whole number");
        at(node, MefProblem::Value { attribute: name, value, expected })
    })
}

fn constant(node: Node<'_, '_>) -> Result<bool, MefError> {
    let element = node.tag_name().name();
    if element != "constant" {
        let within = node.parent().map_or("", |parent| parent.tag_name().name()).to_owned();
        let (found, expected) = (element.to_owned(), "`constant`");
        return Err(at(node, MefProblem::Element { found, within, expected }));
    }
    match attribute(node, "value")? {
        "true" => Ok(true),
        "false" => Ok(false),
        other => {
            let (value, expected) = (other.to_owned(), "`true` or `false`");
            Err(at(node, MefProblem::Value { attribute: "value", value, expected }))
        }
    }
}

fn misplaced(element: &str, container: Node<'_, '_>) -> MefProblem {
    let found = element.to_owned();
    let reason = match element {
        "define-CCF-group" => {
            "groups of common cause are not worked out; model the shared cause as a basic event"
        }
        "define-event-tree"
        | "define-initiating-event"
        | "define-functional-event"
        | "define-sequence"
        | "define-rule"
        | "define-consequence-group"
        | "define-consequence" => "only fault trees are read; take the event trees out of the file",
        "define-substitution"
        | "define-alignment"
        | "define-extern-function"
        | "define-extern-library"
        | "include" => "it would change what is read; take it out of the file",
        _ => {
            let within = container.tag_name().name().to_owned();
            let expected = "`define-fault-tree`, `define-component`, `define-gate`, `define-basic-event`, `define-house-event`, `define-parameter` or `model-data`";
            return MefProblem::Element { found, within, expected };
        }
    };
    MefProblem::Unsupported { found, reason }
}
