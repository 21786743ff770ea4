//! Finding CUDA's shared libraries at run time.
//!
//! cudarc loads each library on the first call into it and panics where there is none, so every door into it goes
//! through this module first: it looks for the library, keeps it loaded, and answers with an error that says
//! what was looked for and where. A library that is loaded from a folder outside the system's search path (a Python
//! environment's `nvidia` packages, say) is then found by cudarc too, since the loader knows it by its soname.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::error::{Context, Error, Result};

/// A library that could not be loaded, and where it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// What it is to a person: "the CUDA driver", "NVRTC".
    pub library: &'static str,
    /// What it would have been used for.
    pub purpose: &'static str,
    /// How to get it.
    pub remedy: &'static str,
    /// File names that were tried.
    pub names: Vec<String>,
    /// Folders that were searched besides the system's own library path.
    pub folders: Vec<PathBuf>,
    /// What the dynamic linker said about the first name.
    pub reason: String,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}) could not be loaded: looked for {}",
            self.library,
            self.purpose,
            self.names.join(", ")
        )?;
        write!(f, " on the system's library path")?;
        if !self.folders.is_empty() {
            let folders: Vec<_> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
            write!(f, " and in {}", folders.join(", "))?;
        }
        write!(f, " ({}). {}; the CPU works without it", self.reason, self.remedy)
    }
}

/// Makes sure that the driver is loaded, initialised and new enough.
pub(crate) fn driver() -> Result<()> {
    static FOUND: OnceLock<Result<()>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let names = if cfg!(unix) {
                vec!["libcuda.so.1".to_owned(), "libcuda.so".to_owned()]
            } else {
                ["cuda", "nvcuda"].iter().flat_map(|name| cudarc::get_lib_name_candidates(name)).collect()
            };
            // Hosts that mount the driver instead of installing it use these folders.
            let folders = ["/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"].map(PathBuf::from);
            open(
                "the CUDA driver",
                "every CUDA device",
                "Install the NVIDIA driver, or use Device::Cpu",
                names,
                folders.into_iter().filter(|folder| folder.is_dir()).collect(),
            )?;
            let found = driver_version()?;
            if found < 12_000 {
                return Err(Error::DriverTooOld { found });
            }
            cudarc::driver::result::init().during("cuInit")
        })
        .clone()
}

/// Makes sure that NVRTC, the run-time compiler, is loaded.
pub(crate) fn nvrtc() -> Result<()> {
    static FOUND: OnceLock<Result<()>> = OnceLock::new();
    FOUND.get_or_init(|| toolkit_library("nvrtc", "NVRTC", "compiles the CUDA kernels")).clone()
}

/// Makes sure that cuBLASLt is loaded.
pub(crate) fn cublaslt() -> Result<()> {
    static FOUND: OnceLock<Result<()>> = OnceLock::new();
    FOUND.get_or_init(|| toolkit_library("cublasLt", "cuBLASLt", "matrix products")).clone()
}

/// The newest CUDA version that the loaded driver supports, `1000 * major + 10 * minor`.
fn driver_version() -> Result<i32> {
    let mut version = 0;
    // SAFETY: the driver library is loaded, and the pointer is to a live integer.
    unsafe { cudarc::driver::sys::cuDriverGetVersion(&mut version) }.result().during("cuDriverGetVersion")?;
    Ok(version)
}

/// Looks for a library of the toolkit, of the driver's own major version first: code that a newer major compiled
/// does not load in an older driver.
fn toolkit_library(stem: &str, library: &'static str, purpose: &'static str) -> Result<()> {
    let newest = if driver().is_ok() { driver_version()? / 1000 } else { 13 };
    let names = if cfg!(unix) {
        let versions = (12..=newest.min(13)).rev().map(|major| format!("lib{stem}.so.{major}"));
        versions.chain([format!("lib{stem}.so")]).collect()
    } else {
        cudarc::get_lib_name_candidates(stem)
    };
    let remedy = "Install the CUDA toolkit or NVIDIA's Python packages of it, or point CUDA_HOME at one";
    open(library, purpose, remedy, names, library_folders())
}

fn open(
    library: &'static str,
    purpose: &'static str,
    remedy: &'static str,
    names: Vec<String>,
    folders: Vec<PathBuf>,
) -> Result<()> {
    let mut reason = None;
    for name in &names {
        let inside = folders.iter().map(|folder| folder.join(name)).filter(|path| path.exists());
        for path in std::iter::once(PathBuf::from(name)).chain(inside) {
            // SAFETY: loading runs the library's initialisers; these are NVIDIA's, made to be loaded this way.
            match unsafe { libloading::Library::new(&path) } {
                Ok(loaded) => {
                    // Kept for the life of the process: cudarc's own handle finds it by its soname.
                    std::mem::forget(loaded);
                    return Ok(());
                }
                Err(error) => reason = reason.or(Some(explain(&error))),
            }
        }
    }
    let reason = reason.unwrap_or_default();
    Err(Error::LibraryNotFound(NotFound { library, purpose, remedy, names, folders, reason }))
}

/// The dynamic linker's own words, which libloading keeps as the error's source.
fn explain(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| source.to_string())
}

/// Folders that may hold the toolkit's libraries.
fn library_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for root in toolkit_roots() {
        folders.extend(["lib64", "lib", "targets/x86_64-linux/lib"].map(|name| root.join(name)));
    }
    for package in python_packages() {
        folders.push(package.join("lib"));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// Folders with CUDA's headers (`cuda_fp16.h`), for kernels that include them. The crate's own kernels do not.
pub(crate) fn include_folders() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let roots = toolkit_roots().into_iter().chain(python_packages());
        let found =
            roots.map(|root| root.join("include")).find(|folder| folder.join("cuda_fp16.h").is_file());
        found.into_iter().collect()
    })
}

fn toolkit_roots() -> Vec<PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"].iter().filter_map(env::var_os).map(PathBuf::from);
    named.chain(["/usr/local/cuda", "/opt/cuda"].map(PathBuf::from)).filter(|root| root.is_dir()).collect()
}

/// The `nvidia/<package>` folders of the Python environments on `PATH`: `nvidia/cu13` since CUDA 13, one folder for
/// each library (`nvidia/cuda_nvrtc`, `nvidia/cublas`) before.
fn python_packages() -> Vec<PathBuf> {
    let bins =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut prefixes: Vec<PathBuf> = env::var_os("VIRTUAL_ENV").map(PathBuf::from).into_iter().collect();
    prefixes.extend(env::var_os("CONDA_PREFIX").map(PathBuf::from));
    prefixes.extend(
        bins.iter().filter(|bin| bin.join("python3").exists()).filter_map(|bin| Some(bin.parent()?.into())),
    );
    let mut packages = Vec::new();
    for prefix in prefixes {
        for python in entries(&prefix.join("lib")) {
            if !file_name(&python).starts_with("python3") {
                continue;
            }
            let nvidia = ["site-packages", "dist-packages"].map(|name| python.join(name).join("nvidia"));
            let mut found: Vec<_> = nvidia.iter().flat_map(|folder| entries(folder)).collect();
            // `cu13` before the packages of single libraries, and the newest first.
            found.sort_by(|a, b| {
                file_name(b).starts_with("cu1").cmp(&file_name(a).starts_with("cu1")).then(b.cmp(a))
            });
            packages.extend(
                found
                    .into_iter()
                    .filter(|folder| folder.join("lib").is_dir() || folder.join("include").is_dir()),
            );
        }
    }
    let mut seen = std::collections::HashSet::new();
    packages.retain(|folder| seen.insert(folder.clone()));
    packages
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_an_error_that_says_what_was_looked_for() {
        let names = vec!["librustorch-no-such-library.so".to_owned()];
        let folders = vec![PathBuf::from("/nowhere")];
        let error = open("NVRTC", "compiles the CUDA kernels", "Install it", names, folders).unwrap_err();
        let text = error.to_string();
        for part in
            ["NVRTC", "librustorch-no-such-library.so", "/nowhere", "Install it", "the CPU works without it"]
        {
            assert!(text.contains(part), "{part:?} is missing in: {text}");
        }
    }

    #[test]
    fn asking_for_the_driver_never_panics() {
        match driver() {
            Ok(()) => assert!(driver_version().unwrap() >= 12_000),
            Err(error) => assert!(error.to_string().contains("driver"), "{error}"),
        }
    }
}
