//! From syntax to the graph: what names mean, and which functions there are.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{BinOp, Block, Error, Expr, Lit, Pat, Stmt, UnOp};

use super::MAX_NUMBERS;
use super::functions::{find, suggestion};
use super::graph::{Graph, Id, MAX_NODES, table_function};
use super::parse::Input;

/// The expression of the user.
pub struct Lowered {
    pub graph: Graph,
    pub output: Id,
    /// Numbers from outside, as expressions.
    pub numbers: Vec<Expr>,
}

/// The graph of `input`, or every mistake at its own span.
pub fn lower(input: &Input) -> Result<Lowered, Error> {
    let mut lower = Lower {
        graph: Graph::default(),
        scope: Vec::new(),
        numbers: Vec::new(),
        errors: Vec::new(),
        internal: false,
    };
    for (number, name) in input.names.iter().enumerate() {
        let id = lower.graph.input(number);
        lower.scope.push(Local { name: name.to_string(), value: id, used: false });
    }
    let output = lower.value(&input.body);
    let unused: Vec<usize> = (0..input.names.len()).filter(|&at| !lower.scope[at].used).collect();
    if lower.errors.is_empty() {
        for at in unused {
            let name = &input.names[at];
            let message = format!(
                "fuse!: `{name}` is not used in the expression; leave it out together with its tensor"
            );
            lower.errors.push(Error::new(name.span(), message));
        }
    }
    if lower.graph.len() > MAX_NODES {
        lower.error(input.body.span(), "the expression is too large; fuse parts of it");
    }
    match lower.errors.into_iter().reduce(|mut all, error| {
        all.combine(error);
        all
    }) {
        None => Ok(Lowered { graph: lower.graph, output, numbers: lower.numbers }),
        Some(error) => Err(error),
    }
}

/// The value of an expression of the table.
pub fn template(graph: &mut Graph, expression: &Expr, bindings: &[(&str, Id)]) -> Id {
    let scope =
        bindings.iter().map(|(name, value)| Local { name: (*name).to_owned(), value: *value, used: true });
    let mut lower = Lower {
        graph: std::mem::take(graph),
        scope: scope.collect(),
        numbers: Vec::new(),
        errors: Vec::new(),
        internal: true,
    };
    let value = lower.value(expression);
    assert!(
        lower.errors.is_empty() && lower.numbers.is_empty(),
        "`{}` of the table: {:?}",
        expression.to_token_stream(),
        lower.errors
    );
    *graph = lower.graph;
    value
}

/// A name and the value it stands for.
struct Local {
    name: String,
    value: Id,
    used: bool,
}

struct Lower {
    graph: Graph,
    scope: Vec<Local>,
    numbers: Vec<Expr>,
    errors: Vec<Error>,
    /// Whether the expression is the table's own.
    internal: bool,
}

impl Lower {
    /// Notes a mistake. The value that stands in for what is wrong lets the rest be checked as well.
    fn error(&mut self, span: Span, message: impl std::fmt::Display) -> Id {
        self.errors.push(Error::new(span, format!("fuse!: {message}")));
        self.graph.number(1.0)
    }

    fn value(&mut self, expression: &Expr) -> Id {
        match expression {
            Expr::Paren(inner) => self.value(&inner.expr),
            Expr::Group(inner) => self.value(&inner.expr),
            Expr::Lit(literal) => self.literal(&literal.lit),
            Expr::Path(path) => self.path(path),
            Expr::Unary(unary) => match unary.op {
                UnOp::Neg(_) => {
                    let x = self.value(&unary.expr);
                    self.graph.operator("neg", &[x])
                }
                UnOp::Deref(_) => self.number(expression),
                _ => self
                    .error(unary.span(), "`!` belongs before a condition: if !(x > 0.0) { .. } else { .. }"),
            },
            Expr::Binary(binary) => self.binary(binary),
            Expr::MethodCall(call) => {
                let arguments: Vec<&Expr> = std::iter::once(&*call.receiver).chain(&call.args).collect();
                self.call(&call.method.to_string(), call.method.span(), &arguments)
            }
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) if path.path.get_ident().is_some() => {
                    let arguments: Vec<&Expr> = call.args.iter().collect();
                    self.call(&path.to_token_stream().to_string(), path.span(), &arguments)
                }
                _ => self.number(expression),
            },
            Expr::If(branch) => self.branch(branch),
            Expr::Block(block) if block.label.is_none() => self.block(&block.block),
            Expr::Field(_) | Expr::Index(_) | Expr::Cast(_) | Expr::Macro(_) | Expr::Reference(_) => {
                self.number(expression)
            }
            other => self.error(
                other.span(),
                "an expression is made of names, numbers, + - * /, functions such as x.tanh(), \
                 if .. { .. } else { .. } and let",
            ),
        }
    }

    fn literal(&mut self, literal: &Lit) -> Id {
        let value = match literal {
            Lit::Float(float) if matches!(float.suffix(), "" | "f32" | "f64") => float.base10_parse(),
            Lit::Int(integer) if matches!(integer.suffix(), "" | "f32" | "f64") => integer.base10_parse(),
            other => return self.error(other.span(), "a number is expected, such as 0.5"),
        };
        match value {
            Ok(value) if f64::is_finite(value) => self.graph.number(value),
            Ok(_) => self.error(literal.span(), "the number is too large"),
            Err(error) => self.error(literal.span(), error),
        }
    }

    /// A name between the bars, a local one, or a number from outside.
    fn path(&mut self, path: &syn::ExprPath) -> Id {
        let name = path.to_token_stream().to_string();
        match self.scope.iter_mut().rev().find(|local| local.name == name) {
            Some(local) => {
                local.used = true;
                local.value
            }
            None => self.number(&Expr::Path(path.clone())),
        }
    }

    /// Something that is computed once, outside the loop: a variable, a field, a constant.
    fn number(&mut self, expression: &Expr) -> Id {
        let mut mentions = Mentions { scope: &self.scope, found: None };
        mentions.visit_expr(expression);
        if let Some((name, span)) = mentions.found {
            let text = expression.to_token_stream();
            let message = format!(
                "`{text}` is computed once, before the loop over the elements, where there is no `{name}`"
            );
            return self.error(span, message);
        }
        let text = expression.to_token_stream().to_string();
        let known = self.numbers.iter().position(|number| number.to_token_stream().to_string() == text);
        let number = known.unwrap_or_else(|| {
            self.numbers.push(expression.clone());
            self.numbers.len() - 1
        });
        if number == MAX_NUMBERS {
            let message = format!(
                "`{text}` is the fifth number from outside the expression, and a kernel takes {MAX_NUMBERS}; \
                 compute with them before"
            );
            return self.error(expression.span(), message);
        }
        self.graph.param(number.min(MAX_NUMBERS - 1))
    }

    fn binary(&mut self, binary: &syn::ExprBinary) -> Id {
        let name = match binary.op {
            BinOp::Add(_) => "add",
            BinOp::Sub(_) => "sub",
            BinOp::Mul(_) => "mul",
            BinOp::Div(_) => "div",
            BinOp::Rem(_) => {
                return self.error(
                    binary.op.span(),
                    "`%` differs between languages: write fmod(a, b) or remainder(a, b)",
                );
            }
            BinOp::Lt(_)
            | BinOp::Le(_)
            | BinOp::Gt(_)
            | BinOp::Ge(_)
            | BinOp::Eq(_)
            | BinOp::Ne(_)
            | BinOp::And(_)
            | BinOp::Or(_) => {
                let message = "a comparison is no number; write if a > b { 1.0 } else { 0.0 }";
                return self.error(binary.span(), message);
            }
            _ => {
                let message = format!("the operators are + - * /, not `{}`", binary.op.to_token_stream());
                return self.error(binary.op.span(), message);
            }
        };
        let (left, right) = (self.value(&binary.left), self.value(&binary.right));
        self.graph.operator(name, &[left, right])
    }

    fn call(&mut self, name: &str, span: Span, arguments: &[&Expr]) -> Id {
        if name == "select" {
            return match arguments {
                [condition, yes, no] => {
                    let (yes, no) = (self.value(yes), self.value(no));
                    self.select(condition, yes, no)
                }
                _ => {
                    self.error(span, "`select` takes a condition and two values, as in select(x > 0.0, x, y)")
                }
            };
        }
        let function = match find(name) {
            Some(function) => function,
            None if self.internal => table_function(name),
            None => {
                let hint = suggestion(name).map(|known| format!("; did you mean `{known}`?"));
                let hint = hint.unwrap_or_else(|| {
                    "; it has the elementwise functions of `Tensor` that take tensors and numbers".to_owned()
                });
                return self.error(span, format!("there is no function `{name}`{hint}"));
            }
        };
        let expected = function.arguments.len();
        if arguments.len() != expected {
            let signature = format!("{name}({})", function.arguments.join(", "));
            let plural = if expected == 1 { "" } else { "s" };
            let message = format!(
                "`{signature}` takes {expected} argument{plural}, but {} given",
                match arguments.len() {
                    1 => "1 is".to_owned(),
                    count => format!("{count} are"),
                }
            );
            return self.error(span, message);
        }
        let values: Vec<Id> = arguments.iter().map(|argument| self.value(argument)).collect();
        self.graph.call(function, values)
    }

    fn branch(&mut self, branch: &syn::ExprIf) -> Id {
        let Some((_, otherwise)) = &branch.else_branch else {
            return self.error(branch.span(), "`if` needs an `else`: every element has a value");
        };
        let (yes, no) = (self.block(&branch.then_branch), self.value(otherwise));
        self.select(&branch.cond, yes, no)
    }

    /// `yes` where the condition holds, otherwise `no`. Conditions joined by `&&` and `||` become nested choices.
    fn select(&mut self, condition: &Expr, yes: Id, no: Id) -> Id {
        match condition {
            Expr::Paren(inner) => self.select(&inner.expr, yes, no),
            Expr::Group(inner) => self.select(&inner.expr, yes, no),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => self.select(&unary.expr, no, yes),
            Expr::Binary(binary) => {
                let word = match binary.op {
                    BinOp::And(_) => {
                        let inner = self.select(&binary.right, yes, no);
                        return self.select(&binary.left, inner, no);
                    }
                    BinOp::Or(_) => {
                        let inner = self.select(&binary.right, yes, no);
                        return self.select(&binary.left, yes, inner);
                    }
                    BinOp::Lt(_) => "lt",
                    BinOp::Le(_) => "le",
                    BinOp::Gt(_) => "gt",
                    BinOp::Ge(_) => "ge",
                    BinOp::Eq(_) => "eq",
                    BinOp::Ne(_) => "ne",
                    _ => return self.error(binary.span(), "a condition is a comparison, such as x > 0.0"),
                };
                let (left, right) = (self.value(&binary.left), self.value(&binary.right));
                let condition = self.graph.compare(word, left, right);
                self.graph.select(condition, yes, no)
            }
            other => self.error(
                other.span(),
                "a condition is a comparison, such as x > 0.0; a mask of 0 and 1 is compared with 0: mask != 0.0",
            ),
        }
    }

    fn block(&mut self, block: &Block) -> Id {
        let outside = self.scope.len();
        let mut value = None;
        for (at, statement) in block.stmts.iter().enumerate() {
            let last = at + 1 == block.stmts.len();
            match statement {
                Stmt::Local(local) => self.local(local),
                Stmt::Expr(expression, None) if last => value = Some(self.value(expression)),
                other => {
                    self.error(other.span(), "a block has `let name = ..;` and then the value, without `;`");
                }
            }
        }
        let result = match value {
            Some(value) => value,
            None => self.error(block.span(), "the block has no value"),
        };
        self.scope.truncate(outside);
        result
    }

    fn local(&mut self, local: &syn::Local) {
        match (&local.pat, &local.init) {
            (Pat::Ident(name), Some(init)) if init.diverge.is_none() && name.mutability.is_none() => {
                let value = self.value(&init.expr);
                self.scope.push(Local { name: name.ident.to_string(), value, used: false });
            }
            _ => {
                self.error(local.span(), "a local value is written `let name = ..;`");
            }
        }
    }
}

/// Finds a name of the scope in an expression.
struct Mentions<'a> {
    scope: &'a [Local],
    found: Option<(String, Span)>,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(name) = path.path.get_ident()
            && self.scope.iter().any(|local| name == &local.name)
            && self.found.is_none()
        {
            self.found = Some((name.to_string(), name.span()));
        }
    }
}
