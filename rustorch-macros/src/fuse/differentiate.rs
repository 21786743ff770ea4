//! Symbolic gradients.

use super::graph::{Graph, Id, MAX_NODES, Node};

/// The gradient of `output` with respect to each of `inputs` operands; `None` if the expression grows beyond measure.
///
/// Reverse mode: from the result back, each value's gradient is handed to its arguments, so that all gradients together
/// have about as many operations as the expression. Parts that a gradient shares with the expression, or with another
/// part, are one node.
pub fn gradients(graph: &mut Graph, output: Id, inputs: usize) -> Option<Vec<Id>> {
    let seed = graph.grad();
    let found = backward(graph, output, seed, inputs)?;
    Some(found.into_iter().map(|gradient| gradient.unwrap_or_else(|| graph.number(0.0))).collect())
}

fn backward(graph: &mut Graph, output: Id, seed: Id, inputs: usize) -> Option<Vec<Option<Id>>> {
    let mut result = vec![None; inputs];
    let mut adjoint: Vec<Option<Id>> = vec![None; output + 1];
    adjoint[output] = Some(seed);
    for id in (0..=output).rev() {
        let Some(gradient) = adjoint[id] else { continue };
        if !graph.varies(id) {
            continue;
        }
        if graph.len() > MAX_NODES {
            return None;
        }
        match graph.node(id).clone() {
            Node::Input(number) => add(graph, &mut result[number], gradient),
            Node::Call(function, arguments) => {
                let mut bindings = vec![("g", gradient), ("y", id)];
                bindings.extend(function.arguments.iter().copied().zip(arguments.iter().copied()));
                for (&argument, text) in arguments.iter().zip(function.gradients) {
                    if graph.varies(argument) {
                        let part = graph.template(text, &bindings);
                        add(graph, &mut adjoint[argument], part);
                    }
                }
            }
            // The gradient of the branch that is taken, rather than the gradients of both times a 0 or 1: the branch not
            // taken may have none (the logarithm of 0), and 0 times infinity is NaN.
            Node::Select(condition, yes, no) => {
                let yes = backward(graph, yes, gradient, inputs)?;
                let no = backward(graph, no, gradient, inputs)?;
                let zero = graph.number(0.0);
                for (number, branches) in yes.into_iter().zip(no).enumerate() {
                    if let (None, None) = branches {
                        continue;
                    }
                    let (yes, no) = (branches.0.unwrap_or(zero), branches.1.unwrap_or(zero));
                    let part = graph.select(condition, yes, no);
                    add(graph, &mut result[number], part);
                }
            }
            Node::Param(_) | Node::Grad | Node::Number(_) | Node::Compare(..) => {}
        }
    }
    Some(result)
}

fn add(graph: &mut Graph, sum: &mut Option<Id>, part: Id) {
    *sum = Some(match *sum {
        None => part,
        Some(sum) => graph.operator("add", &[sum, part]),
    });
}
