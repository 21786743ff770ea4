//! In which order to contract: pairs, chosen by the multiply-adds they take.

use super::Index;

/// The number of operands up to which every order is looked at.
const OPTIMAL_UP_TO: usize = 8;

/// A set of indices, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexSet(u128);

impl IndexSet {
    pub(super) fn of(indices: impl IntoIterator<Item = Index>) -> Self {
        Self(indices.into_iter().fold(0, |set, index| set | 1 << index))
    }

    pub(super) fn contains(self, index: Index) -> bool {
        self.0 >> index & 1 == 1
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The product of the sizes of its indices.
    pub(super) fn volume(self, weights: &[f64]) -> f64 {
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
/// Up to eight operands the order is optimal: it takes the fewest multiply-adds, and among those the smallest
/// intermediate results. Above, it is greedy: the pair that shrinks its operands the most first (as opt_einsum does:
/// Smith and Gray, 2018), or the cheapest pair first, or the order as written, whichever takes fewest.
pub(super) fn contraction_order(
    operands: &[IndexSet],
    output: IndexSet,
    weights: &[f64],
) -> Vec<(usize, usize)> {
    match operands.len() {
        0 | 1 => Vec::new(),
        2 => vec![(0, 1)],
        n if n <= OPTIMAL_UP_TO => optimal(operands, output, weights),
        _ => greedy(operands, output, weights),
    }
}

/// What contracting a set of operands costs: multiply-adds, then the elements of all intermediate results.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Cost(f64, f64);

/// The best way found to contract one subset of the operands.
#[derive(Clone, Copy)]
struct Best {
    cost: Cost,
    /// One half of the last pair; the other is the rest of the subset.
    half: usize,
}

/// Dynamic programming over subsets, each a bit mask: the best order of a set joins the best orders of two halves.
fn optimal(operands: &[IndexSet], output: IndexSet, weights: &[f64]) -> Vec<(usize, usize)> {
    let all = (1usize << operands.len()) - 1;
    let union = |mask: usize| {
        let members = (0..operands.len()).filter(|i| mask >> i & 1 == 1);
        members.fold(IndexSet(0), |set, i| set.union(operands[i]))
    };
    // What is left of a subset once contracted: the indices that someone outside still needs.
    let left: Vec<IndexSet> =
        (0..=all).map(|mask| union(mask).intersection(output.union(union(all & !mask)))).collect();
    let mut best = vec![Best { cost: Cost(0.0, 0.0), half: 0 }; all + 1];
    for mask in (1..=all).filter(|mask| mask.count_ones() > 1) {
        let size = left[mask].volume(weights);
        let mut found: Option<Best> = None;
        let mut half = (mask - 1) & mask;
        while half > 0 {
            let rest = mask & !half;
            // Each split comes up twice; take the one whose half has the lowest operand.
            if half & (mask & mask.wrapping_neg()) != 0 {
                let work = left[half].union(left[rest]).volume(weights);
                let (a, b) = (best[half].cost, best[rest].cost);
                let cost = Cost(a.0 + b.0 + work, a.1 + b.1 + size);
                if found.is_none_or(|found: Best| cost < found.cost) {
                    found = Some(Best { cost, half });
                }
            }
            half = (half - 1) & mask;
        }
        if let Some(found) = found {
            best[mask] = found;
        }
    }
    let mut pairs = Vec::with_capacity(operands.len() - 1);
    emit(all, &best, operands.len(), &mut pairs);
    pairs
}

/// Writes the pairs of one subset, halves first, and returns the number of its result.
fn emit(mask: usize, best: &[Best], operands: usize, pairs: &mut Vec<(usize, usize)>) -> usize {
    if mask.count_ones() == 1 {
        return mask.trailing_zeros() as usize;
    }
    let left = emit(best[mask].half, best, operands, pairs);
    let right = emit(mask & !best[mask].half, best, operands, pairs);
    pairs.push((left, right));
    operands + pairs.len() - 1
}

/// The cheapest of three simple orders: none of them is good for every expression.
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
