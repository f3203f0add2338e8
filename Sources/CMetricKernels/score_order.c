#include "detection.h"

#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { DIGITS = 6, DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS };

typedef struct {
    uint64_t key;
    uint32_t index;
} keyed;

// Ascending keys are descending scores; both zeros are one score, NaN comes last.
static uint64_t key_of(double score) {
    if (score != score) return UINT64_MAX;
    score += 0.0;
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    return ~(bits ^ (bits >> 63 ? UINT64_MAX : 1ULL << 63));
}

// Sorts by digits of the scores' bits, which keeps equals in order. Returns 0 when out of memory.
static int order_by_digits(const double *scores, size_t count, uint32_t *order) {
    keyed *from = malloc(2 * count * sizeof *from);
    uint32_t(*starts)[DIGIT_VALUES] = calloc(DIGITS, sizeof *starts);
    if (!from || !starts) {
        free(from);
        free(starts);
        return 0;
    }
    keyed *const room = from, *to = from + count;
    for (size_t i = 0; i < count; i++) {
        from[i] = (keyed){key_of(scores[i]), (uint32_t)i};
        for (int d = 0; d < DIGITS; d++) starts[d][from[i].key >> (d * DIGIT_BITS) & (DIGIT_VALUES - 1)]++;
    }
    for (int d = 0; d < DIGITS; d++) {
        const int shift = d * DIGIT_BITS;
        if (starts[d][from[0].key >> shift & (DIGIT_VALUES - 1)] == count) continue;
        uint32_t sum = 0;
        for (int v = 0; v < DIGIT_VALUES; v++) {
            const uint32_t here = starts[d][v];
            starts[d][v] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) to[starts[d][from[i].key >> shift & (DIGIT_VALUES - 1)]++] = from[i];
        keyed *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < count; i++) order[i] = from[i].index;
    free(room);
    free(starts);
    return 1;
}

void dmt_order_scores(const double *scores, size_t count, uint32_t *order, uint32_t *scratch) {
    enum { RUN = 16, MANY = 1024 };
    if (count >= MANY && order_by_digits(scores, count, order)) return;
    for (size_t start = 0; start < count; start += RUN) {
        const size_t end = start + RUN < count ? start + RUN : count;
        for (size_t i = start; i < end; i++) {
            const double score = scores[i];
            size_t j = i;
            for (; j > start && scores[order[j - 1]] < score; j--) order[j] = order[j - 1];
            order[j] = (uint32_t)i;
        }
    }
    uint32_t *from = order, *to = scratch;
    for (size_t width = RUN; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            const size_t middle = start + width < count ? start + width : count;
            const size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t a = start, b = middle, out = start;
            while (a < middle && b < end) to[out++] = scores[from[a]] < scores[from[b]] ? from[b++] : from[a++];
            while (a < middle) to[out++] = from[a++];
            while (b < end) to[out++] = from[b++];
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order) memcpy(order, from, count * sizeof *order);
}
