//! What is called: layers, models, and parts of layers.

use super::ir::Element;
use std::fmt;

/// A layer or model that is called, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Callee {
    pub field: usize,
    pub element: Element,
    pub path: Path,
}

/// The way from a layer to a part of it, by the names of fields; those that are empty do not count.
#[derive(Clone, Copy, Default)]
pub(super) struct Path([&'static str; 4]);

impl Callee {
    /// The field itself.
    pub fn whole(field: usize) -> Self {
        Self::new(field, Element::Whole)
    }

    pub fn new(field: usize, element: Element) -> Self {
        Self { field, element, path: Path::default() }
    }

    /// A part of it.
    pub fn part(mut self, name: &'static str) -> Self {
        let end = self.path.0.iter().position(|name| name.is_empty());
        self.path.0[end.expect("no part is nested deeper")] = name;
        self
    }
}

impl Path {
    pub fn is_empty(&self) -> bool {
        self.0[0].is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().filter(|name| !name.is_empty()).try_for_each(|name| write!(f, ".{name}"))
    }
}
