use rustorch::prelude::*;

dim!(Batch);

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([2, 4]).typed::<shape![Batch, 4]>()?;
    let (a, b) = (TypedTensor::<shape![4, 5]>::ones(), TypedTensor::<shape![5, 2]>::ones());
    let path = einsum_path!("ij,jk,kl->il", x, a, b)?;
    assert!(path.contains("jk,kl->jl"), "{path}");
    assert_eq!(einsum!("ij,jk,kl,->il", x, a, b, 0.5).shape(), [2, 2]);
    Ok(())
}
