// PNG writing: filter none, one IDAT chunk by libdeflate. The same rows give the same bytes.
#include "CImageCodecs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

static void put_uint32(uint8_t *target, uint32_t value) {
    for (int n = 0; n < 4; n++) target[n] = (uint8_t)(value >> (24 - 8 * n));
}

// Frames a chunk whose payload already lies at target + 8; returns the byte after it.
static uint8_t *close_chunk(uint8_t *target, const char *name, size_t length) {
    put_uint32(target, (uint32_t)length);
    memcpy(target + 4, name, 4);
    put_uint32(target + 8 + length, libdeflate_crc32(0, target + 4, length + 4));
    return target + 12 + length;
}

int dmt_png_encode(const uint8_t *rows, int32_t height, int32_t width, int32_t channels, int32_t bit_depth,
                   int32_t level, uint8_t **out, size_t *out_size, dmt_image_report *report) {
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
    memset(report, 0, sizeof *report);
    *out = NULL;
    *out_size = 0;
    size_t row_bytes = (size_t)width * (size_t)channels * (size_t)bit_depth / 8;
    size_t total = (row_bytes + 1) * (size_t)height;
    uint8_t *raw = malloc(total);
    struct libdeflate_compressor *deflater = libdeflate_alloc_compressor(level);
    size_t bound = deflater ? libdeflate_zlib_compress_bound(deflater, total) : 0;
    uint8_t *file = malloc(8 + 25 + 12 + bound + 12);
    int status = DMT_IMAGE_NO_MEMORY;
    if (raw && deflater && file) {
        for (int32_t y = 0; y < height; y++) {
            raw[(size_t)y * (row_bytes + 1)] = 0;
            memcpy(raw + (size_t)y * (row_bytes + 1) + 1, rows + (size_t)y * row_bytes, row_bytes);
        }
        memcpy(file, signature, 8);
        uint8_t *next = file + 8;
        put_uint32(next + 8, (uint32_t)width);
        put_uint32(next + 12, (uint32_t)height);
        next[16] = (uint8_t)bit_depth;
        next[17] = channels == 3 ? 2 : 0;
        next[18] = next[19] = next[20] = 0;
        next = close_chunk(next, "IHDR", 13);
        size_t length = libdeflate_zlib_compress(deflater, raw, total, next + 8, bound);
        if (length > 0 && length <= 0x7fffffff) {
            next = close_chunk(next, "IDAT", length);
            next = close_chunk(next, "IEND", 0);
            *out = file;
            *out_size = (size_t)(next - file);
            file = NULL;
            status = DMT_IMAGE_OK;
        } else {
            snprintf(report->message, sizeof report->message, "too many bytes for one chunk");
            status = DMT_IMAGE_UNSUPPORTED;
        }
    }
    if (deflater) libdeflate_free_compressor(deflater);
    free(raw);
    free(file);
    return status;
}
