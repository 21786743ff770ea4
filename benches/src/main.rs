//! The benchmark suite: the work of each row in RusTorch, and its side-by-side run against PyTorch.
//!
//! - `cargo run --release -p benches -- [filter]` prints `name<TAB>median<TAB>unit` for each row whose name contains
//!   the filter;
//! - `cargo run --release -p benches -- --against-pytorch [filter]` runs each row here and in `benches/pytorch.py` in
//!   turn and prints `name<TAB>ours<TAB>pytorch<TAB>unit<TAB>ratio`, where a ratio above 1 means that RusTorch is
//!   ahead. The interpreter is `$PYTHON`, or `python3`;
//! - `--seconds S` changes how long each row is measured, `--device cuda` where.

mod compile;
mod measure;
mod pytorch;
mod rows;

use std::process::ExitCode;

use rows::Row;

const USAGE: &str =
    "usage: benches [--against-pytorch] [--device cpu|cuda] [--seconds S] [filter]\n       benches --list";

/// What the command line asks for.
struct Arguments {
    against_pytorch: bool,
    list: bool,
    device: String,
    seconds: f64,
    filter: String,
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        against_pytorch: false,
        list: false,
        device: "cpu".into(),
        seconds: 2.0,
        filter: String::new(),
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--against-pytorch" => arguments.against_pytorch = true,
            "--list" => arguments.list = true,
            "--device" => arguments.device = value()?,
            "--seconds" => {
                let text = value()?;
                arguments.seconds = text
                    .parse()
                    .ok()
                    .filter(|seconds: &f64| *seconds > 0.0 && seconds.is_finite())
                    .ok_or_else(|| format!("--seconds {text}: expected a positive number"))?;
            }
            "--help" | "-h" => return Err(USAGE.into()),
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}\n{USAGE}")),
            filter => arguments.filter = filter.into(),
        }
    }
    if arguments.device != "cpu" {
        return Err(format!("--device {}: this build measures the cpu only", arguments.device));
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let rows = rows::all();
    let selected: Vec<&Row> = rows.iter().filter(|row| row.name.contains(&arguments.filter)).collect();
    let compile: Vec<&str> =
        compile::ROWS.into_iter().filter(|row| row.contains(&arguments.filter)).collect();
    if selected.is_empty() && compile.is_empty() {
        return Err(format!("no row's name contains {:?}; --list shows them", arguments.filter));
    }
    if arguments.list {
        selected.iter().for_each(|row| println!("{}", row.name));
        compile.iter().for_each(|row| println!("{row}"));
        return Ok(());
    }
    let mut twin = match arguments.against_pytorch {
        true => Some(pytorch::Twin::start(arguments.seconds)?),
        false => None,
    };
    for row in selected {
        let ours = row.measure(arguments.seconds).map_err(|error| format!("{}: {error}", row.name))?;
        match &mut twin {
            None => println!("{}\t{ours:.4}\t{}", row.name, row.unit()),
            Some(twin) => {
                let theirs = twin.measure(&row.name)?;
                // For a rate more is better, for a time less.
                let ratio = if row.flop.is_some() { ours / theirs } else { theirs / ours };
                println!("{}\t{ours:.4}\t{theirs:.4}\t{}\t{ratio:.2}", row.name, row.unit());
            }
        }
    }
    for row in compile {
        let seconds = compile::measure(row).map_err(|error| format!("{row}: {error}"))?;
        // PyTorch compiles nothing ahead of time.
        println!("{row}\t{seconds:.2}{}", if arguments.against_pytorch { "\t-\ts\t-" } else { "\ts" });
    }
    Ok(())
}
