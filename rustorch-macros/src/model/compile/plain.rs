//! Functions and layers whose kernels take tensors, options and nothing else.

use super::super::callee::Callee;
use super::super::codegen;
use super::super::ir::Var;
use super::super::lower::Arg;
use super::Kind;
use super::elements::COMPARE;
use super::kernels::{normal, pads_with_zeros};
use super::steps::Compiler;
use quote::quote;
use rustorch_shape::Poly;
use rustorch_shape::args::{Args, Value};
use rustorch_shape::einsum::{Axis, Contraction, Spec};

impl Compiler<'_> {
    /// The kernel of a function, if it has one of this kind.
    pub fn plain<'p>(&self, name: &'static str, inputs: &[Var], args: &[Arg]) -> Option<Kind<'p>> {
        let shape = |var: Var| self.checked.shapes.get(var)?.as_ref();
        let first = shape(*inputs.first()?)?;
        let rank = first.len();
        let (mut inputs, mut number) = (inputs.to_vec(), None);
        let (method, options) = match (name, args) {
            ("cat", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                ("cat", axis.to_string())
            }
            ("stack", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank + 1)?;
                ("cat", axis.to_string())
            }
            ("split", [Arg::Array(_), Arg::Axis(axis)]) | ("chunk" | "unbind", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                ("split", format!("({axis}, 0)"))
            }
            ("narrow", [Arg::Axis(axis), Arg::Size(start), Arg::Size(_)])
            | ("select", [Arg::Axis(axis), Arg::Size(start)]) => {
                let axis = normal(*axis, rank)?;
                ("split", format!("({axis}, {start})"))
            }
            ("slice", [Arg::Axis(axis), Arg::Size(start), Arg::Size(_), Arg::Size(step)]) => {
                let axis = normal(*axis, rank)?;
                ("slice", format!("({axis}, {start}, {step})"))
            }
            (
                "sum" | "mean" | "prod" | "amax" | "max" | "amin" | "min" | "logsumexp",
                [Arg::Axes(axes), Arg::Bool(_)],
            ) => {
                let fold = match name {
                    "sum" => "Sum",
                    "prod" => "Product",
                    "mean" => "Mean",
                    "amax" | "max" => "Max",
                    "amin" | "min" => "Min",
                    _ => "LogSumExp",
                };
                reduced(axes, rank, fold)?
            }
            ("var" | "std", [Arg::Axes(axes), correction, Arg::Bool(_)]) => {
                number = Some(super::kernels::number(correction)?);
                let fold = if name == "var" { "Variance" } else { "Deviation" };
                reduced(axes, rank, &format!("{fold} {{ correction: {NUMBER} }}"))?
            }
            // What a norm needs depends on its power, so plans are made of that.
            ("norm", [Arg::Float(p), Arg::Axes(axes), Arg::Bool(_)]) => {
                reduced(axes, rank, &format!("Norm {{ p: {p:?}f64 }}"))?
            }
            ("softmax" | "log_softmax", [Arg::Axis(axis)]) => {
                let (axis, logarithm) = (normal(*axis, rank)?, name == "log_softmax");
                ("softmax", format!("({axis}, {logarithm})"))
            }
            ("matmul" | "bmm" | "mm", []) => {
                let second = shape(*inputs.get(1)?)?;
                let alike = || {
                    let pairs = first.iter().zip(second).take(rank - 2);
                    second.len() == rank && pairs.clone().all(|(a, b)| a == b)
                };
                if rank < 2 || second.len() != 2 && !alike() {
                    // Vectors, and axes that broadcast.
                    let spec = match (rank, second.len()) {
                        (1, 1) => "j,j->",
                        (1, _) => "j,...jk->...k",
                        (_, 1) => "...ij,j->...i",
                        _ => "...ij,...jk->...ik",
                    };
                    return self.einsum(spec, &inputs);
                }
                ("matmul", "()".into())
            }
            // The last axes of both are summed over, the rows of the weight are the last axis of the result.
            ("linear", [Arg::Tensor(None)]) => {
                let second = shape(*inputs.get(1)?)?;
                (rank >= 1 && second.len() == 2).then_some(())?;
                let (axes, columns) = (0..rank, 0..rank - 1);
                let labels = [axes.collect(), vec![rank, rank - 1], columns.chain([rank]).collect()];
                ("einsum", contractions(&slices(&labels[..2]), &labels, &[(0, 1)]))
            }
            ("gather" | "index_select", [Arg::Axis(axis), Arg::Given(index)]) => {
                let (axis, each) = (normal(*axis, rank)?, name == "gather");
                inputs.push(*index);
                ("pick", picks(name, axis, each))
            }
            ("take_along_dim", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                ("pick", picks(name, axis, true))
            }
            ("pad", [Arg::Slice(sizes), Arg::Text(mode), value]) => {
                number = Some(super::kernels::number(value)?);
                padded(sizes, mode, NUMBER)
            }
            ("roll", [Arg::Axes(shifts), Arg::Axes(axes)]) => {
                let (shifts, axes) = (codegen::list(shifts), positions(axes, rank)?);
                arranged(format_args!("Roll {{ shifts: &[{shifts}], axes: &[{axes}] }}"))
            }
            ("flip", [Arg::Axes(axes)]) => {
                let axes = positions(axes, rank)?;
                arranged(format_args!("Flip(&[{axes}])"))
            }
            ("repeat" | "expand", [Arg::Slice(_)]) => arranged(format_args!("Tile")),
            ("repeat_interleave", [Arg::Size(count), Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                arranged(format_args!("Each {{ axis: {axis}, count: {count} }}"))
            }
            (name, args) if COMPARE.contains(&name) => {
                let given = match args {
                    [] => "None".into(),
                    [Arg::Given(other)] => {
                        inputs.push(*other);
                        "None".into()
                    }
                    [value] => {
                        number = Some(super::kernels::number(value)?);
                        format!("Some(::rustorch::Scalar::from({NUMBER}))")
                    }
                    _ => return None,
                };
                ("compare", format!("(operators::{name}, {given})"))
            }
            ("zeros_like" | "ones_like" | "full_like", value) => {
                let value = match (name, value) {
                    ("zeros_like", []) => "0.0",
                    ("ones_like", []) => "1.0",
                    (_, [value]) => {
                        number = Some(super::kernels::number(value)?);
                        NUMBER
                    }
                    _ => return None,
                };
                ("filled", value.into())
            }
            ("tril" | "triu", [Arg::Axis(diagonal)]) => {
                ("triangle", format!("({diagonal}, {})", name == "tril"))
            }
            ("layer_norm", [Arg::Slice(sizes), Arg::Tensor(None), Arg::Tensor(None), eps]) => {
                number = Some(super::kernels::number(eps)?);
                ("normal_rows", rows(sizes, true))
            }
            ("rms_norm", [Arg::Slice(sizes), Arg::Tensor(None), eps]) => {
                number = Some(super::kernels::number(eps)?);
                ("normal_rows", rows(sizes, false))
            }
            ("group_norm", [Arg::Size(groups), Arg::Tensor(None), Arg::Tensor(None), eps]) => {
                number = Some(super::kernels::number(eps)?);
                (
                    "group_norm",
                    format!("::rustorch::__private::compiled::GroupNorm::plain({groups}, {NUMBER})"),
                )
            }
            ("instance_norm", [Arg::Tensor(None), Arg::Tensor(None), eps]) => {
                number = Some(super::kernels::number(eps)?);
                let (axes, channels) = (rank.checked_sub(2)?, first.get(1)?);
                let norm = "::rustorch::__private::compiled::InstanceNorm";
                ("instance_norm", format!("{norm}::plain({axes}, {channels}, {NUMBER})"))
            }
            (
                "conv1d" | "conv2d",
                [Arg::Tensor(bias), Arg::Array(stride), padding, Arg::Array(dilation), Arg::Size(groups)],
            ) => {
                inputs.extend(bias);
                ("convolve", convolution(stride, padding, dilation, groups)?)
            }
            (
                "lp_pool1d" | "lp_pool2d" | "lp_pool3d",
                [Arg::Array(kernel), Arg::Array(stride), Arg::Bool(ceil_mode)],
            ) => {
                let [none, one] = [0, 1].map(|size| vec![Poly::integer(size); kernel.len()]);
                ("average_pool", windows(name, [kernel, stride, &none, &one], [*ceil_mode, true], None))
            }
            ("embedding", []) => {
                inputs.reverse();
                ("pick", picks(name, 0, false))
            }
            ("cumsum" | "cumprod" | "logcumsumexp", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                let what = match name {
                    "cumsum" => "Sum",
                    "cumprod" => "Product",
                    _ => "LogSumExp",
                };
                ("running", format!("({axis}, ::rustorch::__private::compiled::Running::{what})"))
            }
            ("all" | "any", [Arg::Axes(axes), Arg::Bool(_)]) => {
                let axes = folded(axes, rank)?;
                ("logic", format!("(&[{axes}], {})", name == "all"))
            }
            ("rrelu", [lower, upper, Arg::Training]) => {
                let [lower, upper] = [super::kernels::number(lower)?, super::kernels::number(upper)?];
                number = Some(quote!([#lower, #upper]));
                let path = "::rustorch::__private::compiled";
                ("rrelu", format!("{path}::Slopes {{ bounds: {NUMBER}, training: self.training.get() }}"))
            }
            ("rand_like" | "randn_like", []) => ("random", (name == "randn_like").to_string()),
            ("argmax" | "argmin", [Arg::Axis(axis), Arg::Bool(_)]) => {
                let (axis, largest) = (normal(*axis, rank)?, name == "argmax");
                ("extreme", format!("({axis}, {largest})"))
            }
            ("sort", [Arg::Axis(axis), Arg::Bool(descending), _])
            | ("topk", [Arg::Size(_), Arg::Axis(axis), Arg::Bool(descending), _]) => {
                let axis = normal(*axis, rank)?;
                ("in_order", format!("({axis}, {descending})"))
            }
            ("interpolate", [_, factors, Arg::Text(mode), Arg::Bool(align_corners)]) => {
                let factors = match factors {
                    Arg::Slice(factors) => &factors[..],
                    Arg::Tensor(None) => &[],
                    _ => return None,
                };
                interpolation(factors, mode, *align_corners, rank)?
            }
            ("pixel_shuffle" | "pixel_unshuffle", [Arg::Size(factor)]) => {
                ("shuffle", shuffle(factor, name == "pixel_unshuffle"))
            }
            (
                "max_pool1d" | "max_pool2d" | "max_pool3d",
                [
                    Arg::Array(kernel),
                    Arg::Array(stride),
                    Arg::Array(padding),
                    Arg::Array(dilation),
                    Arg::Bool(ceil_mode),
                ],
            ) => ("max_pool", windows(name, [kernel, stride, padding, dilation], [*ceil_mode, false], None)),
            (
                "avg_pool1d" | "avg_pool2d" | "avg_pool3d",
                [
                    Arg::Array(kernel),
                    Arg::Array(stride),
                    Arg::Array(padding),
                    Arg::Bool(ceil_mode),
                    Arg::Bool(pad),
                    divisor @ ..,
                ],
            ) => {
                let one = vec![Poly::integer(1); kernel.len()];
                let divisor = match divisor {
                    [Arg::OptionalSize(divisor)] => divisor.as_ref(),
                    _ => None,
                };
                ("average_pool", windows(name, [kernel, stride, padding, &one], [*ceil_mode, *pad], divisor))
            }
            (
                "adaptive_max_pool1d" | "adaptive_max_pool2d" | "adaptive_max_pool3d",
                [Arg::OptionalSizes(sizes)],
            ) => ("max_pool", adaptive(name, sizes.len())),
            (
                "adaptive_avg_pool1d" | "adaptive_avg_pool2d" | "adaptive_avg_pool3d",
                [Arg::OptionalSizes(sizes)],
            ) => ("average_pool", adaptive(name, sizes.len())),
            _ => return None,
        };
        Some(Kind::Kernel { method, name: name.into(), inputs, options, number })
    }

    /// A contraction of tensors.
    pub fn einsum<'p>(&self, spec: &str, inputs: &[Var]) -> Option<Kind<'p>> {
        let parsed = Spec::parse(spec).ok()?;
        let shapes: Vec<&Vec<Poly>> =
            inputs.iter().map(|input| self.checked.shapes.get(*input)?.as_ref()).collect::<Option<_>>()?;
        let checked = parsed.check(&shapes).ok()?;
        let plan = checked.plan();
        let label = |axis: &Axis| if axis.broadcast { "usize::MAX".into() } else { axis.index.to_string() };
        let given = codegen::list(
            checked.operands.iter().map(|axes| format!("&[{}]", codegen::list(axes.iter().map(label)))),
        );
        let mut labels: Vec<Vec<usize>> =
            plan.prepare.iter().map(|prepare| prepare.indices.clone()).collect();
        labels.extend(plan.contractions.iter().map(Contraction::result));
        labels.pop();
        labels.push(checked.output.clone());
        let pairs: Vec<(usize, usize)> =
            plan.contractions.iter().map(|pair| (pair.left, pair.right)).collect();
        Some(Kind::Kernel {
            method: "einsum",
            name: format!("einsum {spec}"),
            inputs: inputs.to_vec(),
            options: contractions(&given, &labels, &pairs),
            number: None,
        })
    }

    /// The kernel of a layer, if it has one of this kind.
    pub fn plain_layer<'p>(&self, callee: Callee, input: Var) -> Option<Kind<'p>> {
        let (layer, args) = self.model.layer(self.checked, callee.field)?;
        let rank = self.checked.shapes.get(input)?.as_ref()?.len();
        let reference = codegen::reference(self.model, callee);
        let from_layer = |kind: &str| format!("::rustorch::__private::compiled::{kind}::from({reference})");
        let (method, options) = match layer.spec.name {
            "MaxPool1d" | "MaxPool2d" | "MaxPool3d" | "AdaptiveMaxPool1d" | "AdaptiveMaxPool2d"
            | "AdaptiveMaxPool3d" => ("max_pool", from_layer("Pool")),
            "AvgPool1d" | "AvgPool2d" | "AvgPool3d" | "AdaptiveAvgPool1d" | "AdaptiveAvgPool2d"
            | "AdaptiveAvgPool3d" => ("average_pool", from_layer("Pool")),
            "ConvTranspose1d" | "ConvTranspose2d" => ("conv_transpose", from_layer("ConvTranspose")),
            "Conv3d" if !pads_with_zeros(args) => return None,
            "Conv3d" | "ConvTranspose3d" => ("conv3d", from_layer("Conv3d")),
            "RReLU" => ("rrelu", from_layer("Slopes")),
            "GroupNorm" => ("group_norm", from_layer("GroupNorm")),
            "InstanceNorm1d" | "InstanceNorm2d" | "InstanceNorm3d" => {
                ("instance_norm", from_layer("InstanceNorm"))
            }
            name if border(name).is_some() => {
                let value = match args.get("value") {
                    Some(_) => format!("({reference}).value"),
                    None => "0.0".into(),
                };
                padded(args.sizes("padding").ok()?, border(name)?, &value)
            }
            "Upsample" => {
                let factors = args.sizes("scale_factor").unwrap_or_default();
                let Some(Value::Text(mode)) = args.get("mode") else { return None };
                interpolation(factors, mode, literal(args, "align_corners")?, rank)?
            }
            "PixelShuffle" => ("shuffle", shuffle(args.size("upscale_factor").ok()?, false)),
            "PixelUnshuffle" => ("shuffle", shuffle(args.size("downscale_factor").ok()?, true)),
            name @ ("Softmax" | "LogSoftmax") => {
                let (axis, logarithm) = (normal(args.axis("dim").ok()?, rank)?, name == "LogSoftmax");
                ("softmax", format!("({axis}, {logarithm})"))
            }
            _ => return None,
        };
        let name = self.model.fields[callee.field].label.clone();
        Some(Kind::Kernel { method, name, inputs: vec![input], options, number: None })
    }
}

/// What stands in options for the number of a kernel that is a user's expression.
pub(in super::super) const NUMBER: &str = "__number";

/// What a layer of padding puts around, by PyTorch's name.
pub(in super::super) fn border(layer: &str) -> Option<&'static str> {
    let (kind, axes) = layer.split_once("Pad")?;
    let mode = match kind {
        "Zero" | "Constant" => "constant",
        "Reflection" => "reflect",
        "Replication" => "replicate",
        "Circular" => "circular",
        _ => return None,
    };
    axes.ends_with('d').then_some(mode)
}

fn padded(sizes: &[Poly], mode: &str, value: &str) -> (&'static str, String) {
    let sizes = codegen::list(sizes);
    arranged(format_args!("Pad {{ sizes: &[{sizes}], mode: {mode:?}, value: {value} }}"))
}

fn literal(args: &Args, name: &str) -> Option<bool> {
    if let Some(Value::Bool(flag)) = args.get(name) { Some(*flag) } else { None }
}

/// Elements or rows at the places that an index holds.
fn picks(op: &str, axis: usize, each: bool) -> String {
    let wraps = op == "take_along_dim";
    format!(
        "::rustorch::__private::compiled::Picks {{ op: {op:?}, axis: {axis}, each: {each}, wraps: {wraps} }}"
    )
}

/// Elements in other places along their axes.
fn arranged(how: std::fmt::Arguments<'_>) -> (&'static str, String) {
    ("arrange", format!("::rustorch::__private::compiled::Arrange::{how}"))
}

fn rows(sizes: &[Poly], centred: bool) -> String {
    let sizes = codegen::list(sizes);
    format!("::rustorch::__private::compiled::RowNorm::plain(&[{sizes}], {NUMBER}, {centred})")
}

fn convolution(stride: &[Poly], padding: &Arg, dilation: &[Poly], groups: &Poly) -> Option<String> {
    let axes = stride.len();
    let padding = match padding {
        Arg::Array(sizes) => format!("Zeros([{}])", codegen::list(sizes)),
        Arg::Text(mode) if mode == "same" => "Same".into(),
        Arg::Text(mode) if mode == "valid" => "Valid".into(),
        _ => return None,
    };
    let [stride, dilation] = [stride, dilation].map(codegen::list);
    Some(format!(
        "&::rustorch::nn::functional::ConvOptions::<{axes}> {{ stride: [{stride}], \
         padding: ::rustorch::nn::functional::Padding::{padding}, dilation: [{dilation}], groups: {groups} }}"
    ))
}

/// A fold over axes; without any, over all of them.
fn reduced(axes: &[isize], rank: usize, fold: &str) -> Option<(&'static str, String)> {
    let axes = folded(axes, rank)?;
    let path = "::rustorch::__private::compiled";
    Some(("reduce", format!("{path}::Reduce {{ axes: &[{axes}], fold: {path}::Fold::{fold} }}")))
}

/// Axes that are folded, as positions; without any, all of them.
fn folded(axes: &[isize], rank: usize) -> Option<String> {
    match axes {
        [] => Some(codegen::list(0..rank)),
        axes => positions(axes, rank),
    }
}

/// Axes as positions.
fn positions(axes: &[isize], rank: usize) -> Option<String> {
    let axes: Vec<usize> = axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<_>>()?;
    Some(codegen::list(axes))
}

/// The labels of several tensors.
fn slices(labels: &[Vec<usize>]) -> String {
    codegen::list(labels.iter().map(|labels| format!("&[{}]", codegen::list(labels))))
}

fn contractions(given: &str, labels: &[Vec<usize>], pairs: &[(usize, usize)]) -> String {
    let labels = slices(labels);
    let pairs = codegen::list(pairs.iter().map(|(left, right)| format!("({left}, {right})")));
    format!(
        "::rustorch::__private::compiled::Contractions {{ given: &[{given}], labels: &[{labels}], pairs: &[{pairs}] }}"
    )
}

/// An image of another size; means over areas are an average pooling.
fn interpolation(
    factors: &[Poly],
    mode: &str,
    align_corners: bool,
    rank: usize,
) -> Option<(&'static str, String)> {
    if mode == "area" {
        let axes = rank.checked_sub(2).filter(|axes| (1..=3).contains(axes))?;
        return Some(("average_pool", adaptive("interpolate", axes)));
    }
    Some(("interpolate", codegen::interpolation(factors, mode, align_corners)))
}

fn shuffle(factor: &Poly, to_channels: bool) -> String {
    format!("({factor}, {to_channels})")
}

fn windows(op: &str, sizes: [&[Poly]; 4], [ceil_mode, pad]: [bool; 2], divisor: Option<&Poly>) -> String {
    let [kernel, stride, padding, dilation] = sizes.map(codegen::list);
    let divisor = codegen::optional(divisor);
    format!(
        "::rustorch::__private::compiled::Pool::Regular {{ op: {op:?}, kernel: &[{kernel}], stride: &[{stride}], \
         padding: &[{padding}], dilation: &[{dilation}], ceil_mode: {ceil_mode}, count_include_pad: {pad}, \
         divisor_override: {divisor} }}"
    )
}

fn adaptive(op: &str, axes: usize) -> String {
    format!("::rustorch::__private::compiled::Pool::Adaptive {{ op: {op:?}, axes: {axes} }}")
}
