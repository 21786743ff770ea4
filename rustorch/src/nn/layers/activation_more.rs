//! Further activations: functions of single elements, and PReLU, which has a parameter.

use super::activation::check;
use std::convert::identity;

use crate::error::expect;
use crate::nn::build::{Arguments, builder, module, python};
use crate::nn::{Layer, functional, init};
use crate::{Result, Tensor};

/// Layers that apply a method of [`Tensor`] with numbers, which have PyTorch's names and defaults. Before the method stands
/// what makes a `Result` of what it returns.
macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $layer:ident, $builder:ident, $name:literal, $outcome:ident $method:ident($($(#[$field_doc:meta])* $field:ident = $default:literal),*);
    )*) => {$(
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{Layer, ", $name, "}};")]
        #[doc = concat!("assert_eq!(", $name, "::default().forward(&Tensor::ones([2, 3]))?.shape(), [2, 3]);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone)]
        pub struct $layer {
            $($(#[$field_doc])* pub $field: f64,)*
        }

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer() {
                $(
                    $(#[$field_doc])*
                    #[doc = concat!("Unless set, ", stringify!($default), ".")]
                    $field: f64,
                )*
            }
        }

        impl $layer {
            /// The layer.
            #[inline]
            pub fn new($($field: f64),*) -> Self {
                Self { $($field),* }
            }

            #[allow(unused_variables, clippy::unnecessary_wraps, reason = "layers without options")]
            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                Ok(Self { $($field: args.float(stringify!($field))?),* })
            }
        }

        impl Default for $layer {
            #[inline]
            fn default() -> Self {
                Self { $($field: $default),* }
            }
        }

        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                check($name, input)?;
                $outcome(input.$method($(self.$field),*))
            }
        }

        module!($layer {} |_layer| {
            let options: Vec<String> =
                vec![$(format!("{}={}", stringify!($field), python::float(_layer.$field))),*];
            format!("{}({})", $name, options.join(", "))
        });
    )*};
}

activations! {
    /// `min(max(x, 0), 6)` (`torch.nn.ReLU6`).
    ReLU6, ReLU6Builder, "ReLU6", Ok relu6();
    /// The self-normalising exponential linear unit (`torch.nn.SELU`; Klambauer et al. 2017).
    SELU, SELUBuilder, "SELU", Ok selu();
    /// `x · tanh(softplus(x))` (`torch.nn.Mish`; Misra 2019).
    Mish, MishBuilder, "Mish", Ok mish();
    /// `log σ(x)` (`torch.nn.LogSigmoid`).
    LogSigmoid, LogSigmoidBuilder, "LogSigmoid", Ok log_sigmoid();
    /// `x / (1 + |x|)` (`torch.nn.Softsign`).
    Softsign, SoftsignBuilder, "Softsign", Ok softsign();
    /// `x - tanh(x)` (`torch.nn.Tanhshrink`).
    Tanhshrink, TanhshrinkBuilder, "Tanhshrink", Ok tanhshrink();
    /// `min(max(x + 3, 0), 6) / 6` (`torch.nn.Hardsigmoid`).
    Hardsigmoid, HardsigmoidBuilder, "Hardsigmoid", Ok hardsigmoid();
    /// `x · hardsigmoid(x)` (`torch.nn.Hardswish`; Howard et al. 2019).
    Hardswish, HardswishBuilder, "Hardswish", Ok hardswish();
    /// `x` where positive, otherwise `alpha · (exp(x / alpha) - 1)` (`torch.nn.CELU`; Barron 2017).
    CELU, CELUBuilder, "CELU", identity celu(
        /// The limit for large negative `x`, with its sign changed.
        alpha = 1.0
    );
    /// `log(1 + exp(beta · x)) / beta`, linear where `beta · x > threshold` (`torch.nn.Softplus`).
    Softplus, SoftplusBuilder, "Softplus", Ok softplus(
        /// How sharp the bend is.
        beta = 1.0,
        /// Where the function is linear: `beta · x` above this.
        threshold = 20.0
    );
    /// `x` where `|x| > lambd`, otherwise 0 (`torch.nn.Hardshrink`).
    Hardshrink, HardshrinkBuilder, "Hardshrink", Ok hardshrink(
        /// The half width of the gap.
        lambd = 0.5
    );
    /// `x` moved by `lambd` towards 0, at most to 0 (`torch.nn.Softshrink`).
    Softshrink, SoftshrinkBuilder, "Softshrink", identity softshrink(
        /// The half width of the gap.
        lambd = 0.5
    );
}

/// `x` limited to `min_val ..= max_val` (`torch.nn.Hardtanh`).
///
/// ```
/// use rustorch::{Tensor, nn::{Hardtanh, Layer}};
/// let y = Hardtanh::new(-1.0, 0.5).forward(&Tensor::from([-2.0f32, 0.25, 2.0]))?;
/// assert_eq!(y.to_vec::<f32>()?, [-1.0, 0.25, 0.5]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Hardtanh {
    /// The least value.
    pub min_val: f64,
    /// The greatest value.
    pub max_val: f64,
}

builder! {
    /// Builds a [`Hardtanh`].
    HardtanhBuilder for Hardtanh() {
        /// The least value; -1 unless set.
        min_val: f64,
        /// The greatest value; 1 unless set.
        max_val: f64,
    }
}

impl Hardtanh {
    /// The layer with its bounds, for which PyTorch's defaults are -1 and 1.
    ///
    /// # Panics
    /// If `max_val` is not above `min_val`.
    #[track_caller]
    #[inline]
    pub fn new(min_val: f64, max_val: f64) -> Self {
        expect(Self::builder().min_val(min_val).max_val(max_val).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let (min_val, max_val) = (args.float("min_val")?, args.float("max_val")?);
        rustorch_shape::rules::hardtanh_layer("Hardtanh", min_val, max_val)?;
        Ok(Self { min_val, max_val })
    }
}

impl Default for Hardtanh {
    #[inline]
    fn default() -> Self {
        expect(Self::builder().build())
    }
}

impl Layer for Hardtanh {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        check("Hardtanh", input)?;
        input.hardtanh(self.min_val, self.max_val)
    }
}

module!(
    Hardtanh {} | layer | {
        format!(
            "Hardtanh(min_val={}, max_val={})",
            python::float(layer.min_val),
            python::float(layer.max_val)
        )
    }
);

/// `x` where it exceeds `threshold`, otherwise `value` (`torch.nn.Threshold`).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, Threshold}};
/// let y = Threshold::new(0.5, 9.0).forward(&Tensor::from([0.0f32, 1.0]))?;
/// assert_eq!(y.to_vec::<f32>()?, [9.0, 1.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Threshold {
    /// What elements must exceed to stay.
    pub threshold: f64,
    /// What the others become.
    pub value: f64,
}

builder! {
    /// Builds a [`Threshold`].
    ThresholdBuilder for Threshold(threshold: f64, value: f64) {}
}

impl Threshold {
    /// The layer.
    pub fn new(threshold: f64, value: f64) -> Self {
        Self { threshold, value }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { threshold: args.float("threshold")?, value: args.float("value")? })
    }
}

impl Layer for Threshold {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        check("Threshold", input)?;
        input.threshold(self.threshold, self.value)
    }
}

module!(
    Threshold {} | layer | {
        format!(
            "Threshold(threshold={}, value={})",
            python::float(layer.threshold),
            python::float(layer.value)
        )
    }
);

/// `x` where positive, otherwise `weight · x` (`torch.nn.PReLU`; He et al. 2015). The weight, one or one per channel, is
/// trained.
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, PReLU}};
/// let y = PReLU::new(1).forward(&Tensor::from([-2.0f32, 2.0]))?;
/// assert_eq!(y.to_vec::<f32>()?, [-0.5, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct PReLU {
    /// `[num_parameters]`
    pub weight: Tensor,
}

builder! {
    /// Builds a [`PReLU`].
    PReLUBuilder for PReLU() {
        /// One, or the number of channels; 1 unless set.
        num_parameters: usize,
        /// The first value of the weight; 0.25 unless set.
        init: f64,
    }
}

impl PReLU {
    /// The layer with this many weights, which start at 0.25.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(num_parameters: usize) -> Self {
        expect(Self::builder().num_parameters(num_parameters).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let value = args.float("init")?;
        let weight = args.parameter("weight", |weight| init::constant_(weight, value))?;
        Ok(Self { weight: weight.expect("the table has a weight for all arguments") })
    }
}

impl Default for PReLU {
    #[inline]
    fn default() -> Self {
        Self::new(1)
    }
}

impl Layer for PReLU {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::prelu(input, &self.weight)
    }
}

module!(PReLU { parameter weight } |layer| format!("PReLU(num_parameters={})", layer.weight.numel()));

/// The first half of an axis times `σ` of the second (`torch.nn.GLU`; Dauphin et al. 2017).
///
/// ```
/// use rustorch::{Tensor, nn::{GLU, Layer}};
/// assert_eq!(GLU::new(-1).forward(&Tensor::ones([2, 6]))?.shape(), [2, 3]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct GLU {
    /// The axis that is halved.
    pub dim: isize,
}

builder! {
    /// Builds a [`GLU`].
    GLUBuilder for GLU() {
        /// The axis that is halved; -1 unless set.
        dim: isize,
    }
}

impl GLU {
    /// The layer for an axis, for which PyTorch's default is -1.
    pub fn new(dim: isize) -> Self {
        Self { dim }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { dim: args.axis("dim")? })
    }
}

impl Default for GLU {
    fn default() -> Self {
        Self::new(-1)
    }
}

impl Layer for GLU {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::glu(input, self.dim)
    }
}

module!(GLU {} | layer | format!("GLU(dim={})", layer.dim));
