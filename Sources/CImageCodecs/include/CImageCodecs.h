// JPEG and PNG behind plain C functions. Every setjmp stays inside; no call jumps over a caller's frame.
// Pictures are interleaved rows, top to bottom; sizes are (height, width). All functions are thread-safe.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    DMT_IMAGE_OK = 0,
    DMT_IMAGE_MALFORMED = 1,    // truncated, corrupt, or not of this format
    DMT_IMAGE_TOO_LARGE = 2,    // the header declares more than max_pixels
    DMT_IMAGE_UNSUPPORTED = 3,  // a valid file of a kind this function does not read
    DMT_IMAGE_NO_MEMORY = 4
};

typedef struct {
    char message[256];  // what is wrong, when the status is not DMT_IMAGE_OK
    int32_t warnings;   // harmless oddities met (extraneous bytes, bad ancillary chunks)
} dmt_image_report;

typedef struct {
    int32_t height, width;
    int32_t channels;    // as stored: JPEG components; PNG samples a pixel (palette: 1)
    int32_t bit_depth;   // bits a sample as stored
    int32_t is_palette;  // PNG palette
} dmt_image_header;

typedef struct {
    int32_t top, left, height, width;
} dmt_image_window;

// Reads the header alone; allocates nothing that depends on the picture's size.
int dmt_jpeg_header(const uint8_t *bytes, size_t size, int64_t max_pixels, dmt_image_header *header,
                    dmt_image_report *report);
// Decodes to RGB (slow integer DCT, smooth chroma upsampling); out holds height * width * 3 bytes of the header.
int dmt_jpeg_decode(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint8_t *out,
                    dmt_image_report *report);
// The same through libjpeg alone: the reference of the fast path, for tests.
int dmt_jpeg_decode_plain(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint8_t *out,
                          dmt_image_report *report);
// The part of that picture inside the window, in the same bytes; out holds height * width * 3 bytes of the window.
// What lies below the window is not decoded: damage there stays unseen, a missing end does not.
int dmt_jpeg_decode_window(const uint8_t *bytes, size_t size, const dmt_image_header *header,
                           const dmt_image_window *window, uint8_t *out, dmt_image_report *report);
// Decodes at a half, a quarter or an eighth (denominator 2, 4, 8) by smaller transforms, as Pillow's draft mode does:
// not the bytes of a full picture made smaller. Sides are rounded up; out holds their product times 3.
int dmt_jpeg_decode_scaled(const uint8_t *bytes, size_t size, const dmt_image_header *header, int32_t denominator,
                           uint8_t *out, dmt_image_report *report);
// Encodes RGB; chroma halved both ways if subsample is not 0. *out is freed with dmt_image_free.
int dmt_jpeg_encode(const uint8_t *rgb, int32_t height, int32_t width, int32_t quality, int32_t subsample,
                    uint8_t **out, size_t *out_size, dmt_image_report *report);

int dmt_png_header(const uint8_t *bytes, size_t size, int64_t max_pixels, dmt_image_header *header,
                   dmt_image_report *report);
// Decodes to RGB, 8 bits a sample: grey and palette expanded, alpha dropped, 16 bits cut to the upper 8.
int dmt_png_decode_rgb(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint8_t *out,
                       dmt_image_report *report);
// Decodes grey or palette files to their raw sample values; out holds height * width values.
int dmt_png_decode_index(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint16_t *out,
                         dmt_image_report *report);
// The same through libpng alone: the reference of the fast path, for tests.
int dmt_png_decode_index_plain(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint16_t *out,
                               dmt_image_report *report);
// Encodes 1 or 3 channels of 8 bits, or 1 channel of 16 bits (samples big-endian in rows). Filter none.
int dmt_png_encode(const uint8_t *rows, int32_t height, int32_t width, int32_t channels, int32_t bit_depth,
                   int32_t level, uint8_t **out, size_t *out_size, dmt_image_report *report);

void dmt_image_free(uint8_t *bytes);

// Where each output position of one axis takes its value from.
typedef struct {
    int32_t count;           // output positions
    int32_t stride;          // weights kept for each
    const int32_t *first;    // (count) the first source position
    const int32_t *length;   // (count) how many, from there on
    const int32_t *weights;  // (count, stride) 22 fractional bits
} dmt_resize_taps;

// Weighted sums of RGB samples, along rows first, each pass rounded and clipped to 8 bits. Only the source samples that
// some tap names are read. Strides in bytes; out holds (rows.count, columns.count, 3). Returns 0 without memory.
int dmt_resize_rgb(const uint8_t *source, size_t source_stride, const dmt_resize_taps *rows,
                   const dmt_resize_taps *columns, uint8_t *out, size_t out_stride);
// out[n] = tables[256 * (n % 3) + samples[n]] for 3 * pixels samples.
void dmt_normalise_rgb(const uint8_t *samples, int64_t pixels, const float *tables, float *out);

#ifdef __cplusplus
}
#endif
