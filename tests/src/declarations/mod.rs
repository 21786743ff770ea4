//! Random declarations of `model!`, the same for the same seed, with the tests that run them.
//!
//! A declaration is made of steps ([`steps`]), each of which takes tensors that are there and gives more. The step is the one
//! that declarations so far have used least of those that fit, so that a few dozen of them use everything.

mod builder;
mod elementwise;
mod image;
mod rare;
mod steps;

use builder::Builder;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A way to go on: what it is, and how. `None` if no tensor there is fits.
type Kind = (&'static str, fn(&mut Builder) -> Option<()>);

/// All ways to go on.
fn kinds() -> Vec<Kind> {
    [elementwise::KINDS, steps::KINDS, image::KINDS, rare::KINDS].concat()
}

/// Steps that a declaration has at least.
const STEPS: usize = 7;

/// The text of test files with so many declarations each, and how often each kind of step is used in them. `first` is the number of the
/// first declaration, on which all that is random depends.
pub fn files(first: usize, count: usize, each: usize) -> (Vec<String>, BTreeMap<&'static str, usize>) {
    let mut used: BTreeMap<&'static str, usize> = kinds().iter().map(|(name, _)| (*name, 0)).collect();
    let texts = (0..count).map(|file| {
        let mut text = HEADER.to_owned();
        for number in (file * each..(file + 1) * each).map(|number| first + number) {
            text += &declaration(number, &mut used);
        }
        // One line break at the end, as rustfmt wants it.
        format!("{}\n", text.trim_end())
    });
    (texts.collect(), used)
}

/// The declaration with this number and its test.
fn declaration(number: usize, used: &mut BTreeMap<&'static str, usize>) -> String {
    let mut builder = Builder::new(number);
    while builder.steps() < STEPS {
        let mut kinds = kinds();
        builder.shuffle(&mut kinds);
        kinds.sort_by_key(|(name, _)| used[name]);
        let (name, _) = *kinds.iter().find(|(_, make)| make(&mut builder).is_some()).expect("some step fits");
        *used.entry(name).or_default() += 1;
    }
    let mut text = String::new();
    builder.declaration(&mut text).expect("strings take any text");
    writeln!(text).expect("strings take any text");
    text
}

const HEADER: &str = "//! Written by `UPDATE=1 cargo test -p rustorch-tests --test declarations`: random declarations, compiled and op by op.

// Steps use what there is at random: some of it goes into no result.
#![allow(unused_variables)]

use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::check;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

model! {
    /// A model inside others.
    Inner<const D: usize> { fc: Linear(D, D), gain: Param([D], init = ones) }
    forward(x: [rows, D]) -> [rows, D] { tanh(fc(x)) * gain }
}

model! {
    /// One of two tensors to two.
    Pair<const D: usize> { fc: Linear(D, D), drop: Dropout(0.25) }
    forward(x: [rows, D], y: [rows, D]) -> ([rows, D], [rows, D]) {
        let z = fc(x) + y;
        let w = if self.training { sigmoid(z) } else { z * 0.5 };
        (drop(z), w)
    }
}

";
