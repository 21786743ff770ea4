//! Programs at random, step by step against PyTorch; `tests/goldens/programs.py` says how they are made.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustorch::autograd::{GradOptions, HookHandle, grad};
use rustorch::{Error, Index, Result, Tensor, no_grad};
use rustorch_tests::quiet;
use serde_json::Value;

#[derive(Default)]
struct Program {
    tensors: Vec<Tensor>,
    hooks: Vec<Option<HookHandle>>,
    seen: Arc<Mutex<Vec<(usize, f64)>>>,
}

impl Program {
    /// What a step makes; of gradients, those that there are.
    fn run(&mut self, op: &str, on: &[Tensor], with: &[Value]) -> Result<Vec<Option<Tensor>>> {
        let axis = |k: usize| with[k].as_i64().unwrap() as isize;
        let flag = |k: usize| with[k].as_bool().unwrap();
        let options = || GradOptions { retain_graph: flag(0), create_graph: flag(1), allow_unused: true };
        let made = match op {
            "leaf" => {
                let values: Vec<f64> = with[1].as_array().unwrap().iter().map(number).collect();
                Tensor::from_vec(values, shape(&with[0]))?.requires_grad_(flag(2))?
            }
            "neg" => on[0].neg(),
            "exp" => on[0].exp(),
            "sin" => on[0].sin(),
            "tanh" => on[0].tanh(),
            "sigmoid" => on[0].sigmoid(),
            "square" => on[0].square(),
            "abs" => on[0].abs(),
            "relu" => on[0].relu(),
            "copy" => on[0].copy(),
            "detach" => on[0].detach(),
            "sum" => on[0].sum(),
            "prod" => on[0].prod(),
            "cumsum" => on[0].cumsum(axis(0))?,
            "softmax" => on[0].softmax(axis(0))?,
            "sum_dim" => on[0].sum_dim(axis(0), flag(1))?,
            "max_dim" => on[0].max_dim(axis(0), false)?.0,
            "add" => on[0].add(&on[1])?,
            "mul" => on[0].mul(&on[1])?,
            "sub" => on[0].sub(&on[1])?,
            "select" => on[0].select(axis(0), axis(1))?,
            "slice" => {
                let step = axis(3) as usize;
                let mut index = vec![Index::Range { start: None, end: None, step: 1 }; axis(0) as usize];
                index.push(Index::Range { start: Some(axis(1)), end: Some(axis(2)), step });
                on[0].i(index)?
            }
            "transpose" => on[0].transpose(axis(0), axis(1))?,
            "unsqueeze" => on[0].unsqueeze(axis(0))?,
            "flatten" => on[0].flatten(0, -1)?,
            "expand" => on[0].broadcast_to(shape(&with[0]))?,
            "diagonal" => on[0].diagonal(axis(0), 0, 1)?,
            "grad" => {
                let (output, inputs) = on.split_first().unwrap();
                let inputs: Vec<&Tensor> = inputs.iter().collect();
                return grad(&[output], &inputs, &[Some(&output.ones_like())], options());
            }
            _ => return self.act(op, on, with).map(|()| Vec::new()),
        };
        Ok(vec![Some(made)])
    }

    /// A step that makes nothing.
    fn act(&mut self, op: &str, on: &[Tensor], with: &[Value]) -> Result<()> {
        let flag = |k: usize| with[k].as_bool().unwrap();
        match op {
            "add_" => on[0].add_(&on[1]).map(drop),
            "mul_" => on[0].mul_(&on[1]).map(drop),
            "sub_" => on[0].sub_(&on[1]).map(drop),
            "copy_" => on[0].copy_(&on[1]).map(drop),
            "fill_" => on[0].fill_(number(&with[0])).map(drop),
            "zero_" => on[0].zero_().map(drop),
            "sin_" => on[0].sin_().map(drop),
            "tanh_" => on[0].tanh_().map(drop),
            "sigmoid_" => on[0].sigmoid_().map(drop),
            "relu_" => on[0].relu_().map(drop),
            "exp_" => on[0].exp_().map(drop),
            "neg_" => on[0].neg_().map(drop),
            "freeze" => on[0].requires_grad_(false).map(drop),
            "retain_grad" => on[0].retain_grad(),
            "clear" => on[0].set_grad(None),
            "hook" => {
                let (index, doubles, seen) = (self.hooks.len(), flag(0), self.seen.clone());
                let handle = on[0].register_hook(move |grad| {
                    seen.lock().unwrap().push((index, grad.detach().sum().item::<f64>().unwrap()));
                    doubles.then(|| grad * 2.0)
                })?;
                self.hooks.push(Some(handle));
                Ok(())
            }
            "remove" => {
                let handle = self.hooks[with[0].as_u64().unwrap() as usize].take();
                handle.into_iter().for_each(HookHandle::remove);
                Ok(())
            }
            "backward" => {
                let options =
                    GradOptions { retain_graph: flag(0), create_graph: flag(1), allow_unused: false };
                on[0].backward_with(None, options)
            }
            _ => Err(Error::Autograd(format!("{op} is no step"))),
        }
    }

    /// Runs a step and compares what it leaves.
    fn step(&mut self, step: &Value) -> Result<(), String> {
        let op = step["op"].as_str().unwrap();
        let on: Vec<Tensor> = step["on"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| self.tensors[i.as_u64().unwrap() as usize].clone())
            .collect();
        let with = step["with"].as_array().unwrap();
        self.seen.lock().unwrap().clear();
        let result = quiet::call(|| match step.get("no_grad") {
            Some(_) => no_grad(|| self.run(op, &on, with)),
            None => self.run(op, &on, with),
        });
        let made = match (result, step.get("fails")) {
            (Err(message), _) if quiet::is_internal(&message) => return Err(message),
            (Err(_), Some(_)) => return Ok(()),
            (Err(message), None) => return Err(format!("fails with \"{message}\"")),
            (Ok(_), Some(message)) => return Err(format!("succeeds, where PyTorch fails with {message}")),
            (Ok(made), None) => made,
        };
        let compare = |what: &str, found: &[Option<Tensor>], expected: &Value| {
            let expected = expected.as_array().unwrap();
            if found.len() != expected.len() {
                return Err(format!("{} {what} instead of {}", found.len(), expected.len()));
            }
            let mut pairs = found.iter().zip(expected).enumerate();
            pairs.try_for_each(|(i, (found, expected))| match (found, expected) {
                (None, Value::Null) => Ok(()),
                (Some(found), expected) if !expected.is_null() => {
                    same(found, expected).map_err(|message| format!("{what} {i}: {message}"))
                }
                (found, _) => {
                    Err(format!("{what} {i} is {}", if found.is_some() { "there" } else { "missing" }))
                }
            })
        };
        compare("results", &made, &step["made"])?;
        self.tensors.extend(made.into_iter().flatten());
        if let Some(expected) = step.get("changed") {
            same(&on[0], expected)?;
        }
        if let Some(expected) = step.get("grads") {
            let grads: Vec<Option<Tensor>> = self.tensors.iter().map(Tensor::grad).collect();
            compare("gradients", &grads, expected)?;
        }
        let seen = self.seen.lock().unwrap().clone();
        let expected = step.get("seen").and_then(Value::as_array).cloned().unwrap_or_default();
        let agrees = |(found, expected): (&(usize, f64), &Value)| {
            found.0 as u64 == expected[0] && near(found.1, number(&expected[1]))
        };
        match seen.len() == expected.len() && seen.iter().zip(&expected).all(agrees) {
            true => Ok(()),
            false => Err(format!("hooks saw {seen:?} instead of {expected:?}")),
        }
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn shape(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect()
}

fn near(found: f64, expected: f64) -> bool {
    found == expected
        || found.is_nan() && expected.is_nan()
        || (found - expected).abs() <= 1e-9 * (1.0 + expected.abs())
}

fn same(found: &Tensor, expected: &Value) -> Result<(), String> {
    let values = found.detach().to_vec::<f64>().map_err(|error| error.to_string())?;
    let wanted: Vec<f64> = expected[1].as_array().unwrap().iter().map(number).collect();
    let close = values.len() == wanted.len() && values.iter().zip(&wanted).all(|(a, b)| near(*a, *b));
    let (requires_grad, leaf) = (found.requires_grad(), found.is_leaf());
    match close && found.shape() == shape(&expected[0]) && requires_grad == expected[2] && leaf == expected[3]
    {
        true => Ok(()),
        false => Err(format!(
            "{:?} {values:?}, requires_grad {requires_grad}, leaf {leaf}, instead of {expected}",
            found.shape()
        )),
    }
}

#[test]
fn programs() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens/programs.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut differences = Vec::new();
    for (line, program) in text.lines().enumerate() {
        let steps: Vec<Value> = serde_json::from_str(program).unwrap();
        let mut program = Program::default();
        let mut run = steps.iter().enumerate();
        let found = run.find_map(|(i, step)| program.step(step).err().map(|message| (i, message)));
        if let Some((i, message)) = found {
            differences.push(format!("program {line}, step {i} ({}): {message}", steps[i]["op"]));
        }
    }
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
}
