// Matrix product: C[m,n] (+)= A[m,k] B[k,n].
//
// B lies in panels of NR columns, so the inner loop reads it in order; A is read in place by broadcast, since its rows
// (forward, dX) or its columns (dW) are contiguous. MR x NR accumulators stay in registers.
//
// Goals, ranked: 1 the result depends on shapes only; 2 near the peak of one core at K >= 96; 3 short.

typedef REAL vec __attribute__((vector_size(VW * sizeof(REAL)), aligned(sizeof(REAL))));
enum { MR = GEMM_MR, NV = 2, NR = NV * VW };

// Copies a 4 x 4 block transposed. Only for float: doubles take the scalar way.
static inline void transpose4(REAL *dst, dmt_index dst_ld, const REAL *src, dmt_index src_ld) {
    typedef REAL v4 __attribute__((vector_size(4 * sizeof(REAL)), aligned(sizeof(REAL))));
    v4 a = *(const v4 *)(src), b = *(const v4 *)(src + src_ld);
    v4 c = *(const v4 *)(src + 2 * src_ld), d = *(const v4 *)(src + 3 * src_ld);
    v4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    v4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(v4 *)(dst) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(v4 *)(dst + dst_ld) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(v4 *)(dst + 2 * dst_ld) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
    *(v4 *)(dst + 3 * dst_ld) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}

static void pack_b(void *dst_, const void *b_, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    REAL *dst = dst_;
    const REAL *b = b_;
    for (dmt_index j = 0; j < n; j += NR, dst += k * NR) {
        dmt_index width = n - j < NR ? n - j : NR;
        const REAL *src = b + j * cs;
        if (cs == 1 && width == NR) {
            for (dmt_index p = 0; p < k; p++) {
                for (int v = 0; v < NV; v++) *(vec *)(dst + p * NR + v * VW) = *(const vec *)(src + p * rs + v * VW);
            }
        } else if (rs == 1 && width == NR) {
            dmt_index p = 0;
            for (; p + 4 <= k; p += 4) {
                for (int q = 0; q < NR; q += 4) transpose4(dst + p * NR + q, NR, src + q * cs + p, cs);
            }
            for (; p < k; p++) {
                for (int q = 0; q < NR; q++) dst[p * NR + q] = src[q * cs + p];
            }
        } else {
            for (dmt_index p = 0; p < k; p++) {
                for (dmt_index q = 0; q < NR; q++) dst[p * NR + q] = q < width ? src[p * rs + q * cs] : 0;
            }
        }
    }
}

// A tile of ROWS x NR: A(i, p) = a[i * rs + p * cs], one of the strides known at the call.
#define TILE(NAME, ROWS, AT, STEP)                                                                     \
    static inline __attribute__((always_inline)) void NAME(dmt_index k, const REAL *restrict a,        \
                                                           dmt_index stride, const REAL *restrict b,   \
                                                           REAL *restrict c, dmt_index ldc, int add) { \
        vec acc[ROWS][NV];                                                                             \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                            \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < NV; v++) {                          \
                acc[i][v] = add ? *(const vec *)(c + i * ldc + v * VW) : (vec){0};                     \
            }                                                                                          \
        }                                                                                              \
        for (dmt_index p = 0; p < k; p++, a += (STEP), b += NR) {                                      \
            vec b0 = *(const vec *)b, b1 = *(const vec *)(b + VW);                                     \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                        \
                REAL x = a[AT];                                                                        \
                acc[i][0] += x * b0;                                                                   \
                acc[i][1] += x * b1;                                                                   \
            }                                                                                          \
        }                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                            \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < NV; v++) {                          \
                *(vec *)(c + i * ldc + v * VW) = acc[i][v];                                            \
            }                                                                                          \
        }                                                                                              \
    }
TILE(tile_rows, MR, i *stride, 1)
TILE(tile_four_rows, 4, i *stride, 1)
TILE(tile_one_row, 1, i *stride, 1)
TILE(tile_packed, MR, i, MR)
#undef TILE

// `height` rows of A, contiguous along k, against one panel.
static inline void rows_by_panel(dmt_index height, dmt_index k, const REAL *a, dmt_index stride, const REAL *panel,
                                 REAL *c, dmt_index ldc, int add) {
    if (height == MR) {
        tile_rows(k, a, stride, panel, c, ldc, add);
        return;
    }
    dmt_index r = 0;
    for (; r + 4 <= height; r += 4) tile_four_rows(k, a + r * stride, stride, panel, c + r * ldc, ldc, add);
    for (; r < height; r++) tile_one_row(k, a + r * stride, stride, panel, c + r * ldc, ldc, add);
}

// Rows of A that are packed at a time, and the longest k that packing takes.
enum { PACK_ROWS = 144 / MR * MR, PACK_DEPTH = 256 };

// Copies m x k values of A into panels of MR rows, zero padded: for matrices that are not contiguous along k.
static inline void pack_a(REAL *dst, const REAL *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    for (dmt_index i = 0; i < m; i += MR, dst += k * MR) {
        dmt_index height = m - i < MR ? m - i : MR;
        const REAL *src = a + i * rs;
        if (rs == 1 && height == MR) {
            for (dmt_index p = 0; p < k; p++) {
                for (dmt_index r = 0; r < MR; r++) dst[p * MR + r] = src[p * cs + r];
            }
        } else {
            for (dmt_index p = 0; p < k; p++) {
                for (dmt_index r = 0; r < MR; r++) dst[p * MR + r] = r < height ? src[r * rs + p * cs] : 0;
            }
        }
    }
}

static void gemm_block(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index rs, dmt_index cs,
                       const void *packed_, dmt_index panel_stride, void *c_, dmt_index ldc, int accumulate) {
    static _Thread_local REAL packed_a[PACK_ROWS * PACK_DEPTH];
    const REAL *a = a_;
    REAL *c = c_, edge[MR * NR];
    int in_place = cs == 1;
    for (dmt_index i0 = 0; i0 < m; i0 += PACK_ROWS) {
        dmt_index rows = m - i0 < PACK_ROWS ? m - i0 : PACK_ROWS;
        for (dmt_index p0 = 0; p0 < k; p0 += in_place ? k : PACK_DEPTH) {
            dmt_index depth = in_place || k - p0 < PACK_DEPTH ? k - p0 : PACK_DEPTH;
            int add = accumulate || p0 > 0;
            if (!in_place) pack_a(packed_a, a + i0 * rs + p0 * cs, rs, cs, rows, depth);
            const REAL *panel = (const REAL *)packed_ + p0 * NR;
            for (dmt_index j = 0; j < n; j += NR, panel += panel_stride) {
                dmt_index width = n - j < NR ? n - j : NR;
                for (dmt_index i = 0; i < rows; i += MR) {
                    dmt_index height = rows - i < MR ? rows - i : MR;
                    REAL *tile = c + (i0 + i) * ldc + j;
                    const REAL *lines = in_place ? a + (i0 + i) * rs : packed_a + i * depth;
                    int whole = width == NR && (in_place || height == MR);
                    // A ragged tile goes through a full one.
                    REAL *target = whole ? tile : edge;
                    dmt_index ld = whole ? ldc : NR;
                    if (!whole && add) {
                        for (dmt_index r = 0; r < height; r++) {
                            for (dmt_index q = 0; q < width; q++) edge[r * NR + q] = tile[r * ldc + q];
                        }
                    }
                    if (in_place) rows_by_panel(height, depth, lines, rs, panel, target, ld, add);
                    else tile_packed(depth, lines, MR, panel, target, ld, add);
                    if (!whole) {
                        for (dmt_index r = 0; r < height; r++) {
                            for (dmt_index q = 0; q < width; q++) tile[r * ldc + q] = edge[r * NR + q];
                        }
                    }
                }
            }
        }
    }
}
