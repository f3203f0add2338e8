// exp and erf written without branches, so that loops over them vectorise. Reassociation is off inside: the argument
// reduction depends on the order of its subtractions.

#if REAL_IS_DOUBLE
#define REAL_EXP(x) __builtin_exp(x)
#define REAL_ERF(x) __builtin_erf(x)
#define REAL_LOG(x) __builtin_log(x)
#define REAL_SQRT(x) __builtin_sqrt(x)
#else
// exp(x) = 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2; minimax polynomial of degree 6 (relative error 3e-9 before
// rounding); below 1.5 ulp on [-87, 88], clamped outside.
static inline __attribute__((always_inline)) float fast_exp(float x) {
#pragma clang fp reassociate(off) contract(fast)
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float t = x * 1.44269504f + 12582912.0f;
    float n = t - 12582912.0f;
    float r = x - n * 0.693145752f;
    r = r - n * 1.42860677e-6f;
    float p = 1.381431473e-3f;
    p = p * r + 8.368851617e-3f;
    p = p * r + 4.166840017e-2f;
    p = p * r + 1.666651964e-1f;
    p = p * r + 4.999999404e-1f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t bits;
    __builtin_memcpy(&bits, &t, 4);
    bits = (bits - 0x4b400000 + 127) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, 4);
    return p * scale;
}

// erf by two minimax polynomials, joined at 0.9277; below 2 ulp.
static inline __attribute__((always_inline)) float fast_erf(float x) {
#pragma clang fp reassociate(off) contract(fast)
    float t = __builtin_fabsf(x), s = x * x;
    float r = -1.72853470e-5f * t + 3.83197126e-4f;
    float u = -3.88396438e-3f * t + 2.42546219e-2f;
    r = r * s + u;
    r = r * t - 1.06777877e-1f;
    r = r * t - 6.34846687e-1f;
    r = r * t - 1.28717512e-1f;
    r = r * t - t;
    float far = __builtin_copysignf(1.0f - fast_exp(r), x);
    float q = -5.96761703e-4f;
    q = q * s + 4.99119423e-3f;
    q = q * s - 2.67681349e-2f;
    q = q * s + 1.12819925e-1f;
    q = q * s - 3.76125336e-1f;
    q = q * s + 1.28379166e-1f;
    float near = q * x + x;
    return t > 0.927734375f ? far : near;
}
#define REAL_EXP(x) fast_exp(x)
#define REAL_ERF(x) fast_erf(x)
#define REAL_LOG(x) __builtin_logf(x)
#define REAL_SQRT(x) __builtin_sqrtf(x)
#endif

static inline __attribute__((always_inline)) REAL gelu(REAL x) {
    return (REAL)0.5 * x * ((REAL)1 + REAL_ERF(x * (REAL)0.70710678118654752440));
}

// d/dx x Phi(x) = Phi(x) + x phi(x)
static inline __attribute__((always_inline)) REAL gelu_slope(REAL x) {
    REAL cdf = (REAL)0.5 * ((REAL)1 + REAL_ERF(x * (REAL)0.70710678118654752440));
    return cdf + x * (REAL)0.39894228040143267794 * REAL_EXP((REAL)-0.5 * x * x);
}

static inline __attribute__((always_inline)) REAL logistic(REAL x) { return (REAL)1 / ((REAL)1 + REAL_EXP(-x)); }
