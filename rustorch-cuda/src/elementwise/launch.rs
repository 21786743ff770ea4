//! From operands to a variant, its arguments and its launch.

use smallvec::SmallVec;

use super::{
    Elementwise,
    source::{Inner, THREADS, Variant},
};
use crate::{
    device::Device,
    error::{Error, Result},
    layout::{Layout, MAX_DIMS, Operand},
    nvrtc::{Arguments, Grid},
};

/// A scalar parameter of a launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A floating-point number.
    Float(f64),
    /// An integer.
    Int(i64),
}

impl Scalar {
    /// The bits that the kernel reads: a double where it computes in floats, a long long otherwise.
    fn bits(self, float: bool) -> u64 {
        match (self, float) {
            (Scalar::Float(value), true) => value.to_bits(),
            (Scalar::Int(value), true) => (value as f64).to_bits(),
            (Scalar::Float(value), false) => value as i64 as u64,
            (Scalar::Int(value), false) => value as u64,
        }
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Scalar::Float(value)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Scalar::Int(value)
    }
}

pub(super) fn launch(
    op: &Elementwise,
    device: &Device,
    shape: &[usize],
    inputs: &[Operand<'_>],
    params: &[Scalar],
    outputs: &[Operand<'_>],
) -> Result<()> {
    check(op, device, shape, inputs, params, outputs)?;
    if shape.contains(&0) {
        return Ok(());
    }
    let mut addresses: SmallVec<[u64; 4]> = SmallVec::new();
    for (at, input) in inputs.iter().enumerate() {
        addresses.push(input.address(&op.spec.name, &op.spec.inputs[at].0, shape)?);
    }
    for output in outputs {
        addresses.push(output.address(&op.spec.name, "the output", shape)?);
    }
    // Outputs first: their order decides how memory is walked.
    let order: SmallVec<[&[isize]; 4]> =
        outputs.iter().chain(inputs).map(|operand| operand.strides).collect();
    let mut layout = Layout::new(shape, &order);
    layout.strides.rotate_left(outputs.len());

    let sizes: SmallVec<[usize; 4]> =
        inputs.iter().chain(outputs).map(|operand| operand.dtype.size()).collect();
    let variant = choose(&layout, &addresses, &sizes);
    let (words, items) = arguments(op, &variant, &layout, &addresses, params);
    let blocks = items.max(1).div_ceil(variant.items_per_block());
    let blocks = u32::try_from(blocks).ok().filter(|&blocks| blocks <= i32::MAX as u32).ok_or_else(|| {
        Error::invalid(&op.spec.name, format!("{items} items are more than one launch takes"))
    })?;
    let kernel = op.kernel(device, variant)?;
    let grid = Grid { blocks: (blocks, 1), threads: (THREADS as u32, 1) };
    // SAFETY: the words are the struct that `source::generate` declares, and `Operand::address` checked every view.
    unsafe { kernel.run(device, grid, &Arguments::new().block(&words)) }
}

fn check(
    op: &Elementwise,
    device: &Device,
    shape: &[usize],
    inputs: &[Operand<'_>],
    params: &[Scalar],
    outputs: &[Operand<'_>],
) -> Result<()> {
    let spec = &op.spec;
    let problem = |message: String| Err(Error::invalid(&spec.name, message));
    let (given, wanted) = (
        (inputs.len(), params.len(), outputs.len()),
        (spec.inputs.len(), spec.params.len(), spec.outputs.len()),
    );
    if given != wanted {
        return problem(format!("takes {wanted:?} inputs, parameters and outputs, not {given:?}"));
    }
    if shape.len() > MAX_DIMS {
        return problem(format!("{shape:?} has {} dimensions, more than {MAX_DIMS}", shape.len()));
    }
    let wanted =
        spec.inputs.iter().map(|(_, dtype)| dtype).chain(spec.outputs.iter().map(|(_, dtype)| dtype));
    for (at, (operand, &dtype)) in inputs.iter().chain(outputs).zip(wanted).enumerate() {
        if operand.dtype != dtype {
            return problem(format!("operand {at} is {}, but the kernel is for {dtype}", operand.dtype));
        }
        if operand.buffer.device() != device {
            return problem(format!(
                "operand {at} lies on device {}, not {}",
                operand.buffer.device().ordinal(),
                device.ordinal()
            ));
        }
    }
    for output in outputs {
        if shape.iter().zip(output.strides).any(|(&size, &stride)| size > 1 && stride == 0) {
            return problem(format!(
                "an output of shape {shape:?} and strides {:?} writes one element twice",
                output.strides
            ));
        }
    }
    Ok(())
}

/// The widest access that every operand allows.
fn choose(layout: &Layout, addresses: &[u64], sizes: &[usize]) -> Variant {
    let dims = layout.sizes.len();
    let inner: SmallVec<[Inner; 4]> = layout
        .strides
        .iter()
        .map(|own| match own[dims - 1] {
            1 => Inner::Run,
            0 => Inner::Repeat,
            _ => Inner::Strided,
        })
        .collect();
    let width = 16 / sizes.iter().copied().max().unwrap_or(16).max(1);
    let divides = dims == 1 || layout.sizes[dims - 1].is_multiple_of(width);
    let aligned = |operand: usize| match inner[operand] {
        Inner::Repeat => true,
        Inner::Strided => false,
        Inner::Run => {
            let outer = &layout.strides[operand][..dims - 1];
            addresses[operand].is_multiple_of((width * sizes[operand]) as u64)
                && outer.iter().all(|stride| stride.unsigned_abs().is_multiple_of(width))
        }
    };
    // Nothing gains from a wide access to one element, or where nothing runs along the inner dimension.
    let runs = inner.contains(&Inner::Run) && layout.elements() >= width;
    let width = if runs && divides && (0..inner.len()).all(aligned) { width } else { 1 };
    // With one element at a time a run is a stride like any other, which saves variants.
    let inner = if width > 1 { inner } else { inner.iter().map(|_| Inner::Strided).collect() };
    Variant { dims, width, wide: !layout.fits_i32(), inner }
}

/// The argument struct, and the number of items.
fn arguments(
    op: &Elementwise,
    variant: &Variant,
    layout: &Layout,
    addresses: &[u64],
    params: &[Scalar],
) -> (SmallVec<[u64; 32]>, usize) {
    let (dims, width) = (variant.dims, variant.width);
    let mut words: SmallVec<[u64; 32]> = SmallVec::from_slice(addresses);
    words.extend(params.iter().map(|param| param.bits(op.spec.compute.is_float())));
    let mut sizes = layout.sizes.clone();
    let left = sizes[dims - 1] % width;
    sizes[dims - 1] /= width;
    words.extend(sizes.iter().map(|&size| size as u64));
    words.extend(sizes.iter().map(|&size| if variant.wide { 0 } else { magic(size as u32) }));
    for own in &layout.strides {
        words.extend(own[..dims - 1].iter().map(|&stride| stride as u64));
        words.push((own[dims - 1] * width as isize) as u64);
    }
    let items = sizes.iter().product();
    words.extend([items as u64, left as u64]);
    (words, items)
}

/// The multiplier (low half) and shift (high half) with which `divide` of the prelude divides by `size`, as in
/// Granlund and Montgomery, "Division by Invariant Integers using Multiplication" (1994).
fn magic(size: u32) -> u64 {
    let size = u64::from(size.max(1));
    let shift = u64::from(size.next_power_of_two().trailing_zeros());
    let multiplier = ((1 << 32) * ((1 << shift) - size)) / size + 1;
    shift << 32 | multiplier
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `divide` of the prelude computes.
    fn divide(n: u32, magic: u64) -> u32 {
        let high = (u64::from(n) * (magic & 0xFFFF_FFFF)) >> 32;
        ((high + u64::from(n)) >> (magic >> 32)) as u32
    }

    #[test]
    fn division_by_magic_numbers_is_exact() {
        let limit = i32::MAX as u32;
        for size in (1..2000).chain([4095, 4096, 4097, 65_535, 1 << 20, (1 << 30) - 1, 1 << 30, limit]) {
            let near = [0, 1, size - 1, size, size.saturating_add(1), limit / size * size, limit - 1, limit];
            for n in near.into_iter().chain((0..200).map(|k| k * 10_737_417)) {
                assert_eq!(divide(n.min(limit), magic(size)), n.min(limit) / size, "{n} / {size}");
            }
        }
    }

    fn variant(shape: &[usize], strides: &[&[isize]], addresses: &[u64], sizes: &[usize]) -> Variant {
        choose(&Layout::new(shape, strides), addresses, sizes)
    }

    #[test]
    fn contiguous_operands_are_read_sixteen_bytes_at_a_time() {
        let run = variant(&[3, 5], &[&[5, 1], &[5, 1]], &[512, 1024], &[4, 4]);
        assert_eq!((run.dims, run.width), (1, 4));
        let half = variant(&[64], &[&[1], &[1]], &[512, 1024], &[2, 2]);
        assert_eq!(half.width, 8);
        let mixed = variant(&[64], &[&[1], &[1]], &[512, 1024], &[8, 2]);
        assert_eq!(mixed.width, 2);
    }

    #[test]
    fn a_misaligned_or_strided_operand_is_read_by_elements() {
        assert_eq!(variant(&[64], &[&[1], &[1]], &[512, 1028], &[4, 4]).width, 1);
        assert_eq!(variant(&[64], &[&[1], &[2]], &[512, 1024], &[4, 4]).width, 1);
        // Rows of 6 elements cannot be cut into fours.
        assert_eq!(variant(&[4, 6], &[&[6, 1], &[0, 1]], &[512, 1024], &[4, 4]).width, 1);
        let bias = variant(&[4, 8], &[&[8, 1], &[0, 1]], &[512, 1024], &[4, 4]);
        assert_eq!((bias.dims, bias.width, bias.inner.to_vec()), (2, 4, vec![Inner::Run, Inner::Run]));
        let column = variant(&[4, 8], &[&[8, 1], &[1, 0]], &[512, 1024], &[4, 4]);
        assert_eq!((column.dims, column.width, column.inner[1]), (2, 4, Inner::Repeat));
    }

    #[test]
    fn more_than_two_to_the_31_elements_are_counted_in_64_bits() {
        assert!(variant(&[1 << 16, 1 << 16], &[&[1 << 16, 1]], &[512], &[1]).wide);
        assert!(!variant(&[1 << 15, 1 << 15], &[&[1 << 15, 1]], &[512], &[1]).wide);
    }

    #[test]
    fn parameters_follow_the_type_of_the_arithmetic() {
        assert_eq!(Scalar::Int(3).bits(true), 3.0f64.to_bits());
        assert_eq!(Scalar::Float(-2.5).bits(false) as i64, -2);
    }
}
