// Matrix product: C[m,n] (+)= A[m,k] B[k,n].
//
// B lies in panels of NR columns, so the inner loop reads it in order; rows of A are read in place by broadcast, or lie in
// panels of MR rows where their stride would put all of them into one set of the cache, or where they are not contiguous
// along k. Where both are contiguous across k (dW) neither is moved: a step of k is a piece of a line of each. MR x NR
// accumulators stay in registers; the tile of C is fetched while they fill.
//
// Goals, ranked: 1 the result depends on shapes only; 2 near the peak of one core at K >= 96; 3 short. Each value of C is
// one chain of additions along k, however k is cut into blocks.

typedef REAL vec __attribute__((vector_size(VW * sizeof(REAL)), aligned(sizeof(REAL))));
enum { MR = GEMM_MR, NV = 2, NR = NV * VW };

// Copies a 4 x 4 block transposed.
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

// Panels of `width` lines, k values of each side by side, zero padded: lines are columns of B or rows of A.
static inline __attribute__((always_inline)) void pack_lines(REAL *dst, const REAL *src, dmt_index line_stride,
                                                             dmt_index k_stride, dmt_index lines, dmt_index k,
                                                             dmt_index width) {
    dmt_index j = 0;
    if (line_stride == 1) {
        // Lines side by side: rows of `src` are read through, a few at a time.
        for (dmt_index p0 = 0; p0 < k; p0 += 32) {
            dmt_index end = p0 + 32 < k ? p0 + 32 : k;
            for (j = 0; j + width <= lines; j += width) {
                for (dmt_index p = p0; p < end; p++) {
                    // The rows of the next piece: too far apart for the hardware to see them coming.
                    __builtin_prefetch(src + (p + 32) * k_stride + j + width);
                    for (dmt_index q = 0; q < width; q++) dst[j * k + p * width + q] = src[p * k_stride + j + q];
                }
            }
        }
        dst += j * k;
        src += j;
    }
    for (; j < lines; j += width, dst += k * width, src += width * line_stride) {
        dmt_index count = lines - j < width ? lines - j : width, p = 0;
        if (k_stride == 1 && count == width && width % 4 == 0) {
            for (; p + 4 <= k; p += 4) {
                for (dmt_index q = 0; q < width; q += 4) {
                    transpose4(dst + p * width + q, width, src + q * line_stride + p, line_stride);
                }
                if (p % 16 == 0) {
                    for (dmt_index q = 0; q < width; q++) __builtin_prefetch(src + q * line_stride + p + 32);
                }
            }
        }
        for (; p < k; p++) {
            for (dmt_index q = 0; q < width; q++) {
                dst[p * width + q] = q < count ? src[p * k_stride + q * line_stride] : 0;
            }
        }
    }
}

static void pack_b(void *dst, const void *b, dmt_index rs, dmt_index cs, dmt_index k, dmt_index n) {
    pack_lines(dst, b, cs, rs, n, k, NR);
}

static void pack_a(void *dst, const void *a, dmt_index rs, dmt_index cs, dmt_index m, dmt_index k) {
    pack_lines(dst, a, rs, cs, m, k, MR);
}

// A tile of ROWS x NR: A(i, p) = a[i * ROW + p * STEP], and B's lines lie `line` values apart. AHEAD fetches A.
//
// A core that is shared with another thread has slots for half of the instructions that a free one takes: all but products
// and loads are kept few. Four steps of k go together, and every REACH rows have a pointer that is not made again.
#define TILE(NAME, ROWS, ROW, REACH, STEP, AHEAD)                                                      \
    static inline __attribute__((always_inline)) void NAME(dmt_index k, const REAL *restrict a,        \
                                                           dmt_index stride, const REAL *restrict b,   \
                                                           dmt_index line, REAL *restrict c,           \
                                                           dmt_index ldc, int add) {                   \
        enum { POINTERS = (ROWS + (REACH) - 1) / (REACH) };                                            \
        vec acc[ROWS][NV];                                                                             \
        const REAL *from[POINTERS];                                                                    \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < POINTERS; i++) {                        \
            from[i] = a + i * (REACH) * (ROW);                                                         \
            __asm__("" : "+r"(from[i]));                                                               \
        }                                                                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                            \
            __builtin_prefetch(c + i * ldc, 1);                                                        \
            __builtin_prefetch(c + i * ldc + NR - 1, 1);                                               \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < NV; v++) {                          \
                acc[i][v] = add ? *(const vec *)(c + i * ldc + v * VW) : (vec){0};                     \
            }                                                                                          \
        }                                                                                              \
        /* Where the loop lies among lines of code decides a sixth of its speed on some machines. */    \
        __attribute__((code_align(64))) for (; k >= 4; k -= 4) { STEPS(4, ROWS, ROW, REACH, STEP, AHEAD) }      \
        _Pragma("clang loop unroll(disable)") for (; k > 0; k--) { STEPS(1, ROWS, ROW, REACH, STEP, AHEAD) } \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                            \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < NV; v++) {                          \
                *(vec *)(c + i * ldc + v * VW) = acc[i][v];                                            \
            }                                                                                          \
        }                                                                                              \
    }
#define STEPS(COUNT, ROWS, ROW, REACH, STEP, AHEAD)                                                    \
    _Pragma("clang loop unroll(full)") for (int q = 0; q < (COUNT); q++) {                             \
        vec b0 = *(const vec *)(b + q * line), b1 = *(const vec *)(b + q * line + VW);                 \
        __builtin_prefetch(b + (q + 8) * line);                                                        \
        if (NR * sizeof(REAL) > 64) __builtin_prefetch(b + (q + 8) * line + VW);                       \
        AHEAD;                                                                                         \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < ROWS; i++) {                            \
            REAL x = from[i / (REACH)][i % (REACH) * (ROW) + q * (STEP)];                              \
            acc[i][0] += x * b0;                                                                       \
            acc[i][1] += x * b1;                                                                       \
        }                                                                                              \
    }                                                                                                  \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < POINTERS; i++) from[i] += (COUNT) * (STEP); \
    b += (COUNT) * line;
TILE(tile_rows, MR, stride, 3, 1, )
TILE(tile_four_rows, 4, stride, 4, 1, )
TILE(tile_one_row, 1, stride, 1, 1, )
TILE(tile_packed, MR, 1, MR, MR, )
TILE(tile_columns, MR, 1, MR, stride, __builtin_prefetch(from[0] + (q + 8) * stride))
TILE(tile_four_columns, 4, 1, 4, stride, )
TILE(tile_one_column, 1, 1, 1, stride, )
#undef STEPS
#undef TILE

static inline void copy_block(REAL *dst, dmt_index dst_ld, const REAL *src, dmt_index src_ld, dmt_index rows,
                              dmt_index columns) {
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index q = 0; q < columns; q++) dst[r * dst_ld + q] = src[r * src_ld + q];
    }
}

// `height` rows of A, contiguous along k, against one panel.
static inline void rows_by_panel(dmt_index height, dmt_index k, const REAL *a, dmt_index stride, const REAL *panel,
                                 REAL *c, dmt_index ldc, int add) {
    if (height == MR) {
        tile_rows(k, a, stride, panel, NR, c, ldc, add);
        return;
    }
    dmt_index r = 0;
    for (; r + 4 <= height; r += 4) tile_four_rows(k, a + r * stride, stride, panel, NR, c + r * ldc, ldc, add);
    for (; r < height; r++) tile_one_row(k, a + r * stride, stride, panel, NR, c + r * ldc, ldc, add);
}

// A in place, with a row every `stride` values.
static void gemm_rows(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index stride, const void *packed_b,
                      dmt_index panel_stride, void *c_, dmt_index ldc, int add) {
    const REAL *a = a_, *panel = packed_b;
    REAL *c = c_, edge[MR * NR];
    for (dmt_index j = 0; j < n; j += NR, panel += panel_stride) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index i = 0; i < m; i += MR) {
            dmt_index height = m - i < MR ? m - i : MR;
            REAL *tile = c + i * ldc + j;
            if (width == NR) {
                rows_by_panel(height, k, a + i * stride, stride, panel, tile, ldc, add);
                continue;
            }
            // A ragged tile goes through a full one.
            if (add) copy_block(edge, NR, tile, ldc, height, width);
            rows_by_panel(height, k, a + i * stride, stride, panel, edge, NR, add);
            copy_block(tile, ldc, edge, NR, height, width);
        }
    }
}

// A in panels.
static void gemm_packed(dmt_index m, dmt_index n, dmt_index k, const void *packed_a, const void *packed_b,
                        dmt_index panel_stride, void *c_, dmt_index ldc, int add) {
    const REAL *panel = packed_b;
    REAL *c = c_, edge[MR * NR];
    for (dmt_index j = 0; j < n; j += NR, panel += panel_stride) {
        dmt_index width = n - j < NR ? n - j : NR;
        for (dmt_index i = 0; i < m; i += MR) {
            dmt_index height = m - i < MR ? m - i : MR;
            const REAL *lines = (const REAL *)packed_a + i * k;
            REAL *tile = c + i * ldc + j;
            if (width == NR && height == MR) {
                tile_packed(k, lines, 0, panel, NR, tile, ldc, add);
                continue;
            }
            if (add) copy_block(edge, NR, tile, ldc, height, width);
            tile_packed(k, lines, 0, panel, NR, edge, NR, add);
            copy_block(tile, ldc, edge, NR, height, width);
        }
    }
}

// A and B in place, both contiguous across k: A(i, p) = a[i + p * lda], B(p, j) = b[p * ldb + j]. n is a multiple of NR.
static void gemm_columns(dmt_index m, dmt_index n, dmt_index k, const void *a_, dmt_index lda, const void *b_,
                         dmt_index ldb, void *c_, dmt_index ldc, int add) {
    const REAL *a = a_, *b = b_;
    REAL *c = c_;
    for (dmt_index j = 0; j < n; j += NR) {
        dmt_index i = 0;
        for (; i + MR <= m; i += MR) tile_columns(k, a + i, lda, b + j, ldb, c + i * ldc + j, ldc, add);
        for (; i + 4 <= m; i += 4) tile_four_columns(k, a + i, lda, b + j, ldb, c + i * ldc + j, ldc, add);
        for (; i < m; i++) tile_one_column(k, a + i, lda, b + j, ldb, c + i * ldc + j, ldc, add);
    }
}
