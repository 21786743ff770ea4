//! The PyTorch twin as a child process that measures one row at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running `benches/pytorch.py --serve`.
pub struct Twin {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Twin {
    /// Starts the interpreter of `$PYTHON`, or `python3`.
    pub fn start(seconds: f64) -> Result<Self, String> {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/pytorch.py");
        let advice = "install PyTorch with `python3 -m venv .venv && .venv/bin/pip install torch torchvision` \
                      and set PYTHON=.venv/bin/python";
        let mut child = Command::new(&python)
            .args([script, "--serve", "--seconds", &seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {python}: {error}; {advice}"))?;
        let requests = child.stdin.take();
        let stdout = child.stdout.take().ok_or("the PyTorch twin has no output")?;
        let mut answers = BufReader::new(stdout);
        // Importing PyTorch keeps a core busy for seconds, which would be measured as ours.
        let mut ready = String::new();
        let read = answers.read_line(&mut ready);
        if read.is_err() || ready.trim_end() != "ready" {
            return Err(format!("{python} cannot run {script}; its message is above; {advice}"));
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
