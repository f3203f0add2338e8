#pragma once
// Overlap of two panoptic maps.
#include <stddef.h>
#include <stdint.h>

/// Counts the pixels of each pair of segments in two maps of 8-bit RGB, where a segment's id is R + 256 G + 65536 B.
///
/// `keys` and `counts` are an open hash table of `capacity` slots, a power of two; it is cleared first. A used slot has
/// the key (true id << 24 | predicted id), an unused one UINT64_MAX. Returns the number of pairs, or SIZE_MAX when there
/// are more than half as many as slots: call again with a larger table.
size_t dmt_panoptic_pairs(const uint8_t *truth, const uint8_t *predicted, size_t pixels, uint64_t *keys,
                          uint64_t *counts, size_t capacity);
