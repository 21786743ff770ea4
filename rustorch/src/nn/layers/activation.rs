//! Activations: functions of single elements, without parameters.

use crate::error::expect;
use crate::nn::Layer;
use crate::nn::build::{Arguments, builder, module, python};
use crate::{DType, Error, Result, Tensor};

/// Refuses dtypes on which the methods behind the layers would panic.
pub(super) fn check(op: &'static str, input: &Tensor) -> Result<()> {
    if input.dtype().is_complex() || input.dtype() == DType::Bool {
        return Err(Error::DType { op, dtype: input.dtype(), expected: "a real dtype" });
    }
    Ok(())
}

macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $layer:ident, $builder:ident, $name:literal, |$x:ident| $apply:expr;
    )*) => {$(
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::{Layer, ", $name, "}};")]
        #[doc = concat!("assert_eq!(", $name, "::new().forward(&Tensor::ones([2, 3]))?.shape(), [2, 3]);")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Clone, Default)]
        pub struct $layer;

        builder! {
            #[doc = concat!("Builds a [`", $name, "`].")]
            $builder for $layer() {}
        }

        impl $layer {
            /// The layer.
            pub fn new() -> Self {
                Self
            }

            #[inline]
            fn assemble(_: &Arguments) -> Result<Self> {
                Ok(Self)
            }
        }

        impl Layer for $layer {
            fn forward(&self, $x: &Tensor) -> Result<Tensor> {
                check($name, $x)?;
                Ok($apply)
            }
        }

        module!($layer {} |_| concat!($name, "()").to_owned());
    )*};
}

activations! {
    /// `max(x, 0)` (`torch.nn.ReLU`).
    ReLU, ReLUBuilder, "ReLU", |x| x.relu();
    /// `x σ(x)`, also called swish (`torch.nn.SiLU`; Hendrycks and Gimpel 2016).
    SiLU, SiLUBuilder, "SiLU", |x| x.silu();
    /// The hyperbolic tangent (`torch.nn.Tanh`).
    Tanh, TanhBuilder, "Tanh", |x| x.tanh();
    /// `1 / (1 + exp(-x))` (`torch.nn.Sigmoid`).
    Sigmoid, SigmoidBuilder, "Sigmoid", |x| x.sigmoid();
}

/// `x Φ(x)`, where `Φ` is the distribution function of the normal distribution (`torch.nn.GELU`; Hendrycks and Gimpel
/// 2016), or its approximation by tanh.
///
/// ```
/// use rustorch::{Tensor, nn::{GELU, Layer}};
/// let layer = GELU::builder().approximate("tanh").build()?;
/// assert_eq!(layer.forward(&Tensor::zeros([3]))?.to_vec::<f32>()?, [0.0; 3]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct GELU {
    /// Whether to use the approximation by tanh.
    pub tanh: bool,
}

builder! {
    /// Builds a [`GELU`].
    GELUBuilder for GELU() {
        /// `"none"` or `"tanh"`; `"none"` unless set.
        approximate: &str,
    }
}

impl GELU {
    /// The exact function.
    pub fn new() -> Self {
        Self::default()
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { tanh: args.text("approximate") == Some("tanh") })
    }
}

impl Layer for GELU {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        check("GELU", input)?;
        Ok(if self.tanh { input.gelu_tanh() } else { input.gelu() })
    }
}

module!(GELU {} | layer | format!("GELU(approximate='{}')", if layer.tanh { "tanh" } else { "none" }));

/// `x` where positive, otherwise `negative_slope · x` (`torch.nn.LeakyReLU`).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, LeakyReLU}};
/// let y = LeakyReLU::new(0.5).forward(&Tensor::from([-2.0f32, 2.0]))?;
/// assert_eq!(y.to_vec::<f32>()?, [-1.0, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct LeakyReLU {
    /// The slope where `x` is negative.
    pub negative_slope: f64,
}

builder! {
    /// Builds a [`LeakyReLU`].
    LeakyReLUBuilder for LeakyReLU() {
        /// The slope where `x` is negative; 0.01 unless set.
        negative_slope: f64,
    }
}

impl LeakyReLU {
    /// The layer with a slope, for which PyTorch's default is 0.01.
    pub fn new(negative_slope: f64) -> Self {
        Self { negative_slope }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { negative_slope: args.float("negative_slope")? })
    }
}

impl Default for LeakyReLU {
    #[inline]
    fn default() -> Self {
        expect(Self::builder().build())
    }
}

impl Layer for LeakyReLU {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        check("LeakyReLU", input)?;
        Ok(input.leaky_relu(self.negative_slope))
    }
}

module!(LeakyReLU {} | layer | format!("LeakyReLU(negative_slope={})", python::float(layer.negative_slope)));

/// `x` where positive, otherwise `alpha · (eˣ - 1)` (`torch.nn.ELU`; Clevert et al. 2016).
///
/// ```
/// use rustorch::{Tensor, nn::{ELU, Layer}};
/// assert_eq!(ELU::new(1.0).forward(&Tensor::from([2.0f32]))?.to_vec::<f32>()?, [2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct ELU {
    /// The limit for large negative `x`, with its sign changed.
    pub alpha: f64,
}

builder! {
    /// Builds an [`ELU`].
    ELUBuilder for ELU() {
        /// The limit for large negative `x`, with its sign changed; 1 unless set.
        alpha: f64,
    }
}

impl ELU {
    /// The layer with an `alpha`, for which PyTorch's default is 1.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { alpha: args.float("alpha")? })
    }
}

impl Default for ELU {
    #[inline]
    fn default() -> Self {
        expect(Self::builder().build())
    }
}

impl Layer for ELU {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        check("ELU", input)?;
        Ok(input.elu(self.alpha))
    }
}

module!(ELU {} | layer | format!("ELU(alpha={})", python::float(layer.alpha)));
