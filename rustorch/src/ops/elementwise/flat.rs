//! Elementwise loops over contiguous operands: the common case.
//!
//! A loop is one call of the kernel per thread's chunk. One that moves more than the caches hold goes block by block: inputs
//! are fetched ahead of the kernel, and results, which nobody would find in a cache later, are written past it.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::kernel::{Args, Kernel, MAX_INPUTS};
use crate::kernels::{parallel, stream};

/// Elements per block; five blocks of 16-byte elements fill most of a 48 KiB cache.
pub(super) const BLOCK: usize = 512;
/// Bytes per operand of the pieces in which large loops go: as far ahead as [`stream::read_ahead`] reads.
const PIECE: usize = stream::DISTANCE;
/// Elements below which a loop is not worth a second thread.
pub(super) const GRAIN: usize = 1 << 15;

/// The bytes of an element.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub input: usize,
    pub output: usize,
}

/// A block, aligned for the widest loads.
#[repr(align(64))]
pub(super) struct Scratch([MaybeUninit<u8>; BLOCK * 16]);

impl Scratch {
    pub fn uninit() -> Self {
        Self([MaybeUninit::uninit(); BLOCK * 16])
    }

    pub fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// Runs a kernel over contiguous operands of its own dtypes.
///
/// # Safety
/// The inputs must hold `whole.len` readable elements and the output as many writable ones, without overlap.
pub(super) unsafe fn run(kernel: Kernel, whole: Args, sizes: Sizes) {
    if whole.len <= GRAIN {
        // SAFETY: as promised by the caller.
        return unsafe { kernel(&whole) };
    }
    let whole = Shared(whole);
    parallel::for_each_chunk(whole.get().len, GRAIN, |range| {
        // SAFETY: chunks are disjoint parts of what the caller promised.
        unsafe { run_chunk(kernel, whole.get(), sizes, range) }
    });
}

/// Whether the results of a loop that moves so many bytes are written past the caches, to this address.
pub(super) fn goes_past_caches(moved: usize, output: *mut u8) -> bool {
    (output as usize).is_multiple_of(stream::LINE) && stream::past_caches(moved)
}

/// Runs a kernel over a chunk of its operands. Chunks start at multiples of 64 elements.
///
/// # Safety
/// As for [`run`]; the chunk lies inside.
pub(super) unsafe fn run_chunk(kernel: Kernel, whole: &Args, sizes: Sizes, chunk: Range<usize>) {
    let args = |range: Range<usize>| Args {
        inputs: whole.inputs.map(|input| input.wrapping_add(range.start * sizes.input)),
        output: whole.output.wrapping_add(range.start * sizes.output),
        len: range.len(),
        params: whole.params,
    };
    let mut distinct = [std::ptr::null(); MAX_INPUTS];
    let mut count = 0;
    for &input in whole.inputs.iter().filter(|input| !input.is_null()) {
        if !distinct[..count].contains(&input) {
            distinct[count] = input;
            count += 1;
        }
    }
    let past_caches = goes_past_caches(whole.len * (count * sizes.input + sizes.output), whole.output);
    if !past_caches {
        // SAFETY: the caller's promise.
        return unsafe { kernel(&args(chunk)) };
    }
    let mut scratch = Scratch::uninit();
    let step = PIECE / sizes.input.max(sizes.output);
    let mut piece = args(chunk.start..chunk.start);
    piece.output = scratch.ptr();
    for start in chunk.clone().step_by(step) {
        // Changed in place: a fresh copy would read what has just been written in other widths, and wait for it.
        piece.len = step.min(chunk.end - start);
        for (slot, input) in piece.inputs.iter_mut().zip(whole.inputs) {
            *slot = input.wrapping_add(start * sizes.input);
        }
        let to = whole.output.wrapping_add(start * sizes.output);
        // SAFETY: the piece lies in the chunk, and its results fit the scratch memory.
        unsafe { kernel(&piece) };
        for input in &distinct[..count] {
            // While the results leave, the piece after the next one comes.
            stream::read_ahead(input.wrapping_add((start + step) * sizes.input), piece.len * sizes.input);
        }
        // SAFETY: as above; pieces are multiples of a cache line.
        unsafe { stream::copy_past_caches(scratch.ptr(), to, piece.len * sizes.output) };
    }
    stream::fence();
}

/// Arguments that several threads take their parts of.
struct Shared(Args);

// SAFETY: the pointers are valid for the whole loop, and each thread derives its own disjoint part.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self) -> &Args {
        &self.0
    }
}
