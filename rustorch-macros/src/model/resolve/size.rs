//! Sizes: what an expression like `4 * D` or `(h - 2) / 2` means as a polynomial.

use super::super::ast;
use super::super::errors::{Errors, source};
use super::super::ir::Shape;
use rustorch_shape::{Poly, Size, suggest};
use syn::{BinOp, Expr, Generics, Lit};

/// The names that a size may use.
#[derive(Clone)]
pub(super) struct Sizes {
    params: Vec<String>,
    /// `None` outside `forward`, where there are no run-time dims.
    dims: Option<Vec<String>>,
}

/// Why an expression is no size, and where.
pub(super) type SizeResult = Result<Poly, syn::Error>;

impl Sizes {
    /// Const parameters and constants alone.
    pub fn constants(generics: &Generics) -> Self {
        Sizes { params: generics.const_params().map(|param| param.ident.to_string()).collect(), dims: None }
    }

    /// The same and these run-time dims.
    pub fn with_dims(&self, dims: impl Iterator<Item = String>) -> Self {
        Sizes { params: self.params.clone(), dims: Some(dims.collect()) }
    }

    /// Whether a name stands for a run-time dim: lower case, and not a parameter.
    pub fn is_dim_name(&self, name: &str) -> bool {
        name.starts_with(|c: char| c.is_lowercase() || c == '_')
            && !self.params.iter().any(|param| param == name)
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
        let sizes: Vec<Option<Poly>> = shape.dims.iter().map(|dim| errors.take(self.size(dim))).collect();
        sizes.into_iter().collect()
    }

    /// The size that an expression stands for.
    pub fn size(&self, expr: &Expr) -> SizeResult {
        match expr {
            Expr::Lit(lit) => self.literal(lit),
            Expr::Path(path) if path.qself.is_none() => self.name(expr),
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
            Expr::Infer(_) => Err(syn::Error::new_spanned(expr, "this size cannot be inferred: write it")),
            _ => Err(not_a_size(expr)),
        }
    }

    fn literal(&self, lit: &syn::ExprLit) -> SizeResult {
        match &lit.lit {
            Lit::Int(int) => int.base10_parse::<usize>().map(Poly::constant),
            _ => Err(not_a_size(lit)),
        }
    }

    fn name(&self, expr: &Expr) -> SizeResult {
        let Some(name) = plain_name(expr) else {
            return Ok(Poly::param(source(expr).replace(' ', "")));
        };
        if !self.is_dim_name(&name) {
            return Ok(Poly::param(name));
        }
        let error = |message| Err(syn::Error::new_spanned(expr, message));
        match &self.dims {
            Some(dims) if dims.contains(&name) => Ok(Poly::dim(name)),
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

/// The name, if the expression is nothing else.
pub(super) fn plain_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Paren(inner) => plain_name(&inner.expr),
        Expr::Group(inner) => plain_name(&inner.expr),
        _ => None,
    }
}

fn not_a_size(tokens: &(impl quote::ToTokens + ?Sized)) -> syn::Error {
    let message = format!(
        "`{}` is not a size: sizes are integers, names and `+ - * /` of these; give anything else a name with `const`",
        source(&tokens)
    );
    syn::Error::new_spanned(tokens.to_token_stream(), message)
}
