// Huffman codes and coefficients of baseline JPEG. Part of jpeg_baseline.c.
#pragma once
#include "dispatch.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

enum { LOOK = 11, PADDING = 16 };

// Of the next LOOK bits: bits 0-7 what to drop, 8-11 zeros before the value, 12-15 further bits of the value (0: the
// value is complete), 16-31 the value. 0: a longer code.
typedef struct {
    uint32_t look[1 << LOOK];
    int32_t limit[18];   // first code of a length that is too large, left-aligned to 16 bits
    int32_t offset[17];  // symbol of a code of this length: symbols[code + offset]
    uint8_t symbols[256];
} code_table;

INLINE int32_t extended(int32_t bits, int32_t size) {
    return bits < (1 << (size - 1)) ? bits - (1 << size) + 1 : bits;
}

// Returns 0 for tables that libjpeg refuses and for values of more bits than 8-bit samples have.
static int build(code_table *table, const JHUFF_TBL *source, int isDC) {
    memset(table->look, 0, sizeof table->look);
    memcpy(table->symbols, source->huffval, sizeof table->symbols);
    int32_t code = 0, count = 0;
    for (int length = 1; length <= 16; length++) {
        table->offset[length] = count - code;
        for (int n = 0; n < source->bits[length]; n++, code++, count++) {
            if (count >= 256 || code >= 1 << length) return 0;
            const int symbol = source->huffval[count], run = symbol >> 4, size = symbol & 15;
            if (isDC && symbol > 11) return 0;
            if (!isDC && size > 10) return 0;
            if (length > LOOK) continue;
            const int left = LOOK - length;
            for (int32_t tail = 0; tail < 1 << left; tail++) {
                uint32_t entry;
                if (size == 0) {
                    entry = (uint32_t)length | (uint32_t)run << 8;
                } else if (size <= left) {
                    const int32_t value = extended(tail >> (left - size), size);
                    entry = (uint32_t)(length + size) | (uint32_t)run << 8 | (uint32_t)value << 16;
                } else {
                    entry = (uint32_t)length | (uint32_t)run << 8 | (uint32_t)size << 12;
                }
                table->look[code << left | tail] = entry;
            }
        }
        table->limit[length] = code << (16 - length);
        code <<= 1;
    }
    table->limit[17] = 0x7FFFFFFF;
    return 1;
}

typedef struct {
    const uint8_t *next, *end;  // end: before the padding
    uint64_t bits;              // left-aligned
    int32_t count;              // valid bits
} bit_source;

// At least 56 bits; zeros after the end.
INLINE void refill(bit_source *source) {
    uint64_t word;
    const uint8_t *from = source->next < source->end ? source->next : source->end;
    memcpy(&word, from, 8);
    source->bits |= __builtin_bswap64(word) >> source->count;
    source->next += (63 - source->count) >> 3;
    source->count |= 56;
}

INLINE void drop(bit_source *source, int32_t count) {
    source->bits <<= count;
    source->count -= count;
}

// A code of more than LOOK bits as an entry of `look`; 0 for no code at all.
static uint32_t long_code(const code_table *table, uint64_t bits) {
    const int32_t top = (int32_t)(bits >> 48);
    int length = LOOK + 1;
    while (length <= 16 && top >= table->limit[length]) length++;
    if (length > 16) return 0;
    const int symbol = table->symbols[((top >> (16 - length)) + table->offset[length]) & 255];
    return (uint32_t)length | (uint32_t)(symbol >> 4) << 8 | (uint32_t)(symbol & 15) << 12;
}

static const uint8_t natural[64 + 16] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
    6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31,
    39, 46, 53, 60, 61, 54, 47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63};

typedef struct {
    code_table dc, ac;
} code_pair;

// One block, dequantised, in natural order. Returns the number of coefficients up to the last one, 0 for damage.
INLINE int decode_block(bit_source *source, const code_pair *codes, const uint16_t *quantum, uint32_t *previous,
                               int16_t *block) {
    refill(source);
    uint32_t entry = codes->dc.look[source->bits >> (64 - LOOK)];
    if (__builtin_expect(!entry, 0)) {
        entry = long_code(&codes->dc, source->bits);
        if (!entry) return 0;
    }
    // A DC symbol is a size alone: its upper half, the run, is 0.
    int32_t value = (int32_t)entry >> 16, size = (entry >> 12) & 15;
    drop(source, entry & 255);
    if (size) {
        value = extended((int32_t)(source->bits >> (64 - size)), size);
        drop(source, size);
    }
    // In 16 bits, as libjpeg stores and multiplies it.
    *previous += (uint32_t)value;
    block[0] = (int16_t)(*previous * quantum[0]);
    int place = 1;
    while (place < 64) {
        refill(source);
        // 56 bits hold two values of 26 bits.
        for (int twice = 0; twice < 2; twice++) {
            entry = codes->ac.look[source->bits >> (64 - LOOK)];
            if (__builtin_expect(!entry, 0)) {
                entry = long_code(&codes->ac, source->bits);
                if (!entry) return 0;
            }
            drop(source, entry & 255);
            const int run = (entry >> 8) & 15;
            value = (int32_t)entry >> 16;
            size = (entry >> 12) & 15;
            if (__builtin_expect(size != 0, 0)) {
                value = extended((int32_t)(source->bits >> (64 - size)), size);
                drop(source, size);
            } else if (value == 0) {
                if (run != 15) return place;
                place += 16;
                if (place >= 64) return place > 64 ? 0 : 64;
                continue;
            }
            place += run;
            if (__builtin_expect(place > 63, 0)) return 0;
            block[natural[place]] = (int16_t)(value * quantum[place]);
            if (++place == 64) return 64;
        }
    }
    return 64;
}
