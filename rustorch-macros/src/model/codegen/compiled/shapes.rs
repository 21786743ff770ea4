//! Shapes that a block of generated code needs often: they are written once, `let s0: &[usize] = &[batch, 4 * D];`, and named.

use super::super::super::ir::Shape;
use super::super::types::{self, local};
use proc_macro2::{Ident, TokenStream};
use rustorch_shape::Poly;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The names of shapes, and which of them the blocks that are being printed use.
#[derive(Default)]
pub struct NamedShapes {
    numbers: RefCell<BTreeMap<Shape, Option<usize>>>,
    blocks: RefCell<Vec<BTreeSet<usize>>>,
}

impl NamedShapes {
    /// The name of a shape in the block at hand, if it is to have one.
    pub fn name(&self, shape: &Shape) -> Option<Ident> {
        let mut blocks = self.blocks.borrow_mut();
        let block = blocks.last_mut()?;
        let mut numbers = self.numbers.borrow_mut();
        let number = match numbers.get(shape) {
            Some(number) => *number,
            None => {
                let number = (!shape.is_empty() && shape.iter().all(is_harmless)).then_some(numbers.len());
                numbers.insert(shape.clone(), number);
                number
            }
        }?;
        block.insert(number);
        Some(local("s", number))
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
        hygienic!(#(#named)* #block)
    }
}

/// Whether a size can be computed before the steps that make sure of it: a difference may lie below zero.
fn is_harmless(size: &Poly) -> bool {
    !size.to_string().contains('-')
}
