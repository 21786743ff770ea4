//! The state of an optimiser as named tensors, and back.

use super::driver::{Group, NUMBER, Rule, State};
use crate::nn::StateDict;
use crate::{Device, Error, Result, Scalar, Tensor, no_grad};

/// The options of all groups and the state of all parameters, as copies.
pub(super) fn save<R: Rule>(groups: &[Group<R>], states: &[State]) -> StateDict {
    let mut dict = StateDict::new();
    for (index, group) in groups.iter().enumerate() {
        for (name, value) in numbers(&group.options) {
            dict.insert(format!("param_groups.{index}.{name}"), number(value));
        }
    }
    for (index, state) in states.iter().enumerate().filter(|(_, state)| state.step > 0) {
        dict.insert(format!("state.{index}.step"), number(state.step as f64));
        for (name, value) in &state.scalars {
            dict.insert(format!("state.{index}.{name}"), number(*value));
        }
        for (name, tensor) in &state.tensors {
            dict.insert(format!("state.{index}.{name}"), no_grad(|| tensor.copy()));
        }
    }
    dict
}

/// The groups and states that a dict describes, for the parameters of `groups`.
pub(super) fn load<R: Rule>(groups: &[Group<R>], dict: &StateDict) -> Result<(Vec<Group<R>>, Vec<State>)> {
    let mut reader = Reader { op: R::NAME, dict, used: 0 };
    let mut groups = groups.to_vec();
    for (index, group) in groups.iter_mut().enumerate() {
        let mut values = Vec::new();
        for (name, _) in numbers(&group.options) {
            values.push(reader.number(&format!("param_groups.{index}.{name}"))?);
        }
        let mut values = values.into_iter();
        group.options.numbers(&mut |_, slot| *slot = values.next().unwrap_or(*slot));
    }
    let mut states = Vec::new();
    for group in &groups {
        for parameter in &group.parameters {
            states.push(reader.state(&group.options, parameter, states.len())?);
        }
    }
    if reader.used != dict.len() {
        return Err(Error::argument(
            R::NAME,
            format!(
                "load_state_dict: {} of the {} entries belong to other groups, parameters or methods",
                dict.len() - reader.used,
                dict.len()
            ),
        ));
    }
    Ok((groups, states))
}

struct Reader<'a> {
    op: &'static str,
    dict: &'a StateDict,
    used: usize,
}

impl Reader<'_> {
    #[inline]
    fn tensor(&mut self, name: &str) -> Result<&Tensor> {
        let tensor = self.dict.get(name);
        self.used += usize::from(tensor.is_some());
        tensor.ok_or_else(|| Error::argument(self.op, format!("load_state_dict: `{name}` is missing")))
    }

    #[inline]
    fn number(&mut self, name: &str) -> Result<f64> {
        self.tensor(name)?.item::<f64>()
    }

    /// The state of a parameter; a parameter that never had a gradient has none.
    fn state<R: Rule>(&mut self, rule: &R, parameter: &Tensor, index: usize) -> Result<State> {
        if !self.dict.contains_key(&format!("state.{index}.step")) {
            return Ok(State::default());
        }
        let step = self.number(&format!("state.{index}.step"))? as u64;
        let mut scalars = rule.scalars();
        for (name, value) in &mut scalars {
            *value = self.number(&format!("state.{index}.{name}"))?;
        }
        let mut tensors = Vec::new();
        for &name in rule.state() {
            let full = format!("state.{index}.{name}");
            let op = self.op;
            let tensor = self.tensor(&full)?;
            if tensor.shape() != parameter.shape() {
                return Err(Error::argument(
                    op,
                    format!(
                        "load_state_dict: `{full}` has shape {:?}, but parameter {index} has {:?}",
                        tensor.shape(),
                        parameter.shape()
                    ),
                ));
            }
            if tensor.device() != parameter.device() {
                return Err(Error::DeviceMismatch { op, left: tensor.device(), right: parameter.device() });
            }
            tensors.push((name, tensor.copy_raw(parameter.dtype())?));
        }
        Ok(State { step, tensors, scalars })
    }
}

/// The options as numbers with their names; the second number of a pair is called `name.1`.
fn numbers<R: Rule>(options: &R) -> Vec<(String, f64)> {
    let mut list: Vec<(String, f64)> = Vec::new();
    options.clone().numbers(&mut |name, value| {
        let second = list.last().is_some_and(|(last, _)| last == name);
        list.push((if second { format!("{name}.1") } else { name.to_owned() }, *value));
    });
    list
}

#[inline]
fn number(value: f64) -> Tensor {
    crate::error::expect(Tensor::try_full(&[], Scalar::Float(value), NUMBER, Device::Cpu))
}
