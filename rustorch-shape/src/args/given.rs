//! What a call gives for its arguments.

use crate::error::{Dims, Result, ShapeError};
use crate::poly::Poly;
use std::fmt;

/// The value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A size.
    Size(Poly),
    /// Sizes, one for every axis that matters.
    Sizes(Vec<Poly>),
    /// Sizes, `None` where one is to be inferred.
    Target(Vec<Option<Poly>>),
    /// An axis.
    Axis(isize),
    /// Axes; none stand for all.
    Axes(Vec<isize>),
    /// A truth value.
    Bool(bool),
    /// A number.
    Float(f64),
    /// A string.
    Text(String),
    /// A tensor of this shape.
    Tensor(Vec<Poly>),
    /// An expression whose value no rule asks for.
    Expression,
    /// Nothing.
    Absent,
}

/// The arguments of one call, every one resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// The layer or function.
    pub op: &'static str,
    values: Vec<(&'static str, Value)>,
}

impl Args {
    /// No arguments yet.
    pub fn new(op: &'static str) -> Self {
        Args { op, values: Vec::new() }
    }

    /// Adds or replaces a value.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.values.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name, value)),
        }
    }

    /// The value of an argument, if it has one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All values, with the names of their arguments.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(name, value)| (*name, value))
    }

    /// A single size.
    ///
    /// # Errors
    /// When the argument is not one: the table and the rule disagree.
    pub fn size(&self, name: &'static str) -> Result<&Poly> {
        match self.get(name) {
            Some(Value::Size(size)) => Ok(size),
            other => Err(self.unexpected(name, "a size", other)),
        }
    }

    /// Several sizes.
    ///
    /// # Errors
    /// When the argument is not such a list.
    pub fn sizes(&self, name: &'static str) -> Result<&[Poly]> {
        match self.get(name) {
            Some(Value::Sizes(sizes)) => Ok(sizes),
            Some(Value::Size(size)) => Ok(std::slice::from_ref(size)),
            other => Err(self.unexpected(name, "a list of sizes", other)),
        }
    }

    /// Several sizes, some to be inferred.
    ///
    /// # Errors
    /// When the argument is not such a list.
    pub fn target(&self, name: &'static str) -> Result<&[Option<Poly>]> {
        match self.get(name) {
            Some(Value::Target(sizes)) => Ok(sizes),
            other => Err(self.unexpected(name, "a list of sizes", other)),
        }
    }

    /// An axis.
    ///
    /// # Errors
    /// When the argument is not one.
    pub fn axis(&self, name: &'static str) -> Result<isize> {
        match self.get(name) {
            Some(Value::Axis(axis)) => Ok(*axis),
            other => Err(self.unexpected(name, "an axis", other)),
        }
    }

    /// Axes; none stand for all.
    ///
    /// # Errors
    /// When the argument is not a list of axes.
    pub fn axes(&self, name: &'static str) -> Result<&[isize]> {
        match self.get(name) {
            Some(Value::Axes(axes)) => Ok(axes),
            Some(Value::Axis(axis)) => Ok(std::slice::from_ref(axis)),
            other => Err(self.unexpected(name, "a list of axes", other)),
        }
    }

    /// A number, if it is known.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Value::Float(number)) => Some(*number),
            _ => None,
        }
    }

    /// The shape of a tensor, if the argument is one.
    pub fn tensor(&self, name: &str) -> Option<&[Poly]> {
        match self.get(name) {
            Some(Value::Tensor(shape)) => Some(shape),
            _ => None,
        }
    }

    /// A truth value that a shape depends on.
    ///
    /// # Errors
    /// When it is not literally known.
    pub fn flag(&self, name: &'static str) -> Result<bool> {
        match self.get(name) {
            Some(Value::Bool(flag)) => Ok(*flag),
            other => Err(self.unexpected(name, "`true` or `false`", other)),
        }
    }

    /// Whether something is there: `true`, or an expression that may be.
    pub fn may_be(&self, name: &str) -> bool {
        !matches!(self.get(name), Some(Value::Bool(false) | Value::Absent) | None)
    }

    fn unexpected(&self, name: &'static str, wanted: &str, found: Option<&Value>) -> ShapeError {
        let found = found.map_or("nothing".into(), |value| value.to_string());
        ShapeError::argument(self.op, name, format!("`{name}` must be {wanted}, not {found}"))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Size(size) => size.fmt(f),
            Value::Sizes(sizes) => Dims(sizes).fmt(f),
            Value::Target(sizes) => {
                let sizes: Vec<String> =
                    sizes.iter().map(|s| s.as_ref().map_or("_".into(), ToString::to_string)).collect();
                write!(f, "[{}]", sizes.join(", "))
            }
            Value::Axis(axis) => axis.fmt(f),
            Value::Axes(axes) => write!(f, "{axes:?}"),
            Value::Bool(flag) => flag.fmt(f),
            Value::Float(number) => number.fmt(f),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Tensor(shape) => write!(f, "a tensor of shape {}", Dims(shape)),
            Value::Expression => f.write_str("an expression"),
            Value::Absent => f.write_str("nothing"),
        }
    }
}
