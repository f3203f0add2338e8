// The usual JPEG (baseline, one interleaved scan, 4:4:4, 4:2:2, 4:2:0 or grey) decoded here, to the bytes of libjpeg's
// slow integer transform with smooth upsampling:
// 1. equal to libjpeg-turbo in every byte, also of a window; 2. speed; 3. whatever looks unusual is left to libjpeg,
// so that it alone decides which files are damaged and how.
#include "jpeg_baseline.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <emmintrin.h>

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

enum { LOOK = 11, PADDING = 16, MAX_PIXELS = 1 << 26 };

// ---- entropy coding -------------------------------------------------------------------------------------------------

// Of the next LOOK bits: bits 0-7 what to drop, 8-11 zeros before the value, 12-15 further bits of the value (0: the
// value is complete), 16-31 the value. 0: a longer code.
typedef struct {
    uint32_t look[1 << LOOK];
    int32_t limit[18];   // first code of a length that is too large, left-aligned to 16 bits
    int32_t offset[17];  // symbol of a code of this length: symbols[code + offset]
    uint8_t symbols[256];
} code_table;

static inline __attribute__((always_inline)) int32_t extended(int32_t bits, int32_t size) {
    return bits < (1 << (size - 1)) ? bits - (1 << size) + 1 : bits;
}

// Returns 0 for tables that libjpeg refuses.
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
static inline __attribute__((always_inline)) void refill(bit_source *source) {
    uint64_t word;
    const uint8_t *from = source->next < source->end ? source->next : source->end;
    memcpy(&word, from, 8);
    source->bits |= __builtin_bswap64(word) >> source->count;
    source->next += (63 - source->count) >> 3;
    source->count |= 56;
}

static inline __attribute__((always_inline)) void drop(bit_source *source, int32_t count) {
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
static inline __attribute__((always_inline)) int decode_block(bit_source *source, const code_pair *codes, const uint16_t *quantum, int32_t *previous,
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
    *previous += value;
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

// ---- the transform --------------------------------------------------------------------------------------------------

// jidctint.c in the arithmetic of libjpeg-turbo's SIMD code: 16-bit sums, 32-bit products, saturated packing.
typedef __m128i v;

static inline __attribute__((always_inline)) v pair(int a, int b) { return _mm_set1_epi32((int)((uint32_t)(uint16_t)a | (uint32_t)b << 16)); }

static inline __attribute__((always_inline)) void pass(v *r, int shift) {
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

static inline __attribute__((always_inline)) void transpose(v *r) {
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

static inline __attribute__((always_inline)) void inverse_transform(const int16_t *block, uint8_t *out, size_t stride) {
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

// ---- colour ---------------------------------------------------------------------------------------------------------


static inline uint8_t clamped(int16_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

// libjpeg's 16-bit constants: 1.402 = 1 + 26345 / 65536, 1.772 = 2 - 14942 / 65536, 0.34414 = 22554 / 65536,
// 0.71414 = 1 - 18734 / 65536. Halves of doubled products round as its sums of 32 bits do.
CLONES static void rgb_row(const uint8_t *restrict y, const uint8_t *restrict cb, const uint8_t *restrict cr,
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

// Chroma samples from...to of a row of `width`, halved both ways, at twice the width.
static void upsample_both(const uint8_t *near, const uint8_t *far, uint16_t *sums, uint8_t *out, int32_t from,
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

static void upsample_columns(const uint8_t *in, uint8_t *out, int32_t from, int32_t to, int32_t width) {
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

// ---- the picture ----------------------------------------------------------------------------------------------------

typedef struct {
    int32_t across, down;           // blocks of an MCU
    int32_t width, height;          // real samples
    int32_t first_column, last_column, first_row, last_row;  // blocks that the window needs, last excluded
    size_t stride;
    uint8_t *samples;
    const uint16_t *quantum;
    uint16_t table[64];
    code_pair *codes;
    int32_t previous;
} plane;

static int32_t ceiling(int32_t a, int32_t b) { return (a + b - 1) / b; }

// Copies one restart interval without the zeros after 0xFF. Returns the marker that ends it (0 at the end of the file).
static int unstuff(const uint8_t **next, const uint8_t *end, uint8_t *out, size_t *length) {
    const uint8_t *from = *next;
    uint8_t *to = out;
    for (;;) {
        const uint8_t *mark = memchr(from, 0xFF, (size_t)(end - from));
        if (!mark || mark + 1 >= end) return 0;
        memcpy(to, from, (size_t)(mark - from));
        to += mark - from;
        from = mark + 2;
        if (mark[1] != 0) {
            *length = (size_t)(to - out);
            *next = from;
            memset(to, 0, PADDING);
            return mark[1];
        }
        *to++ = 0xFF;
    }
}

static int is_plain(const struct jpeg_decompress_struct *d) {
    if (d->progressive_mode || d->arith_code || d->data_precision != 8) return 0;
    if (d->comps_in_scan != d->num_components || d->Ss != 0 || d->Se != 63 || d->Ah != 0 || d->Al != 0) return 0;
    if ((int64_t)d->image_width * d->image_height > MAX_PIXELS) return 0;
    for (int n = 0; n < d->num_components; n++) {
        const jpeg_component_info *c = d->comp_info + n;
        if (d->cur_comp_info[n] != c || c->quant_tbl_no > 3 || !d->quant_tbl_ptrs[c->quant_tbl_no]) return 0;
        if (c->dc_tbl_no > 3 || c->ac_tbl_no > 3) return 0;
        if (!d->dc_huff_tbl_ptrs[c->dc_tbl_no] || !d->ac_huff_tbl_ptrs[c->ac_tbl_no]) return 0;
        if (n > 0 && (c->h_samp_factor != 1 || c->v_samp_factor != 1)) return 0;
    }
    const int h = d->comp_info[0].h_samp_factor, vertical = d->comp_info[0].v_samp_factor;
    if (d->num_components == 1) return d->jpeg_color_space == JCS_GRAYSCALE && h == 1 && vertical == 1;
    if (d->num_components != 3 || d->jpeg_color_space != JCS_YCbCr) return 0;
    // Narrower chroma is not smoothed by libjpeg.
    if (h == 2 && ceiling((int32_t)d->image_width, 2) <= 2) return 0;
    return (h == 1 && vertical == 1) || (h == 2 && vertical <= 2);
}

// Entropy decoding and transforms of all blocks down to the window's end.
CLONES static int decode_planes(const struct jpeg_decompress_struct *d, plane *planes, const uint8_t *next, const uint8_t *end,
                         uint8_t *data) {
    _Alignas(16) int16_t block[64];
    const int count = d->num_components;
    const int32_t mcu_width = 8 * planes[0].across, mcu_height = 8 * planes[0].down;
    const int32_t columns = ceiling((int32_t)d->image_width, mcu_width);
    const int32_t rows = ceiling((int32_t)d->image_height, mcu_height);
    const int64_t interval = d->restart_interval ? d->restart_interval : (int64_t)columns * rows;
    int64_t left = 0;
    int restarts = 0, marker = 0;
    bit_source source = {0};
    int32_t row = 0;
    for (; row < rows; row++) {
        if (row * planes[0].down >= planes[0].last_row) {
            int needed = 0;
            for (int c = 1; c < count; c++) needed |= row * planes[c].down < planes[c].last_row;
            if (!needed) break;
        }
        for (int32_t column = 0; column < columns; column++) {
            if (left == 0) {
                // The last interval must use its data up; each must end with the marker that is due.
                if (marker) {
                    if (source.next - source.count / 8 != source.end) return 0;
                    if (marker != 0xD0 + (restarts++ & 7)) return 0;
                }
                size_t length = 0;
                marker = unstuff(&next, end, data, &length);
                if (!marker) return 0;
                source = (bit_source){data, data + length, 0, 0};
                left = interval;
                for (int c = 0; c < count; c++) planes[c].previous = 0;
            }
            left--;
            for (int c = 0; c < count; c++) {
                plane *p = planes + c;
                for (int32_t y = row * p->down; y < (row + 1) * p->down; y++) {
                    for (int32_t x = column * p->across; x < (column + 1) * p->across; x++) {
                        memset(block, 0, sizeof block);
                        const int used = decode_block(&source, p->codes, p->quantum, &p->previous, block);
                        if (!used || source.next - source.count / 8 > source.end) return 0;
                        if (x < p->first_column || x >= p->last_column || y < p->first_row || y >= p->last_row) continue;
                        uint8_t *out = p->samples + (size_t)y * 8 * p->stride + (size_t)x * 8;
                        if (used == 1) {
                            flat(block[0], out, p->stride);
                        } else {
                            inverse_transform(block, out, p->stride);
                        }
                    }
                }
            }
        }
    }
    if (left == 0 && source.next - source.count / 8 != source.end) return 0;
    // What follows the window is not decoded, but the file must have its end.
    while (row < rows && marker >= 0xD0 && marker <= 0xD7) {
        size_t length;
        marker = unstuff(&next, end, data, &length);
    }
    return marker == 0xD9;
}

static void colour_rows(const plane *planes, int count, const dmt_image_window *w, uint8_t *out, size_t out_stride,
                        uint8_t *room) {
    const plane *luma = planes;
    uint8_t *wide[2] = {room, room + luma->stride};
    uint16_t *sums = (uint16_t *)(room + 2 * luma->stride);
    for (int32_t y = w->top; y < w->top + w->height; y++, out += out_stride) {
        const uint8_t *light = luma->samples + (size_t)y * luma->stride + w->left;
        if (count == 1) {
            for (int32_t x = 0; x < w->width; x++) out[3 * x] = out[3 * x + 1] = out[3 * x + 2] = light[x];
            continue;
        }
        const uint8_t *chroma[2];
        for (int c = 0; c < 2; c++) {
            const plane *p = planes + 1 + c;
            if (luma->across == 1) {
                chroma[c] = p->samples + (size_t)y * p->stride + w->left;
                continue;
            }
            const int32_t from = w->left / 2, to = ceiling(w->left + w->width, 2);
            if (luma->down == 1) {
                upsample_columns(p->samples + (size_t)y * p->stride, wide[c], from, to, p->width);
            } else {
                int32_t far = y & 1 ? y / 2 + 1 : y / 2 - 1;
                if (far < 0) far = 0;
                if (far >= p->height) far = p->height - 1;
                upsample_both(p->samples + (size_t)(y / 2) * p->stride, p->samples + (size_t)far * p->stride, sums,
                              wide[c], from, to, p->width);
            }
            chroma[c] = wide[c] + w->left;
        }
        rgb_row(light, chroma[0], chroma[1], out, w->width);
    }
}

int dmt_jpeg_baseline(const struct jpeg_decompress_struct *d, const dmt_image_window *w, uint8_t *out,
                        size_t out_stride) {
    if (!is_plain(d)) return 0;
    const uint8_t *next = d->src->next_input_byte, *end = next + d->src->bytes_in_buffer;
    const int count = d->num_components;
    plane planes[3];
    const int32_t across = d->comp_info[0].h_samp_factor, down = d->comp_info[0].v_samp_factor;
    const int32_t mcu_columns = ceiling((int32_t)d->image_width, 8 * across);
    const int32_t mcu_rows = ceiling((int32_t)d->image_height, 8 * down);
    size_t total = 0;
    for (int c = 0; c < count; c++) {
        plane *p = planes + c;
        const int shrinkX = c ? across : 1, shrinkY = c ? down : 1;
        p->across = c ? 1 : across;
        p->down = c ? 1 : down;
        p->width = ceiling((int32_t)d->image_width, shrinkX);
        p->height = ceiling((int32_t)d->image_height, shrinkY);
        p->stride = (size_t)mcu_columns * (size_t)p->across * 8;
        // One sample more on each side where neighbours are mixed in.
        const int32_t left = w->left / shrinkX - (shrinkX > 1), top = w->top / shrinkY - (shrinkY > 1);
        p->first_column = left < 0 ? 0 : left / 8;
        p->first_row = top < 0 ? 0 : top / 8;
        p->last_column = (w->left + w->width - 1) / shrinkX / 8 + 1;
        p->last_row = (w->top + w->height - 1) / shrinkY / 8 + 1;
        if (shrinkX > 1) p->last_column = ((w->left + w->width - 1) / shrinkX + 1) / 8 + 1;
        if (shrinkY > 1) p->last_row = ((w->top + w->height - 1) / shrinkY + 1) / 8 + 1;
        if (p->last_row > mcu_rows * p->down) p->last_row = mcu_rows * p->down;
        const uint16_t *stored = d->quant_tbl_ptrs[d->comp_info[c].quant_tbl_no]->quantval;
        for (int n = 0; n < 64; n++) p->table[n] = stored[natural[n]];
        p->quantum = p->table;
        total += p->stride * (size_t)mcu_rows * (size_t)p->down * 8;
    }
    const size_t room = planes[0].stride * 6 + 64, length = (size_t)(end - next) + PADDING;
    uint8_t *memory = malloc(total + room + length);
    code_pair *codes = malloc(2 * sizeof *codes);
    int ok = memory && codes;
    if (ok) {
        uint8_t *samples = memory;
        for (int c = 0; c < count && ok; c++) {
            planes[c].samples = samples;
            samples += planes[c].stride * (size_t)mcu_rows * (size_t)planes[c].down * 8;
            const jpeg_component_info *info = d->comp_info + c;
            planes[c].codes = codes + (c ? 1 : 0);
            if (c == 2) {
                ok = info->dc_tbl_no == d->comp_info[1].dc_tbl_no && info->ac_tbl_no == d->comp_info[1].ac_tbl_no;
            } else {
                ok = build(&planes[c].codes->dc, d->dc_huff_tbl_ptrs[info->dc_tbl_no], 1)
                     && build(&planes[c].codes->ac, d->ac_huff_tbl_ptrs[info->ac_tbl_no], 0);
            }
        }
        ok = ok && decode_planes(d, planes, next, end, memory + total + room);
        if (ok) colour_rows(planes, count, w, out, out_stride, memory + total);
    }
    free(memory);
    free(codes);
    return ok;
}

#else
int dmt_jpeg_baseline(const struct jpeg_decompress_struct *d, const dmt_image_window *w, uint8_t *out,
                        size_t out_stride) {
    (void)d, (void)w, (void)out, (void)out_stride;
    return 0;
}
#endif
