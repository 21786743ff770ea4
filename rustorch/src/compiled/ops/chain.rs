//! Chains of elementwise operations, by loops that `model!` has written: one forward, one backward.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::dropout::Factors;
use super::elementwise::{broadcast_strides, parameters};
use super::linear::{Linear, Map};
use super::numel;
use crate::kernels::gemm::{Activation, Part};
use crate::kernels::parallel::Shared;
use crate::nn::functional::{SATURATION, alpha_scale};
use crate::ops::elementwise::Variable;
use crate::ops::elementwise::chain::{self, Feed, Loop, MAX_INPUTS, MAX_OUTPUTS};
use crate::{DType, Error, Result, Scalar};

/// An expression of several operands, and its gradients.
pub struct Chain {
    /// The value, of all operands.
    pub value: Loop,
    /// All gradients that are computed, of what `reads` says.
    pub gradients: Option<Loop>,
    /// What the gradients read, in the order of the loop's inputs.
    pub reads: &'static [Variable],
    /// The gradient with respect to each operand.
    pub slopes: &'static [Slope],
}

/// A gradient with respect to an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Slope {
    /// There is none.
    None,
    /// That of the chain's result as it is.
    Same,
    /// This result of the loop of gradients.
    Computed(usize),
}

/// An operand of a [`Chain`].
#[derive(Clone, Copy)]
pub enum Link<'a> {
    /// A buffer of this shape.
    Values(Buf, &'a [usize]),
    /// The factors of a dropout with this probability; 1 where the second value says that nobody trains. The name is that of the
    /// operation, for errors.
    Dropout(f64, bool, &'static str),
    /// Truth values of this shape: the condition of a `where`, or of a `masked_fill` with this number.
    Mask(Buf, &'a [usize], Option<f64>),
}

impl<'a> Link<'a> {
    /// An operand of this shape whose values nobody reads.
    pub fn of(shape: &'a [usize]) -> Self {
        Link::Values(Buf::NONE, shape)
    }

    fn wants_grad(&self) -> bool {
        matches!(self, Link::Values(buf, _) if buf.grad)
    }
}

macro_rules! from_layers {
    ($($layer:ident $name:literal)*) => {$(
        impl From<&crate::nn::$layer> for Link<'_> {
            fn from(layer: &crate::nn::$layer) -> Self {
                Link::Dropout(layer.p, layer.training.get(), $name)
            }
        }
    )*};
}
from_layers! {
    Dropout "dropout"
    Dropout1d "dropout1d"
    Dropout2d "dropout2d"
    Dropout3d "dropout3d"
    AlphaDropout "alpha_dropout"
    FeatureAlphaDropout "feature_alpha_dropout"
}

/// What alpha dropout makes of an element `x` and a factor `f` of dropout: `x · f · a + f · b + c`.
pub fn alpha_factors(link: Link<'_>) -> [f64; 3] {
    let Link::Dropout(p, training, _) = link else { return [1.0, 0.0, 0.0] };
    // Then all factors are 1, or 0.
    if !training || p <= 0.0 || p >= 1.0 {
        return [1.0, 0.0, 0.0];
    }
    let scale = alpha_scale(p);
    [scale * (1.0 - p), SATURATION * scale * (1.0 - p), SATURATION * scale * (p - 1.0)]
}

/// Truth values of shape `own`, broadcast to `shape`.
#[inline]
fn mask(buf: Buf, own: &[usize], shape: &[usize]) -> Feed {
    Feed::Mask(buf.ptr.cast_const().cast(), broadcast_strides(own, shape))
}

/// Refuses what the operations of masks refuse.
#[inline]
fn check_mask(buf: Buf, fill: Option<f64>) -> Result<()> {
    let (op, expected) = match fill {
        Some(_) => ("masked_fill", "a bool mask"),
        None => ("where", "a bool condition"),
    };
    if let Some(dtype) = buf.dtype
        && dtype != DType::Bool
    {
        return Err(Error::DType { op, dtype, expected });
    }
    fill.map_or(Ok(()), |fill| Scalar::Float(fill).check_fits(op, DType::F32))
}

/// The elements of a buffer of shape `own`, broadcast to `shape`.
#[inline]
fn feed(buf: Buf, own: &[usize], shape: &[usize]) -> Feed {
    match own == shape {
        true => Feed::Whole(buf.f32()),
        false => Feed::Strided(buf.f32(), broadcast_strides(own, shape)),
    }
}

impl Pass {
    /// The value of a chain over this shape.
    ///
    /// # Errors
    /// If the probability of a dropout is none.
    #[inline]
    pub fn chain(
        &mut self,
        chain: &'static Chain,
        links: &[Link<'_>],
        params: &[f64],
        shape: &[usize],
    ) -> Result<Buf> {
        let grad = self.recording && links.iter().any(Link::wants_grad);
        let y = self.result(numel(shape), grad);
        if !self.planning {
            let feeds = self.feeds(links, shape, y)?;
            // SAFETY: buffers of the pass, broadcast to the shape of the result.
            unsafe { chain::run(chain.value, &feeds, &[Some(y.f32())], parameters(params), shape) };
        }
        self.save_links(chain, links, y);
        Ok(y)
    }

    /// The value of a chain over this shape of which one operand, `product` among the links, is `x Wᵀ + b`: each part of the product
    /// goes through the chain while it is in the cache. Its gradient is that of the chain, then that of the linear map.
    ///
    /// # Errors
    /// As for [`Pass::chain`].
    #[inline]
    pub fn linear_chain(
        &mut self,
        x: Buf,
        map: Map<'_>,
        chain: &'static Chain,
        (links, product): (&[Link<'_>], usize),
        params: &[f64],
        shape: &[usize],
    ) -> Result<Buf> {
        let linear = Linear { x, map };
        let own = self.recording && linear.wants_grad();
        let grad = own || self.recording && links.iter().any(Link::wants_grad);
        let y = self.result(linear.len(), grad);
        let is_kept = grad && chain.reads.contains(&Variable::Input(product));
        let z = if is_kept { self.numbers(linear.len(), own) } else { Buf { grad: own, ..y } };
        let mut links: SmallVec<[Link<'_>; MAX_INPUTS]> = links.into();
        links[product] = Link::Values(z, shape);
        if !self.planning {
            let feeds = self.feeds(&links, shape, y)?;
            let (params, shared) = (parameters(params), Shared((&feeds[..], y.f32())));
            let ending = |part: Part| {
                let (feeds, y) = shared.get();
                // SAFETY: buffers of the pass, broadcast to the shape of the result; parts are disjoint.
                unsafe { chain::run_part(chain.value, feeds, &[Some(y)], params, shape, part) };
            };
            // SAFETY: buffers of the pass of these sizes; the ending writes to its part of the result alone.
            unsafe { linear.run(z, Activation::Identity, Some(&ending)) };
        }
        self.save(x, grad && linear.needs_input());
        self.save_links(chain, &links, y);
        if is_kept {
            self.release(z);
        }
        Ok(y)
    }

    /// Where the loop gets its operands from; dropouts draw their factors. `y` is the result.
    #[inline]
    fn feeds(&mut self, links: &[Link<'_>], shape: &[usize], y: Buf) -> Result<SmallVec<[Feed; MAX_INPUTS]>> {
        let mut feeds = SmallVec::new();
        for link in links {
            feeds.push(match *link {
                Link::Values(buf, _) if buf.ptr == y.ptr => Feed::Replaced(buf.f32()),
                Link::Values(buf, own) => feed(buf, own, shape),
                Link::Mask(buf, own, fill) => {
                    check_mask(buf, fill)?;
                    mask(buf, own, shape)
                }
                Link::Dropout(p, training, op) => {
                    let factors = Factors::draw(op, p, training, y.len)?;
                    self.factors.push(factors);
                    factors.feed()
                }
            });
        }
        Ok(feeds)
    }

    /// Saves what the gradients of a chain read.
    #[inline]
    fn save_links(&mut self, chain: &Chain, links: &[Link<'_>], y: Buf) {
        for (k, link) in links.iter().enumerate() {
            if let Link::Values(buf, _) | Link::Mask(buf, ..) = link {
                self.save(*buf, y.grad && chain.reads.contains(&Variable::Input(k)));
            }
        }
        self.save(y, y.grad && chain.reads.contains(&Variable::Output));
    }

    /// The gradient of [`Pass::chain`]. Of the operands, the shapes are looked at.
    pub fn chain_backward(
        &mut self,
        chain: &'static Chain,
        links: &[Link<'_>],
        params: &[f64],
        shape: &[usize],
        g: Grad,
        into: &mut [&mut Grad],
    ) {
        let y = self.saved();
        let mut bufs: SmallVec<[Buf; MAX_INPUTS]> = SmallVec::from_elem(Buf::NONE, links.len());
        let mut factors: SmallVec<[Factors; 2]> = SmallVec::new();
        for (k, link) in links.iter().enumerate().rev() {
            match link {
                Link::Values(..) | Link::Mask(..) => bufs[k] = self.saved(),
                Link::Dropout(..) => factors.extend(self.drawn()),
            }
        }
        let Some(g) = g else { return };
        // A gradient that somebody wants is written to a buffer of the shape of the result.
        let mut outputs: SmallVec<[Option<Buf>; MAX_OUTPUTS]> = SmallVec::new();
        for (buf, slope) in bufs.iter().zip(chain.slopes) {
            if let Slope::Computed(_) = slope {
                outputs.push(if buf.grad { Some(self.numbers(g.len, false)) } else { None });
            }
        }
        if let Some(body) = chain.gradients
            && !self.planning
            && outputs.iter().any(Option::is_some)
        {
            let mut feeds: SmallVec<[Feed; MAX_INPUTS]> = SmallVec::new();
            for read in chain.reads {
                feeds.push(match *read {
                    Variable::Grad => Feed::Whole(g.f32()),
                    Variable::Output => Feed::Whole(y.f32()),
                    Variable::Input(k) => match links[k] {
                        Link::Values(_, own) => feed(bufs[k], own, shape),
                        Link::Mask(_, own, _) => mask(bufs[k], own, shape),
                        Link::Dropout(..) => {
                            let before = |link: &&Link<'_>| matches!(link, Link::Dropout(..));
                            factors[links[k + 1..].iter().filter(before).count()].feed()
                        }
                    },
                });
            }
            let places: SmallVec<[Option<*mut f32>; MAX_OUTPUTS]> =
                outputs.iter().map(|output| output.map(|buf| buf.f32())).collect();
            // SAFETY: buffers of the pass, broadcast to the shape of the result.
            unsafe { chain::run(body, &feeds, &places, parameters(params), shape) };
        }
        let mut into = into.iter_mut();
        for ((link, buf), slope) in links.iter().zip(bufs).zip(chain.slopes) {
            let Link::Values(_, own) = *link else { continue };
            let into = into.next().expect("a gradient for every tensor");
            let full = match *slope {
                Slope::Same if buf.grad => Some(self.retain(g)),
                Slope::Computed(at) => outputs[at],
                _ => None,
            };
            let Some(full) = full else { continue };
            let part = if own == shape { full } else { self.reduced(full, shape, own) };
            self.contribute(into, Some(part));
        }
    }
}
