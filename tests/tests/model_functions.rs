//! Every function that the body of a model may call, called in a model and compared with the tensor's own operation.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rustorch::compiled::Compiled;
use rustorch::nn::Module;
use rustorch::nn::functional as f;
use rustorch::prelude::*;
use rustorch::{DType, Tensor, manual_seed};
use rustorch_shape::functions;
use rustorch_tests::turns::turn;

thread_local! {
    /// The functions that have been compared.
    static CALLED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
    /// Those that have no kernel in a compiled pass.
    static ISLANDS: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Compares what a model gave with what it should give.
#[track_caller]
fn check(name: &'static str, given: &Tensor, wanted: &Tensor) {
    assert!(functions::find(name).is_some(), "{name} is no function of the table");
    assert_eq!((given.shape(), given.dtype()), (wanted.shape(), wanted.dtype()), "{name}");
    let [given, wanted] =
        [given, wanted].map(|tensor| tensor.to_dtype(DType::F64).to_vec::<f64>().expect("numbers"));
    for (a, b) in given.iter().zip(&wanted) {
        let close = (a - b).abs() <= 1e-5 * (1.0 + b.abs()) || a == b || (a.is_nan() && b.is_nan());
        assert!(close, "{name}: {a} is not {b}");
    }
    CALLED.with_borrow_mut(|called| called.insert(name));
}

/// Remembers the calls of a model that run on tensors when it is compiled.
fn note_islands<M: Compiled>() {
    let steps = M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors"));
    ISLANDS.with_borrow_mut(|islands| islands.extend(steps.filter_map(|step| step.split(" = ").nth(1))));
}

/// Numbers between 0.1 and 0.9, where every function is defined.
fn numbers<const N: usize>(shape: [usize; N]) -> Tensor {
    &(&Tensor::rand(shape) * 0.8) + 0.1
}

/// Calls in one model: for every function its name, a call of it with these inputs, and what that should give; all calls
/// give tensors of one shape.
macro_rules! calls {
    (@ $inputs:tt $size:tt [$($done:tt)*] [$($sizes:tt)*] [$($calls:tt)*]
        $name:ident: ($($call:tt)*) is $wanted:tt; $($rest:tt)*
    ) => {
        calls!(@ $inputs $size [$($done)* ($name $wanted)] [$($sizes)* $size,] [$($calls)* $($call)*,] $($rest)*);
    };
    (@ $inputs:tt $size:tt $done:tt [$($sizes:tt)*] [$($calls:tt)*]) => {
        compare!($inputs $done (($($sizes)*) { ($($calls)*) }));
    };
    ($inputs:tt $size:tt $($calls:tt)*) => { calls!(@ $inputs $size [] [] [] $($calls)*) };
}

/// The same of one function, whose call takes several statements.
macro_rules! steps {
    ($inputs:tt $size:tt $name:ident: { $($step:tt)* } $result:ident is $wanted:tt) => {
        compare!($inputs [($name $wanted)] (($size,) { $($step)* ($result,) }));
    };
}

macro_rules! compare {
    (
        ($($input:ident: [$($dim:tt),*] = $value:expr),*) [$(($name:ident ($wanted:expr)))*]
        (($($sizes:tt)*) $body:tt)
    ) => {{
        model! {
            Functions {}
            forward($($input: [$($dim),*]),*) -> ($($sizes)*) $body
        }
        let model = Functions::new();
        model.eval();
        note_islands::<Functions>();
        $(let $input: &Tensor = &$value;)*
        let given = model.forward($(&$input.typed::<($(size!($dim),)*)>().unwrap()),*);
        let ($($name,)*) = given;
        $({
            let wanted: Tensor = $wanted;
            check(stringify!($name), &$name, &wanted);
        })*
    }};
}

/// The type of a size: those known at run time have no name here.
macro_rules! size {
    ($number:literal) => { Const<$number> };
    ($name:ident) => { Any };
}

/// `function(x)`, for functions of one tensor and no other argument.
macro_rules! unary {
    ($x:ident: $($name:ident)*) => { calls! { (x: [batch, 4] = $x) [batch, 4] $($name: ($name(x)) is (x.$name());)* } };
}

/// `function(x, y)`, `x.function(0.5)`.
macro_rules! binary {
    ($x:ident, $y:ident: $($name:ident)*) => {
        calls! { (x: [batch, 4] = $x, y: [4] = $y) [batch, 4] $($name: ($name(x, y)) is (x.$name(y).unwrap());)* }
        calls! { (x: [batch, 4] = $x) [batch, 4] $($name: (x.$name(0.5)) is (x.$name(0.5).unwrap());)* }
    };
}

fn elementwise() {
    let (x, y) = (numbers([3, 4]), numbers([4]));
    unary!(x: relu relu6 gelu silu mish tanh sigmoid log_sigmoid selu softsign tanhshrink hardsigmoid hardswish neg abs
        sign sgn square sqrt rsqrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh
        asinh acosh atanh sinc erf erfc erfinv lgamma digamma logit floor ceil round trunc frac logical_not isnan isinf
        isfinite detach contiguous);
    binary!(x, y: add sub mul div remainder fmod floor_divide pow maximum minimum fmax fmin atan2 hypot copysign xlogy
        logaddexp eq ne lt le gt ge logical_and logical_or logical_xor);
    calls! { (x: [batch, 4] = x) [batch, 4]
        acosh: (acosh(reciprocal(x))) is (x.reciprocal().acosh());
        gelu: (gelu(x - 0.5, approximate = "tanh")) is ((x - 0.5).gelu_tanh());
        leaky_relu: (leaky_relu(x - 0.5, 0.2)) is ((x - 0.5).leaky_relu(0.2));
        elu: (elu(x - 0.5, alpha = 0.7)) is ((x - 0.5).elu(0.7));
        celu: (celu(x - 0.5, alpha = 0.7)) is ((x - 0.5).celu(0.7).unwrap());
        softplus: (softplus(x, beta = 2.0)) is (x.softplus(2.0, 20.0));
        hardtanh: (hardtanh(x, 0.3, 0.6)) is (x.hardtanh(0.3, 0.6).unwrap());
        hardshrink: (hardshrink(x, 0.4)) is (x.hardshrink(0.4));
        softshrink: (softshrink(x, 0.4)) is (x.softshrink(0.4).unwrap());
        threshold: (threshold(x, 0.5, 7.0)) is (x.threshold(0.5, 7.0).unwrap());
        dropout: (dropout(x, 0.5)) is (x.clone());
        alpha_dropout: (alpha_dropout(x, 0.5)) is (x.clone());
        feature_alpha_dropout: (feature_alpha_dropout(x, 0.5)) is (x.clone());
        rrelu: (rrelu(x - 0.5, 0.2, 0.6)) is ((x - 0.5).leaky_relu(0.4));
        clamp: (clamp(x, 0.3, 0.6)) is (x.clamp(0.3, 0.6).unwrap());
        clamp_min: (clamp_min(x, 0.3)) is (x.maximum(0.3).unwrap());
        clamp_max: (clamp_max(x, 0.3)) is (x.minimum(0.3).unwrap());
        softmax: (softmax(x, 1)) is (x.softmax(1).unwrap());
        softmin: (softmin(x, 0)) is (x.softmin(0).unwrap());
        log_softmax: (log_softmax(x, -1)) is (x.log_softmax(-1).unwrap());
        normalize: (normalize(x, p = 3.0, dim = 1)) is (f::normalize(x, 3.0, 1, 1e-12).unwrap());
    }
    calls! { (x: [batch, 4] = x, y: [4] = y) [batch, 4]
        where_: (where_(x > y, x, 0.0)) is (Tensor::where_(&x.gt(y).unwrap(), x, 0.0).unwrap());
        masked_fill: (masked_fill(x, x > y, -1.0)) is (x.masked_fill(&x.gt(y).unwrap(), -1.0).unwrap());
        lerp: (lerp(x, y, 0.3)) is (x.lerp(y, 0.3).unwrap());
        addcmul: (addcmul(x, x, y, value = 2.0)) is (x.addcmul(x, y, 2.0).unwrap());
        addcdiv: (addcdiv(x, x, y, 0.5)) is (x.addcdiv(x, y, 0.5).unwrap());
        prelu: (prelu(x - 0.5, y)) is (f::prelu(&(x - 0.5), y).unwrap());
    }
    calls! { (x: [batch, 4] = x) [batch, 2]
        glu: (glu(x)) is (f::glu(x, -1).unwrap());
    }
}

fn layers() {
    let (images, signals) = (numbers([2, 4, 6, 5]), numbers([2, 4, 9]));
    let options = f::MaxPool2dOptions { padding: [1, 0], ..Default::default() };
    calls! { (x: [batch, 4, 6, 5] = images) [batch, 4, 4, 2]
        max_pool2d: (max_pool2d(x, 2, padding = [1, 0])) is (f::max_pool2d(x, [2, 2], options).unwrap());
    }
    calls! { (x: [batch, 4, 6, 5] = images) [batch, 4, 3, 2]
        avg_pool2d: (avg_pool2d(x, 2)) is (f::avg_pool2d(x, [2, 2], f::AvgPool2dOptions::default()).unwrap());
        lp_pool2d: (lp_pool2d(x, 3.0, 2)) is (f::lp_pool2d(x, 3.0, [2, 2], None, false).unwrap());
        adaptive_avg_pool2d: (adaptive_avg_pool2d(x, [3, 2])) is (f::adaptive_avg_pool2d(x, [Some(3), Some(2)]).unwrap());
        adaptive_max_pool2d: (adaptive_max_pool2d(x, [3, 2])) is (f::adaptive_max_pool2d(x, [Some(3), Some(2)]).unwrap());
    }
    calls! { (x: [batch, 4, 9] = signals) [batch, 4, 9]
        dropout1d: (dropout1d(x, 0.5)) is (x.clone());
    }
    calls! { (x: [batch, 2, 4, 6, 5] = numbers([2, 2, 4, 6, 5])) [batch, 2, 4, 6, 5]
        dropout3d: (dropout3d(x, 0.5)) is (x.clone());
    }
    let options = f::AvgPool3dOptions { divisor_override: Some(5), ..Default::default() };
    calls! { (x: [batch, 2, 4, 6, 5] = numbers([2, 2, 4, 6, 5])) [batch, 2, 2, 3, 2]
        max_pool3d: (max_pool3d(x, 2)) is (f::max_pool3d(x, [2; 3], f::MaxPool3dOptions::default()).unwrap());
        avg_pool3d: (avg_pool3d(x, [2, 2, 2], divisor_override = 5)) is (f::avg_pool3d(x, [2; 3], options).unwrap());
        lp_pool3d: (lp_pool3d(x, 3.0, 2)) is (f::lp_pool3d(x, 3.0, [2; 3], None, false).unwrap());
        adaptive_avg_pool3d: (adaptive_avg_pool3d(x, [2, 3, 2])) is (f::adaptive_avg_pool3d(x, [2, 3, 2].map(Some)).unwrap());
        adaptive_max_pool3d: (adaptive_max_pool3d(x, [2, 3, 2])) is (f::adaptive_max_pool3d(x, [2, 3, 2].map(Some)).unwrap());
    }
    let twice = f::Resize::Scale(vec![2.0]);
    calls! { (x: [batch, 4, 6, 5] = images) [batch, 4, 12, 10]
        interpolate: (interpolate(x, scale_factor = 2, mode = "bilinear")) is (f::interpolate(x, &twice, f::InterpolateMode::Bilinear, false).unwrap());
    }
    let size = f::Resize::Size(vec![3, 8]);
    calls! { (x: [batch, 4, 6, 5] = images) [batch, 4, 3, 8]
        interpolate: (interpolate(x, [3, 8])) is (f::interpolate(x, &size, f::InterpolateMode::Nearest, false).unwrap());
    }
    calls! { (x: [batch, 4, 6, 5] = images) [batch, 1, 12, 10]
        pixel_shuffle: (pixel_shuffle(x, 2)) is (f::pixel_shuffle(x, 2).unwrap());
    }
    calls! { (x: [batch, 4, 6, 4] = numbers([2, 4, 6, 4])) [batch, 16, 3, 2]
        pixel_unshuffle: (pixel_unshuffle(x, 2)) is (f::pixel_unshuffle(x, 2).unwrap());
    }
    calls! { (x: [batch, 4, 9] = signals) [batch, 4, 4]
        max_pool1d: (max_pool1d(x, 2)) is (f::max_pool1d(x, 2, f::MaxPool1dOptions::default()).unwrap());
        avg_pool1d: (avg_pool1d(x, 2)) is (f::avg_pool1d(x, 2, f::AvgPool1dOptions::default()).unwrap());
        lp_pool1d: (lp_pool1d(x, 2.0, 2)) is (f::lp_pool1d(x, 2.0, 2, None, false).unwrap());
        adaptive_avg_pool1d: (adaptive_avg_pool1d(x, 4)) is (f::adaptive_avg_pool1d(x, [Some(4)]).unwrap());
        adaptive_max_pool1d: (adaptive_max_pool1d(x, 4)) is (f::adaptive_max_pool1d(x, [Some(4)]).unwrap());
    }
    let (weight, bias) = (numbers([3, 9]), numbers([3]));
    calls! { (x: [batch, 4, 9] = signals, w: [3, 9] = weight, b: [3] = bias) [batch, 4, 3]
        linear: (linear(x, w, bias = b)) is (f::linear(x, w, Some(b)).unwrap());
    }
    let kernel = numbers([3, 4, 2]);
    let options = f::ConvOptions { stride: [2], ..f::ConvOptions::default() };
    calls! { (x: [batch, 4, 9] = signals, w: [3, 4, 2] = kernel, b: [3] = bias) [batch, 3, 4]
        conv1d: (conv1d(x, w, bias = b, stride = 2)) is (f::conv1d(x, w, Some(b), options).unwrap());
    }
    let kernel = numbers([6, 2, 3, 3]);
    let options = f::ConvOptions { padding: f::Padding::Same, groups: 2, ..f::ConvOptions::default() };
    calls! { (x: [batch, 4, 6, 5] = images, w: [6, 2, 3, 3] = kernel) [batch, 6, 6, 5]
        conv2d: (conv2d(x, w, padding = "same", groups = 2)) is (f::conv2d(x, w, None, options).unwrap());
    }
    let (scale, shift) = (numbers([4]), numbers([4]));
    calls! { (x: [batch, 4, 6, 5] = images, w: [4] = scale, b: [4] = shift) [batch, 4, 6, 5]
        group_norm: (group_norm(x, 2, weight = w, bias = b)) is (f::group_norm(x, 2, Some(w), Some(b), 1e-5).unwrap());
    }
    calls! { (x: [batch, 4, 6, 5] = images) [batch, 4, 6, 5]
        dropout2d: (dropout2d(x, 0.5)) is (x.clone());
        instance_norm: (instance_norm(x, eps = 1e-3)) is (f::instance_norm(x, None, None, 1e-3).unwrap());
    }
    calls! { (x: [batch, 3, 4] = numbers([2, 3, 4]), w: [4] = scale) [batch, 3, 4]
        layer_norm: (layer_norm(x, [4], weight = w)) is (f::layer_norm(x, &[4], Some(w), None, 1e-5).unwrap());
        rms_norm: (rms_norm(x, 4, weight = w, eps = 1e-3)) is (f::rms_norm(x, &[4], Some(w), 1e-3).unwrap());
    }
}

fn products() {
    let (a, b) = (numbers([2, 3, 4]), numbers([2, 4, 3]));
    calls! { (a: [batch, 3, 4] = a, b: [batch, 4, 3] = b) [batch, 3, 3]
        matmul: (matmul(a, b)) is (a.matmul(b).unwrap());
        bmm: (a.bmm(b)) is (a.bmm(b).unwrap());
    }
    calls! { (a: [3, 4] = numbers([3, 4]), b: [4, n] = numbers([4, 5])) [3, n]
        mm: (mm(a, b)) is (a.mm(b).unwrap());
    }
    calls! { (a: [3] = numbers([3]), b: [n] = numbers([5])) [3, n]
        outer: (outer(a, b)) is (a.outer(b).unwrap());
    }
    calls! { (a: [batch, 3, 4] = a, b: [3, 4] = numbers([3, 4])) [batch, 3]
        cosine_similarity: (cosine_similarity(a, b, dim = -1)) is (f::cosine_similarity(a, b, -1, 1e-8).unwrap());
    }
    calls! { (a: [batch, 3, 4] = a) [batch, 6, 4]
        cat: (cat([a, a], 1)) is (Tensor::cat(&[a, a], 1).unwrap());
    }
    calls! { (a: [batch, 3, 4] = a) [batch, 2, 3, 4]
        stack: (stack([a, a], 1)) is (Tensor::stack(&[a, a], 1).unwrap());
    }
    let options = f::AttentionOptions { causal: true, scale: Some(0.25), ..Default::default() };
    calls! { (q: [batch, 3, 4] = a) [batch, 3, 4]
        scaled_dot_product_attention: (scaled_dot_product_attention(q, q, q, causal = true, scale = 0.25))
            is (f::scaled_dot_product_attention(q, q, q, options).unwrap());
    }
}

fn views() {
    let x = numbers([2, 3, 4]);
    calls! { (x: [batch, 3, 4] = x) [batch, 12]
        flatten: (flatten(x, 1)) is (x.flatten(1, -1).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 6, 2]
        reshape: (reshape(x, [batch, _, 2])) is (x.reshape([2, 6, 2]).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 3, 2, 2]
        unflatten: (unflatten(x, 2, [_, 2])) is (x.unflatten(2, [2, 2]).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [5, batch, 3, 4]
        expand: (expand(x, [5, batch, 3, 4])) is (x.expand([5, 2, 3, 4]).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [4, batch, 3]
        permute: (permute(x, [2, 0, 1])) is (x.permute([2, 0, 1]).unwrap());
        movedim: (movedim(x, 2, 0)) is (x.movedim(2, 0).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 4, 3]
        transpose: (transpose(x, 1, -1)) is (x.transpose(1, -1).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 1, 3, 4]
        unsqueeze: (unsqueeze(x, 1)) is (x.unsqueeze(1).unwrap());
    }
    calls! { (x: [batch, 1, 4] = numbers([2, 1, 4])) [batch, 4]
        squeeze: (squeeze(x, 1)) is (x.squeeze(1).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 2, 4]
        narrow: (narrow(x, 1, 1, 2)) is (x.narrow(1, 1, 2).unwrap());
        slice: (slice(x, 1, 0, 3, step = 2)) is (x.slice(1, 0, 3, 2).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 4]
        select: (select(x, 1, 2)) is (x.select(1, 2).unwrap());
    }
    steps! { (x: [batch, 3, 4] = x) [batch, 4]
        unbind: { let (_, b, _) = unbind(x, 1); } b is (x.unbind(1).unwrap().swap_remove(1))
    }
    steps! { (x: [batch, 3, 4] = x) [batch, 3, 2]
        chunk: { let (_, b) = chunk(x, 2, -1); } b is (x.chunk(2, -1).unwrap().swap_remove(1))
    }
    steps! { (x: [batch, 3, 4] = x) [batch, 3, 2]
        split: { let (_, b) = split(x, [2, 2], 2); } b is (x.split([2, 2], 2).unwrap().swap_remove(1))
    }
}

fn arrangements() {
    let x = numbers([2, 3, 4]);
    calls! { (x: [batch, 3, 4] = x) [batch, 3, 4]
        flip: (flip(x, [1, 2])) is (x.flip([1, 2]).unwrap());
        roll: (roll(x, 1, -1)) is (x.roll([1], [-1]).unwrap());
        tril: (tril(x, diagonal = 1)) is (x.tril(1).unwrap());
        triu: (triu(x)) is (x.triu(0).unwrap());
        cumsum: (cumsum(x, 1)) is (x.cumsum(1).unwrap());
        cumprod: (cumprod(x, 2)) is (x.cumprod(2).unwrap());
        logcumsumexp: (logcumsumexp(x, 1)) is (x.logcumsumexp(1).unwrap());
        zeros_like: (zeros_like(x)) is (x.zeros_like());
        ones_like: (ones_like(x)) is (x.ones_like());
        full_like: (full_like(x, 2.5)) is (x.full_like(2.5));
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 6, 4]
        repeat: (repeat(x, [1, 2, 1])) is (x.repeat([1, 2, 1]).unwrap());
        repeat_interleave: (repeat_interleave(x, 2, 1)) is (x.repeat_interleave(2, Some(1)).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 3, 7]
        pad: (pad(x, [1, 2], value = 5.0)) is (x.pad([1, 2], rustorch::PadMode::Constant(5.0)).unwrap());
    }
    let positions = Tensor::from([2i64, 0]);
    let index = Tensor::from([0i64, 1, 1, 0, 0, 1, 1, 0]).reshape([1, 2, 4]).unwrap();
    calls! { (x: [batch, 3, 4] = x, i: [2] = positions) [batch, 2, 4]
        index_select: (index_select(x, 1, i)) is (x.index_select(1, i).unwrap());
    }
    calls! { (x: [1, 3, 4] = numbers([1, 3, 4]), i: [1, 2, 4] = index) [1, 2, 4]
        gather: (gather(x, 1, i)) is (x.gather(1, i).unwrap());
        take_along_dim: (take_along_dim(x, i, 1)) is (x.take_along_dim(i, Some(1)).unwrap());
    }
    calls! { (i: [n] = positions, w: [5, 4] = numbers([5, 4])) [n, 4]
        embedding: (embedding(i, w)) is (f::embedding(i, w, None).unwrap());
    }
}

fn reductions() {
    let x = numbers([2, 3, 4]);
    calls! { (x: [batch, 3, 4] = x) [batch, 4]
        sum: (sum(x, 1)) is (x.sum_dim(1, false).unwrap());
        mean: (mean(x, 1)) is (x.mean_dim(1, false).unwrap());
        prod: (prod(x, 1)) is (x.prod_dim(1, false).unwrap());
        max: (max(x, 1)) is (x.amax_dim(1, false).unwrap());
        min: (min(x, 1)) is (x.amin_dim(1, false).unwrap());
        amax: (amax(x, 1)) is (x.amax_dim(1, false).unwrap());
        amin: (amin(x, 1)) is (x.amin_dim(1, false).unwrap());
        logsumexp: (logsumexp(x, 1)) is (x.logsumexp(1, false).unwrap());
        all: (all(x > 0.5, 1)) is (x.gt(0.5).unwrap().all_dim(1, false).unwrap());
        any: (any(x > 0.5, 1)) is (x.gt(0.5).unwrap().any_dim(1, false).unwrap());
        var: (var(x, 1)) is (x.var_dim(1, 1.0, false).unwrap());
        std: (std(x, 1, correction = 0.0)) is (x.std_dim(1, 0.0, false).unwrap());
        norm: (norm(x, p = 3.0, dim = 1)) is (x.norm_dim(3.0, 1, false).unwrap());
        argmax: (argmax(x, 1)) is (x.argmax(1, false).unwrap());
        argmin: (argmin(x, 1)) is (x.argmin(1, false).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) [batch, 1, 1]
        sum: (sum(x, [1, 2], keepdim = true)) is (x.sum_dim([1, 2], true).unwrap());
        argmax: (argmax(flatten(x, 1), 1, keepdim = true)[.., .., NewAxis])
            is (x.flatten(1, -1).unwrap().argmax(1, true).unwrap().unsqueeze(2).unwrap());
    }
    calls! { (x: [batch, 3, 4] = x) []
        mean: (mean(x)) is (x.mean());
    }
    steps! { (x: [batch, 3, 4] = x) [batch, 3, 2]
        topk: { let (values, _) = topk(x, 2); } values is (x.topk(2, -1, true, true).unwrap().0)
    }
    steps! { (x: [batch, 3, 4] = x) [batch, 3, 4]
        sort: { let (_, order) = sort(x, 1, descending = true); } order is (x.sort(1, true, false).unwrap().1)
    }
}

model! {
    /// Random numbers in the shape of an input, which the gradient meets again as they were.
    Random {}
    forward(x: [batch, 4]) -> ([batch, 4], [batch, 4]) {
        let normal = randn_like(x);
        (x * normal, rand_like(x))
    }
}

fn random() {
    let x = numbers([3, 4]);
    x.requires_grad_(true).expect("a leaf");
    for compiled in [true, false] {
        manual_seed(5);
        let (normal, uniform) = match compiled {
            true => Random::new().forward(&x.typed::<shape![Any, 4]>().expect("the shape")),
            false => {
                let x = x.to_dtype(DType::F64).typed::<shape![Any, 4]>().expect("the shape");
                Random::new().forward(&x)
            }
        };
        manual_seed(5);
        let x64 = x.to_dtype(normal.dtype());
        let (wanted, also) = (x64.randn_like(), x64.rand_like());
        check("randn_like", &normal, &(&x64 * &wanted));
        check("rand_like", &uniform, &also);
        x.set_grad(None).expect("a leaf");
        normal.sum().backward().expect("a gradient");
        check("randn_like", &x.grad().expect("a gradient"), &wanted.to_dtype(DType::F32));
    }
}

#[test]
fn every_function_of_the_table_computes_what_the_tensors_operation_does() {
    let _turn = turn();
    manual_seed(7);
    elementwise();
    layers();
    products();
    views();
    arrangements();
    reductions();
    random();
    let called = CALLED.take();
    let missing: Vec<&str> =
        functions::all().map(|spec| spec.name).filter(|name| !called.contains(name)).collect();
    assert!(missing.is_empty(), "no model of this test calls {missing:?}");
    // What has no gradient of which the tape would say so; the README says the same.
    assert_eq!(ISLANDS.take().into_iter().collect::<Vec<_>>(), ["floor_divide(..), on tensors"]);
}
