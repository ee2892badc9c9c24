//! The tree of a YAML text, with the place of every node.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry::Vacant;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle};

use crate::problem::{Mark, Problem};

/// Most nodes of a document, with what aliases repeat: a small text must not become a large tree.
const MOST_NODES: usize = 1_000_000;
/// Lists and maps within each other, at most: reading one takes room on the stack.
const DEEPEST: usize = 100;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A text that may mean a number or a flag.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Whether it was quoted, and so is a text and nothing else.
    pub(crate) is_quoted: bool,
    /// Whether a variable or a file stands in it, whose value must not be shown.
    pub(crate) is_expanded: bool,
}

impl Scalar {
    /// Whether it says that there is nothing.
    pub(crate) fn is_null(&self) -> bool {
        !self.is_quoted
            && !self.is_expanded
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) value: Node,
}

impl Value {
    /// What it is, for a sentence.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(scalar) if scalar.is_null() => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

fn mark(marker: Marker) -> Mark {
    Mark { line: marker.line().max(1), column: marker.col() + 1 }
}

/// Reads `text`, which must be one document. A text without any is an empty map.
pub(crate) fn load(file: &str, text: &str) -> Result<Node, Problem> {
    let mut loader = Loader { file, text, anchors: HashMap::new(), nodes: 0, depth: 0 };
    let mut events = Parser::new_from_str_with_options(text, Options::default());
    let mut root = None;
    while let Some((event, at)) = loader.next(&mut events)? {
        match event {
            Event::DocumentStart(..) if root.is_some() => {
                let sentence = "a second document begins; expected one only";
                return Err(Problem::new(file, text, at, sentence.to_owned()));
            }
            Event::DocumentStart(..) => {
                let Some((event, at)) = loader.next(&mut events)? else { break };
                root = Some(loader.node(event, at, &mut events)?);
            }
            _ => {}
        }
    }
    let empty = || Node { mark: Mark::START, value: Value::Map(Vec::new()) };
    match root {
        Some(Node { value: Value::Scalar(scalar), .. }) if scalar.is_null() => Ok(empty()),
        Some(root) => Ok(root),
        None => Ok(empty()),
    }
}

struct Loader<'a> {
    file: &'a str,
    text: &'a str,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// Lists and maps that have begun and not ended.
    depth: usize,
}

type Events<'a> = Parser<'a, granit_parser::StrInput<'a>>;

impl<'a> Loader<'a> {
    fn refuse(&self, at: Mark, sentence: impl Into<String>) -> Problem {
        Problem::new(self.file, self.text, at, sentence.into())
    }

    fn next(&self, events: &mut Events<'a>) -> Result<Option<(Event<'a>, Mark)>, Problem> {
        match events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, mark(span.start)))),
            Some(Err(error)) => Err(self.refuse(mark(*error.marker()), error.info())),
        }
    }

    /// The next event, which a node that has begun needs.
    fn more(&self, events: &mut Events<'a>, at: Mark) -> Result<(Event<'a>, Mark), Problem> {
        self.next(events)?.ok_or_else(|| self.refuse(at, "the text ends within this"))
    }

    fn count(&mut self, more: usize, at: Mark) -> Result<(), Problem> {
        self.nodes += more;
        let sentence = "with what its aliases repeat, the document is too large";
        if self.nodes > MOST_NODES { Err(self.refuse(at, sentence)) } else { Ok(()) }
    }

    /// Goes into a list or map.
    fn descend(&mut self, at: Mark) -> Result<(), Problem> {
        self.depth += 1;
        let sentence =
            || format!("lists and maps stand within each other more than {DEEPEST} deep");
        if self.depth > DEEPEST { Err(self.refuse(at, sentence())) } else { Ok(()) }
    }

    fn node(
        &mut self,
        event: Event<'a>,
        at: Mark,
        events: &mut Events<'a>,
    ) -> Result<Node, Problem> {
        self.count(1, at)?;
        let anchor = event.anchor_id();
        let value = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let Some(node) = known else {
                    return Err(self.refuse(at, "this alias stands within what it means"));
                };
                self.count(size(&node), at)?;
                // Its problems are shown where they are written.
                return Ok(node);
            }
            Event::Scalar(text, style, ..) => Value::Scalar(Scalar {
                text: Cow::into_owned(text),
                is_quoted: style != ScalarStyle::Plain,
                is_expanded: false,
            }),
            Event::SequenceStart(..) => {
                self.descend(at)?;
                let mut items = Vec::new();
                loop {
                    match self.more(events, at)? {
                        (Event::SequenceEnd, _) => break self.depth -= 1,
                        (event, at) => items.push(self.node(event, at, events)?),
                    }
                }
                Value::List(items)
            }
            Event::MappingStart(..) => {
                self.descend(at)?;
                let entries = self.map(at, events)?;
                self.depth -= 1;
                Value::Map(entries)
            }
            _ => return Err(self.refuse(at, "expected a value")),
        };
        let node = Node { mark: at, value };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, at: Mark, events: &mut Events<'a>) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, mark) = match self.more(events, at)? {
                (Event::MappingEnd, _) => break,
                other => other,
            };
            let Value::Scalar(key) = self.node(event, mark, events)?.value else {
                return Err(self.refuse(mark, "a key must be a single value"));
            };
            let (event, at) = self.more(events, mark)?;
            let value = self.node(event, at, events)?;
            if key.text == "<<" && !key.is_quoted {
                let maps = if let Value::List(items) = value.value { items } else { vec![value] };
                for map in maps {
                    let Value::Map(more) = map.value else {
                        return Err(self.refuse(mark, "`<<` takes a map or a list of maps"));
                    };
                    merged.extend(more);
                }
            } else if let Some(first) = lines.insert(key.text.clone(), mark.line) {
                let sentence =
                    format!("`{}` stands here a second time, after line {first}", key.text);
                return Err(self.refuse(mark, sentence));
            } else {
                entries.push(Entry { key: key.text, mark, value });
            }
        }
        // What is written wins over what is merged, the first of merged maps over the rest.
        for entry in merged {
            if let Vacant(place) = lines.entry(entry.key.clone()) {
                place.insert(entry.mark.line);
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}
