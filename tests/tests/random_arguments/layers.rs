//! Layers: built, called, differentiated, shown.

use std::fmt::Debug;

use rustorch::nn::{self, Layer, Module};
use rustorch::{Result, Tensor, manual_seed};
use rustorch_tests::turns::turn;

use super::{Choices, Outcomes, finish};

/// How often each layer is built.
const ROUNDS: usize = 300;

fn run(layer: &(impl Layer + Debug), input: &Tensor) -> Result<()> {
    finish(&[&layer.forward(input)?])?;
    let _ = (format!("{layer:?}"), layer.state_dict());
    Ok(())
}

/// Per layer: what it needs, the rank of its inputs, and options.
macro_rules! layers {
    ($($name:ident($($required:expr),*) on $rank:literal { $($option:ident = $value:expr),* })*) => {
        fn all(choices: &mut Choices, outcomes: &mut Outcomes) {
            $(outcomes.call(&mut String::new(), |what| {
                let builder = nn::$name::builder($($required(choices)),*);
                $(let builder = if choices.below(3) == 0 { builder.$option($value(choices)) } else { builder };)*
                *what = format!("{builder:?}");
                let layer = builder.build()?;
                if choices.flag() {
                    layer.eval();
                }
                let input = choices.tensor($rank)?;
                *what = format!("{layer:?} of {:?} {} {:?}", input.shape(), input.dtype(), input.strides());
                run(&layer, &input)
            });)*
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
    RReLU() on 2 { lower = C::number, upper = C::number }
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
    let (mut choices, mut outcomes) = (Choices(3), Outcomes::default());
    (0..ROUNDS).for_each(|_| all(&mut choices, &mut outcomes));
    outcomes.check(2000);
}
