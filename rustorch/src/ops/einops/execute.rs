//! Carries out a pattern with views, one reduction and one copy at most.

use rustorch_shape::einops::{Pattern, REDUCTIONS, Recipe};
use rustorch_shape::suggest;

use super::mistake;
use crate::{Error, Result, Tensor};

/// How axes are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
}

impl Reduction {
    /// The reduction of a name.
    #[inline]
    pub(super) fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "sum" => Self::Sum,
            "mean" => Self::Mean,
            "max" => Self::Max,
            "min" => Self::Min,
            "prod" => Self::Prod,
            other => {
                let hint = match suggest(other, REDUCTIONS) {
                    Some(known) => format!("did you mean \"{known}\"?"),
                    None => format!("there are {REDUCTIONS:?}"),
                };
                return Err(Error::argument("reduce", format!("no reduction is called {other:?}; {hint}")));
            }
        })
    }

    fn apply(self, x: &Tensor, axes: &[usize]) -> Result<Tensor> {
        match self {
            Self::Sum => x.sum_dim(axes, false),
            Self::Mean => x.mean_dim(axes, false),
            Self::Max => x.amax_dim(axes, false),
            Self::Min => x.amin_dim(axes, false),
            Self::Prod => x.prod_dim(axes, false),
        }
    }
}

/// The result of `pattern` for `x`. Steps that change nothing are left out.
pub(super) fn run(
    pattern: &Pattern,
    x: &Tensor,
    reduction: Option<Reduction>,
    sizes: &[usize],
) -> Result<Tensor> {
    let recipe = pattern
        .check(x.shape(), sizes, &mut ())
        .map_err(|error| mistake(pattern.operation(), pattern.text(), &error))?;
    let Recipe { split, reduced, permutation, inserted, output } = recipe;
    let mut value = reshape(x, &split)?;
    if let (Some(reduction), false) = (reduction, reduced.is_empty()) {
        value = reduction.apply(&value, &reduced)?;
    }
    if permutation.iter().enumerate().any(|(at, &axis)| at != axis) {
        value = value.permute(permutation.as_slice())?;
    }
    if !inserted.is_empty() {
        let mut shape = value.shape().to_vec();
        for (at, size) in inserted {
            value = value.unsqueeze(at as isize)?;
            shape.insert(at, size);
        }
        value = value.expand(shape.as_slice())?;
    }
    reshape(&value, &output)
}

/// The tensor itself where it has the shape already.
fn reshape(x: &Tensor, shape: &[usize]) -> Result<Tensor> {
    if x.shape() == shape { Ok(x.clone()) } else { x.reshape(shape) }
}
