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

/// Boxes and areas of the records at `positions`, whose boxes are `boxes[4 * position ...]`.
void dmt_gather_boxes(const double *boxes, const int32_t *positions, size_t count, double *gathered, double *areas);

/// The boxes around all points (x, y, v) of the poses at `positions`, and their areas; pose p has the numbers
/// points[starts[p] ..< starts[p + 1]]. A pose without points has zeros.
void dmt_pose_boxes(const double *points, const intptr_t *starts, const int32_t *positions, size_t count,
                    double *boxes, double *areas);

/// Keypoint similarity of one detection with one truth of k points (x, y, v each). `variances` are (2 sigma)^2;
/// `box` is the truth's x, y, width, height, used when no point is visible; `scratch` has room for k. A value that is
/// surely below `lowest` may be given as 0.
double dmt_keypoint_similarity(const double *detection, const double *truth, const double *variances, size_t k,
                               double area, const double *box, double lowest, double *scratch);

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

/// Words of scratch that `dmt_match_cell` needs.
size_t dmt_match_scratch_words(size_t detections, size_t truths);

/// Matches one cell at `threshold_count` (at most 16) thresholds in each of the area ranges `areas` (lowest and highest).
/// Bit t of `matched[a * area_stride + d]` and of `ignored` tells about threshold t; `counts[a * count_stride]` is the
/// number of truths that count.
void dmt_match_cell(const dmt_cell *cell, const double *areas, size_t area_count, const double *thresholds,
                    size_t threshold_count, size_t area_stride, uint16_t *matched, uint16_t *ignored,
                    size_t count_stride, int32_t *counts, uint32_t *scratch);

/// Most detection limits of one evaluation.
enum { DMT_MAX_LIMITS = 64 };

/// Detections of one class, joined over the images.
typedef struct {
    size_t count;
    const uint32_t *order;   ///< score order over all of them
    const uint8_t *level;    ///< in score order: the first limit that lets the detection in
    const double *score;
    const uint16_t *matched, *ignored;
} dmt_class_detections;

/// For each detection in score order the first of the ascending limits above its place in its image; `limit_count` where
/// there is none.
void dmt_limit_levels(const uint32_t *order, const uint32_t *rank, size_t count, const uint32_t *limits,
                      size_t limit_count, uint8_t *level);

/// Room for one class.
typedef struct {
    uint32_t *position, *hit, *miss, *level, *before;
    uint8_t *kind;
    double *recall, *precision, *score;
} dmt_accumulation_scratch;

/// Room for so many detections. Returns 0 when out of memory.
int dmt_accumulation_scratch_init(dmt_accumulation_scratch *scratch, size_t detections, size_t limit_count);
void dmt_accumulation_scratch_free(dmt_accumulation_scratch *scratch);

/// Steps in the arrays of curves, in doubles.
typedef struct {
    size_t cell;             ///< from a recall threshold to the next; from a threshold to the next in `recall`
    size_t precision_limit;  ///< from a detection limit to the next in `precision` and `score_at`
    size_t recall_limit;     ///< the same in `recall`
} dmt_curve_strides;

/// Interpolated precision, its score, and recall in one area range, for every detection limit (at most
/// `DMT_MAX_LIMITS`), threshold and recall threshold. `truths` is positive.
void dmt_accumulate(const dmt_class_detections *detections, size_t limit_count, double truths, size_t threshold_count,
                    const double *recall_thresholds, size_t recall_count, const dmt_curve_strides *strides,
                    double *precision, double *score_at, double *recall, dmt_accumulation_scratch *scratch);
