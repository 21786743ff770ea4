//! Modules that hold other modules.

use std::fmt;
use std::ops::Index;

use super::module::repr_of;
use super::{Layer, Module, Visitor, VisitorMut};
use crate::{Result, Tensor};

/// Layers in a row, each given the output of the one before (`torch.nn.Sequential`).
///
/// The layers are named `0`, `1` … unless they are given names.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<(Option<String>, Box<dyn Layer>)>,
}

impl Sequential {
    /// No layers yet: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layer at the end, and returns the whole for more.
    #[expect(clippy::should_implement_trait, reason = "PyTorch's `add_module`, chained; nothing is summed")]
    pub fn add(mut self, layer: impl Layer + 'static) -> Self {
        self.push(layer);
        self
    }

    /// Adds a layer with a name at the end, and returns the whole for more.
    pub fn add_named(mut self, name: impl Into<String>, layer: impl Layer + 'static) -> Self {
        self.layers.push((Some(name.into()), Box::new(layer)));
        self
    }

    /// Adds a layer at the end.
    pub fn push(&mut self, layer: impl Layer + 'static) {
        self.layers.push((None, Box::new(layer)));
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are no layers.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The layer at a position, if there is one.
    pub fn get(&self, index: usize) -> Option<&dyn Layer> {
        self.layers.get(index).map(|(_, layer)| layer.as_ref())
    }

    /// The layers in order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Layer> {
        self.layers.iter().map(|(_, layer)| layer.as_ref())
    }
}

impl Index<usize> for Sequential {
    type Output = dyn Layer;

    /// The layer at a position.
    ///
    /// # Panics
    /// If there is none.
    fn index(&self, index: usize) -> &Self::Output {
        self.layers[index].1.as_ref()
    }
}

impl Module for Sequential {
    #[inline]
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        for (index, (name, layer)) in self.layers.iter().enumerate() {
            visitor.module(name.as_deref().unwrap_or(&index.to_string()), layer);
        }
    }

    #[inline]
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        for (index, (name, layer)) in self.layers.iter_mut().enumerate() {
            visitor.module(name.as_deref().unwrap_or(&index.to_string()), layer);
        }
    }
}

impl Layer for Sequential {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut value = input.clone();
        for (_, layer) in &self.layers {
            value = layer.forward(&value)?;
        }
        Ok(value)
    }
}

/// Modules of one type in a list (`torch.nn.ModuleList`): a `Vec` whose entries are named `0`, `1` ….
pub type ModuleList<M> = Vec<M>;

impl<M: Module> Module for Vec<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        self.as_slice().iter().enumerate().for_each(|(i, module)| visitor.module_at(i, module));
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        self.iter_mut().enumerate().for_each(|(i, module)| visitor.module(&i.to_string(), module));
    }
    fn repr(&self) -> String {
        repr_of("ModuleList", &self.children())
    }
}

impl<M: Module, const N: usize> Module for [M; N] {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        self.iter().enumerate().for_each(|(i, module)| visitor.module_at(i, module));
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        self.iter_mut().enumerate().for_each(|(i, module)| visitor.module(&i.to_string(), module));
    }
    fn repr(&self) -> String {
        repr_of("ModuleList", &self.children())
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        (**self).visit(visitor);
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        (**self).visit_mut(visitor);
    }
    fn repr(&self) -> String {
        (**self).repr()
    }
}

impl<L: Layer + ?Sized> Layer for Box<L> {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        (**self).forward(input)
    }
}

/// A module that may be absent: then it has no parts.
impl<M: Module> Module for Option<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        if let Some(module) = self {
            module.visit(visitor);
        }
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        if let Some(module) = self {
            module.visit_mut(visitor);
        }
    }
    fn repr(&self) -> String {
        self.as_ref().map_or_else(|| "None".to_owned(), Module::repr)
    }
}

/// Modules by name, in the order in which they were added (`torch.nn.ModuleDict`).
pub struct ModuleDict<M> {
    modules: Vec<(String, M)>,
}

impl<M: Module> ModuleDict<M> {
    /// No modules yet.
    pub fn new() -> Self {
        Self { modules: Vec::new() }
    }

    /// Adds a module, at the end if the name is new; returns the one that it replaces.
    pub fn insert(&mut self, name: impl Into<String>, module: M) -> Option<M> {
        let name = name.into();
        match self.modules.iter_mut().find(|(known, _)| *known == name) {
            Some((_, slot)) => Some(std::mem::replace(slot, module)),
            None => {
                self.modules.push((name, module));
                None
            }
        }
    }

    /// The module of this name.
    pub fn get(&self, name: &str) -> Option<&M> {
        self.modules.iter().find(|(known, _)| known == name).map(|(_, module)| module)
    }

    /// The number of modules.
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// Whether there are no modules.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// Names and modules, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &M)> {
        self.modules.iter().map(|(name, module)| (name.as_str(), module))
    }
}

impl<M: Module> Default for ModuleDict<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Module> Module for ModuleDict<M> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        self.modules.iter().for_each(|(name, module)| visitor.module(name, module));
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        self.modules.iter_mut().for_each(|(name, module)| visitor.module(name, module));
    }
}

impl fmt::Debug for Sequential {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

impl<M: Module> fmt::Debug for ModuleDict<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}
