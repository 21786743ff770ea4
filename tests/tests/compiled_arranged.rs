//! Elements moved and repeated in the compiled pass, against the same operations one by one.

use rustorch::compiled::{Compiled, op_by_op};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::check;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// All arrangements of rows, columns and whole tensors.
    Arranged { fc: Linear(6, 4), token: Param([1, 1, 4], init = normal(0.0, 1.0)) }
    forward(x: [batch, seq, 6], at: [batch, seq, 3]) -> (
        [batch, seq + 3, 4], [batch, seq, 9], [batch, seq + 2, 4], [batch, seq, 4], [batch, seq + 1, 4],
        [2, batch, seq, 12], [batch, 2 * seq, 4], [batch, seq, 3], [3, batch, seq, 4]
    ) {
        let h = fc(x);
        (
            pad(h, [0, 0, 1, 2], value = -0.5),
            pad(h, [3, 2], mode = "reflect") * 2.0,
            pad(h, [0, 0, 1, 1], mode = "replicate"),
            tanh(roll(flip(h, [1, 2]), [1, -2], [1, 2])),
            cat([expand(token, [batch, 1, _]), roll(h, [2], [0])], 1),
            repeat(h, [2, 1, 1, 3]),
            repeat_interleave(h, 2, 1),
            take_along_dim(h, at, 2),
            expand(pad(h, [0, 0, 1, 1], mode = "circular")[.., 2.., ..][.., ..seq, ..] , [3, batch, seq, 4])
        )
    }
}

fn arranged(model: &Arranged, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g, h, i) =
        model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed()?)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
    Ok(all.into_iter().chain([f.into_tensor(), g.into_tensor(), h.into_tensor(), i.into_tensor()]).collect())
}

fn inputs(batch: usize, seq: usize) -> Vec<Tensor> {
    vec![Tensor::randn([batch, seq, 6]), Tensor::randint(-4, 4, [batch, seq, 3])]
}

#[test]
fn elements_moved_and_repeated_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(7);
    assert_eq!(islands::<Arranged>(), Vec::<&str>::new());
    check(&Arranged::new(), inputs, arranged)?;
    // Enough of them for several threads, and an index of 32 bits.
    let many = |batch: usize, seq: usize| {
        let mut all = inputs(9 * batch, 70 * seq);
        all[1] = all[1].to_dtype(DType::I32);
        all
    };
    check(&Arranged::new(), many, arranged)
}

#[test]
fn positions_beyond_the_axis_are_refused_as_elsewhere() -> Result<()> {
    let _turn = turn();
    let model = Arranged::new();
    for bad in [4, -5] {
        let x = inputs(2, 4);
        x[1].reshape(-1)?.narrow(0, 1, 1)?.fill_(bad)?;
        let compiled = arranged(&model, &x).unwrap_err().to_string();
        assert_eq!(compiled, op_by_op(|| arranged(&model, &x)).unwrap_err().to_string());
        assert!(compiled.contains("take_along_dim") && compiled.contains(&bad.to_string()), "{compiled}");
    }
    Ok(())
}

model! {
    /// Padding by more than a short sequence has.
    Mirrored { fc: Linear(3, 2) }
    forward(x: [batch, seq, 3]) -> [batch, seq + 4, 2] { pad(fc(x), [0, 0, 2, 2], mode = "reflect") }
}

#[test]
fn padding_that_an_axis_cannot_give_is_the_error_of_the_operation() -> Result<()> {
    let _turn = turn();
    let model = Mirrored::new();
    let run = |seq: usize| -> Result<Tensor> {
        let x = Tensor::randn([2, seq, 3]).typed::<shape![Batch, Seq, 3]>()?;
        Ok(model.try_forward(&x)?.into_tensor())
    };
    assert_eq!(run(3)?.shape(), [2, 7, 2]);
    let compiled = run(2).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| run(2)).unwrap_err().to_string());
    assert!(compiled.contains("pad"), "{compiled}");
    Ok(())
}

model! {
    /// Integers and truth values of which elements are chosen and moved on their way to outputs.
    Integers { fc: Linear(3, 2) }
    forward(x: [batch, seq, 3], ids: [batch, seq], at: [batch, 2])
        -> ([batch, seq, 2], [batch, 2], [batch, seq], [2, batch, seq], [batch, 1]) {
        (fc(x), gather(ids, 1, at), roll(ids, [1], [1]), repeat(flip(ids, [0]), [2, 1, 1]), take_along_dim(ids, at, 1)[.., 1..])
    }
}

#[test]
fn integers_and_truth_values_that_are_outputs_are_moved_by_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Integers>(), Vec::<&str>::new());
    for dtype in [DType::I64, DType::I32, DType::I16, DType::U8, DType::Bool] {
        let inputs = |batch: usize, seq: usize| {
            let ids = Tensor::randint(0, 9, [batch, seq]).to_dtype(dtype);
            vec![Tensor::randn([batch, seq, 3]), ids, Tensor::randint(0, 4, [batch, 2])]
        };
        check(&Integers::new(), inputs, |model, x| {
            let x0 = x[0].typed::<shape![Batch, Seq, 3]>()?;
            let (a, b, c, d, e) = model.try_forward(&x0, &x[1].typed()?, &x[2].typed()?)?;
            assert!([b.dtype(), c.dtype(), d.dtype(), e.dtype()].iter().all(|own| *own == dtype));
            Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()])
        })?;
    }
    Ok(())
}

#[test]
fn sums_of_copies_are_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    manual_seed(8);
    let (model, x) = (Arranged::new(), inputs(30, 200));
    let once = |threads: usize| -> Result<Vec<f32>> {
        set_num_threads(threads);
        let parameters = model.parameters();
        parameters.iter().try_for_each(|parameter| parameter.set_grad(None))?;
        let outputs = arranged(&model, &x)?;
        let mut loss = Tensor::zeros([]);
        for output in &outputs {
            loss = loss.add(&output.square().sum())?;
        }
        loss.backward()?;
        let grads: Vec<Tensor> = parameters.iter().filter_map(Tensor::grad).collect();
        assert_eq!(grads.len(), 3);
        let all = outputs.iter().chain(&grads).map(|tensor| tensor.to_vec::<f32>());
        Ok(all.collect::<Result<Vec<_>>>()?.concat())
    };
    let (one, two) = (once(1)?, once(2)?);
    assert!(one == two);
    Ok(())
}
