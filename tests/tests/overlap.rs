//! Operations in place whose operands show the memory that is written to: fine element by element, refused otherwise,
//! by the rules of PyTorch, each row as seen there.

use rustorch::{DType, Reduce, Result, Tensor};

type Call = fn(&Tensor) -> Result<Tensor>;

fn line() -> Result<Tensor> {
    Tensor::arange(0.0, 6.0, 1.0)
}

fn matrix() -> Result<Tensor> {
    Tensor::arange(0.0, 9.0, 1.0)?.reshape([3, 3])
}

fn one() -> Result<Tensor> {
    Tensor::ones([1]).expand([3])
}

fn indices() -> Tensor {
    Tensor::from([1i64, 2])
}

/// On 0, 1, … 5, which PyTorch computes, and what the whole line is then.
const LINES: &[(Call, [f32; 6])] = &[
    (|x| x.narrow(0, 1, 5)?.add_(&x.narrow(0, 1, 5)?), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]),
    (|x| x.mul_(x)?.sub_(1.0), [-1.0, 0.0, 3.0, 8.0, 15.0, 24.0]),
    (|x| x.narrow(0, 0, 3)?.add_(&x.narrow(0, 3, 3)?), [3.0, 5.0, 7.0, 3.0, 4.0, 5.0]),
    (|x| x.slice(0, 0, 6, 2)?.add_(&x.slice(0, 1, 6, 2)?), [1.0, 1.0, 5.0, 3.0, 9.0, 5.0]),
    // Gaps between elements: not looked into, and computed as with a copy.
    (|x| x.slice(0, 0, 5, 2)?.add_(&x.narrow(0, 1, 3)?), [1.0, 1.0, 4.0, 3.0, 7.0, 5.0]),
    (|x| x.slice(0, 0, 5, 2)?.add_(&x.narrow(0, 2, 1)?), [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]),
    (|x| x.copy_(x), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    (|x| x.narrow(0, 0, 2)?.copy_(&x.narrow(0, 4, 2)?), [4.0, 5.0, 2.0, 3.0, 4.0, 5.0]),
    (|x| x.masked_fill_(&x.gt(2.0)?, &x.select(0, 1)?), [0.0, 1.0, 2.0, 1.0, 1.0, 1.0]),
    // Strides that look as if they met, but do not.
    (|x| x.as_strided(&[2, 2], &[3, 2], 0)?.add_(1.0), [1.0, 1.0, 3.0, 4.0, 4.0, 6.0]),
    (|x| x.as_strided(&[0, 3], &[0, 0], 0)?.add_(1.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
    (|x| x.narrow(0, 3, 1)?.expand([1, 1])?.add_(1.0), [0.0, 1.0, 2.0, 4.0, 4.0, 5.0]),
];

/// On 0, 1, … 5, which PyTorch refuses ("some elements of the input tensor and the written-to tensor refer to a single
/// memory location"), and what messages name.
const REFUSED_LINES: &[(Call, &[&str])] = &[
    (
        |x| x.narrow(0, 1, 5)?.add_(&x.narrow(0, 0, 5)?),
        &["add", "shape [5], strides [1] and offset 0", "offset 1"],
    ),
    (|x| x.narrow(0, 0, 5)?.sub_(&x.narrow(0, 1, 5)?), &["sub", "offset 1"]),
    (|x| x.narrow(0, 1, 5)?.copy_(&x.narrow(0, 0, 5)?), &["copy_", "offset 0", "offset 1"]),
    (|x| x.narrow(0, 1, 5)?.pow_(&x.narrow(0, 0, 5)?), &["pow", "[5]"]),
    (|x| x.narrow(0, 1, 5)?.copysign_(&x.narrow(0, 0, 5)?), &["copysign", "[5]"]),
    (|x| x.add_(&x.select(0, 2)?), &["add", "shape [], strides [] and offset 2"]),
    (|x| x.narrow(0, 0, 3)?.add_(&x.narrow(0, 2, 3)?), &["add", "offset 2"]),
    (|x| x.index_put_(&[Some(indices())], &x.narrow(0, 2, 2)?, false), &["index_put_", "offset 2"]),
    (|x| x.index_add_(0, &indices(), &x.narrow(0, 2, 2)?), &["index_add_", "offset 2"]),
    (|x| x.index_copy_(0, &indices(), &x.narrow(0, 2, 2)?), &["index_copy_", "offset 2"]),
    (|x| x.scatter_(0, &indices(), &x.narrow(0, 2, 2)?), &["scatter_", "offset 2"]),
    (|x| x.scatter_(0, &Tensor::from([5i64, 4, 3, 2, 1, 0]), x), &["scatter_", "[6]"]),
    (|x| x.scatter_add_(0, &indices(), &x.narrow(0, 2, 2)?), &["scatter_add_", "offset 2"]),
    (|x| x.put_(&indices(), &x.narrow(0, 2, 2)?, false), &["put_", "offset 2"]),
    (
        |x| x.scatter_reduce_(0, &indices(), &x.narrow(0, 2, 2)?, Reduce::Amax, true),
        &["scatter_reduce_", "offset 2"],
    ),
];

/// The same on rows 0, 1, 2, then 3, 4, 5, then 6, 7, 8.
const REFUSED_MATRICES: &[(Call, &[&str])] = &[
    (|x| x.add_(&x.t()?), &["add", "strides [1, 3]", "strides [3, 1]"]),
    (|x| x.copy_(&x.t()?), &["copy_", "strides [1, 3]", "strides [3, 1]"]),
    (|x| x.add_(&x.select(0, 0)?), &["add", "shape [3]", "shape [3, 3]"]),
];

/// On three times the same element, which PyTorch refuses ("more than one element of the written-to tensor refers to a
/// single memory location").
const REFUSED_EXPANDED: &[(Call, &str)] = &[
    (|x| x.add_(1.0), "add"),
    (|x| x.relu_(), "relu"),
    (|x| x.copy_(&Tensor::ones([3])), "copy_"),
    (|x| x.normal_(0.0, 1.0), "normal_"),
    (|x| x.bernoulli_(0.5), "bernoulli_"),
    (|x| x.scatter_value_(0, &indices(), 2.0), "scatter_"),
    (|x| x.scatter_add_(0, &indices(), &Tensor::ones([2])), "scatter_add_"),
    (|x| x.index_add_(0, &indices(), &Tensor::ones([2])), "index_add_"),
    (|x| x.index_copy_(0, &indices(), &Tensor::ones([2])), "index_copy_"),
    (|x| x.put_(&indices(), &Tensor::ones([2]), false), "put_"),
    (|x| x.masked_scatter_(&x.gt(0.0)?, &Tensor::ones([3])), "masked_scatter_"),
    (|x| x.scatter_reduce_(0, &indices(), &Tensor::ones([2]), Reduce::Sum, true), "scatter_reduce_"),
];

#[test]
fn what_is_read_and_written_element_by_element_is_computed() -> Result<()> {
    for (row, (call, expected)) in LINES.iter().enumerate() {
        let x = line()?;
        call(&x)?;
        assert_eq!(x.to_vec::<f32>()?, expected, "row {row}");
    }
    // A column among the operands has gaps, and is not looked into.
    let x = matrix()?;
    x.add_(&x.narrow(1, 0, 1)?)?;
    assert_eq!(x.to_vec::<f32>()?, [0.0, 1.0, 2.0, 6.0, 7.0, 8.0, 12.0, 13.0, 14.0]);
    let x = matrix()?.t()?;
    x.add_(&x)?;
    assert_eq!(x.to_vec::<f32>()?, [0.0, 6.0, 12.0, 2.0, 8.0, 14.0, 4.0, 10.0, 16.0]);
    Ok(())
}

/// The message, which names everything listed; the elements are as before.
fn refuses(x: &Tensor, call: Call, parts: &[&str]) -> Result<()> {
    let before = x.to_vec::<f32>()?;
    let message = call(x).map(|_| ()).expect_err(&format!("{parts:?}")).to_string();
    assert!(parts.iter().all(|part| message.contains(part)), "{parts:?} in {message:?}");
    assert_eq!(x.to_vec::<f32>()?, before);
    Ok(())
}

#[test]
fn what_was_already_written_is_never_read() -> Result<()> {
    REFUSED_LINES.iter().try_for_each(|(call, parts)| refuses(&line()?, *call, parts))?;
    REFUSED_MATRICES.iter().try_for_each(|(call, parts)| refuses(&matrix()?, *call, parts))?;
    let mask = Tensor::from([false, true, false]);
    let message = mask.narrow(0, 1, 2)?.masked_fill_(&mask.narrow(0, 0, 2)?, true).unwrap_err().to_string();
    assert!(message.contains("masked_fill_") && message.contains("offset 1"), "{message}");
    let positions = Tensor::arange(0, 4, 1)?.to_dtype(DType::I64);
    let message = positions.index_copy_(0, &positions.narrow(0, 0, 2)?, &indices()).unwrap_err().to_string();
    assert!(message.contains("index_copy_") && message.contains("shape [2]"), "{message}");
    Ok(())
}

#[test]
fn elements_seen_several_times_are_not_written_to() -> Result<()> {
    for &(call, op) in REFUSED_EXPANDED {
        refuses(&one()?, call, &[op, "expanded", "shape [3]", "strides [0]"])?;
    }
    assert!(line()?.unfold(0, 2, 1)?.add_(1.0).is_err());
    Ok(())
}
