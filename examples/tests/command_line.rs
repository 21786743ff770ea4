//! The examples as a new user meets them: a mistake on the command line, or in the data, is answered by one line that says
//! what is expected, before anything is trained.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs an example, which `cargo test` has built beside this test.
fn run(name: &str, arguments: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let example = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    let output = Command::new(&example).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{}: {error}; `cargo build --examples` makes it", example.display()))
}

/// Fails unless the example ends with one line of error that contains these words.
#[track_caller]
fn refused(name: &str, arguments: &[&str], words: &[&str]) {
    let output = run(name, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    let call = format!("{name} {}:\n{error}", arguments.join(" "));
    assert_eq!(output.status.code(), Some(1), "{call}");
    assert_eq!(error.lines().count(), 1, "{call}");
    words.iter().for_each(|word| assert!(error.contains(word), "`{word}` is not in: {call}"));
}

const DIGITS: [&str; 4] = ["mnist", "resnet", "unet", "vit"];
const TEXTS: [&str; 2] = ["chargpt", "tagger"];
/// The examples that take no arguments.
const PLAIN: [&str; 2] = ["autograd", "einsum"];

fn all() -> impl Iterator<Item = &'static str> {
    DIGITS.into_iter().chain(TEXTS)
}

#[test]
fn numbers_out_of_range() {
    for name in all() {
        for value in ["-1", "-0.5", "nan", "inf", "-inf", "fast", "--seed"] {
            refused(name, &["--lr", value], &["--lr", value, "finite number, at least 0"]);
        }
        for value in ["0", "-3", "2.5", "60001", "99999999999999999999"] {
            refused(name, &["--batch-size", value], &["--batch-size", value, "from 1 to 60000"]);
        }
        refused(name, &["--seed", "-1"], &["--seed", "-1", "from 0 to 18446744073709551615"]);
        refused(name, &["--sped", "1"], &["--sped", "see --help"]);
        refused(name, &["--lr"], &["--lr", "value is required"]);
        refused(name, &["more"], &["more"]);
    }
    for value in ["0", "-1", "many"] {
        DIGITS
            .iter()
            .for_each(|name| refused(name, &["--epochs", value], &["--epochs", value, "at least 1"]));
        TEXTS.iter().for_each(|name| refused(name, &["--steps", value], &["--steps", value, "at least 1"]));
    }
    refused("unet", &["--noise", "-1"], &["--noise", "-1", "at least 0"]);
    refused("chargpt", &["--write", "0"], &["--write", "0", "at least 1"]);
    refused("mnist", &["--out", "--explain"], &["--out", "value is required"]);
}

#[test]
fn help_is_not_an_error() {
    for name in all() {
        let output = run(name, &["--help"]);
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{name}");
        assert!(help.contains("--batch-size") && help.contains("[default: "), "{name}:\n{help}");
    }
}

#[test]
fn examples_without_arguments_take_none() {
    for name in PLAIN {
        refused(name, &["--seed", "1"], &["--seed", "see --help"]);
        refused(name, &["more"], &["more", "see --help"]);
        let help = run(name, &["--help"]);
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(help.status.success() && help.stderr.is_empty(), "{name}");
        assert!(text.contains("Usage") && text.contains("--help"), "{name}:\n{text}");
        let output = run(name, &[]);
        assert!(output.status.success() && output.stderr.is_empty(), "{name}");
        assert!(String::from_utf8(output.stdout).unwrap().lines().count() > 5, "{name}");
    }
}

/// A folder of its own for a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rustorch-examples-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where results cannot be written, that is said before hours of training.
#[test]
fn results_that_cannot_be_written() {
    let folder = Folder::new("out");
    let file = folder.path("file");
    fs::write(&file, "not a folder").unwrap();
    let inside = folder.path("file/inside");
    for name in ["mnist", "unet"] {
        for out in [&file, &inside] {
            refused(name, &["--out", out], &[out, "cannot be written to"]);
        }
        let out = folder.path(name);
        refused(name, &["--out", &out, "--data", &folder.path("nowhere")], &["nowhere"]);
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "nothing is left in {out}");
    }
}

#[test]
fn digits_that_are_missing_or_damaged() {
    let folder = Folder::new("digits");
    let data = folder.path("data");
    let images = folder.path("data/train-images-idx3-ubyte.gz");
    let out = folder.path("out");
    let refused_by_all = |words: &[&str]| {
        for name in DIGITS {
            let mut arguments = vec!["--data", &data];
            if ["mnist", "unet"].contains(&name) {
                arguments.extend(["--out", &out]);
            }
            refused(name, &arguments, words);
        }
    };
    refused_by_all(&[&images, "No such file"]);
    fs::create_dir_all(&data).unwrap();
    refused_by_all(&[&images, "No such file"]);
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
    let labels = "train-labels-idx1-ubyte.gz";
    fs::copy(digits.join(labels), Path::new(&data).join(labels)).unwrap();
    let whole = digits.join("train-images-idx3-ubyte.gz");
    let whole = fs::read(whole).unwrap();
    fs::write(&images, &whole[..10_000]).unwrap();
    refused_by_all(&[&images]);
    fs::write(&images, "these are no digits").unwrap();
    refused_by_all(&[&images]);
    fs::write(&images, []).unwrap();
    refused_by_all(&[&images]);
}

#[test]
fn texts_that_are_missing_short_or_binary() {
    let folder = Folder::new("texts");
    let text = folder.path("text");
    let refused_by_all =
        |words: &[&str]| TEXTS.iter().for_each(|name| refused(name, &["--text", &text], words));
    refused_by_all(&[&text, "No such file"]);
    fs::write(&text, b"\xff\xfe\x80").unwrap();
    refused_by_all(&[&text, "UTF-8"]);
    for content in [String::new(), "Call me".to_owned(), "x".repeat(40)] {
        fs::write(&text, &content).unwrap();
        refused("chargpt", &["--text", &text], &["64 symbols"]);
        refused("tagger", &["--text", &text], &[&text, "letters", "at least 1280"]);
    }
}
