//! The resolved model: every name has a meaning, every argument a value, every token a span.

use super::errors::Place;
use proc_macro2::{Span, TokenStream};
use rustorch_shape::Poly;
use rustorch_shape::args::{ArgSpec, Args, Fallback};
use rustorch_shape::einsum::Spec;
use rustorch_shape::functions::FunctionSpec;
use rustorch_shape::layers::LayerSpec;
use syn::{Attribute, Expr, Generics, Ident, Type, Visibility};

/// A shape, symbolic.
pub(super) type Shape = Vec<Poly>;

/// A tensor, by its number.
pub(super) type Var = usize;

/// A model with its names resolved. Parts with a mistake are left out, or have no meaning (`None`).
pub(super) struct Model {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub name: Ident,
    pub generics: Generics,
    pub fields: Vec<Field>,
    pub forward: Option<Forward>,
}

pub(super) struct Field {
    pub attrs: Vec<Attribute>,
    pub vis: Option<Visibility>,
    pub name: Ident,
    /// How messages call it: its name, or its type where it has none.
    pub label: String,
    pub kind: FieldKind,
}

pub(super) enum FieldKind {
    Layer(Layer),
    Submodel(Type),
    Submodels(Type, Expr),
    /// It has a mistake, which has been reported; its type, if that is clear.
    Broken(Option<&'static LayerSpec>),
}

/// A layer of the table.
pub(super) struct Layer {
    pub spec: &'static LayerSpec,
    pub call: Call,
    /// Where the layer is named.
    pub span: Place,
}

/// The arguments of a layer or function.
#[derive(Clone)]
pub(super) struct Call {
    /// Their values; one that is to be inferred is missing.
    pub args: Args,
    /// The arguments that were written.
    pub written: Vec<Written>,
}

/// An argument as it was written.
#[derive(Clone)]
pub(super) struct Written {
    pub name: &'static str,
    pub span: Place,
    /// For values that no rule looks at: the expression to emit.
    pub expr: TokenStream,
    /// For tensors.
    pub var: Option<Var>,
}

pub(super) struct Forward {
    pub attrs: Vec<Attribute>,
    /// Where `forward` is written.
    pub span: Span,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub is_tuple: bool,
    pub body: Option<Body>,
    /// The run-time dims, in order of appearance, each with an input and axis to read it from.
    pub dims: Vec<Dim>,
}

pub(super) struct Input {
    pub name: Ident,
    pub shape: Option<Shape>,
}

pub(super) struct Output {
    pub shape: Option<Shape>,
}

pub(super) struct Dim {
    pub name: String,
    pub span: Span,
    pub input: usize,
    pub axis: usize,
}

/// The body of `forward`.
pub(super) struct Body {
    pub region: Region,
    /// What is known about each variable.
    pub vars: Vec<VarInfo>,
}

/// Where a tensor comes from, for messages.
#[derive(Clone)]
pub(super) struct VarInfo {
    /// The expression that makes it: `flatten(x, 1)`.
    pub text: String,
}

/// Steps in order, and their results.
#[derive(Default)]
pub(super) struct Region {
    pub steps: Vec<Step>,
    pub results: Vec<Use>,
}

/// A tensor where it is used.
#[derive(Clone)]
pub(super) struct Use {
    /// `None` after a mistake.
    pub var: Option<Var>,
    pub span: Place,
    /// How it is written there: `x`.
    pub text: String,
}

pub(super) struct Step {
    pub op: Op,
    pub results: Vec<Var>,
    pub span: Place,
}

pub(super) enum Op {
    /// `fc1(x)`
    Layer { field: usize, input: Use },
    /// `relu(x)`
    Function { spec: &'static FunctionSpec, inputs: Vec<Use>, call: Call },
    /// `a + b`
    Binary { op: BinaryOp, left: Operand, right: Operand },
    /// `-x`
    Negate { input: Use },
    /// `block(x)`, with the shapes that it is said to give.
    Submodel { target: Submodel, inputs: Vec<Use>, stated: Stated },
    /// `einsum!(..)`
    Einsum { spec: Spec, inputs: Vec<Use> },
    /// `let h: [..] = ..`: the results of the step before have this shape.
    Annotate { value: Use, shape: Shape, span: Place },
    /// `if self.training { .. } else { .. }`
    If { then: Region, otherwise: Region },
    /// `for block in self.blocks { .. }`: `carried` go in and come out of every pass.
    For { field: usize, carried: Vec<Carried>, body: Region },
}

/// A variable that a loop replaces.
pub(super) struct Carried {
    pub name: String,
    pub before: Use,
    /// The variable inside the loop.
    pub inside: Var,
}

/// The shapes that a submodel is said to give; rustc verifies them.
#[derive(Clone)]
pub(super) enum Stated {
    Shapes(Vec<Shape>),
    /// `x = block(x)`: that of the tensor which is replaced.
    Like(Use),
}

#[derive(Clone, Copy)]
pub(super) enum Submodel {
    Field(usize),
    /// The variable of the loop over this field.
    Each(usize),
}

pub(super) enum Operand {
    Tensor(Use),
    /// A number of Rust.
    Scalar(TokenStream),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
}

impl BinaryOp {
    /// The name of the operation, as the library has it.
    pub fn name(self) -> &'static str {
        match self {
            BinaryOp::Add => "add",
            BinaryOp::Sub => "sub",
            BinaryOp::Mul => "mul",
            BinaryOp::Div => "div",
        }
    }
}

impl Call {
    /// Where an argument was written, if it was.
    pub fn span(&self, name: &str) -> Option<Place> {
        self.written.iter().find(|written| written.name == name).map(|written| written.span)
    }
}

impl Layer {
    /// The argument that an input can supply.
    pub fn inferred(&self) -> Option<&'static ArgSpec> {
        self.spec.args.iter().find(|arg| matches!(arg.fallback, Fallback::Inferred(_)))
    }
}
