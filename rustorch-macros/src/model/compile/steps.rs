//! Which kind of step each call becomes, and what dies after it.

use super::super::callee::Callee;
use super::super::check::Checked;
use super::super::ir::{BinaryOp, Model, Over, Var};
use super::super::lower::{Instruction, Program, Source};
use super::elements::Elements;
use super::list::{Steps, Vars};
use super::{Act, Kind, On, Operand, Region, Step, attention, chain, fuse, kernels};

pub(super) struct Compiler<'a> {
    pub model: &'a Model,
    pub checked: &'a Checked,
    pub elements: &'a Elements,
}

impl Compiler<'_> {
    pub fn region<'p>(&self, program: &'p Program, parameters: Vec<Var>) -> Region<'p> {
        let mut steps = Steps::new(program.instructions.iter().map(|call| self.step(call)), &program.results);
        let shape = |var: Var| self.checked.shapes.get(var)?.as_ref();
        fuse::fuse_tables(&mut steps);
        fuse::fuse(&mut steps, shape);
        attention::absorb(&mut steps);
        chain::fuse(&mut steps, shape);
        chain::end_products(&mut steps, shape);
        let mut steps = steps.into_vec();
        let made = steps.iter().flat_map(|step| step.results.iter().copied());
        let owned: Vars = parameters.iter().copied().chain(made).collect();
        let mut ended: Vars = program.results.iter().copied().collect();
        for step in steps.iter_mut().rev() {
            let mut used = step.kind.uses();
            used.extend(&step.results);
            used.sort_unstable();
            used.retain(|var| owned.contains(*var) && ended.insert(*var));
            step.dies = used;
        }
        let unused = parameters.into_iter().filter(|var| !ended.contains(*var)).collect();
        Region { steps, results: program.results.clone(), owned, unused }
    }

    fn step<'p>(&self, instruction: &'p Instruction) -> Step<'p> {
        let kind = match self.numeric(instruction) {
            Some(kind) => {
                self.elements.made_by_kernel(instruction);
                kind
            }
            None => kernels::island(instruction, self.model, self.elements),
        };
        Step { number: 0, kind, results: instruction.results(), dies: Vec::new() }
    }

    /// The step, unless it has to run on tensors.
    fn numeric<'p>(&self, instruction: &'p Instruction) -> Option<Kind<'p>> {
        if !self.elements.suit_kernels(self.model, instruction) {
            return None;
        }
        Some(match instruction {
            Instruction::Layer { field, input, result } => {
                return self.layer(Callee::whole(*field), *input, *result);
            }
            Instruction::LayerCall { field, element, is_map: true, inputs, results, .. } => {
                let callee = Callee::new(*field, *element);
                return self.layer(callee, *inputs.first()?, *results.first()?);
            }
            Instruction::LayerCall { field, element, adapter: None, inputs, state: Some(states), .. } => {
                let callee = Callee::new(*field, *element);
                return self.recurrent(callee, *inputs.first()?, states);
            }
            Instruction::Function { name, inputs, args, results, .. } => {
                return self.function(name, inputs, args, results);
            }
            Instruction::Binary { op, left, right, .. } => binary(*op, left, right),
            Instruction::Negate { input, .. } => Kind::Unary { act: Act::plain("neg"), input: *input },
            Instruction::Einsum { spec, inputs, .. } => return self.einsum(spec, inputs),
            Instruction::LayerCall { .. } => return None,
            Instruction::Submodel { target, inputs, .. } => Kind::Submodel {
                target: (*target).into(),
                inputs: inputs.iter().map(|(var, _)| *var).collect(),
            },
            Instruction::Part { owner, part, inputs, result } => {
                return self.part(*owner, part, inputs, *result);
            }
            Instruction::State { field, element, entry, .. } => {
                let owner = Callee::new(*field, *element);
                Kind::State { owner, entry: entry.as_deref() }
            }
            Instruction::If { then, otherwise, .. } => {
                Kind::Branch { on: On::Training, arms: self.arms([then, otherwise]) }
            }
            Instruction::Choose { decision, then, otherwise, .. } => {
                Kind::Branch { on: On::Decision(decision), arms: self.arms([then, otherwise]) }
            }
            Instruction::Match { subject, arms, .. } => {
                let (patterns, arms): (Vec<_>, Vec<_>) =
                    arms.iter().map(|(pattern, arm)| (pattern, self.region(arm, Vec::new()))).unzip();
                Kind::Branch { on: On::Match(subject, patterns), arms }
            }
            Instruction::For { field, carried, body, .. } => {
                self.repeated(Over::Field(*field), None, carried, body)
            }
            Instruction::Repeat { over, index, carried, body, .. } => {
                self.repeated(over.clone(), index.as_ref(), carried, body)
            }
        })
    }

    fn arms<'p>(&self, arms: [&'p Program; 2]) -> Vec<Region<'p>> {
        arms.into_iter().map(|arm| self.region(arm, Vec::new())).collect()
    }

    fn repeated<'p>(
        &self,
        over: Over,
        index: Option<&'p proc_macro2::Ident>,
        carried: &[(Var, Var)],
        body: &'p Program,
    ) -> Kind<'p> {
        let inside = carried.iter().map(|(inside, _)| *inside).collect();
        Kind::Loop { over, index, carried: carried.to_vec(), body: self.region(body, inside) }
    }
}

fn binary<'p>(op: BinaryOp, left: &Source, right: &Source) -> Kind<'p> {
    let operand = |source: &Source| match source {
        Source::Tensor(var) => Operand::Tensor(*var),
        Source::Scalar(number) => Operand::Number(number.clone()),
    };
    Kind::Binary { op: op.name(), left: operand(left), right: operand(right) }
}
