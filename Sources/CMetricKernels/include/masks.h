#pragma once
// Run-length masks. Runs go down the columns of a height x width picture and start with background, so pixel (x, y)
// has position x * height + y. Functions that fill `runs` return the number of runs; buffers are the caller's.
#include <stddef.h>
#include <stdint.h>

/// Runs of a column-major bitmap of `count` bytes (zero is background). `runs` has room for count + 1.
size_t dmt_rle_encode(const uint8_t *columns, size_t count, uint32_t *runs);

/// Runs of a row-major bitmap of height x width bytes (zero is background). `runs` has room for height * width + 1.
size_t dmt_rle_encode_rows(const uint8_t *rows, size_t height, size_t width, uint32_t *runs);

/// Fills a row-major bitmap with 0 and 1; runs past the end are not written. Returns the sum of the runs.
uint64_t dmt_rle_decode_rows(const uint32_t *runs, size_t count, size_t height, size_t width, uint8_t *rows);

/// Pixels of foreground, modulo 2^32.
uint32_t dmt_rle_area(const uint32_t *runs, size_t count);

/// Sum of all runs.
uint64_t dmt_rle_total(const uint32_t *runs, size_t count);

/// Bounding box x, y, width, height, with the reference's answers for degenerate runs.
void dmt_rle_box(const uint32_t *runs, size_t count, uint32_t height, uint32_t width, double box[4]);

/// Union (or intersection) of two masks of one size. `runs` has room for a_count + b_count + 1.
/// Returns 0 where the runs of the two sum to different totals.
size_t dmt_rle_merge(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, int intersect,
                     uint32_t *runs);

/// Pixels in both and in either mask of one size. Returns 0 where the runs sum to different totals.
int dmt_rle_overlap(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *both,
                    uint32_t *either);

/// COCO's string form; `text` has room for 7 * count + 1 bytes. Returns its length.
size_t dmt_rle_to_string(const uint32_t *runs, size_t count, char *text);

/// Reads COCO's string form; `runs` has room for `length`. `*valid` is 0 when a byte lies outside 48...111, a run is
/// negative, over 32 bits, or unfinished; the runs are then what the reference reads, as far as that is defined.
size_t dmt_rle_from_string(const uint8_t *text, size_t length, uint32_t *runs, int *valid);

/// One number of COCO's string, however long, starting at `*at`, which is moved past it.
int64_t dmt_rle_long_number(const uint8_t *text, size_t length, size_t *at);

/// What the runs of a mask add up to.
typedef struct {
    uint64_t total;           ///< sum of all runs
    uint32_t count;
    uint32_t area;            ///< foreground, modulo 2^32
    int has_empty_runs;       ///< a run other than the first is 0
} dmt_mask_facts;

/// Borders of a mask, the positions (modulo 2^32) where its runs end. `borders` has room for `count`.
dmt_mask_facts dmt_borders_from_runs(const uint32_t *runs, size_t count, uint32_t *borders);

/// The same from COCO's string; `borders` has room for `length`.
dmt_mask_facts dmt_borders_from_string(const uint8_t *text, size_t length, uint32_t *borders);

/// Pixels in both masks. Needs masks whose totals are equal and below 2^32, without empty runs after the first.
uint32_t dmt_borders_both(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);

/// Bounding box x, y, width, height. Needs a total below 2^32 and no empty runs after the first.
void dmt_borders_box(const uint32_t *borders, size_t count, uint32_t height, double box[4]);

/// Memory for drawing polygons one after the other.
typedef struct dmt_outline dmt_outline;

/// Returns NULL when out of memory.
dmt_outline *dmt_outline_new(void);
void dmt_outline_free(dmt_outline *outline);

/// Runs of a polygon of `points` pairs (x, y), rasterised on a grid five times finer as COCO does. `*runs` is good until
/// the next polygon. Returns their number; 0 when out of memory.
size_t dmt_rle_from_polygon(dmt_outline *outline, const double *xy, size_t points, size_t height, size_t width,
                            const uint32_t **runs);

/// Least x and y and greatest x and y of `points` pairs, at least one.
void dmt_polygon_bounds(const double *xy, size_t points, double bounds[4]);

/// Runs of the foreground pixels that lie within `distance` rows and columns of background or of the picture's border:
/// the mask without its erosion by a square of 2 distance + 1 pixels a side. Runs past the end are not read. The result
/// is malloc'ed into `*boundary` and freed by the caller. Returns the number of runs; 0 when out of memory.
size_t dmt_rle_boundary(const uint32_t *runs, size_t count, size_t height, size_t width, size_t distance,
                        uint32_t **boundary);
