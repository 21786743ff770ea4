//! The trait of everything that holds parameters.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::path::Path;

use super::state_dict::{LoadReport, StateDict, load};
use super::visitor::{Entry, EntryMut, Visitor, VisitorMut};
use crate::{DType, Device, Error, Result, Tensor, no_grad};

/// Something with parameters, buffers and further modules (`torch.nn.Module`): a layer, or a network of layers.
///
/// A module is state only; how it computes is its own affair, since networks differ in what they take and give. Those
/// that map one tensor to one tensor are [`Layer`]s. `model!` implements this trait; by hand it takes two methods that
/// name the parts in PyTorch's order: own parameters, own buffers, then modules.
///
/// ```
/// use rustorch::nn::{Module, Visitor, VisitorMut};
/// use rustorch::{Result, Tensor};
///
/// struct Scale {
///     weight: Tensor,
/// }
///
/// impl Module for Scale {
///     fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
///         visitor.parameter("weight", &self.weight);
///     }
///     fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
///         visitor.parameter("weight", &mut self.weight);
///     }
/// }
///
/// struct Net {
///     first: Scale,
///     second: Scale,
/// }
///
/// impl Module for Net {
///     fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
///         visitor.module("first", &self.first);
///         visitor.module("second", &self.second);
///     }
///     fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
///         visitor.module("first", &mut self.first);
///         visitor.module("second", &mut self.second);
///     }
/// }
///
/// let scale = || Ok::<_, rustorch::Error>(Scale { weight: Tensor::ones([3]).requires_grad_(true)? });
/// let net = Net { first: scale()?, second: scale()? };
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["first.weight", "second.weight"]);
/// assert_eq!(net.num_parameters(), 6);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub trait Module: Send + Sync {
    /// Shows every part to `visitor`: own parameters, own buffers, then modules.
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>);

    /// Shows every part to `visitor` for replacement, in the same order and under the same names.
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>);

    /// The module as PyTorch prints it: its type, and a line per module inside.
    fn repr(&self) -> String {
        repr_of(short_type_name::<Self>(), &self.children())
    }

    /// Every parameter once, also if it is used in several places (`torch.nn.Module.parameters`).
    fn parameters(&self) -> Vec<Tensor> {
        unnamed(self.named_parameters())
    }

    /// Every parameter once, with its full name: `"conv1.weight"`, `"layers.0.bias"`.
    fn named_parameters(&self) -> Vec<(String, Tensor)> {
        unique(Visitor::collect(self, true), |entry| {
            if let Entry::Parameter(tensor) = entry { Some(tensor) } else { None }
        })
    }

    /// Every buffer once (`torch.nn.Module.buffers`).
    fn buffers(&self) -> Vec<Tensor> {
        unnamed(self.named_buffers())
    }

    /// Every buffer once, with its full name: `"bn1.running_mean"`.
    fn named_buffers(&self) -> Vec<(String, Tensor)> {
        unique(Visitor::collect(self, true), |entry| {
            if let Entry::Buffer(tensor) = entry { Some(tensor) } else { None }
        })
    }

    /// The modules directly inside this one, with their names (`torch.nn.Module.named_children`).
    fn children(&self) -> Vec<(String, &dyn Module)> {
        modules(Visitor::collect(self, false))
    }

    /// All modules inside this one, at any depth, with their full names (`torch.nn.Module.named_modules`, which also
    /// lists the module itself).
    fn modules(&self) -> Vec<(String, &dyn Module)> {
        modules(Visitor::collect(self, true))
    }

    /// The number of elements in all parameters.
    fn num_parameters(&self) -> usize {
        numel(&self.parameters())
    }

    /// Parameters and buffers by name (`torch.nn.Module.state_dict`). The tensors share the module's memory;
    /// [`StateDict::copied`] makes a snapshot.
    fn state_dict(&self) -> StateDict {
        state_dict(Visitor::collect(self, true))
    }

    /// Overwrites parameters and buffers by those of the same name (`torch.nn.Module.load_state_dict`). Values are
    /// converted to the dtypes and devices of this module.
    ///
    /// # Errors
    /// If a name is missing or unknown, or a shape differs: the error lists all of them, and nothing is overwritten.
    fn load_state_dict(&self, state: &StateDict) -> Result<()> {
        load(Visitor::collect(self, true), state, true).map(drop)
    }

    /// Overwrites what has an entry in `state`, and reports the names that were missing or unknown
    /// (`load_state_dict(.., strict=False)`).
    ///
    /// # Errors
    /// If a shape differs; nothing is overwritten then.
    fn load_state_dict_partial(&self, state: &StateDict) -> Result<LoadReport> {
        load(Visitor::collect(self, true), state, false)
    }

    /// Writes the state dict to a safetensors file, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; a file of that name stays as it was then.
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        crate::serialize::save(path, &self.state_dict())
    }

    /// Reads the state dict from a safetensors file.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged, or its names and shapes are not the module's; nothing is overwritten
    /// then.
    fn load(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        let path = path.as_ref();
        self.load_state_dict(&crate::serialize::load(path)?).map_err(|error| in_file(path, &error))
    }

    /// Starts training: dropout drops, batch norm uses and tracks the batch's statistics.
    fn train(&self) {
        set_training(Visitor::collect(self, true), true);
    }

    /// Starts evaluation: dropout passes everything, batch norm uses the tracked statistics.
    fn eval(&self) {
        set_training(Visitor::collect(self, true), false);
    }

    /// Whether the module trains: the position of its first switch, `true` if it has none.
    fn is_training(&self) -> bool {
        is_training(Visitor::collect(self, true))
    }

    /// Starts or stops the training of all parameters, to freeze a part of a network.
    ///
    /// # Errors
    /// If a parameter was replaced by a tensor that is not a leaf.
    fn requires_grad_(&self, requires_grad: bool) -> Result<()> {
        set_requires_grad(&self.parameters(), requires_grad)
    }

    /// Clears the gradients of all parameters.
    fn zero_grad(&self) {
        clear_grads(&self.parameters());
    }

    /// Converts the floating-point parameters and buffers to another dtype. They become new tensors, so make
    /// optimisers afterwards.
    ///
    /// # Errors
    /// If `dtype` is not a floating-point or complex dtype.
    fn to_dtype(&mut self, dtype: DType) -> Result<()> {
        to_dtype(VisitorMut::collect(self), dtype)
    }

    /// Moves all parameters and buffers to a device. They become new tensors, so make optimisers afterwards.
    ///
    /// # Errors
    /// If the device is not there or does not have the memory; parameters that were moved before stay there.
    fn to_device(&mut self, device: Device) -> Result<()> {
        replace(VisitorMut::collect(self), &|tensor| tensor.to_device(device))
    }
}

/// A module that maps one tensor to one tensor.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer",
    label = "not an `nn::Layer`",
    note = "what `model!` declares is one if it has one input and one output; for a type that is written by hand, implement `nn::Module` and `nn::Layer`"
)]
pub trait Layer: Module {
    /// The output for an input.
    ///
    /// # Errors
    /// If the input's shape, dtype or device does not fit the layer.
    fn forward(&self, input: &Tensor) -> Result<Tensor>;
}

// What follows is compiled once for all modules: the methods above, which every module has of its own, only list its parts.

fn unique(
    entries: Vec<(String, Entry<'_>)>,
    select: for<'a> fn(Entry<'a>) -> Option<&'a Tensor>,
) -> Vec<(String, Tensor)> {
    let mut seen = std::collections::HashSet::new();
    entries
        .into_iter()
        .filter_map(|(name, entry)| Some((name, select(entry)?.clone())))
        .filter(|(_, tensor)| seen.insert(tensor.id()))
        .collect()
}

fn unnamed(tensors: Vec<(String, Tensor)>) -> Vec<Tensor> {
    tensors.into_iter().map(|(_, tensor)| tensor).collect()
}

fn numel(tensors: &[Tensor]) -> usize {
    tensors.iter().map(Tensor::numel).sum()
}

fn state_dict(entries: Vec<(String, Entry<'_>)>) -> StateDict {
    let tensor = |(name, entry)| match entry {
        Entry::Parameter(tensor) | Entry::Buffer(tensor) => Some((name, tensor.detach())),
        Entry::Module(_) | Entry::Training(_) | Entry::Absent => None,
    };
    entries.into_iter().filter_map(tensor).collect()
}

fn in_file(path: &Path, error: &Error) -> Error {
    Error::Format { path: path.display().to_string(), message: error.to_string() }
}

fn is_training(entries: Vec<(String, Entry<'_>)>) -> bool {
    let switch = |(_, entry)| if let Entry::Training(training) = entry { Some(training.get()) } else { None };
    entries.into_iter().find_map(switch).unwrap_or(true)
}

fn set_requires_grad(parameters: &[Tensor], requires_grad: bool) -> Result<()> {
    parameters.iter().try_for_each(|parameter| parameter.requires_grad_(requires_grad).map(drop))
}

fn clear_grads(parameters: &[Tensor]) {
    for parameter in parameters {
        crate::error::expect(parameter.set_grad(None));
    }
}

fn to_dtype(entries: Vec<(String, EntryMut<'_>)>, dtype: DType) -> Result<()> {
    if !dtype.is_differentiable() {
        return Err(crate::Error::DType {
            op: "Module::to_dtype",
            dtype,
            expected: "a floating-point or complex dtype",
        });
    }
    replace(entries, &|tensor| {
        Ok(if tensor.dtype().is_differentiable() { tensor.to_dtype(dtype) } else { tensor.clone() })
    })
}

fn modules<'a>(entries: Vec<(String, Entry<'a>)>) -> Vec<(String, &'a dyn Module)> {
    let module = |(name, entry)| if let Entry::Module(module) = entry { Some((name, module)) } else { None };
    entries.into_iter().filter_map(module).collect()
}

#[inline]
fn set_training(entries: Vec<(String, Entry<'_>)>, value: bool) {
    for (_, entry) in entries {
        if let Entry::Training(training) = entry {
            training.set(value);
        }
    }
}

/// Replaces every parameter and buffer. A tensor that is used in several places stays one tensor.
fn replace(entries: Vec<(String, EntryMut<'_>)>, convert: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<()> {
    // The old tensors are kept until the end: their addresses tell them apart.
    let mut replaced: HashMap<usize, (Tensor, Tensor)> = HashMap::new();
    for (_, entry) in entries {
        let (EntryMut::Parameter(slot) | EntryMut::Buffer(slot)) = entry;
        *slot = match replaced.entry(slot.id()) {
            Occupied(known) => known.get().1.clone(),
            Vacant(free) => {
                let new = no_grad(|| convert(slot))?;
                let changed = !new.is_same(slot);
                if changed && slot.requires_grad() {
                    new.requires_grad_(true)?;
                }
                free.insert((slot.clone(), new)).1.clone()
            }
        };
    }
    Ok(())
}

/// A module's type and the modules inside it, as PyTorch prints them.
pub(super) fn repr_of(name: &str, children: &[(String, &dyn Module)]) -> String {
    if children.is_empty() {
        return format!("{name}()");
    }
    let line = |(name, module): &(String, &dyn Module)| {
        format!("  ({name}): {}\n", module.repr().replace('\n', "\n  "))
    };
    format!("{name}(\n{})", children.iter().map(line).collect::<String>())
}

/// The name of a type without its path and parameters.
fn short_type_name<T: ?Sized>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}
