//! Scopes: what names stand for, which of them a block may replace, and the steps of a region.

use super::super::ast::{Block, Statement};
use super::super::ir::Step;
use super::body::{Binding, Resolver};
use super::value::Val;
use rustorch_shape::suggest;
use std::collections::BTreeMap;
use syn::Ident;

impl Resolver<'_> {
    /// The meaning of a name.
    pub(super) fn lookup(&self, name: &str) -> Option<Binding> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned()
    }

    /// Reports a name that means nothing.
    pub(super) fn unknown(&mut self, name: &Ident) {
        let text = name.to_string();
        let bound: Vec<String> = self
            .scopes
            .iter()
            .flatten()
            .filter(|(_, binding)| matches!(binding, Binding::Value(_)))
            .map(|(name, _)| name.clone())
            .collect();
        let hint = suggest(&text, bound.iter().map(String::as_str))
            .map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
        self.errors.at(name, format!("there is no tensor `{text}` here{hint}"));
    }

    pub(super) fn bind(&mut self, name: &Ident, binding: Binding) {
        if matches!(binding, Binding::Number(Some(_))) {
            self.has_numbers = true;
        } else {
            self.sizes.set_named(&name.to_string(), None);
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_string(), binding);
        }
    }

    /// The scope of this region that has a tensor of this name.
    pub(super) fn assignable(&self, name: &str) -> Option<usize> {
        let barrier = self.barriers.last().copied().unwrap_or(0);
        let found =
            (barrier..self.scopes.len()).rev().find(|scope| self.scopes[*scope].contains_key(name))?;
        matches!(self.scopes[found].get(name), Some(Binding::Value(_))).then_some(found)
    }

    /// Gives a name from outside another value.
    pub(super) fn rebind(&mut self, name: &Ident, value: Val) {
        let text = name.to_string();
        let scope = self.assignable(&text).unwrap_or(self.scopes.len() - 1);
        self.scopes[scope].insert(text, Binding::Value(value));
    }

    /// The names from outside that blocks replace, and their values.
    pub(super) fn replaced<'b>(&self, blocks: impl IntoIterator<Item = &'b Block>) -> Vec<(Ident, Val)> {
        let mut found: Vec<(Ident, Val)> = Vec::new();
        for name in blocks.into_iter().flat_map(assigned) {
            if let (Some(Binding::Value(value)), false) =
                (self.lookup(&name.to_string()), found.iter().any(|(other, _)| other == name))
            {
                found.push((name.clone(), value));
            }
        }
        found
    }

    /// Runs `inner` in a region of its own, where `scope` holds names that it may assign to.
    pub(super) fn region<T>(
        &mut self,
        scope: BTreeMap<String, Binding>,
        inner: impl FnOnce(&mut Self) -> T,
    ) -> (Vec<Step>, T, BTreeMap<String, Binding>) {
        self.barriers.push(self.scopes.len());
        self.scopes.push(scope);
        self.scopes.push(BTreeMap::new());
        let (outer, sizes) = (std::mem::take(&mut self.steps), self.sizes.clone());
        let result = inner(self);
        let steps = std::mem::replace(&mut self.steps, outer);
        self.sizes = sizes;
        self.scopes.pop();
        let scope = self.scopes.pop().unwrap_or_default();
        self.barriers.pop();
        (steps, result, scope)
    }
}

/// The names from outside that a block assigns to.
pub(super) fn assigned(block: &Block) -> Vec<&Ident> {
    let (mut names, mut own): (Vec<&Ident>, Vec<&Ident>) = (Vec::new(), Vec::new());
    for statement in &block.statements {
        let inner = match statement {
            Statement::Let { pattern, .. } => {
                own.extend(pattern.names());
                continue;
            }
            Statement::Assign { pattern, .. } => pattern.names(),
            Statement::Broken(names) => names.iter().collect(),
            Statement::For(repeat) => assigned(&repeat.body),
            Statement::Branch(branch) => {
                branch.arms.iter().chain(branch.otherwise.as_deref()).flat_map(assigned).collect()
            }
        };
        names.extend(inner.into_iter().filter(|name| !own.contains(name)));
    }
    names
}
