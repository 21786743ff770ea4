//! How sizes come about, in a line that a message can show: "`flatten(x, 1)` is 64 × 5 × 5 = 1600".

use rustorch_shape::args::{Args, Value};
use rustorch_shape::{Poly, Size, normalize_axis};

/// For every axis of the output of a layer, what made its size, where there is something to say.
pub(super) fn layer(
    spec: &str,
    args: &Args,
    name: &str,
    text: &str,
    input: &[Poly],
    output: &[Poly],
) -> Vec<Option<String>> {
    let mut how = vec![None; output.len()];
    let last = output.len().saturating_sub(1);
    match spec {
        "Linear" => how[last] = size(args, "out_features").map(|n| format!("`{name}` gives {n} features")),
        "Embedding" => {
            how[last] = size(args, "embedding_dim").map(|n| format!("`{name}` gives {n} features"))
        }
        "Flatten" => return flatten(args, text, input, output),
        "Conv1d" | "Conv2d" | "Conv3d" => {
            how = windows(args, text, input, output);
            let spatial = sizes(args, "kernel").map_or(0, <[Poly]>::len);
            if let Some(axis) = output.len().checked_sub(spatial + 1) {
                how[axis] = size(args, "out_channels").map(|n| format!("`{name}` gives {n} channels"));
            }
        }
        "ConvTranspose1d" | "ConvTranspose2d" | "ConvTranspose3d" => {
            let spatial = sizes(args, "kernel").map_or(0, <[Poly]>::len);
            if let Some(axis) = output.len().checked_sub(spatial + 1) {
                how[axis] = size(args, "out_channels").map(|n| format!("`{name}` gives {n} channels"));
            }
        }
        "Rnn" | "Lstm" | "Gru" => how[last] = recurrent(args, name, &output[last]),
        "MaxPool1d" | "MaxPool2d" | "MaxPool3d" | "AvgPool1d" | "AvgPool2d" | "AvgPool3d" => {
            how = windows(args, text, input, output);
        }
        _ => {}
    }
    how
}

/// The same for a function.
pub(super) fn function(
    spec: &str,
    args: &Args,
    text: &str,
    inputs: &[&[Poly]],
    output: &[Poly],
) -> Vec<Option<String>> {
    match spec {
        "flatten" => flatten(args, text, inputs[0], output),
        "max_pool1d" | "max_pool2d" | "max_pool3d" | "avg_pool1d" | "avg_pool2d" | "avg_pool3d" => {
            windows(args, text, inputs[0], output)
        }
        "cat" => cat(args, text, inputs, output),
        _ => vec![None; output.len()],
    }
}

/// The features of a layer that reads a sequence.
fn recurrent(args: &Args, name: &str, features: &Poly) -> Option<String> {
    if args.flag("bidirectional").ok()? {
        let each = features.over(&Poly::constant(2))?;
        return Some(format!("`{name}` reads both ways, which gives 2 × {each} = {features} features"));
    }
    Some(format!("`{name}` gives {features} features"))
}

fn flatten(args: &Args, text: &str, input: &[Poly], output: &[Poly]) -> Vec<Option<String>> {
    let mut how = vec![None; output.len()];
    let axis = |name| args.axis(name).and_then(|axis| normalize_axis("flatten", axis, input.len()));
    if let (Ok(start), Ok(end)) = (axis("start_dim"), axis("end_dim"))
        && start < end
        && end < input.len()
    {
        let factors: Vec<String> = input[start..=end].iter().map(ToString::to_string).collect();
        how[start] = Some(format!("`{text}` is {}", equation(factors.join(" × "), &output[start])));
    }
    how
}

fn cat(args: &Args, text: &str, inputs: &[&[Poly]], output: &[Poly]) -> Vec<Option<String>> {
    let mut how = vec![None; output.len()];
    let axis = args.axis("dim").and_then(|axis| normalize_axis("cat", axis, output.len()));
    if let (Ok(axis), true) = (axis, inputs.len() > 1) {
        let parts: Vec<String> =
            inputs.iter().filter_map(|shape| shape.get(axis)).map(ToString::to_string).collect();
        if let (Some(slot), Some(total)) = (how.get_mut(axis), output.get(axis)) {
            *slot = Some(format!("`{text}` is {} on axis {axis}", equation(parts.join(" + "), total)));
        }
    }
    how
}

/// `(28 + 2×1 - 3)/2 + 1 = 14`, for every spatial axis that changes.
fn windows(args: &Args, text: &str, input: &[Poly], output: &[Poly]) -> Vec<Option<String>> {
    let mut how = vec![None; output.len()];
    let (Some(kernel), Some(stride)) = (sizes(args, "kernel"), sizes(args, "stride")) else { return how };
    let Some(padding) = sizes(args, "padding") else { return how };
    let first = output.len().saturating_sub(kernel.len());
    for (i, axis) in (first..output.len()).enumerate() {
        if input[axis] == output[axis] {
            continue;
        }
        let mut room = input[axis].to_string();
        if !padding[i].is(0) {
            room = format!("{room} + 2×{}", padding[i]);
        }
        room = match sizes(args, "dilation").map(|dilation| &dilation[i]).filter(|dilation| !dilation.is(1)) {
            Some(dilation) => format!("{room} - {dilation}×({} - 1) - 1", kernel[i]),
            None => format!("{room} - {}", kernel[i]),
        };
        let divided = if stride[i].is(1) { room } else { format!("({room})/{}", stride[i]) };
        let rounded =
            if matches!(args.get("ceil_mode"), Some(Value::Bool(true))) { ", rounded up" } else { "" };
        let equation = equation(format!("{divided} + 1"), &output[axis]);
        how[axis] = Some(format!("`{text}` is {equation} on axis {axis}{rounded}"));
    }
    how
}

/// A formula and its value, once if they are the same.
fn equation(formula: String, value: &Poly) -> String {
    let value = value.to_string();
    if formula == value { formula } else { format!("{formula} = {value}") }
}

fn size<'a>(args: &'a Args, name: &str) -> Option<&'a Poly> {
    match args.get(name)? {
        Value::Size(size) => Some(size),
        _ => None,
    }
}

fn sizes<'a>(args: &'a Args, name: &str) -> Option<&'a [Poly]> {
    match args.get(name)? {
        Value::Sizes(sizes) => Some(sizes),
        _ => None,
    }
}
