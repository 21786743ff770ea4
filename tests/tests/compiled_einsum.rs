//! `einsum!` that repeats, broadcasts, sums and multiplies element by element, and other kernels whose operands broadcast, in the
//! compiled pass, against the same operations one by one.

use rustorch::compiled::Compiled;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// Of one operand: diagonals, traces, sums, other orders; of two: elementwise, outer and inner products, with diagonals.
    Indexed {
        fc: Linear(5, 4),
        square: Param([4, 4], init = normal(0.0, 1.0)),
        bias: Param([1, 4], init = normal(0.0, 1.0)),
    }
    forward(x: [batch, seq, 5]) -> (
        [batch, seq], [4, batch], [batch, 4], [], [4], [batch, seq, 4], [batch, seq], [batch, seq, seq], [4, batch, seq], [batch, 4],
        [batch, seq, 4], [batch], [seq, 4, 4], [batch, seq, 4], [batch, seq, 4]
    ) {
        let h = fc(x);
        let g = tanh(h);
        let scores = einsum!("bqi,bki->bqk", h, g);
        (
            einsum!("bqq->bq", scores), einsum!("bsi->ib", h), einsum!("bsi->bi", h * 0.5), einsum!("ii", square),
            einsum!("ii->i", square), einsum!("bsi,bsi->bsi", h, g), einsum!("bsi,bsi->bs", h, g), einsum!("bs,bt->bst", h[.., .., 0], g[.., .., 1]),
            einsum!("bsi,bs->ibs", h, g[.., .., 2]), einsum!("bsi,bs->bi", h, g[.., .., 3]),
            einsum!("bsi,zi->bsi", h, bias), einsum!("bsi,bti->b", h, g),
            einsum!("bsi,bsj,ij,bs->sij", h, g, square, h[.., .., 0]), einsum!("bsi,ii->bsi", h, square),
            einsum!("...i,i->...i", g, bias[0])
        )
    }
}

fn indexed(model: &Indexed, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o) =
        model.try_forward(&x[0].typed::<shape![Batch, Seq, 5]>()?)?;
    let first = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
    let second = [f.into_tensor(), g.into_tensor(), h.into_tensor(), i.into_tensor(), j.into_tensor()];
    let third = [k.into_tensor(), l.into_tensor(), m.into_tensor(), n.into_tensor(), o.into_tensor()];
    Ok(first.into_iter().chain(second).chain(third).collect())
}

#[test]
fn products_of_elements_and_diagonals_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    assert_eq!(islands::<Indexed>(), Vec::<&str>::new());
    everywhere(&Indexed::new(), |batch, seq| vec![Tensor::randn([batch, seq, 5])], indexed)
}

model! {
    /// Elements at the places of an index where tensor and index broadcast.
    Taken { fc: Linear(4, 6), table: Param([1, 1, 7], init = normal(0.0, 1.0)) }
    forward(x: [batch, seq, 4], at: [1, seq, 3], all: [batch, seq, 2], one: [batch, 1, 1])
        -> ([batch, seq, 3], [batch, seq, 2], [batch, seq, 1], [batch, 2, 6]) {
        let h = fc(x);
        (
            take_along_dim(h, at, 2) * 2.0, take_along_dim(table, all, 2), take_along_dim(tanh(h), one, -1),
            take_along_dim(h, reshape(all, [batch, -1, 1])[.., ..2], 1)
        )
    }
}

#[test]
fn tensors_and_indices_that_broadcast_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    assert_eq!(islands::<Taken>(), Vec::<&str>::new());
    let inputs = |batch: usize, seq: usize| {
        vec![
            Tensor::randn([batch, seq, 4]),
            Tensor::randint(-6, 6, [1, seq, 3]),
            Tensor::randint(-3, 3, [batch, seq, 2]),
            Tensor::randint(0, 6, [batch, 1, 1]).to_dtype(DType::I32),
        ]
    };
    rustorch_tests::compiled::check(&Taken::new(), inputs, |model, x| {
        let (h, at, all, one) = (
            x[0].typed::<shape![Batch, Seq, 4]>()?,
            x[1].typed::<shape![1, Seq, 3]>()?,
            x[2].typed::<shape![Batch, Seq, 2]>()?,
            x[3].typed::<shape![Batch, 1, 1]>()?,
        );
        let (a, b, c, d) = model.try_forward(&h, &at, &all, &one)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
    })
}

model! {
    /// Integers in order, which only reach outputs.
    Sorted { fc: Linear(3, 2) }
    forward(x: [batch, 3], ids: [batch, 40]) -> ([batch, 2], [batch, 40], [batch, 40], [batch, 5], [batch, 40]) {
        let (low, at) = sort(ids, 1);
        let (most, _) = topk(ids, 5, 1);
        let (columns, _) = sort(ids, 0, descending = true);
        (fc(x), low, at, most, columns)
    }
}

#[test]
fn integers_in_order_are_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Sorted>(), Vec::<&str>::new());
    for dtype in [DType::I64, DType::I32, DType::F32] {
        let inputs = |batch: usize, _: usize| {
            vec![Tensor::randn([batch, 3]), Tensor::randint(-50, 50, [batch, 40]).to_dtype(dtype)]
        };
        rustorch_tests::compiled::check(&Sorted::new(), inputs, |model, x| {
            let (a, b, c, d, e) = model.try_forward(&x[0].typed::<shape![Batch, 3]>()?, &x[1].typed()?)?;
            assert_eq!([b.dtype(), c.dtype(), d.dtype(), e.dtype()], [dtype, DType::I64, dtype, dtype]);
            Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()])
        })?;
    }
    Ok(())
}
