//! Attention.

use rustorch::nn::functional::{AttentionOptions, scaled_dot_product_attention};

use super::{Table, table};

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "scaled_dot_product_attention" => |a| {
            let options = AttentionOptions {
                mask: a.tensor_or_none(3),
                causal: a.bool(4),
                scale: (!a.is_none(5)).then(|| a.f64(5)),
                enable_gqa: a.bool(6),
                ..Default::default()
            };
            [scaled_dot_product_attention(a.tensor(0), a.tensor(1), a.tensor(2), options)?]
        };
    }
}
