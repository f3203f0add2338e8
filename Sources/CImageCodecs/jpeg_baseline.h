// The fast path of jpeg.c; not for callers outside this target.
#pragma once
#include "CImageCodecs.h"

#include <stdio.h>

#include <jpeglib.h>

// Decodes a window to RGB after jpeg_read_header, from the rest of the file that lies in memory behind `src`.
// Returns 0, with nothing written, for every file that is not of the plain kind or not whole; libjpeg may then go on.
int dmt_jpeg_baseline(const struct jpeg_decompress_struct *decoder, const dmt_image_window *window, uint8_t *out,
                      size_t out_stride);
