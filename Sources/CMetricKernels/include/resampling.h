#pragma once
// COCO evaluation counted again with images that occur several times or not at all.
#include <stddef.h>
#include <stdint.h>

/// One class, area range and detection limit.
typedef struct {
    size_t count;              ///< detections that are not ignored at every threshold, from high to low score
    const uint32_t *image;
    const uint32_t *hit;       ///< bit t: a true positive at threshold t
    const uint32_t *ignored;   ///< bit t: counts as neither at threshold t
    size_t truth_cells;
    const uint32_t *truth_image;
    const uint32_t *truth_count;
} dmt_resampled_class;

/// With image i occurring `weight[i]` times: for each of at most 32 thresholds the interpolated precision at each recall
/// threshold (ascending; `precision` is threshold_count x recall_count) and the recall. `precision` may be
/// NULL: recall alone. Returns the truths, 0 when the class has none; nothing is written then.
uint64_t dmt_resample_class(const dmt_resampled_class *entry, const uint32_t *weight, size_t threshold_count,
                            const double *recall_thresholds, size_t recall_count, double *precision, double *recall);
