// PNG reading: libpng with errors turned into return codes, and a fast path for plain label files.
#include "CImageCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>
#include <png.h>

typedef struct {
    const uint8_t *bytes;
    size_t size, offset;
    dmt_image_report *report;
    jmp_buf escape;
} reader;

static void stop(png_structp png, png_const_charp message) {
    reader *state = png_get_error_ptr(png);
    snprintf(state->report->message, sizeof state->report->message, "%s", message);
    longjmp(state->escape, 1);
}

static void note(png_structp png, png_const_charp message) {
    (void)message;
    ((reader *)png_get_error_ptr(png))->report->warnings++;
}

static void take(png_structp png, png_bytep target, size_t count) {
    reader *state = png_get_io_ptr(png);
    if (count > state->size - state->offset) png_error(png, "the file ends too early");
    memcpy(target, state->bytes + state->offset, count);
    state->offset += count;
}

// Whether the standard has files of this colour type and depth.
static int is_possible(int type, int depth) {
    switch (type) {
    case PNG_COLOR_TYPE_GRAY: return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case PNG_COLOR_TYPE_PALETTE: return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case PNG_COLOR_TYPE_RGB:
    case PNG_COLOR_TYPE_RGB_ALPHA:
    case PNG_COLOR_TYPE_GRAY_ALPHA: return depth == 8 || depth == 16;
    default: return 0;
    }
}

// The first 33 bytes of every PNG: signature and IHDR. Checked by hand so that no size is believed before its limit.
int dmt_png_header(const uint8_t *bytes, size_t size, int64_t max_pixels, dmt_image_header *header,
                   dmt_image_report *report) {
    static const uint8_t start[16] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    memset(report, 0, sizeof *report);
    if (size < 33 || memcmp(bytes, start, 16) != 0) {
        snprintf(report->message, sizeof report->message, "no PNG header");
        return DMT_IMAGE_MALFORMED;
    }
    uint32_t width = png_get_uint_32(bytes + 16), height = png_get_uint_32(bytes + 20);
    if (width == 0 || height == 0 || width > 0x7fffffff || height > 0x7fffffff) {
        snprintf(report->message, sizeof report->message, "an impossible size");
        return DMT_IMAGE_MALFORMED;
    }
    if (libdeflate_crc32(0, bytes + 12, 17) != png_get_uint_32(bytes + 29)) {
        snprintf(report->message, sizeof report->message, "a header whose checksum does not fit");
        return DMT_IMAGE_MALFORMED;
    }
    int type = bytes[25];
    if (!is_possible(type, bytes[24])) {
        snprintf(report->message, sizeof report->message, "colour type %d with %d bits", type, bytes[24]);
        return DMT_IMAGE_MALFORMED;
    }
    header->width = (int32_t)width;
    header->height = (int32_t)height;
    header->bit_depth = bytes[24];
    header->is_palette = type == PNG_COLOR_TYPE_PALETTE;
    header->channels = type == PNG_COLOR_TYPE_RGB ? 3 : type == PNG_COLOR_TYPE_RGB_ALPHA ? 4
                     : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 : 1;
    if ((int64_t)height > max_pixels / width) {
        snprintf(report->message, sizeof report->message, "%u x %u pixels", width, height);
        return DMT_IMAGE_TOO_LARGE;
    }
    return DMT_IMAGE_OK;
}

enum { AS_RGB, AS_INDEX };

// Reads all rows as RGB bytes, or as raw samples: one byte each up to 8 bits, else two in native order.
static int read_rows(const uint8_t *bytes, size_t size, const dmt_image_header *header, int form, uint8_t *out,
                     size_t row_bytes, dmt_image_report *report) {
    reader state = {.bytes = bytes, .size = size, .report = report};
    png_structp volatile png = NULL;
    png_infop volatile info = NULL;
    png_bytep *volatile rows = NULL;
    memset(report, 0, sizeof *report);
    if (setjmp(state.escape)) {
        png_structp p = png;
        png_infop i = info;
        png_destroy_read_struct(&p, &i, NULL);
        free(rows);
        return DMT_IMAGE_MALFORMED;
    }
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, stop, note);
    if (!png) return DMT_IMAGE_NO_MEMORY;
    info = png_create_info_struct(png);
    if (!info) png_error(png, "out of memory");
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_cache_max(png, 100);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_set_read_fn(png, &state, take);
    png_read_info(png, info);
    if ((int32_t)png_get_image_height(png, info) != header->height
        || (int32_t)png_get_image_width(png, info) != header->width)
        png_error(png, "the size changed between header and picture");
    int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    if (form == AS_RGB) {
        png_set_expand(png);
        png_set_strip_16(png);
        png_set_strip_alpha(png);
        if (type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png);
    } else {
        png_set_packing(png);
        if (depth == 16) png_set_swap(png);
    }
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "rows of an unexpected length");
    rows = malloc(sizeof(png_bytep) * (size_t)header->height);
    if (!rows) png_error(png, "out of memory");
    for (int32_t y = 0; y < header->height; y++) rows[y] = out + (size_t)y * row_bytes;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    png_structp p = png;
    png_infop i = info;
    png_destroy_read_struct(&p, &i, NULL);
    free(rows);
    return DMT_IMAGE_OK;
}

int dmt_png_decode_rgb(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint8_t *out,
                       dmt_image_report *report) {
    return read_rows(bytes, size, header, AS_RGB, out, (size_t)header->width * 3, report);
}

int dmt_png_decode_index_plain(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint16_t *out,
                               dmt_image_report *report) {
    memset(report, 0, sizeof *report);
    if (header->channels != 1) {
        snprintf(report->message, sizeof report->message, "%d samples a pixel", header->channels);
        return DMT_IMAGE_UNSUPPORTED;
    }
    size_t count = (size_t)header->height * (size_t)header->width;
    if (header->bit_depth == 16)
        return read_rows(bytes, size, header, AS_INDEX, (uint8_t *)out, (size_t)header->width * 2, report);
    // Bytes go into the front half, then widen from the back: each value is read before its place is written.
    int status = read_rows(bytes, size, header, AS_INDEX, (uint8_t *)out, (size_t)header->width, report);
    if (status != DMT_IMAGE_OK) return status;
    const uint8_t *narrow = (const uint8_t *)out;
    for (size_t n = count; n-- > 0;) out[n] = narrow[n];
    return DMT_IMAGE_OK;
}

static uint8_t paeth(int left, int up, int corner) {
    int a = abs(up - corner), b = abs(left - corner), c = abs(left + up - 2 * corner);
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

// Undoes one row's filter in place; `above` is the finished row before it, or zeros. False for an unknown filter.
static int unfilter(int filter, uint8_t *row, const uint8_t *above, size_t count, size_t step) {
    switch (filter) {
    case 0: return 1;
    case 1:
        for (size_t n = step; n < count; n++) row[n] = (uint8_t)(row[n] + row[n - step]);
        return 1;
    case 2:
        for (size_t n = 0; n < count; n++) row[n] = (uint8_t)(row[n] + above[n]);
        return 1;
    case 3:
        for (size_t n = 0; n < count; n++)
            row[n] = (uint8_t)(row[n] + (((n < step ? 0 : row[n - step]) + above[n]) >> 1));
        return 1;
    case 4:
        for (size_t n = 0; n < count; n++)
            row[n] = (uint8_t)(row[n] + (n < step ? above[n] : paeth(row[n - step], above[n], above[n - step])));
        return 1;
    default: return 0;
    }
}

static int is_letters(const uint8_t *name) {
    for (int n = 0; n < 4; n++)
        if ((name[n] | 32) < 'a' || (name[n] | 32) > 'z') return 0;
    return 1;
}

// Gathers IDAT of a file made only of IHDR, ancillary chunks, IDAT without a gap, ancillary chunks and IEND, every
// checksum right. Returns the length, or 0 where anything is unusual: libpng then has the say.
static size_t gather_data(const uint8_t *bytes, size_t size, uint8_t *data) {
    size_t offset = 33, length = 0;
    int is_past = 0;  // behind the last IDAT
    while (size - offset >= 12) {
        size_t chunk = png_get_uint_32(bytes + offset);
        const uint8_t *name = bytes + offset + 4;
        if (chunk > size - offset - 12 || !is_letters(name)) return 0;
        if (libdeflate_crc32(0, name, chunk + 4) != png_get_uint_32(name + 4 + chunk)) return 0;
        if (memcmp(name, "IDAT", 4) == 0) {
            if (is_past) return 0;
            memcpy(data + length, name + 4, chunk);
            length += chunk;
        } else if (memcmp(name, "IEND", 4) == 0) {
            return chunk == 0 ? length : 0;
        } else if (!(name[0] & 32)) {
            return 0;
        } else {
            is_past = length > 0;
        }
        offset += chunk + 12;
    }
    return 0;
}

// The fast path; 1 when `out` is filled, 0 when libpng must decide.
static int read_plain_file(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint16_t *out) {
    int wide = header->bit_depth == 16;
    // Method bytes: deflate, adaptive filters, no interlace.
    if ((header->bit_depth != 8 && !wide) || bytes[26] || bytes[27] || bytes[28]) return 0;
    size_t step = wide ? 2 : 1, row_bytes = (size_t)header->width * step, height = (size_t)header->height;
    size_t total = (row_bytes + 1) * height;
    // Deflate cannot shrink below 1:1032, so a larger claim is left to libpng, which stops at the true end.
    if (total / 1100 > size) return 0;
    uint8_t *data = malloc(size), *rows = malloc(total), *zeros = calloc(row_bytes, 1);
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    int done = 0;
    if (data && rows && zeros && inflater) {
        size_t length = gather_data(bytes, size, data), got = 0;
        // A stream that says it looks back less far than deflate can is held to that by libpng alone.
        int window = length ? data[0] >> 4 : 0, has_window = window == 7 || ((size_t)256 << window) >= total;
        if (length && has_window
            && libdeflate_zlib_decompress(inflater, data, length, rows, total, &got) == LIBDEFLATE_SUCCESS
            && got == total) {
            const uint8_t *above = zeros;
            done = 1;
            for (size_t y = 0; y < height && done; y++) {
                uint8_t *row = rows + y * (row_bytes + 1);
                done = unfilter(row[0], row + 1, above, row_bytes, step);
                above = row + 1;
                uint16_t *target = out + y * (size_t)header->width;
                if (wide)
                    for (int32_t x = 0; x < header->width; x++)
                        target[x] = (uint16_t)(row[1 + 2 * x] << 8 | row[2 + 2 * x]);
                else
                    for (int32_t x = 0; x < header->width; x++) target[x] = row[1 + x];
            }
        }
    }
    if (inflater) libdeflate_free_decompressor(inflater);
    free(data);
    free(rows);
    free(zeros);
    return done;
}

int dmt_png_decode_index(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint16_t *out,
                         dmt_image_report *report) {
    memset(report, 0, sizeof *report);
    if (header->channels == 1 && !header->is_palette && read_plain_file(bytes, size, header, out))
        return DMT_IMAGE_OK;
    return dmt_png_decode_index_plain(bytes, size, header, out, report);
}
