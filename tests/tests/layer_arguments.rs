//! Layers built from arguments at random, with sizes from nothing to more than can be counted, and given inputs of any
//! shape, dtype and layout: a result or an error, never a panic from inside the library, forward or backward.

use std::fmt::Debug;

use rustorch::nn::{self, Layer, Module};
use rustorch::{DType, Result, Tensor, manual_seed};
use rustorch_tests::quiet;
use rustorch_tests::turns::turn;

/// How often each layer is built.
const ROUNDS: usize = 300;

/// A source of arguments.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }

    fn size(&mut self) -> usize {
        match self.below(50) {
            0 => usize::MAX,
            1 => usize::MAX / 2,
            2 => 1 << 62,
            3..=6 => 0,
            small => 1 + small as usize % 4,
        }
    }

    fn sizes<const N: usize>(&mut self) -> [usize; N] {
        std::array::from_fn(|_| self.size())
    }

    fn outputs<const N: usize>(&mut self) -> [Option<usize>; N] {
        std::array::from_fn(|_| (self.below(3) > 0).then(|| self.size()))
    }

    fn axis(&mut self) -> isize {
        [isize::MIN, isize::MAX, -7, 7, -2, -1, 0, 1, 2][self.below(9) as usize]
    }

    fn number(&mut self) -> f64 {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300, 1e-320, 1.0, 2.0];
        odd.get(self.below(16) as usize).copied().unwrap_or(0.3)
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A tensor, most often of the rank that is asked for.
    fn tensor(&mut self, rank: usize) -> Result<Tensor> {
        let rank = if self.below(10) == 0 { self.below(6) as usize } else { rank };
        let shape: Vec<usize> =
            (0..rank).map(|_| if self.below(14) == 0 { 0 } else { 1 + self.below(4) as usize }).collect();
        let dtypes =
            [DType::F64, DType::F16, DType::BF16, DType::I64, DType::U8, DType::Bool, DType::Complex64];
        let dtype = dtypes.get(self.below(14) as usize).copied().unwrap_or(DType::F32);
        let tensor = Tensor::randn(shape).mul(2.0)?.to_dtype(dtype);
        let tensor = match self.below(4) {
            0 if rank >= 2 => tensor.transpose(0, -1)?,
            1 if rank >= 1 => tensor.slice(0, 0, isize::MAX, 2)?,
            _ => tensor,
        };
        match dtype.is_float() && self.flag() {
            true => tensor.detach().requires_grad_(true),
            false => Ok(tensor),
        }
    }
}

fn run(layer: &(impl Layer + Debug), input: &Tensor) -> Result<()> {
    let output = layer.forward(input)?;
    if output.requires_grad() {
        output.backward_with(Some(&output.detach().ones_like()), Default::default())?;
    }
    // Both look into every parameter and element.
    let _ = (format!("{layer:?} {output}"), layer.state_dict());
    Ok(())
}

/// Per layer: what it needs, the rank of its inputs, and options.
macro_rules! layers {
    ($($name:ident($($required:expr),*) on $rank:literal { $($option:ident = $value:expr),* })*) => {
        fn all(choices: &mut Choices, found: &mut Vec<String>, results: &mut usize, errors: &mut usize) {
            $({
                let mut what = String::new();
                let outcome = quiet::call(|| {
                    let builder = nn::$name::builder($($required(choices)),*);
                    $(let builder = if choices.below(3) == 0 { builder.$option($value(choices)) } else { builder };)*
                    what = format!("{builder:?}");
                    let layer = builder.build()?;
                    if choices.flag() {
                        layer.eval();
                    }
                    let input = choices.tensor($rank)?;
                    what = format!("{layer:?} of {:?} {} {:?}", input.shape(), input.dtype(), input.strides());
                    run(&layer, &input)
                });
                match outcome {
                    Ok(()) => *results += 1,
                    Err(message) if quiet::is_internal(&message) => found.push(format!("{message} in {what}")),
                    Err(_) => *errors += 1,
                }
            })*
        }
    };
}

fn mode(choices: &mut Choices) -> &'static str {
    ["nearest", "linear", "bilinear", "trilinear", "area", "cubic"][choices.below(6) as usize]
}

use Choices as C;

layers! {
    Linear(C::size, C::size) on 2 { bias = C::flag }
    Embedding(C::size, C::size) on 2 {
        padding_idx = C::axis, max_norm = C::number, norm_type = C::number, scale_grad_by_freq = C::flag
    }
    Conv1d(C::size, C::size, C::sizes::<1>) on 3 {
        stride = C::sizes::<1>, padding = C::sizes::<1>, dilation = C::sizes::<1>, groups = C::size
    }
    Conv2d(C::size, C::size, C::sizes::<2>) on 4 {
        stride = C::sizes::<2>, padding = C::sizes::<2>, dilation = C::sizes::<2>, groups = C::size
    }
    Conv3d(C::size, C::size, C::sizes::<3>) on 5 {
        stride = C::sizes::<3>, padding = C::sizes::<3>, dilation = C::sizes::<3>, groups = C::size
    }
    ConvTranspose1d(C::size, C::size, C::sizes::<1>) on 3 {
        stride = C::sizes::<1>, padding = C::sizes::<1>, output_padding = C::sizes::<1>, dilation = C::sizes::<1>
    }
    ConvTranspose2d(C::size, C::size, C::sizes::<2>) on 4 {
        stride = C::sizes::<2>, padding = C::sizes::<2>, output_padding = C::sizes::<2>, dilation = C::sizes::<2>
    }
    ConvTranspose3d(C::size, C::size, C::sizes::<3>) on 5 {
        stride = C::sizes::<3>, padding = C::sizes::<3>, output_padding = C::sizes::<3>, dilation = C::sizes::<3>
    }
    BatchNorm1d(C::size) on 3 { eps = C::number, momentum = C::number, affine = C::flag, track_running_stats = C::flag }
    BatchNorm2d(C::size) on 4 { eps = C::number, momentum = C::number, affine = C::flag, track_running_stats = C::flag }
    InstanceNorm1d(C::size) on 3 { eps = C::number, affine = C::flag, track_running_stats = C::flag }
    InstanceNorm3d(C::size) on 5 { eps = C::number, affine = C::flag, track_running_stats = C::flag }
    LayerNorm(C::sizes::<1>) on 3 { eps = C::number, elementwise_affine = C::flag, bias = C::flag }
    RMSNorm(C::sizes::<2>) on 3 { eps = C::number, elementwise_affine = C::flag }
    GroupNorm(C::size, C::size) on 4 { eps = C::number, affine = C::flag }
    Dropout() on 3 { p = C::number }
    Dropout2d() on 4 { p = C::number }
    AlphaDropout() on 3 { p = C::number }
    MaxPool1d(C::sizes::<1>) on 3 {
        stride = C::sizes::<1>, padding = C::sizes::<1>, dilation = C::sizes::<1>, ceil_mode = C::flag
    }
    MaxPool2d(C::sizes::<2>) on 4 {
        stride = C::sizes::<2>, padding = C::sizes::<2>, dilation = C::sizes::<2>, ceil_mode = C::flag
    }
    MaxPool3d(C::sizes::<3>) on 5 {
        stride = C::sizes::<3>, padding = C::sizes::<3>, dilation = C::sizes::<3>, ceil_mode = C::flag
    }
    AvgPool1d(C::sizes::<1>) on 3 { stride = C::sizes::<1>, padding = C::sizes::<1>, ceil_mode = C::flag }
    AvgPool2d(C::sizes::<2>) on 4 { stride = C::sizes::<2>, padding = C::sizes::<2>, divisor_override = C::size }
    AvgPool3d(C::sizes::<3>) on 5 { stride = C::sizes::<3>, padding = C::sizes::<3>, count_include_pad = C::flag }
    LPPool2d(C::number, C::sizes::<2>) on 4 { stride = C::sizes::<2>, ceil_mode = C::flag }
    AdaptiveAvgPool1d(C::outputs::<1>) on 3 {}
    AdaptiveAvgPool2d(C::outputs::<2>) on 4 {}
    AdaptiveAvgPool3d(C::outputs::<3>) on 5 {}
    AdaptiveMaxPool2d(C::outputs::<2>) on 4 {}
    AdaptiveMaxPool3d(C::outputs::<3>) on 5 {}
    ZeroPad2d(C::sizes::<4>) on 4 {}
    ConstantPad1d(C::sizes::<2>, C::number) on 3 {}
    ReflectionPad2d(C::sizes::<4>) on 4 {}
    ReplicationPad2d(C::sizes::<4>) on 4 {}
    CircularPad2d(C::sizes::<4>) on 4 {}
    Upsample() on 4 { size = C::sizes::<2>, scale_factor = C::sizes::<2>, mode = mode, align_corners = C::flag }
    PixelShuffle(C::size) on 4 {}
    PixelUnshuffle(C::size) on 4 {}
    Flatten() on 4 { start_dim = C::axis, end_dim = C::axis }
    Unflatten(C::axis, C::sizes::<2>) on 3 {}
    Hardtanh() on 2 { min_val = C::number, max_val = C::number }
    Threshold(C::number, C::number) on 2 {}
    PReLU() on 3 { num_parameters = C::size, init = C::number }
    GLU() on 3 { dim = C::axis }
    LeakyReLU() on 2 { negative_slope = C::number }
    CELU() on 2 { alpha = C::number }
    Softplus() on 2 { beta = C::number, threshold = C::number }
    Softshrink() on 2 { lambd = C::number }
    Softmax(C::axis) on 3 {}
    LogSoftmax(C::axis) on 3 {}
}

#[test]
fn random_arguments() {
    let _turn = turn();
    manual_seed(0);
    let (mut found, mut results, mut errors) = (Vec::new(), 0, 0);
    let mut choices = Choices(3);
    for _ in 0..ROUNDS {
        all(&mut choices, &mut found, &mut results, &mut errors);
    }
    assert!(results > 2000 && errors > 2000, "{results} results, {errors} errors");
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} panics\n{}", found.len(), found.join("\n"));
}
