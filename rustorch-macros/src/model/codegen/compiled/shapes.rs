//! Shapes that a block of generated code needs often: they are written once, `let s0: &[usize] = &[batch, 4 * D];`, and named.

use super::super::super::ir::{Shape, Var};
use super::super::types::{self, local};
use proc_macro2::{Ident, TokenStream};
use rustorch_shape::Poly;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The names of shapes, and which of them the blocks that are being printed use.
#[derive(Default)]
pub struct NamedShapes {
    numbers: RefCell<BTreeMap<Shape, Option<usize>>>,
    /// The same by the tensors that have them.
    vars: RefCell<BTreeMap<Var, Option<usize>>>,
    blocks: RefCell<Vec<BTreeSet<usize>>>,
}

impl NamedShapes {
    /// The name of a shape in the block at hand, if it is to have one.
    pub fn name(&self, var: Var, shape: &Shape) -> Option<Ident> {
        self.used(*self.vars.borrow_mut().entry(var).or_insert_with(|| self.number(shape)))
    }

    /// The same, of a shape that is no tensor's of the pass.
    pub fn name_of(&self, shape: &Shape) -> Option<Ident> {
        self.used(self.number(shape))
    }

    fn used(&self, number: Option<usize>) -> Option<Ident> {
        let mut blocks = self.blocks.borrow_mut();
        let (block, number) = (blocks.last_mut()?, number?);
        block.insert(number);
        Some(local("s", number))
    }

    /// The number of a shape, if it is to have a name.
    fn number(&self, shape: &Shape) -> Option<usize> {
        let mut numbers = self.numbers.borrow_mut();
        if let Some(number) = numbers.get(shape) {
            return *number;
        }
        let number = (!shape.is_empty() && shape.iter().all(is_harmless)).then_some(numbers.len());
        numbers.insert(shape.clone(), number);
        number
    }

    /// Prints a block, with the shapes that it names before it.
    pub fn block(&self, print: impl FnOnce() -> TokenStream) -> TokenStream {
        self.blocks.borrow_mut().push(BTreeSet::new());
        let block = print();
        let used = self.blocks.borrow_mut().pop().unwrap_or_default();
        let numbers = self.numbers.borrow();
        let named = numbers.iter().filter_map(|(shape, number)| {
            let number = number.filter(|number| used.contains(number))?;
            let (name, sizes) = (local("s", number), shape.iter().map(types::size));
            Some(hygienic!(let #name: &[usize] = &[#(#sizes),*];))
        });
        named.chain([block]).collect()
    }
}

/// Whether a size can be computed before the steps that make sure of it: a difference may lie below zero.
fn is_harmless(size: &Poly) -> bool {
    !size.to_string().contains('-')
}
