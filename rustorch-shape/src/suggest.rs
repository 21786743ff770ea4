//! "Did you mean …?"

/// The candidate that a reader would take `word` for, if there is one.
///
/// A candidate qualifies when it differs by case only, is at most a third of its letters away
/// (insertions, deletions, replacements, swaps of neighbours), or shares its first or last part
/// with `word` (`kernel_size`, `kernel`).
///
/// ```
/// use rustorch_shape::suggest;
/// assert_eq!(suggest("Conv2D", ["Conv1d", "Conv2d"]), Some("Conv2d"));
/// assert_eq!(suggest("kernel_size", ["bias", "kernel"]), Some("kernel"));
/// assert_eq!(suggest("banana", ["bias", "kernel"]), None);
/// ```
#[inline]
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let close = |candidate: &&str| {
        let longer = word.len().max(candidate.len());
        // One letter of three or more may be wrong; `x` is not `y`.
        let allowed = longer / 3;
        let distance = distance(&word.to_lowercase(), &candidate.to_lowercase());
        let related =
            word.starts_with(&format!("{candidate}_")) || candidate.starts_with(&format!("{word}_"));
        if distance <= allowed { Some(distance) } else { related.then_some(allowed + 1) }
    };
    candidates.into_iter().filter_map(|c| close(&c).map(|d| (d, c))).min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// The optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kernel", "kernal"), 1);
        assert_eq!(distance("form", "from"), 1);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn far_words_are_not_suggested() {
        assert_eq!(suggest("Lineer", ["Linear", "LayerNorm"]), Some("Linear"));
        assert_eq!(suggest("stirde", ["stride", "padding"]), Some("stride"));
        assert_eq!(suggest("x", ["Linear", "ReLU"]), None);
    }
}
