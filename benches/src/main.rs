//! The benchmark suite: the work of each row in RusTorch, and its side-by-side run against PyTorch.
//!
//! - `cargo run --release -p benches -- [filter]` prints `name<TAB>median<TAB>unit` for each row whose name contains
//!   the filter;
//! - `cargo run --release -p benches -- --against-pytorch [filter]` runs each row here and in `benches/pytorch.py` in
//!   turn and prints `name<TAB>ours<TAB>pytorch<TAB>unit<TAB>ratio`, where a ratio above 1 means that RusTorch is
//!   ahead. The interpreter is `$PYTHON`, or `python3`;
//! - with `--memory`, the figure is how many MiB a process grows by the row's work over what it was before, at its peak;
//! - `--threads N` sets how many threads both use (2);
//! - `--seconds S` changes how long each row is measured, `--device cuda` where.

mod compile;
mod measure;
mod memory;
mod pytorch;
mod rows;

use std::io::Write;
use std::process::ExitCode;

use rows::Row;

const USAGE: &str = "usage: benches [--against-pytorch] [--memory] [--device cpu|cuda] [--threads N] [--seconds S] [filter]\n       benches --list";

/// What the command line asks for.
struct Arguments {
    against_pytorch: bool,
    list: bool,
    memory: bool,
    /// The name of the one row whose memory this process is to measure.
    memory_of: Option<String>,
    device: String,
    threads: usize,
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
        memory: false,
        memory_of: None,
        device: "cpu".into(),
        threads: 2,
        seconds: 2.0,
        filter: String::new(),
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--against-pytorch" => arguments.against_pytorch = true,
            "--list" => arguments.list = true,
            "--memory" => arguments.memory = true,
            "--memory-of" => arguments.memory_of = Some(value()?),
            "--threads" => {
                let text = value()?;
                let threads = text.parse().ok().filter(|&threads: &usize| threads > 0);
                arguments.threads =
                    threads.ok_or_else(|| format!("--threads {text}: expected a positive number"))?;
            }
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
    rustorch::set_num_threads(arguments.threads);
    let rows = rows::all();
    if let Some(name) = &arguments.memory_of {
        let row = rows.iter().find(|row| row.name == *name).ok_or_else(|| format!("no row {name:?}"))?;
        println!("{:.1}", memory::growth(row)?);
        return Ok(());
    }
    let selected: Vec<&Row> = rows.iter().filter(|row| row.name.contains(&arguments.filter)).collect();
    let compile: Vec<&str> =
        compile::ROWS.into_iter().filter(|row| row.contains(&arguments.filter)).collect();
    if selected.is_empty() && compile.is_empty() {
        return Err(format!("no row's name contains {:?}; --list shows them", arguments.filter));
    }
    if arguments.list {
        let names = selected.iter().map(|row| row.name.as_str()).chain(compile);
        return names.into_iter().try_for_each(say);
    }
    if arguments.memory {
        return selected.into_iter().try_for_each(|row| peak_memory(row, arguments));
    }
    times(&selected, arguments)?;
    for row in compile {
        let seconds = compile::measure(row).map_err(|error| format!("{row}: {error}"))?;
        // PyTorch compiles nothing ahead of time.
        say(&format!("{row}\t{seconds:.2}{}", if arguments.against_pytorch { "\t-\ts\t-" } else { "\ts" }))?;
    }
    Ok(())
}

/// Measures the time of each row, here and in PyTorch in turn where that is asked for.
fn times(rows: &[&Row], arguments: &Arguments) -> Result<(), String> {
    let mut twin = match arguments.against_pytorch {
        true => Some(pytorch::Twin::start(arguments)?),
        false => None,
    };
    for row in rows {
        // Without what the row before left in the cache.
        rustorch::empty_cache();
        let ours = row.measure(arguments.seconds).map_err(|error| format!("{}: {error}", row.name))?;
        let theirs = twin.as_mut().map(|twin| twin.measure(&row.name)).transpose()?;
        print(&row.name, row.unit(), ours, theirs, row.flop.is_some())?;
    }
    Ok(())
}

/// Measures the peak memory of a row, in processes of their own.
fn peak_memory(row: &Row, arguments: &Arguments) -> Result<(), String> {
    let ours = memory::ours(&row.name, arguments)?;
    let theirs = if arguments.against_pytorch { Some(memory::pytorch(&row.name, arguments)?) } else { None };
    print(&row.name, "MiB", ours, theirs, false)
}

/// A line of the table. The ratio is above 1 where ours is better: more for a rate, less for anything else.
fn print(name: &str, unit: &str, ours: f64, theirs: Option<f64>, rate: bool) -> Result<(), String> {
    match theirs {
        None => say(&format!("{name}\t{ours:.4}\t{unit}")),
        Some(theirs) => {
            let ratio = if rate { ours / theirs } else { theirs / ours };
            say(&format!("{name}\t{ours:.4}\t{theirs:.4}\t{unit}\t{ratio:.2}"))
        }
    }
}

/// Prints a line; an error if nobody reads any more.
fn say(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| format!("cannot print: {error}"))
}
