//! Sizes: what an expression like `4 * D` or `(h - 2) / 2` means as a polynomial.

use super::super::ast;
use super::super::errors::{Constants, Errors, REPORTED, source};
use super::super::ir::Shape;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use rustorch_shape::{Poly, Size, suggest};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use syn::{BinOp, Expr, Generics, Lit};

/// The names that a size may use.
#[derive(Clone)]
pub(super) struct Sizes {
    params: Vec<String>,
    /// Const parameters that are no `usize`, and their types.
    others: Vec<(String, String)>,
    /// `None` outside `forward`, where there are no run-time dims.
    dims: Option<Vec<String>>,
    /// Sizes that the forward pass has given a name: `let width = D / HEADS;`.
    named: BTreeMap<String, Poly>,
    /// These are the sizes of inputs, from which dims are read.
    is_of_inputs: bool,
    /// An input has no readable shape: every name in lower case may be a dim.
    is_lenient: bool,
    /// Names with a mistake that has been reported: they stand for themselves from then on.
    reported: Rc<RefCell<BTreeSet<String>>>,
    /// Names to which a statement with a mistake was to give a value.
    broken: BTreeSet<String>,
    /// The constants that have been met.
    constants: Rc<RefCell<Constants>>,
}

/// What to write for a size that other libraries leave open.
const RUN_TIME: &str = "one that only a run knows has a name in lower case, as in `[batch, 784]`, and one that follows from the others is `_`";

/// Why an expression is no size, and where.
pub(super) type SizeResult = Result<Poly, syn::Error>;

impl Sizes {
    /// Const parameters and constants alone.
    pub fn constants(generics: &Generics) -> Self {
        let text = |param: &syn::ConstParam| (param.ident.to_string(), source(&param.ty));
        let others = generics.const_params().map(text).filter(|(_, ty)| ty != "usize").collect();
        let params = generics.const_params().map(|param| param.ident.to_string()).collect();
        Sizes {
            params,
            others,
            dims: None,
            named: BTreeMap::new(),
            is_of_inputs: false,
            is_lenient: false,
            reported: Rc::default(),
            broken: BTreeSet::new(),
            constants: Rc::default(),
        }
    }

    /// The same and these run-time dims.
    pub fn with_dims(&self, dims: impl Iterator<Item = String>, is_lenient: bool) -> Self {
        Sizes { dims: Some(dims.collect()), is_lenient, ..self.clone() }
    }

    /// The constants that have been met, which are none of the model's parameters.
    pub fn take_constants(&self) -> Constants {
        self.constants.take()
    }

    /// Gives a size a name, or takes the name away.
    pub fn set_named(&mut self, name: &str, size: Option<Poly>) {
        match size {
            Some(size) => drop(self.named.insert(name.to_owned(), size)),
            None => drop(self.named.remove(name)),
        }
    }

    /// What this name would be has been reported.
    pub fn break_name(&mut self, name: &str) {
        self.broken.insert(name.to_owned());
    }

    /// Whether a name stands for a run-time dim: lower case, and not a parameter.
    pub fn is_dim_name(&self, name: &str) -> bool {
        name.starts_with(|c: char| c.is_lowercase() || c == '_')
            && !self.params.iter().any(|param| param == name)
    }

    /// Whether an expression is made of const parameters, among others.
    pub fn mentions_params(&self, expr: &Expr) -> bool {
        fn any(tokens: TokenStream, params: &[String]) -> bool {
            tokens.into_iter().any(|token| match token {
                TokenTree::Ident(name) => params.iter().any(|param| name == param),
                TokenTree::Group(group) => any(group.stream(), params),
                _ => false,
            })
        }
        any(expr.to_token_stream(), &self.params)
    }

    /// Whether this is the first time that a mistake with the name is seen.
    fn report(&self, name: &str) -> bool {
        self.reported.borrow_mut().insert(name.to_owned())
    }

    /// Whether a mistake with the name has been reported.
    pub fn is_reported(&self, name: &str) -> bool {
        self.reported.borrow().contains(name)
    }

    /// Whether a name is written as neither constants nor dims are: `Batch`.
    fn is_odd(&self, name: &str) -> bool {
        name.contains(char::is_lowercase) && !self.params.iter().any(|param| param == name)
    }

    /// The names of the dims.
    pub fn dims(&self) -> &[String] {
        self.dims.as_deref().unwrap_or_default()
    }

    /// Checks a condition on const parameters and constants.
    pub fn condition(&self, expr: &Expr) -> syn::Result<()> {
        use syn::visit::Visit;
        struct Names<'s> {
            sizes: &'s Sizes,
            wrong: Option<syn::Ident>,
        }
        impl Visit<'_> for Names<'_> {
            fn visit_expr_path(&mut self, path: &syn::ExprPath) {
                if let Some(name) = path.path.get_ident()
                    && self.sizes.is_dim_name(&name.to_string())
                {
                    self.wrong.get_or_insert_with(|| name.clone());
                }
            }
        }
        let mut names = Names { sizes: self, wrong: None };
        names.visit_expr(expr);
        match names.wrong {
            Some(name) => Err(syn::Error::new_spanned(
                &name,
                format!(
                    "whether a layer is there depends on const parameters and constants, and `{name}` is none"
                ),
            )),
            None => Ok(()),
        }
    }

    /// The sizes of a shape; `None` after a mistake, which is reported.
    pub fn shape(&self, shape: &ast::Shape, errors: &mut Errors) -> Option<Shape> {
        if let Some(mistake) = &shape.mistake {
            mistake.error.iter().for_each(|error| errors.push(error.clone()));
            if !mistake.is_clear {
                return None;
            }
        }
        let sizes: Vec<Option<Poly>> = shape.dims.iter().map(|dim| errors.take(self.size(dim))).collect();
        sizes.into_iter().collect()
    }

    /// The same of an input.
    pub fn shape_of_input(&self, shape: &ast::Shape, errors: &mut Errors) -> Option<Shape> {
        Sizes { is_of_inputs: true, ..self.clone() }.shape(shape, errors)
    }

    /// The size that an expression stands for.
    pub fn size(&self, expr: &Expr) -> SizeResult {
        match expr {
            Expr::Lit(lit) => self.literal(lit),
            Expr::Path(path) if path.qself.is_none() => self.name(expr, &path.path),
            Expr::Paren(inner) => self.size(&inner.expr),
            Expr::Group(inner) => self.size(&inner.expr),
            Expr::Block(block) => match &block.block.stmts[..] {
                [syn::Stmt::Expr(inner, None)] => self.size(inner),
                _ => Err(not_a_size(expr)),
            },
            Expr::Binary(binary) => {
                let (left, right) = (self.size(&binary.left)?, self.size(&binary.right)?);
                let result = match binary.op {
                    BinOp::Add(_) => left.plus(&right),
                    BinOp::Sub(_) => left.minus(&right),
                    BinOp::Mul(_) => left.times(&right),
                    BinOp::Div(_) if right.as_integer() == Some(0) => {
                        return Err(syn::Error::new_spanned(
                            expr,
                            format!("`{}` divides by 0", source(expr)),
                        ));
                    }
                    BinOp::Div(_) => left.over(&right),
                    _ => return Err(not_a_size(expr)),
                };
                match result {
                    Some(size) if size.as_integer().is_some_and(|n| n < 0) => Err(syn::Error::new_spanned(
                        expr,
                        format!("`{}` is {size}, and a size cannot be negative", source(expr)),
                    )),
                    Some(size) => Ok(size),
                    None => Err(syn::Error::new_spanned(
                        expr,
                        format!("`{}` is too large to be a size", source(expr)),
                    )),
                }
            }
            Expr::Infer(_) => Err(syn::Error::new_spanned(
                expr,
                "this size cannot be inferred: write it; one that only a run knows has a name in lower case, as in `[batch, 784]`",
            )),
            _ => Err(not_a_size(expr)),
        }
    }

    fn literal(&self, lit: &syn::ExprLit) -> SizeResult {
        match &lit.lit {
            Lit::Int(int) => int.base10_parse::<usize>().map(Poly::constant),
            _ => Err(not_a_size(lit)),
        }
    }

    fn name(&self, expr: &Expr, path: &syn::Path) -> SizeResult {
        let Some(name) = plain_name(expr) else {
            self.constants.borrow_mut().add(path);
            return Ok(Poly::param(source(expr).replace(' ', "")));
        };
        let error = |message| Err(syn::Error::new_spanned(expr, message));
        if let Some(size) = self.named.get(&name) {
            return Ok(size.clone());
        }
        if let Some((_, ty)) = self.others.iter().find(|(param, _)| *param == name)
            && self.report(&name)
        {
            return error(format!(
                "`{name}` is declared as `{ty}`, but a size is a `usize`: write `const {name}: usize`"
            ));
        }
        if !self.is_dim_name(&name) {
            if name == "None" && self.report(&name) {
                return error(format!("`None` is no size: {RUN_TIME}"));
            }
            if self.is_odd(&name) && self.report(&name) {
                return error(format!(
                    "`{name}` is no const parameter of this model; write constants like `{}`, and sizes known only at run time like `{}`",
                    snake(&name).to_uppercase(),
                    snake(&name)
                ));
            }
            if !self.params.contains(&name) && !self.is_reported(&name) {
                self.constants.borrow_mut().add(path);
            }
            return Ok(Poly::param(name));
        }
        match &self.dims {
            Some(dims) if dims.contains(&name) || self.is_lenient => Ok(Poly::dim(name)),
            Some(_) if self.broken.contains(&name) => error(REPORTED.to_string()),
            Some(_) if self.is_of_inputs => error(format!(
                "`{name}` cannot be read off an input, where it does not stand alone: write `{name}` for the whole size and `{name} / 2` for a part of it, or have it as the size of another axis; constants are in upper case"
            )),
            Some(dims) => {
                let hint = suggest(&name, dims.iter().map(String::as_str))
                    .map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
                error(format!(
                    "`{name}` is not a dim of any input{hint}\na run-time dim must stand alone in the shape of an input; constants are in upper case"
                ))
            }
            None => error(format!(
                "`{name}` is in lower case, so it is a size known only at run time, but the size of a layer is fixed: use a number, a const parameter or a constant"
            )),
        }
    }
}

/// `BatchSize` as `batch_size`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The name, if the expression is nothing else.
pub(super) fn plain_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Paren(inner) => plain_name(&inner.expr),
        Expr::Group(inner) => plain_name(&inner.expr),
        _ => None,
    }
}

/// `x.size(0)`, `x.shape()[0]`
fn asks_tensor(expr: &Expr) -> bool {
    match expr {
        Expr::MethodCall(call) => ["size", "shape", "dim", "len"].iter().any(|name| call.method == name),
        Expr::Index(index) => asks_tensor(&index.expr),
        Expr::Field(field) => matches!(&field.member, syn::Member::Named(name) if name == "shape"),
        _ => false,
    }
}

fn not_a_size(tokens: &(impl quote::ToTokens + 'static)) -> syn::Error {
    let expr = syn::parse2::<Expr>(tokens.to_token_stream());
    if let Ok(expr) = &expr
        && asks_tensor(expr)
    {
        let message = format!(
            "`{}` is no size here: name the axis in the shape of the input, as in `x: [batch, ..]`, and write that name",
            source(tokens)
        );
        return syn::Error::new_spanned(tokens.to_token_stream(), message);
    }
    if let Ok(expr @ Expr::Unary(unary)) = &expr
        && matches!(unary.op, syn::UnOp::Neg(_))
    {
        return syn::Error::new_spanned(expr, format!("`{}` is no size: {RUN_TIME}", source(expr)));
    }
    if let Ok(Expr::Call(call)) = &expr
        && rustorch_shape::layers::find(&source(&call.func)).is_some()
    {
        let message = format!(
            "`{}` is a layer, where a size is expected: layers that have others in them make them of sizes, as `TransformerEncoder(d_model, nhead, num_layers)` does",
            source(tokens)
        );
        return syn::Error::new_spanned(tokens.to_token_stream(), message);
    }
    let message = format!(
        "`{}` is not a size: sizes are integers, names and `+ - * /` of these; give anything else a name with `const`",
        source(tokens)
    );
    syn::Error::new_spanned(tokens.to_token_stream(), message)
}
