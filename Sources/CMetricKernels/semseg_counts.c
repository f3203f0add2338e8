/* Pixel counts of semantic segmentation.
 *
 * Goals, in order: exact integers; one pass over the pixels; no work that grows with the number of classes per pixel.
 */
#include "SemsegCounts.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

/* Two interleaved pair tables: neighbours are mostly equal, and adding to one word twice in a row waits for the
 * first store. */
static void count_pairs(const uint8_t *prediction, const uint8_t *label, size_t count, uint32_t *even,
                        uint32_t *odd) {
    size_t i = 0;
    for (; i + 2 <= count; i += 2) {
        even[(size_t)label[i] << 8 | prediction[i]] += 1;
        odd[(size_t)label[i + 1] << 8 | prediction[i + 1]] += 1;
    }
    if (i < count) even[(size_t)label[i] << 8 | prediction[i]] += 1;
}

static void count_wide_pairs(const uint16_t *prediction, const uint16_t *label, size_t count, uint32_t *even,
                             uint32_t *odd) {
    size_t i = 0;
    for (; i + 2 <= count; i += 2) {
        even[(size_t)label[i] << 8 | prediction[i]] += 1;
        odd[(size_t)label[i + 1] << 8 | prediction[i + 1]] += 1;
    }
    if (i < count) even[(size_t)label[i] << 8 | prediction[i]] += 1;
}

/* Turns the pair tables into counts and clears them. */
static int32_t collect_pairs(uint32_t *scratch, const int32_t *prediction_map, const int32_t *label_map,
                             size_t classes, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                             uint64_t *unclassified) {
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
                             uint64_t *unclassified) {
    count_pairs(prediction, label, count, scratch, scratch + 65536);
    return collect_pairs(scratch, prediction_map, label_map, classes, intersection, predicted, labelled,
                         unclassified);
}

int32_t dmt_semseg_counts_u16(const uint16_t *prediction, const uint16_t *label, size_t count,
                              const int32_t *prediction_map, const int32_t *label_map, size_t classes,
                              uint32_t *scratch, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                              uint64_t *unclassified) {
    uint16_t bits = 0;
    for (size_t i = 0; i < count; i++) bits |= (uint16_t)(prediction[i] | label[i]);
    if (bits < 256) {
        count_wide_pairs(prediction, label, count, scratch, scratch + 65536);
        return collect_pairs(scratch, prediction_map, label_map, classes, intersection, predicted, labelled,
                             unclassified);
    }
    memset(intersection, 0, classes * sizeof *intersection);
    memset(predicted, 0, classes * sizeof *predicted);
    memset(labelled, 0, classes * sizeof *labelled);
    *unclassified = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t label_class = label_map[label[i]];
        int32_t prediction_class = prediction_map[prediction[i]];
        if (label_class == DMT_SEMSEG_INVALID) return (int32_t)label[i] + 1;
        if (prediction_class == DMT_SEMSEG_INVALID) return -((int32_t)prediction[i] + 1);
        if (label_class < 0) continue;
        labelled[label_class] += 1;
        if (prediction_class < 0) {
            *unclassified += 1;
            continue;
        }
        predicted[prediction_class] += 1;
        if (prediction_class == label_class) intersection[label_class] += 1;
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
