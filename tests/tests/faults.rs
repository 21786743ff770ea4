//! Files with errors in them, by the thousand: whatever the bytes are, reading gives what is there or an error that names
//! the file. It does not panic, believe sizes that the file cannot hold, or leave a module half loaded.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustorch::data::Dataset;
use rustorch::nn::{Conv2d, Linear, Module, StateDict};
use rustorch::vision::datasets::Mnist;
use rustorch::{DType, Error, Tensor, serialize};
use rustorch_tests::quiet;

/// Reproducible numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound as u64) as usize
    }

    /// The bytes with some of them changed, cut out, repeated, or overwritten by extreme numbers.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len().max(1));
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..(at + 1 + self.below(16)).min(bytes.len()))),
                2 => bytes.splice(at..at, vec![self.below(256) as u8; 1 + self.below(16)]).for_each(drop),
                3 => bytes.iter_mut().skip(at).take(8).for_each(|byte| *byte = 0xff),
                4 => bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = b'9'),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << self.below(8)),
            }
        }
        bytes
    }
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rustorch-faults-{name}-{}", std::process::id()))
}

/// Fails unless the error is about the file.
#[track_caller]
fn check(error: &str, path: &Path) {
    assert!(!quiet::is_internal(error), "{error}");
    assert!(error.contains(&path.display().to_string()), "{error}");
}

fn network() -> Linear {
    Linear::new(3, 4)
}

fn numbers(module: &impl Module) -> Vec<Vec<f32>> {
    module.state_dict().iter().map(|(_, tensor)| tensor.detach().to_vec().unwrap()).collect()
}

#[test]
fn damaged_weights() {
    let path = path("weights.safetensors");
    let source = network();
    source.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut random = Numbers(1);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..3000 {
        fs::write(&path, random.damage(&whole)).unwrap();
        let target = network();
        let before = numbers(&target);
        match quiet::call(|| target.load(&path)) {
            Ok(()) => read += 1,
            Err(error) => {
                refused += 1;
                check(&error, &path);
                assert_eq!(numbers(&target), before, "half loaded: {error}");
            }
        }
    }
    assert!(read > 50 && refused > 1000, "{read} read, {refused} refused");
    fs::remove_file(path).unwrap();
}

/// A safetensors file with this header and so many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(std::iter::repeat_n(0x3f, data));
    bytes
}

#[test]
fn lying_headers_of_weights() {
    let path = path("headers.safetensors");
    let entry = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let headers = [
        (entry("F32", "[2,4611686018427387904]", "[0,8]"), 8),
        (entry("F32", "[9223372036854775807,9223372036854775807]", "[0,8]"), 8),
        (entry("F32", "[1000000000000]", "[0,4000000000000]"), 8),
        (entry("F32", "[3]", "[0,8]"), 8),
        (entry("F32", "[2]", "[8,0]"), 8),
        (entry("F32", "[2]", "[4,12]"), 12),
        (entry("F32", "[-2]", "[0,8]"), 8),
        (entry("F32", "[2.0]", "[0,8]"), 8),
        (entry("F32", "[2]", "[0,18446744073709551615]"), 8),
        (entry("F4", "[2]", "[0,8]"), 8),
        (entry("U16", "[4]", "[0,8]"), 8),
        (entry("BOOL", "[8]", "[0,8]"), 8),
        (entry("F32", "[2]", "[0,8]"), 9),
        (entry("F32", "[2]", "[0,8]"), 7),
        (r#"{"w":{"dtype":"F32","shape":[2]}}"#.into(), 8),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.into(), 8),
        (r#"{"__metadata__":{"a":1}}"#.into(), 0),
        ("[".repeat(100_000), 0),
        (r#"{"w":"#.repeat(20_000), 0),
        (String::new(), 0),
        ("null".into(), 0),
    ];
    for (header, data) in headers {
        fs::write(&path, file(&header, data)).unwrap();
        let shown: String = header.chars().take(100).collect();
        match quiet::call(|| serialize::load(&path)) {
            Ok(state) => panic!("{shown} was read as {state:?}"),
            Err(error) => check(&error, &path),
        }
    }
    let mut long = u64::MAX.to_le_bytes().to_vec();
    long.extend([b' '; 64]);
    for bytes in [long, vec![], vec![0; 7], vec![0; 8]] {
        fs::write(&path, bytes).unwrap();
        check(&quiet::call(|| serialize::load(&path)).unwrap_err(), &path);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    check(&quiet::call(|| serialize::load(&path)).unwrap_err(), &path);
    fs::remove_dir(path).unwrap();
}

/// Weights of another network: the error names the file and what differs, and nothing is loaded.
#[test]
fn weights_that_do_not_fit() {
    let path = path("other.safetensors");
    let target = Conv2d::new(2, 3, 3);
    let good = target.state_dict().copied();
    let altered = |alter: &dyn Fn(&mut StateDict)| {
        let mut state: StateDict =
            good.iter().map(|(name, tensor)| (name.to_owned(), tensor.add(1.0).unwrap())).collect();
        alter(&mut state);
        state
    };
    let without = |name: &str| {
        good.iter().filter(|(n, _)| *n != name).map(|(n, t)| (n.to_owned(), t.clone())).collect()
    };
    let before = numbers(&target);
    let cases: [(StateDict, &[&str]); 4] = [
        (altered(&|state| drop(state.insert("bias", Tensor::zeros([4])))), &["`bias`", "[4]", "[3]"]),
        (altered(&|state| drop(state.insert("extra", Tensor::zeros([4])))), &["unexpected", "`extra`"]),
        (without("bias"), &["missing", "`bias`"]),
        (
            altered(&|state| drop(state.insert("weight", Tensor::zeros_with([3, 2, 3, 2], DType::I64)))),
            &["`weight`", "[3, 2, 3, 2]", "[3, 2, 3, 3]"],
        ),
    ];
    for (state, words) in cases {
        serialize::save(&path, &state).unwrap();
        let error = target.load(&path).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        let error = error.to_string();
        check(&error, &path);
        words.iter().for_each(|word| assert!(error.contains(word), "{word} in {error}"));
        assert_eq!(numbers(&target), before, "half loaded: {error}");
    }
    fs::remove_file(path).unwrap();
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn idx(magic: u32, sizes: &[u32], data: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(sizes).flat_map(|word| word.to_be_bytes());
    header.chain(data).collect()
}

/// Damage before packing, which the checksum does not show, and after.
#[test]
fn damaged_digits() {
    let directory = path("digits");
    fs::create_dir_all(&directory).unwrap();
    let files = [
        ("train-images-idx3-ubyte.gz", idx(0x803, &[3, 28, 28], (0..3 * 784).map(|i| (i % 251) as u8))),
        ("train-labels-idx1-ubyte.gz", idx(0x801, &[3], [7, 0, 9])),
    ];
    let write = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes).unwrap();
    let mut random = Numbers(2);
    let (mut read, mut refused) = (0, 0);
    for round in 0..1500 {
        files.iter().for_each(|(name, content)| write(name, &gz(content)));
        let (name, content) = &files[round % 2];
        let bytes = if round % 3 == 0 { gz(&random.damage(content)) } else { random.damage(&gz(content)) };
        write(name, &bytes);
        match quiet::call(|| Mnist::new(&directory, true).map(|digits| digits.len())) {
            Ok(count) => {
                read += 1;
                assert_eq!(count, 3);
            }
            Err(error) => {
                refused += 1;
                assert!(
                    !quiet::is_internal(&error) && error.contains(&directory.display().to_string()),
                    "{error}"
                );
            }
        }
    }
    assert!(read > 10 && refused > 1000, "{read} read, {refused} refused");
    fs::remove_dir_all(directory).unwrap();
}

/// A small file that unpacks to gigabytes, as its header claims.
#[test]
fn a_file_that_unpacks_to_more_than_it_may() {
    let directory = path("bomb");
    fs::create_dir_all(&directory).unwrap();
    let zeros = gz(&vec![0; 1 << 20]);
    let mut images = gz(&idx(0x803, &[u32::MAX, 28, 28], []));
    // Members of a gzip file follow one another.
    (0..8).for_each(|_| images.extend(&zeros));
    fs::write(directory.join("train-images-idx3-ubyte.gz"), images).unwrap();
    let error = Mnist::new(&directory, true).err().unwrap().to_string();
    assert!(error.contains("train-images") && error.contains("[4294967295, 28, 28]"), "{error}");
    fs::remove_dir_all(directory).unwrap();
}

/// A save that cannot finish leaves the file that was there, and nothing else.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_save() {
    let directory = path("full");
    fs::create_dir_all(&directory).unwrap();
    let target = directory.join("weights.safetensors");
    network().save(&target).unwrap();
    let before = fs::read(&target).unwrap();
    let complex: StateDict =
        [("z".to_string(), Tensor::zeros_with([2], DType::Complex128))].into_iter().collect();
    assert!(serialize::save(&target, &complex).is_err());
    // Where the target's name is too long for the temporary file beside it, writing fails before the rename.
    let long = directory.join("w".repeat(250));
    fs::write(&long, &before).unwrap();
    let error = network().save(&long).unwrap_err().to_string();
    check(&error, &long);
    assert_eq!((fs::read(&target).unwrap(), fs::read(&long).unwrap()), (before.clone(), before));
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
    fs::remove_dir_all(directory).unwrap();
}
