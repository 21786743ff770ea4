//! Shapes that a block of generated code needs often: they are written once, `let __s0: &[usize] = &[batch, 4 * D];`, and named.

use super::super::super::ir::{Shape, Var};
use super::super::text::{Local, Text, list};
use rustorch_shape::Poly;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

/// A shape as a slice.
pub enum ShapeText {
    Name(Local),
    Sizes(String),
}

impl Display for ShapeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Sizes(sizes) => f.write_str(sizes),
        }
    }
}

/// The names of shapes, and which of them the blocks that are being printed use.
#[derive(Default)]
pub struct NamedShapes {
    numbers: RefCell<BTreeMap<Shape, Option<usize>>>,
    /// The same by the tensors that have them.
    vars: RefCell<BTreeMap<Var, Option<usize>>>,
    blocks: RefCell<Vec<BTreeSet<usize>>>,
}

impl NamedShapes {
    /// The shape of a tensor of the pass, by its name in the block at hand if it is to have one.
    pub fn name(&self, var: Var, shape: &Shape) -> ShapeText {
        let number = *self.vars.borrow_mut().entry(var).or_insert_with(|| self.number(shape));
        self.used(number, shape)
    }

    /// The same of a shape that is no tensor's of the pass.
    pub fn name_of(&self, shape: &Shape) -> ShapeText {
        self.used(self.number(shape), shape)
    }

    fn used(&self, number: Option<usize>, shape: &Shape) -> ShapeText {
        match (self.blocks.borrow_mut().last_mut(), number) {
            (Some(block), Some(number)) => {
                block.insert(number);
                ShapeText::Name(Local("s", number))
            }
            _ => ShapeText::Sizes(format!("&[{}]", list(shape))),
        }
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

    /// Adds a block to `text`, behind the shapes that it names.
    pub fn block<'g>(&self, text: &mut Text<'g>, print: impl FnOnce(&mut Text<'g>)) {
        self.blocks.borrow_mut().push(BTreeSet::new());
        let mut block = text.another();
        print(&mut block);
        let used = self.blocks.borrow_mut().pop().unwrap_or_default();
        for (shape, number) in self.numbers.borrow().iter() {
            if let Some(number) = number.filter(|number| used.contains(number)) {
                write!(text, "let {}: &[usize] = &[{}];", Local("s", number), list(shape));
            }
        }
        text.append(block);
    }
}

/// Whether a size can be computed before the steps that make sure of it: a difference may lie below zero.
fn is_harmless(size: &Poly) -> bool {
    !size.to_string().contains('-')
}
