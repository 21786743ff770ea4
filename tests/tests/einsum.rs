//! `einsum`, `einsum!` and their gradients: against PyTorch, against the definition, and typed against dynamic.

use rustorch::autograd::{GradOptions, grad};
use rustorch::prelude::*;
use rustorch::{Result, einsum, einsum_path};

dim!(Batch, Query, Key);

/// The elements that `einsum.py` gives an operand.
fn fill(count: usize, salt: usize) -> Vec<f64> {
    (0..count).map(|i| ((3 * i * i + 7 * i + 5 * salt) % 11) as f64 - 5.0).collect()
}

fn filled(shape: &[usize], salt: usize) -> Tensor {
    Tensor::from_vec(fill(shape.iter().product(), salt), shape).unwrap()
}

/// The same as a transposed view.
fn transposed(shape: &[usize], salt: usize) -> Tensor {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    filled(&reversed, salt).reverse_axes().unwrap()
}

fn numbers(field: &str, separator: char) -> Vec<f64> {
    field.split(separator).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
}

fn sizes(field: &str) -> Vec<usize> {
    numbers(field, ',').into_iter().map(|size| size as usize).collect()
}

/// Of small integers, one operand is summed before it is multiplied, which makes it `i64`, and another is not.
#[test]
fn small_integers_that_are_summed_alone_are_multiplied() -> Result<()> {
    for dtype in [DType::U8, DType::I8, DType::I16, DType::I32, DType::I64] {
        let (a, b) = (Tensor::ones([2, 3]).to_dtype(dtype), Tensor::ones([2, 4, 2]).to_dtype(dtype));
        let result = einsum!("st,shs->t", a, b)?;
        assert_eq!(result.to_dtype(DType::I64).to_vec::<i64>()?, [8, 8, 8], "{dtype:?}");
        let result =
            einsum("ij,jkl,ii->k", &[&a, &b.narrow(0, 0, 1)?, &Tensor::ones([2, 2]).to_dtype(dtype)])?;
        assert_eq!(result.to_dtype(DType::I64).to_vec::<i64>()?, [12, 12, 12, 12], "{dtype:?}");
    }
    // Operands that differ themselves are refused as before.
    let error =
        einsum!("i,i->", Tensor::ones([2]).to_dtype(DType::I16), Tensor::ones([2]).to_dtype(DType::I64));
    assert!(error.unwrap_err().to_string().contains("int16"));
    Ok(())
}

#[test]
fn results_and_gradients_are_those_of_pytorch() -> Result<()> {
    let (mut computed, mut refused) = (0, 0);
    for line in include_str!("../goldens/einsum.txt").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').collect();
        let leaf = |(salt, field): (usize, &str)| match field.strip_suffix('t') {
            Some(shape) => transposed(&sizes(shape), salt).requires_grad_(true),
            None => filled(&sizes(field), salt).requires_grad_(true),
        };
        let leaves: Vec<Tensor> = fields[1].split(';').enumerate().map(leaf).collect::<Result<_>>()?;
        let references: Vec<&Tensor> = leaves.iter().collect();
        let result = einsum(fields[0], &references);
        if fields[2] == "error" {
            assert!(result.is_err(), "{line}");
            refused += 1;
            continue;
        }
        let result = result?;
        assert_eq!(result.shape(), sizes(fields[2]), "{line}");
        assert_eq!(result.to_vec::<f64>()?, numbers(fields[3], ' '), "{line}");
        let weights = filled(result.shape(), 9);
        let grads = grad(&[&result], &references, &[Some(&weights)], GradOptions::default())?;
        for (grad, expected) in grads.iter().zip(&fields[4..]) {
            assert_eq!(grad.as_ref().unwrap().to_vec::<f64>()?, numbers(expected, ' '), "{line}");
        }
        computed += 1;
    }
    assert!(computed >= 400 && refused >= 15, "{computed} computed, {refused} refused");
    Ok(())
}

/// The elements of `einsum.py` in the dtypes other than `F64`: small, not negative, complex ones with a part of each.
fn filled_as(shape: &[usize], salt: usize, dtype: DType) -> Result<Tensor> {
    let count = shape.iter().product();
    let values: Vec<f64> = fill(count, salt).into_iter().map(|value| value.rem_euclid(4.0)).collect();
    if !dtype.is_complex() {
        return Ok(Tensor::from_vec(values, shape)?.to_dtype(dtype));
    }
    let pairs: Vec<f64> = (0..count).flat_map(|i| [values[i], values[count - 1 - i] - 1.0]).collect();
    let pairs = Tensor::from_vec(pairs, [shape, &[2]].concat())?;
    Ok(pairs.view_as_complex()?.to_dtype(dtype))
}

#[test]
fn every_dtype_is_summed_as_in_pytorch() -> Result<()> {
    let mut cases = 0;
    for line in include_str!("../goldens/einsum_dtypes.txt").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('|').collect();
        let dtype = |name: &str| DType::ALL.into_iter().find(|dtype| dtype.name() == name).unwrap();
        let shapes = fields[1].split(';').enumerate();
        let operands: Vec<Tensor> = shapes
            .map(|(salt, shape)| filled_as(&sizes(shape), salt, dtype(fields[2])))
            .collect::<Result<_>>()?;
        let result = einsum(fields[0], &operands.iter().collect::<Vec<_>>())?;
        assert_eq!(result.dtype(), dtype(fields[3]), "{line}");
        let real = if result.dtype().is_complex() { result.view_as_real()? } else { result };
        assert_eq!(real.to_dtype(DType::F64).to_vec::<f64>()?, numbers(fields[4], ' '), "{line}");
        cases += 1;
    }
    assert_eq!(cases, 110);
    Ok(())
}

/// Sums over every value of every index, for terms of letters with an explicit output.
fn definition(spec: &str, operands: &[&Tensor]) -> Vec<f64> {
    let (terms, output) = spec.split_once("->").unwrap();
    let terms: Vec<Vec<char>> = terms.split(',').map(|term| term.chars().collect()).collect();
    let mut letters: Vec<char> = output.chars().collect();
    for c in terms.concat() {
        if !letters.contains(&c) {
            letters.push(c);
        }
    }
    // An axis of size 1 takes the size that others of its letter have.
    let size = |c: &char| {
        let axes = terms.iter().zip(operands).flat_map(|(term, operand)| term.iter().zip(operand.shape()));
        let mut sizes = axes.filter(|(other, _)| *other == c).map(|(_, &size)| size);
        let first = sizes.next().unwrap();
        if first == 1 { sizes.find(|&size| size != 1).unwrap_or(1) } else { first }
    };
    let extents: Vec<usize> = letters.iter().map(size).collect();
    let data: Vec<Vec<f64>> = operands.iter().map(|operand| operand.to_vec::<f64>().unwrap()).collect();
    let inner: usize = extents[output.len()..].iter().product();
    let mut result = vec![0.0; extents[..output.len()].iter().product()];
    for flat in 0..extents.iter().product() {
        let mut values = vec![0; letters.len()];
        let mut rest = flat;
        for at in (0..letters.len()).rev() {
            values[at] = rest % extents[at];
            rest /= extents[at];
        }
        let read = |operand: usize| {
            let axes = terms[operand].iter().zip(operands[operand].shape());
            data[operand][axes.fold(0, |flat, (c, size)| {
                let value = values[letters.iter().position(|other| other == c).unwrap()];
                flat * size + if *size == 1 { 0 } else { value }
            })]
        };
        result[flat / inner.max(1)] += (0..operands.len()).map(read).product::<f64>();
    }
    result
}

/// Shapes large enough for every way of lowering: merged and separate rows, transposed operands, copies.
#[test]
fn larger_operands_in_every_layout_follow_the_definition() -> Result<()> {
    for (spec, shapes) in [
        ("ij,jk->ik", vec![vec![17, 40], vec![40, 33]]),
        ("ji,kj->ki", vec![vec![40, 17], vec![33, 40]]),
        ("bqhd,bkhd->bhqk", vec![vec![3, 20, 2, 8], vec![3, 19, 2, 8]]),
        ("bhqk,bkhd->bqhd", vec![vec![3, 2, 20, 19], vec![3, 19, 2, 8]]),
        ("ij,bjk->bik", vec![vec![18, 20], vec![4, 20, 24]]),
        ("abcd,dc->ab", vec![vec![5, 18, 6, 7], vec![7, 6]]),
        ("abcd,ac->bd", vec![vec![5, 18, 6, 7], vec![5, 6]]),
        ("iij,jk->ik", vec![vec![6, 6, 9], vec![9, 17]]),
        ("ab,bc,cd,de->ae", vec![vec![9, 30], vec![30, 4], vec![4, 25], vec![25, 3]]),
        ("abc,bd,ce->ade", vec![vec![17, 18, 19], vec![18, 5], vec![19, 4]]),
        ("ij,ij->", vec![vec![64, 33], vec![64, 33]]),
        ("bi,bi->b", vec![vec![20, 33], vec![20, 33]]),
        ("i,j,k->kij", vec![vec![7], vec![9], vec![11]]),
    ] {
        for layout in 0..1 << shapes.len() {
            let operand = |(at, shape): (usize, &Vec<usize>)| {
                if layout >> at & 1 == 0 { filled(shape, at) } else { transposed(shape, at) }
            };
            let operands: Vec<Tensor> = shapes.iter().enumerate().map(operand).collect();
            let references: Vec<&Tensor> = operands.iter().collect();
            let expected = definition(spec, &references);
            assert_eq!(einsum(spec, &references)?.to_vec::<f64>()?, expected, "{spec}, layout {layout:b}");
        }
    }
    Ok(())
}

/// A number that depends on every second derivative: the squared norm of the gradient of the sum of cubes.
fn penalty(spec: &str, operands: &[Tensor], create_graph: bool) -> Result<Tensor> {
    let references: Vec<&Tensor> = operands.iter().collect();
    let result = einsum(spec, &references)?;
    let loss = (&result * &result * &result).sum();
    let grads = grad(&[&loss], &references, &[], GradOptions { create_graph, ..Default::default() })?;
    let zero = Tensor::zeros_with([], DType::F64);
    grads.into_iter().flatten().try_fold(zero, |sum, grad| sum.add(&grad.square().sum()))
}

/// The gradient of the gradient, against finite differences of the gradient.
#[test]
fn second_gradients_are_right() -> Result<()> {
    for (spec, shapes) in [
        ("ij,jk->ik", vec![vec![2, 3], vec![3, 2]]),
        ("bqhd,bkhd->bhqk", vec![vec![2, 2, 1, 2], vec![2, 3, 1, 2]]),
        ("ij,jk,ki->", vec![vec![2, 3], vec![3, 2], vec![2, 2]]),
        ("iij,j->i", vec![vec![2, 2, 3], vec![3]]),
        ("i,j->ij", vec![vec![2], vec![3]]),
        ("...i,...i->...", vec![vec![2, 3], vec![3]]),
    ] {
        let leaf = |(at, shape): (usize, &Vec<usize>)| (filled(shape, at) * 0.1).requires_grad_(true);
        let operands: Vec<Tensor> = shapes.iter().enumerate().map(leaf).collect::<Result<_>>()?;
        let references: Vec<&Tensor> = operands.iter().collect();
        let exact = grad(&[&penalty(spec, &operands, true)?], &references, &[], GradOptions::default())?;
        for (which, exact) in exact.into_iter().flatten().enumerate() {
            for (element, exact) in exact.to_vec::<f64>()?.iter().enumerate() {
                let nudged = |step: f64| -> Result<f64> {
                    let mut values = operands[which].to_vec::<f64>()?;
                    values[element] += step;
                    let mut moved: Vec<Tensor> = operands.iter().map(Tensor::detach).collect();
                    moved[which] = Tensor::from_vec(values, shapes[which].as_slice())?;
                    let moved: Vec<Tensor> =
                        moved.iter().map(|operand| operand.requires_grad_(true)).collect::<Result<_>>()?;
                    penalty(spec, &moved, false)?.item::<f64>()
                };
                let numeric = (nudged(1e-5)? - nudged(-1e-5)?) / 2e-5;
                assert!(
                    (numeric - exact).abs() <= 1e-6 * (1.0 + exact.abs()),
                    "{spec}: {exact} but {numeric}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn macro_forms_and_function_agree() -> Result<()> {
    let (q, k) = (filled(&[2, 3, 2, 4], 0), filled(&[2, 5, 2, 4], 1));
    let expected = einsum("bqhd,bkhd->bhqk", &[&q, &k])?.to_vec::<f64>()?;
    assert_eq!(einsum!("bqhd,bkhd->bhqk", q, &k)?.to_vec::<f64>()?, expected);
    let named = einsum!(s[batch, head, query, key] = q[batch, query, head, d] * k[batch, key, head, d])?;
    assert_eq!(named.to_vec::<f64>()?, expected);

    let tq = q.typed::<shape![Batch, Query, 2, 4]>()?;
    let tk = k.typed::<shape![Batch, Key, 2, 4]>()?;
    let scores: TypedTensor<shape![Batch, 2, Query, Key]> = einsum!("bqhd,bkhd->bhqk", tq, &tk);
    assert_eq!(scores.to_vec::<f64>()?, expected);
    let mixed: Result<Tensor> = einsum!("bqhd,bkhd->bhqk", &tq, k);
    assert_eq!(mixed?.to_vec::<f64>()?, expected);
    Ok(())
}

#[test]
fn typed_results_have_the_shapes_their_types_say() -> Result<()> {
    let x = filled(&[2, 3, 4], 0).typed::<shape![Batch, Query, 4]>()?;
    let w = filled(&[4, 5], 1).typed::<shape![4, 5]>()?;
    let projected: TypedTensor<shape![Batch, Query, 5]> = einsum!("...d,de->...e", x, w);
    assert_eq!(projected.shape(), [2, 3, 5]);
    let sums: TypedTensor<shape![Query]> = einsum!("bqd->q", x);
    assert_eq!(sums.shape(), [3]);
    let square = filled(&[3, 3], 2).typed::<shape![3, 3]>()?;
    let trace: TypedTensor<()> = einsum!("ii", square);
    assert_eq!(trace.item::<f64>()?, einsum("ii", &[&square])?.item::<f64>()?);
    let column = filled(&[3, 1, 2], 0).typed::<(Const<3>, One, Const<2>)>()?;
    let row = filled(&[4, 2], 1).typed::<shape![4, 2]>()?;
    let joined: TypedTensor<shape![3, 4]> = einsum!("...i,...i->...", column, row);
    assert_eq!(joined.shape(), [3, 4]);
    Ok(())
}

#[test]
fn a_named_dim_of_two_sizes_panics_with_both() {
    let a = filled(&[2, 4], 0).typed::<shape![Batch, 4]>().unwrap();
    let b = filled(&[3, 4], 1).typed::<shape![Batch, 4]>().unwrap();
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| einsum!("bd,bd->b", a, b))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("size 2 in operand 0") && message.contains("size 3 in operand 1"), "{message}");
}

#[test]
fn errors_name_operands_axes_and_sizes() {
    let (a, b) = (filled(&[2, 5], 0), filled(&[3, 4], 1));
    let message = |result: Result<Tensor>| result.unwrap_err().to_string();
    let sizes = message(einsum("ij,jk->ik", &[&a, &b]));
    assert!(
        sizes.contains("index `j` has size 5 in operand 0 (axis 1) but size 3 in operand 1 (axis 0)"),
        "{sizes}"
    );
    let named = message(einsum!(c[row, column] = a[row, inner] * b[inner, column]));
    assert!(named.contains("index `inner` has size 5"), "{named}");
    let count = message(einsum("ij,jk->ik", &[&a]));
    assert!(count.contains("written for 2 operands, but 1 is given"), "{count}");
    let rank = message(einsum("ijk->i", &[&a]));
    assert!(rank.contains("operand 0 has 2 axes, but its term `ijk` has 3 subscripts"), "{rank}");
}

#[test]
fn one_site_serves_many_shapes_and_threads() -> Result<()> {
    let operands = |n: usize| (filled(&[n, n + 1], 0), filled(&[n + 1, 2], 1));
    let product = |n: usize| -> Result<Vec<f64>> {
        let (a, b) = operands(n);
        einsum!("ij,jk->ik", a, b)?.to_vec::<f64>()
    };
    std::thread::scope(|scope| {
        let all = || (1..40).map(product).collect::<Result<Vec<_>>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(all)).collect();
        for thread in threads {
            for (n, found) in (1..40).zip(thread.join().unwrap()?) {
                let (a, b) = operands(n);
                assert_eq!(found, definition("ij,jk->ik", &[&a, &b]));
            }
        }
        Ok(())
    })
}

#[test]
fn the_order_taken_can_be_printed() -> Result<()> {
    let path = einsum_path("ij,jk,kl->il", &[&[64, 64], &[64, 512], &[512, 64]])?;
    assert!(path.starts_with("ij,jk,kl->il: 2359296 multiply-adds\n  jk,kl->jl"), "{path}");
    Ok(())
}

/// Random specifications of one to eight operands against the definition: repeated and summed indices, axes of size 1 that
/// broadcast, axes without elements, operands without axes. Integers in `F64`, so that results are exact.
#[test]
fn random_specifications_follow_the_definition() -> Result<()> {
    let mut state = 11u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % bound
    };
    let (mut empty, mut broadcast, mut repeated, mut long) = (0, 0, 0, 0);
    for case in 0..600 {
        let letters: Vec<char> = "abcdef".chars().collect();
        let sizes: Vec<usize> =
            letters.iter().map(|_| if below(12) == 0 { 0 } else { 1 + below(3) }).collect();
        let count = 1 + below(8);
        let (mut terms, mut shapes): (Vec<String>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let picks: Vec<usize> = (0..below(4)).map(|_| below(letters.len())).collect();
            let alone = |pick: usize| picks.iter().filter(|&&other| other == pick).count() == 1;
            let shape: Vec<usize> = picks
                .iter()
                .map(|&pick| if alone(pick) && below(8) == 0 { 1 } else { sizes[pick] })
                .collect();
            broadcast +=
                usize::from(picks.iter().zip(&shape).any(|(&pick, &size)| size == 1 && sizes[pick] > 1));
            repeated += usize::from(!picks.iter().all(|&pick| alone(pick)));
            terms.push(picks.iter().map(|&pick| letters[pick]).collect());
            shapes.push(shape);
        }
        let mut used: Vec<char> = terms.concat().chars().collect();
        used.sort_unstable();
        used.dedup();
        used.retain(|_| below(2) == 0);
        let spec = format!("{}->{}", terms.join(","), used.iter().rev().collect::<String>());
        let operands: Vec<Tensor> =
            shapes.iter().enumerate().map(|(at, shape)| filled(shape, case + at)).collect();
        let references: Vec<&Tensor> = operands.iter().collect();
        let result = einsum(&spec, &references)?;
        let expected = definition(&spec, &references);
        let label = format!("{spec} over {shapes:?}");
        assert!(result.to_vec::<f64>()?.iter().zip(&expected).all(|(a, b)| a == b), "{label}");
        assert_eq!(result.numel(), expected.len(), "{label}");
        empty += usize::from(shapes.iter().flatten().any(|&size| size == 0));
        long += usize::from(count > 4);
    }
    assert!(
        empty > 50 && broadcast > 50 && repeated > 50 && long > 200,
        "{empty} {broadcast} {repeated} {long}"
    );
    Ok(())
}

#[test]
fn numbers_stand_for_operands_without_axes() -> Result<()> {
    let a = filled(&[2, 3], 0).to_dtype(DType::F32);
    let half = einsum!(",ij->ji", 0.5, a)?;
    assert_eq!((half.dtype(), half.to_vec::<f32>()?), (DType::F32, (a.t()? * 0.5).to_vec::<f32>()?));
    let sum = einsum!(s[] = (-2.0)[] * a[i, j])?;
    assert_eq!(sum.item::<f32>()?, -2.0 * a.sum().item::<f32>()?);
    let typed = a.typed::<shape![2, 3]>()?;
    let scaled: TypedTensor<shape![3, 2]> = einsum!("ij,->ji", typed, 3.0);
    assert_eq!(scaled.to_vec::<f32>()?, (a.t()? * 3.0).to_vec::<f32>()?);
    Ok(())
}

/// The sizes in the types give the order, those of run-time dims counting as large; the path shows it.
#[test]
fn typed_operands_are_contracted_in_the_order_of_their_types() -> Result<()> {
    let (a, b, c) = (filled(&[2, 4], 0), filled(&[4, 5], 1), filled(&[5, 3], 2));
    let expected = definition("ij,jk,kl->il", &[&a, &b, &c]);
    // By the sizes at run time the first pair comes first, since there `Batch` is small.
    let dynamic = einsum_path!("ij,jk,kl->il", a, b, c)?;
    assert!(dynamic.contains("\n  ij,jk->ik"), "{dynamic}");
    let (ta, tb, tc) =
        (a.typed::<shape![Batch, 4]>()?, b.typed::<shape![4, 5]>()?, c.typed::<shape![5, 3]>()?);
    let typed = einsum_path!("ij,jk,kl->il", ta, tb, tc)?;
    assert!(typed.contains("\n  jk,kl->jl"), "{typed}");
    let product: TypedTensor<shape![Batch, 3]> = einsum!("ij,jk,kl->il", ta, tb, tc);
    assert_eq!(product.to_vec::<f64>()?, expected);
    let indexed = einsum_path!(y[i, l] = a[i, j] * b[j, k] * c[k, l])?;
    assert_eq!(indexed, dynamic);
    let message = einsum_path!("ij,jk->ik", a, c).unwrap_err().to_string();
    assert!(message.contains("size 4") && message.contains("size 5"), "{message}");
    Ok(())
}

#[test]
fn eight_typed_operands() -> Result<()> {
    let m = |salt| filled(&[2, 2], salt).typed::<shape![2, 2]>();
    let [a, b, c, d, e, f, g, h] = [m(0)?, m(1)?, m(2)?, m(3)?, m(4)?, m(5)?, m(6)?, m(7)?];
    let all: TypedTensor<shape![2, 2]> = einsum!("ab,bc,cd,de,ef,fg,gh,hi->ai", a, b, c, d, e, f, g, h);
    let spec = "ab,bc,cd,de,ef,fg,gh,hi->ai";
    let dynamic = [&a, &b, &c, &d, &e, &f, &g, &h].map(|typed| typed.as_tensor());
    assert_eq!(all.to_vec::<f64>()?, definition(spec, &dynamic));
    Ok(())
}
