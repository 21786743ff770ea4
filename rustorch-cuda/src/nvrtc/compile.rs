//! From CUDA C to machine code.

use std::ffi::CString;

use cudarc::nvrtc::{result, sys};

use super::Cache;
use crate::{
    error::{Error, Result},
    loader,
};

/// A kernel's source.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The name in error messages.
    pub name: &'a str,
    /// CUDA C++17. Kernels are `extern "C" __global__`.
    pub code: &'a str,
    /// Further options of NVRTC, such as `-DROWS=4`.
    pub options: &'a [String],
}

/// Machine code (a cubin), or PTX where NVRTC does not know the device yet and the driver has to finish the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(pub Vec<u8>);

/// Compiles for a compute capability, through the disk cache. Needs NVRTC but no device.
///
/// # Errors
/// NVRTC cannot be loaded, or the source does not compile; the message then shows the source lines.
pub fn compile(source: Source<'_>, arch: (u32, u32)) -> Result<Image> {
    compile_cached(source, arch, &Cache::from_environment())
}

pub(super) fn compile_cached(source: Source<'_>, arch: (u32, u32), cache: &Cache) -> Result<Image> {
    loader::nvrtc()?;
    let options = options(source, target(arch)?);
    let key =
        format!("{}\n{}\n{}\n{}", env!("CARGO_PKG_VERSION"), version()?, options.join("\n"), source.code);
    if let Some(image) = cache.read(&key) {
        return Ok(Image(image));
    }
    let image = Program::new(source)?.compile(source, arch, &options)?;
    cache.write(&key, &image);
    Ok(Image(image))
}

/// `sm_90` where NVRTC knows the device; otherwise the newest virtual architecture below it.
fn target((major, minor): (u32, u32)) -> Result<String> {
    let mut count = 0;
    // SAFETY: NVRTC is loaded, and the pointer is to a live integer.
    unsafe { sys::nvrtcGetNumSupportedArchs(&mut count) }.result().or_nvrtc("nvrtcGetNumSupportedArchs")?;
    let mut known = vec![0; count as usize];
    // SAFETY: the vector has the room that the call before asked for.
    unsafe { sys::nvrtcGetSupportedArchs(known.as_mut_ptr()) }.result().or_nvrtc("nvrtcGetSupportedArchs")?;
    let wanted = (10 * major + minor) as i32;
    if known.contains(&wanted) {
        return Ok(format!("sm_{wanted}"));
    }
    let newest = known.iter().filter(|&&arch| arch <= wanted).max();
    newest.map(|arch| format!("compute_{arch}")).ok_or_else(|| {
        let message =
            format!("compute capability {major}.{minor} is older than the oldest that NVRTC compiles for");
        Error::invalid("NVRTC", message)
    })
}

fn options(source: Source<'_>, target: String) -> Vec<String> {
    let mut options = vec![format!("--gpu-architecture={target}"), "--std=c++17".to_owned()];
    options.extend(
        loader::include_folders().iter().map(|folder| format!("--include-path={}", folder.display())),
    );
    options.extend(source.options.iter().cloned());
    options
}

fn version() -> Result<String> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: NVRTC is loaded, and both pointers are to live integers.
    unsafe { sys::nvrtcVersion(&mut major, &mut minor) }.result().or_nvrtc("nvrtcVersion")?;
    Ok(format!("nvrtc {major}.{minor}"))
}

/// A program of NVRTC, destroyed on drop.
struct Program {
    handle: sys::nvrtcProgram,
    /// NVRTC may look at the text until the program is destroyed.
    _text: [CString; 2],
}

impl Program {
    fn new(source: Source<'_>) -> Result<Self> {
        let text = |text: &str| {
            CString::new(text)
                .map_err(|_| Error::invalid(source.name, "the kernel's source holds a zero byte"))
        };
        let text = [text(source.code)?, text(&format!("{}.cu", source.name))?];
        let handle = result::create_program(&text[0], Some(&text[1])).or_nvrtc("nvrtcCreateProgram")?;
        Ok(Program { handle, _text: text })
    }

    fn compile(&self, source: Source<'_>, arch: (u32, u32), options: &[String]) -> Result<Vec<u8>> {
        // SAFETY: the program is alive.
        match unsafe { result::compile_program(self.handle, options) } {
            Ok(()) => self.image(options[0].contains("=sm_")),
            Err(result::NvrtcError(sys::nvrtcResult::NVRTC_ERROR_COMPILATION)) => {
                let log = with_source_lines(&self.log()?, source.code);
                Err(Error::Compile { kernel: source.name.to_owned(), arch, log })
            }
            Err(error) => Err(error).or_nvrtc("nvrtcCompileProgram"),
        }
    }

    fn image(&self, machine_code: bool) -> Result<Vec<u8>> {
        if !machine_code {
            // SAFETY: the program was compiled.
            let ptx = unsafe { result::get_ptx(self.handle) }.or_nvrtc("nvrtcGetPTX")?;
            return Ok(ptx.into_iter().map(|byte| byte as u8).collect());
        }
        let mut size = 0;
        // SAFETY: the program was compiled, and the pointer is to a live integer.
        unsafe { sys::nvrtcGetCUBINSize(self.handle, &mut size) }.result().or_nvrtc("nvrtcGetCUBINSize")?;
        let mut image = vec![0u8; size];
        // SAFETY: the vector has the room that the call before asked for.
        unsafe { sys::nvrtcGetCUBIN(self.handle, image.as_mut_ptr().cast()) }
            .result()
            .or_nvrtc("nvrtcGetCUBIN")?;
        Ok(image)
    }

    fn log(&self) -> Result<String> {
        // SAFETY: the program is alive.
        let log = unsafe { result::get_program_log(self.handle) }.or_nvrtc("nvrtcGetProgramLog")?;
        let bytes: Vec<u8> = log.into_iter().map(|byte| byte as u8).take_while(|&byte| byte != 0).collect();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once. There is nothing to do about a failure.
        let _ = unsafe { result::destroy_program(self.handle) };
    }
}

trait OrNvrtc<T> {
    fn or_nvrtc(self, call: &'static str) -> Result<T>;
}

impl<T> OrNvrtc<T> for std::result::Result<T, result::NvrtcError> {
    fn or_nvrtc(self, call: &'static str) -> Result<T> {
        self.map_err(|error| Error::Nvrtc { call, code: error.to_string() })
    }
}

/// Puts the source line after each message that names one (`name.cu(12): error: ...`) unless NVRTC did, as the newer ones do.
/// The source is generated, so the reader has no file to look into.
fn with_source_lines(log: &str, code: &str) -> String {
    let lines: Vec<&str> = code.lines().collect();
    let mut out = String::new();
    let mut messages = log.lines().peekable();
    while let Some(message) = messages.next() {
        out.push_str(message);
        out.push('\n');
        let number =
            message.split_once('(').and_then(|(_, rest)| rest.split_once(')')?.0.parse::<usize>().ok());
        let line = number.and_then(|number| lines.get(number.checked_sub(1)?));
        if let Some(line) = line.filter(|line| messages.peek().is_none_or(|next| next.trim() != line.trim()))
        {
            out.push_str(&format!("  {:>4} | {}\n", number.unwrap_or_default(), line.trim_end()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_followed_by_the_lines_they_name() {
        let log = "k.cu(2): error: expected a \")\"\n  note\n";
        assert_eq!(
            with_source_lines(log, "one\ntwo (\nthree"),
            "k.cu(2): error: expected a \")\"\n     2 | two (\n  note\n"
        );
        assert_eq!(with_source_lines("k.cu(99): error: x", "one"), "k.cu(99): error: x\n");
        assert_eq!(with_source_lines("k.cu(1): error: x\n  one", "one"), "k.cu(1): error: x\n  one\n");
    }

    #[test]
    fn a_device_that_nvrtc_does_not_know_gets_ptx() {
        let source = Source { name: "empty", code: "extern \"C\" __global__ void empty() {}", options: &[] };
        match compile(source, (99, 0)) {
            Ok(image) => assert!(String::from_utf8_lossy(&image.0).contains(".entry empty")),
            Err(Error::LibraryNotFound(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
