//! Sorting, selecting and finding what is distinct.

use rustorch::Unique;

use super::{Table, table};

/// All of them. Where PyTorch does not say which of equal elements it takes, only values are compared.
pub(super) fn table() -> Table {
    table! {
        "sort" => |a| <[_; 2]>::from(a.tensor(0).sort(a.int(1), a.bool(2), true)?);
        "argsort" => |a| [a.tensor(0).argsort(a.int(1), a.bool(2), true)?];
        "topk" => |a| [a.tensor(0).topk(a.size(1), a.int(2), a.bool(3), true)?.0];
        "kthvalue" => |a| [a.tensor(0).kthvalue(a.size(1), a.int(2), a.bool(3))?.0];
        "median" => |a| [a.tensor(0).median()?];
        "median_dim" => |a| [a.tensor(0).median_dim(a.int(1), a.bool(2))?.0];
        "mode" => |a| [a.tensor(0).mode(a.int(1), a.bool(2))?.0];
        "unique" => |a| list(a.tensor(0).unique()?);
        "unique_consecutive" => |a| list(a.tensor(0).unique_consecutive(None)?);
        "cummax" => |a| <[_; 2]>::from(a.tensor(0).cummax(a.int(1))?);
        "cummin" => |a| <[_; 2]>::from(a.tensor(0).cummin(a.int(1))?);
    }
}

fn list(unique: Unique) -> [rustorch::Tensor; 3] {
    [unique.values, unique.inverse, unique.counts]
}
