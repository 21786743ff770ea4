//! Axes and shapes as arguments, as the methods of a `Tensor` take them: the note shows how they are written here.

use rustorch::prelude::*;

fn main() {
    let x = TypedTensor::<shape![2, 3]>::ones();
    let _ = x.transpose(0, 1);
    let _ = x.softmax(-1);
    let _ = x.sum(1);
    let _ = x.reshape([3, 2]);
}
