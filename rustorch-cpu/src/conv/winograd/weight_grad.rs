//! The weight gradient: `dg = Gᵀ [Σ (A e Aᵀ) ⊙ (Bᵀ d B)] G`, the sum being over the tiles of all images.
//!
//! Per point, that is a matrix product of transformed inputs and transformed gradients over tiles. With few weights, chunks
//! of images are summed up apart, so that threads need not transform what others do; how many there are depends on
//! the sizes alone, and they are added in order. With many weights, threads share out input channels.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::offsets::Offsets;
use super::super::{Conv2d, Element};
use super::transform::{FilterGradient, Gradient, Input, POINTS};
use super::{Plan, Planes};
use crate::gemm::{Block, Kernels, Panel, Real, balanced};
use crate::{Isa, parallel, scratch};

/// Chunks of images that are summed up apart, at most.
const CHUNKS: usize = 8;
/// Values of such sums, at most.
const APART: usize = 256 * 1024;
/// Tiles per pass, about: sums are read and written once in it.
const TILES: usize = 112;

/// `dw` from the input and `dy`, and whether it is finite.
///
/// # Safety
/// The pointers cover the tensors that `conv` describes, of which `plan` is the forward plan.
pub unsafe fn weight_grad<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    plan: &Plan,
    x: *const T,
    dy: *const T,
    dw: *mut T,
) -> bool {
    let finite = AtomicBool::new(true);
    let kernels = T::kernels(isa);
    let lanes = kernels.lanes;
    let row = plan.outputs.next_multiple_of(lanes);
    let sums_len = POINTS * plan.inputs * row;
    let chunks = if sums_len <= APART { plan.batch.min(CHUNKS) } else { 1 };
    let blocks = plan.inputs.div_ceil(lanes);
    let parts = if chunks == 1 { parallel::available_threads().min(blocks) } else { 1 };
    let step = blocks.div_ceil(parts) * lanes;
    scratch::with(chunks * sums_len, |sums: *mut T| {
        let shared = parallel::Shared((x, dy, sums));
        parallel::for_each(chunks * parts, |task| {
            let (chunk, part) = (task / parts, task % parts);
            let (x, dy, sums) = shared.get();
            let images = chunk * plan.batch / chunks..(chunk + 1) * plan.batch / chunks;
            let first = (part * step).min(plan.inputs);
            let inputs = first..plan.inputs.min(first + step);
            let task = Task { kernels, isa, plan, images, inputs, row };
            // SAFETY: the caller's promise; tasks have sums of their own.
            unsafe { task.run(x, dy, sums.add(chunk * sums_len)) };
        });
        let panel = lanes * kernels.tile_vectors;
        let panels = plan.outputs.div_ceil(panel);
        let shared = parallel::Shared((sums, dw));
        let task = |index: usize| {
            let (first, block) = (index % panels * panel, index / panels * lanes);
            let present = panel.min(plan.outputs - first);
            let width = present.next_multiple_of(lanes);
            let channels = lanes.min(plan.inputs - block);
            let (sums, dw) = shared.get();
            scratch::with(channels * 9 * width, |buffer: *mut T| {
                // SAFETY: the caller's promise; every task has its own channels.
                unsafe {
                    let all = T::dispatch(
                        isa,
                        FilterGradient {
                            source: sums.add(block * row + first),
                            point: plan.inputs * row,
                            row,
                            parts: (chunks, sums_len),
                            channels,
                            width,
                            to: buffer,
                        },
                    );
                    if !all {
                        finite.store(false, Ordering::Relaxed);
                    }
                    let per_output = conv.in_channels * 9;
                    (kernels.pack)(&Panel {
                        to: dw.add(first * per_output + block * 9),
                        stride: per_output,
                        width: channels * 9,
                        from: buffer.cast_const(),
                        is: width as isize,
                        ps: 1,
                        present: channels * 9,
                        k: present,
                    });
                }
            });
        };
        let grain = sums_len * chunks / 4 < parallel::GRAIN;
        if grain { (0..panels * blocks).for_each(task) } else { parallel::for_each(panels * blocks, task) }
    });
    finite.into_inner()
}

/// The sums over some images for some input channels.
struct Task<'a, T: 'static> {
    kernels: &'static Kernels<T>,
    isa: Isa,
    plan: &'a Plan,
    images: Range<usize>,
    inputs: Range<usize>,
    /// From an input channel's sums to the next's.
    row: usize,
}

impl<T: Element> Task<'_, T> {
    unsafe fn run(&self, x: *const T, dy: *const T, sums: *mut T) {
        let (plan, lanes) = (self.plan, self.kernels.lanes);
        let rows = self.images.start * plan.tiles[0]..self.images.end * plan.tiles[0];
        let across = plan.tiles[1];
        let pass = rows.len().div_ceil((rows.len() * across).div_ceil(TILES)).max(1);
        let pitch = pass * across;
        let blocks = self.inputs.len().div_ceil(lanes);
        let point = blocks * pitch * lanes + lanes;
        let gradient = self.row * pitch + lanes;
        let image = (2 * pass.min(plan.tiles[0]) + 2) * (2 * across + 2) * lanes + lanes;
        let row_of = |c: usize| (c / lanes * pitch * lanes + c % lanes) as isize;
        let channels: Offsets = (0..self.inputs.len()).map(row_of).collect();
        let tiles: Offsets = (0..pitch).map(|tile| (tile * lanes) as isize).collect();
        scratch::with(POINTS * (point + gradient) + image, |inputs: *mut T| {
            // SAFETY: the buffer has room for the three; the rest is the caller's promise.
            unsafe {
                let gradients = inputs.add(POINTS * point);
                let source = gradients.add(POINTS * gradient);
                for first in rows.clone().step_by(pass) {
                    let mut count = 0;
                    for segment in plan.segments(first..rows.end.min(first + pass)) {
                        for block in 0..blocks {
                            let to = inputs.add((block * pitch + count) * lanes);
                            self.input(x, segment, block, source, to, point);
                        }
                        self.gradient(dy, segment, source, gradients, [pitch, count, gradient]);
                        count += segment.2 * across;
                    }
                    let panel = lanes * self.kernels.tile_vectors;
                    for index in 0..POINTS {
                        for column in (0..plan.outputs).step_by(panel) {
                            let width = panel.min(self.row - column);
                            for (c, height) in balanced(self.inputs.len(), self.kernels.gather_rows) {
                                let at = (index * plan.inputs + self.inputs.start + c) * self.row + column;
                                let b = gradients.add(index * gradient + column * pitch).cast_const();
                                (self.kernels.gather[height - 1][width / lanes - 1])(&Block {
                                    k: count,
                                    a: inputs.add(index * point),
                                    a_rs: 0,
                                    a_cs: 0,
                                    a_rows: channels.as_ptr().add(c),
                                    a_columns: tiles.as_ptr(),
                                    b,
                                    b_stride: width as isize,
                                    ahead: b,
                                    c: sums.add(at),
                                    c_rs: self.row as isize,
                                    cols: width,
                                    alpha: Real::ONE,
                                    beta: (first > rows.start).then_some(Real::ONE),
                                });
                            }
                        }
                    }
                }
            }
        });
    }

    /// Transforms the inputs of a block of channels under some rows of tiles.
    unsafe fn input(
        &self,
        x: *const T,
        (image, first, count): (usize, usize, usize),
        block: usize,
        source: *mut T,
        to: *mut T,
        point: usize,
    ) {
        let (plan, lanes) = (self.plan, self.kernels.lanes);
        let start = self.inputs.start + block * lanes;
        let planes = Planes {
            channels: start..self.inputs.end.min(start + lanes),
            of: plan.inputs,
            size: plan.size,
            origin: [plan.origin[0] + 2 * first as isize, plan.origin[1]],
            extent: [2 * count + 2, 2 * plan.tiles[1] + 2],
        };
        // SAFETY: the caller's promise.
        unsafe {
            planes.fill(self.kernels, x, image, source);
            let tiles = [count, plan.tiles[1]];
            T::dispatch(self.isa, Input { source: source.cast_const(), tiles, to, point });
        }
    }

    /// Transforms the gradients of all output channels: `[panel][tile][lanes of the panel]`.
    unsafe fn gradient(
        &self,
        dy: *const T,
        (image, first, count): (usize, usize, usize),
        source: *mut T,
        to: *mut T,
        [pitch, tile, point]: [usize; 3],
    ) {
        let (plan, lanes) = (self.plan, self.kernels.lanes);
        let panel = lanes * self.kernels.tile_vectors;
        for start in (0..plan.outputs).step_by(lanes) {
            let planes = Planes {
                channels: start..plan.outputs.min(start + lanes),
                of: plan.outputs,
                size: plan.out,
                origin: [2 * first as isize, 0],
                extent: [2 * count, 2 * plan.tiles[1]],
            };
            let column = start / panel * panel;
            let step = panel.min(self.row - column);
            // SAFETY: the caller's promise.
            unsafe {
                planes.fill(self.kernels, dy, image, source);
                T::dispatch(
                    self.isa,
                    Gradient {
                        source: source.cast_const(),
                        tiles: [count, plan.tiles[1]],
                        to: to.add(column * pitch + tile * step + start - column),
                        step,
                        point,
                    },
                );
            }
        }
    }
}
