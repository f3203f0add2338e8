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
enum { BF16_STEP = 1, BF16_BYTES = sizeof(REAL) };
