//! Attention by several heads: its projections, its masks as one, and the keys that every query sees besides.

use super::super::super::callee::Callee;
use super::super::super::ir::{Shape, Var};
use super::super::{Arg, Instruction, Part};
use super::Composer;
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::args::Args;
use rustorch_shape::{Poly, Size};

/// What attention may see.
#[derive(Clone, Copy)]
pub(super) struct Masks<'a> {
    pub mask: Option<Var>,
    pub padding: Option<Var>,
    pub causal: &'a Arg,
}

/// The masks of an attention as one.
#[derive(Clone)]
pub(super) struct Seen {
    mask: Option<Var>,
    causal: TokenStream,
}

/// The sizes and options of attention.
#[derive(Clone)]
pub(super) struct Heads {
    features: Poly,
    count: Poly,
    batch_first: bool,
    /// Whether keys and values have the features of queries, so that one weight projects all three.
    is_alike: bool,
    /// Whether there is a learnt key, and one of zeros.
    pub extra: [bool; 2],
}

impl Composer<'_> {
    /// Attention by several heads, with its projections.
    pub(super) fn attention(
        &mut self,
        layer: Callee,
        heads: &Heads,
        [query, key, value]: [Var; 3],
        seen: &Seen,
    ) -> Option<Var> {
        let shape = self.shape(query)?;
        let rank = shape.len();
        let (e, h) = (&heads.features, &heads.count);
        let (batch_first, length) = (rank == 3 && heads.batch_first, heads.length(rank));
        let [q, mut k, mut v] = match heads.is_alike {
            true if query == key && key == value => self.projections::<3>(layer, e, query, 0)?,
            true if key == value => {
                let [q] = self.projections(layer, e, query, 0)?;
                let [k, v] = self.projections(layer, e, key, 1)?;
                [q, k, v]
            }
            _ => {
                let [q] = self.projections(layer, e, query, 0)?;
                let [k] = self.projections(layer, e, key, 1)?;
                let [v] = self.projections(layer, e, value, 2)?;
                [q, k, v]
            }
        };
        let [learnt, zeros] = heads.extra;
        if learnt {
            [k, v] = [
                self.longer(layer, k, Some("bias_k"), length)?,
                self.longer(layer, v, Some("bias_v"), length)?,
            ];
        }
        if zeros {
            [k, v] = [self.longer(layer, k, None, length)?, self.longer(layer, v, None, length)?];
        }
        // As attention takes it: heads, positions, features.
        let order: &[usize] = match (rank, batch_first) {
            (2, _) => &[1, 0, 2],
            (_, true) => &[0, 2, 1, 3],
            (_, false) => &[1, 2, 0, 3],
        };
        let mut operands = Vec::new();
        for var in [q, k, v] {
            let mut split = self.shape(var)?;
            let features = e.over(h)?;
            split.pop();
            split.extend([h.clone(), features]);
            let split = self.reshaped(var, split);
            operands.push(self.permuted(split, order)?);
        }
        let attended = self.shape(operands[0])?;
        let part = Part::Attention { mask: seen.mask, causal: seen.causal.clone() };
        let y = self.part(layer, part, &operands, &attended);
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, from)| back[*from] = to);
        let y = self.permuted(y, &back)?;
        let y = self.reshaped(y, shape.clone());
        Some(self.part(layer.part("out_proj"), Part::Linear { projections: None }, &[y], &shape))
    }

    /// `N` of the three projections, from this one on.
    fn projections<const N: usize>(
        &mut self,
        layer: Callee,
        features: &Poly,
        x: Var,
        first: usize,
    ) -> Option<[Var; N]> {
        let one = wide(&self.shape(x)?, features);
        let all = wide(&one, &features.times(&Poly::constant(N))?);
        let y = self.part(layer, Part::Linear { projections: Some([first, N]) }, &[x], &all);
        if N == 1 {
            return Some([y; N]);
        }
        let parts: [Var; N] = std::array::from_fn(|_| self.fresh(one.clone()));
        self.push("chunk", &[y], &[Arg::Axis(-1)], parts.to_vec());
        Some(parts)
    }

    /// Keys or values with one more behind: a parameter of the layer, or zeros.
    fn longer(&mut self, layer: Callee, x: Var, parameter: Option<&str>, length: usize) -> Option<Var> {
        let mut one = self.shape(x)?;
        let mut whole = one.clone();
        one[length] = Poly::integer(1);
        whole[length] = whole[length].plus(&Poly::integer(1))?;
        let more = match parameter {
            Some(name) => {
                let state = self.state(layer.field, layer.element, name)?;
                let state = match one.len() {
                    2 => self.reshaped(state, one.clone()),
                    _ => state,
                };
                self.call("expand", &[state], &[Arg::Slice(one.clone())], one)
            }
            None => self.call("zeros_like", &[x], &[], one),
        };
        let result = self.fresh(whole);
        self.made.push(Instruction::Function {
            name: "cat",
            inputs: vec![x, more],
            is_list: true,
            args: vec![Arg::Axis(length as isize)],
            results: vec![result],
            pieces: false,
        });
        Some(result)
    }

    /// The masks as one that broadcasts to the scores `[batch, heads, queries, keys]`, if any is needed.
    pub(super) fn seen(&mut self, heads: &Heads, [query, key]: [Var; 2], masks: Masks<'_>) -> Option<Seen> {
        let causal = match masks.causal {
            Arg::Bool(flag) => quote!(#flag),
            Arg::Tokens(flag) => flag.clone(),
            _ => return None,
        };
        let is_causal = causal.to_string() != "false";
        let extra = heads.extra.iter().filter(|extra| **extra).count();
        if masks.mask.is_none() && masks.padding.is_none() && (extra == 0 || !is_causal) {
            return Some(Seen { mask: None, causal });
        }
        let (query, key) = (self.shape(query)?, self.shape(key)?);
        let length = heads.length(query.len());
        let whole = match masks.mask {
            Some(mask) => self.shape(mask)?.len() == 3,
            None => false,
        };
        let one = || Poly::integer(1);
        let batch = match (query.len(), whole || masks.padding.is_some()) {
            (3, true) => query[1 - length].clone(),
            _ => one(),
        };
        let shape = vec![
            batch,
            if whole { heads.count.clone() } else { one() },
            if masks.mask.is_some() || is_causal { query[length].clone() } else { one() },
            key[length].plus(&Poly::constant(extra))?,
        ];
        let inputs: Vec<Var> = masks.mask.into_iter().chain(masks.padding).collect();
        let args = [Arg::Bool(masks.mask.is_some()), Arg::Tokens(causal), Arg::Size(Poly::constant(extra))];
        let mut mask = self.call("attention_mask", &inputs, &args, shape.clone());
        if query.len() == 2 {
            mask = self.reshaped(mask, shape[1..].to_vec());
        }
        Some(Seen { mask: Some(mask), causal: quote!(false) })
    }

    fn permuted(&mut self, x: Var, order: &[usize]) -> Option<Var> {
        let shape = self.shape(x)?;
        let permuted = order.iter().map(|axis| shape[*axis].clone()).collect();
        let axes = order.iter().map(|axis| *axis as isize).collect();
        Some(self.call("permute", &[x], &[Arg::Axes(axes)], permuted))
    }
}

impl Heads {
    /// The axis of the positions.
    fn length(&self, rank: usize) -> usize {
        usize::from(rank == 3 && self.batch_first)
    }
}

/// The sizes of attention; nothing is known of more keys.
pub(super) fn heads(args: &Args) -> Option<Heads> {
    let size = |name: &'static str| args.size(name).ok().cloned();
    let (features, count, is_alike) = match size("embed_dim") {
        Some(features) => {
            let is_alike =
                size("kdim").as_ref() == Some(&features) && size("vdim").as_ref() == Some(&features);
            (features, size("num_heads")?, is_alike)
        }
        None => (size("d_model")?, size("nhead")?, true),
    };
    let batch_first = args.flag("batch_first").ok()?;
    Some(Heads { features, count, batch_first, is_alike, extra: [false; 2] })
}

/// The shape with so many features.
pub(super) fn wide(shape: &Shape, features: &Poly) -> Shape {
    let positions = shape.iter().take(shape.len().saturating_sub(1));
    positions.chain([features]).cloned().collect()
}
