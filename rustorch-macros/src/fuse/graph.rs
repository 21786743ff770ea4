//! The expression as a graph in which equal parts are one node.

use std::collections::HashMap;

use super::functions::{Function, Value, find_internal, operator};

/// The number of a node. Those of its arguments are lower.
pub type Id = usize;

/// The most nodes of a graph, gradients included: what a kernel could still hold in registers is far below.
pub const MAX_NODES: usize = 20_000;

/// One value of the expression.
#[derive(Clone)]
pub enum Node {
    /// An operand.
    Input(usize),
    /// A number from outside the expression.
    Param(usize),
    /// The gradient of the result.
    Grad,
    /// A literal, by its bits.
    Number(u64),
    /// A function of other values.
    Call(&'static Function, Vec<Id>),
    /// A truth value: `lt`, `le`, `gt`, `ge`, `eq` or `ne` of two values.
    Compare(&'static str, Id, Id),
    /// The second value where the truth value holds, otherwise the third.
    Select(Id, Id, Id),
}

/// What makes two nodes equal.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Leaf(u8, u64),
    Call(&'static str, Vec<Id>),
}

/// All values of an expression and of its gradients.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Whether each value depends on an operand.
    varies: Vec<bool>,
    known: HashMap<Key, Id>,
}

impl Graph {
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the value depends on an operand.
    pub fn varies(&self, id: Id) -> bool {
        self.varies[id]
    }

    pub fn input(&mut self, number: usize) -> Id {
        self.add(Key::Leaf(0, number as u64), Node::Input(number), true)
    }

    pub fn param(&mut self, number: usize) -> Id {
        self.add(Key::Leaf(1, number as u64), Node::Param(number), false)
    }

    pub fn grad(&mut self) -> Id {
        self.add(Key::Leaf(2, 0), Node::Grad, false)
    }

    pub fn number(&mut self, value: f64) -> Id {
        self.add(Key::Leaf(3, value.to_bits()), Node::Number(value.to_bits()), false)
    }

    pub fn compare(&mut self, word: &'static str, left: Id, right: Id) -> Id {
        let varies = self.varies(left) || self.varies(right);
        self.add(Key::Call(word, vec![left, right]), Node::Compare(word, left, right), varies)
    }

    pub fn select(&mut self, condition: Id, yes: Id, no: Id) -> Id {
        if yes == no {
            return yes;
        }
        let varies = [condition, yes, no].iter().any(|&id| self.varies(id));
        self.add(Key::Call("select", vec![condition, yes, no]), Node::Select(condition, yes, no), varies)
    }

    /// A function of values; simpler where numbers allow. One that means an expression and has no gradients of its own
    /// becomes that expression.
    pub fn call(&mut self, function: &'static Function, arguments: Vec<Id>) -> Id {
        let fixed = |at: usize| arguments.get(at).is_some_and(|&id| !self.varies(id));
        if function.name == "clamp" && fixed(1) && fixed(2) {
            return self.call(table_function("clamp_numbers"), arguments);
        }
        if let Some(simpler) = self.simplify(function, &arguments) {
            return simpler;
        }
        if let (Value::Means(text), []) = (&function.value, function.gradients) {
            let bindings: Vec<(&str, Id)> =
                function.arguments.iter().copied().zip(arguments.iter().copied()).collect();
            return self.template(text, &bindings);
        }
        let varies = arguments.iter().any(|&id| self.varies(id));
        self.add(Key::Call(function.name, arguments.clone()), Node::Call(function, arguments), varies)
    }

    pub fn operator(&mut self, name: &str, arguments: &[Id]) -> Id {
        self.call(operator(name), arguments.to_vec())
    }

    /// The value of an expression of the table, whose names stand for `bindings`.
    pub fn template(&mut self, text: &str, bindings: &[(&str, Id)]) -> Id {
        let expression = syn::parse_str(text).expect("expressions of the table are Rust");
        super::lower::template(self, &expression, bindings)
    }

    fn add(&mut self, key: Key, node: Node, varies: bool) -> Id {
        let next = self.nodes.len();
        let id = *self.known.entry(key).or_insert(next);
        if id == next {
            self.nodes.push(node);
            self.varies.push(varies);
        }
        id
    }

    fn value(&self, id: Id) -> Option<f64> {
        match self.nodes[id] {
            Node::Number(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// Arithmetic with 0, 1 and literals; powers by a literal. None changes a result where operands are finite numbers,
    /// infinities or NaN.
    fn simplify(&mut self, function: &'static Function, arguments: &[Id]) -> Option<Id> {
        let values: Vec<Option<f64>> = arguments.iter().map(|&id| self.value(id)).collect();
        let (first, second) = (arguments[0], arguments.get(1).copied());
        let second = second.unwrap_or(first);
        match (function.name, &values[..]) {
            ("neg", [Some(x)]) => self.literal(-x),
            ("neg", [None]) => match &self.nodes[first] {
                Node::Call(inner, of) if inner.name == "neg" => Some(of[0]),
                _ => None,
            },
            ("add", [Some(a), Some(b)]) => self.literal(a + b),
            ("sub", [Some(a), Some(b)]) => self.literal(a - b),
            ("mul", [Some(a), Some(b)]) => self.literal(a * b),
            ("div", [Some(a), Some(b)]) => self.literal(a / b),
            ("add", [Some(0.0), None]) => Some(second),
            ("add" | "sub", [None, Some(0.0)]) => Some(first),
            ("mul", [Some(1.0), None]) => Some(second),
            ("mul" | "div", [None, Some(1.0)]) => Some(first),
            ("mul", [Some(-1.0), None]) => Some(self.operator("neg", &[second])),
            ("mul", [None, Some(-1.0)]) => Some(self.operator("neg", &[first])),
            ("pow", [_, Some(exponent)]) => self.power(first, *exponent),
            _ => None,
        }
    }

    /// A power by a literal: products and roots are exact to the last bit and much
    /// faster than a general power.
    fn power(&mut self, base: Id, exponent: f64) -> Option<Id> {
        Some(match exponent {
            1.0 => base,
            2.0 => self.operator("mul", &[base, base]),
            3.0 => {
                let square = self.operator("mul", &[base, base]);
                self.operator("mul", &[square, base])
            }
            0.5 => self.call(table_function("sqrt"), vec![base]),
            -0.5 => self.call(table_function("rsqrt"), vec![base]),
            -1.0 => {
                let one = self.number(1.0);
                self.operator("div", &[one, base])
            }
            _ => return None,
        })
    }

    /// A literal, if the text of one can stand for the number.
    fn literal(&mut self, value: f64) -> Option<Id> {
        value.is_finite().then(|| self.number(value))
    }

    /// The same value without functions that mean an expression: what the kernels have words for.
    pub fn expand(&mut self, id: Id, stop: Option<Id>, done: &mut HashMap<Id, Id>) -> Id {
        if Some(id) == stop {
            return id;
        }
        if let Some(&known) = done.get(&id) {
            return known;
        }
        let expanded = match self.nodes[id].clone() {
            Node::Call(function, arguments) => {
                let arguments: Vec<Id> = arguments.into_iter().map(|a| self.expand(a, stop, done)).collect();
                match function.value {
                    Value::Means(text) => {
                        let bindings: Vec<(&str, Id)> =
                            function.arguments.iter().copied().zip(arguments).collect();
                        let inner = self.template(text, &bindings);
                        // What it means may itself call a function that means something.
                        if inner == id { id } else { self.expand(inner, stop, done) }
                    }
                    _ => self.call(function, arguments),
                }
            }
            Node::Compare(word, a, b) => {
                let (a, b) = (self.expand(a, stop, done), self.expand(b, stop, done));
                self.compare(word, a, b)
            }
            Node::Select(condition, yes, no) => {
                let [condition, yes, no] = [condition, yes, no].map(|part| self.expand(part, stop, done));
                self.select(condition, yes, no)
            }
            _ => id,
        };
        done.insert(id, expanded);
        expanded
    }

    /// The values that a value is computed from.
    pub fn arguments(&self, id: Id) -> Vec<Id> {
        match &self.nodes[id] {
            Node::Call(_, arguments) => arguments.clone(),
            Node::Compare(_, a, b) => vec![*a, *b],
            Node::Select(condition, yes, no) => vec![*condition, *yes, *no],
            _ => Vec::new(),
        }
    }
}

/// The function that the table means by `name`.
pub fn table_function(name: &str) -> &'static Function {
    find_internal(name).expect("expressions of the table call functions of the table")
}
