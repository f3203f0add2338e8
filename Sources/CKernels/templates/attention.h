// Attention of one head, forward and backward, in blocks of query rows: scores never leave the cache.
//
//     S = scale Q K^T,  P = softmax(S),  O = P V,  lse = log sum exp(S)
//     dV = P^T dO,  dP = dO V^T,  dS = P (dP - rowsum(dO O)) scale,  dQ = dS K,  dK = dS^T Q
//
// Source: Dao et al. 2022, arXiv:2205.14135, appendix B.4, without the split over keys.

enum { ATTENTION_ROWS = 8 * MR };

static inline dmt_index panels(dmt_index n) { return (n + NR - 1) / NR * NR; }

// Values from one row of scores to the next: whole panels, and no multiple of 4096 bytes, which would put all rows of a
// tile into one set of the cache.
static inline dmt_index score_stride(dmt_index tokens) {
    dmt_index width = panels(tokens);
    return width * (dmt_index)sizeof(REAL) % 4096 == 0 ? width + VW : width;
}

static dmt_index attention_scratch(dmt_index tokens, dmt_index dim) {
    dmt_index longest = panels(tokens) * dim + panels(dim) * tokens;
    return 2 * longest + ATTENTION_ROWS * (2 * score_stride(tokens) + tokens + MR + panels(dim));
}

static void attention(void *out_, dmt_index ldo, void *lse_, const void *q_, const void *k_, const void *v_,
                      dmt_index ld, dmt_index tokens, dmt_index dim, double scale_, void *scratch_) {
    const REAL *q = q_, *k = k_, *v = v_;
    REAL *out = out_, *lse = lse_, s = (REAL)scale_;
    REAL *packed_k = scratch_, *packed_v = packed_k + panels(tokens) * dim, *scores = packed_v + panels(dim) * tokens;
    pack_b(packed_k, k, 1, ld, dim, tokens);
    pack_b(packed_v, v, ld, 1, tokens, dim);
    dmt_index width = panels(tokens), stride = score_stride(tokens);
    for (dmt_index first = 0; first < tokens; first += ATTENTION_ROWS) {
        dmt_index rows = tokens - first < ATTENTION_ROWS ? tokens - first : ATTENTION_ROWS;
        // Scores and exponentials of the padding are made and never read.
        gemm_rows(rows, width, dim, q + first * ld, ld, packed_k, dim * NR, scores, stride, 0);
        for (dmt_index r = 0; r < rows; r++) {
            REAL *row = scores + r * stride;
            for (dmt_index j = 0; j < tokens; j++) row[j] *= s;
            REAL top = row_max(row, tokens);
            for (dmt_index j = 0; j < width; j++) row[j] = REAL_EXP(row[j] - top);
            REAL total = row_sum(row, tokens), inverse = 1 / total;
            for (dmt_index j = 0; j < width; j++) row[j] *= inverse;
            lse[first + r] = top + REAL_LOG(total);
        }
        gemm_rows(rows, dim, tokens, scores, stride, packed_v, tokens * NR, out + first * ldo, ldo, 0);
    }
}

static void attention_backward(void *dq_, void *dk_, void *dv_, const void *dout_, const void *out_, dmt_index ldo,
                               const void *lse_, const void *q_, const void *k_, const void *v_, dmt_index ld,
                               dmt_index tokens, dmt_index dim, double scale_, void *scratch_) {
    const REAL *q = q_, *k = k_, *v = v_, *dout = dout_, *out = out_, *lse = lse_;
    REAL *dq = dq_, *dk = dk_, *dv = dv_, s = (REAL)scale_;
    REAL *packed_kt = scratch_;
    REAL *packed_vt = packed_kt + panels(tokens) * dim;
    REAL *packed_k = packed_vt + panels(tokens) * dim;
    REAL *scores = packed_k + panels(dim) * tokens;
    dmt_index width = panels(tokens), stride = score_stride(tokens);
    REAL *slopes = scores + ATTENTION_ROWS * stride;
    REAL *packed_columns = slopes + ATTENTION_ROWS * stride;
    REAL *packed_rows = packed_columns + ATTENTION_ROWS * (tokens + MR);
    pack_b(packed_kt, k, 1, ld, dim, tokens);
    pack_b(packed_vt, v, 1, ld, dim, tokens);
    pack_b(packed_k, k, ld, 1, tokens, dim);
    for (dmt_index first = 0; first < tokens; first += ATTENTION_ROWS) {
        dmt_index rows = tokens - first < ATTENTION_ROWS ? tokens - first : ATTENTION_ROWS;
        const REAL *q0 = q + first * ld, *dout0 = dout + first * ldo, *out0 = out + first * ldo;
        gemm_rows(rows, width, dim, q0, ld, packed_kt, dim * NR, scores, stride, 0);
        gemm_rows(rows, width, dim, dout0, ldo, packed_vt, dim * NR, slopes, stride, 0);
        for (dmt_index r = 0; r < rows; r++) {
            REAL *p = scores + r * stride, *d = slopes + r * stride, inner = 0, shift = lse[first + r];
            for (dmt_index j = 0; j < dim; j++) inner += dout0[r * ldo + j] * out0[r * ldo + j];
            for (dmt_index j = 0; j < width; j++) {
                REAL weight = REAL_EXP(p[j] * s - shift);
                p[j] = weight;
                d[j] = weight * (d[j] - inner) * s;
            }
        }
        gemm_rows(rows, dim, tokens, slopes, stride, packed_k, tokens * NR, dq + first * ld, ld, 0);
        // dV += P^T dO and dK += dS^T Q: the block's rows are the inner dimension.
        pack_b(packed_rows, dout0, ldo, 1, rows, dim);
        pack_a(packed_columns, scores, 1, stride, tokens, rows);
        gemm_packed(tokens, dim, rows, packed_columns, packed_rows, rows * NR, dv, ld, first > 0);
        pack_b(packed_rows, q0, ld, 1, rows, dim);
        pack_a(packed_columns, slopes, 1, stride, tokens, rows);
        gemm_packed(tokens, dim, rows, packed_columns, packed_rows, rows * NR, dk, ld, first > 0);
    }
}
