//! The parsed specification, however it was written.

use std::fmt;

use super::{EinsumError, ErrorKind, MAX_INDICES};

/// An einsum specification: one [`Term`] per operand and one for the output.
///
/// Made from text by [`Spec::parse`], or from named indices by [`Spec::from_terms`].
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    pub(super) labels: Vec<String>,
    pub(super) operands: Vec<Term>,
    pub(super) output: Term,
}

/// The subscripts of one operand or of the output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Term {
    /// The subscripts, in order.
    pub items: Vec<Item>,
}

/// One subscript and where it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub subscript: Subscript,
    /// Its place, as in [`EinsumError`].
    pub offset: usize,
}

/// A label, by its number in [`Spec::labels()`], or the ellipsis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscript {
    /// A named index.
    Label(usize),
    /// `...`: any number of axes, broadcast against each other from the right.
    Ellipsis,
}

impl Term {
    /// The labels of the term, in order, repeated ones as often as they appear.
    #[inline]
    pub fn labels(&self) -> impl Iterator<Item = usize> + '_ {
        self.items.iter().filter_map(|item| match item.subscript {
            Subscript::Label(label) => Some(label),
            Subscript::Ellipsis => None,
        })
    }

    /// Whether the term has an ellipsis.
    #[inline]
    pub fn has_ellipsis(&self) -> bool {
        self.items.iter().any(|item| item.subscript == Subscript::Ellipsis)
    }

    /// The place of the first subscript that is `wanted`.
    #[inline]
    pub fn offset_of(&self, wanted: Subscript) -> Option<usize> {
        self.items.iter().find(|item| item.subscript == wanted).map(|item| item.offset)
    }
}

impl Spec {
    /// A specification from named indices, `None` standing for an ellipsis, with an output that is always written: the
    /// index form of the macro. Offsets count the subscripts of all operands and then of the output.
    ///
    /// ```
    /// # use rustorch_shape::einsum::Spec;
    /// let spec = Spec::from_terms(&[vec![None, Some("row"), Some("k")], vec![Some("k")]], &[None, Some("row")]);
    /// assert_eq!(spec.unwrap().to_string(), "... row k,k -> ... row");
    /// ```
    ///
    /// # Errors
    /// A second ellipsis in a term; an output index that is repeated or that no operand has; too many indices. All of
    /// them are returned.
    #[inline]
    pub fn from_terms(
        operands: &[Vec<Option<&str>>],
        output: &[Option<&str>],
    ) -> Result<Self, Vec<EinsumError>> {
        let mut labels: Vec<String> = Vec::new();
        let mut offset = 0;
        let mut item = |name: &Option<&str>| {
            let subscript = name.map_or(Subscript::Ellipsis, |name| {
                Subscript::Label(labels.iter().position(|label| label == name).unwrap_or_else(|| {
                    labels.push(name.to_owned());
                    labels.len() - 1
                }))
            });
            offset += 1;
            Item { subscript, offset: offset - 1 }
        };
        let mut term = |names: &[Option<&str>]| Term { items: names.iter().map(&mut item).collect() };
        let operands: Vec<Term> = operands.iter().map(|names| term(names)).collect();
        let output = term(output);
        let spec = Self { labels, operands, output };
        let errors = spec.mistakes();
        if errors.is_empty() { Ok(spec) } else { Err(errors) }
    }

    /// The names of the labels, in order of first appearance.
    #[inline]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// One term for each operand.
    #[inline]
    pub fn operands(&self) -> &[Term] {
        &self.operands
    }

    /// The output term, written or implied.
    #[inline]
    pub fn output(&self) -> &Term {
        &self.output
    }

    /// The text of `term`: letters side by side, longer names separated by spaces.
    #[inline]
    pub fn term_text(&self, term: &Term) -> String {
        let separator = if self.labels.iter().all(|label| label.chars().count() == 1) { "" } else { " " };
        let name = |item: &Item| match item.subscript {
            Subscript::Label(label) => self.labels[label].clone(),
            Subscript::Ellipsis => "...".to_owned(),
        };
        term.items.iter().map(name).collect::<Vec<_>>().join(separator)
    }

    /// The output that PyTorch implies where none is written: the ellipsis, then the labels that appear exactly once
    /// over all operands, in alphabetical order with upper case before lower case.
    #[inline]
    pub(super) fn implicit_output(labels: &[String], operands: &[Term], offset: usize) -> Term {
        let mut count = vec![0usize; labels.len()];
        for label in operands.iter().flat_map(Term::labels) {
            count[label] += 1;
        }
        let mut once: Vec<usize> = (0..labels.len()).filter(|&label| count[label] == 1).collect();
        // Byte order is PyTorch's order: A-Z stand before a-z.
        once.sort_by(|&a, &b| labels[a].cmp(&labels[b]));
        let ellipsis = operands.iter().any(Term::has_ellipsis).then_some(Subscript::Ellipsis);
        let subscripts = ellipsis.into_iter().chain(once.into_iter().map(Subscript::Label));
        Term { items: subscripts.map(|subscript| Item { subscript, offset }).collect() }
    }

    /// Everything wrong with the specification that needs no operand to be seen.
    #[inline]
    pub(super) fn mistakes(&self) -> Vec<EinsumError> {
        let mut errors = Vec::new();
        for (operand, term) in self.operands.iter().map(Some).chain([None]).enumerate() {
            let (operand, term) = (term.map(|_| operand), term.unwrap_or(&self.output));
            let ellipses = term.items.iter().filter(|item| item.subscript == Subscript::Ellipsis);
            errors.extend(
                ellipses
                    .skip(1)
                    .map(|item| EinsumError::new(ErrorKind::SecondEllipsis, operand, Some(item.offset))),
            );
        }
        if self.labels.len() > MAX_INDICES {
            errors.push(EinsumError::new(ErrorKind::TooManyIndices(self.labels.len()), None, None));
        }
        let mut known = vec![false; self.labels.len()];
        self.operands.iter().flat_map(Term::labels).for_each(|label| known[label] = true);
        let mut seen = vec![false; self.labels.len()];
        for item in &self.output.items {
            let Subscript::Label(label) = item.subscript else { continue };
            let name = self.labels[label].clone();
            if !known[label] {
                let known = (0..known.len()).filter(|&l| known[l]).map(|l| self.labels[l].clone()).collect();
                let kind = ErrorKind::UnknownOutput { label: name, known };
                errors.push(EinsumError::new(kind, None, Some(item.offset)));
            } else if std::mem::replace(&mut seen[label], true) {
                let kind = ErrorKind::RepeatedOutput { label: name };
                errors.push(EinsumError::new(kind, None, Some(item.offset)));
            }
        }
        errors
    }
}

impl fmt::Display for Spec {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operands: Vec<String> = self.operands.iter().map(|term| self.term_text(term)).collect();
        let arrow = if self.labels.iter().all(|label| label.chars().count() == 1) { "->" } else { " -> " };
        write!(f, "{}{arrow}{}", operands.join(","), self.term_text(&self.output))
    }
}
