//! Joining, splitting and rearranging.

use rustorch::{Indexing, PadMode, Tensor};

use super::{Table, table};

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "cat" => |a| [Tensor::cat(&a.tensors(0), a.int(1))?];
        "stack" => |a| [Tensor::stack(&a.tensors(0), a.int(1))?];
        "hstack" => |a| [Tensor::hstack(&a.tensors(0))?];
        "vstack" => |a| [Tensor::vstack(&a.tensors(0))?];
        "dstack" => |a| [Tensor::dstack(&a.tensors(0))?];
        "column_stack" => |a| [Tensor::column_stack(&a.tensors(0))?];
        "block_diag" => |a| [Tensor::block_diag(&a.tensors(0))?];
        "split" => |a| match a.is_list(1) {
            true => a.tensor(0).split(a.sizes(1), a.int(2))?,
            false => a.tensor(0).split(a.size(1), a.int(2))?,
        };
        "chunk" => |a| a.tensor(0).chunk(a.size(1), a.int(2))?;
        "tensor_split" => |a| a.tensor(0).tensor_split(a.size(1), a.int(2))?;
        "unbind" => |a| a.tensor(0).unbind(a.int(1))?;
        "flip" => |a| [a.tensor(0).flip(a.ints(1))?];
        "fliplr" => |a| [a.tensor(0).fliplr()?];
        "flipud" => |a| [a.tensor(0).flipud()?];
        "rot90" => |a| [a.tensor(0).rot90(a.int(1), [a.ints(2)[0], a.ints(2)[1]])?];
        "roll" => |a| [match a.is_none(2) {
            true => a.tensor(0).roll(a.ints(1), ())?,
            false => a.tensor(0).roll(a.ints(1), a.ints(2))?,
        }];
        "diag" => |a| [a.tensor(0).diag(a.int(1))?];
        "diag_embed" => |a| [a.tensor(0).diag_embed(a.int(1), a.int(2), a.int(3))?];
        "repeat" => |a| [a.tensor(0).repeat(a.sizes(1))?];
        "tile" => |a| [a.tensor(0).tile(a.sizes(1))?];
        "repeat_interleave" => |a| [match a.is_tensor(1) {
            true => a.tensor(0).repeat_interleave(a.tensor(1), a.int_or_none(2))?,
            false => a.tensor(0).repeat_interleave(a.size(1), a.int_or_none(2))?,
        }];
        "tril" => |a| [a.tensor(0).tril(a.int(1))?];
        "triu" => |a| [a.tensor(0).triu(a.int(1))?];
        "tril_" => |a| [a.tensor(0).tril_(a.int(1))?];
        "triu_" => |a| [a.tensor(0).triu_(a.int(1))?];
        "tril_indices" => |a| [Tensor::tril_indices(a.size(0), a.size(1), a.int(2))];
        "triu_indices" => |a| [Tensor::triu_indices(a.size(0), a.size(1), a.int(2))];
        "pad" => |a| [a.tensor(0).pad(a.ints(1), match a.text(2) {
            "reflect" => PadMode::Reflect,
            "replicate" => PadMode::Replicate,
            "circular" => PadMode::Circular,
            _ => PadMode::Constant(a.f64(3)),
        })?];
        "meshgrid" => |a| Tensor::meshgrid(&a.tensors(0), if a.text(1) == "ij" { Indexing::Ij } else { Indexing::Xy })?;
        "broadcast_tensors" => |a| Tensor::broadcast_tensors(&a.tensors(0))?;
    }
}
