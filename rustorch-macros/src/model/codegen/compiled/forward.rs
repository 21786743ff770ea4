//! The forward pass: a call of `rustorch::compiled::Pass` for every step.

use super::super::super::compile::{Contents, Kind, On, Region, Step, is_scaled_table};
use super::super::super::ir::Var;
use super::super::statements::{self, Store};
use super::super::text::{Text, list, option};
use super::super::types::var;
use super::Printer;
use std::collections::BTreeSet;

impl Printer<'_> {
    /// The steps; the region's results are left to who uses them.
    pub fn forward(&self, text: &mut Text<'_>, region: &Region<'_>, is_whole: bool) {
        self.named.block(text, |text| self.steps(text, region, is_whole));
    }

    fn steps(&self, text: &mut Text<'_>, region: &Region<'_>, is_whole: bool) {
        release(text, &region.unused);
        for step in &region.steps {
            let output = is_whole
                .then(|| region.results.iter().position(|result| step.results == [*result]))
                .flatten();
            if let Some(position) = output.filter(|_| step.kind.has_result_of_its_own()) {
                write!(text, "__pass.output({position});");
            }
            self.call(text, step);
            if let (&[result], [_, ..]) = (&step.results[..], &step.dies[..]) {
                let (shape, dead) = (self.shape(result), vars(&step.dies));
                write!(text, "__pass.done({}, {shape}, [{dead}])?;", var(result));
                continue;
            }
            for result in &step.results {
                write!(text, "__pass.expect({}, {})?;", var(*result), self.shape(*result));
            }
            release(text, &step.dies);
        }
        // A result that belongs to somebody else, or is given twice, has one user more.
        let mut given = BTreeSet::new();
        let shared = region
            .results
            .iter()
            .filter(|result| !region.owned.contains(**result) || !given.insert(**result));
        shared.for_each(|result| write!(text, "__pass.retain({});", var(*result)));
    }

    fn call(&self, text: &mut Text<'_>, step: &Step<'_>) {
        let (result, pass) = (vars(&step.results), pass_at(step));
        match &step.kind {
            Kind::Linear { map, input, last: Some(last), .. } => {
                let (layer, input) = (self.map(*map), var(*input));
                let chain = self.chain_of_product(last, step);
                write!(text, "let {result} = {pass}.linear_chain({input}, {layer}, {chain})?;");
            }
            Kind::Linear { map, input, act, last: None } => {
                let (layer, input, act) = (self.map(*map), var(*input), self.act(act.as_ref()));
                write!(text, "let {result} = {pass}.linear({input}, {layer}, {act});");
            }
            Kind::Conv2d { layer, input, norm, residual, act, pool } => {
                let (layer, shape) = (format!("({}).into()", self.reference(*layer)), self.shape(*input));
                let (input, act) = (var(*input), self.act(act.as_ref()));
                match (norm, pool) {
                    (Some(norm), _) => {
                        let (norm, residual) = (self.reference(*norm), option(residual.map(var)));
                        write!(
                            text,
                            "let {result} = {pass}.conv2d_norm({input}, {shape}, {layer}, ({norm}).into(), {residual}, {act})?;"
                        );
                    }
                    (None, Some(pool)) => {
                        let (pool, out) = (&pool.options, self.shape(step.results[0]));
                        write!(
                            text,
                            "let {result} = {pass}.conv2d_max_pool({input}, {shape}, {layer}, {act}, {pool}, {out})?;"
                        );
                    }
                    (None, None) => {
                        write!(text, "let {result} = {pass}.conv2d({input}, {shape}, {layer}, {act})?;");
                    }
                }
            }
            Kind::ChannelNorm { layer, input, residual, act } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let (input, act) = (var(*input), self.act(act.as_ref()));
                let residual = option(residual.map(var));
                write!(
                    text,
                    "let {result} = {pass}.batch_norm({input}, {shape}, ({layer}).into(), {residual}, {act})?;"
                );
            }
            Kind::RowNorm { layer, input } => {
                let (layer, input) = (self.reference(*layer), var(*input));
                write!(text, "let {result} = {pass}.row_norm({input}, {layer})?;");
            }
            Kind::Embedding { layer, input, .. } => {
                let (layer, input) = (self.reference(*layer), var(*input));
                write!(text, "let {result} = {pass}.embedding({input}, {layer})?;");
            }
            Kind::Kernel { method, inputs, options, number, .. } => {
                let options = self.options(options, number.as_ref());
                let (inputs, outputs) = (self.shaped(inputs), self.shapes(&step.results));
                into_made(
                    text,
                    &step.results,
                    format_args!("{pass}.{method}(&[{inputs}], {options}, &[{outputs}], &mut __made)?;"),
                );
            }
            Kind::Recurrent { layer, input, table, states } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let (input, table, states) = (var(*input), self.table(*table), vars(states));
                into_made(
                    text,
                    &step.results,
                    format_args!(
                        "{pass}.recurrent({input}, {shape}, {table}, ({layer}).into(), &[{states}], &mut __made)?;"
                    ),
                );
            }
            Kind::Unary { act, input } => {
                let (input, (op, params)) = (var(*input), self.operator(act));
                write!(text, "let {result} = {pass}.unary({op}, {params}, {input});");
            }
            Kind::Binary { op, left, right } => {
                let shape = self.shape(step.results[0]);
                let [left, right] = [left, right].map(|operand| self.side(operand, true));
                write!(text, "let {result} = {pass}.binary(operators::{op}, {left}, {right}, {shape});");
            }
            Kind::Chain(chain) => self.chain(text, chain, step),
            Kind::Reshape { input } => write!(text, "let {result} = __pass.reshape({});", var(*input)),
            Kind::Detach { input } => write!(text, "let {result} = __pass.detach({});", var(*input)),
            Kind::State { owner, entry } => {
                let state = statements::state(self.place(*owner), *entry);
                let name = &self.model.fields[owner.field].name;
                let what = entry.map_or(format!("`{name}`"), |entry| format!("`{name}.{entry}`"));
                let method = match () {
                    _ if self.is_running(owner.field, *entry) => "snapshot",
                    _ if self.is_scaled(owner.field) => "table",
                    _ => "state",
                };
                write!(text, "let {result} = {pass}.{method}({state});");
                step.results.iter().for_each(|result| self.assume(text, *result, &what));
            }
            Kind::Permute { input, dims } => {
                let (shape, input, dims) = (self.shape(*input), var(*input), list(dims));
                write!(text, "let {result} = {pass}.permute({input}, {shape}, &[{dims}])?;");
            }
            Kind::Attention { inputs, operands, mask, out, .. } => {
                let mask = option(mask.map(|mask| format!("({}, {})", var(mask), self.shape(mask))));
                let (inputs, out) = (vars(inputs), self.heads(out));
                let operands = list(operands.iter().map(|operand| self.heads(operand)));
                let options = self.attention_options(&step.kind);
                write!(
                    text,
                    "let {result} = {pass}.attention([{inputs}], [{operands}], {mask}, {options}, {out})?;"
                );
            }
            Kind::Island { instruction, inputs, layer, contents } => {
                let (contents, module) = (self.contents(contents), self.module(*layer));
                let (given, names) = (self.shaped(inputs), vars(inputs));
                let outputs = self.shapes(&step.results);
                let mut call = text.another();
                self.op_by_op().statement(&mut call, instruction, Store::Temporaries);
                let call = call.into_inner();
                let results = list(step.results.iter().map(|result| format!("{}.clone()", var(*result))));
                into_made(
                    text,
                    &step.results,
                    format_args!(
                        "{pass}.island(&[{given}], {module}, &[{outputs}], {contents}, &mut __made, |__tensors| {{
                            let [{names}] = __tensors else {{ ::core::unreachable!(\"as many tensors as buffers\") }};
                            {call}
                            ::core::result::Result::Ok([{results}].into_iter().collect())
                        }})?;"
                    ),
                );
            }
            Kind::Submodel { target, inputs } => {
                let callee = self.reference(*target);
                let what = format!("a result of `{}`", self.model.fields[target.field].name);
                let (names, shapes) = (vars(inputs), self.shapes(inputs));
                into_made(
                    text,
                    &step.results,
                    format_args!("Probe({callee}).run({pass}, &[{names}], &[{shapes}], &mut __made)?;"),
                );
                step.results.iter().for_each(|result| self.assume(text, *result, &what));
            }
            Kind::Branch { on, arms } => {
                let arms = arms.iter().map(|region| {
                    let mut steps = text.another();
                    self.forward(&mut steps, region, false);
                    format!("{{ {} ({}) }}", steps.into_inner(), each(&region.results))
                });
                let arms: Vec<String> = arms.collect();
                let taken = self.branch(on, "__pass.branch(self.training.get())", &arms);
                write!(text, "let ({}) = {taken};", each(&step.results));
            }
            Kind::Loop { over, index, carried, body } => {
                let (insides, before): (Vec<Var>, Vec<Var>) = carried.iter().copied().unzip();
                let insides = each(&insides);
                let muts: String =
                    carried.iter().map(|(inside, _)| format!("mut {}, ", var(*inside))).collect();
                let starts: String =
                    before.iter().map(|before| format!("__pass.retain({}), ", var(*before))).collect();
                let head = self.op_by_op().head(over, *index);
                let mut steps = text.another();
                self.forward(&mut steps, body, false);
                let (steps, ends, results) = (steps.into_inner(), each(&body.results), each(&step.results));
                write!(
                    text,
                    "let ({muts}) = ({starts}); {head} {{ ({insides}) = {{ {steps} ({ends}) }}; }} let ({results}) = ({insides});"
                );
            }
        }
    }

    /// `(__t1, shape), (__t2, shape)`
    fn shaped(&self, tensors: &[Var]) -> String {
        list(tensors.iter().map(|number| format!("({}, {})", var(*number), self.shape(*number))))
    }

    /// Whether attention is causal, its scale, and the layer that drops weights.
    pub fn attention_options(&self, kind: &Kind<'_>) -> String {
        let Kind::Attention { causal, scale, dropout, .. } = kind else { return String::new() };
        let scale = scale.as_ref().map_or_else(|| "None".into(), |scale| self.given.put(scale));
        let dropout = option(dropout.map(|layer| self.reference(layer)));
        format!("({}, {scale}, {dropout})", self.given.put(causal))
    }

    /// Whether this is a buffer of a layer, which the layer may write to in the same pass.
    fn is_running(&self, field: usize, entry: Option<&str>) -> bool {
        let (Some(entry), Some((layer, args))) = (entry, self.model.layer(self.checked, field)) else {
            return false;
        };
        let states = (layer.spec.state)(args).unwrap_or_default();
        states.iter().any(|state| state.is_buffer && state.name == entry)
    }

    /// Whether this is a table whose rows are scaled down in place.
    fn is_scaled(&self, field: usize) -> bool {
        let layer = self.model.layer(self.checked, field);
        layer.is_some_and(|(layer, args)| layer.spec.name == "Embedding" && is_scaled_table(args))
    }

    /// The arm that runs, in either direction.
    pub fn branch(&self, on: &On<'_>, training: &str, arms: &[String]) -> String {
        match (on, arms) {
            (On::Training, [then, otherwise]) => format!("if {training} {then} else {otherwise}"),
            (On::Decision(decision), [then, otherwise]) => {
                format!("if {} {then} else {otherwise}", self.op_by_op().condition(decision))
            }
            (On::Match(subject, patterns), arms) => {
                let arms = patterns.iter().zip(arms);
                let arms: String =
                    arms.map(|(pattern, arm)| format!("{} => {arm}\n", self.given.put(pattern))).collect();
                format!("match {} {{ {arms} }}", self.given.put(subject))
            }
            _ => String::new(),
        }
    }

    /// What the results of an operation on tensors hold: nothing is said of numbers.
    fn contents(&self, contents: &[Contents]) -> String {
        if contents.iter().all(|contents| *contents == Contents::Numbers) {
            return "&[]".into();
        }
        let contents = contents
            .iter()
            .map(|contents| format!("::rustorch::__private::compiled::Contents::{contents:?}"));
        format!("&[{}]", list(contents))
    }
}

/// Writes a call that fills `__made` with its results.
fn into_made(text: &mut Text<'_>, results: &[Var], call: std::fmt::Arguments<'_>) {
    let (count, results) = (results.len(), vars(results));
    write!(text, "let mut __made = [Buf::NONE; {count}]; {call} let [{results}] = __made;");
}

/// `__t1, __t2`
pub fn vars(numbers: &[Var]) -> String {
    list(numbers.iter().map(|number| var(*number)))
}

/// `__t1, __t2,`, of which a single one is a tuple in parentheses, too.
fn each(numbers: &[Var]) -> String {
    numbers.iter().map(|number| format!("{}, ", var(*number))).collect()
}

/// The pass, told that a step begins.
pub fn pass_at(step: &Step<'_>) -> String {
    match &step.kind {
        // These only say what the steps after them are.
        Kind::Reshape { .. } | Kind::Detach { .. } | Kind::Branch { .. } | Kind::Loop { .. } => {
            "__pass".into()
        }
        _ => format!("__pass.at({})", step.number),
    }
}

/// Gives up tensors that nothing uses from here on.
fn release(text: &mut Text<'_>, tensors: &[Var]) {
    tensors.iter().for_each(|number| write!(text, "__pass.release({});", var(*number)));
}

impl Kind<'_> {
    /// Whether the result is a fresh buffer that the step fills, so that it may be memory of an output.
    fn has_result_of_its_own(&self) -> bool {
        !matches!(
            self,
            Kind::Reshape { .. }
                | Kind::Detach { .. }
                | Kind::State { .. }
                | Kind::Recurrent { .. }
                | Kind::Island { .. }
                | Kind::Submodel { .. }
                | Kind::Branch { .. }
                | Kind::Loop { .. }
        )
    }
}
