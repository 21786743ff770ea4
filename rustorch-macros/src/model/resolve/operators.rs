//! Operators, between tensors and between a tensor and a number of Rust.

use super::super::errors::source;
use super::super::ir::{BinaryOp, Op, Operand};
use super::body::{Binding, Resolver, is_self};
use super::value::Val;
use super::written;
use syn::{BinOp, Expr, UnOp};

impl Resolver<'_> {
    pub(super) fn binary(&mut self, binary: &syn::ExprBinary, whole: &Expr) -> Val {
        if let (BinOp::Mul(_), Some(exponent)) = (&binary.op, exponent(&binary.right)) {
            let message = self.instead_of_power(&binary.left, exponent);
            self.errors.at(whole, message);
            return Val::Broken;
        }
        let op = match binary.op {
            BinOp::Add(_) => BinaryOp::Add,
            BinOp::Sub(_) => BinaryOp::Sub,
            BinOp::Mul(_) => BinaryOp::Mul,
            BinOp::Div(_) => BinaryOp::Div,
            _ => return self.compared(binary, whole),
        };
        let (left, right) = (self.operand(&binary.left), self.operand(&binary.right));
        if let (Operand::Scalar(_), Operand::Scalar(_)) = (&left, &right) {
            self.errors.at(whole, format!("`{}` is a number, but a tensor is needed here", source(whole)));
            return Val::Broken;
        }
        self.result(Op::Binary { op, left, right }, whole)
    }

    /// What to write instead of `a * base ** exponent`, which Rust reads as `(a * base) * (*exponent)`.
    fn instead_of_power(&self, left: &Expr, exponent: &Expr) -> String {
        let base = match left {
            Expr::Binary(binary) if matches!(binary.op, BinOp::Mul(_) | BinOp::Div(_)) => &*binary.right,
            other => other,
        };
        let (base_text, exponent) = (source(base), source(exponent));
        match self.is_scalar(base) {
            true if exponent.contains('.') => {
                format!("Rust has no `**`: write `({base_text} as f64).powf({exponent})`")
            }
            true => format!("Rust has no `**`: write `({base_text} as f64).powf({exponent} as f64)`"),
            false => format!("Rust has no `**`: write `pow({base_text}, {exponent})`"),
        }
    }

    /// Operators that are functions: `%`, comparisons and logic. A number on the left changes sides.
    fn compared(&mut self, binary: &syn::ExprBinary, whole: &Expr) -> Val {
        let (name, turned) = match binary.op {
            BinOp::Rem(_) => ("remainder", None),
            BinOp::Lt(_) => ("lt", Some("gt")),
            BinOp::Le(_) => ("le", Some("ge")),
            BinOp::Gt(_) => ("gt", Some("lt")),
            BinOp::Ge(_) => ("ge", Some("le")),
            BinOp::Eq(_) => ("eq", Some("eq")),
            BinOp::Ne(_) => ("ne", Some("ne")),
            BinOp::BitAnd(_) => ("logical_and", Some("logical_and")),
            BinOp::BitOr(_) => ("logical_or", Some("logical_or")),
            BinOp::BitXor(_) => ("logical_xor", Some("logical_xor")),
            BinOp::And(_) | BinOp::Or(_) => {
                let single = if matches!(binary.op, BinOp::And(_)) { "&" } else { "|" };
                self.errors.at(whole, format!("masks are combined element by element: write `{single}`"));
                return Val::Broken;
            }
            _ => {
                self.errors.at(whole, format!("tensors have no `{}` here", source(&binary.op)));
                return Val::Broken;
            }
        };
        let (left, right) = (&*binary.left, &*binary.right);
        if matches!(binary.op, BinOp::BitXor(_)) && (self.is_scalar(left) || self.is_scalar(right)) {
            let power = format!("pow({}, {})", source(left), source(right));
            self.errors.at(whole, format!("`^` says which of two masks holds alone: a power is `{power}`"));
            return Val::Broken;
        }
        let (name, left, right) = match (self.is_scalar(left), self.is_scalar(right), turned) {
            (true, true, _) => {
                self.errors.at(whole, format!("`{}` is no tensor", source(whole)));
                return Val::Broken;
            }
            (true, false, Some(turned)) => (turned, right, left),
            (true, false, None) => {
                self.errors.at(whole, format!("write the tensor first: `{name}(x, y)`"));
                return Val::Broken;
            }
            _ => (name, left, right),
        };
        let left = self.single(left, None);
        self.apply_spec(name, vec![left], Some(right), whole)
    }

    fn operand(&mut self, expr: &Expr) -> Operand {
        if self.is_scalar(expr) {
            Operand::Scalar(self.substituted(written::as_float(expr)))
        } else {
            Operand::Tensor(self.single(expr, None))
        }
    }

    /// Whether an expression is a number of Rust: no tensor and no layer occurs in it.
    pub(super) fn is_scalar(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Lit(lit) => !matches!(lit.lit, syn::Lit::Str(_)),
            Expr::Cast(cast) => self.is_scalar(&cast.expr),
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) => {
                    let text = name.to_string();
                    match self.lookup(&text) {
                        Some(Binding::Number(_)) => true,
                        Some(_) => false,
                        None if self.field(name).is_some() => false,
                        None => !self.sizes.is_dim_name(&text) || self.sizes.dims().contains(&text),
                    }
                }
                None => true,
            },
            Expr::Paren(inner) => self.is_scalar(&inner.expr),
            Expr::Group(inner) => self.is_scalar(&inner.expr),
            Expr::Unary(unary) => !matches!(unary.op, UnOp::Deref(_)) && self.is_scalar(&unary.expr),
            Expr::Binary(binary) => self.is_scalar(&binary.left) && self.is_scalar(&binary.right),
            Expr::MethodCall(call) => {
                !is_self(&call.receiver)
                    && self.is_scalar(&call.receiver)
                    && call.args.iter().all(|arg| self.is_scalar(arg))
            }
            // `f64::sqrt(2.0)`, but not `relu(x)`.
            Expr::Call(call) => {
                matches!(&*call.func, Expr::Path(path) if path.path.segments.len() > 1)
                    && call.args.iter().all(|arg| self.is_scalar(arg))
            }
            _ => false,
        }
    }
}

/// The exponent of `x ** 2`: Rust reads `x * (*2)`.
fn exponent(right: &Expr) -> Option<&Expr> {
    match right {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => Some(&unary.expr),
        _ => None,
    }
}
