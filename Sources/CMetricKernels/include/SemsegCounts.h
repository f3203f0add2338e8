#ifndef DMT_SEMSEG_COUNTS_H
#define DMT_SEMSEG_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Entries of a value map beside class indices 0 .. classes - 1. */
enum {
    DMT_SEMSEG_NONE = -1,   /* label: pixel is not scored; prediction: pixel names no class */
    DMT_SEMSEG_INVALID = -2 /* the value may not occur in a file */
};

/* Scratch words that dmt_semseg_counts_u8 needs; all zero before the first call, left all zero by each call. */
#define DMT_SEMSEG_SCRATCH_WORDS ((size_t)2 * 65536)

/* Counts the pixels of one image, whose label map and prediction hold 8-bit values.
 *
 * For each class k over the scored pixels: labelled[k] has label k, predicted[k] has prediction k, intersection[k] both.
 * *unclassified is the number of scored pixels whose prediction names no class.
 *
 * prediction_map, label_map: 256 entries, a class index, NONE or INVALID.
 * scratch: DMT_SEMSEG_SCRATCH_WORDS words; count < 2^32.
 * confusion: classes x classes, rows are labels, to which pixels with both classes are added; or NULL.
 * Counts are written, not added. Returns 0; or 1 + v when value v of the label map is invalid;
 * or -(1 + v) when value v of the prediction is invalid (the smallest such value, labels first).
 */
int32_t dmt_semseg_counts_u8(const uint8_t *prediction, const uint8_t *label, size_t count,
                             const int32_t *prediction_map, const int32_t *label_map, size_t classes,
                             uint32_t *scratch, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                             uint64_t *unclassified, uint64_t *confusion);

/* The same for 16-bit values: maps have 65536 entries. Images whose values all lie below 256 take the path above; in
 * others the invalid value reported is the first in pixel order. */
int32_t dmt_semseg_counts_u16(const uint16_t *prediction, const uint16_t *label, size_t count,
                              const int32_t *prediction_map, const int32_t *label_map, size_t classes,
                              uint32_t *scratch, uint64_t *intersection, uint64_t *predicted, uint64_t *labelled,
                              uint64_t *unclassified, uint64_t *confusion);

/* The same over pixels near an outline: labelled[k] counts scored pixels of label k that have another value, or the end of
 * the picture, within `distance` rows and columns in the label map; predicted[k] those of prediction k in the prediction's
 * map; intersection[k] those that are both. Values of the maps have to be valid. Returns 0 when out of memory. */
int32_t dmt_semseg_boundary_counts(const uint16_t *prediction, const uint16_t *label, size_t height, size_t width,
                                   size_t distance, const int32_t *map, size_t classes, uint64_t *intersection,
                                   uint64_t *predicted, uint64_t *labelled);

/* sums[j] = sum over i of weights[i] * rows[i * width + j]: counts of a resampled data set. */
void dmt_semseg_weighted_sums(const uint64_t *rows, const uint64_t *weights, size_t count, size_t width,
                              uint64_t *sums);

#ifdef __cplusplus
}
#endif

#endif
