//! Functions and layers whose kernels take tensors, options and nothing else.

use super::super::codegen;
use super::super::ir::Var;
use super::super::lower::Arg;
use super::kernels::normal;
use super::steps::Compiler;
use super::{Callee, Kind};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::Poly;
use rustorch_shape::args::{Args, Value};
use rustorch_shape::einsum::Spec;

impl Compiler<'_> {
    /// The kernel of a function, if it has one of this kind.
    pub fn plain<'p>(&self, name: &'static str, inputs: &[Var], args: &[Arg]) -> Option<Kind<'p>> {
        let shape = |var: Var| self.checked.shapes.get(var)?.as_ref();
        let first = shape(*inputs.first()?)?;
        let rank = first.len();
        let (method, options) = match (name, args) {
            ("cat", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                ("cat", quote!(#axis))
            }
            ("stack", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank + 1)?;
                ("cat", quote!(#axis))
            }
            ("split", [Arg::Array(_), Arg::Axis(axis)]) | ("chunk" | "unbind", [Arg::Axis(axis)]) => {
                let axis = normal(*axis, rank)?;
                ("split", quote!((#axis, 0)))
            }
            ("narrow", [Arg::Axis(axis), Arg::Size(start), Arg::Size(_)])
            | ("select", [Arg::Axis(axis), Arg::Size(start)]) => {
                let (axis, start) = (normal(*axis, rank)?, codegen::size(start));
                ("split", quote!((#axis, #start)))
            }
            ("slice", [Arg::Axis(axis), Arg::Size(start), Arg::Size(_), Arg::Size(step)]) => {
                let (axis, start, step) = (normal(*axis, rank)?, codegen::size(start), codegen::size(step));
                ("slice", quote!((#axis, #start, #step)))
            }
            ("sum" | "mean", [Arg::Axes(axes), Arg::Bool(_)]) => {
                let axes: Vec<usize> = match axes[..] {
                    [] => (0..rank).collect(),
                    _ => axes.iter().map(|axis| normal(*axis, rank)).collect::<Option<_>>()?,
                };
                let is_mean = name == "mean";
                ("sum", quote!((&[#(#axes),*], #is_mean)))
            }
            ("softmax" | "log_softmax", [Arg::Axis(axis)]) => {
                let (axis, logarithm) = (normal(*axis, rank)?, name == "log_softmax");
                ("softmax", quote!((#axis, #logarithm)))
            }
            ("matmul" | "bmm" | "mm", []) => {
                let second = shape(*inputs.get(1)?)?;
                let alike = || {
                    let pairs = first.iter().zip(second).take(rank - 2);
                    second.len() == rank && pairs.clone().all(|(a, b)| a == b)
                };
                (rank >= 2 && (second.len() == 2 || alike())).then_some(())?;
                ("matmul", quote!(()))
            }
            // The last axes of both are summed over, the rows of the weight are the last axis of the result.
            ("linear", [Arg::Tensor(None)]) => {
                let second = shape(*inputs.get(1)?)?;
                (rank >= 1 && second.len() == 2).then_some(())?;
                let (axes, columns) = (0..rank, 0..rank - 1);
                let options =
                    quote!([&[#(#axes),*] as &[usize], &[#rank, #rank - 1], &[#(#columns,)* #rank]]);
                ("einsum", options)
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
        Some(Kind::Kernel { method, name: name.into(), inputs: inputs.to_vec(), options })
    }

    /// A contraction of two tensors, if it is one by products of matrices: every index occurs in two of the operands and the result,
    /// and once in each.
    pub fn einsum<'p>(&self, spec: &str, inputs: &[Var]) -> Option<Kind<'p>> {
        let parsed = Spec::parse(spec).ok()?;
        let [left, right] = parsed.operands() else { return None };
        let terms = [left, right, parsed.output()];
        let labels = terms.map(|term| term.labels().collect::<Vec<usize>>());
        let occurs = |label: usize| labels.each_ref().map(|labels| labels.contains(&label));
        let once = |labels: &Vec<usize>| (1..labels.len()).all(|at| !labels[..at].contains(&labels[at]));
        let shape = |input: usize| self.checked.shapes.get(inputs[input])?.as_ref();
        let (first, second) = (shape(0)?, shape(1)?);
        let same_size = |label: usize| {
            let at = |operand: usize| labels[operand].iter().position(|known| *known == label);
            at(0).zip(at(1)).is_none_or(|(a, b)| first[a] == second[b])
        };
        let all = || labels.iter().flatten().copied();
        let fits = terms.iter().all(|term| !term.has_ellipsis())
            && labels.iter().all(once)
            && all()
                .all(|label| occurs(label).iter().filter(|found| **found).count() >= 2 && same_size(label));
        // Of elementwise products there would be a matrix product per element.
        let has = |wanted: [bool; 3]| all().any(|label| occurs(label) == wanted);
        let (rows, columns) = (has([true, false, true]), has([false, true, true]));
        let is_product = rows && columns || has([true, true, false]) && (rows || columns);
        (fits && is_product).then_some(())?;
        let labels = labels.iter().map(|labels| quote!(&[#(#labels),*] as &[usize]));
        let options = quote!([#(#labels),*]);
        Some(Kind::Kernel {
            method: "einsum",
            name: format!("einsum {spec}"),
            inputs: inputs.to_vec(),
            options,
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
                ("group_norm", quote!(::rustorch::__private::compiled::GroupNorm::from(#layer)))
            }
            name => {
                let (axis, logarithm) = (normal(args.axis("dim").ok()?, rank)?, name == "LogSoftmax");
                ("softmax", quote!((#axis, #logarithm)))
            }
        };
        let name = self.model.fields[callee.field].label.clone();
        Some(Kind::Kernel { method, name, inputs: vec![input], options })
    }
}

fn literal(args: &Args, name: &str) -> Option<bool> {
    if let Some(Value::Bool(flag)) = args.get(name) { Some(*flag) } else { None }
}

fn regular(
    kernel: &[Poly],
    stride: &[Poly],
    padding: &[Poly],
    [ceil_mode, pad]: [bool; 2],
    divisor: Option<&Poly>,
) -> TokenStream {
    let pair = |sizes: &[Poly]| {
        let sizes = sizes.iter().map(codegen::size);
        quote!([#(#sizes),*])
    };
    let (kernel, stride, padding) = (pair(kernel), pair(stride), pair(padding));
    let divisor = codegen::optional_size(divisor);
    quote!(::rustorch::__private::compiled::AveragePool::Regular {
        kernel: #kernel, stride: #stride, padding: #padding, ceil_mode: #ceil_mode, count_include_pad: #pad,
        divisor_override: #divisor
    })
}

fn adaptive() -> TokenStream {
    quote!(::rustorch::__private::compiled::AveragePool::Adaptive)
}
