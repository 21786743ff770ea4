//! `matmul` of operands in every order of axes, batched and broadcast, against a sum of products.

use rustorch::{Result, Tensor};

/// The product from broadcasting, one element at a time.
fn reference(left: &Tensor, right: &Tensor) -> Result<Vec<f64>> {
    let products = left.unsqueeze(left.rank() as isize)?.mul(&right.unsqueeze(right.rank() as isize - 2)?)?;
    products.sum_dim(products.rank() as isize - 2, false)?.to_vec::<f64>()
}

/// A tensor of `shape` whose memory has its axes in the order `order`.
fn laid_out(shape: [usize; 3], order: [usize; 3], salt: usize) -> Result<Tensor> {
    let mut stored = [0; 3];
    order.iter().zip(shape).for_each(|(&axis, size)| stored[axis] = size);
    let elements = (0..shape.iter().product()).map(|i: usize| ((3 * i * i + 7 * i + salt) % 11) as f64 - 5.0);
    Tensor::from_vec(elements.collect(), stored)?.permute(order)
}

#[test]
fn every_layout_gives_the_same_product() -> Result<()> {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let sizes = |sizes: &'static [usize]| sizes.iter().copied();
    for (b, m, k, n) in sizes(&[1, 2, 3]).flat_map(|b| {
        sizes(&[1, 2, 5, 17]).flat_map(move |m| {
            sizes(&[1, 2, 6]).flat_map(move |k| sizes(&[1, 2, 20]).map(move |n| (b, m, k, n)))
        })
    }) {
        for (left, right) in orders.iter().flat_map(|&left| orders.iter().map(move |&right| (left, right))) {
            let (x, y) = (laid_out([b, m, k], left, 0)?, laid_out([b, k, n], right, 5)?);
            for (x, y) in [
                (x.clone(), y.clone()),
                (x.select(0, 0)?, y.clone()),
                (x.clone(), y.select(0, 0)?),
                (x.narrow(0, 0, 1)?, y),
            ] {
                let found = x.matmul(&y)?.to_vec::<f64>()?;
                assert_eq!(
                    found,
                    reference(&x, &y)?,
                    "{:?}{:?} × {:?}{:?}",
                    x.shape(),
                    x.strides(),
                    y.shape(),
                    y.strides()
                );
            }
        }
    }
    Ok(())
}
