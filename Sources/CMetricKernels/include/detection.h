#pragma once
// Overlap, matching and counting of COCO evaluation, operation by operation as the reference does it.
#include <stddef.h>
#include <stdint.h>

/// Sum in NumPy's order: left to right below 8, eight running sums up to 128, halves above.
double dmt_pairwise_sum(const double *values, size_t count);

/// Overlap of m detections with n truths, boxes as x, y, width, height; `overlap` is m x n, row by row.
/// A crowd's union is the detection's area.
void dmt_box_overlap(const double *detections, size_t m, const double *truths, const uint8_t *crowd, size_t n,
                     double *overlap);

/// Keypoint similarity of one detection with one truth of k points (x, y, v each). `variances` are (2 sigma)^2;
/// `box` is the truth's x, y, width, height, used when no point is visible; `scratch` has room for k.
double dmt_keypoint_similarity(const double *detection, const double *truth, const double *variances, size_t k,
                               double area, const double *box, double *scratch);

/// Order of `count` scores from high to low, equals in their given order. `scratch` has room for count.
void dmt_order_scores(const double *scores, size_t count, uint32_t *order, uint32_t *scratch);

/// One image and class to match.
typedef struct {
    size_t detection_count, truth_count;
    const double *overlap;         ///< detections (score order) x truths (file order); NULL when nothing can match
    const double *detection_area;
    const double *truth_area;
    const uint8_t *truth_ignored;  ///< crowd, or without labelled keypoints
    const uint8_t *truth_crowd;
    const uint8_t *truth_id_zero;  ///< a match with it is stored as "no match"
    int excuses_unmatched;         ///< unmatched detections do not count (LVIS: the class is not marked exhaustively)
} dmt_cell;

/// Matches one cell in one area range at `threshold_count` (at most 32) thresholds. Bit t of `matched[d]` and
/// `ignored[d]` tells about threshold t. `scratch` has room for truth_count * 12 bytes. Returns the truths that count.
size_t dmt_match_cell(const dmt_cell *cell, double area_low, double area_high, const double *thresholds,
                      size_t threshold_count, uint32_t *matched, uint32_t *ignored, void *scratch);

/// Detections of one class, joined over the images.
typedef struct {
    size_t count;
    const uint32_t *order;   ///< score order over all of them
    const uint32_t *rank;    ///< place in its image
    const double *score;
    const uint32_t *matched, *ignored;
} dmt_class_detections;

/// Room for one class.
typedef struct {
    uint32_t *position, *hit, *miss, *before;
    double *recall, *precision, *score;
} dmt_accumulation_scratch;

/// Room for so many detections. Returns 0 when out of memory.
int dmt_accumulation_scratch_init(dmt_accumulation_scratch *scratch, size_t detections);
void dmt_accumulation_scratch_free(dmt_accumulation_scratch *scratch);

/// Interpolated precision, its score, and recall at one area range and detection limit, for every threshold.
/// `precision` and `score_at` are threshold_count x recall_count, with `stride` doubles from a recall threshold to the
/// next and `stride * recall_count` from one threshold to the next; `recall` has `stride` doubles between thresholds.
/// `truths` is positive.
void dmt_accumulate(const dmt_class_detections *detections, uint32_t limit, double truths, size_t threshold_count,
                    const double *recall_thresholds, size_t recall_count, size_t stride, double *precision,
                    double *score_at, double *recall, dmt_accumulation_scratch *scratch);
