//! The table of operations that the golden files name: from PyTorch's name and arguments to our call.

mod attention;
mod elementwise;
mod indexing;
mod joins;
mod layers;
mod losses;
mod modules;
mod products;
mod recurrent;
mod reductions;
mod sorting;
mod transformer;
mod views;

use std::collections::BTreeMap;

use rustorch::{Result, Tensor};

use crate::golden::Args;

/// A call: arguments in the golden file's order to results.
pub type Op = fn(&Args) -> Result<Vec<Tensor>>;

/// Operations by name.
pub type Table = BTreeMap<&'static str, Op>;

/// The golden files, and the operations in each.
pub fn files() -> Vec<(&'static str, Table)> {
    vec![
        ("elementwise", elementwise::table()),
        ("views", views::table()),
        ("products", products::table()),
        ("joins", joins::table()),
        ("indexing", indexing::table()),
        ("reductions", reductions::table()),
        ("sorting", sorting::table()),
        ("attention", attention::table()),
        ("recurrent", recurrent::table()),
        ("transformer", transformer::table()),
        ("layers", layers::table()),
        ("losses", losses::table()),
        ("modules", modules::table()),
    ]
}

/// Makes a [`Table`] of closures, each of which gives an array or vector of results.
macro_rules! table {
    ($($name:literal => |$args:ident| $call:expr;)*) => {{
        let mut table = $crate::ops::Table::new();
        $(
            let op: $crate::ops::Op = |$args| Ok(Vec::from($call));
            assert!(table.insert($name, op).is_none(), "two entries for {}", $name);
        )*
        table
    }};
}
pub(crate) use table;
