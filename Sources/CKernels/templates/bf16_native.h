// bfloat16 products with AVX-512 BF16: pairs along k, sums in float (vdpbf16ps).
#include <immintrin.h>

static void pack_b_bf16(void *dst_, const void *b_, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    const float *b = b_;
    uint16_t *dst = dst_;
    dmt_index pairs = (k + 1) / 2;
    float row[NR];
    for (dmt_index j = 0; j < n; j += NR, dst += pairs * NR * 2) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index p = 0; p < pairs * 2; p++) {
            for (dmt_index q = 0; q < NR; q++) row[q] = p < k && q < width ? b[p * rs + (j + q) * cs] : 0;
            uint16_t *line = dst + (p / 2) * NR * 2 + (p & 1);
            uint16_t rounded[NR];
            dmt_f32_to_bf16(rounded, row, NR);
            for (dmt_index q = 0; q < NR; q++) line[q * 2] = rounded[q];
        }
    }
}

static inline __attribute__((always_inline)) void tile_bf16(dmt_index pairs, const uint32_t *restrict a,
                                                            dmt_index stride, const uint16_t *restrict b,
                                                            float *restrict c, dmt_index ldc) {
    __m512 acc[MR][2];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (dmt_index p = 0; p < pairs; p++, a++, b += NR * 2) {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + NR);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i * stride]);
            acc[i][0] = _mm512_dpbf16_ps(acc[i][0], x, b0);
            acc[i][1] = _mm512_dpbf16_ps(acc[i][1], x, b1);
        }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {
        _mm512_storeu_ps(c + i * ldc, acc[i][0]);
        _mm512_storeu_ps(c + i * ldc + 16, acc[i][1]);
    }
}

// scratch: round_up(m, MR) rows of round_up(k, 2) bfloat16 values.
static void gemm_bf16(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index lda, const void *packed_,
                      void *c_, dmt_index ldc, void *scratch) {
    const float *a = a_;
    const uint16_t *packed = packed_;
    float *c = c_;
    uint16_t *rounded = scratch;
    dmt_index pairs = (k + 1) / 2, rows = (m + MR - 1) / MR * MR;
    for (dmt_index i = 0; i < rows; i++) {
        dmt_index source = i < m ? i : m - 1;
        dmt_f32_to_bf16(rounded + i * pairs * 2, a + source * lda, k);
        if (k & 1) rounded[i * pairs * 2 + k] = 0;
    }
    float edge[MR * NR];
    for (dmt_index j = 0; j < n; j += NR, packed += pairs * NR * 2) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index i = 0; i < m; i += MR) {
            dmt_index height = m - i < MR ? m - i : MR;
            const uint32_t *rows_a = (const uint32_t *)(rounded + i * pairs * 2);
            if (height == MR && width == NR) {
                tile_bf16(pairs, rows_a, pairs, packed, c + i * ldc + j, ldc);
                continue;
            }
            tile_bf16(pairs, rows_a, pairs, packed, edge, NR);
            for (dmt_index r = 0; r < height; r++) {
                for (dmt_index q = 0; q < width; q++) c[(i + r) * ldc + j + q] = edge[r * NR + q];
            }
        }
    }
}
enum { BF16_PANEL_BYTES = 2 * NR * 2 };
