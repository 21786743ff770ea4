//! Names of a forward pass that nothing reads: the compiler warns of them as of variables of Rust.

use super::super::ast::{Block, Branch, BranchKind, Condition, Forward, Loop, Pattern, Statement, Value};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use syn::{Expr, Ident};

/// The names that are bound but never read, in the order in which they are given up.
pub(super) fn names(forward: &Forward) -> Vec<Ident> {
    let Some(body) = &forward.body else { return Vec::new() };
    let mut search = Search::default();
    search.scopes.push(0);
    forward.inputs.iter().for_each(|(pattern, _)| search.bind(pattern));
    search.block(body);
    search.leave();
    search.unused
}

#[derive(Default)]
struct Search {
    /// The names in scope, and whether each has been read.
    names: Vec<(Ident, bool)>,
    /// Where each stands in `names`, the innermost last.
    places: BTreeMap<String, Vec<usize>>,
    /// Where each scope begins in `names`.
    scopes: Vec<usize>,
    unused: Vec<Ident>,
}

impl Search {
    fn block(&mut self, block: &Block) {
        self.scopes.push(self.names.len());
        for statement in &block.statements {
            match statement {
                Statement::Let { pattern, shapes, value } => {
                    for dim in shapes.iter().flat_map(|shapes| shapes.flat()).flat_map(|shape| &shape.dims) {
                        self.expr(dim);
                    }
                    self.value(value);
                    self.bind(pattern);
                }
                Statement::Assign { value, .. } => self.value(value),
                Statement::For(Loop { over, body, .. }) => {
                    self.expr(over);
                    self.block(body);
                }
                Statement::Branch(branch) => self.branch(branch),
                Statement::Broken(_) => {}
            }
        }
        if let Some(value) = &block.tail {
            self.value(value);
        }
        self.leave();
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Expr(expr) => self.expr(expr),
            Value::Branch(branch) => self.branch(branch),
            Value::Broken => {}
        }
    }

    fn branch(&mut self, branch: &Branch) {
        match &branch.kind {
            BranchKind::If(conditions) => conditions.iter().for_each(|condition| {
                let (Condition::Expr(expr) | Condition::Present(_, expr)) = condition;
                self.expr(expr);
            }),
            BranchKind::Match(subject, _) => self.expr(subject),
        }
        branch.arms.iter().chain(branch.otherwise.as_deref()).for_each(|block| self.block(block));
    }

    fn bind(&mut self, pattern: &Pattern) {
        for name in pattern.names() {
            let text = name.to_string();
            if !text.starts_with('_') {
                self.places.entry(text).or_default().push(self.names.len());
                self.names.push((name.clone(), false));
            }
        }
    }

    fn leave(&mut self) {
        let begin = self.scopes.pop().unwrap_or_default();
        for (name, read) in self.names.drain(begin..) {
            self.places.get_mut(&name.to_string()).and_then(Vec::pop);
            if !read {
                self.unused.push(name);
            }
        }
    }

    /// Every name in the expression counts, wherever it stands: rather no warning than a wrong one.
    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(path) if path.qself.is_none() => path.path.segments.iter().for_each(|segment| {
                self.name(&segment.ident);
                if !segment.arguments.is_empty() {
                    self.tokens(segment.arguments.to_token_stream());
                }
            }),
            Expr::Lit(_) => {}
            Expr::Call(call) => {
                self.expr(&call.func);
                call.args.iter().for_each(|arg| self.expr(arg));
            }
            Expr::Binary(binary) => {
                [&binary.left, &binary.right].into_iter().for_each(|side| self.expr(side))
            }
            Expr::Assign(assign) => {
                [&assign.left, &assign.right].into_iter().for_each(|side| self.expr(side))
            }
            Expr::Array(array) => array.elems.iter().for_each(|element| self.expr(element)),
            Expr::Paren(inner) => self.expr(&inner.expr),
            other => self.tokens(other.to_token_stream()),
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(name) => self.name(&name),
                TokenTree::Literal(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    fn name(&mut self, name: &Ident) {
        if let Some(&place) = self.places.get(&name.to_string()).and_then(|places| places.last()) {
            self.names[place].1 = true;
        }
    }
}
