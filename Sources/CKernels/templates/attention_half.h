// Attention of one head with bfloat16 operands and results; scores, softmax and sums in float. The equations of attention.h.

enum { HALF_ROWS = 8 * MR };

// Bytes of `lines` packed lines of k values.
static inline dmt_index half_panel(dmt_index lines, dmt_index k) {
    return lines * ((k + BF16_STEP - 1) / BF16_STEP) * BF16_BYTES;
}

// Steps from one packed panel of B to the next.
static inline dmt_index half_stride(dmt_index k) { return (k + BF16_STEP - 1) / BF16_STEP * NR; }

static dmt_index attention_half_scratch(dmt_index tokens, dmt_index dim) {
    dmt_index rows = (tokens + MR - 1) / MR * MR;
    dmt_index longest = tokens > dim ? tokens : dim;
    dmt_index panels_of_b = 2 * half_panel(panels(tokens), dim) + half_panel(panels(dim), tokens);
    dmt_index blocks = half_panel(HALF_ROWS, longest) + half_panel(rows, HALF_ROWS) + half_panel(panels(dim), HALF_ROWS);
    return panels_of_b + blocks
           + (dmt_index)sizeof(REAL) * (2 * HALF_ROWS * score_stride(tokens) + (HALF_ROWS + 2 * tokens) * dim + 4 * NR);
}

// Rounds `rows` rows of sums.
static inline void store_half_rows(uint16_t *out, dmt_index ldo, const REAL *sums, dmt_index rows, dmt_index dim) {
    for (dmt_index r = 0; r < rows; r++) to_half(out + r * ldo, sums + r * dim, dim);
}

static void attention_half(uint16_t *out, dmt_index ldo, void *lse_, const uint16_t *q, const uint16_t *k,
                           const uint16_t *v, dmt_index ld, dmt_index tokens, dmt_index dim, double scale_,
                           void *scratch) {
    REAL *lse = lse_, s = (REAL)scale_;
    char *packed_k = scratch, *packed_v = packed_k + half_panel(panels(tokens), dim);
    char *packed_rows = packed_v + half_panel(panels(dim), tokens);
    REAL *scores = (REAL *)(packed_rows + half_panel(HALF_ROWS, tokens > dim ? tokens : dim));
    dmt_index width = panels(tokens), stride = score_stride(tokens);
    REAL *sums = scores + HALF_ROWS * stride;
    pack_half_b(packed_k, k, 1, ld, dim, tokens);
    pack_half_b(packed_v, v, ld, 1, tokens, dim);
    for (dmt_index first = 0; first < tokens; first += HALF_ROWS) {
        dmt_index rows = tokens - first < HALF_ROWS ? tokens - first : HALF_ROWS;
        REAL inverse[HALF_ROWS];
        pack_half_a(packed_rows, q + first * ld, ld, 1, rows, dim);
        gemm_bf16(rows, width, dim, packed_rows, packed_k, half_stride(dim), scores, stride, 0);
        for (dmt_index r = 0; r < rows; r++) {
            REAL *row = scores + r * stride, top = s * row_max(row, tokens);
            for (dmt_index j = 0; j < width; j++) row[j] = REAL_EXP(row[j] * s - top);
            REAL total = row_sum(row, tokens);
            inverse[r] = 1 / total;
            lse[first + r] = top + REAL_LOG(total);
        }
        pack_a_bf16(packed_rows, scores, stride, 1, rows, tokens);
        gemm_bf16(rows, dim, tokens, packed_rows, packed_v, half_stride(tokens), sums, dim, 0);
        for (dmt_index r = 0; r < rows; r++) {
            for (dmt_index j = 0; j < dim; j++) sums[r * dim + j] *= inverse[r];
        }
        store_half_rows(out + first * ldo, ldo, sums, rows, dim);
    }
}

static void attention_half_backward(uint16_t *dq, uint16_t *dk, uint16_t *dv, const uint16_t *dout,
                                    const uint16_t *out, dmt_index ldo, const void *lse_, const uint16_t *q,
                                    const uint16_t *k, const uint16_t *v, dmt_index ld, dmt_index tokens,
                                    dmt_index dim, double scale_, void *scratch) {
    const REAL *lse = lse_;
    REAL s = (REAL)scale_, wide_dout[64], wide_out[64];
    dmt_index longest = tokens > dim ? tokens : dim;
    char *packed_kt = scratch, *packed_vt = packed_kt + half_panel(panels(tokens), dim);
    char *packed_k = packed_vt + half_panel(panels(tokens), dim);
    char *packed_rows = packed_k + half_panel(panels(dim), tokens);
    char *packed_columns = packed_rows + half_panel(HALF_ROWS, longest);
    char *packed_block = packed_columns + half_panel((tokens + MR - 1) / MR * MR, HALF_ROWS);
    REAL *scores = (REAL *)(packed_block + half_panel(panels(dim), HALF_ROWS));
    dmt_index width = panels(tokens), stride = score_stride(tokens);
    REAL *slopes = scores + HALF_ROWS * stride, *sums = slopes + HALF_ROWS * stride;
    REAL *key_sums = sums + HALF_ROWS * dim, *value_sums = key_sums + tokens * dim;
    pack_half_b(packed_kt, k, 1, ld, dim, tokens);
    pack_half_b(packed_vt, v, 1, ld, dim, tokens);
    pack_half_b(packed_k, k, ld, 1, tokens, dim);
    for (dmt_index first = 0; first < tokens; first += HALF_ROWS) {
        dmt_index rows = tokens - first < HALF_ROWS ? tokens - first : HALF_ROWS;
        const uint16_t *q0 = q + first * ld, *dout0 = dout + first * ldo, *out0 = out + first * ldo;
        pack_half_a(packed_rows, q0, ld, 1, rows, dim);
        gemm_bf16(rows, width, dim, packed_rows, packed_kt, half_stride(dim), scores, stride, 0);
        pack_half_a(packed_rows, dout0, ldo, 1, rows, dim);
        gemm_bf16(rows, width, dim, packed_rows, packed_vt, half_stride(dim), slopes, stride, 0);
        for (dmt_index r = 0; r < rows; r++) {
            REAL *p = scores + r * stride, *d = slopes + r * stride, inner = 0, shift = lse[first + r];
            for (dmt_index j = 0; j < dim; j += 64) {
                dmt_index count = dim - j < 64 ? dim - j : 64;
                from_half(wide_dout, dout0 + r * ldo + j, count);
                from_half(wide_out, out0 + r * ldo + j, count);
                for (dmt_index i = 0; i < count; i++) inner += wide_dout[i] * wide_out[i];
            }
            for (dmt_index j = 0; j < width; j++) {
                REAL weight = REAL_EXP(p[j] * s - shift);
                p[j] = weight;
                d[j] = weight * (d[j] - inner) * s;
            }
        }
        pack_a_bf16(packed_rows, slopes, stride, 1, rows, tokens);
        gemm_bf16(rows, dim, tokens, packed_rows, packed_k, half_stride(tokens), sums, dim, 0);
        store_half_rows(dq + first * ld, ld, sums, rows, dim);
        // dV += P^T dO and dK += dS^T Q: the block's rows are the inner dimension.
        pack_half_b(packed_block, dout0, ldo, 1, rows, dim);
        pack_a_bf16(packed_columns, scores, 1, stride, tokens, rows);
        gemm_bf16(tokens, dim, rows, packed_columns, packed_block, half_stride(rows), value_sums, dim, first > 0);
        pack_half_b(packed_block, q0, ld, 1, rows, dim);
        pack_a_bf16(packed_columns, slopes, 1, stride, tokens, rows);
        gemm_bf16(tokens, dim, rows, packed_columns, packed_block, half_stride(rows), key_sums, dim, first > 0);
    }
    store_half_rows(dv, ld, value_sums, tokens, dim);
    store_half_rows(dk, ld, key_sums, tokens, dim);
}
