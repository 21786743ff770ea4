//! Launchers of the softmax kernels. The formulas stand in `softmax.cuh`.

use super::{Axis, Elements, Kernels, float_only};
use crate::{
    device::Device,
    dtype::DType,
    error::{Error, Result},
    nvrtc::{Arguments, Grid},
};

static KERNELS: Kernels<Key> = Kernels::new("softmax", include_str!("softmax.cuh"));

/// What a kernel is specialised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    dtype: DType,
    log: bool,
    backward: bool,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    /// `team` threads hold a row in registers, `packs` times `width` elements each.
    Rows {
        team: usize,
        packs: usize,
        width: usize,
    },
    LongRows,
    /// `ys` threads share a column.
    Columns {
        ys: usize,
    },
}

/// The longest row that a team of 1024 threads holds in registers: 32 words each, and two operands backward.
fn longest_row(dtype: DType, backward: bool) -> usize {
    1024 * 32 / if backward { 2 } else { 1 } / if dtype == DType::F64 { 2 } else { 1 }
}

/// Queues `y = softmax(x)` along an axis, or `log_softmax`. `x` and `y` are contiguous, of one type: f32, f64, f16 or bf16
/// (the half types are computed in f32). A row of nothing but `-inf` gives NaN, as in PyTorch. `y` may be `x`.
///
/// # Errors
/// A type that is no float, or operands outside their buffers.
pub fn softmax(
    device: &Device,
    dtype: DType,
    axis: Axis,
    log: bool,
    x: Elements<'_>,
    y: Elements<'_>,
) -> Result<()> {
    launch(device, dtype, axis, log, &[x], y)
}

/// Queues the gradient of [`softmax`]: from the gradient `g` of its result and the result `y` to that of its input.
///
/// # Errors
/// As for [`softmax`].
pub fn softmax_backward(
    device: &Device,
    dtype: DType,
    axis: Axis,
    log: bool,
    g: Elements<'_>,
    y: Elements<'_>,
    dx: Elements<'_>,
) -> Result<()> {
    launch(device, dtype, axis, log, &[g, y], dx)
}

fn launch(
    device: &Device,
    dtype: DType,
    axis: Axis,
    log: bool,
    inputs: &[Elements<'_>],
    output: Elements<'_>,
) -> Result<()> {
    let op = if log { "log_softmax" } else { "softmax" };
    float_only(op, dtype)?;
    let mut addresses = Vec::with_capacity(3);
    for operand in inputs.iter().chain([&output]) {
        addresses.push(operand.address(op, device, dtype, axis.elements())?);
    }
    if axis.elements() == 0 {
        return Ok(());
    }
    let key = Key { dtype, log, backward: inputs.len() == 2, form: form(axis, dtype, &addresses) };
    let kernel = KERNELS.get(device, key, entry(key), || defines(key))?;
    let arguments = addresses.iter().fold(Arguments::new(), |arguments, &address| arguments.address(address));
    let grid = |blocks: usize, threads| match u32::try_from(blocks) {
        Ok(blocks) if blocks <= i32::MAX as u32 => Ok(Grid { blocks: (blocks, 1), threads }),
        _ => Err(Error::invalid(op, format!("{blocks} blocks are more than one launch takes"))),
    };
    let (grid, arguments) = match key.form {
        Form::Rows { team, .. } => {
            let rows = rows_per_block(team);
            let arguments = arguments.integer(axis.outer as i64).int(axis.dim as u32);
            (grid(axis.outer.div_ceil(rows), ((team * rows) as u32, 1))?, arguments)
        }
        Form::LongRows => (grid(axis.outer, (1024, 1))?, arguments.integer(axis.dim as i64)),
        Form::Columns { ys } => {
            let [outer, dim, inner] = [axis.outer, axis.dim, axis.inner].map(|size| size as i64);
            let blocks = (axis.outer * axis.inner.div_ceil(32)).min(1 << 20);
            (grid(blocks, (32, ys as u32))?, arguments.integer(outer).integer(dim).integer(inner))
        }
    };
    // SAFETY: the arguments are those that the kernel of this form declares, and each operand holds all elements.
    unsafe { kernel.run(device, grid, &arguments) }
}

fn form(axis: Axis, dtype: DType, addresses: &[u64]) -> Form {
    if axis.inner > 1 {
        // Few elements on the axis need few threads along it.
        return Form::Columns { ys: axis.dim.next_power_of_two().clamp(1, 16) };
    }
    if axis.dim > longest_row(dtype, addresses.len() == 3) {
        return Form::LongRows;
    }
    let widest = 16 / dtype.size();
    let aligned =
        axis.dim.is_multiple_of(widest) && addresses.iter().all(|address| address.is_multiple_of(16));
    let width = if aligned { widest } else { 1 };
    let team = match axis.dim {
        ..=1024 => 32,
        dim => (dim / 16).next_power_of_two().clamp(128, 1024),
    };
    let packs = axis.dim.div_ceil(team * width).next_power_of_two();
    Form::Rows { team, packs, width }
}

fn rows_per_block(team: usize) -> usize {
    if team == 32 { 4 } else { 1 }
}

fn entry(key: Key) -> &'static str {
    match (key.form, key.backward) {
        (Form::Rows { .. }, false) => "softmax_rows",
        (Form::Rows { .. }, true) => "softmax_rows_backward",
        (Form::LongRows, false) => "softmax_long_rows",
        (Form::LongRows, true) => "softmax_long_rows_backward",
        (Form::Columns { .. }, false) => "softmax_columns",
        (Form::Columns { .. }, true) => "softmax_columns_backward",
    }
}

fn defines(key: Key) -> Vec<String> {
    let mut defines = vec![
        format!("X {}", key.dtype.device_name()),
        format!("T {}", key.dtype.accumulator().device_name()),
        format!("LOG {}", u8::from(key.log)),
    ];
    match key.form {
        Form::Rows { team, packs, width } => {
            defines.extend([format!("TEAM {team}"), format!("PACKS {packs}"), format!("WIDTH {width}")]);
        }
        Form::Columns { ys } => defines.push(format!("YS {ys}")),
        Form::LongRows => {}
    }
    defines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_fits_the_registers_of_its_team() {
        for dtype in [DType::F32, DType::F64, DType::BF16] {
            for dim in (1..5000).chain([8192, 16_383, longest_row(dtype, false)]) {
                for address in [512, 514] {
                    let axis = Axis { outer: 3, dim, inner: 1 };
                    let Form::Rows { team, packs, width } = form(axis, dtype, &[address]) else {
                        panic!("rows of {dim} are short");
                    };
                    assert!(
                        team * packs * width >= dim && packs * width <= 64,
                        "{dim}: {team} {packs} {width}"
                    );
                    assert!(dim % width == 0 && team % 32 == 0 && team <= 1024);
                }
            }
        }
    }

    /// The kernels compile wherever NVRTC is, with or without a GPU.
    #[test]
    fn every_form_compiles() {
        let forms = [
            Form::Rows { team: 32, packs: 2, width: 4 },
            Form::Rows { team: 128, packs: 16, width: 1 },
            Form::LongRows,
            Form::Columns { ys: 4 },
        ];
        for form in forms {
            for (dtype, log) in [(DType::F32, false), (DType::BF16, true), (DType::F64, true)] {
                let key = Key { dtype, log, backward: false, form };
                crate::testing::compiles("softmax", &KERNELS.text(&defines(key)));
            }
        }
    }
}
