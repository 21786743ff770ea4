//! Steps of many functions or layers at once, so that a few dozen declarations use all there are.

use super::Kind;
use super::builder::{Builder, Named, Size};
use super::image::{image, shaped};

pub(super) const KINDS: &[Kind] = &[
    ("signs", |b| same(b, "abs(@) * 0.5 - neg(@) + sgn(@) + copysign(@, #) * 0.1 + frac(@) * 0.1")),
    ("steps", |b| same(b, "@ + floor(@) * 0.1 - ceil(#) * 0.1 + trunc(@) * 0.2")),
    ("logarithms", |b| {
        same(b, "log(abs(@) + 0.5) + log10(square(@) + 1.0) + log1p(abs(#)) + logit(sigmoid(@) * 0.8 + 0.1)")
    }),
    ("powers", |b| {
        same(
            b,
            "exp2(tanh(@)) + expm1(tanh(#)) + pow(square(@) + 0.5, 1.5) * 0.1 + xlogy(square(#), square(@) + 1.0) * 0.1",
        )
    }),
    ("roots", |b| {
        same(
            b,
            "reciprocal(square(@) + 1.0) + rsqrt(square(#) + 0.5) + sqrt(square(@) + 1.0) + hypot(@, # + 0.1) + logaddexp(@, #) * 0.5 + sinc(tanh(@))",
        )
    }),
    ("angles", |b| {
        same(
            b,
            "sin(@) + cos(#) + tan(tanh(@)) + asin(tanh(@) * 0.9) + acos(tanh(#) * 0.9) + atan2(@, square(#) + 0.5)",
        )
    }),
    ("hyperbolic functions", |b| {
        same(b, "sinh(tanh(@)) + cosh(tanh(#)) + acosh(square(@) + 1.5) + atanh(tanh(@) * 0.8)")
    }),
    ("special functions", |b| {
        same(
            b,
            "erfc(@) + erfinv(tanh(#) * 0.9) + lgamma(square(@) + 1.0) * 0.1 + digamma(square(#) + 1.0) * 0.1",
        )
    }),
    ("comparisons", |b| {
        same(b, "where_(logical_or(lt(@, #), logical_and(ge(@, 0.5), le(#, 0.5))), @, # * 0.5)")
    }),
    ("truth functions", |b| {
        same(
            b,
            "where_(logical_not(isinf(@)) & isfinite(#), @, 0.5) + where_(eq(@, #), @, tanh(#)) + where_(ne(@, #), #, 0.25)",
        )
    }),
    ("arithmetic", |b| {
        same(
            b,
            "add(@, # * 0.5) + sub(@, #) - mul(@, tanh(#)) + div(@, square(#) + 1.0) + addcdiv(@, #, square(@) + 1.0, value = 0.5)",
        )
    }),
    ("remainders", |b| same(b, "remainder(@, 1.5) + fmod(#, 1.5) + floor_divide(detach(@), 2.0) * 0.1")),
    ("bounds", |b| {
        same(
            b,
            "maximum(@, #) + minimum(@, 0.5) + fmax(@, # * 0.5) + fmin(@, 0.75) + clamp_max(#, 0.5) + clamp_min(@, -0.5) + clamp(#, -0.75, 0.75) + lerp(@, #, 0.25) + addcmul(@, #, tanh(@), value = 0.5)",
        )
    }),
    ("gates", |b| {
        same(
            b,
            "mish(@) + elu(@, alpha = 0.5) + softsign(#) + hardshrink(@, lambd = 0.3) + threshold(#, 0.1, 0.2)",
        )
    }),
    ("more gates", |b| {
        same(
            b,
            "relu6(@) + log_sigmoid(#) + softplus(@, beta = 2.0) + silu(@) + hardtanh(#) + sign(@) * 0.1 + atan(#) + tanhshrink(#) + hardsigmoid(@) + hardswish(#) + softshrink(@, lambd = 0.25) + alpha_dropout(#, 0.2)",
        )
    }),
    ("slopes", slopes),
    ("all activations", activations),
    ("more activations", more_activations),
    ("like", |b| {
        same(
            b,
            "@ * (1.0 + rand_like(@)) + randn_like(#) * 0.1 + ones_like(@) - zeros_like(#) + full_like(@, 0.5)",
        )
    }),
    ("rearranged", rearranged),
    ("parts", parts),
    ("running products", |b| same(b, "cumprod(tanh(@) * 0.5 + 1.0, -1) * 0.5 + cumsum(#, -1) * 0.1")),
    ("extrema and spread", |b| {
        same(
            b,
            "@ - amin(@, -1, keepdim = true) + std(#, 1, keepdim = true) + amax(@, 1, keepdim = true) + max(@, -1, keepdim = true) * 0.5 - min(#, 1, keepdim = true) + logsumexp(@, -1, keepdim = true) + var(@, -1, keepdim = true) * 0.1",
        )
    }),
    ("vectors", vectors),
    ("batches of matrices", matrices),
    ("row norms", row_norms),
    ("Bilinear", bilinear),
    ("gated halves", halves),
    ("rows of a matrix", rows),
    ("signals", signals),
    ("pooled signals", pooled_signals),
    ("padded signals", padded_signals),
    ("padded images", padded_images),
    ("padded volumes", padded_volumes),
    ("channels dropped", dropped),
    ("pooled volumes", pooled_volumes),
    ("few windows", windows),
    ("convolved volumes", convolved_volumes),
    ("resampled", resampled),
    ("shuffled pixels", shuffled),
    ("normalised channels", channels),
    ("Transformer", transformer),
    ("gated units", units),
];

/// A text over a tensor `@` and another one `#` of its shape.
fn same(b: &mut Builder, text: &str) -> Option<()> {
    let (x, y) = b.two(|x| x.last().is_some_and(|n| n > 2))?;
    b.add(x.shape, text.replace('@', &x.name).replace('#', &y.name))
}

/// A tensor through layers, side by side.
fn together(b: &mut Builder, x: &Named, layers: &[&str], input: &str) -> String {
    let input = input.replace('@', &x.name);
    let calls = layers.iter().map(|layer| {
        let field = b.field(layer);
        format!("{field}({input})")
    });
    calls.collect::<Vec<_>>().join(" + ")
}

fn slopes(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 1 && x.known(1).is_some())?;
    let weight = b.field(format!("Param([{}], init = uniform(0.1, 0.4))", x.known(1)?));
    let many = b.field(format!("PReLU({})", x.known(1)?));
    let layer = b.field("RReLU(0.1, 0.3)");
    b.add(
        x.shape,
        format!("{many}({0}) + prelu({0}, {weight}) + rrelu({0}, 0.2, 0.5) + {layer}({0})", x.name),
    )
}

fn activations(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 2))?;
    let layers = [
        "ReLU",
        "SiLU",
        "Tanh",
        "Sigmoid",
        "LeakyReLU(0.1)",
        "ELU(alpha = 0.5)",
        "ReLU6",
        "SELU",
        "CELU",
        "Mish",
        "Identity",
        "GELU",
    ];
    let text = together(b, &x, &layers, "@");
    b.add(x.shape, format!("({text}) * 0.2"))
}

fn more_activations(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 2))?;
    let layers = [
        "Softplus(beta = 2.0)",
        "LogSigmoid",
        "Softsign",
        "Tanhshrink",
        "Hardsigmoid",
        "Hardswish",
        "Hardshrink",
        "Softshrink",
        "Threshold(0.1, 0.2)",
        "Softmax(-1)",
        "LogSoftmax(-1)",
        "Softmin(-1)",
    ];
    let text = together(b, &x, &layers, "@");
    b.add(x.shape, format!("({text}) * 0.2"))
}

fn rearranged(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.last().is_some_and(|n| n > 1 && n < 13))?;
    let n = x.last()?;
    let (name, shape) = (&x.name, format!("{}, {}, {}", x.shape[0], x.shape[1], x.shape[2]));
    let text = format!(
        "roll({name}, [1, 2], [1, -1]) + contiguous(movedim(movedim({name}, 0, 2), 2, 0)) + reshape({name}, [{shape}]) \
         + squeeze(unsqueeze({name}, 1), 1) + narrow(repeat({name}, [1, 1, 2]), -1, 1, {n}) \
         + repeat_interleave({name}, 2, -1)[.., .., ..{n}]"
    );
    b.add(x.shape.clone(), text)
}

fn parts(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 2 && x.last().is_some_and(|n| (4..13).contains(&n)))?;
    let n = x.last()?;
    let field = b.field("Unflatten(-1, [1, 3])");
    let last = if n == 3 { x.name.clone() } else { format!("narrow({}, -1, 0, 3)", x.name) };
    let text = format!(
        "let ({{0}}, {{1}}) = unbind(narrow({0}, -1, 1, 2), -1); \
         let {{2}} = slice({0}, -1, 1, 4) + squeeze({field}({last}), -2) + gather({0}, -1, argmin({0}, -1, keepdim = true)) + unsqueeze(select({0}, -1, 0) * {{0}}, -1);",
        x.name
    );
    let row = x.shape[..x.shape.len() - 1].to_vec();
    b.say(&[row.clone(), row, x.with_last(3)], &text)
}

fn vectors(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() == 2 && x.last().is_some_and(|n| n > 1 && n < 25))?;
    let n = x.last()?;
    let [u, v] = [n, n].map(|n| b.field(format!("Param([{n}], init = uniform(-0.5, 0.5))")));
    let text = format!(
        "mm({0}, outer({u}, {v})) + unsqueeze(cosine_similarity({0} + 0.5, tanh({1}) + 1.0, dim = -1), -1)",
        x.name, y.name
    );
    b.add(x.shape, text)
}

fn matrices(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() == 3)?;
    b.add(x.shape, format!("bmm(softmax(bmm({0}, transpose({1}, 1, 2)) * 0.2, -1), {1})", x.name, y.name))
}

fn row_norms(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 2 && x.known(1).is_some_and(|n| n % 2 == 0) && x.last() > Some(2))?;
    let n = x.last()?;
    b.add(x.shape, format!("rms_norm(tanh({0}), [{n}], eps = 0.001) + group_norm(tanh({0}), 2)", x.name))
}

fn bilinear(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.last().is_some_and(|n| n < 10))?;
    let field = b.field(format!("Bilinear({0}, {0}, 3)", x.last()?));
    b.add(x.with_last(3), format!("{field}({}, tanh({}))", x.name, y.name))
}

fn halves(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n % 2 == 0))?;
    let field = b.field("GLU");
    b.add(x.with_last(x.last()? / 2), format!("{field}({0}) + glu({0}, dim = -1)", x.name))
}

fn rows(b: &mut Builder) -> Option<()> {
    let indices = b.indices(vec![Size::Batch, Size::Of(3)], 5);
    let table = b.field("Param([5, 6], init = uniform(-0.5, 0.5))");
    b.add(vec![Size::Batch, Size::Of(3), Size::Of(6)], format!("embedding({indices}, {table})"))
}

/// A batch of signals of known size.
fn signal(b: &mut Builder) -> Option<(Named, [usize; 2])> {
    let x = b.find(|x| x.shape.len() == 3 && x.known(1).is_some() && x.last().is_some_and(|n| n > 3))?;
    let sizes = [x.known(1)?, x.last()?];
    Some((x, sizes))
}

fn of_signals(x: &Named, channels: usize, length: usize) -> Vec<Size> {
    vec![x.shape[0], Size::Of(channels), Size::Of(length)]
}

fn signals(b: &mut Builder) -> Option<()> {
    let (x, [c, n]) = signal(b)?;
    let weight = b.field(format!("Param([2, {c}, 3], init = uniform(-0.3, 0.3))"));
    let field = b.field("ConvTranspose1d(_, 2, kernel = 2, stride = 2)");
    let text = format!("conv1d({0}, {weight}, padding = 1) + {field}({0})[.., .., ..{n}]", x.name);
    b.add(of_signals(&x, 2, n), text)
}

fn pooled_signals(b: &mut Builder) -> Option<()> {
    let (x, [c, n]) = signal(b)?;
    let windows = together(b, &x, &["MaxPool1d(2)", "AvgPool1d(2)", "LPPool1d(2.0, 2)"], "sigmoid(@)");
    let adaptive = together(b, &x, &["AdaptiveAvgPool1d(2)", "AdaptiveMaxPool1d(2)"], "@");
    let text = format!(
        "let {{0}} = {windows} + lp_pool1d(sigmoid({0}), 3.0, 2); \
         let {{1}} = {adaptive} + adaptive_avg_pool1d({0}, 2) - adaptive_max_pool1d({0}, 2) * 0.5;",
        x.name
    );
    b.say(&[of_signals(&x, c, n / 2), of_signals(&x, c, 2)], &text)
}

fn padded_signals(b: &mut Builder) -> Option<()> {
    let (x, [c, n]) = signal(b)?;
    let layers = [
        "ZeroPad1d([1, 2])",
        "ConstantPad1d([2, 1], 0.5)",
        "ReflectionPad1d([3, 0])",
        "ReplicationPad1d([0, 3])",
        "CircularPad1d([1, 2])",
    ];
    let text = together(b, &x, &layers, "@");
    b.add(of_signals(&x, c, n + 3), text)
}

fn padded_images(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let layers = [
        "ZeroPad2d([1, 0, 2, 0])",
        "ConstantPad2d([0, 1, 1, 1], 0.5)",
        "ReflectionPad2d([1, 0, 0, 2])",
        "ReplicationPad2d([0, 1, 0, 2])",
        "CircularPad2d([1, 0, 1, 1])",
    ];
    let text = together(b, &x, &layers, "@");
    b.add(shaped(&x, [c, h + 2, w + 1]), text)
}

fn padded_volumes(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let layers = [
        "ZeroPad3d([1, 0, 0, 1, 1, 0])",
        "ConstantPad3d([0, 1, 1, 0, 0, 1], 0.5)",
        "ReflectionPad3d([1, 0, 0, 1, 0, 1])",
        "ReplicationPad3d([0, 1, 0, 1, 1, 0])",
        "CircularPad3d([1, 0, 1, 0, 0, 1])",
    ];
    let text = together(b, &x, &layers, "stack([@, tanh(@)], 1)");
    b.add(shaped(&x, [c + 1, h + 1, w + 1]), format!("mean({text}, 1)"))
}

fn dropped(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let [layer, flat] = ["FeatureAlphaDropout(0.3)", "Flatten(2)"].map(|layer| b.field(layer));
    let [one, three] = ["Dropout1d(0.2)", "Dropout3d(0.2)"].map(|layer| b.field(layer));
    let text = format!(
        "dropout2d({layer}({0}), 0.3) + feature_alpha_dropout({0}, 0.2) + {three}(unsqueeze({0}, 2))[.., .., 0] + dropout3d(unsqueeze({0}, 2), 0.2)[.., .., 0] \
         + reshape(dropout1d({one}({flat}({0})), 0.2), [{1}, {c}, {h}, {w}])",
        x.name, x.shape[0]
    );
    b.add(x.shape, text)
}

fn pooled_volumes(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let layers = ["MaxPool3d([1, 2, 2])", "AvgPool3d([1, 2, 2])", "LPPool3d(2.0, [1, 2, 2])"];
    let volumes = together(b, &x, &layers, "unsqueeze(sigmoid(@), 1)");
    let images = together(b, &x, &["MaxPool2d(2)", "LPPool2d(2.0, 2)", "AvgPool2d(2)"], "sigmoid(@)");
    let text = format!(
        "({volumes} + max_pool3d(unsqueeze({0}, 1), [1, 2, 2]) + avg_pool3d(unsqueeze({0}, 1), [1, 2, 2]) \
         + lp_pool3d(unsqueeze(sigmoid({0}), 1), 2.0, [1, 2, 2]))[.., 0] + {images}",
        x.name
    );
    b.add(shaped(&x, [c, h / 2, w / 2]), text)
}

fn windows(b: &mut Builder) -> Option<()> {
    let (x, [c, ..]) = image(b)?;
    let volumes = together(b, &x, &["AdaptiveMaxPool3d([None, 2, 3])"], "unsqueeze(@, 1)");
    let images = together(b, &x, &["AdaptiveMaxPool2d([2, 3])", "AdaptiveAvgPool2d([2, 3])"], "@");
    let text = format!(
        "({volumes} + adaptive_avg_pool3d(unsqueeze({0}, 1), [None, 2, 3]) \
         + adaptive_max_pool3d(unsqueeze({0}, 1), [None, 2, 3]))[.., 0] + {images} + adaptive_avg_pool2d({0}, [2, 3])",
        x.name
    );
    b.add(shaped(&x, [c, 2, 3]), text)
}

fn convolved_volumes(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let conv = b.field("Conv3d(1, 2, kernel = 3, padding = 1)");
    let back = b.field("ConvTranspose3d(2, 1, kernel = [1, 3, 3], padding = [0, 1, 1])");
    b.add(shaped(&x, [c, h, w]), format!("{back}(tanh({conv}(unsqueeze({}, 1))))[.., 0]", x.name))
}

fn resampled(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    if h * w > 200 {
        return None;
    }
    let layers = ["Upsample(scale_factor = 2)", "Upsample(scale_factor = 2, mode = \"bilinear\")"];
    let text = together(b, &x, &layers, "@");
    let [to_h, to_w] = [2 * h, 2 * w];
    let text = format!(
        "{text} + interpolate({}, size = [{to_h}, {to_w}], mode = \"bilinear\", align_corners = true)",
        x.name
    );
    b.add(shaped(&x, [c, to_h, to_w]), text)
}

fn shuffled(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 4 && (1..4).all(|axis| x.known(axis).is_some_and(|n| n % 2 == 0)))?;
    let (shuffle, unshuffle) = (b.field("PixelShuffle(2)"), b.field("PixelUnshuffle(2)"));
    let text =
        format!("{shuffle}(pixel_unshuffle({0}, 2)) + pixel_shuffle({unshuffle}(tanh({0})), 2)", x.name);
    b.add(x.shape, text)
}

fn channels(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let volumes =
        together(b, &x, &["BatchNorm3d(_)", "InstanceNorm3d(_, affine = true)"], "unsqueeze(tanh(@), 2)");
    let signals = together(b, &x, &["InstanceNorm1d(_)"], "flatten(tanh(@), 2)");
    let text = format!("({volumes})[.., .., 0] + reshape({signals}, [{}, {c}, {h}, {w}])", x.shape[0]);
    b.add(x.shape, text)
}

fn transformer(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() == 3 && x.last().is_some_and(|n| n % 2 == 0 && n < 9))?;
    let field = b.field("Transformer(_, 2, 1, 1, 8, batch_first = true)");
    b.add(x.shape, format!("{field}({}, tanh({}))", x.name, y.name))
}

fn units(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.shape[0] == Size::Batch && x.last().is_some())?;
    let [gru, rnn] =
        ["Gru(_, 4, batch_first = true)", "Rnn(_, 4, batch_first = true)"].map(|one| b.field(one));
    let decoder = b.field("TransformerDecoderLayer(4, 2, 8, batch_first = true)");
    let encoder = b.field("TransformerEncoder(4, 2, 1, 8, batch_first = true)");
    let stack = b.field("TransformerDecoder(4, 2, 1, 8, batch_first = true)");
    let text = format!(
        "let ({{0}}, _) = {gru}({0}); let (r, _) = {rnn}({0}); \
         let {{1}} = {decoder}({{0}}, tanh({{0}})) + {stack}({encoder}(r), {{0}});",
        x.name
    );
    let out = vec![x.shape[0], x.shape[1], Size::Of(4)];
    b.say(&[out.clone(), out], &text)
}
