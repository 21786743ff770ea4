//! The MNIST reader: the official files, and every way in which they can be broken.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustorch::DType;
use rustorch::data::Dataset;
use rustorch::vision::datasets::Mnist;

const IMAGES: &str = "train-images-idx3-ubyte";
const LABELS: &str = "train-labels-idx1-ubyte";

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rustorch-mnist-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A pair of good files with three images.
    fn good(name: &str) -> Self {
        let directory = Self::new(name);
        directory.write(IMAGES, &images(3, 28));
        directory.write(LABELS, &labels(&[7, 0, 9]));
        directory
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.0.join(format!("{name}.gz")), gz(content)).unwrap();
    }

    #[track_caller]
    fn refused(&self, file: &str, words: &[&str]) {
        let error = Mnist::new(&self.0, true).err().expect("the files are broken").to_string();
        assert!(error.contains(file), "the message names the file: {error}");
        for word in words {
            assert!(error.contains(word), "{word:?} in {error}");
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn header(magic: u32, sizes: &[u32]) -> Vec<u8> {
    std::iter::once(&magic).chain(sizes).flat_map(|word| word.to_be_bytes()).collect()
}

fn images(count: u32, side: u32) -> Vec<u8> {
    let mut file = header(0x803, &[count, side, side]);
    file.extend((0..count * side * side).map(|i| (i % 256) as u8));
    file
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let mut file = header(0x801, &[labels.len() as u32]);
    file.extend(labels);
    file
}

#[test]
fn the_official_files() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/mnist");
    let test = Mnist::new(&directory, false).unwrap();
    assert_eq!((test.len(), test.images().shape()), (10_000, &[10_000, 1, 28, 28][..]));
    assert_eq!(test.images().dtype(), DType::U8);
    assert_eq!(test.labels().to_vec::<i64>().unwrap()[..8], [7, 2, 1, 0, 4, 1, 4, 9]);
    let train = Mnist::new(&directory, true).unwrap().normalize(0.1307, 0.3081);
    assert_eq!(train.len(), 60_000);
    assert_eq!(train.labels().to_vec::<i64>().unwrap()[..5], [5, 0, 4, 1, 9]);
    // In parts, so that the test does not hold all pixels as floats at once.
    let (mut sum, mut squares) = (0.0, 0.0);
    for start in (0..60_000).step_by(6000) {
        let indices: Vec<usize> = (start..start + 6000).collect();
        for pixel in train.batch(&indices).unwrap().0.to_vec::<f32>().unwrap() {
            sum += f64::from(pixel);
            squares += f64::from(pixel).powi(2);
        }
    }
    let count = 60_000.0 * 784.0;
    let (mean, std) = (sum / count, (squares / count - (sum / count).powi(2)).sqrt());
    assert!(mean.abs() < 1e-3 && (std - 1.0).abs() < 1e-3, "normalised: mean {mean}, deviation {std}");
}

#[test]
fn items_and_batches_agree() {
    let directory = Directory::good("items");
    for data in
        [Mnist::new(&directory.0, true), Mnist::new(&directory.0, true).map(|d| d.normalize(0.5, 0.25))]
    {
        let data = data.unwrap();
        let (x, y) = data.batch(&[2, 0]).unwrap();
        assert_eq!((x.shape(), y.to_vec::<i64>().unwrap()), (&[2, 1, 28, 28][..], vec![9, 7]));
        let (image, label) = data.get(2).unwrap();
        assert_eq!((image.shape(), label), (&[1, 28, 28][..], 9));
        assert_eq!(image.to_vec::<f32>().unwrap(), x.select(0, 0).unwrap().to_vec::<f32>().unwrap());
        assert!(data.get(3).is_err() && data.batch(&[0, 3]).is_err());
    }
    let plain = Mnist::new(&directory.0, true).unwrap();
    let pixels = plain.get(0).unwrap().0.to_vec::<f32>().unwrap();
    assert!((pixels[255] - 1.0).abs() < 1e-6 && pixels[0] == 0.0);
}

#[test]
fn unpacked_files_are_read_too() {
    let directory = Directory::new("plain");
    fs::write(directory.0.join(IMAGES), images(1, 28)).unwrap();
    fs::write(directory.0.join(LABELS), labels(&[4])).unwrap();
    assert_eq!(Mnist::new(&directory.0, true).unwrap().len(), 1);
}

#[test]
fn a_missing_file() {
    Directory::new("missing").refused("train-images-idx3-ubyte.gz", &["No such file"]);
    let directory = Directory::new("half");
    directory.write(IMAGES, &images(1, 28));
    directory.refused("train-labels-idx1-ubyte.gz", &["No such file"]);
}

#[test]
fn a_gzip_file_that_is_cut_off_or_none() {
    let directory = Directory::good("truncated");
    let path = directory.0.join(format!("{IMAGES}.gz"));
    let whole = fs::read(&path).unwrap();
    for keep in [0, 5, 12, whole.len() / 2, whole.len() - 3] {
        fs::write(&path, &whole[..keep]).unwrap();
        directory.refused(IMAGES, &["ends in the middle"]);
    }
    fs::write(&path, b"<html>not found</html>").unwrap();
    directory.refused(IMAGES, &["gzip"]);
    let mut flipped = whole.clone();
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    fs::write(&path, flipped).unwrap();
    directory.refused(IMAGES, &["gzip"]);
}

#[test]
fn wrong_magic_numbers() {
    let directory = Directory::good("magic");
    directory.write(IMAGES, &labels(&[1, 2]));
    directory.refused(IMAGES, &["0x00000801", "expected 0x00000803"]);
    let directory = Directory::good("magic-labels");
    directory.write(LABELS, &images(1, 28));
    directory.refused(LABELS, &["0x00000803", "expected 0x00000801"]);
}

#[test]
fn wrong_amounts_of_data() {
    let directory = Directory::good("amounts");
    let mut short = images(3, 28);
    short.truncate(short.len() - 1);
    directory.write(IMAGES, &short);
    directory.refused(IMAGES, &["2352 bytes", "there are 2351"]);
    let mut long = images(3, 28);
    long.extend([0; 4]);
    directory.write(IMAGES, &long);
    directory.refused(IMAGES, &["4 bytes follow"]);
    directory.write(IMAGES, &header(0x803, &[u32::MAX, u32::MAX, u32::MAX]));
    directory.refused(IMAGES, &["4294967295 × 4294967295", "expected 28 × 28"]);
    directory.write(IMAGES, &header(0x803, &[u32::MAX, 28, 28]));
    directory.refused(IMAGES, &["[4294967295, 28, 28]", "more than the file can hold"]);
    directory.write(IMAGES, &header(0x803, &[3, 28, 28]));
    directory.refused(IMAGES, &["there are 0"]);
    let mut far_longer = images(3, 28);
    far_longer.resize(5 << 20, 0);
    directory.write(IMAGES, &far_longer);
    directory.refused(IMAGES, &["at least 1048576 bytes follow"]);
    directory.write(IMAGES, &images(2, 32));
    directory.refused(IMAGES, &["32 × 32", "expected 28 × 28"]);
    directory.write(IMAGES, &images(0, 28));
    directory.refused(IMAGES, &["no images"]);
}

#[test]
fn labels_that_do_not_fit() {
    let directory = Directory::good("labels");
    directory.write(LABELS, &labels(&[1, 2]));
    directory.refused(LABELS, &["2 labels", "3 images"]);
    // That is seen by the headers, before data of any size is unpacked.
    directory.write(LABELS, &header(0x801, &[2]));
    directory.refused(LABELS, &["2 labels", "3 images"]);
    directory.write(LABELS, &labels(&[1, 10, 2]));
    directory.refused(LABELS, &["label 1 is 10", "expected 0 to 9"]);
}
