//! Arguments of the command line: read and checked before anything is computed, with mistakes told in one line.

use std::any::TypeId;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::{Failure, Result};

/// The program's arguments. Prints help, and ends the program, where that is asked for.
///
/// # Errors
/// If an argument is unknown, missing, or out of its range; the message is one line.
pub fn arguments<A: Parser>() -> Result<A> {
    // A number may begin with a hyphen: then its own check says what is expected, instead of "unexpected argument".
    let command = A::command().mut_args(|arg| {
        let number =
            arg.get_action().takes_values() && arg.get_value_parser().type_id() != TypeId::of::<PathBuf>();
        arg.allow_hyphen_values(number)
    });
    let matches = command.try_get_matches().and_then(|mut matches| A::from_arg_matches_mut(&mut matches));
    matches.map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        Failure::new(format!("{}; see --help", line.trim_start_matches("error: ")))
    })
}

/// A count of at least 1.
///
/// # Errors
/// What is expected instead.
pub fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number, at least 1".into()),
    }
}

/// A count of items that are in memory at once, as in a batch.
///
/// # Errors
/// What is expected instead.
pub fn batch(text: &str) -> Result<usize, String> {
    const MOST: usize = 60_000;
    match text.parse() {
        Ok(count) if (1..=MOST).contains(&count) => Ok(count),
        _ => Err(format!("expected a whole number from 1 to {MOST}")),
    }
}

/// A seed of random numbers.
///
/// # Errors
/// What is expected instead.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// A learning rate, or another number that is finite and not negative.
///
/// # Errors
/// What is expected instead.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(rate),
        _ => Err("expected a finite number, at least 0".into()),
    }
}

/// Makes a folder for results, unless it is there, and makes sure that files can be written to it, which is better
/// known before training than after.
///
/// # Errors
/// If that is not possible; the message names the folder.
pub fn folder(path: &Path) -> Result<()> {
    let attempt = || -> io::Result<()> {
        fs::create_dir_all(path)?;
        let probe = path.join(format!(".writable-{}", std::process::id()));
        fs::write(&probe, [])?;
        fs::remove_file(probe)
    };
    attempt().map_err(|error| Failure::new(format!("{}: cannot be written to: {error}", path.display())))
}
