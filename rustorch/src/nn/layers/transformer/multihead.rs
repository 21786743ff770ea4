//! Attention by several heads.

use rustorch_shape::rules::{self, Multihead};

use super::masks::{AttentionMasks, Merged, Scores, merge};
use crate::error::expect;
use crate::nn::build::{Arguments, builder};
use crate::nn::functional::{AttentionOptions, linear, scaled_dot_product_attention};
use crate::nn::layers::linear::{Linear, bound};
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut, init};
use crate::{DType, Error, Result, Tensor};

/// Attention by several heads, each with projections of its own (`torch.nn.MultiheadAttention`; Vaswani et al. 2017):
/// `concat(headᵢ) W_outᵀ + b_out` with `headᵢ = softmax(Qᵢ Kᵢᵀ / √e) Vᵢ` and `Q`, `K`, `V` linear maps of query, key and value.
///
/// The weights of the three start as [`xavier_uniform_`](init::xavier_uniform_) has them, biases at 0, and `bias_k` and `bias_v` as
/// [`xavier_normal_`](init::xavier_normal_).
#[derive(Clone)]
pub struct MultiheadAttention {
    /// `[3 · embed_dim, embed_dim]`, for query, key and value; `None` if key or value have other features.
    pub in_proj_weight: Option<Tensor>,
    /// `[embed_dim, embed_dim]`, in place of `in_proj_weight`.
    pub q_proj_weight: Option<Tensor>,
    /// `[embed_dim, kdim]`, in place of `in_proj_weight`.
    pub k_proj_weight: Option<Tensor>,
    /// `[embed_dim, vdim]`, in place of `in_proj_weight`.
    pub v_proj_weight: Option<Tensor>,
    /// `[3 · embed_dim]`
    pub in_proj_bias: Option<Tensor>,
    /// `[1, 1, embed_dim]`: a key that every query sees.
    pub bias_k: Option<Tensor>,
    /// `[1, 1, embed_dim]`: its value.
    pub bias_v: Option<Tensor>,
    /// What the heads' results go through.
    pub out_proj: Linear,
    /// Features of the query.
    pub embed_dim: usize,
    /// How many heads.
    pub num_heads: usize,
    /// Features of the key.
    pub kdim: usize,
    /// Features of the value.
    pub vdim: usize,
    /// The probability with which a weight is dropped, in training.
    pub dropout: f64,
    /// Whether every query sees a key of zeros besides.
    pub add_zero_attn: bool,
    /// Whether the batch is axis 0 and not axis 1.
    pub batch_first: bool,
    training: Training,
}

builder! {
    /// Builds a [`MultiheadAttention`].
    MultiheadAttentionBuilder for MultiheadAttention(embed_dim: usize, num_heads: usize) {
        /// The probability with which a weight is dropped, in training; 0 unless set.
        dropout: f64,
        /// Whether the projections have biases; `true` unless set.
        bias: bool,
        /// Whether every query sees a learnt key besides; `false` unless set.
        add_bias_kv: bool,
        /// Whether every query sees a key of zeros besides; `false` unless set.
        add_zero_attn: bool,
        /// Features of the key; `embed_dim` unless set.
        kdim: usize,
        /// Features of the value; `embed_dim` unless set.
        vdim: usize,
        /// Whether input and output are `[batch, length, features]` rather than `[length, batch, features]`; `false` unless
        /// set.
        batch_first: bool,
    }
}

impl MultiheadAttention {
    const OP: &'static str = "MultiheadAttention";

    /// The layer with biases.
    ///
    /// # Panics
    /// If the heads do not divide the features, or there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(embed_dim: usize, num_heads: usize) -> Self {
        expect(Self::builder(embed_dim, num_heads).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let (embed_dim, num_heads) = (args.size("embed_dim")?, args.size("num_heads")?);
        if num_heads == 0 || !embed_dim.is_multiple_of(num_heads) || embed_dim == 0 {
            let message =
                format!("embed_dim is {embed_dim}, expected a multiple of num_heads, which is {num_heads}");
            return Err(Error::argument(Self::OP, message));
        }
        let dropout = args.float("dropout")?;
        if !(0.0..=1.0).contains(&dropout) {
            let message = format!("dropout is {dropout}, expected a probability from 0 to 1");
            return Err(Error::argument(Self::OP, message));
        }
        let weight = |name: &str| args.parameter(name, |weight| init::xavier_uniform_(weight, 1.0));
        let normal = |name: &str| args.parameter(name, |bias| init::xavier_normal_(bias, 1.0));
        let limit = bound(embed_dim);
        let out = args.parameter("out_proj.weight", |weight| init::uniform_(weight, -limit, limit))?;
        Ok(Self {
            in_proj_weight: weight("in_proj_weight")?,
            q_proj_weight: weight("q_proj_weight")?,
            k_proj_weight: weight("k_proj_weight")?,
            v_proj_weight: weight("v_proj_weight")?,
            in_proj_bias: args.parameter("in_proj_bias", init::zeros_)?,
            bias_k: normal("bias_k")?,
            bias_v: normal("bias_v")?,
            out_proj: Linear {
                weight: out.expect("the table has a weight"),
                bias: args.parameter("out_proj.bias", init::zeros_)?,
            },
            embed_dim,
            num_heads,
            kdim: args.size("kdim")?,
            vdim: args.size("vdim")?,
            dropout,
            add_zero_attn: args.flag("add_zero_attn")?,
            batch_first: args.flag("batch_first")?,
            training: Training::default(),
        })
    }

    /// The heads' results put together, and, if asked for, the weights: `[batch, l, s]`, or `[batch, num_heads, l, s]` for each
    /// head.
    ///
    /// Query `[l, batch, embed_dim]`, key `[s, batch, kdim]` and value `[s, batch, vdim]`, with the batch first if `batch_first`,
    /// or without one, give `[l, batch, embed_dim]`. Without weights, memory is linear in `l` and `s`. A query that sees nothing gives
    /// `b_out`; weights of such are NaN, as in PyTorch.
    ///
    /// # Errors
    /// If a size does not fit the layer, another operand or a mask.
    ///
    /// ```
    /// use rustorch::{Tensor, nn::{AttentionMasks, MultiheadAttention}};
    /// let layer = MultiheadAttention::builder(8, 2).batch_first(true).build()?;
    /// let (x, y) = (Tensor::randn([3, 5, 8]), Tensor::randn([3, 7, 8]));
    /// let masks = AttentionMasks { need_weights: true, ..Default::default() };
    /// let (output, weights) = layer.forward(&x, &y, &y, masks)?;
    /// assert_eq!((output.shape(), weights.unwrap().shape()), (&[3, 5, 8][..], &[3, 5, 7][..]));
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn forward(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        masks: AttentionMasks<'_>,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let sizes = Multihead {
            op: Self::OP,
            embed_dim: &self.embed_dim,
            num_heads: &self.num_heads,
            kdim: &self.kdim,
            vdim: &self.vdim,
            batch_first: self.batch_first,
        };
        rules::multihead_attention(sizes, query.shape(), key.shape(), value.shape(), &mut ())?;
        let batched = query.rank() == 3;
        // The axis of the batch, of which there is one from here on.
        let axis = if batched && !self.batch_first { 1 } else { 0 };
        let shared = (query.is_same(key) && key.is_same(value)).then_some(());
        let [query, key, value] =
            [query, key, value].map(|tensor| if batched { Ok(tensor.clone()) } else { tensor.unsqueeze(0) });
        let (q, k, v) = self.project(&query?, &key?, &value?, shared.is_some())?;
        let (k, v) = self.extend(k, v, axis)?;
        let (k, v, extra) = (self.split(&k, axis)?, self.split(&v, axis)?, self.extra());
        let q = self.split(&q, axis)?;
        let scores = Scores {
            batch: q.shape()[0],
            heads: self.num_heads,
            queries: q.shape()[2],
            keys: k.shape()[2] - extra,
        };
        let padding = match masks.key_padding_mask {
            Some(mask) if !batched && mask.rank() == 1 => Some(mask.unsqueeze(0)?),
            mask => mask.cloned(),
        };
        let merged =
            merge(Self::OP, &AttentionMasks { key_padding_mask: padding.as_ref(), ..masks }, scores, extra)?;
        let (heads, weights) = self.attend(&q, &k, &v, merged, masks.need_weights)?;
        let order: [isize; 4] = if axis == 0 { [0, 2, 1, 3] } else { [2, 0, 1, 3] };
        let joined = heads.permute(order)?.flatten(2, 3)?;
        let output = self.out_proj.forward(&joined)?;
        let weights = match weights {
            Some(weights) if !masks.per_head_weights => Some(weights.mean_dim(1, false)?),
            weights => weights,
        };
        if batched {
            return Ok((output, weights));
        }
        Ok((output.squeeze(0)?, weights.map(|weights| weights.squeeze(0)).transpose()?))
    }

    /// Whether it drops weights now.
    pub(crate) fn trains(&self) -> bool {
        self.training.get()
    }

    /// Keys that are not in the input.
    fn extra(&self) -> usize {
        usize::from(self.bias_k.is_some() && self.bias_v.is_some()) + usize::from(self.add_zero_attn)
    }

    /// Query, key and value through their projections.
    fn project(&self, q: &Tensor, k: &Tensor, v: &Tensor, shared: bool) -> Result<(Tensor, Tensor, Tensor)> {
        let e = self.embed_dim;
        let part = |tensor: &Tensor, index: usize| tensor.narrow(0, index * e, e);
        let bias = |index: usize| self.in_proj_bias.as_ref().map(|bias| part(bias, index)).transpose();
        if let Some(weight) = &self.in_proj_weight {
            if shared {
                let all = linear(q, weight, self.in_proj_bias.as_ref())?;
                let part = |index: usize| all.narrow(-1, index * e, e);
                return Ok((part(0)?, part(1)?, part(2)?));
            }
            let map = |x: &Tensor, index: usize| linear(x, &part(weight, index)?, bias(index)?.as_ref());
            return Ok((map(q, 0)?, map(k, 1)?, map(v, 2)?));
        }
        let map = |x: &Tensor, weight: &Option<Tensor>, index: usize| match weight {
            Some(weight) => linear(x, weight, bias(index)?.as_ref()),
            None => {
                Err(Error::argument(Self::OP, "there is neither in_proj_weight nor all of the three others"))
            }
        };
        Ok((
            map(q, &self.q_proj_weight, 0)?,
            map(k, &self.k_proj_weight, 1)?,
            map(v, &self.v_proj_weight, 2)?,
        ))
    }

    /// With the keys that every query sees besides.
    fn extend(&self, mut k: Tensor, mut v: Tensor, batch: usize) -> Result<(Tensor, Tensor)> {
        let length = 1 - batch as isize;
        let mut shape = k.shape().to_vec();
        shape[1 - batch] = 1;
        if let (Some(bias_k), Some(bias_v)) = (&self.bias_k, &self.bias_v) {
            let shape = shape.as_slice();
            k = Tensor::cat(&[&k, &bias_k.expand(shape)?], length)?;
            v = Tensor::cat(&[&v, &bias_v.expand(shape)?], length)?;
        }
        if self.add_zero_attn {
            let zeros = Tensor::try_full(&shape, 0.0, k.dtype(), k.device())?;
            k = Tensor::cat(&[&k, &zeros], length)?;
            v = Tensor::cat(&[&v, &zeros], length)?;
        }
        Ok((k, v))
    }

    /// `[batch, heads, length, features of a head]`
    #[inline]
    fn split(&self, x: &Tensor, batch: usize) -> Result<Tensor> {
        let heads = x.unflatten(-1, [self.num_heads, self.embed_dim / self.num_heads])?;
        heads.permute(if batch == 0 { [0isize, 2, 1, 3] } else { [1, 2, 0, 3] })
    }

    /// The heads' results, and the weights if needed.
    #[inline]
    fn attend(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        merged: Merged,
        need_weights: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let dropout = if self.training.get() { self.dropout } else { 0.0 };
        if !need_weights {
            let (mask, causal) = match &merged {
                Merged::Causal(causal) => (None, *causal),
                Merged::Mask(mask) => (Some(mask), false),
            };
            let options = AttentionOptions { mask, causal, dropout, ..Default::default() };
            return Ok((scaled_dot_product_attention(q, k, v, options)?, None));
        }
        let scale = 1.0 / (q.size(-1)? as f64).sqrt();
        let scores = q.mul(scale)?.matmul(&k.transpose(-1, -2)?)?;
        let scores = match merged {
            Merged::Causal(false) => scores,
            Merged::Causal(true) => {
                let (queries, keys) = (q.size(-2)?, k.size(-2)?);
                let seen = Tensor::arange(0, queries, 1)?.unsqueeze(1)?.ge(&Tensor::arange(0, keys, 1)?)?;
                Tensor::where_(&seen.to_device(scores.device())?, &scores, f64::NEG_INFINITY)?
            }
            Merged::Mask(mask) if mask.dtype() == DType::Bool => {
                Tensor::where_(&mask, &scores, f64::NEG_INFINITY)?
            }
            Merged::Mask(mask) => scores.add(&mask)?,
        };
        let weights = scores.softmax(-1)?;
        let weights = if dropout > 0.0 { weights.dropout(dropout)? } else { weights };
        Ok((weights.matmul(v)?, Some(weights)))
    }
}

/// Attention of a sequence to itself, without masks.
impl Layer for MultiheadAttention {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        Ok(MultiheadAttention::forward(self, input, input, input, AttentionMasks::default())?.0)
    }
}

impl Module for MultiheadAttention {
    #[inline]
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        visitor.training(&self.training);
        visitor.parameter("in_proj_weight", &self.in_proj_weight);
        visitor.parameter("q_proj_weight", &self.q_proj_weight);
        visitor.parameter("k_proj_weight", &self.k_proj_weight);
        visitor.parameter("v_proj_weight", &self.v_proj_weight);
        visitor.parameter("in_proj_bias", &self.in_proj_bias);
        visitor.parameter("bias_k", &self.bias_k);
        visitor.parameter("bias_v", &self.bias_v);
        visitor.module("out_proj", &self.out_proj);
    }
    #[inline]
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        visitor.parameter("in_proj_weight", &mut self.in_proj_weight);
        visitor.parameter("q_proj_weight", &mut self.q_proj_weight);
        visitor.parameter("k_proj_weight", &mut self.k_proj_weight);
        visitor.parameter("v_proj_weight", &mut self.v_proj_weight);
        visitor.parameter("in_proj_bias", &mut self.in_proj_bias);
        visitor.parameter("bias_k", &mut self.bias_k);
        visitor.parameter("bias_v", &mut self.bias_v);
        visitor.module("out_proj", &mut self.out_proj);
    }
}

impl std::fmt::Debug for MultiheadAttention {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repr())
    }
}
