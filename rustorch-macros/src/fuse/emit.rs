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
    written(graph, &roots, output, &BTreeMap::new())
}

/// The text of values without functions that mean an expression; those that are `given` are there.
fn written(graph: &Graph, roots: &[Id], output: Option<Id>, given: &BTreeMap<Id, usize>) -> Texts {
    let mut uses = BTreeMap::new();
    let ends = |id: Id| Some(id) == output || given.contains_key(&id);
    roots.iter().for_each(|&root| count(graph, root, &ends, &mut uses));
    let writer = Writer { graph, output, given, uses: &uses };
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

/// Words that have loops of their own, and how the library calls them: those that gain by it. Of `exp`, `tanh` and `sigmoid`, LLVM
/// makes loops that take no longer than the steps do.
const LOOPS: &[(&str, &str)] = &[("normal_cdf", "NormalCdf")];

/// The most of them that are taken out of an expression.
const MOST_LOOPS: usize = 4;

/// An expression in steps: what is given to words that have loops of their own, and what is done with their results.
pub struct Steps {
    /// As the library calls them.
    pub words: Vec<&'static str>,
    pub arguments: Texts,
    /// Here the words' results are `w0`, `w1` and so on.
    pub rest: Texts,
}

impl Steps {
    /// For every word: which of these inputs it is given as it is, if it is one; the library's `COMPUTED` otherwise.
    pub fn direct(&self, inputs: &[Variable]) -> Vec<String> {
        let place = |value: &String| inputs.iter().position(|input| input.name() == *value);
        let text = |value| place(value).map_or_else(|| "usize::MAX".into(), |place| place.to_string());
        self.arguments.values.iter().map(text).collect()
    }
}

/// The steps of several values; `None` if no word has a loop. `output` as for [`text`].
pub fn steps(graph: &mut Graph, roots: &[Id], output: Option<Id>) -> Option<Steps> {
    let mut done = HashMap::new();
    let roots: Vec<Id> = roots.iter().map(|&root| graph.expand(root, output, &mut done)).collect();
    let mut uses = BTreeMap::new();
    roots.iter().for_each(|&root| count(graph, root, &|id| Some(id) == output, &mut uses));
    // Arguments have lower numbers, so that what a word is given is known before it.
    let mut calling: BTreeMap<Id, bool> = BTreeMap::new();
    let mut found: Vec<(Id, Id, &'static str)> = Vec::new();
    for &id in uses.keys() {
        let arguments = if Some(id) == output { Vec::new() } else { graph.arguments(id) };
        let inside = arguments.iter().any(|argument| calling.get(argument) == Some(&true));
        let word = match graph.node(id) {
            Node::Call(function, arguments) if !inside && Some(id) != output => match function.value {
                Value::Word(word) => {
                    LOOPS.iter().find(|(name, _)| *name == word).map(|(_, of)| (arguments[0], *of))
                }
                _ => None,
            },
            _ => None,
        };
        if let (Some((argument, word)), true) = (word, found.len() < MOST_LOOPS) {
            found.push((id, argument, word));
            calling.insert(id, true);
        } else {
            calling.insert(id, inside);
        }
    }
    if found.is_empty() {
        return None;
    }
    let given: Vec<Id> = found.iter().map(|(_, argument, _)| *argument).collect();
    let results: BTreeMap<Id, usize> = found.iter().enumerate().map(|(at, (id, ..))| (*id, at)).collect();
    Some(Steps {
        words: found.iter().map(|(.., word)| *word).collect(),
        arguments: written(graph, &given, output, &BTreeMap::new()),
        rest: written(graph, &roots, output, &results),
    })
}

/// How often each value is read on the way to `id`, beyond which nothing is that `ends`.
fn count(graph: &Graph, id: Id, ends: &impl Fn(Id) -> bool, uses: &mut BTreeMap<Id, usize>) {
    let times = uses.entry(id).or_insert(0);
    *times += 1;
    if *times == 1 && !ends(id) {
        graph.arguments(id).into_iter().for_each(|argument| count(graph, argument, ends, uses));
    }
}

struct Writer<'a> {
    graph: &'a Graph,
    output: Option<Id>,
    /// What is there already, by its number.
    given: &'a BTreeMap<Id, usize>,
    uses: &'a BTreeMap<Id, usize>,
}

impl Writer<'_> {
    /// The text of a value that needs no computing.
    fn leaf(&self, id: Id) -> Option<String> {
        if Some(id) == self.output {
            return Some(Variable::Output.name());
        }
        if let Some(number) = self.given.get(&id) {
            return Some(format!("w{number}"));
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
