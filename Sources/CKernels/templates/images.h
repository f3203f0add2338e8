// Loops over images (H, W, C): columns for convolution, pooling, interpolation, RoIAlign.

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
                        if (best < 0 || x[at] > x[best]) best = at;
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
                     dmt_index out_height, dmt_index out_width) {
    const REAL *x = x_;
    REAL *y = y_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
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
                              const double *wx, dmt_index out_height, dmt_index out_width) {
    REAL *dx = dx_;
    const REAL *dy = dy_;
    for (dmt_index oy = 0; oy < out_height; oy++) {
        REAL *top = dx + y0[oy] * width * channels, *bottom = dx + y1[oy] * width * channels;
        REAL v = (REAL)wy[oy], u = 1 - v;
        for (dmt_index ox = 0; ox < out_width; ox++, dy += channels) {
            REAL r = (REAL)wx[ox], l = 1 - r;
            axpy(top + x0[ox] * channels, dy, (double)(u * l), channels);
            axpy(top + x1[ox] * channels, dy, (double)(u * r), channels);
            axpy(bottom + x0[ox] * channels, dy, (double)(v * l), channels);
            axpy(bottom + x1[ox] * channels, dy, (double)(v * r), channels);
        }
    }
}

// The four neighbours and weights of one sample, by the rules of the reference RoIAlign: outside by more than a pixel
// counts as zero, else the point is clamped to the map.
static inline int roi_sample(REAL *weight, dmt_index *at, REAL y, REAL x, dmt_index height, dmt_index width) {
    if (y < -1 || y > (REAL)height || x < -1 || x > (REAL)width) return 0;
    y = y < 0 ? 0 : y;
    x = x < 0 ? 0 : x;
    dmt_index top = (dmt_index)y, left = (dmt_index)x, bottom = top + 1, right = left + 1;
    if (top >= height - 1) {
        top = bottom = height - 1;
        y = (REAL)top;
    }
    if (left >= width - 1) {
        left = right = width - 1;
        x = (REAL)left;
    }
    REAL v = y - (REAL)top, h = x - (REAL)left;
    weight[0] = (1 - v) * (1 - h);
    weight[1] = (1 - v) * h;
    weight[2] = v * (1 - h);
    weight[3] = v * h;
    at[0] = top * width + left;
    at[1] = top * width + right;
    at[2] = bottom * width + left;
    at[3] = bottom * width + right;
    return 1;
}

// Samples a bin takes along one axis: the given number, or one per started pixel; none of a region without extent,
// whose bins are zero as in the reference.
static inline dmt_index roi_samples(REAL bin_length, dmt_index sampling) {
    if (sampling > 0) return sampling;
    return bin_length > 0 ? (dmt_index)__builtin_ceil((double)bin_length) : 0;
}

#define ROI_LOOP(BODY)                                                                         \
    REAL left = (REAL)box[0], top = (REAL)box[1];                                              \
    REAL bin_width = ((REAL)box[2] - left) / (REAL)size, bin_height = ((REAL)box[3] - top) / (REAL)size; \
    dmt_index across = roi_samples(bin_width, sampling), down = roi_samples(bin_height, sampling); \
    REAL share = 1 / (REAL)(across * down > 0 ? across * down : 1), weight[4];                 \
    dmt_index at[4];                                                                           \
    for (dmt_index by = 0; by < size; by++) {                                                  \
        for (dmt_index bx = 0; bx < size; bx++, cell += channels) {                            \
            for (dmt_index sy = 0; sy < down; sy++) {                                          \
                REAL py = top + ((REAL)by + ((REAL)sy + (REAL)0.5) / (REAL)down) * bin_height; \
                for (dmt_index sx = 0; sx < across; sx++) {                                    \
                    REAL px = left + ((REAL)bx + ((REAL)sx + (REAL)0.5) / (REAL)across) * bin_width; \
                    if (!roi_sample(weight, at, py, px, height, width)) continue;              \
                    for (int q = 0; q < 4; q++) BODY                                           \
                }                                                                              \
            }                                                                                  \
        }                                                                                      \
    }

static void roi_align(void *y_, const void *x_, dmt_index height, dmt_index width, dmt_index channels,
                      const double *box, dmt_index size, dmt_index sampling) {
    REAL *cell = y_;
    const REAL *x = x_;
    for (dmt_index i = 0; i < size * size * channels; i++) cell[i] = 0;
    ROI_LOOP({ axpy(cell, x + at[q] * channels, (double)(weight[q] * share), channels); })
}

static void roi_align_backward(void *dx_, const void *dy_, dmt_index height, dmt_index width, dmt_index channels,
                               const double *box, dmt_index size, dmt_index sampling) {
    REAL *dx = dx_;
    const REAL *cell = dy_;
    ROI_LOOP({ axpy(dx + at[q] * channels, cell, (double)(weight[q] * share), channels); })
}
#undef ROI_LOOP
