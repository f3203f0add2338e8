// Elementwise loops, reductions and optimizer steps on contiguous values.

static inline void activate(REAL *c, const REAL *pre, int activation, dmt_index n) {
    if (activation == DMT_ACT_GELU) {
        for (dmt_index j = 0; j < n; j++) c[j] = gelu(c[j]);
    } else if (activation == DMT_ACT_RELU) {
        // Written so that NaN stays NaN: a broken value must reach the loss.
        for (dmt_index j = 0; j < n; j++) c[j] = c[j] <= 0 ? 0 : c[j];
    } else if (activation == DMT_SLOPE_GELU) {
        for (dmt_index j = 0; j < n; j++) c[j] = c[j] * gelu_slope(pre[j]);
    } else if (activation == DMT_SLOPE_RELU) {
        for (dmt_index j = 0; j < n; j++) c[j] = pre[j] <= 0 ? 0 : c[j];
    }
}

static void epilogue(dmt_index m, dmt_index n, void *c_, dmt_index ldc, const void *bias_, int activation, void *pre_,
                     const void *residual_, void *out_, dmt_index ld) {
    const REAL *bias = bias_;
    for (dmt_index i = 0; i < m; i++) {
        REAL *c = (REAL *)c_ + i * ldc;
        REAL *pre = pre_ ? (REAL *)pre_ + i * ld : 0;
        const REAL *residual = residual_ ? (const REAL *)residual_ + i * ld : 0;
        if (bias) {
            for (dmt_index j = 0; j < n; j++) c[j] += bias[j];
        }
        if (pre && activation < DMT_SLOPE_GELU) {
            for (dmt_index j = 0; j < n; j++) pre[j] = c[j];
        }
        activate(c, pre, activation, n);
        if (residual) {
            for (dmt_index j = 0; j < n; j++) c[j] += residual[j];
        }
        REAL *out = (REAL *)out_ + i * ld;
        if (out != c) {
            for (dmt_index j = 0; j < n; j++) out[j] = c[j];
        }
    }
}

static void epilogue_half(dmt_index m, dmt_index n, void *c_, dmt_index ldc, const void *bias_, int activation,
                          uint16_t *pre, uint16_t *out, dmt_index ld) {
    const REAL *bias = bias_;
    REAL at[64];
    for (dmt_index i = 0; i < m; i++) {
        for (dmt_index j = 0; j < n; j += 64) {
            dmt_index count = n - j < 64 ? n - j : 64;
            REAL *c = (REAL *)c_ + i * ldc + j;
            uint16_t *z = (pre ? pre : out) + i * ld + j;
            if (bias) {
                for (dmt_index q = 0; q < count; q++) c[q] += bias[j + q];
            }
            if (activation >= DMT_SLOPE_GELU) {
                from_half(at, z, count);
            } else {
                to_half(z, c, count);
                if (activation == DMT_ACT_NONE && !pre) continue;
                from_half(c, z, count);
            }
            activate(c, at, activation, count);
            to_half(out + i * ld + j, c, count);
        }
    }
}

static void activation_backward(void *dz_, const void *dy_, const void *z_, int activation, dmt_index n) {
    REAL *dz = dz_;
    const REAL *dy = dy_, *z = z_;
    if (activation == DMT_ACT_GELU) {
        for (dmt_index i = 0; i < n; i++) dz[i] = dy[i] * gelu_slope(z[i]);
    } else if (activation == DMT_ACT_RELU) {
        for (dmt_index i = 0; i < n; i++) dz[i] = z[i] <= 0 ? 0 : dy[i];
    } else {
        for (dmt_index i = 0; i < n; i++) dz[i] = dy[i];
    }
}

static void add(void *y_, const void *a_, const void *b_, dmt_index n) {
    REAL *y = y_;
    const REAL *a = a_, *b = b_;
    for (dmt_index i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void axpy(void *y_, const void *x_, double alpha, dmt_index n) {
    REAL *y = y_, s = (REAL)alpha;
    const REAL *x = x_;
    for (dmt_index i = 0; i < n; i++) y[i] += s * x[i];
}

static void scale(void *y_, const void *x_, double alpha, dmt_index n) {
    REAL *y = y_, s = (REAL)alpha;
    const REAL *x = x_;
    for (dmt_index i = 0; i < n; i++) y[i] = s * x[i];
}

static void multiply(void *y_, const void *a_, const void *b_, dmt_index n) {
    REAL *y = y_;
    const REAL *a = a_, *b = b_;
    for (dmt_index i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static void multiply_add(void *y_, const void *a_, const void *b_, dmt_index n) {
    REAL *y = y_;
    const REAL *a = a_, *b = b_;
    for (dmt_index i = 0; i < n; i++) y[i] += a[i] * b[i];
}

static void add_rows(void *y_, const void *x_, const void *b_, dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) add((REAL *)y_ + r * cols, (const REAL *)x_ + r * cols, b_, cols);
}

static void sigmoid(void *y_, const void *x_, dmt_index n) {
    REAL *y = y_;
    const REAL *x = x_;
    for (dmt_index i = 0; i < n; i++) y[i] = logistic(x[i]);
}

static void sigmoid_backward(void *dx_, const void *dy_, const void *y_, dmt_index n) {
    REAL *dx = dx_;
    const REAL *dy = dy_, *y = y_;
    for (dmt_index i = 0; i < n; i++) dx[i] = dy[i] * y[i] * (1 - y[i]);
}

static double sum(const void *x_, dmt_index n) {
    const REAL *x = x_;
    double total = 0;
    for (dmt_index i = 0; i < n; i++) total += (double)x[i];
    return total;
}

static double dot(const void *a_, const void *b_, dmt_index n) {
    const REAL *a = a_, *b = b_;
    double total = 0;
    for (dmt_index i = 0; i < n; i++) total += (double)a[i] * (double)b[i];
    return total;
}

static void column_sums(void *acc_, const void *x_, dmt_index rows, dmt_index cols) {
    REAL *acc = acc_;
    const REAL *x = x_;
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index j = 0; j < cols; j++) acc[j] += x[r * cols + j];
    }
}

static void column_dots(void *acc_, const void *a_, const void *b_, dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        multiply_add(acc_, (const REAL *)a_ + r * cols, (const REAL *)b_ + r * cols, cols);
    }
}

static void adamw(void *p_, const void *g_, void *m_, void *v_, dmt_index n, double lr, double beta1, double beta2,
                  double epsilon, double weight_decay, double correction1, double correction2, double gradient_scale) {
    REAL *p = p_, *m = m_, *v = v_;
    const REAL *g = g_;
    REAL b1 = (REAL)beta1, b2 = (REAL)beta2, c1 = (REAL)(1 - beta1), c2 = (REAL)(1 - beta2);
    REAL keep = (REAL)(1 - lr * weight_decay), rate = (REAL)(lr / correction1), e = (REAL)epsilon;
    REAL inverse2 = (REAL)(1 / correction2), gs = (REAL)gradient_scale;
    for (dmt_index i = 0; i < n; i++) {
        REAL grad = g[i] * gs;
        m[i] = b1 * m[i] + c1 * grad;
        v[i] = b2 * v[i] + c2 * grad * grad;
        p[i] = keep * p[i] - rate * m[i] / (REAL_SQRT(v[i] * inverse2) + e);
    }
}

static void moving_average(void *y_, const void *x_, double decay, dmt_index n) {
    REAL *y = y_, d = (REAL)decay, e = (REAL)(1 - decay);
    const REAL *x = x_;
    for (dmt_index i = 0; i < n; i++) y[i] = d * y[i] + e * x[i];
}
