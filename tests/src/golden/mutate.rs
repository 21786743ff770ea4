//! Arguments that PyTorch was never asked about: those of the golden files with one thing changed.

use rustorch::{DType, Result, Tensor};

use super::{Arg, Args};

/// Reproducible choices (SplitMix64).
pub struct Choices {
    /// What the next choice depends on.
    pub state: u64,
    /// Whether integers may be changed to the largest ones.
    pub extremes: bool,
}

impl Choices {
    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

impl Args {
    /// Changes one argument: a tensor's shape, dtype or strides, a number, or the length of a list.
    pub fn mutate(&mut self, choices: &mut Choices) {
        let at = choices.below(self.args.len());
        if let Some(arg) = self.args.get_mut(at) {
            mutate(arg, choices);
        }
    }
}

fn mutate(arg: &mut Arg, choices: &mut Choices) {
    *arg = match arg {
        Arg::None => return,
        Arg::Text(_) => return,
        Arg::Bool(value) => Arg::Bool(!*value),
        Arg::Int(value) => {
            let near =
                [value.wrapping_sub(1), value.wrapping_add(1), value.wrapping_neg(), 0, 1, -1, 2, 3, 7];
            Arg::Int(match choices.below(8) {
                0 if choices.extremes => choices.pick(&[i64::MAX, i64::MIN, i64::MIN + 1, i64::MAX - 1]),
                _ => choices.pick(&near),
            })
        }
        Arg::Float(value) => {
            Arg::Float(choices.pick(&[-*value, 0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300]))
        }
        Arg::Complex(value) => Arg::Float(value.im),
        Arg::List(items) => {
            match choices.below(3) {
                0 => drop(items.pop()),
                1 if !items.is_empty() => items.reverse(),
                _ => {
                    let at = choices.below(items.len());
                    if let Some(item) = items.get_mut(at) {
                        mutate(item, choices);
                    }
                }
            }
            return;
        }
        Arg::Tensor(tensor) => match changed(tensor, choices) {
            Ok(tensor) => Arg::Tensor(tensor),
            // Not every change is possible: an empty tensor has no first entry.
            Err(_) => return,
        },
    };
}

fn changed(tensor: &Tensor, choices: &mut Choices) -> Result<Tensor> {
    let rank = tensor.rank();
    let axis = choices.below(rank) as isize;
    let size = tensor.shape().get(axis as usize).copied().unwrap_or(1);
    match choices.below(10) {
        0 => Ok(tensor.to_dtype(choices.pick(&DType::ALL))),
        1 => tensor.unsqueeze(axis),
        2 => tensor.select(axis, 0),
        3 => tensor.narrow(axis, 0, 0),
        4 => tensor.narrow(axis, 0, size.saturating_sub(1)),
        5 => tensor.narrow(axis, 0, 1),
        6 => Tensor::cat(&[tensor, tensor], axis),
        7 => tensor.transpose(axis, -1),
        8 => tensor.reshape(-1)?.narrow(0, 0, 1)?.reshape(()),
        _ => {
            let mut sizes: Vec<isize> = vec![-1; rank];
            sizes.insert(0, 2);
            tensor.expand(sizes)
        }
    }
}
