//! Peak memory: how far a row's work lets a process grow over what it was before, each row in a process of its own.

use std::process::Command;

use crate::rows::Row;
use crate::{Arguments, pytorch as twin};

/// Steps before the peak is read: what a first step allocates and a second one frees has then shown.
const STEPS: usize = 10;

/// The growth of this process in MiB by the work of `row`.
pub fn growth(row: &Row) -> Result<f64, String> {
    let before = status("VmRSS")?;
    let mut step = (row.setup)().map_err(|error| format!("{}: {error}", row.name))?;
    (0..STEPS).for_each(|_| step());
    Ok((status("VmHWM")? - before) / 1024.0)
}

/// The growth of another run of this program.
pub fn ours(name: &str, arguments: &Arguments) -> Result<f64, String> {
    let program = std::env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    let threads = arguments.threads.to_string();
    answer(name, Command::new(program).args(["--memory-of", name, "--threads", &threads]))
}

/// The growth of a run of the PyTorch twin.
pub fn pytorch(name: &str, arguments: &Arguments) -> Result<f64, String> {
    answer(name, twin::command(arguments).args(["--memory-of", name]))
}

fn answer(name: &str, command: &mut Command) -> Result<f64, String> {
    let output = command.output().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| {
        format!("{name}: no figure from {command:?}: {text}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// A line of `/proc/self/status`, in KiB.
fn status(key: &str) -> Result<f64, String> {
    let path = "/proc/self/status";
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("memory is read from {path}, which Linux has: {error}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| format!("{path} has no {key}"))
}
