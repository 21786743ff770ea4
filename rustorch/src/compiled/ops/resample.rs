//! Images of another size, and pixels that become channels.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::resample::{self as kernel, Taps};
use crate::layout::Dims;
use crate::nn::functional::{InterpolateMode, Resize, shuffled, taps};

/// How an image is resized to the size that its result has.
#[derive(Clone, Copy)]
pub struct Interpolation<'a> {
    /// What the sizes are multiplied by, as it was written; nothing if it was the sizes that were.
    pub factors: &'a [usize],
    /// Where elements come from, by PyTorch's name.
    pub mode: &'a str,
    /// Whether the outermost positions stay.
    pub align_corners: bool,
}

impl Interpolation<'_> {
    /// Whether a layer still has these options; its sizes are those of its result.
    #[inline]
    pub fn is_of(&self, layer: &crate::nn::Upsample, sizes: &[usize]) -> bool {
        let is_resized_so = match &layer.resize {
            Resize::Size(others) => self.factors.is_empty() && others == sizes,
            Resize::Scale(factors) => {
                let same = |(a, b): (&f64, &usize)| *a == *b as f64;
                factors.len() == self.factors.len() && factors.iter().zip(self.factors).all(same)
            }
        };
        is_resized_so && layer.mode.name() == self.mode && layer.align_corners == self.align_corners
    }

    /// The axes along which anything changes.
    #[inline]
    fn steps(&self, shape: &[usize], out: &[usize]) -> Result<Vec<Step>> {
        let mode = InterpolateMode::of(self.mode)?;
        let spatial = shape.len() - 2;
        let mut steps = Vec::new();
        let mut before = Dims::from_slice(shape);
        for axis in 2..shape.len() {
            let factor = match self.factors {
                [] => None,
                &[factor] => Some(factor as f64),
                factors => Some(factors[axis - 2] as f64),
            };
            let sizes = (shape[axis], out[axis]);
            let around = [numel(&before[..axis]), numel(&before[axis + 1..])];
            before[axis] = out[axis];
            if let Some(taps) = taps(mode, self.align_corners, sizes, factor, spatial) {
                steps.push(Step { around, taps });
            }
        }
        Ok(steps)
    }
}

/// One axis: what lies around it, and where its elements come from.
struct Step {
    around: [usize; 2],
    taps: Taps,
}

impl Step {
    fn lens(&self) -> [usize; 2] {
        let [outer, inner] = self.around;
        [outer * self.taps.from * inner, outer * self.taps.first.len() * inner]
    }
}

impl Pass {
    /// `interpolate` in every mode but "area".
    ///
    /// # Errors
    /// If there is no such mode, or what the elements are is unknown.
    #[inline]
    pub fn interpolate(
        &mut self,
        inputs: &[(Buf, &[usize])],
        options: Interpolation<'_>,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "an image to be resized")?;
        let steps = self.fact(|| options.steps(shape, outputs[0]))?;
        let grad = self.recording && x.grad;
        self.save(x, false);
        let Some((last, others)) = steps.split_last() else {
            self.decline();
            made[0] = self.retain(x);
            return Ok(());
        };
        let mut from = self.retain(x);
        for step in others {
            let to = self.numbers(step.lens()[1], false);
            self.resize(step, from, to, false);
            self.release(from);
            from = to;
        }
        let to = self.result(last.lens()[1], grad);
        self.resize(last, from, to, false);
        self.release(from);
        made[0] = to;
        Ok(())
    }

    /// The gradient of [`Pass::interpolate`].
    ///
    /// # Errors
    /// None that the forward pass has not had.
    #[inline]
    pub fn interpolate_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        options: Interpolation<'_>,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let steps = self.fact(|| options.steps(shapes[0], outputs[0]))?;
        let x = self.saved();
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let mut from = self.retain(g);
        for step in steps.iter().rev() {
            let to = self.numbers(step.lens()[0], false);
            self.resize(step, from, to, true);
            self.release(from);
            from = to;
        }
        self.contribute(into[0], Some(from));
        Ok(())
    }

    fn resize(&self, step: &Step, from: Buf, to: Buf, back: bool) {
        if self.planning {
            return;
        }
        // SAFETY: buffers of the pass of these sizes; positions are on the axis.
        unsafe {
            match back {
                false => kernel::forward(&step.taps, step.around, from.f32(), to.f32()),
                true => kernel::backward(&step.taps, step.around, from.f32(), to.f32()),
            }
        }
    }

    /// Channels that become pixels, or pixels that become channels: `pixel_shuffle` and `pixel_unshuffle`.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn shuffle(
        &mut self,
        inputs: &[(Buf, &[usize])],
        (factor, to_channels): (usize, bool),
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        let (split, order) = shuffled(shape, factor, to_channels);
        made[0] = self.permute(x, &split, &order)?;
        Ok(())
    }

    /// The gradient of [`Pass::shuffle`].
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn shuffle_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        (factor, to_channels): (usize, bool),
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (split, order) = shuffled(shapes[0], factor, to_channels);
        self.permute_backward(g[0], &split, &order, into[0]);
        Ok(())
    }
}
