//! Padding.

use rustorch_shape::rules::{Border, pad_layer};

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, Window, builder, module, python};
use crate::{Error, PadMode, Result, Tensor};

/// The input with `padding` around its last axes.
fn pad<const ENDS: usize>(
    name: &'static str,
    input: &Tensor,
    padding: [usize; ENDS],
    mode: PadMode,
) -> Result<Tensor> {
    let border = match mode {
        PadMode::Constant(_) => Border::Constant,
        PadMode::Reflect => Border::Reflect,
        PadMode::Replicate => Border::Replicate,
        PadMode::Circular => Border::Circular,
    };
    pad_layer(name, input.shape(), &padding, border, &mut ())?;
    let mut ends = [0; ENDS];
    for (end, size) in ends.iter_mut().zip(padding) {
        *end = isize::try_from(size)
            .map_err(|_| Error::argument(name, format!("a padding of {size} is larger than any axis")))?;
    }
    input.pad(ends, mode)
}

/// A layer with a field for the number that it puts around, if there is one: its axes, the number of their ends, and an
/// example.
macro_rules! layer {
    (
        $what:literal, [$($value:ident)?], $mode:expr;
        $layer:ident $builder:ident $name:literal $axes:literal $ends:literal $input:literal $output:literal
    ) => {
        #[doc = concat!($what, " around the last ", $axes, " (`torch.nn.", $name, "`).")]
        ///
        /// Each size becomes `size + left + right`. The sizes are `[left, right]` of the last axis, then the same of the one
        /// before; one size stands for all. [`Tensor::pad`] takes entries off as well.
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{Layer, ", $name, "}};")]
        #[doc = concat!("let layer = ", $name, "::new(1 ", layer!(@example $($value)?), ");")]
        #[doc = concat!("assert_eq!(layer.forward(&Tensor::ones(", $input, "))?.shape(), ", $output, ");")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            /// How many entries are added at each end, from the last axis on.
            pub padding: [usize; $ends],
            $(
                /// The number that is put around.
                pub $value: f64,
            )?
        }

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer(padding: impl Window<$ends> $(, $value: f64)?) {}
        }

        impl $layer {
            /// The layer for these sizes: one for all ends, or one for each.
            #[inline]
            pub fn new(padding: impl Window<$ends> $(, $value: f64)?) -> Self {
                expect(Self::builder(padding $(, $value)?).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self { padding: args.window("padding")? $(, $value: args.float(stringify!($value))?)? })
            }
        }

        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                pad($name, input, self.padding, layer!(@mode self $mode $(, $value)?))
            }
        }

        module!($layer {} |layer| {
            let sizes = python::tuple(&layer.padding);
            layer!(@repr layer $name sizes $($value)?)
        });
    };
    (@example) => { "" };
    (@example $value:ident) => { ", 0.5" };
    (@mode $self:ident $mode:expr) => { $mode };
    (@mode $self:ident $mode:expr, $value:ident) => { PadMode::Constant($self.$value) };
    (@repr $layer:ident $name:literal $sizes:ident) => { format!("{}({})", $name, $sizes) };
    (@repr $layer:ident $name:literal $sizes:ident $value:ident) => {
        format!("{}(padding={}, value={})", $name, $sizes, python::float($layer.$value))
    };
}

/// Layers of one kind.
macro_rules! padding {
    ($what:literal, $value:tt, $mode:expr; $($layer:ident $builder:ident $name:literal $axes:literal $ends:literal $input:literal $output:literal;)*) => {
        $(layer!($what, $value, $mode; $layer $builder $name $axes $ends $input $output);)*
    };
}

padding! {
    "Zeros", [], PadMode::Constant(0.0);
    ZeroPad1d ZeroPad1dBuilder "ZeroPad1d" "axis" 2 "[2, 3, 4]" "[2, 3, 6]";
    ZeroPad2d ZeroPad2dBuilder "ZeroPad2d" "two axes" 4 "[2, 3, 4, 5]" "[2, 3, 6, 7]";
    ZeroPad3d ZeroPad3dBuilder "ZeroPad3d" "three axes" 6 "[2, 3, 4, 5, 6]" "[2, 3, 6, 7, 8]";
}
padding! {
    "A number", [value], PadMode::Constant(0.0);
    ConstantPad1d ConstantPad1dBuilder "ConstantPad1d" "axis" 2 "[2, 3, 4]" "[2, 3, 6]";
    ConstantPad2d ConstantPad2dBuilder "ConstantPad2d" "two axes" 4 "[2, 3, 4, 5]" "[2, 3, 6, 7]";
    ConstantPad3d ConstantPad3dBuilder "ConstantPad3d" "three axes" 6 "[2, 3, 4, 5, 6]" "[2, 3, 6, 7, 8]";
}
padding! {
    "The input mirrored at its ends, which are not repeated,", [], PadMode::Reflect;
    ReflectionPad1d ReflectionPad1dBuilder "ReflectionPad1d" "axis" 2 "[2, 3, 4]" "[2, 3, 6]";
    ReflectionPad2d ReflectionPad2dBuilder "ReflectionPad2d" "two axes" 4 "[2, 3, 4, 5]" "[2, 3, 6, 7]";
    ReflectionPad3d ReflectionPad3dBuilder "ReflectionPad3d" "three axes" 6 "[2, 3, 4, 5, 6]" "[2, 3, 6, 7, 8]";
}
padding! {
    "The first and last entries", [], PadMode::Replicate;
    ReplicationPad1d ReplicationPad1dBuilder "ReplicationPad1d" "axis" 2 "[2, 3, 4]" "[2, 3, 6]";
    ReplicationPad2d ReplicationPad2dBuilder "ReplicationPad2d" "two axes" 4 "[2, 3, 4, 5]" "[2, 3, 6, 7]";
    ReplicationPad3d ReplicationPad3dBuilder "ReplicationPad3d" "three axes" 6 "[2, 3, 4, 5, 6]" "[2, 3, 6, 7, 8]";
}
padding! {
    "The entries of the other end", [], PadMode::Circular;
    CircularPad1d CircularPad1dBuilder "CircularPad1d" "axis" 2 "[2, 3, 4]" "[2, 3, 6]";
    CircularPad2d CircularPad2dBuilder "CircularPad2d" "two axes" 4 "[2, 3, 4, 5]" "[2, 3, 6, 7]";
    CircularPad3d CircularPad3dBuilder "CircularPad3d" "three axes" 6 "[2, 3, 4, 5, 6]" "[2, 3, 6, 7, 8]";
}
