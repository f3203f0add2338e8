#include "detection.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

double dmt_pairwise_sum(const double *v, size_t n) {
    if (n < 8) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += v[i];
        return sum;
    }
    if (n <= 128) {
        double r[8];
        for (int j = 0; j < 8; j++) r[j] = v[j];
        size_t i = 8;
        for (; i < n - n % 8; i += 8)
            for (int j = 0; j < 8; j++) r[j] += v[i + (size_t)j];
        double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
        for (; i < n; i++) sum += v[i];
        return sum;
    }
    size_t half = n / 2;
    half -= half % 8;
    return dmt_pairwise_sum(v, half) + dmt_pairwise_sum(v + half, n - half);
}

void dmt_box_overlap(const double *detections, size_t m, const double *truths, const uint8_t *crowd, size_t n,
                     double *overlap) {
    for (size_t d = 0; d < m; d++) {
        const double *D = detections + 4 * d;
        const double area = D[2] * D[3];
        for (size_t g = 0; g < n; g++) {
            const double *G = truths + 4 * g;
            const double truth_area = G[2] * G[3];
            double result = 0;
            const double w = fmin(D[2] + D[0], G[2] + G[0]) - fmax(D[0], G[0]);
            if (w > 0) {
                const double h = fmin(D[3] + D[1], G[3] + G[1]) - fmax(D[1], G[1]);
                if (h > 0) {
                    const double i = w * h;
                    const double u = crowd[g] ? area : area + truth_area - i;
                    result = i / u;
                }
            }
            overlap[d * n + g] = result;
        }
    }
}

void dmt_gather_boxes(const double *boxes, const int32_t *positions, size_t count, double *gathered, double *areas) {
    for (size_t i = 0; i < count; i++) {
        const double *box = boxes + 4 * (size_t)positions[i];
        for (int side = 0; side < 4; side++) gathered[4 * i + (size_t)side] = box[side];
        areas[i] = box[2] * box[3];
    }
}

void dmt_pose_boxes(const double *points, const intptr_t *starts, const int32_t *positions, size_t count,
                    double *boxes, double *areas) {
    for (size_t i = 0; i < count; i++) {
        const double *at = points + starts[positions[i]], *const end = points + starts[positions[i] + 1];
        double left = 0, top = 0, right = 0, bottom = 0;
        if (end - at >= 3) {
            left = right = at[0];
            top = bottom = at[1];
        }
        for (; end - at >= 3; at += 3) {
            left = at[0] < left ? at[0] : left;
            right = at[0] > right ? at[0] : right;
            top = at[1] < top ? at[1] : top;
            bottom = at[1] > bottom ? at[1] : bottom;
        }
        const double box[4] = {left, top, right - left, bottom - top};
        memcpy(boxes + 4 * i, box, sizeof box);
        areas[i] = box[2] * box[3];
    }
}

static double beyond(double low, double high, double value) {
    const double under = low - value, over = value - high;
    return (under > 0 ? under : 0) + (over > 0 ? over : 0);
}

// Whether the similarity, the mean of exp(-e) over `count` visible points, is surely below `lowest`: every exp(-e) is at
// most 1 / (1 + e + e^2 / 2), and 1e-9 covers the rounding of this.
static int is_surely_below(double lowest, const double *detection, const double *truth, const double *variances,
                           size_t k, double area, size_t count) {
    const double scale = 0.5 / (area + 0x1p-52);
    double most = 0;
    for (size_t i = 0; i < k; i++) {
        const double dx = detection[3 * i] - truth[3 * i], dy = detection[3 * i + 1] - truth[3 * i + 1];
        const double e = (dx * dx + dy * dy) / variances[i] * scale;
        const double bound = 1 / (1 + e + e * e * 0.5);
        most += truth[3 * i + 2] > 0 ? bound : 0;
    }
    return most * (1 + 1e-9) < lowest * (double)count;
}

double dmt_keypoint_similarity(const double *detection, const double *truth, const double *variances, size_t k,
                               double area, const double *box, double lowest, double *scratch) {
    size_t visible = 0, used = 0;
    for (size_t i = 0; i < k; i++) visible += truth[3 * i + 2] > 0;
    if (visible > 0 && is_surely_below(lowest, detection, truth, variances, k, area, visible)) return 0;
    const double x0 = box[0] - box[2], x1 = box[0] + box[2] * 2;
    const double y0 = box[1] - box[3], y1 = box[1] + box[3] * 2;
    for (size_t i = 0; i < k; i++) {
        double dx, dy;
        if (visible > 0) {
            if (!(truth[3 * i + 2] > 0)) continue;
            dx = detection[3 * i] - truth[3 * i];
            dy = detection[3 * i + 1] - truth[3 * i + 1];
        } else {
            dx = beyond(x0, x1, detection[3 * i]);
            dy = beyond(y0, y1, detection[3 * i + 1]);
        }
        const double e = (dx * dx + dy * dy) / variances[i] / (area + 0x1p-52) / 2;
        // Far below the least number above 0, which the C library takes its time to find out.
        scratch[used++] = e > 800 ? 0 : exp(-e);
    }
    return dmt_pairwise_sum(scratch, used) / (double)used;
}
