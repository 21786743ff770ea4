// What every kernel of this crate starts with: storage types, conversions, and the functions that the library's
// elementwise expressions are written in. No header of the toolkit is needed, so NVRTC alone compiles all of it.
//
// The functions live in a namespace in which they hide CUDA's own of the same name: `max` here carries NaN through, as
// PyTorch's does, while CUDA's drops it.

namespace rt {

// ---- storage types -------------------------------------------------------------------------------------------------
// Half types are bits in memory and float in registers.

struct f16 { unsigned short bits; };
struct bf16 { unsigned short bits; };
struct bool8 { unsigned char bits; };

template <class S, int N> struct alignas(sizeof(S) * N) Pack { S v[N]; };

__device__ __forceinline__ float to_float(f16 h) {
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h.bits));
    return f;
}
__device__ __forceinline__ float to_float(bf16 h) { return __uint_as_float((unsigned)h.bits << 16); }

__device__ __forceinline__ f16 float_to_f16(float f) {
    f16 h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
    return h;
}
__device__ __forceinline__ bf16 float_to_bf16(float f) {
    bf16 h;
#if __CUDA_ARCH__ >= 800
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h.bits) : "f"(f));
#else
    unsigned u = __float_as_uint(f);
    h.bits = f != f ? 0x7fff : (unsigned short)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
#endif
    return h;
}

// From storage to the type of the arithmetic.
template <class T, class S> struct Load { static __device__ __forceinline__ T from(S s) { return (T)s; } };
template <class T> struct Load<T, f16> { static __device__ __forceinline__ T from(f16 s) { return (T)to_float(s); } };
template <class T> struct Load<T, bf16> { static __device__ __forceinline__ T from(bf16 s) { return (T)to_float(s); } };
template <class T> struct Load<T, bool8> { static __device__ __forceinline__ T from(bool8 s) { return (T)(s.bits != 0); } };

// From the arithmetic to storage. Floats go to small integers through 64 bits, so that they wrap as on the host.
template <class S, class V> struct Store { static __device__ __forceinline__ S from(V v) { return (S)v; } };
template <class V> struct Store<f16, V> { static __device__ __forceinline__ f16 from(V v) { return float_to_f16((float)v); } };
template <class V> struct Store<bf16, V> { static __device__ __forceinline__ bf16 from(V v) { return float_to_bf16((float)v); } };
template <class V> struct Store<bool8, V> { static __device__ __forceinline__ bool8 from(V v) { return bool8{(unsigned char)(v != (V)0)}; } };
#define RT_NARROW(S, V) \
    template <> struct Store<S, V> { static __device__ __forceinline__ S from(V v) { return (S)(long long)v; } };
RT_NARROW(unsigned char, float) RT_NARROW(signed char, float) RT_NARROW(short, float)
RT_NARROW(unsigned char, double) RT_NARROW(signed char, double) RT_NARROW(short, double)
#undef RT_NARROW
// From double straight to f16: through float it would be rounded twice.
template <> struct Store<f16, double> {
    static __device__ __forceinline__ f16 from(double v) {
        f16 h;
        asm("cvt.rn.f16.f64 %0, %1;" : "=h"(h.bits) : "d"(v));
        return h;
    }
};

// ---- constants -----------------------------------------------------------------------------------------------------

#define RT_INF __longlong_as_double(0x7ff0000000000000LL)
#define RT_NAN __longlong_as_double(0x7ff8000000000000LL)

// ---- comparisons and choice ----------------------------------------------------------------------------------------

template <class A> __device__ __forceinline__ bool lt(A x, A y) { return x < y; }
template <class A> __device__ __forceinline__ bool le(A x, A y) { return x <= y; }
template <class A> __device__ __forceinline__ bool gt(A x, A y) { return x > y; }
template <class A> __device__ __forceinline__ bool ge(A x, A y) { return x >= y; }
template <class A> __device__ __forceinline__ bool eq(A x, A y) { return x == y; }
template <class A> __device__ __forceinline__ bool ne(A x, A y) { return x != y; }
template <class A> __device__ __forceinline__ A select(bool c, A x, A y) { return c ? x : y; }
__device__ __forceinline__ bool both(bool x, bool y) { return x && y; }
__device__ __forceinline__ bool either(bool x, bool y) { return x || y; }
__device__ __forceinline__ bool differ(bool x, bool y) { return x != y; }

template <class A> __device__ __forceinline__ bool is_nan(A x) { return x != x; }
__device__ __forceinline__ bool is_inf(float x) { return ::fabsf(x) == (float)RT_INF; }
__device__ __forceinline__ bool is_inf(double x) { return ::fabs(x) == RT_INF; }
__device__ __forceinline__ bool is_finite(float x) { return ::fabsf(x) < (float)RT_INF; }
__device__ __forceinline__ bool is_finite(double x) { return ::fabs(x) < RT_INF; }

// NaN of either operand is the result, as in torch.maximum; fmax and fmin choose the other operand.
template <class A> __device__ __forceinline__ A max(A x, A y) { return x != x || x > y ? x : y; }
template <class A> __device__ __forceinline__ A min(A x, A y) { return x != x || x < y ? x : y; }
template <class A> __device__ __forceinline__ A fmax(A x, A y) { return ::fmax(x, y); }
template <class A> __device__ __forceinline__ A fmin(A x, A y) { return ::fmin(x, y); }
template <class A> __device__ __forceinline__ A clamp(A x, A low, A high) { return min(max(x, low), high); }

// ---- arithmetic ----------------------------------------------------------------------------------------------------

__device__ __forceinline__ float abs(float x) { return ::fabsf(x); }
__device__ __forceinline__ double abs(double x) { return ::fabs(x); }
__device__ __forceinline__ int abs(int x) { return x < 0 ? 0 - x : x; }
__device__ __forceinline__ long long abs(long long x) { return x < 0 ? 0 - x : x; }
template <class A> __device__ __forceinline__ A neg(A x) { return -x; }
template <class A> __device__ __forceinline__ A recip(A x) { return (A)1 / x; }
template <class A> __device__ __forceinline__ A square(A x) { return x * x; }
// 1 and -1 by comparison, so 0 for zeros and for NaN, as torch.sign.
template <class A> __device__ __forceinline__ A sign(A x) { return (A)((x > (A)0) - (x < (A)0)); }
template <class A> __device__ __forceinline__ A sgn(A x) { return sign(x); }
// Real numbers are their own conjugates; complex ones do not come here.
template <class A> __device__ __forceinline__ A conj(A x) { return x; }
template <class A> __device__ __forceinline__ A fma(A x, A y, A z) { return ::fma(x, y, z); }
template <class A> __device__ __forceinline__ A mul_add(A x, A y, A z) { return ::fma(x, y, z); }
template <class A> __device__ __forceinline__ A copysign(A x, A y) { return ::copysign(x, y); }
template <class A> __device__ __forceinline__ A hypot(A x, A y) { return ::hypot(x, y); }
__device__ __forceinline__ float nextafter(float x, float y) { return ::nextafterf(x, y); }
__device__ __forceinline__ double nextafter(double x, double y) { return ::nextafter(x, y); }

// Division of integers by zero has no value; zero is what the hardware must not be asked for.
__device__ __forceinline__ float fmod(float x, float y) { return ::fmodf(x, y); }
__device__ __forceinline__ double fmod(double x, double y) { return ::fmod(x, y); }
__device__ __forceinline__ int fmod(int x, int y) { return y == 0 || y == -1 ? 0 : x % y; }
__device__ __forceinline__ long long fmod(long long x, long long y) { return y == 0 || y == -1 ? 0 : x % y; }
// The remainder with the sign of the divisor, as torch.remainder and Python's %.
template <class A> __device__ __forceinline__ A remainder(A x, A y) {
    A r = fmod(x, y);
    return r != (A)0 && (r < (A)0) != (y < (A)0) ? r + y : r;
}

// The quotient toward minus infinity, as torch.floor_divide. For floats PyTorch's algorithm (c10::div_floor_floating),
// exact where floor(x / y) would round up.
template <class A> __device__ __forceinline__ A float_floor_div(A x, A y) {
    if (y == (A)0) return x / y;
    const A rest = fmod(x, y);
    A quotient = (x - rest) / y;
    if (rest != (A)0 && (y < (A)0) != (rest < (A)0)) quotient -= (A)1;
    if (quotient == (A)0) return ::copysign((A)0, x / y);
    const A below = ::floor(quotient);
    return quotient - below > (A)0.5 ? below + (A)1 : below;
}
template <class A> __device__ __forceinline__ A integer_floor_div(A x, A y) {
    if (y == 0) return 0;
    if (y == -1) return 0 - x;
    return x / y - (x % y != 0 && (x < 0) != (y < 0));
}
__device__ __forceinline__ float floor_div(float x, float y) { return float_floor_div(x, y); }
__device__ __forceinline__ double floor_div(double x, double y) { return float_floor_div(x, y); }
__device__ __forceinline__ int floor_div(int x, int y) { return integer_floor_div(x, y); }
__device__ __forceinline__ long long floor_div(long long x, long long y) { return integer_floor_div(x, y); }

// ---- bits (integers only) -------------------------------------------------------------------------------------------

template <class A> __device__ __forceinline__ A bit_and(A x, A y) { return x & y; }
template <class A> __device__ __forceinline__ A bit_or(A x, A y) { return x | y; }
template <class A> __device__ __forceinline__ A bit_xor(A x, A y) { return x ^ y; }
__device__ __forceinline__ int shift_left(int x, int by) { return by < 0 || by > 31 ? 0 : (int)((unsigned)x << by); }
__device__ __forceinline__ long long shift_left(long long x, long long by) {
    return by < 0 || by > 63 ? 0 : (long long)((unsigned long long)x << by);
}
// By the full width only the sign remains.
__device__ __forceinline__ int shift_right(int x, int by) { return x >> (by < 0 || by > 31 ? 31 : by); }
__device__ __forceinline__ long long shift_right(long long x, long long by) { return x >> (by < 0 || by > 63 ? 63 : by); }
template <class A> __device__ __forceinline__ A gcd(A x, A y) {
    x = abs(x);
    y = abs(y);
    while (y != 0) {
        const A rest = fmod(x, y);
        x = y;
        y = abs(rest);
    }
    return x;
}

// ---- rounding ------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float floor(float x) { return ::floorf(x); }
__device__ __forceinline__ double floor(double x) { return ::floor(x); }
__device__ __forceinline__ float ceil(float x) { return ::ceilf(x); }
__device__ __forceinline__ double ceil(double x) { return ::ceil(x); }
__device__ __forceinline__ float trunc(float x) { return ::truncf(x); }
__device__ __forceinline__ double trunc(double x) { return ::trunc(x); }
// Halves to even, as torch.round; C's round takes them away from zero.
__device__ __forceinline__ float round(float x) { return ::rintf(x); }
__device__ __forceinline__ double round(double x) { return ::rint(x); }
__device__ __forceinline__ int floor(int x) { return x; }
__device__ __forceinline__ long long floor(long long x) { return x; }
__device__ __forceinline__ int ceil(int x) { return x; }
__device__ __forceinline__ long long ceil(long long x) { return x; }
__device__ __forceinline__ int trunc(int x) { return x; }
__device__ __forceinline__ long long trunc(long long x) { return x; }
__device__ __forceinline__ int round(int x) { return x; }
__device__ __forceinline__ long long round(long long x) { return x; }

// ---- transcendental functions --------------------------------------------------------------------------------------

#define RT_UNARY(name) \
    __device__ __forceinline__ float name(float x) { return ::name##f(x); } \
    __device__ __forceinline__ double name(double x) { return ::name(x); }
RT_UNARY(exp) RT_UNARY(exp2) RT_UNARY(expm1) RT_UNARY(log) RT_UNARY(log1p) RT_UNARY(log2) RT_UNARY(log10)
RT_UNARY(sqrt) RT_UNARY(rsqrt) RT_UNARY(cbrt)
RT_UNARY(sin) RT_UNARY(cos) RT_UNARY(tan) RT_UNARY(asin) RT_UNARY(acos) RT_UNARY(atan)
RT_UNARY(sinh) RT_UNARY(cosh) RT_UNARY(tanh) RT_UNARY(asinh) RT_UNARY(acosh) RT_UNARY(atanh)
RT_UNARY(erf) RT_UNARY(erfc) RT_UNARY(erfinv) RT_UNARY(lgamma) RT_UNARY(tgamma)
#undef RT_UNARY
__device__ __forceinline__ float pow(float x, float y) { return ::powf(x, y); }
__device__ __forceinline__ double pow(double x, double y) { return ::pow(x, y); }
// By squaring; a negative power of an integer is its truncated reciprocal.
template <class A> __device__ __forceinline__ A integer_pow(A x, A n) {
    if (n < 0) return x == 1 ? 1 : x == -1 ? (n % 2 ? -1 : 1) : 0;
    A result = 1;
    for (; n; n >>= 1, x *= x) if (n & 1) result *= x;
    return result;
}
__device__ __forceinline__ int pow(int x, int y) { return integer_pow(x, y); }
__device__ __forceinline__ long long pow(long long x, long long y) { return integer_pow(x, y); }
__device__ __forceinline__ float atan2(float y, float x) { return ::atan2f(y, x); }
__device__ __forceinline__ double atan2(double y, double x) { return ::atan2(y, x); }

// The derivative of lgamma and its own: recurrence up to 10, then the asymptotic series (Abramowitz & Stegun 6.3.18 and
// 6.4.12), with reflection for what is left of 0. In double: the series loses digits in single precision.
__device__ __noinline__ inline double digamma_series(double x) {
    double sum = 0;
    for (; x < 10.0; x += 1.0) sum -= 1.0 / x;
    const double q = 1.0 / (x * x);
    const double series = q * (1.0 / 12 - q * (1.0 / 120 - q * (1.0 / 252 - q * (1.0 / 240 - q * (1.0 / 132
        - q * (691.0 / 32760 - q / 12))))));
    return sum + ::log(x) - 0.5 / x - series;
}
__device__ __forceinline__ double digamma(double x) {
    if (x == 0.0) return ::copysign(RT_INF, -x);
    if (x > 0.0 || x != x) return digamma_series(x);
    const double fraction = x - ::trunc(x);
    if (fraction == 0.0) return RT_NAN;
    return digamma_series(1.0 - x) - 3.141592653589793 / ::tan(3.141592653589793 * fraction);
}
__device__ __forceinline__ float digamma(float x) { return (float)digamma((double)x); }
__device__ __noinline__ inline double trigamma_series(double x) {
    double sum = 0;
    for (; x < 10.0; x += 1.0) sum += 1.0 / (x * x);
    const double q = 1.0 / (x * x);
    const double series = q * (1.0 / 6 - q * (1.0 / 30 - q * (1.0 / 42 - q * (1.0 / 30 - q * (5.0 / 66 - q * 691.0 / 2730)))));
    return sum + 1.0 / x + q / 2 + series / x;
}
__device__ __forceinline__ double trigamma(double x) {
    if (!(x < 0.5)) return trigamma_series(x);
    const double sine = ::sinpi(x);
    return 9.869604401089358 / (sine * sine) - trigamma_series(1.0 - x);
}
__device__ __forceinline__ float trigamma(float x) { return (float)trigamma((double)x); }

// The derivative of digamma of an order from 1 to 63; see `special.rs` of the library for the formulas.
__device__ __noinline__ inline double polygamma_series(int order, double x) {
    const double bernoulli[10] = {1.0 / 6,          -1.0 / 30, 1.0 / 42,        -1.0 / 30,       5.0 / 66,
                                  -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798, -174611.0 / 330};
    double factorial = 1, sum = 0;
    for (int k = 2; k < order; ++k) factorial *= k;
    for (; x < 12.0 + order; x += 1.0) sum += order * ::pow(x, (double)(-order - 1));
    double tail = ::pow(x, (double)-order) + order * ::pow(x, (double)(-order - 1)) / 2, term = ::pow(x, (double)-order);
    for (int i = 0; i < 10; ++i) {
        const double k = 2.0 * (i + 1);
        term *= (k + order - 2) * (k + order - 1) / ((k - 1) * k * x * x);
        tail += bernoulli[i] * term;
    }
    return factorial * (sum + tail);
}
__device__ __noinline__ inline double polygamma(double n, double x) {
    const int order = (int)n;
    if (!(order >= 1 && order <= 63) || !(x == x)) return RT_NAN;
    if (x <= 0 && x == ::floor(x)) return (order % 2 ? 1 : -1) * RT_INF;
    if (x >= 0.5) return (order % 2 ? 1 : -1) * polygamma_series(order, x);
    const double cotangent = 1.0 / ::tan(3.141592653589793 * (x - ::trunc(x)));
    double polynomial[66] = {0, 1};
    for (int degree = 1; degree <= order; ++degree) {
        double next[66] = {0};
        for (int k = 1; k <= degree; ++k) {
            const double slope = k * polynomial[k];
            next[k - 1] -= slope;
            next[k + 1] -= slope;
        }
        for (int k = 0; k < 66; ++k) polynomial[k] = next[k];
    }
    double value = 0;
    for (int k = order + 1; k >= 0; --k) value = value * cotangent + polynomial[k];
    return -::pow(3.141592653589793, (double)(order + 1)) * value - polygamma_series(order, 1.0 - x);
}
__device__ __forceinline__ float polygamma(float n, float x) { return (float)polygamma((double)n, (double)x); }
__device__ __forceinline__ float normal_cdf(float x) { return ::normcdff(x); }
__device__ __forceinline__ double normal_cdf(double x) { return ::normcdf(x); }

template <class A> __device__ __forceinline__ A sigmoid(A x) { return (A)1 / ((A)1 + exp(-x)); }

// ---- index arithmetic ----------------------------------------------------------------------------------------------

// Division by a constant that the host turned into a multiplier and a shift; exact for n below 2^31.
__device__ __forceinline__ int divide(int n, unsigned long long magic) {
    return (int)((__umulhi((unsigned)n, (unsigned)magic) + (unsigned)n) >> (unsigned)(magic >> 32));
}

}  // namespace rt
