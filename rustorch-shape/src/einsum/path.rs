//! In which order to contract: pairs, chosen by the multiply-adds they take.

use super::Index;

/// The number of operands up to which every order is looked at.
pub(super) const OPTIMAL_UP_TO: usize = 8;

/// A set of indices, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSet(u128);

impl IndexSet {
    #[inline]
    pub(super) fn of(indices: impl IntoIterator<Item = Index>) -> Self {
        Self(indices.into_iter().fold(0, |set, index| set | 1 << index))
    }

    /// The set of `indices`, which must be below [`MAX_INDICES`](super::MAX_INDICES).
    #[inline]
    pub const fn from_slice(indices: &[Index]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < indices.len() {
            set |= 1 << indices[at];
            at += 1;
        }
        Self(set)
    }

    #[inline]
    pub(super) fn contains(self, index: Index) -> bool {
        self.0 >> index & 1 == 1
    }

    #[inline]
    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline]
    const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The product of the sizes of its indices.
    #[inline]
    pub(super) const fn volume(self, weights: &[f64]) -> f64 {
        let mut bits = self.0;
        let mut volume = 1.0;
        while bits != 0 {
            volume *= weights[bits.trailing_zeros() as usize];
            bits &= bits - 1;
        }
        volume
    }
}

/// The pairs to contract, in order. Operands are numbered from 0; the result of the i-th pair is number
/// `operands.len() + i`.
///
/// No operand has an index that nobody else needs: such are summed beforehand. Up to eight operands the order is optimal: it takes the fewest multiply-adds, and among those the smallest
/// intermediate results. Above, it is greedy: the pair that shrinks its operands the most first (as opt_einsum does:
/// Smith and Gray, 2018), or the cheapest pair first, or the order as written, whichever takes fewest.
#[inline]
pub(super) fn contraction_order(
    operands: &[IndexSet],
    output: IndexSet,
    weights: &[f64],
) -> Vec<(usize, usize)> {
    match operands.len() {
        0 | 1 => Vec::new(),
        2 => vec![(0, 1)],
        n if n <= OPTIMAL_UP_TO => optimal(operands, output, weights)[..n - 1].to_vec(),
        _ => greedy(operands, output, weights),
    }
}

/// The order of [`contraction_order`] for up to eight operands whose sizes are known while the program is compiled, or not:
/// then `None` stands for a size that is larger than any other. Of operands that are not there the pairs are (0, 0).
///
/// ```
/// use rustorch_shape::einsum::{IndexSet, static_order};
/// // ij,jk,kl->il
/// const OPERANDS: [IndexSet; 3] =
///     [IndexSet::from_slice(&[0, 1]), IndexSet::from_slice(&[1, 2]), IndexSet::from_slice(&[2, 3])];
/// const ORDER: [(usize, usize); 7] =
///     static_order(&OPERANDS, IndexSet::from_slice(&[0, 3]), &[Some(64), Some(64), Some(512), Some(64)]);
/// assert_eq!(ORDER[..2], [(1, 2), (0, 3)]);
/// ```
pub const fn static_order<const N: usize, const INDICES: usize>(
    operands: &[IndexSet; N],
    output: IndexSet,
    sizes: &[Option<usize>; INDICES],
) -> [(usize, usize); OPTIMAL_UP_TO - 1] {
    let mut weights = [0.0; INDICES];
    let mut at = 0;
    while at < INDICES {
        weights[at] = match sizes[at] {
            Some(size) => size as f64,
            None => LARGE,
        };
        at += 1;
    }
    // What nobody else has is summed, or left out, before anything is contracted.
    let mut kept = *operands;
    at = 0;
    while at < N {
        let (mut needed, mut other) = (output, 0);
        while other < N {
            if other != at {
                needed = needed.union(operands[other]);
            }
            other += 1;
        }
        kept[at] = operands[at].intersection(needed);
        at += 1;
    }
    optimal(&kept, output, &weights)
}

/// The size that stands for one not known: that at which symbolic sizes are compared as well.
const LARGE: f64 = (1 << 20) as f64;

/// The best way found to contract one subset of the operands.
#[derive(Clone, Copy)]
struct Best {
    /// Multiply-adds.
    work: f64,
    /// The elements of all intermediate results.
    space: f64,
    /// One half of the last pair; the other is the rest of the subset.
    half: usize,
}

/// Dynamic programming over subsets, each a bit mask: the best order of a set joins the best orders of two halves.
/// `const`, for the typed `einsum!`, whose sizes rustc knows; loops, since closures are not.
#[inline]
const fn optimal(
    operands: &[IndexSet],
    output: IndexSet,
    weights: &[f64],
) -> [(usize, usize); OPTIMAL_UP_TO - 1] {
    let all = (1usize << operands.len()) - 1;
    let mut unions = [IndexSet(0); 1 << OPTIMAL_UP_TO];
    let mut mask = 1;
    while mask <= all {
        let lowest = mask.trailing_zeros() as usize;
        unions[mask] = unions[mask & (mask - 1)].union(operands[lowest]);
        mask += 1;
    }
    let mut best = [Best { work: 0.0, space: 0.0, half: 0 }; 1 << OPTIMAL_UP_TO];
    mask = 1;
    while mask <= all {
        if mask & (mask - 1) != 0 {
            let size = left(&unions, mask, all, output).volume(weights);
            let mut found = false;
            let mut half = (mask - 1) & mask;
            while half > 0 {
                let rest = mask & !half;
                // Each split comes up twice; take the one whose half has the lowest operand.
                if half & (mask & mask.wrapping_neg()) != 0 {
                    let pair = left(&unions, half, all, output).union(left(&unions, rest, all, output));
                    let work = best[half].work + best[rest].work + pair.volume(weights);
                    let space = best[half].space + best[rest].space + size;
                    let known = best[mask];
                    if !found || work < known.work || (work == known.work && space < known.space) {
                        best[mask] = Best { work, space, half };
                        found = true;
                    }
                }
                half = (half - 1) & mask;
            }
        }
        mask += 1;
    }
    let mut pairs = [(0, 0); OPTIMAL_UP_TO - 1];
    if operands.len() > 1 {
        emit(all, &best, operands.len(), &mut pairs, 0);
    }
    pairs
}

/// What is left of a subset once contracted: the indices that someone outside still needs.
#[inline]
const fn left(unions: &[IndexSet], mask: usize, all: usize, output: IndexSet) -> IndexSet {
    unions[mask].intersection(output.union(unions[all & !mask]))
}

/// Writes the pairs of one subset, halves first, from place `next` on. Returns the number of its result and the next place.
#[inline]
const fn emit(
    mask: usize,
    best: &[Best],
    operands: usize,
    pairs: &mut [(usize, usize); OPTIMAL_UP_TO - 1],
    next: usize,
) -> (usize, usize) {
    if mask.count_ones() == 1 {
        return (mask.trailing_zeros() as usize, next);
    }
    let (left, next) = emit(best[mask].half, best, operands, pairs, next);
    let (right, next) = emit(mask & !best[mask].half, best, operands, pairs, next);
    pairs[next] = (left, right);
    (operands + next, next + 1)
}

/// The cheapest of three simple orders: none of them is good for every expression.
#[inline]
fn greedy(operands: &[IndexSet], output: IndexSet, weights: &[f64]) -> Vec<(usize, usize)> {
    let volume = |set: IndexSet| set.volume(weights);
    let shrinking = |left, right, result| volume(result) - volume(left) - volume(right);
    let cheapest = |left: IndexSet, right, _| volume(left.union(right));
    let as_written = |_, _, _| 0.0;
    let rules: [&dyn Fn(IndexSet, IndexSet, IndexSet) -> f64; 3] = [&shrinking, &cheapest, &as_written];
    let orders = rules.map(|rule| greedy_by(rule, operands, output, weights));
    let best = orders.into_iter().reduce(|best, order| if order.0 < best.0 { order } else { best });
    best.map_or_else(Vec::new, |(_, pairs)| pairs)
}

/// Contracts the pair for which `score` of left, right and result is the smallest, the earliest among equals, until one
/// value is left. Returns the multiply-adds as well.
#[inline]
fn greedy_by(
    score: &dyn Fn(IndexSet, IndexSet, IndexSet) -> f64,
    operands: &[IndexSet],
    output: IndexSet,
    weights: &[f64],
) -> (f64, Vec<(usize, usize)>) {
    let mut live: Vec<(usize, IndexSet)> = operands.iter().copied().enumerate().collect();
    let mut pairs = Vec::with_capacity(operands.len() - 1);
    let mut work = 0.0;
    while live.len() > 1 {
        let mut found = (f64::INFINITY, 0, 1);
        for a in 0..live.len() {
            for b in a + 1..live.len() {
                let score = score(live[a].1, live[b].1, contracted(&live, a, b, output));
                if score < found.0 {
                    found = (score, a, b);
                }
            }
        }
        let (_, a, b) = found;
        let result = contracted(&live, a, b, output);
        work += live[a].1.union(live[b].1).volume(weights);
        pairs.push((live[a].0, live[b].0));
        live.remove(b);
        live[a] = (operands.len() + pairs.len() - 1, result);
    }
    (work, pairs)
}

/// What is left of a pair: the indices that the output or another operand still needs.
#[inline]
fn contracted(live: &[(usize, IndexSet)], a: usize, b: usize, output: IndexSet) -> IndexSet {
    let others = live.iter().enumerate().filter(|(i, _)| *i != a && *i != b);
    let needed = others.fold(output, |set, (_, other)| set.union(other.1));
    live[a].1.union(live[b].1).intersection(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(sizes: &[f64]) -> Vec<IndexSet> {
        (0..sizes.len() - 1).map(|i| IndexSet::of([i, i + 1])).collect()
    }

    fn work(operands: &[IndexSet], pairs: &[(usize, usize)], output: IndexSet, weights: &[f64]) -> f64 {
        let mut live: Vec<(usize, IndexSet)> = operands.iter().copied().enumerate().collect();
        let mut total = 0.0;
        for (step, pair) in pairs.iter().enumerate() {
            let place = |number| live.iter().position(|(n, _)| *n == number).unwrap();
            let (a, b) = (place(pair.0), place(pair.1));
            total += live[a].1.union(live[b].1).volume(weights);
            let result = contracted(&live, a, b, output);
            live.retain(|(n, _)| *n != pair.0 && *n != pair.1);
            live.push((operands.len() + step, result));
        }
        assert_eq!(live.len(), 1);
        total
    }

    #[test]
    fn matrix_chains_take_the_textbook_order() {
        // Cormen et al., section 15.2: the optimum for these six matrices is 15,125 scalar products.
        let sizes = [30.0, 35.0, 15.0, 5.0, 10.0, 20.0, 25.0];
        let (operands, output) = (chain(&sizes), IndexSet::of([0, 6]));
        let pairs = contraction_order(&operands, output, &sizes);
        assert_eq!(work(&operands, &pairs, output, &sizes), 15_125.0);
    }

    /// Every way of contracting, by brute force.
    fn cheapest(operands: &[IndexSet], output: IndexSet, weights: &[f64]) -> f64 {
        if operands.len() == 1 {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        let live: Vec<(usize, IndexSet)> = operands.iter().copied().enumerate().collect();
        for a in 0..operands.len() {
            for b in a + 1..operands.len() {
                let mut rest: Vec<IndexSet> =
                    (0..operands.len()).filter(|&i| i != a && i != b).map(|i| operands[i]).collect();
                rest.push(contracted(&live, a, b, output));
                let pair = operands[a].union(operands[b]).volume(weights);
                best = best.min(pair + cheapest(&rest, output, weights));
            }
        }
        best
    }

    #[test]
    fn no_order_is_cheaper() {
        let mut state = 1u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % bound
        };
        for case in 0..200 {
            let count = 3 + case % 4;
            let weights: Vec<f64> = (0..6).map(|_| (1 + below(9)) as f64).collect();
            let drawn: Vec<IndexSet> = (0..count).map(|_| IndexSet(u128::from(below(63)) + 1)).collect();
            let output = IndexSet(u128::from(below(64)));
            // What nobody else has is summed before anything is contracted.
            let others =
                |at: usize| (0..count).filter(|i| *i != at).fold(output, |set, i| set.union(drawn[i]));
            let operands: Vec<IndexSet> = (0..count).map(|at| drawn[at].intersection(others(at))).collect();
            let found = work(&operands, &contraction_order(&operands, output, &weights), output, &weights);
            assert_eq!(found, cheapest(&operands, output, &weights), "{operands:?} {output:?} {weights:?}");
        }
    }

    #[test]
    fn eight_operands_are_ordered_while_compiling() {
        const SETS: [IndexSet; 8] = {
            let mut sets = [IndexSet(0); 8];
            let mut at = 0;
            while at < 8 {
                sets[at] = IndexSet(3 << at);
                at += 1;
            }
            sets
        };
        const SIZES: [Option<usize>; 9] =
            [Some(30), Some(35), Some(15), Some(5), Some(10), Some(20), None, Some(25), Some(7)];
        const ORDER: [(usize, usize); 7] = static_order(&SETS, IndexSet(0b1_0000_0001), &SIZES);
        let weights = SIZES.map(|size| size.map_or(LARGE, |size| size as f64));
        assert_eq!(ORDER.to_vec(), contraction_order(&SETS, IndexSet(0b1_0000_0001), &weights));
    }

    #[test]
    fn long_chains_are_contracted_greedily_and_completely() {
        let sizes: Vec<f64> = (0..21).map(|i| f64::from(2 + i * 7 % 11)).collect();
        let (operands, output) = (chain(&sizes), IndexSet::of([0, 20]));
        let pairs = contraction_order(&operands, output, &sizes);
        let left_to_right: Vec<(usize, usize)> =
            (0..19).map(|i| if i == 0 { (0, 1) } else { (19 + i, i + 1) }).collect();
        let greedy = work(&operands, &pairs, output, &sizes);
        assert!(greedy <= work(&operands, &left_to_right, output, &sizes));
    }

    #[test]
    fn overflowing_sizes_still_give_an_order() {
        let sizes = vec![1e300; 12];
        let pairs = contraction_order(&chain(&sizes), IndexSet::of([0, 11]), &sizes);
        assert_eq!(pairs.len(), 10);
        let pairs = contraction_order(&chain(&sizes[..6]), IndexSet::of([0, 5]), &sizes[..6]);
        assert_eq!(pairs.len(), 4);
    }
}
