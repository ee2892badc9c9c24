//! Numbers of the Open-PSA Model Exchange Format: parameters and arithmetic.

use std::collections::HashMap;

use roxmltree::Node;

use super::{MefError, MefProblem, at, attribute, elements, only};
use crate::fault_tree::tree::DEEPEST_FORMULA;

/// A parameter, before and after its value is known.
#[derive(Clone, Copy)]
enum Parameter<'a, 'i> {
    Defined(Node<'a, 'i>),
    /// On the way to its value.
    Open,
    Known(f64),
}

/// All parameters, by name.
#[derive(Default)]
pub(super) struct Parameters<'a, 'i> {
    by_name: HashMap<&'a str, (Parameter<'a, 'i>, u32)>,
}

const EXPECTED: &str = "a number: `float`, `int`, `bool`, `pi`, `parameter`, `neg`, `add`, `sub`, `mul`, \
                        `div`, `pow`, `exp`, `log`, `log10`, `sqrt`, `min`, `max`, `mean` or \
                        `exponential`";

impl<'a, 'i> Parameters<'a, 'i> {
    pub(super) fn define(&mut self, node: Node<'a, 'i>) -> Result<(), MefError> {
        let name = attribute(node, "name")?;
        let line = node.document().text_pos_at(node.range().start).row;
        let Some((_, first)) = self.by_name.insert(name, (Parameter::Defined(node), line)) else {
            return Ok(());
        };
        Err(at(node, MefProblem::Twice { name: name.to_owned(), first }))
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, node: Node<'a, 'i>) -> Result<f64, MefError> {
        self.deep_value(node, DEEPEST_FORMULA)
    }

    fn deep_value(&mut self, node: Node<'a, 'i>, levels: usize) -> Result<f64, MefError> {
        let Some(levels) = levels.checked_sub(1) else { return Err(at(node, MefProblem::Deep)) };
        let element = node.tag_name().name();
        match element {
            "float" | "int" => return number(node),
            "bool" => return truth(node),
            "pi" => return Ok(std::f64::consts::PI),
            "parameter" => return self.parameter(node, levels),
            "system-mission-time" => {
                let (found, reason) = (element.to_owned(), "write the time itself, as a `float`");
                return Err(at(node, MefProblem::Unsupported { found, reason }));
            }
            _ if element.ends_with("-deviate") || matches!(element, "histogram") => {
                let (found, reason) = (element.to_owned(), "write the mean itself, as a `float`");
                return Err(at(node, MefProblem::Unsupported { found, reason }));
            }
            _ => {}
        }
        let mut of = Vec::new();
        for argument in elements(node) {
            of.push(self.deep_value(argument, levels)?);
        }
        arithmetic(node, &of)
    }

    fn parameter(&mut self, node: Node<'a, 'i>, levels: usize) -> Result<f64, MefError> {
        let name = attribute(node, "name")?;
        let named = || name.to_owned();
        let Some((parameter, _)) = self.by_name.get_mut(name) else {
            return Err(at(node, MefProblem::Undefined { kind: "parameter", name: named() }));
        };
        let definition = match *parameter {
            Parameter::Known(value) => return Ok(value),
            Parameter::Open => return Err(at(node, MefProblem::Cycle { name: named() })),
            Parameter::Defined(definition) => definition,
        };
        *parameter = Parameter::Open;
        let Some(expression) = only(definition)? else {
            let element = format!("define-parameter name=\"{name}\"");
            let (found, expected) = (0, "a number");
            return Err(at(definition, MefProblem::Count { element, found, expected }));
        };
        let value = self.deep_value(expression, levels)?;
        if let Some((parameter, _)) = self.by_name.get_mut(name) {
            *parameter = Parameter::Known(value);
        }
        Ok(value)
    }
}

fn number(node: Node<'_, '_>) -> Result<f64, MefError> {
    let value = attribute(node, "value")?;
    let finite = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
    finite.ok_or_else(|| {
        let (value, expected) = (value.to_owned(), "a number");
        at(node, MefProblem::Value { attribute: "value", value, expected })
    })
}

fn truth(node: Node<'_, '_>) -> Result<f64, MefError> {
    match attribute(node, "value")? {
        "true" => Ok(1.0),
        "false" => Ok(0.0),
        other => {
            let (value, expected) = (other.to_owned(), "`true` or `false`");
            Err(at(node, MefProblem::Value { attribute: "value", value, expected }))
        }
    }
}

fn arithmetic(node: Node<'_, '_>, of: &[f64]) -> Result<f64, MefError> {
    let element = node.tag_name().name();
    let count = |range: std::ops::RangeInclusive<usize>, expected| {
        if range.contains(&of.len()) {
            return Ok(());
        }
        let (element, found) = (element.to_owned(), of.len());
        Err(at(node, MefProblem::Count { element, found, expected }))
    };
    let some = || count(1..=usize::MAX, "at least one number");
    let one = || count(1..=1, "one number");
    let two = || count(2..=2, "two numbers");
    let fold = |join: fn(f64, f64) -> f64| of.iter().copied().reduce(join).unwrap_or(0.0);
    Ok(match element {
        "neg" => {
            one()?;
            -of[0]
        }
        "exp" => {
            one()?;
            of[0].exp()
        }
        "log" => {
            one()?;
            of[0].ln()
        }
        "log10" => {
            one()?;
            of[0].log10()
        }
        "sqrt" => {
            one()?;
            of[0].sqrt()
        }
        "pow" => {
            two()?;
            of[0].powf(of[1])
        }
        // Failed by a time, at a constant rate.
        "exponential" => {
            two()?;
            -(-of[0] * of[1]).exp_m1()
        }
        "add" => some().map(|()| fold(|one, other| one + other))?,
        "sub" => some().map(|()| fold(|one, other| one - other))?,
        "mul" => some().map(|()| fold(|one, other| one * other))?,
        "div" => some().map(|()| fold(|one, other| one / other))?,
        "min" => some().map(|()| fold(f64::min))?,
        "max" => some().map(|()| fold(f64::max))?,
        "mean" => some().map(|()| fold(|one, other| one + other) / of.len() as f64)?,
        other => {
            let within = node.parent().map_or("", |parent| parent.tag_name().name()).to_owned();
            let found = other.to_owned();
            return Err(at(node, MefProblem::Element { found, within, expected: EXPECTED }));
        }
    })
}
