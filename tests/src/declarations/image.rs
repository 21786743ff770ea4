//! Steps on images and signals: convolutions, pooling, normalisation of channels.

use super::Kind;
use super::builder::{Builder, Named, Size};

pub(super) const KINDS: &[Kind] = &[
    ("Conv2d", conv),
    ("Conv2d and pooling", conv_pool),
    ("ConvTranspose2d", transposed),
    ("conv2d", function),
    ("Conv1d", signal),
    ("max_pool2d", max_pool),
    ("avg_pool2d", avg_pool),
    ("AdaptiveAvgPool2d", adaptive),
    ("pooling 1d", pool1d),
    ("BatchNorm2d", batch_norm),
    ("Softmax2d", softmax),
    ("instance_norm", instance_norm),
    ("InstanceNorm2d", instance_layer),
    ("padding", padding),
    ("lp_pool2d", power),
    ("volumes", volumes),
    ("channels", channels),
];

/// Whether it is an image of known size, at least 4×4.
fn is_image(x: &Named) -> bool {
    x.shape.len() == 4 && x.known(1).is_some() && (2..4).all(|axis| x.known(axis).is_some_and(|n| n > 3))
}

pub(super) fn image(b: &mut Builder) -> Option<(Named, [usize; 3])> {
    let x = b.find(is_image)?;
    let sizes = [x.known(1)?, x.known(2)?, x.known(3)?];
    Some((x, sizes))
}

pub(super) fn shaped(x: &Named, sizes: [usize; 3]) -> Vec<Size> {
    std::iter::once(x.shape[0]).chain(sizes.map(Size::Of)).collect()
}

fn conv(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let out = b.pick(&[2, 4, 6]);
    let (options, size) = match b.below(6) {
        0 => ("kernel = 3, padding = 1", [h, w]),
        1 => ("kernel = 3, stride = 2", [(h - 3) / 2 + 1, (w - 3) / 2 + 1]),
        2 => ("kernel = 1, bias = false", [h, w]),
        3 => ("kernel = 3, padding = 2, dilation = 2", [h, w]),
        4 => ("kernel = 3, padding = 1, padding_mode = \"reflect\"", [h, w]),
        _ if c % 2 == 0 => ("kernel = 3, padding = 1, groups = 2", [h, w]),
        _ => ("kernel = (3, 1)", [h - 2, w]),
    };
    let act = b.pick(&["relu", "tanh", "gelu", ""]);
    let field = b.field(format!("Conv2d(_, {out}, {options})"));
    b.add(shaped(&x, [out, size[0], size[1]]), format!("{act}({field}({}))", x.name))
}

fn conv_pool(b: &mut Builder) -> Option<()> {
    let (x, [_, h, w]) = image(b)?;
    let field = b.field("Conv2d(_, 4, kernel = 3, padding = 1)");
    b.add(shaped(&x, [4, h / 2, w / 2]), format!("max_pool2d(relu({field}({})), 2)", x.name))
}

fn transposed(b: &mut Builder) -> Option<()> {
    let (x, [_, h, w]) = image(b)?;
    let field = b.field("ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false)");
    b.add(shaped(&x, [2, h, w]), format!("{field}({})", x.name))
}

fn function(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let weight = b.field(format!("Param([2, {c}, 3, 3], init = uniform(-0.3, 0.3))"));
    b.add(shaped(&x, [2, h - 2, w - 2]), format!("conv2d({}, {weight})", x.name))
}

fn signal(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.known(1).is_some() && x.last().is_some_and(|n| n > 2))?;
    let field = b.field("Conv1d(_, 4, kernel = 3, padding = 1)");
    b.add(vec![x.shape[0], Size::Of(4), x.shape[2]], format!("{field}({})", x.name))
}

fn max_pool(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    match b.below(3) {
        0 => b.add(shaped(&x, [c, h / 2, w / 2]), format!("max_pool2d({}, 2)", x.name)),
        1 => b.add(shaped(&x, [c, h, w]), format!("max_pool2d({}, 3, stride = 1, padding = 1)", x.name)),
        _ => {
            let field = b.field("MaxPool2d(2, stride = 1)");
            b.add(shaped(&x, [c, h - 1, w - 1]), format!("{field}({})", x.name))
        }
    }
}

fn avg_pool(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    match b.below(3) {
        0 => b.add(shaped(&x, [c, h / 2, w / 2]), format!("avg_pool2d({}, 2)", x.name)),
        1 => {
            let text =
                format!("avg_pool2d({}, 3, stride = 1, padding = 1, count_include_pad = false)", x.name);
            b.add(shaped(&x, [c, h, w]), text)
        }
        _ => {
            let field = b.field("AvgPool2d(2)");
            b.add(shaped(&x, [c, h / 2, w / 2]), format!("{field}({})", x.name))
        }
    }
}

fn adaptive(b: &mut Builder) -> Option<()> {
    let (x, [c, ..]) = image(b)?;
    match b.below(2) {
        0 => {
            let field = b.field("AdaptiveAvgPool2d(3)");
            b.add(shaped(&x, [c, 3, 3]), format!("{field}({})", x.name))
        }
        _ => b.add(shaped(&x, [c, 2, 2]), format!("adaptive_max_pool2d({}, 2)", x.name)),
    }
}

fn pool1d(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.last().is_some_and(|n| n > 3))?;
    let n = x.last()?;
    let function = b.pick(&["max_pool1d", "avg_pool1d"]);
    b.add(x.with_last(n / 2), format!("{function}({}, 2)", x.name))
}

fn batch_norm(b: &mut Builder) -> Option<()> {
    let (x, _) = image(b)?;
    let field = b.field("BatchNorm2d(_)");
    b.add(x.shape, format!("{field}({})", x.name))
}

fn softmax(b: &mut Builder) -> Option<()> {
    let (x, _) = image(b)?;
    let field = b.field("Softmax2d");
    b.add(x.shape, format!("{field}({})", x.name))
}

fn instance_norm(b: &mut Builder) -> Option<()> {
    let (x, _) = image(b)?;
    // Of a normalisation's output as it is, the gradients of its weights would be what cancels.
    b.add(x.shape, format!("instance_norm(tanh({}))", x.name))
}

fn instance_layer(b: &mut Builder) -> Option<()> {
    let (x, _) = image(b)?;
    let options = b.pick(&["", ", affine = true", ", track_running_stats = true"]);
    let field = b.field(format!("InstanceNorm2d(_{options})"));
    b.add(x.shape, format!("{field}(tanh({}))", x.name))
}

fn padding(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    let layer = b.pick(&[
        "ZeroPad2d([1, 0, 1, 0])",
        "ConstantPad2d([0, 1, 1, 0], 0.5)",
        "ReflectionPad2d([1, 0, 0, 1])",
        "ReplicationPad2d([0, 1, 0, 1])",
        "CircularPad2d([1, 0, 1, 0])",
    ]);
    let field = b.field(layer);
    b.add(shaped(&x, [c, h + 1, w + 1]), format!("{field}({})", x.name))
}

fn power(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    b.add(shaped(&x, [c, h / 2, w / 2]), format!("lp_pool2d(sigmoid({}), 2.0, 2)", x.name))
}

/// An image as a volume of its channels.
fn volumes(b: &mut Builder) -> Option<()> {
    let (x, [c, h, w]) = image(b)?;
    match b.below(3) {
        0 => {
            let text = format!("max_pool3d(unsqueeze({}, 1), [1, 2, 2])[.., 0]", x.name);
            b.add(shaped(&x, [c, h / 2, w / 2]), text)
        }
        1 => {
            let field = b.field("Conv3d(1, 2, kernel = [1, 3, 3], padding = [0, 1, 1])");
            b.add(shaped(&x, [c, h, w]), format!("{field}(unsqueeze({}, 1))[.., 1]", x.name))
        }
        _ => {
            let field = b.field("AdaptiveAvgPool3d([None, 2, 3])");
            b.add(shaped(&x, [c, 2, 3]), format!("{field}(unsqueeze({}, 1))[.., 0]", x.name))
        }
    }
}

fn channels(b: &mut Builder) -> Option<()> {
    let (x, [c, ..]) = image(b)?;
    let field = match b.below(2) {
        0 => b.field(format!("PReLU({c})")),
        _ => b.field("Dropout2d(0.25)"),
    };
    b.add(x.shape, format!("{field}({})", x.name))
}
