//! The PyTorch twin as a child process that measures one row at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Arguments;

const ADVICE: &str = "install PyTorch with `python3 -m venv .venv && .venv/bin/pip install torch torchvision` and set \
                      PYTHON=.venv/bin/python";

/// `benches/pytorch.py`, run by the interpreter `$PYTHON`, or `python3`.
pub fn command(arguments: &Arguments) -> Command {
    let mut command = Command::new(std::env::var("PYTHON").unwrap_or_else(|_| "python3".into()));
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch.py"));
    command.args(["--threads", &arguments.threads.to_string()]);
    command
}

/// A running `benches/pytorch.py --serve`.
pub struct Twin {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Twin {
    /// Starts it, and waits until it has imported PyTorch.
    pub fn start(arguments: &Arguments) -> Result<Self, String> {
        let mut command = command(arguments);
        let mut child = command
            .args(["--serve", "--seconds", &arguments.seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {command:?}: {error}; {ADVICE}"))?;
        let requests = child.stdin.take();
        let stdout = child.stdout.take().ok_or("the PyTorch twin has no output")?;
        let mut answers = BufReader::new(stdout);
        // Importing PyTorch keeps a core busy for seconds, which would be measured as ours.
        let mut ready = String::new();
        let read = answers.read_line(&mut ready);
        if read.is_err() || ready.trim_end() != "ready" {
            return Err(format!("{command:?} gave no answer; its message is above; {ADVICE}"));
        }
        Ok(Self { child, requests, answers })
    }

    /// Measures a row there.
    pub fn measure(&mut self, name: &str) -> Result<f64, String> {
        let requests = self.requests.as_mut().ok_or("the PyTorch twin has been closed")?;
        let gone = |_| "the PyTorch twin has stopped; its message is above".to_string();
        writeln!(requests, "{name}").and_then(|()| requests.flush()).map_err(gone)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(gone)?;
        let mut fields = answer.trim_end().split('\t').skip(1);
        fields
            .next()
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| format!("PyTorch gave no measurement for {name}: {answer:?}"))
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        // The end of its input ends the twin; a failure to wait leaves nothing to do.
        self.requests.take();
        let _ = self.child.wait();
    }
}
