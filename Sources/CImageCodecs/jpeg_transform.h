// The inverse cosine transform of an 8 x 8 block. Part of jpeg_baseline.c; needs SSE2, which every x86-64 has.
#pragma once
#include "dispatch.h"

#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// jidctint.c in the arithmetic of libjpeg-turbo's SIMD code: 16-bit sums, 32-bit products, saturated packing.
typedef __m128i v;

INLINE v pair(int a, int b) { return _mm_set1_epi32((int)((uint32_t)(uint16_t)a | (uint32_t)b << 16)); }

INLINE void pass(v *r, int shift) {
    const v rounding = _mm_set1_epi32(1 << (shift - 1));
    v even[2][4], odd[2][4];
    const v sum04 = _mm_add_epi16(r[0], r[4]), difference04 = _mm_sub_epi16(r[0], r[4]), zero = _mm_setzero_si128();
    const v z3 = _mm_add_epi16(r[7], r[3]), z4 = _mm_add_epi16(r[5], r[1]);
    for (int half = 0; half < 2; half++) {
#define UNPACK(a, b) (half ? _mm_unpackhi_epi16(a, b) : _mm_unpacklo_epi16(a, b))
        const v in26 = UNPACK(r[2], r[6]);
        const v t3 = _mm_madd_epi16(in26, pair(4433 + 6270, 4433)), t2 = _mm_madd_epi16(in26, pair(4433, 4433 - 15137));
        const v t0 = _mm_srai_epi32(UNPACK(zero, sum04), 3), t1 = _mm_srai_epi32(UNPACK(zero, difference04), 3);
        even[half][0] = _mm_add_epi32(t0, t3);
        even[half][3] = _mm_sub_epi32(t0, t3);
        even[half][1] = _mm_add_epi32(t1, t2);
        even[half][2] = _mm_sub_epi32(t1, t2);
        const v z = UNPACK(z3, z4);
        const v y3 = _mm_madd_epi16(z, pair(9633 - 16069, 9633)), y4 = _mm_madd_epi16(z, pair(9633, 9633 - 3196));
        const v in71 = UNPACK(r[7], r[1]), in53 = UNPACK(r[5], r[3]);
        odd[half][0] = _mm_add_epi32(_mm_madd_epi16(in71, pair(2446 - 7373, -7373)), y3);
        odd[half][3] = _mm_add_epi32(_mm_madd_epi16(in71, pair(-7373, 12299 - 7373)), y4);
        odd[half][1] = _mm_add_epi32(_mm_madd_epi16(in53, pair(16819 - 20995, -20995)), y4);
        odd[half][2] = _mm_add_epi32(_mm_madd_epi16(in53, pair(-20995, 25172 - 20995)), y3);
#undef UNPACK
    }
    for (int n = 0; n < 4; n++) {
        v low = _mm_add_epi32(even[0][n], rounding), high = _mm_add_epi32(even[1][n], rounding);
        r[n] = _mm_packs_epi32(_mm_srai_epi32(_mm_add_epi32(low, odd[0][3 - n]), shift),
                               _mm_srai_epi32(_mm_add_epi32(high, odd[1][3 - n]), shift));
        r[7 - n] = _mm_packs_epi32(_mm_srai_epi32(_mm_sub_epi32(low, odd[0][3 - n]), shift),
                                   _mm_srai_epi32(_mm_sub_epi32(high, odd[1][3 - n]), shift));
    }
}

INLINE void transpose(v *r) {
    v a[8], b[8];
    for (int n = 0; n < 4; n++) {
        a[2 * n] = _mm_unpacklo_epi16(r[n], r[n + 4]);
        a[2 * n + 1] = _mm_unpackhi_epi16(r[n], r[n + 4]);
    }
    for (int n = 0; n < 4; n++) {
        b[2 * n] = _mm_unpacklo_epi16(a[n], a[n + 4]);
        b[2 * n + 1] = _mm_unpackhi_epi16(a[n], a[n + 4]);
    }
    for (int n = 0; n < 4; n++) {
        r[2 * n] = _mm_unpacklo_epi16(b[n], b[n + 4]);
        r[2 * n + 1] = _mm_unpackhi_epi16(b[n], b[n + 4]);
    }
}

INLINE void inverse_transform(const int16_t *block, uint8_t *out, size_t stride) {
    v r[8], rest;
    for (int n = 0; n < 8; n++) r[n] = _mm_load_si128((const v *)(block + 8 * n));
    rest = r[1];
    for (int n = 2; n < 8; n++) rest = _mm_or_si128(rest, r[n]);
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(rest, _mm_setzero_si128())) == 0xFFFF) {
        r[0] = _mm_slli_epi16(r[0], 2);
        for (int n = 1; n < 8; n++) r[n] = r[0];
    } else {
        pass(r, 11);
    }
    transpose(r);
    pass(r, 18);
    transpose(r);
    const v centre = _mm_set1_epi8((char)128);
    for (int n = 0; n < 8; n += 2) {
        const v rows = _mm_add_epi8(_mm_packs_epi16(r[n], r[n + 1]), centre);
        _mm_storel_epi64((v *)(out + (size_t)n * stride), rows);
        _mm_storel_epi64((v *)(out + (size_t)(n + 1) * stride), _mm_srli_si128(rows, 8));
    }
}

static void flat(int16_t constant, uint8_t *out, size_t stride) {
    int32_t level = ((int16_t)((uint32_t)constant << 2) + 16) >> 5;
    level = (level < -128 ? -128 : level > 127 ? 127 : level) + 128;
    for (int n = 0; n < 8; n++) memset(out + (size_t)n * stride, level, 8);
}
