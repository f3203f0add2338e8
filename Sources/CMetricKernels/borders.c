// Masks as borders: the position where each run ends. Two masks are compared interval by interval, without the step by
// step walk that degenerate runs need.
#include "masks.h"

static void add(dmt_mask_facts *facts, uint32_t *borders, uint32_t run) {
    const uint32_t count = facts->count++;
    facts->total += run;
    borders[count] = (uint32_t)facts->total;
    if (count & 1) facts->area += run;
    // The first run of a mask may be empty: its first pixel is foreground then.
    facts->has_empty_runs |= run == 0 && count > 0;
}

dmt_mask_facts dmt_borders_from_runs(const uint32_t *runs, size_t count, uint32_t *borders) {
    dmt_mask_facts facts = {0};
    for (size_t i = 0; i < count; i++) add(&facts, borders, runs[i]);
    return facts;
}

dmt_mask_facts dmt_borders_from_string(const uint8_t *text, size_t length, uint32_t *borders) {
    dmt_mask_facts facts = {0};
    uint32_t previous = 0, before = 0;  // the last run and the one before it
    size_t at = 0;
    // Quirk(COCO): a zero byte ends the string, and no character is checked.
    while (at < length && text[at] != 0) {
        const uint32_t first = (uint8_t)(text[at] - 48);
        const uint32_t second = at + 1 < length ? (uint8_t)(text[at + 1] - 48) : 0;
        int64_t value;
        if (!(first & 0x20)) {
            value = (int64_t)(first & 0x1f) - ((first & 0x10) << 1);
            at++;
        } else if (at + 1 < length && text[at + 1] != 0 && !(second & 0x20)) {
            value = (int64_t)((first & 0x1f) | (second & 0x1f) << 5) - ((second & 0x10) << 6);
            at += 2;
        } else {
            value = dmt_rle_long_number(text, length, &at);
        }
        const int64_t run = value + (facts.count > 2 ? (int64_t)before : 0);
        before = previous;
        previous = (uint32_t)run;
        add(&facts, borders, previous);
    }
    return facts;
}

uint32_t dmt_borders_both(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
    const size_t a_end = a_count & ~(size_t)1, b_end = b_count & ~(size_t)1;
    uint32_t both = 0;
    // No branch inside: which of two intervals ends first is as good as random.
    for (size_t i = 0, j = 0; i < a_end && j < b_end;) {
        const uint32_t a_stop = a[i + 1], b_stop = b[j + 1];
        const uint32_t start = a[i] > b[j] ? a[i] : b[j];
        const uint32_t stop = a_stop < b_stop ? a_stop : b_stop;
        both += stop > start ? stop - start : 0;
        i += (size_t)(a_stop <= b_stop) << 1;
        j += (size_t)(b_stop <= a_stop) << 1;
    }
    return both;
}

void dmt_borders_box(const uint32_t *borders, size_t count, uint32_t height, double box[4]) {
    const size_t end = count & ~(size_t)1;
    if (end == 0 || height == 0) {
        box[0] = box[1] = box[2] = box[3] = 0;
        return;
    }
    const uint32_t left = borders[0] / height, right = (borders[end - 1] - 1) / height;
    uint32_t top = height, bottom = 0;
    uint64_t column = (uint64_t)left * height;  // position of the present column's first pixel
    for (size_t i = 0; i < end; i += 2) {
        if (borders[i] - column >= height) {
            column += height;
            // Mostly the next column; a division finds a later one.
            if (borders[i] - column >= height) column += (borders[i] - column) / height * height;
        }
        const uint64_t first = borders[i] - column, last = borders[i + 1] - 1 - column;
        if (last >= height) {
            top = 0;
            bottom = height - 1;
        } else {
            if (first < top) top = (uint32_t)first;
            if (last > bottom) bottom = (uint32_t)last;
        }
    }
    box[0] = left;
    box[1] = top;
    box[2] = right - left + 1;
    box[3] = bottom - top + 1;
}
