//! `docs/model.md`: its tables are made from those of this crate, and its programs are taken from a test that runs them.
//!
//! `UPDATE=1 cargo test -p rustorch-shape --test reference` writes the tables anew.

use rustorch_shape::args::{ArgSpec, Args, Fallback, Feature, Kind, Value};
use rustorch_shape::functions::{FUNCTIONS, FunctionSpec, GROUPS, Inputs};
use rustorch_shape::layers::{LAYERS, LayerSpec, Signature};
use rustorch_shape::{Dims, Poly, Size};
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

/// What an argument is in the formulas of a shape: its name in capitals, also where it has a default on which sizes depend.
fn symbol(spec: &LayerSpec, arg: &ArgSpec, args: &Args) -> Value {
    let param = Poly::param(arg.name.to_uppercase());
    let [first, second] = ["FIRST", "SECOND"].map(Poly::param);
    match (arg.name, arg.kind, arg.default_value(args)) {
        ("padding", Kind::Padding(axes) | Kind::Window(axes), _)
        | ("stride" | "dilation" | "output_padding", Kind::Window(axes), _) => {
            Value::Sizes(vec![param; axes])
        }
        ("scale_factor", Kind::Sizes, _) => Value::Sizes(vec![param]),
        (_, Kind::Axis, None) => Value::Axis(1),
        ("sizes", Kind::Sizes, None) if spec.name == "Unflatten" => Value::Sizes(vec![first, second]),
        (_, _, Some(value)) => value,
        (_, Kind::Size, None) => Value::Size(param),
        (_, Kind::Window(axes), None) => Value::Sizes(vec![param; axes]),
        (_, Kind::Ends(axes), None) => Value::Sizes(vec![param; 2 * axes]),
        (_, Kind::Output(axes), None) => Value::Target(vec![Some(param); axes]),
        (_, Kind::Sizes, None) => Value::Sizes(vec![param]),
        _ => Value::Expression,
    }
}

/// The axes over which the windows of a layer move.
fn spatial(spec: &LayerSpec) -> Option<usize> {
    let axes = |arg: &ArgSpec| match arg.kind {
        Kind::Window(axes) | Kind::Padding(axes) | Kind::Output(axes) | Kind::Ends(axes) => Some(axes),
        _ => None,
    };
    let inferred = |arg: &ArgSpec| match arg.fallback {
        Fallback::Inferred(Feature::Before(axes)) => Some(axes),
        _ => None,
    };
    spec.args.iter().find_map(|arg| axes(arg).or_else(|| inferred(arg)))
}

/// Input and output of a layer, by its rule: sizes in capitals are its arguments.
fn shapes(spec: &LayerSpec) -> Option<String> {
    let mut args = Args::new(spec.name);
    for arg in spec.args {
        let value = symbol(spec, arg, &args);
        args.set(arg.name, value);
    }
    let feature = spec.args.iter().find_map(|arg| match arg.fallback {
        Fallback::Inferred(feature) => Some((feature, Poly::param(arg.name.to_uppercase()))),
        _ => None,
    });
    // Without `batch_first` sequences begin with their length.
    let is_sequence = spec.args.iter().any(|arg| arg.name == "batch_first");
    let names: &[&[&str]] = match (is_sequence, spatial(spec), &feature) {
        (true, ..) => &[&["length", "batch", "d"]],
        (_, Some(1), _) => &[&["batch", "c", "length"]],
        (_, Some(3), _) => &[&["batch", "c", "d", "h", "w"]],
        (_, None, Some((Feature::Last, _))) => &[&["batch", "n", "d"]],
        _ => &[
            &["batch", "c", "h", "w"],
            &["batch", "c", "length"],
            &["batch", "c"],
            &["batch", "c", "d", "h", "w"],
        ],
    };
    let given = |input: &[Poly]| {
        let output = spec.outputs(&args, &[input], &mut Vec::new()).ok()?;
        let outputs: Vec<String> = output.iter().map(|shape| Dims(shape).to_string()).collect();
        Some(format!("{} → {}", Dims(input), outputs.join(", ")))
    };
    names.iter().find_map(|names| {
        let mut input: Vec<Poly> = names.iter().map(|name| Poly::dim(*name)).collect();
        if let Some((feature, size)) = &feature {
            input[feature.axis(names.len())?] = size.clone();
        }
        let [first, second, half] = ["FIRST", "SECOND", "HALF"].map(Poly::param);
        let (mut halved, mut split) = (input.clone(), input.clone());
        *halved.last_mut()? = Poly::constant(2).times(&half)?;
        split[1] = first.times(&second)?;
        given(&input).or_else(|| given(&halved)).or_else(|| given(&split))
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
