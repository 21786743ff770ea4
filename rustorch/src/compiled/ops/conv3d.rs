//! Convolutions of volumes, and transposed ones, by those of images: the channels of an image are those of the slices that the taps
//! along the depth see.

use super::super::{Buf, Grad, Pass};
use super::conv_transpose::{add_to_channels, sum_channels};
use super::{read, read_option, wants};
use crate::kernels::conv::{self, Epilogue};
use crate::kernels::isa;
use crate::kernels::parallel::{self, GRAIN, Shared};
use crate::nn::functional::{
    ConvOptions, ConvTransposeOptions, Padding, Volumes, transposed_volumes_of, volumes_of,
};
use crate::{Result, Tensor, nn};

/// The parameters of a convolution of volumes, and how it is done.
#[derive(Clone, Copy)]
pub struct Conv3d<'a> {
    weight: &'a Tensor,
    bias: Option<&'a Tensor>,
    options: Options<'a>,
}

#[derive(Clone, Copy)]
enum Options<'a> {
    Forward(ConvOptions<3>),
    Transposed(&'a ConvTransposeOptions<3>),
}

impl<'a> From<&'a nn::Conv3d> for Conv3d<'a> {
    fn from(layer: &'a nn::Conv3d) -> Self {
        let options = Options::Forward(layer.options);
        Self { weight: &layer.weight, bias: layer.bias.as_ref(), options }
    }
}

impl<'a> From<&'a nn::ConvTranspose3d> for Conv3d<'a> {
    fn from(layer: &'a nn::ConvTranspose3d) -> Self {
        let options = Options::Transposed(&layer.options);
        Self { weight: &layer.weight, bias: layer.bias.as_ref(), options }
    }
}

impl<'a> Conv3d<'a> {
    /// That of volumes that are padded already.
    pub fn padded(layer: &'a nn::Conv3d) -> Self {
        let options = ConvOptions { padding: Padding::Valid, ..layer.options };
        Self { options: Options::Forward(options), ..layer.into() }
    }

    fn geometry(&self, input: &[usize]) -> Result<Volumes> {
        match self.options {
            Options::Forward(options) => volumes_of(input, self.weight.shape(), &options),
            Options::Transposed(options) => transposed_volumes_of(input, self.weight.shape(), options),
        }
    }

    fn is_transposed(&self) -> bool {
        matches!(self.options, Options::Transposed(_))
    }
}

impl Volumes {
    /// Elements of a slice of a volume, and of a result.
    #[inline]
    fn planes(&self) -> [usize; 2] {
        [self.images.size, self.images.out].map(|[height, width]| height * width)
    }

    /// Elements of all volumes, and of all results.
    #[inline]
    fn lens(&self) -> [usize; 2] {
        let [plane, result] = self.planes();
        let [depth, count] = self.depth;
        [self.batch * self.channels * depth * plane, self.batch * self.images.out_channels * count * result]
    }

    /// Elements of all images.
    #[inline]
    fn slices(&self) -> usize {
        self.images.batch * self.images.in_channels * self.planes()[0]
    }

    /// The slice that a tap of a position of the result sees, unless it lies in the padding.
    fn seen(&self, position: usize, tap: usize) -> Option<usize> {
        let at = (position * self.stride + tap * self.dilation).checked_sub(self.before)?;
        (at < self.depth[0]).then_some(at)
    }

    /// The images that volumes are made of.
    ///
    /// # Safety
    /// Both have the geometry's sizes, and do not overlap.
    unsafe fn unfold(&self, x: *const f32, slices: *mut f32) {
        let ([plane, _], [depth, count]) = (self.planes(), self.depth);
        let image = self.channels * self.taps * plane;
        let shared = Shared((x, slices));
        parallel::for_each_chunk(self.batch * count, (GRAIN / image.max(1)).max(1), |range| {
            let (x, slices) = shared.get();
            for at in range {
                let (example, position) = (at / count, at % count);
                for channel in 0..self.channels {
                    for tap in 0..self.taps {
                        // SAFETY: the caller's promise; images are disjoint.
                        unsafe {
                            let to = slices.add(at * image + (channel * self.taps + tap) * plane);
                            match self.seen(position, tap) {
                                Some(slice) => {
                                    let volume = (example * self.channels + channel) * depth;
                                    std::ptr::copy_nonoverlapping(x.add((volume + slice) * plane), to, plane);
                                }
                                None => to.write_bytes(0, plane),
                            }
                        }
                    }
                }
            }
        });
    }

    /// The sums of what images have of each element of the volumes: the adjoint of [`Volumes::unfold`].
    ///
    /// # Safety
    /// Both have the geometry's sizes, and do not overlap.
    unsafe fn fold(&self, slices: *const f32, x: *mut f32) {
        let ([plane, _], [depth, count]) = (self.planes(), self.depth);
        let shared = Shared((slices, x));
        let work = count * self.taps * plane;
        parallel::for_each_chunk(self.batch * self.channels, (GRAIN / work.max(1)).max(1), |range| {
            let (slices, x) = shared.get();
            for at in range {
                let (example, channel) = (at / self.channels, at % self.channels);
                // SAFETY: the caller's promise; volumes are disjoint.
                let volume =
                    unsafe { std::slice::from_raw_parts_mut(x.add(at * depth * plane), depth * plane) };
                volume.fill(0.0);
                for (position, tap) in
                    (0..count).flat_map(|position| (0..self.taps).map(move |tap| (position, tap)))
                {
                    let Some(slice) = self.seen(position, tap) else { continue };
                    let image = (example * count + position) * self.channels + channel;
                    // SAFETY: as above.
                    let from = unsafe {
                        std::slice::from_raw_parts(slices.add((image * self.taps + tap) * plane), plane)
                    };
                    let sums = &mut volume[slice * plane..][..plane];
                    sums.iter_mut().zip(from).for_each(|(sum, more)| *sum += more);
                }
            }
        });
    }

    /// Channels before positions, `[batch, channels, count, ..]`, from the other order, or back.
    ///
    /// # Safety
    /// Both have the size of the results, and do not overlap.
    unsafe fn turn(&self, from: *const f32, to: *mut f32, back: bool) {
        let (channels, count, plane) = (self.images.out_channels, self.depth[1], self.planes()[1]);
        let shared = Shared((from, to));
        parallel::for_each_chunk(self.batch * channels * count, (GRAIN / plane.max(1)).max(1), |range| {
            let (from, to) = shared.get();
            for at in range {
                let (example, channel, position) = (at / count / channels, at / count % channels, at % count);
                let other = (example * count + position) * channels + channel;
                let (from_at, to_at) = if back { (at, other) } else { (other, at) };
                // SAFETY: the caller's promise; planes are disjoint.
                unsafe {
                    std::ptr::copy_nonoverlapping(from.add(from_at * plane), to.add(to_at * plane), plane);
                }
            }
        });
    }
}

impl Pass {
    /// `conv3d(x) + b`, or the transposed one.
    ///
    /// # Errors
    /// If the layer does not fit the shape, or what the elements are is unknown.
    #[inline]
    pub fn conv3d(
        &mut self,
        inputs: &[(Buf, &[usize])],
        layer: Conv3d<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "the input of a convolution of volumes")?;
        let volumes = *self.fact(|| layer.geometry(shape))?;
        let grad = self.recording && (x.grad || wants(&[Some(layer.weight), layer.bias]));
        let [volume, result] = volumes.lens();
        let y = self.result(if layer.is_transposed() { volume } else { result }, grad);
        let [slices, planes] = [self.numbers(volumes.slices(), false), self.numbers(result, false)];
        if !self.planning {
            let ((w, _w), (bias, _b)) = (read(layer.weight), read_option(layer.bias));
            let (images, slices, planes) = (&volumes.images, slices.f32(), planes.f32());
            // SAFETY: buffers of the pass of the geometry's sizes; the parameters are locked and were checked.
            unsafe {
                if layer.is_transposed() {
                    volumes.turn(x.f32(), planes, true);
                    conv::input_grad(isa(), images, planes.cast_const(), w, slices);
                    volumes.fold(slices, y.f32());
                    if let Some(bias) = bias {
                        add_to_channels(bias, volumes.channels, volumes.depth[0] * volumes.planes()[0], y);
                    }
                } else {
                    volumes.unfold(x.f32(), slices);
                    let epilogue = Epilogue { bias, ..Epilogue::NONE };
                    conv::forward(isa(), images, slices, w, &epilogue, planes);
                    volumes.turn(planes, y.f32(), false);
                }
            }
        }
        self.release(slices);
        self.release(planes);
        self.save(x, grad && layer.weight.requires_grad());
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::conv3d`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn conv3d_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        layer: Conv3d<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let volumes = *self.fact(|| layer.geometry(shapes[0]))?;
        let x = self.saved();
        let Some(g) = g[0] else { return Ok(()) };
        let (images, is_transposed) = (&volumes.images, layer.is_transposed());
        let [slices, planes] =
            [self.numbers(volumes.slices(), false), self.numbers(volumes.lens()[1], false)];
        let reads_x = layer.weight.requires_grad();
        if !self.planning {
            // Of the two, one has the volumes, whose images these are, and one the results.
            let (volume, result) = if is_transposed { (g, x) } else { (x, g) };
            // SAFETY: here and below, buffers of the pass of the geometry's sizes.
            unsafe {
                if is_transposed || reads_x {
                    volumes.unfold(volume.f32(), slices.f32());
                }
                if !is_transposed || reads_x {
                    volumes.turn(result.f32(), planes.f32(), true);
                }
            }
        }
        // SAFETY: as above; the gradients have the parameters' shapes.
        self.parameter_grad(layer.bias, |db| unsafe {
            if is_transposed {
                let positions = volumes.depth[0] * volumes.planes()[0];
                sum_channels(g, [volumes.batch, volumes.channels, positions], db);
            } else {
                conv::bias_grad(images, planes.f32().cast_const(), db);
            }
        })?;
        // SAFETY: as above.
        self.parameter_grad(Some(layer.weight), |dw| unsafe {
            conv::weight_grad(isa(), images, slices.f32().cast_const(), planes.f32().cast_const(), dw);
        })?;
        if x.grad {
            let dx = self.numbers(x.len, false);
            if !self.planning {
                let (w, _guard) = read(layer.weight);
                // SAFETY: as above.
                unsafe {
                    if is_transposed {
                        conv::forward(isa(), images, slices.f32(), w, &Epilogue::NONE, planes.f32());
                        volumes.turn(planes.f32(), dx.f32(), false);
                    } else {
                        conv::input_grad(isa(), images, planes.f32().cast_const(), w, slices.f32());
                        volumes.fold(slices.f32(), dx.f32());
                    }
                }
            }
            self.contribute(into[0], Some(dx));
        }
        self.release(slices);
        self.release(planes);
        Ok(())
    }
}
