//! Named tensors: the state of a module, as it is saved and loaded.

use std::collections::HashMap;
use std::fmt;

use super::visitor::Entry;
use crate::{Error, Result, Tensor, no_grad};

/// Tensors by name, in the order in which a module has them (`torch.nn.Module.state_dict`).
///
/// ```
/// use rustorch::{Tensor, nn::StateDict};
/// let mut state = StateDict::new();
/// state.insert("weight", Tensor::zeros([2, 3]));
/// assert_eq!(state.get("weight").unwrap().shape(), [2, 3]);
/// assert_eq!(state.keys().collect::<Vec<_>>(), ["weight"]);
/// ```
#[derive(Clone, Default)]
pub struct StateDict {
    entries: Vec<(String, Tensor)>,
    index: HashMap<String, usize>,
}

/// What [`Module::load_state_dict_partial`](super::Module::load_state_dict_partial) could not match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names of the module that were not in the state.
    pub missing: Vec<String>,
    /// Names of the state that the module does not have.
    pub unexpected: Vec<String>,
}

impl StateDict {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor, at the end if the name is new; returns the one that it replaces.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) -> Option<Tensor> {
        let name = name.into();
        if let Some(&at) = self.index.get(&name) {
            return Some(std::mem::replace(&mut self.entries[at].1, tensor));
        }
        self.index.insert(name.clone(), self.entries.len());
        self.entries.push((name, tensor));
        None
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.index.get(name).map(|&at| &self.entries[at].1)
    }

    /// Whether there is a tensor of this name.
    #[inline]
    pub fn contains_key(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Names and tensors, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The same names with copies of the tensors, which later training does not change.
    #[inline]
    pub fn copied(&self) -> Self {
        no_grad(|| self.iter().map(|(name, tensor)| (name.to_owned(), tensor.copy())).collect())
    }
}

impl FromIterator<(String, Tensor)> for StateDict {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(items: I) -> Self {
        let mut state = Self::new();
        state.extend(items);
        state
    }
}

impl Extend<(String, Tensor)> for StateDict {
    fn extend<I: IntoIterator<Item = (String, Tensor)>>(&mut self, items: I) {
        for (name, tensor) in items {
            self.insert(name, tensor);
        }
    }
}

impl IntoIterator for StateDict {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;
    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl fmt::Debug for StateDict {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.iter().map(|(name, tensor)| (name, format!("{:?} {}", tensor.shape(), tensor.dtype()))),
            )
            .finish()
    }
}

/// Overwrites the tensors among `entries` by those of `state`, all or none.
pub(super) fn load(entries: Vec<(String, Entry<'_>)>, state: &StateDict, strict: bool) -> Result<LoadReport> {
    let mut report = LoadReport::default();
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    let mut known = std::collections::HashSet::new();
    for (name, entry) in entries {
        let (Entry::Parameter(target) | Entry::Buffer(target)) = entry else { continue };
        match state.get(&name) {
            Some(source) if source.shape() == target.shape() => pairs.push((target, source)),
            Some(source) => wrong.push(format!(
                "`{name}` has shape {:?}, but the module's has {:?}",
                source.shape(),
                target.shape()
            )),
            None => report.missing.push(name.clone()),
        }
        known.insert(name);
    }
    report.unexpected = state.keys().filter(|&name| !known.contains(name)).map(str::to_owned).collect();
    if strict && !report.missing.is_empty() {
        wrong.push(format!("missing: {}", list(&report.missing)));
    }
    if strict && !report.unexpected.is_empty() {
        wrong.push(format!("unexpected: {}", list(&report.unexpected)));
    }
    if !wrong.is_empty() {
        return Err(Error::argument("load_state_dict", wrong.join("; ")));
    }
    no_grad(|| pairs.into_iter().try_for_each(|(target, source)| target.copy_(source).map(drop)))?;
    Ok(report)
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
