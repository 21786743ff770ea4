use rustorch::prelude::*;

dim!(Batch);

fn main() {
    let _ = TypedTensor::<shape![Batch, 3]>::zeros();
}
