//! Functions and layers whose kernels take tensors, options and nothing else.

use super::super::codegen;
use super::super::ir::Var;
use super::super::lower::Arg;
use super::kernels::normal;
use super::steps::Compiler;
use super::{Callee, Kind};
use rustorch_shape::Poly;
use rustorch_shape::args::{Args, Value};
use rustorch_shape::einsum::{Axis, Contraction, Prepare, Spec};

impl Compiler<'_> {
    /// The kernel of a function, if it has one of this kind.
    pub fn plain<'p>(&self, name: &'static str, inputs: &[Var], args: &[Arg]) -> Option<Kind<'p>> {
        let shape = |var: Var| self.checked.shapes.get(var)?.as_ref();
        let first = shape(*inputs.first()?)?;
        let rank = first.len();
        let mut inputs = inputs.to_vec();
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
            ("sum" | "mean", [Arg::Axes(axes), Arg::Bool(_)]) => {
                let axes: Vec<usize> = match axes[..] {
                    [] => (0..rank).collect(),
                    _ => axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<_>>()?,
                };
                let is_mean = name == "mean";
                ("sum", format!("(&[{}], {is_mean})", codegen::list(axes)))
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
                (rank >= 2 && (second.len() == 2 || alike())).then_some(())?;
                ("matmul", "()".into())
            }
            // The last axes of both are summed over, the rows of the weight are the last axis of the result.
            ("linear", [Arg::Tensor(None)]) => {
                let second = shape(*inputs.get(1)?)?;
                (rank >= 1 && second.len() == 2).then_some(())?;
                let (axes, columns) = (0..rank, 0..rank - 1);
                let labels = [axes.collect(), vec![rank, rank - 1], columns.chain([rank]).collect()];
                ("einsum", contractions(&labels, &[(0, 1)]))
            }
            ("gather" | "index_select", [Arg::Axis(axis), Arg::Given(index)]) => {
                let (axis, each) = (normal(*axis, rank)?, name == "gather");
                inputs.push(*index);
                ("pick", picks(name, axis, each))
            }
            // Where other axes broadcast, the operation does it.
            ("take_along_dim", [Arg::Axis(axis)]) => {
                let (axis, second) = (normal(*axis, rank)?, shape(*inputs.get(1)?)?);
                let is_alike = |other: usize| other == axis || first[other] == second[other];
                (second.len() == rank && (0..rank).all(is_alike)).then_some(())?;
                ("pick", picks(name, axis, true))
            }
            ("pad", [Arg::Slice(sizes), Arg::Text(mode), Arg::Float(value)]) => {
                let sizes = codegen::list(sizes);
                arranged(format_args!("Pad {{ sizes: &[{sizes}], mode: {mode:?}, value: {value:?}f64 }}"))
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
            ("embedding", []) => {
                inputs.reverse();
                ("pick", picks(name, 0, false))
            }
            ("cumsum", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                ("cumsum", axis.to_string())
            }
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
                "avg_pool2d",
                [
                    Arg::Array(kernel),
                    Arg::Array(stride),
                    Arg::Array(padding),
                    Arg::Bool(ceil_mode),
                    Arg::Bool(pad),
                    Arg::OptionalSize(divisor),
                ],
            ) => ("average_pool", regular(kernel, stride, padding, [*ceil_mode, *pad], divisor.as_ref())),
            ("adaptive_avg_pool2d", _) => ("average_pool", adaptive()),
            _ => return None,
        };
        Some(Kind::Kernel { method, name: name.into(), inputs, options })
    }

    /// A contraction of tensors, if it is one by products of matrices: nothing is repeated, broadcast or summed within an operand, and no
    /// pair is multiplied element by element.
    pub fn einsum<'p>(&self, spec: &str, inputs: &[Var]) -> Option<Kind<'p>> {
        let parsed = Spec::parse(spec).ok()?;
        let shapes: Vec<&Vec<Poly>> =
            inputs.iter().map(|input| self.checked.shapes.get(*input)?.as_ref()).collect::<Option<_>>()?;
        let checked = parsed.check(&shapes).ok()?;
        let plan = checked.plan();
        let is_whole = checked.assumptions.is_empty()
            && checked.operands.iter().flatten().all(|axis| !axis.broadcast)
            && plan.prepare.iter().all(Prepare::is_identity);
        // Of elementwise products there would be a matrix product per element.
        let is_product = |pair: &Contraction| {
            let (rows, columns) = (!pair.rows.is_empty(), !pair.columns.is_empty());
            rows && columns || !pair.contracted.is_empty() && (rows || columns)
        };
        (inputs.len() >= 2 && is_whole && plan.contractions.iter().all(is_product)).then_some(())?;
        let of_operand = |axes: &Vec<Axis>| axes.iter().map(|axis| axis.index).collect::<Vec<usize>>();
        let mut labels: Vec<Vec<usize>> = checked.operands.iter().map(of_operand).collect();
        labels.extend(plan.contractions.iter().map(Contraction::result));
        labels.pop();
        labels.push(checked.output.clone());
        let pairs: Vec<(usize, usize)> =
            plan.contractions.iter().map(|pair| (pair.left, pair.right)).collect();
        Some(Kind::Kernel {
            method: "einsum",
            name: format!("einsum {spec}"),
            inputs: inputs.to_vec(),
            options: contractions(&labels, &pairs),
        })
    }

    /// The kernel of a layer, if it has one of this kind.
    pub fn plain_layer<'p>(&self, callee: Callee, input: Var) -> Option<Kind<'p>> {
        let (layer, args) = self.model.layer(self.checked, callee.field)?;
        let rank = self.checked.shapes.get(input)?.as_ref()?.len();
        let (method, options) = match layer.spec.name {
            "AvgPool2d" => {
                let sizes = |name: &'static str| args.sizes(name).ok();
                let (kernel, stride, padding) = (sizes("kernel")?, sizes("stride")?, sizes("padding")?);
                let (ceil_mode, pad) = (literal(args, "ceil_mode")?, literal(args, "count_include_pad")?);
                let divisor = args.size("divisor_override").ok();
                ("average_pool", regular(kernel, stride, padding, [ceil_mode, pad], divisor))
            }
            "AdaptiveAvgPool2d" => ("average_pool", adaptive()),
            "GroupNorm" => {
                let layer = codegen::reference(self.model, callee.field, callee.element);
                ("group_norm", format!("::rustorch::__private::compiled::GroupNorm::from({layer})"))
            }
            "Upsample" => {
                let factors = args.sizes("scale_factor").unwrap_or_default();
                let Some(Value::Text(mode)) = args.get("mode") else { return None };
                interpolation(factors, mode, literal(args, "align_corners")?, rank)?
            }
            "PixelShuffle" => ("shuffle", shuffle(args.size("upscale_factor").ok()?, false)),
            "PixelUnshuffle" => ("shuffle", shuffle(args.size("downscale_factor").ok()?, true)),
            name => {
                let (axis, logarithm) = (normal(args.axis("dim").ok()?, rank)?, name == "LogSoftmax");
                ("softmax", format!("({axis}, {logarithm})"))
            }
        };
        let name = self.model.fields[callee.field].label.clone();
        Some(Kind::Kernel { method, name, inputs: vec![input], options })
    }
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

/// Axes as positions.
fn positions(axes: &[isize], rank: usize) -> Option<String> {
    let axes: Vec<usize> = axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<_>>()?;
    Some(codegen::list(axes))
}

fn contractions(labels: &[Vec<usize>], pairs: &[(usize, usize)]) -> String {
    let labels = codegen::list(labels.iter().map(|labels| format!("&[{}]", codegen::list(labels))));
    let pairs = codegen::list(pairs.iter().map(|(left, right)| format!("({left}, {right})")));
    format!("::rustorch::__private::compiled::Contractions {{ labels: &[{labels}], pairs: &[{pairs}] }}")
}

/// An image of another size; means over areas are an average pooling.
fn interpolation(
    factors: &[Poly],
    mode: &str,
    align_corners: bool,
    rank: usize,
) -> Option<(&'static str, String)> {
    if mode == "area" {
        return (rank == 4).then(|| ("average_pool", adaptive()));
    }
    Some(("interpolate", codegen::interpolation(factors, mode, align_corners)))
}

fn shuffle(factor: &Poly, to_channels: bool) -> String {
    format!("({factor}, {to_channels})")
}

fn regular(
    kernel: &[Poly],
    stride: &[Poly],
    padding: &[Poly],
    [ceil_mode, pad]: [bool; 2],
    divisor: Option<&Poly>,
) -> String {
    let [kernel, stride, padding] = [kernel, stride, padding].map(codegen::list);
    let divisor = codegen::optional(divisor);
    format!(
        "::rustorch::__private::compiled::AveragePool::Regular {{ kernel: [{kernel}], stride: [{stride}], \
         padding: [{padding}], ceil_mode: {ceil_mode}, count_include_pad: {pad}, divisor_override: {divisor} }}"
    )
}

fn adaptive() -> String {
    "::rustorch::__private::compiled::AveragePool::Adaptive".into()
}
