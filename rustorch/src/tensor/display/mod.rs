//! How tensors print: as PyTorch prints them, to the character.

mod number;
mod options;

use std::fmt::{self, Write as _};

use num_complex::Complex;

pub use options::{PrintOptions, print_options, set_print_options};

use crate::{DType, Device, Tensor, no_grad};
use number::Format;

/// One line: shape, dtype and device. The elements are printed by `Display`.
impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({:?}, {}, {})", self.shape(), self.dtype(), self.device())
    }
}

/// The elements, as PyTorch's `print` shows them, under the [`PrintOptions`]; a precision in the format string
/// (`{:.2}`) overrides theirs.
///
/// ```
/// use rustorch::Tensor;
/// let x = Tensor::from([[1.0f32, 2.5], [3.0, -4.0]]);
/// assert_eq!(x.to_string(), "tensor([[ 1.0000,  2.5000],\n        [ 3.0000, -4.0000]])");
/// assert_eq!(format!("{x:.1}"), "tensor([[ 1.0,  2.5],\n        [ 3.0, -4.0]])");
/// ```
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = print_options();
        options.precision = f.precision().unwrap_or(options.precision);
        f.write_str(&no_grad(|| text(self, &options)))
    }
}

const PREFIX: &str = "tensor(";

fn text(tensor: &Tensor, options: &PrintOptions) -> String {
    let mut text = String::from(PREFIX);
    let contents = match tensor.to_host() {
        Ok(host) => contents(&host, options),
        // A device that cannot be read must not keep a program from printing.
        Err(error) => format!("<{error}>"),
    };
    text.push_str(&contents);
    let suffixes = suffixes(tensor, options);
    let mut line = text.chars().count() - text.rfind('\n').map_or(0, |at| text[..at].chars().count() + 1);
    // PyTorch counts the closing parenthesis and one character more.
    line += 2;
    for suffix in suffixes {
        if line + suffix.len() + 2 > options.line_width {
            let _ = write!(text, ",\n{}{suffix}", " ".repeat(PREFIX.len()));
            line = PREFIX.len() + suffix.len();
        } else {
            let _ = write!(text, ", {suffix}");
            line += suffix.len() + 2;
        }
    }
    text.push(')');
    text
}

/// What stands behind the elements, where it differs from what a reader assumes.
fn suffixes(tensor: &Tensor, options: &PrintOptions) -> Vec<String> {
    let mut suffixes = Vec::new();
    if let Device::Cuda(ordinal) = tensor.device() {
        suffixes.push(format!("device='cuda:{ordinal}'"));
    }
    let dtype = tensor.dtype();
    if tensor.numel() == 0 {
        if tensor.rank() != 1 {
            suffixes.push(format!("size={}", tuple(tensor.shape())));
        }
        if dtype != DType::F32 {
            suffixes.push(format!("dtype=torch.{dtype}"));
        }
    } else {
        if options.edge_items == 0 {
            suffixes.push(format!("size={}", tuple(tensor.shape())));
        }
        if !matches!(dtype, DType::F32 | DType::Complex64 | DType::I64 | DType::Bool) {
            suffixes.push(format!("dtype=torch.{dtype}"));
        }
    }
    if let Some(op) = tensor.grad_fn() {
        suffixes.push(format!("grad_fn=<{}>", node_name(op)));
    } else if tensor.requires_grad() {
        suffixes.push("requires_grad=True".into());
    }
    suffixes
}

/// Python's form of a shape.
fn tuple(shape: &[usize]) -> String {
    match shape {
        [only] => format!("({only},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// PyTorch's name of the node of an operation: `ScatterAddBackward0` for `scatter_add`. The number tells functions of one
/// name apart.
fn node_name(op: &str) -> String {
    let (op, number) = match op {
        "copy_" => return "CopyBackwards".into(),
        "copy_slices" => return "CopySlices".into(),
        "copy" => ("clone", 0),
        "diagonal_copy" => return "DiagonalBackward0_copy".into(),
        "fill_" => ("fill", 2),
        "mean.dim" => ("mean", 1),
        "square" | "square_" => ("pow", 0),
        "squeeze.dim" => ("squeeze", 1),
        "squeeze.dims" => ("squeeze", 2),
        "sum.dim" => ("sum", 1),
        "to_dtype" => ("to_copy", 0),
        other => (other.trim_end_matches('_'), 0),
    };
    let mut name = String::new();
    for word in op.split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    format!("{name}Backward{number}")
}

/// The elements that are printed, in row-major order.
enum Elements {
    Integers(Vec<String>),
    Floats(Vec<f64>),
    Complex(Vec<Complex<f64>>),
}

/// Formatters for the elements: one, or for complex numbers one for each part.
enum Formats {
    Text(usize),
    Float(Format),
    Complex(Format, Format),
}

struct Printer<'a> {
    options: &'a PrintOptions,
    summarize: bool,
    elements: Elements,
    formats: Formats,
}

fn contents(tensor: &Tensor, options: &PrintOptions) -> String {
    if tensor.numel() == 0 {
        return "[]".into();
    }
    let summarize = tensor.numel() > options.threshold;
    // Only what is printed is read, and decides the format.
    let shown = if summarize { edges(tensor, options.edge_items) } else { tensor.clone() };
    let elements = elements(&shown);
    let formats = match &elements {
        Elements::Integers(texts) => Formats::Text(texts.iter().map(String::len).max().unwrap_or(1).max(1)),
        Elements::Floats(values) => Formats::Float(Format::new(values, options)),
        Elements::Complex(values) => {
            let part =
                |f: fn(&Complex<f64>) -> f64| Format::new(&values.iter().map(f).collect::<Vec<_>>(), options);
            Formats::Complex(part(|z| z.re), part(|z| z.im))
        }
    };
    let printer = Printer { options, summarize, elements, formats };
    let mut out = String::new();
    printer.write(&mut out, tensor.shape(), shown.shape(), 0, PREFIX.len());
    out
}

/// The first and last entries of every axis that is longer than both together.
fn edges(tensor: &Tensor, items: usize) -> Tensor {
    (0..tensor.rank()).fold(tensor.clone(), |part, axis| {
        let size = part.shape()[axis];
        if size <= 2 * items {
            return part;
        }
        let at = axis as isize;
        let pieces = part
            .narrow(at, 0, items)
            .and_then(|head| Tensor::cat(&[head, part.narrow(at, size - items, items)?], at));
        pieces.unwrap_or(part)
    })
}

fn elements(tensor: &Tensor) -> Elements {
    // The conversions exist for every dtype, and the tensor is in main memory.
    match tensor.dtype() {
        DType::Bool => {
            let values = tensor.to_vec::<bool>().unwrap_or_default();
            Elements::Integers(
                values.iter().map(|&holds| if holds { "True" } else { "False" }.into()).collect(),
            )
        }
        dtype if dtype.is_complex() => {
            Elements::Complex(tensor.to_dtype(DType::Complex128).to_vec::<Complex<f64>>().unwrap_or_default())
        }
        dtype if dtype.is_float() => {
            Elements::Floats(tensor.to_dtype(DType::F64).to_vec::<f64>().unwrap_or_default())
        }
        _ => {
            let values = tensor.to_dtype(DType::I64).to_vec::<i64>().unwrap_or_default();
            Elements::Integers(values.iter().map(i64::to_string).collect())
        }
    }
}

impl Printer<'_> {
    /// Writes the elements from `start` of the shown ones, which have the shape `shown`, as part of a tensor of the
    /// shape `full`. New lines start `indent` characters in.
    fn write(&self, out: &mut String, full: &[usize], shown: &[usize], start: usize, indent: usize) {
        match full {
            [] => out.push_str(&self.element(start)),
            [len] => self.write_row(out, *len, shown[0], start, indent),
            [len, rest @ ..] => {
                let inner: usize = shown[1..].iter().product();
                let gap = "\n".repeat(rest.len());
                out.push('[');
                for entry in 0..shown[0] {
                    if entry > 0 {
                        let _ = write!(out, ",{gap}{}", " ".repeat(indent + 1));
                    }
                    if self.has_gap(*len) && entry == self.options.edge_items {
                        let _ = write!(out, "...,{gap}{}", " ".repeat(indent + 1));
                    }
                    self.write(out, rest, &shown[1..], start + entry * inner, indent + 1);
                }
                if shown[0] == 0 {
                    out.push_str("...");
                }
                out.push(']');
            }
        }
    }

    fn has_gap(&self, len: usize) -> bool {
        self.summarize && len > 2 * self.options.edge_items
    }

    fn write_row(&self, out: &mut String, full: usize, shown: usize, start: usize, indent: usize) {
        let mut texts: Vec<String> = (start..start + shown).map(|at| self.element(at)).collect();
        if self.summarize && self.options.edge_items == 0 {
            texts = vec!["...".into()];
        } else if self.has_gap(full) {
            texts.insert(self.options.edge_items, " ...".into());
        }
        let width = match &self.formats {
            Formats::Text(width) => width + 2,
            Formats::Float(format) => format.width() + 2,
            Formats::Complex(real, imag) => real.width() + imag.width() + 3,
        };
        let per_line = (self.options.line_width.saturating_sub(indent) / width).max(1);
        let lines: Vec<String> = texts.chunks(per_line).map(|line| line.join(", ")).collect();
        let _ = write!(out, "[{}]", lines.join(&format!(",\n{}", " ".repeat(indent + 1))));
    }

    fn element(&self, at: usize) -> String {
        match (&self.elements, &self.formats) {
            (Elements::Integers(texts), Formats::Text(width)) => format!("{:>width$}", texts[at]),
            (Elements::Floats(values), Formats::Float(format)) => format.write(values[at]),
            (Elements::Complex(values), Formats::Complex(real, imag)) => {
                let part = imag.write(values[at].im) + "j";
                let part = part.trim_start();
                let sign = if part.starts_with(['+', '-']) { "" } else { "+" };
                format!("{}{sign}{part}", real.write(values[at].re))
            }
            _ => unreachable!("formats are made for their elements"),
        }
    }
}
