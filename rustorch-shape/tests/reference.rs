//! `docs/model.md`: its tables are made from those of this crate, and its programs are taken from a test that runs them.
//!
//! `UPDATE=1 cargo test -p rustorch-shape --test reference` writes the tables anew.

use rustorch_shape::args::{ArgSpec, Args, Fallback, Feature, Kind, Value};
use rustorch_shape::functions::{FUNCTIONS, FunctionSpec, GROUPS, Inputs};
use rustorch_shape::layers::{LAYERS, LayerSpec, Signature};
use rustorch_shape::{Dims, Poly};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/model.md")
}

/// `kernel`, `stride = 1`
fn argument(arg: &ArgSpec) -> String {
    let default = match arg.fallback {
        Fallback::Required if arg.positional => return arg.name.into(),
        Fallback::Required => "..".into(),
        Fallback::Inferred(_) => return "_".into(),
        Fallback::Same(other) => other.into(),
        Fallback::Size(n) => n.to_string(),
        Fallback::Axis(n) => n.to_string(),
        Fallback::AllAxes => "all".into(),
        Fallback::Bool(flag) => flag.to_string(),
        Fallback::Float(number) => format!("{number:?}"),
        Fallback::Text(text) => format!("{text:?}"),
        Fallback::Absent => "none".into(),
    };
    format!("{} = {default}", arg.name)
}

fn signature(name: &str, before: &[&str], args: &[ArgSpec]) -> String {
    let args: Vec<String> = before.iter().map(ToString::to_string).chain(args.iter().map(argument)).collect();
    if args.is_empty() { name.into() } else { format!("{name}({})", args.join(", ")) }
}

/// Input and output of a layer, by its rule: sizes in capitals are its arguments.
fn shapes(spec: &LayerSpec) -> Option<String> {
    let mut args = Args::new(spec.name);
    let param = |arg: &ArgSpec| Poly::param(arg.name.to_uppercase());
    for arg in spec.args {
        let value = match (arg.default_value(&args), arg.kind) {
            (Some(value), _) => value,
            (None, Kind::Size) => Value::Size(param(arg)),
            (None, Kind::Window(axes)) => Value::Sizes(vec![param(arg); axes]),
            (None, Kind::Ends(axes)) => Value::Sizes(vec![param(arg); 2 * axes]),
            (None, Kind::Output(axes)) => Value::Target(vec![Some(param(arg)); axes]),
            (None, Kind::Sizes) => Value::Sizes(vec![param(arg)]),
            (None, Kind::Axis) => Value::Axis(1),
            (None, _) => Value::Expression,
        };
        args.set(arg.name, value);
    }
    let feature = spec.args.iter().find_map(|arg| match arg.fallback {
        Fallback::Inferred(feature) => Some((feature, param(arg))),
        _ => None,
    });
    let ranks: &[usize] = match feature {
        Some((Feature::Before(spatial), _)) => &[spatial + 2],
        Some((Feature::Last, _)) => &[3],
        _ => &[4, 3, 2, 5],
    };
    ranks.iter().find_map(|&rank| {
        let names = ["batch", "c", "h", "w", "d"];
        let mut input: Vec<Poly> = names[..rank].iter().map(|name| Poly::dim(*name)).collect();
        if let Some((feature, size)) = &feature {
            input[feature.axis(rank)?] = size.clone();
        }
        let output = spec.outputs(&args, &[&input], &mut Vec::new()).ok()?;
        let outputs: Vec<String> = output.iter().map(|shape| Dims(shape).to_string()).collect();
        Some(format!("{} → {}", Dims(&input), outputs.join(", ")))
    })
}

/// How a layer of several tensors is called.
fn usage(spec: &LayerSpec) -> String {
    let Signature { inputs, more, state, .. } = spec.signature;
    if inputs.len() == 1 && more.is_empty() && state.is_empty() {
        return String::new();
    }
    let state = match state {
        [] => String::new(),
        [one] => format!(", {one}"),
        several => format!(", ({})", several.join(", ")),
    };
    format!("called as `({}{state})`{}", inputs.join(", "), options(spec))
}

/// What a call may be given besides.
fn options(spec: &LayerSpec) -> String {
    let Signature { inputs, more, options, .. } = spec.signature;
    let more = if more.is_empty() {
        String::new()
    } else {
        format!("; called as `({}, {})` as well", inputs.join(", "), more.join(", "))
    };
    let names: Vec<String> = options.iter().map(|option| format!("`{}`", option.name)).collect();
    if names.is_empty() { more } else { format!("{more}; by name {}", names.join(", ")) }
}

fn layers() -> String {
    let mut text = String::from("| layer | what it computes | shapes |\n|---|---|---|\n");
    for spec in LAYERS {
        let inputs = spec.signature.inputs.len();
        let shapes = if inputs == 1 { shapes(spec) } else { None };
        let shapes = shapes.map_or_else(|| usage(spec), |shapes| format!("`{shapes}`{}", options(spec)));
        let call = signature(spec.name, &[], spec.args);
        writeln!(text, "| `{call}` | {} | {shapes} |", spec.summary.replace('|', "\\|")).unwrap();
    }
    text
}

fn functions() -> String {
    let mut text = String::new();
    for (title, group) in GROUPS.iter().zip(FUNCTIONS) {
        write!(text, "### {title}\n\n| function | what it computes |\n|---|---|\n").unwrap();
        for spec in *group {
            let FunctionSpec { name, summary, inputs, args, .. } = spec;
            let inputs: &[&str] = match inputs {
                Inputs::Named(names) => names,
                Inputs::List => &["[a, b, ..]"],
            };
            let call = signature(name, inputs, args);
            writeln!(text, "| `{call}` | {} |", summary.replace('|', "\\|")).unwrap();
        }
        text.push('\n');
    }
    text
}

fn replaced(text: &str, name: &str, content: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (head, rest) = text.split_once(&begin).expect("the page has the marks of its tables");
    let (_, tail) = rest.split_once(&end).expect("every table ends");
    format!("{head}{begin}{content}{end}{tail}")
}

#[test]
fn the_tables_are_up_to_date() {
    let text = fs::read_to_string(page()).unwrap();
    let new = replaced(&replaced(&text, "layers", &layers()), "functions", &functions());
    if text != new {
        assert!(
            std::env::var_os("UPDATE").is_some(),
            "docs/model.md is out of date: run `UPDATE=1 cargo test -p rustorch-shape --test reference`"
        );
        fs::write(page(), new).unwrap();
    }
}

#[test]
fn every_program_of_the_page_is_run_by_a_test() {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let tests = squeeze(&fs::read_to_string(root.join("tests/tests/model_language.rs")).unwrap());
    let text = fs::read_to_string(page()).unwrap();
    let programs: Vec<&str> =
        text.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(programs.len() >= 4);
    for program in programs {
        assert!(tests.contains(&squeeze(program)), "tests/tests/model_language.rs does not have\n{program}");
    }
}
