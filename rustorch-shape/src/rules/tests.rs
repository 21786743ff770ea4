//! The rules against enumeration: what a naive reader of the definitions would count.

use super::*;
use crate::{Operand, Poly};

/// A small deterministic generator: the crate has no dependencies.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }

    fn shape(&mut self, rank: usize, limit: usize) -> Vec<usize> {
        (0..rank).map(|_| 1 + self.below(limit)).collect()
    }
}

/// How many window positions fit, by moving a window step by step.
fn positions(
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    ceil: bool,
) -> usize {
    let (padded, reach) = (size + 2 * padding, dilation * (kernel - 1) + 1);
    let (mut count, mut start) = (0, 0);
    while start + reach <= padded {
        count += 1;
        start += stride;
    }
    let overhangs = start < padded && start + reach < padded + stride;
    if ceil && overhangs && start < size + padding { count + 1 } else { count }
}

#[test]
fn convolution_counts_window_positions() {
    let mut rng = Rng(1);
    for _ in 0..20_000 {
        let [size, kernel, stride, padding, dilation] =
            [1 + rng.below(30), 1 + rng.below(5), 1 + rng.below(4), rng.below(4), 1 + rng.below(3)];
        let options = ConvOptions {
            stride: &[stride],
            padding: Padding::Each(&[padding]),
            dilation: &[dilation],
            groups: &1,
        };
        let result = conv("conv1d", &[2, 3, size], &[5, 3, kernel], options, &mut ());
        if dilation * (kernel - 1) + 1 > size + 2 * padding {
            assert_eq!(result.unwrap_err().axis, Some(2));
        } else {
            assert_eq!(result, Ok(vec![2, 5, positions(size, kernel, stride, padding, dilation, false)]));
        }
    }
}

#[test]
fn pooling_counts_window_positions_in_both_modes() {
    let mut rng = Rng(2);
    for _ in 0..20_000 {
        let [size, kernel, stride, dilation] =
            [1 + rng.below(30), 1 + rng.below(6), 1 + rng.below(6), 1 + rng.below(2)];
        let padding = rng.below(kernel / 2 + 1);
        let ceil_mode = rng.below(2) == 1;
        let options = PoolOptions {
            kernel: &[kernel],
            stride: &[stride],
            padding: &[padding],
            dilation: &[dilation],
            ceil_mode,
        };
        let result = pool("max_pool1d", &[3, size], options, &mut ());
        let beyond = if ceil_mode { stride - 1 } else { 0 };
        if dilation * (kernel - 1) + 1 > size + 2 * padding + beyond {
            assert!(result.is_err());
        } else {
            let expected = positions(size, kernel, stride, padding, dilation, ceil_mode);
            assert_eq!(
                result,
                Ok(vec![3, expected]),
                "{size} {kernel} {stride} {padding} {dilation} {ceil_mode}"
            );
        }
    }
}

#[test]
fn transposed_convolution_inverts_convolution() {
    let mut rng = Rng(3);
    for _ in 0..5_000 {
        let [small, kernel, stride, dilation] =
            [1 + rng.below(12), 1 + rng.below(5), 1 + rng.below(4), 1 + rng.below(3)];
        let padding = rng.below(kernel);
        let output_padding = rng.below(stride);
        let options = TransposeOptions {
            stride: &[stride],
            padding: &[padding],
            output_padding: &[output_padding],
            dilation: &[dilation],
            groups: &2,
        };
        let Ok(up) = conv_transpose("conv_transpose1d", &[4, small], &[4, 3, kernel], options, &mut ())
        else {
            continue;
        };
        assert_eq!(up[0], 6);
        let back = ConvOptions {
            stride: &[stride],
            padding: Padding::Each(&[padding]),
            dilation: &[dilation],
            groups: &2,
        };
        assert_eq!(conv("conv1d", &up, &[4, 3, kernel], back, &mut ()), Ok(vec![4, small]));
    }
}

#[test]
fn broadcasting_agrees_with_index_arithmetic() {
    let mut rng = Rng(4);
    for _ in 0..20_000 {
        let (left_rank, right_rank) = (rng.below(4), rng.below(4));
        let (left, right) = (rng.shape(left_rank, 3), rng.shape(right_rank, 3));
        let rank = left.len().max(right.len());
        let size =
            |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
        let expected: Option<Vec<usize>> = (0..rank)
            .map(|axis| match (size(&left, axis), size(&right, axis)) {
                (a, b) if a == b || b == 1 => Some(a),
                (1, b) => Some(b),
                _ => None,
            })
            .collect();
        assert_eq!(broadcast("add", &left, &right, &mut ()).ok(), expected, "{left:?} {right:?}");
    }
    assert_eq!(broadcast("add", &[0, 1], &[1, 4], &mut ()), Ok(vec![0, 4]));
    assert!(broadcast("add", &[0], &[4], &mut ()).is_err());
}

#[test]
fn matmul_follows_pytorch_for_every_pair_of_ranks() {
    let product = |a: &[usize], b: &[usize]| matmul(a, b, &mut ());
    assert_eq!(product(&[3], &[3]), Ok(vec![]));
    assert_eq!(product(&[2, 3], &[3]), Ok(vec![2]));
    assert_eq!(product(&[3], &[3, 4]), Ok(vec![4]));
    assert_eq!(product(&[2, 3], &[3, 4]), Ok(vec![2, 4]));
    assert_eq!(product(&[7, 2, 3], &[3]), Ok(vec![7, 2]));
    assert_eq!(product(&[3], &[7, 3, 4]), Ok(vec![7, 4]));
    assert_eq!(product(&[5, 1, 2, 3], &[7, 3, 4]), Ok(vec![5, 7, 2, 4]));
    assert_eq!(product(&[0, 3], &[3, 4]), Ok(vec![0, 4]));
    assert_eq!(product(&[], &[3]).unwrap_err().operand, Operand::Input(0));
    let error = product(&[2, 3], &[4, 5]).unwrap_err();
    assert_eq!((error.operand, error.axis), (Operand::Input(1), Some(0)));
    assert_eq!(
        error.to_string(),
        "matmul: cannot multiply [2, 3] by [4, 5]: axis 1 of the left is 3, axis 0 of the right is 4, and these must be equal"
    );
    assert!(
        product(&[2, 2, 3], &[3, 3, 4])
            .unwrap_err()
            .message
            .contains("leading axes of [2, 2, 3] and [3, 3, 4]")
    );
}

#[test]
fn reshape_keeps_the_number_of_elements() {
    let mut rng = Rng(5);
    for _ in 0..10_000 {
        let (from, to) = (rng.below(4), 1 + rng.below(3));
        let (input, target) = (rng.shape(from, 6), rng.shape(to, 6));
        let (total, asked): (usize, usize) = (input.iter().product(), target.iter().product());
        let whole: Vec<Option<usize>> = target.iter().copied().map(Some).collect();
        assert_eq!(reshape(&input, &whole, &mut ()).is_ok(), total == asked);
        let mut partial = whole;
        partial[0] = None;
        let rest = asked / target[0];
        match reshape(&input, &partial, &mut ()) {
            Ok(shape) => assert_eq!(shape.iter().product::<usize>(), total),
            Err(_) => assert_ne!(total % rest, 0),
        }
    }
    assert!(reshape(&[0, 3], &[Some(0), None], &mut ()).is_err(), "0 of 0 elements: the size is ambiguous");
    assert_eq!(reshape(&[0, 3], &[None, Some(3)], &mut ()), Ok(vec![0, 3]));
    assert!(reshape(&[4], &[None, None], &mut ()).is_err());
}

#[test]
fn joins_and_splits_are_inverse() {
    let mut rng = Rng(6);
    for _ in 0..5_000 {
        let rank = 1 + rng.below(3);
        let (shape, axis) = (rng.shape(rank, 9), rng.below(rank));
        for pieces in [
            split(&shape, &(1 + rng.below(5)), axis as isize, &mut ()).unwrap(),
            chunk(&shape, 1 + rng.below(5), axis as isize, &mut ()).unwrap(),
        ] {
            let refs: Vec<&[usize]> = pieces.iter().map(|piece| &piece[..]).collect();
            assert_eq!(cat(&refs, axis as isize, &mut ()), Ok(shape.clone()));
        }
    }
    assert_eq!(
        chunk(&[5], 4, 0, &mut ()),
        Ok(vec![vec![2], vec![2], vec![1]]),
        "PyTorch gives 3 pieces here"
    );
    assert_eq!(cat(&[&[0], &[2, 3], &[2, 4]], 1, &mut ()), Ok(vec![2, 7]));
    assert_eq!(stack(&[&[2, 3], &[2, 3]], -1, &mut ()), Ok(vec![2, 3, 2]));
    assert!(split_sizes(&[5], &[2, 2], 0, &mut ()).unwrap_err().message.contains("add up to 4"));
    let error = cat(&[&[2, 3], &[4, 3]], 1, &mut ()).unwrap_err();
    assert_eq!((error.operand, error.axis), (Operand::Input(1), Some(0)));
}

#[test]
fn views_move_the_right_axes() {
    assert_eq!(flatten(&[2, 3, 4, 5], 1, -1), Ok(vec![2, 60]));
    assert_eq!(flatten::<usize>(&[], 0, -1), Ok(vec![1]));
    assert!(flatten(&[2, 3], 1, 0).is_err());
    assert_eq!(unflatten(&[2, 12], 1, &[Some(3), None], &mut ()), Ok(vec![2, 3, 4]));
    assert_eq!(squeeze(&[1, 2, 1], None), Ok(vec![2]));
    assert_eq!(squeeze(&[1, 2, 1], Some(&[0, 1])), Ok(vec![2, 1]));
    assert_eq!(unsqueeze(&[2, 3], -1), Ok(vec![2, 3, 1]));
    assert_eq!(permute(&[2, 3, 4], &[2, 0, 1]), Ok(vec![4, 2, 3]));
    assert!(permute(&[2, 3, 4], &[2, 0, 0]).unwrap_err().message.contains("named twice"));
    assert_eq!(transpose(&[2, 3, 4], 0, -1), Ok(vec![4, 3, 2]));
    assert_eq!(expand(&[1, 3], &[Some(4), Some(2), None], &mut ()), Ok(vec![4, 2, 3]));
    assert!(expand(&[2, 3], &[Some(4), None], &mut ()).is_err());
}

#[test]
fn selections_stay_inside() {
    assert_eq!(narrow(&[5, 6], 1, &2, &4, &mut ()), Ok(vec![5, 4]));
    assert!(narrow(&[5, 6], 1, &3, &4, &mut ()).is_err());
    assert!(narrow(&[5], 0, &usize::MAX, &2, &mut ()).is_err());
    assert_eq!(slice(&[10], 0, &1, &10, &4, &mut ()), Ok(vec![3]));
    assert!(slice(&[10], 0, &1, &10, &0, &mut ()).is_err());
    assert_eq!(select(&[5, 6], 0, &4, &mut ()), Ok(vec![6]));
    assert!(select(&[5, 6], 0, &5, &mut ()).is_err());
    assert_eq!(gather("gather", &[3, 4], 1, &[2, 9], &mut ()), Ok(vec![2, 9]));
    assert_eq!(gather("gather", &[3, 4], 1, &[4, 9], &mut ()).unwrap_err().axis, Some(0));
    assert_eq!(index_select(&[3, 4], 1, &[7]), Ok(vec![3, 7]));
    assert_eq!(embedding(&[2, 5], &[100, 8]), Ok(vec![2, 5, 8]));
}

#[test]
fn reductions_drop_or_keep_axes() {
    assert_eq!(reduce("sum", &[2, 3, 4], &[], false), Ok(vec![]));
    assert_eq!(reduce("sum", &[2, 3, 4], &[-1, 0], false), Ok(vec![3]));
    assert_eq!(reduce("sum", &[2, 3, 4], &[1], true), Ok(vec![2, 1, 4]));
    assert_eq!(reduce::<usize>("sum", &[], &[0], false), Ok(vec![]));
    assert!(reduce("sum", &[2], &[0, -1], false).is_err());
    assert!(arg_reduce("max", &[2, 0], &[1], false).is_err());
    assert_eq!(arg_reduce("max", &[2, 0], &[0], false), Ok(vec![0]));
}

#[test]
fn attention_and_losses() {
    let [q, k, v] = [[2, 8, 5, 16], [2, 8, 7, 16], [2, 8, 7, 32]];
    assert_eq!(attention(&q, &k, &v, Some(&[5, 7]), &mut ()), Ok(vec![2, 8, 5, 32]));
    assert_eq!(attention(&q, &k, &v, Some(&[5, 6]), &mut ()).unwrap_err().operand, Operand::Input(3));
    assert_eq!(attention(&q, &v, &k, None, &mut ()).unwrap_err().operand, Operand::Input(1));
    assert_eq!(cross_entropy("cross_entropy", &[8, 10], &[8], true, &mut ()), Ok(vec![]));
    assert_eq!(cross_entropy("cross_entropy", &[8, 10, 3], &[8, 3], false, &mut ()), Ok(vec![8, 3]));
    assert_eq!(cross_entropy("cross_entropy", &[8, 10], &[8, 10], true, &mut ()), Ok(vec![]));
    assert_eq!(cross_entropy("cross_entropy", &[8, 10], &[7], true, &mut ()).unwrap_err().axis, Some(0));
}

#[test]
fn degenerate_windows_are_errors() {
    let run = |kernel: usize, stride: usize, dilation: usize, groups: usize| {
        let options = ConvOptions {
            stride: &[stride, 1],
            padding: Padding::Each(&[0, 0]),
            dilation: &[dilation, 1],
            groups: &groups,
        };
        conv("conv2d", &[1, 4, 8, 8], &[6, 2, kernel, 3], options, &mut ())
    };
    assert_eq!(run(3, 1, 1, 2), Ok(vec![1, 6, 6, 6]));
    for (kernel, stride, dilation, groups, name) in [
        (0, 1, 1, 2, "kernel"),
        (3, 0, 1, 2, "stride"),
        (3, 1, 0, 2, "dilation"),
        (3, 1, 1, 0, "groups"),
        (3, 1, 1, 4, "groups"),
    ] {
        assert_eq!(run(kernel, stride, dilation, groups).unwrap_err().operand, Operand::Argument(name));
    }
    assert!(run(usize::MAX, 1, usize::MAX, 2).is_err());
    let huge = [usize::MAX];
    let options =
        PoolOptions { kernel: &huge, stride: &huge, padding: &huge, dilation: &huge, ceil_mode: true };
    assert!(pool("max_pool1d", &[usize::MAX, usize::MAX], options, &mut ()).is_err());
    assert!(numel("reshape", &[usize::MAX, 2]).is_err());
    assert_eq!(numel("reshape", &[usize::MAX, 2, 0]), Ok(0));
}

#[test]
fn symbols_leave_claims_only_where_nothing_is_known() {
    let (batch, h, d, e) = (Poly::dim("batch"), Poly::dim("h"), Poly::param("D"), Poly::param("E"));
    let mut claims = Vec::new();
    let c = Poly::constant;
    let options =
        ConvOptions { stride: &[c(2)], padding: Padding::Each(&[c(1)]), dilation: &[c(1)], groups: &c(1) };
    let weight = [d.clone(), c(3), c(3)];
    let y = conv("conv1d", &[batch.clone(), c(3), h.clone()], &weight, options, &mut claims).unwrap();
    assert_eq!(crate::Dims(&y).to_string(), "[batch, D, (h + 1)/2]");
    assert!(claims.is_empty());
    let error = linear(&[batch.clone(), c(800)], &[c(10), c(1600)], &mut claims).unwrap_err();
    assert_eq!(
        error.to_string(),
        "linear: the last axis of the input [batch, 800] is 800, but the weight [10, 1600] takes 1600 features"
    );
    linear(&[batch, d.clone()], &[c(10), e], &mut claims).unwrap();
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].to_string(), "D == E");
    let heads = Poly::param("HEADS");
    let shape = reshape(&[h, d], &[Some(Poly::dim("h")), Some(heads), None], &mut claims).unwrap();
    assert_eq!(shape[2].to_string(), "D/HEADS");
    assert_eq!(claims[1].to_string(), "(h*D) % (h*HEADS) == 0");
    assert_eq!(claims[1].conditions().unwrap()[0].0.to_string(), "D");
}
