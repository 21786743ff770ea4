//! The text of a pattern, and which names may stand where.

use super::{Elementary, Group, Operation, Part, Pattern, PatternError};
use crate::suggest;

impl Pattern {
    /// Parses `text`, a pattern for `operation` to which the sizes of the axes `sizes` will be given.
    ///
    /// ```
    /// use rustorch_shape::einops::{Operation, Pattern};
    /// assert!(Pattern::parse(Operation::Reduce, "b (h 2) ... -> b h", &[]).is_ok());
    /// let error = Pattern::parse(Operation::Rearrange, "b h w -> b (h x)", &[]).unwrap_err();
    /// assert!(error.to_string().starts_with("`x` is on the right only"));
    /// ```
    ///
    /// # Errors
    /// A character that cannot stand where it does; a name twice on one side; a name on one side only, other than the
    /// operation allows; a size for a name that the pattern does not have, or none where one is needed.
    #[inline]
    pub fn parse(operation: Operation, text: &str, sizes: &[&str]) -> Result<Self, PatternError> {
        let Some(arrow) = text.find("->") else {
            return Err(PatternError::new("the pattern needs an arrow, as in \"a b -> b a\"", text.len()));
        };
        let mut axes = Vec::new();
        let left = Side { operation, text: &text[..arrow], start: 0, right: false }.parse(&mut axes)?;
        let known = axes.len();
        let right =
            Side { operation, text: &text[arrow + 2..], start: arrow + 2, right: true }.parse(&mut axes)?;
        let mut pattern = Self { operation, text: text.to_owned(), axes, left, right, sizes: Vec::new() };
        pattern.take_sizes(sizes)?;
        pattern.check_names(known)?;
        Ok(pattern)
    }

    /// Finds the axes that the given sizes are of.
    #[inline]
    fn take_sizes(&mut self, sizes: &[&str]) -> Result<(), PatternError> {
        for (at, name) in sizes.iter().enumerate() {
            if sizes[..at].contains(name) {
                return Err(PatternError::about_size(format!("the size of `{name}` is given twice"), at));
            }
            let named = |axis: &&Elementary| axis.size.is_none();
            let Some(axis) = self.axes.iter().position(|axis| axis.size.is_none() && axis.name == *name)
            else {
                let names = || self.axes.iter().filter(named).map(|axis| axis.name.as_str());
                let hint = match suggest(name, names()) {
                    Some(known) => format!("; did you mean `{known}`?"),
                    None => format!("; it has {}", quoted(names())),
                };
                return Err(PatternError::about_size(format!("the pattern has no axis `{name}`{hint}"), at));
            };
            self.sizes.push(axis);
        }
        Ok(())
    }

    /// Every name on the sides where the operation wants it. The first `known` axes are those of the left side.
    #[inline]
    fn check_names(&self, known: usize) -> Result<(), PatternError> {
        let on_the_right =
            |axis: usize| self.right.iter().any(|group| group.axes().any(|other| other == axis));
        let has_ellipsis = |side: &[Group]| side.iter().any(Group::has_ellipsis);
        let offset = |side: &[Group], wanted: &dyn Fn(&Group) -> bool| {
            side.iter().find(|group| wanted(group)).map(|group| group.offset)
        };
        if has_ellipsis(&self.right) && !has_ellipsis(&self.left) {
            let at = offset(&self.right, &Group::has_ellipsis);
            return Err(PatternError::new("the right side has an ellipsis, the left side has none", at));
        }
        for axis in known..self.axes.len() {
            let Elementary { name, size } = &self.axes[axis];
            let at = offset(&self.right, &|group| group.axes().any(|other| other == axis));
            if self.operation != Operation::Repeat {
                let names = self.axes[..known].iter().map(|axis| axis.name.as_str());
                let hint = suggest(name, names).map(|known| format!("; did you mean `{known}`?"));
                let hint = hint
                    .unwrap_or_else(|| "; a new axis is made by `repeat`, one of size 1 by `1`".to_owned());
                return Err(PatternError::new(format!("`{name}` is on the right only{hint}"), at));
            }
            if size.is_none() && !self.sizes.contains(&axis) {
                let message = format!("`{name}` is new, so its size must be given: {name} = ..");
                return Err(PatternError::new(message, at));
            }
        }
        if self.operation != Operation::Reduce {
            if has_ellipsis(&self.left) && !has_ellipsis(&self.right) {
                let at = offset(&self.left, &Group::has_ellipsis);
                return Err(PatternError::new("the left side has an ellipsis, the right side has none", at));
            }
            if let Some(axis) = (0..known).find(|&axis| !on_the_right(axis)) {
                let name = &self.axes[axis].name;
                let message = format!(
                    "`{name}` is on the left only; to reduce an axis there is `reduce`, to drop one, an index"
                );
                let at = offset(&self.left, &|group| group.axes().any(|other| other == axis));
                return Err(PatternError::new(message, at));
            }
        }
        self.one_unknown_each()
    }

    /// At most one size of each composite axis of the operand can be inferred.
    #[inline]
    fn one_unknown_each(&self) -> Result<(), PatternError> {
        for group in &self.left {
            let unknown: Vec<&str> = group
                .axes()
                .filter(|axis| self.axes[*axis].size.is_none() && !self.sizes.contains(axis))
                .map(|axis| self.axes[axis].name.as_str())
                .collect();
            if unknown.len() > 1 {
                let message = format!(
                    "`{}` leaves the sizes of {} open, of which one can be inferred: give the others, as in {} = ..",
                    self.group_text(group),
                    quoted(unknown.iter().copied()),
                    unknown[0]
                );
                return Err(PatternError::new(message, group.offset));
            }
        }
        Ok(())
    }
}

/// One side of the arrow.
struct Side<'a> {
    operation: Operation,
    text: &'a str,
    /// Where it begins in the whole pattern.
    start: usize,
    right: bool,
}

impl Side<'_> {
    #[inline]
    fn parse(&self, axes: &mut Vec<Elementary>) -> Result<Vec<Group>, PatternError> {
        let mut groups: Vec<Group> = Vec::new();
        let mut open: Option<Group> = None;
        let (mut seen, mut ellipsis) = (Vec::new(), false);
        let mut rest = self.text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let offset = self.start + at;
            let error = |message: &str| Err(PatternError::new(message, offset));
            match c {
                ' ' | '\t' | '\n' => {}
                '(' if open.is_some() => return error("parentheses within parentheses"),
                '(' => open = Some(Group { parts: Vec::new(), composite: true, offset }),
                ')' => match open.take() {
                    Some(group) => groups.push(group),
                    None => return error("a `)` without its `(`"),
                },
                '.' if self.text[at..].starts_with("...") => {
                    rest.nth(1);
                    if std::mem::replace(&mut ellipsis, true) {
                        return error("a second ellipsis; a side may have one");
                    }
                    match &mut open {
                        Some(_) if !self.right => {
                            return error(
                                "an ellipsis on the left stands for axes of its own, not in parentheses",
                            );
                        }
                        Some(group) => group.parts.push(Part::Ellipsis),
                        None => groups.push(Group { parts: vec![Part::Ellipsis], composite: false, offset }),
                    }
                }
                c if c.is_ascii_alphanumeric() || c == '_' => {
                    let mut end = at + 1;
                    while let Some(&(next, c)) = rest.peek()
                        && (c.is_ascii_alphanumeric() || c == '_')
                    {
                        end = next + 1;
                        rest.next();
                    }
                    let axis = self.axis(&self.text[at..end], offset, axes)?;
                    if let Some(axis) = axis
                        && seen.contains(&axis)
                    {
                        return error(&format!("`{}` is twice on one side", axes[axis].name));
                    }
                    seen.extend(axis);
                    let parts = axis.into_iter().map(Part::Axis);
                    match &mut open {
                        Some(group) => group.parts.extend(parts),
                        None => groups.push(Group { parts: parts.collect(), composite: false, offset }),
                    }
                }
                c => {
                    return error(&format!(
                        "`{c}` cannot stand in a pattern: it has names, numbers, parentheses, `...` and `->`"
                    ));
                }
            }
        }
        match open {
            Some(group) => Err(PatternError::new("a `(` without its `)`", group.offset)),
            None => Ok(groups),
        }
    }

    /// The axis of a name or number; none for `1`, which is no axis of its own.
    #[inline]
    fn axis(
        &self,
        word: &str,
        offset: usize,
        axes: &mut Vec<Elementary>,
    ) -> Result<Option<usize>, PatternError> {
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            let known = axes.iter().position(|axis| axis.size.is_none() && axis.name == word);
            return Ok(Some(known.unwrap_or_else(|| {
                axes.push(Elementary { name: word.to_owned(), size: None });
                axes.len() - 1
            })));
        }
        let size: usize = word
            .parse()
            .map_err(|_| PatternError::new(format!("`{word}` is neither a name nor a size"), offset))?;
        if size == 1 {
            return Ok(None);
        }
        let problem = match (self.operation, self.right) {
            _ if size == 0 => Some("an axis of a pattern has at least one element"),
            (Operation::Rearrange, _) => {
                Some("an axis without a name would get lost; name it and give its size")
            }
            (Operation::Reduce, true) => Some("a new axis is made by `repeat`"),
            (Operation::Repeat, false) => {
                Some("an axis without a name would get lost; name it and give its size")
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(PatternError::new(format!("`{word}`: {problem}"), offset));
        }
        axes.push(Elementary { name: word.to_owned(), size: Some(size) });
        Ok(Some(axes.len() - 1))
    }
}

#[inline]
fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
