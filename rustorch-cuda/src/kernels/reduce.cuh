// Reductions along the middle axis of (outer, dim, inner): sums (and means, by a divisor), product, maximum, minimum.
//
// The result does not depend on timing: the axis is cut into chunks by its size alone, every chunk is added up in one order,
// and the chunks' results are reduced by a second launch instead of atomically.
//
//   rows     inner = 1: a team of one warp (short rows) or a block takes one chunk of a row
//   columns  inner > 1: neighbouring threads take neighbouring columns, YS of them share one
//
// Set by the host: X and Y (storage of input and output), T (the accumulator), OP, MAP(v) (what is reduced of each element),
// and per form TEAM and WIDTH or YS.

namespace rt {

struct OpSum { static __device__ __forceinline__ T unit() { return 0; } static __device__ __forceinline__ T of(T x, T y) { return x + y; } };
struct OpProd { static __device__ __forceinline__ T unit() { return 1; } static __device__ __forceinline__ T of(T x, T y) { return x * y; } };
struct OpMax { static __device__ __forceinline__ T unit() { return LOWEST; } static __device__ __forceinline__ T of(T x, T y) { return max(x, y); } };
struct OpMin { static __device__ __forceinline__ T unit() { return HIGHEST; } static __device__ __forceinline__ T of(T x, T y) { return min(x, y); } };

__device__ __forceinline__ T element(X x) {
    const T v = Load<T, X>::from(x);
    return MAP(v);
}
__device__ __forceinline__ Y finish(T v, double divisor) { return Store<Y, T>::from(divisor == 1.0 ? v : (T)(v / (T)divisor)); }

#if defined(TEAM)
constexpr int ROWS = TEAM == 32 ? 8 : 1;
typedef Pack<X, WIDTH> P;

extern "C" __global__ void __launch_bounds__(TEAM * ROWS)
reduce_rows(const X* x, Y* y, long long rows, long long dim, long long chunks, long long chunk, double divisor) {
    const long long piece = (long long)blockIdx.x * ROWS + threadIdx.x / TEAM;
    if (piece >= rows * chunks) return;
    const int lane = threadIdx.x % TEAM;
    const long long row = piece / chunks, start = piece % chunks * chunk;
    const long long length = start + chunk < dim ? chunk : dim - start, packs = length / WIDTH;
    const P* from = reinterpret_cast<const P*>(x + row * dim + start);
    // Four sums of each lane's elements, so that four loads are under way at once.
    T v[4];
    #pragma unroll
    for (int k = 0; k < 4; ++k) v[k] = OP::unit();
    long long p = lane;
    for (; p + 3 * TEAM < packs; p += 4 * TEAM) {
        P in[4];
        #pragma unroll
        for (int k = 0; k < 4; ++k) in[k] = from[p + k * TEAM];
        #pragma unroll
        for (int k = 0; k < 4; ++k)
            #pragma unroll
            for (int w = 0; w < WIDTH; ++w) v[k] = OP::of(v[k], element(in[k].v[w]));
    }
    for (; p < packs; p += TEAM) {
        const P in = from[p];
        #pragma unroll
        for (int w = 0; w < WIDTH; ++w) v[0] = OP::of(v[0], element(in.v[w]));
    }
    T all = OP::of(OP::of(v[0], v[1]), OP::of(v[2], v[3]));
    #pragma unroll
    for (int step = 16; step; step >>= 1) all = OP::of(all, __shfl_xor_sync(0xffffffffu, all, step));
    if (TEAM > 32) {
        __shared__ T parts[32];
        if (lane % 32 == 0) parts[lane / 32] = all;
        __syncthreads();
        all = lane < TEAM / 32 ? parts[lane] : OP::unit();
        if (lane < 32)
            #pragma unroll
            for (int step = 16; step; step >>= 1) all = OP::of(all, __shfl_xor_sync(0xffffffffu, all, step));
    }
    if (lane == 0) y[piece] = finish(all, divisor);
}
#else
extern "C" __global__ void __launch_bounds__(32 * YS)
reduce_columns(const X* x, Y* y, long long outer, long long dim, long long inner, long long chunks, long long chunk, double divisor) {
    __shared__ T parts[YS][32];
    const long long groups = (inner + 31) / 32, pieces = outer * chunks * groups;
    for (long long piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
        const long long i = piece % groups * 32 + threadIdx.x, c = piece / groups % chunks, o = piece / groups / chunks;
        const long long start = c * chunk, end = start + chunk < dim ? start + chunk : dim;
        T v = OP::unit();
        if (i < inner) {
            const X* from = x + o * dim * inner + i;
            #pragma unroll 4
            for (long long d = start + threadIdx.y; d < end; d += YS) v = OP::of(v, element(from[d * inner]));
        }
        __syncthreads();  // the parts of the piece before were read
        parts[threadIdx.y][threadIdx.x] = v;
        __syncthreads();
        if (threadIdx.y == 0 && i < inner) {
            for (int k = 1; k < YS; ++k) v = OP::of(v, parts[k][threadIdx.x]);
            y[(o * chunks + c) * inner + i] = finish(v, divisor);
        }
    }
}
#endif

}  // namespace rt
