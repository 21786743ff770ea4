//! What can be wrong with an einsum, and where.

use std::fmt;

/// A mistake in an einsum, with the place it stands at.
///
/// `offset` counts bytes in the text given to [`Spec::parse`](super::Spec::parse), or subscripts in the order written
/// for a specification built by [`Spec::from_terms`](super::Spec::from_terms), so that a macro can point at the token.
#[derive(Clone, Debug, PartialEq)]
pub struct EinsumError {
    /// What is wrong.
    pub kind: Box<ErrorKind>,
    /// The operand it is about, counted from 0; `None` for the output and for the expression as a whole.
    pub operand: Option<usize>,
    /// Where in the specification.
    pub offset: Option<usize>,
}

/// The kinds of mistakes, each with what its message needs.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorKind {
    /// A character that is no letter, comma, arrow, ellipsis or space.
    BadCharacter(char),
    /// One or two dots that are no ellipsis.
    LoneDot,
    /// A second ellipsis in one term.
    SecondEllipsis,
    /// The output names an index that no operand has.
    UnknownOutput {
        /// The index.
        label: String,
        /// The indices that operands do have.
        known: Vec<String>,
    },
    /// The output names one index twice.
    RepeatedOutput {
        /// The index.
        label: String,
    },
    /// Another number of operands than terms.
    OperandCount {
        /// The terms of the specification.
        terms: usize,
        /// The operands given.
        operands: usize,
    },
    /// An operand with more or fewer axes than its term has subscripts.
    Rank {
        /// The term as written.
        term: String,
        /// Its subscripts, the ellipsis not counted.
        subscripts: usize,
        /// Whether an ellipsis may take further axes.
        ellipsis: bool,
        /// The axes of the operand.
        rank: usize,
    },
    /// One index stands for axes of two sizes, neither of which is 1.
    Sizes {
        /// The index, or `...` for an axis that the ellipsis covers.
        label: String,
        /// Operand, axis and size that fixed the index.
        first: (usize, usize, String),
        /// Operand, axis and size that disagree.
        second: (usize, usize, String),
    },
    /// An index repeated in one operand, whose axes differ in size: a diagonal needs a square.
    Diagonal {
        /// The index.
        label: String,
        /// Axis and size of its first appearance in the operand.
        first: (usize, String),
        /// Axis and size that disagree.
        second: (usize, String),
    },
    /// More distinct indices than [`MAX_INDICES`](super::MAX_INDICES).
    TooManyIndices(usize),
}

impl EinsumError {
    /// A mistake of some kind at a place.
    #[inline]
    pub fn new(kind: ErrorKind, operand: Option<usize>, offset: Option<usize>) -> Self {
        Self { kind: Box::new(kind), operand, offset }
    }

    /// The message followed by `text`, the specification as written, with a caret under the place.
    ///
    /// ```
    /// # use rustorch_shape::einsum::Spec;
    /// let text = "ij,jk->iz";
    /// let error = Spec::parse(text).unwrap_err();
    /// assert!(error.render(text).ends_with("    ij,jk->iz\n            ^"));
    /// ```
    #[inline]
    pub fn render(&self, text: &str) -> String {
        match self.offset {
            Some(offset) if offset <= text.len() && text.is_char_boundary(offset) => {
                let column = text[..offset].chars().count();
                format!("{self}\n    {text}\n    {:column$}^", "")
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for EinsumError {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.operand {
            Some(operand) => format!("operand {operand}"),
            None => "the output".to_owned(),
        };
        match &*self.kind {
            ErrorKind::BadCharacter(c) => write!(
                f,
                "{place} has `{c}`: subscripts are letters a-z and A-Z, `...`, `,` between operands and one `->` before the output"
            ),
            ErrorKind::LoneDot => write!(f, "{place} has a dot that is not part of an ellipsis `...`"),
            ErrorKind::SecondEllipsis => write!(f, "{place} has a second ellipsis; a term may have one"),
            ErrorKind::UnknownOutput { label, known } => {
                write!(f, "the output has index `{label}`, which no operand has; ")?;
                match known.is_empty() {
                    true => write!(f, "the operands have no indices"),
                    false => write!(f, "the operands have {}", quoted(known)),
                }
            }
            ErrorKind::RepeatedOutput { label } => {
                write!(f, "the output has index `{label}` twice; an output index may appear once")
            }
            ErrorKind::OperandCount { terms, operands } => write!(
                f,
                "the expression is written for {}, but {} given",
                plural(*terms, "operand"),
                match operands {
                    1 => "1 is".to_owned(),
                    n => format!("{n} are"),
                }
            ),
            ErrorKind::Rank { term, subscripts, ellipsis, rank } => write!(
                f,
                "{place} has {}, but its term `{term}` has {}{}",
                plural(*rank, "axis"),
                plural(*subscripts, "subscript"),
                if *ellipsis { " besides the ellipsis" } else { " and no ellipsis" }
            ),
            ErrorKind::Sizes { label, first, second } => write!(
                f,
                "index `{label}` has size {} in operand {} (axis {}) but size {} in operand {} (axis {})",
                first.2, first.0, first.1, second.2, second.0, second.1
            ),
            ErrorKind::Diagonal { label, first, second } => write!(
                f,
                "index `{label}` is repeated in {place}, whose axes {} and {} have sizes {} and {}: a diagonal needs equal sizes",
                first.0, second.0, first.1, second.1
            ),
            ErrorKind::TooManyIndices(count) => {
                write!(
                    f,
                    "the expression has {count} distinct indices; at most {} are supported",
                    super::MAX_INDICES
                )
            }
        }
    }
}

impl std::error::Error for EinsumError {}

#[inline]
fn quoted(labels: &[String]) -> String {
    labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ")
}

#[inline]
fn plural(count: usize, noun: &str) -> String {
    match (count, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "axis") => format!("{count} axes"),
        _ => format!("{count} {noun}s"),
    }
}
