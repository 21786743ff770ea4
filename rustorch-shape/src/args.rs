//! The arguments of layers and functions in a `model!`: what is declared, and what a call gives.

mod given;

pub use given::{Args, Value};

use crate::error::{Dims, Result, ShapeError};
use crate::poly::{Claim, Poly};
use crate::size::{Relation, Size, Truth};
use std::fmt;

/// A shape rule over resolved arguments: the shapes of the tensor operands in, those of the results out.
///
/// Without the feature `symbolic` the table's rules are type-checked and then forgotten: who asks it for arguments and
/// parameters only does not compile every rule over symbols.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    #[cfg(feature = "symbolic")]
    rule: RuleFn,
}

/// What a [`Rule`] calls.
pub type RuleFn = fn(&Args, &[&[Poly]], &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>>;

impl Rule {
    /// The rule that is this function.
    #[cfg(feature = "symbolic")]
    pub const fn new(rule: RuleFn) -> Self {
        Self { rule }
    }

    /// The rule that is this function.
    #[cfg(not(feature = "symbolic"))]
    pub const fn new(_: RuleFn) -> Self {
        Self {}
    }

    /// The shapes of the results.
    ///
    /// # Errors
    /// When an input does not fit.
    #[cfg(feature = "symbolic")]
    pub fn apply(&self, args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
        (self.rule)(args, inputs, claims)
    }
}

/// Arguments of layers and functions that must not be 0. Rules refuse the number; sizes that are names they take to be at least 1, so that
/// macros assert it.
pub const POSITIVE: [&str; 11] = [
    "kernel",
    "stride",
    "dilation",
    "groups",
    "num_groups",
    "num_heads",
    "nhead",
    "num_layers",
    "upscale_factor",
    "downscale_factor",
    "chunks",
];

/// An argument that a layer or function takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgSpec {
    /// Its name, which is also that of the builder's method.
    pub name: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// Whether it may be given by position, or by name only.
    pub positional: bool,
    /// What holds when it is not written.
    pub fallback: Fallback,
}

/// The values that an argument takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A size: `64`, `4 * D`.
    Size,
    /// One size for all of this many spatial axes, or one for each: `3`, `[3, 5]`.
    Window(usize),
    /// One size for both ends of all of this many spatial axes, or one for each end: left and right of the last axis, then of the
    /// one before.
    Ends(usize),
    /// As [`Window`](Kind::Window), or `"same"` or `"valid"`.
    Padding(usize),
    /// As [`Window`](Kind::Window), where `None` keeps the size of the input.
    Output(usize),
    /// A size, or `None`.
    OptionalSize,
    /// A size or a list of sizes.
    Sizes,
    /// A list of sizes, of which one may be `_`.
    Target,
    /// Either a size or a list of sizes: a piece size, or every piece's.
    Pieces,
    /// An axis: an integer literal, negative ones counting from the end.
    Axis,
    /// An axis or a list of axes.
    Axes,
    /// `true` or `false`, literally: the shape depends on it.
    Flag,
    /// A `bool` expression.
    Bool,
    /// An `f64` expression.
    Float,
    /// An `f64` expression, or `None`.
    OptionalFloat,
    /// An `f64` expression between 0 and 1.
    Probability,
    /// One of these strings.
    Text(&'static [&'static str]),
    /// Another tensor.
    Tensor,
    /// A tensor that broadcasts, or a number.
    Operand,
    /// An integer literal, which may be negative.
    Int,
    /// One or several integer literals, which may be negative.
    Ints,
}

/// What an argument is when it is not written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fallback {
    /// It must be written.
    Required,
    /// Taken from the input: that axis, in which the input has this many of the noun.
    Inferred(Feature),
    /// The value of the argument with this name.
    Same(&'static str),
    /// This size, for every axis.
    Size(usize),
    /// This axis.
    Axis(isize),
    /// All axes.
    AllAxes,
    /// This truth value.
    Bool(bool),
    /// This number.
    Float(f64),
    /// This string.
    Text(&'static str),
    /// Nothing at all.
    Absent,
}

/// The axis of the input from which a size can be inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// The last one.
    Last,
    /// Axis 1.
    Second,
    /// The one before this many spatial axes.
    Before(usize),
}

impl ArgSpec {
    const fn new(name: &'static str, kind: Kind) -> Self {
        ArgSpec { name, kind, positional: true, fallback: Fallback::Required }
    }

    pub(crate) const fn size(name: &'static str) -> Self {
        ArgSpec::new(name, Kind::Size)
    }

    pub(crate) const fn window(name: &'static str, axes: usize) -> Self {
        ArgSpec::new(name, Kind::Window(axes))
    }

    /// A size, if anything.
    pub(crate) const fn optional_size(name: &'static str) -> Self {
        ArgSpec::new(name, Kind::OptionalSize).named().or(Fallback::Absent)
    }

    pub(crate) const fn padding(axes: usize) -> Self {
        ArgSpec::new("padding", Kind::Padding(axes)).named().or(Fallback::Size(0))
    }

    pub(crate) const fn axis(name: &'static str) -> Self {
        ArgSpec::new(name, Kind::Axis)
    }

    pub(crate) const fn float(name: &'static str, default: f64) -> Self {
        ArgSpec::new(name, Kind::Float).or(Fallback::Float(default))
    }

    pub(crate) const fn probability(name: &'static str, default: f64) -> Self {
        ArgSpec::new(name, Kind::Probability).or(Fallback::Float(default))
    }

    pub(crate) const fn bool(name: &'static str, default: bool) -> Self {
        ArgSpec::new(name, Kind::Bool).named().or(Fallback::Bool(default))
    }

    pub(crate) const fn flag(name: &'static str, default: bool) -> Self {
        ArgSpec::new(name, Kind::Flag).named().or(Fallback::Bool(default))
    }

    /// An integer, of which the shape does not depend.
    pub(crate) const fn int(name: &'static str, default: isize) -> Self {
        ArgSpec::new(name, Kind::Int).or(Fallback::Axis(default))
    }

    /// A tensor, or a number.
    pub(crate) const fn operand(name: &'static str) -> Self {
        ArgSpec::new(name, Kind::Operand)
    }

    /// A tensor that must be there.
    pub(crate) const fn tensor(name: &'static str) -> Self {
        ArgSpec::new(name, Kind::Tensor)
    }

    /// A tensor that may be left out.
    pub(crate) const fn optional(name: &'static str) -> Self {
        ArgSpec::new(name, Kind::Tensor).or(Fallback::Absent)
    }

    pub(crate) const fn of(name: &'static str, kind: Kind) -> Self {
        ArgSpec::new(name, kind)
    }

    pub(crate) const fn inferred(mut self, feature: Feature) -> Self {
        self.fallback = Fallback::Inferred(feature);
        self
    }

    pub(crate) const fn named(mut self) -> Self {
        self.positional = false;
        self
    }

    pub(crate) const fn or(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Whether the layer's `builder` takes it, rather than a method of the builder.
    pub fn is_required(&self) -> bool {
        matches!(self.fallback, Fallback::Required | Fallback::Inferred(_))
    }

    /// The value when it is not written; `None` where something must be.
    pub fn default_value(&self, written: &Args) -> Option<Value> {
        let axes = match self.kind {
            Kind::Window(n) | Kind::Padding(n) => Some(n),
            _ => None,
        };
        Some(match self.fallback {
            Fallback::Required | Fallback::Inferred(_) => return None,
            Fallback::Same(other) => written.get(other)?.clone(),
            Fallback::Size(n) => match axes {
                Some(axes) => Value::Sizes(vec![Poly::constant(n); axes]),
                None => Value::Size(Poly::constant(n)),
            },
            Fallback::Axis(axis) => Value::Axis(axis),
            Fallback::AllAxes => Value::Axes(Vec::new()),
            Fallback::Bool(flag) => Value::Bool(flag),
            Fallback::Float(number) => Value::Float(number),
            Fallback::Text(text) => Value::Text(text.into()),
            Fallback::Absent => Value::Absent,
        })
    }
}

impl Feature {
    /// The axis in a tensor of this rank.
    pub fn axis(self, rank: usize) -> Option<usize> {
        match self {
            Feature::Last => rank.checked_sub(1),
            Feature::Second => (rank > 1).then_some(1),
            Feature::Before(spatial) => rank.checked_sub(spatial + 1).filter(|axis| *axis <= 1),
        }
    }

    /// What the sizes of this axis count.
    pub fn noun(self) -> &'static str {
        if self == Feature::Last { "features" } else { "channels" }
    }
}

/// Checks the size that a layer was given against the axis of its input that must have it.
pub(crate) fn check_feature(
    args: &Args,
    name: &'static str,
    feature: Feature,
    input: &[Poly],
    claims: &mut Vec<Claim>,
) -> Result<()> {
    // Wrong ranks are the rule's to report.
    let (Some(axis), Ok(expected)) = (feature.axis(input.len()), args.sizes(name)) else { return Ok(()) };
    let ([expected], Some(found)) = (expected, input.get(axis)) else { return Ok(()) };
    let noun = feature.noun();
    if let (Feature::Before(spatial), false) = (feature, !found.has_dims())
        && input.len() == spatial + 1
        && found.holds(Relation::Equal, expected) == Truth::False
    {
        let axes = &["length", "d, h, w", "h, w", "d, h, w"][if spatial == 1 { 0 } else { 4 - spatial }];
        let message = format!(
            "takes [batch, {expected}, {axes}] or [{expected}, {axes}], but its input {} has rank {}, and its first axis is {found}",
            Dims(input),
            input.len()
        );
        return Err(ShapeError::input(args.op, 0, message));
    }
    let error = || {
        let mut message =
            format!("takes {expected} {noun}, but its input {} has {found} (axis {axis})", Dims(input));
        if feature != Feature::Last && input.last() == Some(expected) && input.len() > 2 {
            let moved: Vec<usize> = (0..axis).chain([input.len() - 1]).chain(axis..input.len() - 1).collect();
            message =
                format!("{message}\nif its channels are the last axis, write `permute(x, {moved:?})` before");
        }
        ShapeError::argument(args.op, name, message).at_axis(axis)
    };
    match found.holds(Relation::Equal, expected) {
        Truth::True => Ok(()),
        Truth::False => Err(error()),
        Truth::Unknown => {
            Poly::claim(claims, found, Relation::Equal, expected, error());
            Ok(())
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Size => f.write_str("a size"),
            Kind::Window(1) => f.write_str("a size"),
            Kind::Window(n) => write!(f, "a size or a list of {n} sizes"),
            Kind::Ends(1) => f.write_str("a size or a list of two, [left, right]"),
            Kind::Ends(2) => f.write_str("a size or a list of four, [left, right, top, bottom]"),
            Kind::Ends(n) => {
                write!(f, "a size or a list of {}, [left, right, top, bottom, front, back]", 2 * n)
            }
            Kind::Padding(1) => f.write_str("a size, \"same\" or \"valid\""),
            Kind::Padding(n) => write!(f, "a size, a list of {n} sizes, \"same\" or \"valid\""),
            Kind::Output(n) => write!(f, "a size or a list of {n} sizes, each of which may be `None`"),
            Kind::OptionalSize => f.write_str("a size or `None`"),
            Kind::Sizes | Kind::Pieces => f.write_str("a size or a list of sizes"),
            Kind::Target => f.write_str("a list of sizes, of which one may be `_`"),
            Kind::Axis => f.write_str("an axis: an integer literal"),
            Kind::Axes => f.write_str("an axis or a list of axes: integer literals"),
            Kind::Flag | Kind::Bool => f.write_str("`true` or `false`"),
            Kind::Float => f.write_str("a number"),
            Kind::OptionalFloat => f.write_str("a number or `None`"),
            Kind::Probability => f.write_str("a probability, from 0 to 1"),
            Kind::Text(choices) => {
                let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
                f.write_str(&quoted.join(" or "))
            }
            Kind::Tensor => f.write_str("a tensor"),
            Kind::Operand => f.write_str("a tensor or a number"),
            Kind::Int => f.write_str("an integer literal"),
            Kind::Ints => f.write_str("an integer literal or a list of them"),
        }
    }
}
