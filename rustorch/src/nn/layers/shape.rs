//! Layers that compute nothing.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, SizeList, builder, module};
use crate::{Result, Tensor};

/// Axes merged into one: from the second to the last, unless set otherwise (`torch.nn.Flatten`).
///
/// ```
/// use rustorch::{Tensor, nn::{Flatten, Layer}};
/// assert_eq!(Flatten::new().forward(&Tensor::ones([8, 3, 4]))?.shape(), [8, 12]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Flatten {
    /// The first axis.
    pub start_dim: isize,
    /// The last axis.
    pub end_dim: isize,
}

builder! {
    /// Builds a [`Flatten`].
    FlattenBuilder for Flatten() {
        /// The first axis that is merged; 1 unless set.
        start_dim: isize,
        /// The last axis that is merged; -1 unless set.
        end_dim: isize,
    }
}

impl Flatten {
    /// Merges all axes but the first.
    #[inline]
    pub fn new() -> Self {
        expect(Self::builder().build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { start_dim: args.axis("start_dim")?, end_dim: args.axis("end_dim")? })
    }
}

impl Default for Flatten {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl Layer for Flatten {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.flatten(self.start_dim, self.end_dim)
    }
}

module!(Flatten {} | layer | format!("Flatten(start_dim={}, end_dim={})", layer.start_dim, layer.end_dim));

/// The input (`torch.nn.Identity`): a layer where none is wanted.
///
/// ```
/// use rustorch::{Tensor, nn::{Identity, Layer}};
/// let x = Tensor::ones([2]);
/// assert!(Identity::new().forward(&x)?.is_same(&x));
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Identity;

builder! {
    /// Builds an [`Identity`].
    IdentityBuilder for Identity() {}
}

impl Identity {
    /// The layer.
    pub fn new() -> Self {
        Self
    }

    #[inline]
    fn assemble(_: &Arguments) -> Result<Self> {
        Ok(Self)
    }
}

impl Layer for Identity {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(input.clone())
    }
}

module!(Identity {} | _ | "Identity()".to_owned());

/// An axis split into several (`torch.nn.Unflatten`).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, Unflatten}};
/// assert_eq!(Unflatten::new(1, [3, 4]).forward(&Tensor::ones([8, 12]))?.shape(), [8, 3, 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Unflatten {
    /// The axis.
    pub dim: isize,
    /// The sizes that it becomes.
    pub sizes: Vec<usize>,
}

builder! {
    /// Builds an [`Unflatten`].
    UnflattenBuilder for Unflatten(dim: isize, sizes: impl SizeList) {}
}

impl Unflatten {
    /// The layer.
    pub fn new(dim: isize, sizes: impl SizeList) -> Self {
        expect(Self::builder(dim, sizes).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { dim: args.axis("dim")?, sizes: args.sizes("sizes")? })
    }
}

impl Layer for Unflatten {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.unflatten(self.dim, self.sizes.as_slice())
    }
}

module!(
    Unflatten {} | layer | {
        let sizes: Vec<String> = layer.sizes.iter().map(ToString::to_string).collect();
        format!("Unflatten(dim={}, unflattened_size=({}))", layer.dim, sizes.join(", "))
    }
);
