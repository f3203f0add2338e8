#include "masks.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

size_t dmt_rle_encode(const uint8_t *columns, size_t count, uint32_t *runs) {
    size_t made = 0;
    uint32_t length = 0;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        const int now = columns[i] != 0;
        if (now != value) {
            runs[made++] = length;
            length = 0;
            value = now;
        }
        length++;
    }
    runs[made++] = length;
    return made;
}

size_t dmt_rle_encode_rows(const uint8_t *rows, size_t height, size_t width, uint32_t *runs) {
    size_t made = 0;
    uint32_t length = 0;
    int value = 0;
    for (size_t x = 0; x < width; x++)
        for (size_t y = 0; y < height; y++) {
            const int now = rows[y * width + x] != 0;
            if (now != value) {
                runs[made++] = length;
                length = 0;
                value = now;
            }
            length++;
        }
    runs[made++] = length;
    return made;
}

uint64_t dmt_rle_decode_rows(const uint32_t *runs, size_t count, size_t height, size_t width, uint8_t *rows) {
    memset(rows, 0, height * width);
    const uint64_t total = (uint64_t)height * width;
    uint64_t position = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t end = position + runs[i];
        if (i & 1) {
            const uint64_t stop = end < total ? end : total;
            if (position < stop) {
                size_t x = position / height, y = position % height;
                for (uint64_t p = position; p < stop; p++) {
                    rows[y * width + x] = 1;
                    if (++y == height) {
                        y = 0;
                        x++;
                    }
                }
            }
        }
        position = end;
    }
    return position;
}

uint32_t dmt_rle_area(const uint32_t *runs, size_t count) {
    uint32_t area = 0;
    for (size_t i = 1; i < count; i += 2) area += runs[i];
    return area;
}

uint64_t dmt_rle_total(const uint32_t *runs, size_t count) {
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) total += runs[i];
    return total;
}

// Quirk(COCO): unsigned arithmetic wraps when every foreground run is empty: (w, h, 2^32 + 1 - w, 2^32 + 1 - h).
void dmt_rle_box(const uint32_t *runs, size_t count, uint32_t height, uint32_t width, double box[4]) {
    const size_t paired = count / 2 * 2;
    if (paired == 0 || height == 0) {
        box[0] = box[1] = box[2] = box[3] = 0;
        return;
    }
    uint32_t left = width, top = height, right = 0, bottom = 0;
    // Column and row of the present position; runs are mostly shorter than a column, so a division is rare.
    // Quirk(COCO): positions wrap at 2^32.
    uint32_t position = 0, x = 0, y = 0;
    for (size_t i = 0; i < paired; i++) {
        const uint32_t first_x = x, first_y = y, start = position;
        position += runs[i];
        if (position < start) {
            x = position / height;
            y = position % height;
        } else {
            const uint64_t down = (uint64_t)y + runs[i];
            if (down < height) {
                y = (uint32_t)down;
            } else if (down < 2 * (uint64_t)height) {
                x++;
                y = (uint32_t)(down - height);
            } else {
                x += (uint32_t)(down / height);
                y = (uint32_t)(down % height);
            }
        }
        if (i % 2 == 0 || runs[i] == 0) continue;
        uint32_t last_x = x, last_y = y - 1;
        if (position == 0) {
            last_x = UINT32_MAX / height;
            last_y = UINT32_MAX % height;
        } else if (y == 0) {
            last_x = x - 1;
            last_y = height - 1;
        }
        if (first_x < left) left = first_x;
        if (last_x > right) right = last_x;
        if (first_x < last_x) {
            top = 0;
            bottom = height - 1;
        } else {
            if (first_y < top) top = first_y;
            if (last_y > bottom) bottom = last_y;
        }
    }
    box[0] = left;
    box[1] = top;
    box[2] = (uint32_t)(right - left + 1);
    box[3] = (uint32_t)(bottom - top + 1);
}

size_t dmt_rle_merge(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, int intersect,
                     uint32_t *runs) {
    uint32_t in_a = a_count ? a[0] : 0, in_b = b_count ? b[0] : 0, length = 0;
    size_t next_a = 1, next_b = 1, made = 0;
    int va = 0, vb = 0, value = 0;
    while (1) {
        const uint32_t step = in_a < in_b ? in_a : in_b;
        length += step;
        in_a -= step;
        in_b -= step;
        int moved = step > 0;
        if (in_a == 0 && next_a < a_count) {
            in_a = a[next_a++];
            va = !va;
            moved = 1;
        }
        if (in_b == 0 && next_b < b_count) {
            in_b = b[next_b++];
            vb = !vb;
            moved = 1;
        }
        const int stop = in_a == 0 && in_b == 0;
        // One mask is used up and the other is not: their totals differ, and the reference never returns.
        if (!moved && !stop) return 0;
        const int now = intersect ? va && vb : va || vb;
        if (now != value || stop) {
            runs[made++] = length;
            length = 0;
        }
        value = now;
        // Quirk(COCO): the reference stops at the first moment both current runs are empty.
        if (stop) return made;
    }
}

int dmt_rle_overlap(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *both,
                    uint32_t *either) {
    uint32_t in_a = a_count ? a[0] : 0, in_b = b_count ? b[0] : 0;
    uint32_t intersection = 0, joined = 0;
    size_t next_a = 1, next_b = 1;
    int va = 0, vb = 0;
    while (1) {
        const uint32_t step = in_a < in_b ? in_a : in_b;
        if (va | vb) {
            joined += step;
            if (va & vb) intersection += step;
        }
        int moved = step > 0;
        in_a -= step;
        in_b -= step;
        if (in_a == 0 && next_a < a_count) {
            in_a = a[next_a++];
            va = !va;
            moved = 1;
        }
        if (in_b == 0 && next_b < b_count) {
            in_b = b[next_b++];
            vb = !vb;
            moved = 1;
        }
        if (in_a == 0 && in_b == 0) break;
        if (!moved) return 0;
    }
    *both = intersection;
    *either = joined;
    return 1;
}

size_t dmt_rle_to_string(const uint32_t *runs, size_t count, char *text) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t value = runs[i];
        if (i > 2) value -= (int64_t)runs[i - 2];
        int more = 1;
        while (more) {
            int digit = (int)(value & 0x1f);
            value >>= 5;
            more = (digit & 0x10) ? value != -1 : value != 0;
            if (more) digit |= 0x20;
            text[length++] = (char)(digit + 48);
        }
    }
    text[length] = 0;
    return length;
}

// One number of COCO's string at `*at`. `*valid` becomes 0 where the string breaks its own rules.
static int64_t read_number(const uint8_t *text, size_t length, size_t *at, int *valid) {
    uint64_t value = 0;
    int shift = 0, more = 1;
    while (more) {
        if (*at >= length || text[*at] == 0) {
            *valid = 0;
            break;
        }
        const int8_t digit = (int8_t)(text[*at] - 48);
        if (text[*at] < 48 || text[*at] > 111) *valid = 0;
        // Quirk(COCO): the reference shifts a 32-bit digit, so shifts past 31 act modulo 32 on x86.
        value |= (uint64_t)(int64_t)(int32_t)((uint32_t)(digit & 0x1f) << (shift & 31));
        more = (digit & 0x20) != 0;
        ++*at;
        shift += 5;
        if (!more && (digit & 0x10)) value |= (uint64_t)(int64_t)(int32_t)(0xFFFFFFFFu << (shift & 31));
        if (shift > 35) *valid = 0;
    }
    return (int64_t)value;
}

int64_t dmt_rle_long_number(const uint8_t *text, size_t length, size_t *at) {
    int valid;
    return read_number(text, length, at, &valid);
}

size_t dmt_rle_from_string(const uint8_t *text, size_t length, uint32_t *runs, int *valid) {
    size_t made = 0, at = 0;
    *valid = 1;
    // Quirk(COCO): a zero byte ends the string.
    while (at < length && text[at] != 0) {
        int64_t run = read_number(text, length, &at, valid);
        if (made > 2) run += (int64_t)runs[made - 2];
        if (run < 0 || run > UINT32_MAX) *valid = 0;
        runs[made++] = (uint32_t)run;
    }
    return made;
}
