//! Sequences of several lengths (`torch.nn.utils.rnn`).

use crate::{DType, Error, Result, Tensor, no_grad};

/// Sequences of several lengths as recurrent layers take them (`torch.nn.utils.rnn.PackedSequence`): the longest first, the
/// rows of each step one after another, so that none is spent on padding.
///
/// ```
/// use rustorch::{Tensor, nn::utils::rnn::{pack_sequence, pad_packed_sequence}};
/// let packed = pack_sequence(&[Tensor::from([1.0f32, 2.0]), Tensor::from([3.0f32, 4.0, 5.0])], false)?;
/// assert_eq!(packed.data().to_vec::<f32>()?, [3.0, 1.0, 4.0, 2.0, 5.0]);
/// assert_eq!(packed.batch_sizes(), [2, 2, 1]);
/// let (padded, lengths) = pad_packed_sequence(&packed, true, 0.0, None)?;
/// assert_eq!(padded.to_vec::<f32>()?, [1.0, 2.0, 0.0, 3.0, 4.0, 5.0]);
/// assert_eq!(lengths, [2, 3]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PackedSequence {
    data: Tensor,
    batch_sizes: Vec<usize>,
    sorted_indices: Option<Tensor>,
    unsorted_indices: Option<Tensor>,
}

impl PackedSequence {
    /// All rows, `[rows, ..]`.
    pub fn data(&self) -> &Tensor {
        &self.data
    }

    /// How many sequences have each step; not growing.
    pub fn batch_sizes(&self) -> &[usize] {
        &self.batch_sizes
    }

    /// Where each of the sorted sequences stood before; `None` if they were given sorted.
    pub fn sorted_indices(&self) -> Option<&Tensor> {
        self.sorted_indices.as_ref()
    }

    /// Where each sequence stands now; `None` if they were given sorted.
    pub fn unsorted_indices(&self) -> Option<&Tensor> {
        self.unsorted_indices.as_ref()
    }

    /// The same sequences with other values.
    ///
    /// # Errors
    /// If the number of rows differs.
    #[inline]
    pub fn with_data(&self, data: Tensor) -> Result<Self> {
        let rows: usize = self.batch_sizes.iter().sum();
        if data.shape().first() != Some(&rows) {
            let message =
                format!("the data have shape {:?}, but the sequences have {rows} rows", data.shape());
            return Err(Error::argument("PackedSequence", message));
        }
        Ok(Self { data, ..self.clone() })
    }
}

/// Takes the steps that sequences have out of a padded batch, `[length, batch, ..]`, or `[batch, length, ..]` if `batch_first`
/// (`torch.nn.utils.rnn.pack_padded_sequence`). `lengths` need not be sorted unless `enforce_sorted`, PyTorch's default.
///
/// # Errors
/// If there is no batch, a length is 0 or longer than the batch, or lengths grow where they should not.
///
/// ```
/// use rustorch::{Tensor, nn::utils::rnn::pack_padded_sequence};
/// let padded = Tensor::from([[1.0f32, 2.0], [3.0, 0.0]]);
/// let packed = pack_padded_sequence(&padded, &[2, 1], true, true)?;
/// assert_eq!(packed.data().to_vec::<f32>()?, [1.0, 3.0, 2.0]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[inline]
pub fn pack_padded_sequence(
    input: &Tensor,
    lengths: &[usize],
    batch_first: bool,
    enforce_sorted: bool,
) -> Result<PackedSequence> {
    const OP: &str = "pack_padded_sequence";
    if input.rank() < 2 {
        let message = format!("the input has shape {:?}, expected a length and a batch", input.shape());
        return Err(Error::argument(OP, message));
    }
    let input = if batch_first { input.transpose(0, 1)? } else { input.clone() };
    let (steps, batch) = (input.shape()[0], input.shape()[1]);
    if lengths.len() != batch || batch == 0 {
        let message = format!("there are {} lengths for {batch} sequences", lengths.len());
        return Err(Error::argument(OP, message));
    }
    if let Some(index) = lengths.iter().position(|&length| length == 0 || length > steps) {
        let message = format!(
            "sequence {index} has length {}, expected one from 1 to the {steps} steps of the input",
            lengths[index]
        );
        return Err(Error::argument(OP, message));
    }
    let growing = lengths.windows(2).position(|pair| pair[0] < pair[1]);
    if let (true, Some(index)) = (enforce_sorted, growing) {
        let message = format!(
            "the lengths are not sorted: sequence {} has {}, after one of {}; pass `enforce_sorted = false` to sort them",
            index + 1,
            lengths[index + 1],
            lengths[index]
        );
        return Err(Error::argument(OP, message));
    }
    let mut order: Vec<usize> = (0..batch).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lengths[index]));
    let longest = lengths[order[0]];
    let batch_sizes: Vec<usize> =
        (0..longest).map(|step| lengths.iter().filter(|&&length| length > step).count()).collect();
    let (sorted, unsorted) = match enforce_sorted {
        true => (None, None),
        false => {
            let mut inverse = vec![0i64; batch];
            order.iter().enumerate().for_each(|(new, &old)| inverse[old] = new as i64);
            let sorted: Vec<i64> = order.iter().map(|&index| index as i64).collect();
            (Some(index_tensor(sorted, &input)?), Some(index_tensor(inverse, &input)?))
        }
    };
    let input = match &sorted {
        Some(order) => input.index_select(1, order)?,
        None => input,
    };
    let pieces = batch_sizes
        .iter()
        .enumerate()
        .map(|(step, &count)| input.select(0, step as isize)?.narrow(0, 0, count))
        .collect::<Result<Vec<_>>>()?;
    let data = Tensor::cat(&pieces, 0)?;
    Ok(PackedSequence { data, batch_sizes, sorted_indices: sorted, unsorted_indices: unsorted })
}

/// Puts packed sequences back into a padded batch, `[length, batch, ..]`, or `[batch, length, ..]` if `batch_first`, in their old
/// order, and gives their lengths (`torch.nn.utils.rnn.pad_packed_sequence`). The batch has `total_length` steps if given, else
/// those of the longest sequence.
///
/// # Errors
/// If `total_length` is less than the longest sequence's.
#[inline]
pub fn pad_packed_sequence(
    sequence: &PackedSequence,
    batch_first: bool,
    padding_value: f64,
    total_length: Option<usize>,
) -> Result<(Tensor, Vec<usize>)> {
    let PackedSequence { data, batch_sizes, unsorted_indices, .. } = sequence;
    let (longest, batch) = (batch_sizes.len(), batch_sizes.first().copied().unwrap_or(0));
    let steps = total_length.unwrap_or(longest);
    if steps < longest {
        let message = format!("total_length is {steps}, but the longest sequence has {longest} steps");
        return Err(Error::argument("pad_packed_sequence", message));
    }
    let rest = &data.shape()[1..];
    let filler = |rows: usize| {
        let shape = [&[rows], rest].concat();
        Tensor::try_full(&shape, padding_value, data.dtype(), data.device())
    };
    let (mut pieces, mut first) = (Vec::new(), 0);
    for step in 0..steps {
        let count = batch_sizes.get(step).copied().unwrap_or(0);
        pieces.push(data.narrow(0, first, count)?);
        pieces.push(filler(batch - count)?);
        first += count;
    }
    let padded = Tensor::cat(&pieces, 0)?.reshape([&[steps, batch], rest].concat())?;
    let lengths: Vec<usize> =
        (0..batch).map(|index| batch_sizes.iter().filter(|&&count| count > index).count()).collect();
    let (padded, lengths) = match unsorted_indices {
        Some(order) => {
            let positions = no_grad(|| order.to_dtype(DType::I64).to_vec::<i64>())?;
            (padded.index_select(1, order)?, positions.iter().map(|&at| lengths[at as usize]).collect())
        }
        None => (padded, lengths),
    };
    Ok((if batch_first { padded.transpose(0, 1)? } else { padded }, lengths))
}

/// Packs sequences `[length, ..]` (`torch.nn.utils.rnn.pack_sequence`); the longest first if `enforce_sorted`, PyTorch's default.
///
/// # Errors
/// If there are none, one is empty, shapes differ but for the lengths, or lengths grow where they should not.
pub fn pack_sequence(sequences: &[impl AsRef<Tensor>], enforce_sorted: bool) -> Result<PackedSequence> {
    let lengths: Vec<usize> =
        sequences.iter().map(|sequence| sequence.as_ref().shape().first().copied().unwrap_or(0)).collect();
    pack_padded_sequence(&pad_sequence(sequences, false, 0.0)?, &lengths, false, enforce_sorted)
}

/// Sequences `[length, ..]` side by side, filled up to the longest: `[length, batch, ..]`, or `[batch, length, ..]` if `batch_first`
/// (`torch.nn.utils.rnn.pad_sequence`).
///
/// # Errors
/// If there are none, or shapes or dtypes differ but for the lengths.
///
/// ```
/// use rustorch::{Tensor, nn::utils::rnn::pad_sequence};
/// let padded = pad_sequence(&[Tensor::from([1i64, 2]), Tensor::from([3i64])], true, -1.0)?;
/// assert_eq!(padded.to_vec::<i64>()?, [1, 2, 3, -1]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn pad_sequence(
    sequences: &[impl AsRef<Tensor>],
    batch_first: bool,
    padding_value: f64,
) -> Result<Tensor> {
    const OP: &str = "pad_sequence";
    let sequences: Vec<&Tensor> = sequences.iter().map(AsRef::as_ref).collect();
    if let Some(index) = sequences.iter().position(|sequence| sequence.rank() == 0) {
        return Err(Error::argument(OP, format!("sequence {index} is a scalar, expected [length, ..]")));
    }
    let Some(longest) = sequences.iter().map(|sequence| sequence.shape()[0]).max() else {
        return Err(Error::argument(OP, "there are no sequences"));
    };
    let rest = &sequences[0].shape()[1..];
    let mut padded = Vec::with_capacity(sequences.len());
    for (index, sequence) in sequences.iter().enumerate() {
        if sequence.shape()[1..] != *rest {
            let message = format!(
                "sequence {index} has shape {:?}, but sequence 0 {:?}; only the lengths may differ",
                sequence.shape(),
                sequences[0].shape()
            );
            return Err(Error::argument(OP, message));
        }
        let shape = [&[longest - sequence.shape()[0]], rest].concat();
        let filler = Tensor::try_full(&shape, padding_value, sequence.dtype(), sequence.device())?;
        padded.push(Tensor::cat(&[*sequence, &filler], 0)?);
    }
    Tensor::stack(&padded, isize::from(!batch_first))
}

fn index_tensor(values: Vec<i64>, like: &Tensor) -> Result<Tensor> {
    let length = values.len();
    Tensor::from_vec(values, [length])?.to_device(like.device())
}
