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

// One MR x NR tile. COLUMNS: A is contiguous along rows (rs == 1), else along k (cs == 1).
#define TILE(NAME, ELEMENT, STEP)                                                                      \
    static inline __attribute__((always_inline)) void NAME(dmt_index k, const REAL *restrict a,        \
                                                           dmt_index stride, const REAL *restrict b,   \
                                                           REAL *restrict c, dmt_index ldc, int add) { \
        vec acc[MR][NV];                                                                               \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < NV; v++) {                          \
                acc[i][v] = add ? *(const vec *)(c + i * ldc + v * VW) : (vec){0};                     \
            }                                                                                          \
        }                                                                                              \
        for (dmt_index p = 0; p < k; p++, a += (STEP), b += NR) {                                      \
            vec b0 = *(const vec *)b, b1 = *(const vec *)(b + VW);                                     \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {                          \
                REAL x = a[ELEMENT];                                                                   \
                acc[i][0] += x * b0;                                                                   \
                acc[i][1] += x * b1;                                                                   \
            }                                                                                          \
        }                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MR; i++) {                              \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < NV; v++) {                          \
                *(vec *)(c + i * ldc + v * VW) = acc[i][v];                                            \
            }                                                                                          \
        }                                                                                              \
    }
TILE(tile_rows, i * stride, 1)
TILE(tile_columns, i, stride)
#undef TILE

static void gemm_block(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index rs, dmt_index cs,
                       const void *packed_, dmt_index panel_stride, void *c_, dmt_index ldc, int accumulate) {
    const REAL *a = a_, *packed = packed_;
    REAL *c = c_;
    enum { EDGE_K = 512 };
    REAL edge_a[EDGE_K * MR], edge_c[MR * NR];
    for (dmt_index j = 0; j < n; j += NR, packed += panel_stride) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index i = 0; i < m; i += MR) {
            dmt_index height = m - i < MR ? m - i : MR;
            REAL *tile = c + i * ldc + j;
            if (height == MR && width == NR && (cs == 1 || rs == 1)) {
                if (cs == 1) tile_rows(k, a + i * rs, rs, packed, tile, ldc, accumulate);
                else tile_columns(k, a + i, cs, packed, tile, ldc, accumulate);
                continue;
            }
            // Ragged edge: A goes through a zero-padded copy, C through a full tile.
            for (dmt_index r = 0; r < MR; r++) {
                for (dmt_index q = 0; q < NR; q++) {
                    edge_c[r * NR + q] = accumulate && r < height && q < width ? tile[r * ldc + q] : 0;
                }
            }
            for (dmt_index p0 = 0; p0 < k; p0 += EDGE_K) {
                dmt_index pk = k - p0 < EDGE_K ? k - p0 : EDGE_K;
                for (dmt_index p = 0; p < pk; p++) {
                    for (dmt_index r = 0; r < MR; r++) {
                        edge_a[p * MR + r] = r < height ? a[(i + r) * rs + (p0 + p) * cs] : 0;
                    }
                }
                tile_columns(pk, edge_a, MR, packed + p0 * NR, edge_c, NR, 1);
            }
            for (dmt_index r = 0; r < height; r++) {
                for (dmt_index q = 0; q < width; q++) tile[r * ldc + q] = edge_c[r * NR + q];
            }
        }
    }
}

// Packs all of B and multiplies; scratch holds the panels: k * round_up(n, NR) values.
static void gemm_small(dmt_index m, dmt_index n, dmt_index k, const REAL *a, dmt_index ars, dmt_index acs,
                       const REAL *b, dmt_index brs, dmt_index bcs, REAL *c, dmt_index ldc, int accumulate,
                       REAL *scratch) {
    pack_b(scratch, b, brs, bcs, k, n);
    gemm_block(m, n, k, a, ars, acs, scratch, k * NR, c, ldc, accumulate);
}
