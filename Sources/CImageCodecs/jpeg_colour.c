// libjpeg's smooth chroma upsampling and its colour conversion, in 16-bit arithmetic.
#include "jpeg_colour.h"

#include "dispatch.h"

static inline uint8_t clamped(int16_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

// libjpeg's 16-bit constants: 1.402 = 1 + 26345 / 65536, 1.772 = 2 - 14942 / 65536, 0.34414 = 22554 / 65536,
// 0.71414 = 1 - 18734 / 65536. Halves of doubled products round as its sums of 32 bits do.
CLONES void dmt_jpeg_rgb_row(const uint8_t *restrict y, const uint8_t *restrict cb, const uint8_t *restrict cr,
                             uint8_t *restrict out, int32_t count) {
    for (int32_t x = 0; x < count; x++) {
        const int16_t blue = (int16_t)(cb[x] - 128), red = (int16_t)(cr[x] - 128), light = y[x];
        const int16_t r = (int16_t)((int16_t)(((int32_t)(int16_t)(2 * red) * 26345) >> 16) + 1) >> 1;
        const int16_t b = (int16_t)((int16_t)(((int32_t)(int16_t)(2 * blue) * -14942) >> 16) + 1) >> 1;
        const int16_t g = (int16_t)((blue * -22554 + red * 18734 + 32768) >> 16);
        out[3 * x] = clamped((int16_t)(light + red + r));
        out[3 * x + 1] = clamped((int16_t)(light - red + g));
        out[3 * x + 2] = clamped((int16_t)(light + 2 * blue + b));
    }
}

CLONES static void column_sums(const uint8_t *restrict near, const uint8_t *restrict far, uint16_t *restrict sums,
                               int32_t from, int32_t to) {
    for (int32_t x = from; x < to; x++) sums[x] = (uint16_t)(3 * near[x] + far[x]);
}

// Twice as wide, weights 3/4 and 1/4, rounded alternately; pairs of samples in one store (little-endian).
CLONES static void widen16(const uint16_t *restrict in, uint16_t *restrict pairs, int32_t from, int32_t to) {
    for (int32_t x = from; x < to; x++) {
        const uint16_t here = (uint16_t)(3 * in[x]);
        const uint16_t left = (uint16_t)((uint16_t)(here + in[x - 1] + 8) >> 4);
        const uint16_t right = (uint16_t)((uint16_t)(here + in[x + 1] + 7) >> 4);
        pairs[x] = (uint16_t)(left | right << 8);
    }
}

CLONES static void widen8(const uint8_t *restrict in, uint16_t *restrict pairs, int32_t from, int32_t to) {
    for (int32_t x = from; x < to; x++) {
        const uint16_t here = (uint16_t)(3 * in[x]);
        const uint16_t left = (uint16_t)((uint16_t)(here + in[x - 1] + 1) >> 2);
        const uint16_t right = (uint16_t)((uint16_t)(here + in[x + 1] + 2) >> 2);
        pairs[x] = (uint16_t)(left | right << 8);
    }
}

void dmt_jpeg_upsample_both(const uint8_t *near, const uint8_t *far, uint16_t *sums, uint8_t *out, int32_t from,
                            int32_t to, int32_t width) {
    const int32_t low = from > 0 ? from - 1 : 0, high = to < width ? to + 1 : width;
    column_sums(near, far, sums, low, high);
    if (from == 0) {
        out[0] = (uint8_t)((4 * sums[0] + 8) >> 4);
        out[1] = (uint8_t)((3 * sums[0] + sums[1] + 7) >> 4);
    }
    widen16(sums, (uint16_t *)out, from > 1 ? from : 1, to < width ? to : width - 1);
    if (to == width) {
        out[2 * width - 2] = (uint8_t)((3 * sums[width - 1] + sums[width - 2] + 8) >> 4);
        out[2 * width - 1] = (uint8_t)((4 * sums[width - 1] + 7) >> 4);
    }
}

void dmt_jpeg_upsample_columns(const uint8_t *in, uint8_t *out, int32_t from, int32_t to, int32_t width) {
    if (from == 0) {
        out[0] = in[0];
        out[1] = (uint8_t)((3 * in[0] + in[1] + 2) >> 2);
    }
    widen8(in, (uint16_t *)out, from > 1 ? from : 1, to < width ? to : width - 1);
    if (to == width) {
        out[2 * width - 2] = (uint8_t)((3 * in[width - 1] + in[width - 2] + 1) >> 2);
        out[2 * width - 1] = in[width - 1];
    }
}
