// Loops over images (H, W, C): columns for convolution, pooling, interpolation.

static void im2col(void *dst_, const void *x_, dmt_index height, dmt_index width, dmt_index channels, dmt_index kernel,
                   dmt_index stride, dmt_index padding, dmt_index out_width, dmt_index first, dmt_index last) {
    REAL *dst = dst_;
    const REAL *x = x_;
    for (dmt_index oy = first; oy < last; oy++) {
        for (dmt_index ox = 0; ox < out_width; ox++) {
            for (dmt_index ky = 0; ky < kernel; ky++) {
                dmt_index iy = oy * stride + ky - padding;
                for (dmt_index kx = 0; kx < kernel; kx++, dst += channels) {
                    dmt_index ix = ox * stride + kx - padding;
                    if (iy < 0 || iy >= height || ix < 0 || ix >= width) {
                        for (dmt_index c = 0; c < channels; c++) dst[c] = 0;
                    } else {
                        const REAL *src = x + (iy * width + ix) * channels;
                        for (dmt_index c = 0; c < channels; c++) dst[c] = src[c];
                    }
                }
            }
        }
    }
}

static void col2im(void *dx_, const void *cols_, dmt_index height, dmt_index width, dmt_index channels,
                   dmt_index kernel, dmt_index stride, dmt_index padding, dmt_index out_height, dmt_index out_width) {
    REAL *dx = dx_;
    const REAL *cols = cols_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
        for (dmt_index ox = 0; ox < out_width; ox++) {
            for (dmt_index ky = 0; ky < kernel; ky++) {
                dmt_index iy = oy * stride + ky - padding;
                for (dmt_index kx = 0; kx < kernel; kx++, cols += channels) {
                    dmt_index ix = ox * stride + kx - padding;
                    if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                    REAL *target = dx + (iy * width + ix) * channels;
                    for (dmt_index c = 0; c < channels; c++) target[c] += cols[c];
                }
            }
        }
    }
}

static void max_pool(void *y_, int32_t *argmax, const void *x_, dmt_index height, dmt_index width, dmt_index channels,
                     dmt_index size, dmt_index stride, dmt_index out_height, dmt_index out_width) {
    REAL *y = y_;
    const REAL *x = x_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
        for (dmt_index ox = 0; ox < out_width; ox++) {
            for (dmt_index c = 0; c < channels; c++) {
                dmt_index best = -1;
                for (dmt_index iy = oy * stride; iy < oy * stride + size && iy < height; iy++) {
                    for (dmt_index ix = ox * stride; ix < ox * stride + size && ix < width; ix++) {
                        dmt_index at = (iy * width + ix) * channels + c;
                        if (best < 0 || x[at] > x[best] || x[at] != x[at]) best = at;  // NaN wins
                    }
                }
                dmt_index out = (oy * out_width + ox) * channels + c;
                y[out] = x[best];
                argmax[out] = (int32_t)best;
            }
        }
    }
}

static void scatter_add(void *dx_, const void *dy_, const int32_t *index, dmt_index n) {
    REAL *dx = dx_;
    const REAL *dy = dy_;
    for (dmt_index i = 0; i < n; i++) dx[index[i]] += dy[i];
}

// Bin o of n bins over a length: floor(o length / n) up to ceil((o + 1) length / n).
static inline dmt_index bin_first(dmt_index o, dmt_index length, dmt_index n) { return o * length / n; }
static inline dmt_index bin_last(dmt_index o, dmt_index length, dmt_index n) { return ((o + 1) * length + n - 1) / n; }

static void adaptive_average_pool(void *y_, const void *x_, dmt_index height, dmt_index width, dmt_index channels,
                                  dmt_index out_height, dmt_index out_width) {
    const REAL *x = x_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
        for (dmt_index ox = 0; ox < out_width; ox++) {
            REAL *y = (REAL *)y_ + (oy * out_width + ox) * channels;
            dmt_index top = bin_first(oy, height, out_height), bottom = bin_last(oy, height, out_height);
            dmt_index left = bin_first(ox, width, out_width), right = bin_last(ox, width, out_width);
            for (dmt_index c = 0; c < channels; c++) y[c] = 0;
            for (dmt_index iy = top; iy < bottom; iy++) {
                for (dmt_index ix = left; ix < right; ix++) {
                    const REAL *src = x + (iy * width + ix) * channels;
                    for (dmt_index c = 0; c < channels; c++) y[c] += src[c];
                }
            }
            REAL share = 1 / (REAL)((bottom - top) * (right - left));
            for (dmt_index c = 0; c < channels; c++) y[c] *= share;
        }
    }
}

static void adaptive_average_pool_backward(void *dx_, const void *dy_, dmt_index height, dmt_index width,
                                           dmt_index channels, dmt_index out_height, dmt_index out_width) {
    REAL *dx = dx_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
        for (dmt_index ox = 0; ox < out_width; ox++) {
            const REAL *dy = (const REAL *)dy_ + (oy * out_width + ox) * channels;
            dmt_index top = bin_first(oy, height, out_height), bottom = bin_last(oy, height, out_height);
            dmt_index left = bin_first(ox, width, out_width), right = bin_last(ox, width, out_width);
            REAL share = 1 / (REAL)((bottom - top) * (right - left));
            for (dmt_index iy = top; iy < bottom; iy++) {
                for (dmt_index ix = left; ix < right; ix++) {
                    REAL *target = dx + (iy * width + ix) * channels;
                    for (dmt_index c = 0; c < channels; c++) target[c] += dy[c] * share;
                }
            }
        }
    }
}

static void bilinear(void *y_, const void *x_, dmt_index width, dmt_index channels, const int32_t *y0,
                     const int32_t *y1, const double *wy, const int32_t *x0, const int32_t *x1, const double *wx,
                     dmt_index out_width, dmt_index first, dmt_index last) {
    const REAL *x = x_;
    REAL *y = (REAL *)y_ + first * out_width * channels;
    for (dmt_index oy = first; oy < last; oy++) {
        const REAL *top = x + y0[oy] * width * channels, *bottom = x + y1[oy] * width * channels;
        REAL v = (REAL)wy[oy], u = 1 - v;
        for (dmt_index ox = 0; ox < out_width; ox++, y += channels) {
            REAL r = (REAL)wx[ox], l = 1 - r;
            REAL a = u * l, b = u * r, c = v * l, d = v * r;
            const REAL *p = top + x0[ox] * channels, *q = top + x1[ox] * channels;
            const REAL *s = bottom + x0[ox] * channels, *t = bottom + x1[ox] * channels;
            for (dmt_index j = 0; j < channels; j++) y[j] = a * p[j] + b * q[j] + c * s[j] + d * t[j];
        }
    }
}

static void bilinear_backward(void *dx_, const void *dy_, dmt_index width, dmt_index channels, const int32_t *y0,
                              const int32_t *y1, const double *wy, const int32_t *x0, const int32_t *x1,
                              const double *wx, dmt_index out_height, dmt_index out_width, dmt_index first,
                              dmt_index last) {
    REAL *dx = dx_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
        REAL v = (REAL)wy[oy], u = 1 - v;
        for (int tap = 0; tap < 2; tap++) {
            dmt_index iy = tap ? y1[oy] : y0[oy];
            REAL share = tap ? v : u;
            if (iy < first || iy >= last || share == 0) continue;
            const REAL *dy = (const REAL *)dy_ + oy * out_width * channels;
            REAL *row = dx + iy * width * channels;
            for (dmt_index ox = 0; ox < out_width; ox++, dy += channels) {
                REAL r = (REAL)wx[ox], l = 1 - r;
                axpy(row + x0[ox] * channels, dy, (double)(share * l), channels);
                axpy(row + x1[ox] * channels, dy, (double)(share * r), channels);
            }
        }
    }
}
