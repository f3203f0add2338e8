// Conversions between float and bfloat16, rounding to nearest even; NaN stays NaN.
#include <string.h>

#include "CKernels.h"

void dmt_f32_to_bf16(uint16_t *dst, const float *src, dmt_index n) {
    for (dmt_index i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, src + i, 4);
        uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        uint32_t nan = (bits >> 16) | 0x40u;
        dst[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
    }
}

void dmt_bf16_to_f32(float *dst, const uint16_t *src, dmt_index n) {
    for (dmt_index i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)src[i] << 16;
        memcpy(dst + i, &bits, 4);
    }
}
