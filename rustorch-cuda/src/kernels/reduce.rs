//! Launchers of the reductions. How they run stands in `reduce.cuh`.

use super::{Axis, Elements, Kernels};
use crate::{
    device::Device,
    dtype::DType,
    error::{Error, Result},
    memory::Buffer,
    nvrtc::{Arguments, Grid},
};

static KERNELS: Kernels<Key> = Kernels::new("reduce", include_str!("reduce.cuh"));

/// What a reduction computes of the elements along its axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// The sum; 0 of nothing.
    Sum,
    /// The sum of what is not NaN.
    NanSum,
    /// The sum of the absolute values.
    SumAbs,
    /// The sum of the squares.
    SumSquares,
    /// The product; 1 of nothing.
    Prod,
    /// The largest element; NaN if there is one.
    Max,
    /// The smallest element; NaN if there is one.
    Min,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    reduction: Reduction,
    from: DType,
    to: DType,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Rows { team: usize, width: usize },
    Columns { ys: usize },
}

/// How an axis is cut. It follows from the shape alone, so the same shape always adds up in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunks {
    count: usize,
    length: usize,
}

/// Queues a reduction of contiguous elements along an axis: `y[o, i] = reduce_d x[o, d, i] / divisor`.
///
/// f32, f16 and bf16 are accumulated in f32, f64 in f64 and integers and bool in i64; the result is converted to `to`
/// at the end. `divisor` (dim for a mean) applies to floating-point types. The result is the same bit for bit on each run.
///
/// # Errors
/// Operands outside their buffers, a maximum or minimum over an empty axis, a divisor for integers.
pub fn reduce(
    device: &Device,
    reduction: Reduction,
    axis: Axis,
    divisor: f64,
    (from, x): (DType, Elements<'_>),
    (to, y): (DType, Elements<'_>),
) -> Result<()> {
    let op = reduction.name();
    let results = axis.outer * axis.inner;
    let source = x.address(op, device, from, axis.elements())?;
    let target = y.address(op, device, to, results)?;
    if divisor != 1.0 && !from.is_float() {
        return Err(Error::invalid(op, format!("a divisor of {divisor} does not apply to {from}")));
    }
    if axis.dim == 0 && results > 0 && matches!(reduction, Reduction::Max | Reduction::Min) {
        return Err(Error::invalid(
            op,
            "the axis has size 0, and nothing is the largest or smallest of nothing",
        ));
    }
    if results == 0 {
        return Ok(());
    }
    let chunks = chunks(axis);
    if chunks.count == 1 {
        return stage(device, reduction, axis, chunks, divisor, (from, source), (to, target));
    }
    let between = from.accumulator();
    let partial = Buffer::uninit(device, results * chunks.count * between.size())?;
    stage(device, reduction, axis, chunks, 1.0, (from, source), (between, partial.address()))?;
    let rest = Axis { dim: chunks.count, ..axis };
    let whole = Chunks { count: 1, length: chunks.count };
    stage(device, reduction.of_parts(), rest, whole, divisor, (between, partial.address()), (to, target))
}

/// One launch. The caller has checked that `source` holds the axis and `target` the results of all chunks.
fn stage(
    device: &Device,
    reduction: Reduction,
    axis: Axis,
    chunks: Chunks,
    divisor: f64,
    (from, source): (DType, u64),
    (to, target): (DType, u64),
) -> Result<()> {
    let form = form(axis, chunks, from, source);
    let key = Key { reduction, from, to, form };
    let entry = if matches!(form, Form::Rows { .. }) { "reduce_rows" } else { "reduce_columns" };
    let kernel = KERNELS.get(device, key, entry, || defines(key))?;
    let [outer, dim, inner] = [axis.outer, axis.dim, axis.inner].map(|size| size as i64);
    let arguments = Arguments::new().address(source).address(target).integer(outer).integer(dim);
    let (blocks, threads, arguments) = match form {
        Form::Rows { team, .. } => {
            let rows = rows_per_block(team);
            ((axis.outer * chunks.count).div_ceil(rows), ((team * rows) as u32, 1), arguments)
        }
        Form::Columns { ys } => {
            let pieces = axis.outer * chunks.count * axis.inner.div_ceil(32);
            (pieces.min(1 << 20), (32, ys as u32), arguments.integer(inner))
        }
    };
    let blocks = u32::try_from(blocks).ok().filter(|&blocks| blocks <= i32::MAX as u32).ok_or_else(|| {
        Error::invalid(reduction.name(), format!("{blocks} blocks are more than one launch takes"))
    })?;
    let arguments = arguments.integer(chunks.count as i64).integer(chunks.length as i64).double(divisor);
    // SAFETY: the arguments are those that the kernel of this form declares, over regions that the caller checked.
    unsafe { kernel.run(device, Grid { blocks: (blocks, 1), threads }, &arguments) }
}

/// Cuts an axis only where the rest of the shape is too small to fill a GPU, into pieces that are worth a block each.
fn chunks(axis: Axis) -> Chunks {
    let (blocks, smallest) = match axis.inner {
        1 => (axis.outer, 4096),
        inner => (axis.outer * inner.div_ceil(32), 128),
    };
    let count = (1024 / blocks.max(1)).min(axis.dim / smallest).max(1);
    // Multiples of 64 keep every chunk as aligned as its row.
    let length = axis.dim.div_ceil(count).next_multiple_of(64).max(64);
    Chunks { count: axis.dim.div_ceil(length).max(1), length }
}

fn form(axis: Axis, chunks: Chunks, from: DType, source: u64) -> Form {
    if axis.inner > 1 {
        return Form::Columns { ys: chunks.length.min(axis.dim).next_power_of_two().clamp(1, 8) };
    }
    let widest = 16 / from.size();
    let width = if axis.dim.is_multiple_of(widest) && source.is_multiple_of(16) { widest } else { 1 };
    Form::Rows { team: if axis.dim <= 1024 { 32 } else { 256 }, width }
}

fn rows_per_block(team: usize) -> usize {
    if team == 32 { 8 } else { 1 }
}

impl Reduction {
    fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::NanSum => "nansum",
            Reduction::SumAbs => "sum of absolute values",
            Reduction::SumSquares => "sum of squares",
            Reduction::Prod => "prod",
            Reduction::Max => "max",
            Reduction::Min => "min",
        }
    }

    /// How the results of chunks are reduced.
    fn of_parts(self) -> Self {
        match self {
            Reduction::NanSum | Reduction::SumAbs | Reduction::SumSquares => Reduction::Sum,
            other => other,
        }
    }

    /// What is reduced of an element `v`.
    fn map(self) -> &'static str {
        match self {
            Reduction::NanSum => "((v) != (v) ? (T)0 : (v))",
            Reduction::SumAbs => "abs(v)",
            Reduction::SumSquares => "((v) * (v))",
            _ => "(v)",
        }
    }
}

fn defines(key: Key) -> Vec<String> {
    let accumulator = key.from.accumulator();
    let (lowest, highest) = match accumulator.is_float() {
        true => ("((T)-RT_INF)", "((T)RT_INF)"),
        false => ("(-0x7fffffffffffffffLL - 1)", "0x7fffffffffffffffLL"),
    };
    let op = match key.reduction {
        Reduction::Sum | Reduction::NanSum | Reduction::SumAbs | Reduction::SumSquares => "OpSum",
        Reduction::Prod => "OpProd",
        Reduction::Max => "OpMax",
        Reduction::Min => "OpMin",
    };
    let mut defines = vec![
        format!("X {}", key.from.device_name()),
        format!("Y {}", key.to.device_name()),
        format!("T {}", accumulator.device_name()),
        format!("OP {op}"),
        format!("MAP(v) {}", key.reduction.map()),
        format!("LOWEST {lowest}"),
        format!("HIGHEST {highest}"),
    ];
    match key.form {
        Form::Rows { team, width } => defines.extend([format!("TEAM {team}"), format!("WIDTH {width}")]),
        Form::Columns { ys } => defines.push(format!("YS {ys}")),
    }
    defines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_axis_and_none_is_empty() {
        for (outer, inner) in [(1, 1), (3, 1), (5000, 1), (1, 7), (2, 100), (64, 4096)] {
            for dim in [0, 1, 63, 1000, 4096, 8191, 8192, 1_000_003, 1 << 28] {
                let Chunks { count, length } = chunks(Axis { outer, dim, inner });
                assert!(
                    count * length >= dim && (dim == 0 || (count - 1) * length < dim),
                    "{dim}: {count} x {length}"
                );
                assert!(count <= 1024);
            }
        }
        assert!(chunks(Axis { outer: 1, dim: 1 << 24, inner: 1 }).count > 500);
        assert_eq!(chunks(Axis { outer: 4096, dim: 1 << 14, inner: 1 }).count, 1);
    }

    #[test]
    fn every_form_and_type_compiles() {
        for reduction in
            [Reduction::NanSum, Reduction::SumAbs, Reduction::SumSquares, Reduction::Prod, Reduction::Min]
        {
            let form = Form::Rows { team: 256, width: 4 };
            let key = Key { reduction, from: DType::F32, to: DType::F32, form };
            crate::testing::compiles("reduce", &KERNELS.text(&defines(key)));
        }
        for from in DType::ALL {
            for form in [Form::Rows { team: 32, width: 1 }, Form::Rows { team: 256, width: 16 / from.size() }]
            {
                let key = Key { reduction: Reduction::Max, from, to: from, form };
                crate::testing::compiles("reduce", &KERNELS.text(&defines(key)));
            }
            let key = Key {
                reduction: Reduction::Sum,
                from,
                to: from.accumulator(),
                form: Form::Columns { ys: 8 },
            };
            crate::testing::compiles("reduce", &KERNELS.text(&defines(key)));
        }
    }
}
