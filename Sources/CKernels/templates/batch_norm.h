// Batch normalisation over rows, alone or with a ReLU behind it, in as few passes over memory as there are dependences:
// the gradient needs its sums before it can be written.

static inline __attribute__((always_inline)) void norm_rows(REAL *restrict y, const REAL *x, const REAL *mean,
                                                            const REAL *scale, const REAL *shift, int relu,
                                                            dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index j = 0; j < cols; j++) {
            REAL z = (x[r * cols + j] - mean[j]) * scale[j] + shift[j];
            y[r * cols + j] = relu && z <= 0 ? 0 : z;  // NaN stays NaN
        }
    }
}

static void batch_norm_apply(void *y, const void *x, const void *mean, const void *scale, const void *shift, int relu,
                             dmt_index rows, dmt_index cols) {
    if (relu) norm_rows(y, x, mean, scale, shift, 1, rows, cols);
    else norm_rows(y, x, mean, scale, shift, 0, rows, cols);
}

static inline __attribute__((always_inline)) void norm_sums(REAL *restrict dbeta, REAL *restrict dgamma, const REAL *dy,
                                                            const REAL *x, const REAL *mean, const REAL *rstd,
                                                            const REAL *scale, const REAL *shift, int relu,
                                                            dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index j = 0; j < cols; j++) {
            REAL d = x[r * cols + j] - mean[j], g = dy[r * cols + j];
            if (relu) g = d * scale[j] + shift[j] > 0 ? g : 0;
            dbeta[j] += g;
            dgamma[j] += g * d * rstd[j];
        }
    }
}

static void batch_norm_sums(void *dbeta, void *dgamma, const void *dy, const void *x, const void *mean,
                            const void *rstd, const void *scale, const void *shift, int relu, dmt_index rows,
                            dmt_index cols) {
    if (relu) norm_sums(dbeta, dgamma, dy, x, mean, rstd, scale, shift, 1, rows, cols);
    else norm_sums(dbeta, dgamma, dy, x, mean, rstd, scale, shift, 0, rows, cols);
}

// dx = scale (dz - mean(dz) - h mean(dz h)) with h = (x - mean) rstd.
static inline __attribute__((always_inline)) void norm_gradient(REAL *restrict dx, const REAL *dy, const REAL *x,
                                                                const REAL *mean, const REAL *rstd, const REAL *scale,
                                                                const REAL *shift, const REAL *first,
                                                                const REAL *second, int relu, dmt_index rows,
                                                                dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index j = 0; j < cols; j++) {
            REAL d = x[r * cols + j] - mean[j], g = dy[r * cols + j];
            if (relu) g = d * scale[j] + shift[j] > 0 ? g : 0;
            dx[r * cols + j] = scale[j] * (g - first[j] - d * rstd[j] * second[j]);
        }
    }
}

static void batch_norm_gradient(void *dx, const void *dy, const void *x, const void *mean, const void *rstd,
                                const void *scale, const void *shift, const void *first, const void *second, int relu,
                                dmt_index rows, dmt_index cols) {
    if (relu) norm_gradient(dx, dy, x, mean, rstd, scale, shift, first, second, 1, rows, cols);
    else norm_gradient(dx, dy, x, mean, rstd, scale, shift, first, second, 0, rows, cols);
}
