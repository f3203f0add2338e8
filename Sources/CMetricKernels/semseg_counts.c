/* Pixel counts of semantic segmentation.
 *
 * Goals, in order: exact integers; one pass over the pixels; no work that grows with the number of classes per pixel.
 */
#include "SemsegCounts.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

/* One run of pixels with one pair of values; labels and predictions are piecewise constant, so most pixels lie in one. */
#define ADD(table, label, prediction, pixels) ((table)[(size_t)(label) << 8 | (prediction)] += (uint32_t)(pixels))

/* Pixels one by one, into two tables: adding to one word twice in a row waits for the first store. */
#define COUNT_PIXELS(from, to)                                                                     \
    do {                                                                                           \
        size_t at = (from);                                                                        \
        for (; at + 2 <= (to); at += 2) {                                                          \
            ADD(even, label[at], prediction[at], 1);                                               \
            ADD(odd, label[at + 1], prediction[at + 1], 1);                                        \
        }                                                                                          \
        if (at < (to)) ADD(even, label[at], prediction[at], 1);                                    \
    } while (0)

#if defined(__x86_64__)
#include <immintrin.h>

/* Bit i: pixel i of 32 has another pair of values than the pixel before it. */
__attribute__((target("avx2"))) static inline uint32_t changes_u8(const uint8_t *prediction, const uint8_t *label) {
    const __m256i p = _mm256_loadu_si256((const __m256i *)prediction);
    const __m256i q = _mm256_loadu_si256((const __m256i *)(prediction - 1));
    const __m256i l = _mm256_loadu_si256((const __m256i *)label);
    const __m256i m = _mm256_loadu_si256((const __m256i *)(label - 1));
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_and_si256(_mm256_cmpeq_epi8(p, q), _mm256_cmpeq_epi8(l, m)));
}

__attribute__((target("avx2"))) static inline __m256i equal_u16(const uint16_t *prediction, const uint16_t *label) {
    const __m256i p = _mm256_loadu_si256((const __m256i *)prediction);
    const __m256i q = _mm256_loadu_si256((const __m256i *)(prediction - 1));
    const __m256i l = _mm256_loadu_si256((const __m256i *)label);
    const __m256i m = _mm256_loadu_si256((const __m256i *)(label - 1));
    return _mm256_and_si256(_mm256_cmpeq_epi16(p, q), _mm256_cmpeq_epi16(l, m));
}

__attribute__((target("avx2"))) static inline uint32_t changes_u16(const uint16_t *prediction, const uint16_t *label) {
    /* Packing takes halves of each half in turn; the permutation puts them in order. */
    const __m256i packed = _mm256_packs_epi16(equal_u16(prediction, label), equal_u16(prediction + 16, label + 16));
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(packed, 0xD8));
}

/* 32 pixels a step: a run grows without a look at its pixels. Steps with many changes are counted pixel by pixel. */
#define COUNT_RUNS(name, type, changes)                                                            \
    __attribute__((target("avx2,bmi,popcnt"))) static void name(                                   \
        const type *prediction, const type *label, size_t count, uint32_t *even, uint32_t *odd) {  \
        enum { STEP = 32, MANY = 8 };                                                              \
        size_t start = 0, i = 1;                                                                   \
        for (; i + STEP <= count; i += STEP) {                                                     \
            uint32_t changed = changes(prediction + i, label + i);                                 \
            if (__builtin_popcount(changed) > MANY) {                                              \
                ADD(even, label[i - 1], prediction[i - 1], i - start);                             \
                COUNT_PIXELS(i, i + STEP - 1);                                                     \
                start = i + STEP - 1;                                                              \
                continue;                                                                          \
            }                                                                                      \
            for (; changed; changed &= changed - 1) {                                              \
                const size_t next = i + (size_t)__builtin_ctz(changed);                            \
                ADD(even, label[next - 1], prediction[next - 1], next - start);                    \
                start = next;                                                                      \
            }                                                                                      \
        }                                                                                          \
        if (start < i && i <= count) ADD(even, label[i - 1], prediction[i - 1], i - start);        \
        COUNT_PIXELS(i, count);                                                                    \
    }

COUNT_RUNS(count_runs_u8, uint8_t, changes_u8)
COUNT_RUNS(count_runs_u16, uint16_t, changes_u16)

static int has_runs(void) { return __builtin_cpu_supports("avx2"); }
#else
static int has_runs(void) { return 0; }
static void count_runs_u8(const uint8_t *prediction, const uint8_t *label, size_t count, uint32_t *even,
                          uint32_t *odd) {
    COUNT_PIXELS(0, count);
}
static void count_runs_u16(const uint16_t *prediction, const uint16_t *label, size_t count, uint32_t *even,
                           uint32_t *odd) {
    COUNT_PIXELS(0, count);
}
#endif

static void count_pairs(const uint8_t *prediction, const uint8_t *label, size_t count, uint32_t *even,
                        uint32_t *odd) {
    if (has_runs()) count_runs_u8(prediction, label, count, even, odd);
    else COUNT_PIXELS(0, count);
}

static void count_wide_pairs(const uint16_t *prediction, const uint16_t *label, size_t count, uint32_t *even,
                             uint32_t *odd) {
    if (has_runs()) count_runs_u16(prediction, label, count, even, odd);
    else COUNT_PIXELS(0, count);
}

/* Turns the pair tables into counts and clears them. */
static int32_t collect_pairs(uint32_t *scratch, const int32_t *prediction_map, const int32_t *label_map,
                             size_t classes, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                             uint64_t *unclassified, uint64_t *confusion) {
    uint32_t *even = scratch;
    const uint32_t *odd = scratch + 65536;
    memset(intersection, 0, classes * sizeof *intersection);
    memset(predicted, 0, classes * sizeof *predicted);
    memset(labelled, 0, classes * sizeof *labelled);
    *unclassified = 0;
    int32_t bad_label = 0;
    uint8_t bad_prediction[256] = {0};

    for (size_t l = 0; l < 256; l++) {
        uint32_t *row = even + (l << 8);
        const uint32_t *other = odd + (l << 8);
        uint64_t total = 0;
        for (size_t p = 0; p < 256; p++) {
            row[p] += other[p];
            total += row[p];
        }
        if (total == 0) continue;
        int32_t label_class = label_map[l];
        if (label_class == DMT_SEMSEG_INVALID && bad_label == 0) bad_label = (int32_t)l + 1;
        for (size_t p = 0; p < 256; p++) {
            if (row[p] == 0) continue;
            int32_t prediction_class = prediction_map[p];
            if (prediction_class == DMT_SEMSEG_INVALID) bad_prediction[p] = 1;
            if (label_class < 0) continue;
            labelled[label_class] += row[p];
            if (prediction_class < 0) {
                *unclassified += row[p];
                continue;
            }
            predicted[prediction_class] += row[p];
            if (prediction_class == label_class) intersection[label_class] += row[p];
            if (confusion) confusion[(size_t)label_class * classes + (size_t)prediction_class] += row[p];
        }
    }
    memset(scratch, 0, DMT_SEMSEG_SCRATCH_WORDS * sizeof *scratch);
    if (bad_label) return bad_label;
    for (size_t p = 0; p < 256; p++)
        if (bad_prediction[p]) return -((int32_t)p + 1);
    return 0;
}

int32_t dmt_semseg_counts_u8(const uint8_t *prediction, const uint8_t *label, size_t count,
                             const int32_t *prediction_map, const int32_t *label_map, size_t classes,
                             uint32_t *scratch, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                             uint64_t *unclassified, uint64_t *confusion) {
    count_pairs(prediction, label, count, scratch, scratch + 65536);
    return collect_pairs(scratch, prediction_map, label_map, classes, intersection, predicted, labelled,
                         unclassified, confusion);
}

int32_t dmt_semseg_counts_u16(const uint16_t *prediction, const uint16_t *label, size_t count,
                              const int32_t *prediction_map, const int32_t *label_map, size_t classes,
                              uint32_t *scratch, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                              uint64_t *unclassified, uint64_t *confusion) {
    uint16_t bits = 0;
    for (size_t i = 0; i < count; i++) bits |= (uint16_t)(prediction[i] | label[i]);
    if (bits < 256) {
        count_wide_pairs(prediction, label, count, scratch, scratch + 65536);
        return collect_pairs(scratch, prediction_map, label_map, classes, intersection, predicted, labelled,
                             unclassified, confusion);
    }
    memset(intersection, 0, classes * sizeof *intersection);
    memset(predicted, 0, classes * sizeof *predicted);
    memset(labelled, 0, classes * sizeof *labelled);
    *unclassified = 0;
    for (size_t i = 0; i < count;) {
        const uint16_t l = label[i], p = prediction[i];
        const size_t start = i++;
        while (i < count && label[i] == l && prediction[i] == p) i++;
        const uint64_t pixels = i - start;
        const int32_t label_class = label_map[l], prediction_class = prediction_map[p];
        if (label_class == DMT_SEMSEG_INVALID) return (int32_t)l + 1;
        if (prediction_class == DMT_SEMSEG_INVALID) return -((int32_t)p + 1);
        if (label_class < 0) continue;
        labelled[label_class] += pixels;
        if (prediction_class < 0) {
            *unclassified += pixels;
            continue;
        }
        predicted[prediction_class] += pixels;
        if (prediction_class == label_class) intersection[label_class] += pixels;
        if (confusion) confusion[(size_t)label_class * classes + (size_t)prediction_class] += pixels;
    }
    return 0;
}

void dmt_semseg_weighted_sums(const uint64_t *rows, const uint64_t *weights, size_t count, size_t width,
                              uint64_t *sums) {
    memset(sums, 0, width * sizeof *sums);
    for (size_t i = 0; i < count; i++) {
        if (weights[i] == 0) continue;
        const uint64_t *row = rows + i * width;
        for (size_t j = 0; j < width; j++) sums[j] += weights[i] * row[j];
    }
}
