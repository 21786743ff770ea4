//! Compile times of a user's program: a package with one `model!`, built from nothing, after an edit of the model, and
//! checked up to a shape error; and of large models, with the library built before. Each is timed as cargo's wall clock, in a
//! package of its own under `target/`, except expansions, which rustc times itself.

mod large;

use large::Large;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The rows, with what they do.
pub const ROWS: [&str; 11] = [
    "compile release clean",
    "compile release after an edit",
    "compile check to a shape error",
    "expand gpt48",
    "expand gpt48 array",
    "expand resnet152",
    "expand resnet152 array",
    "compile gpt48",
    "compile gpt48 array",
    "compile resnet152",
    "compile resnet152 array",
];

/// Times a row in seconds.
pub fn measure(row: &str) -> Result<f64, String> {
    let package = Package::create()?;
    let (work, model) = row.split_once(' ').unwrap_or((row, ""));
    let large = match model {
        "gpt48" => Some(Large::Gpt48),
        "gpt48 array" => Some(Large::Gpt48Array),
        "resnet152" => Some(Large::ResNet152),
        "resnet152 array" => Some(Large::ResNet152Array),
        _ => None,
    };
    if let Some(large) = large {
        // The library is built for a small program first.
        package.write(&program(512, 512))?;
        package.cargo("build", true)?;
        package.write(&large::program(large))?;
        return if work == "expand" { package.expansion() } else { package.cargo("build", true) };
    }
    match row {
        "compile release clean" => {
            package.clean()?;
            package.write(&program(512, 512))?;
            package.cargo("build", true)
        }
        "compile release after an edit" => {
            package.write(&program(512, 512))?;
            package.cargo("build", true)?;
            package.write(&program(256, 256))?;
            package.cargo("build", true)
        }
        _ => {
            package.write(&program(512, 512))?;
            package.cargo("check", true)?;
            package.write(&program(512, 256))?;
            package.cargo("check", false)
        }
    }
}

/// The program: a network with two hidden layers, whose sizes agree or do not.
fn program(hidden: usize, next: usize) -> String {
    format!(
        r"use rustorch::prelude::*;

model! {{
    /// A small network.
    pub Mlp {{ fc1: Linear(784, {hidden}), fc2: Linear({next}, 512), fc3: Linear(512, 10) }}
    forward(x: [batch, 784]) -> [batch, 10] {{ fc3(relu(fc2(relu(fc1(x))))) }}
}}

dim!(Batch);

fn main() -> rustorch::Result<()> {{
    let model = Mlp::new();
    let x = Tensor::randn([32, 784]).typed::<shape![Batch, 784]>()?;
    let mut optimiser = optim::Adam::new(model.parameters(), 1e-3);
    model.forward(&x).sum().backward()?;
    optimiser.step()?;
    Ok(())
}}
"
    )
}

/// How often an expansion is timed.
const EXPANSIONS: usize = 7;

/// A package beside the workspace that depends on the library by path.
struct Package {
    root: PathBuf,
}

impl Package {
    fn create() -> Result<Self, String> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the suite has no workspace")?;
        let root = workspace.join("target/compile-time");
        let failed = |error: std::io::Error| format!("{}: {error}", root.display());
        std::fs::create_dir_all(root.join("src")).map_err(failed)?;
        let manifest = format!(
            "[package]\nname = \"compile-time\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             rustorch = {{ path = {:?} }}\n\n[workspace]\n",
            workspace.join("rustorch")
        );
        std::fs::write(root.join("Cargo.toml"), manifest).map_err(failed)?;
        // The same versions of the dependencies as the workspace has.
        std::fs::copy(workspace.join("Cargo.lock"), root.join("Cargo.lock")).map_err(failed)?;
        Ok(Self { root })
    }

    fn write(&self, program: &str) -> Result<(), String> {
        std::fs::write(self.root.join("src/main.rs"), program).map_err(|error| error.to_string())
    }

    fn clean(&self) -> Result<(), String> {
        match std::fs::remove_dir_all(self.root.join("target")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// The time that rustc needs to expand the macros of the program in release, where macros are compiled without optimisation, in
    /// seconds: the shortest of [`EXPANSIONS`], as anything else that runs shows in so short a time.
    fn expansion(&self) -> Result<f64, String> {
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        cargo.args(["build", "--verbose", "--offline", "--release"]).current_dir(&self.root);
        cargo.env("CARGO_TARGET_DIR", self.root.join("target"));
        let printed = output(&mut cargo)?;
        // What cargo ran last, once more with times. They are for rustc's developers; the variable says that it may print them. (To
        // cargo itself it would be another compiler, for which everything is built anew.)
        let command =
            printed.lines().rev().find_map(|line| line.trim().strip_prefix("Running `")?.strip_suffix('`'));
        let command =
            command.ok_or_else(|| format!("cargo says nothing of how it runs rustc:\n{printed}"))?;
        let mut rustc = Command::new("sh");
        rustc
            .args(["-c", &format!("{command} -Ztime-passes -Zno-analysis")])
            .current_dir(&self.root)
            .env("RUSTC_BOOTSTRAP", "1");
        let mut shortest = f64::INFINITY;
        for _ in 0..EXPANSIONS {
            let printed = output(&mut rustc)?;
            let line = printed.lines().find(|line| line.ends_with("macro_expand_crate"));
            let seconds: Option<f64> =
                line.and_then(|line| line.strip_prefix("time:")?.split(';').next()?.trim().parse().ok());
            let seconds =
                seconds.ok_or_else(|| format!("rustc printed no time of the expansion:\n{printed}"))?;
            shortest = shortest.min(seconds);
        }
        Ok(shortest)
    }

    /// Runs cargo and returns its time; whether it succeeds must be as expected.
    fn cargo(&self, command: &str, succeeds: bool) -> Result<f64, String> {
        let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        cargo.arg(command).args(["--quiet", "--offline"]).current_dir(&self.root);
        cargo.env("CARGO_TARGET_DIR", self.root.join("target"));
        if command == "build" {
            cargo.arg("--release");
        }
        let start = Instant::now();
        let output = cargo.output().map_err(|error| format!("cannot run cargo: {error}"))?;
        let seconds = start.elapsed().as_secs_f64();
        if output.status.success() != succeeds {
            let messages = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "cargo {command} was to {}:\n{messages}",
                if succeeds { "succeed" } else { "fail" }
            ));
        }
        Ok(seconds)
    }
}

/// What a command prints to either stream.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    Ok([output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
}
