//! What tensors hold: numbers, which kernels work on, or truth values and indices, which only operations on tensors take.
//!
//! The macro does not know the dtypes of a model's inputs, nor of its buffers and of what other models give. It tells by
//! their use: what ends up as an index or a mask is not a number. Where it takes something for numbers and kernels rely on
//! it ([`Elements::assumed`]), that is looked at when a pass is planned; if it was wrong, the model runs op by op.

use super::super::ir::{Model, Var};
use super::super::lower::{Arg, Instruction, Part, Program};
use super::list::Vars;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Contents {
    /// Numbers of the pass's dtype.
    Numbers,
    /// Truth values or indices.
    Discrete,
    /// What only a run knows.
    Anything,
    /// What the first operand holds.
    Same,
}

/// What the tensors of a program hold.
pub(in super::super) struct Elements {
    /// Those that do not hold numbers.
    others: BTreeMap<Var, Contents>,
    /// Those that have to hold numbers.
    pub assumed: Vars,
    /// Those of which planning knows the dtype, whatever it is: what comes from outside, and what kernels make of it.
    known: RefCell<Vars>,
}

/// Functions that give truth values or indices.
const DISCRETE: &[&str] =
    &["argmax", "argmin", "eq", "ge", "gt", "isfinite", "isinf", "isnan", "le", "lt", "ne"];

/// Functions that give truth values, by a kernel for any dtypes that are known.
pub(super) const COMPARE: &[&str] = &[
    "eq",
    "ge",
    "gt",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
];

/// Functions of numbers that give indices, besides numbers or alone, by kernels.
const PLACES: &[&str] = &["argmax", "argmin", "sort", "topk"];

/// Functions that give truth values, of truth values.
const LOGICAL: &[&str] = &["all", "any", "logical_and", "logical_not", "logical_or", "logical_xor"];

/// Whether a kernel gives truth values, of any dtypes that are known.
fn is_truth(name: &str) -> bool {
    COMPARE.contains(&name) || LOGICAL.contains(&name)
}

/// Functions that arrange the elements of their first operand anew.
const ARRANGE: [&[&str]; 2] =
    [&["contiguous", "detach", "flatten", "reshape", "squeeze", "unflatten", "unsqueeze"], MOVE];

/// Those of them whose kernels move elements of any dtype that is known when a pass is planned.
const MOVE: &[&str] = &[
    "chunk",
    "expand",
    "flip",
    "gather",
    "index_select",
    "movedim",
    "narrow",
    "permute",
    "repeat",
    "repeat_interleave",
    "roll",
    "select",
    "slice",
    "split",
    "take_along_dim",
    "transpose",
    "unbind",
];

/// Functions that only change the shape, or nothing.
const RESHAPE: &[&str] = &["detach", "flatten", "reshape", "squeeze", "unflatten", "unsqueeze"];

/// Layers that only change the shape, or nothing.
const RESHAPE_LAYERS: &[&str] = &["Flatten", "Identity", "Unflatten"];

/// How a result comes about.
enum Origin {
    /// By arithmetic on these.
    Values(Vec<Var>),
    /// It is made of the rows of a table of numbers.
    Rows,
    /// It has the elements of this one, under another shape alone if the last word says so.
    Arranged(Var, bool),
    /// It holds truth values or indices.
    Discrete,
    /// Only a run knows.
    Unknown,
    /// It is one of these.
    OneOf(Vec<Var>),
}

impl Elements {
    /// What the tensors of a program with these inputs hold.
    pub fn of(model: &Model, program: &Program, inputs: &[Var]) -> Self {
        let mut walk = Walk {
            model,
            places: Vars::default(),
            masks: Vars::default(),
            sources: inputs.to_vec(),
            made: Vec::new(),
        };
        walk.program(program);
        let Walk { places, masks, sources, made, .. } = walk;
        // What indices are made of is no number, nor is what attention's masks are made of, if arithmetic has no other use for it.
        let places = closure(places, &made, |_| true);
        let masks = closure(masks, &made, |_| true);
        let mut numbers = Vars::default();
        for (_, origin) in made.iter().filter(|(result, _)| !masks.contains(*result)) {
            if let Origin::Values(values) = origin {
                numbers.extend(values.iter().copied().filter(|value| masks.contains(*value)));
            }
        }
        let numbers = closure(numbers, &made, |_| true);
        let is_other = |var: Var| places.contains(var) || masks.contains(var) && !numbers.contains(var);
        let mut others: BTreeMap<Var, Contents> =
            sources.iter().filter(|var| is_other(**var)).map(|var| (*var, Contents::Anything)).collect();
        while made
            .iter()
            .fold(false, |changed, (result, origin)| spread(*result, origin, &mut others) || changed)
        {
        }
        let is_number = |var: &Var| !others.contains_key(var);
        let mut needed = Vars::default();
        for (result, origin) in &made {
            if let (Origin::Values(values), true) = (origin, is_number(result)) {
                needed.extend(values.iter().copied().filter(is_number));
            }
        }
        let assumed = closure(needed, &made, |origin| !matches!(origin, Origin::Values(_)));
        let known = RefCell::new(inputs.iter().copied().collect());
        Elements { others, assumed, known }
    }

    fn contents(&self, var: Var) -> Contents {
        contents(&self.others, var)
    }

    /// Whether a tensor is taken for numbers.
    pub fn is_number(&self, var: Var) -> bool {
        self.contents(var) == Contents::Numbers
    }

    /// What the results of a call that runs on tensors hold.
    pub fn of_results(&self, model: &Model, instruction: &Instruction) -> Vec<Contents> {
        let results = instruction.results().into_iter().zip(origins(model, instruction));
        results
            .map(|(result, origin)| match origin {
                Origin::Arranged(..) => Contents::Same,
                _ => self.contents(result),
            })
            .collect()
    }

    /// Remembers that a kernel makes the results of an instruction, so that planning knows what they are if it knows the operands.
    pub fn made_by_kernel(&self, instruction: &Instruction) {
        let is_known = match instruction {
            Instruction::State { .. } => true,
            Instruction::Function { name, .. } if PLACES.contains(name) || is_truth(name) => true,
            Instruction::Submodel { .. } => false,
            // What comes out of arms and loops may be made in several ways.
            _ if !instruction.inner().is_empty() => false,
            _ => instruction.operands().iter().all(|operand| self.is_known(*operand)),
        };
        if is_known {
            self.known.borrow_mut().extend(instruction.results());
        }
    }

    fn is_known(&self, var: Var) -> bool {
        self.contents(var) == Contents::Numbers || self.known.borrow().contains(var)
    }

    /// Whether kernels may compute this: whether what they take for numbers is.
    pub fn suit_kernels(&self, model: &Model, instruction: &Instruction) -> bool {
        let is_number = |var: &Var| self.contents(*var) == Contents::Numbers;
        origins(model, instruction).iter().all(|origin| match origin {
            Origin::Values(values) => values.iter().all(is_number),
            Origin::Arranged(value, is_reshape) => {
                *is_reshape || is_number(value) || moves(instruction) && self.is_known(*value)
            }
            Origin::Rows | Origin::Unknown | Origin::OneOf(_) => true,
            Origin::Discrete => match instruction {
                Instruction::Function { name, inputs, .. } => {
                    PLACES.contains(name) && is_number(&inputs[0])
                        || is_truth(name)
                            && instruction.operands().iter().all(|operand| self.is_known(*operand))
                }
                _ => false,
            },
        })
    }
}

fn moves(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Function { name, .. } if MOVE.contains(name))
}

/// All instructions of a program, those of the programs inside included.
struct Walk<'a> {
    model: &'a Model,
    /// Tensors that are used as indices or conditions.
    places: Vars,
    /// Those that are masks of attention, which may be numbers.
    masks: Vars,
    /// Tensors that come from outside.
    sources: Vec<Var>,
    made: Vec<(Var, Origin)>,
}

impl Walk<'_> {
    fn program(&mut self, program: &Program) {
        for instruction in &program.instructions {
            match masks(instruction) {
                Some(masks) => self.masks.extend(masks),
                None => self.places.extend(places(self.model, instruction)),
            }
            for (result, origin) in instruction.results().into_iter().zip(origins(self.model, instruction)) {
                if matches!(origin, Origin::Unknown) {
                    self.sources.push(result);
                }
                self.made.push((result, origin));
            }
            if let Instruction::For { carried, body, .. } | Instruction::Repeat { carried, body, .. } =
                instruction
            {
                let ends = carried.iter().zip(&body.results);
                self.made.extend(
                    ends.map(|((inside, before), end)| (*inside, Origin::OneOf(vec![*before, *end]))),
                );
            }
            instruction.inner().into_iter().for_each(|inner| self.program(inner));
        }
    }
}

/// How each result of an instruction comes about.
fn origins(model: &Model, instruction: &Instruction) -> Vec<Origin> {
    let layer = |field: usize| model.fields[field].layer().map_or("", |layer| layer.spec.name);
    let each = |make: &dyn Fn() -> Origin| instruction.results().iter().map(|_| make()).collect();
    match instruction {
        Instruction::Layer { field, .. } | Instruction::LayerCall { field, .. } => {
            let (name, operands) = (layer(*field), instruction.operands());
            match name {
                "Embedding" => each(&|| Origin::Rows),
                name if RESHAPE_LAYERS.contains(&name) => each(&|| Origin::Arranged(operands[0], true)),
                _ => each(&|| Origin::Values(operands.clone())),
            }
        }
        Instruction::Function { name, inputs, .. } => match *name {
            "embedding" => each(&|| Origin::Rows),
            // Numbers or truth values, as the masks of which it is made.
            "attention_mask" => each(&|| Origin::Unknown),
            // The second says where the elements of the first were.
            "sort" | "topk" => vec![Origin::Arranged(inputs[0], false), Origin::Discrete],
            name if DISCRETE.contains(&name) || LOGICAL.contains(&name) => each(&|| Origin::Discrete),
            name if ARRANGE.iter().any(|names| names.contains(&name)) => {
                each(&|| Origin::Arranged(inputs[0], RESHAPE.contains(&name)))
            }
            _ => {
                let places = places(model, instruction);
                let mut values = instruction.operands();
                values.retain(|operand| !places.contains(operand));
                each(&|| Origin::Values(values.clone()))
            }
        },
        Instruction::Part { inputs, .. } => each(&|| Origin::Values(inputs.clone())),
        Instruction::Binary { .. } | Instruction::Negate { .. } | Instruction::Einsum { .. } => {
            each(&|| Origin::Values(instruction.operands()))
        }
        Instruction::Submodel { .. } | Instruction::State { .. } => each(&|| Origin::Unknown),
        Instruction::If { results, .. }
        | Instruction::Choose { results, .. }
        | Instruction::Match { results, .. } => {
            let arms = instruction.inner();
            (0..results.len())
                .map(|at| Origin::OneOf(arms.iter().filter_map(|arm| arm.results.get(at).copied()).collect()))
                .collect()
        }
        Instruction::For { carried, body, .. } | Instruction::Repeat { carried, body, .. } => carried
            .iter()
            .zip(&body.results)
            .map(|((_, before), end)| Origin::OneOf(vec![*before, *end]))
            .collect(),
    }
}

/// The operands that are indices or masks, or may be.
fn places(model: &Model, instruction: &Instruction) -> Vec<Var> {
    match instruction {
        Instruction::Layer { field, input, .. } => match model.fields[*field].layer() {
            Some(layer) if layer.spec.name == "Embedding" => vec![*input],
            _ => Vec::new(),
        },
        Instruction::LayerCall { field, inputs, options, .. } => {
            let is_table = model.fields[*field].layer().is_some_and(|layer| layer.spec.name == "Embedding");
            let indices = if is_table { inputs.as_slice() } else { &[] };
            indices.iter().copied().chain(options.iter().filter_map(Arg::tensor)).collect()
        }
        Instruction::Function { name, inputs, args, .. } => match *name {
            "embedding" | "where_" => vec![inputs[0]],
            "masked_fill" | "take_along_dim" => vec![inputs[1]],
            "attention_mask" => inputs.clone(),
            "gather" | "index_select" | "scaled_dot_product_attention" => {
                args.iter().filter_map(Arg::tensor).collect()
            }
            _ => Vec::new(),
        },
        Instruction::Part { part: Part::Attention { mask, .. }, .. } => mask.iter().copied().collect(),
        _ => Vec::new(),
    }
}

/// The masks of attention that an instruction takes, if those are all that it may take besides numbers.
fn masks(instruction: &Instruction) -> Option<Vec<Var>> {
    let of = |args: &[Arg]| args.iter().filter_map(Arg::tensor).collect();
    match instruction {
        Instruction::Function { name: "scaled_dot_product_attention", args, .. } => Some(of(args)),
        Instruction::Function { name: "attention_mask", inputs, .. } => Some(inputs.clone()),
        // Of the layers, only those with attention have tensors as options.
        Instruction::LayerCall { options, .. } if options.iter().any(|option| option.tensor().is_some()) => {
            Some(of(options))
        }
        Instruction::Part { part: Part::Attention { mask, .. }, .. } => Some(mask.iter().copied().collect()),
        _ => None,
    }
}

fn contents(others: &BTreeMap<Var, Contents>, var: Var) -> Contents {
    others.get(&var).copied().unwrap_or(Contents::Numbers)
}

/// Works out what a result holds from what its operands do; whether that is news.
fn spread(result: Var, origin: &Origin, others: &mut BTreeMap<Var, Contents>) -> bool {
    let of = |var: &Var| contents(others, *var);
    let found = match origin {
        Origin::Values(values)
            if values.is_empty() || values.iter().any(|var| of(var) == Contents::Numbers) =>
        {
            return false;
        }
        Origin::Values(_) => Contents::Anything,
        Origin::Arranged(value, _) => of(value),
        Origin::Discrete => Contents::Discrete,
        Origin::OneOf(values) => match values.split_first() {
            Some((first, rest)) if rest.iter().all(|other| of(other) == of(first)) => of(first),
            _ => Contents::Anything,
        },
        Origin::Rows | Origin::Unknown => return false,
    };
    let known = of(&result);
    // It never becomes a number again, so that this ends.
    let is_news = found != known && found != Contents::Numbers && known != Contents::Anything;
    if is_news {
        others.insert(result, found);
    }
    is_news
}

/// The tensors, and all that they are made of by ways that count.
fn closure(mut all: Vars, made: &[(Var, Origin)], counts: impl Fn(&Origin) -> bool) -> Vars {
    let mut is_news = true;
    while std::mem::take(&mut is_news) {
        // What a tensor is made of comes before it, outside of loops.
        for (result, origin) in made.iter().rev() {
            if !all.contains(*result) || !counts(origin) {
                continue;
            }
            let from = match origin {
                Origin::Values(values) | Origin::OneOf(values) => &values[..],
                Origin::Arranged(value, _) => std::slice::from_ref(value),
                Origin::Rows | Origin::Discrete | Origin::Unknown => &[],
            };
            for var in from {
                is_news |= all.insert(*var);
            }
        }
    }
    all
}
