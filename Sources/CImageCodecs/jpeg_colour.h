// Chroma and colour of decoded rows. Part of jpeg_baseline.c.
#pragma once
#include <stdint.h>

// RGB of `count` pixels.
void dmt_jpeg_rgb_row(const uint8_t *restrict y, const uint8_t *restrict cb, const uint8_t *restrict cr,
                      uint8_t *restrict out, int32_t count);
// Samples `from ..< to` of a chroma row of `width` > 2, at twice the width: out[2 * from ..< 2 * to]. Reads one sample
// more on each side, where there is one. Halved both ways: `far` is the next row on the other side; sums holds `width`.
void dmt_jpeg_upsample_both(const uint8_t *near, const uint8_t *far, uint16_t *sums, uint8_t *out, int32_t from,
                            int32_t to, int32_t width);
// Halved in width alone.
void dmt_jpeg_upsample_columns(const uint8_t *in, uint8_t *out, int32_t from, int32_t to, int32_t width);
