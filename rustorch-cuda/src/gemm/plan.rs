//! cuBLASLt's descriptors and the choice of an algorithm, made once for each kind of product.

use std::{collections::HashMap, ffi::c_void, sync::Arc};

use cudarc::cublaslt::{
    result::{self, CublasError},
    sys::{
        self, cublasComputeType_t as Compute, cublasLtEpilogue_t as LtEpilogue,
        cublasLtMatmulDescAttributes_t as DescAttribute,
        cublasLtMatmulPreferenceAttributes_t as PrefAttribute,
        cublasLtMatrixLayoutAttribute_t as LayoutAttribute, cudaDataType as DataType,
    },
};
use parking_lot::{Mutex, RwLock};

use crate::{
    dtype::DType,
    error::{Error, Result},
    loader,
    memory::Buffer,
    stream::Stream,
};

/// The most workspace an algorithm may ask for: what NVIDIA recommends for Hopper, and PyTorch gives.
const WORKSPACE: usize = 32 << 20;

/// Everything the choice of an algorithm depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub dtype: DType,
    pub tf32: bool,
    /// m, n, k and batch.
    pub sizes: [usize; 4],
    pub transposed: [bool; 2],
    pub lds: [usize; 3],
    pub batch_strides: [usize; 3],
    pub alignment: [u32; 3],
    pub epilogue: EpilogueKind,
    pub has_beta: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EpilogueKind {
    None,
    Relu,
    Gelu,
    Bias,
    BiasRelu,
    BiasGelu,
}

/// The alignment that an address has, as far as cuBLASLt asks.
pub(super) fn alignment(address: u64) -> u32 {
    1 << address.trailing_zeros().min(8)
}

/// cuBLASLt on one device.
pub(crate) struct Blas {
    handle: sys::cublasLtHandle_t,
    plans: RwLock<HashMap<Key, Arc<Plan>>>,
}

// SAFETY: cuBLASLt's handle may be used from several threads at once.
unsafe impl Send for Blas {}
// SAFETY: as above.
unsafe impl Sync for Blas {}

/// Descriptors of one kind of product, and the algorithm chosen for it.
pub(super) struct Plan {
    /// The bias address is written into the descriptor before each product.
    description: Mutex<Description>,
    layouts: [Layout; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
    pub workspace: usize,
}

// SAFETY: the descriptors are plain memory of the host; the one that is changed is behind a mutex.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

impl Blas {
    /// Needs the device's context to be current.
    pub fn new() -> Result<Self> {
        loader::cublaslt()?;
        let handle =
            result::create_handle().or_cublas("cublasLtCreate", || "creating a handle".to_owned())?;
        Ok(Blas { handle, plans: RwLock::default() })
    }

    pub(super) fn plan(&self, key: &Key) -> Result<Arc<Plan>> {
        if let Some(plan) = self.plans.read().get(key) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(self.make_plan(key)?);
        Ok(self.plans.write().entry(key.clone()).or_insert(plan).clone())
    }

    /// cuBLAS stores matrices by columns, so a row-major C = A B is computed as C' = B' A': the operands change places,
    /// and each stored matrix is read as its own transpose.
    fn make_plan(&self, key: &Key) -> Result<Plan> {
        let [m, n, k, batch] = key.sizes;
        let description = Description::new(key)?;
        let stored = |transposed: bool, rows: usize, columns: usize| {
            if transposed { (rows, columns) } else { (columns, rows) }
        };
        let layout = |at: usize, (rows, columns): (usize, usize)| {
            Layout::new(key, rows, columns, key.lds[at], batch, key.batch_strides[at])
        };
        let a = layout(0, stored(key.transposed[0], m, k))?;
        let b = layout(1, stored(key.transposed[1], k, n))?;
        let c = layout(2, stored(false, m, n))?;
        let preference = Preference::new(key)?;
        // SAFETY: all descriptors are alive; the first operand of cuBLAS is our second.
        let chosen = unsafe {
            result::get_matmul_algo_heuristic(self.handle, description.0, b.0, a.0, c.0, c.0, preference.0)
        };
        let chosen = chosen.or_cublas("cublasLtMatmulAlgoGetHeuristic", || key.to_string())?;
        Ok(Plan {
            description: Mutex::new(description),
            layouts: [a, b, c],
            algorithm: chosen.algo,
            workspace: chosen.workspaceSize,
        })
    }

    /// # Safety
    /// The addresses must have the room that the plan's layouts describe, and the stream's context be current.
    #[allow(clippy::too_many_arguments)]
    pub(super) unsafe fn run(
        &self,
        plan: &Plan,
        key: &Key,
        (alpha, beta): (f64, f64),
        [a, b, c]: [u64; 3],
        bias: Option<u64>,
        workspace: &Buffer,
        stream: &Stream,
    ) -> Result<()> {
        let description = plan.description.lock();
        if let Some(bias) = bias {
            description.set(DescAttribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias)?;
        }
        let (narrow, wide) = ([alpha as f32, beta as f32], [alpha, beta]);
        let scale = |at: usize| -> *const c_void {
            match key.dtype {
                DType::F64 => (&raw const wide[at]).cast(),
                _ => (&raw const narrow[at]).cast(),
            }
        };
        let [a_layout, b_layout, c_layout] = &plan.layouts;
        // SAFETY: the caller vouches for the addresses; descriptors, scalars and algorithm are alive.
        let status = unsafe {
            result::matmul(
                self.handle,
                description.0,
                scale(0),
                scale(1),
                b as *const c_void,
                b_layout.0,
                a as *const c_void,
                a_layout.0,
                c as *const c_void,
                c_layout.0,
                c as *mut c_void,
                c_layout.0,
                &plan.algorithm,
                workspace.address() as *mut c_void,
                workspace.len(),
                stream.raw().cast(),
            )
        };
        status.or_cublas("cublasLtMatmul", || key.to_string())
    }
}

impl Drop for Blas {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once. There is nothing to do about a failure.
        let _ = unsafe { result::destroy_handle(self.handle) };
    }
}

struct Description(sys::cublasLtMatmulDesc_t);

impl Description {
    fn new(key: &Key) -> Result<Self> {
        let (compute, scale) = match (key.dtype, key.tf32) {
            (DType::F64, _) => (Compute::CUBLAS_COMPUTE_64F, DataType::CUDA_R_64F),
            (DType::F32, true) => (Compute::CUBLAS_COMPUTE_32F_FAST_TF32, DataType::CUDA_R_32F),
            _ => (Compute::CUBLAS_COMPUTE_32F, DataType::CUDA_R_32F),
        };
        let made = result::create_matmul_desc(compute, scale);
        let description = Description(made.or_cublas("cublasLtMatmulDescCreate", || key.to_string())?);
        // The operands change places: see `make_plan`.
        let [a, b] = key.transposed.map(i32::from);
        description.set(DescAttribute::CUBLASLT_MATMUL_DESC_TRANSA, &b)?;
        description.set(DescAttribute::CUBLASLT_MATMUL_DESC_TRANSB, &a)?;
        let epilogue = match key.epilogue {
            EpilogueKind::None => LtEpilogue::CUBLASLT_EPILOGUE_DEFAULT,
            EpilogueKind::Relu => LtEpilogue::CUBLASLT_EPILOGUE_RELU,
            EpilogueKind::Gelu => LtEpilogue::CUBLASLT_EPILOGUE_GELU,
            EpilogueKind::Bias => LtEpilogue::CUBLASLT_EPILOGUE_BIAS,
            EpilogueKind::BiasRelu => LtEpilogue::CUBLASLT_EPILOGUE_RELU_BIAS,
            EpilogueKind::BiasGelu => LtEpilogue::CUBLASLT_EPILOGUE_GELU_BIAS,
        };
        description.set(DescAttribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &(epilogue as u32))?;
        Ok(description)
    }

    fn set<T>(&self, attribute: DescAttribute, value: &T) -> Result<()> {
        // SAFETY: the descriptor is alive, and the value has the size that is given with it.
        let status = unsafe {
            result::set_matmul_desc_attribute(self.0, attribute, (&raw const *value).cast(), size_of::<T>())
        };
        status.or_cublas("cublasLtMatmulDescSetAttribute", || format!("{attribute:?}"))
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once.
        let _ = unsafe { result::destroy_matmul_desc(self.0) };
    }
}

/// A matrix as cuBLAS sees it, by columns.
struct Layout(sys::cublasLtMatrixLayout_t);

impl Layout {
    fn new(
        key: &Key,
        rows: usize,
        columns: usize,
        ld: usize,
        batch: usize,
        batch_stride: usize,
    ) -> Result<Self> {
        let data = match key.dtype {
            DType::F64 => DataType::CUDA_R_64F,
            DType::F16 => DataType::CUDA_R_16F,
            DType::BF16 => DataType::CUDA_R_16BF,
            _ => DataType::CUDA_R_32F,
        };
        let made = result::create_matrix_layout(data, rows as u64, columns as u64, ld as i64);
        let layout = Layout(made.or_cublas("cublasLtMatrixLayoutCreate", || key.to_string())?);
        if batch > 1 {
            layout.set(LayoutAttribute::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &(batch as i32))?;
            layout
                .set(LayoutAttribute::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &(batch_stride as i64))?;
        }
        Ok(layout)
    }

    fn set<T>(&self, attribute: LayoutAttribute, value: &T) -> Result<()> {
        // SAFETY: the layout is alive, and the value has the size that is given with it.
        let status = unsafe {
            result::set_matrix_layout_attribute(self.0, attribute, (&raw const *value).cast(), size_of::<T>())
        };
        status.or_cublas("cublasLtMatrixLayoutSetAttribute", || format!("{attribute:?}"))
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once.
        let _ = unsafe { result::destroy_matrix_layout(self.0) };
    }
}

struct Preference(sys::cublasLtMatmulPreference_t);

impl Preference {
    fn new(key: &Key) -> Result<Self> {
        let made = result::create_matmul_pref();
        let preference = Preference(made.or_cublas("cublasLtMatmulPreferenceCreate", || key.to_string())?);
        preference.set(PrefAttribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &WORKSPACE)?;
        let [a, b, c] = key.alignment;
        // Unless told otherwise cuBLASLt takes 256 bytes for granted, which views do not have.
        preference.set(PrefAttribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &b)?;
        preference.set(PrefAttribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &a)?;
        preference.set(PrefAttribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &c)?;
        preference.set(PrefAttribute::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &c)?;
        Ok(preference)
    }

    fn set<T>(&self, attribute: PrefAttribute, value: &T) -> Result<()> {
        // SAFETY: the preference is alive, and the value has the size that is given with it.
        let status = unsafe {
            result::set_matmul_pref_attribute(self.0, attribute, (&raw const *value).cast(), size_of::<T>())
        };
        status.or_cublas("cublasLtMatmulPreferenceSetAttribute", || format!("{attribute:?}"))
    }
}

impl Drop for Preference {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once.
        let _ = unsafe { result::destroy_matmul_pref(self.0) };
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [m, n, k, batch] = self.sizes;
        let turned = |transposed: bool| if transposed { "^T" } else { "" };
        write!(
            f,
            "{batch} x ({m} x {k}){} ({k} x {n}){} in {}, row lengths {:?}, epilogue {:?}",
            turned(self.transposed[0]),
            turned(self.transposed[1]),
            self.dtype,
            self.lds,
            self.epilogue
        )
    }
}

trait OrCublas<T> {
    fn or_cublas(self, call: &'static str, problem: impl FnOnce() -> String) -> Result<T>;
}

impl<T> OrCublas<T> for std::result::Result<T, CublasError> {
    fn or_cublas(self, call: &'static str, problem: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::Cublas { call, status: error.to_string(), problem: problem() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_is_the_largest_power_of_two_up_to_256() {
        assert_eq!([512, 256, 514, 260, 513].map(alignment), [256, 256, 2, 4, 1]);
    }
}
