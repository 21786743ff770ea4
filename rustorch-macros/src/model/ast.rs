//! What was written: the syntax tree of a model, before any name has a meaning.

use proc_macro2::Span;
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
}

pub(super) struct Forward {
    pub attrs: Vec<Attribute>,
    pub span: Span,
    pub inputs: Vec<(Ident, Shape)>,
    pub outputs: Outputs,
    /// `None` if it could not be parsed.
    pub body: Option<Block>,
}

#[derive(Clone)]
pub(super) struct Outputs {
    pub shapes: Vec<Shape>,
    pub is_tuple: bool,
    pub span: Span,
}

pub(super) struct Block {
    pub statements: Vec<Statement>,
    pub tail: Option<Value>,
    pub span: Span,
}

pub(super) enum Statement {
    /// `let x = ..;`, `let h: [batch, D] = ..;`, `let (a, b) = ..;`
    Let { names: Vec<Ident>, is_tuple: bool, shapes: Option<Outputs>, value: Value },
    /// `x = ..;`
    Assign { name: Ident, value: Value },
    /// `for block in self.blocks { .. }`
    For { variable: Ident, over: Expr, body: Block },
}

pub(super) enum Value {
    Expr(Expr),
    /// `if self.training { .. } else { .. }`
    If {
        condition: Expr,
        then: Box<Block>,
        otherwise: Box<Block>,
    },
}
