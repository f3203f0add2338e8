// bfloat16 products with AVX-512 BF16: pairs along k, sums in float (vdpbf16ps). A step of a panel is a pair.
#include <immintrin.h>

// Two bfloat16 values of each lane: `low` in the lower half.
static inline __m512i pairs_of(__m512 low, __m512 high) {
    __m512i lower = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low));
    __m512i upper = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
    return _mm512_or_si512(lower, _mm512_slli_epi32(upper, 16));
}

static inline uint32_t pair_of(float low, float high) {
    uint16_t both[2];
    dmt_f32_to_bf16(both, (float[2]){low, high}, 2);
    return both[0] | (uint32_t)both[1] << 16;
}

// As `pack_lines`, with pairs of values in place of values; an odd k ends in a pair with zero.
static inline __attribute__((always_inline)) void pack_line_pairs(uint32_t *dst, const float *src,
                                                                  dmt_index line_stride, dmt_index k_stride,
                                                                  dmt_index lines, dmt_index k, dmt_index width) {
    dmt_index pairs = (k + 1) / 2;
    for (dmt_index j = 0; j < lines; j += width, dst += pairs * width, src += width * line_stride) {
        dmt_index count = lines - j < width ? lines - j : width, p = 0;
        if (line_stride == 1 && count == width) {
            for (; p < k / 2; p++) {
                const float *low = src + 2 * p * k_stride, *high = low + k_stride;
                for (dmt_index q = 0; q < width; q += 16) {
                    __mmask16 mask = width - q < 16 ? (__mmask16)((1u << (width - q)) - 1) : 0xffff;
                    _mm512_mask_storeu_epi32(dst + p * width + q, mask,
                                             pairs_of(_mm512_maskz_loadu_ps(mask, low + q),
                                                      _mm512_maskz_loadu_ps(mask, high + q)));
                }
            }
        } else if (k_stride == 1 && count == width) {
            for (; p + 16 <= k / 2; p += 16) {
                float lines_of_pairs[32 * 16];
                for (dmt_index q = 0; q < width; q++) {
                    const float *line = src + q * line_stride + 2 * p;
                    __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(line + 16), _mm512_loadu_ps(line));
                    _mm512_storeu_si512(lines_of_pairs + q * 16, (__m512i)both);
                }
                for (dmt_index r = 0; r < 16; r += 4) {
                    for (dmt_index q = 0; q < width; q += 4) {
                        transpose4((float *)dst + (p + r) * width + q, width, lines_of_pairs + q * 16 + r, 16);
                    }
                }
            }
        }
        for (; p < pairs; p++) {
            const float *low = src + 2 * p * k_stride;
            for (dmt_index q = 0; q < width; q++) {
                const float *value = low + q * line_stride;
                dst[p * width + q] = q < count ? pair_of(*value, 2 * p + 1 < k ? value[k_stride] : 0) : 0;
            }
        }
    }
}

static void pack_b_bf16(void *dst, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    pack_line_pairs(dst, b, cs, rs, n, k, NR);
}

static void pack_a_bf16(void *dst, const void *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    pack_line_pairs(dst, a, rs, cs, m, k, MR);
}

static inline __attribute__((always_inline)) void tile_bf16(dmt_index pairs, const uint32_t *restrict a,
                                                            const uint32_t *restrict b, float *restrict c,
                                                            dmt_index ldc, int add) {
    __m512 acc[MR][2];
    _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {
        __builtin_prefetch(c + i * ldc, 1);
        __builtin_prefetch(c + i * ldc + NR - 1, 1);
        acc[i][0] = add ? _mm512_loadu_ps(c + i * ldc) : _mm512_setzero_ps();
        acc[i][1] = add ? _mm512_loadu_ps(c + i * ldc + 16) : _mm512_setzero_ps();
    }
    for (dmt_index p = 0; p < pairs; p++, a += MR, b += NR) {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + 16);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[i]);
            acc[i][0] = _mm512_dpbf16_ps(acc[i][0], x, b0);
            acc[i][1] = _mm512_dpbf16_ps(acc[i][1], x, b1);
        }
    }
    _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {
        _mm512_storeu_ps(c + i * ldc, acc[i][0]);
        _mm512_storeu_ps(c + i * ldc + 16, acc[i][1]);
    }
}

// `panel_stride` in pairs.
static void gemm_bf16(dmt_index m, dmt_index n, dmt_index k, const void *packed_a, const void *packed_b,
                      dmt_index panel_stride, void *c_, dmt_index ldc, int add) {
    const uint32_t *panel = packed_b;
    float *c = c_, edge[MR * NR];
    dmt_index pairs = (k + 1) / 2;
    for (dmt_index j = 0; j < n; j += NR, panel += panel_stride) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index i = 0; i < m; i += MR) {
            dmt_index height = m - i < MR ? m - i : MR;
            const uint32_t *lines = (const uint32_t *)packed_a + i * pairs;
            float *tile = c + i * ldc + j;
            if (height == MR && width == NR) {
                tile_bf16(pairs, lines, panel, tile, ldc, add);
                continue;
            }
            if (add) copy_block(edge, NR, tile, ldc, height, width);
            tile_bf16(pairs, lines, panel, edge, NR, add);
            copy_block(tile, ldc, edge, NR, height, width);
        }
    }
}
enum { BF16_STEP = 2, BF16_BYTES = 4 };
