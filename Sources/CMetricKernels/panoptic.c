#include "panoptic.h"

#include <string.h>

static uint64_t id(const uint8_t *pixel) {
    return (uint64_t)pixel[0] | (uint64_t)pixel[1] << 8 | (uint64_t)pixel[2] << 16;
}

size_t dmt_panoptic_pairs(const uint8_t *truth, const uint8_t *predicted, size_t pixels, uint64_t *keys,
                          uint64_t *counts, size_t capacity) {
    memset(keys, 0xFF, capacity * sizeof *keys);
    size_t used = 0, at = 0;
    while (at < pixels) {
        const uint64_t key = id(truth + 3 * at) << 24 | id(predicted + 3 * at);
        // Neighbours mostly belong to the same pair: one look-up a run.
        const size_t start = at++;
        while (at < pixels && !memcmp(truth + 3 * at, truth + 3 * start, 3) &&
               !memcmp(predicted + 3 * at, predicted + 3 * start, 3))
            at++;
        size_t slot = (size_t)((key * 0x9E3779B97F4A7C15ULL) >> 20) & (capacity - 1);
        while (keys[slot] != key && keys[slot] != UINT64_MAX) slot = (slot + 1) & (capacity - 1);
        if (keys[slot] == UINT64_MAX) {
            if (2 * ++used > capacity) return SIZE_MAX;
            keys[slot] = key;
            counts[slot] = 0;
        }
        counts[slot] += at - start;
    }
    return used;
}
