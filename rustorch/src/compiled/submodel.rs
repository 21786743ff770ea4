//! Calls of one network by another.
//!
//! A field of a `model!` may be any type with a `forward`, also one written by hand, of which no compiled pass exists. The
//! expansion cannot know; so it calls methods on a [`Probe`], which are those of [`Compiled`] where the type implements it, and
//! those of [`Uncompiled`] otherwise: method resolution prefers the former, which needs no reference to be taken.

use super::{Buf, Compiled, Grad, Pass};
use crate::{Error, Result};

/// A submodel to be asked whether it is compiled.
pub struct Probe<'a, T>(pub &'a T);

impl<T: Compiled> Probe<'_, T> {
    /// A second handle on the submodel.
    pub fn handle(&self) -> Option<T> {
        self.0.handle()
    }

    /// Whether the submodel's parameters have their declared shapes.
    pub fn fits(&self) -> bool {
        self.0.fits()
    }

    /// The submodel's forward pass, as a part of this one.
    ///
    /// # Errors
    /// Those of its operations.
    pub fn run(
        &self,
        pass: &mut Pass,
        inputs: &[Buf],
        shapes: &[&[usize]],
        outputs: &mut [Buf],
    ) -> Result<()> {
        pass.decline();
        let schedule = pass.schedule;
        pass.depth += 1;
        let result = self.0.run(pass, inputs, shapes, outputs);
        pass.depth -= 1;
        pass.schedule = schedule;
        result
    }

    /// The submodel's backward pass, as a part of this one.
    ///
    /// # Errors
    /// Those of its operations.
    pub fn derive(
        &self,
        pass: &mut Pass,
        shapes: &[&[usize]],
        outputs: &[Grad],
        inputs: &mut [Grad],
    ) -> Result<()> {
        let schedule = pass.schedule;
        pass.depth += 1;
        let result = self.0.derive(pass, shapes, outputs, inputs);
        pass.depth -= 1;
        pass.schedule = schedule;
        result
    }
}

/// The same methods for types without a compiled pass. They are found by method resolution where [`Probe`] has none.
pub trait Uncompiled {
    /// What the probe looks at.
    type Model;

    /// None: so the network that has this submodel runs op by op.
    fn handle(&self) -> Option<Self::Model> {
        None
    }

    /// No compiled pass has any demands.
    fn fits(&self) -> bool {
        true
    }

    /// Says that the pass does not apply, so that the network runs op by op.
    ///
    /// # Errors
    /// Always.
    fn run(&self, pass: &mut Pass, _: &[Buf], _: &[&[usize]], _: &mut [Buf]) -> Result<()> {
        pass.refuse(format!("{} was not declared with `model!`", std::any::type_name::<Self::Model>()))
    }

    /// Never called, since no pass of this gets so far.
    ///
    /// # Errors
    /// Always.
    fn derive(&self, _: &mut Pass, _: &[&[usize]], _: &[Grad], _: &mut [Grad]) -> Result<()> {
        Err(Error::argument("compiled pass", "internal: a submodel that is not compiled was called"))
    }
}

impl<T> Uncompiled for Probe<'_, T> {
    type Model = T;
}

/// An array of handles, if all are there.
pub fn array<T, const N: usize>(handles: impl Iterator<Item = Option<T>>) -> Option<[T; N]> {
    handles.collect::<Option<Vec<T>>>()?.try_into().ok()
}
