// bfloat16 products with AVX-512 BF16: pairs along k, sums in float (vdpbf16ps). A step of a panel is a pair.
#include <immintrin.h>

// Two bfloat16 values of each lane: `low` in the lower half.
static inline __m512i pairs_of(__m512 low, __m512 high) {
    __m512i lower = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low));
    __m512i upper = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
    return _mm512_or_si512(lower, _mm512_slli_epi32(upper, 16));
}

static inline uint32_t pair_of(float low, float high) {
    return (uint32_t)_mm_cvtsi128_si32((__m128i)_mm_cvtneps_pbh(_mm_set_ps(0, 0, high, low)));
}

static void to_half(uint16_t *y, const void *x_, dmt_index n) {
    const float *x = x_;
    for (dmt_index i = 0; i < n; i += 16) {
        __mmask16 mask = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        _mm256_mask_storeu_epi16(y + i, mask, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i)));
    }
}

static void from_half(void *y_, const uint16_t *x, dmt_index n) {
    float *y = y_;
    for (dmt_index i = 0; i < n; i += 16) {
        __mmask16 mask = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        __m512i bits = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, x + i)), 16);
        _mm512_mask_storeu_ps(y + i, mask, (__m512)bits);
    }
}

// A panel of `width` lines that lie contiguous along k: blocks of 16 pairs of each line, transposed.
typedef void (*pairs_reader)(uint32_t *pairs, const void *line, dmt_index values);

static inline __attribute__((always_inline)) void transpose_pairs(uint32_t *dst, const char *src,
                                                                  dmt_index line_bytes, dmt_index value_bytes,
                                                                  dmt_index count, dmt_index k, dmt_index width,
                                                                  pairs_reader read) {
    uint32_t lines[32 * 16];
    dmt_index pairs = (k + 1) / 2;
    for (dmt_index q = count; q < width; q++) {
        for (int r = 0; r < 16; r++) lines[q * 16 + r] = 0;
    }
    for (dmt_index p = 0; p < pairs; p += 16) {
        for (dmt_index q = 0; q < count; q++) {
            read(lines + q * 16, src + q * line_bytes + 2 * p * value_bytes, k - 2 * p < 32 ? k - 2 * p : 32);
        }
        dmt_index rest = pairs - p < 16 ? pairs - p : 16, r = 0;
        for (; r + 4 <= rest; r += 4) {
            for (dmt_index q = 0; q < width; q += 4) {
                transpose4((float *)dst + (p + r) * width + q, width, (float *)lines + q * 16 + r, 16);
            }
        }
        for (; r < rest; r++) {
            for (dmt_index q = 0; q < width; q++) dst[(p + r) * width + q] = lines[q * 16 + r];
        }
    }
}

static inline __attribute__((always_inline)) void pairs_of_floats(uint32_t *pairs, const void *line,
                                                                  dmt_index values) {
    uint32_t mask = values < 32 ? (1u << values) - 1 : 0xffffffffu;
    __m512 low = _mm512_maskz_loadu_ps((__mmask16)mask, line);
    __m512 high = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), (const float *)line + 16);
    _mm512_storeu_si512(pairs, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

static inline __attribute__((always_inline)) void pairs_of_halves(uint32_t *pairs, const void *line,
                                                                  dmt_index values) {
    __mmask32 mask = values < 32 ? (1u << values) - 1 : 0xffffffffu;
    _mm512_storeu_si512(pairs, _mm512_maskz_loadu_epi16(mask, line));
}

// Pairs of two rows of `width` values.
static inline __attribute__((always_inline)) void pair_rows(uint32_t *dst, const float *low, const float *high,
                                                            dmt_index width) {
    for (dmt_index q = 0; q < width; q += 16) {
        __mmask16 mask = width - q < 16 ? (__mmask16)((1u << (width - q)) - 1) : 0xffff;
        __m512 upper = high ? _mm512_maskz_loadu_ps(mask, high + q) : _mm512_setzero_ps();
        _mm512_mask_storeu_epi32(dst + q, mask, pairs_of(_mm512_maskz_loadu_ps(mask, low + q), upper));
    }
}

static inline __attribute__((always_inline)) void pair_half_rows(uint32_t *dst, const uint16_t *low,
                                                                 const uint16_t *high, dmt_index width) {
    for (dmt_index q = 0; q < width; q += 16) {
        __mmask16 mask = width - q < 16 ? (__mmask16)((1u << (width - q)) - 1) : 0xffff;
        __m512i lower = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, low + q));
        __m512i upper =
            high ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, high + q)) : _mm512_setzero_si512();
        _mm512_mask_storeu_epi32(dst + q, mask, _mm512_or_si512(lower, _mm512_slli_epi32(upper, 16)));
    }
}

// As `pack_lines`, with pairs of values in place of values; an odd k ends in a pair with zero. One of both strides is 1, or
// lines are taken value by value.
static inline __attribute__((always_inline)) void pack_line_pairs(uint32_t *dst, const float *src,
                                                                  dmt_index line_stride, dmt_index k_stride,
                                                                  dmt_index lines, dmt_index k, dmt_index width) {
    dmt_index pairs = (k + 1) / 2;
    for (dmt_index j = 0; j < lines; j += width, dst += pairs * width, src += width * line_stride) {
        dmt_index count = lines - j < width ? lines - j : width;
        if (k_stride == 1) {
            transpose_pairs(dst, (const char *)src, line_stride * 4, 4, count, k, width, pairs_of_floats);
            continue;
        }
        for (dmt_index p = 0; p < pairs; p++) {
            const float *low = src + 2 * p * k_stride, *high = 2 * p + 1 < k ? low + k_stride : 0;
            if (line_stride == 1 && count == width) {
                pair_rows(dst + p * width, low, high, width);
                continue;
            }
            for (dmt_index q = 0; q < width; q++) {
                dst[p * width + q] = q < count ? pair_of(low[q * line_stride], high ? high[q * line_stride] : 0) : 0;
            }
        }
    }
}

// The same from values that are bfloat16 already.
static inline __attribute__((always_inline)) void pack_half_pairs(uint32_t *dst, const uint16_t *src,
                                                                  dmt_index line_stride, dmt_index k_stride,
                                                                  dmt_index lines, dmt_index k, dmt_index width) {
    dmt_index pairs = (k + 1) / 2;
    for (dmt_index j = 0; j < lines; j += width, dst += pairs * width, src += width * line_stride) {
        dmt_index count = lines - j < width ? lines - j : width;
        if (k_stride == 1) {
            transpose_pairs(dst, (const char *)src, line_stride * 2, 2, count, k, width, pairs_of_halves);
            continue;
        }
        for (dmt_index p = 0; p < pairs; p++) {
            const uint16_t *low = src + 2 * p * k_stride, *high = 2 * p + 1 < k ? low + k_stride : 0;
            if (line_stride == 1 && count == width) {
                pair_half_rows(dst + p * width, low, high, width);
                continue;
            }
            for (dmt_index q = 0; q < width; q++) {
                dmt_index at = q * line_stride;
                dst[p * width + q] = q < count ? low[at] | (high ? (uint32_t)high[at] << 16 : 0) : 0;
            }
        }
    }
}

static void pack_half_b(void *dst, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    pack_half_pairs(dst, b, cs, rs, n, k, NR);
}

static void pack_half_a(void *dst, const void *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    pack_half_pairs(dst, a, rs, cs, m, k, MR);
}

static void pack_b_bf16(void *dst, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    pack_line_pairs(dst, b, cs, rs, n, k, NR);
}

static void pack_a_bf16(void *dst, const void *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    pack_line_pairs(dst, a, rs, cs, m, k, MR);
}

// A tile of ROWS x NR: the pair p of row i is a[AT], moved on by STEP for each p.
#define TILE(NAME, ROWS, AT, STEP)                                                                              \
    static inline __attribute__((always_inline)) void NAME(dmt_index pairs, const uint32_t *restrict a,         \
                                                           dmt_index stride, const uint32_t *restrict b,        \
                                                           float *restrict c, dmt_index ldc, int add) {         \
        __m512 acc[ROWS][2];                                                                                    \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                                     \
            __builtin_prefetch(c + i * ldc, 1);                                                                 \
            __builtin_prefetch(c + i * ldc + NR - 1, 1);                                                        \
            acc[i][0] = add ? _mm512_loadu_ps(c + i * ldc) : _mm512_setzero_ps();                               \
            acc[i][1] = add ? _mm512_loadu_ps(c + i * ldc + 16) : _mm512_setzero_ps();                          \
        }                                                                                                       \
        for (dmt_index p = 0; p < pairs; p++, a += (STEP), b += NR) {                                           \
            __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + 16);           \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                                 \
                __m512bh x = (__m512bh)_mm512_set1_epi32((int)a[AT]);                                           \
                acc[i][0] = _mm512_dpbf16_ps(acc[i][0], x, b0);                                                 \
                acc[i][1] = _mm512_dpbf16_ps(acc[i][1], x, b1);                                                 \
            }                                                                                                   \
        }                                                                                                       \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                                     \
            _mm512_storeu_ps(c + i * ldc, acc[i][0]);                                                           \
            _mm512_storeu_ps(c + i * ldc + 16, acc[i][1]);                                                      \
        }                                                                                                       \
    }
TILE(tile_bf16, MR, i, MR)
TILE(tile_bf16_rows, MR, i *stride, 1)
TILE(tile_bf16_four_rows, 4, i *stride, 1)
TILE(tile_bf16_one_row, 1, i *stride, 1)
#undef TILE

// A in place: rows of pairs, `stride` values (an even number) apart.
static void gemm_rows_bf16(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index stride,
                           const void *packed_b, dmt_index panel_stride, void *c_, dmt_index ldc, int add) {
    const uint32_t *a = a_, *panel = packed_b;
    float *c = c_, edge[MR * NR];
    dmt_index pairs = k / 2, step = stride / 2;
    for (dmt_index j = 0; j < n; j += NR, panel += panel_stride) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index i = 0; i < m; i += MR) {
            dmt_index height = m - i < MR ? m - i : MR, ld = width == NR ? ldc : NR, r = 0;
            const uint32_t *lines = a + i * step;
            float *block = c + i * ldc + j, *tile = width == NR ? block : edge;
            if (add && width < NR) copy_block(edge, NR, block, ldc, height, width);
            if (height == MR) {
                tile_bf16_rows(pairs, lines, step, panel, tile, ld, add);
            } else {
                for (; r + 4 <= height; r += 4) {
                    tile_bf16_four_rows(pairs, lines + r * step, step, panel, tile + r * ld, ld, add);
                }
                for (; r < height; r++) {
                    tile_bf16_one_row(pairs, lines + r * step, step, panel, tile + r * ld, ld, add);
                }
            }
            if (width < NR) copy_block(block, ldc, edge, NR, height, width);
        }
    }
}
#define GEMM_ROWS_BF16 gemm_rows_bf16

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
                tile_bf16(pairs, lines, 0, panel, tile, ldc, add);
                continue;
            }
            if (add) copy_block(edge, NR, tile, ldc, height, width);
            tile_bf16(pairs, lines, 0, panel, edge, NR, add);
            copy_block(tile, ldc, edge, NR, height, width);
        }
    }
}
enum { BF16_STEP = 2, BF16_BYTES = 4 };
