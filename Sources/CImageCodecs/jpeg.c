// libjpeg with errors turned into return codes.
#include "CImageCodecs.h"
#include "jpeg_baseline.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum { MAX_PROGRESSIVE_SCANS = 100 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf escape;
    dmt_image_report *report;
} error_manager;

static void stop(j_common_ptr info) {
    error_manager *manager = (error_manager *)info->err;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    snprintf(manager->report->message, sizeof manager->report->message, "%s", text);
    longjmp(manager->escape, 1);
}

// Corrupt or missing entropy-coded data stops the decoder; other warnings (phone cameras write many) are counted.
static void note(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION:
        stop(info);
        break;
    default:
        ((error_manager *)info->err)->report->warnings++;
    }
}

static void silent(j_common_ptr info) { (void)info; }

static void prepare(error_manager *manager, dmt_image_report *report) {
    memset(report, 0, sizeof *report);
    jpeg_std_error(&manager->base);
    manager->base.error_exit = stop;
    manager->base.emit_message = note;
    manager->base.output_message = silent;
    manager->report = report;
}

// A small progressive file can ask for thousands of passes over a large picture.
static void count_scans(j_common_ptr info) {
    if (!info->is_decompressor) return;
    j_decompress_ptr decoder = (j_decompress_ptr)info;
    if (decoder->input_scan_number <= MAX_PROGRESSIVE_SCANS) return;
    error_manager *manager = (error_manager *)info->err;
    snprintf(manager->report->message, sizeof manager->report->message, "more than %d scans", MAX_PROGRESSIVE_SCANS);
    longjmp(manager->escape, 1);
}

int dmt_jpeg_header(const uint8_t *bytes, size_t size, int64_t max_pixels, dmt_image_header *header,
                    dmt_image_report *report) {
    struct jpeg_decompress_struct decoder;
    error_manager manager;
    prepare(&manager, report);
    decoder.err = &manager.base;
    if (setjmp(manager.escape)) {
        jpeg_destroy_decompress(&decoder);
        return DMT_IMAGE_MALFORMED;
    }
    jpeg_create_decompress(&decoder);
    jpeg_mem_src(&decoder, bytes, size);
    jpeg_read_header(&decoder, TRUE);
    header->height = (int32_t)decoder.image_height;
    header->width = (int32_t)decoder.image_width;
    header->channels = decoder.num_components;
    header->bit_depth = decoder.data_precision;
    header->is_palette = 0;
    jpeg_destroy_decompress(&decoder);
    if ((int64_t)header->height * header->width > max_pixels) {
        snprintf(report->message, sizeof report->message, "%d x %d pixels", header->width, header->height);
        return DMT_IMAGE_TOO_LARGE;
    }
    return DMT_IMAGE_OK;
}

// CMYK as Pillow turns it into RGB; Adobe files store the complement.
static void rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, int32_t width, int inverted) {
    for (int32_t x = 0; x < width; x++) {
        int flip = inverted ? 0 : 255;
        int key = cmyk[4 * x + 3] ^ flip;
        for (int c = 0; c < 3; c++) {
            int ink = 255 - (cmyk[4 * x + c] ^ flip);
            int product = ink * key + 128;
            rgb[3 * x + c] = (uint8_t)(key - ((product + (product >> 8)) >> 8));
        }
    }
}

// The whole picture at 1 / denominator, or a window of it where the fast path can do that (DMT_IMAGE_UNSUPPORTED where
// it cannot). `is_fast` 0 leaves all to libjpeg.
static int decode(const uint8_t *bytes, size_t size, const dmt_image_header *header, const dmt_image_window *window,
                  int is_fast, int32_t denominator, uint8_t *out, dmt_image_report *report) {
    struct jpeg_decompress_struct decoder;
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    error_manager manager;
    uint8_t *volatile line = NULL;
    prepare(&manager, report);
    decoder.err = &manager.base;
    if (setjmp(manager.escape)) {
        jpeg_destroy_decompress(&decoder);
        free(line);
        return DMT_IMAGE_MALFORMED;
    }
    jpeg_create_decompress(&decoder);
    // A progressive picture holds all coefficients: 2 bytes each, chroma padded to whole blocks.
    decoder.mem->max_memory_to_use = (long)header->height * header->width * 16 + (64L << 20);
    jpeg_mem_src(&decoder, bytes, size);
    jpeg_read_header(&decoder, TRUE);
    if ((int32_t)decoder.image_height != header->height || (int32_t)decoder.image_width != header->width) {
        snprintf(report->message, sizeof report->message, "the size changed between header and picture");
        longjmp(manager.escape, 1);
    }
    const dmt_image_window whole = {0, 0, header->height, header->width};
    const dmt_image_window *part = window ? window : &whole;
    const int isDone = is_fast && dmt_jpeg_baseline(&decoder, part, out, (size_t)part->width * 3);
    if (isDone || window) {
        jpeg_destroy_decompress(&decoder);
        return isDone ? DMT_IMAGE_OK : DMT_IMAGE_UNSUPPORTED;
    }
    int cmyk = decoder.jpeg_color_space == JCS_CMYK || decoder.jpeg_color_space == JCS_YCCK;
    decoder.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    decoder.dct_method = JDCT_ISLOW;
    decoder.do_fancy_upsampling = TRUE;
    decoder.scale_num = 1;
    decoder.scale_denom = (unsigned)denominator;
    decoder.progress = &progress;
    jpeg_start_decompress(&decoder);
    size_t width = decoder.output_width;
    if (cmyk) {
        line = malloc(width * 4);
        if (!line) {
            jpeg_destroy_decompress(&decoder);
            return DMT_IMAGE_NO_MEMORY;
        }
    }
    while (decoder.output_scanline < decoder.output_height) {
        uint8_t *target = out + (size_t)decoder.output_scanline * width * 3;
        JSAMPROW row = cmyk ? line : target;
        jpeg_read_scanlines(&decoder, &row, 1);
        if (cmyk) rgb_from_cmyk(line, target, (int32_t)width, decoder.saw_Adobe_marker);
    }
    jpeg_finish_decompress(&decoder);
    jpeg_destroy_decompress(&decoder);
    free(line);
    return DMT_IMAGE_OK;
}

int dmt_jpeg_decode(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint8_t *out,
                    dmt_image_report *report) {
    return decode(bytes, size, header, NULL, 1, 1, out, report);
}

int dmt_jpeg_decode_plain(const uint8_t *bytes, size_t size, const dmt_image_header *header, uint8_t *out,
                          dmt_image_report *report) {
    return decode(bytes, size, header, NULL, 0, 1, out, report);
}

int dmt_jpeg_decode_scaled(const uint8_t *bytes, size_t size, const dmt_image_header *header, int32_t denominator,
                           uint8_t *out, dmt_image_report *report) {
    return decode(bytes, size, header, NULL, denominator == 1, denominator, out, report);
}

int dmt_jpeg_decode_window(const uint8_t *bytes, size_t size, const dmt_image_header *header,
                           const dmt_image_window *window, uint8_t *out, dmt_image_report *report) {
    int status = decode(bytes, size, header, window, 1, 1, out, report);
    if (status != DMT_IMAGE_UNSUPPORTED) return status;
    const size_t width = (size_t)header->width * 3, part = (size_t)window->width * 3;
    uint8_t *whole = malloc((size_t)header->height * width);
    if (!whole) return DMT_IMAGE_NO_MEMORY;
    status = decode(bytes, size, header, NULL, 0, 1, whole, report);
    for (int32_t y = 0; status == DMT_IMAGE_OK && y < window->height; y++) {
        memcpy(out + (size_t)y * part, whole + (size_t)(window->top + y) * width + (size_t)window->left * 3, part);
    }
    free(whole);
    return status;
}

int dmt_jpeg_encode(const uint8_t *rgb, int32_t height, int32_t width, int32_t quality, int32_t subsample,
                    uint8_t **out, size_t *out_size, dmt_image_report *report) {
    struct jpeg_compress_struct encoder;
    error_manager manager;
    unsigned char *buffer = NULL;
    unsigned long length = 0;
    // jpeg_mem_dest updates these two through pointers; volatile access keeps them readable after a jump.
    unsigned char *volatile *held = (unsigned char *volatile *)&buffer;
    prepare(&manager, report);
    *out = NULL;
    *out_size = 0;
    encoder.err = &manager.base;
    if (setjmp(manager.escape)) {
        jpeg_destroy_compress(&encoder);
        free(*held);
        return DMT_IMAGE_MALFORMED;
    }
    jpeg_create_compress(&encoder);
    jpeg_mem_dest(&encoder, &buffer, &length);
    encoder.image_width = (JDIMENSION)width;
    encoder.image_height = (JDIMENSION)height;
    encoder.input_components = 3;
    encoder.in_color_space = JCS_RGB;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, quality, TRUE);
    encoder.dct_method = JDCT_ISLOW;
    encoder.optimize_coding = FALSE;
    encoder.comp_info[0].h_samp_factor = subsample ? 2 : 1;
    encoder.comp_info[0].v_samp_factor = subsample ? 2 : 1;
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < encoder.image_height) {
        JSAMPROW row = (JSAMPROW)(rgb + (size_t)encoder.next_scanline * (size_t)width * 3);
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    jpeg_destroy_compress(&encoder);
    *out = buffer;
    *out_size = length;
    return DMT_IMAGE_OK;
}

void dmt_image_free(uint8_t *bytes) { free(bytes); }
