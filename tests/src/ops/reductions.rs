//! Reductions and scans.

use super::{Table, table};

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "sum" => |a| [a.tensor(0).sum()];
        "sum_dim" => |a| [a.tensor(0).sum_dim(a.ints(1), a.bool(2))?];
        "mean" => |a| [a.tensor(0).mean()];
        "mean_dim" => |a| [a.tensor(0).mean_dim(a.ints(1), a.bool(2))?];
        "nansum" => |a| [a.tensor(0).nansum()];
        "nansum_dim" => |a| [a.tensor(0).nansum_dim(a.ints(1), a.bool(2))?];
        "nanmean" => |a| [a.tensor(0).nanmean()];
        "nanmean_dim" => |a| [a.tensor(0).nanmean_dim(a.ints(1), a.bool(2))?];
        "amax" => |a| [a.tensor(0).amax()];
        "amax_dim" => |a| [a.tensor(0).amax_dim(a.ints(1), a.bool(2))?];
        "amin" => |a| [a.tensor(0).amin()];
        "amin_dim" => |a| [a.tensor(0).amin_dim(a.ints(1), a.bool(2))?];
        "any" => |a| [a.tensor(0).any()];
        "any_dim" => |a| [a.tensor(0).any_dim(a.ints(1), a.bool(2))?];
        "all" => |a| [a.tensor(0).all()];
        "all_dim" => |a| [a.tensor(0).all_dim(a.ints(1), a.bool(2))?];
        "logsumexp" => |a| [a.tensor(0).logsumexp(a.ints(1), a.bool(2))?];
        "prod" => |a| [a.tensor(0).prod()];
        "prod_dim" => |a| [a.tensor(0).prod_dim(a.ints(1), a.bool(2))?];
        "count_nonzero" => |a| [a.tensor(0).count_nonzero()];
        "count_nonzero_dim" => |a| [a.tensor(0).count_nonzero_dim(a.ints(1))?];
        "var" => |a| [a.tensor(0).var()];
        "var_dim" => |a| [a.tensor(0).var_dim(a.ints(1), a.f64(2), a.bool(3))?];
        "std" => |a| [a.tensor(0).std()];
        "std_dim" => |a| [a.tensor(0).std_dim(a.ints(1), a.f64(2), a.bool(3))?];
        "var_mean" => |a| <[_; 2]>::from(a.tensor(0).var_mean(a.ints(1), a.f64(2), a.bool(3))?);
        "std_mean" => |a| <[_; 2]>::from(a.tensor(0).std_mean(a.ints(1), a.f64(2), a.bool(3))?);
        "norm" => |a| [a.tensor(0).norm(a.f64(1))];
        "norm_dim" => |a| [a.tensor(0).norm_dim(a.f64(1), a.ints(2), a.bool(3))?];
        "dist" => |a| [a.tensor(0).dist(a.tensor(1), a.f64(2))?];
        "max" => |a| [a.tensor(0).max()];
        "max_dim" => |a| <[_; 2]>::from(a.tensor(0).max_dim(a.int(1), a.bool(2))?);
        "argmax" => |a| [a.tensor(0).argmax(a.int_or_none(1), a.bool(2))?];
        "min" => |a| [a.tensor(0).min()];
        "min_dim" => |a| <[_; 2]>::from(a.tensor(0).min_dim(a.int(1), a.bool(2))?);
        "argmin" => |a| [a.tensor(0).argmin(a.int_or_none(1), a.bool(2))?];
        "aminmax" => |a| <[_; 2]>::from(a.tensor(0).aminmax());
        "cumsum" => |a| [a.tensor(0).cumsum(a.int(1))?];
        "cumsum_" => |a| [a.tensor(0).cumsum_(a.int(1))?];
        "cumprod_" => |a| [a.tensor(0).cumprod_(a.int(1))?];
        "cumprod" => |a| [a.tensor(0).cumprod(a.int(1))?];
        "logcumsumexp" => |a| [a.tensor(0).logcumsumexp(a.int(1))?];
    }
}
