// Softmax and log-softmax along the middle axis of (outer, dim, inner), forward and backward.
//
//   forward    y = exp(x - m) / s          or  y = x - m - log(s),   m = max x,  s = sum exp(x - m)
//   backward   dx = y * (g - sum(g * y))   or  dx = g - exp(y) * sum(g)
//
// They are limited by memory, so each form reads its input as few times as it can:
//   rows      inner = 1 and a row fits in the registers of a team of threads: one read
//   long rows inner = 1 otherwise: maximum and sum in one pass ("online": Milakov and Gimelshein, 2018), then a second read
//   columns   inner > 1: neighbouring threads take neighbouring columns, so that accesses stay coalesced; two reads
//
// Set by the host: X (storage type), T (float or double), LOG, and per form TEAM, PACKS, WIDTH (rows) or YS (columns).

namespace rt {

#define LOWEST ((T)-RT_INF)

struct Max { static __device__ __forceinline__ T of(T x, T y) { return max(x, y); } };
struct Sum { static __device__ __forceinline__ T of(T x, T y) { return x + y; } };

template <class Op> __device__ __forceinline__ T warp_all(T v) {
    #pragma unroll
    for (int step = 16; step; step >>= 1) v = Op::of(v, __shfl_xor_sync(0xffffffffu, v, step));
    return v;
}

// The same value in all threads of the block; `size` is its number of threads, a multiple of 32.
template <class Op, int SIZE> __device__ __forceinline__ T block_all(T v, T unit) {
    v = warp_all<Op>(v);
    if (SIZE == 32) return v;
    __shared__ T parts[32];
    __syncthreads();  // the parts of the reduction before were read
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
    __syncthreads();
    return warp_all<Op>(threadIdx.x % 32 < SIZE / 32 ? parts[threadIdx.x % 32] : unit);
}

// Running maximum and sum of exponentials. A maximum of -inf means that nothing finite was met yet, and its sum is 0: without
// that rule exp(-inf - -inf) would make NaN of rows that only begin with -inf.
struct Online {
    T m, s;
    __device__ __forceinline__ void join(T om, T os) {
        const T top = max(m, om);
        if (top == LOWEST) return;
        s = s * exp(m - top) + os * exp(om - top);
        m = top;
    }
    __device__ __forceinline__ void add(T x) {
        if (x == LOWEST) return;
        if (x <= m) s += exp(x - m);
        else { s = s * exp(m - x) + (T)1; m = x; }  // also for NaN, which then stays
    }
};

__device__ __forceinline__ X forward(T x, T m, T s) {
    return Store<X, T>::from(LOG ? x - m - s : exp(x - m) / s);  // with LOG, s is the logarithm already
}
__device__ __forceinline__ T backward_term(T g, T y) { return LOG ? g : g * y; }
__device__ __forceinline__ X backward(T g, T y, T sum) {
    return Store<X, T>::from(LOG ? g - exp(y) * sum : y * (g - sum));
}

#if defined(TEAM)
// ---- rows ----------------------------------------------------------------------------------------------------------
// A team of one warp has its block's other warps work on other rows; larger teams are a block.

constexpr int ROWS = TEAM == 32 ? 4 : 1;
typedef Pack<X, WIDTH> P;

extern "C" __global__ void __launch_bounds__(TEAM * ROWS)
softmax_rows(const X* x, X* y, long long rows, int dim) {
    const long long row = (long long)blockIdx.x * ROWS + threadIdx.x / TEAM;
    if (row >= rows) return;
    const int lane = threadIdx.x % TEAM, packs = dim / WIDTH;
    const P* from = reinterpret_cast<const P*>(x + row * dim);
    P* to = reinterpret_cast<P*>(y + row * dim);
    T v[PACKS][WIDTH];
    T m = LOWEST;
    #pragma unroll
    for (int p = 0; p < PACKS; ++p) {
        const int at = p * TEAM + lane;
        if (at < packs) {
            const P in = from[at];
            #pragma unroll
            for (int w = 0; w < WIDTH; ++w) v[p][w] = Load<T, X>::from(in.v[w]);
        } else {
            #pragma unroll
            for (int w = 0; w < WIDTH; ++w) v[p][w] = LOWEST;
        }
        #pragma unroll
        for (int w = 0; w < WIDTH; ++w) m = max(m, v[p][w]);
    }
    m = block_all<Max, TEAM>(m, LOWEST);
    T s = 0;
    #pragma unroll
    for (int p = 0; p < PACKS; ++p) {
        const bool here = p * TEAM + lane < packs;
        #pragma unroll
        for (int w = 0; w < WIDTH; ++w) {
            const T e = exp(v[p][w] - m);
            if (here) s += e;
            if (!LOG) v[p][w] = e;
        }
    }
    s = block_all<Sum, TEAM>(s, 0);
    const T log_s = LOG ? log(s) : (T)0;
    #pragma unroll
    for (int p = 0; p < PACKS; ++p) {
        const int at = p * TEAM + lane;
        if (at >= packs) continue;
        P out;
        #pragma unroll
        for (int w = 0; w < WIDTH; ++w) out.v[w] = Store<X, T>::from(LOG ? v[p][w] - m - log_s : v[p][w] / s);
        to[at] = out;
    }
}

extern "C" __global__ void __launch_bounds__(TEAM * ROWS)
softmax_rows_backward(const X* g, const X* y, X* dx, long long rows, int dim) {
    const long long row = (long long)blockIdx.x * ROWS + threadIdx.x / TEAM;
    if (row >= rows) return;
    const int lane = threadIdx.x % TEAM, packs = dim / WIDTH;
    const P* gs = reinterpret_cast<const P*>(g + row * dim);
    const P* ys = reinterpret_cast<const P*>(y + row * dim);
    P* to = reinterpret_cast<P*>(dx + row * dim);
    P gv[PACKS], yv[PACKS];
    T sum = 0;
    #pragma unroll
    for (int p = 0; p < PACKS; ++p) {
        const int at = p * TEAM + lane;
        if (at < packs) {
            gv[p] = gs[at];
            yv[p] = ys[at];
            #pragma unroll
            for (int w = 0; w < WIDTH; ++w) sum += backward_term(Load<T, X>::from(gv[p].v[w]), Load<T, X>::from(yv[p].v[w]));
        }
    }
    sum = block_all<Sum, TEAM>(sum, 0);
    #pragma unroll
    for (int p = 0; p < PACKS; ++p) {
        const int at = p * TEAM + lane;
        if (at >= packs) continue;
        P out;
        #pragma unroll
        for (int w = 0; w < WIDTH; ++w) out.v[w] = backward(Load<T, X>::from(gv[p].v[w]), Load<T, X>::from(yv[p].v[w]), sum);
        to[at] = out;
    }
}

#elif defined(YS)
// ---- columns -------------------------------------------------------------------------------------------------------
// 32 columns of one outer index by YS threads along the axis; a block's grid-stride over column groups keeps the grid small.

__device__ __forceinline__ bool column(long long block, long long outer, long long dim, long long inner, long long* base) {
    const long long groups = (inner + 31) / 32, o = block / groups, i = block % groups * 32 + threadIdx.x;
    *base = o * dim * inner + i;
    return i < inner;
}

extern "C" __global__ void __launch_bounds__(32 * YS)
softmax_columns(const X* x, X* y, long long outer, long long dim, long long inner) {
    __shared__ T ms[YS][32], ss[YS][32];
    const long long blocks = outer * ((inner + 31) / 32);
    for (long long block = blockIdx.x; block < blocks; block += gridDim.x) {
        long long base;
        const bool here = column(block, outer, dim, inner, &base);
        Online all = {LOWEST, 0};
        if (here) for (long long d = threadIdx.y; d < dim; d += YS) all.add(Load<T, X>::from(x[base + d * inner]));
        __syncthreads();
        ms[threadIdx.y][threadIdx.x] = all.m;
        ss[threadIdx.y][threadIdx.x] = all.s;
        __syncthreads();
        all = Online{LOWEST, 0};
        for (int part = 0; part < YS; ++part) all.join(ms[part][threadIdx.x], ss[part][threadIdx.x]);
        const T s = LOG ? log(all.s) : all.s;
        if (here) for (long long d = threadIdx.y; d < dim; d += YS) {
            const long long at = base + d * inner;
            y[at] = forward(Load<T, X>::from(x[at]), all.m, s);
        }
    }
}

extern "C" __global__ void __launch_bounds__(32 * YS)
softmax_columns_backward(const X* g, const X* y, X* dx, long long outer, long long dim, long long inner) {
    __shared__ T ss[YS][32];
    const long long blocks = outer * ((inner + 31) / 32);
    for (long long block = blockIdx.x; block < blocks; block += gridDim.x) {
        long long base;
        const bool here = column(block, outer, dim, inner, &base);
        T sum = 0;
        if (here) for (long long d = threadIdx.y; d < dim; d += YS) {
            const long long at = base + d * inner;
            sum += backward_term(Load<T, X>::from(g[at]), Load<T, X>::from(y[at]));
        }
        __syncthreads();
        ss[threadIdx.y][threadIdx.x] = sum;
        __syncthreads();
        sum = 0;
        for (int part = 0; part < YS; ++part) sum += ss[part][threadIdx.x];
        if (here) for (long long d = threadIdx.y; d < dim; d += YS) {
            const long long at = base + d * inner;
            dx[at] = backward(Load<T, X>::from(g[at]), Load<T, X>::from(y[at]), sum);
        }
    }
}

#else
// ---- long rows -----------------------------------------------------------------------------------------------------

constexpr int LONG = 1024;

extern "C" __global__ void __launch_bounds__(LONG)
softmax_long_rows(const X* x, X* y, long long dim) {
    x += (long long)blockIdx.x * dim;
    y += (long long)blockIdx.x * dim;
    Online own = {LOWEST, 0};
    for (long long d = threadIdx.x; d < dim; d += LONG) own.add(Load<T, X>::from(x[d]));
    const T m = block_all<Max, LONG>(own.m, LOWEST);
    T s = block_all<Sum, LONG>(own.m == LOWEST ? (T)0 : own.s * exp(own.m - m), 0);
    if (LOG) s = log(s);
    for (long long d = threadIdx.x; d < dim; d += LONG) y[d] = forward(Load<T, X>::from(x[d]), m, s);
}

extern "C" __global__ void __launch_bounds__(LONG)
softmax_long_rows_backward(const X* g, const X* y, X* dx, long long dim) {
    const long long row = (long long)blockIdx.x * dim;
    T sum = 0;
    for (long long d = threadIdx.x; d < dim; d += LONG)
        sum += backward_term(Load<T, X>::from(g[row + d]), Load<T, X>::from(y[row + d]));
    sum = block_all<Sum, LONG>(sum, 0);
    for (long long d = threadIdx.x; d < dim; d += LONG)
        dx[row + d] = backward(Load<T, X>::from(g[row + d]), Load<T, X>::from(y[row + d]), sum);
}
#endif

}  // namespace rt
