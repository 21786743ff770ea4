//! Matrix products.

use super::{broadcast, count, require, require_rank};
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// `torch.matmul`: the product over the last axis of `left` and the second to last of `right`.
/// A vector counts as a row on the left, as a column on the right, and its axis is then dropped;
/// leading axes broadcast.
///
/// # Errors
/// When an operand is a scalar, the summed sizes differ, or the leading axes do not broadcast.
pub fn matmul<S: Size>(left: &[S], right: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    product("matmul", left, right, claims)
}

/// `torch.mm`: `[n, k] × [k, m] -> [n, m]`.
///
/// # Errors
/// When an operand is not a matrix or the summed sizes differ.
pub fn mm<S: Size>(left: &[S], right: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    require_rank("mm", 0, left, &[2], "a matrix")?;
    require_rank("mm", 1, right, &[2], "a matrix")?;
    product("mm", left, right, claims)
}

/// `torch.bmm`: `[b, n, k] × [b, k, m] -> [b, n, m]`, without broadcasting.
///
/// # Errors
/// When an operand is not of rank 3, or the batch or summed sizes differ.
pub fn bmm<S: Size>(left: &[S], right: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    require_rank("bmm", 0, left, &[3], "a batch of matrices")?;
    require_rank("bmm", 1, right, &[3], "a batch of matrices")?;
    require(claims, &left[0], Relation::Equal, &right[0], || {
        let message = format!(
            "axis 0 of the left operand {} is {}, axis 0 of the right {} is {}, and the batches must be equal",
            Dims(left),
            left[0],
            Dims(right),
            right[0]
        );
        ShapeError::input("bmm", 1, message).at_axis(0)
    })?;
    product("bmm", left, right, claims)
}

/// `x Wᵀ + b`: `[.., in_features] -> [.., out_features]` by a weight of `[out_features, in_features]`.
///
/// # Errors
/// When the input is a scalar, the weight is not a matrix, or the features differ.
pub fn linear<S: Size>(input: &[S], weight: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "linear";
    require_rank(OP, 1, weight, &[2], "[out_features, in_features]")?;
    let Some((features, leading)) = input.split_last() else {
        return Err(ShapeError::input(
            OP,
            0,
            "the input is a scalar, but its last axis must hold the features",
        ));
    };
    require(claims, features, Relation::Equal, &weight[1], || {
        let message = format!(
            "the last axis of the input {} is {features}, but the weight {} takes {}",
            Dims(input),
            Dims(weight),
            count(&weight[1], "feature")
        );
        ShapeError::input(OP, 0, message).at_axis(leading.len())
    })?;
    let mut shape = leading.to_vec();
    shape.push(weight[0].clone());
    Ok(shape)
}

/// `x₁ᵀ A x₂`: `[.., in1], [.., in2] -> [.., out]` by a weight of `[out, in1, in2]`.
///
/// # Errors
/// When the features differ from the weight's or the leading axes from each other.
pub fn bilinear<S: Size>(first: &[S], second: &[S], weight: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    const OP: &str = "bilinear";
    require_rank(OP, 2, weight, &[3], "[out_features, in1_features, in2_features]")?;
    for (input, shape) in [first, second].into_iter().enumerate() {
        let Some(features) = shape.last() else {
            return Err(ShapeError::input(
                OP,
                input,
                "the operand is a scalar, but its last axis must hold the features",
            ));
        };
        require(claims, features, Relation::Equal, &weight[input + 1], || {
            let message = format!(
                "the last axis of operand {input}, {}, is {features}, but the weight {} takes {}",
                Dims(shape),
                Dims(weight),
                weight[input + 1]
            );
            ShapeError::input(OP, input, message).at_axis(shape.len() - 1)
        })?;
    }
    let mut shape = broadcast(OP, &first[..first.len() - 1], &second[..second.len() - 1], claims)?;
    shape.push(weight[0].clone());
    Ok(shape)
}

fn product<S: Size>(op: &'static str, left: &[S], right: &[S], claims: &mut S::Claims) -> Result<Vec<S>> {
    for (input, shape) in [left, right].into_iter().enumerate() {
        if shape.is_empty() {
            let side = ["left", "right"][input];
            return Err(ShapeError::input(
                op,
                input,
                format!("the {side} operand is a scalar; use `*` to scale"),
            ));
        }
    }
    let (i, j) = (left.len() - 1, right.len().saturating_sub(2));
    require(claims, &left[i], Relation::Equal, &right[j], || {
        let message = format!(
            "cannot multiply {} by {}: axis {i} of the left is {}, axis {j} of the right is {}, and these must be equal",
            Dims(left),
            Dims(right),
            left[i],
            right[j]
        );
        ShapeError::input(op, 1, message).at_axis(j)
    })?;
    let (left_batch, right_batch) =
        (&left[..left.len().saturating_sub(2)], &right[..right.len().saturating_sub(2)]);
    let mut shape = if right_batch.is_empty() {
        left_batch.to_vec()
    } else {
        broadcast(op, left_batch, right_batch, claims).map_err(|error| ShapeError {
            message: format!(
                "the leading axes of {} and {} differ: {}",
                Dims(left),
                Dims(right),
                error.message
            ),
            ..error
        })?
    };
    if left.len() > 1 {
        shape.push(left[i - 1].clone());
    }
    if right.len() > 1 {
        shape.push(right[right.len() - 1].clone());
    }
    Ok(shape)
}
