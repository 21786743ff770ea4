//! Views, copies and conversions.

use super::{Table, table};
use crate::golden::dtype;

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "reshape" => |a| [a.tensor(0).reshape(a.ints(1))?];
        "view" => |a| [a.tensor(0).view(a.ints(1))?];
        "flatten" => |a| [a.tensor(0).flatten(a.int(1), a.int(2))?];
        "unflatten" => |a| [a.tensor(0).unflatten(a.int(1), a.ints(2))?];
        "squeeze" => |a| [match a.is_none(1) {
            true => a.tensor(0).squeeze(())?,
            false => a.tensor(0).squeeze(a.ints(1))?,
        }];
        "unsqueeze" => |a| [a.tensor(0).unsqueeze(a.int(1))?];
        "permute" => |a| [a.tensor(0).permute(a.ints(1))?];
        "transpose" => |a| [a.tensor(0).transpose(a.int(1), a.int(2))?];
        "t" => |a| [a.tensor(0).t()?];
        "movedim" => |a| [a.tensor(0).movedim(a.ints(1), a.ints(2))?];
        "expand" => |a| [a.tensor(0).expand(a.ints(1))?];
        "broadcast_to" => |a| [a.tensor(0).broadcast_to(a.sizes(1))?];
        "narrow" => |a| [a.tensor(0).narrow(a.int(1), a.size(2), a.size(3))?];
        "slice" => |a| [a.tensor(0).slice(a.int(1), a.int(2), a.int(3), a.size(4))?];
        "select" => |a| [a.tensor(0).select(a.int(1), a.int(2))?];
        "diagonal" => |a| [a.tensor(0).diagonal(a.int(1), a.int(2), a.int(3))?];
        "unfold" => |a| [a.tensor(0).unfold(a.int(1), a.size(2), a.size(3))?];
        "as_strided" => |a| [a.tensor(0).as_strided(&a.sizes(1), &a.sizes(2), a.size(3))?];
        "copy" => |a| [a.tensor(0).copy()];
        "to_dtype" => |a| [a.tensor(0).to_dtype(dtype(a.text(1)))];
        "copy_" => |a| [a.tensor(0).copy_(a.tensor(1))?];
        "fill_" => |a| [a.tensor(0).fill_(a.scalar(1))?];
        "zero_" => |a| [a.tensor(0).zero_()?];
    }
}
