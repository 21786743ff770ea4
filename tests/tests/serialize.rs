//! Safetensors: what is written is what is read, and damaged files are errors.

use std::fs;
use std::path::PathBuf;

use rustorch::nn::{Layer, Linear, Module, ReLU, Sequential, StateDict};
use rustorch::{DType, Tensor, serialize};

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rustorch-{name}-{}.safetensors", std::process::id()))
}

#[test]
fn every_dtype_and_shape_survives() {
    let path = path("dtypes");
    let numbers = Tensor::from([[0.0f64, 1.0, -2.5], [3.0, 100.0, 0.25]]);
    let mut state = StateDict::new();
    for dtype in DType::ALL.into_iter().filter(|&dtype| dtype != DType::Complex128) {
        state.insert(dtype.name(), numbers.to_dtype(dtype));
    }
    state.insert("strided", numbers.t().unwrap());
    state.insert("scalar", Tensor::from([2.5f32]).reshape([0isize; 0]).unwrap());
    state.insert("empty", Tensor::zeros([0, 3]));
    serialize::save(&path, &state).unwrap();
    let loaded = serialize::load(&path).unwrap();
    assert_eq!(loaded.len(), state.len());
    for (name, tensor) in state.iter() {
        let other = loaded.get(name).unwrap();
        assert_eq!((other.shape(), other.dtype()), (tensor.shape(), tensor.dtype()), "{name}");
        let wide = |t: &Tensor| t.to_dtype(DType::Complex128).to_vec::<num_complex::Complex<f64>>().unwrap();
        assert_eq!(wide(other), wide(tensor), "{name}");
    }
    let complex: StateDict = [("z".to_string(), numbers.to_dtype(DType::Complex128))].into_iter().collect();
    assert!(serialize::save(&path, &complex).unwrap_err().to_string().contains("complex128"));
    assert_eq!(serialize::load(&path).unwrap().len(), state.len(), "a refused save leaves the old file");
    fs::remove_file(path).unwrap();
}

#[test]
fn metadata_survives() {
    let path = path("metadata");
    let words = [("made by".to_string(), "a test".to_string())].into_iter().collect();
    serialize::save_with_metadata(&path, &StateDict::new(), words).unwrap();
    assert_eq!(serialize::load_metadata(&path).unwrap()["made by"], "a test");
    assert!(serialize::load(&path).unwrap().is_empty());
    fs::remove_file(path).unwrap();
}

#[test]
fn damaged_files_are_errors() {
    let missing = serialize::load(path("missing")).unwrap_err().to_string();
    assert!(missing.contains("missing") && missing.contains("No such file"), "{missing}");
    let path = path("damaged");
    let state: StateDict = [("w".to_string(), Tensor::ones([100]))].into_iter().collect();
    serialize::save(&path, &state).unwrap();
    let whole = fs::read(&path).unwrap();
    for keep in 0..whole.len() {
        fs::write(&path, &whole[..keep]).unwrap();
        let error = serialize::load(&path).expect_err("a file that is cut off").to_string();
        assert!(error.contains("damaged"), "{error}");
    }
    let mut long = whole.clone();
    long.push(0);
    for garbage in [vec![0xff; 64], b"PK\x03\x04 a zip file, as PyTorch writes".to_vec(), long] {
        fs::write(&path, garbage).unwrap();
        assert!(serialize::load(&path).is_err());
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn nothing_is_left_beside_the_file() {
    let directory = std::env::temp_dir().join(format!("rustorch-atomic-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("w.safetensors");
    for _ in 0..3 {
        serialize::save(&file, &StateDict::new()).unwrap();
    }
    assert!(serialize::save(directory.join("no/such/w"), &StateDict::new()).is_err());
    assert!(serialize::save(&directory, &StateDict::new()).is_err(), "a directory cannot be overwritten");
    let names: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["w.safetensors"]);
    fs::remove_dir_all(directory).unwrap();
}

/// A link shows what was written, what only the owner could read stays so, and what is no file is left alone.
#[cfg(unix)]
#[test]
fn what_a_file_was_it_stays() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    let directory = path("kept");
    fs::create_dir_all(&directory).unwrap();
    let (file, link, socket) = (directory.join("w"), directory.join("link"), directory.join("socket"));
    let state = |value: f32| [("w".to_string(), Tensor::from([value]))].into_iter().collect::<StateDict>();
    serialize::save(&file, &state(1.0)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("w", &link).unwrap();
    serialize::save(&link, &state(2.0)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(serialize::load(&file).unwrap().get("w").unwrap().to_vec::<f32>().unwrap(), [2.0]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let _listener = UnixListener::bind(&socket).unwrap();
    let error = serialize::save(&socket, &state(3.0)).unwrap_err().to_string();
    assert!(error.contains("socket") && error.contains("not a regular file"), "{error}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn modules_save_and_load() {
    let path = path("module");
    let make = || Sequential::new().add(Linear::new(3, 4)).add(ReLU::new()).add(Linear::new(4, 2));
    let (a, b) = (make(), make());
    let x = Tensor::from([[1.0f32, -2.0, 0.5]]);
    let out = |net: &Sequential| net.forward(&x).unwrap().to_vec::<f32>().unwrap();
    assert_ne!(out(&a), out(&b));
    a.save(&path).unwrap();
    b.load(&path).unwrap();
    assert_eq!(out(&a), out(&b));
    let error = Linear::new(3, 4).load(&path).unwrap_err().to_string();
    assert!(error.contains("missing: `weight`, `bias`") && error.contains("`0.weight`"), "{error}");
    fs::remove_file(path).unwrap();
}
