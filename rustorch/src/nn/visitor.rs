//! How a module shows its parts.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Module;
use crate::Tensor;

/// A part of a module.
#[derive(Clone, Copy)]
pub enum Entry<'a> {
    /// A tensor that is trained.
    Parameter(&'a Tensor),
    /// A tensor that is part of the state, but not trained: a running mean.
    Buffer(&'a Tensor),
    /// A module inside, whose own parts follow.
    Module(&'a dyn Module),
    /// A switch between training and evaluation.
    Training(&'a Training),
    /// A parameter, buffer or module that may be there, but is not.
    Absent,
}

/// A part of a module that can be replaced.
pub enum EntryMut<'a> {
    /// A tensor that is trained.
    Parameter(&'a mut Tensor),
    /// A tensor that is part of the state, but not trained.
    Buffer(&'a mut Tensor),
}

/// Collects the parts of a module, with their full names, as [`Module::visit`] shows them.
pub struct Visitor<'a> {
    path: Path,
    deep: bool,
    entries: Vec<(String, Entry<'a>)>,
    /// Where the parts go instead, without their names.
    sink: Option<&'a mut (dyn FnMut(Entry<'a>) + 'a)>,
}

/// Calls `f` with every part of a module and of the modules inside it, without making up their names: for passes that
/// must not allocate.
pub(crate) fn visit_parts<'a>(module: &'a dyn Module, f: &'a mut (dyn FnMut(Entry<'a>) + 'a)) {
    let mut visitor = Visitor { path: Path::default(), deep: true, entries: Vec::new(), sink: Some(f) };
    module.visit(&mut visitor);
}

/// Collects the tensors of a module for replacement, as [`Module::visit_mut`] shows them.
#[derive(Default)]
pub struct VisitorMut<'a> {
    path: Path,
    entries: Vec<(String, EntryMut<'a>)>,
}

impl<'a> Visitor<'a> {
    /// The parts of `module`; with `deep` also those of the modules inside it.
    #[inline]
    pub(super) fn collect(module: &'a (impl Module + ?Sized), deep: bool) -> Vec<(String, Entry<'a>)> {
        let mut visitor = Self { path: Path::default(), deep, entries: Vec::new(), sink: None };
        module.visit(&mut visitor);
        visitor.entries
    }

    /// Shows that an optional part is missing, to those that do not ask for names.
    fn absent(&mut self) {
        if let Some(sink) = &mut self.sink {
            sink(Entry::Absent);
        }
    }

    fn show(&mut self, name: &str, entry: Entry<'a>) {
        match &mut self.sink {
            Some(sink) => sink(entry),
            None => self.entries.push((self.path.join(name), entry)),
        }
    }

    /// Shows a parameter: a tensor, or an `Option` of one, of which `None` is passed over.
    #[inline]
    pub fn parameter(&mut self, name: &str, tensor: impl Into<Option<&'a Tensor>>) {
        match tensor.into() {
            Some(tensor) => self.show(name, Entry::Parameter(tensor)),
            None => self.absent(),
        }
    }

    /// As [`parameter`](Self::parameter), for a name that has to be put together: those that do not ask for names do without.
    #[inline]
    pub(super) fn parameter_called(
        &mut self,
        name: fmt::Arguments<'_>,
        tensor: impl Into<Option<&'a Tensor>>,
    ) {
        match &self.sink {
            Some(_) => self.parameter("", tensor),
            None => self.parameter(&name.to_string(), tensor),
        }
    }

    /// Shows a buffer: a tensor, or an `Option` of one, of which `None` is passed over.
    #[inline]
    pub fn buffer(&mut self, name: &str, tensor: impl Into<Option<&'a Tensor>>) {
        match tensor.into() {
            Some(tensor) => self.show(name, Entry::Buffer(tensor)),
            None => self.absent(),
        }
    }

    /// Shows a module inside this one.
    pub fn module(&mut self, name: &str, module: &'a dyn Module) {
        self.show(name, Entry::Module(module));
        if self.sink.is_some() {
            module.visit(self);
        } else if self.deep {
            let length = self.path.enter(name);
            module.visit(self);
            self.path.leave(length);
        }
    }

    /// As [`module`](Self::module), for one that is called by its number: those that do not ask for names do without.
    pub(super) fn module_at(&mut self, number: usize, module: &'a dyn Module) {
        match &self.sink {
            Some(_) => self.module("", module),
            None => self.module(&number.to_string(), module),
        }
    }

    /// Shows a module inside this one, if it is there.
    #[inline]
    pub fn optional_module(&mut self, name: &str, module: Option<&'a dyn Module>) {
        match module {
            Some(module) => self.module(name, module),
            None => self.absent(),
        }
    }

    /// Shows the module's own training switch. It comes first, before the modules inside.
    pub fn training(&mut self, training: &'a Training) {
        self.show("training", Entry::Training(training));
    }
}

impl<'a> VisitorMut<'a> {
    /// The tensors of `module` and of the modules inside it.
    #[inline]
    pub(super) fn collect(module: &'a mut (impl Module + ?Sized)) -> Vec<(String, EntryMut<'a>)> {
        let mut visitor = Self::default();
        module.visit_mut(&mut visitor);
        visitor.entries
    }

    /// Shows a parameter: a tensor, or an `Option` of one, of which `None` is passed over.
    pub fn parameter(&mut self, name: &str, tensor: impl Into<Option<&'a mut Tensor>>) {
        if let Some(tensor) = tensor.into() {
            self.entries.push((self.path.join(name), EntryMut::Parameter(tensor)));
        }
    }

    /// Shows a buffer: a tensor, or an `Option` of one, of which `None` is passed over.
    pub fn buffer(&mut self, name: &str, tensor: impl Into<Option<&'a mut Tensor>>) {
        if let Some(tensor) = tensor.into() {
            self.entries.push((self.path.join(name), EntryMut::Buffer(tensor)));
        }
    }

    /// Shows a module inside this one.
    pub fn module(&mut self, name: &str, module: &'a mut dyn Module) {
        let length = self.path.enter(name);
        module.visit_mut(self);
        self.path.leave(length);
    }

    /// Shows a module inside this one, if it is there.
    #[inline]
    pub fn optional_module(&mut self, name: &str, module: Option<&'a mut dyn Module>) {
        if let Some(module) = module {
            self.module(name, module);
        }
    }
}

/// The names on the way to the module that is being visited, joined by dots.
#[derive(Default)]
struct Path(String);

impl Path {
    fn join(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_owned() } else { format!("{}.{name}", self.0) }
    }

    /// Goes down to `name`; returns what [`Path::leave`] needs to come back.
    fn enter(&mut self, name: &str) -> usize {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        length
    }

    fn leave(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

/// Whether a module trains or evaluates (`torch.nn.Module.training`), for modules that do not do the same in both.
///
/// The switch is atomic, so that [`Module::train`] and [`Module::eval`] work on a shared model.
///
/// ```
/// use rustorch::nn::Training;
/// let training = Training::default();
/// assert!(training.get());
/// training.set(false);
/// assert!(!training.get());
/// ```
pub struct Training(AtomicBool);

impl Training {
    /// A switch that starts in this position.
    pub const fn new(training: bool) -> Self {
        Self(AtomicBool::new(training))
    }

    /// Whether the module trains.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Turns training on or off.
    pub fn set(&self, training: bool) {
        self.0.store(training, Ordering::Relaxed);
    }
}

impl Clone for Training {
    /// A switch of its own, in the same position.
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

impl Default for Training {
    /// Modules start out training, as in PyTorch.
    fn default() -> Self {
        Self::new(true)
    }
}

impl fmt::Debug for Training {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
