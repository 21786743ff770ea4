//! What was written: the syntax tree of a model, before any name has a meaning.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, Generics, Ident, Path, Type, Visibility};

/// A model in either form.
pub(super) struct Model {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub name: Ident,
    pub generics: Generics,
    pub form: Form,
}

pub(super) enum Form {
    /// Fields, and a `forward` that uses them.
    Declared { fields: Vec<Field>, forward: Box<Option<Forward>> },
    /// `: [..] -> [..] { layers in order }`.
    Sequential { input: Shape, output: Shape, items: Vec<Item> },
}

/// A model in declared form, to which the sequential form is reduced.
pub(super) struct Declared {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub name: Ident,
    pub generics: Generics,
    pub fields: Vec<Field>,
    pub forward: Option<Forward>,
    /// Whether it was written in sequential form: then messages do not speak of the forward pass.
    pub is_sequential: bool,
}

pub(super) struct Field {
    pub attrs: Vec<Attribute>,
    pub vis: Option<Visibility>,
    pub name: Ident,
    /// Whether the name was made up.
    pub is_anonymous: bool,
    pub value: FieldValue,
}

pub(super) enum FieldValue {
    /// `Linear(784, 128)`, or a bare `ReLU`.
    Layer(LayerCall),
    /// `Block<D, 4>`
    Submodel(Type),
    /// `[Block<D, 4>; LAYERS]`
    Submodels(Type, Expr),
    /// `[Conv2d(64, 64, kernel = 3); 4]`
    Layers(LayerCall, Expr),
    /// `Option<Conv2d>(64, 128, kernel = 1) if IN != OUT`, `Option<Block<D>>`
    Optional(Box<FieldValue>, Option<Expr>),
    /// It cannot be read; the layer, if that is named.
    Broken(Option<Path>),
}

pub(super) struct LayerCall {
    pub path: Path,
    pub args: Vec<Arg>,
    /// Whether there are parentheses: a bare name may also be a submodel.
    pub called: bool,
}

/// `value` or `name = value`.
pub(super) struct Arg {
    pub name: Option<Ident>,
    pub value: Expr,
}

/// A layer of the sequential form.
pub(super) struct Item {
    pub attrs: Vec<Attribute>,
    pub name: Option<Ident>,
    pub value: FieldValue,
}

/// `[batch, 1, 28, 28]`
#[derive(Clone)]
pub(super) struct Shape {
    pub dims: Vec<Expr>,
    pub span: Span,
    pub mistake: Option<Mistake>,
}

impl Shape {
    /// In place of one that cannot be read, for this reason, which has been reported if it is `None`.
    pub fn unclear(span: Span, error: Option<syn::Error>) -> Shape {
        Shape { dims: Vec::new(), span, mistake: Some(Mistake { error, is_clear: false }) }
    }
}

/// What is wrong with the way in which a shape is written.
#[derive(Clone)]
pub(super) struct Mistake {
    /// `None` if it has been reported.
    pub error: Option<syn::Error>,
    /// Whether it is clear what was meant.
    pub is_clear: bool,
}

impl Mistake {
    pub fn new(span: Span, message: String, is_clear: bool) -> Option<Mistake> {
        Some(Mistake { error: Some(syn::Error::new(span, message)), is_clear })
    }
}

pub(super) struct Forward {
    pub attrs: Vec<Attribute>,
    pub span: Span,
    pub inputs: Vec<(Pattern, Shapes)>,
    pub outputs: Shapes,
    /// `None` if it could not be parsed.
    pub body: Option<Block>,
}

/// A shape, or a tuple of them.
#[derive(Clone)]
pub(super) enum Shapes {
    One(Shape),
    Tuple(Vec<Shapes>, Span),
}

impl Shapes {
    pub fn span(&self) -> Span {
        match self {
            Shapes::One(shape) => shape.span,
            Shapes::Tuple(_, span) => *span,
        }
    }

    /// The shapes in order, without the tuples.
    pub fn flat(&self) -> Vec<&Shape> {
        match self {
            Shapes::One(shape) => vec![shape],
            Shapes::Tuple(parts, _) => parts.iter().flat_map(Shapes::flat).collect(),
        }
    }
}

/// A name, or a tuple of patterns; `_` is a name.
pub(super) enum Pattern {
    Name(Ident),
    Tuple(Vec<Pattern>, Span),
}

impl Pattern {
    /// The names in order.
    pub fn names(&self) -> Vec<&Ident> {
        match self {
            Pattern::Name(name) => vec![name],
            Pattern::Tuple(parts, _) => parts.iter().flat_map(Pattern::names).collect(),
        }
    }
}

pub(super) struct Block {
    pub statements: Vec<Statement>,
    pub tail: Option<Value>,
    pub span: Span,
}

pub(super) enum Statement {
    /// `let x = ..;`, `let h: [batch, D] = ..;`, `let (y, (h, c)) = ..;`
    Let { pattern: Pattern, shapes: Option<Shapes>, value: Value },
    /// `x = ..;`, `(h, c) = ..;`
    Assign { pattern: Pattern, value: Value },
    /// `for block in self.blocks { .. }`
    For(Loop),
    /// An `if` or `match` that has no value.
    Branch(Branch),
    /// One with a mistake, which has been reported; the names to which it gave a value.
    Broken(Vec<Ident>),
}

/// `for (i, block) in self.blocks.iter().enumerate() { .. }`
pub(super) struct Loop {
    pub index: Option<Ident>,
    pub variable: Ident,
    pub over: Expr,
    pub body: Block,
}

pub(super) enum Value {
    Expr(Expr),
    Branch(Branch),
    /// It has a mistake, which has been reported.
    Broken,
}

/// `if .. { .. } else if .. { .. } else { .. }`, or `match .. { .. }`.
pub(super) struct Branch {
    pub span: Span,
    pub kind: BranchKind,
    pub arms: Vec<Block>,
    /// The last block of an `if`; a `match` has none.
    pub otherwise: Option<Box<Block>>,
}

pub(super) enum BranchKind {
    /// A condition for every arm.
    If(Vec<Condition>),
    /// The subject, and a pattern for every arm.
    Match(Expr, Vec<TokenStream>),
}

pub(super) enum Condition {
    Expr(Expr),
    /// `let Some(down) = self.down`
    Present(Ident, Expr),
}
