use rustorch::prelude::*;

dim!(batch);

fn main() {}
