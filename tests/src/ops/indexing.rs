//! Reading and writing at indices.

use rustorch::Reduce;

use super::{Table, table};

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "gather" => |a| [a.tensor(0).gather(a.int(1), a.tensor(2))?];
        "take" => |a| [a.tensor(0).take(a.tensor(1))?];
        "take_along_dim" => |a| [a.tensor(0).take_along_dim(a.tensor(1), a.int_or_none(2))?];
        "index_select" => |a| [a.tensor(0).index_select(a.int(1), a.tensor(2))?];
        "scatter" => |a| [a.tensor(0).scatter(a.int(1), a.tensor(2), a.tensor(3))?];
        "scatter_" => |a| [a.tensor(0).scatter_(a.int(1), a.tensor(2), a.tensor(3))?];
        "scatter_add" => |a| [a.tensor(0).scatter_add(a.int(1), a.tensor(2), a.tensor(3))?];
        "scatter_add_" => |a| [a.tensor(0).scatter_add_(a.int(1), a.tensor(2), a.tensor(3))?];
        "scatter_value" => |a| [a.tensor(0).scatter_value(a.int(1), a.tensor(2), a.scalar(3))?];
        "scatter_value_" => |a| [a.tensor(0).scatter_value_(a.int(1), a.tensor(2), a.scalar(3))?];
        "scatter_reduce" => |a| [
            a.tensor(0).scatter_reduce(a.int(1), a.tensor(2), a.tensor(3), reduce(a.text(4)), a.bool(5))?
        ];
        "scatter_reduce_" => |a| [
            a.tensor(0).scatter_reduce_(a.int(1), a.tensor(2), a.tensor(3), reduce(a.text(4)), a.bool(5))?
        ];
        "index_add" => |a| [a.tensor(0).index_add(a.int(1), a.tensor(2), a.tensor(3))?];
        "index_add_" => |a| [a.tensor(0).index_add_(a.int(1), a.tensor(2), a.tensor(3))?];
        "index_copy" => |a| [a.tensor(0).index_copy(a.int(1), a.tensor(2), a.tensor(3))?];
        "index_copy_" => |a| [a.tensor(0).index_copy_(a.int(1), a.tensor(2), a.tensor(3))?];
        "index_fill" => |a| [a.tensor(0).index_fill(a.int(1), a.tensor(2), a.scalar(3))?];
        "index_fill_" => |a| [a.tensor(0).index_fill_(a.int(1), a.tensor(2), a.scalar(3))?];
        "masked_fill" => |a| [a.tensor(0).masked_fill(a.tensor(1), a.operand(2))?];
        "masked_fill_" => |a| [a.tensor(0).masked_fill_(a.tensor(1), a.operand(2))?];
        "masked_select" => |a| [a.tensor(0).masked_select(a.tensor(1))?];
        "masked_scatter" => |a| [a.tensor(0).masked_scatter(a.tensor(1), a.tensor(2))?];
        "masked_scatter_" => |a| [a.tensor(0).masked_scatter_(a.tensor(1), a.tensor(2))?];
        "nonzero" => |a| [a.tensor(0).nonzero()?];
        "argwhere" => |a| [a.tensor(0).argwhere()?];
        "nonzero_tuple" => |a| a.tensor(0).nonzero_tuple()?;
        "index" => |a| [a.tensor(0).index(&a.tensors_or_none(1))?];
        "index_put" => |a| [a.tensor(0).index_put(&a.tensors_or_none(1), a.tensor(2), a.bool(3))?];
        "index_put_" => |a| [a.tensor(0).index_put_(&a.tensors_or_none(1), a.tensor(2), a.bool(3))?];
    }
}

fn reduce(name: &str) -> Reduce {
    match name {
        "sum" => Reduce::Sum,
        "prod" => Reduce::Prod,
        "mean" => Reduce::Mean,
        "amax" => Reduce::Amax,
        _ => Reduce::Amin,
    }
}
