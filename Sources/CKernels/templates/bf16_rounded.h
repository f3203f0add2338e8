// bfloat16 products on a CPU without bfloat16 instructions: operands are rounded to bfloat16 and multiplied as floats,
// so that every path computes the same products and differs only in the order of sums.

static inline REAL round_bf16(REAL value) {
    float f = (float)value;
    uint32_t bits;
    __builtin_memcpy(&bits, &f, 4);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    bits = (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x00400000u : rounded;
    __builtin_memcpy(&f, &bits, 4);
    return (REAL)f;
}

static void pack_b_bf16(void *dst, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    pack_lines(dst, b, cs, rs, n, k, NR);
    for (dmt_index i = 0; i < (n + NR - 1) / NR * NR * k; i++) ((REAL *)dst)[i] = round_bf16(((REAL *)dst)[i]);
}

static void pack_a_bf16(void *dst, const void *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    pack_lines(dst, a, rs, cs, m, k, MR);
    for (dmt_index i = 0; i < (m + MR - 1) / MR * MR * k; i++) ((REAL *)dst)[i] = round_bf16(((REAL *)dst)[i]);
}

static void gemm_bf16(dmt_index m, dmt_index n, dmt_index k, const void *packed_a, const void *packed_b,
                      dmt_index panel_stride, void *c, dmt_index ldc, int add) {
    gemm_packed(m, n, k, packed_a, packed_b, panel_stride, c, ldc, add);
}

static inline REAL widened(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float f;
    __builtin_memcpy(&f, &bits, 4);
    return (REAL)f;
}

static inline uint16_t halved(REAL value) {
    float f = (float)round_bf16(value);
    uint32_t bits;
    __builtin_memcpy(&bits, &f, 4);
    return (uint16_t)(bits >> 16);
}

static void to_half(uint16_t *y, const void *x_, dmt_index n) {
    const REAL *x = x_;
    for (dmt_index i = 0; i < n; i++) y[i] = halved(x[i]);
}

static void from_half(void *y_, const uint16_t *x, dmt_index n) {
    REAL *y = y_;
    for (dmt_index i = 0; i < n; i++) y[i] = widened(x[i]);
}

// As `pack_lines`, from bfloat16.
static inline void pack_half_lines(REAL *dst, const uint16_t *src, dmt_index line_stride, dmt_index k_stride,
                                   dmt_index lines, dmt_index k, dmt_index width) {
    REAL block[32 * 64];
    dmt_index j = 0;
    if (line_stride == 1) {
        // Lines side by side: rows of `src` are read through, a few at a time.
        for (dmt_index p0 = 0; p0 < k; p0 += 32) {
            dmt_index end = p0 + 32 < k ? p0 + 32 : k;
            for (j = 0; j + width <= lines; j += width) {
                for (dmt_index p = p0; p < end; p++) from_half(dst + j * k + p * width, src + p * k_stride + j, width);
            }
        }
        dst += j * k;
        src += j;
    }
    for (; j < lines; j += width, dst += k * width, src += width * line_stride) {
        dmt_index count = lines - j < width ? lines - j : width;
        for (dmt_index p = 0; k_stride == 1 && p < k; p += 64) {
            dmt_index depth = k - p < 64 ? k - p : 64;
            for (dmt_index q = 0; q < count; q++) from_half(block + q * 64, src + q * line_stride + p, depth);
            pack_lines(dst + p * width, block, 64, 1, count, depth, width);
        }
        for (dmt_index p = 0; k_stride != 1 && p < k; p++) {
            for (dmt_index q = 0; q < count; q++) {
                dst[p * width + q] = widened(src[p * k_stride + q * line_stride]);
            }
            for (dmt_index q = count; q < width; q++) dst[p * width + q] = 0;
        }
    }
}

static void pack_half_b(void *dst, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    pack_half_lines(dst, b, cs, rs, n, k, NR);
}

static void pack_half_a(void *dst, const void *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    pack_half_lines(dst, a, rs, cs, m, k, MR);
}

#define GEMM_ROWS_BF16 0
enum { BF16_STEP = 1, BF16_BYTES = sizeof(REAL) };
