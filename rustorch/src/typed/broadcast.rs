//! Broadcasting of shapes, as a relation between types.

use super::{BroadcastDim, Dim};

/// Two shapes that broadcast against each other, axis by axis from the right.
#[diagnostic::on_unimplemented(
    message = "shapes `{Self}` and `{Rhs}` do not broadcast against each other",
    label = "`{Self}` meets `{Rhs}`",
    note = "from the right, axes must be equal, or `One` as kept by `sum_keep` and made by `unsqueeze`"
)]
pub trait Broadcast<Rhs> {
    /// The shape of the result.
    type Output: super::Shape;
}

/// For every number of axes in common, every number of further axes on the left, and then on the right.
macro_rules! broadcast {
    ($([$($a:ident $b:ident)*] $leads:tt;)*) => {$( broadcast!(@left [$($a $b)*] $leads); )*};
    (@left [$($a:ident $b:ident)*] []) => { broadcast!(@both [] [] [$($a $b)*]); };
    (@left [$($a:ident $b:ident)*] [$first:ident $($lead:ident)*]) => {
        broadcast!(@both [$first $($lead)*] [] [$($a $b)*]);
        broadcast!(@both [] [$first $($lead)*] [$($a $b)*]);
        broadcast!(@left [$($a $b)*] [$($lead)*]);
    };
    (@both [$($l:ident)*] [$($r:ident)*] [$($a:ident $b:ident)*]) => {
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim,)* $($r: Dim,)* $($a: Dim + BroadcastDim<$b>, $b: Dim,)*> Broadcast<($($r,)* $($b,)*)>
            for ($($l,)* $($a,)*)
        {
            type Output = ($($l,)* $($r,)* $(<$a as BroadcastDim<$b>>::Output,)*);
        }
    };
}

broadcast! {
    [] [L1 L2 L3 L4 L5 L6 L7 L8];
    [A1 B1] [L1 L2 L3 L4 L5 L6 L7];
    [A1 B1 A2 B2] [L1 L2 L3 L4 L5 L6];
    [A1 B1 A2 B2 A3 B3] [L1 L2 L3 L4 L5];
    [A1 B1 A2 B2 A3 B3 A4 B4] [L1 L2 L3 L4];
    [A1 B1 A2 B2 A3 B3 A4 B4 A5 B5] [L1 L2 L3];
    [A1 B1 A2 B2 A3 B3 A4 B4 A5 B5 A6 B6] [L1 L2];
    [A1 B1 A2 B2 A3 B3 A4 B4 A5 B5 A6 B6 A7 B7] [L1];
    [A1 B1 A2 B2 A3 B3 A4 B4 A5 B5 A6 B6 A7 B7 A8 B8] [];
}
