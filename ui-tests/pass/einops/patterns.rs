use rustorch::prelude::*;

dim!(Batch, Seq);

const HEADS: usize = 4;

fn heads(x: &TypedTensor<shape![Batch, Seq, 64]>) -> TypedTensor<shape![Batch, HEADS, Seq, 16]> {
    rearrange!("b t (h d) -> b h t d", x, h = HEADS)
}

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([2, 5, 64]);
    let typed = x.typed::<shape![Batch, Seq, 64]>()?;
    assert_eq!(heads(&typed).shape(), [2, 4, 5, 16]);
    let pooled: TypedTensor<shape![Batch, 64]> = reduce!("b t d -> b d", typed, "mean");
    assert_eq!(pooled.shape(), [2, 64]);
    let groups = 8;
    assert_eq!(rearrange!("b t (g d) -> (b g) t d", &x, g = groups)?.shape(), [16, 5, 8]);
    assert_eq!(repeat!("b t d -> b (t r) d", x, r = 2)?.shape(), [2, 10, 64]);
    Ok(())
}
