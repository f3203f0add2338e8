#include "FeatureDots.h"

#pragma STDC FP_CONTRACT OFF

void dmt_dot_rows(const float *query, const float *rows, size_t count, size_t width, float *dots) {
    for (size_t i = 0; i < count; i++) {
        const float *row = rows + i * width;
        float part[8] = {0};
        size_t j = 0;
        for (; j + 8 <= width; j += 8)
            for (size_t lane = 0; lane < 8; lane++) part[lane] += query[j + lane] * row[j + lane];
        float rest = 0;
        for (; j < width; j++) rest += query[j] * row[j];
        dots[i] = ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7])) + rest;
    }
}
