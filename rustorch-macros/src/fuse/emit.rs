//! A value of the graph as text. The words mean the same in Rust, where they are functions generic over lanes, and in
//! CUDA C.

use std::collections::{BTreeMap, HashMap};

use super::functions::Value;
use super::graph::{Graph, Id, Node};

/// What an expression reads, in the order of a kernel's inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    Grad,
    Input(usize),
    Output,
}

impl Variable {
    /// The name in the text.
    pub fn name(self) -> String {
        match self {
            Self::Grad => "g".to_owned(),
            Self::Input(number) => format!("x{number}"),
            Self::Output => "y".to_owned(),
        }
    }
}

/// An expression ready to be compiled.
pub struct Text {
    pub uses: Vec<Variable>,
    /// Shared parts, each of which may mention those before it.
    pub shared: Vec<(String, String)>,
    pub value: String,
}

impl Text {
    /// A block of Rust.
    pub fn rust(&self) -> String {
        let lets = self.shared.iter().map(|(name, value)| format!("let {name} = {value}; "));
        format!("{{ {}{} }}", lets.collect::<String>(), self.value)
    }

    /// An expression of CUDA C.
    pub fn cuda(&self) -> String {
        if self.shared.is_empty() {
            return self.value.clone();
        }
        let lets = self.shared.iter().map(|(name, value)| format!("const auto {name} = {value}; "));
        format!("[&] {{ {}return {}; }}()", lets.collect::<String>(), self.value)
    }
}

/// The text of `root`, which reads the result `output` of the operation instead of computing it anew, if that is given.
pub fn text(graph: &mut Graph, root: Id, output: Option<Id>) -> Text {
    let Texts { uses, shared, values } = texts(graph, &[root], output);
    Text { uses, shared, value: values.concat() }
}

/// Several values that share their parts.
pub struct Texts {
    pub uses: Vec<Variable>,
    /// As in [`Text`].
    pub shared: Vec<(String, String)>,
    pub values: Vec<String>,
}

/// The text of several values; `output` as for [`text`].
pub fn texts(graph: &mut Graph, roots: &[Id], output: Option<Id>) -> Texts {
    let mut done = HashMap::new();
    let roots: Vec<Id> = roots.iter().map(|&root| graph.expand(root, output, &mut done)).collect();
    let mut uses = BTreeMap::new();
    roots.iter().for_each(|&root| count(graph, root, output, &mut uses));
    let writer = Writer { graph, output, uses: &uses };
    let shared = uses.keys().filter(|&&id| writer.is_shared(id));
    let shared = shared.map(|&id| (format!("t{id}"), writer.part(id))).collect();
    let values = roots.iter().map(|&root| writer.name(root)).collect();
    let mut variables: Vec<Variable> = Vec::new();
    let inputs = |id: &Id| match graph.node(*id) {
        Node::Input(number) if Some(*id) != output => Some(Variable::Input(*number)),
        _ => None,
    };
    if uses.keys().any(|&id| matches!(graph.node(id), Node::Grad)) {
        variables.push(Variable::Grad);
    }
    let mut operands: Vec<Variable> = uses.keys().filter_map(inputs).collect();
    operands.sort_by_key(|variable| variable.name());
    variables.extend(operands);
    if output.is_some_and(|output| uses.contains_key(&output)) {
        variables.push(Variable::Output);
    }
    Texts { uses: variables, shared, values }
}

/// How often each value is read on the way to `id`.
fn count(graph: &Graph, id: Id, output: Option<Id>, uses: &mut BTreeMap<Id, usize>) {
    let times = uses.entry(id).or_insert(0);
    *times += 1;
    if *times == 1 && Some(id) != output {
        graph.arguments(id).into_iter().for_each(|argument| count(graph, argument, output, uses));
    }
}

struct Writer<'a> {
    graph: &'a Graph,
    output: Option<Id>,
    uses: &'a BTreeMap<Id, usize>,
}

impl Writer<'_> {
    /// The text of a value that needs no computing.
    fn leaf(&self, id: Id) -> Option<String> {
        if Some(id) == self.output {
            return Some(Variable::Output.name());
        }
        match self.graph.node(id) {
            Node::Input(number) => Some(Variable::Input(*number).name()),
            Node::Param(number) => Some(format!("p{number}")),
            Node::Grad => Some(Variable::Grad.name()),
            Node::Number(bits) => Some(format!("T({:?})", f64::from_bits(*bits))),
            _ => None,
        }
    }

    fn is_shared(&self, id: Id) -> bool {
        self.leaf(id).is_none() && self.uses.get(&id).is_some_and(|&times| times > 1)
    }

    /// The value where it is read.
    fn name(&self, id: Id) -> String {
        match self.leaf(id) {
            Some(leaf) => leaf,
            None if self.is_shared(id) => format!("t{id}"),
            None => self.part(id),
        }
    }

    /// The value where it is computed.
    fn part(&self, id: Id) -> String {
        let list = |ids: &[Id]| ids.iter().map(|&id| self.name(id)).collect::<Vec<_>>();
        match self.graph.node(id) {
            Node::Call(function, arguments) => match (&function.value, &list(arguments)[..]) {
                (Value::Operator(sign), [x]) => format!("({sign}{x})"),
                (Value::Operator(sign), [a, b]) => format!("({a} {sign} {b})"),
                (Value::Word(word), arguments) => format!("{word}({})", arguments.join(", ")),
                (Value::Operator(_) | Value::Means(_), _) => {
                    unreachable!("operators have operands, and the rest is expanded")
                }
            },
            Node::Compare(word, a, b) => format!("{word}({}, {})", self.name(*a), self.name(*b)),
            Node::Select(condition, yes, no) => {
                format!("select({})", list(&[*condition, *yes, *no]).join(", "))
            }
            _ => self.name(id),
        }
    }
}
