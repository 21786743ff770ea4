//! What happens to a finished block of C while it is still in the cache: a bias, then an activation.

use crate::Float;

/// A function applied to every element of a finished C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `x·Φ(x)`, with the error function.
    Gelu,
    /// GELU's approximation by tanh.
    GeluTanh,
    /// The logistic function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// What is added to a finished C before the activation: an element per column or per row, contiguous.
#[derive(Clone, Copy, Debug)]
pub enum Bias<T> {
    /// Nothing.
    None,
    /// `bias[j]` to column j: a linear layer's.
    PerColumn(*const T),
    /// `bias[i]` to row i: a convolution's, its rows being output channels.
    PerRow(*const T),
}

/// The work on a finished C: `c = activation(c + bias)`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<T> {
    /// What is added.
    pub bias: Bias<T>,
    /// What is applied then.
    pub activation: Activation,
}

impl<T> Epilogue<T> {
    /// C as it is.
    pub const NONE: Epilogue<T> = Epilogue { bias: Bias::None, activation: Activation::Identity };

    pub(crate) fn is_none(&self) -> bool {
        matches!(self.bias, Bias::None) && self.activation == Activation::Identity
    }

    /// For the product of the transposed operands.
    pub(super) fn transposed(self) -> Self {
        let bias = match self.bias {
            Bias::None => Bias::None,
            Bias::PerColumn(bias) => Bias::PerRow(bias),
            Bias::PerRow(bias) => Bias::PerColumn(bias),
        };
        Epilogue { bias, ..self }
    }
}

impl<T: Copy> Epilogue<T> {
    /// For the part of C that starts at row `i` and column `j`.
    pub(crate) fn offset(self, i: usize, j: usize) -> Self {
        let bias = match self.bias {
            Bias::None => Bias::None,
            Bias::PerColumn(bias) => Bias::PerColumn(bias.wrapping_add(j)),
            Bias::PerRow(bias) => Bias::PerRow(bias.wrapping_add(i)),
        };
        Epilogue { bias, ..self }
    }
}

/// A finished part of C, and what to do with it.
pub(crate) struct Region<T> {
    pub c: *mut T,
    pub rs: isize,
    pub cs: isize,
    pub rows: usize,
    pub cols: usize,
    pub epilogue: Epilogue<T>,
}

pub(crate) type EpilogueFn<T> = unsafe fn(&Region<T>);

#[inline(always)]
fn relu<T: Float>(x: T) -> T {
    if x < T::ZERO { T::ZERO } else { x }
}

#[inline(always)]
fn gelu<T: Float, const FMA: bool>(x: T) -> T {
    x * x.normal_cdf::<FMA>()
}

#[inline(always)]
fn gelu_tanh<T: Float, const FMA: bool>(x: T) -> T {
    // sqrt(2 / π) · (x + 0.044715 x³)
    let scale = T::of(std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
    let inner = scale * (x + T::of(0.044_715) * x * x * x);
    T::of(0.5) * x * (T::ONE + inner.tanh::<FMA>())
}

/// # Safety
/// The region's pointers cover what it describes, and the machine has what the calling function enables.
#[inline(always)]
pub(super) unsafe fn apply<T: Float, const FMA: bool>(region: &Region<T>) {
    for i in 0..region.rows {
        // SAFETY: the caller's promise.
        unsafe {
            let row = region.c.offset(i as isize * region.rs);
            add_bias(region, row, i);
            match region.epilogue.activation {
                Activation::Identity => {}
                Activation::Relu => map(region, row, relu),
                Activation::Gelu => map(region, row, gelu::<T, FMA>),
                Activation::GeluTanh => map(region, row, gelu_tanh::<T, FMA>),
                Activation::Sigmoid => map(region, row, |x| x.sigmoid::<FMA>()),
                Activation::Tanh => map(region, row, |x| x.tanh::<FMA>()),
            }
        }
    }
}

/// [`apply`] with the loops of [`wide`](crate::wide) over rows of neighbouring elements.
///
/// # Safety
/// As there; the machine has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn apply_f32_avx512(region: &Region<f32>) {
    use crate::wide;
    // SAFETY: the caller's promise.
    unsafe {
        let gate = match region.epilogue.activation {
            Activation::Gelu => wide::gelu,
            Activation::GeluTanh => wide::gelu_tanh,
            _ => return apply::<f32, true>(region),
        };
        if region.cs != 1 {
            return apply::<f32, true>(region);
        }
        for i in 0..region.rows {
            let row = region.c.offset(i as isize * region.rs);
            add_bias(region, row, i);
            gate(row, row, region.cols);
        }
    }
}

#[inline(always)]
unsafe fn add_bias<T: Float>(region: &Region<T>, row: *mut T, i: usize) {
    // SAFETY: as for `apply`: a bias has as many elements as C has columns or rows.
    unsafe {
        match region.epilogue.bias {
            Bias::None => {}
            Bias::PerRow(bias) => {
                let value = *bias.add(i);
                map(region, row, |x| x + value);
            }
            Bias::PerColumn(bias) if region.cs == 1 => {
                for j in 0..region.cols {
                    *row.add(j) = *row.add(j) + *bias.add(j);
                }
            }
            Bias::PerColumn(bias) => {
                for j in 0..region.cols {
                    let at = row.offset(j as isize * region.cs);
                    *at = *at + *bias.add(j);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn map<T: Float>(region: &Region<T>, row: *mut T, f: impl Fn(T) -> T) {
    // SAFETY: as for `apply`.
    unsafe {
        if region.cs == 1 {
            for j in 0..region.cols {
                *row.add(j) = f(*row.add(j));
            }
        } else {
            for j in 0..region.cols {
                let at = row.offset(j as isize * region.cs);
                *at = f(*at);
            }
        }
    }
}
