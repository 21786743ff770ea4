//! Plans are made once for each specification and shapes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
use rustorch_shape::einsum::{Plan, Spec};

use super::execute::Steps;
use super::{malformed, mismatch};
use crate::{Result, Tensor};

/// Shapes of one specification for which plans are kept; further ones replace the oldest.
const PLANS: usize = 16;

/// Specifications that are kept; at one more, all are forgotten. Programs have few, unless they generate them.
const EXPRESSIONS: usize = 1024;

/// A specification and the plans made for it so far.
pub(super) struct Expression {
    spec: Spec,
    plans: RwLock<Vec<Arc<Entry>>>,
}

struct Entry {
    shapes: Vec<Vec<usize>>,
    steps: Steps,
}

impl Entry {
    fn fits(&self, operands: &[&Tensor]) -> bool {
        self.shapes.len() == operands.len()
            && self.shapes.iter().zip(operands).all(|(shape, operand)| shape == operand.shape())
    }
}

impl Expression {
    pub(super) fn new(spec: Spec) -> Self {
        Self { spec, plans: RwLock::new(Vec::new()) }
    }

    /// Plans, unless that was done before, and carries the plan out. `order` is the contraction order, where it is known.
    #[inline]
    pub(super) fn run(&self, operands: &[&Tensor], order: Option<&[(usize, usize)]>) -> Result<Tensor> {
        let known = self.plans.read().iter().find(|entry| entry.fits(operands)).cloned();
        let entry = match known {
            Some(entry) => entry,
            None => self.remember(operands, order)?,
        };
        entry.steps.run(operands)
    }

    /// The steps in words.
    pub(super) fn explain(&self, operands: &[&Tensor], order: Option<&[(usize, usize)]>) -> Result<String> {
        Ok(self.plan(operands, order)?.explain(&self.spec).to_string())
    }

    #[inline]
    fn plan(&self, operands: &[&Tensor], order: Option<&[(usize, usize)]>) -> Result<Plan> {
        let shapes: Vec<&[usize]> = operands.iter().map(|operand| operand.shape()).collect();
        let checked = self.spec.check(&shapes).map_err(|errors| mismatch(&self.spec, &errors))?;
        Ok(match order {
            Some(order) => checked.plan_in_order(order),
            None => checked.plan(),
        })
    }

    fn remember(&self, operands: &[&Tensor], order: Option<&[(usize, usize)]>) -> Result<Arc<Entry>> {
        let shapes = operands.iter().map(|operand| operand.shape().to_vec()).collect();
        let entry = Arc::new(Entry { shapes, steps: self.plan(operands, order)?.into() });
        let mut plans = self.plans.write();
        if plans.len() == PLANS {
            plans.remove(0);
        }
        plans.push(entry.clone());
        Ok(entry)
    }
}

static EXPRESSIONS_BY_TEXT: LazyLock<RwLock<HashMap<String, Arc<Expression>>>> =
    LazyLock::new(RwLock::default);

/// The expression of `text`, parsed at its first use.
pub(super) fn expression(text: &str) -> Result<Arc<Expression>> {
    if let Some(known) = EXPRESSIONS_BY_TEXT.read().get(text) {
        return Ok(known.clone());
    }
    let spec = Spec::parse(text).map_err(|error| malformed(text, &error))?;
    let expression = Arc::new(Expression::new(spec));
    let mut all = EXPRESSIONS_BY_TEXT.write();
    if all.len() >= EXPRESSIONS {
        all.clear();
    }
    all.insert(text.to_owned(), expression.clone());
    Ok(expression)
}
