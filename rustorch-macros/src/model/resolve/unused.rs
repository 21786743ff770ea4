//! Names of a forward pass that nothing reads: the compiler warns of them as of variables of Rust.

use super::super::ast::{Block, Branch, BranchKind, Condition, Forward, Loop, Pattern, Statement, Value};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeMap;
use syn::Ident;

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
                        self.read(dim.to_token_stream());
                    }
                    self.value(value);
                    self.bind(pattern);
                }
                Statement::Assign { value, .. } => self.value(value),
                Statement::For(Loop { over, body, .. }) => {
                    self.read(over.to_token_stream());
                    self.block(body);
                }
                Statement::Branch(branch) => self.branch(branch),
            }
        }
        if let Some(value) = &block.tail {
            self.value(value);
        }
        self.leave();
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Expr(expr) => self.read(expr.to_token_stream()),
            Value::Branch(branch) => self.branch(branch),
        }
    }

    fn branch(&mut self, branch: &Branch) {
        match &branch.kind {
            BranchKind::If(conditions) => conditions.iter().for_each(|condition| {
                let (Condition::Expr(expr) | Condition::Present(_, expr)) = condition;
                self.read(expr.to_token_stream());
            }),
            BranchKind::Match(subject, _) => self.read(subject.to_token_stream()),
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

    /// Every name in the tokens counts, wherever it stands: rather no warning than a wrong one.
    fn read(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Ident(name) => {
                    if let Some(&place) = self.places.get(&name.to_string()).and_then(|places| places.last())
                    {
                        self.names[place].1 = true;
                    }
                }
                TokenTree::Literal(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}
