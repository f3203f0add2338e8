// The band of a mask's pixels near its outline, from runs to runs.
#include "masks.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t start, end;
} span;

typedef struct {
    span *items;
    size_t count, room;
} spans;

static int add(spans *list, uint64_t start, uint64_t end) {
    if (start >= end) return 1;
    if (list->count && list->items[list->count - 1].end == start) {
        list->items[list->count - 1].end = end;
        return 1;
    }
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        span *grown = realloc(list->items, room * sizeof *grown);
        if (!grown) return 0;
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = (span){start, end};
    return 1;
}

// Rows that a mask reaches, counted inside the picture's columns.
static void rows_of(const spans *mask, uint64_t height, uint64_t *low, uint64_t *high) {
    *low = height;
    *high = 0;
    for (size_t i = 0; i < mask->count; i++) {
        const span s = mask->items[i];
        const int one_column = s.start / height == (s.end - 1) / height;
        const uint64_t top = one_column ? s.start % height : 0, bottom = one_column ? (s.end - 1) % height + 1 : height;
        if (top < *low) *low = top;
        if (bottom > *high) *high = bottom;
    }
}

// Pixels whose square of 2 d + 1 pixels a side lies inside the mask; nothing outside the picture does. `kept` counts,
// for each row, the columns up to the present one that survive the erosion down the column.
static int erode(const spans *mask, uint64_t height, uint64_t d, spans *inner) {
    const uint64_t first = mask->items[0].start / height, last = (mask->items[mask->count - 1].end - 1) / height;
    const uint64_t side = 2 * d + 1;
    uint64_t low, high;
    rows_of(mask, height, &low, &high);
    if (last - first + 1 < side || high - low < side) return 1;
    const uint64_t rows = high - low;
    uint32_t *kept = calloc(rows, sizeof *kept);
    uint8_t *column = malloc(rows);
    int good = kept && column;
    size_t at = 0;
    for (uint64_t x = first; x <= last && good; x++) {
        const uint64_t top = x * height + low, bottom = x * height + high;
        memset(column, 0, rows);
        while (at < mask->count && mask->items[at].start < bottom) {
            const span s = mask->items[at];
            const uint64_t start = s.start < top ? top : s.start, end = s.end > bottom ? bottom : s.end;
            if (end >= start + side) memset(column + (start - top) + d, 1, end - start - 2 * d);
            if (s.end > bottom) break;
            at++;
        }
        for (uint64_t y = 0; y < rows; y++) kept[y] = column[y] ? kept[y] + 1 : 0;
        if (x < first + 2 * d) continue;
        const uint64_t base = (x - d) * height + low;
        for (uint64_t y = 0; y < rows && good;) {
            if (kept[y] < side) {
                y++;
                continue;
            }
            const uint64_t start = y;
            while (y < rows && kept[y] >= side) y++;
            good = add(inner, base + start, base + y);
        }
    }
    free(kept);
    free(column);
    return good;
}

size_t dmt_rle_boundary(const uint32_t *runs, size_t count, size_t height, size_t width, size_t distance,
                        uint32_t **boundary) {
    const uint64_t total = (uint64_t)height * width;
    spans mask = {0}, inner = {0}, band = {0};
    int good = 1;
    uint64_t position = 0;
    for (size_t i = 0; i < count && good; i++) {
        uint64_t end = position + runs[i];
        if (end > total) end = total;
        if (i & 1) good = add(&mask, position, end);
        position = end;
    }
    if (good && mask.count) good = erode(&mask, height, distance, &inner);
    size_t next = 0;
    for (size_t i = 0; i < mask.count && good; i++) {
        uint64_t start = mask.items[i].start;
        for (; next < inner.count && inner.items[next].start < mask.items[i].end && good; next++) {
            good = add(&band, start, inner.items[next].start);
            start = inner.items[next].end;
        }
        good = good && add(&band, start, mask.items[i].end);
    }
    size_t made = 0;
    *boundary = good ? malloc((2 * band.count + 1) * sizeof **boundary) : NULL;
    if (*boundary) {
        position = 0;
        for (size_t i = 0; i < band.count; i++) {
            (*boundary)[made++] = (uint32_t)(band.items[i].start - position);
            (*boundary)[made++] = (uint32_t)(band.items[i].end - band.items[i].start);
            position = band.items[i].end;
        }
        if (position < total || made == 0) (*boundary)[made++] = (uint32_t)(total - position);
    }
    free(mask.items);
    free(inner.items);
    free(band.items);
    return made;
}
