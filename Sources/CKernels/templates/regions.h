// RoIAlign: bilinear samples of a region, averaged in bins.
//
// The samples of a bin form a grid and a bilinear weight is a product of one weight an axis, so that the mean over the
// grid is a sum over rows times columns of pixels: (sum_s w_s[row]) (sum_t w_t[column]) x[row][column] / samples. Each
// pixel is read once however many samples touch it.

enum { ROI_SAMPLES = 32, ROI_TAPS = 2 * ROI_SAMPLES };

// Pixels of one axis that a bin reads, and their summed weights.
typedef struct {
    dmt_index at[ROI_TAPS];
    REAL weight[ROI_TAPS];
    int count;
} roi_axis;

static inline void roi_add(roi_axis *axis, dmt_index at, REAL weight) {
    for (int i = axis->count - 1; i >= 0 && i >= axis->count - 2; i--) {
        if (axis->at[i] == at) {
            axis->weight[i] += weight;
            return;
        }
    }
    axis->at[axis->count] = at;
    axis->weight[axis->count++] = weight;
}

// Samples `first`..`last` of `samples` of one bin that begins at `start`, by the rules of the reference RoIAlign: outside
// by more than a pixel counts as zero, else the point is clamped to the map.
static inline void roi_taps(roi_axis *axis, REAL start, REAL bin_length, dmt_index first, dmt_index last,
                            dmt_index samples, dmt_index length) {
    axis->count = 0;
    for (dmt_index s = first; s < last; s++) {
        REAL p = start + ((REAL)s + (REAL)0.5) / (REAL)samples * bin_length;
        if (!(p >= -1 && p <= (REAL)length)) continue;
        p = p < 0 ? 0 : p;
        dmt_index low = (dmt_index)p;
        if (low >= length - 1) {
            roi_add(axis, length - 1, 1);
            continue;
        }
        REAL high = p - (REAL)low;
        roi_add(axis, low, 1 - high);
        roi_add(axis, low + 1, high);
    }
}

// Samples a bin takes along one axis: the given number, or one per started pixel; none of a region without extent,
// whose bins are zero as in the reference.
static inline dmt_index roi_samples(REAL bin_length, dmt_index sampling) {
    if (sampling > 0) return sampling;
    return bin_length > 0 ? (dmt_index)__builtin_ceil((double)bin_length) : 0;
}

// Runs BODY for each bin (at `cell`, which moves on by a pixel) and each part of its samples, with the taps in `rows` and
// `columns`; few bins have more than one part.
#define ROI_LOOP(BODY)                                                                                             \
    REAL left = (REAL)box[0], top = (REAL)box[1];                                                                  \
    REAL bin_width = ((REAL)box[2] - left) / (REAL)size, bin_height = ((REAL)box[3] - top) / (REAL)size;           \
    dmt_index across = roi_samples(bin_width, sampling), down = roi_samples(bin_height, sampling);                 \
    REAL share = 1 / (REAL)(across * down > 0 ? across * down : 1);                                                \
    roi_axis rows, columns;                                                                                        \
    for (dmt_index by = 0; by < size; by++) {                                                                      \
        for (dmt_index sy = 0; sy < down; sy += ROI_SAMPLES) {                                                     \
            dmt_index sy_end = down - sy < ROI_SAMPLES ? down : sy + ROI_SAMPLES;                                  \
            roi_taps(&rows, top + (REAL)by * bin_height, bin_height, sy, sy_end, down, height);                    \
            for (dmt_index bx = 0; bx < size; bx++) {                                                              \
                for (dmt_index sx = 0; sx < across; sx += ROI_SAMPLES) {                                           \
                    dmt_index sx_end = across - sx < ROI_SAMPLES ? across : sx + ROI_SAMPLES;                      \
                    roi_taps(&columns, left + (REAL)bx * bin_width, bin_width, sx, sx_end, across, width);         \
                    dmt_index cell = (by * size + bx) * channels;                                                  \
                    BODY                                                                                           \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    }

// y[c] += sum over rows and columns, four vectors of channels at a time.
static inline void roi_gather(REAL *y, const REAL *x, dmt_index width, dmt_index channels, const roi_axis *rows,
                              const roi_axis *columns, REAL share) {
    dmt_index c = 0;
    for (; c + 4 * VW <= channels; c += 4 * VW) {
        vec sum[4];
        for (int i = 0; i < 4; i++) sum[i] = *(const vec *)(y + c + i * VW);
        for (int r = 0; r < rows->count; r++) {
            const REAL *line = x + rows->at[r] * width * channels + c;
            REAL scaled = rows->weight[r] * share;
            for (int q = 0; q < columns->count; q++) {
                const REAL *pixel = line + columns->at[q] * channels;
                REAL weight = scaled * columns->weight[q];
                for (int i = 0; i < 4; i++) sum[i] += weight * *(const vec *)(pixel + i * VW);
            }
        }
        for (int i = 0; i < 4; i++) *(vec *)(y + c + i * VW) = sum[i];
    }
    for (; c < channels; c++) {
        REAL sum = y[c];
        for (int r = 0; r < rows->count; r++) {
            const REAL *line = x + rows->at[r] * width * channels + c;
            REAL scaled = rows->weight[r] * share;
            for (int q = 0; q < columns->count; q++) {
                sum += scaled * columns->weight[q] * line[columns->at[q] * channels];
            }
        }
        y[c] = sum;
    }
}

static void roi_align(void *y_, const void *x, dmt_index height, dmt_index width, dmt_index channels, const double *box,
                      dmt_index size, dmt_index sampling) {
    REAL *y = y_;
    for (dmt_index i = 0; i < size * size * channels; i++) y[i] = 0;
    ROI_LOOP({ roi_gather(y + cell, x, width, channels, &rows, &columns, share); })
}

static void roi_align_backward(void *dx_, const void *dy_, dmt_index height, dmt_index width, dmt_index channels,
                               dmt_index count, const double *box, dmt_index size, dmt_index sampling) {
    REAL *dx = dx_;
    const REAL *dy = dy_;
    ROI_LOOP({
        for (int r = 0; r < rows.count; r++) {
            REAL *line = dx + rows.at[r] * width * channels;
            REAL scaled = rows.weight[r] * share;
            for (int q = 0; q < columns.count; q++) {
                REAL *pixel = line + columns.at[q] * channels;
                REAL weight = scaled * columns.weight[q];
                const REAL *from = dy + cell;
                dmt_index c = 0;
                for (; c + VW <= count; c += VW) {
                    *(vec *)(pixel + c) = *(const vec *)(pixel + c) + weight * *(const vec *)(from + c);
                }
                for (; c < count; c++) pixel[c] += weight * from[c];
            }
        }
    })
}
#undef ROI_LOOP
