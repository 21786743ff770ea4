//! Reading and writing at indices.

use rustorch::{Index, Reduce};
use serde_json::Value;

use super::{Table, table};
use crate::golden::Args;

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
        "i" => |a| [a.tensor(0).i(components(a))?];
        "set_" => |a| {
            a.tensor(0).set(components(a), a.operand(3))?;
            [a.tensor(0).clone()]
        };
        "put_" => |a| [a.tensor(0).put_(a.tensor(1), a.tensor(2), a.bool(3))?];
        "index" => |a| [a.tensor(0).index(&a.tensors_or_none(1))?];
        "index_put" => |a| [a.tensor(0).index_put(&a.tensors_or_none(1), a.tensor(2), a.bool(3))?];
        "index_put_" => |a| [a.tensor(0).index_put_(&a.tensors_or_none(1), a.tensor(2), a.bool(3))?];
    }
}

/// What stands in Python's brackets: argument 1 as JSON (numbers, `null` for a new axis, `"..."`, `[start, end, step]`,
/// and the places of tensors as text), whose tensors are argument 2.
fn components(a: &Args) -> Vec<Index> {
    let bracket: Value = serde_json::from_str(a.text(1)).expect("an index is JSON");
    let tensors = a.tensors(2);
    let number = |value: &Value| value.as_i64().map(|number| number as isize);
    let component = |value: &Value| match value {
        Value::Null => Index::NewAxis,
        Value::Array(bounds) => Index::Range {
            start: number(&bounds[0]),
            end: number(&bounds[1]),
            step: bounds[2].as_u64().expect("a step") as usize,
        },
        Value::String(text) if text == "..." => Index::Ellipsis,
        Value::String(place) => Index::Tensor(tensors[place.parse::<usize>().expect("a place")].clone()),
        _ => Index::Integer(number(value).expect("an integer")),
    };
    bracket.as_array().expect("a list").iter().map(component).collect()
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
