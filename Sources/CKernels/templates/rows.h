// Loops over rows of `cols` values: softmax, normalisations, losses.

static inline REAL row_max(const REAL *x, dmt_index n) {
    vec best;
    dmt_index i = 0;
    REAL top = x[0];
    if (n >= VW) {
        best = *(const vec *)x;
        for (i = VW; i + VW <= n; i += VW) {
            vec next = *(const vec *)(x + i);
            best = __builtin_elementwise_max(best, next);
        }
        for (int j = 0; j < VW; j++) top = best[j] > top ? best[j] : top;
    }
    for (; i < n; i++) top = x[i] > top ? x[i] : top;
    return top;
}

// y = exp(x - top), returns the sum.
static inline REAL row_exp(REAL *y, const REAL *x, REAL top, dmt_index n) {
    REAL total = 0;
    for (dmt_index j = 0; j < n; j++) {
        REAL e = REAL_EXP(x[j] - top);
        y[j] = e;
        total += e;
    }
    return total;
}

static inline REAL row_sum(const REAL *x, dmt_index n) {
    vec even = {0}, odd = {0};
    dmt_index j = 0;
    for (; j + 2 * VW <= n; j += 2 * VW) {
        even += *(const vec *)(x + j);
        odd += *(const vec *)(x + j + VW);
    }
    even += odd;
    for (int half = VW / 2; half; half /= 2) {
        for (int i = 0; i < half; i++) even[i] += even[i + half];
    }
    REAL total = even[0];
    for (; j < n; j++) total += x[j];
    return total;
}

static void softmax(void *y_, const void *x_, dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *y = (REAL *)y_ + r * cols;
        const REAL *x = (const REAL *)x_ + r * cols;
        REAL inverse = 1 / row_exp(y, x, row_max(x, cols), cols);
        for (dmt_index j = 0; j < cols; j++) y[j] *= inverse;
    }
}

// dx = y (dy - sum(dy y))
static void softmax_backward(void *dx_, const void *dy_, const void *y_, dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dx_ + r * cols;
        const REAL *dy = (const REAL *)dy_ + r * cols, *y = (const REAL *)y_ + r * cols;
        REAL inner = 0;
        for (dmt_index j = 0; j < cols; j++) inner += dy[j] * y[j];
        for (dmt_index j = 0; j < cols; j++) dx[j] = y[j] * (dy[j] - inner);
    }
}

static void log_softmax(void *y_, const void *x_, dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *y = (REAL *)y_ + r * cols;
        const REAL *x = (const REAL *)x_ + r * cols;
        REAL top = row_max(x, cols);
        REAL shift = top + REAL_LOG(row_exp(y, x, top, cols));
        for (dmt_index j = 0; j < cols; j++) y[j] = x[j] - shift;
    }
}

// dx = dy - exp(y) sum(dy)
static void log_softmax_backward(void *dx_, const void *dy_, const void *y_, dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dx_ + r * cols;
        const REAL *dy = (const REAL *)dy_ + r * cols, *y = (const REAL *)y_ + r * cols;
        REAL total = 0;
        for (dmt_index j = 0; j < cols; j++) total += dy[j];
        for (dmt_index j = 0; j < cols; j++) dx[j] = dy[j] - REAL_EXP(y[j]) * total;
    }
}

static void layer_norm(void *y_, void *mean_, void *rstd_, const void *x_, const void *gamma_, const void *beta_,
                       dmt_index rows, dmt_index cols, double epsilon) {
    const REAL *gamma = gamma_, *beta = beta_;
    for (dmt_index r = 0; r < rows; r++) {
        REAL *y = (REAL *)y_ + r * cols;
        const REAL *x = (const REAL *)x_ + r * cols;
        REAL total = 0, square = 0;
        for (dmt_index j = 0; j < cols; j++) total += x[j];
        REAL mean = total / (REAL)cols;
        for (dmt_index j = 0; j < cols; j++) square += (x[j] - mean) * (x[j] - mean);
        REAL rstd = 1 / REAL_SQRT(square / (REAL)cols + (REAL)epsilon);
        ((REAL *)mean_)[r] = mean;
        ((REAL *)rstd_)[r] = rstd;
        if (gamma && beta) {
            for (dmt_index j = 0; j < cols; j++) y[j] = (x[j] - mean) * rstd * gamma[j] + beta[j];
        } else {
            for (dmt_index j = 0; j < cols; j++) y[j] = (x[j] - mean) * rstd;
        }
    }
}

// With h = (x - mean) rstd and e = dy gamma:  dx = rstd (e - mean(e) - h mean(e h)).
static void layer_norm_backward(void *dx_, void *dgamma_, void *dbeta_, const void *dy_, const void *x_,
                                const void *gamma_, const void *mean_, const void *rstd_, dmt_index rows,
                                dmt_index cols) {
    const REAL *gamma = gamma_;
    REAL *dgamma = dgamma_, *dbeta = dbeta_;
    for (dmt_index r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dx_ + r * cols;
        const REAL *dy = (const REAL *)dy_ + r * cols, *x = (const REAL *)x_ + r * cols;
        REAL mean = ((const REAL *)mean_)[r], rstd = ((const REAL *)rstd_)[r], first = 0, second = 0;
        for (dmt_index j = 0; j < cols; j++) {
            REAL e = gamma ? dy[j] * gamma[j] : dy[j], h = (x[j] - mean) * rstd;
            first += e;
            second += e * h;
        }
        first /= (REAL)cols;
        second /= (REAL)cols;
        for (dmt_index j = 0; j < cols; j++) {
            REAL e = gamma ? dy[j] * gamma[j] : dy[j], h = (x[j] - mean) * rstd;
            dx[j] = rstd * (e - first - h * second);
        }
        if (dgamma) {
            for (dmt_index j = 0; j < cols; j++) dgamma[j] += dy[j] * (x[j] - mean) * rstd;
        }
        if (dbeta) {
            for (dmt_index j = 0; j < cols; j++) dbeta[j] += dy[j];
        }
    }
}

// The factor of a row shorter than epsilon is a constant; it is stored negative, so that the backward knows.
static void l2_normalize(void *y_, void *inverse_, const void *x_, dmt_index rows, dmt_index cols, double epsilon) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *y = (REAL *)y_ + r * cols;
        const REAL *x = (const REAL *)x_ + r * cols;
        REAL square = 0;
        for (dmt_index j = 0; j < cols; j++) square += x[j] * x[j];
        REAL norm = REAL_SQRT(square);
        int clamped = norm <= (REAL)epsilon;  // not NaN: it makes its whole row NaN
        REAL inverse = 1 / (clamped ? (REAL)epsilon : norm);
        ((REAL *)inverse_)[r] = clamped ? -inverse : inverse;
        for (dmt_index j = 0; j < cols; j++) y[j] = x[j] * inverse;
    }
}

// dx = (dy - y (dy . y)) / |x|, or dy / epsilon where the row is shorter than epsilon
static void l2_normalize_backward(void *dx_, const void *dy_, const void *y_, const void *inverse_, dmt_index rows,
                                  dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dx_ + r * cols;
        const REAL *dy = (const REAL *)dy_ + r * cols, *y = (const REAL *)y_ + r * cols;
        REAL inner = 0, inverse = ((const REAL *)inverse_)[r];
        if (inverse < 0) {
            for (dmt_index j = 0; j < cols; j++) dx[j] = dy[j] * -inverse;
            continue;
        }
        for (dmt_index j = 0; j < cols; j++) inner += dy[j] * y[j];
        for (dmt_index j = 0; j < cols; j++) dx[j] = (dy[j] - y[j] * inner) * inverse;
    }
}

static void column_moments(void *acc_, const void *x_, const void *mean_, dmt_index rows, dmt_index cols) {
    REAL *acc = acc_;
    const REAL *x = x_, *mean = mean_;
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index j = 0; j < cols; j++) {
            REAL d = x[r * cols + j] - mean[j];
            acc[j] += d * d;
        }
    }
}

static void column_affine(void *y_, const void *x_, const void *mean_, const void *scale_, const void *shift_,
                          dmt_index rows, dmt_index cols) {
    REAL *y = y_;
    const REAL *x = x_, *mean = mean_, *s = scale_, *shift = shift_;
    for (dmt_index r = 0; r < rows; r++) {
        for (dmt_index j = 0; j < cols; j++) y[r * cols + j] = (x[r * cols + j] - mean[j]) * s[j] + shift[j];
    }
}

// loss[r] = log sum exp(x) - x[label], dx = softmax(x) - onehot; ignored rows give 0. dx can be x.
static void cross_entropy(double *loss, void *dx_, const void *x_, const int32_t *labels, int32_t ignore,
                          dmt_index rows, dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dx_ + r * cols;
        const REAL *x = (const REAL *)x_ + r * cols;
        if (labels[r] == ignore) {
            loss[r] = 0;
            for (dmt_index j = 0; j < cols; j++) dx[j] = 0;
            continue;
        }
        REAL asked = x[labels[r]];
        REAL top = row_max(x, cols), total = row_exp(dx, x, top, cols), inverse = 1 / total;
        loss[r] = (double)(top + REAL_LOG(total) - asked);
        for (dmt_index j = 0; j < cols; j++) dx[j] *= inverse;
        dx[labels[r]] -= 1;
    }
}

// loss[r] = -sum t log softmax(x), dx = softmax(x) sum(t) - t.
static void soft_cross_entropy(double *loss, void *dx_, const void *x_, const void *target_, dmt_index rows,
                               dmt_index cols) {
    for (dmt_index r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dx_ + r * cols;
        const REAL *x = (const REAL *)x_ + r * cols, *target = (const REAL *)target_ + r * cols;
        REAL top = row_max(x, cols), total = row_exp(dx, x, top, cols), shift = top + REAL_LOG(total);
        REAL mass = 0, inner = 0;
        for (dmt_index j = 0; j < cols; j++) {
            mass += target[j];
            inner += target[j] * (shift - x[j]);
        }
        loss[r] = (double)inner;
        REAL factor = mass / total;
        for (dmt_index j = 0; j < cols; j++) dx[j] = dx[j] * factor - target[j];
    }
}

// d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere; beta 0 is |d|.
static double smooth_l1(void *dx_, const void *x_, const void *target_, const void *weight_, double beta, dmt_index n) {
    REAL *dx = dx_, b = (REAL)beta;
    const REAL *x = x_, *target = target_, *weight = weight_;
    double total = 0;
    for (dmt_index i = 0; i < n; i++) {
        REAL d = x[i] - target[i], size = d < 0 ? -d : d, w = weight ? weight[i] : 1;
        int inside = size < b;
        REAL value = inside ? d * d / (2 * b) : size - b / 2;
        REAL slope = inside ? d / b : (REAL)((d > 0) - (d < 0));
        dx[i] = w * slope;
        total += (double)(w * value);
    }
    return total;
}

// max(x, 0) - x t + log(1 + exp(-|x|)); slope sigmoid(x) - t.
static double bce_with_logits(void *dx_, const void *x_, const void *target_, const void *weight_, dmt_index n) {
    REAL *dx = dx_;
    const REAL *x = x_, *target = target_, *weight = weight_;
    double total = 0;
    for (dmt_index i = 0; i < n; i++) {
        REAL size = x[i] < 0 ? -x[i] : x[i], w = weight ? weight[i] : 1, e = REAL_EXP(-size);
        REAL value = (x[i] > 0 ? x[i] : 0) - x[i] * target[i] + REAL_LOG(1 + e);
        dx[i] = w * (logistic(x[i]) - target[i]);
        total += (double)(w * value);
    }
    return total;
}
