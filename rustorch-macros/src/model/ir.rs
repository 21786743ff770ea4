//! The resolved model: every name has a meaning, every argument a value, every token a span.

use super::errors::{Constants, Place};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use rustorch_shape::Poly;
use rustorch_shape::args::{ArgSpec, Args, Fallback};
use rustorch_shape::einops::Pattern;
use rustorch_shape::einsum::Spec;
use rustorch_shape::functions::FunctionSpec;
use rustorch_shape::layers::{LayerSpec, Results};
use syn::{Attribute, Expr, Generics, Ident, ImplGenerics, Type, Visibility, WhereClause};

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
    /// The constants among the sizes.
    pub constants: Constants,
}

pub(super) struct Field {
    pub attrs: Vec<Attribute>,
    pub vis: Option<Visibility>,
    pub name: Ident,
    /// How messages call it: its name, or its type where it has none.
    pub label: String,
    /// How the state calls it.
    pub key: Key,
    pub kind: FieldKind,
    pub presence: Presence,
}

/// What a field's parameters are called in `state_dict`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// `conv1`, `downsample.0`: before the names of the parts, with a dot.
    Name(String),
    /// The elements of an array are numbered from here, as if each were a field.
    Numbers(usize),
}

/// Whether a field is there.
pub(super) enum Presence {
    Always,
    /// It is an `Option`: there if the condition holds, or, without one, in every new model.
    Optional(Option<TokenStream>),
}

pub(super) enum FieldKind {
    Layer(Layer),
    Submodel(Type),
    Submodels(Type, Expr),
    /// An array of equal layers.
    Layers(Layer, Expr),
    /// `Param([D])`, `Buffer([N])`
    Tensor(OwnTensor),
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

/// A parameter or buffer of the model itself.
pub(super) struct OwnTensor {
    pub is_buffer: bool,
    pub shape: Shape,
    pub init: Init,
}

/// The first value of a parameter or buffer.
pub(super) enum Init {
    /// A function of `nn::init`, without the underscore at its end, and its arguments behind the tensor.
    Function { name: &'static str, args: Vec<TokenStream> },
    /// A tensor.
    Tensor(TokenStream),
}

/// One thing, or a tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    One,
    Tuple(Vec<Tree>),
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
    /// For values that no rule looks at: the expression to emit; empty for others.
    pub expr: TokenStream,
    /// For tensors.
    pub var: Option<Var>,
}

pub(super) struct Forward {
    pub attrs: Vec<Attribute>,
    /// Where `forward` is written.
    pub span: Span,
    /// The tensors, also those inside tuples.
    pub inputs: Vec<Input>,
    /// How the inputs are grouped: one for every argument.
    pub arguments: Vec<Tree>,
    pub outputs: Vec<Output>,
    pub is_tuple: bool,
    /// How the outputs are grouped.
    pub result: Tree,
    pub body: Option<Body>,
    /// Names that nothing reads.
    pub unused: Vec<Ident>,
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
    /// Positions in arrays that depend on what loops count.
    pub positions: Vec<Poly>,
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
    Submodel { target: Submodel, inputs: Vec<Use>, stated: Stated, result: Tree },
    /// A layer that is one of several, may be missing, or takes or gives several tensors.
    LayerCall { field: usize, element: Element, inputs: Vec<Use>, options: Vec<(&'static str, CallOption)> },
    /// `scale`, `embed.weight`: a parameter or buffer of the model or of one of its layers.
    State { field: usize, entry: Option<String> },
    /// `x[.., 0..4]`: the components, each with the tensor that it gives; the last one is the result.
    Index { input: Use, components: Vec<(Component, Var)> },
    /// `if BIAS { .. } else { .. }`, `if let Some(down) = self.down { .. }`
    Choose { choice: Choice, then: Region, otherwise: Region },
    /// `match KIND { .. }`
    Match { subject: Condition, patterns: Vec<TokenStream>, arms: Vec<Region> },
    /// A loop that counts: `for (i, block) in self.blocks.iter().enumerate()`, `for i in 0..4`.
    Repeat { over: Over, index: Option<Counter>, carried: Vec<Carried>, body: Region },
    /// A position that depends on what loops count is one of an array with so many elements.
    Within { name: String, position: Poly, length: Poly },
    /// `einsum!(..)`
    Einsum { spec: Spec, inputs: Vec<Use> },
    /// `rearrange!(..)`, `reduce!(..)`, `repeat!(..)`
    Pattern(Box<PatternCall>),
    /// `let h: [..] = ..`: the results of the step before have this shape.
    Annotate { value: Use, shape: Shape, span: Place },
    /// `if self.training { .. } else { .. }`
    If { then: Region, otherwise: Region },
    /// `for block in self.blocks { .. }`: `carried` go in and come out of every pass.
    For { field: usize, carried: Vec<Carried>, body: Region },
}

/// A call of one of the macros that move axes by name.
pub(super) struct PatternCall {
    pub pattern: Pattern,
    pub span: Place,
    pub input: Use,
    /// How axes are reduced: a function of the table.
    pub reduction: Option<&'static str>,
    /// The sizes that the call gives, in the order of the pattern.
    pub sizes: Vec<Poly>,
    /// The tensors between one step and the next.
    pub between: Vec<Var>,
}

/// What a call of a layer is given by name.
pub(super) enum CallOption {
    Tensor(Use),
    Flag(TokenStream),
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
    /// `x = block(x)`: those of the tensors which are replaced.
    Like(Vec<Use>),
}

/// Which layer of a field is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// The field itself.
    Whole,
    /// The variable of a loop over this field, or of an `if let` on it.
    Each,
    /// `convs[1]`
    At(usize),
    /// `convs[i]`, by its number among the positions of the body.
    Counted(usize),
}

/// What decides between two regions.
pub(super) enum Choice {
    If(Condition),
    /// Whether an optional field is there.
    Present(usize),
}

/// An expression of const parameters, or of sizes that only a run knows.
pub(super) struct Condition {
    pub tokens: TokenStream,
    /// Whether the compiler knows its value.
    pub is_const: bool,
}

/// What a counting loop goes over.
#[derive(Clone)]
pub(super) enum Over {
    Field(usize),
    Range(TokenStream),
}

/// The number that a loop counts.
#[derive(Clone)]
pub(super) struct Counter {
    pub name: Ident,
    /// The first one, and the one behind the last, if they are sizes.
    pub range: Option<(Poly, Poly)>,
}

/// What an index takes from one axis, or from none.
pub(super) struct Component {
    pub kind: ComponentKind,
    pub span: Place,
}

pub(super) enum ComponentKind {
    /// `2`, `-1`: one position; the axis disappears.
    At(Bound),
    /// `1..5`, `..-1`
    Range { start: Bound, end: Option<Bound>, step: usize },
    /// `..`
    Whole,
    /// A new axis of size 1.
    New,
}

/// A position on an axis.
#[derive(Clone, PartialEq)]
pub(super) enum Bound {
    FromStart(Poly),
    /// So far from the end.
    FromEnd(Poly),
}

impl Bound {
    /// The position on an axis of this size; `None` if it is before its start.
    pub fn on(&self, size: &Poly) -> Option<Poly> {
        use rustorch_shape::Size;
        match self {
            Bound::FromStart(at) => Some(at.clone()),
            Bound::FromEnd(back) => size.minus(back).filter(|at| at.as_integer().is_none_or(|at| at >= 0)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Submodel {
    Field(usize),
    /// The variable of the loop over this field, or of an `if let` on it.
    Each(usize),
    /// One of an array.
    At(usize, usize),
    /// One of an array, by the number of its position.
    Counted(usize, usize),
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

impl Tree {
    /// The number of things in it.
    pub fn count(&self) -> usize {
        match self {
            Tree::One => 1,
            Tree::Tuple(parts) => parts.iter().map(Tree::count).sum(),
        }
    }
}

impl From<Results> for Tree {
    fn from(results: Results) -> Self {
        match results {
            Results::One => Tree::One,
            Results::Tuple(parts) => Tree::Tuple(parts.iter().map(|part| Tree::from(*part)).collect()),
        }
    }
}

impl Model {
    /// The parameters as an `impl` declares and as it uses them, and its conditions. They are used in braces: bare, `N` would be a type of
    /// that name, if a program has one.
    pub fn split(&self) -> (ImplGenerics<'_>, TokenStream, Option<&WhereClause>) {
        let (declared, _, conditions) = self.generics.split_for_impl();
        let names = self.generics.const_params().map(|param| &param.ident);
        let used = (!self.generics.params.is_empty()).then(|| quote!(<#({ #names }),*>));
        (declared, used.unwrap_or_default(), conditions)
    }

    /// A position in an array that depends on what loops count.
    pub fn position(&self, number: usize) -> &Poly {
        let body = self.forward.as_ref().and_then(|forward| forward.body.as_ref());
        &body.expect("positions are those of a body").positions[number]
    }
}

impl Field {
    /// The layer of the table that it is, or that its elements are.
    pub fn layer(&self) -> Option<&Layer> {
        match &self.kind {
            FieldKind::Layer(layer) | FieldKind::Layers(layer, _) => Some(layer),
            _ => None,
        }
    }

    pub fn is_optional(&self) -> bool {
        matches!(self.presence, Presence::Optional(_))
    }
}

impl Layer {
    /// The argument that an input can supply.
    pub fn inferred(&self) -> Option<&'static ArgSpec> {
        self.spec.args.iter().find(|arg| matches!(arg.fallback, Fallback::Inferred(_)))
    }
}
