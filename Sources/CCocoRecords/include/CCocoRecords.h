#pragma once
// Records of COCO truth and results files read straight from their text: no tape, no copies of what is not wanted.
// Accepts plain texts only and then reads them exactly as the strict reader does; everything else, right or wrong, is
// refused and left to the strict reader. Plain C, no exceptions.
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a record carries.
enum {
    DMT_RECORD_ID = 1,
    DMT_RECORD_IMAGE_ID = 2,
    DMT_RECORD_CATEGORY_ID = 4,
    DMT_RECORD_SCORE = 8,
    DMT_RECORD_AREA = 16,
    DMT_RECORD_BOX = 32,
    DMT_RECORD_SEGMENTATION = 64,
    DMT_RECORD_KEYPOINTS = 128,
    DMT_RECORD_KEYPOINT_COUNT = 256,
    DMT_RECORD_CROWD = 512,
};

/// How a segmentation is written.
enum {
    DMT_SEGMENTATION_SKIPPED = 0,
    DMT_SEGMENTATION_POLYGONS = 1,  ///< lists of numbers
    DMT_SEGMENTATION_STRING = 2,    ///< run lengths as COCO's string
    DMT_SEGMENTATION_RUNS = 3,      ///< run lengths as a list
};

/// One record; fields that `found` does not name are 0. Pointers are good until the next record.
typedef struct {
    unsigned found;  ///< DMT_RECORD_*
    int64_t id, image_id, category_id, keypoint_count;
    double score, area;
    double box[4];
    int is_crowd, is_ignored;
    int segmentation;  ///< DMT_SEGMENTATION_*
    uint32_t height, width;   ///< of run lengths
    const uint8_t *text;      ///< of a string, escapes resolved
    size_t text_length;
    const double *numbers;    ///< of all polygons, one after the other
    const size_t *part_ends;  ///< where each polygon ends in `numbers`
    size_t part_count;
    const uint32_t *runs;
    size_t run_count;
    int reads_keypoints;
    const double *keypoints;
    size_t keypoint_numbers;
} dmt_record;

typedef struct dmt_record_reader dmt_record_reader;

/// Bytes that must be readable (any content) after the end given to `dmt_record_reader_start`.
enum { DMT_RECORD_PADDING = 64 };

/// Returns NULL when out of memory.
dmt_record_reader *dmt_record_reader_new(void);
void dmt_record_reader_free(dmt_record_reader *reader);

/// Begins with the records in text[0 ..< length]: objects with commas between them. `wanted` names which of
/// DMT_RECORD_SEGMENTATION and DMT_RECORD_KEYPOINTS are read; they are checked and skipped otherwise.
void dmt_record_reader_start(dmt_record_reader *reader, const uint8_t *text, size_t length, unsigned wanted);

/// 1: `record` is filled; 0: the text has ended; -1: not plain, ask the strict reader.
int dmt_record_reader_next(dmt_record_reader *reader, dmt_record *record);

#ifdef __cplusplus
}
#endif
