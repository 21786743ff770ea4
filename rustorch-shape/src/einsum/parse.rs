//! The string form: `"bqhd,bkhd->bhqk"`.

use super::{EinsumError, ErrorKind, Item, Spec, Subscript, Term};

impl Spec {
    /// Parses `text` as `torch.einsum` does.
    ///
    /// ```
    /// # use rustorch_shape::einsum::Spec;
    /// assert_eq!(Spec::parse("ij, jk")?.to_string(), "ij,jk->ik"); // the implied output
    /// assert_eq!(Spec::parse("...ii->...i")?.to_string(), "...ii->...i");
    /// assert_eq!(Spec::parse("i,j->")?.output().items.len(), 0);
    /// # Ok::<(), rustorch_shape::einsum::EinsumError>(())
    /// ```
    ///
    /// # Errors
    /// The first character that cannot stand where it does; an output index that is repeated or that no operand has.
    #[inline]
    pub fn parse(text: &str) -> Result<Self, EinsumError> {
        let mut labels = Vec::new();
        let (left, right) = match text.find("->") {
            Some(arrow) => (&text[..arrow], Some((&text[arrow + 2..], arrow + 2))),
            None => (text, None),
        };
        let mut operands = Vec::new();
        let mut start = 0;
        for term in left.split(',') {
            operands.push(parse_term(term, start, Some(operands.len()), &mut labels)?);
            start += term.len() + 1;
        }
        let output = match right {
            Some((term, start)) => parse_term(term, start, None, &mut labels)?,
            None => Spec::implicit_output(&labels, &operands, text.len()),
        };
        let spec = Self { labels, operands, output };
        match spec.mistakes().into_iter().next() {
            Some(error) => Err(error),
            None => Ok(spec),
        }
    }
}

/// One term, which begins at byte `start` of the whole text; new labels are added to `labels`.
#[inline]
fn parse_term(
    text: &str,
    start: usize,
    operand: Option<usize>,
    labels: &mut Vec<String>,
) -> Result<Term, EinsumError> {
    let mut items: Vec<Item> = Vec::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let offset = start + at;
        let subscript = match c {
            ' ' => continue,
            'a'..='z' | 'A'..='Z' => {
                let name = c.to_string();
                let known = labels.iter().position(|label| *label == name);
                Subscript::Label(known.unwrap_or_else(|| {
                    labels.push(name);
                    labels.len() - 1
                }))
            }
            '.' if text[at..].starts_with("...") => {
                chars.nth(1);
                if items.iter().any(|item| item.subscript == Subscript::Ellipsis) {
                    return Err(EinsumError::new(ErrorKind::SecondEllipsis, operand, Some(offset)));
                }
                Subscript::Ellipsis
            }
            '.' => return Err(EinsumError::new(ErrorKind::LoneDot, operand, Some(offset))),
            c => return Err(EinsumError::new(ErrorKind::BadCharacter(c), operand, Some(offset))),
        };
        items.push(Item { subscript, offset });
    }
    Ok(Term { items })
}
