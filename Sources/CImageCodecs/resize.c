// Resizing of 8-bit RGB with 22-bit weights, along rows first, 8 bits between the passes: Pillow's arithmetic, exactly.
// Sixteen rows are transposed at a time, so that one vector holds the same sample of sixteen rows: every output sample
// of the horizontal pass is then a sum of whole vectors, whatever its taps are.
#include "CImageCodecs.h"
#include "dispatch.h"
#include "scratch.h"

#include <string.h>

enum { LANES = 16, STRIPE = 64, BITS = 22 };

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int32_t words16 __attribute__((vector_size(64)));

INLINE void interleave(const bytes16 *in, bytes16 *out) {
    for (int n = 0; n < 8; n++) {
        out[2 * n] = __builtin_shufflevector(in[n], in[n + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        out[2 * n + 1] = __builtin_shufflevector(in[n], in[n + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                                 15, 31);
    }
}

// Rows of 16 bytes to columns: four rounds of interleaving the first half with the second.
INLINE void transpose(const bytes16 *in, bytes16 *out) {
    bytes16 a[LANES], b[LANES];
    interleave(in, a);
    interleave(a, b);
    interleave(b, a);
    interleave(a, out);
}

// Wide vectors go through pointers: by value, how they are passed would depend on the processor.
INLINE void store_clipped(const words16 *total, bytes16 *out) {
    const words16 zero = {0}, most = zero + 255;
    const words16 sum = __builtin_elementwise_min(__builtin_elementwise_max(*total >> BITS, zero), most);
    *out = __builtin_convertvector(sum, bytes16);
}

INLINE void add_product(words16 *sum, const bytes16 *samples, int32_t weight) {
    *sum += __builtin_convertvector(*samples, words16) * weight;
}

// Source samples `start ..< end` of 16 rows, turned; rows beyond `rows` repeat the last one.
INLINE void turn_in(const uint8_t *source, size_t stride, int32_t rows, size_t start, size_t end, bytes16 *turned) {
    const uint8_t *lines[LANES];
    for (int32_t y = 0; y < LANES; y++) lines[y] = source + (size_t)(y < rows ? y : rows - 1) * stride;
    bytes16 block[LANES];
    size_t x = start;
    for (; x + LANES <= end; x += LANES) {
        for (int32_t y = 0; y < LANES; y++) memcpy(block + y, lines[y] + x, LANES);
        transpose(block, turned + (x - start));
    }
    if (x == end) return;
    memset(block, 0, sizeof block);
    for (int32_t y = 0; y < LANES; y++) memcpy(block + y, lines[y] + x, end - x);
    transpose(block, turned + (x - start));
}

CLONES static void across(const uint8_t *source, size_t stride, int32_t rows, const dmt_resize_taps *taps, size_t start,
                          size_t end, bytes16 *turned, bytes16 *result, uint8_t *out, size_t out_stride) {
    turn_in(source, stride, rows, start, end, turned);
    const words16 half = (words16){0} + (1 << (BITS - 1));
    for (int32_t x = 0; x < taps->count; x++) {
        const int32_t *weights = taps->weights + (size_t)x * (size_t)taps->stride;
        const bytes16 *from = turned + ((size_t)taps->first[x] * 3 - start);
        words16 r = half, g = half, b = half;
        for (int32_t n = 0; n < taps->length[x]; n++) {
            add_product(&r, from + 3 * n, weights[n]);
            add_product(&g, from + 3 * n + 1, weights[n]);
            add_product(&b, from + 3 * n + 2, weights[n]);
        }
        store_clipped(&r, result + 3 * x);
        store_clipped(&g, result + 3 * x + 1);
        store_clipped(&b, result + 3 * x + 2);
    }
    const size_t samples = (size_t)taps->count * 3;
    for (size_t x = 0; x < samples; x += LANES) {
        bytes16 block[LANES];
        transpose(result + x, block);
        for (int32_t y = 0; y < rows; y++) memcpy(out + (size_t)y * out_stride + x, block + y, LANES);
    }
}

CLONES static void down(const uint8_t *source, size_t stride, const dmt_resize_taps *taps, int32_t offset,
                        size_t samples, uint8_t *out, size_t out_stride) {
    const words16 half = (words16){0} + (1 << (BITS - 1));
    for (int32_t y = 0; y < taps->count; y++) {
        const int32_t *weights = taps->weights + (size_t)y * (size_t)taps->stride;
        for (size_t x = 0; x < samples; x += STRIPE) {
            const uint8_t *from = source + (size_t)(taps->first[y] - offset) * stride + x;
            words16 sums[4] = {half, half, half, half};
            for (int32_t n = 0; n < taps->length[y]; n++, from += stride) {
                bytes16 row[4];
                memcpy(row, from, sizeof row);
                for (int part = 0; part < 4; part++) add_product(sums + part, row + part, weights[n]);
            }
            bytes16 result[4];
            for (int part = 0; part < 4; part++) store_clipped(sums + part, result + part);
            uint8_t *to = out + (size_t)y * out_stride + x;
            if (samples - x >= STRIPE) {
                memcpy(to, result, STRIPE);
            } else {
                memcpy(to, result, samples - x);
            }
        }
    }
}

int dmt_resize_rgb(const uint8_t *source, size_t source_stride, const dmt_resize_taps *rows,
                   const dmt_resize_taps *columns, uint8_t *out, size_t out_stride) {
    // Rows and samples of the source that any tap reads.
    int32_t top = INT32_MAX, bottom = 0, left = INT32_MAX, right = 0;
    for (int32_t y = 0; y < rows->count; y++) {
        if (rows->first[y] < top) top = rows->first[y];
        if (rows->first[y] + rows->length[y] > bottom) bottom = rows->first[y] + rows->length[y];
    }
    for (int32_t x = 0; x < columns->count; x++) {
        if (columns->first[x] < left) left = columns->first[x];
        if (columns->first[x] + columns->length[x] > right) right = columns->first[x] + columns->length[x];
    }
    const size_t start = (size_t)left * 3, end = (size_t)right * 3, samples = (size_t)columns->count * 3;
    const size_t stride = (samples + STRIPE - 1) / STRIPE * STRIPE, turned_count = end - start + LANES;
    const size_t middle_bytes = (size_t)(bottom - top) * stride;
    bytes16 *memory = dmt_scratch(SCRATCH_ROWS, (turned_count + stride) * LANES + middle_bytes);
    if (!memory) return 0;
    bytes16 *result = memory + turned_count;
    uint8_t *middle = (uint8_t *)(result + stride);
    memset(result, 0, stride * LANES);
    for (int32_t y = top; y < bottom; y += LANES) {
        const int32_t count = bottom - y < LANES ? bottom - y : LANES;
        across(source + (size_t)y * source_stride, source_stride, count, columns, start, end, memory, result,
               middle + (size_t)(y - top) * stride, stride);
    }
    down(middle, stride, rows, top, samples, out, out_stride);
    dmt_scratch_done(SCRATCH_ROWS);
    return 1;
}

void dmt_normalise_rgb(const uint8_t *samples, int64_t pixels, const float *tables, float *out) {
    for (int64_t n = 0; n < pixels; n++) {
        out[3 * n] = tables[samples[3 * n]];
        out[3 * n + 1] = tables[256 + samples[3 * n + 1]];
        out[3 * n + 2] = tables[512 + samples[3 * n + 2]];
    }
}
