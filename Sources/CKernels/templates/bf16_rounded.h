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

static void pack_b_bf16(void *dst_, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    REAL *dst = dst_;
    for (dmt_index j = 0; j < n; j += NR, dst += (k + 1) / 2 * 2 * NR) {
        pack_b(dst, (const REAL *)b + j * cs, rs, cs, k, n - j < NR ? n - j : NR);
        for (dmt_index i = 0; i < k * NR; i++) dst[i] = round_bf16(dst[i]);
    }
}

static void gemm_bf16(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index lda, const void *packed,
                      void *c, dmt_index ldc, void *scratch) {
    const REAL *a = a_;
    REAL *rounded = scratch;
    for (dmt_index i = 0; i < m; i++) {
        for (dmt_index p = 0; p < k; p++) rounded[i * k + p] = round_bf16(a[i * lda + p]);
    }
    gemm_block(m, n, k, rounded, k, 1, packed, (k + 1) / 2 * 2 * NR, c, ldc, 0);
}
enum { BF16_PANEL_BYTES = 2 * NR * sizeof(REAL) };
