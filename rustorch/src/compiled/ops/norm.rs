//! Layer normalisation and root mean square normalisation.

use super::super::{Buf, Grad, Pass};
use super::{add_into, read_option, wants};
use crate::kernels::layer_norm::{self, Gradients, Norm};
use crate::kernels::{isa, scratch};
use crate::{Error, Result, Tensor};

/// What a row is normalised by.
#[derive(Clone, Copy)]
pub struct RowNorm<'a> {
    /// The elements of a row.
    pub dim: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Whether the mean is subtracted.
    pub centred: bool,
    /// A factor per element.
    pub weight: Option<&'a Tensor>,
    /// A summand per element.
    pub bias: Option<&'a Tensor>,
}

impl<'a> From<&'a crate::nn::LayerNorm> for RowNorm<'a> {
    fn from(layer: &'a crate::nn::LayerNorm) -> Self {
        let dim = layer.normalized_shape.iter().product();
        let (weight, bias) = (layer.weight.as_ref(), layer.bias.as_ref());
        Self { dim, eps: layer.eps, centred: true, weight, bias }
    }
}

impl<'a> From<&'a Option<crate::nn::LayerNorm>> for RowNorm<'a> {
    fn from(layer: &'a Option<crate::nn::LayerNorm>) -> Self {
        layer.as_ref().expect("compared with the declaration before the pass").into()
    }
}

impl<'a> From<&'a crate::nn::RMSNorm> for RowNorm<'a> {
    fn from(layer: &'a crate::nn::RMSNorm) -> Self {
        let dim = layer.normalized_shape.iter().product();
        Self { dim, eps: layer.eps, centred: false, weight: layer.weight.as_ref(), bias: None }
    }
}

impl RowNorm<'_> {
    /// Rows of the last axes, which have these sizes, without weight and bias.
    #[inline]
    pub fn plain(sizes: &[usize], eps: f64, centred: bool) -> Self {
        Self { dim: sizes.iter().product(), eps, centred, weight: None, bias: None }
    }
}

impl Pass {
    /// [`Pass::row_norm`] without parameters.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn normal_rows(
        &mut self,
        inputs: &[(Buf, &[usize])],
        norm: RowNorm<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.expect_numbers(inputs[0].0, "rows to be normalised")?;
        made[0] = self.normalized(inputs[0].0, norm)?;
        Ok(())
    }

    /// The gradient of [`Pass::normal_rows`].
    ///
    /// # Errors
    /// If there is not enough memory.
    #[inline]
    pub fn normal_rows_backward(
        &mut self,
        g: &[Grad],
        _: &[&[usize]],
        norm: RowNorm<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        self.row_norm_backward(g[0], norm, into[0])
    }

    /// Normalised rows (`torch.nn.functional.layer_norm`).
    ///
    /// # Errors
    /// If weight or bias do not have an element per element of a row.
    #[inline]
    pub fn row_norm<'a>(&mut self, x: Buf, norm: impl Into<RowNorm<'a>>) -> Result<Buf> {
        self.normalized(x, norm.into())
    }

    fn normalized(&mut self, x: Buf, norm: RowNorm<'_>) -> Result<Buf> {
        let fits =
            |parameter: Option<&Tensor>| parameter.is_none_or(|parameter| parameter.numel() == norm.dim);
        if !fits(norm.weight) || !fits(norm.bias) || norm.dim == 0 || !x.len.is_multiple_of(norm.dim) {
            return Err(Error::argument(
                "layer_norm",
                format!(
                    "rows of {} elements do not fit the weight, the bias or the {} elements of the input",
                    norm.dim, x.len
                ),
            ));
        }
        let grad = self.recording && (x.grad || wants(&[norm.weight, norm.bias]));
        let rows = x.len / norm.dim;
        let y = self.result(x.len, grad);
        let kept = if grad { Some([self.numbers(rows, false), self.numbers(rows, false)]) } else { None };
        if !self.planning {
            let ((weight, _w), (bias, _b)) = (read_option(norm.weight), read_option(norm.bias));
            let (dim, eps, centred) = (norm.dim, norm.eps as f32, norm.centred);
            let norm = Norm { rows, dim, eps, centred, weight, bias };
            let kept = kept.map(|[mean, scale]| (mean.f32(), scale.f32()));
            // SAFETY: buffers of the pass of these sizes; the parameters are locked and were checked.
            unsafe { layer_norm::forward(isa(), &norm, x.f32(), y.f32(), kept) };
        }
        self.save(x, grad);
        let [mean, scale] = kept.unwrap_or([Buf::NONE; 2]);
        self.save(mean, grad);
        self.save(scale, grad);
        if grad {
            self.release(mean);
            self.release(scale);
        }
        Ok(y)
    }

    /// The gradient of [`Pass::row_norm`].
    ///
    /// # Errors
    /// If there is not enough memory.
    #[inline]
    pub fn row_norm_backward<'a>(
        &mut self,
        g: Grad,
        norm: impl Into<RowNorm<'a>>,
        gx: &mut Grad,
    ) -> Result<()> {
        self.normalized_backward(g, norm.into(), gx)
    }

    fn normalized_backward(&mut self, g: Grad, norm: RowNorm<'_>, gx: &mut Grad) -> Result<()> {
        let (scale, mean, x) = (self.saved(), self.saved(), self.saved());
        let Some(g) = g else { return Ok(()) };
        let dx = if x.grad { Some(self.numbers(x.len, false)) } else { None };
        if !self.planning {
            let mut target = |parameter: Option<&Tensor>| match parameter {
                Some(parameter) => self.parameters.target(parameter),
                None => Ok(None),
            };
            let (dweight, dbias) = (target(norm.weight)?, target(norm.bias)?);
            let (weight, _guard) = read_option(norm.weight);
            let (dim, rows) = (norm.dim, x.len / norm.dim);
            let kernel = Norm { rows, dim, eps: norm.eps as f32, centred: norm.centred, weight, bias: None };
            scratch::with(2 * dim, |parts: *mut f32| {
                // Where a gradient is there already, the new one is computed apart.
                let place = |target: super::super::parameters::Target, part: *mut f32| {
                    if target.accumulate { part } else { target.ptr }
                };
                let second = parts.wrapping_add(dim);
                let gradients = Gradients {
                    x: x.f32(),
                    dy: g.f32(),
                    mean: mean.f32(),
                    rstd: scale.f32(),
                    dx: dx.map(|dx| dx.f32()),
                    dweight: dweight.map(|target| place(target, parts)),
                    dbias: dbias.map(|target| place(target, second)),
                };
                // SAFETY: buffers of the pass of these sizes; the gradients have the parameters' shapes.
                unsafe {
                    layer_norm::backward(isa(), &kernel, &gradients);
                    for (target, part) in [(dweight, parts), (dbias, second)] {
                        if let Some(target) = target.filter(|target| target.accumulate) {
                            add_into(target.ptr, target.ptr, part, dim);
                        }
                    }
                }
            });
        }
        self.contribute(gx, dx);
        Ok(())
    }
}
