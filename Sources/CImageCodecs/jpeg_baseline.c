// The usual JPEG (baseline, one interleaved scan, 4:4:4, 4:2:2, 4:2:0 or grey) decoded here, to the bytes of libjpeg's
// slow integer transform with smooth upsampling:
// 1. equal to libjpeg-turbo in every byte, also of a window; 2. speed; 3. whatever looks unusual is left to libjpeg,
// so that it alone decides which files are damaged and how.
#include "jpeg_baseline.h"

#if defined(__x86_64__)
#include <string.h>

#include "jpeg_colour.h"
#include "jpeg_entropy.h"
#include "jpeg_transform.h"
#include "scratch.h"

enum { MAX_PIXELS = 1 << 26 };

typedef struct {
    int32_t across, down;           // blocks of an MCU
    int32_t width, height;          // real samples
    int32_t first_column, last_column, first_row, last_row;  // blocks that the window needs, last excluded
    size_t stride;
    uint8_t *samples;
    const uint16_t *quantum;
    uint16_t table[64];
    code_pair *codes;
    uint32_t previous;  // the last DC value, before it is multiplied
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
CLONES static int decode_planes(const struct jpeg_decompress_struct *d, plane *planes, const uint8_t *next,
                                const uint8_t *end, uint8_t *data) {
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
                        if (x < p->first_column || x >= p->last_column) continue;
                        if (y < p->first_row || y >= p->last_row) continue;
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
                dmt_jpeg_upsample_columns(p->samples + (size_t)y * p->stride, wide[c], from, to, p->width);
            } else {
                int32_t far = y & 1 ? y / 2 + 1 : y / 2 - 1;
                if (far < 0) far = 0;
                if (far >= p->height) far = p->height - 1;
                dmt_jpeg_upsample_both(p->samples + (size_t)(y / 2) * p->stride, p->samples + (size_t)far * p->stride,
                                       sums, wide[c], from, to, p->width);
            }
            chroma[c] = wide[c] + w->left;
        }
        dmt_jpeg_rgb_row(light, chroma[0], chroma[1], out, w->width);
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
    uint8_t *memory = dmt_scratch(SCRATCH_PLANES, total + room + length);
    code_pair *codes = dmt_scratch(SCRATCH_CODES, 2 * sizeof *codes);
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
    dmt_scratch_done(SCRATCH_PLANES);
    return ok;
}

#else
int dmt_jpeg_baseline(const struct jpeg_decompress_struct *d, const dmt_image_window *w, uint8_t *out,
                        size_t out_stride) {
    (void)d, (void)w, (void)out, (void)out_stride;
    return 0;
}
#endif
