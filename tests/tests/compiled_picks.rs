//! Elements by index and by order in the compiled pass, against the same operations one by one.

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
    /// Lookups by indices that are given and that are computed.
    Lookups { fc: Linear(6, 5), codes: Embedding(5, 3), table: Param([7, 4], init = normal(0.0, 1.0)) }
    forward(x: [batch, seq, 6], order: [3], each: [batch, seq, 2], words: [batch, seq])
        -> ([batch, 3, 5], [batch, seq, 2], [batch, seq, 3], [batch, seq, 4], [batch, seq], [batch, 6], [batch, 1, 5]) {
        let scores = fc(x);
        let best = argmax(scores, 2);
        let chosen = index_select(scores, 1, order);
        let picked = gather(tanh(scores), -1, each);
        let early = gather(x, 1, unsqueeze(argmin(x, 1), 1));
        let last = argmax(scores, 1, keepdim = true);
        (chosen * 2.0, picked, codes(best), embedding(words, table), best, squeeze(early, 1), gather(scores, 1, last))
    }
}

fn lookups(model: &Lookups, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (order, each, words) = (x[1].typed()?, x[2].typed()?, x[3].typed()?);
    let (a, b, c, d, e, f, g) =
        model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &order, &each, &words)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
    Ok(all.into_iter().chain([e.into_tensor(), f.into_tensor(), g.into_tensor()]).collect())
}

fn indices(batch: usize, seq: usize) -> Vec<Tensor> {
    vec![
        Tensor::randn([batch, seq, 6]),
        Tensor::from([1i64, 3, 1]),
        Tensor::randint(0, 5, [batch, seq, 2]),
        Tensor::randint(0, 7, [batch, seq]),
    ]
}

#[test]
fn lookups_by_indices_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(5);
    assert_eq!(islands::<Lookups>(), Vec::<&str>::new());
    check(&Lookups::new(), indices, lookups)?;
    // Indices of 32 bits, and enough of them for several threads.
    let narrow = |batch: usize, seq: usize| {
        let mut all = indices(20 * batch, 30 * seq);
        all[2] = all[2].to_dtype(DType::I32);
        all
    };
    check(&Lookups::new(), narrow, lookups)
}

#[test]
fn indices_beyond_the_axis_are_refused_as_elsewhere() -> Result<()> {
    let _turn = turn();
    let model = Lookups::new();
    for (which, op, bad) in [(1, "index_select", 4), (2, "gather", 5), (3, "embedding", 7)] {
        for bad in [bad, -1] {
            let mut inputs = indices(2, 4);
            inputs[which] = inputs[which].copy();
            inputs[which].reshape(-1)?.narrow(0, 1, 1)?.fill_(bad)?;
            let compiled = lookups(&model, &inputs).unwrap_err().to_string();
            let eager = op_by_op(|| lookups(&model, &inputs)).unwrap_err().to_string();
            assert_eq!(compiled, eager);
            assert!(compiled.contains(op) && compiled.contains(&bad.to_string()), "{compiled}");
        }
    }
    let mut inputs = indices(2, 4);
    inputs[2] = Tensor::randn([2, 4, 2]);
    let compiled = lookups(&model, &inputs).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| lookups(&model, &inputs)).unwrap_err().to_string());
    Ok(())
}

model! {
    /// The first and last of rows and columns, all in order, and running sums.
    Ordered { fc: Linear(6, 8) }
    forward(x: [batch, seq, 6])
        -> ([batch, seq, 3], [batch, seq, 8], [batch, seq, 8], [batch, seq, 2, 2], [batch, seq, 8], [batch, seq, 3]) {
        let h = fc(x);
        let (top, at) = topk(h, 3);
        let (columns, places) = sort(h, 1, descending = true);
        let (low, _) = topk(unflatten(h, 2, [4, 2]), 2, 2, largest = false);
        let (rows, _) = sort(h);
        (top * gather(sigmoid(h), 2, at), columns, rows * cumsum(h, 1), low, cumsum(gather(h, 1, places), -1), at)
    }
}

fn ordered(model: &Ordered, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
    Ok(all.into_iter().chain([e.into_tensor(), f.into_tensor()]).collect())
}

#[test]
fn elements_by_their_order_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(6);
    assert_eq!(islands::<Ordered>(), Vec::<&str>::new());
    check(&Ordered::new(), |batch, seq| vec![Tensor::randn([batch, seq, 6])], ordered)?;
    check(&Ordered::new(), |batch, seq| vec![Tensor::randn([9 * batch, 70 * seq, 6])], ordered)
}

#[test]
fn sums_at_indices_are_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    let (first, second) = (Lookups::new(), Ordered::new());
    let inputs = indices(40, 300);
    let once = |threads: usize| -> Result<Vec<f32>> {
        set_num_threads(threads);
        let x = inputs[0].copy().requires_grad_(true)?;
        let given = [x.clone(), inputs[1].clone(), inputs[2].clone(), inputs[3].clone()];
        let mut all: Vec<Tensor> = lookups(&first, &given)?;
        all.extend(ordered(&second, &given)?);
        first.table.set_grad(None)?;
        let mut loss = Tensor::zeros([]);
        for output in all.iter().filter(|output| output.requires_grad()) {
            loss = loss.add(&output.square().sum())?;
        }
        loss.backward()?;
        let grads = [x.grad(), first.table.grad()];
        let mut values = Vec::new();
        for tensor in all.iter().chain(grads.iter().flatten()) {
            values.extend(tensor.to_dtype(DType::F32).to_vec::<f32>()?);
        }
        assert_eq!(grads.iter().flatten().count(), 2);
        Ok(values)
    };
    let (one, two) = (once(1)?, once(2)?);
    assert!(one == two);
    Ok(())
}

model! {
    /// Products of three and more: a bilinear form, a low-rank map, and one in an order that is not theirs.
    Products { a: Param([6, 5], init = normal(0.0, 1.0)), b: Param([5, 4], init = normal(0.0, 1.0)), c: Param([2, 4, 3], init = normal(0.0, 1.0)) }
    forward(x: [batch, seq, 6], y: [batch, seq, 4]) -> ([batch, seq, seq], [batch, seq, 4], [2, batch, seq, 3], [batch, 6, 6]) {
        let form = einsum!("bqi,ij,jk,bkp->bqp", x, a, b, transpose(y, 1, 2));
        let low = einsum!("...i,ij,jk->...k", x, a, b);
        let far = einsum!("hko,bsk,bst->hbto", c, y, softmax(form, -1));
        let twice = einsum!("bsi,bst,btj->bij", x, form, x);
        (form, low, far, twice)
    }
}

#[test]
fn products_of_many_tensors_are_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Products>(), Vec::<&str>::new());
    let inputs =
        |batch: usize, seq: usize| vec![Tensor::randn([batch, seq, 6]), Tensor::randn([batch, seq, 4])];
    check(&Products::new(), inputs, |model, x| {
        let (a, b, c, d) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
    })
}
