//! Indexing against a naive model: a shape and a function from index to value.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rustorch::autograd::{GradOptions, grad};
use rustorch::{DType, Ellipsis, Index, NewAxis, PadMode, Reduce, Result, Tensor, slice, tensor};

/// A tensor as a list of (coordinates, value).
#[derive(Debug, Clone)]
struct Model {
    shape: Vec<usize>,
    values: Vec<i64>,
}

impl Model {
    fn counting(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: (0..shape.iter().product::<usize>() as i64).collect() }
    }

    fn at(&self, position: &[usize]) -> i64 {
        assert_eq!(position.len(), self.shape.len());
        let linear = position.iter().zip(&self.shape).fold(0, |linear, (&at, &size)| {
            assert!(at < size);
            linear * size + at
        });
        self.values[linear]
    }

    /// The model whose value at a position is `value(position)`.
    fn from_fn(shape: Vec<usize>, mut value: impl FnMut(&[usize]) -> i64) -> Self {
        let mut values = Vec::new();
        for linear in 0..shape.iter().product() {
            values.push(value(&unravel(linear, &shape)));
        }
        Self { shape, values }
    }

    fn tensor(&self) -> Tensor {
        Tensor::from_slice(&self.values, self.shape.as_slice()).unwrap()
    }

    fn check(&self, tensor: &Tensor) -> Result<(), TestCaseError> {
        prop_assert_eq!(tensor.shape(), self.shape.as_slice());
        prop_assert_eq!(tensor.to_vec::<i64>().unwrap(), self.values.clone());
        Ok(())
    }
}

fn unravel(mut linear: usize, shape: &[usize]) -> Vec<usize> {
    let mut position = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        position[axis] = linear % shape[axis];
        linear /= shape[axis];
    }
    position
}

/// A component of an index, in the model's terms.
#[derive(Debug, Clone)]
enum Part {
    Integer(isize),
    Range(isize, isize, usize),
    NewAxis,
}

/// What the model says an axis becomes: the positions it takes, and whether it stays.
fn positions(part: &Part, size: usize) -> Vec<usize> {
    match *part {
        Part::Integer(at) => vec![if at < 0 { (at + size as isize) as usize } else { at as usize }],
        Part::Range(start, end, step) => {
            let clip = |bound: isize| {
                (if bound < 0 { bound + size as isize } else { bound }).clamp(0, size as isize)
            };
            (clip(start)..clip(end)).step_by(step).map(|at| at as usize).collect()
        }
        Part::NewAxis => unreachable!(),
    }
}

fn shapes(ranks: std::ops::Range<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..5, ranks)
}

fn parts(shape: &[usize]) -> impl Strategy<Value = Vec<Part>> + use<> {
    let axes: Vec<_> = shape
        .iter()
        .map(|&size| {
            let n = size as isize;
            prop_oneof![
                (-n..n).prop_map(Part::Integer),
                (-n - 2..n + 2, -n - 2..n + 2, 1usize..4).prop_map(|(a, b, step)| Part::Range(a, b, step)),
            ]
        })
        .collect();
    (axes, prop::collection::vec(any::<prop::sample::Index>(), 0..3)).prop_map(|(mut parts, inserts)| {
        for at in inserts {
            let at = at.index(parts.len() + 1);
            parts.insert(at, Part::NewAxis);
        }
        parts
    })
}

proptest! {
    #[test]
    fn integers_ranges_and_new_axes((shape, parts) in shapes(1..5).prop_flat_map(|shape| { let parts = parts(&shape); (Just(shape), parts) })) {
        let model = Model::counting(&shape);
        let tensor = model.tensor();
        // Per axis of the model the positions taken; per axis of the result where its position comes from.
        let (mut taken, mut result_shape, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for part in &parts {
            if let Part::NewAxis = part {
                result_shape.push(1);
                sources.push(None);
                continue;
            }
            let picked = positions(part, shape[taken.len()]);
            if let Part::Range(..) = part {
                result_shape.push(picked.len());
                sources.push(Some(taken.len()));
            }
            taken.push(picked);
        }
        let expected = Model::from_fn(result_shape, |at| {
            let mut position: Vec<usize> = taken.iter().map(|picked| picked[0]).collect();
            for (&at, source) in at.iter().zip(&sources) {
                if let Some(axis) = source {
                    position[*axis] = taken[*axis][at];
                }
            }
            model.at(&position)
        });
        let index: Vec<Index> = parts.iter().map(|part| match *part {
            Part::Integer(at) => at.into(),
            Part::Range(start, end, step) => slice(start..end).step(step).into(),
            Part::NewAxis => NewAxis.into(),
        }).collect();
        let view = tensor.i(index.clone()).unwrap();
        expected.check(&view)?;
        prop_assert!(view.numel() == 0 || view.shares_storage(&tensor));
        // Writing through the index changes those elements and no others.
        tensor.set(index, -1).unwrap();
        let written = tensor.to_vec::<i64>().unwrap();
        for (old, new) in model.values.iter().zip(written) {
            prop_assert_eq!(new, if expected.values.contains(old) { -1 } else { *old });
        }
    }

    #[test]
    fn index_tensors_beside_each_other_and_apart(
        shape in shapes(3..4),
        entries in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..6),
        axes in prop::sample::subsequence(vec![0usize, 1, 2], 1..4),
    ) {
        let model = Model::counting(&shape);
        let pick = |axis: usize| -> Vec<i64> {
            entries.iter().map(|(a, b, negative)| {
                let at = if axis == 1 { b } else { a }.index(shape[axis]) as i64;
                if *negative { at - shape[axis] as i64 } else { at }
            }).collect()
        };
        let mut index: Vec<Index> = vec![(..).into(); 3];
        for &axis in &axes {
            index[axis] = Tensor::from(pick(axis)).into();
        }
        let rest: Vec<usize> = (0..3).filter(|axis| !axes.contains(axis)).collect();
        let place = if axes.windows(2).all(|pair| pair[0] + 1 == pair[1]) { axes[0] } else { 0 };
        let mut result_shape: Vec<usize> = rest.iter().map(|&axis| shape[axis]).collect();
        result_shape.insert(place, entries.len());
        let source = |at: &[usize]| -> Vec<usize> {
            let (mut at, mut position) = (at.to_vec(), vec![0; 3]);
            let entry = at.remove(place);
            rest.iter().zip(&at).for_each(|(&axis, &at)| position[axis] = at);
            axes.iter().for_each(|&axis| position[axis] = pick(axis)[entry].rem_euclid(shape[axis] as i64) as usize);
            position
        };
        let expected = Model::from_fn(result_shape, |at| model.at(&source(at)));
        // Of a tensor as it is, and of the same tensor with other strides.
        let tensor = model.tensor();
        let strided = tensor.permute([2, 0, 1]).unwrap().contiguous().permute([1, 2, 0]).unwrap();
        expected.check(&tensor.i(index.clone()).unwrap())?;
        expected.check(&strided.i(index.clone()).unwrap())?;
        // Accumulation adds one for every time that an element is named.
        let indices: Vec<Option<Tensor>> = (0..3).map(|axis| axes.contains(&axis).then(|| Tensor::from(pick(axis)))).collect();
        let counts = Tensor::zeros_with(shape.as_slice(), DType::I64);
        counts.index_put_(&indices, &tensor!(1), true).unwrap();
        let times = |value: i64| expected.values.iter().filter(|&&named| named == value).count() as i64;
        prop_assert_eq!(counts.to_vec::<i64>().unwrap(), model.values.iter().map(|&value| times(value)).collect::<Vec<_>>());
    }

    #[test]
    fn gather_and_scatter(shape in shapes(1..4), axis in any::<prop::sample::Index>(), picks in prop::collection::vec(any::<prop::sample::Index>(), 256)) {
        let axis = axis.index(shape.len());
        let model = Model::counting(&shape);
        let mut picks = picks.iter();
        let mut index_shape = shape.clone();
        index_shape[axis] = 3;
        let index = Model::from_fn(index_shape.clone(), |_| picks.next().map_or(0, |pick| pick.index(shape[axis]) as i64));
        let target = |at: &[usize]| { let mut to = at.to_vec(); to[axis] = index.at(at) as usize; to };
        let expected = Model::from_fn(index_shape.clone(), |at| model.at(&target(at)));
        let gathered = model.tensor().gather(axis as isize, &index.tensor()).unwrap();
        expected.check(&gathered)?;
        let transposed = model.tensor().reverse_axes().unwrap().contiguous().reverse_axes().unwrap();
        expected.check(&transposed.gather(axis as isize, &index.tensor().to_dtype(DType::I32)).unwrap())?;

        let source = Model::counting(&index_shape);
        let mut sums = model.clone();
        let mut last = model.clone();
        for linear in 0..source.values.len() {
            let to = target(&unravel(linear, &index_shape));
            let at = to.iter().zip(&shape).fold(0, |at, (&p, &size)| at * size + p);
            sums.values[at] += source.values[linear];
            last.values[at] = source.values[linear];
        }
        sums.check(&model.tensor().scatter_add(axis as isize, &index.tensor(), &source.tensor()).unwrap())?;
        last.check(&model.tensor().scatter(axis as isize, &index.tensor(), &source.tensor()).unwrap())?;
        let strided = transposed.copy().reverse_axes().unwrap().contiguous().reverse_axes().unwrap();
        strided.scatter_add_(axis as isize, &index.tensor(), &source.tensor()).unwrap();
        sums.check(&strided)?;
    }

    #[test]
    fn masks(shape in shapes(1..4), bits in prop::collection::vec(any::<bool>(), 256)) {
        let model = Model::counting(&shape);
        let bits = &bits[..model.values.len()];
        let mask = Tensor::from_slice(bits, shape.as_slice()).unwrap();
        let chosen: Vec<i64> = model.values.iter().zip(bits).filter(|(_, holds)| **holds).map(|(value, _)| *value).collect();
        prop_assert_eq!(model.tensor().masked_select(&mask).unwrap().to_vec::<i64>().unwrap(), chosen.clone());
        prop_assert_eq!(model.tensor().i(&mask).unwrap().to_vec::<i64>().unwrap(), chosen.clone());
        let filled: Vec<i64> = model.values.iter().zip(bits).map(|(value, holds)| if *holds { -7 } else { *value }).collect();
        prop_assert_eq!(model.tensor().masked_fill(&mask, -7).unwrap().to_vec::<i64>().unwrap(), filled.clone());
        let assigned = model.tensor();
        assigned.set(&mask, -7).unwrap();
        prop_assert_eq!(assigned.to_vec::<i64>().unwrap(), filled);
        let coordinates = mask.nonzero().unwrap();
        prop_assert_eq!(coordinates.shape(), &[chosen.len(), shape.len()]);
        let strides = model.tensor().strides().to_vec();
        let linear: Vec<i64> = coordinates.to_vec::<i64>().unwrap().chunks(shape.len())
            .map(|row| row.iter().zip(&strides).map(|(at, stride)| at * *stride as i64).sum()).collect();
        prop_assert_eq!(linear, chosen.clone());
        let back = model.tensor().masked_fill(&mask, 0).unwrap().masked_scatter(&mask, &Tensor::from_vec(chosen.clone(), [chosen.len()]).unwrap()).unwrap();
        model.check(&back)?;
    }
}

#[test]
fn components_mix_as_in_python() -> Result<()> {
    let x = Tensor::arange(0, 60, 1)?.reshape([3, 4, 5])?;
    let index = Tensor::from([2i64, 0]);
    assert_eq!(
        x.i((0, .., &index))?.to_vec::<i64>()?,
        x.select(0, 0)?.index_select(1, &index)?.to_vec::<i64>()?
    );
    assert_eq!(x.i((&index, .., &index))?.shape(), [2, 4]);
    assert_eq!(x.i((&index, Ellipsis))?.shape(), [2, 4, 5]);
    assert_eq!(x.i((Ellipsis, &index))?.shape(), [3, 4, 2]);
    assert_eq!(x.i((NewAxis, &index, 1..=2))?.shape(), [1, 2, 2, 5]);
    assert_eq!(x.i((.., ..=-1, -3..))?.shape(), [3, 4, 3]);
    assert_eq!(x.i((None, 1))?.shape(), [1, 4, 5]);
    assert_eq!(x.i(())?.shape(), [3, 4, 5]);
    let mask = x.select(2, 0)?.gt(20)?;
    assert_eq!(x.i((&mask, 1..3))?.shape(), [7, 2]);
    assert_eq!(x.i((Ellipsis, &Tensor::from([true, false, true, false, false])))?.shape(), [3, 4, 2]);
    let errors = [
        (x.i((0, 0, 0, 0)).unwrap_err(), "4 axes"),
        (x.i((.., .., 5)).unwrap_err(), "index 5 is out of range for axis 2 of size 5"),
        (x.i((0, 0, -6)).unwrap_err(), "index -6 is out of range for axis 2 of size 5"),
        (x.i(Tensor::from([3i64])).unwrap_err(), "index 3 is out of range for axis 0 of size 3"),
        (x.i(Tensor::from([1.0f32])).unwrap_err(), "float32"),
        (x.i(Tensor::from([true])).unwrap_err(), "mask of shape [1]"),
        (x.i(slice(..).step(0)).unwrap_err(), "step"),
        (x.i((Ellipsis, Ellipsis)).unwrap_err(), "2 ellipses"),
        (x.gather(0, &tensor!([[[3]]])).unwrap_err(), "gather: index 3 is out of range for axis 0 of size 3"),
        (
            x.index_select(1, &tensor!([-1])).unwrap_err(),
            "index_select: index -1 is out of range for axis 1 of size 4",
        ),
    ];
    for (error, part) in errors {
        assert!(error.to_string().contains(part), "{error} should mention {part}");
    }
    Ok(())
}

#[test]
fn empty_and_scalar_tensors() -> Result<()> {
    let empty = Tensor::zeros([0, 3]);
    let none = Tensor::zeros_with([0], DType::I64);
    assert_eq!(empty.index_select(1, &Tensor::from([1i64, 1]))?.shape(), [0, 2]);
    assert_eq!(Tensor::zeros([2, 3]).index_select(0, &none)?.shape(), [0, 3]);
    assert_eq!(Tensor::zeros([2, 3]).i(&none)?.shape(), [0, 3]);
    assert_eq!(Tensor::zeros([2]).gather(0, &none)?.shape(), [0]);
    assert_eq!(Tensor::zeros([2]).scatter_add(0, &none, &Tensor::zeros([0]))?.to_vec::<f32>()?, [0.0, 0.0]);
    let scalar = tensor!(5.0);
    assert_eq!(scalar.gather(0, &tensor!([0, 0]))?.to_vec::<f32>()?, [5.0, 5.0]);
    assert_eq!(scalar.take(&tensor!(0))?.item::<f32>()?, 5.0);
    assert_eq!(scalar.i(NewAxis)?.shape(), [1]);
    assert_eq!(empty.masked_select(&empty.gt(0)?)?.shape(), [0]);
    assert_eq!(tensor!(1).nonzero()?.shape(), [1, 0]);
    assert_eq!(Tensor::cat(&[&Tensor::zeros([0]), &Tensor::zeros([2, 2])], 1)?.shape(), [2, 2]);
    Ok(())
}

#[test]
fn scatter_reduce_as_pytorch() -> Result<()> {
    let (x, index) = (tensor!([1.0, 2.0, 3.0, 4.0]), tensor!([0, 1, 0, 1, 2, 1]));
    let source = tensor!([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    for (reduce, with, without) in [
        (Reduce::Sum, [5.0, 14.0, 8.0, 4.0], [4.0, 12.0, 5.0, 4.0]),
        (Reduce::Prod, [3.0, 96.0, 15.0, 4.0], [3.0, 48.0, 5.0, 4.0]),
        (Reduce::Mean, [5.0 / 3.0, 3.5, 4.0, 4.0], [2.0, 4.0, 5.0, 4.0]),
        (Reduce::Amax, [3.0, 6.0, 5.0, 4.0], [3.0, 6.0, 5.0, 4.0]),
        (Reduce::Amin, [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 5.0, 4.0]),
    ] {
        for (include, expected) in [(true, with), (false, without)] {
            let y = x.scatter_reduce(0, &index, &source, reduce, include)?.to_vec::<f32>()?;
            assert_eq!(y, expected, "{reduce:?} {include}");
        }
    }
    Ok(())
}

/// Compares gradients with central differences, and checks that they can be differentiated again.
fn gradcheck(name: &str, inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<()> {
    let leaves: Vec<Tensor> =
        inputs.iter().map(|input| input.copy().requires_grad_(true)).collect::<Result<_>>()?;
    let output = f(&leaves)?;
    let weights = Tensor::arange(0, output.numel() as i64, 1)?
        .to_dtype(DType::F64)
        .mul(0.37)?
        .cos()
        .reshape(output.shape())?;
    let loss = |inputs: &[Tensor]| -> Result<f64> { f(inputs)?.mul(&weights)?.sum().item::<f64>() };
    let refs: Vec<&Tensor> = leaves.iter().collect();
    let options = GradOptions { create_graph: true, ..Default::default() };
    let grads = grad(&[&output.mul(&weights)?.sum()], &refs, &[], options)?;
    let step = 1e-6;
    for (k, gradient) in grads.iter().enumerate() {
        let gradient = gradient.as_ref().unwrap().to_vec::<f64>()?;
        for (at, got) in gradient.iter().enumerate() {
            let shifted = |by: f64| -> Result<f64> {
                let mut inputs = inputs.to_vec();
                let mut values = inputs[k].to_vec::<f64>()?;
                values[at] += by;
                inputs[k] = Tensor::from_vec(values, inputs[k].shape())?;
                loss(&inputs)
            };
            let expected = (shifted(step)? - shifted(-step)?) / (2.0 * step);
            assert!(
                (got - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{name}: input {k}, element {at}: {got} and {expected}"
            );
        }
    }
    let mut again = Tensor::zeros_with([], DType::F64);
    for gradient in grads.into_iter().flatten() {
        again = again.add(&gradient.square().sum())?;
    }
    if again.requires_grad() {
        again.backward()?;
    }
    Ok(())
}

#[test]
fn gradients() -> Result<()> {
    let values = |shape: &[usize], seed: f64| -> Result<Tensor> {
        let count: usize = shape.iter().product();
        Tensor::arange(0, count as i64, 1)?
            .to_dtype(DType::F64)
            .mul(1.7)?
            .add(seed)?
            .sin()
            .add(1.5)?
            .reshape(shape)
    };
    let (x, y) = (values(&[3, 4], 0.1)?, values(&[2, 4], 2.0)?);
    let index = tensor!([[0, 2, 1, 0], [2, 2, 0, 1]]);
    let rows = tensor!([2, 0]);
    let xs = [x.clone()];
    let pair = [x.clone(), y];
    gradcheck("gather", &xs, |v| v[0].gather(0, &index))?;
    gradcheck("scatter", &pair, |v| v[0].scatter(0, &tensor!([[0, 2, 1, 0], [2, 1, 0, 1]]), &v[1]))?;
    gradcheck("scatter_add", &pair, |v| v[0].scatter_add(0, &index, &v[1]))?;
    for reduce in [Reduce::Sum, Reduce::Prod, Reduce::Mean, Reduce::Amax, Reduce::Amin] {
        for include in [true, false] {
            gradcheck("scatter_reduce", &pair, |v| v[0].scatter_reduce(0, &index, &v[1], reduce, include))?;
        }
    }
    gradcheck("index_select", &xs, |v| v[0].index_select(1, &tensor!([3, 3, 0])))?;
    gradcheck("index_add", &pair, |v| v[0].index_add(0, &rows, &v[1]))?;
    gradcheck("index_copy", &pair, |v| v[0].index_copy(0, &rows, &v[1]))?;
    gradcheck("index_fill", &xs, |v| v[0].index_fill(0, &rows, 3.0))?;
    gradcheck("index", &xs, |v| v[0].i((&rows, &tensor!([[1, 1], [3, 3]]))))?;
    gradcheck("index_put", &pair, |v| v[0].index_put(&[Some(tensor!([1, 1]))], &v[1], true))?;
    gradcheck("set", &pair, |v| {
        let copy = v[0].copy();
        copy.set((1.., ..), &v[1])?;
        copy.set((&tensor!([0]), 1), &v[1].i((0, 2))?)?;
        Ok(copy)
    })?;
    gradcheck("in place", &pair, |v| {
        let copy = v[0].copy();
        copy.narrow(1, 0, 2)?.index_add_(0, &rows, &v[1].narrow(1, 1, 2)?)?;
        copy.scatter_add_(0, &index, &v[1])?.masked_fill_(&copy.gt(3.0)?, 0.5)
    })?;
    let mask = x.gt(1.5)?;
    gradcheck("masked_fill", &xs, |v| v[0].masked_fill(&mask, 0.0))?;
    gradcheck("masked_select", &xs, |v| v[0].masked_select(&mask))?;
    gradcheck("masked_scatter", &[x.clone(), values(&[12], 3.0)?], |v| v[0].masked_scatter(&mask, &v[1]))?;
    gradcheck("take", &xs, |v| v[0].take(&tensor!([[1, -1], [5, 1]])))?;
    gradcheck("take_along_dim", &xs, |v| v[0].take_along_dim(&tensor!([[1, 0]]), Some(1)))?;
    gradcheck("cat", &pair, |v| Tensor::cat(&[&v[0], &v[1], &v[0]], 0))?;
    gradcheck("stack", &xs, |v| Tensor::stack(&[&v[0], &v[0].flip(1)?], 1))?;
    gradcheck("repeat", &xs, |v| v[0].repeat([2, 1, 3]))?;
    gradcheck("repeat_interleave", &xs, |v| v[0].repeat_interleave(&tensor!([2, 0, 1]), Some(0)))?;
    gradcheck("roll", &xs, |v| v[0].roll([1, -2], [0, 1]))?;
    gradcheck("rot90", &xs, |v| v[0].rot90(3, [0, 1]))?;
    gradcheck("tril", &xs, |v| v[0].tril(-1)?.add(&v[0].triu(1)?))?;
    gradcheck("diag_embed", &xs, |v| v[0].diag_embed(1, 0, -1))?;
    for mode in [PadMode::Constant(2.0), PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
        gradcheck("pad", &xs, |v| v[0].pad([1, 2, 2, 0], mode))?;
    }
    gradcheck("crop", &xs, |v| v[0].pad([-1, 2], PadMode::Constant(0.0)))?;
    Ok(())
}

/// What PyTorch makes of truth values and tensors without axes in an index.
#[test]
fn tensors_without_axes_as_indices() -> Result<()> {
    let x = Tensor::arange(0, 24, 1)?.reshape([2, 3, 4])?;
    assert_eq!(x.i(true)?.shape(), [1, 2, 3, 4]);
    assert_eq!(x.i((.., false))?.shape(), [2, 0, 3, 4]);
    assert_eq!(x.i((true, &Tensor::from([true, false])))?.shape(), [1, 3, 4]);
    let one = tensor!(1);
    let view = x.i(&one)?;
    assert!(view.shares_storage(&x));
    assert_eq!(view.shape(), [3, 4]);
    // The integer takes its axis away, so that one index tensor is left, whose axis stays where it is.
    assert_eq!(x.i((tensor!(-1), .., &Tensor::from([0i64, 1])))?.shape(), [3, 2]);
    x.set((true, 0, 0), 7)?;
    assert_eq!(x.i((0, 0))?.to_vec::<i64>()?, [7, 7, 7, 7]);
    let error = x.i(tensor!(2)).unwrap_err().to_string();
    assert_eq!(error, "index: index 2 is out of range for axis 0 of size 2");
    Ok(())
}

/// The whole of a leaf is a view of it, not the leaf.
#[test]
fn the_whole_of_a_leaf_is_not_a_leaf() -> Result<()> {
    let x = Tensor::ones([3]).requires_grad_(true)?;
    for whole in [x.i(..)?, x.i(())?, x.i(Ellipsis)?] {
        assert!(!whole.is_leaf() && whole.shares_storage(&x) && !whole.is_same(&x));
        assert_eq!(whole.grad_fn(), Some("alias"));
    }
    x.i(..)?.mul(2.0)?.sum().backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0; 3]);
    assert!(x.i(..)?.set(0, 1.0).is_err(), "a view of a leaf was overwritten");
    Ok(())
}

#[test]
fn assigned_values() -> Result<()> {
    let x = Tensor::zeros([2, 3]);
    let index = Tensor::from([0i64, 1]);
    let double = Tensor::from([1.0f64, 2.0]);
    let error = x.set((&index, 0), &double).unwrap_err().to_string();
    assert!(error.contains("float64") && error.contains("float32"), "{error}");
    // Where the index gives a view, and where a mask takes one value, values convert.
    x.set((.., 0), &double)?;
    x.set(&x.eq(0.0)?, &tensor!(5))?;
    assert_eq!(x.to_vec::<f32>()?, [1.0, 5.0, 5.0, 2.0, 5.0, 5.0]);
    // Axes of size 1 in front of a value do not count.
    x.set((&index, 1), &Tensor::full([1, 1, 2], 3.0))?;
    assert_eq!(x.i((.., 1))?.to_vec::<f32>()?, [3.0, 3.0]);
    let error = x.set((&index, 1), &Tensor::zeros([3])).unwrap_err().to_string();
    assert_eq!(error, "index_put_: values of shape [3] do not broadcast to the indexed shape [2]");
    Ok(())
}
