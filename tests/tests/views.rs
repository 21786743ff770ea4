//! Views, broadcasting and joins against a naive model: a shape and a value for each position.

use proptest::prelude::*;
use rustorch::{Result, Tensor};

/// The position with a linear index.
fn unravel(mut linear: usize, shape: &[usize]) -> Vec<usize> {
    let mut position = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        position[axis] = linear % shape[axis];
        linear /= shape[axis];
    }
    position
}

fn ravel(position: &[usize], shape: &[usize]) -> usize {
    position.iter().zip(shape).fold(0, |linear, (&at, &size)| linear * size + at)
}

fn counting(shape: &[usize]) -> Tensor {
    Tensor::arange(0, shape.iter().product::<usize>(), 1).unwrap().reshape(shape).unwrap()
}

/// A tensor and what it should hold.
#[derive(Debug, Clone)]
struct Pair {
    tensor: Tensor,
    shape: Vec<usize>,
    values: Vec<i64>,
}

impl Pair {
    fn new(shape: &[usize]) -> Self {
        let values = (0..shape.iter().product::<usize>() as i64).collect();
        Self { tensor: counting(shape), shape: shape.to_vec(), values }
    }

    /// The same step for the tensor and, position by position, for the model.
    fn step(
        &self,
        tensor: Result<Tensor>,
        shape: Vec<usize>,
        source: impl Fn(&[usize]) -> Vec<usize>,
    ) -> Self {
        let value = |linear| self.values[ravel(&source(&unravel(linear, &shape)), &self.shape)];
        let values = (0..shape.iter().product()).map(value).collect();
        Self { tensor: tensor.unwrap(), shape, values }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.tensor.shape(), self.shape.as_slice());
        prop_assert_eq!(self.tensor.to_vec::<i64>().unwrap(), self.values.clone());
        Ok(())
    }
}

/// One random view; `pick` decides which, `a` and `b` its arguments.
fn apply(pair: &Pair, pick: usize, a: usize, b: usize) -> Pair {
    let (tensor, shape) = (&pair.tensor, &pair.shape);
    let rank = shape.len();
    if rank == 0 {
        return pair.step(tensor.unsqueeze(0), vec![1], |_| Vec::new());
    }
    let axis = a % rank;
    let (at, size) = (axis as isize, shape[axis]);
    let with = |len: usize| {
        let mut shape = shape.clone();
        shape[axis] = len;
        shape
    };
    match pick % 8 {
        0 => {
            let other = b % rank;
            let mut swapped = shape.clone();
            swapped.swap(axis, other);
            pair.step(tensor.transpose(at, other as isize), swapped, |p| {
                let mut p = p.to_vec();
                p.swap(axis, other);
                p
            })
        }
        1 => {
            let (start, step) = (b % (size + 1), b % 3 + 1);
            let len = (size - start).div_ceil(step);
            pair.step(tensor.slice(at, start as isize, size as isize, step), with(len), |p| {
                let mut p = p.to_vec();
                p[axis] = start + p[axis] * step;
                p
            })
        }
        2 if size > 0 => {
            let index = b % size;
            let mut shape = shape.clone();
            shape.remove(axis);
            pair.step(tensor.select(at, index as isize), shape, |p| {
                let mut p = p.to_vec();
                p.insert(axis, index);
                p
            })
        }
        3 => {
            let mut shape = shape.clone();
            shape.insert(axis, 1);
            pair.step(tensor.unsqueeze(at), shape, |p| {
                let mut p = p.to_vec();
                p.remove(axis);
                p
            })
        }
        4 => {
            let mut sizes = shape.clone();
            sizes.insert(0, b % 3 + 1);
            pair.step(tensor.expand(sizes.clone()), sizes, |p| p[1..].to_vec())
        }
        5 if size > 0 => {
            let (window, step) = (b % size + 1, a % 2 + 1);
            let mut sizes = with((size - window) / step + 1);
            sizes.push(window);
            pair.step(tensor.unfold(at, window, step), sizes, |p| {
                let mut q = p[..rank].to_vec();
                q[axis] = p[axis] * step + p[rank];
                q
            })
        }
        6 => {
            let flat: usize = shape.iter().product();
            pair.step(tensor.reshape([flat]), vec![flat], |p| unravel(p[0], shape))
        }
        _ => pair.step(tensor.flip(at), shape.clone(), |p| {
            let mut p = p.to_vec();
            p[axis] = size - 1 - p[axis];
            p
        }),
    }
}

proptest! {
    #[test]
    fn chains_of_views(shape in prop::collection::vec(0usize..5, 0..4), steps in prop::collection::vec((0usize..8, 0usize..64, 0usize..64), 1..5)) {
        let mut pair = Pair::new(&shape);
        for (pick, a, b) in steps {
            pair = apply(&pair, pick, a, b);
            pair.check()?;
            // What is computed from a view agrees with what is computed from its copy.
            prop_assert_eq!(pair.tensor.add(1).unwrap().to_vec::<i64>().unwrap(), pair.values.iter().map(|x| x + 1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn broadcasting(full in prop::collection::vec(1usize..4, 0..4), cut in (0usize..4, 0usize..4), ones in (any::<u8>(), any::<u8>())) {
        let operand = |cut: usize, ones: u8| -> Vec<usize> {
            let kept = &full[cut.min(full.len())..];
            kept.iter().enumerate().map(|(axis, &size)| if ones >> axis & 1 == 1 { 1 } else { size }).collect()
        };
        let (left, right) = (operand(cut.0, ones.0), operand(cut.1, ones.1));
        let rank = left.len().max(right.len());
        let size = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
        let shape: Vec<usize> = (0..rank).map(|axis| size(&left, axis).max(size(&right, axis))).collect();
        let value = |operand: &[usize], position: &[usize]| {
            let own: Vec<usize> = position[rank - operand.len()..].iter().zip(operand).map(|(&at, &size)| if size == 1 { 0 } else { at }).collect();
            ravel(&own, operand) as i64
        };
        let expected: Vec<i64> = (0..shape.iter().product()).map(|linear| {
            let position = unravel(linear, &shape);
            value(&left, &position) * 100 + value(&right, &position)
        }).collect();
        let sum = counting(&left).mul(100).unwrap().add(&counting(&right)).unwrap();
        prop_assert_eq!(sum.shape(), shape.as_slice());
        prop_assert_eq!(sum.to_vec::<i64>().unwrap(), expected);
    }

    #[test]
    fn pieces_join_to_the_whole(shape in prop::collection::vec(1usize..6, 1..4), axis in any::<prop::sample::Index>(), size in 1usize..4) {
        let at = axis.index(shape.len()) as isize;
        let x = counting(&shape).transpose(0, at).unwrap();
        let whole = x.to_vec::<i64>().unwrap();
        for pieces in [x.split(size, at).unwrap(), x.chunk(size, at).unwrap(), x.tensor_split(size, at).unwrap()] {
            prop_assert_eq!(Tensor::cat(&pieces, at).unwrap().to_vec::<i64>().unwrap(), whole.clone());
        }
        prop_assert_eq!(Tensor::stack(&x.unbind(at).unwrap(), at).unwrap().to_vec::<i64>().unwrap(), whole.clone());
        prop_assert_eq!(x.roll(3, at).unwrap().roll(-3, at).unwrap().to_vec::<i64>().unwrap(), whole);
    }
}

#[test]
fn tensors_without_axes() -> Result<()> {
    let x = Tensor::zeros(());
    for error in [x.unbind(0).map(drop), x.size(0).map(drop), x.size(-1).map(drop)] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the tensor has no axes"), "{error}");
    }
    assert_eq!(x.unfold(0, 0, 1)?.shape(), [0]);
    assert_eq!(x.unfold(0, 1, 1)?.shape(), [1]);
    assert_eq!(Tensor::zeros([1, 1]).reshape(())?.rank(), 0);
    Ok(())
}

#[test]
fn pieces_of_nothing() -> Result<()> {
    let pieces = Tensor::zeros([2, 0]).split(0, 1)?;
    assert_eq!(pieces.iter().map(|piece| piece.shape().to_vec()).collect::<Vec<_>>(), [vec![2, 0]]);
    assert!(Tensor::zeros([2, 1]).split(0, 1).is_err());
    Ok(())
}
