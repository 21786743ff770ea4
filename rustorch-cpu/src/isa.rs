//! Which instruction set the kernels use: asked once, at run time.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What every processor of the target has: SSE2 on x86-64, NEON on AArch64.
    Portable,
    /// AVX2 with fused multiply-add, 256 bits wide.
    Avx2,
    /// AVX-512 (F, BW, CD, DQ, VL), 512 bits wide.
    Avx512,
}

/// The best instruction set of this processor; a lower one if `RUSTORCH_ISA` is `portable` or `avx2`, for comparisons.
pub fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    *ISA.get_or_init(|| {
        let limit = match std::env::var("RUSTORCH_ISA").as_deref() {
            Ok("portable") => Isa::Portable,
            Ok("avx2") => Isa::Avx2,
            _ => Isa::Avx512,
        };
        detect().min(limit)
    })
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Isa::Avx512,
        (true, false) => Isa::Avx2,
        _ => Isa::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Isa {
    Isa::Portable
}

/// Code to be compiled once per instruction set, by inlining into a function with the features enabled.
///
/// Implementations mark `run`, and all it calls, `#[inline(always)]`: what is not inlined is compiled without the features.
pub trait Kernel {
    /// What the code returns.
    type Output;
    /// Whether vectors of 512 bits gain anything over those of 256: loops that wait for memory do not need a third version, which
    /// everybody would have to compile.
    const WIDE: bool = true;
    /// The code. `FMA` tells whether fused multiply-add is an instruction here.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// Stands in a loop that is to stay one, element by element, in the version without `FMA`: processors of x86-64 without AVX2
/// are rare, and get by with code that is neither unrolled nor vectorised, since everybody has to compile it.
#[inline(always)]
pub fn keep_small<const FMA: bool>() {
    if !FMA {
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    }
}

impl Isa {
    /// All instruction sets of this processor, the portable one first, for tests and measurements.
    pub fn available() -> Vec<Isa> {
        [Isa::Portable, Isa::Avx2, Isa::Avx512].into_iter().filter(|&set| set <= supported()).collect()
    }

    /// This set, or the best that the processor has where it lacks this one: what may be executed.
    pub(super) fn or_supported(self) -> Isa {
        self.min(supported())
    }

    /// Runs `kernel`, compiled for this instruction set (the best there is where the processor lacks it).
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        let isa = self.or_supported();
        #[cfg(target_arch = "x86_64")]
        // Apart from the match, so that the code is not even made where it is not wanted.
        if K::WIDE && isa == Isa::Avx512 {
            // SAFETY: the processor has the features.
            return unsafe { run_avx512(kernel) };
        }
        match isa {
            // SAFETY: as above; those of AVX2 come with AVX-512.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 | Isa::Avx512 => unsafe { run_avx2(kernel) },
            _ => kernel.run::<{ cfg!(target_arch = "aarch64") }>(),
        }
    }
}

/// Runs `kernel`, which calls functions that only AVX-512 has, where [`isa`] says so; other versions of it are not made.
#[inline]
pub fn run_widest<K: Kernel>(kernel: K) -> Option<K::Output> {
    #[cfg(target_arch = "x86_64")]
    if isa() == Isa::Avx512 {
        // SAFETY: the processor has the features.
        return Some(unsafe { run_avx512(kernel) });
    }
    let _ = kernel;
    None
}

/// What the processor has, asked once.
fn supported() -> Isa {
    static SUPPORTED: OnceLock<Isa> = OnceLock::new();
    *SUPPORTED.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,f16c,lzcnt,popcnt")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}
